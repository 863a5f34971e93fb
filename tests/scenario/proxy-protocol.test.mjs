// The PROXY protocol in both directions, with HAProxy and nginx at the other end, and by hand.

import assert from "node:assert/strict";
import http from "node:http";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePorts } from "./support/ports.mjs";
import { openRaw } from "./support/raw.mjs";
import { startHaproxy, startNginx } from "./support/servers.mjs";
import { eventually } from "./support/wait.mjs";

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const v2 = (command, family, body) => Buffer.concat([signature, Buffer.from([0x20 | command, family, body.length >> 8, body.length & 255]), Buffer.from(body)]);
const tcp4 = [192, 0, 2, 7, 198, 51, 100, 1, 0x12, 0x34, 0x01, 0xbb];

const listening = (g, mode, more = "trusted_proxies: [127.0.0.1]") => `
listeners: [{ name: web, address: "127.0.0.1:${g.port}", proxy_protocol: ${mode}, timeouts: { header: 500ms }, ${more} }]
`;
const behind = (address, more = "") => `
routes: [{ name: all, upstream: app }]
upstreams: [{ name: app, endpoints: ["${address}"]${more} }]
`;

test("the client is who a trusted proxy says", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, (g) => listening(g, "require") + behind(origin.address));
  const cases = [
    ["version 1", Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 4660 443\r\n"), "192.0.2.7", 4660],
    ["version 1, IPv6", Buffer.from("PROXY TCP6 2001:db8::7 ::1 4660 443\r\n"), "2001:db8::7", 4660],
    ["version 1, unknown", Buffer.from("PROXY UNKNOWN\r\n"), "127.0.0.1"],
    ["version 2", v2(1, 0x11, tcp4), "192.0.2.7", 4660],
    ["version 2 with extensions", v2(1, 0x11, [...tcp4, 4, 0, 3, 0, 0, 0]), "192.0.2.7", 4660],
    ["version 2, LOCAL", v2(0, 0, []), "127.0.0.1"],
  ];
  for (const [what, header, client, port] of cases) {
    for (const cut of [0, 5, header.length]) {
      const connection = await openRaw(gateway.port);
      connection.socket.setNoDelay(true);
      const bytes = Buffer.concat([header, Buffer.from(get)]);
      if (cut) connection.write(bytes.subarray(0, cut));
      if (cut) await new Promise((resolve) => setTimeout(resolve, 10));
      connection.write(bytes.subarray(cut));
      assert.equal((await connection.response()).status, 200, what);
      connection.destroy();
      assert.equal(origin.requests.at(-1).headers["x-forwarded-for"], client, what);
    }
    const line = (await gateway.accessLines(1, (l) => l.client === client)).at(-1);
    if (port) assert.equal(line.client_port, port);
  }
});

test("what is refused: other peers, no header, a wrong one, none in time", async (t) => {
  const gateway = await startGateway(t, (g) => `${listening(g, "require")}routes: [{ name: all, respond: { body: ok } }]\n`);
  const tries = [get, "PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n", v2(1, 0x11, tcp4.slice(1)), "PROXY TCP4 1.2.3.4", ""];
  for (const bytes of tries) {
    const connection = await openRaw(gateway.port);
    connection.write(bytes);
    assert.equal(await connection.rest(), "");
  }
  await eventually(async () => (await gateway.metric("ringway_proxy_protocol_refused_total")) === 3);
  const lines = await gateway.accessLines(3, (line) => line.reason === "proxy_protocol_refused");
  for (const line of lines) assert.deepEqual([line.client, line.protocol, line.status], ["127.0.0.1", "proxy", undefined]);
  assert.equal(await gateway.metric("ringway_client_timeouts_total"), 2);
  const strangers = await startGateway(t, (g) => `${listening(g, "require", "trusted_proxies: [10.0.0.0/8]")}routes: [{ name: all, respond: { body: ok } }]\n`);
  const connection = await openRaw(strangers.port);
  assert.equal(await connection.rest(), "");
});

test("accept: with or without a header; from others only without", async (t) => {
  const page = "routes: [{ name: all, respond: { body: ok } }]\n";
  const gateway = await startGateway(t, (g) => listening(g, "accept") + page);
  for (const bytes of [get, `PROXY TCP4 192.0.2.7 198.51.100.1 4660 443\r\n${get}`]) {
    const connection = await openRaw(gateway.port);
    connection.write(bytes);
    assert.equal((await connection.response()).text, "ok");
    connection.destroy();
  }
  const others = await startGateway(t, (g) => listening(g, "accept", "trusted_proxies: [10.0.0.0/8]") + page);
  const plain = await openRaw(others.port);
  plain.write(get);
  assert.equal((await plain.response()).text, "ok");
  plain.destroy();
  const liar = await openRaw(others.port);
  liar.write(`PROXY TCP4 192.0.2.7 198.51.100.1 4660 443\r\n${get}`);
  assert.equal(await liar.rest(), "");
});

for (const version of ["send-proxy", "send-proxy-v2"]) {
  test(`HAProxy in front, plain and before TLS (${version})`, async (t) => {
    const c = makeCertificates(t);
    const [plain, secure] = await freePorts(2);
    const gateway = await startGateway(
      t,
      (g) => `
listeners:
  - { name: web, address: "127.0.0.1:${g.port}", proxy_protocol: require, trusted_proxies: [127.0.0.1] }
  - name: secure
    address: "127.0.0.1:${g.adminPort + 1}"
    proxy_protocol: require
    trusted_proxies: [127.0.0.1]
    tls: { certificates: [{ cert: ${c.cert("usual")}, key: ${c.key("usual")} }] }
routes: [{ name: all, respond: { body: ok } }]
`,
    );
    await startHaproxy(t, {
      sections: `
listen plain
  mode tcp
  bind 127.0.0.1:${plain}
  server a 127.0.0.1:${gateway.port} ${version}
listen secure
  mode tcp
  bind 127.0.0.1:${secure}
  server a 127.0.0.1:${gateway.adminPort + 1} ${version}
`,
      ports: [plain, secure],
    });
    const localAddress = "127.0.0.9";
    assert.equal((await request(`http://127.0.0.1:${plain}/`, { localAddress })).text, "ok");
    await gateway.accessLines(1, (l) => l.client === localAddress && l.scheme === "http");
    assert.equal((await request(`https://127.0.0.1:${secure}/`, { localAddress, rejectUnauthorized: false })).text, "ok");
    await gateway.accessLines(1, (l) => l.client === localAddress && l.scheme === "https");
  });
}

const haproxyTells = (port, more = "") => `
frontend f
  bind 127.0.0.1:${port} accept-proxy ${more}
  http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst_port] %[fc_pp_authority]"
`;

for (const version of ["v1", "v2"]) {
  test(`HAProxy behind is told whose connection it is (${version})`, async (t) => {
    const [port] = await freePorts(1);
    await startHaproxy(t, { sections: haproxyTells(port), ports: [port] });
    const gateway = await startGateway(t, `threads: 1\n${behind(`127.0.0.1:${port}`, `, proxy_protocol: ${version}, health: { path: /, interval: 100ms, timeout: 100ms }`)}`);
    const agents = ["127.0.0.3", "127.0.0.4"].map((localAddress) => new http.Agent({ keepAlive: true, maxSockets: 1, localAddress }));
    for (let i = 0; i < 3; i++) {
      for (const agent of agents) {
        const answer = await request(gateway.url, { agent });
        assert.equal(answer.text.split(" ")[0], `${answer.socket.localAddress}:${answer.socket.localPort}`);
        assert.equal(answer.text.split(" ")[1], String(gateway.port));
      }
    }
    // A connection of its own for each, and kept for it.
    assert.equal(await gateway.metric("ringway_upstream_connects_total"), 2);
    for (const agent of agents) agent.destroy();
  });
}

test("nginx behind is told, and its health is probed", async (t) => {
  const [port] = await freePorts(1);
  await startNginx(t, { http: `server { listen 127.0.0.1:${port} proxy_protocol; location / { return 200 "$proxy_protocol_addr"; } }`, ports: [port] });
  for (const version of ["v1", "v2"]) {
    const gateway = await startGateway(t, behind(`127.0.0.1:${port}`, `, proxy_protocol: ${version}, health: { path: /, interval: 100ms, timeout: 100ms, unhealthy_after: 1 }`));
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal((await request(gateway.url, { localAddress: "127.0.0.5" })).text, "127.0.0.5");
  }
});

test("the header goes before TLS to an endpoint", async (t) => {
  const c = makeCertificates(t);
  const [port] = await freePorts(1);
  const seen = [];
  const origin = await startOrigin(t, { tls: { cert: c.read("usual.pem"), key: c.read("usual.key") } });
  const relay = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => {
      const end = data.indexOf("\r\n") + 2;
      seen.push(data.subarray(0, end).toString());
      const onward = connect(Number(origin.address.split(":")[1]), "127.0.0.1");
      onward.on("error", () => {});
      onward.write(data.subarray(end));
      socket.pipe(onward).pipe(socket);
    });
  }).listen(port, "127.0.0.1");
  t.after(() => relay.close());
  const gateway = await startGateway(t, behind(`127.0.0.1:${port}`, `, proxy_protocol: v1, tls: { verify: false }`));
  const answer = await request(gateway.url);
  assert.equal(answer.status, 200);
  assert.match(seen[0], /^PROXY TCP4 127.0.0.1 127.0.0.1 \d+ \d+\r\n$/);
});

test("an address of another family than the listener's is passed on all the same", async (t) => {
  const seen = [];
  const origin = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => {
      seen.push(`${data}`.split("\r\n")[0]);
      socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    });
  }).listen(0, "127.0.0.1");
  t.after(() => origin.close());
  await new Promise((resolve) => origin.once("listening", resolve));
  const path = `${scratch(t)}/socket`;
  const gateway = await startGateway(
    t,
    (g) => `
listeners:
  - { name: web, address: "127.0.0.1:${g.port}", proxy_protocol: require, trusted_proxies: [127.0.0.1] }
  - { name: local, address: "unix:${path}", proxy_protocol: require, trusted_proxies: [127.0.0.1] }
${behind(`127.0.0.1:${origin.address().port}`, ", proxy_protocol: v1")}`,
  );
  const ask = (where, header) =>
    new Promise((resolve, reject) => {
      const socket = connect(where, () => socket.write(`${header}\r\n${get}`));
      socket.once("data", () => resolve(socket.destroy()));
      socket.once("error", reject);
    });
  await ask({ port: gateway.port, host: "127.0.0.1" }, "PROXY TCP6 2001:db8::7 ::1 4660 443");
  await ask({ path }, "PROXY TCP4 192.0.2.7 198.51.100.1 4660 443");
  assert.deepEqual(seen, [`PROXY TCP6 2001:db8::7 ::ffff:127.0.0.1 4660 ${gateway.port}`, "PROXY TCP4 192.0.2.7 0.0.0.0 4660 0"]);
});

test("a listener that would believe anybody is a mistake", async (t) => {
  await assert.rejects(
    startGateway(t, (g) => `${listening(g, "require", "")}routes: [{ name: all, respond: { body: ok } }]\n`),
    /trusted_proxies/,
  );
});
