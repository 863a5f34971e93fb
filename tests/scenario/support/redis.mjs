// A Redis server: as Debian ships it, in the foreground, without files.

import { spawn } from "node:child_process";
import process from "node:process";
import { cleanup, guardProcess, scratch } from "./cleanup.mjs";
import { freePort } from "./ports.mjs";
import { run } from "./run.mjs";
import { eventually, within } from "./wait.mjs";

class Redis {
  constructor(folder, port, args) {
    Object.assign(this, { folder, port, args, address: `127.0.0.1:${port}` });
  }

  async start() {
    const args = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", this.folder];
    const child = spawn("redis-server", [...args, ...this.args], { detached: true, stdio: "ignore" });
    guardProcess(child);
    this.child = child;
    this.exited = new Promise((resolve) => child.once("close", resolve));
    await eventually(async () => /PONG|NOAUTH/.test((await this.ask("PING")).stdout), { within: 30000, what: "redis-server answers" });
  }

  ask(...words) {
    return run("redis-cli", ["-h", "127.0.0.1", "-p", String(this.port), ...words], { timeout: 10000 });
  }

  // It neither answers nor closes until it is resumed.
  pause() {
    this.child.kill("SIGSTOP");
  }

  resume() {
    this.child.kill("SIGCONT");
  }

  async kill() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    process.kill(-this.child.pid, "SIGKILL");
    await within(10000, "redis-server is killed", this.exited);
  }
}

export async function startRedis(t, ...args) {
  const redis = new Redis(scratch(t), await freePort(), args);
  cleanup(t, () => redis.kill());
  await redis.start();
  return redis;
}
