// `ringway plan`: a plan of an intake, what-ifs, differences, and mistakes told with their place.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
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
    [["--set", "nonsense"], /write cell=value/],
    [["--tier", "golden"], /there is no such tier/],
    [["--date", "2026-02-30"], /no date/],
    [["--draws", "many"], /no whole number/],
    [["--lang", "fr"], /neither zh nor en/],
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
