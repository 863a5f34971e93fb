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
