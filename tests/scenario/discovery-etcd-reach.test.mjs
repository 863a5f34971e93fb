// Discovery by etcd (Debian's): members that are lost, logins that run out, TLS.

import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { config, follows, named, noReload, sees, tells, upstreamOf } from "./support/discovery.mjs";
import { startEtcd, startEtcdCluster } from "./support/etcd.mjs";
import { startGateway } from "./support/gateway.mjs";
import { freePorts } from "./support/ports.mjs";
import { installed } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const pairs = (ports) => ports.flatMap((port, i) => (i % 2 ? [] : [[port, ports[i + 1]]]));
const options = { skip: !installed("etcd") && "etcd is not installed" };

test("etcd: a member is lost, then the majority: the watch goes on at another one, and what is known stays", options, async (t) => {
  const [a, b, c] = await named(t, ["a", "b", "c"]);
  const members = await startEtcdCluster(t, pairs(await freePorts(6)));
  await members[0].put("/app/1", a.address);
  const gateway = await startGateway(t, config(`{ etcd: { servers: [${members.map(({ address }) => `"${address}"`)}], prefix: /app/ } }`));
  await sees(gateway, a);
  assert.equal(await gateway.metric("ringway_upstream_discovery_age_seconds", { upstream: "app" }), 0);

  // The member that is watched dies.
  await members[0].stop();
  await members[1].put("/app/2", b.address);
  await sees(gateway, a, b);
  await follows(gateway);

  // One of three is left, which has no leader and would say nothing for ever.
  await members[1].stop();
  await tells(gateway, new RegExp(`upstream app: etcd: ${members[2].address}: etcdserver: no leader`));
  const lost = await eventually(async () => (await upstreamOf(gateway)).discovery_age_ms > 0 && upstreamOf(gateway), { within: 60000 });
  assert.match(lost.discovery_error, /^127\.0\.0\.1:\d+: /);
  assert.ok((await gateway.metric("ringway_upstream_discovery_age_seconds", { upstream: "app" })) > 0);
  assert.match((await gateway.get("/")).text, /^[ab]$/);

  // The majority is back: nothing needs to be done.
  await Promise.all([members[0].start(), members[1].start()]);
  await members[0].put("/app/3", c.address);
  await members[0].remove("/app/1");
  await sees(gateway, b, c);
  await follows(gateway);
  await noReload(gateway);
});

test("etcd: with a login, whose token runs out, and rights that come late", options, async (t) => {
  const [a, b, c] = await named(t, ["a", "b", "c"]);
  const etcd = await startEtcd(t, { ports: await freePorts(2) });
  await etcd.put("/app/1", a.address);
  await etcd.addUser("ringway", "first \"password\"");
  await etcd.requireLogin("secret");
  const discovery = `{ etcd: { servers: ["${etcd.address}"], prefix: /app/, username: ringway, password: 'first "password"' } }`;
  const gateway = await startGateway(t, config(discovery));

  // It may not read the prefix yet, and the log says so in etcd's words.
  await tells(gateway, /upstream app: etcd: 127\.0\.0\.1:\d+: etcdserver: permission denied \(403\)/);
  await etcd.grant("ringway", "/app/");
  await sees(gateway, a);
  await etcd.put("/app/2", b.address);
  await sees(gateway, a, b);

  // All tokens of the user are taken back, and the connection breaks: there is another login, and the watch goes on.
  await etcd.ask("auth/user/changepw", { name: "ringway", password: 'first "password"' });
  await etcd.stop();
  await etcd.start();
  await etcd.put("/app/3", c.address);
  await sees(gateway, a, b, c);
  await tells(gateway, /etcd: the login has run out, there is another one/);

  // A wrong password is told, without the password; the endpoints stay.
  await gateway.reload(config(discovery.replace("first", "wrong"), `    endpoints: ["${a.address}"]\n`));
  await tells(gateway, /etcdserver: authentication failed, invalid user ID or password \(400\)/);
  assert.equal((await gateway.get("/")).text, "a");
  assert.ok(!gateway.logLines().some(({ message }) => /wrong/.test(message)));
});

test("etcd: TLS with client certificates, which a reload reads again", options, async (t) => {
  const [a, b] = await named(t, ["a", "b"]);
  const c = makeCertificates(t);
  const etcd = await startEtcd(t, { ports: await freePorts(2), tls: { cert: c.cert("usual"), key: c.key("usual"), ca: c.file("ca.pem"), clientCert: c.cert("client"), clientKey: c.key("client") } });
  await etcd.put("/app/1", a.address);
  const folder = scratch(t);
  const own = (name) => {
    copyFileSync(c.cert(name), join(folder, "own.pem"));
    copyFileSync(c.key(name), join(folder, "own.key"));
  };
  const discovery = `{ etcd: { servers: ["${etcd.address}"], prefix: /app/, tls: { ca: ${c.file("ca.pem")}, cert: ${join(folder, "own.pem")}, key: ${join(folder, "own.key")} } } }`;
  own("stranger");
  const gateway = await startGateway(t, config(discovery));
  await tells(gateway, /upstream app: etcd: 127\.0\.0\.1:\d+: .*(certificate|alert)/);
  assert.equal((await gateway.get("/")).status, 503);
  own("client");
  await gateway.reload(config(discovery));
  await sees(gateway, a);
  await etcd.put("/app/1", b.address);
  await sees(gateway, b);
  assert.equal((await gateway.get("/")).text, "b");
});
