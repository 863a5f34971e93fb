// Looks at the gateway while a part runs: what is open, what is under way, memory. Shows it, keeps it for the charts.

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_MS = 1000;
// Reading a process's memory map holds up its page faults for a moment.
const MEMORY_LOOKS = 5;
const LINE_LOOKS = 10; // without a terminal

export const MIB = 1024 * 1024;
export const whole = (number) => Math.round(number).toLocaleString("en");

export class Watch {
  constructor(gateway, title) {
    Object.assign(this, { gateway, title, samples: [], begun: Date.now(), looks: 0, ended: false, missed: 0 });
    this.most = { open: 0, active: 0, bytes: gateway.userBytes() };
    this.first = this.most.bytes;
    this.running = this.#run();
  }

  async #run() {
    while (!this.ended) {
      await this.look(this.looks % MEMORY_LOOKS === 0).catch(() => this.missed++);
      this.#show();
      this.looks++;
      await sleep(LOOK_MS);
    }
  }

  async look(memory) {
    const metrics = await this.gateway.metrics();
    const sample = {
      seconds: (Date.now() - this.begun) / 1000,
      open: metrics.value("ringway_connections_open") - 1, // ours
      active: metrics.value("ringway_requests_active") - 1,
      requests: metrics.value("ringway_requests_total"),
    };
    if (memory) sample.bytes = this.gateway.userBytes();
    for (const key of ["open", "active", "bytes"]) if (sample[key] > this.most[key]) this.most[key] = sample[key];
    this.samples.push(sample);
    return sample;
  }

  #show() {
    const last = this.samples.at(-1);
    if (!last) return;
    const before = this.samples.at(-2);
    const rate = before ? (last.requests - before.requests) / (last.seconds - before.seconds) : 0;
    const text = `${this.title}: ${Math.round(last.seconds)} s, ${whole(last.open)} connections, ${whole(last.active)} requests under way, ${whole(rate)} answers/s, ${whole(this.most.bytes / MIB)} MiB`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
    else if (this.looks % LINE_LOOKS === 0) process.stderr.write(`${text}\n`);
  }

  async stop() {
    this.ended = true;
    await this.running;
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}
