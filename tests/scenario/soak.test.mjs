// The long life in some seconds: everything but its length.

import assert from "node:assert/strict";
import process from "node:process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Diary } from "../../scenarios/soak/diary.mjs";
import { judge } from "../../scenarios/soak/judge.mjs";
import { scratch } from "./support/cleanup.mjs";
import { ringway, root, run, sanitized } from "./support/run.mjs";

const runner = join(root, "scenarios/soak/run.mjs");
const soak = (...args) => run(process.execPath, [runner, "--ringway", ringway, ...args], { timeout: 120000 });

// Sanitizers keep what was freed, so that memory grows.
test("in small: every good request is answered, and nothing has grown", { skip: sanitized }, async (t) => {
  const looks = join(scratch(t), "looks");
  const { code, stdout, stderr } = await soak("--small", "--out", looks);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /upgrades +[1-9][^]*All as it should be/);
  const [first] = readFileSync(looks, "utf8").split("\n");
  assert.ok(JSON.parse(first).bytes > 1e6);
});

test("what is not as it should be is said, and fails the run", () => {
  const look = { workers: "1", bytes: 5e6, descriptors: 40, threads: 5, processes: 2, snapshots: 2 };
  const good = { failures: 0, alarms: 0, answered: 10, gateway: { reloads: 1, refused: 1, upgrades: 1 }, wanted: { answered: 1, reloads: 1, refused: 1, upgrades: 1 }, exit: { code: 0 } };
  const missed = (looks, other = {}) => judge({ ...good, ...other, looks }).filter(({ met }) => !met).map(({ what }) => what);
  assert.deepEqual(missed([look, look]), []);
  assert.deepEqual(missed([look, { ...look, bytes: 15e6 }]), ["memory grown, KiB"]);
  assert.deepEqual(missed([look, look, { ...look, workers: "2", descriptors: 50 }]), ["descriptors grown"]);
  assert.deepEqual(missed([look, { ...look, threads: 6 }]), ["threads grown"]);
  assert.deepEqual(missed([look, { ...look, snapshots: 3 }]), ["configurations kept in memory"]);
  assert.equal(missed([look], { failures: 1 }).length, 1);
  assert.equal(missed([look], { exit: { code: 1 } }).length, 1);
});

test("a request that failed is told with its kind and the change next to it", async () => {
  const told = [];
  const diary = new Diary(
    () => [process.pid],
    (failure) => told.push(failure),
  );
  const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", connection: "kept", stage: "wait", connectedAt: diary.now() });
  const cases = [
    [reset, "kept connection closed"],
    [Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", connection: "new", stage: "connect" }), "connection refused"],
    [Object.assign(new Error("aborted"), { code: "ECONNRESET", connection: "new", stage: "answer" }), "answer cut short"],
    [Object.assign(new Error("no answer within 20 s"), { connection: "new", stage: "wait" }), "no answer"],
    [Object.assign(new Error("status 504 upstream_response_timeout"), { status: 504 }), "another answer"],
  ];
  diary.changed("an upgrade began");
  for (const [error] of cases) diary.failed(diary.begin("get"), error);
  assert.deepEqual(told.map(({ failed }) => failed), cases.map(([, kind]) => kind));
  assert.match(diary.takeNews()[0], /after an upgrade began: get over a kept connection: kept connection closed/);
  assert.deepEqual(diary.takeNews(), []);
  diary.changed("kill of process 1");
  diary.failed(diary.begin("get"), reset);
  assert.deepEqual([diary.count, diary.lost], [cases.length, 1]);
  diary.failed(diary.begin("get"), { ...reset, message: "", connectedAt: diary.now() + 1 });
  assert.equal(diary.count, cases.length + 1);
  diary.clock.stop();
});

test("wrong words", async () => {
  for (const [args, told] of [
    [["--minutes", "x"], /--minutes: "x" is not a number/],
    [["--rate", "0"], /--rate: more than 0/],
    [["--nice", "20"], /19 at the most/],
    [["--wrong"], /wrong/],
    [["--ringway", "/none"], /\/none is not there/],
  ]) {
    const { code, stderr } = await run(process.execPath, [runner, ...args]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, told);
  }
});
