// The programs of a run, each started here and ended here, whatever happens.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import process from "node:process";

const config = fileURLToPath(new URL("gateway.yaml", import.meta.url));
const running = new Set();

// The soft limit of descriptors is low for the sake of old programs; wrk and h2load do not raise it.
const raised = ["/bin/sh", "-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh"];

export class Program {
  constructor(name, command, env = {}) {
    this.name = name;
    this.stdout = "";
    this.stderr = "";
    const [file, ...args] = [...raised, ...command.map(String)];
    this.child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.pid = this.child.pid;
    running.add(this);
    this.child.stdout.on("data", (data) => (this.stdout += data));
    this.child.stderr.on("data", (data) => (this.stderr += data));
    this.ended = new Promise((resolve) => {
      const end = (code, signal) => {
        running.delete(this);
        this.exit = { code, signal };
        resolve(this.exit);
      };
      this.child.once("error", (error) => end(error.message, null));
      this.child.once("close", end);
    });
  }

  signal(name) {
    this.child.kill(name); // false when it has ended
  }

  // In order; after `patience` at once.
  async stop(patience = 60000) {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), patience);
    await this.ended;
    clearTimeout(timer);
  }

  fail(what) {
    return new Error(`${this.name} ${what}${this.exit ? ` (exit ${this.exit.code ?? this.exit.signal})` : ""}\n${this.stderr.slice(-2000)}`);
  }

  // Until `look` gives something.
  async until(look, what, patience = 60000) {
    for (const end = Date.now() + patience; Date.now() < end && !this.exit; await sleep(50)) {
      const found = look();
      if (found) return found;
    }
    throw this.fail(`: ${what} has not come`);
  }
}

// The gateway's processes end with their supervisor, which SIGTERM asks.
export async function stopAll() {
  await Promise.all([...running].map((program) => program.stop(20000)));
}

// Below the range that the kernel gives to those who connect.
export async function freePort() {
  for (let tries = 0; tries < 200; tries++) {
    const port = 20000 + Math.floor(Math.random() * 10000);
    const server = net.createServer();
    const free = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error("no free port from 20000 to 30000");
}

// ---- The gateway ----

export class Gateway extends Program {
  static async start({ ringway, processes, originPort }) {
    const port = await freePort();
    const adminPort = await freePort();
    const env = { PORT: String(port), ADMIN_PORT: String(adminPort), ORIGIN_PORT: String(originPort) };
    const gateway = new Gateway("ringway serve", [ringway, "serve", "--processes", processes, config], env);
    Object.assign(gateway, { port, adminPort, processes });
    await gateway.until(() => /^try: /m.test(gateway.stderr), "its greeting");
    return gateway;
  }

  url(path, host = "127.0.0.1") {
    return `http://${host}:${this.port}${path}`;
  }

  pids() {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "latin1").trim();
    return [this.pid, ...children.split(/\s+/).filter(Boolean).map(Number)];
  }

  // Anonymous and shared memory of all its processes; a page that several of them have counts once. Not in it: pages of
  // files (the program's text), which are the page cache's.
  userBytes() {
    let kib = 0;
    for (const pid of this.pids()) {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
      for (const [, amount] of rollup.matchAll(/^Pss_(?:Anon|Shmem):\s+(\d+) kB$/gm)) kib += Number(amount);
    }
    return kib * 1024;
  }

  cpuSeconds() {
    const ticks = this.pids().map((pid) => readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\) /s, "").split(" "));
    return ticks.reduce((sum, fields) => sum + Number(fields[11]) + Number(fields[12]), 0) / 100;
  }

  async metrics() {
    const response = await fetch(`http://127.0.0.1:${this.adminPort}/metrics`, { signal: AbortSignal.timeout(20000) });
    return new Metrics(await response.text());
  }
}

class Metrics {
  constructor(text) {
    this.text = text;
  }

  // The sum of a family's samples that have all these labels.
  value(name, labels = {}) {
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
    let sum = 0;
    for (const [, has, value] of this.text.matchAll(new RegExp(`^${name}(\\{[^\\n]*\\})? (\\S+)$`, "gm"))) if (wanted.every((label) => has?.includes(label))) sum += Number(value);
    return sum;
  }
}

// ---- The origin ----

export class Origin extends Program {
  static async start({ origin, holdSeconds = 0 }) {
    const port = await freePort();
    const program = new Origin("bench_origin_h2", [origin, port, holdSeconds * 1000]);
    program.port = port;
    await program.listens();
    return program;
  }

  async listens() {
    for (const end = Date.now() + 10000; Date.now() < end && !this.exit; await sleep(20)) {
      const connected = await new Promise((resolve) => {
        const socket = net.connect(this.port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
      });
      if (connected) return;
    }
    throw this.fail("does not listen");
  }

  // {requests, held}
  async tell() {
    const before = this.stdout.length;
    this.signal("SIGUSR1");
    const line = await this.until(() => /.*\n/.exec(this.stdout.slice(before))?.[0], "its figures");
    return JSON.parse(line);
  }
}

// ---- The generator ----

export const startLoad = (ringway, args) => new Program("ringway load", [ringway, "load", "--json", "--quiet", ...args]);

export async function loadResult(load) {
  await load.ended;
  if (!load.stdout.startsWith("{")) throw load.fail("has no result");
  return JSON.parse(load.stdout);
}
