// How Redis is reached: by a name that changes, over TLS.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startNames } from "./support/names.mjs";
import { freePort } from "./support/ports.mjs";
import { startRedis, startRedisAt, startSecureRedis } from "./support/redis.mjs";
import { runRingway } from "./support/run.mjs";
import { ask, come, patient, says, shared, shares, up } from "./support/shared-limits.mjs";
import { eventually } from "./support/wait.mjs";

test("a name: looked up again when the server is lost, followed when it changes", async (t) => {
  const names = await startNames(t);
  const port = await freePort();
  const first = await startRedisAt(t, "127.0.0.1", port);
  const second = await startRedisAt(t, "127.0.0.2", port);
  // What the manual says that a user needs; the password is in a file.
  const secret = join(scratch(t), "secret");
  writeFileSync(secret, "pass word\n");
  for (const redis of [first, second]) {
    await redis.ask("ACL", "SETUSER", "ringway", "on", ">pass word", "~ringway:limit:*", "+ping", "+eval", "+time", "+get", "+set", "+hget", "+hset", "+hvals", "+expire");
  }
  const user = `username: ringway, password: "file:${secret}"`;
  const gateway = await startGateway(t, shared(`address: "redis.test:${port}", ${user}`, { more: `dns: { servers: ["${names.address}"], timeout: 500ms, ttl_min: 1h, ttl_max: 1h }` }));
  await says(gateway, /^redis redis\.test:\d+: its name is not resolved; shared limits are counted by this gateway alone/);
  names.set("redis.test", "127.0.0.1");
  await come(gateway);
  await ask(gateway);
  await eventually(async () => (await first.line("DBSIZE")) !== "0", { ...patient, what: "the first is told" });

  // Within its TTL, which is an hour here.
  names.set("redis.test", "127.0.0.2");
  await first.kill();
  await come(gateway, 0).catch(() => {}); // it may be up again before that is seen
  await come(gateway);
  await eventually(async () => (await ask(gateway, "b"), await second.line("DBSIZE")) !== "0", { ...patient, what: "the second is told" });
});

test("TLS: verified by default, with a client's certificate; what is wrong is said", async (t) => {
  const certificates = makeCertificates(t);
  const redis = await startSecureRedis(t, certificates, { clients: true });
  const tls = (ca, more = "") => `address: "${redis.address}", tls: { ca: "${certificates.cert(ca)}" ${more} }`;
  const client = `, cert: "${certificates.cert("client")}", key: "${certificates.key("client")}"`;

  const gateway = await startGateway(t, shared(tls("other-ca", client), { burst: 3 }));
  await says(gateway, /^redis 127\.0\.0\.1:\d+: TLS: certificate verify failed: self-signed certificate in certificate chain.*; shared limits are counted/);
  assert.equal(await ask(gateway, "w"), 200);
  await gateway.reload(shared(tls("ca", `${client}, name: other.example`), { burst: 3 }));
  await says(gateway, /^redis 127\.0\.0\.1:\d+: TLS: certificate verify failed: .*(mismatch|match)/i);
  await gateway.reload(shared(tls("ca"), { burst: 3 }));
  await says(gateway, /^redis 127\.0\.0\.1:\d+: TLS: .*certificate required/i);
  assert.ok(await up(gateway, 0));

  await gateway.reload(shared(tls("ca", client), { burst: 3 }));
  await come(gateway);
  const second = await startGateway(t, shared(tls("ca", client), { burst: 3 }));
  await come(second);
  await shares(gateway, second);

  // Plain where TLS is spoken, and files that are not there.
  await gateway.reload(shared(`address: "${redis.address}"`));
  await says(gateway, /^redis 127\.0\.0\.1:\d+: .*(closed the connection|reset|does not speak)/);
  gateway.configure(shared(`address: "${redis.address}", tls: { ca: /nowhere/ca.pem }`));
  const checked = await runRingway("check", gateway.configFile);
  assert.notEqual(checked.code, 0);
  assert.match(checked.stderr + checked.stdout, /ringway\.yaml:\d+:\d+: .*\/nowhere\/ca\.pem/);
});

test("a quota outlives a restart, whatever becomes of Redis", async (t) => {
  const redis = await startRedis(t);
  const nobody = `127.0.0.1:${await freePort()}`;
  const kinds = [
    [`address: "${redis.address}"`, `redis ${redis.address} `],
    [`sentinel: { addresses: ["${nobody}", "${nobody}"], primary: limits }`, "the primary limits of 2 sentinels "],
    [`cluster: ["${nobody}"], when_down: refuse`, `the cluster of ${nobody} `],
  ];
  await Promise.all(
    kinds.map(async ([kind, explained]) => {
      const gateway = await startGateway(
        t,
        (g) => `
        routes:
        - { name: month, match: /month, respond: hi, policies: [{ rate_limit: { limits: { name: month, requests: 3, per: calendar_month, key: constant } } }] }
        - { name: day, match: /day, respond: hi, policies: [{ rate_limit: { limits: { name: day, requests: 100, per: day, shared: true } } }] }
        rate_limits: { quota_file: ${join(g.folder, "quotas")}, redis: { ${kind} } }`,
      );
      const quota = async () => (await gateway.get("/month")).status;
      assert.deepEqual([await quota(), await quota()], [200, 200]);
      if (kind.startsWith("cluster")) await says(gateway, /^redis cluster member 127\.0\.0\.1:\d+: connection refused; another one is asked, shared limits refuse everything meanwhile/);
      await gateway.stop();
      Object.assign(gateway, { exit: undefined, stderr: "" });
      gateway.spawn();
      await gateway.ready();
      assert.deepEqual([await quota(), await quota()], [200, 429]);
      const { stdout } = await runRingway("explain", gateway.configFile, "/day");
      assert.ok(stdout.includes(`shared through ${explained}(when down: ${kind.includes("refuse") ? "refuse" : "local"})`), stdout);
    }),
  );
});
