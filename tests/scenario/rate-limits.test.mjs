// Rate limits, as clients meet them: exact over threads and processes, over reloads, upgrades and
// deaths. Limits are by the day, so that nothing here depends on how fast the machine is.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const limited = (limits, options = "") => `
  routes:
  - name: api
    respond: hi
    policies:
    - rate_limit: { limits: [${limits}] ${options} }
`;

// How many of `count` requests, 20 at a time, get which status.
async function statuses(gateway, count, options) {
  const counts = {};
  for (let sent = 0; sent < count; sent += 20) {
    const batch = Array.from({ length: Math.min(20, count - sent) }, () => gateway.get("/", options));
    for (const { status } of await Promise.all(batch)) counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

test("a client is told what is left, and when to come again", async (t) => {
  const gateway = await startGateway(t, limited("{ name: client, requests: 24, per: day, burst: 2 }"));
  const first = await gateway.get("/");
  assert.equal(first.status, 200);
  assert.equal(first.headers["ratelimit-policy"], '"client";q=24;w=86400');
  assert.equal(first.headers.ratelimit, '"client";r=1;t=3600');
  await gateway.get("/");
  const refused = await gateway.get("/");
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers["retry-after"]) > 3500, refused.headers["retry-after"]);
  assert.equal(refused.headers["content-type"], "application/problem+json");
  assert.deepEqual(JSON.parse(refused.text)["violated-policies"], ["client"]);
  const [line] = await gateway.accessLines(1, (each) => each.status === 429);
  assert.equal(line.limit, "client");
  assert.equal(await gateway.metric("ringway_rate_limit_requests_total", { limit: "client", result: "admitted" }), 2);
  assert.equal(await gateway.metric("ringway_rate_limit_requests_total", { limit: "client", result: "refused" }), 1);
  const explained = await runRingway("explain", gateway.configFile, "/");
  assert.match(explained.stdout, /rate_limit .*client 24 per day, burst 2, by address/);
});

test("the count is exact over threads and processes", async (t) => {
  const gateway = await startGateway(t, limited("{ name: all, requests: 150, per: day, key: constant }"), {
    args: ["--processes", "2"],
  });
  assert.deepEqual(await statuses(gateway, 400), { 200: 150, 429: 250 });
});

test("a limit keeps its state over a reload, an upgrade and the death of a process", async (t) => {
  const text = (burst) => limited(`{ name: all, requests: 100, per: day, burst: ${burst}, key: constant }`);
  const gateway = await startGateway(t, text(40), { patience: 30000 });
  assert.deepEqual(await statuses(gateway, 60), { 200: 40, 429: 20 });
  await gateway.reload(text(60));
  assert.deepEqual(await statuses(gateway, 40), { 200: 20, 429: 20 });

  const [worker] = gateway.workers();
  process.kill(worker, "SIGKILL");
  await eventually(async () => gateway.workers().some((pid) => pid !== worker) && (await gateway.get("/")).status === 429, {
    within: 30000,
    what: "another process, which remembers",
  });

  const before = gateway.workers();
  gateway.signal("SIGUSR2");
  await eventually(async () => gateway.workers().every((pid) => !before.includes(pid)) && (await gateway.get("/")).status === 429, {
    within: 30000,
    what: "another program, which remembers",
  });
  assert.deepEqual(await statuses(gateway, 20), { 429: 20 });
});

test("a dry run refuses nobody, and tells", async (t) => {
  const gateway = await startGateway(t, limited("{ name: all, requests: 5, per: day, key: constant }", ", dry_run: true"));
  assert.deepEqual(await statuses(gateway, 20), { 200: 20 });
  assert.equal(await gateway.metric("ringway_rate_limit_requests_total", { limit: "all", result: "dry_run" }), 15);
  const lines = await gateway.accessLines(15, (line) => line.limit);
  assert.equal(lines[0].limit, "all (dry run)");
});

test("a flood of keys frees nobody who has used up a limit", async (t) => {
  const gateway = await startGateway(t, `${limited("{ name: key, requests: 20, per: day, key: 'header:X-Key' }")}
  rate_limits: { keys_max: 256 }`);
  const abuser = { headers: { "X-Key": "abuser" } };
  assert.deepEqual(await statuses(gateway, 30, abuser), { 200: 20, 429: 10 });
  for (let i = 0; i < 3000; i += 50) {
    const batch = Array.from({ length: 50 }, (_, n) => gateway.get("/", { headers: { "X-Key": `flood-${i + n}` } }));
    for (const { status } of await Promise.all(batch)) assert.equal(status, 200);
  }
  assert.ok((await gateway.metric("ringway_rate_limit_evictions_total")) > 0);
  assert.equal((await gateway.get("/", abuser)).status, 429);
});

test("a quota outlives a restart, a kill and an upgrade", async (t) => {
  const quotas = (requests) => (gateway) => `${limited(`{ name: month, requests: ${requests}, per: calendar_month, key: "header:X-Key" }`, ', utc_offset: "+08:00"')}
  rate_limits: { quota_file: ${join(gateway.folder, "quotas")} }`;
  const gateway = await startGateway(t, quotas(30));
  const client = { headers: { "X-Key": "one" } };
  assert.deepEqual(await statuses(gateway, 10, client), { 200: 10 });
  const { headers } = await gateway.get("/", client);
  assert.equal(headers["ratelimit-policy"], '"month";q=30');
  assert.match(headers.ratelimit, /^"month";r=19;t=\d+$/);

  const again = async () => {
    Object.assign(gateway, { exit: undefined, stderr: "" });
    gateway.spawn();
    await gateway.ready();
  };
  await gateway.stop();
  await again();
  assert.deepEqual(await statuses(gateway, 9, client), { 200: 9 });

  const orphans = gateway.workers();
  await gateway.kill();
  // They hold the listening sockets until they have gone, too.
  await eventually(() => orphans.every((pid) => !existsSync(`/proc/${pid}`)), { within: 30000, what: "the workers have gone" });
  await again();
  assert.deepEqual(await statuses(gateway, 5, client), { 200: 5 });

  const before = gateway.workers();
  gateway.signal("SIGUSR2");
  await eventually(() => gateway.workers().length > 0 && gateway.workers().every((pid) => !before.includes(pid)), {
    within: 30000,
    what: "another program",
  });
  assert.deepEqual(await statuses(gateway, 10, client), { 200: 5, 429: 5 });
  assert.deepEqual(await statuses(gateway, 1, { headers: { "X-Key": "two" } }), { 200: 1 });
});
