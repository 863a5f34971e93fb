// Endpoints that are found at run time, each change an endpoint swap and never a reload: in a file, in
// etcd (Debian's), in Kubernetes (a small API server of this test's).

import assert from "node:assert/strict";
import { copyFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { json } from "./support/client.mjs";
import { startEtcd } from "./support/etcd.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startKubernetes } from "./support/kubernetes.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePorts } from "./support/ports.mjs";
import { installed, runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const named = (t, names) => Promise.all(names.map((name) => startOrigin(t, { name, answer: (_, response) => response.end(name) })));
const config = (discovery, more = "") => `
routes: [{ upstream: app }]
upstreams:
  - name: app
    discovery: ${discovery}
${more}`;
const upstreamOf = async (gateway) => (await json(`${gateway.admin}/upstreams`))[0];
const sees = (gateway, ...origins) =>
  eventually(
    async () => {
      const { endpoints } = await upstreamOf(gateway);
      return endpoints.map(({ address }) => address).join() === origins.map(({ address }) => address).sort().join();
    },
    { within: 60000, what: `the endpoints are ${origins.map(({ address }) => address)}` },
  );
const tells = (gateway, pattern) => eventually(() => gateway.logLines().some(({ message }) => pattern.test(message)), { within: 60000, what: `the log has ${pattern}` });
// Nothing was ever known, and nothing is configured besides.
const refusesAll = async (gateway) => {
  const answer = await gateway.get("/");
  assert.equal(answer.status, 503);
  await tells(gateway, /endpoint -: no_endpoint/);
  assert.equal((await upstreamOf(gateway)).discovered, false);
  assert.equal(await gateway.metric("ringway_upstream_discovered", { upstream: "app" }), 0);
};
const noReload = async (gateway) => assert.equal((await gateway.status()).generation, 1);

// ---- A file ----

test("a file: changes are seen, mistakes change nothing", async (t) => {
  const [a, b] = await named(t, ["a", "b"]);
  const file = join(scratch(t), "app.yaml");
  const write = (text) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  write(`endpoints: ["${a.address}"]\n`);
  const gateway = await startGateway(t, config(`{ file: ${file}, region: eu }`));
  assert.equal((await gateway.get("/")).text, "a");
  write(`endpoints: [{ address: "${b.address}", zone: z, weight: 2 }]\n`);
  await sees(gateway, b);
  assert.equal((await gateway.get("/")).text, "b");
  const [endpoint] = (await upstreamOf(gateway)).endpoints;
  assert.deepEqual([endpoint.zone, endpoint.region, endpoint.weight], ["z", "eu", 2]);
  write(`endpoints: [{ adress: "${a.address}" }]\n`);
  await eventually(() => gateway.logLines().some(({ message }) => /app\.yaml:1:\d+: endpoints\[0\].*adress/.test(message)));
  assert.equal((await gateway.get("/")).text, "b");
  write(`endpoints: ["${a.address}", "${b.address}"]\n`);
  await sees(gateway, a, b);
  await noReload(gateway);
  assert.equal(await gateway.metric("ringway_upstream_discovered", { upstream: "app" }), 1);
});

test("a file that is not there at the start, is half written, says that there is none", async (t) => {
  const [a] = await named(t, ["a"]);
  const file = join(scratch(t), "app.yaml");
  const gateway = await startGateway(t, config(`{ file: ${file} }`));
  await tells(gateway, /upstream app: \/.*app\.yaml is not there yet/);
  await refusesAll(gateway);
  writeFileSync(file, "");
  await tells(gateway, /app\.yaml:.*"endpoints" is missing/);
  await refusesAll(gateway);
  writeFileSync(file, `endpoints: ["${a.address}"]\n`);
  await sees(gateway, a);
  assert.equal((await gateway.get("/")).text, "a");
  writeFileSync(file, "endpoints: []\n");
  await sees(gateway);
  assert.equal((await gateway.get("/")).status, 503);
  await tells(gateway, /upstream app: there is no endpoint any more: requests get 503/);
  writeFileSync(file, `endpoints: [{ address: "${a.address}", weight: 0 }]\n`);
  await tells(gateway, /upstream app: every endpoint that was found has the weight 0: requests get 503/);
  assert.equal((await gateway.get("/")).status, 503);
  assert.equal((await upstreamOf(gateway)).discovered, true);
  await noReload(gateway);
});

// ---- etcd ----

test("etcd: listed, then watched; a reload keeps what is known", { skip: !installed("etcd") && "etcd is not installed" }, async (t) => {
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

test("etcd: endpoints come and go under load, and no request is lost", { skip: !installed("etcd") && "etcd is not installed" }, async (t) => {
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

test("etcd: with a login, whose token runs out, and rights that come late", { skip: !installed("etcd") && "etcd is not installed" }, async (t) => {
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

test("etcd: TLS with client certificates, which a reload reads again", { skip: !installed("etcd") && "etcd is not installed" }, async (t) => {
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

// ---- Kubernetes ----

const slice = (name, origins, { ready = true, zone } = {}) => ({
  metadata: { name },
  addressType: "IPv4",
  ports: [
    { name: "metrics", port: 9 },
    ...origins.slice(0, 1).map(({ port }) => ({ name: "http", port })),
  ],
  endpoints: origins.map(() => ({ addresses: ["127.0.0.1"], conditions: { ready }, zone })),
});

test("Kubernetes: slices come and go, a watch is resumed, one too old begins anew", async (t) => {
  const [a, b] = await named(t, ["a", "b"]);
  const api = await startKubernetes(t);
  const token = join(scratch(t), "token");
  writeFileSync(token, "first\n");
  api.say("ADDED", slice("app-1", [a], { zone: "z1" }));
  const gateway = await startGateway(
    t,
    config(`{ kubernetes: { server: "127.0.0.1:${api.port}", plain: true, namespace: shop, service: app, port: http, token_file: ${token} } }`),
  );
  await sees(gateway, a);
  assert.equal((await gateway.get("/")).text, "a");
  assert.equal((await upstreamOf(gateway)).endpoints[0].zone, "z1");
  assert.equal(api.selector, "kubernetes.io/service-name=app");
  assert.equal(api.token, "Bearer first");
  await eventually(() => api.watchers.size === 1);
  assert.deepEqual(api.watches, [101]);

  api.say("ADDED", slice("app-2", [b]));
  await sees(gateway, a, b);
  api.say("MODIFIED", slice("app-1", [a], { ready: false }));
  await sees(gateway, b);
  api.say("BOOKMARK", { metadata: {} });

  // The watch ends: the next one goes on from there, with the token of now.
  writeFileSync(token, "second");
  api.hangUp();
  await eventually(() => api.watchers.size === 1 && api.watches.length === 2);
  assert.equal(api.watches[1], api.version);
  assert.equal(api.token, "Bearer second");
  assert.equal(api.lists, 1);

  // Meanwhile something happened, and its version is gone: all is listed again.
  api.slices.set("app-1", slice("app-1", [a]));
  api.oldest = api.version + 5;
  api.version += 10;
  api.hangUp();
  await sees(gateway, a, b);
  assert.equal(api.lists, 2);
  api.say("DELETED", slice("app-1", [a]));
  await sees(gateway, b);

  // Refused: all stays, and the log says why.
  api.refuse = true;
  api.hangUp();
  await eventually(() => gateway.logLines().some(({ message }) => /Kubernetes: 127\.0\.0\.1:\d+: it refuses access/.test(message)));
  assert.equal((await gateway.get("/")).text, "b");
  await noReload(gateway);
  const told = await runRingway("explain", gateway.configFile, "/");
  assert.match(told.stdout, /discovery kubernetes app; no endpoint until it has answered/);
});

test("Kubernetes: not there at the start; it comes, and all goes on by itself", async (t) => {
  const [a] = await named(t, ["a"]);
  const [port] = await freePorts(1);
  const gateway = await startGateway(t, config(`{ kubernetes: { server: "127.0.0.1:${port}", plain: true, namespace: shop, service: app, port: http, token_file: "" } }`));
  await tells(gateway, new RegExp(`upstream app: Kubernetes: 127\\.0\\.0\\.1:${port}: connection refused`));
  await refusesAll(gateway);
  await eventually(async () => (await gateway.metric("ringway_upstream_discovery_failures_total", { upstream: "app" })) > 0);
  const api = await startKubernetes(t, undefined, port);
  api.say("ADDED", slice("app-1", [a]));
  await sees(gateway, a);
  assert.equal((await gateway.get("/")).text, "a");
  assert.equal(await gateway.metric("ringway_upstream_discovered", { upstream: "app" }), 1);
  await noReload(gateway);
});

test("Kubernetes: over TLS, with the authority and the token of a service account", async (t) => {
  const [a, b] = await named(t, ["a", "b"]);
  const c = makeCertificates(t);
  const api = await startKubernetes(t, { cert: c.read("usual.pem"), key: c.read("usual.key") });
  const token = join(scratch(t), "token");
  writeFileSync(token, "first\n");
  api.accepts = "Bearer first";
  api.say("ADDED", slice("app-1", [a]));
  const kubernetes = (ca) => config(`{ kubernetes: { server: "127.0.0.1:${api.port}", namespace: shop, service: app, port: http, token_file: ${token}, tls: { ca: ${ca} } } }`);
  const gateway = await startGateway(t, kubernetes(c.file("other-ca.pem")));
  await tells(gateway, /Kubernetes: 127\.0\.0\.1:\d+: certificate verify failed/);
  await gateway.reload(kubernetes(c.file("ca.pem")));
  await sees(gateway, a);

  // The token is changed on both sides while the watch goes on; the next watch shows the new one.
  await eventually(() => api.watchers.size === 1, { within: 60000 });
  api.accepts = "Bearer second";
  api.hangUp();
  await tells(gateway, /it refuses access: see the token/);
  writeFileSync(`${token}.new`, "second\n");
  renameSync(`${token}.new`, token);
  await eventually(() => api.watchers.size === 1, { within: 60000 });
  api.say("ADDED", slice("app-2", [b]));
  await sees(gateway, a, b);
  assert.equal(api.lists, 1);

  // Gone in place of an event in the watch: as an answer.
  api.slices.delete("app-1");
  api.oldest = api.version + 1;
  api.version += 5;
  api.gone = true;
  api.hangUp();
  await sees(gateway, b);
});

// ---- Mistakes ----

test("mistakes have their places; without endpoints there is 503", async (t) => {
  const gateway = await startGateway(t, config("{ etcd: { servers: [127.0.0.1:1], prefix: /app/ } }"));
  assert.equal((await gateway.get("/")).status, 503);
  for (const [discovery, message] of [
    ["{}", /expected one of "file", "etcd" and "kubernetes"/],
    ["{ file: /x, etcd: { servers: [127.0.0.1:1], prefix: x } }", /expected one of/],
    ["{ kubernetes: { service: app } }", /"server" is missing, and KUBERNETES_SERVICE_HOST is not set/],
    ['{ kubernetes: { service: "App/", server: "127.0.0.1:1", plain: true } }', /"App\/" is no name of Kubernetes/],
    ["{ etcd: { prefix: x } }", /"servers" is missing/],
    ["{ etcd: { servers: [etcd.example:2379], prefix: x } }", /discovery\.etcd\.servers\[0\]: expected an address.*the host is not an IP address/],
    ['{ kubernetes: { service: app, server: "kube.example:443" } }', /discovery\.kubernetes\.server: expected an address.*the host is not an IP address/],
    ["{ etcd: { servers: [127.0.0.1:1], prefix: x, tls: { ca: /nowhere.pem } } }", /:\d+:\d+: \/nowhere\.pem: cannot be opened/],
    ["{ etcd: { servers: [127.0.0.1:1], prefix: x, username: joe } }", /"username" needs "password"/],
    ["{ etcd: { servers: [127.0.0.1:1], prefix: x, password: joe } }", /"password" needs "username"/],
  ]) {
    gateway.configure(config(discovery));
    const { code, stdout, stderr } = await runRingway("check", gateway.configFile);
    assert.notEqual(code, 0, discovery);
    assert.match(stdout + stderr, message);
  }
  gateway.configure("routes: [{ upstream: app }]\nupstreams: [{ name: app }]\n");
  const { stdout, stderr } = await runRingway("check", gateway.configFile);
  assert.match(stdout + stderr, /"endpoints" is missing, and so is "discovery"/);
});
