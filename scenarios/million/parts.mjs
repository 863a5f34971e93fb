// The three promises. Each part starts its own gateway and origin, has them asked, and counts on all sides.

import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { gatewayProcesses, loadProcesses } from "./machine.mjs";
import { Gateway, Origin, Program, loadResult, startLoad } from "./programs.mjs";
import { MIB, Watch, whole } from "./watch.mjs";

const GATEWAY_BYTES_MAX = 300 * MIB;
const REQUEST_BYTES_MAX = 2048;
const P99_MS_MAX = 50;
const STREAMS = 8000; // of one connection
const TOOLS_EACH = 3; // of wrk and of h2load: one address of the gateway's for each

// ---- Figures: what was measured, beside its limit ----

const figure = (what, value, unit, { least = -Infinity, most = Infinity, judged = true } = {}) => ({ what, value, unit, least, most, judged, met: !judged || (value >= least && value <= most) });
const shownOnly = (what, value, unit) => figure(what, value, unit, { judged: false });
const none = (what, value) => figure(what, value, "", { most: 0 });
const milliseconds = (seconds) => Math.round(seconds * 100000) / 100;

function errorsOf(report) {
  const lost = Object.entries(report.errors).filter(([, count]) => count > 0);
  const bad = Object.entries(report.statuses).filter(([status]) => status !== "200");
  return [...lost, ...bad].map(([name, count]) => `${name}: ${count}`).join(", ");
}

const spread = (processes) => (processes > 1 ? ["--processes", processes] : []);

async function inParts(options, { processes, holdSeconds }, use) {
  const origin = await Origin.start({ origin: options.origin, holdSeconds });
  const gateway = await Gateway.start({ ringway: options.ringway, processes, originPort: origin.port });
  const result = await use(gateway, origin);
  await gateway.stop();
  await origin.stop();
  return result;
}

const timelineChart = (report) => ({
  title: "Latency by the second, in ms",
  x: report.timeline.map((row) => row.second),
  unit: "seconds",
  lines: { p50: report.timeline.map((row) => milliseconds(row.p50)), p99: report.timeline.map((row) => milliseconds(row.p99)) },
});

function memoryChart(watch, key, unit) {
  const samples = watch.samples.filter((sample) => sample.bytes !== undefined && sample[key] > 0);
  const rising = samples.filter((sample, i) => samples.slice(0, i).every((earlier) => earlier[key] < sample[key]));
  return { title: "User memory of the gateway, in MiB", x: rising.map((sample) => Math.round(sample[key] / 1000)), unit: `thousands of ${unit}`, lines: { MiB: rising.map((sample) => Math.round(sample.bytes / MIB)) } };
}

// ---- 1. Kept connections, a request now and then ----

export function connections(options) {
  const count = options.connections;
  const processes = gatewayProcesses(count);
  const clients = loadProcesses(count);
  return inParts(options, { processes }, async (gateway, origin) => {
    const watch = new Watch(gateway, "connections");
    const args = [...spread(clients.processes), "-t", clients.threads, "--sources", "-c", count, "-r", options.rate, "-d", `${options.seconds}s`, "--timeout", "60s", gateway.url("/load")];
    const report = await loadResult(startLoad(options.ringway, args));
    await watch.stop();
    const metrics = await gateway.metrics();
    const answered = metrics.value("ringway_requests_total", { route: "load", code: "2xx" });
    const told = await origin.tell();
    const judged = !options.small;
    return {
      title: `${whole(count)} connections at once, a request now and then`,
      settings: `\`${["ringway serve", ...spread(processes)].join(" ")}\`; \`ringway load ${args.slice(0, -1).join(" ")}\` (HTTP/1.1), the origin behind over HTTP/2.`,
      errors: errorsOf(report),
      verdict: report.verdict_text,
      figures: [
        figure("connections open at once", watch.most.open, "", { least: count }),
        figure("requests a second", Math.round(report.rate), "", { least: Math.floor(options.rate * 0.999), judged }),
        none("errors", report.requests.failed),
        none("connections lost and opened again", report.connects - count),
        figure("answers that the clients got", report.requests.answered, "", { least: report.requests.due }),
        figure("answers that the gateway counted", answered, "", { least: report.requests.answered, most: report.requests.answered }),
        figure("requests that the origin counted", told.requests, "", { least: report.requests.answered, most: report.requests.answered }),
        shownOnly("latency p50", milliseconds(report.latency.p50), "ms"),
        figure("latency p99", milliseconds(report.latency.p99), "ms", { most: P99_MS_MAX, judged }),
        shownOnly("latency p99.9", milliseconds(report.latency["p99.9"]), "ms"),
        figure("user memory of the gateway, all processes", Math.round((watch.most.bytes / MIB) * 10) / 10, "MiB", { most: GATEWAY_BYTES_MAX / MIB, judged }),
        shownOnly("of it before the first connection", Math.round((watch.first / MIB) * 10) / 10, "MiB"),
        shownOnly("CPU of the gateway", Math.round(gateway.cpuSeconds()), "s"),
      ],
      charts: [timelineChart(report), memoryChart(watch, "open", "connections")],
    };
  });
}

// ---- 2. Requests under way at once ----

export function requests(options) {
  const count = options.requests;
  const cores = os.availableParallelism();
  // All are on their way some time before the first is answered: enough to be seen.
  const sending = Math.max(1, options.hold - Math.max(5, options.hold / 5));
  // As many for each thread of the generator: the requests are shared out evenly among those.
  const clients = cores * Math.ceil(count / STREAMS / cores);
  return inParts(options, { processes: 1, holdSeconds: options.hold }, async (gateway, origin) => {
    const watch = new Watch(gateway, "requests");
    const args = ["--threads", cores, "--http2", "-c", clients, "-m", STREAMS, "-r", Math.ceil(count / sending), "-d", `${sending}s`, "--held", `${options.hold}s`, "--timeout", `${options.hold + 60}s`, gateway.url("/load")];
    const load = startLoad(options.ringway, args);
    await sleep(sending * 1000);
    for (let held = 0; held < count && watch.most.active < count && !load.exit; await sleep(200)) held = (await origin.tell()).held;
    const peak = await watch.look(true);
    const { held } = await origin.tell();
    const report = await loadResult(load);
    await watch.stop();
    const answered = (await gateway.metrics()).value("ringway_requests_total", { route: "load", code: "2xx" });
    const told = await origin.tell();
    const judged = !options.small;
    return {
      title: `${whole(count)} requests under way at once`,
      settings: `\`ringway serve\`; \`ringway load ${args.slice(0, -1).join(" ")}\`; the origin holds each request ${options.hold} s. Latency is what comes on top of that.`,
      errors: errorsOf(report),
      verdict: report.verdict_text,
      figures: [
        figure("requests under way in the gateway at once", watch.most.active, "", { least: count }),
        figure("of them held by the origin", held, "", { least: count }),
        none("errors", report.requests.failed),
        figure("answers that the clients got", report.requests.answered, "", { least: report.requests.due }),
        figure("answers that the gateway counted", answered, "", { least: report.requests.answered, most: report.requests.answered }),
        figure("requests that the origin counted", told.requests, "", { least: report.requests.answered, most: report.requests.answered }),
        figure("user memory of the gateway for each, all of it", Math.round(Math.max(watch.most.bytes, peak.bytes) / count), "bytes", { most: REQUEST_BYTES_MAX, judged }),
        shownOnly("added latency p50", milliseconds(report.latency.p50), "ms"),
        figure("added latency p99", milliseconds(report.latency.p99), "ms", { most: P99_MS_MAX, judged }),
        shownOnly("added latency p99.9", milliseconds(report.latency["p99.9"]), "ms"),
        shownOnly("CPU of the gateway", Math.round(gateway.cpuSeconds()), "s"),
      ],
      charts: [memoryChart(watch, "active", "requests")],
    };
  });
}

// ---- 3. Tools of others ----

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const number = (text, pattern) => Number(pattern.exec(text)?.[1] ?? 0);

function readWrk(program) {
  const text = program.stdout;
  if (!/requests in/.test(text)) throw program.fail("has no result");
  const errors = [...(/Socket errors: (.*)/.exec(text)?.[1] ?? "").matchAll(/\d+/g)].map(Number);
  return { done: number(text, /(\d+) requests in/), errors: sum(errors) + number(text, /Non-2xx or 3xx responses: (\d+)/) };
}

function readH2load(program) {
  const line = /requests: (\d+) total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(program.stdout);
  if (!line) throw program.fail("has no result");
  const [total, succeeded] = line.slice(1).map(Number);
  const good = number(program.stdout, /status codes: (\d+) 2xx/);
  return { total, done: good, errors: total - Math.min(succeeded, good) };
}

export function tools(options) {
  const each = Math.ceil(options["tool-connections"] / (2 * TOOLS_EACH));
  const count = 2 * TOOLS_EACH * each;
  const seconds = options["tool-seconds"];
  const asks = options.small ? 20 : 10; // of each connection of h2load's
  const processes = gatewayProcesses(count);
  const wrkArgs = ["-t", 1, "-c", each, "-d", `${seconds}s`, "--timeout", "60s"];
  const h2loadArgs = ["-t", 1, "-c", each, "-m", 1, "-n", each * asks];
  return inParts(options, { processes }, async (gateway, origin) => {
    const watch = new Watch(gateway, "tools");
    const started = Array.from({ length: 2 * TOOLS_EACH }, (_, i) => {
      const host = `127.0.0.${i + 1}`;
      return i % 2 ? new Program("h2load", ["h2load", ...h2loadArgs, gateway.url("/h2load", host)]) : new Program("wrk", ["wrk", ...wrkArgs, gateway.url("/wrk", host)]);
    });
    await Promise.all(started.map((program) => program.ended));
    // What wrk left unread at its end is counted once it has been let go of.
    for (let active = 1, tries = 0; active > 0 && tries < 100; tries++) {
      active = (await watch.look(false)).active;
      await sleep(100);
    }
    await watch.stop();
    const metrics = await gateway.metrics();
    const counted = (route) => metrics.value("ringway_requests_total", { route });
    const good = (route) => metrics.value("ringway_requests_total", { route, code: "2xx" });
    const wrk = started.filter((program) => program.name === "wrk").map(readWrk);
    const h2load = started.filter((program) => program.name === "h2load").map(readH2load);
    const wrkDone = sum(wrk.map((result) => result.done));
    const h2loadDone = sum(h2load.map((result) => result.done));
    const told = await origin.tell();
    return {
      title: `${whole(count)} connections of wrk and h2load at full speed`,
      settings: `\`${["ringway serve", ...spread(processes)].join(" ")}\`; ${TOOLS_EACH} x \`wrk ${wrkArgs.join(" ")}\`, ${TOOLS_EACH} x \`h2load ${h2loadArgs.join(" ")}\` (HTTP/2). wrk leaves at its end what it has asked and not read: at most one request for each of its connections.`,
      errors: "",
      verdict: "",
      figures: [
        figure("connections open at once", watch.most.open, "", { least: count, judged: !options.small }),
        none("errors that wrk tells", sum(wrk.map((result) => result.errors))),
        none("errors that h2load tells", sum(h2load.map((result) => result.errors))),
        figure("answers that wrk counted", wrkDone, "", { least: 1 }),
        figure("requests of wrk that the gateway counted", counted("wrk"), "", { least: wrkDone, most: wrkDone + TOOLS_EACH * each }),
        figure("answers that h2load counted", h2loadDone, "", { least: sum(h2load.map((result) => result.total)) }),
        figure("answers to h2load that the gateway counted", good("h2load"), "", { least: h2loadDone, most: h2loadDone }),
        figure("requests that the origin counted", told.requests, "", { least: good("wrk") + good("h2load"), most: counted("wrk") + counted("h2load") }),
        none("connections that the gateway refused or closed for want of room", metrics.value("ringway_connections_refused_total") + metrics.value("ringway_connections_evicted_total")),
        shownOnly("answers a second", Math.round((wrkDone + h2loadDone) / seconds), ""),
        shownOnly("user memory of the gateway, all processes", Math.round((watch.most.bytes / MIB) * 10) / 10, "MiB"),
        shownOnly("CPU of the gateway", Math.round(gateway.cpuSeconds()), "s"),
      ],
      charts: [],
    };
  });
}
