// Releases: who gets which version, by rule, by share, and who stays.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scratch } from "./support/cleanup.mjs";
import { request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { runRingway } from "./support/run.mjs";

const says = (t, text) => startOrigin(t, { answer: (_, response, body) => response.end(`${text}${body}`) });
const versions = (stable, canary) => `
threads: 1
upstreams:
  - { name: app-1, endpoints: "${stable.address ?? stable}" }
  - { name: app-2, endpoints: "${canary.address ?? canary}" }
routes:
  - name: shop
`;

// How many of the answers are this text.
async function count(gateway, text, requests, headers = () => ({})) {
  let found = 0;
  for (let i = 0; i < requests; i++) found += (await gateway.get("/", { headers: headers(i) })).text === text;
  return found;
}

test("by weight: each request is drawn by itself; metrics and log say which version it was", async (t) => {
  const gateway = await startGateway(
    t,
    `${versions(await says(t, "one"), await says(t, "two"))}
    release:
      versions: [{ name: stable, upstream: app-1, weight: 3 }, { name: canary, upstream: app-2 }]`,
  );
  const canary = await count(gateway, "two", 400);
  assert.ok(canary > 50 && canary < 150, `${canary} of 400, where 100 are due`);
  const by = (version) => gateway.metric("ringway_release_requests_total", { route: "shop", version, code: "2xx" });
  assert.equal(await by("canary"), canary);
  assert.equal(await by("stable"), 400 - canary);
  const lines = await gateway.accessLines(400, (line) => line.route === "shop");
  assert.equal(lines.filter((line) => line.upstream === "app-2").length, canary);
  const posted = await request(gateway.url, { method: "POST", body: "x".repeat(100000) });
  assert.match(posted.text, /^(one|two)x{100000}$/);
});

test("by rule: header, cookie and query parameter come before the shares, the first rule that fits", async (t) => {
  const gateway = await startGateway(
    t,
    `${versions(await says(t, "one"), await says(t, "two"))}
    release:
      versions: [{ name: stable, upstream: app-1 }, { name: canary, upstream: app-2, weight: 0 }]
      rules:
        - { cookie: beta, value: "no", version: stable }
        - { header: X-Canary, version: canary }
        - { cookie: beta, value: "yes", version: canary }
        - { query: beta, value: "1", version: canary }`,
  );
  const told = async (path, headers) => (await gateway.get(path, { headers })).text;
  assert.equal(await told("/", {}), "one");
  assert.equal(await told("/", { "X-Canary": "anything" }), "two");
  assert.equal(await told("/", { Cookie: "a=b; beta=yes" }), "two");
  assert.equal(await told("/", { Cookie: "beta=maybe" }), "one");
  assert.equal(await told("/?beta=1", {}), "two");
  assert.equal(await told("/?beta=1", { Cookie: "beta=no" }), "one");
  assert.equal(await gateway.metric("ringway_release_requests_total", { version: "canary (rule)", code: "2xx" }), 3);
  assert.equal(await gateway.metric("ringway_release_requests_total", { version: "stable (rule)", code: "2xx" }), 1);
});

test("by user: everybody stays when the share of the new version grows, and blue and green change places at once", async (t) => {
  const stable = await says(t, "one");
  const canary = await says(t, "two");
  const config = (weight) => `${versions(stable, canary)}
    release:
      versions: [{ name: stable, upstream: app-1, weight: ${100 - weight} }, { name: canary, upstream: app-2, weight: ${weight} }]
      sticky: { on: cookie, name: user }`;
  const gateway = await startGateway(t, config(20));
  const drawn = async () => {
    const answers = [];
    for (let i = 0; i < 100; i++) answers.push((await gateway.get("/", { headers: { Cookie: `user=${i}` } })).text);
    return answers;
  };
  const before = await drawn();
  assert.deepEqual(await drawn(), before, "users stay");
  assert.ok(before.includes("two") && before.includes("one"));
  await gateway.reload(config(60));
  const after = await drawn();
  assert.ok(before.every((text, i) => text === "one" || after[i] === "two"), "who was in stays in");
  assert.ok(after.filter((text) => text === "two").length > before.filter((text) => text === "two").length);
  await gateway.reload(config(100));
  assert.equal(await count(gateway, "two", 20), 20);
});

test("a version that cannot be reached: its requests fail, are counted against it, and only those", async (t) => {
  const gateway = await startGateway(
    t,
    `${versions(await says(t, "one"), `127.0.0.1:${await freePort()}`)}
    release:
      versions: [{ name: stable, upstream: app-1 }, { name: canary, upstream: app-2, weight: 0 }]
      rules: [{ header: X-Canary, version: canary }]`,
  );
  assert.equal(await count(gateway, "one", 10), 10);
  assert.equal((await gateway.get("/", { headers: { "X-Canary": "1" } })).status, 502);
  assert.equal(await gateway.metric("ringway_release_errors_total", { version: "canary (rule)" }), 1);
  assert.equal(await gateway.metric("ringway_release_errors_total", { version: "stable" }), 0);
});

test("explain shows versions, shares and rules; mistakes have their place", async (t) => {
  const text = `
listeners: "127.0.0.1:1"
upstreams: [{ name: app-1, endpoints: "127.0.0.1:2" }, { name: app-2, endpoints: "127.0.0.1:3" }]
routes:
  - release:
      versions: [{ name: stable, upstream: app-1, weight: 95 }, { name: canary, upstream: app-2, weight: 5 }]
      rules: [{ header: X-Canary, value: "yes", version: canary }]
      sticky: { on: header, name: X-User }
`;
  const file = join(scratch(t), "gateway.yaml");
  writeFileSync(file, text);
  const shown = await runRingway("explain", file, "/");
  assert.match(shown.stdout, /release of 2 versions, users stay, known by header X-User/);
  assert.match(shown.stdout, /rule {6}header X-Canary = yes: version canary/);
  assert.match(shown.stdout, /version {3}canary, 5%: upstream app-2/);
  writeFileSync(file, text.replace("version: canary }]", "version: canry }]"));
  const wrong = await runRingway("check", file);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /:7:\d+: routes\[0\]\.release\.rules\[0\]\.version: unknown version "canry"; did you mean "canary"\?/);
});
