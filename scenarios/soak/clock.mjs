// The time in which the machine let this process run. A soak may share the machine with work that matters more: whoever gets
// no CPU for half a minute is no proof of anything, so patience is counted in this time.

import { readFileSync, readdirSync } from "node:fs";

const TICK_MS = 20;
const STEP_MS_MAX = 100; // of one tick; what is beyond it this process was held up

// How long the threads of these processes have waited for a CPU, the one that waited most: milliseconds.
export function cpuWaitMs(pids) {
  let most = 0;
  for (const pid of pids) {
    try {
      for (const thread of readdirSync(`/proc/${pid}/task`)) most = Math.max(most, Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[1]) / 1e6);
    } catch {
      // It has ended.
    }
  }
  return most;
}

export class Clock {
  constructor() {
    Object.assign(this, { ranMs: 0, heldUpMs: 0, waiting: new Set(), last: performance.now() });
    this.timer = setInterval(() => this.#tick(), TICK_MS);
  }

  #tick() {
    const now = performance.now();
    const passed = now - this.last;
    this.last = now;
    this.ranMs += Math.min(passed, STEP_MS_MAX);
    this.heldUpMs = Math.max(this.heldUpMs, passed - TICK_MS);
    for (const one of this.waiting)
      if (one.until <= this.ranMs) {
        this.waiting.delete(one);
        one.fire();
      }
  }

  // Calls `fire` when this process has run for so long, unless what it gives is called before.
  after(ms, fire) {
    const one = { until: this.ranMs + ms, fire };
    this.waiting.add(one);
    return () => this.waiting.delete(one);
  }

  stop() {
    clearInterval(this.timer);
  }
}
