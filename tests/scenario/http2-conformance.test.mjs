// RFC 9113 sentence by sentence: for each wrong thing that a client or an origin can send, the error that
// the RFC gives (of the connection, or of the stream alone), and that what is right goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect2, request2 } from "./support/client2.mjs";
import { ACK, END_HEADERS, END_STREAM, block, codes, data, field, frame, headers, indexed, openFrames, ping, preface, request, reset, settings, u32, windowUpdate } from "./support/frames.mjs";
import { startGateway } from "./support/gateway.mjs";
import { FRAME, startFrameOrigin } from "./support/h2-origin.mjs";
import { startOrigin } from "./support/origin.mjs";
import { eventually } from "./support/wait.mjs";

const PADDED = 8;
const PRIORITY = 0x20;
const post = (stream, more = [], path = "/") => headers(stream, request(path, more, { method: "POST" }), { end: false });
const setting = (id, value) => settings({ [id]: value });
const byte = (...values) => Buffer.from(values);
const literal = (...parts) => Buffer.concat(parts);

// [section, what, frames, what comes of it]: "goaway CODE" ends the connection, "reset CODE" stream 1
// alone, a number is the status of stream 1. Two with "|" between: either is allowed.
const cases = [
  ["3.4", "a preface that is none", { greet: byte(...Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\x00")) }, "400|505"],
  ["3.4", "no SETTINGS behind the preface", { greet: literal(preface, ping()) }, "goaway PROTOCOL_ERROR"],
  ["3.4", "an acknowledgement in place of SETTINGS", { greet: literal(preface, frame("SETTINGS", ACK, 0)) }, "goaway PROTOCOL_ERROR"],

  ["4.1", "an unknown type is passed over", [frame(0xee, 0xff, 0, byte(1, 2)), frame(0xee, 0, 1, byte(1)), headers(1, request())], 200],
  ["4.1", "undefined flags are passed over", [frame("PING", 0xfe & ~ACK, 0, Buffer.alloc(8))], "ping"],
  ["4.1", "the reserved bit is passed over", [frame("HEADERS", END_HEADERS | END_STREAM, 0x80000001, block(request()))], 200],
  ["4.2", "DATA above the largest frame", [post(1), frame("DATA", 0, 1, Buffer.alloc(16385))], "goaway FRAME_SIZE_ERROR"],
  ["4.2", "HEADERS above the largest frame", [frame("HEADERS", END_HEADERS | END_STREAM, 1, Buffer.alloc(16385))], "goaway FRAME_SIZE_ERROR"],
  ["4.2", "an unknown frame above the largest", [frame(0xee, 0, 0, Buffer.alloc(16385))], "goaway FRAME_SIZE_ERROR"],
  ["4.2", "a frame of exactly the largest size", [post(1), frame("DATA", END_STREAM, 1, Buffer.alloc(16384))], 200],
  ["4.3", "a block that cannot be decoded", [headers(1, byte(0x40))], "goaway COMPRESSION_ERROR"],
  ["4.3", "another stream's PRIORITY in a block", [frame("HEADERS", END_STREAM, 1, block(request())), frame("PRIORITY", 0, 3, Buffer.alloc(5))], "goaway PROTOCOL_ERROR"],
  ["4.3", "an unknown frame in a block", [frame("HEADERS", END_STREAM, 1, block(request())), frame(0xee, 0, 1)], "goaway PROTOCOL_ERROR"],
  ["4.3", "HEADERS in a block", [frame("HEADERS", END_STREAM, 1, block(request())), headers(3, request())], "goaway PROTOCOL_ERROR"],

  ["5.1", "idle: DATA", [data(1, "x", { end: true })], "goaway PROTOCOL_ERROR"],
  ["5.1", "idle: RST_STREAM", [reset(1)], "goaway PROTOCOL_ERROR"],
  ["5.1", "idle: WINDOW_UPDATE", [windowUpdate(1, 100)], "goaway PROTOCOL_ERROR"],
  ["5.1", "idle: CONTINUATION", [frame("CONTINUATION", END_HEADERS, 1, block(request()))], "goaway PROTOCOL_ERROR"],
  ["5.1", "half closed: DATA", [headers(1, request("/wait")), data(1, "x", { end: true })], "reset STREAM_CLOSED|goaway STREAM_CLOSED"],
  ["5.1", "half closed: HEADERS", [headers(1, request("/wait")), headers(1, request())], "reset STREAM_CLOSED|goaway STREAM_CLOSED"],
  ["5.1", "half closed: CONTINUATION", [headers(1, request("/wait")), frame("CONTINUATION", END_HEADERS, 1, field("a", "b"))], "goaway PROTOCOL_ERROR|goaway STREAM_CLOSED"],
  ["5.1", "half closed: WINDOW_UPDATE and PRIORITY are fine", [headers(1, request()), windowUpdate(1, 9), frame("PRIORITY", 0, 1, Buffer.alloc(5))], 200],
  ["5.1", "closed by the client: DATA", [post(1, [], "/wait"), reset(1), data(1, "x", { end: true })], "goaway STREAM_CLOSED|reset STREAM_CLOSED"],
  ["5.1", "closed by the client: HEADERS", [post(1, [], "/wait"), reset(1), headers(1, request())], "goaway STREAM_CLOSED|reset STREAM_CLOSED|goaway PROTOCOL_ERROR"],
  ["5.1", "closed by both: DATA", { then: [data(1, "x")] }, "goaway STREAM_CLOSED|reset STREAM_CLOSED"],
  ["5.1", "closed by both: HEADERS", { then: [headers(1, request())] }, "goaway STREAM_CLOSED|goaway PROTOCOL_ERROR"],
  ["5.1", "closed by both: WINDOW_UPDATE, PRIORITY and RST_STREAM are fine", { then: [windowUpdate(1, 9), frame("PRIORITY", 0, 1, Buffer.alloc(5)), reset(1), ping("goes on?")] }, "ping"],
  ["5.1.1", "an even stream", [headers(2, request())], "goaway PROTOCOL_ERROR"],
  ["5.1.1", "an id below an earlier one", [post(5, [], "/wait"), headers(3, request())], "goaway PROTOCOL_ERROR|goaway STREAM_CLOSED"],
  ["5.4.1", "GOAWAY names the last stream", [headers(1, request()), headers(3, request("/wait")), frame("PING", 0, 1, Buffer.alloc(8))], "goaway PROTOCOL_ERROR", (got) => assert.equal(got.last, 3)],
  ["5.5", "an unknown setting is passed over", [setting(0xee, 1)], "settings"],

  ["6.1", "DATA on the connection", [frame("DATA", 0, 0, byte(1))], "goaway PROTOCOL_ERROR"],
  ["6.1", "padding as long as the frame", [post(1), frame("DATA", PADDED | END_STREAM, 1, byte(3, 0, 0))], "goaway PROTOCOL_ERROR"],
  ["6.1", "nothing but padding", [post(1), frame("DATA", PADDED | END_STREAM, 1, byte(2, 0, 0))], 200],
  ["6.1", "PADDED without the length", [post(1), frame("DATA", PADDED | END_STREAM, 1)], "goaway FRAME_SIZE_ERROR|goaway PROTOCOL_ERROR"],
  ["6.2", "HEADERS on the connection", [headers(0, request())], "goaway PROTOCOL_ERROR"],
  ["6.2", "padding longer than the block", [frame("HEADERS", END_HEADERS | END_STREAM | PADDED, 1, literal(byte(200), block(request())))], "goaway PROTOCOL_ERROR"],
  ["6.2", "padding and the old priority", [frame("HEADERS", END_HEADERS | END_STREAM | PADDED | PRIORITY, 1, literal(byte(4), u32(0), byte(16), block(request()), Buffer.alloc(4)))], 200],
  ["6.2", "PRIORITY cut off", [frame("HEADERS", END_HEADERS | END_STREAM | PRIORITY, 1, byte(0, 0))], "goaway FRAME_SIZE_ERROR|goaway PROTOCOL_ERROR"],
  ["6.3", "PRIORITY on the connection", [frame("PRIORITY", 0, 0, Buffer.alloc(5))], "goaway PROTOCOL_ERROR"],
  ["6.3", "PRIORITY of 4 bytes", [post(1, [], "/wait"), frame("PRIORITY", 0, 1, Buffer.alloc(4))], "reset FRAME_SIZE_ERROR"],
  ["6.3", "PRIORITY for an idle stream is fine", [frame("PRIORITY", 0, 7, Buffer.alloc(5)), headers(1, request())], 200],
  ["6.4", "RST_STREAM on the connection", [reset(0)], "goaway PROTOCOL_ERROR"],
  ["6.4", "RST_STREAM of 3 bytes", [post(1, [], "/wait"), frame("RST_STREAM", 0, 1, Buffer.alloc(3))], "goaway FRAME_SIZE_ERROR"],
  ["6.5", "an acknowledgement that says something", [frame("SETTINGS", ACK, 0, Buffer.alloc(6))], "goaway FRAME_SIZE_ERROR"],
  ["6.5", "SETTINGS on a stream", [frame("SETTINGS", 0, 1)], "goaway PROTOCOL_ERROR"],
  ["6.5", "SETTINGS of 5 bytes", [frame("SETTINGS", 0, 0, Buffer.alloc(5))], "goaway FRAME_SIZE_ERROR"],
  ["6.5.2", "ENABLE_PUSH of 2", [setting(2, 2)], "goaway PROTOCOL_ERROR"],
  ["6.5.2", "INITIAL_WINDOW_SIZE of 2^31", [setting(4, 0x80000000)], "goaway FLOW_CONTROL_ERROR"],
  ["6.5.2", "MAX_FRAME_SIZE of 16383", [setting(5, 16383)], "goaway PROTOCOL_ERROR"],
  ["6.5.2", "MAX_FRAME_SIZE of 2^24", [setting(5, 1 << 24)], "goaway PROTOCOL_ERROR"],
  ["8441 3", "ENABLE_CONNECT_PROTOCOL of 2", [setting(8, 2)], "goaway PROTOCOL_ERROR"],
  ["9218 2.1", "NO_RFC7540_PRIORITIES of 2", [setting(9, 2)], "goaway PROTOCOL_ERROR"],
  ["6.5.3", "SETTINGS are acknowledged", [setting(3, 100)], "settings"],
  ["6.6", "PUSH_PROMISE", [frame("PUSH_PROMISE", END_HEADERS, 1, u32(2))], "goaway PROTOCOL_ERROR"],
  ["6.7", "PING is answered", [ping("goes on?")], "ping"],
  ["6.7", "an acknowledgement that nobody asked for", [ping("what????", ACK), headers(1, request())], 200],
  ["6.7", "PING on a stream", [frame("PING", 0, 1, Buffer.alloc(8))], "goaway PROTOCOL_ERROR"],
  ["6.7", "PING of 6 bytes", [frame("PING", 0, 0, Buffer.alloc(6))], "goaway FRAME_SIZE_ERROR"],
  ["6.8", "GOAWAY on a stream", [frame("GOAWAY", 0, 1, Buffer.alloc(8))], "goaway PROTOCOL_ERROR"],
  ["6.8", "GOAWAY of 7 bytes", [frame("GOAWAY", 0, 0, Buffer.alloc(7))], "goaway FRAME_SIZE_ERROR"],
  ["6.9", "WINDOW_UPDATE of 0 on the connection", [windowUpdate(0, 0)], "goaway PROTOCOL_ERROR"],
  ["6.9", "WINDOW_UPDATE of 0 on a stream", [post(1, [], "/wait"), windowUpdate(1, 0)], "reset PROTOCOL_ERROR"],
  ["6.9", "WINDOW_UPDATE of 3 bytes", [frame("WINDOW_UPDATE", 0, 0, Buffer.alloc(3))], "goaway FRAME_SIZE_ERROR"],
  ["6.9.1", "the connection's window above 2^31-1", [windowUpdate(0, 0x7fffffff)], "goaway FLOW_CONTROL_ERROR"],
  ["6.9.1", "a stream's window above 2^31-1", [post(1, [], "/wait"), windowUpdate(1, 0x7fffffff)], "reset FLOW_CONTROL_ERROR"],
  ["6.9.2", "SETTINGS that raise a stream's window above 2^31-1", [post(1, [], "/wait"), windowUpdate(1, 0x7fff0000), setting(4, 0x7fffffff)], "goaway FLOW_CONTROL_ERROR"],
  ["6.9", "more DATA than the stream's window", { own: true, frames: [post(1, [], "/wait"), Array.from({ length: 80 }, () => frame("DATA", 0, 1, Buffer.alloc(16384)))] }, "reset FLOW_CONTROL_ERROR|goaway FLOW_CONTROL_ERROR"],
  ["6.10", "CONTINUATION for another stream", [frame("HEADERS", END_STREAM, 1, block(request())), frame("CONTINUATION", END_HEADERS, 3, field("a", "b"))], "goaway PROTOCOL_ERROR"],
  ["6.10", "CONTINUATION on the connection", [frame("HEADERS", END_STREAM, 1, block(request())), frame("CONTINUATION", END_HEADERS, 0, field("a", "b"))], "goaway PROTOCOL_ERROR"],
  ["6.10", "CONTINUATION behind a whole block", [headers(1, request("/wait")), frame("CONTINUATION", END_HEADERS, 1, field("a", "b"))], "goaway PROTOCOL_ERROR"],
  ["6.10", "a block in several frames", [frame("HEADERS", END_STREAM, 1, block(request().slice(0, 2))), frame("CONTINUATION", 0, 1, block(request().slice(2, 3))), frame("CONTINUATION", END_HEADERS, 1, block(request().slice(3)))], 200],

  ["8.1", "trailers that do not end the stream", [post(1), headers(1, [["x-a", "1"]], { end: false })], "reset PROTOCOL_ERROR"],
  ["8.1", "trailers", [post(1), data(1, "x"), headers(1, [["x-a", "1"]])], 200],
  ["8.1", "trailers alone", [post(1), headers(1, [["x-a", "1"]])], 200],
  ["8.1", "a pseudo-header in trailers", [post(1), headers(1, [[":path", "/"]])], "reset PROTOCOL_ERROR"],
  ["8.1", "DATA behind trailers", [post(1, [], "/wait"), headers(1, [["x-a", "1"]]), data(1, "x")], "reset STREAM_CLOSED|goaway STREAM_CLOSED"],
  ["8.2.1", "an upper-case name", [headers(1, request("/", [["X-A", "1"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.1", "a space in a name", [headers(1, request("/", [["x a", "1"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.1", "a colon in a name", [headers(1, request("/", [["x:a", "1"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.1", "a name of 0x80", [headers(1, request("/", [["x\x80", "1"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.1", "CR in a value", [headers(1, request("/", [["x-a", "a\rb"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.1", "LF in a value", [headers(1, request("/", [["x-a", "a\nb"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.1", "NUL in a value", [headers(1, request("/", [["x-a", "a\0b"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.1", "a tab at the end of a value", [headers(1, request("/", [["x-a", "a\t"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.2", "Connection", [headers(1, request("/", [["connection", "keep-alive"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.2", "Proxy-Connection", [headers(1, request("/", [["proxy-connection", "keep-alive"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.2", "Keep-Alive", [headers(1, request("/", [["keep-alive", "1"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.2", "Transfer-Encoding", [post(1, [["transfer-encoding", "chunked"]])], "reset PROTOCOL_ERROR"],
  ["8.2.2", "Upgrade", [headers(1, request("/", [["upgrade", "h2c"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.2", "TE: trailers, deflate", [headers(1, request("/", [["te", "trailers, deflate"]]))], "reset PROTOCOL_ERROR"],
  ["8.2.2", "TE: trailers", [headers(1, request("/", [["te", "trailers"]]))], 200],
  ["8.3", "an unknown pseudo-header", [headers(1, [[":test", "1"], ...request()])], "reset PROTOCOL_ERROR"],
  ["8.3", "a response's pseudo-header", [headers(1, [[":status", "200"], ...request()])], "reset PROTOCOL_ERROR"],
  ["8.3", "a pseudo-header behind a field", [headers(1, [...request().slice(0, 3), ["x-a", "1"], [":path", "/"]])], "reset PROTOCOL_ERROR"],
  ...[":method", ":scheme", ":path"].map((name) => ["8.3.1", `no ${name}`, [headers(1, request().filter(([is]) => is !== name))], "reset PROTOCOL_ERROR"]),
  ...request().map((twice) => ["8.3.1", `two ${twice[0]}`, [headers(1, [twice, ...request()])], "reset PROTOCOL_ERROR"]),
  ["8.3.1", "an empty :path", [headers(1, request(""))], "reset PROTOCOL_ERROR"],
  ["8.3.1", "a :path without a slash", [headers(1, request("a"))], "400|reset PROTOCOL_ERROR"],
  ["8.3.1", "* for a method that is not OPTIONS", [headers(1, request("*"))], "400|reset PROTOCOL_ERROR"],
  ["8.3.1", "a :path with a fragment", [headers(1, request("/a#b"))], "400|reset PROTOCOL_ERROR"],
  ["8.3.1", "an absolute :path", [headers(1, request("http://example.com/"))], "400|reset PROTOCOL_ERROR"],
  ["8.3.1", "an empty :authority", [headers(1, request("/", [], { authority: "" }))], "400|reset PROTOCOL_ERROR"],
  ["8.3.1", "an :authority with user information", [headers(1, request("/", [], { authority: "a@example.com" }))], "400|reset PROTOCOL_ERROR"],
  ["8.3.1", "neither :authority nor Host", [headers(1, request().filter(([is]) => is !== ":authority"))], "400|reset PROTOCOL_ERROR"],
  ["8.3.1", "Host alone", [headers(1, [...request().filter(([is]) => is !== ":authority"), ["host", "example.com"]])], 200],
  ["8.3.1", "Host that says something else", [headers(1, request("/", [["host", "example.org"]]))], "400|reset PROTOCOL_ERROR"],
  ["8.3.1", "Host that says the same", [headers(1, request("/", [["host", "example.com"]]))], 200],
  ["8.3.1", "Host that says the same in other letters", [headers(1, request("/", [["host", "EXAMPLE.com"]]))], 200],
  ["8.3.1", "a :scheme that is no scheme", [headers(1, [[":method", "GET"], [":scheme", "ht tp"], [":authority", "a"], [":path", "/"]])], "400|reset PROTOCOL_ERROR"],
  ["8.3.1", "an empty :scheme", [headers(1, [[":method", "GET"], [":scheme", ""], [":authority", "a"], [":path", "/"]])], "400|reset PROTOCOL_ERROR"],
  ["8.3.1", "an empty :method", [headers(1, request("/", [], { method: "" }))], "reset PROTOCOL_ERROR"],
  ["8.1.1", "a Content-Length larger than one DATA", [post(1, [["content-length", "2"]]), data(1, "x", { end: true })], "reset PROTOCOL_ERROR"],
  ["8.1.1", "a Content-Length smaller than one DATA", [post(1, [["content-length", "1"]]), data(1, "xy")], "reset PROTOCOL_ERROR"],
  ["8.1.1", "a Content-Length that trailers belie", [post(1, [["content-length", "2"]]), data(1, "x"), headers(1, [["x-a", "1"]])], "reset PROTOCOL_ERROR"],
  ["8.1.1", "a Content-Length over several DATA", [post(1, [["content-length", "4"]]), data(1, "ab"), frame("DATA", PADDED | END_STREAM, 1, byte(1, 99, 99, 0))], 200],
  ["8.1.1", "a Content-Length of a stream that ends at once", [headers(1, request("/", [["content-length", "1"]]))], "reset PROTOCOL_ERROR"],
  ["8.1.1", "two Content-Lengths that differ", [post(1, [["content-length", "1"], ["content-length", "2"]])], "reset PROTOCOL_ERROR"],
  ["8.5", "CONNECT with a :path", [headers(1, request("/", [], { method: "CONNECT" }))], "reset PROTOCOL_ERROR"],
  ["8.5", "CONNECT without :authority", [headers(1, [[":method", "CONNECT"]])], "reset PROTOCOL_ERROR"],
  ["8441 4", ":protocol without CONNECT", [headers(1, [[":protocol", "websocket"], ...request()])], "reset PROTOCOL_ERROR"],
  ["8441 4", ":protocol without :path", [headers(1, [[":method", "CONNECT"], [":protocol", "websocket"], [":scheme", "http"], [":authority", "a"]])], "reset PROTOCOL_ERROR"],

  ["7541 2.3.3", "an index of 0", [headers(1, byte(0x80))], "goaway COMPRESSION_ERROR"],
  ["7541 2.3.3", "an index behind the table", [headers(1, indexed(70))], "goaway COMPRESSION_ERROR"],
  ["7541 4.2", "a table size behind a field", [headers(1, literal(block(request()), byte(0x20)))], "goaway COMPRESSION_ERROR"],
  ["7541 6.3", "a table larger than was said", [headers(1, literal(byte(0x3f, 0xe2, 0xff, 0x03), block(request())))], "goaway COMPRESSION_ERROR"],
  ["7541 5.2", "Huffman padding of 8 bits and more", [headers(1, literal(block(request()), byte(0, 1, 0x78, 0x82, 0x1f, 0xff)))], "goaway COMPRESSION_ERROR"],
  ["7541 5.2", "Huffman padding with zeros", [headers(1, literal(block(request()), byte(0, 1, 0x78, 0x81, 0x18)))], "goaway COMPRESSION_ERROR"],
  ["7541 5.2", "EOS in a string", [headers(1, literal(block(request()), byte(0, 1, 0x78, 0x84, 0xff, 0xff, 0xff, 0xff)))], "goaway COMPRESSION_ERROR"],
  ["7541 5.1", "an integer without end", [headers(1, literal(byte(0xff), Buffer.alloc(12, 0xff)))], "goaway COMPRESSION_ERROR"],
  ["7541 5.2", "a string longer than the block", [headers(1, byte(0, 5, 0x78))], "goaway COMPRESSION_ERROR"],

  ["9218 7.1", "PRIORITY_UPDATE on a stream", [frame(16, 0, 1, literal(u32(1), Buffer.from("u=1")))], "goaway PROTOCOL_ERROR"],
  ["9218 7.1", "PRIORITY_UPDATE for stream 0", [frame(16, 0, 0, literal(u32(0), Buffer.from("u=1")))], "goaway PROTOCOL_ERROR"],
  ["9218 7.1", "PRIORITY_UPDATE of 3 bytes", [frame(16, 0, 0, byte(0, 0, 0))], "goaway FRAME_SIZE_ERROR|goaway PROTOCOL_ERROR"],
  ["9218 7.1", "PRIORITY_UPDATE for an idle stream", [frame(16, 0, 0, literal(u32(1), Buffer.from("u=1"))), headers(1, request())], 200],
];

function outcome(got) {
  if (got.type === "GOAWAY") return `goaway ${got.code}`;
  if (got.type === "RST_STREAM") return `reset ${got.code}`;
  if (got.type === "PING") return "ping";
  if (got.type === "SETTINGS") return "settings";
  return `${got.status}`;
}

const tells = (got) => got.type === "GOAWAY" || (got.stream === 1 && (got.type === "RST_STREAM" || got.type === "HEADERS")) || ((got.type === "PING" || got.type === "SETTINGS") && got.flags & ACK);

async function play(gateway, sent) {
  if (sent.greet) {
    const client = await openFrames(gateway.port, { greet: false });
    return { client: client.send(sent.greet) };
  }
  const client = await openFrames(gateway.port);
  await client.next((got) => got.type === "SETTINGS" && got.flags & ACK);
  if (sent.then) {
    client.send(headers(1, request()));
    await client.next((got) => got.stream === 1 && got.end);
  }
  return { client: client.send(sent.frames ?? sent.then ?? sent) };
}

test("what a client may not send, and what it may", async (t) => {
  const origin = await startOrigin(t, { streaming: true, answer: (asked, response) => asked.url === "/wait" || asked.resume().on("end", () => response.end("ok")) });
  const gateway = await startGateway(t, `routes: [{ name: all, upstream: app }]\nupstreams: [{ name: app, endpoints: ["${origin.address}"] }]\n`);
  for (const [section, what, sent, expected, check] of cases)
    await t.test(`${section}: ${what}`, async () => {
      const { client } = await play(gateway, sent);
      if (sent.greet && /^\d/.test(expected)) return client.closed().then(() => assert.match(client.buffer.toString("latin1"), /^HTTP\/1\.1 (400|505)/));
      const got = await client.next(tells);
      assert.ok(`${expected}`.split("|").includes(outcome(got)), `${outcome(got)} ${got.text ?? ""}; wanted ${expected}`);
      check?.(got);
      if (got.type === "GOAWAY") await client.closed();
      else {
        client.send(headers(101, request()));
        assert.equal((await client.response(101)).status, 200, "the connection goes on");
      }
      client.destroy();
    });
});

// ---- Towards origins ----

const ok = (more = [], options) => (id) => headers(id, [[":status", "200"], ...more], { end: false, ...options });
const both = (...makes) => (id) => literal(...makes.map((make) => (typeof make === "function" ? make(id) : make)));
const body = (bytes, end = true) => (id) => data(id, bytes, { end });
const good = both(ok(), body("ok"));

// [section, what, what an origin sends to a request, what it hears then, what becomes of the client]: "cut"
// is a stream that is reset in the middle of its answer.
const answers = [
  ["8.3.2", "no :status", (id) => headers(id, [["x-a", "1"]]), "reset PROTOCOL_ERROR", 502],
  ["8.3.2", "two :status", (id) => headers(id, [[":status", "200"], [":status", "200"]]), "reset PROTOCOL_ERROR", 502],
  ["8.3.2", "a :status of 2 digits", (id) => headers(id, [[":status", "20"]]), "reset PROTOCOL_ERROR", 502],
  ["8.3.2", "a :status of 099", (id) => headers(id, [[":status", "099"]]), "reset PROTOCOL_ERROR", 502],
  ["8.3", "a request's pseudo-header", (id) => headers(id, [[":status", "200"], [":path", "/"]]), "reset PROTOCOL_ERROR", 502],
  ["8.3", ":status behind a field", (id) => headers(id, [["x-a", "1"], [":status", "200"]]), "reset PROTOCOL_ERROR", 502],
  ["8.2.1", "an upper-case name", (id) => headers(id, [[":status", "200"], ["X-A", "1"]]), "reset PROTOCOL_ERROR", 502],
  ["8.2.1", "CR LF in a value", (id) => headers(id, [[":status", "200"], ["x-a", "1\r\nx: y"]]), "reset PROTOCOL_ERROR", 502],
  ["8.2.2", "Connection", (id) => headers(id, [[":status", "200"], ["connection", "close"]]), "reset PROTOCOL_ERROR", 502],
  ["8.2.2", "Transfer-Encoding", (id) => headers(id, [[":status", "200"], ["transfer-encoding", "chunked"]]), "reset PROTOCOL_ERROR", 502],
  ["8.6", "101", (id) => headers(id, [[":status", "101"]], { end: false }), "reset PROTOCOL_ERROR", 502],
  ["8.1", "an interim answer that ends the stream", (id) => headers(id, [[":status", "103"]]), "reset PROTOCOL_ERROR", 502],
  ["8.1", "more than 100 interim answers", both(...Array.from({ length: 101 }, () => (id) => headers(id, [[":status", "103"]], { end: false }))), "reset PROTOCOL_ERROR", 502],
  ["8.1", "DATA before the head", body("x"), "reset PROTOCOL_ERROR", 502],
  ["8.1", "DATA behind an interim answer", both((id) => headers(id, [[":status", "103"]], { end: false }), body("x")), "reset PROTOCOL_ERROR", 502],
  ["8.1.1", "Content-Length without a body", (id) => headers(id, [[":status", "200"], ["content-length", "5"]]), "reset PROTOCOL_ERROR", 502],
  ["8.1.1", "a body that is too long", both(ok([["content-length", "1"]]), body("xy")), "reset PROTOCOL_ERROR", "cut|502"],
  ["8.1.1", "a body that is too short", both(ok([["content-length", "3"]]), body("xy")), "reset PROTOCOL_ERROR", "cut|502"],
  ["8.1.1", "two Content-Lengths", both(ok([["content-length", "2"], ["content-length", "3"]]), body("xy")), "reset PROTOCOL_ERROR", 502],
  ["8.1", "a body for 204", both((id) => headers(id, [[":status", "204"]], { end: false }), body("xy")), "reset PROTOCOL_ERROR", "cut|502"],
  ["8.1", "a pseudo-header in trailers", both(ok(), body("x", false), (id) => headers(id, [[":status", "200"]])), "reset PROTOCOL_ERROR", "cut|502"],
  ["8.1", "trailers that do not end", both(ok(), body("x", false), (id) => headers(id, [["x-a", "1"]], { end: false })), "reset PROTOCOL_ERROR", "cut|502"],
  ["8.4", "PUSH_PROMISE", (id) => frame("PUSH_PROMISE", END_HEADERS, id, literal(u32(2), block([[":method", "GET"]]))), "goaway PROTOCOL_ERROR", 502],
  ["5.1", "HEADERS on an idle stream", (id) => headers(id + 2, [[":status", "200"]]), "goaway PROTOCOL_ERROR", 502],
  ["5.1", "HEADERS on an even stream", () => headers(2, [[":status", "200"]]), "goaway PROTOCOL_ERROR", 502],
  ["5.1", "DATA on an idle stream", (id) => data(id + 2, "x"), "goaway PROTOCOL_ERROR", 502],
  ["5.1", "RST_STREAM on an idle stream", (id) => reset(id + 2), "goaway PROTOCOL_ERROR", 502],
  ["5.1", "WINDOW_UPDATE on an idle stream", (id) => windowUpdate(id + 2, 1), "goaway PROTOCOL_ERROR", 502],
  ["6.1", "DATA on the connection", () => data(0, "x"), "goaway PROTOCOL_ERROR", 502],
  ["6.5.2", "ENABLE_PUSH of 1 from a server", () => setting(2, 1), "goaway PROTOCOL_ERROR", 502],
  ["6.5.2", "a window of 2^31", () => setting(4, 0x80000000), "goaway FLOW_CONTROL_ERROR", 502],
  ["6.5.2", "MAX_FRAME_SIZE of 1", () => setting(5, 1), "goaway PROTOCOL_ERROR", 502],
  ["6.7", "PING of 7 bytes", () => frame("PING", 0, 0, Buffer.alloc(7)), "goaway FRAME_SIZE_ERROR", 502],
  ["6.8", "GOAWAY on a stream", (id) => frame("GOAWAY", 0, id, Buffer.alloc(8)), "goaway PROTOCOL_ERROR", 502],
  ["6.9.1", "a window that overflows", () => windowUpdate(0, 0x7fffffff), "goaway FLOW_CONTROL_ERROR", 502],
  ["6.9", "WINDOW_UPDATE of 0 on the stream", (id) => windowUpdate(id, 0), "reset PROTOCOL_ERROR", 502],
  ["6.9.1", "the stream's window overflows", (id) => windowUpdate(id, 0x7fffffff), "reset FLOW_CONTROL_ERROR", 502],
  ["6.10", "a frame inside a block", (id) => literal(frame("HEADERS", 0, id, byte(0x88)), ping()), "goaway PROTOCOL_ERROR", 502],
  ["6.10", "CONTINUATION without HEADERS", (id) => frame("CONTINUATION", END_HEADERS, id, byte(0x88)), "goaway PROTOCOL_ERROR", 502],
  ["4.2", "a frame that is too large", both(ok(), (id) => frame("DATA", 0, id, Buffer.alloc(16385))), "goaway FRAME_SIZE_ERROR", "cut|502"],
  ["4.3", "a block that cannot be decoded", (id) => headers(id, byte(0xff, 0xff)), "goaway COMPRESSION_ERROR", 502],
  ["7541", "a bomb", (id) => literal(headers(id, literal(byte(0x88), field("x-bomb", "x".repeat(3900), { index: true }), ...Array.from({ length: 4000 }, () => indexed(62))))), "goaway ENHANCE_YOUR_CALM", 502],
  ["9218", "PRIORITY_UPDATE from a server", () => frame(16, 0, 0, literal(u32(1), Buffer.from("u=1"))), "goaway PROTOCOL_ERROR", 502],
  ["5.1", "an unknown frame is passed over", both(() => frame(0xee, 0, 0, byte(1)), good), null, 200],
  ["6.4", "a reset with an unknown code", (id) => frame("RST_STREAM", 0, id, u32(0xffff)), null, 502],
  ["8.1", "a whole answer, then RST_STREAM(NO_ERROR)", both(good, (id) => reset(id, "NO_ERROR")), null, 200],
];

function heard(got) {
  if (got.type === FRAME.RST_STREAM) return `reset ${codes[got.payload.readUInt32BE(0)]}`;
  if (got.type === FRAME.GOAWAY) return `goaway ${codes[got.payload.readUInt32BE(4)]}`;
  return null;
}

test("what an origin may not send, and what it may", async (t) => {
  let answer;
  const origin = await startFrameOrigin(t, (got, connection) => got.type === FRAME.HEADERS && connection.send(answer(got.id)));
  const gateway = await startGateway(t, `
    routes: [{ name: all, upstream: app }]
    upstreams: [{ name: app, protocol: http2, endpoints: ["${origin.address}"], retries: { tries: 1 } }]
  `);
  const session = await connect2(t, gateway.url);
  const outcomeNow = () => request2(session, "/").then(({ status }) => `${status}`, () => "cut");
  for (const [section, what, sent, expected, client] of answers)
    await t.test(`${section}: ${what}`, async () => {
      const before = origin.connections.map((connection) => connection.frames.length);
      answer = sent;
      const result = await outcomeNow();
      answer = good;
      assert.equal(await outcomeNow(), "200", "what is right goes on");
      const told = () => origin.connections.flatMap((connection, i) => connection.frames.slice(before[i] ?? 0)).map(heard).filter(Boolean);
      await eventually(() => told().length > 0 || expected === null, { what: expected });
      assert.deepEqual(told(), expected === null ? [] : [expected]);
      assert.ok(`${client}`.split("|").includes(result), `${result}; wanted ${client}`);
    });
});
