// `ringway explain` says what the running gateway does: the same route and the same parameters, for random
// tables of routes and random requests, among them odd ones. A failure names its seed.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { scratch } from "./support/cleanup.mjs";
import { named } from "./support/discovery.mjs";
import { prepareGateway, startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/ports.mjs";
import { exchangeRaw } from "./support/raw.mjs";
import { runRingway, sanitized } from "./support/run.mjs";

const SEED = Number(process.env.SEED ?? 1);
const TABLES = sanitized ? 1 : 2;
const ROUTES = 40;
const REQUESTS = sanitized ? 30 : 80;
const AT_ONCE = 4;

// xorshift32: the same numbers from the same seed.
function randomFrom(seed) {
  let state = (seed * 2654435761) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
  const below = (limit) => next() % limit;
  const of = (list) => list[below(list.length)];
  return { below, of, sometimes: (percent) => below(100) < percent };
}

const SEGMENTS = ["a", "b", "users", "v1", "A", "a%20b", "x.y"];
const HOSTS = ["a.test", "b.test", "x.a.test", "y.x.a.test", "other"];
const METHODS = ["GET", "POST", "HEAD", "DELETE", "PURGE"];
const NAMES = ["X-One", "X-Two"];
const VALUES = ["1", "2", "yes"];

function randomPath(random) {
  const segments = Array.from({ length: 1 + random.below(3) }, () => (random.sometimes(25) ? `{p${random.below(3)}}` : random.of(SEGMENTS)));
  const unique = segments.filter((segment, i) => !segment.startsWith("{") || segments.indexOf(segment) === i);
  return `/${unique.join("/")}${random.sometimes(40) ? "/*" : ""}`;
}

function randomMatch(random) {
  const match = {};
  if (random.sometimes(85)) {
    if (random.sometimes(15)) match.path_regex = random.of(["/[a-z]+", "/v[0-9]/.*", "/(a|b)/.*", "/.*b"]);
    else match.path = randomPath(random);
  }
  if (random.sometimes(40)) match.host = random.of([...HOSTS, "*.a.test", "*.test"]);
  if (random.sometimes(25)) match.method = random.of(METHODS);
  if (random.sometimes(25)) match.headers = { [random.of(NAMES)]: random.of([...VALUES, "*", "~[12]"]) };
  if (random.sometimes(20)) match.query = { [random.of(["q", "r"])]: random.of([...VALUES, "*"]) };
  return match;
}

// JSON is YAML. Two routes for the same are a mistake: the second one goes.
function randomTable(random) {
  const seen = new Set();
  const routes = [];
  for (let i = 0; i < ROUTES; i++) {
    const match = randomMatch(random);
    const priority = random.sometimes(15) ? random.below(3) : 0;
    const key = JSON.stringify([{ ...match, path: match.path?.replace(/\{\w+\}/g, "{}") }, priority]);
    if (seen.has(key) || !Object.keys(match).length) continue;
    seen.add(key);
    routes.push({ name: `r${i}`, match, priority, respond: { headers: { "X-Route": `r${i}` } } });
  }
  return routes;
}

function randomRequest(random) {
  const path = Array.from({ length: 1 + random.below(4) }, () => random.of([...SEGMENTS, ...SEGMENTS, "c", "", "%61", "a;b", "*"])).join("/");
  const query = random.sometimes(35) ? random.of(["?", "?q=1", "?r=yes&q=2", "?q=1&q=2", "?x&r", "?q=%31", "?&&r=1"]) : "";
  const fields = random.sometimes(50) ? [[random.of([...NAMES, "x-one"]), random.of(VALUES)]] : [];
  if (random.sometimes(15)) fields.push([random.of(NAMES), random.of(VALUES)]);
  return { method: random.of(METHODS), host: random.of([...HOSTS, "A.Test", "a.test:80"]), target: `/${path}${query}`, fields };
}

async function both(gateway, { method, host, target, fields }) {
  const lines = fields.map(([name, value]) => `${name}: ${value}`);
  const [answer, explained] = await Promise.all([
    exchangeRaw(gateway.port, `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`, { to: method }),
    runRingway("explain", "-X", method, ...lines.flatMap((line) => ["-H", line]), "--listener", "web", gateway.configFile, `http://${host}${target}`),
  ]);
  return { did: answer.headers["x-route"], status: answer.status, said: /^route "([^"]*)"$/m.exec(explained.stdout)?.[1], explained };
}

for (let number = 0; number < TABLES; number++) {
  const seed = SEED + number;
  test(`random routes and requests, seed ${seed}`, async (t) => {
    const random = randomFrom(seed);
    const gateway = await startGateway(t, `routes: ${JSON.stringify(randomTable(random))}\n`);
    const requests = Array.from({ length: REQUESTS }, () => randomRequest(random));
    let routed = 0;
    for (let i = 0; i < requests.length; i += AT_ONCE) {
      await Promise.all(
        requests.slice(i, i + AT_ONCE).map(async (asked) => {
          const { did, status, said, explained } = await both(gateway, asked);
          assert.equal(said, did, `SEED=${seed}: ${JSON.stringify(asked)}: answered ${status}\n${explained.stdout}${explained.stderr}`);
          assert.equal(explained.code, did ? 0 : 1);
          routed += did ? 1 : 0;
        }),
      );
    }
    t.diagnostic(`${routed} of ${REQUESTS} found a route`);
    assert.ok(routed > REQUESTS / 5);
  });
}

test("all that a request to an upstream is subject to is told", async (t) => {
  const gateway = await startGateway(
    t,
    `
  routes:
  - name: shop
    match: /shop
    timeouts: { first_byte: 10s, total: 15s, deadline_field: X-Request-Timeout }
    overload: { class: bulk, body: busy }
    upstream: app
  - name: versions
    match: /versions
    release: { versions: [{ name: one, upstream: app, weight: 90 }, { name: two, upstream: next, weight: 10 }] }
  upstreams:
  - name: app
    balance: hash
    hash: { on: cookie, name: sid }
    endpoints: [{ address: "127.0.0.1:9", zone: a }, { address: "127.0.0.1:10", zone: b, priority: 1 }]
    health: { path: /healthz, panic_percent: 40 }
    connections: { per_endpoint_max: 5 }
    tcp: { user_timeout: 5s, keepalive: { idle: 30s } }
    overload: { fair_by: { on: header, name: X-Tenant } }
    hedging: {}
  - { name: next, endpoints: "127.0.0.1:11", protocol: http2 }
  locality: { zone: a }
`,
  );
  const told = (await runRingway("explain", gateway.configFile, "/shop")).stdout;
  for (const line of [
    /action +upstream app \(consistent hash by cookie sid\): 127\.0\.0\.1:10, 127\.0\.0\.1:9/,
    /first +priority 0, same zone: 127\.0\.0\.1:9\n/,
    /then +priority 1, elsewhere: 127\.0\.0\.1:10\n/,
    /path +all: from any, interface any, congestion control the system's, user timeout 5000 ms, keep-alive after 30 s, 3 times every 10 s/,
    /connects +by HTTP\/1\.1, within 2000 ms; 5 to an endpoint, 1024 requests wait 5000 ms at most/,
    /probes +GET \/healthz, good from 200 to 399, every 5000 ms: down after 3 bad ones, up after 2 good ones; not believed when less than 40% are up/,
    /retries +2 at most, on connect, reset/,
    /hedging +reads that take longer than 95% of them/,
    /breaker +5 failures in a row: out for 10000 ms/,
    /overload +1 to 10000 requests at once, by latency; 1000 wait, .*, in turn by header X-Tenant/,
    /time +first byte 10000 ms, in all 15000 ms, or what X-Request-Timeout says/,
    /class +bulk; without room or connection 503 and 4 bytes of text\/plain/,
  ])
    assert.match(told, line);
  const versions = (await runRingway("explain", gateway.configFile, "/versions")).stdout;
  assert.match(versions, /version +two, 10%: upstream next \(round robin\): 127\.0\.0\.1:11\n +connects +by HTTP\/2, /);
  assert.match(versions, /time +first byte 60000 ms\n +class +normal\n/);
});

test("where endpoints come from is told, and a file of them is read", async (t) => {
  const found = join(scratch(t), "found.yaml");
  const gateway = await prepareGateway(
    t,
    `
  routes:
  - { match: /file, upstream: filed }
  - { match: /etcd, upstream: stored }
  - { match: /names, upstream: named }
  upstreams:
  - { name: filed, discovery: { file: ${found} } }
  - { name: stored, discovery: { etcd: { servers: ["etcd-1.test:2379", "10.0.0.2:2379"], prefix: /app/ } }, endpoints: "127.0.0.1:9" }
  - { name: named, endpoints: ["orders.test:8080", "srv:_http._tcp.orders.test"] }
`,
  );
  const explain = async (path) => (await runRingway("explain", gateway.configFile, path)).stdout;
  const check = () => runRingway("check", gateway.configFile);
  assert.match(await explain("/file"), /no endpoint is known now\n +discovery file \S+; no endpoint until it can be read: \S+ is not there yet\n/);
  assert.match((await check()).stderr, /ringway\.yaml:\d+:\d+: warning: upstream filed: \S+found\.yaml is not there yet/);
  writeFileSync(found, 'endpoints: ["127.0.0.1:11", { address: "127.0.0.1:12", priority: 1 }]\n');
  const told = await explain("/file");
  assert.match(told, /upstream filed \(round robin\): 127\.0\.0\.1:11, 127\.0\.0\.1:12\n +discovery file \S+; has these 2 endpoints now\n/);
  assert.match(told, /first +priority 0, elsewhere: 127\.0\.0\.1:11\n +then +priority 1, elsewhere: 127\.0\.0\.1:12\n/);
  assert.doesNotMatch(told, /GET \/upstreams/);
  const fine = await check();
  assert.deepEqual([fine.code, fine.stderr], [0, ""]);
  writeFileSync(found, 'endpoints: ["orders.test:8080"]\n');
  assert.match((await check()).stderr, /warning: upstream filed: no IP address: "orders\.test:8080"\n$/);
  assert.match(
    await explain("/etcd"),
    /discovery etcd \/app\/, from etcd-1\.test:2379, 10\.0\.0\.2:2379; the endpoints above until it has answered\n +a running gateway knows more: GET \/upstreams of its admin API\n/,
  );
  assert.match(await explain("/names"), /names +orders\.test:8080, srv:_http\._tcp\.orders\.test: looked up in DNS while the gateway runs\n +a running gateway knows more/);
});

test("a TCP client by its address: the endpoint that it is kept to", async (t) => {
  const [a, b] = await named(t, ["a", "b"]);
  const port = await freePort();
  const gateway = await startGateway(
    t,
    `
  listeners: [{ name: raw, address: "127.0.0.1:${port}", protocol: tcp }]
  tcp_routes: [{ name: all, upstream: app }]
  upstreams: [{ name: app, balance: hash, hash: { on: address }, endpoints: ["${a.address}", "${b.address}"] }]
`,
  );
  const told = (await runRingway("explain", "--client", "127.0.0.1", gateway.configFile, `tcp://127.0.0.1:${port}`)).stdout;
  const chosen = /goes to +(\S+), while it is up\n/.exec(told)?.[1];
  const { headers } = await exchangeRaw(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", { to: "GET" });
  assert.equal(chosen, headers["x-origin"] === "a" ? a.address : b.address, told);
  const ends = new Set();
  for (let last = 1; last < 12; last++) ends.add(/goes to +(\S+),/.exec((await runRingway("explain", "--client", `10.0.0.${last}`, gateway.configFile, `tcp://127.0.0.1:${port}`)).stdout)?.[1]);
  assert.deepEqual([...ends].sort(), [a.address, b.address].sort());
});

// What is said of a client is what a request of its gets.
test("a client by its address: lists, residency, limits, the version and the endpoint", async (t) => {
  const networks = 'networks: [{ country: DE, networks: ["127.0.0.8/29"] }, { country: US, networks: ["127.0.0.16/29"] }]';
  const [berlin, oregon] = await named(t, ["berlin", "oregon"]);
  const gateway = await startGateway(
    t,
    (g) => `
  listeners:
  - { name: web, address: "127.0.0.1:${g.port}", trusted_proxies: [127.0.0.1] }
  routes:
  - name: kept
    match: /kept
    policies:
    - address: { deny: [127.0.0.9] }
    - residency: { ${networks}, rules: [{ name: eu, clients: [EU], regions: ["eu-*"] }, { name: far, clients: [US], refuse: true }] }
    - rate_limit: { limits: [{ name: each, requests: 5, per: day, key: address }, { name: all, requests: 9, per: second, key: constant }], ipv4_prefix: 24 }
    upstream: app
  - { name: closed, match: /closed, policies: [{ maintenance: { allow: [127.0.0.10], active: true } }], respond: { body: in } }
  - { name: versions, match: /versions, release: { sticky: { on: address }, versions: [{ name: one, upstream: one, weight: 1 }, { name: two, upstream: two, weight: 1 }] } }
  upstreams:
  - name: app
    balance: hash
    hash: { on: address }
    endpoints: [{ address: "127.0.0.1:${berlin.port}", region: eu-central }, { address: "127.0.0.1:${oregon.port}", region: us-west }]
  - { name: one, endpoints: "127.0.0.1:${berlin.port}" }
  - { name: two, endpoints: "127.0.0.1:${oregon.port}" }
`,
  );
  const explain = async (client, path) =>
    (await runRingway("explain", "--client", "127.0.0.1", "-H", `X-Forwarded-For: ${client}`, gateway.configFile, path)).stdout;
  const get = (client, path) => gateway.get(path, { headers: { "X-Forwarded-For": client } });

  const kept = await explain("127.0.0.10", "/kept");
  assert.match(kept, /client +127\.0\.0\.10, as the trusted proxy 127\.0\.0\.1 says\n/);
  assert.match(kept, /policy +address .*; this client passes\n/);
  assert.match(kept, /policy +residency .*; this client is in EU\/DE: it is kept by eu\n/);
  assert.match(kept, /policy +rate_limit .*; this client is counted by each as 127\.0\.0\.0\/24\n/);
  assert.match(kept, new RegExp(`kept to +127\\.0\\.0\\.1:${berlin.port} \\(eu-central\\)\n +goes to +127\\.0\\.0\\.1:${berlin.port}, while it is up\n`));
  assert.equal((await get("127.0.0.10", "/kept")).text, "berlin");

  assert.match(await explain("127.0.0.9", "/kept"), /policy +address .*; this client gets 403\n/);
  assert.equal((await get("127.0.0.9", "/kept")).status, 403);
  assert.match(await explain("127.0.0.17", "/kept"), /this client is in US: it gets 451 by far\n/);
  assert.equal((await get("127.0.0.17", "/kept")).status, 451);
  assert.match(await explain("127.0.0.10", "/closed"), /this client passes\n/);
  assert.equal((await get("127.0.0.10", "/closed")).status, 200);
  assert.match(await explain("127.0.0.9", "/closed"), /this client gets 503\n/);
  assert.equal((await get("127.0.0.9", "/closed")).status, 503);

  const places = new Set();
  for (let last = 32; last < 48; last++) {
    const client = `127.0.0.${last}`;
    const port = /goes to +127\.0\.0\.1:(\d+)/.exec(await explain(client, "/kept"))?.[1];
    const version = /gets +version (one|two), with the shares above/.exec(await explain(client, "/versions"))?.[1];
    if (last < 36) assert.equal((await get(client, "/kept")).text, Number(port) === berlin.port ? "berlin" : "oregon");
    assert.equal((await get(client, "/versions")).text, version === "one" ? "berlin" : "oregon");
    places.add(port).add(version);
  }
  assert.equal(places.size, 4);

  const direct = await runRingway("explain", "--client=2001:db8::1", gateway.configFile, "/kept");
  assert.match(direct.stdout, /client +2001:db8::1\n/);
  assert.match(direct.stdout, /this client is unknown: no rule is for it\n/);
  const itself = await runRingway("explain", "--client", "127.0.0.1", gateway.configFile, "/kept");
  assert.match(itself.stdout, /client +127\.0\.0\.1, a trusted proxy that does not say for whom it asks\n/);
  for (const odd of ["nobody", "10.0.0.1:80", "10.0.0.0/8", ""]) {
    const refused = await runRingway("explain", "--client", odd, gateway.configFile, "/kept");
    assert.equal(refused.code, 2, odd);
    assert.match(refused.stderr, /--client: ".*" is no IP address/);
  }
});
