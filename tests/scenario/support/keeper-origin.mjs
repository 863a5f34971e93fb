// A server that keeps what it is told: `node keeper-origin.mjs PORT STORE STORE_PORT`, where STORE is
// postgres (a table orders(number)), nats (JetStream; $STORAGE: file or memory), redis, or none, which
// keeps nothing and knows everything. PUT /orders/NUMBER answers 204 once the store has acknowledged,
// GET /orders/NUMBER 200 or 404; 503 while the store is away.

import { createServer } from "node:http";
import process from "node:process";
import { Database, Store, Stream } from "./links.mjs";

class Table extends Database {
  store(number) {
    return this.query(`INSERT INTO orders VALUES (${number})`);
  }

  async has(number) {
    return (await this.query(`SELECT number FROM orders WHERE number = ${number}`)) > 0;
  }
}

class Nothing {
  async store() {}

  async has() {
    return true;
  }
}

const [port, kind, storePort] = process.argv.slice(2);
const store = new { postgres: Table, nats: Stream, redis: Store, none: Nothing }[kind](Number(storePort));

async function answer(request) {
  const [number] = request.url.match(/\d+$/) ?? [];
  if (!number) return 200;
  if (request.method === "GET") return (await store.has(number)) ? 200 : 404;
  await store.store(number);
  return 204;
}

createServer((request, response) => {
  request.resume();
  answer(request).then(
    (status) => response.writeHead(status).end(),
    () => response.writeHead(503).end(),
  );
}).listen(Number(port), "127.0.0.1");
