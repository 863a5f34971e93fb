// The million in small: everything but its size. What it promises of latency and memory is not judged here.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { scratch } from "./support/cleanup.mjs";
import { ringway } from "./support/run.mjs";

const runner = fileURLToPath(new URL("../../scenarios/million/run.mjs", import.meta.url));
const origin = join(dirname(ringway), "bench/bench_origin_h2");
// Sanitizers have builds without the bench.
const skip = existsSync(origin) ? false : "the bench's origin is not built";

function run(...args) {
  return new Promise((resolve) => {
    execFile(process.execPath, [runner, "--ringway", ringway, ...args], { timeout: 150000 }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

describe("the million", { skip }, () => {
  test("in small: nothing is lost, and the page says so", async (t) => {
    const page = join(scratch(t), "MILLION.md");
    const { code, stdout, stderr } = await run("--small", "--out", page);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /2,000 connections at once[^]*connections open at once +2,000 .*met/);
    assert.match(stdout, /4,000 requests under way at once[^]*held by the origin +4,000 .*met/);
    assert.match(stdout, /600 connections of wrk and h2load[^]*answers to h2load that the gateway counted +6,000 .*met/);
    const text = readFileSync(page, "utf8");
    assert.match(text, /\| Promises \| all kept \|/);
    assert.equal(text.match(/^## /gm).length, 3);
    assert.match(text, /```mermaid\nxychart-beta/);
  });

  test("a promise that is not kept fails the run", async () => {
    const { code, stdout } = await run("--only", "requests", "--requests", "500", "--hold", "1", "--out", "/dev/null");
    assert.match(stdout, /gateway for each, all of it +[\d,]+ bytes +at most 2,048 bytes +MISSED/); // what a process has by itself
    assert.equal(code, 1);
  });

  test("limits that are too low are named with the command; wrong words", async () => {
    const low = await run("--connections", "90000000", "--only", "connections");
    assert.match(low.stdout, /too low: free memory in MiB is \d+, needed \d+: .*\n {2}a machine with more memory/);
    assert.equal(low.code, 3);
    for (const [args, told] of [
      [["--only", "all"], /--only: "all" is none of connections, requests, tools/],
      [["--rate", "x"], /--rate: "x" is not a number/],
      [["--origin", "/none"], /\/none is not there/],
      [["--wrong"], /wrong/],
    ]) {
      const { code, stderr } = await run(...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, told);
    }
  });
});
