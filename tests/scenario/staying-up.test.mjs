// What must not bring the program down, or cost a request: a worker process that dies, a new binary,
// reloads, the end.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync, readdirSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { cleanup, guardProcess, scratch } from "./support/cleanup.mjs";
import { request } from "./support/client.mjs";
import { prepareGateway, startGateway } from "./support/gateway.mjs";
import { startLoad } from "./support/load.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { openRaw } from "./support/raw.mjs";
import { ringway, sanitized } from "./support/run.mjs";
import { eventually, sleep, within } from "./support/wait.mjs";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const behind = (origin) => `routes: [{ upstream: app }]\nupstreams: [{ name: app, endpoints: ["${origin.address}"] }]\n`;
const respond = (body) => `routes: [{ respond: { body: "${body}" } }]\n`;

function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // gone already
  }
}

function isAlive(pid) {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

// Until a new connection gets an answer.
async function untilServed(port) {
  for (;;) {
    const served = await new Promise((resolve) => {
      const socket = net.connect({ port, host: "127.0.0.1" });
      socket.once("connect", () => socket.write(GET));
      socket.once("data", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("close", () => resolve(false));
      socket.setTimeout(5000, () => socket.destroy());
      cleanupSoon(socket);
    });
    if (served) return;
    await sleep(1);
  }
}

function cleanupSoon(socket) {
  for (const event of ["data", "error", "close"]) socket.once(event, () => socket.destroy());
}

for (const signal of ["SIGKILL", "SIGSEGV"]) {
  test(`a worker process ended by ${signal}: a new one serves within 100 ms`, async (t) => {
    const sanitizer = { ASAN_OPTIONS: "handle_segv=0", TSAN_OPTIONS: "handle_segv=0" };
    const gateway = await startGateway(t, respond("ok"), { env: sanitizer });
    const times = [];
    // Other work on the machine only adds to it: three good ones in twelve tell what the program does.
    const good = () => times.filter((time) => time < (sanitized ? 2000 : 100)).length;
    for (let i = 0; i < 12 && good() < 3; i++) {
      const [worker] = gateway.workers();
      assert.equal((await gateway.get("/")).text, "ok");
      await sleep(1100); // one that dies young is not started again at once
      const begin = performance.now();
      process.kill(worker, signal);
      while (isAlive(worker)) await sleep(0); // not the one that dies is to serve
      await untilServed(gateway.port);
      times.push(performance.now() - begin);
      await eventually(() => gateway.workers().length === 1 && gateway.workers()[0] !== worker);
    }
    t.diagnostic(`served again after ${times.map((time) => time.toFixed(1)).join(", ")} ms`);
    assert.equal(good(), 3, `after ${times} ms`);
    assert.ok(gateway.logLines().some((line) => JSON.stringify(line).includes("ended by signal")));
    assert.equal((await gateway.status()).last_error, null);
  });
}

test("connections that wait in the backlog while the worker process is dead are served", async (t) => {
  const gateway = await startGateway(t, respond("ok"));
  await sleep(1100);
  const [worker] = gateway.workers();
  process.kill(worker, "SIGKILL");
  while (isAlive(worker)) await sleep(0); // what it had accepted already is lost; nobody can help that
  const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.get("/")));
  assert.ok(answers.every((answer) => answer.status === 200));
});

test("a new worker process takes the configuration in force, not a broken file", async (t) => {
  const gateway = await startGateway(t, respond("in force"));
  gateway.configure("nonsense: true\n", { raw: true });
  await sleep(1100);
  const [worker] = gateway.workers();
  process.kill(worker, "SIGKILL");
  await eventually(() => gateway.workers().length === 1 && gateway.workers()[0] !== worker);
  await eventually(async () => (await gateway.get("/")).text === "in force");
});

test("one that keeps dying is started again, but not in a frenzy", async (t) => {
  const gateway = await startGateway(t, respond("ok"));
  const seen = new Set();
  const end = performance.now() + 1500;
  while (performance.now() < end) {
    for (const worker of gateway.workers()) {
      seen.add(worker);
      try {
        process.kill(worker, "SIGKILL");
      } catch {
        // It has gone already.
      }
    }
    await sleep(5);
  }
  assert.ok(seen.size >= 2 && seen.size < 12, `${seen.size} processes in 1.5 s`);
  await eventually(async () => (await gateway.get("/")).text === "ok", { within: 15000 });
});

// ---- Upgrade ----

async function withOwnProgram(t, text, options = {}) {
  const program = join(scratch(t), "ringway");
  copyFileSync(ringway, program);
  chmodSync(program, 0o755);
  return startGateway(t, text, { ...options, program });
}

function replaceProgram(gateway, content) {
  const next = `${gateway.program}.next`;
  if (content === undefined) copyFileSync(ringway, next);
  else writeFileSync(next, content);
  chmodSync(next, 0o755);
  renameSync(next, gateway.program);
}

async function upgrade(gateway) {
  const old = gateway.workers();
  gateway.signal("SIGUSR2");
  await eventually(() => gateway.workers().length > 0 && gateway.workers().every((worker) => !old.includes(worker)), { within: 20000, what: "new worker processes only" });
}

test("SIGUSR2 under load: three upgrades, no request fails, the process id stays", async (t) => {
  const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
  const gateway = await withOwnProgram(t, behind(origin));
  const { pid } = gateway;
  const load = startLoad(gateway.url);
  cleanup(t, () => load.stop());
  for (let i = 0; i < 3; i++) {
    await sleep(300);
    replaceProgram(gateway);
    await upgrade(gateway);
  }
  await sleep(300);
  await eventually(() => load.failures.length || load.done > 200, { within: 20000 });
  await load.stop();
  assert.equal(gateway.exit, undefined);
  assert.equal(gateway.pid, pid);
  t.diagnostic(`${load.done} requests`);
  assert.equal(load.failures.length, 0, load.describeFailures());
});

test("a request under way during an upgrade is finished by the old process", async (t) => {
  let release;
  const wait = new Promise((resolve) => (release = resolve));
  const origin = await startOrigin(t, {
    async answer(incoming, response) {
      response.write("begin ");
      if (incoming.url === "/slow") await wait;
      response.end("end");
    },
  });
  const gateway = await withOwnProgram(t, behind(origin));
  const slow = gateway.get("/slow");
  await eventually(() => origin.requests.length === 1);
  const old = gateway.workers();
  gateway.signal("SIGUSR2");
  await eventually(() => gateway.workers().length === 2, { within: 20000 });
  await eventually(async () => (await gateway.get("/")).text === "begin end");
  release();
  assert.equal((await slow).text, "begin end");
  await eventually(() => !gateway.workers().some((worker) => old.includes(worker)));
});

for (const [what, content] of Object.entries({ "that is no program": "garbage", "that ends at once": "#!/bin/sh\nexit 3\n", "that does not know the configuration": "#!/bin/sh\necho 'what is this?' >&2\nexit 2\n" })) {
  test(`an upgrade to a binary ${what} is refused, and nothing changes`, async (t) => {
    const gateway = await withOwnProgram(t, respond("old"));
    const workers = gateway.workers();
    replaceProgram(gateway, content);
    gateway.signal("SIGUSR2");
    await eventually(() => gateway.logLines().some((line) => /upgrade refused/.test(JSON.stringify(line))));
    assert.deepEqual(gateway.workers(), workers);
    for (let i = 0; i < 5; i++) assert.equal((await gateway.get("/")).text, "old");
    replaceProgram(gateway);
    await upgrade(gateway);
    assert.equal((await gateway.get("/")).text, "old");
  });
}

test("a worker process that dies while the new program checks the configuration is replaced meanwhile", async (t) => {
  const gateway = await withOwnProgram(t, respond("ok"));
  await sleep(1100);
  const [worker] = gateway.workers();
  const checked = join(gateway.folder, "checked");
  replaceProgram(gateway, `#!/bin/sh\nwhile [ "$1" = check ] && [ ! -e ${checked} ]; do sleep 0.1; done\nexec ${ringway} "$@"\n`);
  gateway.signal("SIGUSR2");
  await eventually(() => gateway.logLines().some((line) => /asking the program on disk/.test(line.message)));
  process.kill(worker, "SIGKILL");
  while (isAlive(worker)) await sleep(0);
  assert.equal((await gateway.get("/")).text, "ok");
  const refused = () => gateway.logLines().some((line) => /upgrade refused/.test(line.message)); // a machine so slow that the check had to end
  writeFileSync(checked, "");
  await eventually(() => refused() || gateway.logLines().some((line) => line.message === "draining"));
  assert.equal((await gateway.get("/")).text, "ok");
});

test("an upgrade with a broken configuration is refused", async (t) => {
  const gateway = await withOwnProgram(t, respond("old"));
  const workers = gateway.workers();
  gateway.configure("nonsense: 1\n", { raw: true });
  gateway.signal("SIGUSR2");
  await eventually(() => gateway.logLines().some((line) => /upgrade refused/.test(JSON.stringify(line))));
  assert.deepEqual(gateway.workers(), workers);
  assert.equal((await gateway.get("/")).text, "old");
});

test("an upgrade takes the configuration on disk, and new listeners with it", async (t) => {
  const gateway = await withOwnProgram(t, respond("old"));
  gateway.configure(respond("new"));
  await upgrade(gateway);
  await eventually(async () => (await gateway.get("/")).text === "new");
});

// A socket that the new program does not want would go on taking connections that nobody accepts.
test("an upgrade to fewer threads and listeners: no request fails, and what is closed is closed", async (t) => {
  const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
  const morePort = await freePort();
  const text = ({ port }, threads, more) => `threads: ${threads}\nlisteners: [{ name: web, address: "127.0.0.1:${port}" }${more}]\n${behind(origin)}`;
  const gateway = await withOwnProgram(t, (it) => text(it, 4, `, { name: more, address: "127.0.0.1:${morePort}" }`));
  const load = startLoad(gateway.url, { kept: 2, fresh: 8, pause: 0 });
  cleanup(t, () => load.stop());
  assert.equal((await request(`http://127.0.0.1:${morePort}/`)).status, 200);
  gateway.configure(text(gateway, 1, ""));
  await upgrade(gateway);
  await sleep(300);
  await load.stop();
  assert.equal(load.failures.length, 0, load.describeFailures());
  await assert.rejects(request(`http://127.0.0.1:${morePort}/`), /ECONNREFUSED/);
  for (let i = 0; i < 30; i++) assert.equal((await gateway.get("/")).text, "ok");
});

// ---- Listeners that move ----

// What had a handshake under way, or waited to be accepted, when its socket goes is answered still.
for (const processes of [1, 2]) {
  test(`a listener moves between all addresses and one under new connections, and none fails (processes: ${processes})`, async (t) => {
    const at = (address) => `threads: 2\nlisteners: [{ name: web, address: "${address}" }]\n${respond("ok")}`;
    const gateway = await startGateway(t, (it) => at(`127.0.0.1:${it.port}`), { args: ["--processes", `${processes}`] });
    const sockets = () => readdirSync(`/proc/${gateway.pid}/fd`).filter((fd) => linkOf(`/proc/${gateway.pid}/fd/${fd}`).startsWith("socket:")).length;
    const before = sockets();
    const load = startLoad(gateway.url, { kept: 0, fresh: 24, pause: 0 });
    cleanup(t, () => load.stop());
    for (let i = 0; i < 30; i++) await gateway.reload(at(i % 2 ? `127.0.0.1:${gateway.port}` : `:${gateway.port}`));
    await load.stop();
    t.diagnostic(`${load.done} connections`);
    assert.equal(load.failures.length, 0, load.describeFailures());
    assert.ok(load.done > 100);
    await eventually(() => sockets() === before); // nothing stays open of where it was
  });
}

// ---- The end ----

test("SIGTERM: requests under way are finished, new connections are not taken, then it ends", async (t) => {
  const origin = await startOrigin(t, {
    async answer(incoming, response) {
      response.write("begin ");
      await sleep(700);
      response.end("end");
    },
  });
  const gateway = await startGateway(t, behind(origin));
  const under = Array.from({ length: 10 }, () => gateway.get("/"));
  await eventually(() => origin.requests.length === 10);
  const stopped = gateway.stop();
  await eventually(() => assert.rejects(gateway.get("/"), /ECONNREFUSED|ECONNRESET|hang up/).then(() => true));
  for (const answer of await Promise.all(under)) assert.equal(answer.text, "begin end");
  assert.deepEqual(await stopped, { code: 0, signal: null });
  assert.ok(gateway.accessLinesNow().filter((line) => line.status === 200).length >= 10, "nothing is lost of the log");
});

test("SIGTERM under load: a request fails only because its connection was not taken any more", async (t) => {
  const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
  const gateway = await startGateway(t, behind(origin));
  const load = startLoad(gateway.url, { kept: 4, fresh: 4 });
  cleanup(t, () => load.stop());
  await sleep(500);
  const exit = await gateway.stop();
  await load.stop();
  assert.deepEqual(exit, { code: 0, signal: null });
  t.diagnostic(load.describeFailures());
  const notTaken = (error) => /ECONNREFUSED/.test(error.message);
  const wrong = load.failures.filter((error) => !notTaken(error));
  assert.deepEqual(wrong.map(String), []);
});

test("the drain has a deadline", async (t) => {
  const origin = await startOrigin(t, { streaming: true, answer: (_, response) => response.write("for ever") });
  const gateway = await startGateway(t, `drain_timeout: 1s\n${behind(origin)}`);
  const endless = gateway.get("/").catch((error) => error);
  await eventually(() => origin.requests.length === 1);
  const begin = performance.now();
  const exit = await gateway.stop();
  const took = performance.now() - begin;
  assert.equal(exit.code, 0);
  assert.ok(took >= 900 && took < 6000, `${took} ms`);
  assert.ok((await endless) instanceof Error);
});

test("a drain may take as long as the configuration in force says, not the first one", async (t) => {
  const origin = await startOrigin(t, {
    async answer(_, response) {
      await sleep(4000);
      response.end("late");
    },
  });
  const gateway = await startGateway(t, `drain_timeout: 100ms\n${behind(origin)}`);
  await gateway.reload(`drain_timeout: 20s\n${behind(origin)}`);
  const slow = gateway.get("/");
  await eventually(() => origin.requests.length === 1);
  assert.equal((await gateway.stop()).code, 0);
  assert.equal((await slow).text, "late");
});

test("POST /drain ends it too; /readyz tells at once", async (t) => {
  const origin = await startOrigin(t, {
    async answer(_, response) {
      await sleep(1500);
      response.end("ok");
    },
  });
  const gateway = await startGateway(t, behind(origin));
  assert.equal((await request(`${gateway.admin}/readyz`)).status, 200);
  const slow = gateway.get("/");
  await eventually(() => origin.requests.length === 1);
  const connection = await openRaw(gateway.adminPort);
  assert.equal((await request(`${gateway.admin}/drain`, { method: "POST" })).status, 202);
  assert.equal((await slow).text, "ok");
  connection.destroy();
  assert.deepEqual(await within(15000, "the end", gateway.exited), { code: 0, signal: null });
});

test("when the supervisor is killed, its worker process finishes and goes", async (t) => {
  const origin = await startOrigin(t, {
    async answer(_, response) {
      await sleep(500);
      response.end("ok");
    },
  });
  const gateway = await startGateway(t, behind(origin), { mayHang: true });
  const [worker] = gateway.workers();
  const slow = gateway.get("/");
  await eventually(() => origin.requests.length === 1);
  process.kill(gateway.pid, "SIGKILL");
  assert.equal((await slow).text, "ok");
  await eventually(() => !isAlive(worker), { within: 20000 });
});

// ---- Reload ----

test("50 reloads under load: no request fails, no snapshot stays behind, memory stays flat", async (t) => {
  const origin = await startOrigin(t, { answer: (_, response) => response.end("ok") });
  const gateway = await startGateway(t, behind(origin));
  const text = (i) => `${behind(origin)}policies: [{ name: p${i}, headers: { response: { set: { X-Number: "${i}" } } } }]\n`;
  const load = startLoad(gateway.url);
  cleanup(t, () => load.stop());
  for (let i = 0; i < 5; i++) await gateway.reload(text(i));
  const before = gateway.residentBytes();
  for (let i = 0; i < 50; i++) {
    gateway.configure(text(i));
    const answer = await request(`${gateway.admin}/reload`, { method: "POST" });
    assert.equal(answer.status, 200, answer.text);
  }
  await sleep(300);
  await load.stop();
  assert.equal(load.failures.length, 0, load.describeFailures());
  assert.equal(await gateway.metric("ringway_config_reloads_total"), 55);
  await eventually(async () => (await gateway.status()).snapshots <= 2, { what: "old snapshots are gone" });
  const grown = gateway.residentBytes() - before;
  t.diagnostic(`${load.done} requests; grown by ${(grown / 1024).toFixed()} KiB`);
  if (!sanitized) assert.ok(grown < 8 << 20, `grown by ${grown >> 10} KiB`);
});

// ---- A machine that stands still ----

test("a gateway that stood still for longer than a time-out uses what has come meanwhile", async (t) => {
  const waiting = [];
  const origin = await startOrigin(t, { answer: (_, response) => waiting.push(response) });
  const gateway = await startGateway(t, behind(origin).replace("upstream: app", "upstream: app, timeouts: { first_byte: 4s }"));
  const answers = Promise.all(Array.from({ length: 40 }, () => gateway.get("/")));
  await eventually(() => waiting.length === 40);
  const [worker] = gateway.workers();
  process.kill(worker, "SIGSTOP");
  for (const response of waiting) response.end("in time");
  await sleep(4500);
  process.kill(worker, "SIGCONT");
  const statuses = (await answers).map(({ status }) => status);
  assert.deepEqual(statuses, statuses.map(() => 200));
});

// ---- Odd ways to be started ----

test("without standard input, output and error, as some start services: nothing else gets their numbers", async (t) => {
  const gateway = await prepareGateway(t, `${respond("ok")}access_log: "-"\n`);
  const child = spawn("sh", ["-c", 'exec "$0" serve "$1" <&- >&- 2>&-', ringway, gateway.configFile], { detached: true, stdio: "ignore", cwd: gateway.folder });
  guardProcess(child);
  cleanup(t, () => child.kill("SIGTERM"));
  await eventually(async () => (await gateway.get("/")).text === "ok", { within: 30000 });
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "latin1").trim().split(" ");
  for (const pid of [child.pid, ...children]) for (const fd of [0, 1, 2]) assert.equal(readlinkSync(`/proc/${pid}/fd/${fd}`), "/dev/null");
});

// ---- Several processes ----

test("--processes 2: both serve, a reload reaches both, one may die", async (t) => {
  const gateway = await startGateway(t, `threads: 1\n${respond("one")}`, { args: ["--processes", "2"] });
  assert.match(gateway.stderr, /2 processes x 1 thread/);
  assert.equal(gateway.workers().length, 2);
  const everywhere = async (text) => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => gateway.get("/")));
    return answers.every((answer) => answer.text === text);
  };
  await eventually(() => everywhere("one"));
  gateway.configure(`threads: 1\n${respond("two")}`);
  assert.equal((await request(`${gateway.admin}/reload`, { method: "POST" })).status, 200);
  await eventually(() => everywhere("two"), { what: "both processes have the new configuration" });
  gateway.configure(`threads: 1\n${respond("three")}`);
  gateway.signal("SIGHUP");
  await eventually(() => everywhere("three"));
  await eventually(async () => (await gateway.metric("ringway_requests_total", { code: "2xx" })) >= 120, { what: "the metrics are of both" });

  await sleep(1100);
  const [, second] = gateway.workers();
  process.kill(second, "SIGKILL");
  await eventually(() => gateway.workers().length === 2 && !gateway.workers().includes(second));
  await eventually(() => everywhere("three"));
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
});
