// Endpoints in several places: near ones first, what spills over, priorities, failover.

import assert from "node:assert/strict";
import { test } from "node:test";
import { json } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { ringway, run } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const named = (t, names) => Promise.all(names.map((name) => startOrigin(t, { name, answer: (_, response) => response.end(name) })));

async function count(gateway, times) {
  const counts = {};
  for (let i = 0; i < times; i++) {
    const { text } = await gateway.get("/");
    counts[text] = (counts[text] ?? 0) + 1;
  }
  return counts;
}

test("the near zone takes all, half of it spills over, and the last reserve has a priority of its own", async (t) => {
  const [near, mate, region, reserve] = await named(t, ["near", "mate", "region", "reserve"]);
  const gateway = await startGateway(
    t,
    `
threads: 1
routes: [{ upstream: app }]
upstreams:
  - name: app
    health: { path: /, interval: 200ms, timeout: 200ms, unhealthy_after: 1, healthy_after: 1 }
    endpoints:
      - { address: "${near.address}", zone: a, region: eu }
      - { address: "${mate.address}", zone: a, region: eu }
      - { address: "${region.address}", zone: b, region: eu }
      - { address: "${reserve.address}", priority: 1 }
`,
    { env: { RINGWAY_ZONE: "a", RINGWAY_REGION: "eu" } },
  );
  assert.deepEqual(await count(gateway, 20), { near: 10, mate: 10 });

  const tiers = async () => (await json(`${gateway.admin}/upstreams`))[0].tiers;
  await mate.stop();
  await eventually(async () => (await tiers())[0].share < 1);
  assert.deepEqual(
    (await tiers()).map(({ distance, priority, share }) => [priority, distance, share.toFixed(2)]),
    [
      [0, "same zone", "0.71"],
      [0, "same region", "0.29"],
      [1, "elsewhere", "0.00"],
    ],
  );
  const spilled = await count(gateway, 300);
  assert.ok(spilled.near > 150 && spilled.region > 30 && !spilled.mate && !spilled.reserve, JSON.stringify(spilled));
  assert.ok(Math.abs((await gateway.metric("ringway_upstream_tier_share", { distance: "same region" })) - 0.2857) < 0.001);
  assert.equal(await gateway.metric("ringway_upstream_endpoint_locality", { endpoint: region.address, zone: "b", region: "eu" }), 1);

  // Nobody is waited for: the requests that meet the dead zone go on to the next.
  await near.stop();
  assert.deepEqual(await count(gateway, 20), { region: 20 });
  await region.stop();
  assert.deepEqual(await count(gateway, 20), { reserve: 20 });

  const told = await run(ringway, ["explain", gateway.configFile, "/"], { env: { RINGWAY_ZONE: "b" } });
  assert.match(told.stdout, /first +priority 0, same zone: \S+\n +then +priority 0, elsewhere: .*\n +then +priority 1, elsewhere/);
});

test("mistakes have their place", async (t) => {
  const gateway = await startGateway(t, "routes: [{ respond: { body: x } }]\n");
  gateway.configure(`
locality: { zone: a, planet: earth }
routes: [{ upstream: app }]
upstreams:
  - name: app
    locality: { prefer: town, overflow_below: 0 }
    endpoints: [{ address: "127.0.0.1:1", priority: 16 }]
`);
  const { stderr, stdout, code } = await run(ringway, ["check", gateway.configFile], { env: { RINGWAY_REGION: "x".repeat(65) } });
  assert.notEqual(code, 0);
  const told = stdout + stderr;
  assert.match(told, /:1:\d+: locality.*unknown.*planet/);
  assert.match(told, /RINGWAY_REGION is longer than 64 bytes/);
  assert.match(told, /upstreams\[0\]\.locality\.prefer/);
  assert.match(told, /upstreams\[0\]\.locality\.overflow_below/);
  assert.match(told, /upstreams\[0\]\.endpoints\[0\]\.priority/);
});
