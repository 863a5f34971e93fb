// HTTP/2 towards clients: Node's client, curl and nghttp2's tools in front, HTTP/1.1 origins behind.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Readable } from "node:stream";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { connect2, request2 } from "./support/client2.mjs";
import { END_HEADERS, data, field, frame, headers, openFrames, preface, request, reset, settings, windowUpdate } from "./support/frames.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin, startRawOrigin } from "./support/origin.mjs";
import { freePorts } from "./support/ports.mjs";
import { openRaw } from "./support/raw.mjs";
import { run, sanitized } from "./support/run.mjs";
import { eventually, sleep, within } from "./support/wait.mjs";

const MIB = 1 << 20;
const respond = (body) => `routes: [{ name: fixed, respond: { body: "${body}" } }]\n`;
const behind = (origin, more = "") => `routes: [{ name: all, upstream: app${more} }]\nupstreams: [{ name: app, endpoints: ["${origin.address}"] }]\n`;
const listener = (gateway, more) => `listeners: [{ name: web, address: "127.0.0.1:${gateway.port}", ${more} }]\n`;
const hash = () => createHash("sha256");

// ---- Which protocol ----

test("both protocols on one plain port, told apart by the first bytes", async (t) => {
  const gateway = await startGateway(t, respond("hello"));

  await t.test("HTTP/1.1 as ever", async () => {
    assert.equal((await gateway.get("/")).text, "hello");
    const post = await openRaw(gateway.port);
    for (const byte of "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy") {
      post.write(byte);
      await sleep(1);
    }
    assert.equal((await post.response()).text, "hello");
    post.destroy();
  });

  await t.test("prior knowledge, the preface in one piece or byte by byte", async () => {
    const whole = await openFrames(gateway.port);
    whole.send(headers(1, request()));
    assert.equal((await whole.response(1)).status, 200);
    whole.destroy();
    const slow = await openFrames(gateway.port, { greet: false });
    for (const byte of Buffer.concat([preface, settings(), headers(1, request())])) {
      slow.send(Buffer.from([byte]));
      await sleep(1);
    }
    assert.equal((await slow.response(1)).status, 200);
    assert.equal((await slow.next("DATA")).payload.toString(), "hello");
    slow.destroy();
  });

  await t.test("a preface that is none is HTTP/1.1, and refused", async () => {
    const raw = await openRaw(gateway.port);
    raw.write("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    assert.match((await raw.response()).first, / (400|505) /);
    raw.destroy();
  });

  await t.test("the log and the metrics know", async () => {
    const lines = await gateway.accessLines(4);
    assert.ok(lines.some((line) => line.protocol === "HTTP/1.1"));
    assert.ok(lines.some((line) => line.protocol === "HTTP/2"));
    assert.ok((await gateway.metric("ringway_http2_connections_total")) >= 2);
    await eventually(async () => (await gateway.metric("ringway_http2_connections_open")) === 0);
    assert.ok((await gateway.metric("ringway_http2_streams_total")) >= 2);
  });
});

test("ALPN chooses over TLS; `protocols` limits both", async (t) => {
  const c = makeCertificates(t);
  const secure = (gateway, protocols) =>
    listener(gateway, `tls: { certificates: [{ cert: ${c.cert("usual")}, key: ${c.key("usual")} }] }${protocols}`);
  const gateway = await startGateway(t, (g) => `${secure(g, "")}${respond("hello")}`);
  const url = `https://127.0.0.1:${gateway.port}`;
  const version = async (...args) => (await run("curl", ["-sk", "-o", "/dev/null", "-w", "%{http_version} %{response_code}", ...args, url])).stdout;

  assert.equal(await version("--http2"), "2 200");
  assert.equal(await version("--http1.1"), "1.1 200");
  assert.equal(await version("--no-alpn"), "1.1 200");
  await gateway.reload(`${secure(gateway, ", protocols: http1")}${respond("hello")}`);
  assert.equal(await version("--http2"), "1.1 200");
  await gateway.reload(`${secure(gateway, ", protocols: http2")}${respond("hello")}`);
  assert.equal(await version("--http2"), "2 200");
  assert.match(await version("--http1.1"), /^0 000/);
});

test("a plain listener for one protocol only", async (t) => {
  const gateway = await startGateway(t, (g) => `${listener(g, "protocols: http2")}${respond("hello")}`);
  assert.equal((await run("curl", ["-s", "--http2-prior-knowledge", gateway.url])).stdout, "hello");
  const old = await openFrames(gateway.port, { greet: false });
  old.send(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  assert.equal((await old.goaway()).code, "PROTOCOL_ERROR");
  await old.closed();
  await gateway.reload(`${listener(gateway, "protocols: http1")}${respond("hello")}`);
  const raw = await openRaw(gateway.port);
  raw.write(preface);
  assert.equal((await raw.response()).status, 505);
  raw.destroy();
});

test("`Upgrade: h2c` is not taken up", async (t) => {
  const gateway = await startGateway(t, respond("hello"));
  const answer = await run("curl", ["-s", "--http2", "-w", " %{http_version}", gateway.url]);
  assert.equal(answer.stdout, "hello 1.1");
});

// ---- Messages ----

test("what an HTTP/1.1 origin sees, and what the client gets back", async (t) => {
  const origin = await startOrigin(t, { name: "one" });
  const gateway = await startGateway(t, behind(origin));
  const session = await connect2(t, gateway.url);

  await t.test("a request in its own words", async () => {
    const answer = await request2(session, "/path?q=1", { headers: { "X-One": "1", cookie: "b=2", ":authority": "shop.example:8080" } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["x-origin"], "one");
    const seen = JSON.parse(answer.text);
    assert.equal(seen.version, "1.1");
    assert.equal(seen.url, "/path?q=1");
    assert.equal(seen.headers.host, "shop.example:8080");
    assert.equal(seen.headers["x-one"], "1");
    assert.equal(seen.headers.via, "2.0 ringway");
    assert.equal(seen.headers["x-forwarded-proto"], "http");
    assert.equal(seen.headers["x-forwarded-host"], "shop.example:8080");
    for (const never of ["transfer-encoding", "connection", "keep-alive"]) assert.equal(answer.headers[never], undefined);
  });

  await t.test("cookies in several fields are one again (RFC 9113 section 8.2.3)", async () => {
    const answer = await request2(session, "/", { headers: { cookie: ["a=1", "b=2"] } });
    assert.equal(JSON.parse(answer.text).headers.cookie, "a=1; b=2");
  });

  await t.test("a body with a length keeps it; one without is chunked", async () => {
    const known = JSON.parse((await request2(session, "/", { method: "POST", body: "hello", headers: { "content-length": "5" } })).text);
    assert.equal(known.headers["content-length"], "5");
    assert.equal(known.body, "hello");
    const unknown = JSON.parse((await request2(session, "/", { method: "POST", body: Readable.from(["he", "llo"]) })).text);
    assert.equal(unknown.headers["transfer-encoding"], "chunked");
    assert.equal(unknown.body, "hello");
  });

  await t.test("trailers of a request", async () => {
    const answer = await request2(session, "/", { method: "POST", body: "x", trailers: { "x-sum": "42" } });
    assert.equal(JSON.parse(answer.text).trailers["x-sum"], "42");
  });

  await t.test("HEAD has the length and no body", async () => {
    const answer = await request2(session, "/", { method: "HEAD" });
    assert.equal(answer.status, 200);
    assert.equal(answer.bytes.length, 0);
  });

  await t.test("trailers of a response, 1xx, 204, 304", async () => {
    origin.answer = (request, response) => {
      if (request.url === "/204") return response.writeHead(204).end();
      if (request.url === "/304") return response.writeHead(304, { ETag: '"x"' }).end();
      response.writeEarlyHints({ link: "</style.css>; rel=preload" });
      response.writeHead(200, { Trailer: "X-Sum" });
      response.write("body");
      response.addTrailers({ "X-Sum": "7" });
      response.end();
    };
    const answer = await request2(session, "/");
    assert.deepEqual(answer.informational, [103]);
    assert.equal(answer.text, "body");
    assert.equal(answer.trailers["x-sum"], "7");
    assert.equal((await request2(session, "/204")).status, 204);
    const none = await request2(session, "/304");
    assert.equal(none.status, 304);
    assert.equal(none.headers.etag, '"x"');
  });

  await t.test("Expect: 100-continue goes through", async () => {
    origin.answer = (request, response, body) => response.end(`${body}`);
    const stream = session.request({ ":method": "POST", ":path": "/", expect: "100-continue" });
    await within(5000, "100", once(stream, "continue"));
    stream.end("later");
    stream.setEncoding("utf8");
    let text = "";
    for await (const chunk of stream) text += chunk;
    assert.equal(text, "later");
  });
});

test("64 MiB up and down, and a slow reader holds nobody else up", async (t) => {
  const size = (sanitized ? 8 : 64) * MIB;
  const block = randomBytes(MIB);
  const blocks = () => Readable.from((function* () { for (let i = 0; i < size / MIB; i++) yield block; })());
  const expected = hash();
  for (let i = 0; i < size / MIB; i++) expected.update(block);
  const digest = expected.digest("hex");
  const origin = await startOrigin(t, {
    streaming: true,
    answer: async (request, response) => {
      if (request.url === "/down") return blocks().pipe(response);
      if (request.url === "/small") return response.end("small");
      const sum = hash();
      for await (const chunk of request) {
        sum.update(chunk);
        if (request.url === "/slow-up" && Math.random() < 0.01) await sleep(5);
      }
      response.end(sum.digest("hex"));
    },
  });
  const gateway = await startGateway(t, behind(origin));
  const session = await connect2(t, gateway.url);

  assert.equal((await request2(session, "/up", { method: "POST", body: blocks(), patience: 60000 })).text, digest);
  assert.equal((await request2(session, "/slow-up", { method: "POST", body: blocks(), patience: 60000 })).text, digest);
  const before = gateway.residentBytes();
  const slow = await request2(session, "/down", { consume: false });
  await sleep(300);
  for (let i = 0; i < 20; i++) assert.equal((await request2(session, "/small")).text, "small");
  if (!sanitized) assert.ok(gateway.residentBytes() - before < 16 * MIB, `${gateway.residentBytes() - before} bytes for one slow reader`);
  const sum = hash();
  for await (const chunk of slow.stream) sum.update(chunk);
  assert.equal(sum.digest("hex"), digest);
});

test("1000 streams on one connection at once", async (t) => {
  let waiting = [];
  const origin = await startOrigin(t, { answer: (request, response) => waiting.push([request.url, response]) });
  const gateway = await startGateway(t, (g) => `threads: 1\n${listener(g, "http2: { streams: 1000 }")}${behind(origin)}`);
  const session = await connect2(t, gateway.url);
  await eventually(() => session.remoteSettings.maxConcurrentStreams === 1000);
  const answers = Array.from({ length: 1000 }, (_, i) => request2(session, `/${i}`));
  await eventually(() => waiting.length === 1000, { within: 20000, what: "all requests are with the origin" });
  assert.ok((await gateway.metric("ringway_requests_active")) >= 1000);
  for (const [url, response] of waiting.reverse()) response.end(url);
  const texts = (await Promise.all(answers)).map((answer) => answer.text);
  assert.deepEqual(texts, Array.from({ length: 1000 }, (_, i) => `/${i}`));
});

test("32 requests in one packet leave with few sends", async (t) => {
  const gateway = await startGateway(t, respond("hello"));
  const client = await openFrames(gateway.port);
  let packets = 0;
  client.socket.on("data", () => packets++);
  client.send(Array.from({ length: 32 }, (_, i) => headers(1 + 2 * i, request())));
  for (let i = 0; i < 32; i++) await client.next((got) => got.type === "DATA" && got.end);
  assert.ok(packets <= 3, `${packets} packets`);
  client.destroy();
});

test("CONNECT opens a tunnel, where it is allowed", async (t) => {
  const origin = await startRawOrigin(t, (socket) =>
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\nhello ");
      socket.on("data", (bytes) => socket.write(bytes));
      socket.on("end", () => socket.end("end"));
    }),
  );
  const gateway = await startGateway(t, (g) => `${listener(g, "allow_connect: true")}${behind(origin)}`);
  const session = await connect2(t, gateway.url);
  const stream = session.request({ ":method": "CONNECT", ":authority": "example.com:80" });
  stream.setEncoding("utf8");
  stream.write("early ");
  const [head] = await within(5000, "an answer", once(stream, "response"));
  assert.equal(head[":status"], 200);
  let text = "";
  stream.on("data", (chunk) => (text += chunk));
  await eventually(() => text === "hello early ");
  stream.write("more ");
  await eventually(() => text === "hello early more ");
  stream.end();
  await eventually(() => text === "hello early more end");
  await eventually(() => stream.closed);
  assert.match(origin.received, /^CONNECT example\.com:80 HTTP\/1\.1\r\n/);
});

// ---- Endings ----

test("a stream that the client resets is cancelled at the origin", async (t) => {
  let closed = 0;
  const origin = await startOrigin(t, {
    streaming: true,
    answer: (request, response) => {
      response.on("close", () => closed++);
      if (request.url === "/half") response.write("half");
    },
  });
  const gateway = await startGateway(t, behind(origin));
  const client = await openFrames(gateway.port);
  client.send(headers(1, request("/silent")), headers(3, request("/half")), headers(5, request("/up"), { end: false }));
  await eventually(() => origin.requests.length === 3);
  await client.next((got) => got.type === "DATA" && got.stream === 3);
  client.send(reset(1), reset(3), reset(5));
  await eventually(() => closed === 3, { what: "the origin sees three ends" });
  const lines = await gateway.accessLines(3);
  assert.ok(lines.every((line) => line.aborted && line.reason === "client_gone"));
  assert.equal(await gateway.metric("ringway_http2_resets_received_total"), 3);
  client.send(headers(7, request("/half")));
  assert.equal((await client.response(7)).status, 200);
  client.destroy();
  await eventually(() => closed === 4, { what: "the origin sees the connection's end" });
});

test("an answer that comes before the body has: the rest is reset with NO_ERROR", async (t) => {
  const gateway = await startGateway(t, respond("enough"));
  const client = await openFrames(gateway.port);
  client.send(headers(1, request("/", [], { method: "POST" }), { end: false }), data(1, "some"));
  assert.equal((await client.response(1)).status, 200);
  const rest = await client.next((got) => got.type === "RST_STREAM");
  assert.equal(rest.stream, 1);
  assert.equal(rest.code, "NO_ERROR");
  client.send(data(1, "more"), headers(3, request()));
  assert.equal((await client.response(3)).status, 200);
  client.destroy();
});

test("an origin that breaks off: the stream is cut, the connection goes on", async (t) => {
  const origin = await startRawOrigin(t, (socket) =>
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
      setTimeout(() => socket.destroy(), 50);
    }),
  );
  const gateway = await startGateway(t, behind(origin));
  const client = await openFrames(gateway.port);
  client.send(headers(1, request()));
  assert.equal((await client.response(1)).status, 200);
  assert.equal((await client.next("RST_STREAM")).code, "INTERNAL_ERROR");
  client.send(headers(3, request()));
  assert.equal((await client.response(3)).status, 200);
  client.destroy();
});

test("bodies and heads that are too large, and no answer twice", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, (g) => `${listener(g, "reason_header: true, limits: { body: 1000 }")}${behind(origin)}`);
  const session = await connect2(t, gateway.url);
  const large = await request2(session, "/", { method: "POST", body: Readable.from([Buffer.alloc(600), Buffer.alloc(600)]) });
  assert.equal(large.status, 413);
  const known = await request2(session, "/", { method: "POST", body: Buffer.alloc(2000), headers: { "content-length": "2000" } });
  assert.equal(known.status, 413);
  const head = await request2(session, "/", { headers: { "x-large": "x".repeat(20000) } });
  assert.equal(head.status, 431);
  assert.equal(head.headers["x-ringway-reason"], "malformed_request");
  const target = await request2(session, `/${"x".repeat(9000)}`);
  const expected = await request2(session, "/", { headers: { expect: "something" } });
  for (const [answer, status, title] of [
    [head, 431, "Request Header Fields Too Large"],
    [target, 414, "URI Too Long"],
    [expected, 417, "Expectation Failed"],
  ]) {
    assert.equal(answer.status, status);
    assert.equal(answer.headers["content-type"], "application/problem+json");
    const problem = JSON.parse(answer.text);
    assert.deepEqual([problem.status, problem.title], [status, title]);
    assert.ok(problem.detail.length > 5);
  }
  const asked = await request2(session, `/${"x".repeat(9000)}`, { method: "HEAD" });
  assert.deepEqual([asked.status, asked.text], [414, ""]);
  assert.ok(Number(asked.headers["content-length"]) > 50);
  assert.equal((await request2(session, "/")).status, 200);
});

// ---- Times ----

test("what comes too slowly, or is not taken, ends", async (t) => {
  const origin = await startOrigin(t, { streaming: true, answer: (request, response) => (request.url === "/large" ? response.end(Buffer.alloc(MIB)) : undefined) });
  const gateway = await startGateway(
    t,
    (g) =>
      `${listener(g, "timeouts: { header: 500ms, body_idle: 500ms, idle: 700ms, send_idle: 500ms }, http2: { settings_timeout: 600ms, ping_interval: 400ms, ping_timeout: 300ms }")}${behind(origin)}`,
  );

  await t.test("a head in pieces", async () => {
    const client = await openFrames(gateway.port);
    client.send(frame("HEADERS", 0, 1, field(":method", "GET")));
    assert.equal((await client.goaway(5000)).code, "PROTOCOL_ERROR");
    await client.closed();
  });
  await t.test("a request body that stops is answered with 408", async () => {
    const session = await connect2(t, gateway.url);
    const stream = session.request({ ":method": "POST", ":path": "/" });
    stream.write("some");
    stream.on("error", () => {});
    const [head] = await within(5000, "408", once(stream, "response"));
    assert.equal(head[":status"], 408);
  });
  await t.test("an answer that no window is given for: only its stream ends", async () => {
    const client = await openFrames(gateway.port, { own: { 4: 10 } });
    client.send(headers(1, request("/large")));
    const cut = await client.next("RST_STREAM", 5000);
    assert.equal(cut.code, "CANCEL");
    const [line] = await gateway.accessLines(1, (l) => l.path === "/large");
    assert.equal(line.reason, "client_stalled");
    client.destroy();
  });
  await t.test("a connection without a request", async () => {
    const client = await openFrames(gateway.port);
    assert.equal((await client.goaway(5000)).code, "NO_ERROR");
    await client.closed();
  });
  await t.test("SETTINGS that are never acknowledged", async () => {
    const client = await openFrames(gateway.port, { greet: false });
    client.send(preface, settings(), headers(1, request("/silent")));
    assert.equal((await client.goaway(5000)).code, "SETTINGS_TIMEOUT");
  });
  await t.test("a client that does not answer PING", async () => {
    const client = await openFrames(gateway.port);
    client.send(headers(1, request("/silent")));
    await client.next("PING", 5000);
    await client.closed(5000);
  });
});

// ---- The end of a connection ----

test("requests_per_connection ends a connection in two steps", async (t) => {
  const gateway = await startGateway(t, (g) => `${listener(g, "limits: { requests_per_connection: 3 }")}${respond("ok")}`);
  const client = await openFrames(gateway.port);
  client.send(headers(1, request()), headers(3, request()), headers(5, request()));
  const first = await client.goaway();
  assert.equal(first.code, "NO_ERROR");
  assert.equal(first.last, 0x7fffffff);
  const asked = await client.next("PING");
  client.send(headers(7, request()), frame("PING", 1, 0, asked.payload));
  const last = await client.goaway();
  assert.equal(last.last, 7);
  await client.closed();
  assert.equal((await gateway.accessLines(4)).length, 4);
});

// Requests that nghttp2 had not sent when GOAWAY came are not sent any more: no server has seen them.
const refusedAtHome = (session, error) => session.goaways.length > 0 && /REFUSED_STREAM/.test(error?.message);

// Keeps sessions busy until told to stop; a session that was told to end is replaced by another, as
// clients do.
function startLoad2(t, url, count) {
  const load = { done: 0, refused: 0, failures: [], sessions: 0, stopping: false };
  const worker = async () => {
    while (!load.stopping) {
      const session = await connect2(t, url).catch((error) => error);
      if (session instanceof Error) {
        if (!load.stopping) load.failures.push(session);
        return;
      }
      load.sessions++;
      while (!load.stopping && session.goaways.length === 0 && !session.closed && !session.destroyed) {
        const answers = await Promise.allSettled(Array.from({ length: 10 }, () => request2(session, "/")));
        for (const answer of answers) {
          if (answer.status === "fulfilled" && answer.value.status === 200) load.done++;
          else if (refusedAtHome(session, answer.reason)) load.refused++;
          else load.failures.push(answer.reason ?? new Error(`status ${answer.value.status}`));
        }
      }
      session.close();
    }
  };
  load.workers = Array.from({ length: count }, worker);
  load.stop = async () => {
    load.stopping = true;
    await Promise.all(load.workers);
    return load;
  };
  return load;
}

test("an upgrade and reloads under load cost no request", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, behind(origin));
  const load = startLoad2(t, gateway.url, 4);
  await eventually(() => load.done > 100);
  for (let i = 0; i < 3; i++) {
    await gateway.reload(`${behind(origin)}# ${i}\n`);
    await sleep(50);
  }
  assert.equal(load.sessions, 4);
  gateway.signal("SIGUSR2");
  await eventually(() => load.sessions >= 8, { within: 20000, what: "all clients have gone to the new program" });
  const { done } = load;
  await eventually(() => load.done > done + 100);
  await load.stop();
  assert.deepEqual(load.failures.map((error) => error.message), []);
});

test("SIGTERM: streams under way are finished, then the connection closes", async (t) => {
  let answer;
  const origin = await startOrigin(t, { answer: (_request, response) => (answer = () => response.end("late")) });
  const gateway = await startGateway(t, behind(origin));
  const session = await connect2(t, gateway.url);
  const waiting = request2(session, "/");
  await eventually(() => answer);
  gateway.signal("SIGTERM");
  await eventually(() => session.goaways.length > 0);
  answer();
  assert.equal((await waiting).text, "late");
  const exit = await within(10000, "the gateway ends", gateway.exited);
  assert.equal(exit.code, 0);
});

test("a reload that removes a listener ends its connections, with what is under way", async (t) => {
  let answer;
  const origin = await startOrigin(t, { answer: (_request, response) => (answer = () => response.end("late")) });
  const gateway = await startGateway(t, behind(origin));
  const session = await connect2(t, gateway.url);
  const waiting = request2(session, "/");
  await eventually(() => answer);
  const [other] = await freePorts(1);
  await gateway.reload(`listeners: [{ name: other, address: "127.0.0.1:${other}" }]\n${behind(origin)}`);
  await eventually(() => session.goaways.length > 0);
  answer();
  assert.equal((await waiting).text, "late");
  await eventually(() => session.destroyed || session.closed);
});

// ---- Nothing is smuggled ----

test("what HTTP/1.1 could not say, or what RFC 9113 forbids, never reaches the origin", async (t) => {
  const origin = await startRawOrigin(t, (socket) =>
    socket.on("data", (bytes) => {
      for (const _ of bytes.toString("latin1").matchAll(/\r\n\r\n/g)) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }),
  );
  const gateway = await startGateway(t, behind(origin));
  const bad = {
    "LF in a value": request("/", [["x-a", "a\nX-Evil: 1"]]),
    "CR LF in a value": request("/", [["x-a", "a\r\n\r\nGET /evil HTTP/1.1\r\nHost: a"]]),
    "NUL in a value": request("/", [["x-a", "a\0b"]]),
    "a value that begins with a space": request("/", [["x-a", " b"]]),
    "an upper-case name": request("/", [["X-Evil", "1"]]),
    "a name with a colon": request("/", [["x:y", "1"]]),
    "a name with CR LF": request("/", [["x\r\nx-evil", "1"]]),
    "an empty name": request("/", [["", "1"]]),
    "a space in the path": request("/a HTTP/1.1\r\nX-Evil: 1"),
    "only a space in the path": request("/a b"),
    "an empty path": request(""),
    "a path without a slash": request("evil"),
    "a method with a space": request("/", [], { method: "GET /evil HTTP/1.1" }),
    "an authority with CR LF": request("/", [], { authority: "a\r\nX-Evil: 1" }),
    "an authority with a space": request("/", [], { authority: "a b" }),
    "an authority with user information": request("/", [], { authority: "user@example.com" }),
    "Transfer-Encoding": request("/", [["transfer-encoding", "chunked"]]),
    "Connection": request("/", [["connection", "close"]]),
    "Keep-Alive": request("/", [["keep-alive", "5"]]),
    "Proxy-Connection": request("/", [["proxy-connection", "close"]]),
    "Upgrade": request("/", [["upgrade", "websocket"]]),
    "TE that is not trailers": request("/", [["te", "gzip"]]),
    "Host that differs": request("/", [["host", "evil.example"]]),
    "two Hosts": request("/", [["host", "example.com"], ["host", "example.com"]]),
    "no method": request().slice(1),
    "no path": request().slice(0, 3),
    "two methods": [[":method", "GET"], ...request()],
    "two paths": [...request(), [":path", "/evil"]],
    "an unknown pseudo-header": [[":evil", "1"], ...request()],
    "a response's pseudo-header": [[":status", "200"], ...request()],
    "a pseudo-header behind a field": [...request().slice(0, 3), ["x-a", "1"], [":path", "/"]],
    "Content-Length that is none": request("/", [["content-length", "+1"]]),
    "two Content-Lengths": request("/", [["content-length", "1"], ["content-length", "2"]]),
    "Content-Length without a body": request("/", [["content-length", "5"]]),
  };
  for (const [what, fields] of Object.entries(bad)) {
    const client = await openFrames(gateway.port);
    client.send(headers(1, fields), headers(3, request("/good")));
    const refused = await client.response(1);
    if (refused.type === "RST_STREAM") assert.equal(refused.code, "PROTOCOL_ERROR", what);
    else assert.equal(refused.status, 400, what);
    assert.equal((await client.response(3)).status, 200, `the connection goes on after: ${what}`);
    client.destroy();
  }

  await t.test("a body that is longer or shorter than Content-Length says", async () => {
    for (const body of ["abcd", "ab"]) {
      const client = await openFrames(gateway.port);
      client.send(headers(1, request("/", [["content-length", "3"]], { method: "POST" }), { end: false }), data(1, body, { end: true }));
      assert.equal((await client.next("RST_STREAM")).code, "PROTOCOL_ERROR");
      client.send(headers(3, request("/good")));
      assert.equal((await client.response(3)).status, 200);
      client.destroy();
    }
  });

  await t.test("a pseudo-header or a forbidden field in trailers", async () => {
    for (const trailer of [[":path", "/evil"], ["transfer-encoding", "chunked"], ["X-Evil", "1"], ["x-a", "1\r\nX-Evil: 1"]]) {
      const client = await openFrames(gateway.port);
      client.send(headers(1, request("/", [], { method: "POST" }), { end: false }), data(1, "abc"), headers(1, [trailer]));
      assert.equal((await client.next("RST_STREAM")).code, "PROTOCOL_ERROR", `${trailer}`);
      client.destroy();
    }
  });

  assert.doesNotMatch(origin.received, /evil/i);
  assert.doesNotMatch(origin.received, /user@/);
  assert.ok((await gateway.metric("ringway_requests_malformed_total")) >= Object.keys(bad).length);
});

test("errors of a connection have the code that RFC 9113 gives", async (t) => {
  const gateway = await startGateway(t, respond("ok"));
  const open = headers(1, request("/", [], { method: "POST" }), { end: false });
  const errors = {
    "DATA on stream 0": [frame("DATA", 0, 0, Buffer.from("x")), "PROTOCOL_ERROR"],
    "DATA on an idle stream": [data(5, "x"), "PROTOCOL_ERROR"],
    "HEADERS on an even stream": [headers(2, request()), "PROTOCOL_ERROR"],
    "a stream id that goes back": [Buffer.concat([headers(5, request()), headers(3, request())]), /PROTOCOL_ERROR|STREAM_CLOSED/],
    "CONTINUATION without HEADERS": [frame("CONTINUATION", END_HEADERS, 1, field("x", "y")), "PROTOCOL_ERROR"],
    "another frame inside a block": [Buffer.concat([frame("HEADERS", 0, 1, field(":method", "GET")), settings()]), "PROTOCOL_ERROR"],
    "SETTINGS of 5 bytes": [frame("SETTINGS", 0, 0, Buffer.alloc(5)), "FRAME_SIZE_ERROR"],
    "SETTINGS on a stream": [frame("SETTINGS", 0, 1), "PROTOCOL_ERROR"],
    "a PING of 7 bytes": [frame("PING", 0, 0, Buffer.alloc(7)), "FRAME_SIZE_ERROR"],
    "a frame that is too large": [frame("DATA", 0, 1, Buffer.alloc(16385)), "FRAME_SIZE_ERROR"],
    "PUSH_PROMISE": [frame("PUSH_PROMISE", END_HEADERS, 1, Buffer.alloc(4)), "PROTOCOL_ERROR"],
    "a window that overflows": [Buffer.concat([windowUpdate(0, 0x7fffffff), windowUpdate(0, 0x7fffffff)]), "FLOW_CONTROL_ERROR"],
    "a window update of nothing": [windowUpdate(0, 0), "PROTOCOL_ERROR"],
    "an HPACK index that is not there": [headers(1, Buffer.from([0xff, 0x80, 0x01])), "COMPRESSION_ERROR"],
    "padding that is longer than the frame": [Buffer.concat([open, frame("DATA", 8, 1, Buffer.from([9, 1, 2]))]), "PROTOCOL_ERROR"],
    "RST_STREAM for an idle stream": [reset(9), "PROTOCOL_ERROR"],
  };
  for (const [what, [bytes, code]] of Object.entries(errors)) {
    const client = await openFrames(gateway.port);
    client.send(bytes);
    const goaway = await client.goaway();
    if (code instanceof RegExp) assert.match(goaway.code, code, what);
    else assert.equal(goaway.code, code, what);
    await client.closed();
  }
  assert.equal((await gateway.get("/")).text, "ok");
  assert.equal(await gateway.metric("ringway_http2_connection_errors_total"), Object.keys(errors).length);
});

// ---- Other clients ----

test("nghttp and h2load", async (t) => {
  const c = makeCertificates(t);
  const [secure] = await freePorts(1);
  const gateway = await startGateway(
    t,
    (g) => `listeners:
  - { name: web, address: "127.0.0.1:${g.port}" }
  - { name: tls, address: "127.0.0.1:${secure}", tls: { certificates: [{ cert: ${c.cert("usual")}, key: ${c.key("usual")} }] } }
${respond("hello")}`,
  );
  const one = await run("nghttp", ["-v", gateway.url]);
  assert.match(one.stdout, /:status: 200/);
  assert.match(one.stdout, /hello/);
  for (const url of [gateway.url, `https://127.0.0.1:${secure}`]) {
    const many = await run("h2load", ["-n", "5000", "-c", "4", "-m", "32", url]);
    assert.match(many.stdout, /5000 succeeded, 0 failed, 0 errored, 0 timeout/);
    assert.match(many.stdout, /status codes: 5000 2xx/);
  }
});
