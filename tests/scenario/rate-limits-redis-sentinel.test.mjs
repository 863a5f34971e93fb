// Rate limits shared through a Redis that Sentinels watch: its primary is killed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/ports.mjs";
import { startRedis, startSentinels } from "./support/redis.mjs";
import { ask, come, patient, says, shared, shares, up } from "./support/shared-limits.mjs";
import { eventually } from "./support/wait.mjs";

test("Sentinel: the primary is killed under load, and the new one is found", async (t) => {
  const auth = ["--requirepass", "secret", "--masterauth", "secret"];
  const primary = await startRedis(t, ...auth);
  const replica = await startRedis(t, ...auth, "--replicaof", primary.host, String(primary.port));
  await eventually(async () => /master_link_status:up/.test(await replica.line("-a", "secret", "INFO", "replication")), { ...patient, what: "the replica follows" });
  const lines = "sentinel auth-pass limits secret\nrequirepass watch\nsentinel sentinel-pass watch";
  const sentinels = await startSentinels(t, primary, 3, lines, ["-a", "watch", "--no-auth-warning"]);
  const nobody = await freePort(); // the first is not there
  const list = [`127.0.0.1:${nobody}`, ...sentinels.map((each) => each.address)].map((each) => `"${each}"`).join(", ");
  const redis = `sentinel: { addresses: [${list}], primary: limits, password: watch }, password: secret`;
  const first = await startGateway(t, shared(redis, { burst: 3 }));
  const second = await startGateway(t, shared(redis, { burst: 3 }));
  await come(first);
  await come(second);
  await says(first, new RegExp(`^redis: the primary is ${primary.address}, says sentinel `));
  await shares(first, second, "before");

  // Requests go on all the while; none waits.
  let asking = true;
  const statuses = new Set();
  const load = (async () => {
    for (let i = 0; asking; i++) statuses.add(await ask(first, `load${i % 50}`));
  })();
  await primary.kill();
  await says(first, new RegExp(`^redis: the primary is ${replica.address}, says sentinel .*it was ${primary.address}`));
  await come(first);
  await come(second);
  asking = false;
  await load;
  assert.deepEqual([...statuses].filter((status) => ![200, 429].includes(status)), []);
  await shares(first, second, "after");
  assert.ok((await first.metric("ringway_rate_limit_redis_changes_total")) >= 2);

  // The old one comes back as a replica, and nobody minds.
  await primary.start();
  await shares(first, second, "late");
});

test("Sentinel: none there at the start, a name that they do not know, no right to ask", async (t) => {
  const redis = await startRedis(t);
  await startRedis(t, "--replicaof", redis.host, String(redis.port));
  const nobody = await freePort();
  const gateway = await startGateway(t, shared(`when_down: refuse, sentinel: { addresses: ["127.0.0.1:${nobody}"], primary: limits }`));
  await says(gateway, /^redis sentinel 127\.0\.0\.1:\d+: connection refused; another one is asked, shared limits refuse everything meanwhile/);
  assert.equal(await ask(gateway), 503);
  const [sentinel] = await startSentinels(t, redis, 1, "requirepass watch", ["-a", "watch", "--no-auth-warning"]);
  const reload = (name, more) => gateway.reload(shared(`when_down: refuse, sentinel: { addresses: ["${sentinel.address}"], primary: ${name} ${more} }`));
  await reload("limits", "");
  await says(gateway, /^redis sentinel 127\.0\.0\.1:\d+: NOAUTH/);
  await reload("other", ", password: watch");
  await says(gateway, /^redis sentinel 127\.0\.0\.1:\d+: it knows no primary of this name/);
  await gateway.reload(shared(`sentinel: { addresses: ["${redis.address}"], primary: limits }`));
  await says(gateway, /^redis sentinel 127\.0\.0\.1:\d+: it is no Sentinel/);
  await reload("limits", ", password: watch");
  await come(gateway);
  assert.equal(await ask(gateway), 200);
});
