// WebSockets by the package ws: clients, and origins behind a gateway.

import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { WebSocket, WebSocketServer } from "ws";
import { cleanup } from "./cleanup.mjs";
import { connect2 } from "./client2.mjs";
import { within } from "./wait.mjs";

export { WebSocket };
const PATIENCE = 20000;

const newOrigin = (server) => ({ server, sockets: new Set(), closes: [], pings: [], pongs: [] });

function welcome(origin, socket, talk) {
  origin.sockets.add(socket);
  socket.on("close", (code) => {
    origin.sockets.delete(socket);
    origin.closes.push(code);
  });
  socket.on("error", () => {});
  socket.on("pong", (data) => origin.pongs.push(data.toString()));
  talk(socket);
}

// `talk(socket)`: what it does with each; by default it sends back every message as it came.
export async function startWebSocketOrigin(t, talk = echo, options = {}) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...options });
  const origin = newOrigin(server);
  server.on("connection", (socket, request) => {
    origin.request = request;
    welcome(origin, socket, talk);
  });
  await once(server, "listening");
  origin.address = `127.0.0.1:${server.address().port}`;
  cleanup(t, () => {
    for (const socket of origin.sockets) socket.terminate();
    server.close();
  });
  return origin;
}

// One end of a WebSocket in a stream of HTTP/2.
function socketIn(stream, isServer) {
  stream.setNoDelay = () => {};
  const socket = new WebSocket(null, undefined, { autoPong: true, closeTimeout: PATIENCE });
  socket._isServer = isServer;
  return { socket, begin: () => socket.setSocket(stream, Buffer.alloc(0), { allowSynchronousEvents: true, maxPayload: 0, skipUTF8Validation: false }) };
}

// An origin that has them in streams of HTTP/2 (RFC 8441): Node's server, with ws on its streams.
// `offered` false: its SETTINGS do not say so. `answer(stream, headers)`: true when it has answered
// in its own way. `tls`: options of http2.createSecureServer.
export async function startWebSocketOrigin2(t, talk = echo, { offered = true, answer = () => false, tls, settings = {} } = {}) {
  const options = { settings: { enableConnectProtocol: offered, ...settings } };
  const server = tls ? http2.createSecureServer({ ...tls, ...options }) : http2.createServer(options);
  const origin = Object.assign(newOrigin(server), { requests: [], streams: [], sessions: new Set() });
  server.on("session", (session) => {
    origin.sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => origin.sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    origin.requests.push(headers);
    origin.streams.push(stream);
    stream.on("error", () => {});
    if (answer(stream, headers)) return;
    const { socket, begin } = socketIn(stream, true);
    stream.respond({ ":status": 200 });
    begin();
    welcome(origin, socket, talk);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin.address = `127.0.0.1:${server.address().port}`;
  cleanup(t, () => {
    server.close();
    for (const session of origin.sessions) session.destroy();
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
  const { socket, begin } = socketIn(stream, false);
  const client = new Client(socket);
  begin();
  cleanup(t, () => socket.terminate());
  return Object.assign(client, { session, stream, head });
}
