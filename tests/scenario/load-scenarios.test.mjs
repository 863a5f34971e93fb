// `ringway load scenario.yaml`: users with several steps, against an origin that remembers.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import { join } from "node:path";
import { describe, test } from "node:test";
import { cleanup, scratch } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startGrpcOrigin } from "./support/grpc.mjs";
import { startOrigin } from "./support/origin.mjs";
import { root, runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

async function load(t, files, ...args) {
  const folder = scratch(t);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const { code, stdout, stderr } = await runRingway("load", "--json", join(folder, "s.yaml"), ...args.map(String));
  return { code, stderr, report: stdout ? JSON.parse(stdout) : null };
}

describe("ringway load FILE", { concurrency: 3 }, () => {
  test("a login, what it gives, and what is done with it; the counts are those of the origin", async (t) => {
    const seen = { orders: 0, names: new Map(), ids: new Set(), wrong: [] };
    const origin = await startOrigin(t, {
      answer: (request, response, body) => {
        if (request.url === "/login") {
          const { name, id } = JSON.parse(body.toString());
          seen.names.set(name, (seen.names.get(name) ?? 0) + 1);
          seen.ids.add(id);
          response.setHeader("X-Session", `s-${name}`);
          response.end(JSON.stringify({ user: { tokens: [`t/${name}`] } }));
        } else if (request.url.startsWith("/orders/")) {
          seen.orders++;
          const token = decodeURIComponent(request.url.slice("/orders/".length));
          if (request.headers["x-session"] !== `s-${token.slice(2)}` || request.headers["x-tenant"] !== "acme") seen.wrong.push(request.url);
          response.statusCode = 404;
          response.end(`<a href="/next">${token}</a>`);
        } else {
          if (request.url !== "/next") seen.wrong.push(request.url);
          response.end("done");
        }
      },
    });
    const { report, stderr } = await load(t, {
      "people.csv": 'name\nAnn\n"B ""o"" b"\nZoë\n',
      "s.yaml": `
        target: http://${origin.address}
        rate: 60
        duration: 2s
        connections: 4
        threads: 2
        variables: { tenant: acme }
        headers: { X-Tenant: "\${tenant}" }
        data: people.csv
        scenarios:
          - think: 1ms-5ms
            steps:
              - path: /login
                body: '{"name": "\${name|json}", "id": \${iteration}}'
                check: [200, { json: /user/tokens }]
                capture: [{ as: token, json: /user/tokens/0 }, { as: session, header: X-Session }]
              - name: order
                path: /orders/\${token|url}
                headers: { X-Session: "\${session}" }
                check: [{ status: [404, 410] }, { contains: ">t/\${name}<" }]
                capture: [{ as: next, regex: 'href="([^"]+)"' }]
              - "\${next}"
        `,
    });
    assert.equal(stderr, "");
    // HTTP carries bytes: the session of Zoë is what Node makes of them on both ways.
    assert.deepEqual(seen.wrong.filter((url) => !url.includes("Zo")), []);
    assert.deepEqual([...seen.names.values()], [40, 40, 40], "rows in turn, over both threads");
    assert.equal(seen.ids.size, 120, "no iteration has another's number");
    assert.deepEqual(report.iterations, { done: 120, failed: 0, cut: 0 });
    assert.deepEqual([report.requests.due, report.requests.answered, report.requests.failed], [360, 360, 0]);
    assert.equal(seen.orders, 120);
    assert.deepEqual(report.steps.map((step) => [step.name, step.answered]), [["POST /login", 120], ["order", 120], ["GET ${next}", 120]]);
    assert.deepEqual(report.checks.map((check) => check.missed), [0, 0, 0, 0, 0, 0, 0]);
    assert.equal(report.steps[1].latency.buckets_ns.reduce((sum, [, count]) => sum + count, 0), 120);
  });

  test("weights, a closed loop, and what does not hold: an iteration ends there", async (t) => {
    const origin = await startOrigin(t, {
      answer: (request, response) => {
        response.statusCode = request.url === "/gone" ? 410 : 200;
        response.end("{}");
      },
    });
    const { report } = await load(t, {
      "s.yaml": `
        target: http://${origin.address}
        users: 3
        duration: 2s
        scenarios:
          - { name: good, weight: 3, think: 2ms, steps: [/a, /b] }
          - name: bad
            think: 2ms
            steps:
              - path: /gone
              - path: /never
          - name: missed
            think: 2ms
            steps:
              - { path: /c, capture: [{ as: x, json: /x }] }
              - path: /\${x}
        `,
    });
    const [a, b, gone, never, c, x] = report.steps;
    assert.ok(a.answered >= 6 && a.failed === 0, `${a.answered} answers`);
    assert.ok(Math.abs(a.answered - 3 * gone.answered) <= 12 && Math.abs(gone.answered - c.answered) <= 4, "3 : 1 : 1");
    assert.ok(a.answered - b.answered <= 3);
    assert.deepEqual([gone.failed, never.sent, c.failed, x.sent], [gone.answered, 0, c.answered, 0]);
    assert.equal(report.iterations.failed, gone.answered + c.answered);
    assert.equal(report.requests.failed, report.iterations.failed);
    assert.equal(report.requests.due, report.requests.answered, "nothing is lost sight of at the end");
  });

  test("each row once: then nobody new begins, and the run is over", async (t) => {
    const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
    const rows = Array.from({ length: 30 }, (_, number) => `n${number}`);
    for (const how of ["users: 4", "rate: 500"]) {
      origin.requests.length = 0;
      const { report } = await load(t, {
        "rows.csv": `row\n${rows.join("\n")}\n`,
        "s.yaml": `
          target: http://${origin.address}
          ${how}
          duration: 60s
          threads: 2
          data: [{ file: rows.csv, order: once }]
          scenarios: [{ steps: ["/\${row}"] }]
          `,
      });
      assert.equal(report.requests.answered, 30);
      assert.deepEqual(origin.requests.map((request) => request.url).sort(), rows.map((row) => `/${row}`).sort());
    }
  });

  test("over HTTP/2, with bodies that vary and bodies from a file", async (t) => {
    const gateway = await startGateway(
      t,
      (g) => `
      listeners: [{ name: web, address: "127.0.0.1:${g.port}" }]
      routes: [{ name: all, match: { path: /* }, echo: {} }]
      `,
    );
    const { report, stderr } = await load(t, {
      "big.bin": "x".repeat(100000),
      "s.yaml": `
        target: http://127.0.0.1:${gateway.port}
        protocol: http2
        connections: 2
        rate: 50
        duration: 1s
        scenarios:
          - steps:
              - { path: /a, method: PUT, body: "\${uuid}\${uuid}", check: [{ json: /body_bytes, equals: "72" }], capture: [{ as: n, json: /body_bytes }] }
              - { path: "/b?n=\${n}", body_file: big.bin, check: [{ json: /query, equals: "n=\${n}" }, { json: /body_bytes, equals: "100000" }] }
        `,
    });
    assert.equal(stderr, "");
    assert.deepEqual([report.requests.answered, report.requests.failed, report.iterations.done], [100, 0, 50]);
  });

  test("calls of gRPC: the message arrives whole, the status is that of the trailers", async (t) => {
    const seen = new Set();
    const server = http2.createServer();
    server.on("stream", (stream, headers) => {
      const chunks = [];
      stream.on("data", (chunk) => chunks.push(chunk));
      stream.on("end", () => {
        seen.add([headers[":method"], headers[":path"], headers["content-type"], headers.te, headers["x-call"] > 0, Buffer.concat(chunks).toString("hex")].join(" "));
        if (headers[":path"] === "/shop.Shop/Missing") return stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "5" }, { endStream: true });
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": headers[":path"] === "/shop.Shop/Bad" ? "13" : "0" }));
        stream.end(Buffer.from("0000000000", "hex"));
      });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanup(t, () => server.close());
    const scenario = (name, grpc) => `  - { name: ${name}, steps: [{ path: /shop.Shop/${name}, grpc: ${grpc}, headers: { X-Call: "1\${iteration}" } }] }`;
    const head = `target: http://127.0.0.1:${server.address().port}\nprotocol: http2\nrate: 60\nduration: 1s\nconnections: 2\nscenarios:\n`;
    const { report, stderr } = await load(t, { "s.yaml": `${head}${scenario("Hello", "CgNBbm4=")}\n${scenario("Bad", "{}")}\n${scenario("Missing", "{ message: Cg== }")}\n` });
    assert.equal(stderr, "");
    assert.deepEqual(report.steps.map((step) => [step.answered, step.failed]), [[20, 0], [20, 20], [20, 20]]);
    assert.deepEqual(report.checks.map((check) => [check.check, check.held]), [["gRPC status is 0", 20], ["gRPC status is 0", 0], ["gRPC status is 0", 0]]);
    assert.deepEqual([...seen].sort(), [
      "POST /shop.Shop/Bad application/grpc trailers true 0000000000",
      "POST /shop.Shop/Hello application/grpc trailers true 00000000050a03416e6e",
      "POST /shop.Shop/Missing application/grpc trailers true 00000000010a",
    ]);
    const wrong = await load(t, { "s.yaml": "target: http://a\nscenarios: [{ steps: [{ path: /a, grpc: '!' }] }]\n" });
    assert.match(wrong.stderr, /2:41: .*gRPC needs `protocol: http2`/);
    assert.match(wrong.stderr, /2:41: .*not base64/);
  });

  test("gRPC: messages of fields and of base64, filled in from a CSV file; a status that is expected", async (t) => {
    const origin = await startGrpcOrigin(t);
    const { report, stderr } = await load(t, {
      "names.csv": `name,message\n"Ann ""o""",${Buffer.from("\x0a\x03Bob").toString("base64")}\nZoë,${Buffer.from("\x0a\x01x\x10\x07").toString("base64")}\n`,
      "s.yaml": `
        target: http://${origin.address}
        protocol: http2
        rate: 20
        duration: 1s
        connections: 2
        data: names.csv
        scenarios:
          - steps:
              - path: /shop.Orders/Get
                grpc: { fields: '{"1": "\${name|json}", "2": \${iteration}, "3:bytes": "AAE="}' }
                capture: [{ as: echoed, regex: '\\x0a.([^\\x10\\x1a]+)' }]
              - { path: /shop.Orders/Get, grpc: { fields: '{"1": "again \${echoed|json}"}' } }
              - { path: /shop.Orders/Get, grpc: "\${message}" }
              - path: /shop.Orders/Get
                grpc: { fields: '{"1": "fail 5 none left"}' }
                check: [{ grpc: [0, 5] }]
              - { path: /shop.Orders/Get, grpc: { fields: '{"1": "fail 9 no"}' } }
        `,
    });
    assert.equal(stderr, "");
    assert.deepEqual(report.steps.map((step) => [step.answered, step.failed]), [[20, 0], [20, 0], [20, 0], [20, 0], [20, 20]]);
    assert.deepEqual(report.checks.filter((check) => check.check.startsWith("gRPC")).map((check) => [check.check, check.held]), [
      ["gRPC status is 0", 20],
      ["gRPC status is 0", 20],
      ["gRPC status is 0", 20],
      ["gRPC status is 0 or 5", 20],
      ["gRPC status is 0", 0],
    ]);
    const orders = origin.calls.map((call) => call.orders[0]);
    const named = (name) => orders.filter((order) => order.name === name).length;
    assert.deepEqual(['Ann "o"', "Zoë", 'again Ann "o"', "again Zoë", "Bob", "x"].map(named), [10, 10, 10, 10, 10, 10]);
    const first = orders.filter((order) => order.data.length);
    assert.deepEqual(first.map((order) => order.count).sort((a, b) => a - b), Array.from({ length: 20 }, (_, number) => number));
    assert.ok(first.every((order) => order.data.equals(Buffer.from([0, 1]))));
  });

  test("a value that no request can carry is told, and cannot add a header", async (t) => {
    const origin = await startOrigin(t, { answer: (request, response) => response.end('{"x": "a\\r\\nX-Evil: 1"}') });
    const { report } = await load(t, {
      "s.yaml": `
        target: http://${origin.address}
        rate: 20
        duration: 1s
        scenarios: [{ steps: [{ path: /, capture: [{ as: x, json: /x }] }, { path: /2, headers: { X-A: "\${x}" } }] }]
        `,
    });
    assert.deepEqual([report.errors.unmade, report.steps[1].sent, report.iterations.failed], [20, 0, 20]);
    assert.ok(origin.requests.every((request) => !("x-evil" in request.headers)));
  });

  test("what the command line says comes first", async (t) => {
    const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
    const file = { "s.yaml": "target: http://127.0.0.1:1\nrate: 5\nduration: 1h\nscenarios: [{ steps: [/] }]\n" };
    const { report } = await load(t, file, "--target", `http://${origin.address}`, "-d", "1s", "-r", 40, "-c", 2);
    assert.deepEqual([report.requests.answered, report.connections], [40, 2]);
    const { code, stderr } = await load(t, file, "-X", "PUT");
    assert.equal(code, 2);
    assert.match(stderr, /s.yaml" tells requests, think times and the protocol itself/);
  });

  test("the gateway's own access log is replayed: the same requests, and nothing that changes something", async (t) => {
    const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
    const folder = scratch(t);
    const log = join(folder, "access.log");
    const gateway = await startGateway(
      t,
      (g) => `
      listeners: [{ name: web, address: "127.0.0.1:${g.port}" }]
      routes: [{ name: all, match: { path: /* }, echo: {} }]
      access_log: "${log}"
      `,
    );
    const { stdout } = await runRingway("load", "--json", "-r", "20", "-d", "1s", `http://127.0.0.1:${gateway.port}/a/b%20c`);
    assert.equal(JSON.parse(stdout).requests.answered, 20);
    await fetch(`http://127.0.0.1:${gateway.port}/post`, { method: "POST", body: "x" });
    await eventually(() => readFileSync(log, "utf8").trim().split("\n").length === 21, { within: 30000 });
    const { stdout: replayed, stderr } = await runRingway("load", "--json", "--replay", log, "--speed", "2", "-H", "X-Again: yes", `http://${origin.address}`);
    const report = JSON.parse(replayed);
    assert.match(stderr, /1 of 21 lines are left out: other methods than GET, HEAD, OPTIONS/);
    assert.deepEqual([report.requests.due, report.requests.answered, origin.requests.length], [20, 20, 20]);
    assert.ok(origin.requests.every((request) => request.url === "/a/b%20c" && request.headers["x-again"] === "yes"));
    const none = await runRingway("load", "--replay", join(folder, "none"), `http://${origin.address}`);
    assert.deepEqual([none.code, /cannot be read: No such file/.test(none.stderr)], [2, true]);
  });

  test("results of several hosts are one, exactly", async (t) => {
    const origin = await startOrigin(t, { answer: (request, response) => ((response.statusCode = request.url === "/b" ? 500 : 200), response.end("ok")) });
    const folder = scratch(t);
    const file = join(folder, "s.yaml");
    writeFileSync(file, `target: http://${origin.address}\nrate: 30\nduration: 1s\nthreads: 2\nscenarios: [{ think: 1ms, steps: [{ path: /a, check: [200] }, /b] }]\n`);
    const results = ["one.json", "two.json"].map((name) => join(folder, name));
    for (const [number, result] of results.entries()) await runRingway("load", file, "--seed", String(number), "--out", result);
    const [one, two] = results.map((result) => JSON.parse(readFileSync(result, "utf8")));
    const { stdout } = await runRingway("load", "merge", ...results, "--json", "--out", join(folder, "m.html"), "--out", join(folder, "m.json"));
    const sum = JSON.parse(stdout);
    const buckets = new Map();
    for (const [value, count] of [...one.latency.buckets_ns, ...two.latency.buckets_ns]) buckets.set(value, (buckets.get(value) ?? 0) + count);
    assert.deepEqual(sum.latency.buckets_ns, [...buckets].sort(([a], [b]) => a - b));
    assert.equal(sum.latency.max, Math.max(one.latency.max, two.latency.max));
    assert.equal(sum.latency.min, Math.min(one.latency.min, two.latency.min));
    assert.deepEqual([sum.requests.due, sum.requests.failed, sum.statuses["500"], sum.threads, sum.connections], [120, 60, 60, 4, 128]);
    assert.deepEqual(sum.checks, [{ step: 0, check: "status is 200", held: 60, missed: 0 }]);
    assert.deepEqual(sum.steps.map((step) => [step.scenario, step.name, step.answered, step.failed]), [["main", "GET /a", 60, 0], ["main", "GET /b", 60, 60]]);
    assert.equal(sum.timeline.reduce((all, row) => all + row.answered, 0), 120);
    for (const row of sum.timeline) assert.equal(row.buckets.reduce((all, count, at) => all + (at % 2 ? count : 0), 0), row.answered);
    // What was merged can be merged again; what is of another run cannot.
    const twice = JSON.parse((await runRingway("load", "merge", join(folder, "m.json"), results[0], "--json")).stdout);
    assert.equal(twice.latency.count, 180);
    await runRingway("load", "-r", "10", "-d", "1s", `http://${origin.address}/`, "--out", join(folder, "other.json"));
    for (const [args, told] of [
      [[results[0], join(folder, "other.json")], /other.json: not what --out result.json keeps: steps: they are those of another scenario/],
      [[file], /s.yaml: not JSON: line 1/],
      [[], /merge: needs files of --out/],
    ]) {
      const { code, stderr } = await runRingway("load", "merge", ...args);
      assert.ok(code > 0);
      assert.match(stderr, told);
    }
  });

  test("docs/reference/load-result.md names every field of a result, and no other", async (t) => {
    const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
    const { report } = await load(t, { "s.yaml": `target: http://${origin.address}\nrate: 10\nduration: 1s\nscenarios: [{ steps: [{ path: /, check: [200] }] }]\n` });
    const page = readFileSync(join(root, "docs/reference/load-result.md"), "utf8");
    const named = new Set([...page.matchAll(/`([a-z][a-z0-9_.]*)`/g)].map(([, name]) => name));
    const keys = new Set();
    const walk = (value) => {
      if (Array.isArray(value)) value.forEach(walk);
      else if (value && typeof value === "object") for (const [key, inner] of Object.entries(value)) keys.add(key), walk(inner);
    };
    walk(report);
    for (const key of keys) if (key === "200" || key.startsWith("127.")) keys.delete(key);
    assert.deepEqual([...keys].filter((key) => !named.has(key)), [], "not on the page");
    const words = ["http1", "http2", "open", "closed", "sound", "generator_late", "generator_busy", "connections_busy", "nothing_answered", "result.json"];
    assert.deepEqual([...named].filter((name) => !keys.has(name) && !words.includes(name)), [], "only on the page");
  });

  test("a recording becomes a scenario file that runs", async (t) => {
    const origin = await startOrigin(t, { answer: (request, response) => response.end("ok") });
    const folder = scratch(t);
    const file = join(folder, "shop.har");
    const request = (method, path, more) => ({ startedDateTime: "2026-11-20T10:00:00Z", time: 1, request: { method, url: `http://${origin.address}${path}`, headers: [{ name: "X-A", value: "$1" }], ...more }, response: { status: 200 } });
    writeFileSync(file, JSON.stringify({ log: { entries: [request("GET", "/a?b=%20c"), request("PUT", "/d", { postData: { text: "${body}" } })] } }));
    const imported = await runRingway("load", "import", file, "--out", join(folder, "shop.yaml"));
    assert.deepEqual([imported.code, imported.stderr], [0, "ringway load: 2 requests taken over\n"]);
    const { stdout, stderr } = await runRingway("load", "--json", join(folder, "shop.yaml"), "-r", "20", "-d", "1s");
    assert.equal(stderr, "");
    assert.deepEqual([JSON.parse(stdout).iterations.done, JSON.parse(stdout).requests.failed], [20, 0]);
    assert.deepEqual([...new Set(origin.requests.map(({ method, url, headers }) => `${method} ${url} ${headers["x-a"]}`))].sort(), ["GET /a?b=%20c $1", "PUT /d $1"]);
    const again = await runRingway("load", "import", file, "--out", join(folder, "shop.yaml"));
    assert.match(again.stderr, /cannot be written: File exists/);
    const none = await runRingway("load", "import", join(folder, "shop.yaml"));
    assert.match(none.stderr, /neither a HAR recording, an OpenAPI 3 description nor a JMeter plan/);
  });

  test("all mistakes at once, each with its place", async (t) => {
    const { code, stderr } = await load(t, {
      "s.yaml": 'target: http://a\nrate: x\ndata: [none.csv]\nscenarios:\n  - steps:\n      - paht: /\n      - { path: /, think: long, check: [{ regex: "(" }] }\n',
    });
    assert.equal(code, 2);
    const lines = stderr.trimEnd().split("\n").map((line) => line.slice(line.lastIndexOf("s.yaml:")));
    assert.deepEqual(lines.map((line) => line.split(":").slice(1, 3).join(":")), ["2:7", "3:8", "6:9", "7:27", "7:50"]);
    assert.match(lines[2], /unknown key "paht"; did you mean "path"\?/);
  });

  test("examples/load.yaml runs against the demo of the quickstart", async (t) => {
    const gateway = await startGateway(
      t,
      (g) => `
      listeners: [{ name: web, address: "127.0.0.1:${g.port}" }]
      routes: [{ name: all, match: { path: /* }, echo: {} }]
      `,
    );
    assert.match(readFileSync(join(root, "examples/load.yaml"), "utf8"), /^target: http:\/\/127\.0\.0\.1:8080$/m);
    const { stdout, stderr } = await runRingway("load", "--json", join(root, "examples/load.yaml"), "--target", `http://127.0.0.1:${gateway.port}`, "--phases", "2s:20");
    const report = JSON.parse(stdout);
    assert.equal(stderr, "");
    assert.equal(report.iterations.failed, 0, JSON.stringify(report.checks));
    assert.ok(report.iterations.done + report.iterations.cut >= 40);
  });
});
