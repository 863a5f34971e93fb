// Proposals as a board sees them: in Chromium, wide and narrow, light and dark, on paper.
// The pages are those of the golden files (tests/unit/golden), which hold one of everything, and the
// proposals of the customers in scenarios/.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { FACES, noBrowser, openPage, setFace, startBrowser } from "./support/browser.mjs";

const ringway = process.env.RINGWAY ?? "build/release/ringway";
const golden = ["zh", "en"].map((language) => `tests/unit/golden/plan_report.${language}.html`);
const folder = mkdtempSync(path.join(tmpdir(), "proposal-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

function customers() {
  return existsSync("scenarios")
    ? readdirSync("scenarios").filter((name) => existsSync(`scenarios/${name}/intake.yaml`))
    : [];
}

// A customer's own prices stand beside the intake where the public list has none.
function inputs(customer) {
  const prices = `scenarios/${customer}/prices.yaml`;
  return [`scenarios/${customer}/intake.yaml`, ...(existsSync(prices) ? ["--prices", prices] : [])];
}

function proposal(customer, language) {
  const out = path.join(folder, `${customer}.${language}.html`);
  if (!existsSync(out))
    execFileSync(ringway, ["plan", ...inputs(customer), "--format", "html", "--lang", language, "--out", out]);
  return out;
}

const pages = (language) => [...golden, ...customers().map((name) => proposal(name, language))];

async function open(t, file, options) {
  const page = await openPage(t, options);
  await page.goto(pathToFileURL(path.resolve(file)).href);
  return page;
}

const checks = [];
const browserTest = (name, run) => checks.push([name, run]);

const scrollWidth = (page) => page.evaluate(() => document.documentElement.scrollWidth);

browserTest("nothing overflows at 1280, at 390 and at 320 pixels, in any face", async (t) => {
  for (const [widths, language] of [[[1280, 390, 320], "en"], [[390, 320], "zh"]]) {
    const page = await openPage(t);
    for (const file of pages(language)) {
      await page.goto(pathToFileURL(path.resolve(file)).href);
      for (const face of FACES) {
        if (!(await setFace(page, face))) continue;
        for (const width of widths) {
          await page.setViewportSize({ width, height: 900 });
          const wide = await scrollWidth(page);
          assert.ok(wide <= width, `${file}: ${wide} pixels at ${width}, ${face}`);
        }
      }
    }
    assert.deepEqual(page.said, []);
  }
});

browserTest("a page asks for nothing but itself and runs no script", async (t) => {
  const page = await openPage(t);
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  for (const file of golden) await page.goto(pathToFileURL(path.resolve(file)).href);
  assert.equal(asked.filter((url) => !url.startsWith("file:") || !url.endsWith(".html")).length, 0, asked.join("\n"));
  assert.equal(await page.locator("script").count(), 0);
  // Its policy would not run one either.
  await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = 1'>"));
  assert.equal(await page.evaluate(() => window.ran), undefined);
});

// Luminance and contrast as WCAG 2.2 defines them; the ground is the nearest one that is not transparent.
function contrasts() {
  const parse = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour;
    }
    return parse(getComputedStyle(document.documentElement).getPropertyValue("color-scheme")).length ? [0, 0, 0] : [255, 255, 255];
  };
  const failing = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("svg, title") || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const [a, b] = [luminance(parse(style.color)), luminance(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) failing.add(`${ratio.toFixed(2)} ${element.className || element.tagName}: ${walker.currentNode.data.slice(0, 30)}`);
  }
  // Words in pictures: their own colour against the shape that they lie on, if there is one before them.
  for (const word of document.querySelectorAll("svg text")) {
    if (!word.checkVisibility()) continue;
    const box = word.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    let under = ground(word.closest("svg").parentElement);
    for (const shape of word.closest("svg").querySelectorAll("rect")) {
      const r = shape.getBoundingClientRect();
      if (shape.compareDocumentPosition(word) & Node.DOCUMENT_POSITION_FOLLOWING && x > r.left && x < r.right && y > r.top && y < r.bottom) {
        const fill = getComputedStyle(shape).fill;
        if (fill !== "none") under = parse(fill);
      }
    }
    const [a, b] = [luminance(parse(getComputedStyle(word).fill)), luminance(under)].sort((p, q) => q - p);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) failing.add(`${ratio.toFixed(2)} svg ${word.getAttribute("class")}: ${word.textContent.slice(0, 30)}`);
  }
  return [...failing];
}

browserTest("letters stand out by 4.5 to 1, in light and dark", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await openPage(t, { colorScheme, viewport: { width: 1280, height: 900 } });
    for (const file of golden) {
      await page.goto(pathToFileURL(path.resolve(file)).href);
      assert.deepEqual(await page.evaluate(contrasts), [], `${file}, ${colorScheme}`);
    }
  }
});

browserTest("each figure opens and shuts by keyboard, with its formula, inputs and sources", async (t) => {
  for (const file of golden) {
    const page = await open(t, file);
    const buttons = page.locator("main button.fig");
    const count = await buttons.count();
    assert.ok(count > 10);
    for (let i = 0; i < (file === golden[0] ? 2 : Math.min(count, 12)); i++) {
      const button = buttons.nth(i);
      const card = page.locator(`#${await button.getAttribute("popovertarget")}`);
      await button.focus();
      await page.keyboard.press(i % 2 ? "Enter" : "Space");
      assert.ok(await card.isVisible(), `figure ${i} opens`);
      assert.ok((await card.innerText()).trim().length > 10);
      await page.keyboard.press("Escape");
      assert.ok(!(await card.isVisible()), `figure ${i} shuts`);
      assert.ok(await button.evaluate((element) => element === document.activeElement), "the focus is where it was");
    }
  }
});

browserTest("a computed figure leads to its inputs", async (t) => {
  const page = await open(t, golden[1], { viewport: { width: 390, height: 800 } });
  await page.locator("main button.fig", { hasText: "74,004.48" }).first().focus();
  await page.keyboard.press("Enter");
  const card = page.locator(".card:popover-open");
  assert.match(await card.innerText(), /Nodes × Price of a machine × Hours a year/);
  await card.locator("button.fig", { hasText: "24" }).focus();
  await page.keyboard.press("Enter");
  const input = page.locator(".card:popover-open", { hasText: "sizing.nodes" });
  assert.match(await input.innerText(), /assumed[\s\S]*500 requests/i);
  const box = await input.boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 390, "the card is inside the screen");
});

// The size of each page in points: A4 is 595 x 842.
browserTest("it prints on A4", async (t) => {
  for (const file of golden) {
    const page = await open(t, file);
    const pdf = await page.pdf({ preferCSSPageSize: true });
    const boxes = [...pdf.toString("latin1").matchAll(/\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]/g)];
    assert.ok(boxes.length >= 1);
    for (const [, width, height] of boxes)
      assert.ok(Math.abs(width - 595) < 2 && Math.abs(height - 842) < 2, `${file}: ${width} x ${height}`);
  }
});

// 178 mm between the margins are 673 pixels.
browserTest("on paper no cell is cut off", async (t) => {
  const page = await openPage(t, { viewport: { width: 673, height: 900 } });
  await page.emulateMedia({ media: "print" });
  for (const file of ["en", "zh"].flatMap(pages)) {
    await page.goto(pathToFileURL(path.resolve(file)).href);
    for (const face of FACES) {
      if (!(await setFace(page, face))) continue;
      const wide = await scrollWidth(page);
      assert.ok(wide <= 674, `${file}: ${wide} pixels on paper, ${face}`);
    }
  }
});

// One browser for all of them.
test("in Chromium", { skip: noBrowser, timeout: 170000 }, async (t) => {
  await startBrowser(t);
  for (const [name, run] of checks) await t.test(name, run);
});

test("a folder gets everything, the same each time, and its gateway.yaml and acceptance.yaml are accepted", () => {
  for (const customer of customers()) {
    const [one, two] = ["one", "two"].map((name) => path.join(folder, `${customer}-${name}`));
    for (const out of [one, two]) execFileSync(ringway, ["plan", ...inputs(customer), "--out", `${out}/`]);
    const files = readdirSync(one).sort();
    for (const file of ["proposal.zh.html", "proposal.en.md", "proposal.zh.json", "cells.json", "gateway.yaml", "acceptance.yaml"])
      assert.ok(files.includes(file), `${customer}: ${file}`);
    for (const file of files) assert.deepEqual(readFileSync(path.join(two, file)), readFileSync(path.join(one, file)), file);
    execFileSync(ringway, ["check", path.join(one, "gateway.yaml")]);
    execFileSync(ringway, ["verify", "--check", path.join(one, "acceptance.yaml")]);
    // Each objective is a target of `ringway verify`: what was stated, or the availability expected.
    const objectives = readFileSync(path.join(one, "openslo.yaml"), "utf8").split("kind: SLO").length - 1;
    const byObjectives = path.join(one, "objectives.yaml");
    writeFileSync(byObjectives, "url: http://127.0.0.1/\nload: {}\nopenslo: openslo.yaml\n");
    const said = execFileSync(ringway, ["verify", "--check", byObjectives], { encoding: "utf8" });
    assert.ok(objectives > 0 && said.includes(`${objectives} target${objectives > 1 ? "s" : ""},`), said);
    const json = JSON.parse(readFileSync(path.join(one, "proposal.en.json"), "utf8"));
    assert.equal(json.schema, "ringway.proposal/1");
    assert.equal(json.blocks[1].kind, "note");
  }
});

// Numbers of a table as JSON has them: whole cents.
test("each total of each table is the sum of its rows, in cents", () => {
  let totals = 0;
  for (const customer of customers()) {
    const { blocks } = JSON.parse(execFileSync(ringway, ["plan", ...inputs(customer), "--format", "json"], { maxBuffer: 1 << 26 }));
    for (const { columns, rows } of blocks.filter(({ kind }) => kind === "table")) {
      const total = rows.find(({ role }) => role === "total");
      for (const [i, column] of columns.entries()) {
        const cell = total?.cells[i];
        if (column.type !== "money" || !cell) continue;
        const parts = rows.filter(({ role, cells }) => role === "row" && cells[i] !== null).map(({ cells }) => cells[i]);
        if (parts.some((part) => part.missing)) assert.ok(cell.missing, "a missing price is in its total");
        else assert.equal(cell.number, parts.reduce((sum, part) => sum + part.number, 0));
        totals++;
      }
    }
  }
  assert.ok(totals >= customers().length);
});

// What is shown of a line is what is paid: quantity x price x times a month, in the plan's currency.
test("each line of each bill multiplies out to the cent, and each tier has a total", () => {
  let lines = 0;
  for (const customer of customers()) {
    const args = ["plan", ...inputs(customer), "--format", "cells", "--draws", "0"];
    const { cells } = JSON.parse(execFileSync(ringway, args, { maxBuffer: 1 << 27 }));
    const value = new Map(cells.map((cell) => [cell.id, cell.value]));
    for (const cell of cells.filter(({ id }) => /^bill\.t\d+\.s\d+\.\w+\.month\.\d+$/.test(id))) {
      const product = cell.inputs.reduce((all, id) => all * value.get(id), 100);
      assert.ok(Math.abs(product - cell.value) <= 0.5 + 1e-9 * product, `${customer}: ${cell.id}`);
      const year = value.get(cell.id.replace(".month.", ".year."));
      assert.equal(year, 12 * cell.value, cell.id);
      lines++;
    }
    for (const tier of ["t1", "t2", "t3"]) {
      const years = [1, 2, 3].map((year) => value.get(`bill.${tier}.year.${year}`));
      assert.ok(years.every((year) => Number.isInteger(year) && year > 0), `${customer}: ${tier}`);
      assert.equal(value.get(`bill.${tier}.term`), years[0] + years[1] + years[2]);
    }
  }
  assert.ok(lines > 100);
});

test("a PDF is printed by Chromium, and said plainly when there is none", { timeout: 150000 }, () => {
  const [customer] = customers();
  const out = path.join(folder, "proposal.pdf");
  const args = ["plan", `scenarios/${customer}/intake.yaml`, "--format", "pdf", "--out", out];
  const without = spawnSync(ringway, args, { env: { PATH: "/nowhere" }, encoding: "utf8" });
  assert.equal(without.status, 1);
  assert.match(without.stderr, /printed by Chromium[\s\S]*on PATH/);
  assert.ok(!existsSync(out));
  if (noBrowser) return;
  const printed = spawnSync(ringway, args, { encoding: "utf8" });
  assert.equal(printed.status, 0, printed.stderr);
  assert.equal(readFileSync(out).subarray(0, 5).toString(), "%PDF-");
});

test("each of its pages says which language it is in", () => {
  assert.match(readFileSync(golden[0], "utf8"), /<html lang="zh-Hans">/);
  assert.match(readFileSync(golden[1], "utf8"), /<html lang="en">/);
});
