// Certificates made afresh for each test process, by the same script as those of the unit tests.

import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { scratch } from "./cleanup.mjs";
import { root } from "./run.mjs";

export function makeCertificates(t) {
  const folder = scratch(t);
  execFileSync("sh", [join(root, "tests/tls/make.sh"), folder], { timeout: 60000 });
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
