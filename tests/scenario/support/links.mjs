// Connections to a database or a broker that are made anew until the end of days, over plain sockets:
// for servers under test that have to live with both going away.

import { Buffer } from "node:buffer";
import { connect } from "node:net";
import process from "node:process";

const PATIENCE_MS = 200;

// Questions are answered in their order; all that are open fail when the connection ends.
class Link {
  waiting = [];

  constructor(port) {
    this.port = port;
    this.open();
  }

  open() {
    this.ready = false;
    this.received = Buffer.alloc(0);
    this.socket = connect({ port: this.port, host: "127.0.0.1", noDelay: true });
    this.socket.on("connect", () => this.greet());
    this.socket.on("data", (data) => {
      this.received = Buffer.concat([this.received, data]);
      this.read();
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error("gone"));
      setTimeout(() => this.open(), 50);
    });
  }

  ask(bytes) {
    if (!this.ready) return Promise.reject(new Error("away"));
    this.socket.write(bytes);
    const late = setTimeout(() => this.socket.destroy(), PATIENCE_MS);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject })).finally(() => clearTimeout(late));
  }

  answer(value) {
    this.ready = true;
    this.waiting.shift()?.resolve(value);
  }

  lines() {
    const lines = this.received.toString("latin1").split("\r\n");
    this.received = Buffer.from(lines.pop(), "latin1");
    return lines;
  }
}

// PostgreSQL's protocol 3.0: messages are a letter and a length; D is a row, Z says that it is ready
// again. An answer is the number of rows.
export class Database extends Link {
  rows = 0;

  greet() {
    const words = "\0\x03\0\0user\0shop\0database\0postgres\0\0";
    const length = Buffer.alloc(4);
    length.writeUInt32BE(4 + words.length);
    this.socket.write(Buffer.concat([length, Buffer.from(words, "latin1")]));
  }

  read() {
    while (this.received.length >= 5 && this.received.length > this.received.readUInt32BE(1)) {
      const letter = String.fromCharCode(this.received[0]);
      this.received = this.received.subarray(1 + this.received.readUInt32BE(1));
      if (letter === "E") this.socket.destroy();
      if (letter === "D") this.rows++;
      if (letter === "Z") {
        this.answer(this.rows);
        this.rows = 0;
      }
    }
  }

  query(sql) {
    const message = Buffer.from(`Q\0\0\0\0${sql}\0`);
    message.writeUInt32BE(message.length - 1, 1);
    return this.ask(message);
  }
}

// NATS: lines; what is published on a subject comes back to who subscribes to it.
export class Broker extends Link {
  greet() {
    this.socket.write('CONNECT {"verbose":false}\r\nSUB orders 1\r\nPING\r\n');
  }

  read() {
    for (const line of this.lines()) {
      if (line === "PONG" || line === "an order") this.answer();
      if (line === "PING") this.socket.write("PONG\r\n");
    }
  }

  publish() {
    return this.ask("PUB orders 8\r\nan order\r\n");
  }
}

// NATS with JetStream: what is stored is acknowledged, and had back, by a message to an address of ours.
export class Stream extends Link {
  greet() {
    const stream = JSON.stringify({ name: "orders", subjects: ["orders.*"], storage: process.env.STORAGE ?? "file" });
    this.ready = true;
    this.socket.write('CONNECT {"verbose":false}\r\nSUB told 1\r\n');
    this.ready = false;
    this.socket.write(`PUB $JS.API.STREAM.CREATE.orders told ${stream.length}\r\n${stream}\r\n`);
  }

  read() {
    for (const line of this.lines()) {
      if (line === "PING") this.socket.write("PONG\r\n");
      if (line.startsWith("{")) this.answer(JSON.parse(line));
    }
  }

  async store(number) {
    const told = await this.ask(`PUB orders.${number} told 1\r\n1\r\n`);
    if (!told.seq) throw new Error("not stored");
  }

  async has(number) {
    const question = `{"last_by_subj":"orders.${number}"}`;
    const told = await this.ask(`PUB $JS.API.STREAM.MSG.GET.orders told ${question.length}\r\n${question}\r\n`);
    if (told.error && told.error.code !== 404) throw new Error(told.error.description);
    return !told.error;
  }
}

// Redis: one answer a line, but for what GET finds, whose length has a line of its own.
export class Store extends Link {
  greet() {
    this.ready = true;
  }

  read() {
    for (const line of this.lines()) if (!line.startsWith("$") || line === "$-1") this.answer(line);
  }

  async store(number) {
    if ((await this.ask(`SET ${number} stored\r\n`)) !== "+OK") throw new Error("not stored");
  }

  async has(number) {
    return (await this.ask(`GET ${number}\r\n`)) === "stored";
  }
}
