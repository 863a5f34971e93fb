// Which route takes a request, and what its action and policies do: through the whole program, and as
// `ringway explain` tells it.

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { request } from "./support/client.mjs";
import { prepareGateway, startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { exchangeRaw } from "./support/raw.mjs";
import { runRingway } from "./support/run.mjs";

const table = (gateway) => `
listeners:
  - { name: web, address: "127.0.0.1:${gateway.port}" }
  - { name: inside, address: "127.0.0.1:${gateway.adminPort + 1}" }
routes:
  - { name: exact-host, match: { host: api.example.com }, respond: { body: exact-host } }
  - { name: wild-host, match: { host: "*.example.com" }, respond: { body: wild-host } }
  - { name: host-and-path, match: { host: api.example.com, path: /special }, respond: { body: host-and-path } }
  - { name: exact, match: /exact, respond: { body: exact } }
  - { name: prefix, match: "/files/*", respond: { body: prefix } }
  - { name: deeper, match: "/files/images/*", respond: { body: deeper } }
  - { name: in-prefix, match: /files/exact, respond: { body: in-prefix } }
  - { name: parameter, match: "/users/{id}", respond: { body: parameter } }
  - { name: parameter-deep, match: "/users/{id}/posts/{post}", respond: { body: parameter-deep } }
  - { name: me, match: /users/me, respond: { body: me } }
  - { name: regex, match: { path_regex: "/v[0-9]+/.*" }, respond: { body: regex } }
  - { name: post, match: { path: /method, method: POST }, respond: { body: post } }
  - { name: put, match: { path: /method, method: [PUT, PATCH] }, respond: { body: put } }
  - { name: header-value, match: { path: /header, headers: { X-Version: "2" } }, respond: { body: header-value } }
  - { name: header-regex, match: { path: /header, headers: { X-Version: "~[3-9]" } }, respond: { body: header-regex } }
  - { name: header-there, match: { path: /header, headers: { X-Debug: "*" } }, respond: { body: header-there } }
  - { name: header-none, match: /header, respond: { body: header-none } }
  - { name: query-value, match: { path: /query, query: { format: json } }, respond: { body: query-value } }
  - { name: query-there, match: { path: /query, query: { page: "*" } }, respond: { body: query-there } }
  - { name: query-none, match: /query, respond: { body: query-none } }
  - { name: low, match: "/priority/*", respond: { body: low } }
  - { name: high, match: "/priority/*", priority: 10, respond: { body: high } }
  - { name: only-inside, match: { path: /where, listeners: inside }, respond: { body: only-inside } }
  - { name: anywhere, match: /where, respond: { body: anywhere } }
`;

// [method, url, fields, route (null: 404, 405)]
const cases = [
  ["GET", "http://api.example.com/", {}, "exact-host"],
  ["GET", "http://API.Example.COM/", {}, "exact-host"],
  ["GET", "http://api.example.com:8080/", {}, "exact-host"],
  ["GET", "http://www.example.com/", {}, "wild-host"],
  ["GET", "http://a.b.example.com/", {}, "wild-host"],
  ["GET", "http://example.com/", {}, null],
  ["GET", "http://api.example.com/special", {}, "host-and-path"],
  ["GET", "http://x/exact", {}, "exact"],
  ["GET", "http://x/exact?query=1", {}, "exact"],
  ["GET", "http://x/exact/", {}, null],
  ["GET", "http://x/Exact", {}, null],
  ["GET", "http://x/exac", {}, null],
  ["GET", "http://x/files/a", {}, "prefix"],
  ["GET", "http://x/files/a/b/c", {}, "prefix"],
  ["GET", "http://x/files", {}, "prefix"],
  ["GET", "http://x/files/", {}, "prefix"],
  ["GET", "http://x/filesystem", {}, null],
  ["GET", "http://x/files/images/a.png", {}, "deeper"],
  ["GET", "http://x/files/exact", {}, "in-prefix"],
  ["GET", "http://x/users/42", {}, "parameter"],
  ["GET", "http://x/users/me", {}, "me"],
  ["GET", "http://x/users/", {}, null],
  ["GET", "http://x/users/42/posts/7", {}, "parameter-deep"],
  ["GET", "http://x/users/42/posts", {}, null],
  ["GET", "http://x/v12/anything", {}, "regex"],
  ["GET", "http://x/vx/anything", {}, null],
  ["GET", "http://x/a/v1/b", {}, null],
  ["POST", "http://x/method", {}, "post"],
  ["PATCH", "http://x/method", {}, "put"],
  ["GET", "http://x/method", {}, null],
  ["GET", "http://x/header", { "X-Version": "2" }, "header-value"],
  ["GET", "http://x/header", { "X-Version": "4" }, "header-regex"],
  ["GET", "http://x/header", { "X-Version": "1" }, "header-none"],
  ["GET", "http://x/header", { "x-debug": "anything" }, "header-there"],
  ["GET", "http://x/header", {}, "header-none"],
  ["GET", "http://x/query?format=json", {}, "query-value"],
  ["GET", "http://x/query?a=1&format=json&b", {}, "query-value"],
  ["GET", "http://x/query?format=xml", {}, "query-none"],
  ["GET", "http://x/query?page=", {}, "query-there"],
  ["GET", "http://x/query", {}, "query-none"],
  ["GET", "http://x/priority/x", {}, "high"],
  ["GET", "http://x/where", {}, "anywhere"],
];

test("each rule through the whole program, and explain says the same", async (t) => {
  const gateway = await startGateway(t, table);
  for (const [number, [method, url, fields, route]] of cases.entries()) {
    const text = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
    await t.test(`${method} ${url} ${text}: ${route ?? "none"}`, async () => {
      const { host, pathname, search } = new URL(url);
      const agent = `case-${number}`;
      const answer = await exchangeRaw(
        gateway.port,
        `${method} ${pathname}${search} HTTP/1.1\r\nHost: ${url.split("/")[2]}\r\nUser-Agent: ${agent}\r\n${text.map((line) => `${line}\r\n`).join("")}\r\n`,
      );
      assert.ok(host);
      if (route) assert.equal(answer.text, route);
      else assert.ok([404, 405].includes(answer.status));
      const [line] = await gateway.accessLines(1, (l) => l.user_agent === agent);
      const explained = await runRingway("explain", "-X", method, ...text.flatMap((l) => ["-H", l]), "--listener", "web", gateway.configFile, url);
      assert.equal(explained.code, route ? 0 : 1, explained.stdout + explained.stderr);
      const told = /^route "([^"]*)"$/m.exec(explained.stdout)?.[1];
      assert.equal(told, route ?? undefined);
      assert.equal(line.route, told);
    });
  }
  await t.test("routes of one listener are not those of another", async () => {
    assert.equal((await request(`http://127.0.0.1:${gateway.adminPort + 1}/where`)).text, "only-inside");
    const explained = await runRingway("explain", "--listener", "inside", gateway.configFile, "/where");
    assert.match(explained.stdout, /^route "only-inside"$/m);
  });
  await t.test("405 says what would be allowed", async () => {
    const answer = await gateway.get("/method");
    assert.equal(answer.status, 405);
    assert.deepEqual(new Set(answer.headers.allow.split(", ")), new Set(["POST", "PUT", "PATCH"]));
  });
  await t.test("explain takes the listener of the URL's port, and says which there are", async () => {
    const of = (url) => runRingway("explain", gateway.configFile, url);
    const inside = await of(`http://x:${gateway.adminPort + 1}/where`);
    assert.match(inside.stdout, /^route "only-inside"$/m);
    assert.match(inside.stdout, /^ {2}listener {2}inside /m);
    assert.match((await of(`http://x:${gateway.port}/where`)).stdout, /^route "anywhere"$/m);
    assert.match((await of("http://x/where")).stdout, /^route "anywhere"$/m);
    const none = await of("http://x:1/where");
    assert.equal(none.code, 2);
    assert.match(none.stderr, /no listener has the port 1 of the URL; there is .*inside \(127\.0\.0\.1:\d+\)/);
  });
  await t.test("explain tells the parameters", async () => {
    const explained = await runRingway("explain", gateway.configFile, "/users/42/posts/7");
    assert.match(explained.stdout, /parameter id = 42/);
    assert.match(explained.stdout, /parameter post = 7/);
  });
});

test("10,000 routes", async (t) => {
  const routes = Array.from({ length: 10000 }, (_, i) => `  - { name: r${i}, match: { host: h${i % 100}.example, path: "/service${i}/*" }, respond: { body: r${i} } }`);
  const gateway = await startGateway(t, `routes:\n${routes.join("\n")}`);
  for (const i of [0, 1, 4999, 9999]) {
    const answer = await gateway.get(`/service${i}/x`, { headers: { Host: `h${i % 100}.example` } });
    assert.equal(answer.text, `r${i}`);
    assert.equal((await gateway.get(`/service${i}/x`, { headers: { Host: `h${(i + 1) % 100}.example` } })).status, 404);
  }
});

test("respond and redirect", async (t) => {
  const gateway = await startGateway(
    t,
    `
routes:
  - { name: body, match: /body, respond: { status: 418, body: "{\\"a\\":1}", content_type: application/json, headers: { X-Own: mine } } }
  - { name: empty, match: /empty, respond: { status: 204 } }
  - { name: old, match: "/old/{page}", redirect: { to: "/new/{page}", status: 301 } }
  - { name: https, match: "/secure/*", redirect: { to: "https://{host}{path}{query}" } }`,
  );
  await t.test("respond", async () => {
    const answer = await gateway.get("/body");
    assert.equal(answer.status, 418);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.headers["x-own"], "mine");
    assert.deepEqual(JSON.parse(answer.text), { a: 1 });
    const head = await gateway.get("/body", { method: "HEAD" });
    assert.equal(head.headers["content-length"], "7");
    assert.equal((await gateway.get("/empty")).status, 204);
    const posted = await gateway.get("/body", { method: "POST", body: Buffer.alloc(1 << 20) });
    assert.equal(posted.status, 418);
  });
  await t.test("redirect", async () => {
    const moved = await gateway.get("/old/12");
    assert.equal(moved.status, 301);
    assert.equal(moved.headers.location, "/new/12");
    const secure = await gateway.get("/secure/a?b=c", { headers: { Host: "shop.example:8080" } });
    assert.equal(secure.status, 308);
    assert.equal(secure.headers.location, "https://shop.example/secure/a?b=c");
  });
  await t.test("a circle of redirects is a mistake, named", async (t) => {
    const circle = await prepareGateway(
      t,
      `
routes:
  - { name: a, match: /a, redirect: { to: /b } }
  - { name: b, match: /b, redirect: { to: /a } }`,
    );
    const check = await runRingway("check", circle.configFile);
    assert.equal(check.code, 2);
    assert.match(check.stderr, /a.*b/);
  });
});

test("echo describes the request", async (t) => {
  const gateway = await startGateway(t, "routes: [{ echo: {} }]");
  const answer = await gateway.get("/hello?name=you", { headers: { "X-Mine": "yes" } });
  assert.equal(answer.status, 200);
  const told = JSON.parse(answer.text);
  assert.match(JSON.stringify(told), /\/hello/);
  assert.match(JSON.stringify(told), /X-Mine/i);
});

test("files of one folder, and nothing outside of it", async (t) => {
  const gateway = await prepareGateway(t, "");
  const folder = join(gateway.folder, "www");
  mkdirSync(join(folder, "sub"), { recursive: true });
  writeFileSync(join(folder, "index.html"), "<h1>index</h1>");
  writeFileSync(join(folder, "style.css"), "body {}");
  writeFileSync(join(folder, "large.bin"), Buffer.alloc(5 << 20, "abc"));
  writeFileSync(join(folder, ".secret"), "secret");
  writeFileSync(join(gateway.folder, "outside"), "outside");
  symlinkSync("../outside", join(folder, "link"));
  const started = await startGateway(
    t,
    `
routes:
  - { name: site, match: "/*", files: { root: ${folder}, cache_control: "max-age=60" } }`,
  );
  const get = (path, options) => started.get(path, options);
  await t.test("types, index, caching", async () => {
    const index = await get("/");
    assert.equal(index.text, "<h1>index</h1>");
    assert.match(index.headers["content-type"], /text\/html/);
    assert.equal(index.headers["cache-control"], "max-age=60");
    const style = await get("/style.css");
    assert.match(style.headers["content-type"], /text\/css/);
    const again = await get("/style.css", { headers: { "If-None-Match": style.headers.etag } });
    assert.equal(again.status, 304);
  });
  await t.test("large files, and parts of them", async () => {
    const whole = await get("/large.bin");
    assert.equal(whole.bytes.length, 5 << 20);
    const part = await get("/large.bin", { headers: { Range: "bytes=3-5" } });
    assert.equal(part.status, 206);
    assert.equal(part.text, "abc");
    assert.equal(part.headers["content-range"], `bytes 3-5/${5 << 20}`);
    assert.equal((await get("/large.bin", { headers: { Range: "bytes=99999999-" } })).status, 416);
    assert.equal((await get("/large.bin", { method: "HEAD" })).headers["content-length"], String(5 << 20));
  });
  await t.test("not there, hidden, outside, not to be written", async () => {
    assert.equal((await get("/nowhere")).status, 404);
    for (const path of ["/.secret", "/link", "/%2e%2e/outside"]) {
      const answer = await get(path);
      assert.ok([400, 403, 404].includes(answer.status), path);
      assert.doesNotMatch(answer.text, /^(secret|outside)$/);
    }
    assert.equal((await get("/style.css", { method: "POST", body: "x" })).status, 405);
  });
});

test("policies: headers, rewrite, address; by name and in place; listener before route", async (t) => {
  const origin = await startOrigin(t);
  const gateway = await startGateway(
    t,
    (g) => `
listeners:
  - name: web
    address: "127.0.0.1:${g.port}"
    trusted_proxies: [127.0.0.0/8]
    policies: [common]
policies:
  - { name: common, headers: { request: { set: { X-Common: "yes", X-Order: listener } }, response: { remove: [X-Powered], set: { X-Seen: "{method} {path}" } } } }
routes:
  - name: api
    match: "/api/*"
    upstream: app
    policies:
      - rewrite: { strip_prefix: /api, add_prefix: /v2, host: internal.example }
      - headers: { request: { set: { X-Order: route }, remove: [X-Private] } }
  - name: person
    match: "/people/{id}"
    upstream: app
    policies: [{ rewrite: { path: "/p?id={id}" } }]
  - name: closed
    match: /closed
    upstream: app
    policies: [{ address: { allow: [10.0.0.0/8] } }]
upstreams: [{ name: app, endpoints: ["${origin.address}"] }]`,
  );
  await t.test("rewrite and headers", async () => {
    const answer = await gateway.get("/api/users?x=1", { headers: { "X-Private": "1", Host: "public.example" } });
    const told = JSON.parse(answer.text);
    assert.equal(told.url, "/v2/users?x=1");
    assert.equal(told.headers.host, "internal.example");
    assert.equal(told.headers["x-private"], undefined);
    assert.equal(told.headers["x-common"], "yes");
    assert.equal(told.headers["x-order"], "route");
    assert.match(answer.headers["x-seen"], /^GET \/api\/users/);
  });
  await t.test("a parameter in the new path", async () => {
    assert.equal(JSON.parse((await gateway.get("/people/42")).text).url, "/p?id=42");
  });
  await t.test("the client's address, as trusted proxies tell it", async () => {
    assert.equal((await gateway.get("/closed")).status, 403);
    assert.equal((await gateway.get("/closed", { headers: { "X-Forwarded-For": "10.1.2.3" } })).status, 200);
    const [line] = await gateway.accessLines(1, (l) => l.path === "/closed" && l.status === 403);
    assert.ok(line.reason);
  });
  await t.test("explain names the policies in order", async () => {
    const { stdout } = await runRingway("explain", gateway.configFile, "/api/users");
    assert.match(stdout, /policy +headers \(of the listener\)[^]*policy +rewrite \(of the route\)[^]*policy +headers \(of the route\)/);
    assert.match(stdout, /action +upstream app \(round robin\): 127\.0\.0\.1:/);
  });
});
