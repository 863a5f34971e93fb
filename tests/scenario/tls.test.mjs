// TLS on both sides of the program.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";
import tls from "node:tls";
import { cleanup } from "./support/cleanup.mjs";
import { makeCertificates } from "./support/certificates.mjs";
import { request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePorts } from "./support/ports.mjs";
import { wrapRaw } from "./support/raw.mjs";
import { ringway, run } from "./support/run.mjs";
import { startNginx } from "./support/servers.mjs";
import { eventually, within } from "./support/wait.mjs";

// A TLS connection that is ready, or a rejection.
async function connectTls(port, options = {}) {
  const socket = tls.connect({ port, host: "127.0.0.1", servername: "usual.example", rejectUnauthorized: false, ...options });
  socket.tickets = [];
  socket.on("session", (ticket) => socket.tickets.push(ticket));
  await within(
    10000,
    "a TLS handshake",
    new Promise((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("closed")));
    }),
  );
  socket.on("error", () => {});
  return socket;
}

async function get(socket, path = "/") {
  const raw = wrapRaw(socket);
  raw.write(`GET ${path} HTTP/1.1\r\nHost: usual.example\r\n\r\n`);
  return raw.response();
}

const nameOf = (socket) => socket.getPeerCertificate().subject.CN;

const listener = (gateway, c, more = "") => `
listeners:
  - name: web
    address: "127.0.0.1:${gateway.port}"
    tls:
      certificates:
        - { cert: ${c.cert("usual")}, key: ${c.key("usual")} }
        - { cert: ${c.cert("wild")}, key: ${c.key("wild")} }
        - { cert: ${c.cert("named")}, key: ${c.key("named")} }
${more}`;
const hello = "routes: [{ name: hello, respond: { body: hello } }]";

test("when certificates end is told by metrics and the admin API, as of the configuration in force", async (t) => {
  const c = makeCertificates(t);
  const upstream = `{ name: app, endpoints: ["127.0.0.1:1"], tls: { name: a, ca: ${c.cert("ca")}, cert: ${c.cert("client")}, key: ${c.key("client")} } }`;
  const text = (g, more = "") => `${listener(g, c, more)}routes: [{ upstream: app }]\nupstreams: [${upstream}, { name: plain, endpoints: ["127.0.0.1:1"] }]\n`;
  const gateway = await startGateway(t, (g) => text(g));
  const family = "ringway_certificate_not_after_timestamp_seconds";
  const ends = (name) => Date.parse(new X509Certificate(c.read(`${name}.pem`)).validTo) / 1000;
  assert.equal(await gateway.metric("ringway_certificates"), 4);
  assert.equal(await gateway.metric(family, { listener: "web", file: c.cert("wild") }), ends("wild"));
  assert.equal(await gateway.metric(family, { upstream: "app", file: c.cert("client") }), ends("client"));
  assert.equal((await gateway.status()).certificates.count, 4);

  // One that is listed twice is one series; what a reload brings is seen, what it refuses is not.
  const again = `        - { cert: ${c.cert("wild")}, key: ${c.key("wild")} }\n        - { cert: ${c.cert("expired")}, key: ${c.key("expired")} }\n`;
  c.replace("named", "foreign");
  await gateway.reload(text(gateway, again));
  assert.equal(await gateway.metric("ringway_certificates"), 5);
  assert.equal(await gateway.metric(family, { listener: "web", file: c.cert("named") }), ends("foreign"));
  const { first } = (await gateway.status()).certificates;
  assert.deepEqual(first, { listener: "web", file: c.cert("expired"), not_after: new Date(ends("expired") * 1000).toISOString().replace(".000", "") });
  const { text: exposition } = await request(`${gateway.admin}/metrics`);
  assert.equal(exposition.match(new RegExp(`^# TYPE ${family} gauge$`, "gm")).length, 1);
  assert.equal(exposition.match(new RegExp(`^${family}\\{`, "gm")).length, 5);
});

test("of very many certificates, those that end first are told", async (t) => {
  const c = makeCertificates(t);
  const names = Array.from({ length: 130 }, (_, i) => `copy-${i}`);
  for (const name of names) for (const end of ["pem", "key"]) copyFileSync(c.file(`${name < "copy-2" ? "expired" : "usual"}.${end}`), c.file(`${name}.${end}`));
  const more = names.map((name) => `        - { cert: ${c.cert(name)}, key: ${c.key(name)} }\n`).join("");
  const gateway = await startGateway(t, (g) => `${listener(g, c, more)}${hello}`);
  const told = [...(await request(`${gateway.admin}/metrics`)).text.matchAll(/^ringway_certificate_not_after_timestamp_seconds\{listener="web",file="([^"]*)"\} (\d+)$/gm)];
  assert.equal(told.length, 100);
  assert.equal(await gateway.metric("ringway_certificates"), 133);
  const expired = names.filter((name) => name < "copy-2").map((name) => c.cert(name));
  assert.ok(expired.length > 10 && expired.every((file) => told.some(([, it]) => it === file)));
});

test("versions, names, ALPN", async (t) => {
  const c = makeCertificates(t);
  const gateway = await startGateway(t, (g) => `${listener(g, c)}${hello}`);
  const ca = c.read("ca.pem");

  await t.test("the banner's curl line works", async () => {
    const line = /^try: (.*)$/m.exec(gateway.stderr)[1];
    assert.match(line, /https:/);
    const curl = await run("sh", ["-c", `${line} -sS --max-time 10`]);
    assert.match(curl.stdout, /hello/, curl.stderr);
  });
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    await t.test(version, async () => {
      const socket = await connectTls(gateway.port, { minVersion: version, maxVersion: version, ca, rejectUnauthorized: true });
      assert.equal(socket.getProtocol(), version);
      assert.equal((await get(socket)).text, "hello");
      socket.destroy();
    });
  }
  await t.test("TLS 1.1 is refused", async () => {
    await assert.rejects(connectTls(gateway.port, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }));
    await eventually(async () => (await gateway.metric("ringway_tls_handshake_failures_total")) >= 1);
  });
  await t.test("the certificate is chosen by name: exact before wildcard, else the first", async () => {
    const names = { "usual.example": "usual", "some.wild.example": "wild", "named.wild.example": "named", "a.b.wild.example": "usual", "unknown.example": "usual" };
    for (const [servername, expected] of Object.entries(names)) {
      const socket = await connectTls(gateway.port, { servername, ca });
      assert.equal(nameOf(socket), expected, servername);
      socket.destroy();
    }
    const nameless = await connectTls(gateway.port, { servername: "" });
    assert.equal(nameOf(nameless), "usual");
    nameless.destroy();
  });
  await t.test("ALPN: h2 before http/1.1, none is fine, only others are refused or ignored", async () => {
    const agreed = await connectTls(gateway.port, { ALPNProtocols: ["h2", "http/1.1"] });
    assert.equal(agreed.alpnProtocol, "h2");
    agreed.destroy();
    const old = await connectTls(gateway.port, { ALPNProtocols: ["http/1.1"] });
    assert.equal(old.alpnProtocol, "http/1.1");
    old.destroy();
    const none = await connectTls(gateway.port);
    assert.equal(none.alpnProtocol, false);
    none.destroy();
    const other = await connectTls(gateway.port, { ALPNProtocols: ["spdy/3"] }).catch(() => null);
    if (other) assert.equal(other.alpnProtocol, false);
    other?.destroy();
  });
  await t.test("plain HTTP on a TLS port is not served", async () => {
    await assert.rejects(request(`http://127.0.0.1:${gateway.port}/`));
    await eventually(() => /no TLS handshake at listener \S+: TLS failure: what the client sends is no TLS"/.test(gateway.stderr));
  });
  await t.test("a client that begins and says no more is let go of", async () => {
    const { connect } = await import("node:net");
    const sockets = Array.from({ length: 20 }, () => connect(gateway.port, "127.0.0.1"));
    for (const socket of sockets) socket.on("error", () => {}).write("\x16\x03\x01");
    assert.equal((await request(`https://127.0.0.1:${gateway.port}/`, { rejectUnauthorized: false })).text, "hello");
    for (const socket of sockets) socket.destroy();
  });
});

test("session tickets: a client that comes back, on any thread and after a reload", async (t) => {
  const c = makeCertificates(t);
  const text = (g) => `threads: 3\n${listener(g, c)}${hello}`;
  const gateway = await startGateway(t, text);
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    await t.test(version, async () => {
      const options = { minVersion: version, maxVersion: version };
      const first = await connectTls(gateway.port, options);
      assert.equal(first.isSessionReused(), false);
      await get(first);
      await eventually(() => first.tickets.length > 0, { what: "a session ticket" });
      const session = first.tickets.at(-1);
      first.destroy();
      const resume = async () => {
        const again = await connectTls(gateway.port, { ...options, session });
        assert.equal((await get(again)).text, "hello");
        const reused = again.isSessionReused();
        again.destroy();
        return reused;
      };
      for (let i = 0; i < 8; i++) assert.equal(await resume(), true, `connection ${i}`);
      await gateway.reload(text(gateway));
      for (let i = 0; i < 4; i++) assert.equal(await resume(), true, `after the reload, connection ${i}`);
      process.kill(gateway.workers()[0], "SIGKILL");
      await eventually(() => resume(), { what: "resumption with a new worker process" });
    });
  }
});

test("tickets can be switched off", async (t) => {
  const c = makeCertificates(t);
  const gateway = await startGateway(t, (g) => `${listener(g, c, "      tickets: false\n")}${hello}`);
  const options = { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" };
  const first = await connectTls(gateway.port, options);
  await get(first);
  const session = first.getSession();
  first.destroy();
  const again = await connectTls(gateway.port, { ...options, session });
  assert.equal(again.isSessionReused(), false);
  again.destroy();
});

test("min_version 1.3", async (t) => {
  const c = makeCertificates(t);
  const gateway = await startGateway(t, (g) => `${listener(g, c, '      min_version: "1.3"\n')}${hello}`);
  await assert.rejects(connectTls(gateway.port, { maxVersion: "TLSv1.2" }));
  (await connectTls(gateway.port)).destroy();
});

test("bodies of 16 MiB both ways", async (t) => {
  const c = makeCertificates(t);
  const origin = await startOrigin(t, { answer: (_, response, body) => response.end(body) });
  const gateway = await startGateway(t, (g) => `${listener(g, c)}routes: [{ upstream: app }]\nupstreams: [{ name: app, endpoints: ["${origin.address}"] }]`);
  const body = Buffer.alloc(16 << 20, "0123456789abcdef!");
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"]) {
    const answer = await request(`https://127.0.0.1:${gateway.port}/`, { method: "POST", body, maxVersion, rejectUnauthorized: false });
    assert.equal(answer.bytes.length, body.length);
    assert.ok(answer.bytes.equals(body));
  }
});

test("a certificate that was renewed is taken without a restart; a broken one is not", async (t) => {
  const c = makeCertificates(t);
  const gateway = await startGateway(t, (g) => `${listener(g, c)}${hello}`);
  const serving = async () => {
    const socket = await connectTls(gateway.port);
    const name = nameOf(socket);
    socket.destroy();
    return name;
  };
  assert.equal(await serving(), "usual");
  const living = await connectTls(gateway.port);
  c.replace("usual", "exact-ec");
  await gateway.reload();
  assert.equal(await serving(), "exact-ec");
  assert.equal((await get(living)).text, "hello", "connections that live go on");
  living.destroy();

  const { writeFileSync } = await import("node:fs");
  writeFileSync(c.cert("usual"), "broken");
  const answer = await request(`${gateway.admin}/reload`, { method: "POST" });
  assert.equal(answer.status, 422);
  assert.match(answer.text, /usual\.pem/);
  assert.equal(await serving(), "exact-ec");
});

test("a certificate that has expired meanwhile keeps nothing from being served: no reload, no new worker process", async (t) => {
  const c = makeCertificates(t);
  const gateway = await startGateway(t, (g) => `${listener(g, c)}${hello}`);
  c.replace("named", "expired");
  const served = async () => {
    const socket = await connectTls(gateway.port, { servername: "usual.example", ca: c.read("ca.pem"), rejectUnauthorized: true });
    assert.equal((await get(socket)).text, "hello");
    socket.destroy();
  };
  await gateway.reload();
  await served();
  const [worker] = gateway.workers();
  process.kill(worker, "SIGKILL");
  await eventually(() => gateway.workers().length === 1 && gateway.workers()[0] !== worker);
  await served();
  const warning = /ringway\.yaml:8:\d+: .*named\.pem: the certificate expired on 20/;
  await eventually(() => gateway.stderr.split("\n").filter((line) => warning.test(line)).length >= 2); // one for each load
  const { code, stdout, stderr } = await run(ringway, ["check", gateway.configFile]);
  assert.equal(code, 0);
  assert.match(stdout, /fine/);
  assert.match(stderr, /^\S+ringway\.yaml:8:\d+: warning: \S+named\.pem: the certificate expired on 20/m);
});

test("client certificates", async (t) => {
  const c = makeCertificates(t);
  const mine = { cert: c.read("client.pem"), key: c.read("client.key") };
  const stranger = { cert: c.read("stranger.pem"), key: c.read("stranger.key") };
  const auth = (kind) => `      client_auth: ${kind}\n      client_ca: ${c.cert("ca")}\n`;
  const asks = (gateway, options) => request(`https://127.0.0.1:${gateway.port}/`, { rejectUnauthorized: false, ...options });
  await t.test("required", async (t) => {
    const gateway = await startGateway(t, (g) => `${listener(g, c, auth("required"))}${hello}`);
    assert.equal((await asks(gateway, mine)).text, "hello");
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"]) {
      await assert.rejects(asks(gateway, { maxVersion }));
      await assert.rejects(asks(gateway, { ...stranger, maxVersion }));
    }
    // Each is one line of the log, with who and where.
    const told = () => gateway.stderr.split("\n").filter((line) => line.includes('"component":"tls"')).map((line) => JSON.parse(line));
    await eventually(() => told().length >= 4);
    assert.equal(told().length, 4);
    for (const { message } of told()) assert.match(message, /^127\.0\.0\.1: no TLS handshake at listener \S+: certificate not trusted: /);
  });
  await t.test("optional: none is fine, a wrong one is not", async (t) => {
    const gateway = await startGateway(t, (g) => `${listener(g, c, auth("optional"))}${hello}`);
    assert.equal((await asks(gateway, mine)).text, "hello");
    assert.equal((await asks(gateway, {})).text, "hello");
    await assert.rejects(asks(gateway, stranger));
  });
});

test("TLS towards the origin", async (t) => {
  const c = makeCertificates(t);
  const [demanding] = await freePorts(1);
  await startNginx(t, {
    http: `
      server {
        listen 127.0.0.1:${demanding} ssl;
        ssl_certificate ${c.cert("usual")};
        ssl_certificate_key ${c.key("usual")};
        ssl_client_certificate ${c.cert("ca")};
        ssl_verify_client on;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / { return 200 "$ssl_client_s_dn $ssl_server_name $ssl_protocol"; }
      }`,
    ports: [demanding],
  });
  const origin = await startOrigin(t, { tls: { cert: c.read("usual.pem"), key: c.read("usual.key") }, answer: (_, response) => response.end("secure") });
  const startTcp = async (answer) => {
    const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end(answer)));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanup(t, () => server.close());
    return `127.0.0.1:${server.address().port}`;
  };
  const plain = await startTcp("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  const hangsUp = await startTcp("");
  const upstream = (name, address, tlsText) => `  - { name: ${name}, endpoints: ["${address}"], passive_health: { failures: 0 }, tls: ${tlsText} }\n`;
  const ca = `ca: ${c.cert("ca")}`;
  const names = ["good", "named", "wrong-name", "wrong-ca", "system-ca", "unverified", "mutual", "no-certificate", "stranger", "not-tls", "hangs-up"];
  const gateway = await startGateway(
    t,
    (g) => `
listeners: [{ name: web, address: "127.0.0.1:${g.port}", reason_header: true }]
routes:
${names.map((name) => `  - { name: ${name}, match: /${name}, upstream: ${name} }`).join("\n")}
upstreams:
${upstream("good", origin.address, `{ ${ca} }`)}\
${upstream("named", origin.address, `{ ${ca}, name: usual.example }`)}\
${upstream("wrong-name", origin.address, `{ ${ca}, name: other.example }`)}\
${upstream("wrong-ca", origin.address, `{ ca: ${c.cert("other-ca")} }`)}\
${upstream("system-ca", origin.address, "{}")}\
${upstream("unverified", origin.address, "{ verify: false }")}\
${upstream("mutual", `127.0.0.1:${demanding}`, `{ ${ca}, name: usual.example, cert: ${c.cert("client")}, key: ${c.key("client")} }`)}\
${upstream("no-certificate", `127.0.0.1:${demanding}`, `{ ${ca} }`)}\
${upstream("stranger", `127.0.0.1:${demanding}`, `{ ${ca}, cert: ${c.cert("stranger")}, key: ${c.key("stranger")} }`)}\
${upstream("hangs-up", hangsUp, `{ ${ca} }`)}\
${upstream("not-tls", plain, `{ ${ca} }`)}`,
  );
  const ask = (name) => gateway.get(`/${name}`);
  for (const name of ["good", "named", "unverified"]) {
    await t.test(name, async () => {
      const answer = await ask(name);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.text, "secure");
    });
  }
  for (const name of ["wrong-name", "wrong-ca", "system-ca"]) {
    await t.test(`${name}: 502 with the reason`, async () => {
      const answer = await ask(name);
      assert.equal(answer.status, 502);
      assert.equal(answer.headers["x-ringway-reason"], "upstream_tls_failed");
    });
  }
  await t.test("the log says what was wrong with the certificate, not only that something was", async () => {
    const told = {
      "wrong-name": /the certificate is for DNS:usual\.example, DNS:localhost, IP:127\.0\.0\.1, wanted is other\.example/,
      "wrong-ca": /its issuer is not known here: CN=ca,O=Ringway Tests/,
    };
    for (const [name, what] of Object.entries(told))
      await eventually(() => gateway.logLines().some((l) => l.component === "exchange" && l.message.includes(`/${name}:`) && what.test(l.message)), { what: `a line about ${name}` });
  });
  await t.test("an origin that does not speak TLS: 502", async () => {
    const answer = await ask("not-tls");
    assert.equal(answer.status, 502);
    assert.equal(answer.headers["x-ringway-reason"], "upstream_tls_failed");
    await eventually(() => /upstream_tls_failed: the peer answers without TLS/.test(gateway.stderr), { what: "a line about it" });
  });
  await t.test("an origin that hangs up during the handshake: 502", async () => {
    const answer = await ask("hangs-up");
    assert.equal(answer.headers["x-ringway-reason"], "upstream_tls_failed");
    await eventually(() => /the peer closed during the TLS handshake/.test(gateway.stderr), { what: "a line about it" });
  });
  await t.test("mutual: nginx sees our certificate and the name we ask for", async () => {
    const answer = await ask("mutual");
    assert.match(answer.text, /CN=client.* usual\.example TLSv1\.3/);
  });
  for (const name of ["no-certificate", "stranger"]) {
    await t.test(`mutual with ${name} is not let in`, async () => {
      const answer = await ask(name);
      assert.ok([400, 502].includes(answer.status), String(answer.status));
    });
  }
  await t.test("kept connections are used again", async () => {
    const before = origin.connections;
    const agentless = [];
    for (let i = 0; i < 12; i++) agentless.push((await ask("good")).status);
    assert.ok(agentless.every((status) => status === 200));
    assert.ok(origin.connections - before <= 2, `${origin.connections - before} connections for 12 requests`);
  });
});

test("half-closed TLS connections end in order", async (t) => {
  const c = makeCertificates(t);
  const gateway = await startGateway(t, (g) => `${listener(g, c)}${hello}`);
  const socket = await connectTls(gateway.port);
  const raw = wrapRaw(socket);
  raw.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assert.equal((await raw.response()).text, "hello");
  if (!raw.ended) await once(socket, "end");
  assert.equal(raw.failed, null, "the end is close_notify, not a reset");
  socket.destroy();
});
