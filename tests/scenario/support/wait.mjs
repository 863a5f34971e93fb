// Waiting for what happens soon, with an end.

import { setTimeout as sleep } from "node:timers/promises";

export { sleep };

// Repeats `check` until it returns something true (which is the result) and no longer throws.
export async function eventually(check, { within = 10000, every = 20, what = check.toString() } = {}) {
  const end = performance.now() + within;
  let last;
  for (;;) {
    try {
      const result = await check();
      if (result) return result;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= end) {
      throw new Error(`not within ${within} ms: ${what}${last ? `: ${last.message}` : ""}`, { cause: last });
    }
    await sleep(every);
  }
}

export function within(milliseconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${milliseconds} ms: ${what}`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export async function settled(promises) {
  const results = await Promise.allSettled(promises);
  return {
    values: results.filter((result) => result.status === "fulfilled").map((result) => result.value),
    errors: results.filter((result) => result.status === "rejected").map((result) => result.reason),
  };
}
