// Mirrored requests: the shadow gets copies, clients notice nothing, answers are compared.

import assert from "node:assert/strict";
import { test } from "node:test";
import { request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const config = (origin, shadow, mirror) => `
threads: 1
upstreams:
  - { name: app, endpoints: "${origin.address}" }
  - { name: shadow, endpoints: "${shadow.address ?? shadow}" }
routes:
  - name: shop
    upstream: app
    policies: [{ mirror: { upstream: shadow, ${mirror} } }]
`;
const json = (value) => (_, response) => response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(typeof value === "function" ? value() : value));
const results = (gateway, result) => gateway.metric("ringway_mirror_results_total", { route: "shop", result });
const differences = (gateway, kind) => gateway.metric("ringway_mirror_differences_total", { route: "shop", in: kind });
const check = async (gateway) => JSON.parse((await request(`${gateway.admin}/mirrors`)).text)[0];
const until = (condition, what) => eventually(condition, { within: 30000, what });

test("the shadow gets the same request, marked, and its answer goes nowhere", async (t) => {
  const origin = await startOrigin(t);
  const bodies = [];
  const shadow = await startOrigin(t, {
    answer: (_, response, body) => {
      bodies.push(body.toString());
      response.writeHead(500).end("from the shadow");
    },
  });
  const gateway = await startGateway(t, config(origin, shadow, "share: 100%"));
  const answer = await request(`${gateway.url}/a/b?c=d`, { method: "POST", body: "some text", headers: { "X-Own": "1", "X-Ringway-Mirror": "forged" } });
  assert.equal(answer.status, 200);
  const seen = JSON.parse(answer.text);
  assert.equal(seen.headers["x-ringway-mirror"], "forged", "the client's own header is its own");
  await until(() => shadow.requests.length === 1, "the copy has arrived");
  const [copy] = shadow.requests;
  assert.equal(copy.method, "POST");
  assert.equal(copy.url, "/a/b?c=d");
  assert.equal(copy.headers["x-own"], "1");
  assert.equal(copy.headers["x-ringway-mirror"], "shop");
  assert.equal(copy.headers.host, seen.headers.host);
  assert.equal(copy.headers.traceparent, seen.headers.traceparent);
  assert.equal(copy.headers["x-forwarded-for"], seen.headers["x-forwarded-for"]);
  assert.deepEqual(bodies, ["some text"]);
  await until(async () => (await results(gateway, "uncompared")) === 1, "it is counted");
  assert.equal(await gateway.metric("ringway_mirror_requests_total", { route: "shop", code: "5xx" }), 1);
  const lines = await gateway.accessLines(1, (line) => line.path === "/a/b");
  assert.equal(lines.length, 1, "the copy has no line in the log");
});

test("a body that is too large is not mirrored, announced or not", async (t) => {
  const shadow = await startOrigin(t);
  const gateway = await startGateway(t, config(await startOrigin(t), shadow, "body_max: 1KiB"));
  assert.equal((await request(gateway.url, { method: "POST", body: "x".repeat(1025) })).status, 200);
  assert.equal((await request(gateway.url, { method: "POST", body: "x".repeat(2000), headers: { "Transfer-Encoding": "chunked" } })).status, 200);
  assert.equal((await request(gateway.url, { method: "POST", body: "x".repeat(1024) })).status, 200);
  await until(async () => (await results(gateway, "uncompared")) === 1, "the small one has been mirrored");
  assert.equal(await results(gateway, "too_large"), 2);
  assert.equal(shadow.requests.length, 1);
});

test("a share of the requests: none, some", async (t) => {
  const shadow = await startOrigin(t);
  const gateway = await startGateway(t, config(await startOrigin(t), shadow, "share: 25%"));
  for (let i = 0; i < 200; i++) await gateway.get("/");
  await until(async () => (await results(gateway, "uncompared")) === shadow.requests.length, "all have ended");
  assert.ok(shadow.requests.length > 15 && shadow.requests.length < 90, `${shadow.requests.length} of 200, where 50 are due`);
});

test("a shadow that stalls, refuses or breaks off: clients get their answers at once; what is too much is dropped", async (t) => {
  const origin = await startOrigin(t, { answer: (_, response) => response.end("fine") });
  const stalled = await startOrigin(t, { answer: () => {} });
  const gateway = await startGateway(t, config(origin, stalled, "requests_max: 5, timeout: 1s, compare: {}"));
  for (let i = 0; i < 20; i++) assert.equal((await gateway.get("/")).text, "fine");
  await until(async () => (await results(gateway, "failed")) >= 5 && (await results(gateway, "dropped")) > 0, "those have failed, the rest was dropped");
  await gateway.reload(config(origin, `127.0.0.1:${await freePort()}`, "compare: {}"));
  const before = await results(gateway, "failed");
  for (let i = 0; i < 20; i++) assert.equal((await gateway.get("/")).text, "fine");
  await until(async () => (await results(gateway, "failed")) >= before + 20, "all have failed");
  assert.equal(gateway.logLines().filter((line) => line.level === "warn" && line.component === "exchange").length, 0, "nobody is told for each");
});

test("the migration check: status, fields and JSON, but for what is ignored", async (t) => {
  let answered = 0;
  const origin = await startOrigin(t, { answer: (...args) => origin.say(...args) });
  const shadow = await startOrigin(t, { answer: (...args) => shadow.say(...args) });
  const gateway = await startGateway(t, config(origin, shadow, "compare: { ignore: [/id, /items/*/at], fields: [Content-Type, X-Own] }"));
  const pair = async (one, two, expected) => {
    [origin.say, shadow.say] = [one, two];
    await gateway.get("/path?secret=1");
    answered++;
    await until(async () => (await results(gateway, "same")) + (await results(gateway, "different")) + (await results(gateway, "uncompared")) === answered, `compared: ${expected}`);
    return (await check(gateway)).samples[0]?.what;
  };
  await pair(json({ id: 1, items: [{ at: 1, n: 1 }], name: "é" }), (_, response) => response.writeHead(200, { "Content-Type": "application/json" }).end('{"name":"\\u00e9","items":[{"n":1.0,"at":2}],"id":2}'), "the same");
  assert.equal(await results(gateway, "same"), 1);
  assert.equal(await pair(json({ a: { b: [1, 2] } }), json({ a: { b: [1, 3], c: 1 } }), "another value"), "GET /path: body /a/b/1 is another number; body /a/c is new");
  assert.equal(await pair((_, response) => response.writeHead(204).end(), (_, response) => response.writeHead(404).end(), "status"), "GET /path: status 404, not 204");
  assert.equal(await pair((_, response) => response.writeHead(200, { "X-Own": "a" }).end("x"), (_, response) => response.writeHead(200).end("y!"), "field"), "GET /path: field X-Own is missing; body of 2 bytes, not these 1");
  assert.equal(await differences(gateway, "status"), 1);
  assert.equal(await differences(gateway, "field"), 1);
  assert.equal(await differences(gateway, "body"), 2);
  const report = await check(gateway);
  assert.equal(report.compared, 4);
  assert.deepEqual(report.differences, { status: 1, field: 1, body: 2 });
  assert.ok(!JSON.stringify(report).includes("secret"));
  // The same for people.
  const markdown = (await request(`${gateway.admin}/mirrors.md`)).text;
  assert.match(markdown, /\*\*Answers differ:\*\* 3 of 4 that were compared \(75%\)\. With 95% confidence at most \d+(\.\d+)?% of all such answers would\./);
  assert.match(markdown, /\| no answer \| +0 \|/);
  assert.match(markdown, /GET \/path: body \/a\/b\/1 is another number/);
  const page = await request(`${gateway.admin}/mirrors.html`);
  assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
  assert.match(page.text, /<h1>Migration check[^]*3 of 4 that were compared/);
  await pair((_, response) => response.end("x".repeat(100000)), (_, response) => response.end("y".repeat(100000)), "too long to be compared");
  assert.equal(await results(gateway, "uncompared"), 1);
});

test("explain shows it; mistakes have their place", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, config(origin, origin, "share: 5%, compare: {}"));
  const shown = await runRingway("explain", gateway.configFile, "/");
  assert.match(shown.stdout, /policy {4}mirror \(of the route\): 5% of the requests, with bodies up to 65536 bytes, to upstream shadow; answers are compared/);
  gateway.configure(config(origin, origin, "").replace("upstream: shadow", "upstream: shadw"));
  assert.match((await runRingway("check", gateway.configFile)).stderr, /:\d+:\d+: .*unknown upstream "shadw"; did you mean "shadow"\?/);
  gateway.configure(config(origin, origin, "").replace("upstream: shadow", "upstream: app"));
  assert.match((await runRingway("check", gateway.configFile)).stderr, /:\d+:\d+: .*the upstream "app" answers the route "shop" in line \d+: .* an upstream of its own/);
});
