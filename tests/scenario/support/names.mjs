// A name server that knows what the test tells it: names with IPv4 addresses, services with targets; each for a second.
//
//   const names = await startNames(t);
//   names.set("redis.test", "127.0.0.1");      dns: { servers: [names.address] }

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { cleanup } from "./cleanup.mjs";

const TYPE_A = 1;
const TYPE_SRV = 33;
const TTL_S = 1;
export const SERVER_FAILURE = 2;
export const NO_SUCH_NAME = 3;

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

const record = (type, data) => Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, TTL_S, 0, data.length]), data]);
const encodeAddress = (address) => record(TYPE_A, Buffer.from(address.split(".").map(Number)));
const encodeName = (name) => Buffer.concat([...name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);
const encodeService = ({ priority = 0, weight = 0, port, target }) =>
  record(TYPE_SRV, Buffer.concat([Buffer.from([0, priority, 0, weight, port >> 8, port & 255]), encodeName(target)]));

function answer(packet, known, flaws) {
  const { name, type, end } = readQuestion(packet);
  const records = (known.get(name) ?? []).filter((one) => one.readUInt16BE(2) === type);
  const head = Buffer.from(packet.subarray(0, end));
  head.writeUInt16BE(0x8180 | (flaws.get(name) ?? (known.has(name) ? 0 : NO_SUCH_NAME)), 2);
  head.writeUInt16BE(flaws.has(name) ? 0 : records.length, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...(flaws.has(name) ? [] : records)]);
}

export async function startNames(t) {
  const socket = createSocket("udp4");
  const known = new Map();
  const flaws = new Map();
  socket.on("message", (packet, peer) => socket.send(answer(packet, known, flaws), peer.port, peer.address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  cleanup(t, () => new Promise((resolve) => socket.close(resolve)));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    // From now on nothing is answered.
    stop: () => socket.removeAllListeners("message"),
    set: (name, ...to) => flaws.delete(name) | known.set(name, to.map(encodeAddress)),
    // `to`: { priority, weight, port, target }.
    setService: (name, ...to) => known.set(name, to.map(encodeService)),
    // From now on the name has this answer and no addresses.
    fail: (name, code) => flaws.set(name, code),
  };
}
