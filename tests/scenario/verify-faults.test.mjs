// `ringway verify`: faults of what a gateway depends on beside its upstreams, each seen to act at
// the other side: names, certificates, Redis; and processes that verify did not start.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { cleanup, guardProcess, scratch } from "./support/cleanup.mjs";
import { startGateway, yaml } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { ringway, run } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

async function verify(folder, text, ...options) {
  const file = join(folder, "acceptance.yaml");
  writeFileSync(file, yaml(text));
  const { code, stdout, stderr } = await run(ringway, ["verify", "--json", ...options, file], { timeout: 120000 });
  assert.notEqual(stdout, "", stderr);
  const report = JSON.parse(stdout);
  const pairs = Object.fromEntries(report.coverage.of.map((pair) => [`${pair.fault} ${pair.dependency}`, pair]));
  return { code, stderr, report, pairs };
}

const load = "load: { rate: 200, duration: 1s, warmup: 0s, connections: 10, arrivals: even }";

// A gateway as in production: a name that only its own network knows, a certificate by some public
// authority; and in place of the server the built-in one. `faults`: [cause, on, time, more]. Each has
// to be seen at the other side; what the gateway makes of it depends on the machine, too.
async function judge(t, faults) {
  const folder = scratch(t);
  const [port, server, admin] = [await freePort(), await freePort(), await freePort()];
  writeFileSync(
    join(folder, "gateway.yaml"),
    yaml(`
      listeners: [{ address: "127.0.0.1:${port}" }]
      routes: [{ upstream: app }]
      upstreams: [{ name: app, endpoints: ["app.internal:${server}"], tls: {} }]
      dns: { ttl_min: 100ms }
      admin: "127.0.0.1:${admin}"
      threads: 1`),
  );
  const lines = faults.map(([cause, on, time, more = ""]) => `{ cause: ${cause}, on: ${on}, before: 500ms, for: ${time}${more} }`);
  const verdict = await verify(
    folder,
    `
    gateway: gateway.yaml
    url: http://127.0.0.1:${port}
    servers: [{ name: app, address: "127.0.0.1:${server}", origin: {} }]
    ${load}
    faults: [${lines.join(", ")}]
    repetitions: 1
    targets: [{ error_rate: { at_most_percent: 5 } }, { recovery_time: { at_most: 1m } }]`,
  );
  assert.equal(verdict.stderr, "");
  assert.equal(verdict.report.failed, "");
  // Without faults the name leads to the server, and its certificate is trusted.
  const [quiet] = verdict.report.loads;
  assert.ok(quiet.answered - quiet.failed > 50, JSON.stringify(quiet));
  for (const [cause, on] of faults) {
    const pair = verdict.pairs[`${cause} ${on}`];
    assert.match(pair.state, /passed|failed/, JSON.stringify(pair));
    assert.ok(pair.observed > 0, JSON.stringify(pair));
  }
  return verdict.pairs;
}

describe("verify", { concurrency: 10 }, () => {
  test("names that fail or lie", async (t) => {
    const pairs = await judge(t, [
      ["dns_fail", "dns", "1s"],
      ["dns_lie", "dns", "3s"],
    ]);
    // The last known addresses serve on; where nobody is, requests fail.
    assert.ok(pairs["dns_lie dns"].failed_traffic_seconds > 0, JSON.stringify(pairs["dns_lie dns"]));
  });

  test("certificates with a flaw", async (t) => {
    const pairs = await judge(t, [
      ["certificate_expired", "app", "1500ms"],
      ["certificate_name", "app", "1500ms"],
    ]);
    for (const pair of [pairs["certificate_expired app"], pairs["certificate_name app"]])
      assert.ok(pair.failed_traffic_seconds > 0, JSON.stringify(pair));
  });

  // Two at a time at most: each waits some seconds until the system is well again.
  const others = {
    "names that nobody knows, and a name server that says nothing": [
      ["dns_unknown", "dns", "1s"],
      ["dns_silent", "dns", "1s"],
    ],
    "answers that are reset or late": [
      ["reset", "app", "500ms"],
      ["delay", "app", "500ms"],
    ],
    "answers that are cut short or stuck": [
      ["truncate", "app", "500ms"],
      ["stall", "app", "500ms"],
    ],
    "answers that are slow, requests that vanish": [
      ["throttle", "app", "500ms"],
      ["blackhole", "app", "500ms"],
    ],
    "a gateway without descriptors or memory": [
      ["descriptors", "limits", "1s"],
      ["memory", "limits", "1s"],
    ],
    "a gateway with another time, reloaded all the time": [
      ["clock_step", "clock", "1s", ", step: 1d, back: true"],
      ["reload_storm", "configuration", "2s"],
    ],
    "a server that stands still": [["stop", "app", "500ms"]],
    "an army of slow clients": [
      ["slow_senders", "clients", "2s", ", connections: 20"],
      ["slow_readers", "clients", "2s", ", connections: 20"],
    ],
  };
  for (const [name, faults] of Object.entries(others)) test(name, (t) => judge(t, faults));

  test("what runs already is known by its pid file, and left alone where that is wrong", async (t) => {
    const folder = scratch(t);
    const [redis, relay, origin] = [await freePort(), await freePort(), await startOrigin(t)];
    const pidFile = join(folder, "redis.pid");
    const start = ["redis-server", "--port", `${redis}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder];
    start.push("--daemonize", "yes", "--pidfile", pidFile);
    const pid = () => existsSync(pidFile) && Number(readFileSync(pidFile, "utf8"));
    cleanup(t, () => process.kill(pid(), "SIGKILL"));
    assert.equal((await run(start[0], start.slice(1))).code, 0);
    const before = await eventually(() => pid() > 1 && pid(), { within: 30000, what: "redis-server has a pid file" });
    const gateway = await startGateway(
      t,
      `
      routes: [{ upstream: app, policies: [{ rate_limit: { limits: { name: all, requests: 1000000, per: second, key: address, shared: true } } }] }]
      upstreams: [{ name: app, endpoints: ["${origin.address}"] }]
      rate_limits: { redis: "127.0.0.1:${relay}" }`,
    );
    writeFileSync(join(folder, "gateway.pid"), `${gateway.pid}\n`);
    const bystander = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
    guardProcess(bystander);
    cleanup(t, () => bystander.kill());
    writeFileSync(join(folder, "old.pid"), `${bystander.pid}\n`);
    const [worker] = gateway.workers();
    const { report, pairs, stderr } = await verify(
      folder,
      `
      gateway: { config: ${gateway.configFile}, pid_file: gateway.pid }
      url: ${gateway.url}
      servers:
        - { name: app, address: "${origin.address}", pid_file: old.pid }
        - name: limits
          kind: redis
          address: "127.0.0.1:${relay}"
          listens: "127.0.0.1:${redis}"
          pid_file: redis.pid
          restart: [${start.map((word) => JSON.stringify(word)).join(", ")}]
      ${load}
      faults:
        - { cause: kill, on: redis, before: 500ms, for: 500ms }
        - { cause: refuse, on: redis, before: 500ms, for: 500ms }
        - { cause: kill, on: worker, before: 500ms, for: 500ms }
        - { cause: kill, on: app, before: 500ms, for: 500ms }
      repetitions: 1
      targets: [{ recovery_time: { at_most: 1m } }]`,
    );
    assert.equal(stderr, "");
    assert.equal(report.failed, "");
    for (const pair of ["kill redis", "refuse redis", "kill worker"]) {
      assert.match(pairs[pair].state, /passed|failed/, JSON.stringify(pairs[pair]));
      assert.ok(pairs[pair].observed > 0, JSON.stringify(pairs[pair]));
    }
    assert.ok(pid() > 1 && pid() !== before, "redis-server was killed, and came back");
    assert.ok(!gateway.workers().includes(worker), "the worker was killed, the gateway goes on");
    assert.equal(gateway.exit, undefined);
    // A number that has become somebody else's.
    assert.equal(pairs["kill app"].state, "impossible");
    assert.match(pairs["kill app"].why, new RegExp(`process ${bystander.pid} of .*old\\.pid does not listen at port`));
    assert.equal(bystander.exitCode ?? bystander.signalCode, null);
  });
});
