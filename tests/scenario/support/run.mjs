// A program that runs and ends: its exit code and what it said.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
export const ringway = process.env.RINGWAY ?? join(root, "build/release/ringway");

// Sanitizers make a program slow and large: bounds on time and memory are not for them.
export const sanitized = /__[at]san_init/.test(readFileSync(ringway, "latin1"));

export function installed(program) {
  return (process.env.PATH ?? "")
    .split(":")
    .concat("/usr/sbin", "/sbin")
    .some((folder) => existsSync(join(folder, program)));
}

export function run(program, args, { input = "", env = {}, cwd, timeout = 30000 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, cwd, timeout, killSignal: "SIGKILL" });
    const out = [];
    let stderr = "";
    child.stdout.on("data", (data) => out.push(data));
    child.stderr.on("data", (data) => (stderr += data));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const bytes = Buffer.concat(out);
      resolve({ code, signal, bytes, stdout: bytes.toString(), stderr });
    });
  });
}

export const runRingway = (...args) => run(ringway, args);
