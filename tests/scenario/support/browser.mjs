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

// What fits must fit on any reader's machine: pages are looked at in the face that this one has for
// them, and in one that is wider than most, if it is installed.
export const FACES = ["", "DejaVu Sans"];

// All text but what is in a face of equal widths is set in this one from now on; "": as the page has it.
// False: it is not installed, or what the page has anyway.
export function setFace(page, face) {
  return page.evaluate((name) => {
    const ruler = document.createElement("canvas").getContext("2d");
    const width = (family) => {
      ruler.font = `100px ${family}`;
      return ruler.measureText("Wide enough 0123456789").width;
    };
    document.adoptedStyleSheets = [];
    const own = width(getComputedStyle(document.body).fontFamily);
    const missing = ["monospace", "serif"].every((other) => width(`"${name}", ${other}`) === width(other));
    if (name && (missing || width(`"${name}"`) === own)) return false;
    const sheet = new CSSStyleSheet(); // not of the document's text, which its policy would refuse
    if (name) sheet.replaceSync(`body { font-family: "${name}" !important }`);
    document.adoptedStyleSheets = [sheet];
    return true;
  }, face);
}

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
