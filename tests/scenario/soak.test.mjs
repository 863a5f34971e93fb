// The long life in some seconds: everything but its length.

import assert from "node:assert/strict";
import process from "node:process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
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
