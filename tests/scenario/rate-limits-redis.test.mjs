// Rate limits that two gateways share through a real Redis server, which is killed and paused. Limits
// are by the day, so that nothing here depends on how fast the machine is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/ports.mjs";
import { startRedis, startRedisAt } from "./support/redis.mjs";
import { eventually } from "./support/wait.mjs";

const patient = { within: 30000 };

const shared = (address, options = "", burst = 40) => `
  routes:
  - name: api
    respond: hi
    policies:
    - rate_limit: { limits: { name: all, requests: 1, per: day, burst: ${burst}, key: "header:X-Key", shared: true } }
  rate_limits:
    redis: { address: "${address}", interval: 10ms, timeout: 300ms ${options} }
`;

const up = async (gateway, expected = 1) => (await gateway.metric("ringway_rate_limit_redis_up")) === expected;
const come = (gateway, expected) => eventually(() => up(gateway, expected), { ...patient, what: `redis is ${expected ? "up" : "down"}` });
const ask = async (gateway, key = "a") => (await gateway.get("/", { headers: { "X-Key": key } })).status;

async function count(gateway, requests, key) {
  const counts = {};
  for (let i = 0; i < requests; i++) {
    const status = await ask(gateway, key);
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

test("two gateways have one limit together", async (t) => {
  const redis = await startRedis(t, "--requirepass", "secret");
  const options = ', password: secret, database: 2, prefix: "shop:"';
  const first = await startGateway(t, shared(redis.address, options));
  const second = await startGateway(t, shared(redis.address, options), { args: ["--processes", "2"] });
  await come(first, 1);
  await come(second, 2);

  assert.deepEqual(await count(first, 30), { 200: 30 });
  // The second learns what the first has used with the first round of its own.
  assert.equal(await ask(second), 200);
  await eventually(async () => (await second.get("/", { headers: { "X-Key": "a" } })).headers.ratelimit?.includes("r=") && (await ask(second)) === 429, {
    ...patient,
    what: "the second gateway refuses",
  });
  // And the first what the second has used.
  await eventually(async () => (await ask(first)) === 429, { ...patient, what: "the first gateway refuses" });
  const admitted = await Promise.all([first, second].map((each) => each.metric("ringway_rate_limit_requests_total", { result: "admitted" })));
  const sum = admitted[0] + admitted[1];
  assert.ok(sum >= 40, `${admitted}`);
  assert.equal(await ask(first, "b"), 200);

  const keys = await eventually(
    async () => {
      const found = await redis.ask("-a", "secret", "-n", "2", "KEYS", "shop:*");
      return found.stdout.trim().split("\n").length === 2 && found;
    },
    { ...patient, what: "both keys are in Redis" },
  );
  assert.match(keys.stdout, /^shop:[0-9a-f]{32}$/m);
  const life = await redis.ask("-a", "secret", "-n", "2", "TTL", keys.stdout.split("\n")[0]);
  assert.ok(Number(life.stdout) > 0, "keys expire");
});

test("Redis is killed and comes back: counted locally meanwhile", async (t) => {
  const redis = await startRedis(t);
  const gateway = await startGateway(t, shared(redis.address));
  await come(gateway, 1);
  await redis.kill();
  await come(gateway, 0);
  assert.deepEqual(await count(gateway, 50), { 200: 40, 429: 10 });
  assert.ok((await gateway.metric("ringway_rate_limit_redis_failures_total")) > 0);
  assert.ok(gateway.logLines().some((line) => /shared limits are counted by this gateway alone/.test(line.message)));
  await redis.start();
  await come(gateway, 1);
  assert.equal(await ask(gateway), 429);
  assert.equal(await ask(gateway, "b"), 200);
  await eventually(async () => (await redis.ask("DBSIZE")).stdout.trim() === "1", { ...patient, what: "the key is told of" });
});

test("Redis hangs: shared limits admit everything, or refuse, as configured", async (t) => {
  const redis = await startRedis(t);
  const open = await startGateway(t, shared(redis.address, ", when_down: admit", 3));
  const closed = await startGateway(t, shared(redis.address, ", when_down: refuse", 3));
  await come(open, 1);
  await come(closed, 1);
  assert.deepEqual(await count(open, 5), { 200: 3, 429: 2 });
  assert.equal(await ask(closed, "b"), 200);

  redis.pause();
  // There is a round to be missed only when something was used.
  await eventually(async () => (await ask(open, "c"), up(open, 0)), { ...patient, what: "the hanging server is noticed" });
  await eventually(async () => (await ask(closed, "c"), up(closed, 0)), { ...patient, what: "the hanging server is noticed" });
  assert.deepEqual(await count(open, 10), { 200: 10 });
  assert.ok((await open.metric("ringway_rate_limit_requests_total", { result: "bypassed" })) >= 10);
  assert.deepEqual(await count(closed, 3, "d"), { 503: 3 });

  redis.resume();
  await come(open, 1);
  await come(closed, 1);
  assert.equal(await ask(closed, "e"), 200);
});

test("Redis becomes a replica, which takes nothing: shared limits are as if it had gone, until it is a primary again", async (t) => {
  const redis = await startRedis(t);
  const gateway = await startGateway(t, shared(redis.address, ", when_down: refuse", 3));
  await come(gateway, 1);
  assert.equal(await ask(gateway), 200);

  await redis.ask("REPLICAOF", "127.0.0.1", "1");
  await eventually(async () => (await ask(gateway, "b"), up(gateway, 0)), { ...patient, what: "the replica is noticed" });
  assert.equal(await ask(gateway, "c"), 503);
  assert.ok(gateway.logLines().some((line) => /^redis .*the script failed: .*READONLY.*; shared limits refuse everything/.test(line.message)));
  const failures = await gateway.metric("ringway_rate_limit_redis_failures_total");
  await eventually(async () => (await gateway.metric("ringway_rate_limit_redis_failures_total")) > failures + 1, { ...patient, what: "it is tried again" });
  assert.equal(await ask(gateway, "c"), 503);

  await redis.ask("REPLICAOF", "NO", "ONE");
  await come(gateway, 1);
  assert.equal(await ask(gateway, "c"), 200);
});

test("Redis is not there at the start: the gateway says so and serves", async (t) => {
  const gateway = await startGateway(t, shared(`127.0.0.1:${await freePort()}`, "", 3));
  assert.deepEqual(await count(gateway, 5), { 200: 3, 429: 2 });
  await eventually(() => gateway.logLines().some((line) => /^redis 127\.0\.0\.1:\d+: .*; shared limits/.test(line.message)), patient);
  // What is no Redis server at all is not taken for one.
  await gateway.reload(shared(`127.0.0.1:${gateway.port}`, "", 3));
  await eventually(() => gateway.logLines().some((line) => /does not speak the protocol|closed the connection/.test(line.message)), patient);
  assert.equal(await ask(gateway), 429);
});

test("Redis comes up after the gateways: each mode has its answer until then, and limits are shared from then on", async (t) => {
  const port = await freePort();
  const [local, open, closed] = await Promise.all(["local", "admit", "refuse"].map((mode) => startGateway(t, shared(`127.0.0.1:${port}`, `, when_down: ${mode}`, 3))));
  for (const gateway of [local, open, closed])
    await eventually(() => gateway.logLines().some((line) => line.message.startsWith(`redis 127.0.0.1:${port}: connection refused; shared limits`)), patient);
  assert.deepEqual(await count(local, 5, "early"), { 200: 3, 429: 2 });
  assert.deepEqual(await count(open, 5, "early"), { 200: 5 });
  assert.deepEqual(await count(closed, 5, "early"), { 503: 5 });

  await startRedisAt(t, "127.0.0.1", port);
  await Promise.all([local, open, closed].map((gateway) => come(gateway, 1)));
  assert.equal(await ask(closed, "late"), 200);
  await eventually(async () => (await ask(local, "late")) === 429, { ...patient, what: "the limit is used up" });
  for (const gateway of [open, closed]) await eventually(async () => (await ask(gateway, "late")) === 429, { ...patient, what: "the limit is shared" });
});
