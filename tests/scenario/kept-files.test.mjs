// A worker process that dies is replaced by one that serves what the others do, whatever has become of the
// files since the configuration was loaded: certificates, keys, secrets, lists, databases, folders.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { cleanup, scratch } from "./support/cleanup.mjs";
import { request } from "./support/client.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startLoad } from "./support/load.mjs";
import { countryDatabase } from "./support/mmdb.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePort } from "./support/ports.mjs";
import { ringway, sanitized } from "./support/run.mjs";
import { eventually, sleep } from "./support/wait.mjs";

const KEY = "key-of-the-shop-7c2e91";
const tokenSecret = "0123456789abcdef0123456789abcdef";

function token(secret) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT", kid: "k" })}.${part({ sub: "7", exp: Math.floor(Date.now() / 1000) + 3600 })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

function makeFiles(t) {
  const c = makeCertificates(t);
  const folder = scratch(t);
  const file = (name, content) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  mkdirSync(join(folder, "site"));
  file("site/page.txt", "a page");
  const files = {
    certificate: c.cert("usual"),
    key: c.key("usual"),
    authority: c.cert("ca"),
    clientCertificate: c.cert("client"),
    clientKey: c.key("client"),
    apiKey: file("api-key", `${KEY}\n`),
    keySet: file("jwks.json", JSON.stringify({ keys: [{ kty: "oct", kid: "k", alg: "HS256", k: Buffer.from(tokenSecret).toString("base64url") }] })),
    list: file("list.txt", "127.0.0.0/8\n"),
    database: file("countries.mmdb", countryDatabase([["203.0.113.0/24", { iso_code: "CU" }]])),
  };
  return { c, files, site: join(folder, "site"), folder };
}

const configOf = (g, { files, site, plainPort }, origin) => `
listeners:
- { name: plain, address: "127.0.0.1:${plainPort}" }
- name: web
  address: "127.0.0.1:${g.port}"
  trusted_proxies: [127.0.0.1]
  tls: { certificates: [{ cert: ${files.certificate}, key: ${files.key} }], client_auth: optional, client_ca: ${files.authority} }
consumers: [{ name: shop, keys: "file:${files.apiKey}" }]
routes:
- { match: /key, respond: {}, policies: [{ api_key: {} }] }
- { match: /token, respond: {}, policies: [{ jwt: { keys: [{ jwks_file: "${files.keySet}", algorithms: HS256 }], failures_max: 0 } }] }
- { match: /list, respond: {}, policies: [{ address: { allow_files: [${files.list}] } }] }
- { match: /place, upstream: app, policies: [{ residency: { database: ${files.database}, rules: [{ name: embargo, clients: [CU], refuse: true }] } }] }
- { match: "/site/*", files: ${site} }
- { match: "/*", upstream: app }
upstreams: [{ name: app, endpoints: ["${origin.address}"], tls: { ca: ${files.authority}, name: usual.example, cert: ${files.clientCertificate}, key: ${files.clientKey} } }]
`;

// What tells that each of the files is in force; not one of them can be left out without another outcome.
async function outcomes({ gateway, ca }) {
  const get = (path, headers = {}) => request(`https://127.0.0.1:${gateway.port}${path}`, { ca, servername: "usual.example", headers });
  const answers = await Promise.all([
    get("/key", { "x-api-key": KEY }),
    get("/key", { "x-api-key": "another" }),
    get("/token", { authorization: `Bearer ${token(tokenSecret)}` }),
    get("/token", { authorization: `Bearer ${token("another")}` }),
    get("/list"),
    get("/list", { "x-forwarded-for": "192.0.2.1" }),
    get("/place"),
    get("/place", { "x-forwarded-for": "203.0.113.1" }),
    get("/site/page.txt"),
    get("/app"),
  ]);
  return answers.map(({ status }) => status).join(" ");
}
const ALL_IN_FORCE = "200 401 200 401 200 403 200 451 200 200";

async function start(t, options = {}) {
  const made = { ...makeFiles(t), plainPort: await freePort() };
  const ca = readFileSync(made.files.authority);
  const origin = await startOrigin(t, {
    answer: (_, response) => response.end("ok"),
    tls: { cert: readFileSync(made.files.certificate), key: readFileSync(made.files.key), ca, requestCert: true, rejectUnauthorized: true },
  });
  const gateway = await startGateway(t, (g) => configOf(g, made, origin), options);
  const all = { gateway, ca, origin, ...made };
  assert.equal(await outcomes(all), ALL_IN_FORCE);
  return all;
}

function isAlive(pid) {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

// The time until it is served again.
async function killWorker({ gateway, ca }, index = 0) {
  const workers = gateway.workers();
  await sleep(1100); // one that dies young is not started again at once
  const begin = performance.now();
  process.kill(workers[index], "SIGKILL");
  while (isAlive(workers[index])) await sleep(0);
  await eventually(() => request(`https://127.0.0.1:${gateway.port}/list`, { ca, servername: "usual.example" }).then(() => true, () => false), { every: 1 });
  const took = performance.now() - begin;
  await eventually(() => gateway.workers().length === workers.length && !gateway.workers().includes(workers[index]));
  return took;
}

const ruin = {
  "are gone": (file) => rmSync(file),
  "are rubbish": (file) => writeFileSync(file, "\0\x01 rubbish: [\n"),
  "are half written": (file) => truncateSync(file, Math.floor(readFileSync(file).length / 2)),
  "are folders now": (file) => {
    rmSync(file);
    mkdirSync(file);
  },
};

for (const [what, how] of Object.entries(ruin)) {
  test(`all files ${what}: a worker process that is killed is replaced, and serves as before; an upgrade is refused`, async (t) => {
    const all = await start(t);
    const { gateway, files, site } = all;
    for (const file of Object.values(files)) how(file);
    renameSync(site, `${site}.away`);
    for (let i = 0; i < 2; i++) {
      const took = await killWorker(all);
      t.diagnostic(`served again after ${took.toFixed(1)} ms`);
      assert.equal(await outcomes(all), ALL_IN_FORCE);
    }
    assert.equal((await request(`${gateway.admin}/reload`, { method: "POST" })).status, 422);
    assert.equal(await outcomes(all), ALL_IN_FORCE);
    gateway.signal("SIGUSR2");
    await eventually(() => gateway.logLines().some((line) => /upgrade refused/.test(line.message)));
    await killWorker(all);
    assert.equal(await outcomes(all), ALL_IN_FORCE);
  });
}

test("with a certificate that cannot be read, the new worker process serves within 100 ms", async (t) => {
  const all = await start(t);
  rmSync(all.files.key);
  const times = [];
  const good = () => times.filter((time) => time < (sanitized ? 2000 : 100)).length;
  for (let i = 0; i < 12 && good() < 3; i++) times.push(await killWorker(all));
  t.diagnostic(`served again after ${times.map((time) => time.toFixed(1)).join(", ")} ms`);
  assert.equal(good(), 3, `after ${times} ms`);
});

test("--processes 2: either may die", async (t) => {
  const all = await start(t, { args: ["--processes", "2"] });
  for (const file of Object.values(all.files)) rmSync(file);
  for (const index of [1, 0, 0]) {
    await killWorker(all, index);
    for (let i = 0; i < 4; i++) assert.equal(await outcomes(all), ALL_IN_FORCE);
  }
});

test("hundreds of folders are kept", async (t) => {
  const folder = scratch(t);
  const names = Array.from({ length: 300 }, (_, i) => `site-${i}`);
  mkdirSync(join(folder, "all"));
  for (const name of names) {
    mkdirSync(join(folder, "all", name));
    writeFileSync(join(folder, "all", name, "page.txt"), name);
  }
  const gateway = await startGateway(t, `routes:\n${names.map((name) => `- { match: "/${name}/*", files: ${join(folder, "all", name)} }\n`).join("")}`);
  const all = async () => {
    for (const name of names) assert.equal((await gateway.get(`/${name}/page.txt`)).text, name);
  };
  await all();
  renameSync(join(folder, "all"), join(folder, "away"));
  for (let i = 0; i < 2; i++) {
    await sleep(1100); // one that dies young is not started again at once
    const [worker] = gateway.workers();
    process.kill(worker, "SIGKILL");
    await eventually(() => gateway.workers().length === 1 && gateway.workers()[0] !== worker);
    await all();
  }
  assert.ok(!gateway.logLines().some(({ message }) => /kept/.test(message)));
});

test("what a reload brought is kept, not what was there at the start; what it refused is not", async (t) => {
  const folder = scratch(t);
  const list = join(folder, "list");
  const gateway = await startGateway(t, (g) => {
    writeFileSync(list, "127.0.0.0/8\n");
    return `listeners: [{ name: web, address: "127.0.0.1:${g.port}", trusted_proxies: [127.0.0.1] }]
routes: [{ respond: {}, policies: [{ address: { allow_files: [${list}] } }] }]\n`;
  });
  const status = async (address) => (await gateway.get("/", { headers: { "x-forwarded-for": address } })).status;
  writeFileSync(list, "192.0.2.0/24\n");
  await gateway.reload();
  assert.deepEqual([await status("192.0.2.1"), await status("127.0.0.1")], [200, 403]);
  writeFileSync(list, "rubbish\n");
  gateway.signal("SIGHUP");
  await eventually(async () => (await gateway.status()).last_error);
  await sleep(1100);
  const [worker] = gateway.workers();
  process.kill(worker, "SIGKILL");
  await eventually(() => gateway.workers().length === 1 && gateway.workers()[0] !== worker);
  assert.deepEqual([await status("192.0.2.1"), await status("127.0.0.1")], [200, 403]);
  writeFileSync(list, "198.51.100.0/24\n");
  await gateway.reload();
  assert.deepEqual([await status("192.0.2.1"), await status("198.51.100.1")], [403, 200]);
});

test("a file of keys that changed for the worse before the worker process died, and for the better afterwards", async (t) => {
  const all = await start(t);
  const good = readFileSync(all.files.keySet);
  writeFileSync(all.files.keySet, "rubbish");
  await killWorker(all);
  assert.equal(await outcomes(all), ALL_IN_FORCE);
  await eventually(() => all.gateway.logLines().some((line) => /jwks\.json: /.test(line.message)), { within: 15000, what: "the change is noticed by the new process" });
  assert.equal(await outcomes(all), ALL_IN_FORCE);
  const other = good.toString().replace(Buffer.from(tokenSecret).toString("base64url"), Buffer.from("another".padEnd(32, "x")).toString("base64url"));
  writeFileSync(all.files.keySet, other);
  const get = () => request(`https://127.0.0.1:${all.gateway.port}/token`, { ca: all.ca, servername: "usual.example", headers: { authorization: `Bearer ${token("another".padEnd(32, "x"))}` } });
  await eventually(async () => (await get()).status === 200, { within: 15000, what: "the new keys are in force" });
});

test("the folder of the access log is gone: the new worker process serves all the same, and logs when it is back", async (t) => {
  const folder = join(scratch(t), "logs");
  mkdirSync(folder);
  const gateway = await startGateway(t, `access_log: ${join(folder, "access.log")}\nroutes: [{ respond: { body: ok } }]\n`);
  renameSync(folder, `${folder}.away`);
  const [worker] = gateway.workers();
  await sleep(1100);
  process.kill(worker, "SIGKILL");
  while (isAlive(worker)) await sleep(0);
  for (let i = 0; i < 5; i++) assert.equal((await gateway.get(`/while-it-is-away/${i}`)).text, "ok");
  assert.equal(gateway.workers().length, 1);
  await eventually(() => gateway.logLines().some((line) => /access\.log: cannot be written: No such file/.test(line.message)));
  mkdirSync(folder);
  const lines = () => readFileSync(join(folder, "access.log"), "utf8").trim().split("\n");
  await eventually(() => existsSync(join(folder, "access.log")) && lines().length === 5, { what: "what waited is in the log" });
  await eventually(() => gateway.logLines().some((line) => /written again/.test(line.message)));
  rmSync(folder, { recursive: true });
  assert.equal((await request(`${gateway.admin}/reload`, { method: "POST" })).status, 200, "the log stays open, as in any process");
});

test("name servers do not answer any more: the new worker process serves within 100 ms, but for what needs them", async (t) => {
  const swallows = createSocket("udp4").bind(0, "127.0.0.1");
  await once(swallows, "listening");
  cleanup(t, () => swallows.close());
  const gateway = await startGateway(t, `dns: { servers: ["127.0.0.1:${swallows.address().port}"] }
routes: [{ match: /ok, respond: {} }, { upstream: app }]
upstreams: [{ name: app, endpoints: ["origin.example:80"] }]\n`);
  const times = [];
  const good = () => times.filter((time) => time < (sanitized ? 2000 : 100)).length;
  for (let i = 0; i < 12 && good() < 3; i++) {
    const [worker] = gateway.workers();
    await sleep(1100);
    process.kill(worker, "SIGKILL");
    while (isAlive(worker)) await sleep(0);
    const begin = performance.now();
    assert.equal((await gateway.get("/ok")).status, 200);
    times.push(performance.now() - begin);
    await eventually(() => gateway.workers().length === 1 && gateway.workers()[0] !== worker);
  }
  t.diagnostic(`served again after ${times.map((time) => time.toFixed(1)).join(", ")} ms`);
  assert.equal(good(), 3, `after ${times} ms`);
  assert.equal((await gateway.get("/")).status, 503);
});

// ---- Secrets ----

test("what is kept has no name, cannot be written to, and is passed on to no other program", async (t) => {
  const { gateway } = await start(t);
  for (const pid of [gateway.pid, ...gateway.workers()]) {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => [fd, readlinkSync(`/proc/${pid}/fd/${fd}`)]);
    const kept = links.filter(([, link]) => link.includes("ringway-files"));
    assert.equal(kept.length, 1, `${pid}: ${links}`);
    for (const [fd] of kept) {
      assert.match(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "latin1"), /flags:\s+02\d*/); // O_CLOEXEC
      assert.throws(() => writeFileSync(`/proc/${pid}/fd/${fd}`, "x", { flag: "r+" }), /EPERM/);
    }
  }
});

// ---- Reloads ----

test("60 reloads: nothing of what was kept before stays", async (t) => {
  const { gateway } = await start(t);
  const descriptors = () => [gateway.pid, ...gateway.workers()].map((pid) => readdirSync(`/proc/${pid}/fd`).length);
  for (let i = 0; i < 3; i++) await gateway.reload();
  await eventually(async () => (await gateway.status()).snapshots <= 2);
  const before = descriptors();
  const resident = gateway.residentBytes();
  for (let i = 0; i < 60; i++) assert.equal((await request(`${gateway.admin}/reload`, { method: "POST" })).status, 200);
  await eventually(async () => (await gateway.status()).snapshots <= 2);
  // Of the last two snapshots the older one may be there now, or have been there before.
  await eventually(() => descriptors().every((count, i) => count <= before[i] + 2), { what: `${before} descriptors, or two more` });
  const grown = gateway.residentBytes() - resident;
  t.diagnostic(`grown by ${(grown / 1024).toFixed()} KiB`);
  if (!sanitized) assert.ok(grown < 8 << 20, `grown by ${grown >> 10} KiB`);
});

// ---- Upgrades ----

async function startOwnProgram(t) {
  const program = join(scratch(t), "ringway");
  copyFileSync(ringway, program);
  chmodSync(program, 0o755);
  return start(t, { program });
}

// A program that says yes to every check, and otherwise is the one under test.
function replaceByCredulous(gateway) {
  writeFileSync(`${gateway.program}.next`, `#!/bin/bash\n[ "$1" = check ] && exit 0\nexec -a "$0" ${ringway} "$@"\n`, { mode: 0o755 });
  renameSync(`${gateway.program}.next`, gateway.program);
}

for (const [what, spoil] of Object.entries({
  "the configuration": ({ gateway }) => gateway.configure("nonsense: [\n", { raw: true }),
  "a secret": ({ files }) => rmSync(files.apiKey, { force: true }),
  "a key": ({ files }) => writeFileSync(files.key, "rubbish"),
  everything: ({ gateway, files }) => {
    gateway.configure("", { raw: true });
    for (const file of Object.values(files)) rmSync(file, { force: true });
  },
})) {
  test(`SIGUSR2, and ${what} turns bad after the new program has agreed: it goes on with what is in force, no request fails`, async (t) => {
    const all = await startOwnProgram(t);
    const { gateway } = all;
    const load = startLoad(`http://127.0.0.1:${all.plainPort}/list`);
    cleanup(t, () => load.stop());
    for (let i = 0; i < 2; i++) {
      replaceByCredulous(gateway);
      spoil(all);
      const old = gateway.workers();
      gateway.signal("SIGUSR2");
      await eventually(() => gateway.workers().length > 0 && gateway.workers().every((worker) => !old.includes(worker)), { within: 20000, what: "new worker processes only" });
      assert.equal(await outcomes(all), ALL_IN_FORCE);
    }
    await load.stop();
    assert.equal(load.failures.length, 0, load.describeFailures());
    assert.ok(gateway.logLines().some((line) => /upgrade: the configuration cannot be loaded any more/.test(line.message)));
    await killWorker(all);
    assert.equal(await outcomes(all), ALL_IN_FORCE);
  });
}

test("SIGUSR2, and the folders of the logs and of the quotas are gone: it serves, and goes on counting", async (t) => {
  const program = join(scratch(t), "ringway");
  copyFileSync(ringway, program);
  chmodSync(program, 0o755);
  const folder = join(scratch(t), "state");
  mkdirSync(folder);
  const gateway = await startGateway(
    t,
    `access_log: ${join(folder, "access.log")}
error_log: ${join(folder, "error.log")}
rate_limits: { quota_file: ${join(folder, "quotas")}, keys_max: 1000 }
routes:
- { match: /free, respond: {} }
- { respond: { body: ok }, policies: [{ rate_limit: { limits: [{ name: all, requests: 10, per: day }] } }] }
`,
    { program },
  );
  const ask = async (count) => (await Promise.all(Array.from({ length: count }, () => gateway.get("/")))).map(({ status }) => status);
  assert.deepEqual(await ask(4), [200, 200, 200, 200]);
  renameSync(folder, `${folder}.away`);
  const load = startLoad(`${gateway.url}/free`, { kept: 2, fresh: 6, pause: 0 });
  cleanup(t, () => load.stop());
  const old = gateway.workers();
  gateway.signal("SIGUSR2");
  await eventually(() => gateway.workers().length > 0 && gateway.workers().every((worker) => !old.includes(worker)), { within: 20000, what: "new worker processes only" });
  await sleep(300);
  await load.stop();
  assert.equal(load.failures.length, 0, load.describeFailures());
  assert.equal(gateway.exit, undefined);
  assert.match(gateway.stderr, /error_log\.path: .*error\.log: No such file/);
  assert.equal((await ask(10)).filter((status) => status === 200).length, 6, "four of the ten were used before");
  mkdirSync(folder);
  gateway.signal("SIGUSR1");
  await eventually(() => existsSync(join(folder, "error.log")) && existsSync(join(folder, "access.log")), { what: "the logs are opened again" });
});
