// Failures on purpose, as clients and operators meet them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect2, request2 } from "./support/client2.mjs";
import { startGateway } from "./support/gateway.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const routes = (enabled) => `
  routes:
  - name: drill
    match: /drill/*
    echo: {}
    policies:
    - faults: { enabled: ${enabled}, when: { headers: { X-Drill: abort } }, abort: { percent: 100, status: 502 } }
    - faults: { enabled: ${enabled}, when: { headers: { X-Drill: reset } }, reset: { percent: 100 } }
    - faults:
        enabled: ${enabled}
        when: { headers: { X-Drill: slow } }
        delay: { percent: 100, by: 100ms, jitter: 50ms }
        throttle: { percent: 100, bytes_per_second: 2KiB }
    - faults: { enabled: ${enabled}, when: { headers: { X-Drill: cut } }, truncate: { percent: 100, after: 10 } }
`;
const shown = async (gateway) => (await (await fetch(`${gateway.admin}/routes`)).json())[0].policies[0];
const drill = (gateway, name, options = {}) => gateway.get("/drill/x", { headers: { "X-Drill": name }, ...options });

test("nothing happens unless it is enabled, and a reload enables it", async (t) => {
  const gateway = await startGateway(t, routes(false));
  assert.equal((await drill(gateway, "abort")).status, 200);
  const before = await runRingway("explain", gateway.configFile, "/drill/x");
  assert.match(before.stdout, /faults .*off: abort 100% with 502; with X-Drill: abort/);
  const told = "abort 100% with 502; with X-Drill: abort";
  assert.deepEqual(await shown(gateway), { name: "faults", description: `off: ${told}` });
  await gateway.reload(routes(true));
  await eventually(async () => (await drill(gateway, "abort")).status === 502);
  assert.deepEqual(await shown(gateway), { name: "faults", description: told });
  assert.match(gateway.stderr, /on purpose, route drill: abort 100% with 502; with X-Drill: abort/);
  assert.equal((await gateway.get("/drill/x")).status, 200);
});

test("an abort is an answer, and is told in log and metrics", async (t) => {
  const gateway = await startGateway(t, routes(true));
  const answer = await drill(gateway, "abort");
  assert.equal(answer.status, 502);
  assert.equal(JSON.parse(answer.text).detail, "A fault on purpose.");
  const [line] = await gateway.accessLines(1, (each) => each.status === 502);
  assert.equal(line.fault, "abort");
  assert.equal(line.reason, "fault_on_purpose");
  assert.equal(await gateway.metric("ringway_faults_abort_total"), 1);
});

test("a reset ends the connection, and a cut body does not look whole", async (t) => {
  const gateway = await startGateway(t, routes(true));
  await assert.rejects(drill(gateway, "reset"), /ECONNRESET|socket hang up/);
  await assert.rejects(drill(gateway, "cut"), /ECONNRESET|cut|aborted/);
  const lines = await gateway.accessLines(2, (each) => each.aborted);
  assert.deepEqual(lines.map((each) => each.fault).sort(), ["reset", "truncate"]);
  assert.equal(await gateway.metric("ringway_faults_reset_total"), 1);
  assert.equal(await gateway.metric("ringway_faults_truncate_total"), 1);
  assert.equal((await gateway.get("/drill/x")).status, 200);
});

test("what is late and slow is whole, its body too", async (t) => {
  const gateway = await startGateway(t, routes(true));
  const body = "b".repeat(100000);
  const answer = await drill(gateway, "slow", { method: "POST", body });
  assert.equal(answer.status, 200);
  assert.equal(JSON.parse(answer.text).body_bytes, body.length);
  const [line] = await gateway.accessLines(1, (each) => each.status === 200);
  assert.equal(line.fault, "delay,throttle");
  assert.ok(line.duration_us >= 100000, `${line.duration_us}`);
});

test("over HTTP/2 a reset is one stream's, and the others go on", async (t) => {
  const gateway = await startGateway(t, routes(true));
  const session = await connect2(t, gateway.url);
  const ask = (name, options) => request2(session, "/drill/x", { headers: { "x-drill": name }, ...options });
  const slow = ask("slow", { method: "POST", body: "b".repeat(5000) });
  await assert.rejects(ask("reset"));
  assert.equal((await ask("none")).status, 200);
  const answer = await slow;
  assert.equal(answer.status, 200);
  assert.equal(JSON.parse(answer.text).body_bytes, 5000);
  const lines = await gateway.accessLines(2, (each) => each.fault);
  assert.deepEqual(lines.map((each) => each.fault).sort(), ["delay,throttle", "reset"]);
});
