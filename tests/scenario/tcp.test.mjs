// TCP routes: by port and by SNI, with TLS passed through and ended, with real TLS clients, and
// HAProxy as the server behind.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { freePorts } from "./support/ports.mjs";
import { openRaw } from "./support/raw.mjs";
import { installed, run, runRingway } from "./support/run.mjs";
import { startHaproxy } from "./support/servers.mjs";
import { eventually } from "./support/wait.mjs";

// Greets, then echoes, until it hears "bye".
async function startTcpOrigin(t, name, { tls } = {}) {
  const talk = (socket) => {
    socket.on("error", () => {});
    socket.write(`${name}\n`);
    socket.on("data", (data) => (data.toString("latin1") === "bye\n" ? socket.end() : socket.write(data)));
    socket.on("end", () => socket.end());
  };
  const server = tls ? createTlsServer({ ...tls }, talk) : createServer({ allowHalfOpen: true }, talk);
  server.on("tlsClientError", () => {});
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new Set();
  server.on("connection", (socket) => sockets.add(socket));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${server.address().port}` };
}

function askByTls(port, servername, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: "127.0.0.1", servername, rejectUnauthorized: false, ...options });
    socket.setEncoding("latin1");
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed")));
    socket.once("data", (greeting) => {
      resolve({ greeting: greeting.trim(), certificate: socket.getPeerCertificate() });
      socket.destroy();
    });
  });
}

for (const io of ["io_uring", "epoll"]) {
  test(`by port: the server may speak first, bytes go both ways, the log tells (${io})`, async (t) => {
    const origin = await startTcpOrigin(t, "hello");
    const gateway = await startGateway(
      t,
      (g) => `
io: ${io}
listeners: [{ name: db, address: "127.0.0.1:${g.port}", protocol: tcp }]
tcp_routes: [{ name: database, upstream: db }]
upstreams: [{ name: db, endpoints: ["${origin.address}"] }]
`,
    );
    const connection = await openRaw(gateway.port);
    assert.equal(String(await connection.bytes(6)), "hello\n");
    const large = "x".repeat(3 << 20);
    connection.write(large);
    assert.equal((await connection.bytes(large.length)).length, large.length);
    connection.finish();
    await connection.closed();
    const [line] = await gateway.accessLines(1);
    assert.deepEqual(
      { ...line, time: 0, client_port: 0, duration_us: 0, upstream_us: 0 },
      {
        time: 0, client: "127.0.0.1", client_port: 0, protocol: "tcp", route: "database", upstream: "db", endpoint: origin.address,
        bytes_in: large.length, bytes_out: large.length + 6, duration_us: 0, upstream_us: 0,
      },
    );
    assert.equal(await gateway.metric("ringway_upstream_connections_reused_total"), 0);
  });
}

test("by SNI without ending TLS: exact, wildcard, none; split as it may be", async (t) => {
  const c = makeCertificates(t);
  const tls = { cert: c.read("usual.pem"), key: c.read("usual.key") };
  const [exact, wild, rest] = await Promise.all(["exact", "wild", "rest"].map((name) => startTcpOrigin(t, name, { tls })));
  const gateway = await startGateway(
    t,
    (g) => `
listeners:
  - { name: sni, address: "127.0.0.1:${g.port}", protocol: tcp, timeouts: { header: 500ms } }
  - { name: strict, address: "127.0.0.1:${g.adminPort + 1}", protocol: tcp }
tcp_routes:
  - { name: wild, match: { sni: "*.example.com" }, upstream: wild }
  - { name: exact, match: { sni: [db.example.com] }, upstream: exact }
  - { name: rest, match: { listeners: [sni] }, upstream: rest }
upstreams:
  - { name: exact, endpoints: ["${exact.address}"] }
  - { name: wild, endpoints: ["${wild.address}"] }
  - { name: rest, endpoints: ["${rest.address}"] }
`,
  );
  assert.equal((await askByTls(gateway.port, "db.example.com")).greeting, "exact");
  assert.equal((await askByTls(gateway.port, "DB.Example.com", { maxVersion: "TLSv1.2" })).greeting, "exact");
  assert.equal((await askByTls(gateway.port, "a.b.example.com")).greeting, "wild");
  assert.equal((await askByTls(gateway.port, "example.com")).greeting, "rest");
  assert.equal((await askByTls(gateway.port, undefined)).greeting, "rest");
  const line = (await gateway.accessLines(1, (l) => l.host === "db.example.com"))[0];
  assert.equal(line.protocol, "tls");
  assert.equal(line.route, "exact");
  await assert.rejects(askByTls(gateway.adminPort + 1, "elsewhere.example"));
  assert.equal((await gateway.accessLines(1, (l) => l.host === "elsewhere.example"))[0].reason, "no_route");

  if (installed("openssl")) {
    const asked = await run("openssl", ["s_client", "-connect", `127.0.0.1:${gateway.port}`, "-servername", "x.example.com", "-quiet", "-split_send_frag", "512"], { input: "bye\n" }).catch((error) => error);
    assert.match(`${asked.stdout}`, /wild/);
  }
  // Never a whole ClientHello: closed in time, and nobody behind is bothered.
  const slow = await openRaw(gateway.port);
  slow.write(Buffer.from([22, 3, 1, 0, 200, 1]));
  assert.equal(await slow.rest(), "");
});

test("TLS ended at the listener; TLS towards the endpoint", async (t) => {
  const c = makeCertificates(t);
  const tls = { cert: c.read("usual.pem"), key: c.read("usual.key") };
  const plain = await startTcpOrigin(t, "plain");
  const secure = await startTcpOrigin(t, "secure", { tls });
  const gateway = await startGateway(
    t,
    (g) => `
listeners:
  - { name: ends, address: "127.0.0.1:${g.port}", protocol: tcp, tls: { certificates: [{ cert: ${c.cert("wild")}, key: ${c.key("wild")} }] } }
tcp_routes:
  - { name: secure, match: secure.example, upstream: secure }
  - { name: plain, upstream: plain }
upstreams:
  - { name: plain, endpoints: ["${plain.address}"] }
  - { name: secure, endpoints: ["${secure.address}"], tls: { verify: false } }
`,
  );
  assert.equal((await askByTls(gateway.port, "secure.example")).greeting, "secure");
  assert.equal((await askByTls(gateway.port, "any.example")).greeting, "plain");
  await gateway.accessLines(1, (l) => l.host === "secure.example" && l.protocol === "tls" && l.route === "secure");
});

test("endpoints: one that is dead is passed over, all dead is in the log; limits hold", async (t) => {
  const [dead, other] = await freePorts(2);
  const origin = await startTcpOrigin(t, "alive");
  const gateway = await startGateway(
    t,
    (g) => `
threads: 1
listeners:
  - { name: a, address: "127.0.0.1:${g.port}", protocol: tcp }
  - { name: b, address: "127.0.0.1:${g.adminPort + 1}", protocol: tcp }
  - { name: c, address: "127.0.0.1:${g.adminPort + 2}", protocol: tcp }
tcp_routes:
  - { name: a, match: { listeners: [a] }, upstream: a }
  - { name: b, match: { listeners: [b] }, upstream: b }
  - { name: c, match: { listeners: [c] }, upstream: c }
upstreams:
  - { name: a, endpoints: ["127.0.0.1:${dead}", "${origin.address}"] }
  - { name: b, endpoints: ["127.0.0.1:${dead}", "127.0.0.1:${other}"] }
  - { name: c, endpoints: ["${origin.address}"], connections: { per_endpoint_max: 1, queue_max: 1, queue_timeout: 200ms } }
`,
  );
  for (let i = 0; i < 8; i++) {
    const connection = await openRaw(gateway.port);
    assert.equal(String(await connection.bytes(6)), "alive\n");
    connection.destroy();
  }
  const none = await openRaw(gateway.adminPort + 1);
  assert.equal(await none.rest(), "");
  assert.equal((await gateway.accessLines(1, (l) => l.route === "b"))[0].reason, "upstream_connect_failed");
  const holder = await openRaw(gateway.adminPort + 2);
  assert.equal(String(await holder.bytes(6)), "alive\n");
  const waits = await openRaw(gateway.adminPort + 2);
  assert.equal(await waits.rest(), "");
  assert.equal((await gateway.accessLines(1, (l) => l.route === "c" && l.reason))[0].reason, "connection_queue_timeout");
  holder.destroy();
});

test("a PROXY header in, a PROXY header out, HTTP inside", async (t) => {
  const [port] = await freePorts(1);
  await startHaproxy(t, {
    sections: `
frontend f
  bind 127.0.0.1:${port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src]"
`,
    ports: [port],
  });
  const gateway = await startGateway(
    t,
    (g) => `
listeners: [{ name: web, address: "127.0.0.1:${g.port}", protocol: tcp, proxy_protocol: require, trusted_proxies: [127.0.0.1] }]
tcp_routes: [{ name: web, upstream: web }]
upstreams: [{ name: web, endpoints: ["127.0.0.1:${port}"], proxy_protocol: v2 }]
`,
  );
  const connection = await openRaw(gateway.port);
  connection.write("PROXY TCP4 192.0.2.9 127.0.0.1 1234 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal((await connection.response()).text, "192.0.2.9");
  connection.destroy();
  await gateway.accessLines(1, (l) => l.client === "192.0.2.9");
});

test("a reload and a drain: connections go on, new ones are treated by the new file", async (t) => {
  const [one, two] = await Promise.all(["one", "two"].map((name) => startTcpOrigin(t, name)));
  const config = (g, origin) => `
drain_timeout: 1s
listeners:
  - { name: db, address: "127.0.0.1:${g.port}", protocol: tcp }
tcp_routes: [{ name: database, upstream: db, timeouts: { idle: 1m } }]
upstreams: [{ name: db, endpoints: ["${origin.address}"], connections: { per_endpoint_max: 1, queue_timeout: 1m } }]
`;
  const gateway = await startGateway(t, (g) => config(g, one));
  const first = await openRaw(gateway.port);
  assert.equal(String(await first.bytes(4)), "one\n");
  await gateway.reload(config(gateway, two));
  const second = await openRaw(gateway.port);
  assert.equal(String(await second.bytes(4)), "two\n");
  first.write("ping");
  assert.equal(String(await first.bytes(4)), "ping");
  const waits = await openRaw(gateway.port); // for the one connection that there may be
  await eventually(async () => (await gateway.metric("ringway_requests_active")) === 4); // and this question
  gateway.signal("SIGTERM");
  second.write("pong");
  assert.equal(String(await second.bytes(4)), "pong");
  await first.rest();
  await waits.rest();
  for (const line of await gateway.accessLines(3)) assert.equal(line.reason, "draining");
});

test("explain, and mistakes", async (t) => {
  const file = `${scratch(t)}/a.yaml`;
  const text = `
listeners: [{ name: db, address: "127.0.0.1:5432", protocol: tcp }, { name: web, address: "127.0.0.1:8080" }]
tcp_routes: [{ name: database, match: { sni: "*.example.com" }, upstream: db }]
upstreams: [{ name: db, endpoints: ["127.0.0.1:9"] }]
`;
  writeFileSync(file, text);
  const found = await runRingway("explain", file, "tcp://localhost:5432?sni=a.example.com");
  assert.equal(found.code, 0);
  assert.match(found.stdout, /tcp route "database"[^]*listener {2}db[^]*upstream {2}db: 127.0.0.1:9/);
  const missing = await runRingway("explain", file, "tcp://localhost:5432");
  assert.equal(missing.code, 1);
  assert.match(missing.stdout, /no tcp route takes a connection without a name/);
  writeFileSync(file, text.replace('sni: "*.example.com"', "listeners: [web]").replace("upstream: db", "upstream: dp"));
  const wrong = await runRingway("check", file);
  assert.match(wrong.stderr, /"web" does not have "protocol: tcp"/);
  assert.match(wrong.stderr, /unknown upstream "dp"/);
  writeFileSync(file, text.replace("name: db, endpoints", "name: db, protocol: http2, endpoints"));
  assert.match((await runRingway("check", file)).stderr, /the upstream "db" does not have "protocol: http1"/);
});
