// A name server that knows what the test tells it: names with IPv4 addresses.
//
//   const names = await startNames(t);
//   names.set("redis.test", "127.0.0.1");      dns: { servers: [names.address] }

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { cleanup } from "./cleanup.mjs";

const TYPE_A = 1;

// The question's name, and where it ends.
function readQuestion(packet) {
  const labels = [];
  let at = 12;
  while (packet[at]) {
    labels.push(packet.toString("latin1", at + 1, at + 1 + packet[at]));
    at += packet[at] + 1;
  }
  return { name: labels.join(".").toLowerCase(), type: packet.readUInt16BE(at + 1), end: at + 5 };
}

function answer(packet, addresses) {
  const { name, type, end } = readQuestion(packet);
  const found = type === TYPE_A ? (addresses.get(name) ?? []) : [];
  const head = Buffer.from(packet.subarray(0, end));
  head.writeUInt16BE(addresses.has(name) ? 0x8180 : 0x8183, 2);
  head.writeUInt16BE(found.length, 6);
  head.writeUInt32BE(0, 8);
  const records = found.map((address) => Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split(".").map(Number)]));
  return Buffer.concat([head, ...records]);
}

export async function startNames(t) {
  const socket = createSocket("udp4");
  const addresses = new Map();
  socket.on("message", (packet, peer) => socket.send(answer(packet, addresses), peer.port, peer.address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  cleanup(t, () => new Promise((resolve) => socket.close(resolve)));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    set: (name, ...to) => addresses.set(name, to),
  };
}
