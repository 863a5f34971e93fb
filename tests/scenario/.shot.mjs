import { chromium } from "playwright-core";
const [,, file, out, width, from = "0", height = "1900", count = "1"] = process.argv;
const b = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--disable-gpu", "--no-sandbox"] });
const p = await b.newPage({ viewport: { width: +width, height: +height } });
await p.goto("file://" + file);
const total = await p.evaluate(() => document.documentElement.scrollHeight);
const over = await p.evaluate(() => document.documentElement.scrollWidth);
console.log("height", total, "scrollWidth", over);
for (let i = 0; i < +count; i++) {
  await p.evaluate((y) => window.scrollTo(0, y), +from + i * +height);
  await p.screenshot({ path: `${out}_${i}.png` });
}
await b.close();
