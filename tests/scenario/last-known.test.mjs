// What was learned at run time (endpoints of a discovery, addresses of names, key sets by URL) outlives the process that
// learned it: a worker that is killed, a reload and an upgrade, all while those who know are away.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { cleanup, scratch } from "./support/cleanup.mjs";
import { config, follows, named, sees, tells } from "./support/discovery.mjs";
import { startEtcd } from "./support/etcd.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startKubernetes } from "./support/kubernetes.mjs";
import { SERVER_FAILURE, startNames } from "./support/names.mjs";
import { freePorts } from "./support/ports.mjs";
import { installed } from "./support/run.mjs";
import { eventually, sleep } from "./support/wait.mjs";

const NEXT = 100;

async function killWorkers(gateway) {
  await sleep(1100); // one that dies young is not started again at once
  const before = gateway.workers();
  for (const worker of before) process.kill(worker, "SIGKILL");
  await eventually(() => gateway.workers().length === before.length && gateway.workers().every((pid) => !before.includes(pid)), { what: "others have taken their place" });
}

async function upgrade(gateway) {
  const before = gateway.workers();
  gateway.signal("SIGUSR2");
  await eventually(() => gateway.workers().length > 0 && gateway.workers().every((pid) => !before.includes(pid)), { within: 60000, what: "the new program serves alone" });
}

// `good`: is this answer what it was while all was well?
async function goesOn(what, gateway, ask, good) {
  const answers = [];
  for (let i = 0; i < NEXT; i++) answers.push(await ask());
  assert.deepEqual(answers.filter((answer) => !good(answer)), [], what);
}

// The source is away. `other`: the same configuration but for something that has nothing to do with it.
async function outlivesAll(gateway, { other, ask = async () => (await gateway.get("/")).status, good = (answer) => answer === 200 }) {
  await killWorkers(gateway);
  await goesOn("after kill -9", gateway, ask, good);
  await gateway.reload();
  await goesOn("after a reload of the same", gateway, ask, good);
  await gateway.reload(other);
  await goesOn("after a reload of something else", gateway, ask, good);
  await upgrade(gateway);
  await goesOn("after an upgrade", gateway, ask, good);
  await killWorkers(gateway);
  const born = Date.now();
  await goesOn("after kill -9 of the new program's worker", gateway, ask, good);
  return { born };
}

// How old is that which is used?
const age = (gateway, what) => gateway.metric("ringway_known_age_seconds", { what });
async function growsOld(gateway, since, what) {
  const old = await age(gateway, what);
  assert.ok(old > 0 && old <= (Date.now() - since) / 1000 + 0.5, `${what}: ${old} s, ${(Date.now() - since) / 1000} s since it went`);
  return old;
}
// ... and older than the process (which was there before it was `born`, by what it takes to see that).
async function isOlder(gateway, since, what, { born }) {
  const old = await growsOld(gateway, since, what);
  assert.ok(old > (Date.now() - born) / 1000 + 0.5, `${what}: ${old} s, and the process has ${(Date.now() - born) / 1000} s`);
}

test("etcd goes, then all that asked it", { skip: !installed("etcd") && "etcd is not installed" }, async (t) => {
  const [a, b] = await named(t, ["a", "b"]);
  const ports = await freePorts(2);
  const etcd = await startEtcd(t, { ports });
  await etcd.put("/app/1", a.address);
  const settings = `{ etcd: { servers: ["${etcd.address}"], prefix: /app/ } }`;
  const what = `upstream app: // etcd /app/ ${etcd.address}`;
  const gateway = await startGateway(t, config(settings));
  await sees(gateway, a);
  await etcd.put("/app/1", JSON.stringify({ address: b.address, zone: "z", weight: 7 }));
  await sees(gateway, b);
  assert.equal(await age(gateway, what), 0);
  await sleep(500);

  const since = Date.now();
  await etcd.stop();
  await tells(gateway, /etcd: .*(refused|closed)/);
  const serving = await outlivesAll(gateway, { other: config(settings, "    balance: random\n") });
  await tells(gateway, /upstream app: begins with what was known \d+\.\d s ago, until there is an answer/);
  await sees(gateway, b);
  await isOlder(gateway, since, what, serving);
  const alike = await gateway.metric("ringway_upstream_discovery_age_seconds", { upstream: "app" });
  assert.ok(alike > (Date.now() - serving.born) / 1000 + 0.5 && alike <= (Date.now() - since) / 1000 + 0.5, `${alike} s`);
  // Other credentials: the same endpoints are meant.
  await gateway.reload(config(`{ etcd: { servers: ["${etcd.address}"], prefix: /app/, username: u, password: p } }`));
  await sees(gateway, b);
  assert.equal((await gateway.get("/")).text, "b");
  await sleep(500);
  // Another prefix: others are meant.
  await gateway.reload(config(`{ etcd: { servers: ["${etcd.address}"], prefix: /other/ } }`));
  assert.equal((await gateway.get("/")).status, 503);
  await gateway.reload(config(settings));
  assert.equal((await gateway.get("/")).status, 503);
  await sleep(500);
  await killWorkers(gateway);
  assert.equal((await gateway.get("/")).status, 503, "what nobody asked for any more came back by a death");

  await etcd.start();
  await sees(gateway, b);
  await follows(gateway);
  await etcd.put("/app/1", a.address);
  await sees(gateway, a);
});

test("Kubernetes goes, then all that asked it", async (t) => {
  const [a] = await named(t, ["a"]);
  const api = await startKubernetes(t);
  const slice = { metadata: { name: "app-1", labels: {} }, addressType: "IPv4", ports: [{ name: "http", port: a.port, protocol: "TCP" }], endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }] };
  api.say("ADDED", slice);
  const settings = `{ kubernetes: { server: "127.0.0.1:${api.port}", plain: true, namespace: shop, service: app, port: http, token_file: "" } }`;
  const gateway = await startGateway(t, config(settings));
  await sees(gateway, a);
  await sleep(500);
  api.refuse = true;
  api.hangUp();
  await tells(gateway, /Kubernetes: .*it refuses access/);
  await outlivesAll(gateway, { other: config(settings, "    balance: random\n") });
  // Without TLS anybody could have said it: whoever asks for TLS does not begin with that.
  await gateway.reload(config(settings.replace("plain: true", `tls: { ca: "${makeCertificates(t).cert("ca")}" }`)));
  assert.equal((await gateway.get("/")).status, 503);
  api.refuse = false;
  await gateway.reload(config(settings));
  await follows(gateway);
});

test("a file goes, then all that read it", async (t) => {
  const [a] = await named(t, ["a"]);
  const file = join(scratch(t), "endpoints.yaml");
  writeFileSync(file, `endpoints: ["${a.address}"]\n`);
  const gateway = await startGateway(t, config(`{ file: ${file} }`), { args: ["--processes", "2"] });
  await sees(gateway, a);
  await sleep(500);
  renameSync(file, `${file}.away`);
  await tells(gateway, /endpoints\.yaml is gone: the endpoints stay as they were/);
  await outlivesAll(gateway, { other: config(`{ file: ${file} }`, "    balance: random\n") });
  writeFileSync(file, "endpoints: [\n");
  await killWorkers(gateway);
  await goesOn("after kill -9 with a bad file", gateway, async () => (await gateway.get("/")).status, (status) => status === 200);
  rmSync(file);
});

// As if the program before an upgrade had left it: no memory of ours, no descriptor, no number.
for (const rubbish of ["0", "9999", "-1", "x", "99999999999999999999"]) {
  test(`state that is none is not believed: ${rubbish}`, async (t) => {
    const [a] = await named(t, ["a"]);
    const file = join(scratch(t), "endpoints.yaml");
    writeFileSync(file, `endpoints: ["${a.address}"]\n`);
    const gateway = await startGateway(t, config(`{ file: ${file} }`), { env: { RINGWAY_KNOWN: rubbish } });
    await sees(gateway, a);
    if (/^\d{1,4}$/.test(rubbish)) await tells(gateway, /what was learned before cannot be taken over: it is not from a program like this one/);
    await sleep(500);
    rmSync(file);
    await killWorkers(gateway);
    await sees(gateway, a);
  });
}

for (const [what, fail] of Object.entries({
  "has an error": (names) => names.fail("app.test", SERVER_FAILURE) | names.fail("_http._tcp.app.test", SERVER_FAILURE),
  "says nothing": (names) => names.stop(),
})) {
  test(`DNS ${what}, then all that asked it go`, async (t) => {
    const names = await startNames(t);
    const [a, b] = await named(t, ["a", "b"]);
    names.set("app.test", "127.0.0.1");
    names.setService("_http._tcp.app.test", { priority: 1, weight: 3, port: b.port, target: "app.test" });
    const yaml = (timeout) => `
dns: { servers: ["${names.address}"], ttl_min: 1s, timeout: ${timeout} }
routes:
- { match: /a, upstream: a }
- { match: /b, upstream: b }
upstreams: [{ name: a, endpoints: ["app.test:${a.port}"] }, { name: b, endpoints: ["srv:_http._tcp.app.test"] }]`;
    const gateway = await startGateway(t, yaml("300ms"));
    const ask = async () => `${(await gateway.get("/a")).text} ${(await gateway.get("/b")).text}`;
    assert.equal(await ask(), "a b");
    await sleep(500);
    const since = Date.now();
    fail(names);
    await tells(gateway, /cannot resolve app\.test/);
    const serving = await outlivesAll(gateway, { other: yaml("301ms"), ask, good: (text) => text === "a b" });
    for (const of of ["name app.test", "service _http._tcp.app.test"]) await isOlder(gateway, since, of, serving);
  });
}

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function newKey(kid) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const text = `${part({ alg: "ES256", kid })}.${part({ sub: "7", exp: Math.floor(Date.now() / 1000) + 3600 })}`;
  const signature = sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return { jwk: { kid, use: "sig", ...publicKey.export({ format: "jwk" }) }, token: `${text}.${signature.toString("base64url")}` };
}

test("the identity provider goes, then all that had its keys", async (t) => {
  const certificates = makeCertificates(t);
  const [known, unknown] = ["known", "unknown"].map(newKey);
  const server = createServer({ cert: certificates.read("usual.pem"), key: certificates.read("usual.key") }, (_, response) => response.end(JSON.stringify({ keys: [known.jwk] })));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  cleanup(t, () => stop().catch(() => {}));
  const names = await startNames(t);
  names.set("usual.example", "127.0.0.1");
  const url = `https://usual.example:${server.address().port}/keys`;
  const yaml = (refresh) => `
dns: { servers: ["${names.address}"] }
routes:
- respond: hi
  policies: [{ jwt: { failures_max: 0, keys: [{ jwks_url: "${url}", algorithms: ES256, refresh: ${refresh}, refresh_min: 1s, tls: { ca: "${certificates.cert("ca")}" } }] } }]`;
  const gateway = await startGateway(t, yaml("1h"));
  const ask = async (key) => (await gateway.get("/", { headers: { Authorization: `Bearer ${key.token}` } })).status;
  await eventually(async () => (await ask(known)) === 200, { within: 60000, what: "the keys are there" });
  const what = `jwt keys ${url} verified by ${certificates.cert("ca")}`;
  assert.equal(await age(gateway, what), 0);
  await sleep(500);
  const since = Date.now();
  await stop();
  await outlivesAll(gateway, { other: yaml("2h"), ask: async () => `${await ask(known)} ${await ask(unknown)}`, good: (answer) => answer === "200 401" });
  await tells(gateway, /jwt keys .*: begins with what was known \d+\.\d s ago, until there is an answer/);
  await eventually(async () => (await gateway.metric("ringway_jwt_keys_failures_total")) > 0, { within: 60000, what: "it is asked in vain" });
  await growsOld(gateway, since, what);
});

test("keys that one authority vouches for are not taken for those of another one", async (t) => {
  const certificates = makeCertificates(t);
  const key = newKey("k");
  const server = createServer({ cert: certificates.read("usual.pem"), key: certificates.read("usual.key") }, (_, response) => response.end(JSON.stringify({ keys: [key.jwk] })));
  await once(server.listen(0, "127.0.0.1"), "listening");
  cleanup(t, () => server.closeAllConnections() ?? server.close());
  const yaml = (ca) => `
routes:
- respond: hi
  policies: [{ jwt: { failures_max: 0, keys: [{ jwks_url: "https://127.0.0.1:${server.address().port}/keys", algorithms: ES256, tls: { name: usual.example, ca: "${certificates.cert(ca)}" } }] } }]`;
  const gateway = await startGateway(t, yaml("ca"));
  const ask = async () => (await gateway.get("/", { headers: { Authorization: `Bearer ${key.token}` } })).status;
  await eventually(async () => (await ask()) === 200, { within: 60000, what: "the keys are there" });
  await gateway.reload(yaml("foreign"));
  await tells(gateway, /jwt keys .*: certificate verify failed/);
  assert.equal(await ask(), 503);
  await sleep(500);
  await killWorkers(gateway);
  assert.equal(await ask(), 503);
});

test("each third start that goes wrong is without what was learned, which is kept all the same", async (t) => {
  const names = await startNames(t);
  const [a] = await named(t, ["a"]);
  names.set("app.test", "127.0.0.1");
  const gateway = await startGateway(t, `
dns: { servers: ["${names.address}"], ttl_min: 1s, timeout: 3s }
routes: [{ upstream: app }]
upstreams: [{ name: app, endpoints: ["app.test:${a.port}"] }]`);
  await sees(gateway, a);
  await sleep(1100);
  names.stop();
  // Who starts waits for the name for a moment: it is not ready yet when it dies.
  for (let i = 0; i < 3; i++) {
    const [worker] = gateway.workers();
    process.kill(worker, "SIGKILL");
    while (!gateway.workers().some((other) => other !== worker)) await sleep(1);
  }
  await eventually(async () => (await gateway.get("/").catch(() => ({}))).status === 503, { within: 60000, what: "it serves, and knows nothing" });
  assert.equal(gateway.logLines().filter(({ message }) => /begins without what was learned/.test(message)).length, 1);
  await killWorkers(gateway);
  assert.equal((await gateway.get("/")).status, 200);
});
