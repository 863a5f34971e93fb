// The servers behind: which one takes a request, what becomes of one that fails, and what when none is
// left or all are busy.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { scratch } from "./support/cleanup.mjs";
import { json, request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { onHeads, startOrigin, startRawOrigin } from "./support/origin.mjs";
import { freePorts } from "./support/ports.mjs";
import { openRaw } from "./support/raw.mjs";
import { run } from "./support/run.mjs";
import { eventually, sleep } from "./support/wait.mjs";

const named = (t, names) => Promise.all(names.map((name) => startOrigin(t, { name, answer: (_, response) => response.end(name) })));
const list = (origins) => `[${origins.map((origin) => `"${origin.address}"`).join(", ")}]`;
const upstream = (origins, more = "") => `
routes: [{ upstream: app }]
upstreams:
  - name: app
    endpoints: ${typeof origins === "string" ? origins : list(origins)}
${more}`;

async function count(gateway, times, path = () => "/", headers = () => ({})) {
  const counts = {};
  for (let i = 0; i < times; i++) {
    const { text } = await gateway.get(path(i), { headers: headers(i) });
    counts[text] = (counts[text] ?? 0) + 1;
  }
  return counts;
}

const reasons = (g) => `listeners: [{ name: web, address: "127.0.0.1:${g.port}", reason_header: true }]\n`;
const endpointsOf = async (gateway) => (await json(`${gateway.admin}/upstreams`))[0].endpoints;

// ---- Choosing ----

test("round robin: all in turn", async (t) => {
  const gateway = await startGateway(t, `threads: 1\n${upstream(await named(t, ["a", "b", "c"]))}`);
  assert.deepEqual(await count(gateway, 30), { a: 10, b: 10, c: 10 });
});

test("weights are kept to, and spread out; 0 gets none", async (t) => {
  const [a, b, c] = await named(t, ["a", "b", "c"]);
  const endpoints = `[{ address: "${a.address}", weight: 5 }, { address: "${b.address}", weight: 1 }, { address: "${c.address}", weight: 0 }]`;
  const gateway = await startGateway(t, `threads: 1\n${upstream(endpoints)}`);
  assert.deepEqual(await count(gateway, 60), { a: 50, b: 10 });
});

test("least requests: the slow one gets few", async (t) => {
  const slow = await startOrigin(t, {
    async answer(_, response) {
      await sleep(300);
      response.end("slow");
    },
  });
  const [quick] = await named(t, ["quick"]);
  const gateway = await startGateway(t, upstream([slow, quick], "    balance: least_requests\n"));
  const counts = {};
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let i = 0; i < 10; i++) {
        const { text } = await gateway.get("/");
        counts[text] = (counts[text] ?? 0) + 1;
      }
    }),
  );
  assert.ok(counts.quick > 2.5 * (counts.slow ?? 0), JSON.stringify(counts));
});

test("random: every one gets its share", async (t) => {
  const gateway = await startGateway(t, upstream(await named(t, ["a", "b"]), "    balance: random\n"));
  const { a, b } = await count(gateway, 100);
  assert.ok(a > 20 && b > 20, `${a}, ${b}`);
});

test("hash: the same value goes to the same one; when one goes, only its own values move", async (t) => {
  const origins = await named(t, ["a", "b", "c"]);
  const text = (some, on) => upstream(some, `    balance: hash\n    hash: ${on}\n`);
  const gateway = await startGateway(t, text(origins, "{ on: header, name: X-User }"));
  const where = async (i) => (await gateway.get("/", { headers: { "X-User": `user-${i}` } })).text;
  const before = [];
  for (let i = 0; i < 60; i++) before.push(await where(i));
  for (let i = 0; i < 60; i++) assert.equal(await where(i), before[i]);
  for (const name of ["a", "b", "c"]) assert.ok(before.filter((text) => text === name).length >= 8, `${name} of ${before}`);
  await gateway.reload(text(origins.slice(0, 2), "{ on: header, name: X-User }"));
  let moved = 0;
  for (let i = 0; i < 60; i++) {
    const now = await where(i);
    assert.notEqual(now, "c");
    if (before[i] !== "c" && now !== before[i]) moved++;
  }
  assert.ok(moved <= 12, `${moved} of those that could stay have moved`);
  for (const [on, options] of [
    ["{ on: cookie, name: session }", (i) => ["/", { Cookie: `other=1; session=s${i}` }]],
    ["{ on: query, name: id }", (i) => [`/?a=b&id=${i}`, {}]],
    ["{ on: path }", (i) => [`/p${i}`, {}]],
  ]) {
    await gateway.reload(text(origins, on));
    const seen = new Set();
    for (let i = 0; i < 20; i++) {
      const [path, headers] = options(i);
      const first = (await gateway.get(path, { headers })).text;
      assert.equal((await gateway.get(path, { headers })).text, first, `${on} ${path}`);
      seen.add(first);
    }
    assert.ok(seen.size >= 2, on);
  }
});

test("affinity by cookie: who was at a server that dies moves, nobody else does, and all return to it", async (t) => {
  const origins = await named(t, ["a", "b", "c"]);
  const gateway = await startGateway(t, upstream(origins, "    balance: hash\n    hash: { on: cookie, name: session }\n    passive_health: { eject: 100ms }\n"));
  const where = async () => {
    const texts = [];
    for (let i = 0; i < 40; i++) {
      const answer = await gateway.get("/", { headers: { Cookie: `theme=dark; session=s${i}` } });
      assert.equal(answer.status, 200);
      texts.push(answer.text);
    }
    return texts;
  };
  const before = await where();
  const { port } = origins[1];
  await origins[1].stop();
  const without = await where();
  assert.ok(!without.includes("b") && before.includes("b"));
  before.forEach((name, i) => name !== "b" && assert.equal(without[i], name, `session s${i} has moved`));
  await startOrigin(t, { port, answer: (_, response) => response.end("b") });
  await eventually(async () => (await where()).join() === before.join(), { within: 60000, what: "everybody is back" });
});

// ---- Addresses ----

test("a name, a Unix socket, IPv6", async (t) => {
  const path = join(scratch(t), "origin.sock");
  const unix = await startOrigin(t, { path, answer: (_, response) => response.end("unix") });
  const [local] = await named(t, ["local"]);
  const gateway = await startGateway(
    t,
    `
routes:
  - { match: /unix, upstream: unix }
  - { match: /name, upstream: name }
upstreams:
  - { name: unix, endpoints: ["${unix.address}"] }
  - { name: name, endpoints: ["localhost:${local.port}"] }`,
  );
  assert.equal((await gateway.get("/unix")).text, "unix");
  // localhost may have an IPv6 address too, where nobody listens here.
  for (let i = 0; i < 10; i++) assert.equal((await gateway.get("/name")).text, "local");
});

test("a listener on a Unix socket", async (t) => {
  const folder = scratch(t);
  const socketPath = join(folder, "ringway.sock");
  const gateway = await startGateway(t, `listeners: [{ name: local, address: "unix:${socketPath}" }]\nroutes: [{ respond: { body: ok } }]`);
  assert.equal((await request("http://localhost/", { socketPath })).text, "ok");
  const [line] = await gateway.accessLines(1);
  assert.equal(line.client, "unix");
});

test("a name that does not exist: 503, and the rest works", async (t) => {
  const gateway = await startGateway(
    t,
    (g) => `${reasons(g)}
routes:
  - { match: /lost, upstream: lost }
  - { match: /here, respond: { body: here } }
upstreams: [{ name: lost, endpoints: ["nowhere.invalid:80"] }]
dns: { timeout: 500ms }`,
  );
  const answer = await gateway.get("/lost");
  assert.equal(answer.status, 503);
  assert.equal(answer.headers["x-ringway-reason"], "no_endpoint");
  assert.equal((await gateway.get("/here")).text, "here");
});

// ---- Health ----

test("active health: one that fails its probes gets nothing, and comes back", async (t) => {
  const [good] = await named(t, ["good"]);
  let healthy = true;
  const probes = [];
  const other = await startOrigin(t, {
    answer(incoming, response) {
      if (incoming.url !== "/healthz") return response.end("other");
      probes.push(incoming);
      response.statusCode = healthy ? 200 : 500;
      return response.end();
    },
  });
  const gateway = await startGateway(t, upstream([good, other], "    health: { path: /healthz, interval: 100ms, timeout: 100ms, healthy_after: 2, unhealthy_after: 2 }\n"));
  const serves = async (...names) => {
    const counts = await count(gateway, 8);
    return JSON.stringify(Object.keys(counts).sort()) === JSON.stringify(names);
  };
  await eventually(() => serves("good", "other"));
  healthy = false;
  await eventually(() => serves("good"));
  const states = (await endpointsOf(gateway)).map((endpoint) => endpoint.state);
  assert.equal(states.filter((state) => state === "up").length, 1, states.join());
  assert.equal(await gateway.metric("ringway_upstream_endpoint_healthy", { endpoint: other.address }), 0);
  healthy = true;
  await eventually(() => serves("good", "other"));
  assert.equal(probes[0].method, "GET");
  assert.equal(probes[0].headers.host, "app");
});

test("active health: an origin that is killed, and back again at the same port", async (t) => {
  const [port] = await freePorts(1);
  const start = () => startOrigin(t, { port, name: "flapping", answer: (_, response) => response.end("flapping") });
  const first = await start();
  const [steady] = await named(t, ["steady"]);
  const gateway = await startGateway(t, upstream([first, steady], "    health: { path: /, interval: 100ms, timeout: 100ms, healthy_after: 1, unhealthy_after: 1 }\n    passive_health: { failures: 0 }\n"));
  await first.stop();
  await eventually(async () => !("flapping" in (await count(gateway, 6))));
  assert.deepEqual(await count(gateway, 20), { steady: 20 });
  await start();
  await eventually(async () => "flapping" in (await count(gateway, 6)));
});

test("a dead one beside a living one: idempotent requests go to the other, without probes", async (t) => {
  const [dead] = await freePorts(1);
  const [living] = await named(t, ["living"]);
  const gateway = await startGateway(t, upstream(`["127.0.0.1:${dead}", "${living.address}"]`));
  assert.deepEqual(await count(gateway, 20), { living: 20 });
  await eventually(async () => (await gateway.metric("ringway_upstream_connect_failures_total")) >= 1);
});

test("passive health: one that answers 503 is put out, for a while", async (t) => {
  let bad = true;
  const flaky = await startOrigin(t, {
    answer(_, response) {
      response.statusCode = bad ? 503 : 200;
      response.end(bad ? "bad" : "well again");
    },
  });
  const [good] = await named(t, ["good"]);
  const gateway = await startGateway(t, `threads: 1\n${upstream([flaky, good], "    passive_health: { failures: 3, eject: 1s, eject_percent_max: 50 }\n")}`);
  await count(gateway, 12);
  const seen = flaky.requests.length;
  assert.deepEqual(await count(gateway, 10), { good: 10 });
  assert.equal(flaky.requests.length, seen);
  const [state] = (await endpointsOf(gateway)).filter((endpoint) => endpoint.address === flaky.address);
  assert.equal(state.ejections, 1, JSON.stringify(state));
  bad = false;
  await eventually(async () => "well again" in (await count(gateway, 4)));
});

test("passive health does not put out more than the share that is allowed", async (t) => {
  const origins = await Promise.all(["a", "b"].map((name) => startOrigin(t, { answer: (_, response) => response.writeHead(503).end(name) })));
  const gateway = await startGateway(t, upstream(origins, "    passive_health: { failures: 1, eject: 30s, eject_percent_max: 50 }\n"));
  await count(gateway, 10);
  const answer = await gateway.get("/");
  assert.match(answer.text, /^[ab]$/, "one of them is still asked");
});

// ---- Connections ----

test("a kept connection that the origin has closed: the request is sent again, and nobody notices", async (t) => {
  const origin = await startRawOrigin(t, (socket) => {
    let answered = 0;
    onHeads(socket, () => {
      // The second request on a connection finds it closed.
      if (answered++) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  const gateway = await startGateway(t, `threads: 1\n${upstream([origin])}`);
  for (let i = 0; i < 10; i++) assert.equal((await gateway.get("/")).status, 200);
  await eventually(async () => (await gateway.metric("ringway_upstream_retries_total")) >= 4);
  const posted = [];
  for (let i = 0; i < 4; i++) posted.push((await request(gateway.url, { method: "POST", body: "x" })).status);
  assert.ok(posted.includes(502) || posted.every((status) => status === 200), "a POST is not sent twice");
});

test("idle connections are given up in time, and are limited", async (t) => {
  const [origin] = await named(t, ["a"]);
  const gateway = await startGateway(t, `threads: 1\n${upstream([origin], "    connections: { idle_timeout: 300ms, idle_max: 2 }\n")}`);
  await Promise.all(Array.from({ length: 10 }, () => gateway.get("/")));
  await eventually(() => origin.sockets.size <= 2, { what: "at most two idle connections" });
  await eventually(() => origin.sockets.size === 0, { what: "no idle connection is left" });
});

test("requests_max: connections are not used for ever", async (t) => {
  const [origin] = await named(t, ["a"]);
  const gateway = await startGateway(t, `threads: 1\n${upstream([origin], "    connections: { requests_max: 2 }\n")}`);
  await count(gateway, 10);
  assert.equal(origin.connections, 5);
});

test("per_endpoint_max holds across threads; who waits is served in turn", async (t) => {
  let now = 0;
  let most = 0;
  const origin = await startOrigin(t, {
    async answer(_, response) {
      most = Math.max(most, ++now);
      await sleep(20);
      now--;
      response.end("ok");
    },
  });
  const gateway = await startGateway(t, `threads: 3\n${upstream([origin], "    connections: { per_endpoint_max: 3, queue_timeout: 10s }\n")}`);
  const answers = await Promise.all(Array.from({ length: 60 }, () => gateway.get("/")));
  assert.ok(answers.every((answer) => answer.status === 200));
  assert.ok(most <= 3 && origin.sockets.size <= 3, `${most} at a time`);
});

test("per_endpoint_max is shared out among processes, and one that is killed takes nothing with it", async (t) => {
  let now = 0;
  let most = 0;
  const origin = await startOrigin(t, {
    async answer(_, response) {
      most = Math.max(most, ++now);
      await sleep(20);
      now--;
      response.end("ok");
    },
  });
  const gateway = await startGateway(t, `threads: 2\n${upstream([origin], "    connections: { per_endpoint_max: 5, queue_timeout: 10s }\n    passive_health: { failures: 0 }\n")}`, { args: ["--processes", "3"] });
  const round = async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => gateway.get("/", { headers: { Connection: "close" } })));
    assert.ok(answers.every((answer) => answer.status === 200));
    assert.ok(most >= 2 && most <= 5, `${most} at a time`);
  };
  await round();
  for (let i = 0; i < 2; i++) {
    const before = gateway.workers();
    process.kill(before[i], "SIGKILL");
    await eventually(() => gateway.workers().length === 3 && !gateway.workers().includes(before[i]), { what: "another process" });
    await eventually(async () => (await gateway.get("/").catch(() => ({}))).status === 200);
    now = most = 0;
    await round();
  }
});

test("a full queue, and one that waits too long: 503 with the reason; the endpoint is not to blame", async (t) => {
  let release;
  const wait = new Promise((resolve) => (release = resolve));
  const origin = await startOrigin(t, {
    async answer(_, response) {
      await wait;
      response.end("ok");
    },
  });
  const gateway = await startGateway(t, (g) => `threads: 1\n${reasons(g)}${upstream([origin], "    connections: { per_endpoint_max: 1, queue_max: 2, queue_timeout: 500ms }\n    passive_health: { failures: 1, eject_percent_max: 100 }\n")}`);
  const first = gateway.get("/");
  await eventually(() => origin.requests.length === 1);
  const begin = performance.now();
  const others = await Promise.all(Array.from({ length: 4 }, () => gateway.get("/")));
  assert.ok(performance.now() - begin < 5000);
  assert.ok(others.every((answer) => answer.status === 503));
  const told = others.map((answer) => answer.headers["x-ringway-reason"]).sort();
  assert.deepEqual(told, ["connection_queue_full", "connection_queue_full", "connection_queue_timeout", "connection_queue_timeout"]);
  assert.equal(await gateway.metric("ringway_upstream_ejections_total"), 0);
  release();
  assert.equal((await first).text, "ok");
  assert.equal((await gateway.get("/")).text, "ok");
});

test("a client that goes away while it waits leaves its place", async (t) => {
  const origin = await startOrigin(t, {
    async answer(_, response) {
      await sleep(200);
      response.end("ok");
    },
  });
  const gateway = await startGateway(t, `threads: 1\n${upstream([origin], "    connections: { per_endpoint_max: 1 }\n")}`);
  const first = gateway.get("/");
  await eventually(() => origin.requests.length === 1);
  await Promise.all(Array.from({ length: 5 }, () => assert.rejects(gateway.get("/", { patience: 50 }))));
  assert.equal((await first).text, "ok");
  assert.equal((await gateway.get("/")).text, "ok");
});

test("no endpoint that may be asked: 503", async (t) => {
  const [dead] = await freePorts(1);
  const gateway = await startGateway(
    t,
    (g) => `${reasons(g)}${upstream(`["127.0.0.1:${dead}"]`, "    health: { path: /, interval: 100ms, timeout: 100ms, unhealthy_after: 1 }\n")}`,
  );
  await eventually(async () => {
    const answer = await gateway.get("/");
    assert.ok([502, 503].includes(answer.status));
    return answer.status === 503 && answer.headers["x-ringway-reason"] === "no_endpoint";
  });
});

test("the end of a reload that takes an upstream away: its connections are closed", async (t) => {
  const [a, b] = await named(t, ["a", "b"]);
  const gateway = await startGateway(t, upstream([a]));
  await count(gateway, 6);
  assert.ok(a.sockets.size >= 1);
  await gateway.reload(upstream([b]));
  assert.deepEqual(await count(gateway, 4), { b: 4 });
  await eventually(() => a.sockets.size === 0, { within: 15000, what: "no connection to the old endpoint" });
});

test("no descriptor for a connection to the origin: said as what it is, and the endpoint is not to blame", async (t) => {
  const origin = await startOrigin(t, { answer: (_, response) => response.end("here") });
  const gateway = await startGateway(
    t,
    (g) => `
listeners: [{ name: web, address: "127.0.0.1:${g.port}", reason_header: true }]
threads: 1
routes: [{ upstream: app }]
upstreams: [{ name: app, endpoints: ["${origin.address}"], passive_health: { failures: 1, eject_percent_max: 100 } }]`,
  );
  const client = await openRaw(gateway.port);
  const ask = async () => {
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    return client.response();
  };
  const [worker] = gateway.workers();
  await eventually(async () => (await gateway.metric("ringway_connections_open")) >= 1, { what: "the connection is accepted" });
  const limit = async (soft) => assert.equal((await run("prlimit", ["--pid", String(worker), `--nofile=${soft}:`])).code, 0);
  const [, before] = /Max open files +(\d+)/.exec(readFileSync(`/proc/${worker}/limits`, "latin1"));
  await limit(3);
  for (let i = 0; i < 3; i++) {
    const answer = await ask();
    assert.equal(answer.status, 503);
    assert.equal(answer.headers["x-ringway-reason"], "out_of_descriptors");
  }
  await eventually(() => /out_of_descriptors: no descriptor is left/.test(gateway.stderr), { what: "a line about it" });
  await limit(before);
  const answer = await ask();
  assert.equal(answer.text, "here");
  client.destroy();
});
