// Endpoints that are found in etcd (Debian's), each change an endpoint swap and never a reload.

import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { config, named, noReload, sees, tells, upstreamOf } from "./support/discovery.mjs";
import { startEtcd } from "./support/etcd.mjs";
import { startGateway } from "./support/gateway.mjs";
import { freePorts } from "./support/ports.mjs";
import { installed } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const options = { skip: !installed("etcd") && "etcd is not installed" };

test("etcd: listed, then watched; a reload keeps what is known", options, async (t) => {
  const [a, b, c] = await named(t, ["a", "b", "c"]);
  const ports = await freePorts(2);
  const gateway = await startGateway(t, config(`{ etcd: { servers: [127.0.0.1:${ports[0]}], prefix: /app/ } }`, `    endpoints: ["${c.address}"]\n`));
  // Nobody is there yet: what is configured does.
  assert.equal((await gateway.get("/")).text, "c");
  assert.equal((await upstreamOf(gateway)).discovered, false);
  await eventually(() => gateway.logLines().some(({ component }) => component === "discovery"));
  assert.ok((await gateway.metric("ringway_upstream_discovery_failures_total", { upstream: "app" })) > 0);

  const etcd = await startEtcd(t, { ports });
  await etcd.put("/app/1", a.address);
  await etcd.put("/apple", "10.0.0.1:1");
  await sees(gateway, a);
  await etcd.put("/app/2", JSON.stringify({ address: b.address, weight: 3, zone: "z" }));
  await sees(gateway, a, b);
  assert.equal((await upstreamOf(gateway)).endpoints.find(({ address }) => address === b.address).weight, 3);
  await etcd.put("/app/3", "nonsense");
  await etcd.remove("/app/1");
  await sees(gateway, b);
  assert.equal((await gateway.get("/")).text, "b");

  // A reload keeps the watch and what it knows.
  await gateway.reload(config(`{ etcd: { servers: [127.0.0.1:${ports[0]}], prefix: /app/ } }`, `    endpoints: ["${c.address}"]\n    balance: random\n`));
  assert.equal((await gateway.get("/")).text, "b");
  await etcd.put("/app/2", c.address);
  await sees(gateway, c);

  // Without etcd all stays as it was.
  await etcd.stop();
  assert.equal((await gateway.get("/")).text, "c");
});

test("etcd: endpoints come and go under load, and no request is lost", options, async (t) => {
  const origins = await named(t, ["a", "b", "c"]);
  const etcd = await startEtcd(t, { ports: await freePorts(2) });
  await etcd.put("/app/0", origins[0].address);
  const gateway = await startGateway(t, config(`{ etcd: { servers: ["${etcd.address}"], prefix: /app/ } }`));
  await sees(gateway, origins[0]);
  let asking = true;
  const answers = { 200: 0 };
  const ask = async () => {
    while (asking) {
      const { status } = await gateway.get("/");
      answers[status] = (answers[status] ?? 0) + 1;
    }
  };
  const load = [1, 2, 3, 4].map(ask);
  // The next one is there before the last one goes; who has left gets nothing more.
  for (let i = 0; i < 12; i++) {
    const [old, next] = [i % 3, (i + 1) % 3];
    await etcd.put(`/app/${next}`, origins[next].address);
    await sees(gateway, origins[old], origins[next]);
    await etcd.remove(`/app/${old}`);
    await sees(gateway, origins[next]);
    assert.equal((await gateway.get("/")).text, "abc"[next]);
  }
  asking = false;
  await Promise.all(load);
  assert.deepEqual(Object.keys(answers), ["200"], JSON.stringify(answers));
  assert.ok(answers[200] > 50);
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
