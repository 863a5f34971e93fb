// How long a soak lasts and what happens how often.

import { parseArgs } from "node:util";

export const usage = `Usage: scenarios/soak/run.mjs [OPTIONS]

Lets a gateway live for a while: good and bad requests, origins that come and go, reloads, upgrades. At the
end it says whether every good request was answered as it should be, and whether memory, descriptors and
threads are where they were.

  --minutes N        how long; default 2
  --rate N           requests a second, of all kinds; default 500
  --reload N         seconds from reload to reload; default 10
  --upgrade N        seconds from upgrade to upgrade, 0: none; default 300
  --kill N           seconds from the killing (-9) of a worker process to the next, 0: none; default 0
  --look N           seconds from look to look, for each of which the clients rest; default 60
  --nice N           priority of all of it, 0 to 19; default 19
  --out FILE         each look and each failed request as a line of JSON
  --small            some seconds with all of it, for tests
  --ringway FILE     default build/release/ringway

Exit codes: 0 all is as it should be; 1 something is not, or the run failed; 2 wrong use.
`;

const sizes = {
  full: { minutes: 2, rate: 500, reload: 10, upgrade: 300, kill: 0, look: 60, nice: 19 },
  small: { minutes: 0.15, rate: 150, reload: 0.8, upgrade: 4, kill: 0, look: 3, nice: 0 },
};

export class UsageError extends Error {}

function takeNumber(name, text, fallback) {
  if (text === undefined) return fallback;
  if (!/^[0-9]{1,6}(\.[0-9]{1,3})?$/.test(text)) throw new UsageError(`--${name}: "${text}" is not a number`);
  return Number(text);
}

export function readOptions(args) {
  const texts = ["out", "ringway", ...Object.keys(sizes.full)];
  const spec = { small: { type: "boolean" }, help: { type: "boolean" }, ...Object.fromEntries(texts.map((name) => [name, { type: "string" }])) };
  let values;
  try {
    values = parseArgs({ args, options: spec }).values;
  } catch (error) {
    throw new UsageError(error.message);
  }
  const options = { ...values };
  for (const [name, fallback] of Object.entries(values.small ? sizes.small : sizes.full)) options[name] = takeNumber(name, values[name], fallback);
  for (const name of ["minutes", "rate", "reload", "look"]) if (options[name] <= 0) throw new UsageError(`--${name}: more than 0 is expected`);
  if (options.nice > 19) throw new UsageError("--nice: 19 at the most");
  return options;
}
