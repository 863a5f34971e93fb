// HTTP/2 origins on loopback: Node's own server, nghttpd, and frames by hand.

import { spawn } from "node:child_process";
import http2 from "node:http2";
import net from "node:net";
import { cleanup, guardProcess, scratch } from "./cleanup.mjs";
import { freePort } from "./ports.mjs";
import { eventually } from "./wait.mjs";

function mirror(stream, headers, body) {
  stream.respond({ ":status": 200, "content-type": "application/json" });
  stream.end(JSON.stringify({ headers, body: body.length <= 4096 ? body.toString() : undefined, bodyLength: body.length }));
}

// Not by iterating, which would destroy the stream at its end.
export function readBody(stream) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.once("end", () => resolve(Buffer.concat(chunks)));
    stream.once("error", reject);
  });
}

// `answer(stream, headers, body)`; with `streaming` it is called at once, without the body. `tls`:
// options of http2.createSecureServer; `options`: further ones of the server.
export async function startH2Origin(t, { answer = mirror, streaming = false, tls, options = {}, port = 0 } = {}) {
  const origin = { requests: [], sessions: new Set(), connections: 0, answer };
  const server = tls ? http2.createSecureServer({ ...tls, ...options }) : http2.createServer(options);
  server.on("session", (session) => {
    origin.connections++;
    origin.sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => origin.sessions.delete(session));
  });
  server.on("stream", async (stream, headers) => {
    origin.requests.push(headers);
    stream.on("error", () => {});
    try {
      await origin.answer(stream, headers, streaming ? undefined : await readBody(stream));
    } catch {
      if (!stream.destroyed) stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    }
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  origin.server = server;
  origin.port = server.address().port;
  origin.address = `127.0.0.1:${origin.port}`;
  origin.stop = () =>
    new Promise((resolve) => {
      if (!server.listening) return resolve();
      server.close(() => resolve());
      for (const session of origin.sessions) session.destroy();
    });
  cleanup(t, origin.stop);
  return origin;
}

// nghttpd, serving files of a folder of its own.
export async function startNghttpd(t, { args = [], folder = scratch(t), tls } = {}) {
  const port = await freePort();
  const security = tls ? [tls.key, tls.cert] : [];
  const flags = tls ? [] : ["--no-tls"];
  const child = spawn("/usr/sbin/nghttpd", [...flags, "-a", "127.0.0.1", "-d", folder, ...args, String(port), ...security], { detached: true, stdio: "ignore" });
  guardProcess(child);
  const gone = new Promise((resolve) => child.once("close", resolve));
  cleanup(t, async () => {
    child.kill("SIGKILL");
    await gone;
  });
  await eventually(
    () =>
      new Promise((resolve, reject) => {
        const socket = net.connect(port, "127.0.0.1", () => resolve(socket.destroy()));
        socket.once("error", reject);
      }).then(() => true),
    { what: "nghttpd listens" },
  );
  return { port, address: `127.0.0.1:${port}`, folder, pid: child.pid, child };
}

export const FRAME = { DATA: 0, HEADERS: 1, RST_STREAM: 3, SETTINGS: 4, PING: 6, GOAWAY: 7, WINDOW_UPDATE: 8 };

export function frame(type, flags, id, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

export function number32(...values) {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
}

// ":status: 200" as the static table has it.
export const STATUS_200 = Buffer.from([0x88]);

// An origin whose frames are written by hand: `onFrame(frame, connection)` with type, flags, id and
// payload; connection.send(...). The preface is read, SETTINGS are sent (unless `settings` is null)
// and acknowledged.
export async function startFrameOrigin(t, onFrame, { settings = Buffer.alloc(0) } = {}) {
  const origin = { connections: [], frames: [] };
  const server = net.createServer({ noDelay: true }, (socket) => {
    const connection = { socket, frames: [], number: origin.connections.length, send: (...parts) => socket.write(Buffer.concat(parts)) };
    origin.connections.push(connection);
    socket.on("error", () => {});
    let bytes = Buffer.alloc(0);
    let preface = 24;
    if (settings) connection.send(frame(FRAME.SETTINGS, 0, 0, settings));
    socket.on("data", (data) => {
      bytes = Buffer.concat([bytes, data]);
      if (preface && bytes.length >= preface) {
        bytes = bytes.subarray(preface);
        preface = 0;
      }
      while (!preface && bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
        const length = bytes.readUIntBE(0, 3);
        const one = { type: bytes[3], flags: bytes[4], id: bytes.readUInt32BE(5), payload: bytes.subarray(9, 9 + length) };
        bytes = bytes.subarray(9 + length);
        connection.frames.push(one);
        if (one.type === FRAME.SETTINGS && !(one.flags & 1)) connection.send(frame(FRAME.SETTINGS, 1, 0));
        onFrame?.(one, connection, origin);
      }
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin.port = server.address().port;
  origin.address = `127.0.0.1:${origin.port}`;
  cleanup(
    t,
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const { socket } of origin.connections) socket.destroy();
      }),
  );
  return origin;
}
