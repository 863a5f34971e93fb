// The program under test: started on a configuration of its own, in a folder of its own.
//
//   const gateway = await startGateway(t, `
//     routes: [{ upstream: app }]
//     upstreams: [{ name: app, endpoints: ["127.0.0.1:${origin.port}"] }]`);
//
// What the text does not have is added: a listener named `web` (gateway.url), two threads, an admin
// listener (gateway.admin), an access log (gateway.accessLines()), and that nobody watches the file.

import { spawn } from "node:child_process";
import { readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { cleanup, guardProcess, scratch } from "./cleanup.mjs";
import { json, request } from "./client.mjs";
import { parseMetrics } from "./metrics.mjs";
import { freePort } from "./ports.mjs";
import { ringway } from "./run.mjs";
import { eventually, within } from "./wait.mjs";

// Takes the indentation of the first line off all lines.
export function yaml(text) {
  const lines = text.replace(/^\n/, "").split("\n");
  const indent = /^ */.exec(lines.find((line) => line.trim()) ?? "")[0];
  return `${lines.map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line.trimStart())).join("\n").trimEnd()}\n`;
}

// The last line of what it says at its start: how to try it; where that is not by HTTP, what it logs.
function hasGreeted(text) {
  const byHttp = /^ {2}listener +\S+ +(?!tcp:)\S/m.test(text);
  return (byHttp ? /^try: /m : /^ {2}log /m).test(text);
}

class Gateway {
  constructor({ folder, port, adminPort, program, before, args, env, watched }) {
    Object.assign(this, { folder, port, adminPort, program, watched });
    this.url = `http://127.0.0.1:${port}`;
    this.admin = `http://127.0.0.1:${adminPort}`;
    this.configFile = join(folder, "ringway.yaml");
    this.accessFile = join(folder, "access.log");
    this.args = [...before, "serve", ...args, this.configFile];
    this.env = env;
    this.stderr = "";
    this.stdout = "";
  }

  complete(text) {
    const lines = [yaml(text)];
    const lacks = (key) => !new RegExp(`^${key}:`, "m").test(lines[0]);
    if (lacks("listeners")) lines.push(`listeners: [{ name: web, address: "127.0.0.1:${this.port}" }]\n`);
    if (lacks("threads")) lines.push("threads: 2\n");
    if (lacks("watch_file") && !this.watched) lines.push("watch_file: false\n"); // a test says itself when it is read
    if (lacks("admin")) lines.push(`admin: "127.0.0.1:${this.adminPort}"\n`);
    if (lacks("access_log")) lines.push(`access_log: ${this.accessFile}\n`);
    return lines.join("");
  }

  // As a careful editor does it: the file is replaced at once.
  configure(text, { raw = false } = {}) {
    const next = `${this.configFile}.next`;
    writeFileSync(next, raw ? text : this.complete(text));
    renameSync(next, this.configFile);
  }

  spawn() {
    const child = spawn(this.program, this.args, {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...this.env },
      cwd: this.folder,
    });
    guardProcess(child);
    this.child = child;
    this.pid = child.pid;
    child.stdout.on("data", (data) => (this.stdout += data));
    child.stderr.on("data", (data) => (this.stderr += data));
    this.exited = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
  }

  async ready(patience = 30000) {
    await eventually(() => this.exit || hasGreeted(this.stderr), { within: patience, every: 10, what: "the gateway is ready" });
    if (this.exit) throw new Error(`the gateway ended with ${JSON.stringify(this.exit)}:\n${this.stderr}`);
  }

  // The worker processes.
  workers() {
    try {
      return readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "latin1").trim().split(/\s+/).filter(Boolean).map(Number);
    } catch {
      return [];
    }
  }

  residentBytes() {
    const of = (pid) => {
      try {
        return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) * 1024;
      } catch {
        return 0;
      }
    };
    return [this.pid, ...this.workers()].map(of).reduce((a, b) => a + b, 0);
  }

  signal(name) {
    process.kill(this.pid, name);
  }

  async stop({ patience = 20000, signal = "SIGTERM" } = {}) {
    if (this.exit) return this.exit;
    this.signal(signal);
    return within(patience, `the gateway ends after ${signal}`, this.exited);
  }

  async kill() {
    if (this.exit) return;
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // Gone already.
    }
    await within(5000, "the gateway is killed", this.exited);
  }

  // ---- To see it work ----

  get(path, options) {
    return request(`${this.url}${path}`, options);
  }

  status() {
    return json(`${this.admin}/status`);
  }

  async metrics() {
    return parseMetrics((await request(`${this.admin}/metrics`)).text);
  }

  async metric(name, labels) {
    return (await this.metrics()).value(name, labels);
  }

  // Waits until the configuration in force has a higher number than before.
  async reload(text, how = () => this.signal("SIGHUP")) {
    const { generation } = await this.status();
    if (text !== undefined) this.configure(text);
    await how();
    await eventually(async () => (await this.status()).generation > generation, { what: "a new configuration is in force" });
  }

  // Lines of the error log, which shares standard error with the banner.
  logLines() {
    return this.stderr
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
  }

  accessLinesNow() {
    try {
      return readFileSync(this.accessFile, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    } catch (error) {
      if (error.code === "ENOENT") return [];
      throw error;
    }
  }

  // Waits for at least `count` lines that `filter` takes.
  accessLines(count = 1, filter = () => true) {
    return eventually(
      () => {
        const lines = this.accessLinesNow().filter(filter);
        return lines.length >= count && lines;
      },
      { what: `${count} lines in the access log` },
    );
  }

  files() {
    return readdirSync(this.folder);
  }
}

// With another `program` (one that executes it), `before` are that one's arguments.
// `watched`: nothing is said about watch_file.
export async function prepareGateway(t, text, { args = [], env = {}, program = ringway, before = [], watched = false } = {}) {
  const folder = scratch(t);
  const port = await freePort();
  const adminPort = await freePort();
  const gateway = new Gateway({ folder, port, adminPort, program, before, args, env, watched });
  const raw = typeof text === "function" ? text(gateway) : text;
  gateway.configure(raw);
  return gateway;
}

export async function startGateway(t, text, options = {}) {
  const gateway = await prepareGateway(t, text, options);
  cleanup(t, async () => {
    const exit = await gateway.stop({ patience: 10000 }).catch(() => null);
    await gateway.kill();
    const sanitizer = /(ERROR|WARNING): \w+Sanitizer[^\n]*|runtime error: [^\n]*/.exec(gateway.stderr);
    if (sanitizer) throw new Error(`${sanitizer[0]}\n${gateway.stderr}`);
    const assertion = /assert(ion)?[^\n]* failed[^\n]*/i.exec(gateway.stderr);
    if (assertion) throw new Error(assertion[0]);
    if (!options.mayHang && exit === null) throw new Error("the gateway did not end within 10 s of SIGTERM");
  });
  gateway.spawn();
  await gateway.ready(options.patience);
  return gateway;
}
