// Who asks, by API keys: consumers over HTTP/1.1 and HTTP/2, what origins are told of them and no client can
// forge, keys that change, and secrets that are shown nowhere.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { request } from "./support/client.mjs";
import { connect2, request2 } from "./support/client2.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { exchangeRaw, openRaw } from "./support/raw.mjs";
import { runRingway } from "./support/run.mjs";

const first = "first-key-3fd81b0a77";
const second = "second-key-0c9e1f5512";
const digest = (key) => `sha256:${createHash("sha256").update(key).digest("hex")}`;

const config = (origin, keys) => `
  consumers:
  - { name: shop, tenant: acme, keys: ${keys} }
  - { name: app, tenant: acme, keys: ["${digest(second)}"] }
  identity: { consumer_field: X-Consumer, tenant_field: X-Tenant }
  routes:
  - name: api
    match: /api/*
    upstream: app
    policies:
    - api_key: {}
    - rate_limit: { limits: [{ name: consumer, requests: 3, per: day, key: consumer }] }
  - name: open
    upstream: app
  upstreams: [{ name: app, endpoints: ["${origin.address}"] }]
`;

const seen = ({ text }) => JSON.parse(text).headers;

test("consumers are known, told to the origin and limited; nobody else gets in", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, config(origin, `["${first}"]`));
  const ask = (headers, path = "/api/x") => gateway.get(path, { headers });

  const admitted = await ask({ "X-Api-Key": first, "X-Consumer": "root", "X-Tenant": "root" });
  assert.equal(admitted.status, 200);
  const headers = seen(admitted);
  assert.deepEqual([headers["x-consumer"], headers["x-tenant"], headers["x-api-key"]], ["shop", "acme", undefined]);
  assert.equal(seen(await ask({ "X-Api-Key": second }))["x-consumer"], "app");
  assert.equal(seen(await ask({ "X-Consumer": "root" }, "/open"))["x-consumer"], undefined);

  const session = await connect2(t, gateway.url);
  const over = await request2(session, "/api/x", { headers: { "x-api-key": first, "x-consumer": "root" } });
  assert.equal(JSON.parse(over.text).headers["x-consumer"], "shop");

  const missing = await ask({});
  const wrong = await ask({ "X-Api-Key": `${first}x` });
  for (const refused of [missing, wrong]) {
    assert.equal(refused.status, 401);
    assert.equal(refused.headers["www-authenticate"], 'ApiKey realm="ringway"');
    assert.equal(refused.headers["content-type"], "application/problem+json");
  }
  assert.equal(missing.text, wrong.text);

  assert.equal((await ask({ "X-Api-Key": first })).status, 200);
  assert.equal((await ask({ "X-Api-Key": first })).status, 429);
  assert.equal((await ask({ "X-Api-Key": second })).status, 200);

  const lines = await gateway.accessLines(9);
  assert.deepEqual(lines.filter((line) => line.consumer === "app").length, 2);
  assert.deepEqual(lines.filter((line) => line.consumer === "shop").map((line) => line.status).sort(), [200, 200, 200, 429]);
  assert.deepEqual(lines.filter((line) => line.reason === "unauthenticated").map((line) => line.consumer), [undefined, undefined]);
  assert.equal(await gateway.metric("ringway_api_key_missing_total"), 1);
  assert.equal(await gateway.metric("ringway_api_key_unknown_total"), 1);
  assert.equal(await gateway.metric("ringway_api_key_admitted_total"), 6);
});

test("trailers cannot forge either", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, config(origin, `["${first}"]`));
  const answer = await exchangeRaw(gateway.port, "POST /open HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\nx-consumer: root\r\nX-Tenant:root\r\nX-More: 2\r\n\r\n");
  assert.deepEqual(JSON.parse(answer.text).trailers, { "x-sum": "1", "x-more": "2" });
  const session = await connect2(t, gateway.url);
  const told = await request2(session, "/open", { method: "POST", body: "hi", trailers: { "x-consumer": "root", "x-more": "2" } });
  assert.deepEqual(JSON.parse(told.text).trailers, { "x-more": "2" });
});

test("an upgraded connection is somebody's as well", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, config(origin, `["${first}"]`).replace("match: /api/*", "match: /api/*\n    upgrade: [chat]"));
  const held = [];
  origin.server.on("upgrade", (message, socket) => {
    held.push({ message, socket });
    socket.on("error", () => {});
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
  });
  const raw = await openRaw(gateway.port);
  raw.write(`GET /api/chat HTTP/1.1\r\nHost: a\r\nX-Api-Key: ${first}\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n`);
  await raw.head();
  assert.deepEqual([held[0].message.headers["x-consumer"], held[0].message.headers["x-api-key"]], ["shop", undefined]);
  held[0].socket.end();
  raw.finish();
  const [line] = await gateway.accessLines(1, ({ path }) => path === "/api/chat");
  assert.deepEqual([line.status, line.consumer], [101, "shop"]);
});

test("keys change while both are in use, and are shown nowhere", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, config(origin, `["${first}"]`));
  const file = join(gateway.folder, "key");
  writeFileSync(file, "third-key-of-a-file\n");
  const status = async (key) => (await gateway.get("/api/x", { headers: { "X-Api-Key": key } })).status;
  assert.deepEqual([await status(first), await status("third-key-of-a-file")], [200, 401]);
  await gateway.reload(config(origin, `["${first}", "file:${file}"]`));
  assert.deepEqual([await status(first), await status("third-key-of-a-file")], [200, 200]);

  const shown = (await request(`${gateway.admin}/config`)).text;
  assert.match(shown, /keys:\n +- \(secret\)\n +- "file:/);
  const { stdout } = await runRingway("explain", "-H", `X-Api-Key: ${first}`, gateway.configFile, `${gateway.url}/api/x`);
  assert.match(stdout, /api_key \(of the route\): header X-Api-Key, required always, 2 consumers with keys/);
  const metrics = (await request(`${gateway.admin}/metrics`)).text;
  await gateway.accessLines(4);
  const log = readFileSync(gateway.accessFile, "utf8");
  for (const text of [shown, stdout, metrics, log, gateway.stderr])
    for (const secret of [first, digest(second), "third-key-of-a-file"]) assert.ok(!text.includes(secret), text);

  await gateway.reload(config(origin, `["file:${file}"]`));
  assert.deepEqual([await status(first), await status("third-key-of-a-file")], [401, 429]); // the limit has not forgotten
});
