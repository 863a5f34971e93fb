// What happened when: each change (a reload, an upgrade, a killed process) and each request that failed, with what is known of it
// and the change next to it.

import { Clock, cpuWaitMs } from "./clock.mjs";

const CHANGES_KEPT = 100;
const FAILURES_KEPT = 1000;
const NEAR_MS = 30000;
const LOOK_MS = 250;

const seconds = (ms) => (ms / 1000).toFixed(1);

// What a failure is, from what the client saw of it.
export function kindOf({ code, message, status, connection, stage }) {
  if (status) return "another answer";
  if (/no answer within/.test(message)) return "no answer";
  if (code === "ECONNREFUSED") return "connection refused";
  if (stage === "answer") return "answer cut short";
  if (/ECONNRESET|EPIPE/.test(code ?? "") || /hang up|closed without/.test(message)) return `${connection} connection closed`;
  return "other";
}

export class Diary {
  constructor(pids, write = () => {}) {
    Object.assign(this, { pids, write, begun: performance.now(), changes: [], failures: [], count: 0, lost: 0, clock: new Clock(), told: 0 });
  }

  now() {
    return performance.now() - this.begun;
  }

  changed(what) {
    this.changes.push({ what, at: this.now() });
    if (this.changes.length > CHANGES_KEPT) this.changes.shift();
  }

  // As of lately: to ask the kernel for each request would be the soak's main work.
  #cpuWaitMs() {
    const now = this.now();
    if (!(now - this.lookedAt < LOOK_MS)) {
      this.lookedAt = now;
      this.lastCpuWaitMs = cpuWaitMs(this.pids());
    }
    return this.lastCpuWaitMs;
  }

  // What is known when a request begins.
  begin(kind) {
    return { kind, at: this.now(), ranMs: this.clock.ranMs, cpuWaitMs: this.#cpuWaitMs() };
  }

  #beside(at) {
    const near = this.changes.filter((change) => Math.abs(at - change.at) < NEAR_MS).sort((a, b) => Math.abs(at - a.at) - Math.abs(at - b.at))[0];
    return near && `${seconds(Math.abs(at - near.at))} s ${at < near.at ? "before" : "after"} ${near.what}`;
  }

  // A process that is killed loses the connections that it held, and nothing else.
  #wasHeld(kind, connectedAt) {
    return / closed$|^answer cut/.test(kind) && connectedAt !== undefined && this.changes.some(({ what, at }) => /^kill /.test(what) && connectedAt <= at);
  }

  failed(request, error) {
    const { connection, stage, status, code, connectedAt } = error;
    const at = this.now();
    const kind = kindOf({ connection, stage, status, code, message: error.message });
    const lost = this.#wasHeld(kind, connectedAt);
    const failure = {
      failed: kind,
      request: request.kind,
      message: error.message,
      connection,
      stage,
      at: Number(seconds(at)),
      lasted: Number(seconds(at - request.at)),
      ran: Number(seconds(this.clock.ranMs - request.ranMs)),
      waited_for_cpu: Number(seconds(Math.max(0, this.#cpuWaitMs() - request.cpuWaitMs))), // 0 for a new process
      beside: this.#beside(at),
      lost_with_killed_process: lost || undefined,
    };
    this.write(failure);
    if (lost) this.lost++;
    else this.count++;
    if (!lost && this.failures.length < FAILURES_KEPT) this.failures.push(failure);
  }

  // A line for each failure since the last call; those that are alike and near share one.
  takeNews() {
    const groups = new Map();
    for (const failure of this.failures.slice(this.told)) {
      const key = [failure.failed, failure.request, failure.message, failure.connection, failure.beside?.replace(/^\S+ s/, ""), Math.round(failure.at / 5)].join();
      groups.set(key, [...(groups.get(key) ?? []), failure]);
    }
    this.told = this.failures.length;
    return [...groups.values()].map(([first, ...others]) => `${asText(first)}${others.length ? `; ${others.length} more like it` : ""}`);
  }
}

function asText({ failed, request, message, connection, at, lasted, ran, waited_for_cpu, beside }) {
  const machine = `of its ${lasted} s this soak ran ${ran} s, and a thread of the gateway waited ${waited_for_cpu} s for a CPU`;
  return `failed at ${at} s${beside ? `, ${beside}` : ""}: ${request}${connection ? ` over a ${connection} connection` : ""}: ${failed} (${message}); ${machine}`;
}
