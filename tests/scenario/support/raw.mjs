// A client (or the client's side of a TLS socket) that sends exactly the bytes it is given, and reads
// responses one after the other. It understands just enough HTTP to find a response's end.

import net from "node:net";
import { within } from "./wait.mjs";

const PATIENCE = 15000;

class RawConnection {
  constructor(socket) {
    this.socket = socket;
    this.buffer = Buffer.alloc(0);
    this.ended = false; // the other side will send no more
    this.failed = null; // ... because of this error
    this.wake = () => {};
    socket.on("data", (data) => {
      this.buffer = Buffer.concat([this.buffer, data]);
      this.wake();
    });
    const end = (error) => {
      this.ended = true;
      this.failed ??= error ?? null;
      this.wake();
    };
    socket.on("end", () => end());
    socket.on("close", () => end());
    socket.on("error", end);
  }

  write(data) {
    this.socket.write(data);
    return this;
  }

  finish() {
    this.socket.end();
    return this;
  }

  destroy() {
    this.socket.destroy();
  }

  async #until(found, what, patience = PATIENCE) {
    const waiting = (async () => {
      for (;;) {
        const result = found();
        if (result !== undefined) return result;
        if (this.ended) throw new Error(`connection closed before ${what}; got ${JSON.stringify(this.buffer.toString("latin1").slice(0, 300))}`);
        await new Promise((resolve) => (this.wake = resolve));
      }
    })();
    return within(patience, what, waiting);
  }

  #take(count) {
    const taken = this.buffer.subarray(0, count);
    this.buffer = this.buffer.subarray(count);
    return taken;
  }

  bytes(count, patience) {
    return this.#until(() => (this.buffer.length >= count ? this.#take(count) : undefined), `${count} bytes`, patience);
  }

  async line() {
    const length = await this.#until(() => {
      const at = this.buffer.indexOf("\r\n");
      return at < 0 ? undefined : at + 2;
    }, "a line");
    return this.#take(length).toString("latin1").slice(0, -2);
  }

  // Everything up to the end of the connection; resets count as the end.
  rest(patience = PATIENCE) {
    return within(
      patience,
      "the end of the connection",
      (async () => {
        while (!this.ended) await new Promise((resolve) => (this.wake = resolve));
        return this.#take(this.buffer.length).toString("latin1");
      })(),
    );
  }

  async closed(patience) {
    const rest = await this.rest(patience);
    if (rest) throw new Error(`more than expected before the end: ${JSON.stringify(rest.slice(0, 300))}`);
  }

  async head(patience) {
    const length = await this.#until(
      () => {
        const at = this.buffer.indexOf("\r\n\r\n");
        return at < 0 ? undefined : at + 4;
      },
      "a response head",
      patience,
    );
    const [first, ...lines] = this.#take(length).toString("latin1").slice(0, -4).split("\r\n");
    const fields = lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]);
    const headers = {};
    for (const [name, value] of fields) headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
    return { first, status: Number(first.split(" ")[1]), version: first.split(" ")[0], fields, headers };
  }

  async #chunked() {
    const chunks = [];
    for (;;) {
      const size = parseInt(await this.line(), 16);
      if (size === 0) break;
      chunks.push(await this.bytes(size));
      await this.line();
    }
    const trailers = {};
    for (let line; (line = await this.line()) !== ""; ) trailers[line.slice(0, line.indexOf(":")).toLowerCase()] = line.slice(line.indexOf(":") + 1).trim();
    return { body: Buffer.concat(chunks), trailers };
  }

  // `to`: the method that is answered (HEAD has no body). 1xx responses come by themselves.
  async response({ to = "GET", patience } = {}) {
    const head = await this.head(patience);
    let body = Buffer.alloc(0);
    let trailers = {};
    const none = to === "HEAD" || head.status < 200 || head.status === 204 || head.status === 304;
    if (none) body = Buffer.alloc(0);
    else if (/chunked/i.test(head.headers["transfer-encoding"] ?? "")) ({ body, trailers } = await this.#chunked());
    else if ("content-length" in head.headers) body = await this.bytes(Number(head.headers["content-length"]));
    else body = Buffer.from(await this.rest(), "latin1");
    return { ...head, body, text: body.toString(), trailers };
  }
}

export function wrapRaw(socket) {
  return new RawConnection(socket);
}

export async function openRaw(to, { host = "127.0.0.1" } = {}) {
  const socket = typeof to === "string" ? net.connect({ path: to, allowHalfOpen: true }) : net.connect({ port: to, host, allowHalfOpen: true });
  socket.setNoDelay(true);
  await within(
    PATIENCE,
    "a connection",
    new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    }),
  );
  return new RawConnection(socket);
}

// Sends bytes, reads one response, closes.
export async function exchangeRaw(port, bytes, options) {
  const connection = await openRaw(port);
  try {
    return await connection.write(bytes).response(options);
  } finally {
    connection.destroy();
  }
}
