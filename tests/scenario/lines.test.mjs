// What connections to servers ask of the kernel, and several lines to the same servers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { json } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

// Says from where it is asked; `cut` addresses are hung up on.
async function startWitness(t) {
  const cut = new Set();
  const origin = await startOrigin(t, { answer: (request, response) => response.end(request.socket.remoteAddress) });
  origin.server.prependListener("connection", (socket) => cut.has(socket.remoteAddress) && socket.destroy());
  return Object.assign(origin, { cut });
}

async function count(gateway, times) {
  const counts = {};
  for (let i = 0; i < times; i++) {
    const { status, text } = await gateway.get("/");
    assert.equal(status, 200);
    counts[text] = (counts[text] ?? 0) + 1;
  }
  return counts;
}

test("source and interface are those that were asked for", async (t) => {
  const origin = await startWitness(t);
  const gateway = await startGateway(
    t,
    `
routes: [{ upstream: app }]
upstreams:
  - name: app
    endpoints: ["${origin.address}"]
    tcp: { source: 127.0.0.2, interface: lo, congestion: reno, user_timeout: 5s, keepalive: { idle: 30s } }
    health: { path: /, interval: 5s }
`,
  );
  assert.deepEqual(await count(gateway, 3), { "127.0.0.2": 3 });
  const told = await runRingway("explain", gateway.configFile, "/");
  assert.match(told.stdout, /path +\S+: from 127\.0\.0\.2, interface lo, congestion control reno/);
});

test("lines share by weight, have their own health, and the reserve comes last", async (t) => {
  const origin = await startWitness(t);
  const gateway = await startGateway(
    t,
    `
threads: 1
routes: [{ upstream: app }]
upstreams:
  - name: app
    endpoints: ["${origin.address}"]
    connections: { idle_max: 0 }
    passive_health: { failures: 1, eject: 60s, eject_percent_max: 100 }
    lines:
      - { name: fast, source: 127.0.0.2, weight: 3 }
      - { name: slow, source: 127.0.0.3 }
      - { name: reserve, source: 127.0.0.4, priority: 1 }
`,
  );
  assert.deepEqual(await count(gateway, 40), { "127.0.0.2": 30, "127.0.0.3": 10 });
  const [line] = await gateway.accessLines();
  assert.match(line.endpoint, /^127\.0\.0\.1:\d+ via (fast|slow)$/);
  origin.cut.add("127.0.0.2");
  await count(gateway, 10); // the retries find the other lines
  const after = await count(gateway, 20);
  assert.equal(after["127.0.0.2"], undefined);
  origin.cut.add("127.0.0.3");
  await count(gateway, 10);
  assert.deepEqual(await count(gateway, 10), { "127.0.0.4": 10 });
});

test("by score: the cheaper line, as long as it is not worse by more than the price", async (t) => {
  const origin = await startWitness(t);
  const gateway = await startGateway(
    t,
    `
threads: 1
routes: [{ upstream: app }]
upstreams:
  - name: app
    endpoints: ["${origin.address}"]
    balance: path
    cost_weight: 10s
    passive_health: { failures: 1, eject: 60s, eject_percent_max: 100 }
    lines:
      - { name: dear, source: 127.0.0.2, cost_per_gb: "0.09" }
      - { name: cheap, source: 127.0.0.3, cost_per_gb: "0.01" }
`,
  );
  assert.deepEqual(await count(gateway, 20), { "127.0.0.3": 20 });
  const endpoints = (await json(`${gateway.admin}/upstreams`))[0].endpoints;
  const cheap = endpoints.find(({ line }) => line === "cheap");
  assert.ok(cheap.rtt_us > 0 && cheap.score_us === cheap.rtt_us + 100000, JSON.stringify(cheap));
  assert.ok((await gateway.metric("ringway_upstream_path_rtt_seconds", { endpoint: cheap.address })) > 0);
  origin.cut.add("127.0.0.3");
  for (const socket of origin.sockets) socket.destroy();
  await count(gateway, 5);
  assert.deepEqual(await count(gateway, 10), { "127.0.0.2": 10 });
});

test("a source or an interface that this machine does not have: the log says so, and the other line takes all", async (t) => {
  const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
  const gateway = await startGateway(
    t,
    `
routes: [{ match: /source, upstream: source }, { match: /interface, upstream: interface }, { match: /lines, upstream: lines }]
upstreams:
  - { name: source, endpoints: ["${origin.address}"], tcp: { source: 203.0.113.5 } }
  - { name: interface, endpoints: ["${origin.address}"], tcp: { interface: nosuch0 } }
  - { name: lines, endpoints: ["${origin.address}"], lines: [{ name: gone, source: 203.0.113.5 }, { name: there, source: 127.0.0.3 }] }
`,
  );
  const warnings = [
    [/:(\d+:\d+): upstream source: this machine does not have the source address 203\.0\.113\.5$/, /tcp: \{ source: (203)/],
    [/:(\d+:\d+): upstream interface: this machine does not have the interface nosuch0$/, /interface: (nosuch0)/],
    [/:(\d+:\d+): upstream lines: this machine does not have the source address 203\.0\.113\.5$/, /gone, source: (203)/],
  ];
  const text = readFileSync(gateway.configFile, "utf8");
  const checked = await runRingway("check", gateway.configFile);
  assert.equal(checked.code, 0, "another machine may have them");
  const lines = checked.stderr.trimEnd().split("\n").map((line) => line.replace(" warning:", ""));
  assert.equal(lines.length, warnings.length, checked.stderr);
  const places = (told, pattern) => told.map((line) => pattern.exec(line)?.[1]).filter(Boolean);
  for (const [pattern, where] of warnings) {
    const before = text.slice(0, where.exec(text).index + where.exec(text)[0].length - where.exec(text)[1].length);
    const place = `${before.split("\n").length}:${before.length - before.lastIndexOf("\n")}`;
    assert.deepEqual(places(lines, pattern), [place], pattern);
    const logged = gateway.logLines().map(({ level, message }) => `${level} ${message}`);
    assert.deepEqual(places(logged.filter((line) => line.startsWith("warn ")), pattern), [place], `the log: ${pattern}`);
  }
  const explained = async (path) => /^ +path .*$/m.exec((await runRingway("explain", gateway.configFile, path)).stdout)[0];
  assert.match(await explained("/source"), /; this machine does not have the source address$/);
  assert.match(await explained("/interface"), /; this machine does not have the interface$/);
  assert.match(await explained("/lines"), / via gone: from 203\.0\.113\.5, .*; this machine does not have the source address$/);
  const tells = (pattern) => eventually(() => gateway.logLines().some(({ message }) => pattern.test(message)), { within: 30000, what: `the log has ${pattern}` });
  assert.equal((await gateway.get("/source")).status, 502);
  await tells(/upstream_connect_failed: this machine does not have the source address of `tcp\.source` or of the line/);
  assert.equal((await gateway.get("/interface")).status, 502);
  await tells(/upstream_connect_failed: this machine does not have the interface of `tcp.interface` or of the line/);
  for (let i = 0; i < 10; i++) assert.equal((await gateway.get("/lines")).status, 200);
});

test("mistakes have their places", async (t) => {
  const gateway = await startGateway(t, "routes: [{ respond: { body: x } }]\n");
  const upstream = (more) => `routes: [{ upstream: app }]\nupstreams:\n  - name: app\n    endpoints: ["127.0.0.1:1"]\n    ${more}\n`;
  for (const [more, message] of [
    ["tcp: { congestion: nosuch }", /:5:\d+: .*the kernel has no congestion control "nosuch"; it has: .*reno/],
    ["tcp: { source: example.com }", /upstreams\[0\]\.tcp\.source: expected an IP address without a port, not "example.com"/],
    ["tcp: { keepalive: { idle: 1500ms } }", /keepalive\.idle: expected whole seconds/],
    ['lines: [{ name: a, cost_per_gb: "cheap" }]', /cost_per_gb: expected a decimal number/],
    ["lines: [{ name: a, weight: 0 }]", /every line has the weight 0/],
    ["lines: [{ name: a }, { name: a }]", /lines\[1\]\.name/],
    ['tcp: { source: "::1" }', /:4:17: .*"127\.0\.0\.1:1" is never reached: every way to it begins at a source address of another family/],
    ['tcp: { source: "::1" }\n    lines: [{ name: a }, { name: b, source: "::2" }]', /:4:17: .*"127\.0\.0\.1:1" is never reached/],
  ]) {
    gateway.configure(upstream(more));
    const { code, stdout, stderr } = await runRingway("check", gateway.configFile);
    assert.notEqual(code, 0, more);
    assert.match(stdout + stderr, message);
  }
});
