// More sockets than descriptors: with io_uring all go on, whatever they carry; with epoll idle ones
// make room.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { request } from "./support/client.mjs";
import { connect2, request2 } from "./support/client2.mjs";
import { startGateway } from "./support/gateway.mjs";
import { onHeads, startOrigin, startRawOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { openRaw } from "./support/raw.mjs";
import { ringway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";
import { openWebSocket, startWebSocketOrigin } from "./support/websocket.mjs";

const LIMIT = 100;
const few = { program: "prlimit", before: [`--nofile=${LIMIT}:${LIMIT}`, ringway] };
const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

const descriptors = (gateway) => readdirSync(`/proc/${gateway.workers()[0]}/fd`).length;

// So that whoever comes next has no descriptor of its own: connections that stay.
async function crowd(gateway, count) {
  const kept = [];
  for (let i = 0; i < count; i++) kept.push(await openRaw(gateway.port));
  return kept;
}

async function start(t, text) {
  const gateway = await startGateway(t, text, few);
  if (!/, io_uring$/m.test(gateway.stderr)) t.skip("io_uring is not permitted here");
  return gateway;
}

const isParking = (gateway) => /, io_uring$/m.test(gateway.stderr);

for (const threads of [1, 2])
  test(`three times as many clients as descriptors (threads: ${threads})`, async (t) => {
    const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
    const gateway = await start(t, `threads: ${threads}\nroutes: [{ upstream: app }]\nupstreams: [{ name: app, endpoints: ["${origin.address}"] }]`);
    if (!isParking(gateway)) return;
    const kept = await crowd(gateway, 3 * LIMIT);
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.all(kept.map((connection) => connection.write(get).response()));
      assert.ok(answers.every((answer) => answer.status === 200));
    }
    assert.equal(await gateway.metric("ringway_connections_evicted_total"), 0);
    assert.equal(await gateway.metric("ringway_connections_refused_total"), 0);
    assert.ok(descriptors(gateway) < LIMIT);
    // Their places are given back, in whatever order and manner they leave.
    for (const [i, connection] of kept.entries()) i % 2 ? connection.finish() : connection.socket.resetAndDestroy();
    await eventually(async () => (await gateway.metric("ringway_connections_open")) <= 2, { what: "all have gone" });
    for (const connection of await crowd(gateway, 3 * LIMIT)) connection.destroy();
    assert.equal(await gateway.metric("ringway_connections_refused_total"), 0);
  });

test("bodies, HTTP/2 over TLS, WebSockets and ends of connections without descriptors", async (t) => {
  const certificates = makeCertificates(t);
  const origin = await startOrigin(t, { answer: (call, response) => (call.url === "/long" ? call.pipe(response) : response.end(call.url)), streaming: true });
  const sockets = await startWebSocketOrigin(t);
  const secure = await freePort();
  const gateway = await start(
    t,
    (g) => `
threads: 1
listeners:
  - { name: web, address: "127.0.0.1:${g.port}" }
  - { name: secure, address: "127.0.0.1:${secure}", tls: { certificates: [{ cert: ${certificates.cert("usual")}, key: ${certificates.key("usual")} }] } }
routes: [{ match: /ws, upstream: sockets }, { upstream: app }]
upstreams: [{ name: app, endpoints: ["${origin.address}"] }, { name: sockets, endpoints: ["${sockets.address}"] }]`,
  );
  if (!isParking(gateway)) return;
  const kept = await crowd(gateway, LIMIT);
  const long = randomBytes(800_000); // times eight: what Node's client of HTTP/2 may hold
  const answers = await Promise.all(Array.from({ length: 8 }, () => request(`${gateway.url}/long`, { method: "POST", body: long })));
  for (const answer of answers) assert.ok(answer.bytes.equals(long));
  const session = await connect2(t, `https://127.0.0.1:${secure}`);
  const streams = await Promise.all(Array.from({ length: 8 }, () => request2(session, "/long", { method: "POST", body: long })));
  for (const answer of streams) assert.ok(answer.bytes.equals(long));
  const { socket } = await openWebSocket(t, `${gateway.url}/ws`);
  for (const text of ["one", "x".repeat(100_000)]) {
    const echoed = new Promise((resolve) => socket.once("message", resolve));
    socket.send(text);
    assert.equal(`${await echoed}`, text);
  }
  socket.terminate();
  session.destroy();
  const last = await openRaw(gateway.port);
  const answer = await last.write("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").response();
  assert.equal(answer.text, "/last");
  await eventually(() => last.ended, { what: "the gateway closes its direction" });
  assert.ok(!last.failed);
  for (const connection of kept) connection.destroy();
});

test("an origin is told the address of a connection without a descriptor", async (t) => {
  const seen = [];
  const origin = await startRawOrigin(t, (socket) =>
    onHeads(socket, (head) => {
      seen.push(/^PROXY [^\r]*/.exec(head)?.[0]);
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }),
  );
  const gateway = await start(t, `threads: 1\nroutes: [{ upstream: app }]\nupstreams: [{ name: app, endpoints: ["${origin.address}"], proxy_protocol: v1 }]`);
  if (!isParking(gateway)) return;
  const kept = await crowd(gateway, LIMIT);
  const last = await openRaw(gateway.port);
  assert.equal((await last.write(get).response()).status, 200);
  assert.deepEqual(seen, [`PROXY TCP4 127.0.0.1 127.0.0.1 ${last.socket.localPort} ${gateway.port}`]);
  for (const connection of [last, ...kept]) connection.destroy();
});

for (const threads of [1, 2])
  test(`epoll: idle ones make room, and descriptors for origins are left (threads: ${threads})`, async (t) => {
    const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
    const gateway = await startGateway(t, `io: epoll\nthreads: ${threads}\nroutes: [{ upstream: app }]\nupstreams: [{ name: app, endpoints: ["${origin.address}"] }]`, few);
    const kept = [];
    for (let i = 0; i < 150; i++) {
      const connection = await openRaw(gateway.port);
      kept.push(connection);
      if (i % 10 === 0) assert.equal((await connection.write(get).response()).status, 200, `connection ${i}`);
    }
    await eventually(async () => (await gateway.metric("ringway_connections_evicted_total")) >= 50, { what: "idle ones are evicted" });
    assert.equal(await gateway.metric("ringway_connections_refused_total"), 0);
    assert.ok(descriptors(gateway) <= 92);
    for (const connection of kept) connection.destroy();
  });
