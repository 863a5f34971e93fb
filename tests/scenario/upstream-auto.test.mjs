// `protocol: auto`: each server of an upstream chooses what it speaks, HTTP/2 or HTTP/1.1 (ALPN).

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http2 from "node:http2";
import { join } from "node:path";
import { test } from "node:test";
import { WebSocketServer } from "ws";
import { makeCertificates } from "./support/certificates.mjs";
import { cleanup, scratch } from "./support/cleanup.mjs";
import { json, request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startH2Origin, startNghttpd } from "./support/h2-origin.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";
import { openWebSocket, openWebSocket2 } from "./support/websocket.mjs";

const config = (origins, more = "") => `
routes: [{ upstream: app }]
upstreams:
  - name: app
    protocol: auto
    tls: { verify: false }
    endpoints: [${origins.map((origin) => `"${origin.address}"`).join(", ")}]
${more}`;

const keys = (t) => {
  const certificates = makeCertificates(t);
  return { cert: certificates.read("usual.pem"), key: certificates.read("usual.key"), files: certificates };
};
const versionOf = (seen) => (seen.headers[":path"] ? "2" : seen.version);
const ask = (gateway, options) => json(gateway.url, options).then(versionOf);
const times = (count, what) => Promise.all(Array.from({ length: count }, what));

test("a server that speaks both gets HTTP/2, one without HTTP/2 gets HTTP/1.1", async (t) => {
  const tls = keys(t);
  const [both, old] = [await startH2Origin(t, { tls, options: { allowHTTP1: true } }), await startOrigin(t, { tls })];
  const gateway = await startGateway(t, config([both]));
  assert.deepEqual(new Set(await times(40, () => ask(gateway))), new Set(["2"]));
  assert.ok(both.connections <= 2, `${both.connections} connections`);
  assert.deepEqual(await json(`${gateway.admin}/upstreams`).then(([{ protocol }]) => protocol), "auto");

  const other = await startGateway(t, config([old]));
  assert.deepEqual(new Set(await times(40, () => ask(other, { method: "POST", body: "x".repeat(3000) }))), new Set(["1.1"]));
  const { connections } = old;
  for (let i = 0; i < 20; i++) assert.equal(await ask(other), "1.1");
  assert.equal(old.connections, connections, "what it has chosen is known, and its connections are kept");
  assert.equal(await other.metric("ringway_upstream_connect_failures_total"), 0);
});

test("servers of one upstream may differ, and each is probed in its own way", async (t) => {
  const tls = keys(t);
  const [both, old] = [await startH2Origin(t, { tls, options: { allowHTTP1: true } }), await startOrigin(t, { tls })];
  const gateway = await startGateway(t, config([both, old], "    health: { path: /healthz, interval: 100ms, timeout: 100ms }\n"));
  // A probe may take longer than that on a busy machine: then the other has more of them.
  await eventually(async () => new Set(await times(20, () => ask(gateway))).size === 2, { what: "answers of both" });
  const probes = (origin, path) => origin.requests.filter((seen) => (seen.url ?? seen[":path"]) === path).length;
  await eventually(() => probes(both, "/healthz") > 3 && probes(old, "/healthz") > 3, { what: "probes of both" });
  const bothUp = ([{ endpoints }]) => endpoints.every(({ state }) => state === "up");
  await eventually(async () => bothUp(await json(`${gateway.admin}/upstreams`)), { what: "both are up" });
});

test("one connection at the most: who waits for the choice waits for the connection after it", async (t) => {
  const old = await startOrigin(t, { tls: keys(t) });
  const gateway = await startGateway(t, config([old], "    connections: { per_endpoint_max: 1 }\n"));
  assert.deepEqual(new Set(await times(20, () => ask(gateway))), new Set(["1.1"]));
});

test("a server that comes back as another is asked anew", async (t) => {
  const tls = keys(t);
  const port = await freePort();
  const old = await startOrigin(t, { tls, port });
  const gateway = await startGateway(t, config([{ address: `127.0.0.1:${port}` }], "    passive_health: { failures: 1000 }\n"));
  assert.equal(await ask(gateway), "1.1");
  await old.stop();
  await eventually(async () => (await request(gateway.url)).status === 502, { what: "it is gone" });
  const both = await startH2Origin(t, { tls, port, options: { allowHTTP1: true } });
  assert.equal(await ask(gateway), "2");
  await both.stop();
  await startOrigin(t, { tls, port });
  await eventually(async () => (await request(gateway.url)).status === 200, { what: "it is back" });
  assert.equal(await ask(gateway), "1.1");
});

test("servers that speak HTTP/2 alone", async (t) => {
  const tls = keys(t);
  const nghttpd = await startNghttpd(t, { tls: { key: tls.files.key("usual"), cert: tls.files.cert("usual") } });
  writeFileSync(join(nghttpd.folder, "file"), "a file");
  const gateway = await startGateway(t, config([nghttpd], "    health: { path: /file, interval: 100ms, timeout: 80ms, unhealthy_after: 1 }\n"));
  for (let i = 0; i < 5; i++) assert.equal((await gateway.get("/file")).text, "a file");
});

test("WebSockets go over HTTP/1.1, from clients of both versions", async (t) => {
  const { cert, key } = keys(t);
  const server = http2.createSecureServer({ cert, key, allowHTTP1: true }, (asked, response) => response.end(asked.httpVersion));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup(t, () => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  const gateway = await startGateway(t, config([{ address: `127.0.0.1:${server.address().port}` }]));
  assert.equal((await gateway.get("/")).text, "2.0");
  for (const open of [() => openWebSocket(t, `${gateway.url}/ws`), () => openWebSocket2(t, gateway.url)]) {
    const client = await open();
    await client.echoes("hello");
    assert.equal((await gateway.get("/")).text, "2.0", "other requests share their connection");
    client.socket.close(1000);
    assert.equal(await client.closeCode(), 1000);
  }
});

test("mistakes of the configuration", async (t) => {
  const file = join(scratch(t), "a.yaml");
  const check = async (more, routes = "routes: [{ upstream: app }]") => {
    writeFileSync(file, `listeners: [{ address: ":8080" }, { name: raw, address: ":8081", protocol: tcp }]\n${routes}\nupstreams: [{ name: app, protocol: auto, endpoints: ["127.0.0.1:1"]${more} }]\n`);
    const { code, stdout, stderr } = await runRingway("check", file);
    return `${code} ${stdout}${stderr}`;
  };
  assert.match(await check(", tls: {}"), /^0 /);
  assert.match(await check(""), /a\.yaml:3:\d+: upstreams\[0\]\.protocol: "auto" is agreed on with the server within TLS/);
  assert.match(await check(", tls: {}, proxy_protocol: v2"), /those of "protocol: auto" are shared/);
  assert.match(await check(", tls: {}, health: { grpc: {} }"), /gRPC needs "protocol: http2"/);
  assert.match(await check(", tls: {}", "routes: [{ upstream: app, policies: [grpc_web: {}] }]"), /http2/);
  assert.match(await check(", tls: {}", "routes: [{ upstream: app }]\ntcp_routes: [{ match: { listeners: [raw] }, upstream: app }]"), /does not have "protocol: http1"/);
});
