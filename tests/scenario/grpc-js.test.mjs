// gRPC through the gateway with the client and the server of the gRPC project (@grpc/grpc-js): plain and
// with TLS on both sides.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { startGateway } from "./support/gateway.mjs";
import { chat, grpc, grpcClient, list, put, startGrpcOrigin, unary } from "./support/grpc.mjs";
import { freePort } from "./support/ports.mjs";
import { eventually } from "./support/wait.mjs";

const { status: codes } = grpc;

const behind = (address, { route = "", upstream = "", more = "" } = {}) => `
routes: [{ name: calls, match: /shop.Orders/*, upstream: app ${route} }]
upstreams: [{ name: app, protocol: http2, endpoints: ["${address}"] ${upstream} }]
${more}`;

async function allKinds(client, origin) {
  const ask = { "x-ask": "why" };
  const one = await unary(client, { name: "tea", count: 2, data: Buffer.from([1, 2, 3]) }, ask);
  assert.equal(one.status.code, codes.OK);
  assert.deepEqual([one.reply.name, one.reply.count, [...one.reply.data]], ["tea", 2, [1, 2, 3]]);
  assert.equal(one.head.get("x-head")[0], "Get");
  assert.equal(one.status.metadata.get("x-seen")[0], "why");
  assert.deepEqual([...one.status.metadata.get("x-raw-bin")[0]], [0, 1, 254, 255]);
  assert.equal(origin.calls.at(-1).metadata["x-ask"], "why");

  const many = await list(client, { name: "cups", count: 50 }, ask);
  assert.equal(many.status.code, codes.OK);
  assert.deepEqual(
    many.replies.map((order) => order.count),
    Array.from({ length: 50 }, (_, i) => i),
  );
  assert.equal(many.status.metadata.get("x-seen")[0], "why");

  const sum = await put(client, Array(30).fill({ name: "spoon", data: Buffer.alloc(1000) }), ask);
  assert.equal(sum.status.code, codes.OK);
  assert.deepEqual([sum.reply.count, sum.reply.data.toString()], [30, "30000"]);

  const talk = chat(client, ask);
  for (let i = 0; i < 10; i++) assert.equal((await talk.say({ name: `word ${i}` })).name, `word ${i}`);
  talk.call.end();
  const end = await talk.ended;
  assert.equal(end.status.code, codes.OK);
  assert.equal(end.status.metadata.get("x-seen")[0], "why");

  for (const result of [await unary(client, { name: "fail 5 none left" }, ask), await list(client, { name: "fail 5 none left", count: 3 }, ask)]) {
    assert.deepEqual([result.status.code, result.status.details], [codes.NOT_FOUND, "none left"]);
    assert.equal(result.status.metadata.get("x-seen")[0], "why");
  }
}

for (const front of ["plain", "TLS"]) {
  for (const back of ["plain", "TLS"]) {
    test(`all kinds of calls: ${front} to the gateway, ${back} to the origin`, async (t) => {
      const c = makeCertificates(t);
      const origin = await startGrpcOrigin(t, back === "TLS" ? { tls: { key: c.read("usual.key"), cert: c.read("usual.pem") } } : {});
      const upstream = back === "TLS" ? `, tls: { ca: "${c.cert("ca")}", name: localhost }` : "";
      const gateway = await startGateway(t, (g) => {
        const tls = front === "TLS" ? `, tls: { certificates: { cert: "${c.cert("usual")}", key: "${c.key("usual")}" } }` : "";
        return behind(origin.address, { upstream, more: `listeners: [{ name: web, address: "127.0.0.1:${g.port}" ${tls} }]` });
      });
      const url = front === "TLS" ? gateway.url.replace("http:", "https:") : gateway.url;
      await allKinds(grpcClient(t, url, { ca: c.cert("ca") }), origin);
    });
  }
}

test("large messages, both ways and many at once", async (t) => {
  const origin = await startGrpcOrigin(t);
  const gateway = await startGateway(t, behind(origin.address));
  const client = grpcClient(t, gateway.url);
  const data = Buffer.alloc(6 << 20, "0123456789abcdef!");
  const { reply, status } = await unary(client, { name: "large", data });
  assert.equal(status.code, codes.OK);
  assert.ok(data.equals(reply.data));
  const part = data.subarray(0, 300000);
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => unary(client, { name: `part ${i}`, data: part })));
  for (const [i, one] of all.entries()) {
    assert.equal(one.status.code, codes.OK);
    assert.equal(one.reply.name, `part ${i}`);
    assert.ok(part.equals(one.reply.data));
  }
});

test("deadlines reach the origin, and end a call; so does the client", async (t) => {
  const origin = await startGrpcOrigin(t);
  const gateway = await startGateway(t, behind(origin.address));
  const client = grpcClient(t, gateway.url);
  const late = await unary(client, { name: "silent" }, {}, { deadline: Date.now() + 500 });
  assert.equal(late.status.code, codes.DEADLINE_EXCEEDED);
  await eventually(() => origin.calls[0].canceled, { within: 30000 });
  assert.ok(Number(origin.calls[0].deadline) < Date.now() + 60000, "the origin knows of the deadline");
  // In the middle of a stream.
  const talk = chat(client);
  assert.equal((await talk.say({ name: "hello" })).name, "hello");
  talk.call.cancel();
  assert.equal((await talk.ended).status.code, codes.CANCELLED);
  await eventually(() => origin.calls[1].canceled, { within: 30000 });
  // The connection is as good as before.
  assert.equal((await unary(client, { name: "tea" })).status.code, codes.OK);
});

test("a client that reads no further stops the origin, and only there", async (t) => {
  const origin = await startGrpcOrigin(t);
  const gateway = await startGateway(t, behind(origin.address));
  const client = grpcClient(t, gateway.url);
  const call = client.List({ name: "heavy", count: 4000, data: Buffer.alloc(16384) });
  call.on("error", () => {});
  call.pause();
  await eventually(() => origin.calls.length === 1 && origin.calls[0].written > 0, { within: 30000 });
  for (let i = 0; i < 5; i++) assert.equal((await unary(client, { name: `quick ${i}` })).status.code, codes.OK);
  assert.ok(origin.calls[0].written < 4000, "64 MB are not on their way");
  call.cancel();
  await eventually(() => origin.calls[0].canceled, { within: 30000 });
});

test("the gateway's own answers have a status of gRPC", async (t) => {
  const origin = await startGrpcOrigin(t);
  const nobody = await freePort();
  const gateway = await startGateway(
    t,
    (g) => `
listeners: [{ name: web, address: "127.0.0.1:${g.port}", limits: { body: 64KiB } }]
routes:
- { name: calls, match: /shop.Orders/Get, upstream: app, timeouts: { first_byte: 300ms } }
- { name: gone, match: /shop.Orders/List, upstream: gone }
- { name: closed, match: /shop.Orders/Put, upstream: app, policies: [{ address: { deny: 127.0.0.0/8 } }] }
upstreams:
- { name: app, protocol: http2, endpoints: ["${origin.address}"] }
- { name: gone, protocol: http2, endpoints: ["127.0.0.1:${nobody}"] }
`,
  );
  const client = grpcClient(t, gateway.url);
  const expect = async (result, code, details) => assert.deepEqual([(await result).status.code, (await result).status.details], [code, details]);
  await expect(unary(client, { name: "silent" }), codes.DEADLINE_EXCEEDED, "The origin did not answer in time.");
  await expect(unary(client, { name: "big", data: Buffer.alloc(100000) }), codes.RESOURCE_EXHAUSTED, "The request body is too large.");
  await expect(list(client, { name: "any", count: 1 }), codes.UNAVAILABLE, "The origin could not be reached.");
  await expect(put(client, [{ name: "any" }]), codes.PERMISSION_DENIED, "This address may not come here.");
  const talk = chat(client);
  await expect(talk.ended, codes.UNIMPLEMENTED, "No route matches this request.");
  assert.equal((await unary(client, { name: "tea" })).status.code, codes.OK);
  const lines = await gateway.accessLines(6);
  assert.deepEqual(
    lines.map((line) => line.grpc_status),
    [4, 8, 14, 7, 12, 0],
  );
  const reasons = lines.map((line) => line.reason ?? "");
  assert.deepEqual(reasons, ["upstream_response_timeout", "request_body_too_large", "upstream_connect_failed", "policy", "no_route", ""]);
});

test("a call that is cut in the middle of its answer hears why", async (t) => {
  const origin = await startGrpcOrigin(t);
  const gateway = await startGateway(t, behind(origin.address, { route: ", timeouts: { first_byte: 1s }" }));
  const client = grpcClient(t, gateway.url);
  const late = await list(client, { name: "silent", count: 3 });
  assert.deepEqual([late.replies.length, late.status.code, late.status.details], [3, codes.DEADLINE_EXCEEDED, "The origin stopped in the middle of a response."]);
  await eventually(() => origin.calls[0].canceled, { within: 30000 });
  // The origin goes once the client has something of the answer.
  const call = client.List({ name: "endless", count: 1000 });
  const got = new Promise((resolve) => call.once("data", resolve));
  origin.afterWrite = async (i) => i === 1 && got.then(() => origin.server.forceShutdown());
  const gone = await new Promise((resolve) => call.on("error", () => {}).on("status", (status) => resolve({ status })));
  assert.deepEqual([gone.status.code, gone.status.details], [codes.UNAVAILABLE, "The origin closed the connection."]);
  const lines = await gateway.accessLines(2);
  assert.deepEqual(
    lines.map((line) => [line.status, line.grpc_status, line.reason, line.aborted]),
    [
      [200, 4, "upstream_stalled", true],
      [200, 14, "upstream_reset", true],
    ],
  );
});
