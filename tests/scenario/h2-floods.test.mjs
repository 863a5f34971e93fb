// Floods of HTTP/2, mounted one after the other: each ends the attacker's connection with
// ENHANCE_YOUR_CALM, is counted by its name, takes no memory, and nobody else notices.

import assert from "node:assert/strict";
import { release } from "node:os";
import { test } from "node:test";
import { connect2, request2 } from "./support/client2.mjs";
import { END_HEADERS, END_STREAM, data, field, frame, headers, indexed, openFrames, ping, request, reset, settings, u32, windowUpdate } from "./support/frames.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { sanitized } from "./support/run.mjs";
import { eventually, sleep } from "./support/wait.mjs";

const MIB = 1 << 20;
const [major, minor] = release().split(".").map(Number);
const limitedReceives = major > 6 || (major === 6 && minor >= 17);
const large = Buffer.alloc(4 * MIB);

// A gateway with an origin that never answers below /silent, and a client that goes on asking.
async function scene(t, { http2 = "" } = {}) {
  const origin = await startOrigin(t, {
    streaming: true,
    answer: (asked, response) => {
      if (asked.url === "/large") return response.end(large);
      if (asked.url !== "/silent") response.end("ok");
    },
  });
  const gateway = await startGateway(
    t,
    (g) => `threads: 1
listeners: [{ name: web, address: "127.0.0.1:${g.port}", timeouts: { send_idle: 1s }${http2} }]
routes:
  - { name: fixed, match: { path: /fixed }, respond: { body: fixed } }
  - { name: wide, match: { path: /wide }, respond: { headers: { X-Filler: "${"x".repeat(3000)}" } } }
  - { name: all, upstream: app, timeouts: { first_byte: 5m } }
upstreams: [{ name: app, endpoints: ["${origin.address}"] }]
`,
  );
  const session = await connect2(t, gateway.url);
  const good = { done: 0, failures: [], stopping: false };
  const asking = (async () => {
    while (!good.stopping) {
      try {
        const answer = await request2(session, "/good", { patience: 30000 });
        assert.equal(answer.text, "ok");
        good.done++;
      } catch (error) {
        good.failures.push(error);
      }
      await sleep(2);
    }
  })();
  t.after(() => (good.stopping = true));
  const before = gateway.residentBytes();
  const finish = async ({ memory = 8 * MIB } = {}) => {
    const { done } = good;
    await eventually(() => good.done > done + 5);
    good.stopping = true;
    await asking;
    assert.deepEqual(good.failures, []);
    const grown = gateway.residentBytes() - before;
    if (!sanitized) assert.ok(grown < memory, `${grown} bytes more`);
  };
  return { gateway, origin, finish };
}

// Sends what `make(i)` gives until the gateway ends the connection, or `most` times.
async function flood(client, make, most, batch = 50) {
  for (let i = 0; i < most && !client.ended; i += batch) {
    await client.sent(Array.from({ length: batch }, (_, k) => make(i + k)));
    await new Promise(setImmediate); // to see an answer
  }
}

async function endsCalmly(t, name, make, { most = 30000, batch = 50, prepare, http2 } = {}) {
  const { gateway, finish } = await scene(t, { http2 });
  const client = await openFrames(gateway.port);
  if (prepare) client.send(prepare);
  const goaway = client.goaway(20000).catch((error) => {
    if (!/the connection ended before/.test(error.message)) throw error;
    return null;
  });
  await Promise.all([goaway, flood(client, make, most, batch)]);
  // Who goes on sending may get a reset before it has read: then the metric alone tells of the end.
  const last = await goaway;
  if (last) assert.equal(last.code, "ENHANCE_YOUR_CALM");
  await client.closed();
  await eventually(async () => (await gateway.metric("ringway_http2_floods_total", { flood: name })) === 1);
  await finish();
  return gateway;
}

const open = (path, stream = 1) => headers(stream, request(path, [], { method: "POST" }), { end: false });

test("rapid reset (CVE-2023-44487): of requests that the origin has", (t) =>
  endsCalmly(t, "resets", (i) => [headers(1 + 2 * i, request("/silent")), reset(1 + 2 * i)]));

test("resets by errors of the client's own", (t) =>
  endsCalmly(t, "resets", (i) => headers(1 + 2 * i, request("/", [["connection", "close"]]))));

test("streams above the announced limit", async (t) => {
  const gateway = await endsCalmly(t, "refused_streams", (i) => headers(1 + 2 * i, request("/silent")));
  assert.ok((await gateway.metric("ringway_http2_streams_refused_total")) >= 100);
});

test("CONTINUATION flood (CVE-2024-27316): empty ones, small ones, large ones", async (t) => {
  for (const [name, content] of [
    ["continuations", field("x", "y")],
    ["head", Buffer.concat(Array.from({ length: 100 }, () => field("x-filler", "y".repeat(100))))],
  ]) {
    await t.test(name, (t) =>
      endsCalmly(t, name, () => frame("CONTINUATION", 0, 1, content), { batch: 1, most: 1000, prepare: frame("HEADERS", END_STREAM, 1, field(":method", "GET")) }),
    );
  }
  await t.test("empty", async (t) => {
    const { gateway, finish } = await scene(t);
    const client = await openFrames(gateway.port);
    client.send(frame("HEADERS", END_STREAM, 1, field(":method", "GET")));
    const goaway = client.goaway();
    await Promise.all([goaway, flood(client, () => frame("CONTINUATION", 0, 1), 10000)]);
    assert.equal((await goaway).code, "ENHANCE_YOUR_CALM");
    await finish();
  });
});

// Each octet of its heads is another copy of nearly 4 KiB; the limit is 16 KiB.
async function openBomb(gateway) {
  const client = await openFrames(gateway.port);
  const start = [
    [":method", "GET"],
    [":scheme", "http"],
    [":authority", "a"],
    [":path", "/good"],
  ].map(([name, value]) => field(name, value));
  client.send(headers(1, Buffer.concat([...start, field("x-bomb", "b".repeat(3900), { index: true })])));
  assert.equal((await client.response(1)).status, 200);
  const bomb = (stream, copies) => headers(stream, Buffer.concat([...start, ...Array.from({ length: copies }, () => indexed(62))]));
  return { client, bomb };
}

test("an HPACK bomb: a small block that stands for a large head", async (t) => {
  const { gateway, finish } = await scene(t);
  const { client, bomb } = await openBomb(gateway);
  client.send(bomb(3, 4000));
  assert.equal((await client.goaway()).code, "ENHANCE_YOUR_CALM");
  await client.closed();
  assert.equal(await gateway.metric("ringway_http2_floods_total", { flood: "hpack_bomb" }), 1);
  await finish();
});

test("smaller bombs are heads that are too large", async (t) => {
  const { gateway, finish } = await scene(t);
  const { client, bomb } = await openBomb(gateway);
  for (let i = 1; i <= 100; i++) client.send(bomb(1 + 2 * i, 6));
  for (let i = 1; i <= 100; i++) assert.equal((await client.response(1 + 2 * i)).type, "HEADERS");
  client.send(headers(203, request("/good")));
  assert.equal((await client.response(203)).status, 200);
  client.destroy();
  await finish();
});

test("SETTINGS of thousands of settings", (t) => endsCalmly(t, "settings", () => frame("SETTINGS", 0, 0, Buffer.alloc(6 * 2700)), { batch: 1, most: 100 }));

test("SETTINGS", (t) => endsCalmly(t, "settings", () => settings({ 4: 65535 })));

test("PING, whose answers are not read", async (t) => {
  const { gateway, finish } = await scene(t);
  const client = await openFrames(gateway.port);
  client.socket.pause();
  await flood(client, () => ping(), 30000);
  client.socket.resume();
  assert.equal((await client.goaway()).code, "ENHANCE_YOUR_CALM");
  assert.ok(client.seen.PING <= 300, `${client.seen.PING} answers`);
  await finish();
  assert.equal(await gateway.metric("ringway_http2_floods_total", { flood: "pings" }), 1);
});

test("empty DATA", (t) => endsCalmly(t, "empty_frames", () => data(1, ""), { prepare: open("/silent") }));

test("DATA of one byte", (t) =>
  endsCalmly(t, "small_data", () => data(1, "x"), { prepare: open("/silent"), batch: 200, http2: ", http2: { floods: { small_data: 2000 } }" }));

test("WINDOW_UPDATE of one byte", (t) =>
  endsCalmly(t, "window_updates", () => windowUpdate(0, 1), { batch: 200, http2: ", http2: { floods: { window_updates: 2000 } }" }));

test("PRIORITY and PRIORITY_UPDATE", (t) =>
  endsCalmly(t, "priorities", (i) => (i % 2 ? frame("PRIORITY", 0, 1, Buffer.alloc(5)) : frame(16, 0, 0, Buffer.concat([u32(1), Buffer.from("u=1")])))));

test("frames of an unknown type", (t) => endsCalmly(t, "unknown_frames", () => frame(77, 0, 0, Buffer.from("what"))));

test("answers that no window is given for: the streams end, the memory is bounded", async (t) => {
  const { gateway, finish } = await scene(t);
  const clients = [];
  for (let i = 0; i < 4; i++) {
    const client = await openFrames(gateway.port, { own: { 4: 0 } });
    client.send(Array.from({ length: 100 }, (_, k) => headers(1 + 2 * k, request(k % 2 ? "/fixed" : "/large"))));
    clients.push(client);
  }
  await sleep(300);
  // What an origin sends is held by TCP, but for what a receive takes until it is cancelled: 64 KiB for each
  // stream, or (before Linux 6.17) some 600 KiB.
  for (const client of clients)
    for (let k = 0; k < 100; k++) assert.equal((await client.next((got) => got.type === "RST_STREAM", 30000)).code, "CANCEL");
  assert.equal(await gateway.metric("ringway_http2_streams_stalled_total"), 400);
  for (const client of clients) client.destroy();
  await eventually(async () => (await gateway.metric("ringway_requests_active")) <= 1);
  await finish({ memory: (limitedReceives ? 64 : 320) * MIB });
});

// What of it was read at once may be more than the streams that are allowed: then that ends it.
test("requests whose answers are not read: the gateway stops listening", async (t) => {
  const { gateway, finish } = await scene(t);
  const client = await openFrames(gateway.port, { own: { 1: 0 } }); // no table: each answer is large
  client.socket.pause();
  t.after(() => client.destroy());
  // For as long as it takes: sockets hold tens of megabytes on some machines.
  flood(client, (i) => headers(1 + 2 * i, request("/wide")), 200000).catch(() => {});
  const ended = async () => {
    const metrics = await gateway.metrics();
    return metrics.value("ringway_client_timeouts_total") + metrics.value("ringway_http2_floods_total", { flood: "refused_streams" });
  };
  await eventually(async () => (await ended()) >= 1, { within: 60000 });
  await finish({ memory: 16 * MIB });
  client.destroy();
});

test("a limit of 0 is none; others may be raised", async (t) => {
  const { gateway, finish } = await scene(t, { http2: ", http2: { floods: { pings: 0 } }" });
  const client = await openFrames(gateway.port);
  client.send(Array.from({ length: 2000 }, () => ping()));
  await eventually(() => client.seen.PING === 2000);
  client.destroy();
  await finish();
});
