// `ringway load import`: what is drafted from a recording, a description, a JMeter plan is a file
// that `ringway load` takes as it is, and the origin gets the requests that were meant.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { scratch } from "./support/cleanup.mjs";
import { startOrigin } from "./support/origin.mjs";
import { runRingway } from "./support/run.mjs";

// Imports `text` as file `name`; the draft is checked, then run with `options` against the origin.
async function runDraft(folder, name, text, options) {
  const draft = join(folder, "draft.yaml");
  writeFileSync(join(folder, name), text);
  const imported = await runRingway("load", "import", join(folder, name), "--out", draft);
  assert.equal(imported.code, 0, imported.stderr);
  const checked = await runRingway("load", "--check", draft);
  assert.deepEqual([checked.code, checked.stderr], [0, ""]);
  const { stdout, stderr } = await runRingway("load", "--json", draft, ...options);
  assert.equal(stderr, "");
  return { told: imported.stderr, checked: checked.stdout, report: JSON.parse(stdout) };
}

// What came, as [`METHOD path`, how often] in order.
function counts(origin) {
  const seen = new Map();
  for (const { method, url } of origin.requests) {
    const what = `${method} ${url}`;
    seen.set(what, (seen.get(what) ?? 0) + 1);
  }
  return [...seen].sort();
}

describe("ringway load import", { concurrency: 3 }, () => {
  test("a recording: the requests to the first host in their order, with bodies, status and think times", async (t) => {
    const bodies = new Set();
    const origin = await startOrigin(t, {
      answer: (request, response, bytes) => {
        const body = bytes.toString();
        if (body) bodies.add(`${request.headers["content-type"]} ${body}`);
        response.writeHead(request.method === "POST" ? 201 : 200).end("ok");
      },
    });
    const entry = (at, method, url, more = {}, status = 200) => ({
      startedDateTime: `2026-11-20T10:00:0${at}Z`,
      time: 100,
      request: { method, url, httpVersion: "HTTP/1.1", headers: [{ name: "Accept", value: "text/html" }], queryString: [], cookies: [], headersSize: -1, bodySize: -1, ...more },
      response: { status, statusText: "", headers: [], cookies: [], content: { size: 2, mimeType: "text/html", text: "ok" } },
      cache: {},
      timings: { send: 0, wait: 100, receive: 0 },
    });
    const to = (path) => `http://${origin.address}${path}`;
    const entries = [
      entry("0.000", "GET", to("/")),
      entry("0.200", "GET", to("/items?near=K%C3%B6ln")),
      entry("0.250", "GET", "http://127.0.0.1:1/pixel.gif"),
      entry("0.400", "POST", to("/cart"), { postData: { mimeType: "application/json", text: '{"item": 7, "price": "$5"}' } }, 201),
    ];
    const har = JSON.stringify({ log: { version: "1.2", creator: { name: "test", version: "1" }, pages: [], entries } });
    const { told, checked, report } = await runDraft(scratch(t), "shop.har", har, ["-r", "20", "-d", "1s"]);
    assert.match(told, /3 requests taken over\n.*other hosts/);
    assert.match(checked, /: fine: 1 scenario, 3 steps, /);
    assert.deepEqual([report.iterations.done, report.requests.answered, report.requests.failed], [20, 60, 0]);
    assert.deepEqual(report.checks.map((check) => [check.check, check.held]), [
      ["status is 200", 20],
      ["status is 200", 20],
      ["status is 201", 20],
    ]);
    assert.deepEqual(counts(origin), [
      ["GET /", 20],
      ["GET /items?near=K%C3%B6ln", 20],
      ["POST /cart", 20],
    ]);
    assert.deepEqual([...bodies], ['application/json {"item": 7, "price": "$5"}']);
  });

  test("a description: each operation by its examples and its schema", async (t) => {
    const bodies = [];
    const origin = await startOrigin(t, {
      answer: (request, response, bytes) => {
        const body = bytes.toString();
        if (body) bodies.push(JSON.parse(body));
        response.writeHead(request.method === "POST" ? 201 : 200).end("{}");
      },
    });
    const api = {
      openapi: "3.1.0",
      info: { title: "Shop", version: "1" },
      servers: [{ url: `http://${origin.address}/v1` }],
      paths: {
        "/items": {
          get: { operationId: "list", parameters: [{ name: "limit", in: "query", required: true, schema: { type: "integer", default: 20 } }], responses: { 200: { description: "all" } } },
          post: {
            requestBody: { required: true, content: { "application/json": { schema: { $ref: "#/components/schemas/Item" } } } },
            responses: { 201: { description: "made" } },
          },
        },
        "/items/{id}": { get: { parameters: [{ name: "id", in: "path", required: true, schema: { type: "integer", minimum: 3 } }], responses: { 200: { description: "one" } } } },
      },
      components: {
        schemas: { Item: { type: "object", required: ["name"], properties: { name: { type: "string", example: "tea" }, count: { type: "integer", minimum: 2 }, at: { type: "string", format: "date" }, fresh: { type: "boolean" } } } },
      },
    };
    const { checked, report } = await runDraft(scratch(t), "api.json", JSON.stringify(api), ["-r", "30", "-d", "1s"]);
    assert.match(checked, /: fine: 3 scenarios, 3 steps, /);
    assert.deepEqual([report.iterations.done, report.requests.answered, report.requests.failed], [30, 30, 0]);
    const seen = counts(origin);
    assert.deepEqual(seen.map(([what]) => what.replace(/items\/\d+$/, "items/N")), ["GET /v1/items/N", "GET /v1/items?limit=20", "POST /v1/items"]);
    assert.deepEqual(seen.map(([, count]) => count), [10, 10, 10]);
    assert.equal(bodies.length, 10);
    for (const body of bodies) {
      assert.equal(body.name, "tea");
      assert.ok(Number.isInteger(body.count) && body.count >= 2, JSON.stringify(body));
      assert.equal(typeof body.fresh, "boolean");
      assert.match(body.at, /^\d{4}-\d\d-\d\d$/);
    }
  });

  test("a JMeter plan: thread groups, samplers, CSV, extractors, assertions, timers", async (t) => {
    const folder = scratch(t);
    const logins = new Set();
    const carts = new Set();
    const origin = await startOrigin(t, {
      answer: (request, response, bytes) => {
        const body = bytes.toString();
        if (request.url === "/login") logins.add(body);
        const { authorization, "x-shop": shop, "x-cart": cart } = request.headers;
        carts.add(`${request.url} ${cart}`);
        const allowed = request.url === "/login" || request.url === "/" || authorization === "Bearer t-1";
        response.writeHead(allowed && shop === "acme" ? 200 : 401).end(request.url === "/login" ? '{"user": {"token": "t-1"}}' : "<title>Shop</title>");
      },
    });
    writeFileSync(join(folder, "people.csv"), "ann,1 2\nbob,3&4\n");
    const text = (name, value) => `<stringProp name="${name}">${value}</stringProp>`;
    const element = (tag, name, inside, below = "") => `<${tag} guiclass="G" testclass="${tag}" testname="${name}" enabled="true">${inside}</${tag}><hashTree>${below}</hashTree>\n`;
    const argument = (name, value) => `<elementProp name="${name}" elementType="HTTPArgument"><boolProp name="HTTPArgument.always_encode">true</boolProp>${text("Argument.value", value)}${text("Argument.metadata", "=")}${text("Argument.name", name)}</elementProp>`;
    const header = (name, value) => `<elementProp name="" elementType="Header">${text("Header.name", name)}${text("Header.value", value)}</elementProp>`;
    const headers = (...all) => element("HeaderManager", "Headers", `<collectionProp name="HeaderManager.headers">${all.join("")}</collectionProp>`);
    const sampler = (name, method, path, args, below = "") =>
      element("HTTPSamplerProxy", name, `<elementProp name="HTTPsampler.Arguments" elementType="Arguments"><collectionProp name="Arguments.arguments">${args}</collectionProp></elementProp>${text("HTTPSampler.path", path)}${text("HTTPSampler.method", method)}`, below);
    const group = (name, threads, below) =>
      element(
        "ThreadGroup",
        name,
        `${text("ThreadGroup.on_sample_error", "continue")}<elementProp name="ThreadGroup.main_controller" elementType="LoopController"><intProp name="LoopController.loops">-1</intProp></elementProp>${text("ThreadGroup.num_threads", threads)}${text("ThreadGroup.ramp_time", "0")}<boolProp name="ThreadGroup.scheduler">true</boolProp>${text("ThreadGroup.duration", "60")}`,
        below,
      );
    const [host, port] = origin.address.split(":");
    const plan = `<?xml version="1.0" encoding="UTF-8"?>
<jmeterTestPlan version="1.2" properties="5.0" jmeter="5.6.3"><hashTree>
${element(
  "TestPlan",
  "Shop",
  `<elementProp name="TestPlan.user_defined_variables" elementType="Arguments"><collectionProp name="Arguments.arguments">${argument("shop", "acme") + argument("visitors", "\${__P(visitors,4)}")}</collectionProp></elementProp>`,
  element("ConfigTestElement", "Defaults", `${text("HTTPSampler.domain", host)}${text("HTTPSampler.port", port)}${text("HTTPSampler.protocol", "\${__P(protocol,http)}")}`) +
    headers(header("X-Shop", "\${shop}"), header("X-Cart", "\${token}")) +
    group(
      "Buyers",
      2,
      element("CSVDataSet", "People", `${text("filename", "people.csv")}${text("variableNames", "name,pass")}${text("delimiter", ",")}<boolProp name="recycle">true</boolProp>`) +
        sampler(
          "Login",
          "POST",
          "/login",
          argument("name", "\${name}") + argument("pass", "\${pass}"),
          element("JSONPostProcessor", "Token", `${text("JSONPostProcessor.referenceNames", "token")}${text("JSONPostProcessor.jsonPathExprs", "$.user.token")}`),
        ) +
        sampler("Cart", "GET", "/cart", argument("show", "all"), headers(header("Authorization", "Bearer \${token}"))) +
        element("ConstantTimer", "Pause", text("ConstantTimer.delay", "20")),
    ) +
    group(
      "Visitors",
      "\${visitors}",
      sampler(
        "Home",
        "GET",
        "/",
        "",
        element("ResponseAssertion", "Title", `<collectionProp name="Asserion.test_strings">${text("1", "Shop")}</collectionProp>${text("Assertion.test_field", "Assertion.response_data")}<intProp name="Assertion.test_type">16</intProp>`),
      ),
    ),
)}</hashTree></jmeterTestPlan>
`;
    const { told, checked, report } = await runDraft(folder, "plan.jmx", plan, ["-r", "30", "-d", "1s"]);
    assert.match(checked, /: fine: 2 scenarios, 3 steps, /);
    assert.match(told, /nothing gives \$\{token\} of Login a value/);
    assert.deepEqual([...carts].sort(), ["/ ${token}", "/cart?show=all t-1", "/login ${token}"], "what is not known yet is sent as it stands");
    assert.deepEqual([report.iterations.done, report.requests.answered, report.requests.failed], [30, 40, 0], JSON.stringify(report.checks));
    assert.deepEqual(counts(origin), [
      ["GET /", 20],
      ["GET /cart?show=all", 10],
      ["POST /login", 10],
    ]);
    assert.deepEqual([...logins].sort(), ["name=ann&pass=1%202", "name=bob&pass=3%264"]);
    assert.deepEqual(report.checks.map((check) => [check.check, check.held]), [["captures token", 10], ["body contains Shop", 20]]);
  });

  test("a plan as JMeter writes it: timers add up, a group's assertion is about all its samplers", async (t) => {
    const folder = scratch(t);
    const bodies = new Set();
    const origin = await startOrigin(t, {
      answer: (request, response, bytes) => {
        const { authorization, "x-tenant": tenant } = request.headers;
        bodies.add(`${request.method} ${request.url} ${authorization} ${tenant} ${bytes}`);
        if (request.url.endsWith("/login")) response.end('{"token": "t&1", "carts": [{"id": 7}]}');
        else if (request.url.includes("/items")) response.end('{"item": "abc", "csrf":"x="}');
        else response.end('{"ok": true}');
      },
    });
    writeFileSync(join(folder, "users.csv"), 'ann,acme,"São Paulo"\n');
    const plan = readFileSync(new URL("support/shop.jmx", import.meta.url), "utf8");
    const { told, report } = await runDraft(folder, "plan.jmx", plan, ["--target", `http://${origin.address}`, "-r", "10", "-d", "1s"]);
    assert.match(told, /3 requests taken over\n {2}CookieManager .*\n {2}the group Buyers begins over 2 s: .*\n$/, "and nothing else is lost");
    assert.deepEqual([report.iterations.done, report.requests.failed], [10, 0], JSON.stringify(report.checks));
    assert.deepEqual([...bodies].sort(), [
      "GET /api/v1/items?near=S%C3%A3o%20Paulo&q=a%20b%26c undefined acme ",
      "POST /api/v1/carts/7 Bearer t&1 acme item=abc&csrf=x%3D",
      'POST /api/v1/login undefined acme {\r\n  "user": "ann",\r\n  "price": "$5"\r\n}',
    ]);
    const checks = ["status is 200", "below 2s", "json /token", "body contains {", "captures token", "captures cart", "body contains {", "captures item", "captures csrf", 'regex "ok": ?true', "body contains {"];
    assert.deepEqual(report.checks.map((check) => [check.check, check.held]), checks.map((check) => [check, 10]));
    const draft = readFileSync(join(folder, "draft.yaml"), "utf8");
    assert.equal(draft.split("think: 150ms-250ms\n").length - 1, 3, "a constant and a random one, before each sampler");
  });
});
