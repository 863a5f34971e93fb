// Brown-out: what a route has answered is given when its upstream fails.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { connect2, request2 } from "./support/client2.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { runRingway } from "./support/run.mjs";

const config = (origin, stale = "{}", more = "") => `
routes:
  - name: shop
    upstream: shop
    policies:
      - stale: ${stale}
${more}upstreams:
  - name: shop
    endpoints: ["${origin.address}"]
    retries: { tries: 1 }
    passive_health: { failures: 1000 }
threads: 1
`;

// An origin whose answers are what `answers` has by path, and errors while `failing` is a status.
async function startShop(t) {
  const shop = { answers: {}, failing: 0, count: 0 };
  const origin = await startOrigin(t, {
    answer: (request, response) => {
      shop.count++;
      const path = request.url.split("?")[0];
      if (shop.failing === "reset") return request.socket.destroy();
      if (shop.failing) return response.writeHead(shop.failing, { "Content-Type": "text/plain" }).end("failed");
      const { status = 200, headers = {}, body = `${request.method} ${request.url}` } = shop.answers[path] ?? {};
      response.writeHead(status, { "Content-Type": "text/html", ...headers }).end(body);
    },
  });
  return Object.assign(shop, { address: origin.address, close: () => origin.stop() });
}

test("errors become what was answered before; without an error every request goes to the origin", async (t) => {
  const shop = await startShop(t);
  const large = Buffer.alloc(200000, "large ");
  shop.answers["/large"] = { body: large };
  const gateway = await startGateway(t, config(shop));
  assert.equal((await gateway.get("/a?x=1")).text, "GET /a?x=1");
  assert.equal((await gateway.get("/a?x=1")).text, "GET /a?x=1");
  await gateway.get("/large");
  assert.equal(shop.count, 3);

  for (const failing of [500, 502, 503, 504, "reset"]) {
    shop.failing = failing;
    const { status, text, headers } = await gateway.get("/a?x=1");
    assert.deepEqual([status, text, headers["content-type"]], [200, "GET /a?x=1", "text/html"], String(failing));
    assert.match(headers["cache-status"], failing === "reset" ? /^ringway; hit; ttl=-?\d+; detail=upstream_reset$/ : /detail=upstream_status$/);
    assert.match(headers.age, /^\d+$/);
    assert.equal((await gateway.get("/a?x=2")).status, failing === "reset" ? 502 : failing);
  }
  shop.failing = 501;
  assert.equal((await gateway.get("/a?x=1")).status, 501);

  shop.failing = 503;
  const got = await gateway.get("/large");
  assert.ok(got.bytes.equals(large));
  const head = await gateway.get("/large", { method: "HEAD" });
  assert.deepEqual([head.status, head.headers["content-length"], head.bytes.length], [200, "200000", 0]);
  assert.equal((await gateway.get("/a?x=1", { method: "POST", body: "x" })).status, 503);
  assert.equal((await gateway.get("/a?x=1", { headers: { Host: "other.test" } })).status, 503);

  // It outlives a reload, and the upstream's end.
  await gateway.reload(config(shop, "{ age_max: 2h }"));
  await shop.close();
  const late = await gateway.get("/a?x=1");
  assert.equal(late.text, "GET /a?x=1");
  assert.match(late.headers["cache-status"], /detail=(upstream_connect_failed|upstream_reset)$/);
  assert.ok((await gateway.metric("ringway_stale_given_total")) >= 8);
  assert.ok((await gateway.metric("ringway_stale_kept_bytes")) > 200000);
  await gateway.accessLines(4, ({ status, reason }) => status === 200 && reason === "upstream_status");
});

test("what is personal, forbidden or another's is not given", async (t) => {
  const shop = await startShop(t);
  const gateway = await startGateway(t, config(shop));
  const control = (value) => ({ headers: { "Cache-Control": value } });
  shop.answers = {
    "/private": control("private"),
    "/no-store": control("no-store"),
    "/revalidate": control("max-age=60, must-revalidate"),
    "/over": control("stale-if-error=0"),
    "/cookie": { headers: { "Set-Cookie": "a=b" } },
    "/missing": { status: 404 },
    "/vary": { headers: { Vary: "Accept-Language" } },
    "/public": control("public"),
  };
  const paths = Object.keys(shop.answers);
  for (const path of paths) await gateway.get(path, { headers: { "Accept-Language": "de", ...(path === "/public" && { Cookie: "a=b" }) } });
  await gateway.get("/authorized", { headers: { Authorization: "Basic eDp4" } });
  await gateway.get("/with-cookie", { headers: { Cookie: "a=b" } });
  shop.failing = 503;
  for (const path of [...paths.slice(0, 6), "/authorized", "/with-cookie"]) assert.equal((await gateway.get(path)).status, 503, path);
  assert.equal((await gateway.get("/vary", { headers: { "Accept-Language": "de" } })).status, 200);
  assert.equal((await gateway.get("/vary", { headers: { "Accept-Language": "en" } })).status, 503);
  assert.equal((await gateway.get("/public")).status, 200);
  assert.equal((await gateway.get("/public", { headers: { Authorization: "Basic eDp4" } })).status, 503);
  assert.equal((await gateway.get("/public", { headers: { "Cache-Control": "no-cache" } })).status, 503);
});

test("other policies and HTTP/2 see it as an answer; a body that is too large is not kept", async (t) => {
  const shop = await startShop(t);
  shop.answers["/large"] = { body: "x".repeat(3000) };
  const gateway = await startGateway(t, config(shop, "{ body_max: 2KiB }", '      - headers: { response: { set: { X-After: kept } } }\n    overload: { body: "Come back later." }\n').replace("policies:\n", "policies:\n      - headers: { response: { set: { X-Before: new } } }\n"));
  await gateway.get("/a");
  await gateway.get("/large");
  await shop.close();
  const { status, headers } = await gateway.get("/a");
  assert.deepEqual([status, headers["x-before"], headers["x-after"]], [200, "new", "kept"]);
  assert.equal((await gateway.get("/large")).text, "Come back later.");
  const answer = await request2(await connect2(t, gateway.url), "/a");
  assert.deepEqual([answer.status, answer.text], [200, "GET /a"]);

  const told = await runRingway("explain", gateway.configFile, "/a");
  assert.match(told.stdout, /stale \(of the route\): when the upstream fails, GET is answered as it was up to 3600 s ago/);
});
