// Who asks, by signed tokens, made with node:crypto: every algorithm, claims, keys that change in their file, and
// the confusions of algorithms that have broken others.

import assert from "node:assert/strict";
import { constants, createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scratch } from "./support/cleanup.mjs";
import { request } from "./support/client.mjs";
import { connect2, request2 } from "./support/client2.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startOrigin } from "./support/origin.mjs";
import { eventually } from "./support/wait.mjs";

const part = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;
const issuer = "https://login.test";

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const p1363 = { dsaEncoding: "ieee-p1363" };
const signers = {
  RS256: (key, text) => sign("sha256", text, key),
  RS384: (key, text) => sign("sha384", text, key),
  RS512: (key, text) => sign("sha512", text, key),
  PS256: (key, text) => sign("sha256", text, { key, ...pss }),
  PS384: (key, text) => sign("sha384", text, { key, ...pss }),
  PS512: (key, text) => sign("sha512", text, { key, ...pss }),
  ES256: (key, text) => sign("sha256", text, { key, ...p1363 }),
  ES384: (key, text) => sign("sha384", text, { key, ...p1363 }),
  EdDSA: (key, text) => sign(null, text, key),
  HS256: (key, text) => createHmac("sha256", key).update(text).digest(),
};

function token(alg, key, claims = {}, header = {}) {
  const text = `${part({ alg, typ: "JWT", ...header })}.${part({ iss: issuer, sub: "7", exp: inAnHour(), ...claims })}`;
  return `${text}.${signers[alg](key, Buffer.from(text)).toString("base64url")}`;
}

const keys = {
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  p256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  p384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  ed25519: generateKeyPairSync("ed25519"),
};
const jwk = (name, more = {}) => ({ kid: name, use: "sig", ...keys[name].publicKey.export({ format: "jwk" }), ...more });
const secret = randomBytes(32).toString("hex");

function writeSet(file, ...members) {
  writeFileSync(`${file}.new`, JSON.stringify({ keys: members }));
  renameSync(`${file}.new`, file);
}

const config = (origin, file, options = "", more = "") => `
  consumers:
  - { name: shop, tenant: acme, subjects: ["7"] }
  identity: { consumer_field: X-Consumer, tenant_field: X-Tenant, claim_fields: { sub: X-User, plan: X-Plan } }
  routes:
  - upstream: app
    policies:
    - jwt:
        keys:
        - { jwks_file: "${file}", algorithms: [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA] }
        - { secret: ${secret}, id: secret, algorithms: HS256 }
        issuers: ${issuer}
        claims: [sub, plan]
        failures_max: 0
        ${options}
    ${more}
  upstreams: [{ name: app, endpoints: ["${origin.address}"] }]
`;

async function start(t, options, more) {
  const file = join(scratch(t), "jwks.json");
  writeSet(file, ...Object.keys(keys).map((name) => jwk(name)));
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, config(origin, file, options, more));
  const ask = (text, headers = {}) => gateway.get("/", { headers: { Authorization: `Bearer ${text}`, ...headers } });
  return { gateway, origin, file, ask };
}

test("every algorithm, and what the origin is told", async (t) => {
  const { gateway, ask } = await start(t);
  const made = [
    ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map((alg) => token(alg, keys.rsa.privateKey, { plan: alg }, { kid: "rsa" })),
    token("ES256", keys.p256.privateKey, {}, { kid: "p256" }),
    token("ES384", keys.p384.privateKey, {}, { kid: "p384" }),
    token("EdDSA", keys.ed25519.privateKey, {}, { kid: "ed25519" }),
    token("HS256", secret, {}, { kid: "secret" }),
    token("ES256", keys.p256.privateKey),
  ];
  for (const text of made) {
    const answer = await ask(text, { "X-Consumer": "root", "X-Plan": "root", "X-User": "root" });
    assert.equal(answer.status, 200, text);
    const { headers } = JSON.parse(answer.text);
    assert.deepEqual([headers["x-consumer"], headers["x-tenant"], headers["x-user"]], ["shop", "acme", "7"]);
    assert.notEqual(headers["x-plan"], "root");
    assert.equal(headers.authorization, `Bearer ${text}`);
  }
  const session = await connect2(t, gateway.url);
  assert.equal((await request2(session, "/", { headers: { authorization: `Bearer ${made[0]}` } })).status, 200);
  for (const line of await gateway.accessLines(made.length + 1)) assert.equal(line.consumer, "shop");
  assert.equal(await gateway.metric("ringway_jwt_admitted_total"), made.length + 1);
  const text = (await request(`${gateway.admin}/config`)).text + (await request(`${gateway.admin}/metrics`)).text + gateway.stderr;
  assert.ok(!text.includes(secret));
  assert.ok(!JSON.stringify(gateway.accessLinesNow()).includes(made[0].split(".")[2]));
});

test("forged, confused, expired, meant for others", async (t) => {
  const { gateway, ask } = await start(t, "audiences: orders");
  const rsa = keys.rsa.privateKey;
  const good = token("RS256", rsa, { aud: "orders" }, { kid: "rsa" });
  const [head, body, signature] = good.split(".");
  const pem = keys.rsa.publicKey.export({ type: "spki", format: "pem" });
  const der = keys.rsa.publicKey.export({ type: "spki", format: "der" });
  const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const bad = {
    "another body": `${head}.${part({ iss: issuer, sub: "8", aud: "orders", exp: inAnHour() })}.${signature}`,
    "no signature": `${head}.${body}.`,
    none: `${part({ alg: "none" })}.${body}.`,
    "none with a signature": `${part({ alg: "none", kid: "rsa" })}.${body}.${signature}`,
    "the public key as a secret": token("HS256", pem, { aud: "orders" }, { kid: "rsa" }),
    "the public key as a secret, without an id": token("HS256", pem, { aud: "orders" }),
    "the public key in DER as a secret": token("HS256", der, { aud: "orders" }),
    "an empty secret": token("HS256", "", { aud: "orders" }),
    "PSS as PKCS#1": `${part({ alg: "PS256", kid: "rsa" })}.${body}.${signature}`,
    "a key of its own": token("ES256", stranger.privateKey, { aud: "orders" }, { jwk: createPublicKey(stranger.privateKey).export({ format: "jwk" }) }),
    "a key somewhere": token("ES256", stranger.privateKey, { aud: "orders" }, { jku: "http://127.0.0.1:1/jwks", kid: "p256" }),
    "a signature of zeros": `${part({ alg: "ES256", kid: "p256" })}.${body}.${Buffer.alloc(64).toString("base64url")}`,
    "DER in place of two halves": (() => {
      const text = `${part({ alg: "ES256", kid: "p256" })}.${body}`;
      return `${text}.${sign("sha256", Buffer.from(text), keys.p256.privateKey).toString("base64url")}`;
    })(),
    expired: token("RS256", rsa, { aud: "orders", exp: 1700000000 }, { kid: "rsa" }),
    "not yet": token("RS256", rsa, { aud: "orders", nbf: inAnHour() }, { kid: "rsa" }),
    "for others": token("RS256", rsa, { aud: "billing" }, { kid: "rsa" }),
    "of others": token("RS256", rsa, { aud: "orders", iss: "https://other.test" }, { kid: "rsa" }),
    critical: token("RS256", rsa, { aud: "orders" }, { kid: "rsa", crit: ["x"], x: 1 }),
    "of another id": token("RS256", rsa, { aud: "orders" }, { kid: "rsa2" }),
  };
  assert.equal((await ask(good)).status, 200);
  for (const [what, text] of Object.entries(bad)) {
    const answer = await ask(text);
    assert.equal(answer.status, 401, what);
    assert.equal(answer.headers["www-authenticate"], 'Bearer realm="ringway", error="invalid_token"', what);
    assert.equal(answer.text, '{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Credentials are missing or not valid."}\n');
  }
  assert.equal((await gateway.get("/")).headers["www-authenticate"], 'Bearer realm="ringway"');
  assert.equal(await gateway.metric("ringway_jwt_verified_total"), 1);
});

test("a limit by claim; a signature is checked once by each thread", async (t) => {
  const { gateway, ask } = await start(t, "", "- rate_limit: { limits: [{ name: user, requests: 20, per: day, key: \"claim:sub\" }] }");
  const mine = token("ES256", keys.p256.privateKey, { sub: "u" });
  for (let i = 0; i < 20; i++) assert.equal((await ask(mine)).status, 200);
  assert.equal((await ask(mine)).status, 429);
  assert.equal((await ask(token("ES256", keys.p256.privateKey, { sub: "v" }))).status, 200);
  assert.ok((await gateway.metric("ringway_jwt_verified_total")) <= 3);
  assert.equal(await gateway.metric("ringway_jwt_admitted_total"), 22);
});

test("keys change in their file: a new one is followed, a broken one is refused and told", async (t) => {
  const { gateway, file, ask } = await start(t);
  const old = token("ES256", keys.p256.privateKey, {}, { kid: "p256" });
  const next = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const renewed = token("ES256", next.privateKey, {}, { kid: "next" });
  assert.deepEqual([(await ask(old)).status, (await ask(renewed)).status], [200, 401]);
  writeSet(file, jwk("rsa"), { kid: "next", ...next.publicKey.export({ format: "jwk" }) });
  await eventually(async () => (await ask(renewed)).status === 200, { within: 60000, what: "the new key is known" });
  assert.equal((await ask(old)).status, 401);
  writeSet(file, { kty: "RSA", n: "AQAB", e: "AQAB" });
  await eventually(() => gateway.logLines().some(({ message }) => message.includes("an RSA key of 17 bits")), { within: 60000, what: "the weak key is told" });
  assert.equal((await ask(renewed)).status, 200);
});
