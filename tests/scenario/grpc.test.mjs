// gRPC through the gateway: the four kinds of calls, deadlines, and what a call is told that the gateway
// answers itself. Client and server speak it by Node's HTTP/2: messages are five bytes and a payload.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { connect2 } from "./support/client2.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startH2Origin } from "./support/h2-origin.mjs";
import { freePort } from "./support/ports.mjs";
import { eventually, sleep, within } from "./support/wait.mjs";

const behind = (origin, more = "") => `
routes: [{ name: calls, match: /shop.Orders/*, upstream: app ${more} }]
upstreams: [{ name: app, protocol: http2, endpoints: ["${origin.address}"] }]
`;

function message(text) {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

// Calls `take` with each message.
function onMessages(stream, take) {
  let buffer = Buffer.alloc(0);
  stream.on("data", (data) => {
    buffer = Buffer.concat([buffer, data]);
    while (buffer.length >= 5 && buffer.length >= 5 + buffer.readUInt32BE(1)) {
      const end = 5 + buffer.readUInt32BE(1);
      take(buffer.subarray(5, end).toString());
      buffer = buffer.subarray(end);
    }
  });
}

// Says back each message at once; at the end the status is a trailer.
const chat = (stream) => {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "grpc-message": "fine" }));
  onMessages(stream, (text) => {
    for (let i = 0; i < (text === "three, please" ? 3 : text === "quiet" ? 0 : 1); i++) stream.write(message(`heard ${text}`));
  });
  stream.on("end", () => stream.end());
};

class Call {
  constructor(session, path, headers = {}) {
    this.messages = [];
    this.stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...headers }, { endStream: false });
    this.stream.on("error", () => {});
    this.stream.on("response", (head, flags) => Object.assign(this, { head, only: !!(flags & 1) }));
    this.stream.on("trailers", (trailers) => (this.trailers = trailers));
    onMessages(this.stream, (text) => this.messages.push(text));
    this.closed = once(this.stream, "close");
  }

  say(text) {
    this.stream.write(message(text));
    return this;
  }

  async status() {
    await within(20000, "the end of a call", this.closed);
    return Number((this.trailers ?? this.head)["grpc-status"]);
  }
}

test("unary calls and all kinds of streams, with trailers", async (t) => {
  const origin = await startH2Origin(t, { answer: chat, streaming: true });
  const gateway = await startGateway(t, behind(origin));
  const session = await connect2(t, gateway.url);
  const unary = new Call(session, "/shop.Orders/Get").say("one");
  unary.stream.end();
  assert.equal(await unary.status(), 0);
  assert.deepEqual(unary.messages, ["heard one"]);
  assert.equal(unary.trailers["grpc-message"], "fine");
  assert.equal(origin.requests[0].te, "trailers");
  const down = new Call(session, "/shop.Orders/List").say("three, please");
  down.stream.end();
  assert.equal(await down.status(), 0);
  assert.equal(down.messages.length, 3);
  const up = new Call(session, "/shop.Orders/Put").say("quiet").say("quiet").say("done");
  up.stream.end();
  assert.equal(await up.status(), 0);
  assert.deepEqual(up.messages, ["heard done"]);
  const both = new Call(session, "/shop.Orders/Chat");
  for (let i = 0; i < 20; i++) {
    both.say(`number ${i}`);
    await eventually(() => both.messages.length === i + 1);
  }
  both.stream.end();
  assert.equal(await both.status(), 0);
  assert.equal(both.messages[19], "heard number 19");
});

test("a deadline of the call is the gateway's, too: the origin is told, the client gets DEADLINE_EXCEEDED", async (t) => {
  const ends = [];
  const origin = await startH2Origin(t, { answer: (stream) => stream.on("close", () => ends.push(stream.rstCode)), streaming: true });
  const gateway = await startGateway(t, behind(origin));
  const session = await connect2(t, gateway.url);
  const call = new Call(session, "/shop.Orders/Get", { "grpc-timeout": "200m" }).say("hello");
  assert.equal(await call.status(), 4);
  assert.equal(call.head[":status"], 200);
  assert.equal(call.head["content-type"], "application/grpc");
  assert.ok(call.only, "trailers only");
  await eventually(() => ends.length === 1);
  const [line] = await gateway.accessLines(1);
  assert.equal(line.reason, "exchange_timeout");
  // The route's own may be shorter, and other requests have none of their own.
  const plain = new Call(session, "/shop.Orders/Get", { "grpc-timeout": "100m", "content-type": "text/plain" });
  await sleep(400);
  assert.equal(plain.head, undefined);
  plain.stream.close();
});

test("what the gateway answers itself has a status of gRPC", async (t) => {
  const origin = { address: `127.0.0.1:${await freePort()}` };
  const gateway = await startGateway(t, behind(origin));
  const session = await connect2(t, gateway.url);
  for (const [path, type, status, text] of [
    ["/shop.Orders/Get", "application/grpc+proto", 14, "The origin could not be reached."],
    ["/nowhere", "application/grpc", 12, "No route matches this request."],
    ["/nowhere", "application/grpc-web+proto", 12, "No route matches this request."],
  ]) {
    const call = new Call(session, path, { "content-type": type });
    call.stream.end();
    assert.equal(await call.status(), status);
    assert.equal(call.head["content-type"], type);
    assert.equal(call.head["grpc-message"], text);
  }
  const other = new Call(session, "/nowhere", { "content-type": "application/json" });
  other.stream.end();
  await other.closed;
  assert.equal(other.head[":status"], 404);
});
