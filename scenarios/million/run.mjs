#!/usr/bin/env node
// The million: see README.md beside this file, and `run.mjs --help`.

import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { commandOf, describeMachine, needs, setSysctls, tooLow } from "./machine.mjs";
import { UsageError, readOptions, usage } from "./options.mjs";
import { asPage, asText, kept } from "./page.mjs";
import * as parts from "./parts.mjs";
import { stopAll } from "./programs.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const say = (text) => process.stdout.write(`${text}\n`);

function findPrograms(options) {
  options.ringway ??= join(root, "build/release/ringway");
  options.origin ??= join(dirname(options.ringway), "bench/bench_origin_h2");
  for (const file of [options.ringway, options.origin]) {
    try {
      accessSync(file, constants.X_OK);
    } catch {
      throw new UsageError(`${file} is not there: make million builds it`);
    }
  }
}

function checkMachine(options) {
  const wanted = (part, count) => (options.only.includes(part) ? count : 0);
  const list = () => tooLow(needs({ connections: wanted("connections", options.connections), toolConnections: wanted("tools", options["tool-connections"]) }));
  if (options["set-sysctls"]) setSysctls(list());
  const low = list();
  for (const need of low) say(`too low: ${need.name} is ${need.is}, needed ${need.needs}: ${need.why}\n  ${commandOf(need)}`);
  if (low.some((need) => !need.command)) say("(--set-sysctls sets those that are sysctls, until the machine is started again)");
  return low.length === 0;
}

async function runParts(options) {
  const results = [];
  for (const name of partsInOrder(options)) {
    results.push(await parts[name](options));
    say(asText(results.at(-1)));
  }
  return results;
}

const partsInOrder = (options) => ["connections", "requests", "tools"].filter((name) => options.only.includes(name));

function writePage(options, page) {
  const file = options.out ?? (options.small ? null : join(root, "bench/MILLION.md"));
  if (!file) return;
  writeFileSync(file, page);
  say(`\nwritten: ${file}`);
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    say(usage);
    return 0;
  }
  findPrograms(options);
  const machine = describeMachine();
  for (const [name, value] of machine) say(`${name}: ${value}`);
  if (!checkMachine(options)) return 3;
  const begun = Date.now();
  const results = await runParts(options);
  const when = new Date(begun).toISOString().slice(0, 16).replace("T", " ");
  writePage(options, asPage({ machine, results, minutes: (Date.now() - begun) / 60000, when: `${when} UTC` }));
  const good = results.every(kept);
  say(good ? "\nAll promises kept." : "\nPromises missed.");
  return good ? 0 : 1;
}

for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, async () => {
    await stopAll();
    process.exit(1);
  });

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof UsageError ? error.message : error.stack}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
} finally {
  await stopAll();
}
