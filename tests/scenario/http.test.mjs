// HTTP/1.1 through the whole program: with nginx and HAProxy behind, with origins that do odd things,
// with curl, Node's client and bare sockets in front.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import { request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { onHeads, startOrigin, startRawOrigin } from "./support/origin.mjs";
import { freePorts } from "./support/ports.mjs";
import { exchangeRaw, openRaw } from "./support/raw.mjs";
import { run } from "./support/run.mjs";
import { startHaproxy, startNginx } from "./support/servers.mjs";
import { eventually, sleep } from "./support/wait.mjs";

const behind = (address, more = "") => `
routes: [{ name: all, upstream: app${more} }]
upstreams: [{ name: app, endpoints: ["${address}"] }]
`;
const get = (path = "/", more = "") => `GET ${path} HTTP/1.1\r\nHost: example.com\r\n${more}\r\n`;

test("nginx behind a ten-line file", async (t) => {
  const [port] = await freePorts(1);
  await startNginx(t, {
    http: (folder) => `
      server {
        listen 127.0.0.1:${port};
        root ${folder}/html;
        gzip on; gzip_proxied any; gzip_min_length 1; gzip_types *;
        location = /no-content { return 204; }
        location = /moved { return 301 /elsewhere; }
        location = /echo { client_max_body_size 0; add_header X-Length $content_length; return 200 "$request_method\n"; }
      }`,
    files: { "index.html": "<h1>Hello</h1>\n", "large.txt": "0123456789".repeat(20000) },
    ports: [port],
  });
  const gateway = await startGateway(t, behind(`127.0.0.1:${port}`));

  await t.test("GET", async () => {
    const answer = await gateway.get("/");
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "<h1>Hello</h1>\n");
    assert.match(answer.headers.server, /nginx/);
  });

  await t.test("HEAD has the length and no body, and the connection goes on", async () => {
    const connection = await openRaw(gateway.port);
    connection.write("HEAD /large.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    const head = await connection.response({ to: "HEAD" });
    assert.equal(head.headers["content-length"], "200000");
    connection.write(get("/"));
    assert.equal((await connection.response()).text, "<h1>Hello</h1>\n");
    connection.destroy();
  });

  await t.test("304 and 204 have no body, and the connection goes on", async () => {
    const { etag } = (await gateway.get("/large.txt")).headers;
    const connection = await openRaw(gateway.port);
    connection.write(get("/large.txt", `If-None-Match: ${etag}\r\n`));
    assert.equal((await connection.response()).status, 304);
    connection.write(get("/no-content"));
    const none = await connection.response();
    assert.equal(none.status, 204);
    assert.equal(none.headers["content-length"], undefined);
    assert.equal(none.headers["transfer-encoding"], undefined);
    connection.write(get("/"));
    assert.equal((await connection.response()).status, 200);
    connection.destroy();
  });

  await t.test("a range, a redirect, compressed and chunked, not found", async () => {
    const part = await gateway.get("/large.txt", { headers: { Range: "bytes=5-14" } });
    assert.equal(part.status, 206);
    assert.equal(part.text, "5678901234");
    const moved = await gateway.get("/moved");
    assert.equal(moved.status, 301);
    const small = await gateway.get("/large.txt", { headers: { "Accept-Encoding": "gzip" } });
    assert.equal(small.headers["content-encoding"], "gzip");
    assert.equal(small.headers["transfer-encoding"], "chunked");
    assert.ok(small.bytes.length < 10000);
    assert.equal((await gateway.get("/nowhere")).status, 404);
  });

  await t.test("every method gets there as it is", async () => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "BREW"]) {
      const answer = await request(`${gateway.url}/echo`, { method }).catch((error) => ({ error }));
      if (answer.error?.code === "ERR_INVALID_ARG_VALUE" || answer.error instanceof TypeError) continue;
      assert.equal(answer.status, 200, method);
      assert.equal(answer.text, `${method}\n`);
    }
    const brew = await exchangeRaw(gateway.port, "BREW /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.equal(brew.text, "BREW\n");
  });

  await t.test("curl sends a large body after 100 Continue", async () => {
    const body = randomBytes(2 << 20);
    const curl = await run("curl", ["-sS", "-v", "--max-time", "20", "-H", "Expect: 100-continue", "--data-binary", "@-", `${gateway.url}/echo`], { input: body });
    assert.equal(curl.code, 0, curl.stderr);
    assert.equal(curl.stdout, "POST\n");
    assert.match(curl.stderr, /< HTTP\/1\.1 100 Continue/);
  });
});

test("HAProxy behind, over kept connections", async (t) => {
  const [port] = await freePorts(1);
  await startHaproxy(t, {
    sections: `
frontend f
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string "from haproxy" hdr X-Reused yes if { fc_http_major 1 } { path /kept }
  http-request return status 503 if { path /down }
  http-request return status 200 content-type text/plain string "from haproxy"
`,
    ports: [port],
  });
  const gateway = await startGateway(t, `threads: 1${behind(`127.0.0.1:${port}`)}`);
  for (let i = 0; i < 20; i++) {
    const answer = await gateway.get(i % 5 === 4 ? "/down" : "/");
    assert.equal(answer.status, i % 5 === 4 ? 503 : 200);
  }
  const metrics = await gateway.metrics();
  assert.equal(metrics.value("ringway_upstream_requests_total", { code: "2xx" }), 16);
  assert.equal(metrics.value("ringway_upstream_requests_total", { code: "5xx" }), 4);
  assert.ok(metrics.value("ringway_upstream_connections_reused_total") >= 10);
});

test("what the origin is told", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(
    t,
    (g) => `
listeners:
  - { name: web, address: "127.0.0.1:${g.port}" }
  - { name: both, address: "127.0.0.1:${g.adminPort + 1}", forwarded: both }
  - { name: trusting, address: "127.0.0.1:${g.adminPort + 2}", forwarded: both, underscores_in_headers: pass, trusted_proxies: [127.0.0.0/8] }
  - { name: silent, address: "127.0.0.1:${g.adminPort + 3}", forwarded: "off" }
  - { name: refusing, address: "127.0.0.1:${g.adminPort + 4}", underscores_in_headers: refuse, reason_header: true }
${behind(origin.address)}`,
  );
  const at = (offset) => `http://127.0.0.1:${gateway.adminPort + offset}`;
  const seen = async (url, options) => JSON.parse((await request(url, options)).text);

  await t.test("hop-by-hop fields stay, also those that Connection names", async () => {
    const answer = await exchangeRaw(
      gateway.port,
      get("/", "Connection: keep-alive, X-Private\r\nX-Private: secret\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers, deflate\r\nX-Public: yes\r\n"),
    );
    const { headers } = JSON.parse(answer.text);
    for (const name of ["x-private", "keep-alive", "proxy-connection"]) assert.equal(headers[name], undefined, name);
    assert.notEqual(headers.te, "trailers, deflate");
    assert.equal(headers["x-public"], "yes");
    assert.equal(headers.host, "example.com");
  });

  await t.test("Via is added", async () => {
    const answer = await gateway.get("/", { headers: { Via: "1.0 before" } });
    assert.match(JSON.parse(answer.text).headers.via, /^1\.0 before, 1\.1 \S+/);
  });

  await t.test("X-Forwarded-* of strangers are replaced", async () => {
    const { headers } = await seen(`${gateway.url}/`, {
      headers: { Host: "shop.example", "X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil", Forwarded: "for=1.2.3.4" },
    });
    assert.equal(headers["x-forwarded-for"], "127.0.0.1");
    assert.equal(headers["x-forwarded-proto"], "http");
    assert.equal(headers["x-forwarded-host"], "shop.example");
    assert.equal(headers.forwarded, undefined);
  });

  await t.test("what else strangers claim about themselves is dropped, also with underscores", async () => {
    const claims = { "X-Forwarded-Port": "443", "X-Forwarded-Prefix": "/x", "X-Real-IP": "1.2.3.4", "X_Forwarded_For": "1.2.3.4", "X_Real_IP": "1.2.3.4" };
    const names = Object.keys(claims).map((name) => name.toLowerCase());
    const stranger = (await seen(`${gateway.url}/`, { headers: claims })).headers;
    assert.deepEqual(names.filter((name) => stranger[name]), []);
    const proxy = (await seen(`${at(2)}/`, { headers: claims })).headers;
    assert.deepEqual(names.filter((name) => proxy[name]), names);
  });

  await t.test("fields with underscores are dropped, passed on or refused, as the listener says", async () => {
    const headers = { "X-User": "me", X_User: "root", "X-Other": "there" };
    const dropped = (await seen(`${gateway.url}/`, { headers })).headers;
    assert.equal(dropped["x-user"], "me");
    assert.equal(dropped.x_user, undefined);
    assert.equal(dropped["x-other"], "there");
    assert.ok((await gateway.metric("ringway_request_fields_dropped_total")) >= 1);
    await eventually(() => /field ."X_User." of a request is dropped: see underscores_in_headers/.test(gateway.stderr), { what: "a line about it" });
    assert.equal((await seen(`${at(2)}/`, { headers })).headers.x_user, "root");
    const refused = await request(`${at(4)}/`, { headers });
    assert.equal(refused.status, 400);
    assert.equal(refused.headers["x-ringway-reason"], "underscore_in_header");
    assert.equal((await request(`${at(4)}/`)).status, 200);
  });

  await t.test("Max-Forwards: counted down for TRACE and OPTIONS, answered here at 0", async () => {
    const ask = (method, fields) => exchangeRaw(gateway.port, `${method} /hops HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    for (const method of ["TRACE", "OPTIONS"]) {
      const told = JSON.parse((await ask(method, "Max-Forwards: 10\r\nX: y\r\n")).text);
      assert.equal(told.headers["max-forwards"], "9");
      assert.equal(told.headers.x, "y");
      assert.equal((await ask(method, "Max-Forwards: many\r\n")).status, 400);
      assert.equal((await ask(method, "Max-Forwards: 1\r\nMax-Forwards: 0\r\n")).status, 400);
    }
    assert.equal(JSON.parse((await ask("GET", "Max-Forwards: 0\r\n")).text).headers["max-forwards"], "0");
    const before = origin.requests.length;
    const trace = await ask("TRACE", "Max-Forwards: 0\r\nAuthorization: secret\r\nCookie: secret\r\n");
    assert.equal(trace.status, 405);
    assert.doesNotMatch(trace.text, /secret/);
    assert.equal(trace.headers.allow, "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
    const options = await ask("OPTIONS", "Max-Forwards: 0\r\n");
    assert.equal(options.status, 204);
    assert.match(options.headers.allow, /GET, HEAD, POST/);
    assert.equal(origin.requests.length, before);
    const [line] = await gateway.accessLines(1, (l) => l.method === "OPTIONS" && l.status === 204);
    assert.equal(line.reason, "max_forwards");
  });

  await t.test("those of trusted proxies are added to", async () => {
    const { headers } = await seen(`${at(2)}/`, {
      headers: { Host: "shop.example", "X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "front.example" },
    });
    assert.equal(headers["x-forwarded-for"], "1.2.3.4, 127.0.0.1");
    assert.equal(headers["x-forwarded-proto"], "https");
    assert.equal(headers["x-forwarded-host"], "front.example");
    const [line] = await gateway.accessLines(1, (l) => l.client === "1.2.3.4");
    assert.equal(line.host, "shop.example");
  });

  await t.test("Forwarded (RFC 7239) where it is wanted, nothing where it is off", async () => {
    const both = (await seen(`${at(1)}/`, { headers: { Host: "shop.example" } })).headers;
    assert.match(both.forwarded, /for="?127\.0\.0\.1/);
    assert.match(both.forwarded, /proto=http/);
    assert.match(both.forwarded, /host="?shop\.example/);
    assert.equal(both["x-forwarded-for"], "127.0.0.1");
    const silent = (await seen(`${at(3)}/`, { headers: { "X-Forwarded-For": "1.2.3.4" } })).headers;
    assert.equal(silent.forwarded, undefined);
    assert.ok(!silent["x-forwarded-for"]?.includes("127.0.0.1"));
  });

  await t.test("traceparent is begun; one that trusted proxies send is kept", async () => {
    const pattern = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
    const begun = (await seen(`${gateway.url}/begun`)).headers.traceparent;
    assert.match(begun, pattern);
    const [line] = await gateway.accessLines(1, (l) => l.path === "/begun");
    assert.equal(line.trace_id, begun.slice(3, 35));

    const mine = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const kept = (await seen(`${at(2)}/`, { headers: { traceparent: mine } })).headers.traceparent;
    assert.match(kept, pattern);
    assert.equal(kept.slice(0, 35), mine.slice(0, 35));
    const bad = (await seen(`${at(2)}/`, { headers: { traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` } })).headers.traceparent;
    assert.match(bad, pattern);
    assert.notEqual(bad.slice(3, 35), "0".repeat(32));
  });

  await t.test("absolute-form is understood, and sent on as origin-form", async () => {
    const answer = await exchangeRaw(gateway.port, "GET http://example.com/path?q=1 HTTP/1.1\r\nHost: example.com\r\n\r\n");
    const told = JSON.parse(answer.text);
    assert.equal(told.url, "/path?q=1");
    assert.equal(told.headers.host, "example.com");
  });

  await t.test("the target is sent on byte for byte", async () => {
    const target = "/a%20b/%C3%A4;x=1?q=%2F..&&=%7e+&r[]=1";
    const answer = await exchangeRaw(gateway.port, get(target));
    assert.equal(JSON.parse(answer.text).url, target);
  });

  await t.test("OPTIONS * and CONNECT", async () => {
    const connect = await exchangeRaw(gateway.port, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
    assert.equal(connect.status, 405);
    // What a client sends right behind it is for the tunnel that it does not get, and no request.
    const connection = await openRaw(gateway.port);
    connection.write(`CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n${get("/behind")}`);
    const refused = await connection.response();
    assert.equal(refused.status, 405);
    assert.equal(refused.headers.connection, "close");
    await connection.closed();
    assert.equal(origin.requests.filter((r) => r.url === "/behind").length, 0);
    assert.equal(origin.requests.filter((r) => r.method === "CONNECT").length, 0);
  });
});

test("the upstream's own Host, when configured", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(
    t,
    `
routes: [{ upstream: app }]
upstreams: [{ name: app, host: app.internal, endpoints: ["${origin.address}"] }]`,
  );
  const { headers } = JSON.parse((await gateway.get("/", { headers: { Host: "public.example" } })).text);
  assert.equal(headers.host, "app.internal");
  assert.equal(headers["x-forwarded-host"], "public.example");
});

test("chunked both ways, with trailers both ways", async (t) => {
  const origin = await startOrigin(t, {
    answer(incoming, response, body) {
      response.writeHead(200, { Trailer: "X-Sum", "X-Had": JSON.stringify(incoming.trailers) });
      response.write(body.subarray(0, 3));
      response.addTrailers({ "X-Sum": String(body.length) });
      response.end(body.subarray(3));
    },
  });
  const gateway = await startGateway(t, behind(origin.address));
  const connection = await openRaw(gateway.port);
  connection.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE\r\nTrailer: X-Check\r\n\r\n");
  // Cut at awkward places; with an extension, which is dropped.
  for (const part of ["5;ex", "t=1\r", "\nhel", "lo\r\n0", "0A\r\n world 123\r\n", "0\r\nX-Che", "ck: abc\r\n", "\r\n"]) {
    connection.write(part);
    await sleep(15);
  }
  const answer = await connection.response();
  assert.equal(answer.text, "hello world 123");
  assert.equal(answer.headers["transfer-encoding"], "chunked");
  assert.deepEqual(answer.trailers, { "x-sum": "15" });
  assert.deepEqual(JSON.parse(answer.headers["x-had"]), { "x-check": "abc" });
  connection.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok");
  assert.equal((await connection.response()).text, "ok");
  connection.destroy();
});

test("64 MiB each way, whole and in bounded memory", async (t) => {
  const size = 64 << 20;
  const chunk = randomBytes(1 << 20);
  const expected = createHash("sha256");
  for (let i = 0; i < size / chunk.length; i++) expected.update(chunk);
  const sum = expected.digest("hex");
  const send = async (stream) => {
    for (let sent = 0; sent < size; sent += chunk.length) if (!stream.write(chunk)) await once(stream, "drain");
    stream.end();
  };
  const origin = await startOrigin(t, {
    streaming: true,
    async answer(incoming, response) {
      if (incoming.method === "GET") {
        if (incoming.url === "/known") response.setHeader("Content-Length", size);
        await send(response);
        return;
      }
      const hash = createHash("sha256");
      for await (const data of incoming) hash.update(data);
      response.end(hash.digest("hex"));
    },
  });
  const gateway = await startGateway(t, behind(origin.address));
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, gateway.residentBytes())), 50);
  t.after(() => clearInterval(watch));

  const download = async (path) => {
    const { response } = await request(`${gateway.url}${path}`, { consume: false });
    const hash = createHash("sha256");
    for await (const data of response) hash.update(data);
    assert.equal(hash.digest("hex"), sum);
  };
  const upload = (headers) =>
    new Promise((resolve, reject) => {
      const ask = http.request(`${gateway.url}/up`, { method: "POST", headers, agent: false }, async (response) => {
        let text = "";
        for await (const data of response) text += data;
        resolve(text);
      });
      ask.once("error", reject);
      send(ask);
    });
  await t.test("download with Content-Length", () => download("/known"));
  await t.test("download in chunks", () => download("/chunked"));
  await t.test("upload with Content-Length", async () => assert.equal(await upload({ "Content-Length": size }), sum));
  await t.test("upload in chunks", async () => assert.equal(await upload({}), sum));
  assert.ok(peak > 0 && peak < 64 << 20, `resident ${peak >> 20} MiB`);
});

// Two connections' socket buffers take a share: up to tcp_rmem's and tcp_wmem's limits, 36 MiB each on some machines.
const inSockets = 96 << 20;
const size = 224 << 20;

test("back-pressure: a client that does not read stops the origin; one that reads slowly gets all", async (t) => {
  let sent = 0;
  const origin = await startOrigin(t, {
    streaming: true,
    async answer(_, response) {
      const chunk = Buffer.alloc(64 << 10, "x");
      sent = 0;
      while (sent < size && !response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) await Promise.race([once(response, "drain"), once(response, "close")]);
      }
      response.end();
    },
  });
  const gateway = await startGateway(t, behind(origin.address));
  const { response } = await request(gateway.url, { consume: false });
  response.pause();
  let last = -1;
  await eventually(
    () => {
      const still = sent === last;
      last = sent;
      return still;
    },
    { every: 500 },
  );
  assert.ok(sent < inSockets, `the origin could send ${sent >> 20} MiB into the void`);
  assert.ok(gateway.residentBytes() < 64 << 20);
  let got = 0;
  for await (const data of response) got += data.length;
  assert.equal(got, size);
});

test("back-pressure: an origin that does not read stops the client", async (t) => {
  let release;
  const wait = new Promise((resolve) => (release = resolve));
  const origin = await startOrigin(t, {
    streaming: true,
    async answer(incoming, response) {
      await wait;
      let got = 0;
      for await (const data of incoming) got += data.length;
      response.end(String(got));
    },
  });
  const gateway = await startGateway(t, behind(origin.address));
  const connection = await openRaw(gateway.port);
  connection.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
  const chunk = Buffer.alloc(1 << 20);
  for (let i = 0; i < size >> 20; i++) connection.write(chunk);
  let last = -1;
  await eventually(
    () => {
      const pending = connection.socket.writableLength;
      const still = pending === last;
      last = pending;
      return still;
    },
    { every: 500 },
  );
  assert.ok(last > size - inSockets, `${last >> 20} MiB left at the client`);
  assert.ok(gateway.residentBytes() < 64 << 20);
  release();
  assert.equal((await connection.response()).text, String(size));
  connection.destroy();
});

test("many requests on one connection, and sent all at once: answered in order", async (t) => {
  const origin = await startOrigin(t, {
    async answer(incoming, response) {
      await sleep(incoming.url.endsWith("0") ? 30 : 0);
      response.end(incoming.url);
    },
  });
  const gateway = await startGateway(t, behind(origin.address));
  const connection = await openRaw(gateway.port);
  const paths = Array.from({ length: 50 }, (_, i) => `/${i}`);
  connection.write(paths.map((path) => get(path)).join(""));
  for (const path of paths) assert.equal((await connection.response()).text, path);
  connection.write(`POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello${get("/after")}`);
  assert.equal((await connection.response()).text, "/body");
  assert.equal((await connection.response()).text, "/after");
  connection.write(get("/last", "Connection: close\r\n"));
  const last = await connection.response();
  assert.match(last.headers.connection, /close/);
  await connection.closed();
});

test("a request byte by byte", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, behind(origin.address));
  const connection = await openRaw(gateway.port);
  for (const byte of "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc") {
    connection.write(byte);
    await sleep(2);
  }
  assert.equal(JSON.parse((await connection.response()).text).body, "abc");
  connection.destroy();
});

test("a body that has come with its head is not waited for, however long the answer takes", async (t) => {
  const origin = await startOrigin(t, { answer: async (_, response, body) => (await sleep(600), response.end(`got ${body}`)) });
  const gateway = await startGateway(t, (g) => `listeners: [{ address: "127.0.0.1:${g.port}", timeouts: { body_idle: 100ms } }]\nroutes: [{ upstream: app }]\nupstreams: [{ name: app, endpoints: "${origin.address}" }]\n`);
  for (const body of ["Content-Length: 2\r\n\r\nhi", "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"]) {
    const connection = await openRaw(gateway.port);
    connection.write(`POST / HTTP/1.1\r\nHost: a\r\n${body}`);
    const answer = await connection.response();
    assert.deepEqual([answer.status, answer.text], [200, "got hi"]);
    connection.destroy();
  }
});

test("HTTP/1.0", async (t) => {
  const origin = await startOrigin(t, {
    answer(incoming, response) {
      response.write("one ");
      response.end("two");
    },
  });
  const gateway = await startGateway(t, behind(origin.address));
  await t.test("closes, and knows no chunks", async () => {
    const connection = await openRaw(gateway.port);
    connection.write("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    const answer = await connection.response();
    assert.equal(answer.text, "one two");
    assert.equal(answer.headers["transfer-encoding"], undefined);
    await connection.closed();
  });
  await t.test("keeps the connection when it asks for it and the length is known", async () => {
    origin.answer = (_, response) => response.end("known");
    const connection = await openRaw(gateway.port);
    for (let i = 0; i < 2; i++) {
      connection.write("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
      const answer = await connection.response();
      assert.equal(answer.text, "known");
      assert.match(answer.headers.connection, /keep-alive/i);
    }
    connection.destroy();
  });
});

test("a client that has said all and closes its side still gets its answer", async (t) => {
  const origin = await startOrigin(t, {
    async answer(_, response) {
      await sleep(100);
      response.end("late");
    },
  });
  const gateway = await startGateway(t, behind(origin.address));
  const connection = await openRaw(gateway.port);
  connection.write(get()).finish();
  assert.equal((await connection.response()).text, "late");
  await connection.closed();
});

test("a client that goes away ends the request at the origin", async (t) => {
  let gone;
  const closed = new Promise((resolve) => (gone = resolve));
  const origin = await startOrigin(t, {
    streaming: true,
    async answer(_, response) {
      response.once("close", gone);
      response.write("begin");
    },
  });
  const gateway = await startGateway(t, behind(origin.address));
  const { response, socket } = await request(gateway.url, { consume: false });
  response.on("error", () => {});
  await once(response, "data");
  socket.resetAndDestroy();
  await closed;
  const [line] = await gateway.accessLines(1);
  assert.equal(line.aborted, true);
  assert.equal(line.reason, "client_gone");
  await eventually(async () => (await gateway.metric("ringway_requests_active")) <= 1);
});

test("responses of odd origins", async (t) => {
  let reply = "";
  const origin = await startRawOrigin(t, (socket) => onHeads(socket, () => socket.end(reply)));
  const gateway = await startGateway(
    t,
    (g) => `
listeners: [{ name: web, address: "127.0.0.1:${g.port}", reason_header: true }]
routes: [{ upstream: app }]
upstreams:
  - name: app
    endpoints: ["${origin.address}"]
    passive_health: { failures: 0 }`,
  );
  const ask = (bytes) => {
    reply = bytes;
    return exchangeRaw(gateway.port, get());
  };
  await t.test("a body up to the end of the connection", async () => {
    const answer = await ask("HTTP/1.1 200 OK\r\n\r\nup to the end");
    assert.equal(answer.text, "up to the end");
    const old = await ask("HTTP/1.0 200 OK\r\n\r\nold");
    assert.equal(old.text, "old");
    assert.equal(old.version, "HTTP/1.1");
  });
  await t.test("103 Early Hints come through before the answer", async () => {
    reply = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const connection = await openRaw(gateway.port);
    connection.write(get());
    const hints = await connection.response();
    assert.equal(hints.status, 103);
    assert.equal(hints.headers.link, "</a.css>; rel=preload");
    assert.equal((await connection.response()).text, "ok");
    connection.destroy();
  });
  await t.test("as many 1xx as anybody has a use for, and no more", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    reply = `${hints.repeat(100)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`;
    assert.equal((await request(gateway.url)).text, "ok");
    reply = `${hints}${reply}`;
    assert.equal((await request(gateway.url)).status, 502);
    await eventually(() => /more than 100 interim responses/.test(gateway.stderr), { what: "a line about it" });
  });
  const bad = {
    "no HTTP at all": "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "length and chunked": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a status of two digits": "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
    "a status below 100": "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok",
    "a status of four digits": "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok",
    "another version": "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "an empty line first": "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "lines that end with LF": "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "101 that nobody asked for": "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "103 with a length": "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "a length with a sign": "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    "a list of lengths": "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
    "an empty length": "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok",
    "a length beyond all numbers": "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok",
    "a space before a colon": "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "identity": "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok",
    "chunked and then gzip": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "Connection that names Content-Length": "HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 2\r\n\r\nok",
    "a folded field": "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "a NUL in a field": "HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 2\r\n\r\nok",
    "a bad first chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
    "a chunk beyond all numbers": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nok",
    "too many fields": `HTTP/1.1 200 OK\r\n${"X: 1\r\n".repeat(400)}Content-Length: 2\r\n\r\nok`,
    "a field without a colon": "HTTP/1.1 200 OK\r\nbroken\r\n\r\n",
    "a bare CR in a field": "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
    "a head without end": `HTTP/1.1 200 OK\r\nX: ${"a".repeat(2 << 20)}`,
    "nothing": "",
    "half a head": "HTTP/1.1 200 OK\r\nContent-",
  };
  for (const [what, bytes] of Object.entries(bad)) {
    await t.test(`502 for ${what}`, async () => {
      const answer = await ask(bytes);
      assert.equal(answer.status, 502);
      assert.match(answer.headers["x-ringway-reason"], /^upstream_(bad_response|reset)$/);
    });
  }
  await t.test("a response that breaks off is cut at the client too", async () => {
    for (const bytes of ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"]) {
      reply = bytes;
      await assert.rejects(request(gateway.url));
    }
  });
  await t.test("bytes behind a response do not become the next one", async () => {
    reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for (let i = 0; i < 4; i++) assert.equal((await exchangeRaw(gateway.port, get())).text, "ok");
  });
  await t.test("a bad chunk is a 502, or a cut when the response has begun", async () => {
    reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n";
    await request(gateway.url).then(
      (answer) => assert.equal(answer.status, 502),
      (error) => assert.match(error.message, /cut|aborted|hang up|ECONNRESET/),
    );
  });
});

test("an upgrade: the handshake goes through, then bytes both ways", async (t) => {
  const origin = await startRawOrigin(t, (socket) => {
    onHeads(socket, (head) => {
      if (!/^upgrade: websocket$/im.test(head)) {
        socket.end("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
        return;
      }
      socket.removeAllListeners("data");
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello from the origin");
      socket.on("data", (data) => socket.write(data.toString().toUpperCase()));
      socket.on("end", () => socket.end("bye"));
    });
  });
  const gateway = await startGateway(
    t,
    `
routes:
  - { name: sockets, match: /ws, upstream: app }
  - { name: plain, match: /plain, upstream: app, upgrade: [] }
upstreams: [{ name: app, endpoints: ["${origin.address}"] }]`,
  );
  // Without Sec-WebSocket-Version: nobody expects frames.
  const handshake = (path) => get(path, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
  await t.test("allowed", async () => {
    const connection = await openRaw(gateway.port);
    connection.write(handshake("/ws"));
    const head = await connection.head();
    assert.equal(head.status, 101);
    assert.equal(head.headers.upgrade, "websocket");
    assert.match(head.headers.connection, /upgrade/i);
    assert.equal(head.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert.equal(String(await connection.bytes(21)), "hello from the origin");
    for (const text of ["ping", "x".repeat(100000)]) {
      connection.write(text);
      assert.equal(String(await connection.bytes(text.length)), text.toUpperCase());
    }
    connection.finish();
    assert.equal(await connection.rest(), "bye");
    const [line] = await gateway.accessLines(1, (l) => l.status === 101);
    assert.equal(line.route, "sockets");
  });
  await t.test("not allowed on this route: the origin is not asked to", async () => {
    assert.equal((await exchangeRaw(gateway.port, handshake("/plain"))).status, 426);
  });
  await t.test("other protocols are not passed on", async () => {
    const answer = await exchangeRaw(gateway.port, get("/ws", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"));
    assert.equal(answer.status, 426);
    assert.doesNotMatch(origin.received.split("GET /ws").at(-1), /h2c|HTTP2-Settings/i);
  });
});

test("an upgrade after a request body, and to what was not offered", async (t) => {
  const origin = await startRawOrigin(t, (socket) => {
    let seen = "";
    let switched = false;
    socket.on("data", (data) => {
      if (switched) return socket.write(`<${data}>`);
      seen += data;
      switched = seen.includes("0\r\n\r\n");
      if (!switched) return;
      const protocol = seen.includes("/other") ? "h2c" : "WebSocket";
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${protocol}\r\nConnection: Upgrade\r\n\r\n`);
    });
    socket.on("end", () => socket.end());
  });
  const gateway = await startGateway(t, behind(origin.address));
  const asks = (path) => `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
  const connection = await openRaw(gateway.port);
  connection.write(asks("/ws"));
  assert.equal((await connection.head()).status, 101);
  connection.write("raw");
  assert.equal(String(await connection.bytes(5)), "<raw>");
  connection.finish();
  assert.equal(await connection.rest(), "");
  assert.equal((await exchangeRaw(gateway.port, asks("/other"))).status, 502);
});

test("a dead origin is a 502 at once, and tells why only where that is allowed", async (t) => {
  const [dead] = await freePorts(1);
  const gateway = await startGateway(
    t,
    (g) => `
listeners:
  - { name: web, address: "127.0.0.1:${g.port}" }
  - { name: open, address: "127.0.0.1:${g.adminPort + 1}", reason_header: true }
${behind(`127.0.0.1:${dead}`)}`,
  );
  const closed = await gateway.get("/");
  assert.equal(closed.status, 502);
  assert.equal(closed.headers["x-ringway-reason"], undefined);
  const open = await request(`http://127.0.0.1:${gateway.adminPort + 1}/`);
  assert.equal(open.status, 502);
  assert.equal(open.headers["x-ringway-reason"], "upstream_connect_failed");
  const lines = await gateway.accessLines(2);
  assert.ok(lines.every((line) => line.reason === "upstream_connect_failed"));
});

test("an empty body, however it is said, ends the message at once", async (t) => {
  let reply = "";
  const origin = await startRawOrigin(t, (socket) => onHeads(socket, () => socket.write(reply)));
  const gateway = await startGateway(t, behind(origin.address));
  const replies = [
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
  ];
  const requests = [get(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"];
  const connection = await openRaw(gateway.port);
  for (reply of replies) {
    for (const bytes of requests) {
      connection.write(bytes);
      const answer = await connection.response();
      assert.equal(answer.status, Number(reply.split(" ")[1]));
      assert.equal(answer.text, "");
    }
  }
  connection.destroy();
  assert.equal((await gateway.accessLines(16)).length, 16);
  assert.equal(await gateway.metric("ringway_connections_accepted_total") >= 1, true);
});
