// The pages of `load`, `verify` and `simulate` in a browser, in both languages: nothing is asked of a
// network, nothing runs over the edge, no number is parted from its unit, however narrow the window,
// nor on paper, in a wide face either.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { FACES, noBrowser, openPage, setFace } from "./support/browser.mjs";
import { scratch } from "./support/cleanup.mjs";
import { startOrigin } from "./support/origin.mjs";
import { freePorts } from "./support/ports.mjs";
import { ringway, run } from "./support/run.mjs";

const golden = (name) => fileURLToPath(new URL(`../unit/golden/${name}`, import.meta.url)); // long figures, always
const example = fileURLToPath(new URL("../../examples/simulation.yaml", import.meta.url));

async function makePages(t) {
  const folder = scratch(t);
  const { address } = await startOrigin(t);
  const [port, server] = await freePorts(2);
  writeFileSync(join(folder, "gateway.yaml"), `listeners: [{ address: "127.0.0.1:${port}" }]\nroutes: [{ upstream: app }]\nupstreams: [{ name: app, endpoints: ["127.0.0.1:${server}"] }]\nthreads: 1\n`);
  writeFileSync(
    join(folder, "acceptance.yaml"),
    `gateway: gateway.yaml
url: http://127.0.0.1:${port}
servers: [{ name: app, address: "127.0.0.1:${server}", origin: { latency: 5ms, distribution: exponential } }]
load: { rate: 200, duration: 1s, warmup: 0s, connections: 10 }
faults: [{ cause: kill, on: app, before: 500ms, for: 300ms, per_window: 1000 }]
repetitions: 1
targets:
  - latency: { percentile: 99, at_most: 150ms }
  - error_rate: { at_most_percent: 0.2 }
  - recovery_time: { at_most: 10s }
  - availability: { at_least_percent: 99.5 }
  - data_loss: { at_most: 0 }
  - chaos_coverage: { at_least_percent: 10 }
  - cost_per_million: { at_most: 0.05, core_hour: 0.04 }
`,
  );
  const pages = [];
  const make = async (language, verb, ...more) => {
    const page = join(folder, `${verb}.${language}.html`);
    const { stderr } = await run(ringway, [verb, "--quiet", "--lang", language, "--out", page, ...more], { timeout: 60000 });
    assert.equal(stderr, "");
    pages.push(page);
  };
  for (const language of ["en", "zh"])
    await Promise.all([
      make(language, "load", "-r", "100", "-d", "1s", `http://${address}/`),
      make(language, "verify", join(folder, "acceptance.yaml")),
      make(language, "simulate", example),
    ]);
  return pages;
}

// In the page: numbers with units that stand on several lines, and by how much it is too wide.
function look() {
  const parted = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node; (node = walker.nextNode()); ) {
    if (!node.parentElement.getClientRects().length || node.parentElement.closest("svg, style")) continue;
    for (const { 0: number, index } of node.data.matchAll(/\d[\d.,]*[ \u00a0](%|[munµ]?s|[kMG]i?B|USD)/g)) {
      range.setStart(node, index);
      range.setEnd(node, index + number.length);
      const lines = new Set([...range.getClientRects()].filter(({ width }) => width > 0).map(({ top }) => Math.round(top)));
      if (lines.size > 1) parted.push(number);
    }
  }
  return { parted, over: document.documentElement.scrollWidth - document.documentElement.clientWidth };
}

test("the pages of load, verify and simulate", { skip: noBrowser }, async (t) => {
  for (const file of [...(await makePages(t)), golden("verify_report.en.html"), golden("verify_report.zh.html")]) {
    const page = await openPage(t);
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    for (const face of FACES) {
      if (!(await setFace(page, face))) continue;
      for (const [media, width] of [
        ["screen", 1280],
        ["screen", 700],
        ["screen", 380],
        ["screen", 320],
        ["print", 718],
      ]) {
        await page.emulateMedia({ media });
        await page.setViewportSize({ width, height: 900 });
        assert.deepEqual(await page.evaluate(look), { parted: [], over: 0 }, `${file}, ${media}, ${width}, ${face}`);
      }
    }
    assert.equal(asked.length, 1, `only the page itself: ${asked}`);
    assert.deepEqual(page.said, []);
  }
});
