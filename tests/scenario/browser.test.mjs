// A site in Chromium, over HTTP/2: the page and its parts, an event stream, and a WebSocket in a stream of
// the same connection (RFC 8441).

import assert from "node:assert/strict";
import { test } from "node:test";
import { noBrowser, openPage } from "./support/browser.mjs";
import { makeCertificates } from "./support/certificates.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { eventually } from "./support/wait.mjs";
import { startWebSocketOrigin } from "./support/websocket.mjs";

const PICTURES = 30;
const PATIENCE = { within: 30000 };

const files = {
  "/": [
    "text/html; charset=utf-8",
    `<!doctype html><meta charset="utf-8"><title>Tea shop</title><link rel="stylesheet" href="/style.css"><script type="module" src="/shop.js"></script>
<h1>Tea</h1>${Array.from({ length: PICTURES }, (_, i) => `<img src="/picture-${i}.svg" width="8" height="8" alt="">`).join("")}`,
  ],
  "/style.css": ["text/css", "h1 { color: rgb(1, 2, 3) }"],
  "/shop.js": [
    "text/javascript",
    `const tea = await (await fetch("/tea.json")).json();
document.querySelector("h1").textContent = tea.name;
const big = await (await fetch("/big")).arrayBuffer();
const echo = await (await fetch("/echo", { method: "POST", body: big })).text();
window.result = { bytes: big.byteLength, echo };`,
  ],
  "/tea.json": ["application/json", '{"name":"Assam"}'],
  "/big": ["application/octet-stream", Buffer.alloc(3 << 20, "leaf")],
  "/favicon.ico": ["image/x-icon", ""],
};
const picture = ["image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><circle cx="4" cy="4" r="4"/></svg>'];

// The site, and its event stream: site.streams.
async function startSite(t) {
  const site = { streams: [] };
  site.origin = await startOrigin(t, {
    answer(request, response, body) {
      if (request.url === "/events") {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.flushHeaders();
        const stream = { response, last: request.headers["last-event-id"], gone: false };
        response.on("close", () => (stream.gone = true));
        site.streams.push(stream);
        return;
      }
      if (request.url === "/echo") {
        response.end(`${body.length} bytes`);
        return;
      }
      const [type, content] = files[request.url] ?? (/^\/picture-\d+\.svg$/.test(request.url) ? picture : []);
      response.writeHead(type ? 200 : 404, { "content-type": type ?? "text/plain", "cache-control": "no-store" });
      response.end(content);
    },
  });
  return site;
}

async function openShop(t) {
  const c = makeCertificates(t);
  const site = await startSite(t);
  const chat = await startWebSocketOrigin(t);
  const gateway = await startGateway(
    t,
    (g) => `
listeners: [{ name: web, address: "127.0.0.1:${g.port}", tls: { certificates: { cert: "${c.cert("usual")}", key: "${c.key("usual")}" } } }]
routes:
- { name: chat, match: /chat, upstream: chat }
- { name: site, match: /*, upstream: site }
upstreams:
- { name: chat, endpoints: ["${chat.address}"] }
- { name: site, endpoints: ["${site.origin.address}"] }
`,
  );
  const page = await openPage(t);
  const answer = await page.goto(gateway.url.replace("http:", "https:"));
  assert.equal(answer.status(), 200);
  return { site, chat, gateway, page };
}

const protocolOf = async (gateway, path) => {
  const [line] = await gateway.accessLines(1, (entry) => entry.path === path);
  return line.protocol;
};

test("the page and its parts", { skip: noBrowser }, async (t) => {
  const { gateway, page } = await openShop(t);
  await page.waitForFunction(() => window.result);
  assert.deepEqual(await page.evaluate(() => window.result), { bytes: 3 << 20, echo: `${3 << 20} bytes` });
  assert.equal(await page.title(), "Tea shop");
  assert.equal(await page.evaluate(() => document.querySelector("h1").textContent), "Assam");
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector("h1")).color), "rgb(1, 2, 3)");
  await page.waitForFunction((count) => [...document.images].filter((image) => image.complete && image.naturalWidth > 0).length === count, PICTURES);
  const entries = await page.evaluate(() =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map((entry) => [new URL(entry.name).pathname, entry.nextHopProtocol]),
  );
  for (const path of ["/", "/style.css", "/shop.js", "/tea.json", "/big", "/echo", ...Array.from({ length: PICTURES }, (_, i) => `/picture-${i}.svg`)]) {
    assert.equal(entries.find(([name]) => name === path)?.[1], "h2", path);
  }
  assert.equal(await protocolOf(gateway, "/"), "HTTP/2");
  assert.equal(await gateway.metric("ringway_http2_connection_errors_total"), 0);
});

test("an event stream: each event at once, and on from the last one", { skip: noBrowser }, async (t) => {
  const { gateway, site, page } = await openShop(t);
  await page.evaluate(() => {
    window.events = [];
    window.source = new EventSource("/events");
    window.source.onmessage = (event) => window.events.push([event.lastEventId, event.data]);
  });
  const [first] = await eventually(() => site.streams.length === 1 && site.streams, PATIENCE);
  for (let i = 1; i <= 10; i++) {
    first.response.write(`retry: 100\nid: ${i}\ndata: cup ${i}\n\n`);
    await page.waitForFunction((count) => window.events.length === count, i);
  }
  assert.deepEqual(await page.evaluate(() => window.events.at(-1)), ["10", "cup 10"]);
  first.response.end();
  const [, second] = await eventually(() => site.streams.length === 2 && site.streams, PATIENCE);
  assert.equal(second.last, "10");
  second.response.write("id: 11\ndata: refill\n\n");
  await page.waitForFunction(() => window.events.at(-1)[1] === "refill");
  await page.evaluate(() => window.source.close());
  await eventually(() => second.gone, PATIENCE);
  assert.equal(await protocolOf(gateway, "/events"), "HTTP/2");
});

test("a WebSocket in a stream of the connection", { skip: noBrowser }, async (t) => {
  const { gateway, chat, page } = await openShop(t);
  const talk = await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`wss://${location.host}/chat`);
        const heard = [];
        socket.binaryType = "arraybuffer";
        socket.onopen = () => ["hello", "x".repeat(200000), new Uint8Array([1, 2, 255]).buffer].forEach((message) => socket.send(message));
        socket.onerror = () => reject(new Error("the WebSocket failed"));
        socket.onmessage = ({ data }) => {
          heard.push(typeof data === "string" ? data.length : [...new Uint8Array(data)]);
          if (heard.length === 3) socket.close(4001, "enough");
        };
        socket.onclose = ({ code, wasClean }) => resolve({ heard, code, wasClean });
      }),
  );
  assert.deepEqual(talk, { heard: [5, 200000, [1, 2, 255]], code: 4001, wasClean: true });
  await eventually(() => chat.closes.length === 1, PATIENCE);
  assert.deepEqual(chat.closes, [4001]);
  assert.equal(await protocolOf(gateway, "/chat"), "HTTP/2");
});
