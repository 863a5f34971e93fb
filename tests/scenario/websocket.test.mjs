// WebSockets: what goes through, and what the gateway itself says in frames.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { startGateway } from "./support/gateway.mjs";
import { connect2, request2 } from "./support/client2.mjs";
import { startRawOrigin, onHeads } from "./support/origin.mjs";
import { openRaw } from "./support/raw.mjs";
import { sanitized } from "./support/run.mjs";
import { eventually, within } from "./support/wait.mjs";
import { connectStream, echo, openWebSocket, openWebSocket2, startWebSocketOrigin } from "./support/websocket.mjs";

const behind = (origin, settings = "") => `
routes: [{ name: sockets, match: /ws, upstream: app, ${settings} }]
upstreams: [{ name: app, endpoints: ["${origin.address}"] }]
`;
const open = (t, gateway, options) => openWebSocket(t, `${gateway.url}/ws`, options);

async function lineOf(gateway) {
  const [line] = await gateway.accessLines(1, (l) => l.status === 101);
  return line;
}

const ends = (gateway) => within(20000, "the gateway ends", gateway.exited);
const closes = (gateway, kind) => gateway.metric(`ringway_websocket_closes_${kind}_total`);

for (const io of ["io_uring", "epoll"]) {
  test(`messages of many sizes come back as they were (${io})`, async (t) => {
    const origin = await startWebSocketOrigin(t, echo, { perMessageDeflate: false });
    const gateway = await startGateway(t, `io: ${io}\n${behind(origin)}`);
    const client = await open(t, gateway, { perMessageDeflate: false });
    await client.echoes("hello");
    await client.echoes("");
    for (const size of [1, 125, 126, 127, 16383, 65535, 65536, 4 << 20]) {
      const bytes = randomBytes(size);
      client.send(bytes);
      assert.ok(bytes.equals(await client.next()), `${size} bytes`);
    }
    for (let i = 0; i < 500; i++) client.send(`small ${i}`);
    for (let i = 0; i < 500; i++) assert.equal(await client.next(), `small ${i}`);
    assert.equal(await gateway.metric("ringway_websockets_open"), 1);
    client.socket.close(1000);
    assert.equal(await client.closeCode(), 1000);
    await eventually(() => origin.closes[0] === 1000);
    const line = await lineOf(gateway);
    assert.equal(line.reason, undefined);
    assert.ok(line.bytes_in > 4 << 20 && line.bytes_out > 4 << 20);
    assert.equal(await gateway.metric("ringway_websockets_open"), 0);
    assert.equal(await gateway.metric("ringway_websocket_messages_in_total"), 510);
    assert.equal(await gateway.metric("ringway_websocket_messages_out_total"), 510);
    assert.equal(await closes(gateway, "normal"), 1);
  });
}

test("under TLS, compressed, in fragments, and with pings inside a message", async (t) => {
  const certificates = makeCertificates(t);
  const origin = await startWebSocketOrigin(t, echo, { perMessageDeflate: { threshold: 0 } });
  const gateway = await startGateway(
    t,
    (g) => `
listeners:
  - { name: web, address: "127.0.0.1:${g.port}", tls: { certificates: [{ cert: "${certificates.cert("usual")}", key: "${certificates.key("usual")}" }] } }
${behind(origin)}`,
  );
  const client = await openWebSocket(t, `wss://127.0.0.1:${gateway.port}/ws`, { rejectUnauthorized: false, perMessageDeflate: { threshold: 0 } });
  assert.match(client.socket.extensions, /permessage-deflate/);
  await client.echoes("a text that compresses well ".repeat(1000));
  client.send("one, ", { fin: false });
  client.socket.ping("are you there");
  client.send("two, ", { fin: false });
  client.send("three", { fin: true });
  assert.equal(await client.next(), "one, two, three");
  client.socket.close(4321);
  assert.equal(await client.closeCode(), 4321);
  await lineOf(gateway);
});

test("closes of both sides go through with their codes", async (t) => {
  const origin = await startWebSocketOrigin(t, (socket) => socket.on("message", (data) => socket.close(Number(data), "because")));
  const gateway = await startGateway(t, behind(origin));
  for (const code of [1000, 1001, 1011, 3000, 4999]) {
    const client = await open(t, gateway);
    client.send(String(code));
    assert.equal(await client.closeCode(), code);
    assert.equal(client.close.reason, "because");
  }
  const client = await open(t, gateway);
  client.socket.close();
  assert.equal(await client.closeCode(), 1005);
  const gone = await open(t, gateway);
  gone.socket.terminate();
  await eventually(() => origin.closes.includes(1006));
  await gateway.accessLines(7, (l) => l.status === 101);
  assert.equal(await closes(gateway, "normal"), 2);
  assert.equal(await closes(gateway, "going_away"), 1);
  assert.equal(await closes(gateway, "other"), 3);
  assert.equal(await closes(gateway, "abnormal"), 1);
});

test("a message that is too large ends both sides with 1009; the one before it has arrived", async (t) => {
  const got = [];
  const origin = await startWebSocketOrigin(t, (socket) => socket.on("message", (data) => got.push(data.length)), { perMessageDeflate: false });
  const gateway = await startGateway(t, behind(origin, "websocket: { message_max: 1000B }"));
  const whole = await open(t, gateway);
  whole.send("x".repeat(1000));
  whole.send("x".repeat(1001));
  assert.equal(await whole.closeCode(), 1009);
  await eventually(() => origin.closes[0] === 1009);
  assert.deepEqual(got, [1000]);
  const pieces = await open(t, gateway);
  pieces.send("x".repeat(600), { fin: false });
  pieces.send("x".repeat(600), { fin: true });
  assert.equal(await pieces.closeCode(), 1009);
  await eventually(() => origin.closes[1] === 1009);
  const huge = await open(t, gateway);
  huge.send(Buffer.alloc(8 << 20));
  assert.equal(await huge.closeCode(), 1009);
  assert.deepEqual(got, [1000]);
  const lines = await gateway.accessLines(3, (l) => l.status === 101);
  for (const line of lines) assert.equal(line.reason, "websocket_message_too_large");
  assert.equal(await closes(gateway, "too_big"), 3);
});

test("so does one of the origin", async (t) => {
  const origin = await startWebSocketOrigin(t, (socket) => socket.on("message", () => socket.send("x".repeat(70000))), { perMessageDeflate: false });
  const gateway = await startGateway(t, behind(origin, "websocket: { message_max: 65536B }"));
  const client = await open(t, gateway);
  client.send("please");
  assert.equal(await client.closeCode(), 1009);
  await eventually(() => origin.closes[0] === 1009);
  assert.equal(client.messages.length, 0);
  await lineOf(gateway);
});

const handshake =
  "GET /ws HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

for (const [what, bytes] of [
  ["not masked", [0x81, 0x02, 0x68, 0x69]],
  ["a reserved bit", [0xc1, 0x80, 1, 2, 3, 4]],
  ["a reserved opcode", [0x83, 0x80, 1, 2, 3, 4]],
  ["a length that is not the shortest", [0x82, 0xfe, 0x00, 0x05]],
]) {
  test(`a frame that is none ends both sides with 1002: ${what}`, async (t) => {
    const got = [];
    const origin = await startWebSocketOrigin(t, (socket) => socket.on("message", (data) => got.push(data.toString())));
    const gateway = await startGateway(t, behind(origin));
    const connection = await openRaw(gateway.port);
    connection.write(handshake);
    assert.equal((await connection.head()).status, 101);
    // A good frame comes first: "a", masked; head and payload byte by byte.
    for (const byte of [0x81, 0x81, 0, 0, 0, 0, 0x61]) {
      connection.write(Buffer.from([byte]));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    connection.write(Buffer.from(bytes));
    assert.deepEqual([...(await connection.bytes(4))], [0x88, 2, 1002 >> 8, 1002 & 0xff]);
    connection.finish();
    await connection.closed();
    await eventually(() => origin.closes[0] === 1002);
    assert.deepEqual(got, ["a"]);
    assert.equal((await lineOf(gateway)).reason, "websocket_protocol_error");
    assert.equal(await closes(gateway, "protocol_error"), 1);
  });
}

test("a silent client is asked whether it is there, and taken for gone when it says nothing", async (t) => {
  const origin = await startWebSocketOrigin(t);
  const gateway = await startGateway(t, behind(origin, "websocket: { ping_interval: 300ms }, timeouts: { tunnel_idle: 5s }"));
  const client = await open(t, gateway);
  await client.until(() => client.pings.length >= 4, "four pings");
  assert.ok(client.pings.every((text) => text === "ringway"));
  await client.echoes("still there");
  // Pongs may go to the origin, which did not ask for them.
  assert.ok(origin.pongs.every((text) => text === "ringway"));
  const deaf = await openRaw(gateway.port);
  deaf.write(handshake);
  assert.equal((await deaf.head()).status, 101);
  await deaf.rest();
  assert.equal((await lineOf(gateway)).reason, "websocket_ping_timeout");
  assert.equal(client.close, undefined);
});

test("no byte for too long ends it", async (t) => {
  const origin = await startWebSocketOrigin(t);
  const gateway = await startGateway(t, behind(origin, "timeouts: { tunnel_idle: 200ms }"));
  const client = await open(t, gateway);
  assert.equal(await client.closeCode(), 1006);
  assert.equal((await lineOf(gateway)).reason, "tunnel_idle");
});

test("it outlives reloads, and a drain ends it with 1001 once the message under way is through", async (t) => {
  const origin = await startWebSocketOrigin(t, echo, { perMessageDeflate: false });
  const gateway = await startGateway(t, `drain_timeout: 15s\n${behind(origin)}`);
  const idle = await open(t, gateway);
  const busy = await openRaw(gateway.port);
  busy.write(handshake);
  assert.equal((await busy.head()).status, 101);
  await gateway.reload(`drain_timeout: 15s\n${behind(origin, "websocket: { message_max: 1B }")}`);
  await idle.echoes("as it began");
  // Half of a message from the client, then the drain, then the other half.
  busy.write(Buffer.from([0x81, 0x84, 0, 0, 0, 0, 0x68, 0x61]));
  gateway.signal("SIGTERM");
  assert.equal(await idle.closeCode(), 1001);
  assert.deepEqual([...(await busy.bytes(4))], [0x88, 2, 1001 >> 8, 1001 & 0xff]);
  await eventually(() => origin.closes.length >= 1);
  busy.write(Buffer.from([0x6c, 0x66]));
  await eventually(() => origin.closes.length === 2);
  assert.deepEqual(origin.closes, [1001, 1001]);
  busy.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 1001 >> 8, 1001 & 0xff])).finish();
  await busy.closed();
  const lines = await gateway.accessLines(2, (l) => l.status === 101);
  for (const line of lines) assert.equal(line.reason, "draining");
  assert.equal((await ends(gateway)).code, 0);
});

test("who does not answer a Close frame is left after a while", async (t) => {
  const origin = await startWebSocketOrigin(t);
  const gateway = await startGateway(t, `drain_timeout: 60s\n${behind(origin, "websocket: { close_timeout: 300ms }")}`);
  const deaf = await openRaw(gateway.port);
  deaf.write(handshake);
  assert.equal((await deaf.head()).status, 101);
  gateway.signal("SIGTERM");
  assert.deepEqual([...(await deaf.bytes(4))], [0x88, 2, 1001 >> 8, 1001 & 0xff]);
  await deaf.closed();
  assert.equal((await ends(gateway)).code, 0);
});

test("a thousand at once, idle, then each with a message, then a drain", async (t) => {
  const many = sanitized ? 200 : 1000;
  const origin = await startWebSocketOrigin(t, echo, { perMessageDeflate: false, backlog: 4096 });
  const gateway = await startGateway(t, `drain_timeout: 15s\n${behind(origin)}`);
  const clients = [];
  for (let i = 0; i < many; i += 50)
    clients.push(...(await Promise.all(Array.from({ length: 50 }, () => open(t, gateway, { perMessageDeflate: false })))));
  assert.equal(await gateway.metric("ringway_websockets_open"), many);
  await gateway.reload();
  await Promise.all(clients.map((client, i) => client.echoes(`message ${i}`)));
  gateway.signal("SIGTERM");
  const codes = await Promise.all(clients.map((client) => client.closeCode()));
  assert.equal(codes.filter((code) => code === 1001).length, many);
  assert.equal((await ends(gateway)).code, 0);
});

// ---- Over HTTP/2 (RFC 8441) ----

test("in streams of HTTP/2: messages, closes, many in one connection beside requests", async (t) => {
  const origin = await startWebSocketOrigin(t);
  const gateway = await startGateway(t, `${behind(origin)}\n`.replace("routes: [", "routes: [{ name: fixed, match: /fixed, respond: { body: ok } }, "));
  const session = await connect2(t, gateway.url);
  const first = await openWebSocket2(t, gateway.url, "/ws?a=b", session);
  assert.equal(first.head["sec-websocket-accept"], undefined);
  assert.equal(first.head.upgrade, undefined);
  assert.equal(origin.request.url, "/ws?a=b");
  assert.equal(origin.request.method, "GET");
  await first.echoes("hello");
  const bytes = randomBytes(3 << 20);
  first.send(bytes);
  assert.ok(bytes.equals(await first.next()));
  const more = await Promise.all(Array.from({ length: 20 }, () => openWebSocket2(t, gateway.url, "/ws", session)));
  await Promise.all(more.map((client, i) => client.echoes(`number ${i}`)));
  assert.equal((await request2(session, "/fixed")).text, "ok");
  first.socket.close(4001, "because");
  assert.equal(await first.closeCode(), 4001);
  await eventually(() => origin.closes.includes(4001));
  for (const socket of origin.sockets) socket.close(1011);
  for (const client of more) assert.equal(await client.closeCode(), 1011);
  const lines = await gateway.accessLines(21, (l) => l.path === "/ws");
  assert.equal(lines[0].protocol, "HTTP/2");
  assert.equal((await request2(session, "/fixed")).text, "ok");
});

test("in streams of HTTP/2: what the origin does not agree to", async (t) => {
  const answers = {
    "/no": "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
    "/plain": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain",
    "/wrong": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
  };
  const seen = [];
  const origin = await startRawOrigin(t, (socket) =>
    onHeads(socket, (head) => {
      seen.push(head);
      socket.end(answers[/^GET (\S+)/.exec(head)[1]]);
    }),
  );
  const gateway = await startGateway(t, `routes: [{ name: all, upstream: app }]\nupstreams: [{ name: app, endpoints: ["${origin.address}"] }]\n`);
  const session = await connect2(t, gateway.url);
  for (const [path, status] of [
    ["/no", 403],
    ["/plain", 501],
    ["/wrong", 502],
  ]) {
    const { stream, head } = await connectStream(session, path);
    assert.equal(head[":status"], status, path);
    stream.close();
  }
  assert.match(seen[0], /^connection: upgrade$/im);
  assert.match(seen[0], /^upgrade: websocket$/im);
  assert.match(seen[0], /^sec-websocket-key: [A-Za-z0-9+/]{22}==$/im);
  assert.doesNotMatch(seen[0], /transfer-encoding|content-length|protocol/i);
  const { head } = await connectStream(session, "/no", { ":protocol": "connect-udp" });
  assert.equal(head[":status"], 501);
});

test("in streams of HTTP/2: a side that leaves, and one that is silent", async (t) => {
  const origin = await startWebSocketOrigin(t);
  const gateway = await startGateway(t, behind(origin, "timeouts: { tunnel_idle: 1s }"));
  const client = await openWebSocket2(t, gateway.url);
  await client.echoes("hello");
  client.stream.close(8);
  await eventually(() => origin.closes[0] === 1006);
  const silent = await openWebSocket2(t, gateway.url);
  assert.equal(await silent.closeCode(), 1006);
  await eventually(() => origin.closes.length === 2);
  const [, line] = await gateway.accessLines(2, (l) => l.path === "/ws");
  assert.equal(line.reason, "tunnel_idle");
  const cut = await openWebSocket2(t, gateway.url);
  for (const socket of origin.sockets) socket.terminate();
  assert.equal(await cut.closeCode(), 1006);
});

test("in streams of HTTP/2: limits and mistakes of both sides", async (t) => {
  const got = [];
  const origin = await startWebSocketOrigin(t, (socket) =>
    socket.on("message", (data) => {
      got.push(data.length);
      if (data.toString() === "please") socket.send("x".repeat(1001));
    }),
  );
  const gateway = await startGateway(t, behind(origin, "websocket: { message_max: 1000B }"));
  const session = await connect2(t, gateway.url);
  const large = await openWebSocket2(t, gateway.url, "/ws", session);
  large.send("x".repeat(1000));
  large.send("x".repeat(600), { fin: false });
  large.send("x".repeat(600));
  assert.equal(await large.closeCode(), 1009);
  await eventually(() => origin.closes[0] === 1009);
  assert.deepEqual(got, [1000]);
  const asks = await openWebSocket2(t, gateway.url, "/ws", session);
  asks.send("please");
  assert.equal(await asks.closeCode(), 1009);
  await eventually(() => origin.closes.length === 2);
  const wrong = await openWebSocket2(t, gateway.url, "/ws", session);
  wrong.stream.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61, 0x81, 0x01, 0x61]));
  assert.equal(await wrong.closeCode(), 1002);
  await eventually(() => origin.closes[2] === 1002);
  assert.deepEqual(got, [1000, 6, 1]);
  const lines = await gateway.accessLines(3, (l) => l.path === "/ws");
  assert.deepEqual(
    lines.map((line) => line.reason),
    ["websocket_message_too_large", "websocket_message_too_large", "websocket_protocol_error"],
  );
  await eventually(async () => (await gateway.metric("ringway_websockets_open")) === 0);
  assert.equal(await closes(gateway, "too_big"), 2);
  assert.equal(await closes(gateway, "protocol_error"), 1);
  const fine = await openWebSocket2(t, gateway.url, "/ws", session);
  fine.socket.close(1000);
  assert.equal(await fine.closeCode(), 1000);
});
