// What a run is to do: the sizes of the issue, or those that the command line gives.

import { parseArgs } from "node:util";

export const usage = `Usage: scenarios/million/run.mjs [OPTIONS]

Holds a gateway to three promises on this machine, clients and origin beside it:
connections   1,000,000 kept connections, 20,000 requests a second over them for a minute
requests      1,000,000 requests under way at once, each held 50 s by its origin
tools         100,000 connections of wrk and h2load at full speed

  --only LIST             of these three, with commas; default all
  --connections N         of the first part; default 1000000
  --rate N                its requests a second; default 20000
  --seconds N             its duration; default 60
  --requests N            under way at once in the second part; default 1000000
  --hold N                seconds that the origin holds each; default 50
  --tool-connections N    of the third part; default 100000
  --tool-seconds N        how long wrk asks; default 30
  --small                 2,000 connections, 4,000 requests, 600 of tools, some seconds: does it all still work?
                          Latency and memory are told and not judged
  --out FILE              where the page goes; default bench/MILLION.md, with --small none
  --set-sysctls           set what is too low (root), instead of naming it
  --ringway FILE          default build/release/ringway
  --origin FILE           default bench/bench_origin_h2 beside it

Exit codes: 0 all promises kept; 1 one is not, or the run failed; 2 wrong use; 3 the machine's limits are too low.
`;

const sizes = {
  full: { connections: 1000000, rate: 20000, seconds: 60, requests: 1000000, hold: 50, "tool-connections": 100000, "tool-seconds": 30 },
  small: { connections: 2000, rate: 500, seconds: 3, requests: 4000, hold: 6, "tool-connections": 600, "tool-seconds": 2 },
};

export const parts = ["connections", "requests", "tools"];

export class UsageError extends Error {}

function takeNumber(name, text, fallback) {
  if (text === undefined) return fallback;
  if (!/^[1-9][0-9]{0,7}$/.test(text)) throw new UsageError(`--${name}: "${text}" is not a number from 1 to 99,999,999`);
  return Number(text);
}

export function readOptions(args) {
  const flags = ["small", "set-sysctls", "help"];
  const texts = ["only", "out", "ringway", "origin", ...Object.keys(sizes.full)];
  const spec = Object.fromEntries([...flags.map((name) => [name, { type: "boolean" }]), ...texts.map((name) => [name, { type: "string" }])]);
  let values;
  try {
    values = parseArgs({ args, options: spec }).values;
  } catch (error) {
    throw new UsageError(error.message);
  }
  const defaults = values.small ? sizes.small : sizes.full;
  const options = { ...values, only: values.only?.split(",") ?? parts };
  for (const [name, fallback] of Object.entries(defaults)) options[name] = takeNumber(name, values[name], fallback);
  const unknown = options.only.find((name) => !parts.includes(name));
  if (unknown !== undefined) throw new UsageError(`--only: "${unknown}" is none of ${parts.join(", ")}`);
  return options;
}
