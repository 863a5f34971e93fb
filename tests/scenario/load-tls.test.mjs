// `ringway load` over TLS: WebSockets over HTTP/1.1 and in streams of HTTP/2, calls of gRPC; a
// server that is not who it says, or does not speak what is asked for, is told as such.

import assert from "node:assert/strict";
import { createServer } from "node:https";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { WebSocketServer } from "ws";
import { makeCertificates } from "./support/certificates.mjs";
import { cleanup, scratch } from "./support/cleanup.mjs";
import { startGrpcOrigin } from "./support/grpc.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";
import { echo, startWebSocketOrigin2 } from "./support/websocket.mjs";

async function load(...args) {
  const { code, stdout, stderr } = await runRingway("load", "--json", ...args.map(String));
  return { code, stderr, report: stdout ? JSON.parse(stdout) : null };
}

function scenarioFile(t, yaml) {
  const file = join(scratch(t), "s.yaml");
  writeFileSync(file, yaml);
  return file;
}

const talk = "scenarios: [{ steps: [{ open: /chat }, { send: hello, times: 3, check: [{ equals: hello }] }, { close: 1000 }] }]\n";

describe("ringway load over TLS", { concurrency: 3 }, () => {
  test("wss://, and a scenario's WebSockets over HTTP/1.1", async (t) => {
    const c = makeCertificates(t);
    const server = createServer({ cert: c.read("usual.pem"), key: c.read("usual.key") }, (request, response) => response.end("plain"));
    const closes = [];
    new WebSocketServer({ server }).on("connection", (socket) => {
      echo(socket);
      socket.on("close", (code) => closes.push(code));
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanup(t, () => {
      server.closeAllConnections();
      server.close();
    });
    const address = `127.0.0.1:${server.address().port}`;
    const messages = await load("-r", 100, "-d", "1s", "-c", 5, "--body", "hello", "--ca", c.cert("ca"), `wss://${address}/chat`);
    assert.equal(messages.stderr, "");
    assert.deepEqual([messages.report.requests.answered, messages.report.requests.failed], [100, 0]);
    assert.deepEqual(messages.report.websocket, { opened: 5, sent: 100, received: 100, unasked: 0, pings: 0 });
    await eventually(() => closes.length === 5, { within: 30000, what: "the origin has seen them closed" });
    assert.deepEqual(closes, Array(5).fill(1000));

    const file = scenarioFile(t, `target: https://${address}\nca: ${c.cert("ca")}\nrate: 20\nduration: 1s\nconnections: 20\n${talk}`);
    const { report } = await load(file);
    assert.deepEqual([report.iterations.done, report.requests.failed, report.websocket.received], [20, 0, 60]);

    const stranger = await load("-d", "1s", "-c", 1, "--body", "x", "--ca", c.cert("other-ca"), `wss://${address}/chat`);
    assert.equal(stranger.code, 1);
    assert.match(stranger.stderr, /could not all be had: .*certificate/);
  });

  test("WebSockets in streams of HTTP/2", async (t) => {
    const c = makeCertificates(t);
    const origin = await startWebSocketOrigin2(t, echo, { tls: { cert: c.read("usual.pem"), key: c.read("usual.key") } });
    const file = scenarioFile(t, `target: https://${origin.address}\nca: ${c.cert("ca")}\nprotocol: http2\nrate: 20\nduration: 1s\nconnections: 2\n${talk}`);
    const { report, stderr } = await load(file);
    assert.equal(stderr, "");
    assert.deepEqual([report.iterations.done, report.requests.failed, report.connects], [20, 0, 2]);
    assert.deepEqual(report.websocket, { opened: 20, sent: 60, received: 60, unasked: 0, pings: 0 });
    await eventually(() => origin.closes.length === 20, { within: 30000, what: "the origin has seen them closed" });
    assert.deepEqual(origin.closes, Array(20).fill(1000));
    const usual = await load("--http2", "-r", 100, "-d", "1s", "-c", 2, "--body", "x", "--ca", c.cert("ca"), `wss://${origin.address}/`);
    assert.equal(usual.stderr, "");
    assert.deepEqual([usual.report.connects, usual.report.requests.answered, usual.report.websocket.received], [2, 100, 100]);
  });

  test("calls of gRPC; a server that does not offer HTTP/2", async (t) => {
    const c = makeCertificates(t);
    const origin = await startGrpcOrigin(t, { tls: { cert: c.read("usual.pem"), key: c.read("usual.key") } });
    const calls = (address) =>
      scenarioFile(
        t,
        `target: https://${address}\nca: ${c.cert("ca")}\nprotocol: http2\nrate: 20\nduration: 1s\nconnections: 2\n` +
          `scenarios: [{ steps: [{ path: /shop.Orders/Get, grpc: { fields: '{"1": "tea \${iteration}"}' } }] }]\n`,
      );
    const { report, stderr } = await load(calls(origin.address));
    assert.equal(stderr, "");
    assert.deepEqual([report.requests.answered, report.requests.failed], [20, 0]);
    assert.equal(new Set(origin.calls.map((call) => call.orders[0].name)).size, 20);

    const old = createServer({ cert: c.read("usual.pem"), key: c.read("usual.key") });
    await new Promise((resolve) => old.listen(0, "127.0.0.1", resolve));
    cleanup(t, () => old.close());
    const refused = await load(calls(`127.0.0.1:${old.address().port}`));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /could not all be had: ./);
  });
});
