// `ringway explain` says what the running gateway does: the same route and the same parameters, for random
// tables of routes and random requests, among them odd ones. A failure names its seed.

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
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
