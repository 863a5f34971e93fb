// How Redis is reached: by a name that changes, over TLS.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startNames } from "./support/names.mjs";
import { freePort } from "./support/ports.mjs";
import { startRedisAt, startSecureRedis } from "./support/redis.mjs";
import { runRingway } from "./support/run.mjs";
import { ask, come, patient, says, shared, shares, up } from "./support/shared-limits.mjs";
import { eventually } from "./support/wait.mjs";

test("a name: looked up again when the server is lost, followed when it changes", async (t) => {
  const names = await startNames(t);
  const port = await freePort();
  const first = await startRedisAt(t, "127.0.0.1", port);
  const second = await startRedisAt(t, "127.0.0.2", port);
  const gateway = await startGateway(t, shared(`address: "redis.test:${port}"`, { more: `dns: { servers: ["${names.address}"], timeout: 500ms, ttl_min: 1h, ttl_max: 1h }` }));
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
