// The policy `compress` with real clients: curl, Node's own decoders, the zstd program; nginx behind.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import zlib from "node:zlib";
import { request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePorts } from "./support/ports.mjs";
import { run } from "./support/run.mjs";
import { startNginx } from "./support/servers.mjs";
import { eventually, sleep, within } from "./support/wait.mjs";

const decoders = {
  gzip: (bytes) => zlib.gunzipSync(bytes),
  br: (bytes) => zlib.brotliDecompressSync(bytes),
  zstd: (bytes) => execFileSync("zstd", ["-d", "-c"], { input: bytes, maxBuffer: 1 << 28 }),
};
const codings = Object.keys(decoders);

const behind = (port, policy = "{}") => `
routes: [{ name: all, upstream: app, policies: [ compress: ${policy} ] }]
upstreams: [{ name: app, endpoints: ["127.0.0.1:${port}"] }]
`;

const page = `<!doctype html>\n${Array.from({ length: 700 }, (_, i) => `<p class="row-${i % 7}">Line ${i * i}</p>`).join("\n")}\n`;

test("files of nginx", async (t) => {
  const [port] = await freePorts(1);
  await startNginx(t, {
    http: (folder) => `types { text/html html; image/png png; } server { listen 127.0.0.1:${port}; root ${folder}/html; }`,
    files: { "index.html": page, "small.html": "<p>small", "dot.png": page },
    ports: [port],
  });
  const gateway = await startGateway(t, behind(port));

  for (const coding of codings) {
    await t.test(coding, async () => {
      const answer = await gateway.get("/", { headers: { "Accept-Encoding": coding } });
      assert.equal(answer.headers["content-encoding"], coding);
      assert.equal(answer.headers.vary, "Accept-Encoding");
      assert.equal(answer.headers["accept-ranges"], undefined);
      assert.ok(answer.bytes.length < page.length / 4, `${answer.bytes.length} bytes`);
      assert.equal(decoders[coding](answer.bytes).toString(), page);
    });
  }

  await t.test("curl --compressed", async () => {
    const { stdout } = await run("curl", ["-sS", "--compressed", "-D", "-", `${gateway.url}/`]);
    assert.match(stdout, /^content-encoding: (zstd|br|gzip)/im);
    assert.ok(stdout.endsWith(page));
  });

  await t.test("the weakened tag is validated by the origin", async () => {
    const first = await gateway.get("/", { headers: { "Accept-Encoding": "br" } });
    const { etag } = first.headers;
    assert.match(etag, /^W\/"/);
    const again = await gateway.get("/", { headers: { "Accept-Encoding": "br", "If-None-Match": etag } });
    assert.equal(again.status, 304);
    assert.equal(again.headers.etag, etag);
    assert.equal(again.headers.vary, "Accept-Encoding");
    const plain = await gateway.get("/");
    assert.equal(`W/${plain.headers.etag}`, etag);
    const unchanged = await gateway.get("/", { headers: { "If-None-Match": plain.headers.etag } });
    assert.equal(unchanged.status, 304);
    assert.equal(unchanged.headers.etag, plain.headers.etag);
  });

  await t.test("what stays as it is", async () => {
    const gzip = { "Accept-Encoding": "gzip" };
    const small = await gateway.get("/small.html", { headers: gzip });
    assert.equal(small.headers["content-encoding"], undefined);
    const image = await gateway.get("/dot.png", { headers: gzip });
    assert.equal(image.headers["content-encoding"], undefined);
    assert.equal(image.headers.vary, undefined);
    const part = await gateway.get("/", { headers: { ...gzip, Range: "bytes=0-9" } });
    assert.equal(part.status, 206);
    assert.equal(part.text, page.slice(0, 10));
    assert.match(part.headers["content-range"], /^bytes 0-9\//);
    const head = await gateway.get("/", { method: "HEAD", headers: gzip });
    assert.equal(head.headers["content-encoding"], "gzip");
    assert.equal(head.headers["content-length"], undefined);
  });

  await t.test("the metrics tell what it saves", async () => {
    const name = (what) => `ringway_compress_br_${what}_total`;
    await eventually(async () => (await gateway.metric(name("responses"))) >= 2, { what: "two are counted" });
    const before = await gateway.metric(name("bytes_in"));
    assert.equal(before, page.length * (await gateway.metric(name("responses"))));
    assert.ok((await gateway.metric(name("bytes_out"))) < before / 4);
  });
});

test("a response without a length, in both versions of HTTP", async (t) => {
  const origin = await startOrigin(t, {
    answer: async (_, response) => {
      response.setHeader("Content-Type", "text/plain");
      for (let i = 0; i < 50; i++) {
        response.write(`${i} `.repeat(400));
        if (i % 10 === 0) await sleep(5);
      }
      response.end();
    },
  });
  const expected = Array.from({ length: 50 }, (_, i) => `${i} `.repeat(400)).join("");
  const gateway = await startGateway(t, behind(origin.port));
  for (const coding of codings) {
    const answer = await gateway.get("/", { headers: { "Accept-Encoding": coding } });
    assert.equal(decoders[coding](answer.bytes).toString(), expected);
    const old = await run("curl", ["-sS", "--http1.0", "-H", `Accept-Encoding: ${coding}`, `${gateway.url}/`]);
    assert.equal(decoders[coding](old.bytes).toString(), expected);
  }
});

// The next event is only made when the one before has come out of the decoder.
test("events arrive one by one", async (t) => {
  const waiting = [];
  const origin = await startOrigin(t, {
    answer: async (_, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      waiting.push(response);
      response.write(": hello\n\n");
    },
  });
  const gateway = await startGateway(t, behind(origin.port));
  for (const [coding, decoder] of [
    ["gzip", zlib.createGunzip({ flush: zlib.constants.Z_SYNC_FLUSH })],
    ["br", zlib.createBrotliDecompress({ flush: zlib.constants.BROTLI_OPERATION_FLUSH })],
  ]) {
    const { response, headers } = await request(`${gateway.url}/`, { headers: { "Accept-Encoding": coding }, consume: false });
    assert.equal(headers["content-encoding"], coding);
    response.pipe(decoder);
    let seen = "";
    decoder.on("data", (data) => (seen += data));
    const stream = waiting.pop();
    for (let i = 0; i < 20; i++) {
      stream.write(`data: event ${i}\n\n`);
      await eventually(() => seen.endsWith(`event ${i}\n\n`), { within: 5000, every: 1, what: `event ${i} in ${coding}` });
    }
    stream.end();
    await once(decoder, "end");
    assert.equal(seen.match(/data:/g).length, 20);
  }
  // zstd: each event is bytes on the wire before the next is made.
  const { response } = await request(`${gateway.url}/`, { headers: { "Accept-Encoding": "zstd" }, consume: false });
  const chunks = [];
  response.on("data", (data) => chunks.push(data));
  const stream = waiting.pop();
  for (let i = 0; i < 20; i++) {
    const before = chunks.length;
    stream.write(`data: event ${i}\n\n`);
    await eventually(() => chunks.length > before, { within: 5000, every: 1, what: `event ${i} in zstd` });
  }
  stream.end();
  await once(response, "end");
  assert.equal(decoders.zstd(Buffer.concat(chunks)).toString().match(/data:/g).length, 20);
});

// 100 MB of which the half is left.
test("a slow reader holds the origin back, and memory stays flat", async (t) => {
  const block = Buffer.from(randomBytes(1 << 19).toString("hex"));
  const total = 100;
  let given = 0;
  const origin = await startOrigin(t, {
    answer: async (_, response) => {
      response.setMaxListeners(0);
      response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": String(total * block.length) });
      for (let i = 0; i < total && !response.destroyed; i++) {
        const more = response.write(block);
        given = i + 1; // of the newest answer: the one before may still be ending
        if (!more) await Promise.race([once(response, "drain"), once(response, "close")]);
      }
      response.end();
    },
  });
  const gateway = await startGateway(t, behind(origin.port));
  const before = gateway.residentBytes();
  for (const coding of codings) {
    const { response } = await request(`${gateway.url}/`, { headers: { "Accept-Encoding": coding }, consume: false });
    response.pause();
    let last = -1;
    await eventually(
      async () => {
        const still = given === last;
        last = given;
        await sleep(100);
        return still && given > 0;
      },
      { within: 20000, what: "the origin is held back" },
    );
    assert.ok(given < 60, `${given} MB were taken from the origin`);
    const grown = gateway.residentBytes() - before;
    assert.ok(grown < 48 << 20, `${coding}: ${grown} bytes more`);
    if (coding === "zstd") {
      // And then all of it arrives.
      let bytes = 0;
      response.on("data", (data) => (bytes += data.length));
      response.resume();
      await within(60000, "the body arrives", once(response, "end"));
      assert.ok(bytes > 40 << 20 && bytes < 70 << 20, `${bytes} bytes`);
      assert.equal(given, total);
    } else {
      response.destroy();
    }
  }
});

test("secrets: what another site asks for with a cookie is not compressed", async (t) => {
  const origin = await startOrigin(t, {
    answer: async (_, response) => {
      response.setHeader("Content-Type", "text/html");
      response.end(page);
    },
  });
  const gateway = await startGateway(t, behind(origin.port));
  const ask = async (headers) => (await gateway.get("/", { headers: { "Accept-Encoding": "gzip", ...headers } })).headers;
  assert.equal((await ask({ Cookie: "a=b" }))["content-encoding"], "gzip");
  const foreign = await ask({ Cookie: "a=b", "Sec-Fetch-Site": "cross-site" });
  assert.equal(foreign["content-encoding"], undefined);
  assert.equal(foreign.vary, "Accept-Encoding");
});

test("many at once, cut and whole, and what they took is given back", async (t) => {
  const origin = await startOrigin(t, {
    answer: async (_, response) => {
      response.setHeader("Content-Type", "text/html");
      response.end(page.repeat(10));
    },
  });
  const gateway = await startGateway(t, behind(origin.port));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  t.after(() => agent.destroy());
  await Promise.all(
    Array.from({ length: 300 }, async (_, i) => {
      const coding = codings[i % 3];
      if (i % 10 === 9) {
        const { response } = await request(`${gateway.url}/`, { headers: { "Accept-Encoding": coding }, consume: false });
        response.destroy();
        return;
      }
      const answer = await gateway.get("/", { headers: { "Accept-Encoding": coding }, agent });
      assert.equal(answer.headers["content-encoding"], coding);
      if (coding !== "zstd") assert.equal(decoders[coding](answer.bytes).length, page.length * 10);
    }),
  );
  await eventually(async () => (await gateway.metric("ringway_requests_active")) === 1, { what: "only this one is left" });
});
