// A server that depends on a database and a broker: `node shop-origin.mjs PORT DATABASE BROKER`.
// Each request stores an order in PostgreSQL and has it back from NATS before it is answered, with
// 200, or 503 while one of the two is away or takes too long. Both are spoken to over plain sockets.

import { createServer } from "node:http";
import process from "node:process";
import { Broker, Database } from "./links.mjs";

const [port, databasePort, brokerPort] = process.argv.slice(2).map(Number);
const database = new Database(databasePort);
const broker = new Broker(brokerPort);

createServer((request, response) => {
  request.resume();
  Promise.all([database.query("INSERT INTO orders DEFAULT VALUES"), broker.publish()]).then(
    () => response.end("stored\n"),
    () => response.writeHead(503).end(),
  );
}).listen(port, "127.0.0.1");
