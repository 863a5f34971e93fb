// `ringway load` and WebSockets: against origins that count what they see.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { cleanup, scratch } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually, sleep } from "./support/wait.mjs";
import { startWebSocketOrigin, startWebSocketOrigin2 } from "./support/websocket.mjs";

async function load(...args) {
  const { code, stdout, stderr } = await runRingway("load", "--json", ...args.map(String));
  return { code, stderr, report: stdout ? JSON.parse(stdout) : null };
}

async function loadFile(t, yaml, ...args) {
  const file = join(scratch(t), "s.yaml");
  writeFileSync(file, yaml);
  return load(file, ...args);
}

// A server that upgrades, and then does `talk(socket)` with the bare connection.
async function startRaw(t, talk) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    let head = "";
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      const key = /Sec-WebSocket-Key: (.*)\r\n/.exec((head += bytes.toString("latin1")))?.[1];
      if (!key || !head.includes("\r\n\r\n")) return;
      socket.removeAllListeners("data").resume();
      talk(socket, createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64"));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup(t, () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${server.address().port}`;
}

const agree = (accept) => `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;

describe("ringway load: WebSocket", { concurrency: 3 }, () => {
  test("an open loop of messages over sockets that are held, idle ones among them; pings are answered", async (t) => {
    const seen = { messages: 0, binary: 0 };
    const origin = await startWebSocketOrigin(t, (socket) => {
      socket.ping("are you there");
      socket.on("message", (data, binary) => {
        seen.messages += data.toString() === "hello";
        seen.binary += binary;
        socket.send(data, { binary });
      });
    });
    const { code, report } = await load("-r", 300, "-d", "2s", "-c", 40, "-t", 2, "--body", "hello", "-H", "X-A: b", `ws://${origin.address}/chat?x=1`);
    assert.equal(code === 0 || report.verdict === "generator_late", true);
    assert.equal(report.protocol, "websocket");
    assert.deepEqual([report.requests.due, report.requests.answered, report.requests.failed], [600, 600, 0]);
    assert.deepEqual(report.websocket, { opened: 40, sent: 600, received: 600, unasked: 0, pings: 40 });
    assert.deepEqual([seen.messages, seen.binary, origin.request.url, origin.request.headers["x-a"]], [600, 0, "/chat?x=1", "b"]);
    assert.deepEqual(origin.pongs, Array(40).fill("are you there"));
    await eventually(() => origin.closes.length === 40, { within: 30000, what: "the origin has seen them closed" });
    assert.deepEqual(origin.closes, Array(40).fill(1000), "each was closed in good order");
  });

  test("through the gateway, from processes, with bytes of every length a frame can have", async (t) => {
    const origin = await startWebSocketOrigin(t);
    const gateway = await startGateway(
      t,
      (g) => `
      listeners: [{ name: web, address: "127.0.0.1:${g.port}" }]
      upstreams: [{ name: o, endpoints: ["${origin.address}"] }]
      routes: [{ name: all, match: { path: /* }, upstream: o }]
      `,
    );
    const folder = scratch(t);
    for (const bytes of [1, 125, 126, 65535, 65536, 131072]) {
      const file = join(folder, `${bytes}`);
      writeFileSync(file, Buffer.alloc(bytes, 0xff));
      const { report } = await load("-d", "300ms", "-c", 2, "--processes", 2, "--body-file", file, `ws://127.0.0.1:${gateway.port}/`);
      assert.ok(report.requests.answered > 0 && report.requests.failed === 0, `${bytes} bytes`);
      assert.equal(report.websocket.received, report.requests.answered);
    }
  });

  test("steps: a login by HTTP, a socket of one's own, messages by the clock, answers among what is pushed", async (t) => {
    const talks = [];
    const web = await startOrigin(t, { answer: (_, response) => response.end('{"token": "a b"}') });
    const origin = await startWebSocketOrigin(t, (socket) => {
      const talk = [];
      talks.push(talk);
      socket.send("welcome");
      socket.on("message", (data, binary) => {
        talk.push(binary ? [...data] : data.toString());
        socket.send("news");
        if (data.toString() !== "bye") socket.send(binary ? data : JSON.stringify({ re: data.toString() }), { binary });
      });
    });
    // One address for both.
    const front = net.createServer((socket) => {
      socket.once("data", (bytes) => {
        const upstream = net.connect(bytes.toString("latin1").includes("Upgrade") ? origin.address.split(":")[1] : web.address.split(":")[1]);
        upstream.write(bytes);
        socket.pipe(upstream).pipe(socket);
        for (const end of [socket, upstream]) end.on("error", () => (socket.destroy(), upstream.destroy()));
      });
    });
    await new Promise((resolve) => front.listen(0, "127.0.0.1", resolve));
    cleanup(t, () => front.close());
    const { report, stderr } = await loadFile(
      t,
      `
      target: http://127.0.0.1:${front.address().port}
      rate: 20
      duration: 1s
      connections: 50
      scenarios:
        - steps:
            - { path: /login, headers: { Connection: close }, capture: [{ as: token, json: /token }] }
            - { open: "/chat?t=\${token|url}", headers: { Sec-WebSocket-Protocol: chat }, check: [101] }
            - send: say \${iteration}
              answer: '"re":"say \${iteration}"'
              check: [{ json: /re, equals: "say \${iteration}" }]
              capture: [{ as: said, json: /re }]
              times: 3
              every: 50ms
            - { send_binary: AAEC, answer: "\\x01" }
            - { send: bye, unanswered: true }
            - { close: 4001 }
      `,
    );
    assert.equal(stderr, "");
    assert.deepEqual([report.iterations.done, report.requests.failed], [20, 0]);
    assert.deepEqual(report.steps.map((step) => [step.name, step.sent, step.answered]), [
      ["GET /login", 20, 20],
      ["open /chat?t=${token|url}", 20, 20],
      ["send say ${iteration}", 60, 60],
      ["send AAEC", 20, 20],
      ["send bye", 20, 0],
      ["close", 20, 20],
    ]);
    assert.deepEqual(report.checks.map((check) => check.missed), [0, 0, 0, 0]);
    assert.deepEqual([report.websocket.opened, report.websocket.sent], [20, 100]);
    // Each hears a welcome, and news for every message; the last may come behind the Close frame.
    assert.ok(report.websocket.unasked >= 20 + 80 && report.websocket.unasked <= 20 + 100, `${report.websocket.unasked}`);
    const said = talks.map(([first]) => first);
    assert.deepEqual([new Set(said).size, said.every((text) => /^say \d+$/.test(text))], [20, true]);
    for (const talk of talks) assert.deepEqual(talk.slice(1), [talk[0], talk[0], [0, 1, 2], "bye"]);
    assert.deepEqual(origin.closes, Array(20).fill(4001));
    assert.match(origin.request.url, /^\/chat\?t=a%20b$/);
  });

  test("messages by the clock: an origin that stalls is charged for all that were due meanwhile", async (t) => {
    const origin = await startWebSocketOrigin(t, (socket) => {
      let count = 0;
      socket.on("message", async (data) => {
        if (++count === 5) await sleep(1000);
        socket.send(data.toString());
      });
    });
    const { report } = await loadFile(
      t,
      `
      target: ws://${origin.address}
      rate: 10
      duration: 1s
      connections: 10
      scenarios: [{ steps: [{ open: / }, { send: x, every: 50ms, times: 25 }] }]
      `,
    );
    const [, send] = report.steps;
    assert.equal(send.answered, 250);
    // Of each user one waits 1 s, and some twenty that were due meanwhile wait less and less.
    const over = (seconds) => send.latency.buckets_ns.reduce((sum, [value, count]) => sum + (value > seconds * 1e9 ? count : 0), 0);
    assert.ok(over(0.5) >= 80, `${over(0.5)} messages waited for more than half a second`);
    assert.ok(send.latency.max >= 1);
  });

  test("in streams of HTTP/2 (RFC 8441): many on few connections, beside plain requests", async (t) => {
    const talks = [];
    const origin = await startWebSocketOrigin2(
      t,
      (socket) => {
        const talk = [];
        talks.push(talk);
        socket.ping("hi");
        socket.on("message", (data, binary) => {
          talk.push(data.length > 100 ? data.length : data.toString());
          if (data.toString() === "leave") return socket.close(1012);
          socket.send(data, { binary });
        });
      },
      {
        answer: (stream, headers) => {
          if (headers[":method"] === "CONNECT" && headers[":path"] !== "/no") return false;
          stream.respond({ ":status": headers[":path"] === "/no" ? 403 : 200 });
          stream.end("{}");
          return true;
        },
      },
    );
    const head = `target: http://${origin.address}\nprotocol: http2\nrate: 20\nduration: 1s\nconnections: 2\n`;
    const { report, stderr } = await loadFile(
      t,
      `${head}scenarios:
  - steps:
      - /plain
      - { open: "/chat?u=\${iteration}", headers: { X-A: b } }
      - { send: "hello \${iteration}", times: 3, every: 30ms, check: [{ equals: "hello \${iteration}" }] }
      - { send: "${"x".repeat(100000)}" }
      - { close: 1000 }
      `,
    );
    assert.equal(stderr, "");
    assert.deepEqual([report.iterations.done, report.requests.failed, report.connects], [20, 0, 2]);
    assert.deepEqual(report.steps.map((step) => step.answered), [20, 20, 60, 20, 20]);
    assert.deepEqual(report.websocket, { opened: 20, sent: 80, received: 80, unasked: 0, pings: 20 });
    assert.deepEqual([origin.pongs.length, origin.closes], [20, Array(20).fill(1000)]);
    for (const talk of talks) assert.deepEqual(talk, [talk[0], talk[0], talk[0], 100000]);
    const asked = origin.requests.find((headers) => headers[":method"] === "CONNECT");
    assert.deepEqual([asked[":protocol"], asked["sec-websocket-version"], asked["x-a"], asked["sec-websocket-key"]], ["websocket", "13", "b", undefined]);

    const left = (await loadFile(t, `${head}scenarios: [{ steps: [{ open: / }, { send: leave }] }]\n`)).report;
    assert.deepEqual([left.errors.closed, left.iterations.failed], [20, 20]);
    const refused = (await loadFile(t, `${head}scenarios: [{ steps: [{ open: /no }, { send: x }] }]\n`)).report;
    assert.deepEqual([refused.statuses["403"], refused.iterations.failed, refused.websocket.opened], [20, 20, 0]);
    const none = await startWebSocketOrigin2(t, () => {}, { offered: false });
    const not = await loadFile(t, `target: http://${none.address}\nprotocol: http2\nscenarios: [{ steps: [{ open: / }] }]\n`);
    assert.match(not.stderr, /the server has no WebSockets over HTTP\/2 \(RFC 8441\)/);
  });

  test("all streams of HTTP/2 are WebSockets: each closed in good order, and opened anew when it ends before", async (t) => {
    const seen = { messages: 0 };
    const origin = await startWebSocketOrigin2(
      t,
      (socket) => {
        socket.ping("hi");
        socket.on("message", (data) => {
          seen.messages++;
          if (data.toString() === "leave") socket.close(1012);
          else socket.send(data.toString());
        });
      },
      {
        answer: (stream, headers) => {
          if (headers[":path"] === "/chat") return false;
          if (headers[":path"] === "/reset") return stream.close(8) ?? true;
          stream.respond({ ":status": 403 }, { endStream: true });
          return true;
        },
      },
    );
    const url = `ws://${origin.address}`;
    const usual = await load("--http2", "-c", 2, "-m", 10, "-t", 2, "-r", 300, "-d", "1s", "--body", "hello", "-H", "X-A: b", `${url}/chat`);
    assert.equal(usual.stderr, "");
    const { report } = usual;
    assert.deepEqual([report.protocol, report.connects, report.requests.due, report.requests.answered, report.requests.failed], ["http2", 2, 300, 300, 0]);
    assert.deepEqual(report.websocket, { opened: 20, sent: 300, received: 300, unasked: 0, pings: 20 });
    assert.deepEqual([seen.messages, origin.requests.length, origin.sessions.size], [300, 20, 0]);
    assert.deepEqual([origin.pongs.length, origin.closes], [20, Array(20).fill(1000)]);
    const [asked] = origin.requests;
    assert.deepEqual([asked[":method"], asked[":protocol"], asked[":path"], asked["x-a"]], ["CONNECT", "websocket", "/chat", "b"]);

    const closed = await load("--http2", "-c", 1, "-m", 4, "-d", "500ms", "--body", "closed loop", `${url}/chat`);
    assert.ok(closed.report.requests.answered > 20 && closed.report.requests.failed === 0, JSON.stringify(closed.report.requests));
    const left = await load("--http2", "-c", 1, "-m", 3, "-r", 20, "-d", "1s", "--body", "leave", `${url}/chat`);
    assert.deepEqual([left.report.errors.closed, left.report.requests.failed, left.report.connects], [20, 20, 1], "others take their place");
    assert.ok(left.report.websocket.opened >= 20, JSON.stringify(left.report.websocket));

    for (const [path, told] of [
      ["/no", /does not agree to a WebSocket: status 403/],
      ["/reset", /does not agree to a WebSocket: it resets the stream with 8/],
    ]) {
      const { code, stderr } = await load("--http2", "-c", 1, "-d", "1s", "--body", "x", `${url}${path}`);
      assert.deepEqual([code, told.test(stderr)], [1, true], stderr);
    }
    const few = await startWebSocketOrigin2(t, () => {}, { settings: { maxConcurrentStreams: 5 } });
    assert.match((await load("--http2", "-m", 6, "--body", "x", `ws://${few.address}/`)).stderr, /fewer streams than --streams asks for: 5/);
    const none = await startWebSocketOrigin2(t, () => {}, { offered: false });
    assert.match((await load("--http2", "--body", "x", `ws://${none.address}/`)).stderr, /the server has no WebSockets over HTTP\/2 \(RFC 8441\)/);
  });

  test("known latencies of a message are measured as they are", async (t) => {
    // Every tenth is held for long. A timer of a busy machine is early or late: the origin tells how
    // long each was held in truth.
    let count = 0;
    const held = [];
    const origin = await startWebSocketOrigin(t, (socket) => {
      socket.on("message", (data) => {
        const begun = performance.now();
        const answer = () => {
          held.push(performance.now() - begun);
          socket.send(data.toString());
        };
        setTimeout(answer, count++ % 10 === 9 ? 1500 : 100);
      });
    });
    const { report } = await load("-r", 100, "-d", "2s", "-c", 200, "--body", "x", `ws://${origin.address}/`);
    assert.equal(report.requests.answered, 200);
    const measured = report.service.buckets_ns.flatMap(([value, times]) => Array(times).fill(value / 1e6));
    assert.deepEqual([measured.length, held.length], [200, 200]);
    // None is told faster than it was; of three significant digits the last may differ.
    held.sort((a, b) => a - b).forEach((least, i) => assert.ok(measured[i] >= least * 0.998, `the ${i}th: ${measured[i]} ms, held for ${least} ms`));
    // And few slower, whatever the machine does besides: the two kinds stay apart, and nine in ten are of the fast one.
    const within = (ms) => measured.filter((value) => value < ms).length;
    assert.ok(within(700) >= 160 && within(700) <= 180, `${within(700)} of 180 within 700 ms`);
    assert.ok(report.service.p50 < 0.4 && report.service.p95 >= 1.4, JSON.stringify([report.service.p50, report.service.p95]));
  });

  test("what goes wrong is told by its name", async (t) => {
    const silent = await startWebSocketOrigin(t, () => {});
    const leaves = await startWebSocketOrigin(t, (socket) => socket.on("message", () => socket.close(1011)));
    const deserts = await startWebSocketOrigin(t, (socket) => setTimeout(() => socket.terminate(), 200));
    const masked = await startRaw(t, (socket, accept) => socket.write(Buffer.concat([Buffer.from(agree(accept)), Buffer.from([0x81, 0x81, 0, 0, 0, 0, 65])])));
    const wrong = await startRaw(t, (socket) => socket.write(agree("bm90IHRoZSBhbnN3ZXIgdG8gdGhlIGtleQ==")));
    const plain = await startOrigin(t, { answer: (_, response) => ((response.statusCode = 403), response.end("no")) });
    const run = (target, steps, timeout = "10s") => loadFile(t, `target: http://${target}\nrate: 10\nduration: 1s\nconnections: 10\ntimeout: ${timeout}\nscenarios: [{ steps: [${steps}] }]\n`);
    const cases = [
      [silent.address, "{ open: / }, { send: x }", "timeout", "100ms"],
      [leaves.address, "{ open: / }, { send: x }", "closed"],
      [deserts.address, "{ open: /, think: 5s }, { send: x }", "closed"],
      [masked, "{ open: /, think: 5s }, { send: x }", "protocol"],
      [wrong, "{ open: / }, { send: x }", "protocol"],
    ];
    await Promise.all(
      cases.map(async ([target, steps, error, timeout]) => {
        const { report } = await run(target, steps, timeout);
        assert.deepEqual([report.errors[error], report.iterations.failed, report.iterations.done], [10, 10, 0], `${error}: ${JSON.stringify(report.errors)}`);
      }),
    );
    const refused = (await run(plain.address, "{ open: / }, { send: x }")).report;
    assert.deepEqual([refused.statuses["403"], refused.iterations.failed, refused.websocket.opened], [10, 10, 0]);
    const all = await load("-r", 10, "-d", "1s", "-c", 2, "--body", "x", `ws://${plain.address}/`);
    assert.equal(all.code, 1);
    assert.match(all.stderr, /the server does not agree to a WebSocket: status 403/);
  });

  test("wrong words", async (t) => {
    for (const [args, told] of [
      [["ws://127.0.0.1:1/"], /a WebSocket needs a message: --body TEXT/],
      [["-X", "PUT", "--body", "x", "ws://127.0.0.1:1/"], /what a WebSocket is sent are messages/],
    ]) {
      const { code, stderr } = await load(...args);
      assert.deepEqual([code, told.test(stderr)], [2, true], stderr);
    }
  });
});
