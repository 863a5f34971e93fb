// Where the results of `load`, `verify`, `simulate` go: what cannot be written is told, and never half
// there; on a terminal the line that tells how far it is fits its width.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { scratch } from "./support/cleanup.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePorts } from "./support/ports.mjs";
import { ringway, run } from "./support/run.mjs";

const example = (name) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
const noTerminal = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0 ? false : "NO script (util-linux), or no pseudo-terminals";
const shell = (command) => run("sh", ["-c", command], { timeout: 60000 });

async function acceptance(t) {
  const folder = scratch(t);
  const [port] = await freePorts(1);
  writeFileSync(
    join(folder, "a.yaml"),
    `url: http://127.0.0.1:${port}
servers: [{ name: app, address: "127.0.0.1:${port}", origin: {} }]
load: { name: a load whose name is longer than it should be, rate: 50, duration: 1s, warmup: 0s }
repetitions: 1
targets: [{ concurrency: { at_least_connections: 1 } }]
`,
  );
  return join(folder, "a.yaml");
}

describe("results", { concurrency: 2 }, () => {
  test("on a full disk are told as lost", async (t) => {
    const { address } = await startOrigin(t);
    for (const [verb, command] of [
      ["load", `load -d 100ms -c 1 http://${address}/`],
      ["verify", `verify --json ${await acceptance(t)}`],
      ["simulate", `simulate --quiet ${example("simulation.yaml")}`],
      ["schema", "schema"],
      ["load", "load --help"],
    ]) {
      const { code, stderr } = await shell(`${ringway} ${command} > /dev/full`);
      assert.deepEqual([code, stderr], [1, `ringway ${verb}: standard output cannot be written: No space left on device\n`]);
    }
  });

  test("that do not fit are not there by halves", async (t) => {
    const { address } = await startOrigin(t);
    const file = join(scratch(t), "r.html");
    // A limit on the size of a file is told as a full disk is; dash counts in blocks of 512 bytes.
    const { code, stdout, stderr } = await shell(`trap '' XFSZ; ulimit -f 4; ${ringway} load -r 10 -d 100ms -c 1 --out ${file} http://${address}/`);
    assert.equal(code, 1);
    assert.match(stderr, /r\.html cannot be written: File too large/);
    assert.match(stdout, /1 sent, 1 answered/, "what was measured is told all the same");
    assert.equal(existsSync(file), false);
  });

  test("progress fits the terminal", { skip: noTerminal }, async (t) => {
    const { address } = await startOrigin(t);
    for (const [columns, command] of [
      [80, `load -r 50 -d 2s -c 2 http://${address}/`],
      [30, `load -r 50 -d 2s -c 2 http://${address}/`],
      [30, `verify ${await acceptance(t)}`],
      [9, `simulate ${example("simulation.yaml")}`],
    ]) {
      const { stdout } = await run("script", ["-qec", `stty cols ${columns}; ${ringway} ${command}`, "/dev/null"], { timeout: 60000 });
      const shown = stdout.split("\r\x1b[K").slice(1, -1);
      assert.ok(shown.length > 0, stdout);
      for (const line of shown) assert.ok(line.length < columns && !line.includes("\n"), `${columns}: "${line}"`);
    }
    const { stderr } = await run(ringway, ["load", "-r", "10", "-d", "600ms", `http://${address}/`]);
    assert.equal(stderr, "", "and there is none without");
  });
});
