// Pages of two origins in Chromium call a third through the gateway: one may, the other may not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { noBrowser, openPage } from "./support/browser.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";

async function startApi(t) {
  const site = await startOrigin(t, { answer: (request, response) => response.setHeader("content-type", "text/html").end("<title>page</title>") });
  const api = await startOrigin(t, {
    answer(request, response) {
      response.setHeader("access-control-allow-origin", "http://nobody.example");
      response.setHeader("x-total", "7");
      response.end(`${request.method} ${request.headers["x-note"] ?? ""} ${request.headers.cookie ?? "no cookie"}`);
    },
  });
  const port = site.address.split(":").at(-1);
  const gateway = await startGateway(
    t,
    (g) => `
listeners: [{ name: web, address: "127.0.0.1:${g.port}" }]
routes:
- name: api
  match: /api/*
  upstream: api
  policies: [ cors: { origins: ["http://friend.localhost:${port}"], expose: [X-Total], credentials: true } ]
upstreams: [{ name: api, endpoints: ["${api.address}"] }]
`,
  );
  const call = async (host, options) => {
    const page = await openPage(t);
    await page.goto(`http://${host}:${port}/`);
    return await page.evaluate(
      async ([url, how]) => {
        try {
          const answer = await fetch(url, how);
          return { text: await answer.text(), total: answer.headers.get("x-total"), vary: answer.headers.get("vary") };
        } catch (error) {
          return { error: error.name };
        }
      },
      [`${gateway.url}/api/things`, options],
    );
  };
  return { api, gateway, call };
}

test("a page of an origin that is named calls and reads", { skip: noBrowser }, async (t) => {
  const { gateway, call } = await startApi(t);
  const put = { method: "PUT", headers: { "X-Note": "hello" }, credentials: "include" };
  assert.deepEqual(await call("friend.localhost", put), { text: "PUT hello no cookie", total: "7", vary: null });
  const [preflight] = await gateway.accessLines(1, (line) => line.method === "OPTIONS");
  assert.equal(preflight.status, 204);
});

test("one of another origin does not get through", { skip: noBrowser }, async (t) => {
  const { api, gateway, call } = await startApi(t);
  assert.deepEqual(await call("stranger.localhost", { method: "PUT", headers: { "X-Note": "hello" } }), { error: "TypeError" });
  const [preflight] = await gateway.accessLines(1, (line) => line.method === "OPTIONS");
  assert.equal(preflight.status, 403);
  // What a form could send arrives, and the page learns nothing of the answer.
  const before = api.requests.length;
  assert.deepEqual(await call("stranger.localhost", { method: "GET" }), { error: "TypeError" });
  assert.equal(api.requests.length, before + 1);
});
