// Certificates made once for each test process, by the same script as those of the unit tests; each
// test has a copy of its own.

import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { scratch, scratchForAll } from "./cleanup.mjs";
import { root } from "./run.mjs";

let made;

export function makeCertificates(t) {
  if (!made) {
    made = scratchForAll();
    execFileSync("sh", [join(root, "tests/tls/make.sh"), made], { timeout: 60000 });
  }
  const folder = scratch(t);
  cpSync(made, folder, { recursive: true });
  const file = (name) => join(folder, name);
  return {
    folder,
    file,
    read: (name) => readFileSync(file(name)),
    cert: (name) => file(`${name}.pem`),
    key: (name) => file(`${name}.key`),
    // As a renewing tool does it: in place of the old file, at once.
    replace(name, by) {
      for (const end of ["pem", "key"]) {
        copyFileSync(file(`${by}.${end}`), file(`${name}.${end}.next`));
        renameSync(file(`${name}.${end}.next`), file(`${name}.${end}`));
      }
    },
  };
}
