// Configuration with mistakes: all of them told, nothing started; at a reload what runs stays.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { cleanup, scratch } from "./support/cleanup.mjs";
import { request } from "./support/client.mjs";
import { prepareGateway, startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/ports.mjs";
import { openRaw } from "./support/raw.mjs";
import { ringway, run, runRingway } from "./support/run.mjs";
import { eventually, sleep } from "./support/wait.mjs";

const serve = (gateway) => run(ringway, ["serve", gateway.configFile]);
const respond = (text) => `routes: [{ respond: { body: "${text}" } }]`;

test("a file with mistakes: exit 2, each with file, line, column and the nearest name", async (t) => {
  const gateway = await prepareGateway(t, "");
  const { port } = gateway;
  gateway.configure(
    `
listeners:
  - address: "127.0.0.1:${port}"
    timeouts: { header: 5 }
    limts: { head: 8KiB }
routes:
  - upstream: ap
  - match: { path: /x, metod: GET }
    upstream: app
upstreams:
  - name: app
    endpoints: ["127.0.0.1:99999"]
`,
    { raw: true },
  );
  const { code, stdout, stderr } = await serve(gateway);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  const lines = stderr.trimEnd().split("\n");
  const told = (line, column, ...texts) => {
    const found = lines.find((text) => text.includes(`ringway.yaml:${line}:${column}:`));
    assert.ok(found, `line ${line}, column ${column} in:\n${stderr}`);
    for (const text of texts) assert.match(found, text);
  };
  told(4, 25, /header/, /duration|unit/);
  told(5, 5, /limts/, /limits/);
  told(7, 15, /"ap"/, /"?app"?/);
  told(8, 24, /metod/, /method/);
  told(12, 17, /99999|port/);
  assert.equal(lines.length, 5, stderr);
  await assert.rejects(request(`http://127.0.0.1:${port}/`), /ECONNREFUSED/);
});

test("what stands in other files is looked at too, whatever else is wrong: all is told at once", async (t) => {
  const gateway = await prepareGateway(t, "");
  const text = `
listeners:
  - address: "127.0.0.1:${gateway.port}"
    tls:
      certificates:
        - { cert: missing-1.pem, key: missing-1.key }
        - { cert: missing-2.pem, key: missing-2.key }
routes:
  - { match: { path_regex: "/(" }, upstream: ap }
  - { match: { headers: { X-A: "~[" } }, upstream: app }
  - { match: { path: /f }, upstream: app, policies: [{ address: { allow_files: [missing.txt] } }] }
upstreams:
  - name: app
    endpoints: ["127.0.0.1:1"]
    tls: { ca: missing-3.pem }
`;
  gateway.configure(text, { raw: true });
  const places = (stderr) => stderr.trimEnd().split("\n").map((line) => /yaml:(\d+:\d+): (.*)/.exec(line).slice(1, 3).join(" "));
  const told = ({ code, stderr }, wanted) => {
    assert.equal(code, 2);
    const lines = places(stderr);
    assert.equal(lines.length, wanted.length, stderr);
    wanted.forEach((pattern, i) => assert.match(lines[i], pattern));
  };
  const files = [/^6:11 missing-1\.pem: /, /^6:11 missing-1\.key: /, /^7:11 missing-2\.pem: /, /^7:11 missing-2\.key: /];
  const patterns = [/^9:28 routes\[0\]\.match\.path_regex: .*regular expression/, /^10:32 .*X-A: .*regular expression/];
  const all = [...files, patterns[0], /^9:46 .*"ap"/, patterns[1], /^15:10 missing-3\.pem: /];
  told(await serve(gateway), all);
  told(await runRingway("check", gateway.configFile), all);
  // An upstream that cannot be made does not hide what is wrong with the routes.
  gateway.configure(text.replace("upstream: ap }", "upstream: app }").replace("/(", "/x").replace("~[", "~x"), { raw: true });
  told(await serve(gateway), [...files, /^11:\d+ .*missing\.txt/, all.at(-1)]);
});

test("check says the same as serve, and says fine to a good file", async (t) => {
  const gateway = await prepareGateway(t, "routes: [{ upstream: nowhere }]");
  const served = await serve(gateway);
  const checked = await runRingway("check", gateway.configFile);
  assert.equal(checked.code, 2);
  assert.equal(checked.stderr, served.stderr);
  gateway.configure(respond("fine"));
  const good = await runRingway("check", gateway.configFile);
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /ringway\.yaml: fine: 1 listener, 1 route, 0 upstreams$/m);
});

test("what does nothing, or what this machine lacks, is a warning with its place: another machine may have it", async (t) => {
  const gateway = await prepareGateway(t, "");
  const check = async (upstream, more = "") => {
    gateway.configure(`
listeners:
  - address: "127.0.0.1:${gateway.port}"
routes: [{ upstream: app }]
upstreams:
  - { name: app, ${upstream} }
${more}
`, { raw: true });
    const { code, stdout, stderr } = await runRingway("check", gateway.configFile);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /: fine: /);
    return stderr.replace(/^\S*ringway\.yaml:/gm, "");
  };
  const one = 'endpoints: ["127.0.0.1:1"]';
  const two = 'endpoints: ["127.0.0.1:1", "127.0.0.1:2"]';
  const idle = "6:5: warning: upstream app: `hedging` does nothing with one endpoint\n";
  assert.equal(await check(`${one}, hedging: {}`), idle);
  for (const several of [two, 'endpoints: ["localhost:1"]', `${one}, lines: [{ name: a }, { name: b, source: 127.0.0.2 }]`])
    assert.equal(await check(`${several}, hedging: {}`), "");
  assert.match(await check(`${two}, passive_health: { all_out: refuse }`), /^6:5: warning: upstream app: `all_out: refuse` .* at `eject_percent_max: 50` they never are; set that to 100\n$/);
  assert.equal(await check(`${two}, passive_health: { all_out: refuse, eject_percent_max: 100 }`), "");
  assert.equal(await check(`${two}, passive_health: { all_out: refuse }, health: /`), "", "some may be down by their probes");

  const lacking = 'admin: "127.0.0.1:1"\naccess_log: { path: /nosuch/folder/access.log }\nrate_limits: { quota_file: /nosuch/folder/quotas }';
  assert.equal(
    await check(one, lacking),
    `8:21: warning: access_log.path: /nosuch/folder/access.log: this machine does not have the folder
9:28: warning: rate_limits.quota_file: /nosuch/folder/quotas: this machine does not have the folder
`,
  );
  gateway.configure('listeners: ["203.0.113.5:80"]\nroutes: [{ respond: {} }]\n', { raw: true });
  const { code, stderr } = await runRingway("check", gateway.configFile);
  assert.equal(code, 0);
  assert.match(stderr, /:1:13: warning: listener listener-1: this machine does not have the address 203\.0\.113\.5:80\n$/);
  const folder = scratch(t);
  gateway.configure(`listeners: ["unix:/nosuch/folder/web.sock", "unix:${folder}"]\nroutes: [{ respond: {} }]\nadmin: { address: "203.0.113.5:9901", allow_remote: true }\n`, { raw: true });
  const other = (await runRingway("check", gateway.configFile)).stderr.replace(/^\S*ringway\.yaml:/gm, "");
  assert.equal(
    other,
    `1:13: warning: listener listener-1: /nosuch/folder/web.sock: this machine does not have the folder
1:45: warning: listener listener-2: ${folder}: a directory, not a file
3:8: warning: admin: this machine does not have the address 203.0.113.5:9901
`,
  );
  // At the start each is a mistake, by the name of what is in the way.
  const told = await serve(gateway);
  assert.equal(told.code, 2);
  assert.match(told.stderr, /^\S*ringway\.yaml:1:13: listener listener-1: cannot bind unix:\/nosuch\/folder\/web\.sock: No such file or directory$/m);
  assert.match(told.stderr, /^\S*ringway\.yaml:1:45: listener listener-2: cannot replace the file at unix:\S+: Is a directory$/m);
});

test("a file that is not there, not readable, not YAML, empty", async (t) => {
  const gateway = await prepareGateway(t, "");
  rmSync(gateway.configFile);
  const missing = await serve(gateway);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /ringway\.yaml: .*(no such file|not found|does not exist|cannot be)/i);
  writeFileSync(gateway.configFile, "");
  assert.match((await serve(gateway)).stderr, /ringway\.yaml: "listeners" is missing/);
  for (const text of ["listeners: [", "\tlisteners: 1\n", "a: 1\na: 2\n", "- 1\n", "\u0000\u0001"]) {
    writeFileSync(gateway.configFile, text);
    const { code, stderr } = await serve(gateway);
    assert.equal(code, 2, JSON.stringify(text));
    assert.match(stderr, /ringway\.yaml:\d+:\d+: /, JSON.stringify(text));
  }
});

test("a port in use is named", async (t) => {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup(t, () => server.close());
  const { port } = server.address();
  const gateway = await prepareGateway(
    t,
    `
    listeners: [{ name: taken, address: "127.0.0.1:${port}" }]
    routes: [{ respond: {} }]`,
  );
  const { code, stderr } = await serve(gateway);
  assert.equal(code, 2);
  assert.match(stderr, /taken/);
  assert.match(stderr, /^\S*ringway\.yaml:\d+:\d+: listener taken: /m);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
  assert.match(stderr, /in use/i);
});

test("all ports in use are named at once", async (t) => {
  const ports = [];
  for (let i = 0; i < 3; i++) {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanup(t, () => server.close());
    ports.push(server.address().port);
  }
  const gateway = await prepareGateway(
    t,
    `
    listeners:
      - { name: one, address: "127.0.0.1:${ports[0]}" }
      - { name: free, address: "127.0.0.1:${await freePort()}" }
      - { name: two, address: "127.0.0.1:${ports[1]}" }
    admin: "127.0.0.1:${ports[2]}"
    routes: [{ respond: {} }]`,
  );
  const { code, stderr } = await serve(gateway);
  assert.equal(code, 2);
  for (const [name, port] of [["one", ports[0]], ["two", ports[1]], ["admin", ports[2]]])
    assert.match(stderr, new RegExp(`^\\S*ringway\\.yaml:\\d+:\\d+: listener ${name}: .*127\\.0\\.0\\.1:${port}: .*in use`, "m"));
  assert.doesNotMatch(stderr, /listener free/);
});

test("port 0 is refused, with its place", async (t) => {
  const gateway = await prepareGateway(t, `listeners: [{ address: "127.0.0.1:0" }]\nroutes: [{ respond: {} }]`);
  const { code, stderr } = await runRingway("check", gateway.configFile);
  assert.equal(code, 2);
  assert.match(stderr, /ringway\.yaml:1:24: listeners\[0\]\.address: .*the port is a number from 1 to 65535/);
});

test("an admin port in use is named", async (t) => {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup(t, () => server.close());
  const gateway = await prepareGateway(t, `routes: [{ respond: {} }]\nadmin: "127.0.0.1:${server.address().port}"`);
  const { code, stderr } = await serve(gateway);
  assert.equal(code, 2);
  assert.match(stderr, /^\S*ringway\.yaml:\d+:8: listener admin: /m);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${server.address().port}`));
});

test("an admin listener that others reach has to be asked for", async (t) => {
  const gateway = await prepareGateway(t, `routes: [{ respond: {} }]\nadmin: "0.0.0.0:${await freePort()}"`);
  const { code, stderr } = await serve(gateway);
  assert.equal(code, 2);
  assert.match(stderr, /admin/);
  assert.match(stderr, /allow_remote/);
});

test("two gateways do not share a port by accident", async (t) => {
  const first = await startGateway(t, respond("first"));
  const second = await prepareGateway(t, `listeners: [{ address: "127.0.0.1:${first.port}" }]\n${respond("second")}`);
  const { code, stderr } = await serve(second);
  assert.equal(code, 2, "the second one has to refuse to start");
  assert.match(stderr, /in use/i);
  for (let i = 0; i < 10; i++) assert.equal((await first.get("/")).text, "first");
});

test("a certificate and a key that do not match, or are not there, are named", async (t) => {
  const certificates = makeCertificates(t);
  const gateway = await prepareGateway(t, "");
  const withPair = (cert, key) =>
    gateway.configure(`
      listeners:
        - address: "127.0.0.1:${gateway.port}"
          tls: { certificates: [{ cert: ${cert}, key: ${key} }] }
      routes: [{ respond: {} }]`);
  withPair(certificates.cert("usual"), certificates.key("exact-ec"));
  let { code, stderr } = await serve(gateway);
  assert.equal(code, 2);
  assert.match(stderr, /ringway\.yaml:3:\d+: /);
  assert.match(stderr, /exact-ec\.key|usual\.pem/);
  assert.match(stderr, /not match|does not belong|not belong/i);

  withPair(certificates.file("nowhere.pem"), certificates.key("usual"));
  ({ code, stderr } = await serve(gateway));
  assert.equal(code, 2);
  assert.match(stderr, /nowhere\.pem/);

  withPair(certificates.file("empty.pem"), certificates.key("usual"));
  ({ code, stderr } = await serve(gateway));
  assert.equal(code, 2);
  assert.match(stderr, /empty\.pem/);
});

test("values from the environment; one that is not set is a mistake; secrets are not shown", async (t) => {
  const gateway = await prepareGateway(t, respond("${GREETING} ${NAME:-you}"));
  const missing = await serve(gateway);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /GREETING/);
  const started = await startGateway(t, respond("${GREETING} ${NAME:-you}"), { env: { GREETING: "good day" } });
  assert.equal((await started.get("/")).text, "good day you");
  const shown = await request(`${started.admin}/config`);
  assert.match(shown.text, /\$\{GREETING\}/);
  assert.doesNotMatch(shown.text, /good day/);
});

test("/config shows no secret, and what it shows is a configuration", async (t) => {
  const gateway = await startGateway(
    t,
    `
# hunter1
x-old: { password: hunter2 }
routes:
  - name: app
    match: { path: /, headers: { X-Api-Key: hunter3 } }
    policies:
      - headers: { request: { set: { Authorization: "Bearer hunter4", X-Kind: plain, X-Token: "\${TOKEN}" } } }
      - query: { set: { api_key: hunter5 } }
    respond: { body: hello }
`,
    { env: { TOKEN: "hunter6" } },
  );
  const shown = (await request(`${gateway.admin}/config`)).text;
  assert.doesNotMatch(shown, /hunter/);
  for (const text of ["X-Api-Key: (secret)", "Authorization: (secret)", "api_key: (secret)", "X-Kind: plain", 'X-Token: "${TOKEN}"', "body: hello"])
    assert.ok(shown.includes(text), `${text} in ${shown}`);
  writeFileSync(gateway.configFile, shown);
  const { code, stderr } = await run(ringway, ["check", gateway.configFile], { env: { TOKEN: "t" } });
  assert.equal(code, 0, stderr);
});

// ---- Reload ----

const ways = {
  SIGHUP: (gateway) => gateway.signal("SIGHUP"),
  "POST /reload": (gateway) => request(`${gateway.admin}/reload`, { method: "POST" }),
  "a change of the file": () => {},
};

for (const [way, how] of Object.entries(ways)) {
  test(`reload by ${way}`, async (t) => {
    const watch = way === "a change of the file" ? "watch_file: true\n" : "";
    const gateway = await startGateway(t, watch + respond("one"));
    assert.equal((await gateway.get("/")).text, "one");

    await gateway.reload(watch + respond("two"), () => how(gateway));
    assert.equal((await gateway.get("/")).text, "two");
    assert.equal(await gateway.metric("ringway_config_last_reload_successful"), 1);

    // Refused: the old one stays, and it is told in the log, the metrics and the admin API.
    const { generation } = await gateway.status();
    gateway.configure(`${watch}rutes: []\n`);
    const answer = await how(gateway);
    if (answer) {
      assert.equal(answer.status, 422);
      assert.match(answer.text, /ringway\.yaml:\d+:\d+: .*rutes.*routes/);
    }
    await eventually(async () => (await gateway.metric("ringway_config_reload_failures_total")) >= 1);
    assert.equal(await gateway.metric("ringway_config_last_reload_successful"), 0);
    const status = await gateway.status();
    assert.equal(status.generation, generation);
    assert.match(status.last_error, /ringway\.yaml:\d+:\d+: .*rutes/);
    await eventually(() => gateway.logLines().some((line) => line.level === "error" && /rutes/.test(JSON.stringify(line))));
    assert.equal((await gateway.get("/")).text, "two");

    await gateway.reload(watch + respond("three"), () => how(gateway));
    assert.equal((await gateway.get("/")).text, "three");
    assert.equal((await gateway.status()).last_error, null);
    assert.equal(await gateway.metric("ringway_config_last_reload_successful"), 1);
    assert.equal(await gateway.metric("ringway_config_reloads_total"), 2);
  });
}

test("a change of the file is taken without a word about it in the file; an editor's own files are none", async (t) => {
  const gateway = await startGateway(t, respond("unused"), { watched: true });
  assert.equal((await gateway.get("/")).text, "unused");
  const { generation } = await gateway.status();
  for (const name of [".ringway.yaml.swp", "4913", "ringway.yaml~"]) writeFileSync(join(gateway.folder, name), "x");
  await sleep(600);
  assert.equal((await gateway.status()).generation, generation);
  await gateway.reload(respond("changed"), () => {});
  assert.equal((await gateway.get("/")).text, "changed");
});

test("watch_file may be switched on and off by a reload", async (t) => {
  const gateway = await startGateway(t, respond("one"));
  gateway.configure(`watch_file: true\n${respond("two")}`);
  await sleep(1500);
  assert.equal((await gateway.get("/")).text, "one", "nobody watches yet");
  await gateway.reload();
  assert.equal((await gateway.get("/")).text, "two");
  await gateway.reload(respond("three"), () => {});
  assert.equal((await gateway.get("/")).text, "three");
  gateway.configure(respond("four"));
  await sleep(1500);
  assert.equal((await gateway.get("/")).text, "three", "nobody watches any more");
});

test("listeners come and go at a reload; connections that live finish on what they began with", async (t) => {
  const [first, second] = [await freePort(), await freePort()];
  const listener = (port) => `listeners: [{ name: l${port}, address: "127.0.0.1:${port}" }]\n`;
  const gateway = await startGateway(t, listener(first) + respond("first"));
  const at = (port) => request(`http://127.0.0.1:${port}/`);
  assert.equal((await at(first)).text, "first");
  await gateway.reload(listener(second) + respond("second"));
  assert.equal((await at(second)).text, "second");
  await eventually(async () => {
    await assert.rejects(at(first), /ECONNREFUSED|ECONNRESET/);
    return true;
  });
  // The address is free for others again.
  await eventually(
    () =>
      new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen(first, "127.0.0.1", () => server.close(() => resolve(true)));
      }),
  );
  await gateway.reload(listener(first) + respond("first again"));
  assert.equal((await at(first)).text, "first again");
});

test("a reload onto a port in use is refused and named, and nothing of it is in force", async (t) => {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup(t, () => server.close());
  const gateway = await startGateway(t, respond("old"));
  gateway.configure(`
    listeners:
      - { name: web, address: "127.0.0.1:${gateway.port}" }
      - { name: taken, address: "127.0.0.1:${server.address().port}" }
    ${respond("new")}`);
  const answer = await request(`${gateway.admin}/reload`, { method: "POST" });
  assert.equal(answer.status, 422);
  assert.match(answer.text, /taken.*in use/i);
  assert.equal((await gateway.get("/")).text, "old");
  gateway.configure(respond("newer"));
  assert.equal((await request(`${gateway.admin}/reload`, { method: "POST" })).status, 200);
  await eventually(async () => (await gateway.get("/")).text === "newer");
});

test("a refused reload leaves no address taken", async (t) => {
  const gateway = await startGateway(t, respond("old"));
  const other = await freePort();
  gateway.configure(`
    listeners:
      - { name: web, address: "127.0.0.1:${gateway.port}" }
      - { name: other, address: "127.0.0.1:${other}" }
    access_log: /nowhere/at/all.log
    ${respond("new")}`);
  const answer = await request(`${gateway.admin}/reload`, { method: "POST" });
  assert.equal(answer.status, 422);
  assert.match(answer.text, /access_log/);
  await eventually(() => assert.rejects(request(`http://127.0.0.1:${other}/`, { patience: 2000 }), /ECONNREFUSED/).then(() => true));
  assert.equal((await gateway.get("/")).text, "old");
});

test("a connection of a listener that a reload removed gets no other listener's rules", async (t) => {
  const both = (g, open) => `
listeners:
  - { name: internal, address: "127.0.0.1:${g.adminPort + 1}" }
${open ? `  - { name: open, address: "127.0.0.1:${g.port}" }` : ""}
routes: [{ match: { path: /secret, listeners: [internal] }, respond: { body: secret } }]`;
  const gateway = await startGateway(t, (g) => both(g, true));
  const connection = await openRaw(gateway.port);
  const asked = "GET /secret HTTP/1.1\r\nHost: a\r\n\r\n";
  assert.equal((await connection.write(asked).response()).status, 404);
  await gateway.reload(both(gateway, false));
  assert.equal((await connection.write(asked).response()).status, 404);
});

test("a file that vanished at a reload", async (t) => {
  const gateway = await startGateway(t, respond("still here"));
  rmSync(gateway.configFile);
  const answer = await request(`${gateway.admin}/reload`, { method: "POST" });
  assert.equal(answer.status, 422);
  assert.match(answer.text, /ringway\.yaml/);
  assert.equal((await gateway.get("/")).text, "still here");
});

test("a directory or a named pipe in place of the file is refused, and nothing waits for it", async (t) => {
  const gateway = await startGateway(t, respond("still here"));
  for (const [command, flaw] of [
    ["mkdir", "a directory, not a file"],
    ["mkfifo", "not a regular file"],
  ]) {
    rmSync(gateway.configFile, { recursive: true });
    execFileSync(command, [gateway.configFile]);
    const answer = await request(`${gateway.admin}/reload`, { method: "POST" });
    assert.equal(answer.status, 422, command);
    assert.match(answer.text, new RegExp(`ringway\\.yaml: cannot be read: ${flaw}\n`));
  }
  assert.equal((await gateway.get("/")).text, "still here");
});

test("logs that cannot be opened are named", async (t) => {
  for (const key of ["access_log", "error_log"]) {
    const gateway = await prepareGateway(t, `routes: [{ respond: {} }]\n${key}: /nowhere/at/all.log`);
    const { code, stderr } = await serve(gateway);
    assert.equal(code, 2, key);
    assert.match(stderr, new RegExp(key));
    assert.match(stderr, /\/nowhere\/at\/all\.log/);
  }
});

test("a reload changes the level of the log at once, and tells what has to wait", async (t) => {
  const gateway = await startGateway(t, respond("one"));
  await gateway.reload(`threads: 3\nerror_log: { path: "-", level: debug }\n${respond("two")}`);
  assert.equal((await gateway.get("/")).text, "two");
  await eventually(() => gateway.logLines().some((line) => line.level === "warn" && /threads.*SIGUSR2/.test(JSON.stringify(line))));
  await gateway.reload(`threads: 3\nerror_log: { path: "-", level: error }\n${respond("three")}`);
  const before = gateway.logLines().length;
  await gateway.reload(`threads: 3\nerror_log: { path: "-", level: error }\n${respond("four")}`);
  assert.equal((await gateway.get("/")).text, "four");
  assert.equal(gateway.logLines().length, before, "no news is good news");
});
