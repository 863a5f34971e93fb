// Sentinel and Cluster over TLS only: what the gateway is pointed to is verified like what it was given.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startCluster, startSecureRedis, startSentinels } from "./support/redis.mjs";
import { ask, come, patient, says, shared, shares, up } from "./support/shared-limits.mjs";
import { eventually } from "./support/wait.mjs";

test("Sentinel over TLS: each side has its own authority; a failover is followed", async (t) => {
  const certificates = makeCertificates(t);
  const primary = await startSecureRedis(t, certificates);
  const replica = await startSecureRedis(t, certificates, { args: ["--replicaof", primary.host, String(primary.port)] });
  await eventually(async () => /master_link_status:up/.test(await replica.line("INFO", "replication")), { ...patient, what: "the replica follows" });
  const sentinels = await startSentinels(t, primary, 1, "", [], certificates);
  const list = sentinels.map((each) => `"${each.address}"`).join(", ");
  const tls = (ca) => `tls: { ca: "${certificates.cert(ca)}" }`;
  const redis = (there, here) => shared(`sentinel: { addresses: [${list}], primary: limits, ${there} }, ${here}`, { burst: 3 });

  const first = await startGateway(t, redis(tls("other-ca"), tls("ca")));
  await says(first, /^redis sentinel 127\.0\.0\.1:\d+: TLS: certificate verify failed: .*; another one is asked, shared limits are counted by this gateway alone/);
  assert.equal(await ask(first, "w"), 200);
  await first.reload(redis(tls("ca"), tls("other-ca")));
  await says(first, new RegExp(`^redis: the primary is ${primary.address}, says sentinel `));
  await says(first, new RegExp(`^redis ${primary.address}: TLS: certificate verify failed: .*; shared limits are counted by this gateway alone`));
  assert.ok(await up(first, 0));

  await first.reload(redis(tls("ca"), tls("ca")));
  const second = await startGateway(t, redis(tls("ca"), tls("ca")));
  await come(first);
  await come(second);
  await shares(first, second, "before");
  await primary.kill();
  await says(first, new RegExp(`^redis: the primary is ${replica.address}, says sentinel .*it was ${primary.address}`));
  await come(first);
  await come(second);
  await shares(first, second, "after");
});

test("Cluster over TLS: every member is verified; one is lost and comes back", async (t) => {
  const certificates = makeCertificates(t);
  const [a, b, c] = await startCluster(t, 3, 0, certificates);
  const redis = (ca, more = "") => shared(`cluster: ["${a.address}"], tls: { ca: "${certificates.cert(ca)}" ${more} }`, { burst: 3 });

  const first = await startGateway(t, redis("ca", ", name: other.example"));
  await says(first, /^redis cluster member 127\.0\.0\.1:\d+: TLS: certificate verify failed: .*(mismatch|match)/i);
  await first.reload(redis("ca"));
  const second = await startGateway(t, redis("ca"));
  await come(first);
  await come(second);
  await says(first, /^redis: 3 servers have 16384 of 16384 slots, says cluster member /);
  for (let i = 0; i < 30; i++) await ask(first, `spread${i}`);
  for (const node of [a, b, c]) await eventually(async () => (await node.line("DBSIZE")) !== "0", { ...patient, what: "each has keys" });
  await shares(first, second, "whole");

  await b.kill();
  await come(first, 0);
  await shares(first, second, "two");
  await b.start();
  await come(first);
  await shares(first, second, "again");
});
