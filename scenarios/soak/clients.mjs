// The clients of a soak. Each kind of request knows what its answer has to be; what a client of its own
// breaks off, or sends wrong on purpose, only has to end.

import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { FILE_BYTES } from "./gateway.mjs";

const TICK_MS = 20;
const UNDER_WAY_MAX = 400;
const PATIENCE_MS = 20000;
const HTTP2_REQUESTS = 50; // of one connection
const NO_ANSWER = `no answer within ${PATIENCE_MS / 1000} s`;

const malformed = [
  "POST /app/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST /app/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  "GET /app/x HTTP/1.1\r\nHost : a\r\n\r\n",
  "GET /app/x HTTP/1.1\nHost: a\n\n",
  "GET /app/../etc HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  `GET /app/${"a".repeat(20000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  `GET /app/x HTTP/1.1\r\nHost: a\r\n${"X: 1\r\n".repeat(2000)}\r\n`,
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x01\x04\0\0\0\0\0x",
  "\x16\x03\x01\0\x05hello\r\n\r\n",
  "GET /limited HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
];

const unexpected = ({ status, headers }, more = "") => Object.assign(new Error(`status ${status} ${headers["x-ringway-reason"] ?? ""} ${more}`), { status });

export class Clients {
  constructor(ports, diary) {
    this.ports = ports;
    this.diary = diary;
    this.clock = diary.clock;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 24 });
    this.underWay = 0;
    this.counts = {};
    this.number = 0;
    this.kinds = Object.entries({ get: 40, small: 15, post: 10, file: 8, http2: 8, fresh: 3, wrong: 8, leaves: 4, rude: 4 });
    this.sum = this.kinds.reduce((sum, [, weight]) => sum + weight, 0);
  }

  // ---- One request of each kind ----

  #ask(options, body) {
    return new Promise((resolve, reject) => {
      let stage = "connect";
      let connectedAt;
      const asked = this.diary.now();
      const ask = (options.tls ? https : http).request({ host: "127.0.0.1", port: this.ports.web, agent: this.agent, ...options }, (response) => {
        let length = 0;
        stage = "answer";
        response.on("data", (data) => (length += data.length));
        response.once("end", () => done(resolve)({ status: response.statusCode, headers: response.headers, length, complete: response.complete }));
        response.once("error", fail);
      });
      const rest = this.clock.after(PATIENCE_MS, () => ask.destroy(new Error(NO_ANSWER)));
      const done = (settle) => (rest(), settle);
      const fail = (error) => done(reject)(Object.assign(error, { stage, connection: ask.reusedSocket ? "kept" : "new", connectedAt: connectedAt ?? asked }));
      ask.once("error", fail);
      ask.once("socket", (socket) => {
        connectedAt = socket.askedAt ??= asked;
        if (!socket.connecting) stage = "wait";
        else socket.once("connect", () => (stage = "wait"));
      });
      for (const piece of body ?? []) ask.write(piece);
      ask.end();
    });
  }

  async #sized(path, size, options) {
    const answer = await this.#ask({ path: `${path}?size=${size}`, ...options });
    if (answer.status !== 200 || answer.length !== size) throw unexpected(answer, `${answer.length} of ${size} bytes`);
  }

  get = () => this.#sized("/app/get", this.number % 3000);

  small = () => this.#sized("/steady/large", 50000 + (this.number % 100000));

  fresh = () => this.#sized("/app/fresh", 10, { tls: true, port: this.ports.secure, agent: false, rejectUnauthorized: false, servername: "soak.test" });

  async post() {
    const body = randomBytes(1 + ((this.number * 7919) % 60000));
    const pieces = [body.subarray(0, body.length >> 1), body.subarray(body.length >> 1)].filter((piece) => piece.length);
    const headers = this.number % 2 ? { "Content-Length": body.length } : { "Transfer-Encoding": "chunked" };
    const answer = await this.#ask({ path: "/steady/post", method: "POST", headers }, pieces);
    const wanted = `${body.length} ${createHash("sha1").update(body).digest("hex")}`;
    if (answer.status !== 200 || answer.headers["x-body"] !== wanted) throw unexpected(answer, `the origin got ${answer.headers["x-body"]}, sent ${wanted}`);
  }

  async file() {
    const ranged = this.number % 2 === 0;
    const answer = await this.#ask({ path: "/files/page.txt", headers: ranged ? { Range: "bytes=100-299" } : {} });
    if (answer.status !== (ranged ? 206 : 200) || answer.length !== (ranged ? 200 : FILE_BYTES)) throw unexpected(answer, `${answer.length} bytes`);
  }

  // A connection is used for some requests and then closed; one that has been told to go is not used again.
  #session() {
    const session = this.http2Session;
    if (session && !session.closed && !session.destroyed && !session.goingAway && session.left-- > 0) return session;
    session?.close();
    const next = http2.connect(`https://127.0.0.1:${this.ports.secure}`, { rejectUnauthorized: false, servername: "soak.test" });
    next.left = HTTP2_REQUESTS - 1;
    next.askedAt = this.diary.now();
    next.on("error", () => {});
    next.on("goaway", () => (next.goingAway = true));
    this.http2Session = next;
    return next;
  }

  // A request that met the server's GOAWAY on its way was not begun: it is sent again (RFC 9113, 8.7).
  async http2() {
    try {
      await this.#http2Request();
    } catch (error) {
      if (!/REFUSED_STREAM/.test(error.message)) throw error;
      await this.#http2Request();
    }
  }

  #http2Request() {
    return new Promise((resolve, reject) => {
      const session = this.#session();
      const connection = session.left === HTTP2_REQUESTS - 1 ? "new" : "kept";
      const stream = session.request({ ":path": "/app/h2?size=1000" });
      const answer = { status: 0, headers: {} };
      let length = 0;
      let late = false;
      const rest = this.clock.after(PATIENCE_MS, () => ((late = true), stream.close()));
      const fail = (error) => reject(Object.assign(error, { connection, stage: answer.status ? "answer" : "wait", connectedAt: session.askedAt }));
      stream.on("response", (headers) => Object.assign(answer, { status: headers[":status"], headers }));
      stream.on("data", (data) => (length += data.length));
      stream.once("end", () => (answer.status === 200 && length === 1000 ? resolve() : answer.status ? reject(unexpected(answer, `${length} bytes`)) : undefined));
      stream.once("error", fail);
      stream.once("close", () => (rest(), fail(new Error(late ? NO_ANSWER : "closed without an answer"))));
    });
  }

  // Sends bytes, waits for the end; `leaveMs`: does not wait any longer.
  #raw(bytes, leaveMs) {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.ports.web, "127.0.0.1");
      const rest = this.clock.after(leaveMs ?? PATIENCE_MS, () => {
        socket.destroy();
        if (leaveMs) resolve();
        else reject(new Error(`${NO_ANSWER}: the connection stays open`));
      });
      socket.on("error", () => {});
      socket.once("connect", () => socket.write(Buffer.from(bytes, "latin1")));
      socket.on("data", () => {});
      socket.once("close", () => (rest(), resolve()));
    });
  }

  wrong = () => this.#raw(malformed[this.number % malformed.length]);

  leaves() {
    const requests = [
      "GET /app/le",
      "POST /steady/post HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nsome of it",
      "GET /steady/large?size=3000000 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /app/get?size=10 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20),
    ];
    return this.#raw(requests[this.number % requests.length], 1 + (this.number % 50));
  }

  // Whatever its origin is doing: an answer, or the end of one.
  async rude() {
    const answer = await this.#ask({ path: "/rude/get?size=1000" }).catch((error) => {
      if (/no answer within/.test(error.message)) throw error;
      return { status: 200 }; // cut by the origin
    });
    if (![200, 502, 503, 504].includes(answer.status)) throw unexpected(answer);
  }

  // ---- All of them ----

  #choose() {
    let at = Math.random() * this.sum;
    for (const [kind, weight] of this.kinds) if ((at -= weight) < 0) return kind;
    return "get";
  }

  #begin() {
    const kind = this.#choose();
    const request = this.diary.begin(kind);
    this.number++;
    this.underWay++;
    this[kind]()
      .then(() => (this.counts[kind] = (this.counts[kind] ?? 0) + 1))
      .catch((error) => this.diary.failed(request, error))
      .finally(() => this.underWay--);
  }

  // Open loop: what was due while this process could not run is begun late, but no flood of it.
  async run(seconds, rate) {
    const begun = performance.now();
    let due = 0;
    let done = 0;
    for (let now = begun; now < begun + seconds * 1000; now = performance.now()) {
      due = Math.floor(((now - begun) / 1000) * rate);
      if (due - done > rate) done = due - rate;
      while (done < due && this.underWay < UNDER_WAY_MAX) {
        this.#begin();
        done++;
      }
      await sleep(TICK_MS);
    }
  }

  // All answers are there, all connections closed.
  async rest() {
    for (const end = this.clock.ranMs + 2 * PATIENCE_MS; this.underWay && this.clock.ranMs < end; ) await sleep(20);
    if (this.underWay) this.diary.failed(this.diary.begin("all"), new Error(`${this.underWay} requests did not end`));
    this.http2Session?.close();
    this.http2Session = null;
    this.agent.destroy();
  }

  answered() {
    return Object.values(this.counts).reduce((a, b) => a + b, 0);
  }
}
