// http2.flooders: an address whose connections keep ending by floods is turned away for as long as it
// goes on, and nobody else is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { headers, openFrames, ping, request, settings } from "./support/frames.mjs";
import { startGateway } from "./support/gateway.mjs";
import { eventually } from "./support/wait.mjs";

const ATTACKER = "127.0.0.2";
const OTHER = "127.0.0.3";

const start = (t, flooders, more = "") =>
  startGateway(
    t,
    (g) => `threads: 1
listeners: [{ name: web, address: "127.0.0.1:${g.port}", http2: { flooders: ${flooders} }${more} }]
routes: [{ name: all, respond: { body: ok } }]
`,
  );

const refused = (gateway) => gateway.metric("ringway_http2_flooders_refused_total");
const floods = (gateway, flood) => gateway.metric("ringway_http2_floods_total", { flood });

async function answers(client, stream) {
  client.send(headers(stream, request("/")));
  assert.equal((await client.response(stream)).status, 200);
}

// Is a connection taken, and a request on it answered?
async function served(gateway, options) {
  try {
    const client = await openFrames(gateway.port, options);
    await answers(client, 1);
    client.destroy();
    return true;
  } catch (error) {
    if (/the connection ended before|ECONNRESET|EPIPE/.test(`${error.message} ${error.code}`)) return false;
    throw error;
  }
}

// One connection that is ended for a flood, or turned away.
async function floodOnce(gateway, options = {}) {
  const client = await openFrames(gateway.port, { ...options, greet: false });
  client.send(options.first ?? [], preface, Array.from({ length: 60 }, () => settings()));
  await client.closed();
  client.destroy();
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

async function floodUntilRefused(gateway, options) {
  await eventually(
    async () => {
      for (let i = 0; i < 20; i++) await floodOnce(gateway, options);
      return (await refused(gateway)) > 0;
    },
    { within: 30000, every: 0 },
  );
}

test("it is turned away until it stops; its open connections stay; others notice nothing", async (t) => {
  const gateway = await start(t, 20);
  const before = await openFrames(gateway.port, { from: ATTACKER });
  await answers(before, 1);
  await floodUntilRefused(gateway, { from: ATTACKER });
  assert.ok((await floods(gateway, "settings")) >= 20);
  assert.ok(await served(gateway, { from: OTHER }));
  await answers(before, 3);
  await eventually(() => served(gateway, { from: ATTACKER }), { within: 30000, every: 100 });
  before.destroy();
});

test("half of a flood on each connection is no way around", async (t) => {
  const gateway = await start(t, 20);
  for (let i = 0; i < 100 && (await refused(gateway)) === 0; i++) {
    const client = await openFrames(gateway.port, { from: ATTACKER, greet: false });
    client.send(preface, settings(), Array.from({ length: 150 }, () => ping()));
    await client.next("PING").catch(() => {});
    client.destroy();
  }
  assert.ok((await refused(gateway)) > 0);
  assert.equal(await floods(gateway, "pings"), 0);
  assert.ok(await served(gateway, { from: OTHER }));
});

test("nor is to leave with answers that no window was given for", async (t) => {
  const gateway = await start(t, 20);
  for (let i = 0; i < 100 && (await refused(gateway)) === 0; i++) {
    const client = await openFrames(gateway.port, { from: ATTACKER, greet: false });
    client.send(
      preface,
      settings({ 4: 0 }),
      Array.from({ length: 60 }, (_, k) => headers(1 + 2 * k, request("/"))),
    );
    await client.response(119).catch(() => {});
    client.destroy();
  }
  assert.ok((await refused(gateway)) > 0);
});

test("it is whom the PROXY header names; a trusted proxy itself is never turned away", async (t) => {
  const gateway = await start(t, 20, ", proxy_protocol: accept, trusted_proxies: [127.0.0.1]");
  const says = (address) => ({ first: Buffer.from(`PROXY TCP4 ${address} 198.51.100.1 4660 443\r\n`) });
  await floodUntilRefused(gateway, says("192.0.2.7"));
  assert.ok(await served(gateway, says("192.0.2.8")));
  assert.ok(await served(gateway));
  const before = await refused(gateway);
  const count = await floods(gateway, "settings");
  for (let i = 0; i < 30; i++) await floodOnce(gateway);
  assert.equal(await floods(gateway, "settings"), count + 30);
  assert.equal(await refused(gateway), before);
});

test("0 is no limit", async (t) => {
  const gateway = await start(t, 0);
  for (let i = 0; i < 150; i++) await floodOnce(gateway);
  assert.equal(await floods(gateway, "settings"), 150);
  assert.equal(await refused(gateway), 0);
  assert.ok(await served(gateway));
});
