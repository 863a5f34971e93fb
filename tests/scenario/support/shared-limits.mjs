// Gateways with one limit through a Redis, by the day, so that nothing depends on how fast the machine is.

import { eventually } from "./wait.mjs";

export const patient = { within: 30000 };

export const shared = (redis, { burst = 40, more = "" } = {}) => `
  routes:
  - name: api
    respond: hi
    policies:
    - rate_limit: { limits: { name: all, requests: 1, per: day, burst: ${burst}, key: "header:X-Key", shared: true } }
  rate_limits:
    redis: { interval: 10ms, timeout: 5s, ${redis} }
  ${more}
`;

export const up = async (gateway, expected = 1) => (await gateway.metric("ringway_rate_limit_redis_up")) === expected;
export const come = (gateway, expected = 1) => eventually(() => up(gateway, expected), { ...patient, what: `redis is ${expected ? "up" : "down"}: ${gateway.stderr}` });
export const ask = async (gateway, key = "a") => (await gateway.get("/", { headers: { "X-Key": key } })).status;
export const says = (gateway, pattern) => eventually(() => gateway.logLines().some((line) => pattern.test(line.message)), { ...patient, what: `the log says ${pattern}: ${gateway.stderr}` });

// Asks for fresh keys until one that the first gateway has used up is refused by the second.
export async function shares(first, second, name = "k") {
  let n = 0;
  await eventually(
    async () => {
      const key = `${name}${n++}`;
      for (let i = 0; i < 3; i++) await ask(first, key);
      await ask(second, key);
      return eventually(async () => (await ask(second, key)) === 429 && (await ask(first, key)) === 429, { within: 2000 });
    },
    { ...patient, what: "a key is shared" },
  );
}
