// `ringway verify`: a database and a broker behind the upstream, which only the file knows of, are
// killed and stand still. PostgreSQL and NATS, and a server that needs both for each answer.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { scratch } from "./support/cleanup.mjs";
import { yaml } from "./support/gateway.mjs";
import { freePorts } from "./support/ports.mjs";
import { preparePostgres } from "./support/postgres.mjs";
import { ringway, run } from "./support/run.mjs";

const shop = fileURLToPath(new URL("support/shop-origin.mjs", import.meta.url));
const words = (command) => command.map((word) => JSON.stringify(word)).join(", ");
const count = (text, what) => text.split(what).length - 1;

// `faults`: [cause, on]. Each has to be seen at the other side, and felt by who asks the gateway. What
// both servers said of themselves is returned.
async function judge(t, faults) {
  const folder = scratch(t);
  const [port, app, orders, events] = await freePorts(4);
  const postgres = await preparePostgres(t, "CREATE TABLE orders (number bigserial PRIMARY KEY);\n");
  const brokerLog = join(folder, "nats.log");
  writeFileSync(
    join(folder, "gateway.yaml"),
    yaml(`
      listeners: [{ address: "127.0.0.1:${port}" }]
      routes: [{ upstream: app }]
      upstreams: [{ name: app, endpoints: ["127.0.0.1:${app}"] }]
      threads: 1`),
  );
  writeFileSync(
    join(folder, "acceptance.yaml"),
    yaml(`
      gateway: gateway.yaml
      url: http://127.0.0.1:${port}
      servers:
        - { name: orders, kind: database, address: "127.0.0.1:${orders}", command: [${words(postgres.command)}], start_timeout: 1m }
        - { name: events, kind: broker, address: "127.0.0.1:${events}", command: [nats-server, --addr, "{host}", --port, "{port}", --log, ${brokerLog}] }
        - { name: app, address: "127.0.0.1:${app}", command: [${words([process.execPath, shop, "{port}", orders, events])}] }
      load: { rate: 50, duration: 1s, warmup: 1s, connections: 10, arrivals: even }
      faults: [${faults.map(([cause, on]) => `{ cause: ${cause}, on: ${on}, before: 500ms, for: 500ms }`).join(", ")}]
      repetitions: 1
      targets: [{ error_rate: { at_most_percent: 5 } }, { recovery_time: { at_most: 1m } }]`),
  );
  const { stdout, stderr } = await run(ringway, ["verify", "--json", join(folder, "acceptance.yaml")], { timeout: 120000 });
  assert.equal(stderr, "");
  const report = JSON.parse(stdout);
  assert.equal(report.failed, "");
  const [quiet] = report.loads;
  assert.ok(quiet.answered - quiet.failed > 25, "orders are stored while both are there");
  for (const [cause, on] of faults) {
    const pair = report.coverage.of.find((one) => one.fault === cause && one.dependency === on);
    assert.match(pair.state, /passed|failed/, JSON.stringify(pair));
    assert.ok(pair.observed > 0, JSON.stringify(pair));
    assert.ok(pair.failed_traffic_seconds > 0, `felt by who asks: ${JSON.stringify(pair)}`);
  }
  return { database: readFileSync(postgres.log, "utf8"), broker: readFileSync(brokerLog, "utf8") };
}

describe("verify", { concurrency: 2 }, () => {
  test("a database and a broker are killed, and come back", async (t) => {
    const { database, broker } = await judge(t, [
      ["kill", "orders"],
      ["kill", "events"],
    ]);
    // They were there for the loads, again for the faults, and once more after their end.
    assert.equal(count(database, "ready to accept connections"), 3, database);
    assert.equal(count(database, "was interrupted"), 1, `PostgreSQL knows that it was killed:\n${database}`);
    assert.equal(count(broker, "Server is ready"), 3, broker);
  });

  // One process alone would not do: others of PostgreSQL have the connections.
  test("a database stands still with all its processes", async (t) => {
    const { database } = await judge(t, [["stop", "orders"]]);
    assert.equal(count(database, "was interrupted"), 0, database);
  });
});
