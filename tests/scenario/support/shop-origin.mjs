// A server that depends on a database and a broker: `node shop-origin.mjs PORT DATABASE BROKER`.
// Each request stores an order in PostgreSQL and has it back from NATS before it is answered, with
// 200, or 503 while one of the two is away or takes too long. Both are spoken to over plain sockets.

import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import { connect } from "node:net";
import process from "node:process";

const PATIENCE_MS = 200;
const [port, databasePort, brokerPort] = process.argv.slice(2).map(Number);

// A connection that is made anew until the end of days. Questions are answered in their order; all
// that are open fail when it ends.
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

  answer() {
    this.ready = true;
    this.waiting.shift()?.resolve();
  }
}

// PostgreSQL's protocol 3.0: messages are a letter and a length; Z says that it is ready again.
class Database extends Link {
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
      if (letter === "Z") this.answer();
    }
  }

  query(sql) {
    const message = Buffer.from(`Q\0\0\0\0${sql}\0`);
    message.writeUInt32BE(message.length - 1, 1);
    return this.ask(message);
  }
}

// NATS: lines; what is published on a subject comes back to who subscribes to it.
class Broker extends Link {
  greet() {
    this.socket.write('CONNECT {"verbose":false}\r\nSUB orders 1\r\nPING\r\n');
  }

  read() {
    const lines = this.received.toString("latin1").split("\r\n");
    this.received = Buffer.from(lines.pop(), "latin1");
    for (const line of lines) {
      if (line === "PONG" || line === "an order") this.answer();
      if (line === "PING") this.socket.write("PONG\r\n");
    }
  }

  publish() {
    return this.ask("PUB orders 8\r\nan order\r\n");
  }
}

const database = new Database(databasePort);
const broker = new Broker(brokerPort);

createServer((request, response) => {
  request.resume();
  Promise.all([database.query("INSERT INTO orders DEFAULT VALUES"), broker.publish()]).then(
    () => response.end("stored\n"),
    () => response.writeHead(503).end(),
  );
}).listen(port, "127.0.0.1");
