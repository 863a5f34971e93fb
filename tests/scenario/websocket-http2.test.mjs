// WebSockets where the client, the origin or both have them in streams of HTTP/2 (RFC 8441): the
// same through every combination, HTTP/1.1 on both sides among them.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { connect2, request2 } from "./support/client2.mjs";
import { startGateway } from "./support/gateway.mjs";
import { openRaw } from "./support/raw.mjs";
import { eventually, within } from "./support/wait.mjs";
import { connectStream, echo, openWebSocket, openWebSocket2, startWebSocketOrigin, startWebSocketOrigin2 } from "./support/websocket.mjs";

const fronts = {
  "HTTP/1.1": { status: 101, open: (t, gateway, path = "/ws") => openWebSocket(t, `${gateway.url}${path}`, { perMessageDeflate: false }), openRaw: rawOver1 },
  "HTTP/2": { status: 200, open: (t, gateway, path = "/ws") => openWebSocket2(t, gateway.url, path), openRaw: rawOver2 },
};
const backs = {
  "HTTP/1.1": { protocol: "http1", start: (t, talk) => startWebSocketOrigin(t, talk, { perMessageDeflate: false }) },
  "HTTP/2": { protocol: "http2", start: startWebSocketOrigin2 },
};
const combinations = Object.entries(fronts).flatMap(([front, client]) =>
  Object.entries(backs).map(([back, server]) => ({ name: `${front} to ${back}`, ...client, ...server, both1: front === "HTTP/1.1" && back === "HTTP/1.1" })),
);

const config = ({ protocol }, origin, settings = "", top = "") => `
${top}
routes: [{ name: sockets, match: /ws, upstream: app, ${settings} }]
upstreams: [{ name: app, protocol: ${protocol}, endpoints: ["${origin.address}"] }]
`;

const closes = (gateway, kind) => gateway.metric(`ringway_websocket_closes_${kind}_total`);
const lines = (gateway, count) => gateway.accessLines(count, (l) => l.path === "/ws");

// Bytes as they are: write, bytes(n), finish, ended.
async function rawOver1(t, gateway) {
  const connection = await openRaw(gateway.port);
  connection.write(
    "GET /ws HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const head = await connection.head();
  assert.equal(head.status, 101);
  assert.equal(head.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  return { write: (bytes) => connection.write(Buffer.from(bytes)), bytes: async (n) => [...(await connection.bytes(n))], finish: () => connection.finish(), ended: () => connection.closed() };
}

async function rawOver2(t, gateway) {
  const { stream, head } = await connectStream(await connect2(t, gateway.url), "/ws");
  assert.equal(head[":status"], 200);
  let got = Buffer.alloc(0);
  let wake = () => {};
  const closed = new Promise((resolve) => stream.once("close", resolve));
  stream.on("data", (data) => {
    got = Buffer.concat([got, data]);
    wake();
  });
  const gather = async (n) => {
    while (got.length < n) await new Promise((resolve) => (wake = resolve));
    const result = [...got.subarray(0, n)];
    got = got.subarray(n);
    return result;
  };
  return {
    write: (bytes) => stream.write(Buffer.from(bytes)),
    bytes: (n) => within(20000, `${n} bytes`, gather(n)),
    finish: () => stream.end(),
    ended: () => within(20000, "the end of a stream", closed),
  };
}

// What takes its time does so for all combinations at once.
function eachAtOnce(name, run) {
  test(name, { concurrency: true }, (t) => Promise.all(combinations.map((combination) => t.test(combination.name, (own) => run(own, combination)))));
}

eachAtOnce("open WebSockets hold no place in the upstream's limit", async (t, combination) => {
  const origin = await combination.start(t, echo);
  const limit = "overload: { limit: 1, limit_min: 1, limit_max: 1, queue_max: 0 }, endpoints:";
  const gateway = await startGateway(t, config(combination, origin).replace("endpoints:", limit));
  const clients = [];
  for (let i = 0; i < 3; i++) clients.push(await combination.open(t, gateway));
  for (const client of clients) await client.echoes("hello");
  assert.equal(await gateway.metric("ringway_upstream_in_flight", { upstream: "app" }), 0);
});

for (const combination of combinations) {
  const { name, status, open } = combination;

  test(`${name}: messages of many sizes, and closes of both sides`, async (t) => {
    const origin = await combination.start(t, (socket) =>
      socket.on("message", (data, binary) => {
        if (!binary && data.toString().startsWith("close ")) socket.close(Number(data.toString().slice(6)), "because");
        else socket.send(data, { binary });
      }),
    );
    const gateway = await startGateway(t, config(combination, origin));
    const client = await open(t, gateway);
    await client.echoes("hello");
    await client.echoes("");
    for (const size of [1, 125, 126, 65535, 65536, 3 << 20]) {
      const bytes = randomBytes(size);
      client.send(bytes);
      assert.ok(bytes.equals(await client.next()), `${size} bytes`);
    }
    for (let i = 0; i < 300; i++) client.send(`small ${i}`);
    for (let i = 0; i < 300; i++) assert.equal(await client.next(), `small ${i}`);
    client.send("one, ", { fin: false });
    client.socket.ping("are you there");
    client.send("two", { fin: true });
    assert.equal(await client.next(), "one, two");
    assert.equal(await gateway.metric("ringway_websockets_open"), 1);
    client.socket.close(4001, "because");
    assert.equal(await client.closeCode(), 4001);
    await eventually(() => origin.closes[0] === 4001);
    const asks = await open(t, gateway);
    asks.send("close 4999");
    assert.equal(await asks.closeCode(), 4999);
    assert.equal(asks.close.reason, "because");
    await eventually(() => origin.closes[1] === 4999);
    const told = await lines(gateway, 2);
    for (const line of told) assert.deepEqual([line.status, line.reason], [status, undefined]);
    assert.ok(told.some((line) => line.bytes_in > 3 << 20 && line.bytes_out > 3 << 20));
    await eventually(async () => (await gateway.metric("ringway_websockets_open")) === 0);
    assert.equal(await gateway.metric("ringway_websocket_messages_in_total"), 310);
    assert.equal(await closes(gateway, "other"), 2);
  });

  test(`${name}: limits and mistakes of both sides`, async (t) => {
    const got = [];
    const origin = await combination.start(t, (socket) =>
      socket.on("message", (data) => {
        got.push(data.length);
        if (data.toString() === "please") socket.send("x".repeat(70000));
      }),
    );
    const gateway = await startGateway(t, config(combination, origin, "websocket: { message_max: 1000B }"));
    const large = await open(t, gateway);
    large.send("x".repeat(1000));
    large.send("x".repeat(600), { fin: false });
    large.send("x".repeat(600));
    assert.equal(await large.closeCode(), 1009);
    await eventually(() => origin.closes[0] === 1009);
    const asks = await open(t, gateway);
    asks.send("please");
    assert.equal(await asks.closeCode(), 1009);
    assert.equal(asks.messages.length, 0);
    await eventually(() => origin.closes[1] === 1009);
    const wrong = await combination.openRaw(t, gateway);
    // A good frame byte by byte, then one that is not masked.
    for (const byte of [0x81, 0x81, 0, 0, 0, 0, 0x61]) {
      wrong.write([byte]);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    wrong.write([0x81, 0x01, 0x61]);
    assert.deepEqual(await wrong.bytes(4), [0x88, 2, 1002 >> 8, 1002 & 0xff]);
    wrong.finish();
    await wrong.ended();
    await eventually(() => origin.closes[2] === 1002);
    assert.deepEqual(got, [1000, 6, 1]);
    assert.deepEqual(
      (await lines(gateway, 3)).map((line) => line.reason).sort(),
      ["websocket_message_too_large", "websocket_message_too_large", "websocket_protocol_error"],
    );
    assert.equal(await closes(gateway, "too_big"), 2);
    assert.equal(await closes(gateway, "protocol_error"), 1);
    const fine = await open(t, gateway);
    fine.socket.close(1000);
    assert.equal(await fine.closeCode(), 1000);
  });
}

eachAtOnce("a silent client is asked, and taken for gone when it says nothing; sides that leave", async (t, combination) => {
  const origin = await combination.start(t);
  const gateway = await startGateway(t, config(combination, origin, "websocket: { ping_interval: 600ms }"));
  const client = await combination.open(t, gateway);
  await client.until(() => client.pings.length >= 3, "three pings");
  assert.ok(client.pings.every((text) => text === "ringway"));
  await client.echoes("still there");
  const deaf = await combination.openRaw(t, gateway);
  assert.deepEqual(await deaf.bytes(9), [0x89, 7, ...Buffer.from("ringway")]);
  await deaf.ended();
  assert.equal((await lines(gateway, 1))[0].reason, "websocket_ping_timeout");
  await eventually(() => origin.closes.includes(1006));
  client.socket.terminate();
  await eventually(() => origin.closes.length === 2);
  const cut = await combination.open(t, gateway);
  for (const socket of origin.sockets) socket.terminate();
  assert.equal(await cut.closeCode(), 1006);
  await lines(gateway, 3);
  assert.equal(await closes(gateway, "abnormal"), 3);
  assert.equal(await gateway.metric("ringway_websockets_open"), 0);
});

eachAtOnce("no byte for too long ends it", async (t, combination) => {
  const origin = await combination.start(t);
  const gateway = await startGateway(t, config(combination, origin, "timeouts: { tunnel_idle: 2s, first_byte: 100ms }"));
  const client = await combination.open(t, gateway);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await client.echoes("not idle");
  assert.equal(await client.closeCode(), 1006);
  assert.equal((await lines(gateway, 1))[0].reason, "tunnel_idle");
  await eventually(() => origin.closes[0] === 1006);
});

eachAtOnce("a drain ends them with 1001, between two frames; who does not answer is left", async (t, combination) => {
  const got = [];
  const origin = await combination.start(t, (socket) => {
    echo(socket);
    socket.on("message", (data) => got.push(data.toString()));
  });
  const settings = (more) => config(combination, origin, `websocket: { close_timeout: 3s${more} }`, "drain_timeout: 60s");
  const gateway = await startGateway(t, settings(""));
  const idle = await combination.open(t, gateway);
  await gateway.reload(settings(", message_max: 10B"));
  await idle.echoes("as it began");
  const busy = await combination.openRaw(t, gateway);
  busy.write([0x82, 0x81, 0, 0, 0, 0, 7, 0x81, 0x84, 0, 0, 0, 0, 0x68, 0x61]);
  assert.deepEqual(await busy.bytes(3), [0x82, 1, 7]);
  gateway.signal("SIGTERM");
  assert.equal(await idle.closeCode(), 1001);
  assert.deepEqual(await busy.bytes(4), [0x88, 2, 1001 >> 8, 1001 & 0xff]);
  busy.write([0x6c, 0x66]);
  await eventually(() => origin.closes.length === 2);
  assert.deepEqual(origin.closes, [1001, 1001]);
  assert.ok(got.includes("half"));
  await busy.ended();
  for (const line of await lines(gateway, 2)) assert.equal(line.reason, "draining");
  assert.equal((await within(20000, "the gateway ends", gateway.exited)).code, 0);
});

// ---- Origins that speak HTTP/2 ----

test("what an origin over HTTP/2 is told, and what the client is told of its answer", async (t) => {
  const origin = await startWebSocketOrigin2(t, echo, {
    answer: (stream, headers) => {
      if (headers[":path"] === "/no") stream.respond({ ":status": 403, "content-type": "text/plain" });
      else if (headers[":path"] === "/ends") stream.respond({ ":status": 200 }, { endStream: true });
      else return false;
      if (headers[":path"] === "/no") stream.end("no");
      return true;
    },
  });
  const gateway = await startGateway(t, `routes: [{ upstream: app }]\nupstreams: [{ name: app, protocol: http2, endpoints: ["${origin.address}"] }]\n`);
  const client = await openWebSocket(t, `${gateway.url}/chat?a=b`, { headers: { cookie: "c=d" } });
  await client.echoes("hello");
  const [told] = origin.requests;
  assert.equal(told[":method"], "CONNECT");
  assert.equal(told[":protocol"], "websocket");
  assert.equal(told[":scheme"], "http");
  assert.equal(told[":path"], "/chat?a=b");
  assert.equal(told[":authority"], `127.0.0.1:${gateway.port}`);
  assert.equal(told["sec-websocket-version"], "13");
  assert.equal(told.cookie, "c=d");
  for (const name of ["sec-websocket-key", "upgrade", "connection", "content-length"]) assert.equal(told[name], undefined, name);
  const ask = async (path, fields = "") => {
    const connection = await openRaw(gateway.port);
    connection.write(`GET ${path} HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n`);
    return connection.response();
  };
  const version = "Sec-WebSocket-Version: 13\r\n";
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const no = await ask("/no", version + key);
  assert.deepEqual([no.status, no.body.toString()], [403, "no"]);
  assert.equal((await ask("/ends", version + key)).status, 502);
  assert.equal((await ask("/ws", version)).status, 400);
  assert.equal((await ask("/ws", `${version}Sec-WebSocket-Key: short\r\n`)).status, 400);
  assert.equal((await ask("/ws", `Sec-WebSocket-Version: 8\r\n${key}`)).status, 501);
  const session = await connect2(t, gateway.url);
  for (const [path, status] of [
    ["/no", 403],
    ["/ends", 502],
  ]) {
    const { stream, head } = await connectStream(session, path);
    assert.equal(head[":status"], status, path);
    stream.close();
  }
  await client.echoes("still there");
});

test("an origin that does not offer them is not asked: 501, and it stays healthy", async (t) => {
  const origin = await startWebSocketOrigin2(t, echo, {
    offered: false,
    answer: (stream) => {
      stream.respond({ ":status": 200 });
      stream.end("ok");
      return true;
    },
  });
  const gateway = await startGateway(t, `routes: [{ upstream: app }]\nupstreams: [{ name: app, protocol: http2, endpoints: ["${origin.address}"] }]\n`);
  for (let i = 0; i < 12; i++) await assert.rejects(openWebSocket(t, `${gateway.url}/ws`), /501/);
  const session = await connect2(t, gateway.url);
  const { stream, head } = await connectStream(session, "/ws");
  assert.equal(head[":status"], 501);
  stream.close();
  assert.equal((await request2(session, "/plain")).text, "ok");
  assert.deepEqual(
    origin.requests.map((headers) => headers[":method"]),
    ["GET"],
  );
  const [line] = await lines(gateway, 13);
  assert.equal(line.reason, "upgrade_unsupported");
});

test("many share the connections to the origin with requests, and one that takes nothing stops nobody", async (t) => {
  const origin = await startWebSocketOrigin2(
    t,
    (socket) => {
      echo(socket);
      socket.on("message", (data) => {
        if (data.toString() !== "flood") return;
        for (let i = 0; i < 64; i++) socket.send(Buffer.alloc(64 << 10));
      });
    },
    {
      answer: (stream, headers) => {
        if (headers[":method"] !== "GET") return false;
        stream.respond({ ":status": 200 });
        stream.end("plain");
        return true;
      },
    },
  );
  const gateway = await startGateway(
    t,
    `routes: [{ upstream: app }]\nupstreams: [{ name: app, protocol: http2, endpoints: ["${origin.address}"], connections: { per_endpoint_max: 2 } }]\n`,
  );
  const slow = await openWebSocket2(t, gateway.url);
  slow.stream.pause();
  slow.send("flood");
  const clients = await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 ? openWebSocket(t, `${gateway.url}/ws`) : openWebSocket2(t, gateway.url))));
  await Promise.all(clients.map((client, i) => client.echoes(`number ${i}`)));
  const session = await connect2(t, gateway.url);
  assert.equal((await request2(session, "/plain")).text, "plain");
  assert.ok(origin.sessions.size <= 2);
  slow.stream.resume();
  await slow.until(() => slow.messages.length === 65, "all of the flood");
  for (const client of clients) client.socket.close(1000);
  for (const client of clients) assert.equal(await client.closeCode(), 1000);
});

test("over TLS, and an origin that goes away in good order (GOAWAY) keeps them", async (t) => {
  const certificates = makeCertificates(t);
  const origin = await startWebSocketOrigin2(t, echo, { tls: { key: certificates.read("usual.key"), cert: certificates.read("usual.pem") } });
  const gateway = await startGateway(
    t,
    `routes: [{ upstream: app }]\nupstreams: [{ name: app, protocol: http2, tls: { verify: false }, endpoints: ["${origin.address}"] }]\n`,
  );
  const first = await openWebSocket(t, `${gateway.url}/ws`);
  await first.echoes("hello");
  const [session] = origin.sessions;
  session.goaway(0);
  const second = await openWebSocket2(t, gateway.url);
  await second.echoes("another connection");
  await first.echoes("still there");
  assert.equal(origin.sessions.size, 2);
  const stream = origin.streams[0];
  first.socket.close(1000);
  assert.equal(await first.closeCode(), 1000);
  if (!stream.closed) await within(20000, "the stream ends", once(stream, "close"));
});
