// `ringway load` against servers whose behaviour is known.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { cleanup, guardProcess, scratch } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { ringway, runRingway } from "./support/run.mjs";
import { eventually, sleep, within } from "./support/wait.mjs";

async function load(...args) {
  const { code, stdout, stderr } = await runRingway("load", "--json", ...args.map(String));
  return { code, stderr, report: stdout ? JSON.parse(stdout) : null };
}

// A server that answers each head with what `answer(number)` gives: bytes, or pieces with waits.
async function startRaw(t, answer) {
  const sockets = new Set();
  const state = { requests: 0, connections: 0 };
  const server = net.createServer((socket) => {
    let received = "";
    state.connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", async (bytes) => {
      received += bytes.toString("latin1");
      for (let end; (end = received.indexOf("\r\n\r\n")) >= 0; ) {
        received = received.slice(end + 4);
        for (const piece of [answer(state.requests++)].flat()) {
          if (piece === null) socket.destroy();
          else if (typeof piece === "number") await sleep(piece);
          else socket.write(piece);
        }
      }
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup(t, () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  state.url = `http://127.0.0.1:${server.address().port}/`;
  return state;
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Most of each test is waiting.
describe("ringway load", { concurrency: 3 }, () => {
  test("an open loop keeps its rate and counts on both sides", async (t) => {
    const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
    const { code, report } = await load("-r", 400, "-d", "2s", "-c", 8, `http://${origin.address}/a?b=c`);
    assert.equal(report.requests.due, 800);
    assert.equal(report.requests.answered, 800);
    assert.equal(report.requests.failed, 0);
    assert.equal(report.statuses["200"], 800);
    assert.equal(origin.requests.length, 800);
    assert.equal(origin.requests[0].url, "/a?b=c");
    assert.equal(report.timeline.reduce((sum, row) => sum + row.answered, 0), 800);
    assert.equal(report.latency.buckets_ns.reduce((sum, [, count]) => sum + count, 0), 800);
    assert.ok(code === 0 || report.verdict === "generator_late", "a busy machine may be late, and it says so");
  });

  test("known latencies are measured as they are", async (t) => {
    const waits = (number) => (number % 100 === 99 ? 400 : number % 10 === 9 ? 100 : 20);
    const server = await startRaw(t, (number) => [waits(number), ok]);
    const { report } = await load("-r", 100, "-d", "5s", "-c", 64, server.url);
    const near = (name, least) => {
      const value = report.service[name] * 1000;
      assert.ok(value >= least - 2 && value < 2 * least + 60, `${name}: ${value} ms, to be ${least}`);
    };
    near("p50", 20);
    near("p95", 100);
    near("p99.9", 400);
  });

  test("known latencies over HTTP/2, of requests and of calls of gRPC: of each stream its own", async (t) => {
    // One in ten takes 200 ms, one in a hundred 500; those of gRPC are told by their trailers.
    let count = 0;
    const server = http2.createServer();
    const sessions = new Set();
    server.on("session", (session) => sessions.add(session));
    server.on("stream", (stream, headers) => {
      const number = count++;
      const isGrpc = headers["content-type"] === "application/grpc";
      stream.resume();
      stream.on("error", () => {});
      setTimeout(
        () => {
          stream.respond({ ":status": 200, ...(isGrpc && { "content-type": "application/grpc" }) }, { waitForTrailers: isGrpc });
          if (isGrpc) stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
          stream.end(isGrpc ? Buffer.alloc(5) : "ok");
        },
        number % 100 === 99 ? 500 : number % 10 === 9 ? 200 : 50,
      );
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanup(t, () => {
      for (const session of sessions) session.destroy();
      server.close();
    });
    const target = `http://127.0.0.1:${server.address().port}`;
    const file = join(scratch(t), "s.yaml");
    writeFileSync(file, `target: ${target}\nprotocol: http2\nrate: 200\nduration: 2s\nconnections: 2\nstreams: 200\nscenarios: [{ steps: [{ path: /a.B/C, grpc: { fields: '{"1": "x"}' } }] }]\n`);
    for (const args of [["--http2", "-r", 200, "-d", "2s", "-c", 2, "-m", 200, target], [file]]) {
      count = 0;
      const { report } = await load(...args);
      const share = (from, to) => report.service.buckets_ns.reduce((sum, [value, times]) => sum + (value >= from * 1e6 && value < to * 1e6 ? times : 0), 0);
      assert.deepEqual([report.requests.answered, report.requests.failed], [400, 0]);
      // Nothing is faster than it can be; a busy machine makes some slower.
      assert.equal(share(0, 49), 0);
      assert.ok(share(49, 199) <= 360 && share(49, 499) <= 396 && share(499, 1e9) >= 4, JSON.stringify([share(49, 199), share(199, 499), share(499, 1e9)]));
      assert.ok(share(49, 199) >= 180, `half of all within 200 ms: ${share(49, 199)}`);
    }
  });

  test("coordinated omission: a server that stalls is charged for all who would have waited", async (t) => {
    // Every 2 s it stands still for 500 ms: of evenly spaced requests, p90 waits 500 - 0.1 * 2000.
    const begun = performance.now();
    const server = await startRaw(t, () => {
      const into = (performance.now() - begun) % 2000;
      return into < 500 ? [500 - into, ok] : ok;
    });
    const { report } = await load("-r", 200, "-d", "6s", "-c", 4, server.url);
    const p90 = report.latency.p90 * 1000;
    assert.ok(p90 > 270 && p90 < 450, `p90 of ${p90} ms`);
    assert.ok(report.service.p90 * 1000 < 100, "... which who only looks from when it was sent does not see");
    assert.equal(report.verdict, "connections_busy");
  });

  test("answers in every shape: chunked, in small pieces, interim, until the end of the connection", async (t) => {
    const shapes = [
      ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", 5, "0\r\n\r\n"],
      ["HTTP/1.1 2", 5, "01 Created\r\nContent-", 5, "Length: 3\r\n\r", 5, "\nab", 5, "c"],
      ["HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"],
      ["HTTP/1.1 204 No Content\r\n\r\n"],
      ["HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"],
      [`HTTP/1.1 203 Whatever\r\nX-Filler: ${"x".repeat(9000)}\r\nContent-Length: 100000\r\n\r\n`, "y".repeat(60000), 5, "y".repeat(40000)],
    ];
    const server = await startRaw(t, (number) => shapes[number % shapes.length]);
    const { report } = await load("-r", 60, "-d", "2s", "-c", 1, server.url);
    assert.deepEqual(report.statuses, { 200: 20, 201: 20, 202: 20, 203: 20, 204: 20, 404: 20 });
    assert.equal(report.requests.failed, 20);
    assert.ok(server.connections >= 20, "404 closed the connection");
  });

  test("what goes wrong is told by its name", async (t) => {
    for (const [error, answer] of [
      ["protocol", ["what is this?\r\n\r\n"]],
      ["protocol", [`${ok}${ok}`]],
      ["protocol", [`${"HTTP/1.1 102 Processing\r\n\r\n".repeat(101)}${ok}`]],
      ["closed", [null]],
      ["timeout", [3000, ok]],
    ]) {
      const server = await startRaw(t, () => answer);
      const { report } = await load("-r", 20, "-d", "1s", "-c", 20, "--timeout", error === "timeout" ? "500ms" : "10s", server.url);
      const { connect, tls, ...errors } = report.errors;
      const counted = Object.values(errors).reduce((sum, count) => sum + count, 0);
      assert.deepEqual([connect, tls, counted + report.requests.answered], [0, 0, 20], `${error}: ${JSON.stringify(errors)}`);
      assert.ok(errors[error] + (error === "closed" ? errors.reset : 0) > 0, `${error}: ${JSON.stringify(errors)}`);
      assert.equal(report.requests.failed, 20 - report.requests.answered);
    }
  });

  test("a closed loop asks again as soon as it is answered, or thinks before", async (t) => {
    const server = await startRaw(t, () => [50, ok]);
    const busy = (await load("-d", "2s", "-c", 4, server.url)).report;
    assert.ok(busy.requests.answered > 40 && busy.requests.answered <= 164, `${busy.requests.answered} answers`);
    const thinking = (await load("-d", "2s", "-c", 4, "--think", "450ms", server.url)).report;
    const alone = (await load("-d", "2s", "-c", 1, "--think", "100ms", server.url)).report;
    assert.ok(alone.requests.answered >= 4 && alone.requests.answered <= 14, `${alone.requests.answered} answers`);
    assert.ok(thinking.requests.answered >= 8 && thinking.requests.answered <= 20, `${thinking.requests.answered} answers`);
  });

  test("HTTP/2 and TLS, several threads; a body goes along", async (t) => {
    const certificates = makeCertificates(t);
    const gateway = await startGateway(
      t,
      (g) => `
      listeners:
        - name: web
          address: "127.0.0.1:${g.port}"
          tls: { certificates: [{ cert: "${certificates.cert("usual")}", key: "${certificates.key("usual")}" }] }
      routes: [{ name: all, match: { path: /*, method: POST }, respond: { body: fixed } }]
      `,
    );
    const url = `https://127.0.0.1:${gateway.port}/`;
    const body = "x".repeat(3000);
    for (const more of [["--http2", "-c", 4, "-m", 8], ["-c", 8]]) {
      const { report, stderr } = await load("-r", 500, "-d", "1s", "-t", 2, "--body", body, "-H", "X-A: b", "--ca", certificates.cert("ca"), ...more, url);
      assert.equal(stderr, "");
      assert.deepEqual([report.requests.answered, report.statuses["200"]], [500, 500]);
      assert.ok(report.bytes_out > 500 * 3000);
    }
    const untrusted = await load("-d", "1s", url);
    assert.equal(untrusted.code, 1);
    assert.match(untrusted.stderr, /could not all be had: certificate not trusted/);
  });

  test("a target that does not keep up is not told to have kept the rate, once its backlog is worked off", async (t) => {
    const origin = await startOrigin(t, { answer: (request, response) => setTimeout(() => response.end("ok"), 100) });
    const { report } = await load("-r", 30, "-d", "1s", "-c", 1, `http://${origin.address}/`);
    assert.deepEqual([report.requests.due, report.requests.answered, report.verdict], [30, 30, "connections_busy"]);
    assert.ok(report.rate < 12, `${report.rate}/s of some 10/s that there are`);
  });

  test("what the target holds by design is taken off its latencies", async (t) => {
    const server = await startRaw(t, () => [300, ok]);
    const { report } = await load("-r", 20, "-d", "1s", "-c", 20, server.url);
    assert.ok(report.latency.min >= 0.29 && report.held_seconds === 0);
    const without = (await load("-r", 20, "-d", "1s", "-c", 20, "--held", "300ms", server.url)).report;
    assert.ok(without.latency.min < 0.29 && without.service.min < 0.29, "the fastest of them, even where the machine is slow");
    assert.deepEqual([without.held_seconds, without.requests.answered], [0.3, 20]);
    assert.equal((await load("-r", 20, "-d", "1s", "-c", 20, "--held", "1h", server.url)).report.latency.max, 0);
  });

  test("a target that is down, wrong words", async () => {
    const down = await load(`http://127.0.0.1:${await freePort()}/`);
    assert.equal(down.code, 1);
    assert.match(down.stderr, /the 64 connections could not all be had: connection refused/);
    for (const [args, told] of [
      [[], /needs a URL/],
      [["ftp://a/"], /the scheme is none of http, https/],
      [["a"], /does not begin with http/],
      [["-r", "x", "http://a/"], /--rate: "x" is not a number of requests per second/],
      [["--phases", "10s:5,3:4", "http://a/"], /--phases: "3:4" is not DURATION:RATE/],
      [["-d", "5", "http://a/"], /--duration: "5" is not a duration/],
      [["-m", "3", "http://a/"], /--http2\?/],
      [["--think", "1s", "-r", "3", "http://a/"], /closed loop/],
      [["--out", "x.xml", "http://a/"], /none of .json, .csv, .html/],
      [["--wrong", "http://a/"], /unknown option "--wrong"/],
    ]) {
      const { code, stderr } = await runRingway("load", ...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, told);
    }
  });

  test("processes are added up as threads are, each from an address of its own", async (t) => {
    const addresses = new Set();
    const server = net.createServer((socket) => {
      addresses.add(socket.remoteAddress);
      socket.on("error", () => {});
      socket.on("data", () => socket.write(ok));
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanup(t, () => server.close());
    const { report, stderr } = await load("-r", 300, "-d", "2s", "-c", 12, "--processes", 3, "-t", 2, "--sources", `http://127.0.0.1:${server.address().port}/`);
    assert.equal(stderr, "");
    assert.deepEqual([report.requests.due, report.requests.answered, report.threads], [600, 600, 6]);
    assert.equal(report.timeline.reduce((sum, row) => sum + row.answered, 0), 600);
    assert.deepEqual([...addresses].sort(), [0, 1, 2, 3, 4, 5].map((number) => `127.1.${number}.1`));
  });

  test("a page of charts, in both languages", async (t) => {
    const server = await startRaw(t, () => ok);
    const folder = scratch(t);
    for (const [lang, title] of [["en", "Load test"], ["zh", "压力测试报告"]]) {
      const file = join(folder, `${lang}.html`);
      await load("-r", 50, "-d", "2s", "-c", 4, "--lang", lang, "--out", file, `${server.url}?a=<b>`.replace("<b>", "%3Cb%3E"));
      const page = readFileSync(file, "utf8");
      assert.match(page, new RegExp(`<h1>${title}</h1>`));
      assert.ok(page.match(/<svg/g).length >= 3 && !/<script|http-equiv="refresh"|src=/.test(page));
    }
  });

  test("phases, files, and an interrupt that reports what there is", async (t) => {
    const server = await startRaw(t, () => ok);
    const folder = scratch(t);
    const child = spawn(ringway, ["load", "--phases", "1s:10-50,1h:50", "--out", join(folder, "a.csv"), "--out", join(folder, "a.json"), server.url], { detached: true });
    guardProcess(child);
    let stdout = "";
    child.stdout.on("data", (data) => (stdout += data));
    const ended = new Promise((resolve) => child.once("close", resolve));
    await eventually(() => server.requests > 60, { within: 30000 });
    child.kill("SIGINT");
    const code = await within(30000, "the end", ended);
    assert.match(stdout, /open loop, 64 connections, 1 thread, .* s \(interrupted\)/);
    const report = JSON.parse(readFileSync(join(folder, "a.json"), "utf8"));
    assert.ok(report.interrupted && report.requests.answered > 50);
    assert.equal(code, report.verdict === "generator_late" ? 1 : 0);
    const lines = readFileSync(join(folder, "a.csv"), "utf8").trimEnd().split("\n");
    assert.equal(lines[0], "second,sent,answered,failed,p50_ms,p90_ms,p99_ms,p999_ms,max_ms");
    assert.equal(lines.length, report.timeline.length + 1);
    const first = Number(lines[1].split(",")[1]);
    assert.ok(first > 20 && first < 60, `${first} in the first second, which rises from 10 to 50`);
  });

  test("an interrupt fails nothing in a closed loop: nobody waited for what it would have asked next", async (t) => {
    const server = await startRaw(t, () => ok);
    const child = spawn(ringway, ["load", "--json", "-d", "1h", "-c", "16", "-t", "2", server.url], { detached: true });
    guardProcess(child);
    let stdout = "";
    child.stdout.on("data", (data) => (stdout += data));
    const ended = new Promise((resolve) => child.once("close", resolve));
    await eventually(() => server.requests > 500, { within: 30000 });
    child.kill("SIGTERM");
    await within(30000, "the end", ended);
    const { requests, interrupted } = JSON.parse(stdout);
    assert.ok(interrupted && requests.answered >= 500);
    assert.deepEqual([requests.failed, requests.due], [0, requests.answered]);
  });
});
