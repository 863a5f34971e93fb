// Quotas by the month that gateways share through a real Redis, which is killed, loses everything and
// lies, while gateways are stopped and lose their files. What is used is used.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { startRedis } from "./support/redis.mjs";
import { runRingway } from "./support/run.mjs";
import { ask, come, patient } from "./support/shared-limits.mjs";
import { eventually } from "./support/wait.mjs";

const MOST = 400;

const quota = (address, { requests = MOST, more = "" } = {}) => (gateway) => `
  routes:
  - name: api
    respond: hi
    policies:
    - rate_limit: { limits: { name: month, requests: ${requests}, per: calendar_month, key: "header:X-Key", shared: true } }
  rate_limits:
    quota_file: ${join(gateway.folder, "quotas")}
    redis: { address: "${address}", interval: 10ms, timeout: 5s ${more} }
`;

const times = async (gateway, requests, key) => {
  for (let i = 0; i < requests; i++) assert.equal(await ask(gateway, key), 200);
};

// Their keys; those of the probe have no end of a period.
const keys = async (redis) => (await redis.line("KEYS", "*")).split("\n").filter((each) => /[0-9a-f]{32}:\d+$/.test(each));

// What Redis has of all quotas, in all.
async function total(redis) {
  let sum = 0;
  for (const name of await keys(redis)) {
    for (const used of (await redis.line("HVALS", name)).split("\n")) sum += Number(used);
  }
  return sum;
}

const told = (redis, sum) => eventually(async () => (await total(redis)) === sum, { ...patient, what: `Redis knows of ${sum}` });

// Until a gateway says that no more than this is left; each look uses one.
async function left(gateway, most) {
  let looks = 0;
  await eventually(
    async () => {
      const { status, headers } = await gateway.get("/", { headers: { "X-Key": "a" } });
      looks += status === 200;
      return Number(/r=(\d+)/.exec(headers.ratelimit)[1]) <= most - looks;
    },
    { ...patient, what: `at most ${most} are left` },
  );
  return looks;
}

const again = async (gateway) => {
  Object.assign(gateway, { exit: undefined, stderr: "" });
  gateway.spawn();
  await gateway.ready();
};

test("a quota of two gateways: Redis dies and forgets all, a gateway is restarted, one loses its file", async (t) => {
  const redis = await startRedis(t);
  const first = await startGateway(t, quota(redis.address));
  const second = await startGateway(t, quota(redis.address), { args: ["--processes", "2"] });
  await come(first, 1);
  await come(second, 2);
  await times(first, 10);
  await told(redis, 10);
  let used = 10 + (await left(second, MOST - 10));
  await told(redis, used);
  const life = Number(await redis.line("TTL", (await keys(redis))[0]));
  assert.ok(life > 3600 && life <= 32 * 86400, `${life}`);

  // Each counts on by itself, and all of it is told when Redis is back, with nothing.
  await redis.kill();
  await come(first, 0);
  await come(second, 0);
  await times(first, 3);
  await times(second, 4);
  used += 7;
  await redis.start();
  await come(first, 1);
  await come(second, 2);
  used += await left(first, MOST - used);
  used += await left(second, MOST - used);
  await told(redis, used);

  // A restart, and one that has lost its file: it learns from Redis what it has used itself.
  await first.stop();
  await again(first);
  await come(first, 1);
  await second.stop();
  rmSync(join(second.folder, "quotas"));
  await again(second);
  await come(second, 2);
  used += await left(second, MOST - used);
  assert.ok(used < MOST, `${used}`);
  await told(redis, used);
  while ((await ask(second)) === 200) used++;
  assert.equal(used, MOST);
  await eventually(async () => (await ask(first)) === 429, { ...patient, what: "the first refuses, too" });
  assert.equal(await ask(first, "b"), 200);
});

test("Redis is gone: a quota admits everything and counts on, or refuses", async (t) => {
  const redis = await startRedis(t);
  const open = await startGateway(t, quota(redis.address, { requests: 3, more: ", when_down: admit" }));
  const closed = await startGateway(t, quota(redis.address, { requests: 3, more: ", when_down: refuse" }));
  await come(open, 1);
  await come(closed, 1);
  await redis.kill();
  await come(open, 0);
  await come(closed, 0);
  await times(open, 5);
  assert.equal(await open.metric("ringway_rate_limit_requests_total", { result: "bypassed" }), 5);
  assert.equal(await ask(closed), 503);
  await redis.start();
  await come(open, 1);
  await come(closed, 1);
  assert.equal(await ask(open), 429);
  await told(redis, 5);
  await eventually(async () => (await ask(closed)) === 429, { ...patient, what: "the other one knows" });
});

test("what somebody else has put into a key is no number; of a wrong kind, it is an outage", async (t) => {
  const redis = await startRedis(t);
  const gateway = await startGateway(t, quota(redis.address, { requests: 5 }));
  await come(gateway, 1);
  await times(gateway, 1);
  await told(redis, 1);
  const [name] = await keys(redis);
  await redis.ask("HSET", name, "somebody", "nonsense", "another", "-7");
  await times(gateway, 1);
  await eventually(async () => (await redis.line("HVALS", name)).split("\n").includes("2"), { ...patient, what: "it is told" });
  assert.equal(await gateway.metric("ringway_rate_limit_redis_up"), 1);
  await redis.ask("SET", name, "no hash");
  await times(gateway, 1);
  await eventually(async () => (await gateway.metric("ringway_rate_limit_redis_failures_total")) > 0, { ...patient, what: "it is noticed" });
  assert.ok(gateway.logLines().some((line) => /the script failed: .*WRONGTYPE/.test(line.message)));
  await redis.ask("DEL", name);
  await come(gateway, 1);
  await times(gateway, 2);
  assert.equal(await ask(gateway), 429);
});

test("ringway explain shows a quota, and through what it is shared", async (t) => {
  const redis = await startRedis(t);
  const gateway = await startGateway(t, quota(redis.address));
  const { stdout } = await runRingway("explain", gateway.configFile, "/");
  assert.match(stdout, /month 400 per calendar_month, by header:X-Key, shared through redis 127\.0\.0\.1:\d+ \(when down: local\)/);
});
