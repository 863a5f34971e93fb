// More requests than an origin can take: who waits, who is refused, and with what.

import assert from "node:assert/strict";
import { test } from "node:test";
import { request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

// An origin whose answers wait until they are let go.
async function startHeld(t) {
  const held = [];
  const origin = await startOrigin(t, { answer: (incoming, response) => held.push({ path: incoming.url, answer: () => response.end("ok") }) });
  return { origin, held };
}

const config = (origin, overload, routes = "routes: [{ name: all, upstream: app }]") => `
threads: 1
${routes}
upstreams:
  - name: app
    endpoints: ["${origin.address}"]
    overload: { ${overload} }
`;

test("a fixed limit: the origin has no more at once, others wait, and all are answered", async (t) => {
  const { origin, held } = await startHeld(t);
  const gateway = await startGateway(t, config(origin, "limit: 2, limit_min: 2, limit_max: 2, queue_timeout: 30s, queue_target: 30s"));
  const answers = Array.from({ length: 6 }, (_, i) => gateway.get(`/${i}`));
  await eventually(async () => (await gateway.metric("ringway_overload_queued_total")) === 4);
  await eventually(() => held.length === 2);
  assert.equal(await gateway.metric("ringway_upstream_in_flight", { upstream: "app" }), 2);
  assert.equal(await gateway.metric("ringway_upstream_limit", { upstream: "app" }), 2);
  for (let i = 0; i < 6; i++) {
    await eventually(() => held.length > i);
    assert.ok(held.length <= i + 2);
    held[i].answer();
  }
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  await eventually(async () => (await gateway.metric("ringway_upstream_in_flight", { upstream: "app" })) === 0);
});

test("a full queue: 503 with Retry-After, or the route's own answer", async (t) => {
  const { origin, held } = await startHeld(t);
  const routes = `routes:
  - { name: own, match: /own, upstream: app, overload: { status: 200, content_type: text/html, body: "<p>Later.</p>" } }
  - { name: all, upstream: app }`;
  const gateway = await startGateway(t, config(origin, "limit: 1, limit_min: 1, limit_max: 1, queue_max: 0, retry_after: 1500ms", routes));
  const first = gateway.get("/first");
  await eventually(() => held.length === 1);
  const refused = await gateway.get("/refused");
  assert.equal(refused.status, 503);
  assert.equal(refused.headers["retry-after"], "2");
  assert.match(refused.headers["content-type"], /problem\+json/);
  const own = await gateway.get("/own");
  assert.equal(own.status, 200);
  assert.equal(own.text, "<p>Later.</p>");
  assert.equal(own.headers["content-type"], "text/html");
  assert.equal(own.headers["retry-after"], "2");
  held[0].answer();
  assert.equal((await first).status, 200);
  const [line] = await gateway.accessLines(1, (found) => found.path === "/refused");
  assert.equal(line.reason, "overloaded");
  assert.equal(await gateway.metric("ringway_overload_refused_total"), 2);
});

test("classes and tenants: critical first, then each tenant in turn", async (t) => {
  const { origin, held } = await startHeld(t);
  const routes = `routes:
  - { name: first, match: /critical, upstream: app, overload: { class: critical } }
  - { name: all, upstream: app }`;
  const limits = "limit: 1, limit_min: 1, limit_max: 1, queue_timeout: 30s, queue_target: 30s";
  const gateway = await startGateway(t, config(origin, `${limits}, fair_by: { on: header, name: X-Tenant }`, routes));
  const ask = async (path, tenant, queued) => {
    const answer = request(`${gateway.url}${path}`, { headers: { "X-Tenant": tenant } });
    await eventually(async () => (await gateway.metric("ringway_overload_queued_total")) === queued);
    return { answer };
  };
  const first = gateway.get("/first");
  await eventually(() => held.length === 1);
  const asked = [];
  for (let i = 0; i < 4; i++) asked.push(await ask(`/flood-${i}`, "flood", i + 1));
  asked.push(await ask("/modest", "modest", 5));
  asked.push(await ask("/critical", "flood", 6));
  for (let i = 0; i < 7; i++) {
    await eventually(() => held.length > i);
    held[i].answer();
  }
  await first;
  for (const { answer } of asked) assert.equal((await answer).status, 200);
  const order = held.map(({ path }) => path);
  assert.equal(order[1], "/critical");
  assert.ok(order.indexOf("/modest") <= 3, `${order}`);
});

test("exempt routes: not counted, and never refused", async (t) => {
  const { origin, held } = await startHeld(t);
  const routes = `routes:
  - { name: polls, match: /polls, upstream: app, overload: { class: exempt } }
  - { name: all, upstream: app }`;
  const gateway = await startGateway(t, config(origin, "limit: 1, limit_min: 1, limit_max: 1, queue_max: 0", routes));
  const polls = [1, 2, 3].map(() => gateway.get("/polls"));
  await eventually(() => held.length === 3);
  assert.equal(await gateway.metric("ringway_upstream_in_flight", { upstream: "app" }), 0);
  const one = gateway.get("/");
  await eventually(() => held.length === 4);
  assert.equal((await gateway.get("/")).status, 503);
  const another = gateway.get("/polls");
  await eventually(() => held.length === 5);
  for (const { answer } of held) answer();
  for (const { status } of await Promise.all([...polls, one, another])) assert.equal(status, 200);
  assert.equal(await gateway.metric("ringway_upstream_refused_total", { upstream: "app" }), 1);
  assert.equal(await gateway.metric("ringway_upstream_waiting", { upstream: "app" }), 0);
  const told = await runRingway("explain", gateway.configFile, "/polls");
  assert.match(told.stdout, /class +exempt/);
});

test("a lower limit_max holds from the reload on", async (t) => {
  const { origin, held } = await startHeld(t);
  const text = config(origin, "limit: 5, limit_max: 5, queue_max: 0");
  const gateway = await startGateway(t, text);
  const answers = [1, 2].map(() => gateway.get("/"));
  await eventually(() => held.length === 2);
  gateway.configure(text.replaceAll(": 5", ": 2"));
  gateway.signal("SIGHUP");
  await eventually(async () => (await gateway.metric("ringway_upstream_limit", { upstream: "app" })) === 2);
  assert.equal((await gateway.get("/")).status, 503);
  for (const { answer } of held) answer();
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
});

test("who waits too long is refused", async (t) => {
  const { origin, held } = await startHeld(t);
  const gateway = await startGateway(t, config(origin, "limit: 1, limit_min: 1, limit_max: 1, queue_timeout: 300ms"));
  const first = gateway.get("/first");
  await eventually(() => held.length === 1);
  assert.equal((await gateway.get("/late")).status, 503);
  held[0].answer();
  assert.equal((await first).status, 200);
  assert.equal(held.length, 1);
});

test("responses that last hold no place: event streams from the first, others after a while", async (t) => {
  const answer = (incoming, response) => {
    if (incoming.url === "/events") response.writeHead(200, { "Content-Type": "text/event-stream" }).write("data: 1\n\n");
    else if (incoming.url === "/long") response.writeHead(200).write("part");
    else response.end("ok");
  };
  const origin = await startOrigin(t, { answer });
  const gateway = await startGateway(t, config(origin, "limit: 20, limit_min: 20, limit_max: 20, queue_max: 0"));
  const open = (path) => Promise.all(Array.from({ length: 20 }, () => gateway.get(path, { consume: false })));
  const events = await open("/events");
  for (const { status } of events) assert.equal(status, 200);
  assert.equal((await gateway.get("/")).status, 200);
  const long = await open("/long");
  for (const { status } of long) assert.equal(status, 200);
  await eventually(async () => (await gateway.get("/")).status === 200, { within: 30000 });
  for (const { response } of [...events, ...long]) response.destroy();
  await origin.stop();
  await eventually(async () => (await gateway.metric("ringway_upstream_in_flight", { upstream: "app" })) === 0);
});

test("no connection: the route's own answer", async (t) => {
  const gateway = await startGateway(t, `
routes: [{ name: own, upstream: app, overload: { status: 200, body: "Later." } }]
upstreams: [{ name: app, endpoints: ["127.0.0.1:${await freePort()}"] }]
`);
  const answer = await gateway.get("/");
  assert.equal(answer.status, 200);
  assert.equal(answer.text, "Later.");
  const [line] = await gateway.accessLines(1, (found) => found.path === "/");
  assert.equal(line.reason, "upstream_connect_failed");
});

test("requests that have waited feed the retry budget", async (t) => {
  const seen = new Set(), held = [];
  const answer = (incoming, response) => {
    if (seen.has(incoming.url)) return response.end("ok");
    seen.add(incoming.url);
    held.push(() => response.writeHead(503).end());
  };
  const origin = await startOrigin(t, { answer });
  const limits = "limit: 1, limit_min: 1, limit_max: 1, queue_timeout: 60s, queue_target: 60s";
  const gateway = await startGateway(t, `${config(origin, limits)}    passive_health: { failures: 0 }
    retries: { on: [503], backoff: 0s, budget_percent: 100, budget_min: 0, budget_burst: 1 }
`);
  const asked = [gateway.get("/0")];
  await eventually(() => held.length === 1);
  for (let i = 1; i < 4; i++) {
    asked.push(gateway.get(`/${i}`));
    await eventually(async () => (await gateway.metric("ringway_overload_queued_total")) === i);
  }
  for (let i = 0; i < 4; i++) {
    await eventually(() => held.length > i);
    held[i]();
  }
  for (const { status } of await Promise.all(asked)) assert.equal(status, 200);
});

test("the limit stays over a reload; mistakes, explain, what the admin address tells", async (t) => {
  const { origin, held } = await startHeld(t);
  const text = config(origin, "limit: 3, limit_min: 1");
  const gateway = await startGateway(t, text);
  const first = gateway.get("/first");
  await eventually(() => held.length === 1);
  gateway.configure(text.replace("limit: 3", "limit: 5"));
  gateway.signal("SIGHUP");
  await eventually(async () => (await gateway.metric("ringway_config_reloads_total")) >= 1);
  const [upstream] = await (await fetch(`${gateway.admin}/upstreams`)).json();
  assert.deepEqual([upstream.limit, upstream.in_flight], [3, 1]);
  held[0].answer();
  await first;
  const told = await runRingway("explain", gateway.configFile, "/");
  assert.match(told.stdout, /overload +1 to 10000 requests at once, by latency; 1000 wait, 100 ms at most, or 10 ms under overload/);
  for (const [overload, message] of [
    ["limit_min: 5, limit_max: 4", /more than "limit_max", which is 4/],
    ["queue_target: 1s", /longer than "queue_timeout"/],
    ["fair_by: { on: header }", /which header field/],
  ])
    await assert.rejects(startGateway(t, config(origin, overload)), message);
});

test("fair_by, hash and sticky by who asks need a policy that tells it", async (t) => {
  const gateway = await startGateway(t, "routes: [{ respond: hi }]");
  const check = async (routes, upstream) => {
    gateway.configure(`consumers: [{ name: one, tenant: a, keys: 0123456789abcdef }]
routes:
${routes}
upstreams:
  - name: app
    endpoints: ["127.0.0.1:9"]
    ${upstream}
  - { name: next, endpoints: ["127.0.0.1:9"] }
`);
    return (await runRingway("check", gateway.configFile)).stderr.replaceAll(gateway.configFile, "FILE");
  };
  const fair = "overload: { fair_by: { on: tenant } }";
  const knows = "  - { name: in, match: /in, upstream: app, policies: [api_key: {}] }";
  const lacks = "  - { name: out, match: /out, upstream: app }";
  assert.equal(await check(knows, fair), "");
  assert.match(await check(`${knows}\n${lacks}`, fair),
    /^FILE:\d+:26: `fair_by` needs the tenant, which no policy before it on the route "out" tells: put `api_key` or `jwt` before it\n$/);
  assert.match(await check(knows, "overload: { fair_by: { on: claim, name: sub } }"), /`fair_by` needs the claim "sub"/);
  assert.match(await check(lacks, "balance: hash\n    hash: { on: consumer }"), /^FILE:\d+:11: `hash` needs the consumer/);
  assert.match(await check("  - release: { versions: [{ name: a, upstream: app }, { name: b, upstream: next }], sticky: { on: consumer } }", ""),
    /`sticky` needs the consumer/);
});

test("balance: latency: the slow one gets little", async (t) => {
  const quick = await startOrigin(t, { answer: (_, response) => response.end("quick") });
  const slow = await startOrigin(t, { answer: (_, response) => setTimeout(() => response.end("slow"), 200) });
  const gateway = await startGateway(t, `
threads: 1
routes: [{ upstream: app }]
upstreams: [{ name: app, balance: latency, endpoints: ["${quick.address}", "${slow.address}"] }]
`);
  for (let i = 0; i < 60; i++) await gateway.get("/");
  assert.ok(slow.requests.length >= 1 && slow.requests.length <= 10, `${slow.requests.length} to the slow one`);
});
