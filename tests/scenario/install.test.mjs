// What `make install` leaves: the program, its page of the manual, a service for systemd, an example.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { scratch } from "./support/cleanup.mjs";
import { installed, ringway, root, run, runRingway } from "./support/run.mjs";

const page = join(root, "packaging/ringway.1");

test("everything is in its place below DESTDIR and PREFIX, and works from there", { skip: !existsSync(join(dirname(ringway), "cmake_install.cmake")) }, async (t) => {
  const folder = scratch(t);
  const { code, stderr } = await run("cmake", ["--install", dirname(ringway), "--prefix", "/opt/rw"], { env: { DESTDIR: folder } });
  assert.equal(code, 0, stderr);
  const at = (path) => join(folder, "opt/rw", path);
  for (const path of ["share/man/man1/ringway.1", "share/doc/ringway/LICENSE", "share/doc/ringway/quickstart.yaml"]) assert.ok(existsSync(at(path)), path);
  const check = await run(at("bin/ringway"), ["check", at("share/doc/ringway/quickstart.yaml")]);
  assert.equal(check.code, 0, check.stderr);
  const service = readFileSync(at("lib/systemd/system/ringway.service"), "utf8");
  assert.match(service, /^ExecStart=\/opt\/rw\/bin\/ringway serve \/etc\/ringway\/gateway\.yaml$/m);
  assert.doesNotMatch(service, /@[A-Z]+@/);
});

test("the page of the manual knows every verb and signal that the program knows", async () => {
  const text = readFileSync(page, "utf8");
  const verbs = [...(await runRingway("--help")).stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, verb]) => verb).filter((verb) => verb !== "ringway");
  assert.ok(verbs.length >= 6, verbs.join());
  for (const verb of verbs) assert.match(text, new RegExp(`^\\.B ${verb}$`, "m"), verb);
  const signals = new Set((await runRingway("serve", "--help")).stdout.match(/SIG[A-Z0-9]+/g));
  for (const signal of signals) assert.match(text, new RegExp(`^\\.BR? .*${signal}`, "m"), signal);
});

test("the page of the manual is without mistakes", { skip: !installed("groff") }, async () => {
  const { code, stderr } = await run("groff", ["-man", "-Tutf8", "-ww", "-z", page]);
  assert.equal(stderr, "");
  assert.equal(code, 0);
});
