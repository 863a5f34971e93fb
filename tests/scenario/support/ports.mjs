// Ports below the ephemeral range, so that no outgoing connection takes one in between; each test
// process has a slice of its own, so that tests in parallel do not take each other's.

import { createServer } from "node:net";
import process from "node:process";

const FIRST = 12000;
const SLICE = 50;
const SLICES = 400;

const start = FIRST + (process.pid % SLICES) * SLICE;
let next = 0;

function canListen(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export async function freePort() {
  for (let tries = 0; tries < 2 * SLICE; tries++) {
    const port = start + (next++ % SLICE);
    if (await canListen(port)) return port;
  }
  throw new Error("no free port");
}

export async function freePorts(count) {
  const ports = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}
