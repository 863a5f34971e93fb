// Requests that are sent again: when, where to, how often, and when not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect2 } from "./support/client2.mjs";
import { request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { readBody, startH2Origin } from "./support/h2-origin.mjs";
import { onHeads, startOrigin, startRawOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually, sleep } from "./support/wait.mjs";

const config = (origins, retries, more = "") => `
threads: 1
routes: [{ name: all, upstream: app ${more} }]
upstreams:
  - name: app
    endpoints: [${origins.map((origin) => `"${origin.address ?? origin}"`).join(", ")}]
    passive_health: { failures: 0 }
    retries: { ${retries} }
`;
const good = (t) => startOrigin(t, { answer: (_, response, body) => response.end(`good ${body}`) });
const status = (code) => (_, response) => response.writeHead(code).end("bad");

async function lineOf(gateway, path) {
  const [line] = await gateway.accessLines(1, (found) => found.path === path);
  return line;
}

test("an endpoint that is not there: other endpoints take everything, whatever the method", async (t) => {
  const origin = await good(t);
  const gateway = await startGateway(t, config([`127.0.0.1:${await freePort()}`, origin], "backoff: 1ms"));
  for (let i = 0; i < 10; i++) assert.equal((await gateway.get(`/get-${i}`)).status, 200);
  for (let i = 0; i < 4; i++) {
    const answer = await request(`${gateway.url}/post-${i}`, { method: "POST", body: "text" });
    assert.equal(answer.text, "good text");
  }
  const lines = await gateway.accessLines(14, (line) => line.path);
  assert.ok(lines.some((line) => line.retries === 1 && line.retry_cause === "connect"), JSON.stringify(lines[0]));
  assert.equal(await gateway.metric("ringway_upstream_retries_connect_total"), await gateway.metric("ringway_upstream_retries_total"));
});

test("a status that is listed is tried elsewhere, with the body; one that is not goes to the client", async (t) => {
  const bad = await startOrigin(t, { answer: status(503) });
  const origin = await good(t);
  const gateway = await startGateway(t, config([bad, origin], "on: [connect, reset, 503], backoff: 1ms"));
  for (let i = 0; i < 6; i++) assert.equal((await gateway.get("/")).status, 200);
  const body = "x".repeat(40000);
  for (let i = 0; i < 6; i++) {
    const answer = await request(`${gateway.url}/put`, { method: "PUT", body });
    assert.equal(answer.status, 200);
    assert.equal(answer.text, `good ${body}`);
  }
  const line = (await gateway.accessLines(12, (found) => found.path)).find((found) => found.retries);
  assert.equal(line.retry_cause, "503");
  const posted = [];
  for (let i = 0; i < 4; i++) posted.push((await request(gateway.url, { method: "POST", body: "x" })).status);
  assert.deepEqual(posted.sort(), [200, 200, 503, 503], "a POST is sent once");
  bad.answer = status(502);
  const others = [];
  for (let i = 0; i < 4; i++) others.push((await gateway.get("/")).status);
  assert.deepEqual(others.sort(), [200, 200, 502, 502]);
});

test("a body over body_max is sent once", async (t) => {
  const bad = await startOrigin(t, { answer: status(503) });
  const gateway = await startGateway(t, config([bad, await good(t)], "on: [503], backoff: 1ms, body_max: 1KiB"));
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await request(gateway.url, { method: "PUT", body: "x".repeat(2000) })).status);
  assert.deepEqual(statuses.sort(), [200, 200, 503, 503]);
});

test("tries are limited, and the client sees the last answer", async (t) => {
  const bad = await startOrigin(t, { answer: status(503) });
  const gateway = await startGateway(t, config([bad], "tries: 4, on: [503], backoff: 1ms"));
  assert.equal((await gateway.get("/four")).status, 503);
  assert.equal(bad.requests.length, 4);
  assert.equal((await lineOf(gateway, "/four")).retries, 3);
});

test("the budget: then requests are sent once", async (t) => {
  const bad = await startOrigin(t, { answer: status(503) });
  const gateway = await startGateway(t, config([bad], "on: [503], backoff: 1ms, budget_percent: 0, budget_min: 0, budget_burst: 3"));
  for (let i = 0; i < 10; i++) assert.equal((await gateway.get("/")).status, 503);
  assert.equal(bad.requests.length, 13);
  assert.equal(await gateway.metric("ringway_upstream_retries_total"), 3);
  for (const event of ["retry_connect", "retry_reset", "retry_timeout", "retry_status"])
    assert.equal(await gateway.metric("ringway_upstream_events_total", { upstream: "app", event }), await gateway.metric(`ringway_upstream_${event.replace("retry", "retries")}_total`));
  assert.equal(await gateway.metric("ringway_upstream_retries_status_total"), 3);
  assert.ok((await gateway.metric("ringway_upstream_retries_denied_total")) >= 8);
});

test("try_timeout: a try that stalls is given up for another; the last one has its time", async (t) => {
  let asked = 0;
  const stalled = await startOrigin(t, {
    async answer(_, response) {
      asked++;
      await sleep(1500);
      response.end("late");
    },
  });
  const gateway = await startGateway(t, config([stalled, await good(t)], "on: [timeout], try_timeout: 100ms, backoff: 1ms"));
  for (let i = 0; i < 4; i++) assert.match((await gateway.get("/")).text, /^good/);
  assert.ok(asked >= 1);
  assert.ok((await gateway.metric("ringway_upstream_retries_timeout_total")) >= 1);
  const alone = await startGateway(t, config([stalled], "tries: 2, on: [timeout], try_timeout: 100ms, backoff: 1ms"));
  assert.equal((await alone.get("/")).text, "late");
  const none = await startGateway(t, config([stalled], "on: [timeout], try_timeout: 100ms, budget_percent: 0, budget_min: 0, budget_burst: 1, tries: 3"));
  assert.equal((await none.get("/")).text, "late", "the budget is used up: the try goes on");
});

test("total holds for all tries together", async (t) => {
  const bad = await startOrigin(t, { answer: status(503) });
  const gateway = await startGateway(t, config([bad], "tries: 10, on: [503], backoff: 60s, backoff_max: 60s", ", timeouts: { total: 1s }"));
  assert.equal((await gateway.get("/")).status, 503, "a try after that time is none");
});

test("deadlines: the shorter one holds, and what is left is passed on", async (t) => {
  const mirror = await startOrigin(t);
  const field = ", timeouts: { total: 20s, deadline_field: X-Request-Timeout }";
  const gateway = await startGateway(t, config([mirror], "tries: 1", field));
  const told = async (headers) => Number(JSON.parse((await gateway.get("/", { headers })).text).headers["x-request-timeout"]);
  const given = await told({ "X-Request-Timeout": "9000" });
  assert.ok(given >= 1 && given <= 9000, `${given}`);
  for (const headers of [{}, { "X-Request-Timeout": "soon" }, { "X-Request-Timeout": "900000" }]) {
    const left = await told(headers);
    assert.ok(left > 9000 && left <= 20000, `${JSON.stringify(headers)}: ${left}`);
  }
  mirror.answer = () => {};
  assert.equal((await gateway.get("/", { headers: { "X-Request-Timeout": "300" } })).status, 504);

  const seen = [];
  const service = await startH2Origin(t, {
    answer(stream, headers) {
      seen.push(headers["grpc-timeout"]);
      stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "0" }, { endStream: true });
    },
  });
  const calls = await startGateway(t, config([service], "tries: 1").replace("endpoints", "protocol: http2\n    endpoints"));
  const session = await connect2(t, calls.url);
  const stream = session.request({ ":method": "POST", ":path": "/a.B/C", "content-type": "application/grpc", "grpc-timeout": "5S" });
  await readBody(stream.end());
  assert.match(seen[0], /^\d+m$/);
  assert.ok(parseInt(seen[0], 10) <= 5000);
});

test("a server that breaks off before the response: again for GET, not for POST", async (t) => {
  const broken = await startRawOrigin(t, (socket) => onHeads(socket, () => socket.destroy()));
  const gateway = await startGateway(t, config([broken, await good(t)], "backoff: 1ms"));
  for (let i = 0; i < 6; i++) assert.equal((await gateway.get("/")).status, 200);
  const posted = [];
  for (let i = 0; i < 4; i++) posted.push((await request(gateway.url, { method: "POST", body: "x" })).status);
  assert.deepEqual(posted.sort(), [200, 200, 502, 502]);
  assert.ok((await gateway.metric("ringway_upstream_retries_reset_total")) >= 1);
});

test("calls of gRPC: by status where it is listed, with their messages", async (t) => {
  let calls = 0;
  const origin = await startH2Origin(t, {
    answer(stream, _, body) {
      calls++;
      if (calls % 2) stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "14" }, { endStream: true });
      else stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "0", "x-got": String(body.length) }, { endStream: true });
    },
  });
  const gateway = await startGateway(t, config([origin], "on: [grpc_unavailable], backoff: 1ms").replace("endpoints", "protocol: http2\n    endpoints"));
  const session = await connect2(t, gateway.url);
  const stream = session.request({ ":method": "POST", ":path": "/a.B/C", "content-type": "application/grpc", te: "trailers" }, { endStream: false });
  const head = new Promise((resolve) => stream.once("response", resolve));
  stream.end("12345");
  const answer = await head;
  await readBody(stream);
  assert.equal(answer["grpc-status"], "0");
  assert.equal(answer["x-got"], "5");
  assert.equal(calls, 2);
});

test("mistakes, and what explain says", async (t) => {
  const gateway = await startGateway(t, config([await good(t)], "on: [timeout, 503], try_timeout: 1s, tries: 2"));
  const told = await runRingway("explain", gateway.configFile, "/");
  assert.match(told.stdout, /retries +1 at most, on timeout, 503; of all requests 20%, or 10 a second/);
  for (const [retries, message] of [
    ["try_timeout: 1s", /"try_timeout" has no effect without "timeout" in "on"/],
    ["backoff: 1s", /longer than "backoff_max"/],
    ["on: [500]", /500/],
  ])
    await assert.rejects(startGateway(t, config(["127.0.0.1:1"], retries)), message);
});

// ---- Circuit breakers ----

const statesOf = async (gateway) => {
  const [{ endpoints }] = await (await fetch(`${gateway.admin}/upstreams`)).json();
  return Object.fromEntries(endpoints.map((endpoint) => [endpoint.address, endpoint.state]));
};

test("a breaker: out by its share of errors, on trial, and back", async (t) => {
  let bad = true;
  const ill = await startOrigin(t, { answer: (_, response) => response.writeHead(bad ? 503 : 200).end("ill") });
  const well = await startOrigin(t, { answer: (_, response) => response.end("well") });
  const passive = "passive_health: { failures: 0, error_percent: 50, requests_min: 4, eject: 500ms, trials: 2 }";
  const gateway = await startGateway(t, config([ill, well], "tries: 1").replace("passive_health: { failures: 0 }", passive));
  const ask = async (times) => {
    const statuses = [];
    for (let i = 0; i < times; i++) statuses.push((await gateway.get("/")).status);
    return statuses;
  };
  await ask(10);
  assert.equal((await statesOf(gateway))[ill.address], "ejected");
  assert.equal(await gateway.metric("ringway_upstream_ejections_total"), 1);
  assert.equal(await gateway.metric("ringway_upstream_events_total", { upstream: "app", event: "ejection" }), 1);
  await eventually(async () => (await statesOf(gateway))[ill.address] === "trial");
  bad = false;
  const asked = ill.requests.length;
  assert.deepEqual(await ask(8), Array(8).fill(200));
  assert.equal((await statesOf(gateway))[ill.address], "up");
  assert.ok(ill.requests.length >= asked + 2);
  const told = await runRingway("explain", gateway.configFile, "/");
  assert.match(told.stdout, /breaker +50% failures \(of 4 or more in 10000 ms\): out for 500 ms, then 2 on trial/);
});

test("all out: refused at once, and asked again on trial", async (t) => {
  let bad = true;
  const ill = await startOrigin(t, { answer: (_, response) => response.writeHead(bad ? 503 : 200).end("ill") });
  const passive = "passive_health: { failures: 2, eject: 500ms, eject_percent_max: 100, all_out: refuse }";
  const text = config([ill], "tries: 1").replace("passive_health: { failures: 0 }", passive);
  const gateway = await startGateway(t, (g) => `listeners: [{ name: web, address: "127.0.0.1:${g.port}", reason_header: true }]\n${text}`);
  for (let i = 0; i < 2; i++) assert.equal((await gateway.get("/")).text, "ill");
  const refused = await gateway.get("/");
  assert.equal(refused.status, 503);
  assert.equal(refused.headers["x-ringway-reason"], "no_endpoint");
  assert.equal(ill.requests.length, 2);
  bad = false;
  await eventually(async () => (await gateway.get("/")).status === 200);
});
