// What the program tells about itself: metrics, logs, the admin API.

import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { json, request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { parseMetrics } from "./support/metrics.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePorts } from "./support/ports.mjs";
import { exchangeRaw } from "./support/raw.mjs";
import { installed, run } from "./support/run.mjs";
import { eventually, sleep } from "./support/wait.mjs";

const behind = (origin, more = "") => `
routes:
  - { name: app, match: "/app/*", upstream: app }
  - { name: teapot, match: /teapot, respond: { status: 418 } }
  - { name: moved, match: /moved, redirect: { to: /app/ } }
upstreams: [{ name: app, endpoints: ["${origin.address}"] }]
${more}`;

test("metrics: valid, and what was sent is what is counted", async (t) => {
  const origin = await startOrigin(t, {
    async answer(incoming, response, body) {
      response.statusCode = Number(new URL(incoming.url, "http://x").searchParams.get("status") ?? 200);
      response.end(response.statusCode === 204 ? undefined : body.length ? body : "12345");
    },
  });
  const gateway = await startGateway(t, `threads: 3\n${behind(origin)}`);
  const sent = { "2xx": 7, "3xx": 2, "4xx": 3, "5xx": 4 };
  const status = { "2xx": 200, "3xx": 302, "4xx": 404, "5xx": 500 };
  for (const [code, times] of Object.entries(sent)) for (let i = 0; i < times; i++) await gateway.get(`/app/?status=${status[code]}`);
  await gateway.get("/app/upload", { method: "POST", body: Buffer.alloc(1000) });
  await gateway.get("/teapot");
  await gateway.get("/nowhere");
  await exchangeRaw(gateway.port, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n");

  // A request is counted when its last byte has left, which the client may see before.
  await eventually(async () => (await gateway.metric("ringway_requests_total", { route: "app" })) === 17);
  const answer = await request(`${gateway.admin}/metrics`);
  assert.match(answer.headers["content-type"], /^text\/plain; version=0\.0\.4/);
  const metrics = parseMetrics(answer.text);
  for (const [code, times] of Object.entries(sent)) {
    const expected = times + (code === "2xx" ? 1 : 0);
    assert.equal(metrics.value("ringway_requests_total", { route: "app", code }), expected, code);
    assert.equal(metrics.value("ringway_upstream_requests_total", { upstream: "app", endpoint: origin.address, code }), expected, code);
  }
  assert.equal(metrics.value("ringway_requests_total", { route: "teapot", code: "4xx" }), 1);
  assert.equal(metrics.value("ringway_request_duration_seconds_count", { route: "app" }), 17);
  assert.equal(metrics.value("ringway_request_duration_seconds_bucket", { route: "app", le: "+Inf" }), 17);
  assert.ok(metrics.value("ringway_request_duration_seconds_sum", { route: "app" }) > 0);
  assert.equal(metrics.value("ringway_request_body_bytes_total", { route: "app" }), 1000);
  assert.equal(metrics.value("ringway_response_body_bytes_total", { route: "app" }), 16 * 5 + 1000);
  assert.equal(metrics.value("ringway_requests_malformed_total"), 1);
  assert.equal(metrics.value("ringway_connections_accepted_total") >= 20, true);
  assert.ok(metrics.value("ringway_requests_active") <= 1);
  assert.equal(metrics.value("ringway_upstream_endpoint_healthy", { upstream: "app" }), 1);
  assert.ok(metrics.value("process_resident_memory_bytes") > 0);
  const buckets = metrics.all("ringway_request_duration_seconds_bucket", { route: "app" }).map((sample) => sample.value);
  assert.deepEqual(
    buckets,
    [...buckets].sort((a, b) => a - b),
    "buckets add up",
  );
  await t.test("promtool finds nothing to complain about", { skip: !installed("promtool") }, async () => {
    const check = await run("promtool", ["check", "metrics"], { input: answer.text });
    assert.equal(check.code, 0, check.stdout + check.stderr);
  });
  await t.test("gauges go down again when connections are closed", async () => {
    await eventually(async () => (await gateway.metric("ringway_connections_open")) <= 1);
    const connections = await json(`${gateway.admin}/connections`);
    assert.ok(connections.clients_accepted >= 20);
    assert.ok(connections.upstreams_open >= 1);
  });
  await t.test("what a worker process has counted survives its death", async () => {
    const before = await gateway.metric("ringway_requests_total", { route: "app" });
    const [worker] = gateway.workers();
    process.kill(worker, "SIGKILL");
    await eventually(() => gateway.workers().length === 1 && gateway.workers()[0] !== worker);
    await eventually(async () => (await gateway.metric("ringway_requests_total", { route: "app" })) === before);
    assert.ok((await gateway.metric("ringway_connections_open")) <= 2);
  });
});

test("who answered in the place of the origin: the policy is in the log, and counted where it stands", async (t) => {
  const origin = await startOrigin(t);
  const cases = [
    ["address", "listener:web", "403", "/app/", { "X-Forwarded-For": "192.0.2.1" }],
    ["address", "route:office", "404", "/office"],
    ["maintenance", "route:closed", "503", "/closed"],
    ["cors", "route:pages", "204", "/pages", { Origin: "https://shop.example", "Access-Control-Request-Method": "PUT" }, "OPTIONS"],
    ["cors", "route:pages", "403", "/pages", { Origin: "https://other.example", "Access-Control-Request-Method": "PUT" }, "OPTIONS"],
    ["api_key", "route:keys", "401", "/keys"],
    ["faults", "route:drill", "500", "/drill"],
    ["faults", "route:cut", "0", "/cut"],
  ];
  const gateway = await startGateway(
    t,
    (g) => `
listeners:
  - name: web
    address: "127.0.0.1:${g.port}"
    trusted_proxies: [127.0.0.1]
    policies: [ request_id: {}, address: { deny: [192.0.2.0/24] } ]
routes:
  - { name: app, match: /app/*, upstream: app }
  - { name: office, match: /office, upstream: app, policies: [ address: { allow: [10.0.0.0/8], status: 404 } ] }
  - { name: closed, match: /closed, upstream: app, policies: [ request_id: {}, maintenance: {} ] }
  - { name: pages, match: /pages, upstream: app, policies: [ cors: { origins: "https://shop.example" } ] }
  - { name: keys, match: /keys, upstream: app, policies: [ api_key: {} ] }
  - { name: drill, match: /drill, upstream: app, policies: [ faults: { enabled: true, abort: { percent: 100, status: 500 } } ] }
  - { name: cut, match: /cut, upstream: app, policies: [ faults: { enabled: true, reset: { percent: 100 } } ] }
upstreams: [{ name: app, endpoints: ["${origin.address}"] }]
consumers: [{ name: anna, keys: "0123456789abcdef" }]
`,
  );
  await gateway.get("/app/");
  for (const [, , , path, headers = {}, method = "GET"] of cases) await gateway.get(path, { headers, method }).catch(() => {});
  const lines = await gateway.accessLines(1 + cases.length);
  const told = lines.map(({ path, status, policy }) => [path, String(status), policy]).sort();
  assert.deepEqual(told, [["/app/", "200", undefined], ...cases.map(([policy, , status, path]) => [path, status, policy])].sort());
  const metrics = parseMetrics((await request(`${gateway.admin}/metrics`)).text);
  const counted = metrics.all("ringway_policy_answers_total").filter(({ value }) => value > 0);
  const expected = cases.map(([policy, place, status]) => `${policy} ${place} ${status === "0" ? "none" : `${status[0]}xx`} 1`);
  assert.deepEqual(counted.map(({ labels, value }) => `${labels.policy} ${labels.place} ${labels.code} ${value}`).sort(), expected.sort());
});

test("the number of series is capped; the rest is counted as _other", async (t) => {
  const routes = Array.from({ length: 40 }, (_, i) => `  - { name: r${i}, match: /r${i}, respond: {} }`);
  const gateway = await startGateway(t, `routes:\n${routes.join("\n")}\nmetrics: { series_max: 16 }`);
  for (let i = 0; i < 40; i++) await gateway.get(`/r${i}`);
  const metrics = await gateway.metrics();
  const names = new Set(metrics.all("ringway_requests_total").map((sample) => sample.labels.route));
  assert.ok(names.size <= 17, `${names.size} routes`);
  assert.ok(names.has("_other"));
  assert.equal(metrics.value("ringway_requests_total"), 40, "none is lost");
});

test("metrics of many routes are told, however long that gets", async (t) => {
  const routes = Array.from({ length: 1500 }, (_, i) => `  - { name: "a-route-with-a-rather-long-name-${i}", match: { path: /${i} }, respond: {} }`);
  const gateway = await startGateway(t, `metrics: { series_max: 4000 }\nroutes:\n${routes.join("\n")}\n`);
  for (let i = 0; i < 1500; i++) assert.equal((await gateway.get(`/${i}`)).status, 200);
  const answer = await request(`${gateway.admin}/metrics`);
  assert.equal(answer.status, 200);
  assert.ok(answer.text.length > 2 << 20, `${answer.text.length} bytes`);
  assert.equal(parseMetrics(answer.text).all("ringway_requests_total", { code: "2xx" }).length >= 1500, true);
});

test("the access log: one JSON line for each request with what happened", async (t) => {
  const [dead] = await freePorts(1);
  const origin = await startOrigin(t, { answer: (_, response, body) => response.end(body.length ? "got it" : "hello") });
  const gateway = await startGateway(
    t,
    `
routes:
  - { name: app, match: "/app/*", upstream: app }
  - { name: broken, match: /broken, upstream: broken }
upstreams:
  - { name: app, endpoints: ["${origin.address}"] }
  - { name: broken, endpoints: ["127.0.0.1:${dead}"] }`,
  );
  await gateway.get("/app/x?secret=1", { method: "POST", body: "12345678", headers: { "User-Agent": 'odd "agent"\\', Host: "shop.example" } });
  await gateway.get("/broken");
  await gateway.get("/nowhere");
  await exchangeRaw(gateway.port, Buffer.from("GET /app/%41%ff HTTP/1.1\r\nHost: a\r\nUser-Agent: caf\xe9\r\n\r\n", "latin1"));
  const lines = await gateway.accessLines(4);
  const [posted] = lines.filter((line) => line.method === "POST");
  assert.match(posted.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Math.abs(Date.parse(posted.time) - Date.now()) < 60000);
  assert.equal(posted.client, "127.0.0.1");
  assert.equal(posted.scheme, "http");
  assert.equal(posted.host, "shop.example");
  assert.equal(posted.path, "/app/x");
  assert.ok(!JSON.stringify(posted).includes("secret"), "queries hold secrets");
  assert.equal(posted.protocol, "HTTP/1.1");
  assert.equal(posted.status, 200);
  assert.equal(posted.route, "app");
  assert.equal(posted.upstream, "app");
  assert.equal(posted.endpoint, origin.address);
  assert.equal(posted.bytes_in, 8);
  assert.equal(posted.bytes_out, 6);
  assert.ok(posted.duration_us >= posted.upstream_us && posted.upstream_us > 0);
  assert.match(posted.trace_id, /^[0-9a-f]{32}$/);
  assert.equal(posted.user_agent, 'odd "agent"\\');
  const [broken] = lines.filter((line) => line.path === "/broken");
  assert.equal(broken.status, 502);
  assert.equal(broken.reason, "upstream_connect_failed");
  assert.equal(broken.upstream_us, undefined);
  const [nowhere] = lines.filter((line) => line.path === "/nowhere");
  assert.equal(nowhere.reason, "no_route");
  assert.equal(nowhere.route, undefined);
  assert.equal(lines.length, 4);
});

test("the access log on standard output", async (t) => {
  const gateway = await startGateway(t, 'access_log: "-"\nroutes: [{ name: all, respond: {} }]');
  await gateway.get("/seen");
  await eventually(() => /"path":"\/seen"/.test(gateway.stdout));
});

test("SIGUSR1: log files that were moved away are opened anew, and no line is lost", async (t) => {
  const gateway = await startGateway(t, (g) => `error_log: ${join(g.folder, "error.log")}\nroutes: [{ respond: {} }]`);
  const errorFile = join(gateway.folder, "error.log");
  await gateway.get("/before");
  await gateway.accessLines(1);
  renameSync(gateway.accessFile, `${gateway.accessFile}.old`);
  renameSync(errorFile, `${errorFile}.old`);
  await gateway.get("/between");
  gateway.signal("SIGUSR1");
  await eventually(() => existsSync(gateway.accessFile) && existsSync(errorFile));
  await gateway.get("/after");
  await gateway.accessLines(1, (line) => line.path === "/after");
  const old = readFileSync(`${gateway.accessFile}.old`, "utf8");
  const both = old + readFileSync(gateway.accessFile, "utf8");
  assert.match(old, /"\/before"/);
  for (const path of ["/before", "/between", "/after"]) assert.equal(both.split(`"${path}"`).length, 2, path);
  gateway.signal("SIGHUP");
  await eventually(() => readFileSync(errorFile, "utf8").includes("in force"));
});

test("rotation by size: so many files, no line twice, none lost", async (t) => {
  const gateway = await startGateway(t, (g) => `access_log: { path: ${g.accessFile}, rotate_size: 16KiB, rotate_keep: 50 }\nroutes: [{ respond: {} }]`);
  const total = 600;
  for (let i = 0; i < total; i += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, j) => gateway.get(`/line-${i + j}`)));
    if (i % 100 === 0) await sleep(150); // the writer gathers lines for 100 ms
  }
  const all = () => {
    const text = gateway
      .files()
      .filter((name) => name.startsWith("access.log"))
      .map((name) => readFileSync(join(gateway.folder, name), "utf8"))
      .join("");
    return text.split("\n").filter(Boolean);
  };
  await eventually(() => all().length >= total);
  const paths = new Set(all().map((line) => JSON.parse(line).path));
  assert.equal(paths.size, total);
  assert.equal(all().length, total);
  const files = gateway.files().filter((name) => name.startsWith("access.log"));
  assert.ok(files.length >= 3, files.join());
  assert.ok(files.length <= 51);
});

test("rotation keeps no more files than asked", async (t) => {
  const gateway = await startGateway(t, (g) => `access_log: { path: ${g.accessFile}, rotate_size: 4KiB, rotate_keep: 2 }\nroutes: [{ respond: {} }]`);
  for (let round = 0; round < 8; round++) {
    await Promise.all(Array.from({ length: 30 }, () => gateway.get(`/${"x".repeat(100)}`)));
    await sleep(150); // the writer gathers lines for 100 ms
  }
  await eventually(() => gateway.files().includes("access.log.2"));
  assert.deepEqual(
    gateway
      .files()
      .filter((name) => name.startsWith("access.log"))
      .sort(),
    ["access.log", "access.log.1", "access.log.2"],
  );
});

test("the error log says what went wrong, as JSON", async (t) => {
  const [dead] = await freePorts(1);
  const gateway = await startGateway(t, `error_log: { path: "-", level: debug }\nroutes: [{ upstream: app }]\nupstreams: [{ name: app, endpoints: ["127.0.0.1:${dead}"] }]`);
  await gateway.get("/");
  await exchangeRaw(gateway.port, "nonsense\r\n\r\n");
  await eventually(() => gateway.logLines().length >= 2);
  for (const line of gateway.logLines()) assert.ok(line.time && line.level, JSON.stringify(line));
  await eventually(() => gateway.logLines().some((line) => JSON.stringify(line).includes(String(dead))));
});

test("the admin API", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, behind(origin, "policies: [{ name: p, headers: { request: { set: { A: b } } } }]"));
  await gateway.get("/app/");
  const get = (path, options) => request(`${gateway.admin}${path}`, options);
  await t.test("/livez, /readyz", async () => {
    for (const path of ["/livez", "/readyz"]) {
      assert.equal((await get(path)).status, 200);
      assert.equal((await get(path, { method: "HEAD" })).status, 200);
    }
  });
  await t.test("/status", async () => {
    const status = await gateway.status();
    assert.match(status.version, /^\d+\.\d+/);
    assert.equal(status.generation, 1);
    assert.equal(status.threads, 2);
    assert.equal(status.processes, 1);
    assert.equal(status.draining, false);
    assert.equal(status.last_error, null);
    assert.ok(Date.parse(status.loaded_at) > 0);
  });
  await t.test("/routes", async () => {
    const routes = await json(`${gateway.admin}/routes`);
    assert.deepEqual(
      routes.map((route) => [route.name, route.action]),
      [
        ["app", "upstream"],
        ["teapot", "respond"],
        ["moved", "redirect"],
      ],
    );
  });
  await t.test("/upstreams", async () => {
    const [upstream] = await json(`${gateway.admin}/upstreams`);
    assert.equal(upstream.name, "app");
    assert.equal(upstream.endpoints[0].address, origin.address);
    assert.equal(upstream.endpoints[0].state, "up");
  });
  await t.test("/config", async () => {
    const shown = (await get("/config")).text;
    assert.match(shown, /\n {2}- name: teapot\n {4}match: \/teapot\n {4}respond:\n {6}status: 418\n/);
    assert.match(shown, new RegExp(`endpoints:\n +- "${origin.address}"`));
  });
  await t.test("unknown paths and methods", async () => {
    assert.equal((await get("/nowhere")).status, 404);
    const refused = async (path, method) => {
      const answer = await get(path, { method });
      return [answer.status, answer.headers.allow];
    };
    for (const path of ["/livez", "/readyz", "/status", "/metrics", "/mirrors.html"])
      for (const method of ["DELETE", "POST", "OPTIONS"]) assert.deepEqual(await refused(path, method), [405, "GET, HEAD"]);
    for (const path of ["/reload", "/drain", "/releases/a/promote"])
      for (const method of ["GET", "HEAD", "PUT"]) assert.deepEqual(await refused(path, method), [405, "POST"]);
    for (const method of ["GET", "POST", "DELETE"]) assert.deepEqual(await refused("/nowhere", method), [404, undefined]);
    assert.equal((await get("/nowhere", { method: "POST" })).status, 404);
  });
  await t.test("what a web page could send is refused", async () => {
    const { generation } = await gateway.status();
    for (const headers of [
      { Origin: "https://evil.example" },
      { Origin: "null" },
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
      { Host: "rebound.example" },
      { Host: `rebound.example:${gateway.adminPort}` },
    ]) {
      for (const path of ["/reload", "/drain"]) {
        const answer = await get(path, { method: "POST", headers });
        assert.equal(answer.status, 403, JSON.stringify(headers));
      }
      assert.equal((await get("/config", { headers })).status, 403, JSON.stringify(headers));
    }
    const status = await gateway.status();
    assert.equal(status.generation, generation);
    assert.equal(status.draining, false);
    const own = await get("/reload", { method: "POST", headers: { Origin: gateway.admin } });
    assert.equal(own.status, 200);
  });
});
