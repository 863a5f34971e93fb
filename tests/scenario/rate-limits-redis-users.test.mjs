// Signing in to Redis as a user with few rights (ACL): those of the manual suffice and none is idle;
// what is wrong or missing is said, shared limits hold locally meanwhile, and no restart is needed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { startCluster, startRedis, startSentinels } from "./support/redis.mjs";
import { root } from "./support/run.mjs";
import { ask, come, patient, says, shared, shares, up } from "./support/shared-limits.mjs";
import { eventually } from "./support/wait.mjs";

const manual = readFileSync(join(root, "docs/manual/policies/rate_limit.md"), "utf8");
const rights = /ACL SETUSER ringway on >\S+ (~\S+) ([^`]*)`/.exec(manual);
const KEYS = rights[1];
const IN_CLUSTER = /in a cluster\s+`([^`]*)`/.exec(manual)[1];
const COMMANDS = rights[2].trim().split(" ");

async function signUp(redis, { keys = KEYS, commands = COMMANDS, password = "pass word" } = {}) {
  const { stdout } = await redis.ask("ACL", "SETUSER", "ringway", "reset", "on", `>${password}`, keys, ...commands);
  assert.equal(stdout.trim(), "OK");
}

const user = "username: ringway, password: pass word";
const configured = (redis, more = user) => shared(`address: "${redis.address}", ${more}`, { burst: 3 });
const alone = "; shared limits are counted by this gateway alone meanwhile$";
const fails = (gateway, why) => says(gateway, new RegExp(`^redis 127\\.0\\.0\\.1:\\d+: ${why}.*${alone}`));

test("the rights of the manual suffice", async (t) => {
  const redis = await startRedis(t);
  await signUp(redis);
  const [first, second] = [await startGateway(t, configured(redis)), await startGateway(t, configured(redis))];
  await come(first);
  await come(second);
  await shares(first, second);
  assert.match(await redis.line("ACL", "LOG"), /^$/, "nothing was refused");
  for (const each of [first, second]) assert.doesNotMatch(each.stderr, /pass word/);
});

test("each right is needed: without it the log says so, and it works as soon as it is given", async (t) => {
  const redis = await startRedis(t);
  await signUp(redis);
  const gateway = await startGateway(t, configured(redis));
  await come(gateway);
  for (const command of COMMANDS) {
    const name = command.slice(1);
    const lines = gateway.logLines().length;
    // Who is signed in stays so, until the connection ends.
    const again = () => redis.ask("CLIENT", "KILL", "USER", "ringway");
    const fresh = (pattern) => eventually(() => gateway.logLines().slice(lines).some(({ message }) => pattern.test(message)), { ...patient, what: `${name}: ${gateway.stderr}` });
    await signUp(redis, { commands: COMMANDS.filter((each) => each !== command) });
    await redis.ask("FLUSHALL"); // what is there already is not set again
    await again();
    const script = !["ping", "eval"].includes(name);
    await fresh(script ? /the script failed for want of a right that `ACL LOG` there names: / : new RegExp(`NOPERM .*'${name}'`));
    assert.ok(await up(gateway, 0), name);
    assert.equal(await ask(gateway, `without ${name}`), 200);
    assert.match(await redis.line("ACL", "LOG", "1"), new RegExp(`object\n${name}\n|"?${name}"?`), name);
    await signUp(redis);
    await fresh(/connected, shared limits are shared/);
  }
});

test("keys, passwords and users that are wrong", async (t) => {
  const redis = await startRedis(t);
  await signUp(redis, { keys: "~other:*" });
  const gateway = await startGateway(t, configured(redis));
  await fails(gateway, "the script failed for want of a right that `ACL LOG` there names: (NOPERM|ERR|ACL)");
  await signUp(redis);
  await come(gateway);

  await gateway.reload(configured(redis, "username: ringway, password: another"));
  await fails(gateway, "WRONGPASS invalid username-password pair or user is disabled");
  assert.ok(await up(gateway, 0));
  for (let i = 0; i < 3; i++) assert.equal(await ask(gateway, "local"), 200);
  assert.equal(await ask(gateway, "local"), 429);
  await signUp(redis, { password: "another" });
  await come(gateway);

  await gateway.reload(configured(redis, "username: nobody, password: pass word"));
  await fails(gateway, "WRONGPASS");
  await gateway.reload(configured(redis, `${user}, database: 3`));
  await signUp(redis);
  await fails(gateway, "NOPERM .*'select'");
  await signUp(redis, { commands: [...COMMANDS, "+select"] });
  await come(gateway);

  await redis.ask("CONFIG", "SET", "requirepass", "secret");
  await gateway.reload(configured(redis, "database: 0"));
  await fails(gateway, "NOAUTH Authentication required");
  await gateway.reload(configured(redis, "password: secret"));
  await come(gateway);
});

test("a user who may not ask a Sentinel", async (t) => {
  const primary = await startRedis(t);
  await startRedis(t, "--replicaof", primary.host, String(primary.port));
  const [sentinel] = await startSentinels(t, primary, 1);
  await sentinel.ask("ACL", "SETUSER", "ringway", "on", ">pass word", "+ping");
  const redis = shared(`sentinel: { addresses: ["${sentinel.address}"], primary: limits, ${user} }`, { burst: 3 });
  const gateway = await startGateway(t, redis);
  await says(gateway, /^redis sentinel 127\.0\.0\.1:\d+: .*its user may not run SENTINEL GET-MASTER-ADDR-BY-NAME/);
  await sentinel.ask("ACL", "SETUSER", "ringway", "+sentinel|get-master-addr-by-name");
  await come(gateway);
});

test("a user in a cluster: who may not ask for the slots, or follow one that moves", async (t) => {
  const [a, b] = await startCluster(t, 1, 1);
  for (const node of [a, b]) await signUp(node);
  const gateway = await startGateway(t, shared(`cluster: ["${a.address}"], ${user}`, { burst: 3 }));
  await says(gateway, /^redis cluster member 127\.0\.0\.1:\d+: its user may not run CLUSTER SLOTS/);
  const more = IN_CLUSTER.split(" ");
  const permit = (commands) => Promise.all([a, b].map((node) => signUp(node, { commands: [...COMMANDS, ...commands] })));
  await permit(more.filter((command) => command !== "+asking"));
  await come(gateway);

  const tag = "ringway:limit:";
  const keys = async (node) => (await node.line("KEYS", `${tag}*`)).split("\n").filter(Boolean);
  await ask(gateway, "one");
  await eventually(async () => (await keys(a)).length > 0, { ...patient, what: "the cluster is told" });
  const [slot] = await Promise.all((await keys(a)).slice(0, 1).map((key) => a.line("CLUSTER", "KEYSLOT", key)));
  await b.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", a.id);
  await a.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", b.id);
  await a.ask("FLUSHALL");
  let n = 0;
  const busy = () => Promise.all(Array.from({ length: 20 }, () => ask(gateway, `moving${n++}`)));
  const refused = ({ message }) => /^redis 127\.0\.0\.1:\d+: ASKING is refused: NOPERM .*'asking'.*; what is counted in a slot that moves there is not shared until it has moved$/.test(message);
  await eventually(async () => (await ask(gateway, "one"), await busy(), gateway.logLines().some(refused)), { ...patient, what: `the log says why: ${gateway.stderr}` });
  for (let i = 0; i < 5; i++) await busy();
  assert.equal(gateway.logLines().filter(refused).length, 1, "once");
  assert.deepEqual(await keys(b), []);
  assert.ok(await up(gateway), "what does not move is shared");

  await permit(more);
  await b.ask("ACL", "LOG", "RESET");
  await eventually(async () => (await ask(gateway, "one"), await busy(), (await keys(b)).length > 0), { ...patient, what: "the new server has keys of the slot" });
  assert.match(await b.line("ACL", "LOG"), /^$/);
});
