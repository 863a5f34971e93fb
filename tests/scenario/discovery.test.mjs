// Endpoints that are found at run time, each change an endpoint swap and never a reload: in a file, in
// etcd (Debian's), in Kubernetes (a small API server of this test's).

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import http from "node:http";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { cleanup, guardProcess, scratch } from "./support/cleanup.mjs";
import { json } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
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
    { what: `the endpoints are ${origins.map(({ address }) => address)}` },
  );
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

// ---- etcd ----

async function startEtcd(t, [client, peer]) {
  const url = `http://127.0.0.1:${client}`;
  const folder = scratch(t);
  const args = ["--data-dir", folder, "--listen-client-urls", url, "--advertise-client-urls", url];
  args.push("--listen-peer-urls", `http://127.0.0.1:${peer}`, "--initial-advertise-peer-urls", `http://127.0.0.1:${peer}`);
  args.push("--initial-cluster", `default=http://127.0.0.1:${peer}`, "--unsafe-no-fsync");
  const child = spawn("etcd", args, { stdio: ["ignore", "ignore", "ignore"], detached: true, env: { PATH: process.env.PATH, ETCD_UNSUPPORTED_ARCH: "arm64" } });
  guardProcess(child);
  const ended = new Promise((resolve) => child.once("close", resolve));
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  cleanup(t, stop);
  const ask = async (path, body) => (await fetch(`${url}/v3/${path}`, { method: "POST", body: JSON.stringify(body) })).json();
  const base64 = (text) => Buffer.from(text).toString("base64");
  await eventually(() => ask("kv/range", { key: base64("x") }).catch(() => false), { what: "etcd is up" });
  return {
    stop,
    ask,
    put: (key, value) => ask("kv/put", { key: base64(key), value: base64(value) }),
    remove: (key) => ask("kv/deleterange", { key: base64(key) }),
  };
}

test("etcd: listed, then watched; a reload keeps what is known", { skip: !installed("etcd") && "etcd is not installed" }, async (t) => {
  const [a, b, c] = await named(t, ["a", "b", "c"]);
  const ports = await freePorts(2);
  const gateway = await startGateway(t, config(`{ etcd: { servers: [127.0.0.1:${ports[0]}], prefix: /app/ } }`, `    endpoints: ["${c.address}"]\n`));
  // Nobody is there yet: what is configured does.
  assert.equal((await gateway.get("/")).text, "c");
  assert.equal((await upstreamOf(gateway)).discovered, false);
  await eventually(() => gateway.logLines().some(({ component }) => component === "discovery"));

  const etcd = await startEtcd(t, ports);
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

// ---- Kubernetes ----

// Lists and watches; `say` sends an event to those who watch, `hangUp` ends their watches.
async function startKubernetes(t) {
  const api = { slices: new Map(), version: 100, lists: 0, watches: [], watchers: new Set(), oldest: 0 };
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, "http://api");
    api.token = request.headers.authorization;
    if (api.refuse) return response.writeHead(403).end("{}");
    if (url.pathname !== "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices") return response.writeHead(404).end("{}");
    api.selector = url.searchParams.get("labelSelector");
    if (!url.searchParams.get("watch")) {
      api.lists++;
      response.setHeader("Content-Type", "application/json");
      return response.end(JSON.stringify({ kind: "EndpointSliceList", metadata: { resourceVersion: String(api.version) }, items: [...api.slices.values()] }));
    }
    const from = Number(url.searchParams.get("resourceVersion"));
    api.watches.push(from);
    response.writeHead(200, { "Content-Type": "application/json" });
    if (from < api.oldest) return response.end(`${JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } })}\n`);
    response.flushHeaders();
    api.watchers.add(response);
    response.once("close", () => api.watchers.delete(response));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup(t, () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  api.port = server.address().port;
  api.say = (type, object) => {
    const version = String(++api.version);
    const whole = { ...object, metadata: { ...object.metadata, resourceVersion: version } };
    if (type === "DELETED") api.slices.delete(object.metadata.name);
    else if (type !== "BOOKMARK") api.slices.set(object.metadata.name, whole);
    for (const watcher of api.watchers) watcher.write(`${JSON.stringify({ type, object: whole })}\n`);
  };
  api.hangUp = () => {
    for (const watcher of api.watchers) watcher.end();
  };
  return api;
}

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
  assert.match(told.stdout, /discovery kubernetes app; the endpoints above until it has answered/);
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
