// The origins of a soak: one that stays, one that leaves in order and comes back, one that breaks off.

import { createHash } from "node:crypto";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const AWAY_MS = 1500;

// What it tells of a request is enough to see that all of it has come, and only once.
async function answer(request, response) {
  const sum = createHash("sha1");
  let length = 0;
  try {
    for await (const piece of request) {
      sum.update(piece);
      length += piece.length;
    }
  } catch {
    return; // the client has gone
  }
  const size = Number(new URL(request.url, "http://origin").searchParams.get("size") ?? 0);
  response.setHeader("X-Body", `${length} ${sum.digest("hex")}`);
  response.setHeader("Content-Type", "text/plain");
  if (size > 65536) response.write("x".repeat(size - 65536)); // chunked, and in two pieces
  response.end("x".repeat(Math.min(size, 65536)));
}

class Origin {
  constructor(port) {
    this.port = port;
    this.sockets = new Set();
  }

  listen() {
    this.server = http.createServer({ keepAliveTimeout: 60000 }, answer);
    this.server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => this.sockets.delete(socket));
    });
    return new Promise((resolve, reject) => this.server.once("error", reject).listen(this.port, "127.0.0.1", resolve));
  }

  // What is under way is answered.
  async leave() {
    await new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeIdleConnections();
      setTimeout(() => this.server.closeAllConnections(), 5000).unref();
    });
  }

  async breakOff() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }
}

export class Origins {
  constructor(ports) {
    this.steady = new Origin(ports[0]);
    this.polite = new Origin(ports[1]);
    this.rude = new Origin(ports[2]);
    this.absences = 0;
    this.ended = false;
  }

  async start() {
    await Promise.all([this.steady, this.polite, this.rude].map((origin) => origin.listen()));
    this.changing = [this.#change(this.polite, () => this.polite.leave(), 3000), this.#change(this.rude, () => this.rude.breakOff(), 2000)];
  }

  async #change(origin, goAway, stayMs) {
    for (;;) {
      for (let waited = 0; waited < stayMs && !this.ended; waited += 100) await sleep(100);
      if (this.ended) return;
      await goAway();
      await sleep(AWAY_MS);
      await origin.listen();
      this.absences++;
    }
  }

  async stop() {
    this.ended = true;
    await Promise.all(this.changing);
    await Promise.all([this.steady, this.polite, this.rude].map((origin) => origin.breakOff()));
  }
}
