// Browsers that keep their endpoint by a cookie of the gateway, and bodies that are too large for their route.

import assert from "node:assert/strict";
import { test } from "node:test";
import { request } from "./support/client.mjs";
import { connect2, request2 } from "./support/client2.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { eventually } from "./support/wait.mjs";

test("a browser stays with its endpoint from the first request on, as long as that is there", async (t) => {
  const origins = await Promise.all([0, 1, 2, 3].map((number) => startOrigin(t, { answer: (asked, response) => response.end(JSON.stringify({ number, cookie: asked.headers.cookie })) })));
  const gateway = await startGateway(t, `
    routes: [{ upstream: app, policies: [ session_cookie: { name: s } ] }]
    upstreams:
    - name: app
      endpoints: [${origins.map((origin) => `"${origin.address}"`).join(", ")}]
      balance: hash
      hash: { on: cookie, name: s }
      retries: { backoff: 1ms }
  `);
  const come = async (cookie) => {
    const answer = await gateway.get("/", { headers: cookie ? { Cookie: cookie } : {} });
    const set = answer.headers["set-cookie"]?.[0];
    return { ...JSON.parse(answer.text), set: set?.split(";")[0] };
  };
  const browsers = await Promise.all(Array.from({ length: 12 }, () => come()));
  assert.equal(new Set(browsers.map(({ set }) => set)).size, 12);
  assert.ok(new Set(browsers.map(({ number }) => number)).size > 1, "not all at one endpoint");
  const client = await connect2(t, gateway.url);
  for (const { number, set, cookie } of browsers) {
    assert.equal(cookie, set, "the server sees what the browser gets");
    const again = await come(`theme=dark; ${set}`);
    assert.deepEqual([again.number, again.set], [number, undefined]);
    const { text } = await request2(client, "/", { headers: { cookie: ["theme=dark", set] } });
    assert.equal(JSON.parse(text).number, number);
  }
  const [{ number, set }] = browsers;
  await origins[number].stop();
  const elsewhere = await come(set);
  assert.notEqual(elsewhere.number, number);
  assert.equal((await come(set)).number, elsewhere.number);
});

test("a route has its own limit of bodies; what comes in chunks is cut off", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, `
    routes:
    - { match: /large, upstream: app, policies: [ body_size: { max: 100KiB } ] }
    - { match: /, upstream: app, policies: [ body_size: { max: 1KiB } ] }
    upstreams: [{ name: app, endpoints: ["${origin.address}"] }]
  `);
  const client = await connect2(t, gateway.url);
  const post = async (path, bytes) => {
    const body = "x".repeat(bytes);
    const plain = await request(`${gateway.url}${path}`, { method: "POST", body });
    const chunked = await request(`${gateway.url}${path}`, { method: "POST", body, headers: { "Transfer-Encoding": "chunked" } });
    const http2 = await request2(client, path, { method: "POST", body });
    return [plain.status, chunked.status, http2.status];
  };
  assert.deepEqual(await post("/", 1024), [200, 200, 200]);
  assert.deepEqual(await post("/", 1025), [413, 413, 413]);
  assert.deepEqual(await post("/large", 100 << 10), [200, 200, 200]);
  assert.deepEqual(await post("/large", (100 << 10) + 1), [413, 413, 413]);
  await eventually(async () => (await gateway.accessLines(6, (line) => line.reason === "request_body_too_large")).length === 6, { what: "the log says why" });
});
