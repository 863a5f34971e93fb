// What a newcomer does first: start, look at the banner, try the curl line, ask for help.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { prepareGateway, startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { root, run, runRingway } from "./support/run.mjs";

test("the banner tells what listens where, and its curl line works", async (t) => {
  const origin = await startOrigin(t, { name: "demo" });
  const gateway = await startGateway(
    t,
    `
    routes: [{ upstream: app }]
    upstreams: [{ name: app, endpoints: ["${origin.address}"] }]`,
  );
  assert.match(gateway.stderr, /^ringway \d+\.\d+\.\d+\S*: 1 process x 2 threads, (io_uring|epoll)$/m);
  assert.match(gateway.stderr, /^ {2}config {4}\S+ringway\.yaml \(1 route, 1 upstream\)$/m);
  assert.match(gateway.stderr, new RegExp(`^ {2}listener {2}web +http://127\\.0\\.0\\.1:${gateway.port}$`, "m"));
  assert.match(gateway.stderr, new RegExp(`^ {2}admin +http://127\\.0\\.0\\.1:${gateway.adminPort}/status$`, "m"));

  const line = /^try: (.*)$/m.exec(gateway.stderr)[1];
  const curl = await run("sh", ["-c", `${line} --silent --show-error --max-time 10`]);
  assert.equal(curl.code, 0, curl.stderr);
  assert.match(curl.stdout, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(curl.stdout, /^x-origin: demo\r$/im);

  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
});

test("a listener on any address is shown as one that works on this machine", async (t) => {
  const port = await freePort();
  const gateway = await startGateway(
    t,
    `
    listeners: [{ address: ":${port}" }]
    routes: [{ respond: { status: 200, body: hello } }]`,
  );
  const line = /^try: (.*)$/m.exec(gateway.stderr)[1];
  assert.equal(line, `curl -i http://127.0.0.1:${port}/`);
  const curl = await run("sh", ["-c", `${line} --silent`]);
  assert.match(curl.stdout, /hello/);
});

test("what to try first is something that a route takes", async (t) => {
  const first = `{ match: { path: /no, method: POST }, respond: { body: no } }`;
  const cases = [
    ["/api/*", "/api/"],
    ['"/items/{id}/x"', "/items/id/x"],
    ['{ path: /p, host: "*.example.com" }', "/p", " -H 'Host: www.example.com'"],
  ];
  for (const [match, path, host = ""] of cases) {
    const gateway = await startGateway(t, `routes: [${first}, { match: ${match}, respond: { body: hello } }]`);
    const line = /^try: (.*)$/m.exec(gateway.stderr)[1];
    assert.equal(line, `curl -i${host} ${gateway.url}${path}`);
    const curl = await run("sh", ["-c", `${line} --silent`]);
    assert.match(curl.stdout, /hello/);
  }
});

test("the example for newcomers is without mistakes", { skip: !existsSync(join(root, "examples/quickstart.yaml")) }, async () => {
  const check = await run(process.env.RINGWAY ?? join(root, "build/release/ringway"), ["check", "examples/quickstart.yaml"], { cwd: root });
  assert.equal(check.code, 0, check.stderr);
});

test("SIGINT ends it as SIGTERM does", async (t) => {
  const gateway = await startGateway(t, "routes: [{ respond: {} }]");
  assert.deepEqual(await gateway.stop({ signal: "SIGINT" }), { code: 0, signal: null });
});

test("help is there for the program and for each verb", async () => {
  const all = await runRingway("--help");
  assert.equal(all.code, 0);
  const nothing = await runRingway();
  assert.equal(nothing.stdout, all.stdout);
  for (const verb of ["serve", "check", "explain", "schema"]) {
    assert.match(all.stdout, new RegExp(`^ {2}${verb} `, "m"));
    const help = await runRingway(verb, "--help");
    assert.equal(help.code, 0, verb);
    assert.match(help.stdout, new RegExp(`^Usage: ringway ${verb} `), verb);
    assert.equal(help.stderr, "");
  }
});

test("--version is one line", async () => {
  const { code, stdout } = await runRingway("--version");
  assert.equal(code, 0);
  assert.match(stdout, /^ringway \d+\.\d+\.\d+\S*\n$/);
});

const mistakes = [
  [["srve"], /unknown verb "srve"; did you mean "serve"\?/],
  [["chekc"], /unknown verb "chekc"; did you mean "check"\?/],
  [["proxy-everything"], /unknown verb "proxy-everything"\n/],
  [["serve"], /which configuration file\?/],
  [["serve", "--process", "2", "x.yaml"], /unknown option "--process"/],
  [["serve", "--processes"], /--processes needs a number/],
  [["serve", "--processes", "none", "x.yaml"], /"none" is not a number from 1 to 128/],
  [["serve", "--processes=0", "x.yaml"], /"0" is not a number from 1 to 128/],
  [["serve", "x.yaml", "y.yaml"], /one configuration file, not two: "y\.yaml"/],
  [["check"], /one configuration file/],
  [["check", "--all"], /unknown option "--all"/],
  [["explain", "x.yaml", "ftp://a/"], /the scheme is none of http, https, tcp/],
  [["explain", "x.yaml", "http://a:99999/"], /the port is not a number from 1 to 65535/],
  [["explain", "x.yaml"], /needs a configuration file and a URL/],
  [["explain", "-H", "nonsense", "x.yaml", "/"], /"nonsense" is not `Name: value`/],
  [["explain", "--method"], /--method needs a value/],
  [["schema", "--format", "xml"], /"xml" is none of json, markdown/],
  [["schema", "json"], /unknown argument "json"/],
];

for (const [args, message] of mistakes) {
  test(`wrong use: ringway ${args.join(" ")}`, async () => {
    const { code, stdout, stderr } = await runRingway(...args);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, message);
  });
}

test("the schema is JSON Schema, and the other formats are there", async () => {
  const schema = JSON.parse((await runRingway("schema")).stdout);
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  for (const format of ["json", "markdown", "example", "steps"]) {
    const { code, stdout } = await runRingway("schema", "--format", format);
    assert.equal(code, 0, format);
    assert.ok(stdout.length > 500, format);
  }
});

test("the example with every option is itself without mistakes", async (t) => {
  const example = (await runRingway("schema", "--format", "example")).stdout;
  const gateway = await prepareGateway(t, "");
  gateway.configure(example, { raw: true });
  const check = await runRingway("check", gateway.configFile);
  assert.equal(check.code, 0, check.stderr);
});
