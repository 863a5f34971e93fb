// Releases: who gets which version, by rule, by share, and who stays.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { scratch } from "./support/cleanup.mjs";
import { request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

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

// ---- Rollouts ----

const rollout = (stable, canary, more) => `${versions(stable, canary)}
    release:
      versions: [{ name: stable, upstream: app-1 }, { name: canary, upstream: app-2 }]
      rollout: { version: canary, ${more} }`;
const release = async (gateway) => JSON.parse((await request(`${gateway.admin}/releases`)).text).find(({ route }) => route === "shop");
const act = (gateway, action, route = "shop") => request(`${gateway.admin}/releases/${route}/${action}`, { method: "POST" });

// Sends requests until the rollout is in this phase.
async function untilPhase(gateway, phase) {
  await eventually(
    async () => {
      await Promise.all(Array.from({ length: 20 }, () => gateway.get("/")));
      return (await release(gateway)).rollout.phase === phase;
    },
    { within: 60000, every: 20, what: `the rollout is ${phase}` },
  );
}

test("a good version comes in by stages, for all processes, and stays in over reloads and deaths", async (t) => {
  const canary = await says(t, "two");
  const config = rollout(await says(t, "one"), canary, "stages: [20, 50, 100], stage_time: 1s, stage_requests: 20, latency_tolerance: 1000%");
  const gateway = await startGateway(t, config, { args: ["--processes", "2"] });
  const begun = await release(gateway);
  assert.equal(begun.rollout.percent, 20);
  assert.deepEqual(begun.versions.map(({ percent }) => percent), [80, 20]);
  await untilPhase(gateway, "complete");
  assert.equal(await count(gateway, "two", 40), 40);
  assert.equal(await gateway.metric("ringway_release_share", { version: "canary" }), 1);
  assert.equal(await gateway.metric("ringway_rollout_phase", { version: "canary", phase: "complete" }), 1);
  const moves = gateway.logLines().filter((line) => /canary goes on, from \d+% to \d+%: errors 0% of \d+ against 0% of \d+ of stable/.test(line.message));
  assert.equal(moves.length, 2, JSON.stringify(gateway.logLines()));
  await gateway.reload(config);
  for (const pid of gateway.workers()) process.kill(pid, "SIGKILL");
  await eventually(async () => (await release(gateway).catch(() => undefined))?.rollout.phase === "complete", { within: 30000, what: "a new process has the state" });
  await eventually(async () => (await count(gateway, "two", 20).catch(() => 0)) === 20, { within: 30000, what: "all requests go there still" });
});

test("a version that fails is turned back, and the log says by what", async (t) => {
  const canary = await startOrigin(t, { answer: (_, response) => response.writeHead(500).end("bad") });
  const gateway = await startGateway(t, rollout(await says(t, "one"), canary, "stages: [50, 100], stage_time: 1h"));
  await untilPhase(gateway, "rolled_back");
  assert.equal(await count(gateway, "one", 40), 40);
  const line = gateway.logLines().find(({ message }) => /turned back for its errors, from 50% to 0%: errors 100% of \d+ against 0% of \d+ of stable \(p /.test(message));
  assert.equal(line?.level, "warn", gateway.stderr);
  assert.equal((await act(gateway, "promote")).status, 409);
  assert.match((await act(gateway, "restart")).text, /^running, 50%/);
});

test("by hand: blue becomes green, and back; pauses hold", async (t) => {
  const blue = await says(t, "one");
  const green = await says(t, "two");
  const gateway = await startGateway(t, rollout(blue, green, "automatic: false, stages: [100]"));
  assert.equal(await count(gateway, "one", 20), 20);
  assert.match((await act(gateway, "promote")).text, /^complete, 100%/);
  assert.equal(await count(gateway, "two", 20), 20);
  assert.match((await act(gateway, "rollback")).text, /^rolled_back, 0%/);
  assert.equal(await count(gateway, "one", 20), 20);
  assert.equal((await act(gateway, "turn")).status, 404);
  assert.equal((await act(gateway, "promote", "other")).status, 404);
  await gateway.reload(rollout(blue, green, "stages: [30, 100], stage_time: 1h").replace("name: shop", "name: my shop"));
  assert.match((await act(gateway, "pause", "my%20shop")).text, /^paused, 30%/);
  assert.match((await act(gateway, "resume", "my%20shop")).text, /^running, 30%/);
  assert.match((await act(gateway, "promote", "my%20shop")).text, /^complete, 100%/);
  const before = gateway.workers();
  gateway.signal("SIGUSR2");
  await eventually(async () => gateway.workers().every((pid) => !before.includes(pid)) && (await count(gateway, "two", 20).catch(() => 0)) === 20, {
    within: 30000,
    what: "another program, which remembers",
  });
});
