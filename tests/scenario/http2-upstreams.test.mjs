// HTTP/2 towards the servers behind: many requests on one connection, and what becomes of them when a
// stream, a connection or a server ends.

import assert from "node:assert/strict";
import crypto from "node:crypto";
import { writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import { join } from "node:path";
import process from "node:process";
import { Readable } from "node:stream";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { json, request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { FRAME, STATUS_200, frame, number32, readBody, startFrameOrigin, startH2Origin, startNghttpd } from "./support/h2-origin.mjs";
import { startOrigin, startRawOrigin } from "./support/origin.mjs";
import { exchangeRaw, openRaw } from "./support/raw.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually, settled, sleep } from "./support/wait.mjs";

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR } = http2.constants;

const config = (origins, more = "", head = "threads: 1") => `
${head}
routes: [{ upstream: app }]
upstreams:
  - name: app
    protocol: http2
    endpoints: [${origins.map((origin) => `"${origin.address}"`).join(", ")}]
${more}`;
const reasons = (g) => `threads: 1\nlisteners: [{ name: web, address: "127.0.0.1:${g.port}", reason_header: true }]`;
const reasonOf = (answer) => answer.headers["x-ringway-reason"];

// A body that nobody can guess, and its digest.
function blob(bytes) {
  const key = crypto.randomBytes(16);
  const cipher = () => crypto.createCipheriv("aes-128-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(64 * 1024);
  const stream = () => {
    let left = bytes;
    const make = cipher();
    return new Readable({
      read() {
        if (left === 0) return this.push(null);
        const size = Math.min(left, zeros.length);
        left -= size;
        this.push(make.update(zeros.subarray(0, size)));
      },
    });
  };
  return { bytes, stream };
}

async function digest(readable) {
  const hash = crypto.createHash("sha256");
  let bytes = 0;
  for await (const chunk of readable) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return `${bytes}:${hash.digest("hex")}`;
}

// ---- One request ----

test("a request arrives as HTTP/2 would have it", async (t) => {
  const origin = await startH2Origin(t);
  const gateway = await startGateway(t, config([origin]));
  const answer = await request(`${gateway.url}/a/b?c=d`, {
    method: "POST",
    headers: { "X-Mixed-Case": "Kept", TE: "trailers", Connection: "close, X-Hop", "X-Hop": "1", "Proxy-Connection": "x", "X-Forwarded-For": "192.0.2.9" },
    body: "hello",
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.version, "1.1");
  const { headers, body } = JSON.parse(answer.text);
  assert.equal(body, "hello");
  assert.equal(headers[":method"], "POST");
  assert.equal(headers[":scheme"], "http");
  assert.equal(headers[":authority"], `127.0.0.1:${gateway.port}`);
  assert.equal(headers[":path"], "/a/b?c=d");
  assert.equal(headers["x-mixed-case"], "Kept");
  assert.equal(headers["content-length"], "5");
  assert.equal(headers.te, "trailers");
  assert.equal(headers["x-forwarded-for"], "127.0.0.1");
  assert.equal(headers["x-forwarded-proto"], "http");
  assert.equal(headers.via, "1.1 ringway");
  assert.match(headers.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  for (const gone of ["host", "connection", "x-hop", "proxy-connection", "transfer-encoding"]) assert.equal(headers[gone], undefined, gone);
  assert.match(answer.headers.date, /GMT$/);
  assert.equal(answer.headers["content-length"], String(answer.bytes.length));
});

test("host and forwarded fields go by the same rules as over HTTP/1.1", async (t) => {
  const origin = await startH2Origin(t);
  const gateway = await startGateway(t, (g) =>
    config([origin], "    host: app.internal\n", `threads: 1\nlisteners: [{ name: web, address: "127.0.0.1:${g.port}", forwarded: both, trusted_proxies: [127.0.0.1] }]`),
  );
  const { headers } = await json(gateway.url, { headers: { Host: "shop.example", "X-Forwarded-For": "192.0.2.9", Forwarded: "for=192.0.2.9", Via: "1.1 edge" } });
  assert.equal(headers[":authority"], "app.internal");
  assert.equal(headers["x-forwarded-for"], "192.0.2.9, 127.0.0.1");
  assert.equal(headers["x-forwarded-host"], "shop.example");
  assert.equal(headers.forwarded, 'for=192.0.2.9, for=127.0.0.1;proto=http;host="shop.example"');
  assert.equal(headers.via, "1.1 edge, 1.1 ringway");
});

test("trailers go through both ways", async (t) => {
  const seen = {};
  const origin = await startH2Origin(t, {
    async answer(stream) {
      stream.respond({ ":status": 200, trailer: "x-sum" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "abc" }));
      stream.end("body");
    },
  });
  origin.server.on("stream", (stream) => stream.on("trailers", (trailers) => Object.assign(seen, trailers)));
  const gateway = await startGateway(t, config([origin]));
  const answer = await exchangeRaw(gateway.port, "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-check: 7\r\n\r\n");
  assert.deepEqual([answer.text, answer.trailers], ["body", { "x-sum": "abc" }]);
  await eventually(() => seen["x-check"] === "7");
});

test("responses without a body, HEAD, and 1xx before the answer", async (t) => {
  const origin = await startH2Origin(t, {
    answer(stream, headers) {
      if (headers[":path"] === "/204") return stream.respond({ ":status": 204 }, { endStream: true });
      if (headers[":path"] === "/304") return stream.respond({ ":status": 304, etag: '"a"' }, { endStream: true });
      if (headers[":path"] === "/empty") return stream.respond({ ":status": 200 }, { endStream: true });
      if (headers[":path"] === "/early") stream.additionalHeaders({ ":status": 103, link: "</a.css>; rel=preload" });
      stream.respond({ ":status": 200, "content-length": 5 });
      stream.end(headers[":method"] === "HEAD" ? undefined : "hello");
    },
  });
  const gateway = await startGateway(t, config([origin]));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const get = (path, options = {}) => request(gateway.url + path, { agent, ...options });
  assert.equal((await get("/204")).status, 204);
  assert.equal((await get("/304")).headers.etag, '"a"');
  const empty = await get("/empty");
  assert.deepEqual([empty.text, empty.headers["content-length"]], ["", "0"]);
  const head = await get("/", { method: "HEAD" });
  assert.deepEqual([head.status, head.text, head.headers["content-length"]], [200, "", "5"]);
  const early = await get("/early");
  assert.deepEqual([early.informational, early.text], [[103], "hello"]);
  agent.destroy();
});

test("an upgrade is not HTTP/2's: 501", async (t) => {
  const origin = await startH2Origin(t);
  const gateway = await startGateway(t, (g) => config([origin], "", reasons(g)));
  const answer = await request(gateway.url, { headers: { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" } });
  assert.deepEqual([answer.status, reasonOf(answer)], [501, "upgrade_unsupported"]);
});

test("over TLS: ALPN h2, and a server that has no such is told apart", async (t) => {
  const certificates = makeCertificates(t);
  const tls = { cert: certificates.read("usual.pem"), key: certificates.read("usual.key") };
  const origin = await startH2Origin(t, { tls });
  const old = await startOrigin(t, { tls });
  const more = "    tls: { verify: false }\n";
  const gateway = await startGateway(t, config([origin], more));
  assert.equal((await json(gateway.url)).headers[":scheme"], "https");
  const other = await startGateway(t, (g) => config([old], more, reasons(g)));
  const answer = await request(other.url);
  assert.deepEqual([answer.status, reasonOf(answer)], [502, "upstream_tls_failed"]);
  assert.match(other.stderr, /application protocol|ALPN/);
});

test("a server that speaks HTTP/1.1 is told apart", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, (g) => config([origin], "", reasons(g)));
  const answer = await request(gateway.url);
  assert.equal(answer.status, 502);
  assert.ok(["upstream_bad_response", "upstream_connect_failed"].includes(reasonOf(answer)), reasonOf(answer));
  assert.equal(origin.requests.length, 0);
});

// ---- Many ----

test("500 at a time share a few connections", async (t) => {
  const waiting = [];
  const origin = await startH2Origin(t, { answer: (stream) => waiting.push(stream) });
  const gateway = await startGateway(t, config([origin], "", "threads: 1"));
  const answers = Array.from({ length: 500 }, (_, i) => gateway.get(`/${i}`));
  await eventually(() => waiting.length === 500);
  for (const stream of waiting.sort(() => Math.random() - 0.5)) {
    stream.respond({ ":status": 200 });
    stream.end(`answer to ${stream.sentHeaders[":status"]}`);
  }
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  assert.equal(origin.connections, 5);
  const metrics = await gateway.metrics();
  assert.equal(metrics.value("ringway_upstream_connections_open"), 5);
});

test("each gets its own answer", async (t) => {
  const origin = await startH2Origin(t, {
    async answer(stream, headers, body) {
      await sleep(Math.random() * 20);
      stream.respond({ ":status": 200 });
      stream.end(`${headers[":path"]} ${body}`);
    },
  });
  const gateway = await startGateway(t, config([origin]));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
  await Promise.all(
    Array.from({ length: 1000 }, async (_, i) => {
      const { text } = await request(`${gateway.url}/${i}`, { method: "POST", body: `body ${i}`, agent });
      assert.equal(text, `/${i} body ${i}`);
    }),
  );
  agent.destroy();
});

test("what the server announces is kept to: others wait, in order and not for ever", async (t) => {
  const waiting = [];
  const origin = await startH2Origin(t, { options: { settings: { maxConcurrentStreams: 3 } }, answer: (stream) => waiting.push(stream) });
  const more = "    connections: { per_endpoint_max: 1, queue_max: 2, queue_timeout: 300ms }\n";
  const gateway = await startGateway(t, (g) => config([origin], more, reasons(g)));
  const first = Array.from({ length: 3 }, () => gateway.get("/"));
  await eventually(() => waiting.length === 3);
  const queued = [gateway.get("/"), gateway.get("/")];
  await eventually(async () => (await gateway.metrics()).value("ringway_requests_active") >= 5);
  const refused = await gateway.get("/");
  assert.deepEqual([refused.status, reasonOf(refused)], [503, "connection_queue_full"]);
  waiting[0].respond({ ":status": 200 });
  waiting[0].end("one");
  await eventually(() => waiting.length === 4);
  const late = await Promise.race(queued);
  assert.deepEqual([late.status, reasonOf(late)], [503, "connection_queue_timeout"]);
  for (const stream of waiting.slice(1)) {
    stream.respond({ ":status": 200 });
    stream.end("rest");
  }
  assert.equal((await Promise.all([...first, ...queued])).filter(({ status }) => status === 200).length, 4);
  assert.equal(origin.connections, 1);
});

test("threads share the endpoint's limit", async (t) => {
  const origin = await startH2Origin(t);
  const gateway = await startGateway(t, config([origin], "    connections: { per_endpoint_max: 1 }\n", "threads: 2"));
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(Array.from({ length: 40 }, () => gateway.get("/")));
    for (const { status } of answers) assert.equal(status, 200);
    assert.ok(origin.sessions.size <= 2, `${origin.sessions.size}`); // one may be on its way out
  }
});

test("a stream that lasts keeps its connection at work, whoever waits on other threads", async (t) => {
  let lasting;
  const origin = await startH2Origin(t, {
    options: { settings: { maxConcurrentStreams: 3 } },
    answer(stream, headers) {
      if (headers[":path"] === "/lasting") lasting = stream;
      else setTimeout(() => (stream.respond({ ":status": 200 }), stream.end("ok")), 5);
    },
  });
  const gateway = await startGateway(t, config([origin], "    connections: { per_endpoint_max: 1, queue_timeout: 800ms }\n", "threads: 2"));
  const first = gateway.get("/lasting");
  await eventually(() => lasting);
  const rounds = [];
  for (const begin = performance.now(); performance.now() - begin < 3000; ) {
    const answers = await Promise.all(Array.from({ length: 40 }, () => gateway.get("/")));
    rounds.push(answers.filter(({ status }) => status === 200).length);
  }
  assert.ok(rounds.at(-1) > 0, rounds.join(" "));
  lasting.respond({ ":status": 200 });
  lasting.end("at last");
  assert.equal((await first).text, "at last");
});

// ---- Bodies ----

// Takes a break after every 8 MiB.
async function* haltingly(readable) {
  let passed = 0;
  for await (const chunk of readable) {
    if (passed % (8 << 20) > (passed + chunk.length) % (8 << 20)) await sleep(20);
    passed += chunk.length;
    yield chunk;
  }
}

test("64 MiB each way, with readers that are slow", async (t) => {
  const up = blob(64 << 20);
  const down = blob(64 << 20);
  let received;
  const origin = await startH2Origin(t, {
    streaming: true,
    answer(stream) {
      stream.respond({ ":status": 200 });
      received = digest(haltingly(stream.iterator({ destroyOnReturn: false })));
      // The end of a response ends its request: it comes last.
      const body = down.stream();
      body.pipe(stream, { end: false });
      body.once("end", () => received.finally(() => stream.end()));
    },
  });
  const gateway = await startGateway(t, config([origin]));
  const ask = http.request(gateway.url, { method: "POST", agent: false });
  up.stream().pipe(ask);
  const response = await new Promise((resolve, reject) => ask.once("response", resolve).once("error", reject));
  assert.equal(await digest(haltingly(response)), await digest(down.stream()));
  assert.equal(await received, await digest(up.stream()));
});

test("a client that does not read stops its own stream only", async (t) => {
  let sent = 0;
  const origin = await startH2Origin(t, {
    answer(stream, headers) {
      stream.respond({ ":status": 200 });
      if (headers[":path"] !== "/big") return stream.end("small");
      const chunk = Buffer.alloc(64 * 1024);
      const more = () => {
        while (!stream.destroyed) {
          sent += chunk.length;
          if (!stream.write(chunk)) return stream.once("drain", more);
        }
      };
      more();
    },
  });
  const gateway = await startGateway(t, config([origin]));
  const slow = await openRaw(gateway.port);
  slow.socket.pause();
  slow.write("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  let before = -1;
  await eventually(
    () => {
      const still = sent > 0 && sent === before;
      before = sent;
      return still;
    },
    { every: 300 },
  );
  assert.ok(sent < 64 << 20, `${sent}`);
  for (let i = 0; i < 20; i++) assert.equal((await gateway.get("/")).text, "small");
  assert.equal(origin.connections, 1);
  slow.destroy();
});

test("a server that stops reading stops the client; then it times out", async (t) => {
  const origin = await startFrameOrigin(t, () => {}, { settings: Buffer.concat([Buffer.from([0, 4]), number32(0)]) });
  const gateway = await startGateway(
    t,
    (g) => `${reasons(g)}
routes: [{ upstream: app, timeouts: { first_byte: 500ms } }]
upstreams: [{ name: app, protocol: http2, endpoints: ["${origin.address}"], http2: { ping_interval: 0s } }]`,
  );
  const answer = await request(gateway.url, { method: "POST", body: "x".repeat(1000) });
  assert.deepEqual([answer.status, reasonOf(answer)], [504, "upstream_response_timeout"]);
  await eventually(() => origin.connections[0].frames.some(({ type, payload }) => type === FRAME.RST_STREAM && payload.readUInt32BE(0) === NGHTTP2_CANCEL));
});

test("an answer before the body has been sent ends the request", async (t) => {
  const origin = await startH2Origin(t, {
    streaming: true,
    answer(stream) {
      stream.respond({ ":status": 403 });
      stream.end("no");
    },
  });
  const gateway = await startGateway(t, config([origin]));
  const body = new Readable({ read() {} });
  body.push("some");
  const answer = await request(gateway.url, { method: "POST", body });
  assert.deepEqual([answer.status, answer.text], [403, "no"]);
  body.destroy();
  assert.equal((await gateway.get("/")).status, 403);
  assert.equal(origin.connections, 1);
});

// ---- HTTP/2 clients ----

function ask(session, headers, body) {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined });
    const answer = { informational: [] };
    const chunks = [];
    stream.on("headers", (early) => answer.informational.push(early[":status"]));
    stream.on("response", (response) => (answer.headers = response));
    stream.on("trailers", (trailers) => (answer.trailers = trailers));
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => resolve({ ...answer, text: Buffer.concat(chunks).toString() }));
    if (body !== undefined) stream.end(body);
  });
}

test("HTTP/2 all the way: 300 streams, trailers, an early hint, a reset", async (t) => {
  const codes = [];
  const origin = await startH2Origin(t, {
    streaming: true,
    async answer(stream, headers) {
      stream.once("close", () => codes.push(stream.rstCode));
      if (headers[":path"] === "/never") return;
      const body = await readBody(stream);
      stream.additionalHeaders({ ":status": 103, link: "</a.css>" });
      stream.respond({ ":status": 200, via: headers.via }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-path": headers[":path"] }));
      stream.end(body);
    },
  });
  const gateway = await startGateway(t, config([origin]));
  const session = http2.connect(gateway.url);
  try {
    const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => ask(session, { ":method": "POST", ":path": `/${i}` }, `body ${i}`)));
    answers.forEach(({ headers, trailers, informational, text }, i) => {
      assert.deepEqual([headers[":status"], text, trailers["x-path"], informational], [200, `body ${i}`, `/${i}`, [103]]);
      assert.equal(headers.via, "2.0 ringway");
    });
    const never = session.request({ ":path": "/never" });
    never.on("error", () => {});
    await eventually(() => origin.requests.some((headers) => headers[":path"] === "/never"));
    never.close(NGHTTP2_CANCEL);
    await eventually(() => codes.includes(NGHTTP2_CANCEL));
    assert.ok(origin.connections <= 3, `${origin.connections}`);
  } finally {
    session.destroy();
  }
});

// ---- Ends ----

test("a client that leaves resets its stream; the connection lives", async (t) => {
  const codes = [];
  const origin = await startH2Origin(t, {
    streaming: true,
    answer(stream, headers) {
      stream.once("close", () => codes.push(stream.rstCode));
      stream.respond({ ":status": 200 });
      if (headers[":path"] === "/") stream.end("fine");
      else stream.write("begun");
    },
  });
  const gateway = await startGateway(t, config([origin]));
  const raw = await openRaw(gateway.port);
  raw.write("GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
  await raw.head();
  raw.socket.resetAndDestroy();
  await eventually(() => codes.includes(NGHTTP2_CANCEL));
  assert.equal((await gateway.get("/")).text, "fine");
  assert.equal(origin.connections, 1);
});

test("a stream that is reset in the middle cuts its response only", async (t) => {
  const origin = await startFrameOrigin(t, ({ type, id }, connection) => {
    if (type !== FRAME.HEADERS) return;
    const broken = [frame(FRAME.HEADERS, 4, id, STATUS_200), frame(FRAME.DATA, 0, id, Buffer.from("begun")), frame(FRAME.RST_STREAM, 0, id, number32(NGHTTP2_INTERNAL_ERROR))];
    connection.send(...(id === 1 ? broken : [frame(FRAME.HEADERS, 5, id, STATUS_200)]));
  });
  const gateway = await startGateway(t, config([origin]));
  const broken = await settled([gateway.get("/")]);
  assert.ok(broken.errors.length || broken.values[0].status === 502); // by what has left when the reset comes
  assert.equal((await gateway.get("/")).status, 200);
  assert.equal(origin.connections.length, 1);
  await gateway.accessLines(1, (line) => line.reason === "upstream_reset");
});

test("REFUSED_STREAM is repeated, with its body, whatever the method", async (t) => {
  let refusals = 0;
  const origin = await startH2Origin(t, {
    streaming: true,
    async answer(stream) {
      if (refusals++ === 0) return stream.close(NGHTTP2_REFUSED_STREAM);
      const body = await readBody(stream);
      stream.respond({ ":status": 200 });
      stream.end(body);
    },
  });
  const gateway = await startGateway(t, config([origin]));
  const answer = await request(gateway.url, { method: "POST", body: "precious" });
  assert.deepEqual([answer.status, answer.text, origin.requests.length], [200, "precious", 2]);
  assert.equal((await gateway.metrics()).value("ringway_upstream_retries_total"), 1);
});

test("what the server may have worked on is not repeated unless it may be", async (t) => {
  const origin = await startH2Origin(t, { streaming: true, answer: (stream) => stream.close(NGHTTP2_INTERNAL_ERROR) });
  const gateway = await startGateway(t, (g) => config([origin], "", reasons(g)));
  const answer = await request(gateway.url, { method: "POST", body: "once" });
  assert.deepEqual([answer.status, reasonOf(answer), origin.requests.length], [502, "upstream_reset", 1]);
});

test("GOAWAY under load: no request fails", async (t) => {
  let count = 0;
  const origin = await startH2Origin(t, {
    async answer(stream) {
      const { session } = stream;
      if (++count % 50 === 0 && session && !session.closed && !session.told) {
        session.told = true; // and stays open until the gateway closes it: close() of Node 18 cuts what is under way
        session.goaway();
      }
      await sleep(Math.random() * 5);
      stream.respond({ ":status": 200 });
      stream.end("fine");
    },
  });
  const gateway = await startGateway(t, config([origin], "", "threads: 2"));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 40 });
  const { values, errors } = await settled(Array.from({ length: 2000 }, () => request(gateway.url, { agent, method: "POST", body: "x" })));
  agent.destroy();
  assert.deepEqual([errors.length, values.filter(({ status }) => status !== 200).length], [0, 0]);
  assert.ok(origin.connections > 10, `${origin.connections}`);
});

test("GOAWAY that leaves out a request: it is sent again, a POST too", async (t) => {
  const origin = await startFrameOrigin(t, ({ type, id }, connection) => {
    if (type !== FRAME.HEADERS) return;
    if (connection.number === 0) connection.send(frame(FRAME.GOAWAY, 0, 0, number32(0, 0)));
    else connection.send(frame(FRAME.HEADERS, 5, id, STATUS_200));
  });
  const gateway = await startGateway(t, config([origin]));
  const answer = await request(gateway.url, { method: "POST", body: "once" });
  assert.deepEqual([answer.status, origin.connections.length], [200, 2]);
});

test("GOAWAY time and again: whoever is left out each time is sent each time, beyond tries and budget", async (t) => {
  const left = 8;
  const origin = await startFrameOrigin(t, ({ type, id }, connection) => {
    if (type !== FRAME.HEADERS) return;
    if (connection.number < left) connection.send(frame(FRAME.GOAWAY, 0, 0, number32(0, 0)));
    else connection.send(frame(FRAME.HEADERS, 5, id, STATUS_200));
  });
  const gateway = await startGateway(t, config([origin], "    retries: { tries: 2, budget_percent: 0, budget_min: 0, budget_burst: 1 }"));
  const answer = await request(gateway.url, { method: "POST", body: "once" });
  assert.deepEqual([answer.status, origin.connections.length], [200, left + 1]);
  const bodies = origin.connections.map(({ frames }) => frames.filter(({ type }) => type === FRAME.DATA).map(({ payload }) => payload.toString()).join(""));
  assert.deepEqual(bodies, Array(left + 1).fill("once"));
  const metrics = await gateway.metrics();
  assert.deepEqual([metrics.value("ringway_upstream_moves_total"), metrics.value("ringway_upstream_retries_total")], [left, 0]);
});

test("a server that does nothing but end connections has failed", async (t) => {
  const origin = await startFrameOrigin(t, ({ type }, connection) => {
    if (type === FRAME.HEADERS) connection.send(frame(FRAME.GOAWAY, 0, 0, number32(0, 0)));
  });
  const gateway = await startGateway(t, (g) => config([origin], "", reasons(g)));
  const answer = await request(gateway.url, { method: "POST", body: "once" });
  assert.deepEqual([answer.status, reasonOf(answer), origin.connections.length], [502, "upstream_reset", 16 + 3]);
});

test("a server that is killed: others take over, what had begun is cut", async (t) => {
  const first = await startNghttpd(t);
  const second = await startNghttpd(t, { folder: first.folder });
  writeFileSync(join(first.folder, "file"), "content");
  const gateway = await startGateway(t, config([first, second]));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  const ask = () => request(`${gateway.url}/file`, { agent });
  assert.equal((await ask()).text, "content");
  const asked = [];
  for (let i = 0; i < 400; i++) {
    asked.push(ask());
    if (i === 200) process.kill(first.pid, "SIGKILL");
    if (i % 16 === 0) await sleep(1);
  }
  const answers = await Promise.all(asked);
  agent.destroy();
  assert.deepEqual(
    answers.filter(({ text }) => text !== "content").map(({ status }) => status),
    [],
  );
});

test("nghttpd over TLS", async (t) => {
  const certificates = makeCertificates(t);
  const origin = await startNghttpd(t, { tls: { key: certificates.key("usual"), cert: certificates.cert("usual") } });
  writeFileSync(join(origin.folder, "file"), "content");
  const gateway = await startGateway(t, config([origin], "    tls: { verify: false }\n"));
  assert.equal((await gateway.get("/file")).text, "content");
});

test("a dead peer is found by PING, and its requests are repeated", async (t) => {
  const origin = await startFrameOrigin(t, ({ type, id }, connection) => {
    if (type === FRAME.HEADERS && connection.number > 0) connection.send(frame(FRAME.HEADERS, 5, id, STATUS_200));
  });
  const gateway = await startGateway(t, config([origin], "    http2: { ping_interval: 100ms, ping_timeout: 100ms }\n"));
  const answer = await gateway.get("/");
  assert.deepEqual([answer.status, origin.connections.length], [200, 2]);
  assert.ok(origin.connections[0].frames.some(({ type, flags }) => type === FRAME.PING && flags === 0));
});

test("a server that answers PING is only slow", async (t) => {
  const origin = await startFrameOrigin(t, ({ type, flags, id, payload }, connection) => {
    if (type === FRAME.PING && !flags) connection.send(frame(FRAME.PING, 1, 0, payload));
    if (type === FRAME.HEADERS) setTimeout(() => connection.send(frame(FRAME.HEADERS, 5, id, STATUS_200)), 500);
  });
  const gateway = await startGateway(t, config([origin], "    http2: { ping_interval: 50ms, ping_timeout: 5s }\n"));
  assert.equal((await gateway.get("/")).status, 200);
  assert.equal(origin.connections.length, 1);
});

test("what is not HTTP/2 in the middle costs the connection, and says so", async (t) => {
  const origin = await startFrameOrigin(t, ({ type }, connection) => {
    if (type === FRAME.HEADERS) connection.send(frame(FRAME.HEADERS, 4, 2, STATUS_200)); /* a stream of its own */
  });
  const gateway = await startGateway(t, (g) => config([origin], "", reasons(g)));
  const answer = await request(gateway.url, { method: "POST", body: "x" });
  assert.deepEqual([answer.status, reasonOf(answer)], [502, "upstream_bad_response"]);
  await eventually(() => origin.connections[0].frames.some(({ type, payload }) => type === FRAME.GOAWAY && payload.readUInt32BE(4) === 1));
});

test("a malformed response is refused, others go on", async (t) => {
  const origin = await startFrameOrigin(t, ({ type, id }, connection) => {
    if (type !== FRAME.HEADERS) return;
    // The first has a field that belongs to HTTP/1.1's connections.
    const bad = Buffer.concat([STATUS_200, Buffer.from([0, 10]), Buffer.from("connection"), Buffer.from([5]), Buffer.from("close")]);
    connection.send(frame(FRAME.HEADERS, 5, id, id === 1 ? bad : STATUS_200));
  });
  const gateway = await startGateway(t, (g) => config([origin], "", reasons(g)));
  const answer = await request(gateway.url);
  assert.deepEqual([answer.status, reasonOf(answer)], [502, "upstream_bad_response"]);
  assert.equal((await gateway.get("/")).status, 200);
  assert.equal(origin.connections.length, 1);
});

test("a head that is larger than the server takes is the client's: 431", async (t) => {
  const small = Buffer.alloc(6);
  small.writeUInt16BE(6, 0);
  small.writeUInt32BE(4096, 2);
  const origin = await startFrameOrigin(t, ({ type, id }, connection) => type === FRAME.HEADERS && connection.send(frame(FRAME.HEADERS, 5, id, STATUS_200)), { settings: small });
  const gateway = await startGateway(t, (g) => config([origin], "", reasons(g)));
  const answer = await request(gateway.url, { headers: { "X-Large": "x".repeat(4000) } });
  assert.deepEqual([answer.status, reasonOf(answer)], [431, "upstream_head_limit"]);
  assert.equal((await request(gateway.url, { headers: { "X-Large": "x".repeat(1000) } })).status, 200);
  assert.equal(origin.connections.length, 1);
});

test("connections are given up by age, by number of requests, when idle", async (t) => {
  const origin = await startH2Origin(t);
  const more = "    connections: { requests_max: 10, idle_timeout: 200ms }\n";
  const gateway = await startGateway(t, config([origin], more));
  for (let i = 0; i < 30; i++) assert.equal((await gateway.get("/")).status, 200);
  assert.equal(origin.connections, 3);
  await eventually(() => origin.sessions.size === 0);
  const aged = await startGateway(t, config([origin], "    http2: { age_max: 50ms }\n"));
  await aged.get("/");
  await sleep(60);
  await aged.get("/");
  await aged.get("/");
  assert.equal(origin.connections, 5);
});

test("nothing listens: 502; nothing answers: 504", async (t) => {
  const silent = await startRawOrigin(t);
  const gone = await startH2Origin(t);
  await gone.stop();
  const more = "    connect_timeout: 300ms\n";
  const refused = await startGateway(t, (g) => config([gone], more, reasons(g)));
  const quiet = await startGateway(t, (g) => config([silent], more, reasons(g)));
  const answers = [await request(refused.url), await request(quiet.url)];
  assert.deepEqual(
    answers.map((answer) => [answer.status, reasonOf(answer)]),
    [
      [502, "upstream_connect_failed"],
      [504, "upstream_connect_timeout"],
    ],
  );
});

// ---- Reload, health ----

test("a reload keeps what is under way; other settings, other connections", async (t) => {
  const waiting = [];
  const origin = await startH2Origin(t, { answer: (stream, headers) => (headers[":path"] === "/wait" ? waiting.push(stream) : (stream.respond({ ":status": 200 }), stream.end("fine"))) });
  const gateway = await startGateway(t, config([origin]));
  const under = gateway.get("/wait");
  await eventually(() => waiting.length === 1);
  await gateway.reload(config([origin], "    http2: { streams: 7 }\n"));
  assert.equal((await gateway.get("/")).text, "fine");
  assert.equal(origin.connections, 2);
  waiting[0].respond({ ":status": 200 });
  waiting[0].end("late");
  assert.equal((await under).text, "late");
  await eventually(() => origin.sessions.size === 1);
  await gateway.reload(config([await startH2Origin(t)]));
  await eventually(() => origin.sessions.size === 0);
});

test("health checks speak HTTP/2", async (t) => {
  let status = 200;
  const [sick, well] = await Promise.all([startH2Origin(t), startH2Origin(t)]);
  sick.answer = (stream, headers) => {
    stream.respond({ ":status": headers[":path"] === "/healthz" ? status : 200 });
    stream.end("sick");
  };
  const gateway = await startGateway(t, config([sick, well], "    health: { path: /healthz, interval: 100ms, timeout: 100ms, healthy_after: 1, unhealthy_after: 1 }\n"));
  const healthy = async () => (await json(`${gateway.admin}/upstreams`))[0].endpoints.filter(({ state }) => state === "up").length;
  await eventually(() => sick.requests.some((headers) => headers[":path"] === "/healthz" && headers["user-agent"] === "ringway-health"));
  status = 503;
  await eventually(async () => (await healthy()) === 1);
  status = 200;
  await eventually(async () => (await healthy()) === 2);
  await sick.stop();
  await eventually(async () => (await healthy()) === 1);
});

test("the configuration: a window that can never be used is refused", async (t) => {
  const file = join(scratch(t), "a.yaml");
  writeFileSync(file, `listeners: [{ address: ":8080" }]\nroutes: [{ upstream: app }]\nupstreams: [{ name: app, endpoints: ["127.0.0.1:1"], http2: { stream_window: 2MiB, connection_window: 1MiB } }]\n`);
  const checked = await runRingway("check", file);
  assert.notEqual(checked.code, 0);
  assert.match(checked.stderr + checked.stdout, /one stream cannot have more than the connection, which has 1MiB/);
});
