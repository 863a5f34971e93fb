// Endpoints that are found in Kubernetes (a small API server of this test's), each change an endpoint swap and never a reload.

import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { config, follows, named, noReload, refusesAll, sees, tells, upstreamOf } from "./support/discovery.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startKubernetes } from "./support/kubernetes.mjs";
import { freePorts } from "./support/ports.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const slice = (name, origins, { ready = true, zone, ...conditions } = {}) => ({
  metadata: { name },
  addressType: "IPv4",
  ports: [
    { name: "metrics", port: 9 },
    ...origins.slice(0, 1).map(({ port }) => ({ name: "http", port })),
  ],
  endpoints: origins.map(() => ({ addresses: ["127.0.0.1"], conditions: { ready, ...conditions }, zone })),
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
  assert.match(told.stdout, /discovery kubernetes app, from 127\.0\.0\.1:\d+; no endpoint until it has answered/);
});

test("Kubernetes: who leaves serves on while nobody else does; a port that no slice has is told", async (t) => {
  const [a, b] = await named(t, ["a", "b"]);
  const api = await startKubernetes(t);
  const leaving = { ready: false, serving: true, terminating: true };
  api.say("ADDED", slice("app-1", [a]));
  api.say("ADDED", slice("app-2", [b], leaving));
  const kubernetes = (port) => config(`{ kubernetes: { server: "127.0.0.1:${api.port}", plain: true, namespace: shop, service: app, port: ${port}, token_file: "" } }`);
  const gateway = await startGateway(t, kubernetes("http"));
  await sees(gateway, a);
  await eventually(() => api.watchers.size === 1, { within: 60000 });
  api.say("MODIFIED", slice("app-1", [a], { ready: false, serving: false, terminating: true }));
  await sees(gateway, b);
  assert.equal((await gateway.get("/")).text, "b");
  // An endpoint that is moved from one slice to another is in both for a while.
  api.say("ADDED", slice("app-3", [a]));
  api.say("MODIFIED", slice("app-1", [a]));
  await sees(gateway, a);
  assert.equal((await upstreamOf(gateway)).endpoints[0].weight, 1);
  await follows(gateway);
  await noReload(gateway);
  await gateway.reload(kubernetes("grpc"));
  await tells(gateway, /upstream app: Kubernetes: the slice app-1 has no TCP port grpc: its endpoints are left out/);
  assert.equal((await gateway.get("/")).status, 503);
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
