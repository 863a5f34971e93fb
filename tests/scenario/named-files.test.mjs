// Files that a configuration names, each in place of what it should be: nothing, a folder, a pipe that
// nobody writes, an empty file, one that is far too large, one that may not be read. Each is told with
// its place, at once.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { prepareGateway, startGateway } from "./support/gateway.mjs";
import { ringway, run, runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const HUGE_BYTES = 2 ** 30;
const AT_ONCE_MS = 5000;

const tls = (settings) => (g, file) => `
listeners: [{ address: "127.0.0.1:${g.port}", tls: { ${settings(file, g.pair)} } }]
routes: [{ respond: {} }]`;
const upstream = (settings) => (g, file) => `
routes: [{ upstream: app }]
upstreams: [{ name: app, ${settings(file, g.pair)} }]`;
const policy = (settings) => (g, file) => `routes: [{ policies: [{ ${settings(file)} }], respond: {} }]`;
const redis = (settings) => (g, file) => `
rate_limits: { redis: { address: "127.0.0.1:9", ${settings(file)} } }
routes: [{ policies: [{ rate_limit: { limits: [{ name: x, requests: 1, per: second, key: address, shared: true }] } }], respond: {} }]`;

const PEM = { huge: "longer than 4 MiB", empty: "no (certificate|private key) in it \\(PEM expected\\)", missing: "not found", unreadable: "permission denied" };
const SECRET = { huge: "longer than 64 KiB", empty: "the file of this secret is empty" };
const NETWORKS = { huge: "longer than 64 MiB", empty: null };
const JWT = "issuers: [https://issuer.test], audiences: [shop]";

// [what, configuration, how it is told where that differs; null: it is no mistake]
const NAMED = [
  ["certificate", tls((file, pair) => `certificates: [{ cert: ${file}, key: ${pair.key} }]`), PEM],
  ["its key", tls((file, pair) => `certificates: [{ cert: ${pair.cert}, key: ${file} }]`), PEM],
  ["authority of clients", tls((file, pair) => `certificates: [{ cert: ${pair.cert}, key: ${pair.key} }], client_auth: required, client_ca: ${file}`), PEM],
  ["authority of an upstream", upstream((file) => `endpoints: "127.0.0.1:9", tls: { ca: ${file} }`), PEM],
  ["own certificate", upstream((file, pair) => `endpoints: "127.0.0.1:9", tls: { cert: ${file}, key: ${pair.key} }`), PEM],
  ["authority of etcd", upstream((file) => `discovery: { etcd: { servers: "127.0.0.1:9", prefix: /x/, tls: { ca: ${file} } } }`), PEM],
  ["password of etcd", upstream((file) => `discovery: { etcd: { servers: "127.0.0.1:9", prefix: /x/, username: a, password: "file:${file}" } }`), SECRET],
  ["authority of Redis", redis((file) => `tls: { ca: ${file} }`), PEM],
  ["password of Redis", redis((file) => `password: "file:${file}"`), SECRET],
  ["key set", policy((file) => `jwt: { ${JWT}, keys: [{ jwks_file: ${file}, algorithms: [RS256] }] }`), { huge: "longer than 1 MiB", empty: "no JSON object" }],
  ["public key", policy((file) => `jwt: { ${JWT}, keys: [{ public_key: ${file}, algorithms: [RS256] }] }`), { huge: "longer than 1 MiB", empty: "no public key in PEM" }],
  ["secret of tokens", policy((file) => `jwt: { ${JWT}, keys: [{ secret: "file:${file}", algorithms: [HS256] }] }`), SECRET],
  ["list of addresses", policy((file) => `address: { deny_files: [${file}] }`), NETWORKS],
  ["networks of countries", policy((file) => `residency: { networks_file: ${file}, rules: [{ name: eu, clients: [EU], refuse: true }] }`), NETWORKS],
  [
    "database of countries",
    policy((file) => `residency: { database: ${file}, rules: [{ name: eu, clients: [EU], refuse: true }] }`),
    { huge: "no MaxMind database", empty: "no MaxMind database", pipe: "no regular file" },
  ],
  [
    "file of endpoints",
    upstream((file) => `discovery: { file: ${file} }`),
    { warns: true, missing: "is not there yet", huge: "longer than 8 MiB", empty: '"endpoints" is missing' },
  ],
];

function makeOddFiles(t) {
  const folder = scratch(t);
  const at = (name) => join(folder, name);
  mkdirSync(at("folder"));
  execFileSync("mkfifo", [at("pipe")]);
  for (const name of ["empty", "huge", "unreadable"]) writeFileSync(at(name), name === "unreadable" ? "text\n" : "");
  truncateSync(at("huge"), HUGE_BYTES);
  chmodSync(at("unreadable"), 0);
  return at;
}

const TOLD = { missing: "not found", folder: "a directory, not a file", pipe: "not a regular file", unreadable: "permission denied" };
const odd = ["missing", "folder", "pipe", "empty", "huge"].concat(process.getuid() === 0 ? [] : ["unreadable"]);

for (const [what, configuration, differs] of NAMED)
  test(`a file in whose place is something else: ${what}`, async (t) => {
    const at = makeOddFiles(t);
    const certificates = makeCertificates(t);
    const gateway = await prepareGateway(t, "");
    gateway.pair = { cert: certificates.cert("usual"), key: certificates.key("usual") };
    for (const kind of odd) {
      const how = kind in differs ? differs[kind] : TOLD[kind];
      const configured = configuration(gateway, at(kind));
      gateway.configure(configured);
      const before = Date.now();
      const { code, stderr } = await runRingway("check", gateway.configFile);
      assert.ok(Date.now() - before < AT_ONCE_MS, `${kind}: ${Date.now() - before} ms`);
      assert.equal(code, how && !differs.warns ? 2 : 0, `${kind}: ${stderr}`);
      if (how) assert.match(stderr, new RegExp(`^\\S*ringway\\.yaml:\\d+:\\d+: [^\\n]*${how}[^\\n]*\\n$`), kind);
      else assert.equal(stderr, "", kind);
    }
  });

test("logs and the file of quotas, too, at the start", async (t) => {
  const at = makeOddFiles(t);
  const quotas = (file) => `
rate_limits: { quota_file: ${file} }
routes: [{ policies: [{ rate_limit: { limits: [{ name: x, requests: 1, per: calendar_day, key: address }] } }], respond: {} }]`;
  for (const [key, configuration] of [
    ["access_log.path", (file) => `access_log: ${file}\nroutes: [{ respond: {} }]`],
    ["error_log.path", (file) => `error_log: ${file}\nroutes: [{ respond: {} }]`],
    ["rate_limits.quota_file", quotas],
  ])
    for (const kind of ["folder", "pipe"]) {
      const gateway = await prepareGateway(t, configuration(at(kind)));
      const { code, stderr } = await run(ringway, ["serve", gateway.configFile], { timeout: AT_ONCE_MS });
      const place = `ringway\\.yaml:\\d+:(?!1:)\\d+: ${key.replace(".", "\\.")}: ${at(kind)}: `;
      assert.equal(code, 2, `${key}, ${kind}: ${stderr}`);
      assert.match(stderr, new RegExp(`^\\S*${place}[^\\n]*${kind === "folder" ? "directory" : ""}[^\\n]*\\n$`));
      const checked = await runRingway("check", gateway.configFile);
      assert.equal(checked.code, 0, checked.stderr);
      if (kind === "folder") assert.match(checked.stderr, new RegExp(`^\\S*ringway\\.yaml:\\d+:\\d+: warning: ${key.replace(".", "\\.")}: ${at(kind)}: a directory, not a file\\n$`));
      else assert.equal(checked.stderr, "");
    }
});

test("a pipe in place of a file of endpoints does not hold up a gateway that runs", async (t) => {
  const at = makeOddFiles(t);
  const gateway = await startGateway(t, upstream(() => `discovery: { file: ${at("pipe")} }, endpoints: "127.0.0.1:9"`)({}));
  await eventually(() => gateway.logLines().some(({ message }) => /pipe: cannot be read: not a regular file/.test(message)));
  await gateway.reload("routes: [{ respond: { body: on } }]");
  assert.equal((await gateway.get("/")).text, "on");
});
