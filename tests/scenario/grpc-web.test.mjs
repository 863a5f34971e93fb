// gRPC-Web: what browsers send becomes gRPC, and the answer becomes what they read; byte by byte, and with
// the gRPC project's client in Chromium. The origin is @grpc/grpc-js, which knows nothing of it.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { noBrowser, openPage } from "./support/browser.mjs";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { request } from "./support/client.mjs";
import { connect2, request2 } from "./support/client2.mjs";
import * as frames from "./support/frames.mjs";
import { startGateway } from "./support/gateway.mjs";
import { grpc, grpcClient, list, shop, startGrpcOrigin, unary } from "./support/grpc.mjs";
import { FRAME, startFrameOrigin } from "./support/h2-origin.mjs";
import { root, run, ringway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const { status: codes } = grpc;
const { requestSerialize: pack, responseDeserialize: unpack } = shop.Orders.service.Get;

const behind = (origin, { policy = "{}", more = "", route = "" } = {}) => `
routes:
- { name: calls, match: /shop.Orders/*, upstream: app, policies: [{ grpc_web: ${policy} }]${route} }
${more}
upstreams: [{ name: app, protocol: http2, endpoints: ["${origin.address}"] }]
`;

function frame(payload, flags = 0) {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

const order = (fields) => frame(pack({ name: "", count: 0, data: Buffer.alloc(0), ...fields }));

// Base64 of several parts one after the other, each with its padding.
const decodeText = (text) => Buffer.concat((text.match(/[^=]+={0,2}/g) ?? []).map((part) => Buffer.from(part, "base64")));

// { messages, trailers } of a body.
function read(bytes) {
  const result = { messages: [] };
  while (bytes.length) {
    assert.ok(bytes.length >= 5 && result.trailers === undefined, "a whole frame, and none behind the trailers");
    const payload = bytes.subarray(5, 5 + bytes.readUInt32BE(1));
    assert.equal(payload.length, bytes.readUInt32BE(1));
    if (bytes[0] === 0x80) {
      const lines = payload.toString("latin1").split("\r\n");
      assert.equal(lines.pop(), "");
      result.trailers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));
    } else {
      assert.equal(bytes[0], 0);
      result.messages.push(unpack(payload));
    }
    bytes = bytes.subarray(5 + payload.length);
  }
  return result;
}

const post = (gateway, method, type, body, headers = {}) =>
  request(`${gateway.url}/shop.Orders/${method}`, { method: "POST", body, headers: { "content-type": type, "content-length": body.length, "x-grpc-web": "1", "x-ask": "why", ...headers } });

test("binary, over HTTP/1.1 and HTTP/2", async (t) => {
  const origin = await startGrpcOrigin(t);
  const gateway = await startGateway(t, behind(origin));
  const session = await connect2(t, gateway.url);
  const type = "application/grpc-web+proto";
  const headers = { "content-type": type, "x-ask": "why", accept: type };
  const body = order({ name: "tea", count: 3 });
  for (const answer of [
    await post(gateway, "List", type, body, { accept: type }),
    await request2(session, "/shop.Orders/List", { method: "POST", headers, body }),
  ]) {
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], type);
    assert.equal(answer.headers["x-head"], "List");
    const { messages, trailers } = read(answer.bytes);
    assert.deepEqual(
      messages.map((message) => [message.name, message.count]),
      [0, 1, 2].map((count) => ["tea", count]),
    );
    assert.deepEqual([trailers["grpc-status"], trailers["x-seen"], trailers["x-raw-bin"].replace(/=*$/, "")], ["0", "why", "AAH+/w"]);
    assert.deepEqual(answer.trailers ?? {}, {}, "no trailers besides");
  }
  assert.equal(origin.calls.length, 2);
  const { metadata } = origin.calls[0];
  assert.equal(metadata["x-ask"], "why");
  assert.equal(metadata.accept, undefined);
  assert.equal(await gateway.metric("ringway_grpc_web_calls_total"), 2);
});

test("text: Base64 both ways, in pieces, with padding anywhere", async (t) => {
  const origin = await startGrpcOrigin(t);
  const gateway = await startGateway(t, behind(origin));
  const type = "application/grpc-web-text";
  const body = order({ name: "tea", count: 2, data: Buffer.alloc(50000, "leaf ") });
  const parts = [body.subarray(0, 4), body.subarray(4, 40000), body.subarray(40000)].map((part) => part.toString("base64"));
  for (const sent of [body.toString("base64"), parts.join("")]) {
    const answer = await post(gateway, "List", type, Buffer.from(sent), { accept: type });
    assert.equal(answer.status, 200);
    assert.match(answer.headers["content-type"], /^application\/grpc-web-text/);
    const { messages, trailers } = read(decodeText(answer.text));
    assert.deepEqual([messages.length, messages[1].data.length, trailers["grpc-status"]], [2, 50000, "0"]);
  }
  // Text is asked for, and binary sent.
  const mixed = await post(gateway, "Get", "application/grpc-web+proto", order({ name: "cup" }), { accept: `${type}, */*` });
  assert.match(mixed.headers["content-type"], /^application\/grpc-web-text/);
  assert.equal(read(decodeText(mixed.text)).messages[0].name, "cup");
  // A status without a message needs no body, or has the frame alone.
  const failed = await post(gateway, "Get", type, Buffer.from(order({ name: "fail 5 none left" }).toString("base64")));
  const told = failed.text ? read(decodeText(failed.text)).trailers : failed.headers;
  assert.deepEqual([failed.status, told["grpc-status"], told["grpc-message"]], [200, "5", "none%20left"]);
  const lines = await gateway.accessLines(4);
  assert.deepEqual(
    lines.map((line) => line.grpc_status).sort(),
    [0, 0, 0, 5],
  );
});

test("what is no row of messages never is a call", async (t) => {
  const origin = await startGrpcOrigin(t);
  const gateway = await startGateway(t, behind(origin, { policy: "{ message_max: 1KiB }" }));
  const good = order({ name: "tea" });
  const bad = [
    ["application/grpc-web", good.subarray(0, good.length - 1), "13", "grpc_web_malformed"],
    ["application/grpc-web", frame(Buffer.alloc(1), 2), "13", "grpc_web_malformed"],
    ["application/grpc-web", frame(Buffer.from("grpc-status: 0\r\n"), 0x80), "13", "grpc_web_malformed"],
    ["application/grpc-web-text", Buffer.from(`${good.toString("base64").slice(0, 8)}*zzz`), "13", "grpc_web_malformed"],
    ["application/grpc-web-text", Buffer.from(order({ name: "1234" }).toString("base64").slice(0, -3)), "13", "grpc_web_malformed"],
    ["application/grpc-web", order({ data: Buffer.alloc(2000) }), "8", "request_body_too_large"],
  ];
  for (const [type, body, status, reason] of bad) {
    const answer = await post(gateway, "Get", type, body);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], type);
    assert.equal(answer.headers["grpc-status"], status);
    assert.ok(answer.headers["grpc-message"]);
    assert.equal(answer.text, "");
    const lines = await gateway.accessLines(1, (line) => line.reason === reason);
    assert.ok(lines.length > 0);
  }
  assert.ok(origin.calls.every((call) => call.orders.length === 0));
  assert.equal(await gateway.metric("ringway_grpc_web_refused_total"), bad.length);
  // And the gateway's other answers are the client's kind, too.
  const gone = await startGateway(t, behind({ address: "127.0.0.1:1" }));
  const answer = await post(gone, "Get", "application/grpc-web-text", Buffer.from(good.toString("base64")));
  assert.deepEqual([answer.status, answer.headers["content-type"], answer.headers["grpc-status"]], [200, "application/grpc-web-text", "14"]);
});

test("a call that is cut in the middle of its answer hears why, between two messages", async (t) => {
  let answer;
  const origin = await startFrameOrigin(t, (got, connection) => got.type === FRAME.HEADERS && connection.send(...answer(got.id)));
  const gateway = await startGateway(t, behind(origin, { route: ", timeouts: { first_byte: 500ms }" }));
  const session = await connect2(t, gateway.url);
  const message = order({ name: "tea", count: 7 });
  const head = (id) => frames.headers(id, [[":status", "200"], ["content-type", "application/grpc"]], { end: false });
  const ends = {
    4: [],
    14: [(id) => frames.reset(id, "INTERNAL_ERROR")],
  };
  for (const [status, end] of Object.entries(ends))
    for (const type of ["application/grpc-web", "application/grpc-web-text"]) {
      const text = type.endsWith("text");
      answer = (id) => [head(id), frames.data(id, message), ...end.map((make) => make(id))];
      const body = text ? Buffer.from(message.toString("base64")) : message;
      for (const got of [await post(gateway, "List", type, body), await request2(session, "/shop.Orders/List", { method: "POST", headers: { "content-type": type }, body })]) {
        const { messages, trailers } = read(text ? decodeText(got.text) : got.bytes ?? got.body);
        assert.deepEqual([got.status, messages.length, messages[0].count, trailers["grpc-status"]], [200, 1, 7, status]);
        assert.ok(trailers["grpc-message"]);
      }
    }
  const lines = await gateway.accessLines(8); // of two threads, whose lines may overtake each other's
  assert.deepEqual(
    lines.map((line) => [line.grpc_status, line.reason, line.aborted]).sort(([one], [other]) => one - other),
    [...Array(4).fill([4, "upstream_stalled", true]), ...Array(4).fill([14, "upstream_reset", true])],
  );
  // In the middle of a message there is no place for it.
  answer = (id) => [head(id), frames.data(id, message.subarray(0, message.length - 1)), frames.reset(id, "INTERNAL_ERROR")];
  await assert.rejects(request2(session, "/shop.Orders/List", { method: "POST", headers: { "content-type": "application/grpc-web" }, body: message }));
});

test("calls of gRPC itself, and other requests, pass untouched", async (t) => {
  const origin = await startGrpcOrigin(t);
  const gateway = await startGateway(t, behind(origin));
  const client = grpcClient(t, gateway.url);
  const one = await unary(client, { name: "tea" }, { "x-ask": "why" });
  assert.deepEqual([one.status.code, one.reply.name, one.status.metadata.get("x-seen")[0]], [codes.OK, "tea", "why"]);
  assert.equal((await list(client, { name: "tea", count: 3 })).replies.length, 3);
  assert.equal((await post(gateway, "Get", "application/json", Buffer.from("{}"))).status, 415);
  assert.equal(await gateway.metric("ringway_grpc_web_calls_total"), 0);
});

test("an upstream that cannot do it is a mistake of the configuration; explain tells of the policy", async (t) => {
  const folder = scratch(t);
  const file = join(folder, "ringway.yaml");
  const text = `listeners: [{ name: web, address: "127.0.0.1:8080" }]\n${behind({ address: "127.0.0.1:9" })}`;
  writeFileSync(file, text.replace("protocol: http2, ", ""));
  const wrong = await run(ringway, ["check", file]);
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stdout + wrong.stderr, /gRPC needs HTTP\/2: set "protocol: http2" of the upstream "app"/);
  writeFileSync(file, text);
  const told = await run(ringway, ["explain", "-X", "POST", file, "http://127.0.0.1:8080/shop.Orders/Get"]);
  assert.match(told.stdout, /grpc_web.*messages of at most 4194304 bytes/, told.stderr);
});

// ---- The gRPC project's client, in Chromium ----

const page = `<!doctype html><title>orders</title><script src="protobuf.js"></script><script type="module">
import { GrpcWebClientBase, MethodDescriptor } from "./grpc-web.js";
const { root } = protobuf.parse(await (await fetch("shop.proto")).text());
const Order = root.lookupType("shop.Order");
const method = (name, type) => new MethodDescriptor("/shop.Orders/" + name, type, Object, Object, (order) => Order.encode(order).finish(), (bytes) => Order.toObject(Order.decode(bytes), { bytes: String, defaults: true }));
window.callGet = (host, format, order, metadata = {}) => new Promise((resolve) => {
  const result = {};
  const settle = () => "status" in result && ("reply" in result || "error" in result) && resolve(result);
  const call = new GrpcWebClientBase({ format }).rpcCall(host + "/shop.Orders/Get", Order.create(order), metadata, method("Get", "unary"), (error, reply) => {
    if (error) Object.assign(result, { error: { code: error.code, message: error.message }, status: result.status ?? null });
    else result.reply = reply;
    settle();
  });
  call.on("status", (status) => { result.status = status; settle(); });
});
window.callList = (host, order, metadata = {}, cancelAfter = 0) => new Promise((resolve) => {
  const replies = [];
  let status = null;
  const call = new GrpcWebClientBase({ format: "text" }).serverStreaming(host + "/shop.Orders/List", Order.create(order), metadata, method("List", "server_streaming"));
  call.on("data", (reply) => {
    replies.push(reply);
    window.got?.(replies.length);
    if (replies.length === cancelAfter) { call.cancel(); resolve({ replies, canceled: true }); }
  });
  call.on("status", (told) => (status = told));
  call.on("error", (error) => resolve({ replies, error: { code: error.code, message: error.message } }));
  call.on("end", () => resolve({ replies, status }));
});
window.ready = true;
</script>`;

function makeSite(t) {
  const folder = join(scratch(t), "site");
  mkdirSync(folder);
  writeFileSync(join(folder, "index.html"), page);
  copyFileSync(join(root, "tests/node_modules/grpc-web/index.esm.js"), join(folder, "grpc-web.js"));
  copyFileSync(join(root, "tests/node_modules/protobufjs/dist/protobuf.min.js"), join(folder, "protobuf.js"));
  copyFileSync(join(root, "tests/scenario/support/shop.proto"), join(folder, "shop.proto"));
  return folder;
}

async function openSite(t, url) {
  const tab = await openPage(t);
  await tab.goto(`${url}/`);
  await tab.waitForFunction(() => window.ready).catch((error) => {
    throw new Error(`${error.message}\n${tab.said.join("\n")}`);
  });
  return tab;
}

test("the gRPC project's client in Chromium, over HTTP/2", { skip: noBrowser }, async (t) => {
  const origin = await startGrpcOrigin(t);
  const c = makeCertificates(t);
  const listener = (g) => `listeners: [{ name: web, address: "127.0.0.1:${g.port}", tls: { certificates: { cert: "${c.cert("usual")}", key: "${c.key("usual")}" } } }]`;
  const gateway = await startGateway(t, (g) => `${behind(origin, { more: `- { name: site, match: /*, files: ${makeSite(t)} }` })}${listener(g)}`);
  const tab = await openSite(t, gateway.url.replace("http:", "https:"));
  for (const format of ["text", "binary"]) {
    const call = (order, metadata) => tab.evaluate(([f, o, m]) => window.callGet("", f, o, m), [format, order, metadata]);
    const good = await call({ name: "tea", count: 7 }, { "x-ask": "why" });
    assert.deepEqual([good.reply?.name, good.reply?.count, good.status?.code], ["tea", 7, 0], JSON.stringify(good));
    assert.equal(good.status.metadata["x-seen"], "why");
    const failed = await call({ name: "fail 9 too late, sorry" });
    assert.deepEqual(failed.error, { code: 9, message: "too late, sorry" });
    const late = await call({ name: "silent" }, { deadline: String(Date.now() + 700) });
    assert.equal(late.error.code, 4, JSON.stringify(late));
  }
  const silent = origin.calls.filter((call) => call.orders[0].name === "silent");
  assert.equal(silent.length, 2);
  await eventually(() => silent.every((call) => call.canceled), { within: 30000 });

  // Each message is there before the next is made.
  let seen = 0;
  await tab.exposeFunction("got", (count) => (seen = count));
  origin.afterWrite = (i) => eventually(() => seen > i, { within: 30000 });
  const many = await tab.evaluate(() => window.callList("", { name: "drop", count: 20 }));
  assert.deepEqual([many.replies.length, many.replies[19].count, many.status?.code], [20, 19, 0], JSON.stringify(many));
  origin.afterWrite = undefined;

  // The tab leaves in the middle of an endless answer.
  origin.afterWrite = (i, call) => (i === 2 ? new Promise((resolve) => call.once("cancelled", resolve)) : undefined);
  const left = await tab.evaluate(() => window.callList("", { name: "endless", count: 1000 }, {}, 2));
  assert.ok(left.canceled);
  const [called] = await gateway.accessLines(1, (line) => line.route === "calls");
  assert.equal(called.protocol, "HTTP/2");
  await eventually(() => origin.calls.at(-1).canceled, { within: 30000 });
});

test("from a page of another origin, with a preflight", { skip: noBrowser }, async (t) => {
  const origin = await startGrpcOrigin(t);
  const site = await startGateway(t, `routes: [{ files: ${makeSite(t)} }]`);
  const gateway = await startGateway(
    t,
    `
routes:
- name: calls
  match: /shop.Orders/*
  upstream: app
  policies:
  - cors: { origins: ["${site.url}"], methods: [POST], expose: [grpc-status, grpc-message, x-head] }
  - grpc_web: {}
upstreams: [{ name: app, protocol: http2, endpoints: ["${origin.address}"] }]
`,
  );
  const tab = await openSite(t, site.url);
  const good = await tab.evaluate((host) => window.callGet(host, "text", { name: "tea" }, { "x-ask": "why" }), gateway.url);
  assert.deepEqual([good.reply?.name, good.status?.code], ["tea", 0], JSON.stringify(good));
  const failed = await tab.evaluate((host) => window.callGet(host, "binary", { name: "fail 7 not you" }), gateway.url);
  assert.deepEqual(failed.error, { code: 7, message: "not you" });
  const [called] = await gateway.accessLines(1, (line) => line.method === "POST");
  assert.equal(called.protocol, "HTTP/1.1");
  const lines = await gateway.accessLines(1, (line) => line.method === "OPTIONS");
  assert.equal(lines[0].status, 204);
});
