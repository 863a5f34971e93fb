// What a test started is stopped in the reverse order, whatever becomes of the test; what is left
// when this process ends is killed by its id.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const stacks = new WeakMap();
const groups = new Set(); // ids of process groups
const folders = new Set();

process.on("exit", () => {
  for (const id of groups) {
    try {
      process.kill(-id, "SIGKILL");
    } catch {
      // It has gone by itself.
    }
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(1));

export function cleanup(t, action) {
  let stack = stacks.get(t);
  if (!stack) {
    stack = [];
    stacks.set(t, stack);
    t.after(async () => {
      const errors = [];
      while (stack.length) await Promise.resolve(stack.pop()()).catch((error) => errors.push(error));
      if (errors.length) throw errors[0];
    });
  }
  stack.push(async () => action());
}

// A child that was spawned with `detached`: it leads a process group of its own.
export function guardProcess(child) {
  groups.add(child.pid);
  child.once("exit", () => setTimeout(() => groups.delete(child.pid), 5000).unref());
}

// A folder that is removed when this process ends.
export function scratchForAll() {
  const folder = mkdtempSync(join(tmpdir(), "ringway-scenario-"));
  folders.add(folder);
  return folder;
}

export function scratch(t) {
  const folder = scratchForAll();
  cleanup(t, () => {
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  });
  return folder;
}
