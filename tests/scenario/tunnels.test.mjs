// Upgraded connections as tunnels: what goes through them, what ends them, and what the log says
// afterwards. WebSockets, whose frames the gateway knows, are in websocket.test.mjs.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { cleanup } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { onHeads, startRawOrigin } from "./support/origin.mjs";
import { openRaw } from "./support/raw.mjs";
import { eventually } from "./support/wait.mjs";
import { connect as connectTls } from "node:tls";

const handshake = (path = "/ws", more = "") =>
  `GET ${path} HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: chat\r\n${more}\r\n`;
const agreed = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n";

// Agrees to every upgrade; `talk(socket)` is what it does afterwards.
const startSocketOrigin = (t, talk) =>
  startRawOrigin(t, (socket) => {
    onHeads(socket, () => {
      socket.removeAllListeners("data");
      socket.write(agreed);
      talk(socket);
    });
  });
const echo = (socket) => {
  socket.on("data", (data) => socket.write(data));
  socket.on("end", () => socket.end());
};
const behind = (origin, timeouts = "") => `
routes: [{ name: sockets, match: /ws, upstream: app, upgrade: [chat], timeouts: { ${timeouts} } }]
upstreams: [{ name: app, endpoints: ["${origin.address}"] }]
`;

async function openTunnel(gateway, more) {
  const connection = await openRaw(gateway.port);
  connection.write(handshake("/ws", more));
  assert.equal((await connection.head()).status, 101);
  return connection;
}

async function lineOfTunnel(gateway) {
  const [line] = await gateway.accessLines(1, (l) => l.status === 101);
  return line;
}

for (const io of ["io_uring", "epoll"]) {
  test(`megabytes both ways at once come unchanged (${io})`, async (t) => {
    const origin = await startSocketOrigin(t, echo);
    const gateway = await startGateway(t, `io: ${io}\n${behind(origin)}`);
    const connection = await openTunnel(gateway);
    const bytes = randomBytes(8 << 20);
    connection.write(bytes);
    const back = await connection.bytes(bytes.length);
    assert.equal(createHash("sha256").update(back).digest("hex"), createHash("sha256").update(bytes).digest("hex"));
    connection.finish();
    await connection.closed();
    const line = await lineOfTunnel(gateway);
    assert.equal(line.bytes_in, bytes.length);
    assert.equal(line.bytes_out, bytes.length);
    assert.equal(line.aborted, undefined);
  });
}

test("under TLS, with bytes that came with the handshake", async (t) => {
  const certificates = makeCertificates(t);
  const origin = await startSocketOrigin(t, echo);
  const gateway = await startGateway(
    t,
    (g) => `
listeners:
  - { name: web, address: "127.0.0.1:${g.port}", tls: { certificates: [{ cert: "${certificates.cert("usual")}", key: "${certificates.key("usual")}" }] } }
${behind(origin)}`,
  );
  const socket = connectTls({ port: gateway.port, host: "127.0.0.1", rejectUnauthorized: false });
  let got = "";
  socket.on("data", (data) => (got += data.toString("latin1")));
  socket.write(`${handshake()}early`);
  await eventually(() => /^HTTP.1.1 101 [^]*\r\n\r\nearly$/.test(got));
  socket.end("and late");
  await eventually(() => got.endsWith("earlyand late"));
  const line = await lineOfTunnel(gateway);
  assert.equal(line.scheme, "https");
});

test("a side that has ended still gets what the other has to say", async (t) => {
  const origin = await startSocketOrigin(t, (socket) => {
    let heard = "";
    socket.on("data", (data) => (heard += data));
    socket.on("end", () => setTimeout(() => socket.end(`heard ${heard}`), 50));
  });
  const gateway = await startGateway(t, behind(origin));
  const connection = await openTunnel(gateway);
  connection.write("all of it");
  connection.finish();
  assert.equal(await connection.rest(), "heard all of it");
  assert.equal((await lineOfTunnel(gateway)).aborted, undefined);
});

test("the line tells who it was, also when the configuration has changed meanwhile", async (t) => {
  const origin = await startSocketOrigin(t, echo);
  const gateway = await startGateway(t, behind(origin));
  const connection = await openTunnel(gateway, "User-Agent: test/1\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
  assert.equal(await gateway.metric("ringway_tunnels_open"), 1);
  await gateway.reload("routes: [{ name: other, respond: { body: ok } }]\n");
  assert.equal((await gateway.get("/")).text, "ok");
  connection.write("still here");
  assert.equal(String(await connection.bytes(10)), "still here");
  connection.finish();
  await connection.closed();
  const line = await lineOfTunnel(gateway);
  assert.equal(line.route, "sockets");
  assert.equal(line.upstream, "app");
  assert.equal(line.endpoint, origin.address);
  assert.equal(line.method, "GET");
  assert.equal(line.host, "example.com");
  assert.equal(line.path, "/ws");
  assert.equal(line.user_agent, "test/1");
  assert.equal(line.trace_id, "0af7651916cd43dd8448eb211c80319c");
  assert.equal(line.client, "127.0.0.1");
  assert.equal(line.bytes_in, 10);
  assert.equal(line.bytes_out, 10);
  await eventually(async () => (await gateway.metric("ringway_tunnels_open")) === 0);
  await eventually(async () => (await gateway.metric("ringway_requests_active")) <= 1); // that of the scrape
});

for (const [what, timeouts, reason] of [
  ["no byte for too long", "tunnel_idle: 200ms", "tunnel_idle"],
  ["too long in all", "total: 300ms", "exchange_timeout"],
]) {
  test(`it ends: ${what}`, async (t) => {
    const origin = await startSocketOrigin(t, echo);
    const gateway = await startGateway(t, behind(origin, timeouts));
    const connection = await openTunnel(gateway);
    await connection.rest();
    const line = await lineOfTunnel(gateway);
    assert.equal(line.reason, reason);
    assert.equal(line.aborted, true);
  });
}

test("it ends: half closed for too long", async (t) => {
  const origin = await startSocketOrigin(t, (socket) => socket.resume());
  const gateway = await startGateway(t, behind(origin, "tunnel_half_closed: 200ms"));
  const connection = await openTunnel(gateway);
  connection.finish();
  await connection.rest();
  assert.equal((await lineOfTunnel(gateway)).reason, "tunnel_idle");
});

test("it ends: a reset of one side is a reset of the other", async (t) => {
  const failures = [];
  const origin = await startSocketOrigin(t, (socket) => {
    socket.on("error", (error) => failures.push(error.code));
    socket.once("data", (data) => (data.toString() === "go away" ? socket.resetAndDestroy() : socket.write(data)));
  });
  const gateway = await startGateway(t, behind(origin));
  const first = await openTunnel(gateway);
  first.write("go away");
  await first.rest();
  assert.equal(first.failed?.code, "ECONNRESET");
  assert.equal((await lineOfTunnel(gateway)).reason, "upstream_reset");
  const second = await openTunnel(gateway);
  second.write("hello");
  assert.equal(String(await second.bytes(5)), "hello");
  second.socket.resetAndDestroy();
  await eventually(() => failures.includes("ECONNRESET"));
  const [, line] = await gateway.accessLines(2, (l) => l.status === 101);
  assert.equal(line.reason, "client_gone");
});

test("it ends: at a drain's deadline, and not before", async (t) => {
  const origin = await startSocketOrigin(t, echo);
  const gateway = await startGateway(t, `drain_timeout: 500ms\n${behind(origin)}`);
  const connection = await openTunnel(gateway);
  gateway.signal("SIGTERM");
  connection.write("one more");
  assert.equal(String(await connection.bytes(8)), "one more");
  await connection.rest();
  assert.equal((await lineOfTunnel(gateway)).reason, "draining");
});

test("a client that takes nothing is cut off, whatever it goes on to send", async (t) => {
  const origin = await startSocketOrigin(t, (socket) => {
    socket.resume();
    socket.write(Buffer.alloc(64 << 20));
  });
  const gateway = await startGateway(
    t,
    (g) => `listeners: [{ name: web, address: "127.0.0.1:${g.port}", timeouts: { send_idle: 1s } }]\n${behind(origin)}`,
  );
  const connection = await openTunnel(gateway);
  connection.socket.pause();
  const trickle = setInterval(() => connection.socket.writable && connection.write("x"), 50);
  cleanup(t, () => clearInterval(trickle));
  const line = await lineOfTunnel(gateway);
  assert.equal(line.reason, "client_stalled");
  connection.destroy();
});

test("a client that takes little by little is not", async (t) => {
  const bytes = 24 << 20;
  const origin = await startSocketOrigin(t, (socket) => {
    socket.resume();
    socket.end(Buffer.alloc(bytes));
  });
  const gateway = await startGateway(
    t,
    (g) => `listeners: [{ name: web, address: "127.0.0.1:${g.port}", timeouts: { send_idle: 2s } }]\n${behind(origin)}`,
  );
  const connection = await openTunnel(gateway);
  const pauses = setInterval(() => {
    connection.socket.pause();
    setTimeout(() => connection.socket.resume(), 150);
  }, 300);
  cleanup(t, () => clearInterval(pauses));
  await connection.bytes(bytes);
  connection.finish();
  const line = await lineOfTunnel(gateway);
  assert.equal(line.reason, undefined);
});
