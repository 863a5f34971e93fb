// Discovery by etcd (Debian's): names, logins that run out, TLS.

import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { config, follows, named, noReload, sees, tells } from "./support/discovery.mjs";
import { startEtcd } from "./support/etcd.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startNames } from "./support/names.mjs";
import { freePorts } from "./support/ports.mjs";
import { installed } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const options = { skip: !installed("etcd") && "etcd is not installed" };

test("etcd: a name: unknown at the start, then known, then elsewhere; its certificate is for the name", options, async (t) => {
  const [a, b] = await named(t, ["a", "b"]);
  const names = await startNames(t);
  const c = makeCertificates(t);
  const ports = await freePorts(2);
  const etcd = await startEtcd(t, { ports, tls: { cert: c.cert("usual"), key: c.key("usual"), ca: c.file("ca.pem"), clientCert: c.cert("client"), clientKey: c.key("client") } });
  await etcd.put("/app/1", a.address);
  const of = (name) => config(`{ etcd: { servers: ["${name}:${ports[0]}"], prefix: /app/, tls: { ca: ${c.file("ca.pem")}, cert: ${c.cert("client")}, key: ${c.key("client")} } } }`, `dns: { servers: ["${names.address}"], ttl_min: 1s }`);
  const complains = (name, why) => tells(gateway, new RegExp(`upstream app: etcd: ${name}:${ports[0]}: ${why}`));
  const gateway = await startGateway(t, of("usual.example"));
  await complains("usual.example", "its name is not resolved");
  names.set("usual.example", "127.0.0.9");
  await complains("usual.example", "connection refused");
  names.set("usual.example", "127.0.0.1");
  await sees(gateway, a);
  await follows(gateway);
  await etcd.put("/app/2", b.address);
  await sees(gateway, a, b);
  await noReload(gateway);
  names.set("other.test", "127.0.0.1");
  await gateway.reload(of("other.test"));
  await complains("other.test", "certificate");
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

  // A wrong password is told, without the password; the endpoints that were found with the right one stay.
  await gateway.reload(config(discovery.replace("first", "wrong"), `    endpoints: ["${a.address}"]\n`));
  await tells(gateway, /etcdserver: authentication failed, invalid user ID or password \(400\)/);
  await sees(gateway, a, b, c);
  assert.ok(!gateway.logLines().some(({ message }) => /wrong/.test(message)));
});

test("etcd: of several servers each is tried before there is a long pause", async (t) => {
  const ports = await freePorts(3);
  const gateway = await startGateway(t, config(`{ etcd: { servers: [${ports.map((port) => `"127.0.0.1:${port}"`)}], prefix: /app/ } }`));
  const ROUNDS = 6; // the pauses between them: 0.1, 0.2, 0.4, 0.8, 1.6 s, or down to half of that
  const tries = await eventually(() => {
    const lines = gateway.logLines().filter(({ message }) => /etcd: 127\.0\.0\.1:\d+: connection refused/.test(message));
    return lines.length >= ROUNDS * ports.length && lines.map(({ time, message }) => ({ at: Date.parse(time), port: Number(/:(\d+): connection/.exec(message)[1]) }));
  }, { within: 60000, what: "there were some rounds" });
  const last = tries.slice((ROUNDS - 1) * ports.length, ROUNDS * ports.length);
  assert.deepEqual(last.map(({ port }) => port), ports);
  assert.ok(last.at(-1).at - last[0].at < last[0].at - tries[(ROUNDS - 1) * ports.length - 1].at, JSON.stringify(tries));
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
