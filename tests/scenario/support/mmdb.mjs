// A MaxMind database of countries, made for a test (the format: maxmind.github.io/MaxMind-DB).
//
//   writeFileSync(file, countryDatabase([["192.0.2.0/24", { iso_code: "DE", is_in_european_union: true }]]));

import { Buffer } from "node:buffer";

// ---- Data ----

const TYPES = { string: 2, uint16: 5, uint32: 6, map: 7, uint64: 9, array: 11, bool: 14 };

function control(type, size) {
  const head = type < 8 ? [(type << 5) | Math.min(size, 29)] : [Math.min(size, 29), type - 7];
  if (size >= 29) throw new Error("longer than this writer needs");
  return Buffer.from(head);
}

function integer(type, value) {
  const digits = value.toString(16);
  const bytes = value ? Buffer.from(digits.length % 2 ? `0${digits}` : digits, "hex") : Buffer.alloc(0);
  return Buffer.concat([control(TYPES[type], bytes.length), bytes]);
}

function encode(value) {
  if (typeof value === "string") return Buffer.concat([control(TYPES.string, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === "boolean") return control(TYPES.bool, value ? 1 : 0);
  if (Array.isArray(value)) return Buffer.concat([control(TYPES.array, value.length), ...value.map(encode)]);
  if (value.type) return integer(value.type, value.value);
  const entries = Object.entries(value);
  return Buffer.concat([control(TYPES.map, entries.length), ...entries.flatMap(([key, item]) => [encode(key), encode(item)])]);
}

// ---- The tree ----

// As 128 bits; IPv4 at ::a.b.c.d, which is where readers look for it.
function bitsOf(network) {
  const [host, length] = network.split("/");
  if (host.includes(".")) {
    const v4 = host.split(".").map((part) => Number(part).toString(2).padStart(8, "0"));
    return ("0".repeat(96) + v4.join("")).slice(0, 96 + Number(length));
  }
  const [front, back = ""] = host.split("::");
  const groups = (text) => text.split(":").filter(Boolean);
  const middle = 8 - groups(front).length - groups(back).length;
  const all = [...groups(front), ...Array(host.includes("::") ? middle : 0).fill("0"), ...groups(back)];
  return all.map((group) => parseInt(group, 16).toString(2).padStart(16, "0")).join("").slice(0, Number(length));
}

function addNetwork(nodes, bits, leaf) {
  let at = 0;
  for (const bit of bits.slice(0, -1)) {
    if (typeof nodes[at][bit] !== "number") {
      nodes[at][bit] = nodes.length;
      nodes.push([null, null]);
    }
    at = nodes[at][bit];
  }
  nodes[at][bits.at(-1)] = leaf;
}

// Networks do not overlap.
export function countryDatabase(networks, { type = "GeoLite2-Country", built = 1767225600 } = {}) {
  const nodes = [[null, null]];
  const data = [];
  let bytes = 0;
  for (const [network, country] of networks) {
    const item = encode({ country });
    addNetwork(nodes, bitsOf(network), { at: bytes });
    data.push(item);
    bytes += item.length;
  }
  const tree = Buffer.alloc(nodes.length * 8);
  nodes.forEach((node, index) =>
    node.forEach((record, side) => {
      const value = record === null ? nodes.length : typeof record === "number" ? record : nodes.length + 16 + record.at;
      tree.writeUInt32BE(value, index * 8 + side * 4);
    }),
  );
  const metadata = encode({
    node_count: { type: "uint32", value: nodes.length },
    record_size: { type: "uint16", value: 32 },
    ip_version: { type: "uint16", value: 6 },
    database_type: type,
    languages: ["en"],
    binary_format_major_version: { type: "uint16", value: 2 },
    binary_format_minor_version: { type: "uint16", value: 0 },
    build_epoch: { type: "uint64", value: built },
    description: { en: "made for a test" },
  });
  return Buffer.concat([tree, Buffer.alloc(16), ...data, Buffer.from("\xab\xcd\xefMaxMind.com", "latin1"), metadata]);
}
