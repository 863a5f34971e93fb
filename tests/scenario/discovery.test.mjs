// Endpoints that are found at run time, each change an endpoint swap and never a reload: in a file. And what is wrong in a configuration.

import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scratch } from "./support/cleanup.mjs";
import { config, follows, named, noReload, refusesAll, sees, tells, upstreamOf } from "./support/discovery.mjs";
import { startGateway } from "./support/gateway.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

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
  assert.match((await upstreamOf(gateway)).discovery_error, /app\.yaml:1:\d+: endpoints\[0\].*adress/);
  rmSync(file);
  await tells(gateway, /upstream app: .*app\.yaml is gone: the endpoints stay as they were/);
  assert.equal((await gateway.get("/")).text, "b");
  write(`endpoints: ["${a.address}", "${b.address}"]\n`);
  await sees(gateway, a, b);
  await follows(gateway);
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

test("mistakes have their places; without endpoints there is 503", async (t) => {
  const gateway = await startGateway(t, config("{ etcd: { servers: [127.0.0.1:1], prefix: /app/ } }"));
  assert.equal((await gateway.get("/")).status, 503);
  for (const [discovery, message] of [
    ["{}", /expected one of "file", "etcd" and "kubernetes"/],
    ["{ file: /x, etcd: { servers: [127.0.0.1:1], prefix: x } }", /expected one of/],
    ["{ kubernetes: { service: app } }", /"server" is missing, and KUBERNETES_SERVICE_HOST is not set/],
    ['{ kubernetes: { service: "App/", server: "127.0.0.1:1", plain: true } }', /"App\/" is no name of Kubernetes/],
    ["{ etcd: { prefix: x } }", /"servers" is missing/],
    ["{ etcd: { servers: ['srv:_etcd._tcp.example'], prefix: x } }", /discovery\.etcd\.servers\[0\]: expected an address or name with a port, not "srv:_etcd._tcp.example"/],
    ["{ etcd: { servers: [etcd.example], prefix: x } }", /discovery\.etcd\.servers\[0\]: expected an address/],
    ['{ kubernetes: { service: app, server: "kube.example" } }', /discovery\.kubernetes\.server: expected an address/],
    ["{ etcd: { servers: [127.0.0.1:1], prefix: x, tls: { ca: /nowhere.pem } } }", /:\d+:\d+: \/nowhere\.pem: cannot be read: not found/],
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
