// Requests of clients from some countries stay in some regions: by database and by list, provable from
// the log, also when that is all that fails.

import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scratch } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { countryDatabase } from "./support/mmdb.mjs";
import { startOrigin } from "./support/origin.mjs";
import { openRaw } from "./support/raw.mjs";
import { runRingway } from "./support/run.mjs";

const countries = [
  ["192.0.2.0/24", { iso_code: "DE", is_in_european_union: true }],
  ["198.51.100.0/24", { iso_code: "US" }],
  ["203.0.113.0/24", { iso_code: "CU" }],
  ["2001:db8:1::/48", { iso_code: "FR", is_in_european_union: true }],
];

async function start(t, more = "") {
  const folder = scratch(t);
  const database = join(folder, "countries.mmdb");
  writeFileSync(database, countryDatabase(countries));
  const [eu, us] = await Promise.all(
    ["eu", "us"].map((name) => startOrigin(t, { name, answer: (_, response) => response.end(name) })),
  );
  const config = (g, rules = `
          - { name: eu-stays, clients: [EU], regions: ["eu-*"] }
          - { name: embargo, clients: [CU], refuse: true }
          - { name: strangers, clients: [unknown], regions: [us-east-1] }`) => `
listeners: [{ name: web, address: "127.0.0.1:${g.port}", trusted_proxies: [127.0.0.1], reason_header: true }]
policies:
  - name: gdpr
    residency:
      database: ${database}
      networks: [{ country: AT, networks: [10.0.0.0/8] }, { country: US, networks: [10.9.0.0/16] }]
      rules:${rules}
routes:
  - upstream: app
    policies: [gdpr]
    upgrade: [chat]
upstreams:
  - name: app
    retries: { tries: 2, on: [connect, reset] }
    passive_health: { failures: 2, eject: 60s, eject_percent_max: 100, all_out: refuse }
    endpoints:
      - { address: "${eu.address}", region: eu-west-1 }
      - { address: "${us.address}", region: us-east-1 }
${more}`;
  const gateway = await startGateway(t, config);
  const from = (client, path = "/") => gateway.get(path, { headers: { "x-forwarded-for": client } });
  return { gateway, from, eu, us, config, database };
}

const tell = async (gateway, path) => (await gateway.accessLines(1, (line) => line.path === path))[0];

test("each client goes where its rule lets it, and the log proves it", async (t) => {
  const { gateway, from } = await start(t);
  const cases = [
    ["192.0.2.7", "EU/DE", "eu-stays", "eu-west-1"],
    ["2001:db8:1::5", "EU/FR", "eu-stays", "eu-west-1"],
    ["10.1.2.3", "EU/AT", "eu-stays", "eu-west-1"],
    ["100.64.0.1", "unknown", "strangers", "us-east-1"],
    ["2001:db8:2::5", "unknown", "strangers", "us-east-1"],
  ];
  for (const [i, [client, place, rule, region]] of cases.entries()) {
    for (let again = 0; again < 4; again++) assert.equal((await from(client, `/${i}`)).text, region.slice(0, 2));
    const lines = await gateway.accessLines(4, (line) => line.path === `/${i}`);
    for (const line of lines) assert.deepEqual([line.client_place, line.residency, line.endpoint_region], [place, rule, region]);
  }
  // No rule: both, and the log has the place all the same.
  const seen = new Set();
  for (const client of ["198.51.100.1", "10.9.1.1"]) for (let i = 0; i < 4; i++) seen.add((await from(client, "/us")).text);
  assert.deepEqual([...seen].sort(), ["eu", "us"]);
  const free = await tell(gateway, "/us");
  assert.equal(free.client_place, "US");
  assert.equal(free.residency, undefined);

  const refused = await from("203.0.113.9", "/cu");
  assert.equal(refused.status, 451);
  assert.equal(refused.headers["x-ringway-reason"], "residency_refused");
  assert.equal(refused.headers["content-type"], "application/problem+json");
  const line = await tell(gateway, "/cu");
  assert.deepEqual([line.reason, line.client_place, line.residency, line.endpoint], ["residency_refused", "CU", "embargo", undefined]);
  assert.equal(await gateway.metric("ringway_residency_refused_total"), 1);
  assert.equal(await gateway.metric("ringway_residency_kept_total"), 20);
  assert.equal(await gateway.metric("ringway_residency_unknown_total"), 8);
});

test("a WebSocket is bound as well", async (t) => {
  const { gateway, eu } = await start(t);
  const held = [];
  eu.server.on("upgrade", (request, socket) => {
    held.push(socket);
    socket.on("error", () => {});
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
  });
  const raw = await openRaw(gateway.port);
  raw.write("GET /chat HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
  await raw.head();
  held[0].end();
  raw.finish();
  const line = await tell(gateway, "/chat");
  assert.deepEqual([line.status, line.client_place, line.residency, line.endpoint_region], [101, "EU/DE", "eu-stays", "eu-west-1"]);
});

test("when the region is down its clients get 503, and nobody else sees their requests", async (t) => {
  const { gateway, from, eu, us } = await start(t);
  await eu.stop();
  const before = us.requests.length;
  for (let i = 0; i < 6; i++) {
    const { status, headers } = await from("192.0.2.7");
    assert.ok(status === 502 || status === 503, String(status));
    if (i > 2) assert.equal(headers["x-ringway-reason"], "residency_no_endpoint");
  }
  assert.equal(us.requests.length, before);
  assert.equal((await from("198.51.100.1")).text, "us");
  assert.ok((await gateway.metric("ringway_residency_no_endpoint_total")) > 0);
});

test("a new database is in force after a reload", async (t) => {
  const { gateway, from, database } = await start(t);
  assert.equal((await from("192.0.2.7")).text, "eu");
  writeFileSync(`${database}.new`, countryDatabase([["192.0.2.0/24", { iso_code: "CU" }]]));
  renameSync(`${database}.new`, database);
  await gateway.reload();
  assert.equal((await from("192.0.2.7")).status, 451);
  // One that is broken leaves what is.
  writeFileSync(`${database}.new`, "no database");
  renameSync(`${database}.new`, database);
  const told = await runRingway("check", gateway.configFile);
  assert.match(told.stderr + told.stdout, /database .*countries\.mmdb: it is no MaxMind database/);
});

test("a database that is written over in place: what was loaded goes on, until a reload", async (t) => {
  const { gateway, from, database } = await start(t);
  assert.equal((await from("192.0.2.7")).text, "eu");
  writeFileSync(database, "");
  assert.equal((await from("192.0.2.7")).text, "eu");
  const told = await runRingway("check", gateway.configFile);
  assert.match(told.stderr + told.stdout, /database .*countries\.mmdb: /);
  writeFileSync(database, countryDatabase([["192.0.2.0/24", { iso_code: "CU" }]]));
  assert.equal((await from("192.0.2.7")).text, "eu");
  await gateway.reload();
  assert.equal((await from("192.0.2.7")).status, 451);
});

test("a rule that leaves a route no endpoint is a mistake; others have their places; explain", async (t) => {
  const { gateway, config } = await start(t);
  const told = await runRingway("explain", gateway.configFile, "/");
  assert.match(told.stdout, /eu-stays: EU only to eu-\*; embargo: CU get 451; .*\(database of 2026-01-01\)/);
  for (const [rules, message] of [
    [`\n          - { name: asia, clients: [JP], regions: ["ap-*"] }`, /:8:\d+: .*the rule "asia" leaves no endpoint of the upstream "app", to which the route "route-1" sends requests/],
    [`\n          - { name: x, clients: [Germany], regions: ["eu-*"] }`, /"Germany" is neither a country/],
    [`\n          - { name: x, clients: [UK], regions: ["eu-*"] }`, /"UK" is neither a country .*; did you mean GB\?/],
    [`\n          - { name: x, clients: [DE] }`, /expected either "regions" or "refuse: true"/],
    [`\n          - { name: x, clients: [any], refuse: true }\n          - { name: y, clients: [DE], refuse: true }`, /never reached/],
    [" []", /expected 1 to 64 rules/],
  ]) {
    gateway.configure(config(gateway, rules));
    const { code, stdout, stderr } = await runRingway("check", gateway.configFile);
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, message);
  }
  const text = config(gateway).replace("{ country: US, networks: [10.9.0.0/16] }", "{ country: US, networks: [10.0.0.0/8] }");
  gateway.configure(text);
  const twice = await runRingway("check", gateway.configFile);
  assert.equal(twice.code, 2);
  assert.match(twice.stderr, /ringway\.yaml:\d+:\d+: the network 10\.0\.0\.0\/8 is said to be in (AT and in US|US and in AT)\n/);
});
