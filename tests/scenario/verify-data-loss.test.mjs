// `ringway verify`: writes that were acknowledged are read back when the faults are over. Real stores,
// each set up to keep what it acknowledges, and to lose it when it is killed: the verdict has to turn.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { scratch } from "./support/cleanup.mjs";
import { yaml } from "./support/gateway.mjs";
import { freePorts } from "./support/ports.mjs";
import { preparePostgres } from "./support/postgres.mjs";
import { ringway, run } from "./support/run.mjs";

const keeper = fileURLToPath(new URL("support/keeper-origin.mjs", import.meta.url));
const words = (command) => command.map((word) => JSON.stringify(word)).join(", ");
const target = `at_most: 0, method: PUT, path: "/orders/{number}", read: "/orders/{number}"`;

// The store is killed while writes go to it. `kind`: as keeper-origin.mjs knows it.
async function judge(t, { kind, command = [], environment = [], loss = target, fault = `cause: kill, on: store` }) {
  const folder = scratch(t);
  const [port, app, store] = await freePorts(3);
  writeFileSync(
    join(folder, "gateway.yaml"),
    yaml(`
      listeners: [{ address: "127.0.0.1:${port}" }]
      routes: [{ upstream: app }]
      upstreams: [{ name: app, endpoints: ["127.0.0.1:${app}"] }]
      threads: 1`),
  );
  const behind = `{ name: store, kind: database, address: "127.0.0.1:${store}", command: [${words(command)}], start_timeout: 1m }`;
  const front = [...environment, process.execPath, keeper, "{port}", kind, store];
  writeFileSync(
    join(folder, "acceptance.yaml"),
    yaml(`
      gateway: gateway.yaml
      url: http://127.0.0.1:${port}
      servers:
        ${command.length ? `- ${behind}` : ""}
        - { name: app, address: "127.0.0.1:${app}", command: [${words(front)}] }
      load: { rate: 20, duration: 1s, warmup: 0s, connections: 2, arrivals: even }
      faults: [{ ${fault}, before: 500ms, for: 300ms }]
      repetitions: 1
      targets: [{ data_loss: { ${loss} } }]`),
  );
  const { stdout, stderr, code } = await run(ringway, ["verify", "--json", join(folder, "acceptance.yaml")], { timeout: 120000 });
  assert.equal(stderr, "");
  const report = JSON.parse(stdout);
  assert.equal(report.failed, "");
  return { ...report.targets[0], writes: report.writes, code, pair: report.coverage.of.find((one) => one.observed) };
}

async function keeps(t, store) {
  const { result, writes, code, pair, reason } = await judge(t, store);
  assert.deepEqual([result, writes.lost, writes.unread, code], ["met", 0, 0, 0], reason);
  assert.ok(writes.acknowledged > 10, JSON.stringify(writes));
  assert.ok(pair.observed > 0, "the store was seen to be killed");
}

async function loses(t, store) {
  const { result, measured, writes, code, reason } = await judge(t, store);
  assert.deepEqual([result, code], ["not_met", 1], reason);
  assert.equal(measured, writes.lost);
  assert.ok(writes.lost > 0 && writes.lost <= writes.acknowledged, JSON.stringify(writes));
}

async function isBlind(t, store, why) {
  const { result, measured, reason, code } = await judge(t, store);
  assert.deepEqual([result, measured, code], ["unjudged", null, 1]);
  assert.match(reason, why);
}

const redis = (t, ...more) => ["redis-server", "--bind", "{host}", "--port", "{port}", "--dir", scratch(t), "--save", "", ...more];

async function postgres(t, ...more) {
  const { command } = await preparePostgres(t, "CREATE TABLE orders (number bigint PRIMARY KEY);\n");
  return [...command, ...more];
}

function nats(t) {
  const store = join(scratch(t), "jetstream");
  mkdirSync(store);
  return ["nats-server", "--addr", "{host}", "--port", "{port}", "-js", "-sd", store];
}

describe("verify: data loss", { concurrency: 5 }, () => {
  test("PostgreSQL keeps what it has committed", async (t) => keeps(t, { kind: "postgres", command: await postgres(t) }));

  test("and does not where commits do not wait for the log", async (t) =>
    loses(t, { kind: "postgres", command: await postgres(t, "-c", "synchronous_commit=off", "-c", "wal_writer_delay=10s") }));

  test("Redis keeps what its log has", (t) =>
    keeps(t, { kind: "redis", command: redis(t, "--appendonly", "yes", "--appendfsync", "always") }));

  test("and nothing without one", (t) => loses(t, { kind: "redis", command: redis(t, "--appendonly", "no") }));

  test("NATS keeps a stream in files", (t) => keeps(t, { kind: "nats", command: nats(t) }));

  test("and not one in memory", (t) => loses(t, { kind: "nats", command: nats(t), environment: ["env", "STORAGE=memory"] }));

  test("reads that find everything show nothing", (t) =>
    isBlind(t, { kind: "none", fault: "cause: kill, on: app" }, /finds a write that nobody made/));

  test("nor do reads that find nothing", (t) =>
    isBlind(t, { kind: "redis", command: redis(t), loss: target.replace(`read: "/orders/`, `read: "/nowhere/1`) }, /could not be made and read back/));

  test("nor does a server that does not count", (t) =>
    isBlind(t, { kind: "none", loss: "at_most: 0", fault: "cause: kill, on: app" }, /no built-in server counts the writes, and `read`/));
});
