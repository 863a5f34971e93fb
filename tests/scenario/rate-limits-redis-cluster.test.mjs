// Rate limits shared through a Redis Cluster: slots move, a primary is lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { json } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/ports.mjs";
import { startCluster } from "./support/redis.mjs";
import { ask, come, patient, says, shared, shares } from "./support/shared-limits.mjs";
import { eventually } from "./support/wait.mjs";

test("Cluster: three primaries have the keys; a slot that moves is followed", async (t) => {
  const [a, b, c, fresh] = await startCluster(t, 3, 1);
  const redis = `cluster: ["127.0.0.1:${await freePort()}", "${a.address}"]`; // the first is not there
  const first = await startGateway(t, shared(redis, { burst: 3 }));
  const second = await startGateway(t, shared(redis, { burst: 3 }), { args: ["--processes", "2"] });
  await come(first);
  await come(second, 2);
  await says(first, /^redis: 3 servers have 16384 of 16384 slots, says cluster member /);
  for (let i = 0; i < 30; i++) await ask(first, `spread${i}`);
  for (const node of [a, b, c]) await eventually(async () => (await node.line("DBSIZE")) !== "0", { ...patient, what: "each has keys" });
  const [name] = (await a.line("KEYS", "*")).split("\n");
  assert.match(name, /^ringway:limit:\{[0-9a-f]{2}\}[0-9a-f]{30}$/);
  await shares(first, second, "whole");

  // While its slot moves, keys that a does not have yet are the new server's (ASK), then all (MOVED).
  const slot = await a.line("CLUSTER", "KEYSLOT", name);
  const tag = /\{(..)\}/.exec(name)[1];
  await fresh.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", a.id);
  await a.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", fresh.id);
  let n = 0;
  const busy = async () => Promise.all(Array.from({ length: 50 }, () => ask(first, `moving${n++}`)));
  const there = async () => (await fresh.line("KEYS", `*{${tag}}*`)) !== "";
  await eventually(async () => (await busy(), there()), { ...patient, what: "the new server has keys of the slot" });
  assert.ok((await first.metric("ringway_rate_limit_redis_asked_total")) > 0);
  assert.equal(await first.metric("ringway_rate_limit_redis_moved_total"), 0);
  const left = async () => (await a.line("KEYS", `*{${tag}}*`)).split("\n").filter(Boolean);
  const migrate = async () => {
    for (const key of await left()) await a.ask("MIGRATE", "127.0.0.1", String(fresh.port), key, "0", "5000", "REPLACE");
    return (await left()).length === 0; // else the slot cannot be given away
  };
  await eventually(migrate, { ...patient, what: "all keys of the slot are the new server's" });
  for (const node of [fresh, a, b, c]) await node.ask("CLUSTER", "SETSLOT", slot, "NODE", fresh.id);
  await eventually(async () => (await busy(), await first.metric("ringway_rate_limit_redis_moved_total")) > 0, { ...patient, what: "the slot has moved" });
  await come(first);
  await says(first, new RegExp(`^redis: slot ${slot} has moved to ${fresh.address}$`));
  await shares(first, second, "moved");

  // One is lost: its keys are counted alone, the others' go on.
  await b.kill();
  await come(first, 0);
  await shares(first, second, "two");
  const { redis: told } = await json(`${first.admin}/limits`);
  assert.equal(told.kind, "cluster");
  const lost = told.servers.find((server) => server.address === b.address);
  assert.equal(lost.state, "down");
  assert.match(lost.why, /connection refused|closed the connection|connection reset/);
  await b.start();
  await come(first);
  await shares(first, second, "again");
});

test("Cluster: closed, and one of three lost: its keys are refused, the others served", async (t) => {
  const [a, b] = await startCluster(t, 3);
  const gateway = await startGateway(t, shared(`cluster: "${a.address}", when_down: refuse`));
  await come(gateway);
  await b.kill();
  const statuses = async () => {
    const counts = {};
    for (let i = 0; i < 60; i++) {
      const status = await ask(gateway, `key${i}`);
      counts[status] = (counts[status] ?? 0) + 1;
    }
    return counts;
  };
  await eventually(async () => (await statuses())[503], { ...patient, what: "some are refused" });
  const counts = await statuses();
  assert.ok(counts[200] > counts[503], JSON.stringify(counts));
  assert.deepEqual(await statuses(), counts);
  // What one server of a cluster would say to a gateway that knows nothing of clusters.
  await gateway.reload(shared(`address: "${a.address}"`));
  await says(gateway, /^redis 127\.0\.0\.1:\d+: it is a member of a cluster, which needs `cluster` in the configuration/);
});
