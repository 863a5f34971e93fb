// Bytes that could be read in two ways, or in none: refused with a clear status and the connection
// closed. The origin sees nothing of them. And clients and origins that are too slow.

import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { cleanup } from "./support/cleanup.mjs";
import { request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { onHeads, startOrigin, startRawOrigin } from "./support/origin.mjs";
import { openRaw } from "./support/raw.mjs";
import { sanitized } from "./support/run.mjs";
import { eventually, sleep } from "./support/wait.mjs";

const CHUNKED = "Transfer-Encoding: chunked\r\n";
const post = (fields, body = "") => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
const get = (fields = "") => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

// [what, bytes, status]; SMUGGLED behind each of them must not become a request.
const refusedHeads = [
  ["Content-Length together with Transfer-Encoding", post(`Content-Length: 4\r\n${CHUNKED}`, "0\r\n\r\n"), 400],
  ["Transfer-Encoding together with Content-Length", post(`${CHUNKED}Content-Length: 4\r\n`, "0\r\n\r\n"), 400],
  ["two Content-Length that differ", post("Content-Length: 4\r\nContent-Length: 5\r\n", "abcd"), 400],
  ["a list of lengths", post("Content-Length: 4, 4\r\n", "abcd"), 400],
  ["a signed length", post("Content-Length: +4\r\n", "abcd"), 400],
  ["a negative length", post("Content-Length: -1\r\n"), 400],
  ["a length in hex", post("Content-Length: 0x4\r\n", "abcd"), 400],
  ["an empty length", post("Content-Length: \r\n"), 400],
  ["a length beyond all numbers", post("Content-Length: 99999999999999999999\r\n"), 400],
  ["Transfer-Encoding twice", post(CHUNKED + CHUNKED, "0\r\n\r\n"), 400],
  ["chunked, quoted", post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\n"), 400],
  ["chunked with a parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 400],
  ["chunked in a list with nothing else", post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), 400],
  ["chunked twice in one list", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400],
  ["something like chunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400],
  ["chunked behind a byte above 127", post("Transfer-Encoding: \xa0chunked\r\n", "0\r\n\r\n"), 400],
  ["chunked on a folded line", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400],
  ["identity", post("Transfer-Encoding: identity\r\n"), 400],
  ["identity together with a length", post("Transfer-Encoding: identity\r\nContent-Length: 4\r\n", "abcd"), 400],
  ["an empty Transfer-Encoding", post("Transfer-Encoding:\r\n"), 400],
  ["gzip without chunked", post("Transfer-Encoding: gzip\r\n"), 400],
  ["Transfer-Encoding behind a bare LF", post("X: y\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding behind a bare CR", post("X: y\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding with a NUL in its name", post("Transfer-Encoding\0: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding in HTTP/1.0, kept alive", "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcd", 400],
  ["equal lengths in different spelling", post("Content-Length: 4\r\nContent-Length: 04\r\n", "abcd"), 400],
  ["lengths that differ, in different case", post("content-length: 4\r\nCONTENT-LENGTH: 5\r\n", "abcd"), 400],
  ["a length with an underscore", post("Content-Length: 1_0\r\n", "abcd"), 400],
  ["a length with a space in it", post("Content-Length: 4 4\r\n", "abcd"), 400],
  ["a length with an exponent", post("Content-Length: 1e1\r\n", "abcd"), 400],
  ["a length that is negative to those with a sign", post("Content-Length: 9223372036854775808\r\n", "abcd"), 400],
  ["Connection that names Content-Length", post("Connection: Content-Length\r\nContent-Length: 4\r\n", "abcd"), 400],
  ["Connection that names Host", get("Connection: Host\r\n"), 400],
  ["Connection with what is no token", get('Connection: "close"\r\n'), 400],
  ["content of a TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", 400],
  ["an expectation beside the known one", post("Expect: 100-continue, x\r\nContent-Length: 4\r\n", "abcd"), [400, 417]],
  ["an empty line that ends with LF", get("X: a\r\n").replace(/\r\n$/, "\n"), 400],
  ["CR CR LF", get("X: a\r\r\n"), 400],
  ["an LF before the request line", `\n${get()}`, 400],
  ["a byte order mark", `\xef\xbb\xbf${get()}`, 400],
  ["many empty lines before the request line", `${"\r\n".repeat(20)}${get()}`, 400],
  ["a version with a space behind", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400],
  ["a version of three digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400],
  ["a list of Hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400],
  ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400],
  ["a Host with a port beyond 65535", "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400],
  ["a Host with half an IPv6 address", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400],
  ["absolute-form with another port than Host", "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["absolute-form with user information", "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["absolute-form of another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["absolute-form without Host", "GET http://a/ HTTP/1.1\r\n\r\n", 400],
  ["CONNECT to a path", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["a coding behind chunked", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 400],
  ["an unknown coding", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501],
  ["chunked with a vertical tab", post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
  ["a space before the colon", post("Content-Length : 4\r\n", "abcd"), 400],
  ["a tab before the colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"), 400],
  ["a folded line", get("X: a\r\n b\r\n"), 400],
  ["a first field that begins with a space", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400],
  ["a field without a colon", get("nothing\r\n"), 400],
  ["a field without a name", get(": value\r\n"), 400],
  ["a bare CR in a value", get("X: a\rb\r\n"), 400],
  ["a bare LF as the end of a line", "GET / HTTP/1.1\nHost: a\n\n", 400],
  ["a bare LF in the fields", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\nY: 2\r\n\r\n", 400],
  ["a NUL in a value", get("X: a\0b\r\n"), 400],
  ["a control character in a name", get("X\x01: a\r\n"), 400],
  ["a control character in the target", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["a byte above 127 in the target", "GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["a fragment in the target", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["half a percent escape", "GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400],
  ["a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400],
  ["a Host with user information", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400],
  ["absolute-form and Host that disagree", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["a target that is no path", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["the asterisk with another method", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["a preface that is not HTTP/2's", "PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n", [400, 505]],
  ["an unknown version", "GET / HTTP/3.7\r\nHost: a\r\n\r\n", [400, 505]],
  ["HTTP/0.9", "GET /\r\n\r\n", 400],
  ["lower-case http", "GET / http/1.1\r\nHost: a\r\n\r\n", 400],
  ["no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["a method with odd characters", "G{T / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
  ["an expectation that nobody knows", get("Expect: the-unexpected\r\n"), [400, 417]],
  ["a target of 9 KiB", `GET /${"a".repeat(9 << 10)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ["a field of 20 KiB", get(`X: ${"a".repeat(20 << 10)}\r\n`), 431],
  ["101 fields", get("X: 1\r\n".repeat(101)), 431],
  ["a head that never ends", `GET / HTTP/1.1\r\nHost: a\r\n${"X: 1\r\n".repeat(20000)}`, 431],
];

// The head is fine, the body is not: whatever the origin saw, the request is never complete.
const refusedBodies = [
  ["no size", "\r\n"],
  ["a size with a sign", "+5\r\nhello\r\n0\r\n\r\n"],
  ["a size in decimal with a prefix", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a size with a space before", " 5\r\nhello\r\n0\r\n\r\n"],
  ["a size with a space behind", "5 \r\nhello\r\n0\r\n\r\n"],
  ["a size beyond all numbers", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"],
  ["a size with 17 digits", "00000000000000005\r\nhello\r\n0\r\n\r\n"],
  ["a bare LF behind the size", "5\nhello\r\n0\r\n\r\n"],
  ["a size with an underscore", "1_0\r\nhello\r\n0\r\n\r\n"],
  ["a size with a minus", "-5\r\nhello\r\n0\r\n\r\n"],
  ["a size that overflows to 3", "10000000000000003\r\nabc\r\n0\r\n\r\n"],
  ["a bare LF behind an extension", "5;x\nhello\r\n0\r\n\r\n"],
  ["a line end in a quoted extension", '5;x="a\r\nb"\r\nhello\r\n0\r\n\r\n'],
  ["an extension that is not ended", '5;x="a\r\nhello\r\n0\r\n\r\n'],
  ["a NUL in an extension", "5;x=\0\r\nhello\r\n0\r\n\r\n"],
  ["data without its line end", "5\r\nhello0\r\n\r\n"],
  ["two other bytes for the line end", "5\r\nhelloXX0\r\n\r\n"],
  ["a bare CR behind the data", "5\r\nhello\r0\r\n\r\n"],
  ["a bare LF behind the last size", "5\r\nhello\r\n0\n\r\n"],
  ["a folded trailer", "5\r\nhello\r\n0\r\nX: 1\r\n y\r\n\r\n"],
  ["a request line for a trailer", "5\r\nhello\r\n0\r\nGET /smuggled HTTP/1.1\r\n\r\n"],
  ["a bare CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"],
  ["a chunk that is longer than said", "5\r\nhelloo\r\n0\r\n\r\n"],
  ["a bare LF behind the data", "5\r\nhello\n0\r\n\r\n"],
  ["a bare LF at the end", "5\r\nhello\r\n0\n\n"],
  ["an extension of 5 KiB", `5;${"a".repeat(5 << 10)}\r\nhello\r\n0\r\n\r\n`],
  ["a trailer with a space before its colon", "5\r\nhello\r\n0\r\nX : 1\r\n\r\n"],
  ["trailers without end", `5\r\nhello\r\n0\r\n${"X: 1\r\n".repeat(5000)}`],
];

test("what could be read in two ways", async (t) => {
  const complete = [];
  const origin = await startOrigin(t, {
    answer(incoming, response, body) {
      complete.push(`${incoming.method} ${incoming.url} ${body.length}`);
      response.end(JSON.stringify(incoming.trailers));
    },
  });
  const gateway = await startGateway(
    t,
    `
routes: [{ upstream: app }]
upstreams: [{ name: app, endpoints: ["${origin.address}"], passive_health: { failures: 0 } }]`,
  );
  const send = async (bytes) => {
    const connection = await openRaw(gateway.port);
    connection.write(Buffer.from(bytes, "latin1"));
    const answer = await connection.response();
    assert.match(answer.headers.connection ?? "", /close/);
    await connection.closed();
    return answer;
  };
  for (const [what, bytes, status] of refusedHeads) {
    await t.test(what, async () => {
      const answer = await send(bytes + SMUGGLED);
      assert.ok([status].flat().includes(answer.status), `${answer.status}: ${answer.text}`);
      assert.equal(answer.headers["content-type"], "application/problem+json");
      assert.equal(JSON.parse(answer.text).status, answer.status);
      assert.ok(JSON.parse(answer.text).detail.length > 5, "the answer says why");
    });
  }
  await t.test("the origin has seen none of them", () => assert.deepEqual(complete, []));

  for (const [what, body] of refusedBodies) {
    await t.test(`in a chunked body: ${what}`, async () => {
      const answer = await send(post(CHUNKED, body) + SMUGGLED);
      assert.ok([400, 413, 431].includes(answer.status), `${answer.status}: ${answer.text}`);
    });
  }
  await t.test("a body that ends too early is not a request", async () => {
    const connection = await openRaw(gateway.port);
    connection.write(post("Content-Length: 10\r\n", "12345")).finish();
    await connection.rest();
  });
  await t.test("no request was complete for the origin", async () => {
    await sleep(100);
    assert.deepEqual(complete, []);
  });

  await t.test("paths that could mean another one are refused; the connection is in order and goes on", async () => {
    const connection = await openRaw(gateway.port);
    for (const path of ["/a/../b", "/..", "/a/./b", "/a/%2e%2e/b", "/a/.%2E/b", "/a%2fb", "/a%5cb", "/a\\b", "/a%00b"]) {
      const answer = await connection.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).response();
      assert.equal(answer.status, 400, path);
      if (/close/.test(answer.headers.connection ?? "")) break;
    }
    connection.destroy();
    assert.deepEqual(complete, []);
  });

  await t.test("fields that have no place in trailers are not passed on", async () => {
    const connection = await openRaw(gateway.port);
    connection.write(post(CHUNKED, "5\r\nhello\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: b\r\nAuthorization: x\r\nX-Sum: 1\r\n\r\n"));
    const answer = await connection.response();
    if (answer.status === 200) assert.deepEqual(JSON.parse(answer.text), { "x-sum": "1" });
    else assert.equal(answer.status, 400);
    connection.destroy();
    complete.length = 0;
  });

  await t.test("the log tells why, and the metrics how often", async () => {
    await eventually(async () => (await gateway.metric("ringway_requests_malformed_total")) >= refusedHeads.length);
    await eventually(() => gateway.logLines().some((line) => /Content-Length|Transfer-Encoding/.test(JSON.stringify(line))));
  });

  await t.test("each is a line in the access log, with what is known of it, and counted", async () => {
    const lines = await gateway.accessLines(refusedHeads.length, (line) => line.reason === "malformed_request");
    const [folded] = lines.filter((line) => line.status === 414);
    assert.equal(folded.client, "127.0.0.1");
    assert.equal(folded.protocol, "HTTP/1.1");
    assert.ok(folded.bytes_in > 8192 && folded.bytes_out > 50, JSON.stringify(folded));
    const connection = await openRaw(gateway.port);
    await connection.write("GET /known?secret HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n").response();
    const [line] = await gateway.accessLines(1, (l) => l.path === "/known");
    assert.equal(line.method, "GET");
    assert.equal(line.status, 400);
    assert.doesNotMatch(JSON.stringify(line), /secret/);
    const refused = (await gateway.accessLines(1)).filter((l) => l.status === 400 && !l.route).length;
    await eventually(async () => (await gateway.metric("ringway_requests_total", { route: "_none", code: "4xx" })) >= refused, { what: "they are counted" });
  });

  await t.test("what is only unusual is taken", async () => {
    const fine = [
      get("Empty:\r\n"),
      get("X:  value with spaces \t\r\n"),
      `\r\n${get()}`,
      post("Content-Length: 4\r\nContent-Length: 4\r\n", "abcd"),
      post("Content-Length: 0004\r\n", "abcd"),
      post(CHUNKED, "4;a=b;c\r\nabcd\r\n000\r\n\r\n"),
      post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"),
      "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
    ];
    for (const bytes of fine) {
      const connection = await openRaw(gateway.port);
      const answer = await connection.write(bytes).response();
      assert.equal(answer.status, 200, `${JSON.stringify(bytes)}: ${answer.text}`);
      connection.destroy();
    }
  });
});

test("limits that the configuration sets", async (t) => {
  const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
  const gateway = await startGateway(
    t,
    (g) => `
listeners:
  - name: web
    address: "127.0.0.1:${g.port}"
    reason_header: true
    limits: { head: 1KiB, target: 64B, fields: 5, body: 1KiB, requests_per_connection: 3 }
routes: [{ upstream: app }]
upstreams: [{ name: app, endpoints: ["${origin.address}"] }]`,
  );
  const status = async (bytes) => {
    const connection = await openRaw(gateway.port);
    const answer = await connection.write(bytes).response();
    connection.destroy();
    return answer.status;
  };
  await t.test("head, target, fields", async () => {
    assert.equal(await status(get(`X: ${"a".repeat(1024)}\r\n`)), 431);
    assert.equal(await status(`GET /${"a".repeat(64)} HTTP/1.1\r\nHost: a\r\n\r\n`), 414);
    assert.equal(await status(get("X: 1\r\n".repeat(5))), 431);
    assert.equal(await status(get("X: 1\r\n".repeat(4))), 200);
  });
  await t.test("a body that is announced too large, and one that becomes too large", async () => {
    assert.equal(await status(post("Content-Length: 1025\r\n")), 413);
    assert.equal(await status(post(CHUNKED, `400\r\n${"a".repeat(1024)}\r\n1\r\nb\r\n0\r\n\r\n`)), 413);
    assert.equal(await status(post("Content-Length: 1024\r\n", "a".repeat(1024))), 200);
  });
  await t.test("an upload that is refused can read its answer", async () => {
    for (let i = 0; i < 50; i++) {
      const answer = await request(gateway.url, { method: "POST", body: Buffer.alloc(512 << 10) });
      assert.equal(answer.status, 413);
      assert.equal(answer.headers["x-ringway-reason"], "request_body_too_large");
    }
  });
  await t.test("requests on one connection", async () => {
    const connection = await openRaw(gateway.port);
    connection.write(get().repeat(5));
    for (const last of [false, false, true]) assert.equal(/close/.test((await connection.response()).headers.connection ?? ""), last);
    await connection.closed();
  });
});

test("more connections than allowed: the one that has been idle for longest makes room; where none is idle, the new one is turned away", async (t) => {
  const gateway = await startGateway(
    t,
    (g) => `
threads: 1
listeners: [{ name: web, address: "127.0.0.1:${g.port}", limits: { connections: 5 } }]
routes: [{ respond: { body: ok } }]`,
  );
  const ask = async (connection) => assert.equal((await connection.write(get()).response()).status, 200);
  const kept = [];
  const open = async () => {
    const connection = await openRaw(gateway.port);
    await ask(connection);
    await sleep(5);
    kept.push(connection);
  };
  for (let i = 0; i < 5; i++) await open();
  // The first was used last, the second is in the middle of a request: the third is the oldest.
  await ask(kept[0]);
  kept[1].write("GET / HTTP/1.1\r\nHost: a\r\n");
  await sleep(50);
  await open();
  await kept[2].closed();
  await open();
  await kept[3].closed();
  kept[1].write("\r\n");
  assert.equal((await kept[1].response()).status, 200);
  assert.equal(await gateway.metric("ringway_connections_evicted_total"), 2);

  const living = [0, 1, 4, 5, 6].map((i) => kept[i]);
  for (const connection of living) connection.write("GET / HTTP/1.1\r\n");
  await sleep(50);
  const further = await openRaw(gateway.port);
  further.write(get());
  const early = await Promise.race([further.response().then(() => "served", () => "turned away"), sleep(500).then(() => "waits")]);
  assert.notEqual(early, "served");
  assert.ok((await gateway.metric("ringway_connections_refused_total")) >= 1);
  for (const connection of living) {
    connection.write("Host: a\r\n\r\n");
    assert.equal((await connection.response()).status, 200);
  }
  for (const connection of kept) connection.destroy();
  further.destroy();
  await eventually(async () => (await gateway.get("/")).status === 200);
});

// ---- Too slow ----

const took = async (promise) => {
  const begin = performance.now();
  const result = await promise;
  return [result, performance.now() - begin];
};
// Not before the time is up, and not very much later.
const inTime = (milliseconds, expected) =>
  assert.ok(milliseconds >= expected * 0.8 && milliseconds < expected + (sanitized ? 8000 : 4000), `${milliseconds.toFixed()} ms, expected ${expected}`);

test("clients that are too slow", async (t) => {
  const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
  const gateway = await startGateway(
    t,
    (g) => `
listeners:
  - name: web
    address: "127.0.0.1:${g.port}"
    timeouts: { header: 400ms, body_idle: 500ms, idle: 600ms, send_idle: 700ms, body_rate_min: 1KiB }
routes: [{ upstream: app }]
upstreams: [{ name: app, endpoints: ["${origin.address}"] }]`,
  );
  const trickle = async (connection, text, every) => {
    for (const byte of text) {
      if (connection.ended || connection.buffer.length) return;
      connection.write(byte);
      await sleep(every);
    }
  };
  await Promise.all([
    t.test("a head: 408, however steadily it comes", async () => {
      const connection = await openRaw(gateway.port);
      const sending = trickle(connection, get(`X: ${"a".repeat(100)}\r\n`), 50);
      const [answer, time] = await took(connection.response());
      assert.equal(answer.status, 408);
      inTime(time, 400);
      await sending;
      connection.destroy();
    }),
    t.test("a body that stops: 408", async () => {
      const connection = await openRaw(gateway.port);
      connection.write(post("Content-Length: 100\r\n", "some"));
      const [answer, time] = await took(connection.response());
      assert.equal(answer.status, 408);
      assert.match(answer.headers.connection, /close/);
      inTime(time, 500);
    }),
    t.test("a body below the minimum rate: 408", async () => {
      const connection = await openRaw(gateway.port);
      connection.write(post("Content-Length: 100000\r\n"));
      const sending = trickle(connection, "x".repeat(1000), 100);
      const [answer, time] = await took(connection.response());
      assert.equal(answer.status, 408);
      inTime(time, 5000);
      await sending;
      connection.destroy();
    }),
    t.test("half a preface of HTTP/2: closed, without an answer of HTTP/1.1", async () => {
      const connection = await openRaw(gateway.port);
      connection.write("PRI * HTTP/2.0\r\n\r\nSM\r\n");
      await connection.closed();
      connection.destroy();
    }),
    t.test("nothing at all: closed without a word", async () => {
      const connection = await openRaw(gateway.port);
      const [, time] = await took(connection.closed());
      inTime(time, 600);
    }),
    t.test("between requests: closed without a word", async () => {
      const connection = await openRaw(gateway.port);
      await connection.write(get()).response();
      const [, time] = await took(connection.closed());
      inTime(time, 600);
    }),
  ]);
  const lines = await gateway.accessLines(3, (line) => line.status === 408);
  assert.deepEqual(lines.map((line) => line.reason).sort(), ["request_body_timeout", "request_body_timeout", "request_header_timeout"]);
  await eventually(async () => (await gateway.metric("ringway_client_timeouts_total")) >= 2);
});

test("a client that takes nothing of its response is cut", async (t) => {
  const origin = await startOrigin(t, { answer: (_, response) => response.end(Buffer.alloc(64 << 20)) });
  const gateway = await startGateway(
    t,
    (g) => `
listeners: [{ name: web, address: "127.0.0.1:${g.port}", timeouts: { send_idle: 500ms } }]
routes: [{ upstream: app }]
upstreams: [{ name: app, endpoints: ["${origin.address}"] }]`,
  );
  const socket = net.connect({ port: gateway.port, host: "127.0.0.1" });
  cleanup(t, () => socket.destroy());
  socket.on("error", () => {});
  socket.pause();
  socket.write(get());
  const [line] = await gateway.accessLines(1);
  assert.equal(line.reason, "client_stalled");
  assert.equal(line.aborted, true);
});

test("origins that are too slow", async (t) => {
  const origin = await startRawOrigin(t, (socket) =>
    onHeads(socket, (head) => {
      if (head.startsWith("GET /stall")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin");
      const every = (text, send) => {
        let at = 0;
        const timer = setInterval(() => socket.write(send(text, at++)), 50);
        socket.once("close", () => clearInterval(timer));
      };
      if (head.startsWith("GET /head")) every(`HTTP/1.1 200 OK\r\nX: ${"a".repeat(1000)}`, (text, at) => text[at]);
      if (head.startsWith("GET /hints")) every("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", (text) => text);
      if (head.startsWith("GET /drip")) {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        const timer = setInterval(() => socket.write("."), 50);
        socket.once("close", () => clearInterval(timer));
      }
    }),
  );
  const gateway = await startGateway(
    t,
    (g) => `
listeners: [{ name: web, address: "127.0.0.1:${g.port}", reason_header: true }]
routes:
  - { name: silent, match: /silent, upstream: app, timeouts: { first_byte: 400ms } }
  - { name: slow-head, match: { path: [/head, /hints] }, upstream: app, timeouts: { first_byte: 400ms } }
  - { name: stall, match: /stall, upstream: app, timeouts: { first_byte: 400ms } }
  - { name: total, match: { path: [/drip, /total] }, upstream: app, timeouts: { total: 600ms } }
  - { name: unroutable, match: /unroutable, upstream: unroutable }
upstreams:
  - { name: app, endpoints: ["${origin.address}"], passive_health: { failures: 0 } }
  - { name: unroutable, endpoints: ["192.0.2.1:9"], connect_timeout: 400ms, passive_health: { failures: 0 } }`,
  );
  await t.test("no first byte: 504", async () => {
    const [answer, time] = await took(gateway.get("/silent"));
    assert.equal(answer.status, 504);
    assert.equal(answer.headers["x-ringway-reason"], "upstream_response_timeout");
    inTime(time, 400);
  });
  await t.test("a head byte by byte, or one 1xx after the other: 504 all the same", async () => {
    for (const path of ["/head", "/hints"]) {
      const [answer, time] = await took(gateway.get(path));
      assert.equal(answer.status, 504, path);
      assert.equal(answer.headers["x-ringway-reason"], "upstream_response_timeout");
      inTime(time, 400);
    }
  });
  await t.test("the whole exchange takes too long: 504", async () => {
    const [answer, time] = await took(gateway.get("/total"));
    assert.equal(answer.status, 504);
    assert.equal(answer.headers["x-ringway-reason"], "exchange_timeout");
    inTime(time, 600);
  });
  await t.test("... and cut when the response has begun", async () => {
    const [, time] = await took(assert.rejects(gateway.get("/drip")));
    inTime(time, 600);
    const [line] = await gateway.accessLines(1, (l) => l.path === "/drip");
    assert.equal(line.reason, "exchange_timeout");
    assert.equal(line.aborted, true);
  });
  await t.test("an origin that stops in the middle is cut", async () => {
    await assert.rejects(gateway.get("/stall"));
    const [line] = await gateway.accessLines(1, (l) => l.path === "/stall");
    assert.equal(line.reason, "upstream_stalled");
  });
  await t.test("no connection: 504 within connect_timeout, or 502 at once where the network says no", async () => {
    const [answer, time] = await took(gateway.get("/unroutable"));
    assert.ok([502, 504].includes(answer.status), String(answer.status));
    assert.match(answer.headers["x-ringway-reason"], /^upstream_connect_(timeout|failed)$/);
    if (answer.status === 504) inTime(time, 400);
  });
});
