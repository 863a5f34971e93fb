// Keys of tokens that come from a URL: fetched over TLS, kept while the server is down, changed when a token has an
// unknown key id, and refused when they are none.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { cleanup } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startNames } from "./support/names.mjs";
import { freePort } from "./support/ports.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const patient = { within: 60000 };
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function newKey(kid) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const text = `${part({ alg: "ES256", kid })}.${part({ sub: "7", exp: Math.floor(Date.now() / 1000) + 3600 })}`;
  const signature = sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return { jwk: { kid, use: "sig", ...publicKey.export({ format: "jwk" }) }, token: `${text}.${signature.toString("base64url")}` };
}

const set = (...keys) => JSON.stringify({ keys: keys.map((key) => key.jwk) });

// `answer`: what the next requests get.
async function startKeyServer(t, certificates, name = "usual") {
  const port = await freePort();
  const login = { port, asked: 0, status: 200, hosts: new Set(), answer: "", up: true };
  let server;
  login.start = async () => {
    server = createServer({ cert: certificates.read(`${name}.pem`), key: certificates.read(`${name}.key`) }, (request, response) => {
      login.asked++;
      login.hosts.add(`${request.headers.host}${request.url}`);
      response.writeHead(login.status, { Location: "https://127.0.0.1:1/" }).end(login.answer);
    });
    await once(server.listen(port, "127.0.0.1"), "listening");
  };
  login.stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  await login.start();
  cleanup(t, () => login.stop().catch(() => {}));
  return login;
}

const config = (host, login, certificates, { refresh = "1h", more = "" } = {}) => `
  routes:
  - respond: hi
    policies:
    - jwt:
        failures_max: 0
        keys:
        - jwks_url: https://${host}:${login.port}/keys?v=1
          algorithms: ES256
          refresh: ${refresh}
          refresh_min: 1s
          tls: { ca: "${certificates.cert("ca")}" }
  ${more}
`;

const asker = (gateway) => async (key) => (await gateway.get("/", { headers: { Authorization: `Bearer ${key.token}` } })).status;
const tells = (gateway, pattern) => eventually(() => gateway.logLines().some(({ message }) => pattern.test(message)), { ...patient, what: `the log says ${pattern}` });

test("a key set is fetched, follows unknown key ids, and outlives its server", async (t) => {
  const certificates = makeCertificates(t);
  const login = await startKeyServer(t, certificates);
  const [first, second, third] = ["first", "second", "third"].map(newKey);
  login.answer = set(first);
  const names = await startNames(t);
  names.set("usual.example", "127.0.0.1");
  const yaml = config("usual.example", login, certificates, { more: `dns: { servers: ["${names.address}"] }` });
  const gateway = await startGateway(t, yaml);
  const ask = asker(gateway);
  await eventually(async () => (await ask(first)) === 200, { ...patient, what: "the keys are there" });
  assert.deepEqual([...login.hosts], [`usual.example:${login.port}/keys?v=1`]);
  const asked = login.asked;
  assert.equal(await ask(first), 200);
  assert.equal(login.asked, asked, "known keys are not asked for");

  login.answer = set(first, second);
  await eventually(async () => (await ask(second)) === 200, { ...patient, what: "the new key is known" });
  assert.equal(await ask(first), 200);

  await login.stop();
  await eventually(async () => (await ask(third)) === 401 && (await gateway.metric("ringway_jwt_keys_failures_total")) > 0, { ...patient, what: "the server is asked in vain" });
  await tells(gateway, /^jwt keys https:\/\/usual\.example:\d+\/keys\?v=1: 127\.0\.0\.1:\d+: connection refused/);
  await gateway.reload(yaml.replace("refresh: 1h", "refresh: 2h"));
  assert.deepEqual([await ask(first), await ask(second)], [200, 200], "other settings, the same keys");

  login.answer = set(third);
  await login.start();
  await eventually(async () => (await ask(third)) === 200, { ...patient, what: "the server is back" });
  assert.equal(await ask(first), 401, "keys that are gone do not count");
});

test("until keys were fetched nobody is refused for good; what is no key set changes nothing", async (t) => {
  const certificates = makeCertificates(t);
  const login = await startKeyServer(t, certificates);
  const key = newKey("one");
  login.status = 302;
  const gateway = await startGateway(t, config("127.0.0.1", login, certificates, { refresh: "1s" }));
  const ask = asker(gateway);
  const { status, headers } = await gateway.get("/", { headers: { Authorization: `Bearer ${key.token}` } });
  assert.deepEqual([status, headers["retry-after"]], [503, "1"]);
  assert.equal((await gateway.get("/")).status, 401, "without a token nothing has to be known");
  assert.ok((await gateway.metric("ringway_jwt_no_keys_total")) > 0);
  await tells(gateway, /answered with status 302: redirects are not followed/);
  Object.assign(login, { status: 200, answer: set(key) });
  await eventually(async () => (await ask(key)) === 200, { ...patient, what: "the keys are there" });

  for (const [answer, flaw] of [
    ["<html>", /no JSON object/],
    [JSON.stringify({ keys: [{ kty: "RSA", n: "AQAB", e: "AQAB" }] }), /keys\[0\]: an RSA key of 17 bits/],
    [`{"keys":[],"x":"${"x".repeat(2 << 20)}"}`, /the answer is too large/],
  ]) {
    login.answer = answer;
    await tells(gateway, flaw);
    assert.equal(await ask(key), 200);
  }
});

test("a server that is not trusted gives no keys", async (t) => {
  const certificates = makeCertificates(t);
  const login = await startKeyServer(t, certificates, "foreign");
  const key = newKey("one");
  login.answer = set(key);
  const gateway = await startGateway(t, config("127.0.0.1", login, certificates));
  await tells(gateway, /^jwt keys https:.*: certificate verify failed/);
  assert.equal(await asker(gateway)(key), 503);
  assert.equal(login.asked, 0);
});

test("mistakes, and what explain says", async (t) => {
  const certificates = makeCertificates(t);
  const gateway = await startGateway(t, "routes: [{ respond: hi }]");
  const check = async (entry) => {
    gateway.configure(`
      routes:
      - { respond: hi, policies: [ { jwt: { keys: [ { ${entry} } ] } } ] }`);
    return runRingway("explain", gateway.configFile, `${gateway.url}/`);
  };
  for (const [entry, mistake] of [
    ["jwks_url: http://login.example/keys, algorithms: ES256", /keys\[0\]\.jwks_url: expected https:\/\//],
    ["jwks_url: https:///keys, algorithms: ES256", /jwks_url: a URL has a host/],
    ["jwks_url: https://me:pass@login.example/, algorithms: ES256", /jwks_url: a URL here has no user/],
    ['jwks_url: "https://login.example/#x", algorithms: ES256', /jwks_url: a URL here has no #fragment/],
    ['jwks_url: "https://login.example:99999/", algorithms: ES256', /jwks_url: expected https:\/\/host\/path/],
    ['jwks_url: "https://login.example/a b", algorithms: ES256', /jwks_url: a URL has no spaces/],
    ["jwks_url: https://login.example/, algorithms: HS256", /HS256 needs a secret: what has a URL should be none/],
    ["jwks_url: https://login.example/, algorithms: ES256, tls: { verify: false }", /tls\.verify: whoever is in between/],
    ["jwks_url: https://login.example/, algorithms: ES256, tls: { ca: /nowhere.pem }", /nowhere\.pem/],
    ["jwks_url: https://login.example/, jwks_file: x, algorithms: ES256", /expected one of "jwks_url", "jwks_file"/],
  ]) {
    const { code, stderr } = await check(entry);
    assert.equal(code, 2, entry);
    assert.match(stderr, mistake);
  }
  const { code, stdout, stderr } = await check(`jwks_url: https://login.example/keys, algorithms: ES256, tls: { ca: "${certificates.cert("ca")}" }`);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /jwt \(of the route\): .*keys of https:\/\/login\.example\/keys/);
});
