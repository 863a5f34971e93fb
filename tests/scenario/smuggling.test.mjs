// Request smuggling, looked for: requests that have been damaged at random, each with another one
// smuggled into its body, go through Ringway to Node, nginx and HAProxy. Whatever Ringway refuses is
// fine. Whatever it takes, each of them must have read as Ringway did, as its log tells: the same
// requests, in the same order, with the same bodies, and nothing else.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import http from "node:http";
import net from "node:net";
import { test } from "node:test";
import { cleanup } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { freePorts } from "./support/ports.mjs";
import { startHaproxy, startNginx } from "./support/servers.mjs";
import { within } from "./support/wait.mjs";

const SEED = Number(process.env.SMUGGLING_SEED ?? 1);
const CASES = Number(process.env.SMUGGLING_CASES ?? 400);

// mulberry32 (T. Ettinger): small, and the same everywhere.
function randomOf(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const hex = (text) => text.length.toString(16);
const chunked = (extension = "", trailer = "") => `${hex(SMUGGLED)}${extension}\r\n${SMUGGLED}\r\n0\r\n${trailer}\r\n`;

// Each takes the case's number, and is a fine request.
const wholes = [
  (n) => `POST /${n} HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
  (n) => `POST /${n} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunked()}`,
  (n) => `POST /${n} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(';x="y"', "X-Trailer: z\r\n")}`,
  (n) => `PUT http://a/${n}?q=1 HTTP/1.1\r\nHost: a\r\nX-A: b\r\nContent-Length: ${SMUGGLED.length}\r\nConnection: keep-alive\r\n\r\n${SMUGGLED}`,
  (n) => `GET /${n}?a=b&c=%20d HTTP/1.1\r\nHost: a:80\r\nX-Empty:\r\nX-B: c d\r\n\r\n${SMUGGLED}`,
  (n) => `POST /${n} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
  (n) => `DELETE /${n} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n${SMUGGLED}`,
];

// What other parsers have been led astray with.
const bits = ["\n", "\r", "\r\n", "\0", " ", "\t", "\v", "\f", "\x7f", "\x85", "\xa0", "\xff", ":", ";", ",", "+", "-", "_", "0", "1", "%", "%0d%0a", "%00", "#", "?", "//", "/../", "/./", "\\", "@", "\r\n ", "\n\n", "\r\r", '"', "chunked", ", identity", "x"];
const lines = [
  "Transfer-Encoding: chunked",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding: Chunked",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: x, chunked",
  "Transfer_Encoding: chunked",
  "Transfer-Encoding:\tchunked",
  "Content-Length: 0",
  "Content-Length: 5",
  `Content-Length: ${SMUGGLED.length}`,
  `Content-Length: 0${SMUGGLED.length}`,
  "Content_Length: 3",
  "Content-Length: 0x5",
  "Host: b",
  "Host: a",
  "Connection: Content-Length",
  "Connection: Transfer-Encoding",
  "Connection: close",
  "Connection: Host, X-A",
  "Expect: 100-continue",
  "Upgrade: h2c",
  "Upgrade: websocket",
  "TE: trailers",
  "Trailer: Content-Length",
  "X-HTTP-Method-Override: GET",
  " folded: x",
  "GET /smuggled HTTP/1.1",
  "",
];

// One damage: latin1 text in, the same out.
const damages = [
  (text, random) => insert(text, random(text.length), bits[random(bits.length)]),
  (text, random) => insert(text, random(text.length), bits[random(bits.length)]),
  (text, random) => addLine(text, random, lines[random(lines.length)]),
  (text, random) => addLine(text, random, lines[random(lines.length)]),
  (text, random) => remove(text, random(text.length)),
  (text, random) => text.replace("\r\n", () => ["\n", "\r", "\r\r\n", " \r\n"][random(4)]),
  (text, random) => replaceNth(text, "\r\n", random(8), ["\n", "\r", "\r\r\n", " \r\n", "\r\n\t"][random(5)]),
  (text, random) => doubleLine(text, random),
  (text, random) => text.replace(/HTTP\/1\.[01]/, () => ["HTTP/1.0", "HTTP/1.1", "HTTP/1.2", "HTTP/0.9", "http/1.1", "HTTP/2.0"][random(6)]),
];

function insert(text, at, what) {
  return text.slice(0, at) + what + text.slice(at);
}

function remove(text, at) {
  return text.slice(0, at) + text.slice(at + 1);
}

function replaceNth(text, what, nth, by) {
  const parts = text.split(what);
  const at = nth % parts.length;
  return parts.reduce((whole, part, i) => whole + (i === at ? by : what) + part);
}

function addLine(text, random, line) {
  const head = text.slice(0, text.indexOf("\r\n\r\n")).split("\r\n");
  head.splice(1 + random(head.length), 0, line);
  return head.join("\r\n") + text.slice(text.indexOf("\r\n\r\n"));
}

function doubleLine(text, random) {
  const head = text.slice(0, Math.max(0, text.indexOf("\r\n\r\n"))).split("\r\n");
  return addLine(text, random, head[random(head.length)]);
}

function damaged(number) {
  const random = randomOf(SEED * 1000003 + number);
  let text = wholes[random(wholes.length)](number);
  for (let i = random(3); i >= 0; i--) text = damages[random(damages.length)](text, random);
  return text + `GET /end-${number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
}

// Behind all of them: what they have read, when it was complete.
async function startRecorder(t) {
  const read = [];
  const server = http.createServer(async (request, response) => {
    const hash = createHash("sha1");
    try {
      for await (const chunk of request) hash.update(chunk);
    } catch {
      return; // not complete
    }
    read.push({ line: `${request.method} ${request.url.split("?")[0]}`, host: request.headers.host, body: hash.digest("hex") });
    response.end("ok");
  });
  server.keepAliveTimeout = 30000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return { read, port: server.address().port };
}

function send(port, bytes) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.on("close", resolve);
    socket.end(Buffer.from(bytes, "latin1"));
  });
}

const behind = {
  node: async (_t, _port, recorder) => recorder.port,
  nginx: async (t, port, recorder) => {
    await startNginx(t, {
      http: `
        client_max_body_size 0;
        upstream recorder { server 127.0.0.1:${recorder.port}; keepalive 4; }
        server {
          listen 127.0.0.1:${port};
          merge_slashes off;
          location / { proxy_pass http://recorder; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; }
        }`,
      ports: [port],
    });
    return port;
  },
  haproxy: async (t, port, recorder) => {
    await startHaproxy(t, {
      sections: `
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 10s
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server recorder 127.0.0.1:${recorder.port}
`,
      ports: [port],
    });
    return port;
  },
};

test(`Node, nginx and HAProxy read what Ringway forwards as Ringway has read it (seed ${SEED})`, async (t) => {
  const chains = [];
  for (const [name, start] of Object.entries(behind)) {
    const recorder = await startRecorder(t);
    const [port, own] = await freePorts(2);
    chains.push({ name, recorder, port, read: [], origin: await start(t, own, recorder) });
  }
  const each = (line) => chains.map(line).join("\n");
  const gateway = await startGateway(
    t,
    `
threads: 1
listeners:
${each(({ name, port }) => `  - { name: ${name}, address: "127.0.0.1:${port}" }`)}
routes:
${each(({ name }) => `  - { name: ${name}, match: { listeners: [${name}] }, upstream: ${name} }`)}
upstreams:
${each(({ name, origin }) => `  - { name: ${name}, endpoints: ["127.0.0.1:${origin}"] }`)}
`,
  );
  const pass = async (chain, number) => {
    const bytes = damaged(number);
    await within(15000, `case ${number} of ${chain.name}: ${JSON.stringify(bytes)}`, send(chain.port, bytes));
    // Of HTTP/1.0 without Host the origin is told its own address.
    for (const read of chain.recorder.read.splice(0)) chain.read.push({ ...read, host: read.host.replace(`127.0.0.1:${chain.origin}`, "origin"), number });
  };
  for (let number = 0; number < CASES; number++) await Promise.all(chains.map((chain) => pass(chain, number)));
  await gateway.stop(); // the log is whole
  const taken = gateway.accessLinesNow().filter((line) => line.status === 200);
  const show = (number) => `case ${number}: ${JSON.stringify(damaged(number))}`;
  const bodies = new Map();
  for (const { name, read } of chains) {
    const byRingway = taken.filter((line) => line.route === name).map((line) => `${line.method} ${line.path}`);
    t.diagnostic(`${name}: ${byRingway.length} requests`);
    for (let i = 0; i < read.length; i++) {
      const { line, host, body, number } = read[i];
      assert.equal(`${name}: ${line}`, `${name}: ${byRingway[i]}`, show(number));
      const first = bodies.get(`${number} ${line}`) ?? { host, body };
      bodies.set(`${number} ${line}`, first);
      assert.deepEqual({ host, body }, first, `${name}: ${show(number)}`);
    }
    assert.equal(read.length, byRingway.length, name);
    assert.ok(read.length > CASES / 8);
  }
});
