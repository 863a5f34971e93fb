#!/usr/bin/env node
// A gateway that lives for a while: see README.md beside this file, and `run.mjs --help`.

import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import os from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort, stopAll } from "../million/programs.mjs";
import { Clients } from "./clients.mjs";
import { Diary } from "./diary.mjs";
import { SoakGateway } from "./gateway.mjs";
import { asText, judge } from "./judge.mjs";
import { UsageError, readOptions, usage } from "./options.mjs";
import { Origins } from "./origins.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const say = (text) => process.stdout.write(`${text}\n`);

async function choosePorts() {
  const ports = { origins: [] };
  for (const name of ["web", "secure", "extra", "admin"]) ports[name] = await freePort();
  for (let i = 0; i < 3; i++) ports.origins.push(await freePort());
  return ports;
}

// Every so many seconds until the end; one after the other, and none while a look is taken.
class Every {
  constructor(seconds, action) {
    Object.assign(this, { seconds, action, next: seconds });
  }

  async turn(elapsed) {
    if (!this.seconds || elapsed < this.next) return;
    this.next += this.seconds * Math.max(1, Math.ceil((elapsed - this.next) / this.seconds));
    await this.action();
  }
}

class Soak {
  constructor(options, gateway, clients, diary) {
    Object.assign(this, { options, gateway, clients, diary, looks: [], begun: Date.now() });
  }

  elapsed() {
    return (Date.now() - this.begun) / 1000;
  }

  async #connections() {
    const metrics = await this.gateway.metrics();
    return metrics.value("ringway_connections_open") + metrics.value("ringway_upstream_connections_open");
  }

  // Old worker processes have drained, the connections of clients and the idle ones to origins are closed.
  async #atRest() {
    await this.clients.rest();
    await this.gateway.rest();
    let last;
    for (const end = Date.now() + 60000; Date.now() < end; await sleep(250)) {
      const now = JSON.stringify([this.gateway.workers(), this.gateway.resources().descriptors]);
      if (now === last && this.gateway.workers().length === 1 && (await this.#connections()) <= 1) return;
      last = now;
    }
  }

  async look() {
    await this.#atRest();
    const status = JSON.parse((await this.gateway.ask("/status")).text);
    const look = { seconds: Math.round(this.elapsed()), ...this.gateway.resources(), snapshots: status.snapshots, answered: this.clients.answered() };
    this.looks.push(look);
    if (this.options.out) appendFileSync(this.options.out, `${JSON.stringify(look)}\n`);
    say(`${look.seconds} s: ${look.answered} answered, ${this.diary.count} failed, ${Math.round(look.bytes / 1024)} KiB, ${look.descriptors} descriptors, ${look.threads} threads, ${look.snapshots} snapshots, ${this.gateway.reloads} reloads, ${this.gateway.upgrades} upgrades, ${this.gateway.kills} kills`);
    for (const line of this.diary.takeNews()) say(`  ${line}`);
  }

  async #change(until) {
    const { options, gateway, diary } = this;
    const told = (what, act) => async () => {
      diary.changed(`${what} began`);
      await act();
      diary.changed(`${what} was done`);
    };
    const reloading = new Every(options.reload, told("a reload", () => gateway.reload()));
    this.rare ??= [new Every(options.upgrade, told("an upgrade", () => gateway.upgrade())), new Every(options.kill, () => gateway.kill(diary))];
    while (this.elapsed() < until) {
      await reloading.turn(this.elapsed() - this.phaseBegun);
      for (const action of this.rare) await action.turn(this.elapsed());
      await sleep(50);
    }
  }

  async #phase(seconds) {
    this.phaseBegun = this.elapsed();
    await Promise.all([this.clients.run(seconds, this.options.rate), this.#change(this.phaseBegun + seconds)]);
  }

  // The first phase warms everything up.
  async live() {
    const { minutes, look } = this.options;
    const end = minutes * 60;
    while (this.elapsed() < end) {
      if (this.gateway.exit) throw this.gateway.fail("has ended");
      await this.#phase(Math.min(look, Math.max(1, end - this.elapsed())));
      await this.look();
    }
  }
}

function wanted({ minutes, rate, reload, upgrade }) {
  const seconds = minutes * 60;
  const reloads = seconds / reload / 3; // the looks take their time, too
  return { answered: Math.floor((seconds * rate) / 4), reloads: Math.floor((reloads * 4) / 5), refused: Math.floor(reloads / 5), upgrades: upgrade ? Math.floor(seconds / upgrade / 2) : 0 };
}

async function soak(options, folder) {
  const ports = await choosePorts();
  const origins = new Origins(ports.origins);
  const prepared = SoakGateway.prepare({ ringway: options.ringway, folder, ports });
  await origins.start();
  const gateway = await SoakGateway.launch(prepared);
  const diary = new Diary(
    () => gateway.pids(),
    (failure) => options.out && appendFileSync(options.out, `${JSON.stringify(failure)}\n`),
  );
  const run = new Soak(options, gateway, new Clients(ports, diary), diary);
  await run.live();
  await gateway.stop();
  await origins.stop();
  const { clients, looks } = run;
  const { heldUpMs } = diary.clock;
  diary.clock.stop();
  if (heldUpMs > 2000) say(`The soak itself was held up for ${(heldUpMs / 1000).toFixed(1)} s: the machine has other work.`);
  if (diary.lost) say(`${diary.lost} requests were lost with the processes that were killed while they held them.`);
  const alarms = gateway.alarms();
  for (const line of alarms.slice(0, 20)) say(`alarm: ${line}`);
  const verdicts = judge({ looks, failures: diary.count, alarms: alarms.length, answered: clients.answered(), gateway, wanted: wanted(options), exit: gateway.exit });
  say(`\n${asText(verdicts)}`);
  const good = verdicts.every(({ met }) => met);
  say(good ? "\nAll as it should be." : "\nNot as it should be.");
  return good ? 0 : 1;
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    say(usage);
    return 0;
  }
  options.ringway ??= join(root, "build/release/ringway");
  if (!existsSync(options.ringway)) throw new UsageError(`${options.ringway} is not there: make build makes it`);
  if (options.out) writeFileSync(options.out, "");
  os.setPriority(0, options.nice); // what is started from here on has it, too
  const folder = mkdtempSync(join(tmpdir(), "ringway-soak-"));
  try {
    return await soak(options, folder);
  } finally {
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
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
process.exit();
