// `ringway plan`: a plan of an intake, what-ifs, differences, and mistakes told with their place.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scratch } from "./support/cleanup.mjs";
import { yaml } from "./support/gateway.mjs";
import { runRingway } from "./support/run.mjs";

const intake = yaml(`
  intake: ringway/1
  plan: { name: Claims, customer: Example, date: "2026-11-20", currency: USD }
  load: { users: 5 million+, concurrent_users: 1000000, think_time: 30s, growth: 0% }
  data: { per_day: 10TB }
  goal: { latency: P99<2s, availability: 99.95% }
  money:
    cost_now: $3M/year
    downtime_now: 300min/quarter
    loss_per_minute: $2000/min
`);

function writeIntake(t, text = intake, name = "intake.yaml") {
  const path = join(scratch(t), name);
  writeFileSync(path, text);
  return path;
}

async function cells(...args) {
  const { code, stdout, stderr } = await runRingway("plan", ...args, "--format", "cells");
  assert.equal(code, 0, stderr);
  const plan = JSON.parse(stdout);
  return { plan, value: (id) => plan.cells.find((cell) => cell.id === id)?.value };
}

test("a plan: every cell with its origin, and sums that add up to the cent", async (t) => {
  const { plan, value } = await cells(writeIntake(t));
  assert.equal(plan.date, "2026-11-20");
  assert.equal(value("sizing.rate_users"), 31250);
  assert.equal(value("intake.data.per_day"), 10e12);
  for (const cell of plan.cells) {
    assert.ok(cell.label.en && cell.label.zh, cell.id);
    if (cell.origin === "computed") assert.ok(cell.formula.en && cell.inputs, cell.id);
    if (cell.origin === "assumed") assert.ok(cell.reason, cell.id);
    if (cell.origin === "data") assert.ok(cell.source, cell.id);
    if (cell.unit === "money" && cell.value !== null) assert.ok(Number.isInteger(cell.value), cell.id);
  }
  const given = plan.cells.find((cell) => cell.id === "intake.load.concurrent_users");
  assert.deepEqual([given.origin, given.line], ["given", 3]);
  for (const { id } of plan.tiers) {
    const contract = value(`money.${id}.contract`);
    assert.ok(contract > 0);
    const sum = (name, count) =>
      Array.from({ length: count }, (_, i) => value(`money.${id}.${name}.${i + 1}`)).reduce((a, b) => a + b);
    assert.equal(sum("fee", 3), contract);
    assert.equal(sum("payment", 12), contract);
  }
});

test("the same intake gives the same bytes, another seed other draws", async (t) => {
  const file = writeIntake(t);
  const once = await runRingway("plan", file, "--format", "cells");
  const again = await runRingway("plan", file, "--format", "cells");
  assert.equal(once.stdout, again.stdout);
  const other = await runRingway("plan", file, "--format", "cells", "--seed", "2");
  assert.notEqual(once.stdout, other.stdout);
  const text = await runRingway("plan", file, "--lang", "zh");
  assert.equal(text.code, 0);
  assert.match(text.stdout, /档次: /);
});

test("what if, one tier, and two plans side by side", async (t) => {
  const file = writeIntake(t);
  const what = await runRingway("plan", "whatif", file, "--set", "intake.load.think_time=60s", "--format", "json");
  assert.equal(what.code, 0, what.stderr);
  const changed = JSON.parse(what.stdout).changed;
  const rate = changed.find((cell) => cell.id === "sizing.rate_users");
  assert.equal(rate.before, 31250);
  assert.ok(Math.abs(rate.after - 1000000 / 62) < 1e-6);
  assert.ok(!changed.some((cell) => cell.id === "intake.load.users"));

  const { plan } = await cells(file, "--tier", "t2", "--draws", "0");
  assert.deepEqual(plan.tiers.map((tier) => tier.id), ["t2"]);

  const other = writeIntake(t, intake.replace("10TB", "20TB"), "other.yaml");
  const diff = await runRingway("plan", "diff", file, other, "--cells", "intake.");
  assert.equal(diff.code, 0, diff.stderr);
  assert.match(diff.stdout, /^intake\.data\.per_day: .*10 TB\/day -> 20 TB\/day \(\+100\.0 %\)$/m);
});

test("mistakes: exit code 2, all of them on standard error", async (t) => {
  const file = writeIntake(t, intake.replace("30s", "30 parsecs").replace("10TB", "10TBB"));
  const { code, stdout, stderr } = await runRingway("plan", file);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /intake\.yaml:3:\d+: .*parsecs/);
  assert.match(stderr, /intake\.yaml:4:\d+: .*TBB/);

  const fine = writeIntake(t);
  const wrong = [
    [["--set", "sizing.nothing=1"], /there is no cell sizing\.nothing/],
    [["--set", "intake.load.think_time=20 parsecs"], /parsecs/],
    [["--set", "nonsense"], /^ringway plan: --set nonsense: write cell=value/],
    [["--set", "intake.load.think_tim=20s"], /^ringway plan: --set: there is no cell intake\.load\.think_tim; did you mean "intake\.load\.think_time"/],
    [["--set", "intake.goal.availability=150%"], /a share is at most 1/],
    [["--set", "intake.load.users=-5"], /below zero/],
    [["--tier", "golden"], /there is no such tier/],
    [["--date", "2026-02-30"], /no date/],
    [["--draws", "many"], /no whole number/],
    [["--lang", "fr"], /neither en nor zh/],
    [["--format", "docx"], /--format/],
    [["--prices", join(scratch(t), "nowhere.yaml")], /nowhere\.yaml/],
  ];
  for (const [args, message] of wrong) {
    const answer = await runRingway("plan", fine, ...args);
    assert.equal(answer.code, 2, args.join(" "));
    assert.equal(answer.stdout, "");
    assert.match(answer.stderr, message);
  }
  assert.equal((await runRingway("plan", join(scratch(t), "nowhere.yaml"))).code, 2);
  assert.equal((await runRingway("plan")).code, 2);
  assert.equal((await runRingway("plan", "whatif", fine)).code, 2);
  assert.equal((await runRingway("plan", "diff", fine)).code, 2);
});

// What the intake says, the place that is told, and what is told there: file:line:column, what was read, what would be right.
const broken = [
  ["load: { users: 500 widgets }", "2:20", /"widgets": nothing here is counted in these.*expected a number/],
  ["load: { users: -5 }", "2:16", /"-5": a value below zero/],
  ["load: { users: many }", "2:16", /a number was expected/],
  ["load: { userz: 5 }", "2:9", /unknown field "userz"; did you mean "users"/],
  ["nonsense: { a: 1 }", "2:1", /unknown section "nonsense"/],
  ["goal: { latency: P100<500ms }", "2:18", /"P100": there is no such percentile/],
  ["goal: { latency: 500GB }", "2:18", /measures something else; expected a time/],
  ["goal: { availability: 150% }", "2:23", /a share is at most 100%/],
  ["goal: { availability: 99.95 }", "2:23", /write it with %/],
  ["goal: { utilization: 120% }", "2:22", /a share is at most 100%/],
  ["goal: { deadline: 2027-02-30 }", "2:19", /there is no such date/],
  ["data: { per_day: 10TBB }", "2:20", /"TBB": this unit is unknown; did you mean "TB"/],
  ["money: { budget: $200-100 }", "2:18", /the range ends below its beginning/],
  ["money: { budget: 500万 }", "2:18", /which currency/],
  ["money: { budget: 5 dollarinos }", "2:20", /"dollarinos": this unit is unknown; did you mean "dollars"/],
  ["money: { budget: €5M, tiers: [$1M] }", "2:31", /an amount in USD in a plan in EUR, without a rate/],
  ["phases:\n  - { name: a, duration: 4-3 months }", "3:26", /the range ends below its beginning/],
  ["phases:\n  - { name: a, share: 130% }", "3:23", /a share is at most 100%/],
  ["phases:\n  - { name: a }\n  - { name: b, after: c }", "4:23", /no phase "c" stands above this one/],
  ["load: { users: 5, users: 6 }", "2:19", /is there twice; first in line 2/],
];

test("a broken intake: one mistake, at its place, with what would be right", async (t) => {
  for (const [text, place, message] of broken) {
    const file = writeIntake(t, `intake: ringway/1\n${text}\n`);
    const { code, stdout, stderr } = await runRingway("plan", file);
    assert.equal(code, 2, text);
    assert.equal(stdout, "", text);
    assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    assert.ok(stderr.includes(`intake.yaml:${place}: `), stderr);
    assert.match(stderr, message);
  }
});

test("mistakes are told in the language of the file, or the one that is asked for", async (t) => {
  const file = writeIntake(t, "需求: ringway/1\n业务规模: { 用户量级: 5 }\n");
  assert.match((await runRingway("plan", file)).stderr, /:2:9: 未知字段 "用户量级"；是否应为“用户量”？/);
  assert.match((await runRingway("plan", file, "--lang", "en")).stderr, /:2:9: unknown field/);
  const english = writeIntake(t, "intake: ringway/1\nload: { userz: 5 }\n", "en.yaml");
  assert.match((await runRingway("plan", english)).stderr, /unknown field "userz"; did you mean "users"\?/);
  assert.match((await runRingway("plan", english, "--lang", "zh")).stderr, /未知字段 "userz"；是否应为“users”？/);
});

test("other files: another version, a gateway's configuration, two documents, two customers", async (t) => {
  const customer = (name, users) => `[客户行业]：${name}\n- 业务规模：用户量${users}\n`;
  const files = [
    ["intake: ringway/2\n", /:1:9: an intake of version "ringway\/2"; this program reads ringway\/1/],
    ["gateway:\n  listeners: []\n", /:1:1: this is no intake: its first line is "intake: ringway\/1"/],
    ["intake: ringway/1\n---\nintake: ringway/1\n", /:2:1: a second document begins/],
    [`${customer("保险", "200万+")}\n=====\n${customer("航空", "50+")}`, /:5:1: \[客户行业\]再次出现（首次在第 1 行）/],
    ["", /:1:1: this is no intake/],
  ];
  for (const [text, message] of files) {
    const { code, stdout, stderr } = await runRingway("plan", writeIntake(t, text));
    assert.deepEqual([code, stdout], [2, ""], text);
    assert.match(stderr, message);
  }
});

test("an old price of one's own is told where it stands", async (t) => {
  const price = "provider: aws, service: nat_gateway, sku: gateway, region: us-east-1, term: on_demand, unit: hour";
  const prices = writeIntake(t, `schema: ringway.prices/1\nprices:\n  - { ${price}, price: 0.04, currency: USD, source: offer, date: "2024-01-05" }\n`, "prices.yaml");
  const { code, stdout } = await runRingway("plan", writeIntake(t), "--prices", prices, "--draws", "0");
  assert.equal(code, 0);
  assert.match(stdout, /prices\.yaml:3:\d+: warning \(price_old\): aws nat_gateway gateway.*2024-01-05.*2026-11-20/);
});

test("a missing price and an old rate are told; no total is a silent zero", async (t) => {
  const text = `${intake}rates: [{ currency: EUR, rate: 1.1, date: 2024-01-01 }]\n`;
  const { code, stdout } = await runRingway("plan", writeIntake(t, text), "--draws", "0");
  assert.equal(code, 0);
  assert.match(stdout, /\(rate_old\): The rate of EUR is of 2024-01-01/);
  const unpriced = writeIntake(t, `${intake}sites: [{ name: dc, provider: onprem, region: London }]\n`);
  const { plan, value } = await cells(unpriced, "--draws", "0");
  assert.ok(plan.findings.some((finding) => /price_missing|unpriced/.test(finding.rule)));
  for (const { id } of plan.tiers) assert.notEqual(value(`money.${id}.cost_year`), 0);
});

test("the schema of the intake knows its fields in both languages", async () => {
  const { code, stdout } = await runRingway("schema", "--format", "intake");
  assert.equal(code, 0);
  const schema = JSON.parse(stdout);
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  assert.ok(schema.properties.load.properties.users && schema.properties.业务规模.properties.用户量);
});

// A terminal of its own for the program: util-linux's script runs it in a pseudo-terminal.
function inTerminal(command, answers) {
  const answered = spawnSync("script", ["-qec", command, "/dev/null"], { input: `${answers.join("\n")}\n`, encoding: "utf8", timeout: 60000 });
  return answered.stdout;
}

const noTerminal = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0 ? false : "NO script (util-linux), or no pseudo-terminals";

for (const language of ["zh", "en"])
  test(`init asks in a terminal, in ${language}, until an answer is right`, { skip: noTerminal }, async (t) => {
    const out = join(scratch(t), "asked.yaml");
    const answers = ["Claims", "Example", "2026-13-45", "2026-11-20", "USD", "insurance", ".", "?", "500 widgets", "500万+", ".."];
    const said = inTerminal(`'${process.env.RINGWAY ?? "build/release/ringway"}' plan init --lang ${language} --out '${out}'`, answers);
    assert.match(said, language === "zh" ? /客户名称: / : /Customer: /);
    assert.match(said, language === "zh" ? /有误：.*日期不存在/ : /no: .*there is no such date/);
    assert.match(said, language === "zh" ? /有误：.*计数对象未知/ : /no: .*nothing here is counted in these/);
    assert.match(said, language === "zh" ? /未填时：/ : /without it: /);
    const written = readFileSync(out, "utf8");
    assert.match(written, language === "zh" ? /^需求: ringway\/1/m : /^intake: ringway\/1/m);
    assert.match(written, /5000000|500万/);
    assert.equal((await runRingway("plan", out, "--draws", "0")).code, 0);
  });
