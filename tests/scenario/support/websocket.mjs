// WebSockets by the package ws, as Debian has it (node-ws): clients, and origins behind a gateway.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { cleanup } from "./cleanup.mjs";
import { connect2 } from "./client2.mjs";
import { within } from "./wait.mjs";

const require = createRequire(import.meta.url);

function load() {
  for (const place of ["/usr/share/nodejs/ws", "ws"]) {
    try {
      return require(place);
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new Error("the package ws is missing: apt-get install node-ws (make deps)");
}

export const WebSocket = load();
const PATIENCE = 20000;

// `talk(socket)`: what it does with each; by default it sends back every message as it came.
export async function startWebSocketOrigin(t, talk = echo, options = {}) {
  const server = new WebSocket.Server({ host: "127.0.0.1", port: 0, ...options });
  const origin = { server, sockets: new Set(), closes: [], pings: [], pongs: [] };
  server.on("connection", (socket, request) => {
    origin.sockets.add(socket);
    origin.request = request;
    socket.on("close", (code) => {
      origin.sockets.delete(socket);
      origin.closes.push(code);
    });
    socket.on("error", () => {});
    socket.on("pong", (data) => origin.pongs.push(data.toString()));
    talk(socket);
  });
  await once(server, "listening");
  origin.address = `127.0.0.1:${server.address().port}`;
  cleanup(t, () => {
    for (const socket of origin.sockets) socket.terminate();
    server.close();
  });
  return origin;
}

export function echo(socket) {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
}

class Client {
  constructor(socket) {
    this.socket = socket;
    this.messages = [];
    this.pings = [];
    this.wake = () => {};
    socket.on("message", (data, binary) => {
      this.messages.push(binary ? data : data.toString());
      this.wake();
    });
    socket.on("ping", (data) => {
      this.pings.push(data.toString());
      this.wake();
    });
    socket.on("error", (error) => (this.failed = error));
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.close = { code, reason: reason.toString() };
        this.wake();
        resolve(this.close);
      });
    });
  }

  send(data, options) {
    this.socket.send(data, options);
    return this;
  }

  async until(found, what) {
    const waiting = async () => {
      for (let result; ; await new Promise((resolve) => (this.wake = resolve))) {
        if ((result = found())) return result;
        if (this.close) throw new Error(`closed with ${this.close.code} before ${what} (${this.failed?.message ?? ""})`);
      }
    };
    return within(PATIENCE, what, waiting());
  }

  // The next message.
  async next() {
    await this.until(() => this.messages.length, "a message");
    return this.messages.shift();
  }

  async closeCode() {
    return (await within(PATIENCE, "the end of a WebSocket", this.closed)).code;
  }

  async echoes(text) {
    this.send(text);
    assert.equal(await this.next(), text);
  }
}

export async function openWebSocket(t, url, options = {}) {
  const client = new Client(new WebSocket(url.replace(/^http/, "ws"), options));
  cleanup(t, () => client.socket.terminate());
  await within(
    PATIENCE,
    "a WebSocket opens",
    new Promise((resolve, reject) => {
      client.socket.once("open", resolve);
      client.socket.once("error", reject);
    }),
  );
  return client;
}

// Over HTTP/2 (RFC 8441): the stream of an extended CONNECT. Resolves with the response's head.
export async function connectStream(session, path, headers = {}) {
  if (!session.remoteSettings?.enableConnectProtocol) await within(PATIENCE, "SETTINGS", once(session, "remoteSettings"));
  assert.equal(session.remoteSettings.enableConnectProtocol, true);
  const stream = session.request({ ":method": "CONNECT", ":protocol": "websocket", ":path": path, "sec-websocket-version": "13", ...headers }, { endStream: false });
  stream.on("error", () => {});
  const [head] = await within(PATIENCE, "an answer to CONNECT", once(stream, "response"));
  return { stream, head };
}

// ws as the client in such a stream.
export async function openWebSocket2(t, url, path = "/ws", session = undefined) {
  session ??= await connect2(t, url);
  const { stream, head } = await connectStream(session, path);
  assert.equal(head[":status"], 200);
  stream.setNoDelay = () => {};
  const socket = new WebSocket(null);
  socket._isServer = false;
  const client = new Client(socket);
  socket.setSocket(stream, Buffer.alloc(0), { maxPayload: 0, skipUTF8Validation: false });
  cleanup(t, () => socket.terminate());
  return Object.assign(client, { session, stream, head });
}
