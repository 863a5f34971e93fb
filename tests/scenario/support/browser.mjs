// Debian's Chromium, without a window, driven by playwright-core.
//
//   const page = await openPage(t);             // a profile of its own; console in page.said
//   await page.goto(gateway.url);
//   const title = await page.evaluate(() => document.title);
//
// Tests that run at once in a process share a browser. Certificates are not verified.

import { existsSync } from "node:fs";
import process from "node:process";
import { chromium } from "playwright-core";
import { cleanup } from "./cleanup.mjs";

const PATIENCE = 60000;
const program = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

// For the option `skip` of a test: false, or why there is no browser.
export const noBrowser = program ? false : "NO CHROMIUM: apt-get install chromium (make deps)";
if (noBrowser) process.stderr.write(`${noBrowser}\n`);

let starting;

export async function startBrowser(t) {
  starting ??= chromium.launch({ executablePath: program, timeout: PATIENCE, args: ["--disable-gpu", "--disable-extensions", "--no-proxy-server"] });
  const browser = await starting;
  cleanup(t, async () => {
    if (--browser.tests > 0) return;
    starting = undefined;
    await browser.close();
  });
  browser.tests = (browser.tests ?? 0) + 1;
  return browser;
}

export async function openPage(t, options = {}) {
  const browser = await startBrowser(t);
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  cleanup(t, () => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.said = [];
  page.on("console", (message) => page.said.push(message.text()));
  page.on("pageerror", (error) => page.said.push(String(error)));
  return page;
}
