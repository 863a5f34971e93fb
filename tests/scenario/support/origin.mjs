// Origins made of Node's own servers, on loopback.

import http from "node:http";
import https from "node:https";
import net from "node:net";
import { cleanup } from "./cleanup.mjs";

function listen(server, options) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, resolve);
  });
}

// What the origin answers unless told otherwise: what it has seen.
function mirror(request, response, body) {
  response.setHeader("Content-Type", "application/json");
  response.end(
    JSON.stringify({
      method: request.method,
      url: request.url,
      version: request.httpVersion,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      trailers: request.trailers,
      bodyLength: body.length,
      body: body.length <= 4096 ? body.toString() : undefined,
    }),
  );
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// `answer(request, response, body)`; with `streaming` it is called at once, without the body.
// `name` is sent as X-Origin. `tls`: options of https.createServer. `path`: a Unix socket.
export async function startOrigin(t, { answer = mirror, streaming = false, name, tls, port = 0, path } = {}) {
  const origin = { requests: [], connections: 0, sockets: new Set(), answer };
  const serve = async (request, response) => {
    origin.requests.push({ method: request.method, url: request.url, headers: request.headers, rawHeaders: request.rawHeaders });
    request.on("error", () => {});
    response.on("error", () => {});
    if (name) response.setHeader("X-Origin", name);
    try {
      await origin.answer(request, response, streaming ? undefined : await readBody(request));
    } catch {
      response.destroy();
    }
  };
  const options = { keepAliveTimeout: 30000, requestTimeout: 0, headersTimeout: 0 };
  const server = tls ? https.createServer({ ...tls, ...options }, serve) : http.createServer(options, serve);
  server.on(tls ? "secureConnection" : "connection", (socket) => {
    origin.connections++;
    origin.sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => origin.sockets.delete(socket));
  });
  server.on("tlsClientError", () => {});
  server.on("clientError", (_error, socket) => socket.destroy());
  await listen(server, path ? { path } : { port, host: "127.0.0.1" });
  origin.server = server;
  origin.port = path ? undefined : server.address().port;
  origin.address = path ? `unix:${path}` : `127.0.0.1:${origin.port}`;
  origin.stop = () =>
    new Promise((resolve) => {
      if (!server.listening) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
      for (const socket of origin.sockets) socket.destroy();
    });
  cleanup(t, origin.stop);
  return origin;
}

// `talk(socket, origin)` has the connection for itself. What comes is kept in origin.received.
export async function startRawOrigin(t, talk, { port = 0, allowHalfOpen = true } = {}) {
  const origin = { received: "", connections: 0, sockets: new Set() };
  const server = net.createServer({ allowHalfOpen, noDelay: true }, (socket) => {
    origin.connections++;
    origin.sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => origin.sockets.delete(socket));
    socket.on("data", (data) => (origin.received += data.toString("latin1")));
    talk?.(socket, origin);
  });
  await listen(server, { port, host: "127.0.0.1" });
  origin.server = server;
  origin.port = server.address().port;
  origin.address = `127.0.0.1:${origin.port}`;
  origin.stop = () =>
    new Promise((resolve) => {
      if (!server.listening) return resolve();
      server.close(() => resolve());
      for (const socket of origin.sockets) socket.destroy();
    });
  cleanup(t, origin.stop);
  return origin;
}

// Calls `answer(head, socket)` for each request head that has come in completely. Bodies are not
// looked for.
export function onHeads(socket, answer) {
  let text = "";
  socket.on("data", (data) => {
    text += data.toString("latin1");
    for (let end; (end = text.indexOf("\r\n\r\n")) >= 0; ) {
      const head = text.slice(0, end);
      text = text.slice(end + 4);
      answer(head, socket);
    }
  });
}
