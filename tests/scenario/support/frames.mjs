// An HTTP/2 client that sends exactly the frames it is told to, right or wrong (RFC 9113), and keeps
// what comes. It decodes no header blocks but for their first field.

import net from "node:net";
import { within } from "./wait.mjs";

const PATIENCE = 15000;

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const types = ["DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION"];
export const codes = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;

const none = Buffer.alloc(0);

export function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

// `type`: a name or a number.
export function frame(type, flags, stream, payload = none) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = typeof type === "number" ? type : types.indexOf(type);
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

// An HPACK integer with a prefix of so many bits.
function integer(value, bits, first = 0) {
  const most = (1 << bits) - 1;
  if (value < most) return Buffer.from([first | value]);
  const bytes = [first | most];
  for (value -= most; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

const text = (value) => Buffer.concat([integer(Buffer.byteLength(value, "latin1"), 7), Buffer.from(value, "latin1")]);

// A field as a literal that is not indexed, or (`index`) that is; whatever its bytes are.
export const field = (name, value, { index = false } = {}) => Buffer.concat([Buffer.from([index ? 0x40 : 0]), text(name), text(value)]);
export const indexed = (number) => integer(number, 7, 0x80);
export const block = (fields) => Buffer.concat(fields.map(([name, value]) => field(name, value)));

export const request = (path = "/", more = [], { method = "GET", authority = "example.com" } = {}) => [
  [":method", method],
  [":scheme", "http"],
  [":authority", authority],
  [":path", path],
  ...more,
];
export const headers = (stream, fields, { end = true } = {}) => frame("HEADERS", END_HEADERS | (end ? END_STREAM : 0), stream, Buffer.isBuffer(fields) ? fields : block(fields));
export const data = (stream, bytes, { end = false } = {}) => frame("DATA", end ? END_STREAM : 0, stream, Buffer.from(bytes));
export const reset = (stream, code = "CANCEL") => frame("RST_STREAM", 0, stream, u32(codes.indexOf(code)));
export const windowUpdate = (stream, bytes) => frame("WINDOW_UPDATE", 0, stream, u32(bytes));
export const settings = (pairs = {}) =>
  frame(
    "SETTINGS",
    0,
    0,
    Buffer.concat(
      Object.entries(pairs).map(([id, value]) => {
        const pair = Buffer.alloc(6);
        pair.writeUInt16BE(Number(id));
        pair.writeUInt32BE(value, 2);
        return pair;
      }),
    ),
  );
export const settingsAck = frame("SETTINGS", ACK, 0);
export const ping = (bytes = "12345678", flags = 0) => frame("PING", flags, 0, Buffer.from(bytes));

// The statuses of the static table, which begin a block with one byte.
const statuses = { 0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500 };

class FrameConnection {
  constructor(socket) {
    this.socket = socket;
    this.buffer = none;
    this.frames = []; // not asked for yet
    this.seen = {}; // how many of each type
    this.ended = false;
    this.wake = () => {};
    socket.on("data", (bytes) => {
      this.buffer = Buffer.concat([this.buffer, bytes]);
      this.#parse();
      this.wake();
    });
    for (const event of ["end", "close", "error"])
      socket.on(event, () => {
        this.ended = true;
        this.wake();
      });
  }

  #parse() {
    while (this.buffer.length >= 9) {
      const length = this.buffer.readUIntBE(0, 3);
      if (this.buffer.length < 9 + length) return;
      const payload = this.buffer.subarray(9, 9 + length);
      const type = types[this.buffer[3]] ?? this.buffer[3];
      const got = { type, flags: this.buffer[4], stream: this.buffer.readUInt32BE(5), payload, end: false };
      if (type === "DATA" || type === "HEADERS") got.end = (got.flags & END_STREAM) !== 0;
      if (type === "HEADERS") got.status = statuses[payload[0]];
      if (type === "RST_STREAM") got.code = codes[payload.readUInt32BE(0)];
      if (type === "GOAWAY") Object.assign(got, { last: payload.readUInt32BE(0), code: codes[payload.readUInt32BE(4)], text: payload.subarray(8).toString() });
      this.seen[type] = (this.seen[type] ?? 0) + 1;
      this.frames.push(got);
      this.buffer = this.buffer.subarray(9 + length);
    }
  }

  send(...frames) {
    this.socket.write(Buffer.concat(frames.flat(Infinity)));
    return this;
  }

  // The bytes are with the kernel, or the connection is gone.
  sent(...frames) {
    return new Promise((resolve) => {
      if (this.ended) return resolve();
      this.socket.once("close", resolve);
      this.socket.write(Buffer.concat(frames.flat(Infinity)), () => resolve());
    });
  }

  // The next frame that `wanted` takes; those before it are dropped.
  next(wanted, patience = PATIENCE) {
    const takes = typeof wanted === "string" ? (got) => got.type === wanted : wanted;
    return within(
      patience,
      `a frame ${wanted}`,
      (async () => {
        for (;;) {
          const at = this.frames.findIndex(takes);
          if (at >= 0) return this.frames.splice(0, at + 1)[at];
          if (this.ended) throw new Error(`the connection ended before a frame ${wanted}; came: ${JSON.stringify(this.seen)}`);
          await new Promise((resolve) => (this.wake = resolve));
        }
      })(),
    );
  }

  response(stream, patience) {
    return this.next((got) => got.stream === stream && (got.type === "HEADERS" || got.type === "RST_STREAM"), patience);
  }

  goaway(patience) {
    return this.next("GOAWAY", patience);
  }

  closed(patience = PATIENCE) {
    return within(
      patience,
      "the end of the connection",
      (async () => {
        while (!this.ended) await new Promise((resolve) => (this.wake = resolve));
      })(),
    );
  }

  destroy() {
    this.socket.destroy();
  }
}

export function wrapFrames(socket) {
  return new FrameConnection(socket);
}

// With the preface and SETTINGS already sent, and the server's acknowledged. `from`: the client's
// address; `first`: what goes before all that.
export async function openFrames(port, { own = {}, greet = true, from, first = none } = {}) {
  const socket = net.connect({ port, host: "127.0.0.1", localAddress: from });
  socket.setNoDelay(true);
  await within(
    PATIENCE,
    "a connection",
    new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    }),
  );
  const connection = new FrameConnection(socket);
  if (greet) {
    connection.send(first, preface, settings(own));
    await connection.next("SETTINGS");
    connection.send(settingsAck);
  }
  return connection;
}
