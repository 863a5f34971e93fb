// bench/MILLION.md, and the same figures for the terminal.

const CHART_POINTS = 30;

const shown = (value) => value.toLocaleString("en", { maximumFractionDigits: 2 });

function limitOf({ least, most, unit, judged }) {
  if (!judged) return "";
  const of = unit ? ` ${unit}` : "";
  if (least === most) return `exactly ${shown(least)}${of}`;
  const sides = [Number.isFinite(least) && `at least ${shown(least)}`, Number.isFinite(most) && (most === 0 ? "none" : `at most ${shown(most)}`)];
  return sides.filter(Boolean).join(", ") + (most === 0 ? "" : of);
}

const resultOf = (figure) => (figure.judged ? (figure.met ? "met" : "MISSED") : "");

export const kept = (part) => part.figures.every((figure) => figure.met);

export function asText(part) {
  const rows = part.figures.map((figure) => [figure.what, `${shown(figure.value)}${figure.unit ? ` ${figure.unit}` : ""}`, limitOf(figure), resultOf(figure)]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map(([what, value, limit, result]) => `  ${what.padEnd(widths[0])}  ${value.padStart(widths[1])}  ${limit.padEnd(widths[2])}  ${result}`.trimEnd());
  const notes = [part.errors && `  errors: ${part.errors}`, part.verdict && `  generator: ${part.verdict}`].filter(Boolean);
  return [`\n${part.title}`, ...lines, ...notes].join("\n");
}

// As many as can be told apart: of each group the largest.
function thin(chart) {
  const group = Math.ceil(chart.x.length / CHART_POINTS);
  const starts = chart.x.map((_, i) => i).filter((i) => i % group === 0);
  const lines = Object.entries(chart.lines).map(([name, values]) => [name, starts.map((at) => Math.max(...values.slice(at, at + group)))]);
  return { ...chart, x: starts.map((at) => chart.x[at]), lines };
}

function chartText(chart) {
  if (chart.x.length < 2) return [];
  const { title, x, unit, lines } = thin(chart);
  const most = Math.max(1, ...lines.flatMap(([, values]) => values));
  const names = lines.length > 1 ? ` (${lines.map(([name]) => name).join(", ")})` : "";
  return ["", "```mermaid", "xychart-beta", `  title "${title}${names}"`, `  x-axis "${unit}" [${x.join(", ")}]`, `  y-axis 0 --> ${Math.ceil(most * 1.1)}`, ...lines.map(([, values]) => `  line [${values.join(", ")}]`), "```"];
}

function partText(part) {
  const rows = part.figures.map((figure) => `| ${figure.what} | ${shown(figure.value)}${figure.unit ? ` ${figure.unit}` : ""} | ${limitOf(figure)} | ${resultOf(figure)} |`);
  const notes = [part.verdict && `The generator about itself: ${part.verdict}.`, part.errors && `Errors: ${part.errors}.`].filter(Boolean);
  return ["", `## ${part.title}`, "", part.settings, "", "| | measured | promised | |", "|---|--:|---|---|", ...rows, ...(notes.length ? ["", ...notes] : []), ...part.charts.flatMap(chartText)];
}

export function asPage({ machine, results, minutes, when }) {
  return [
    "# A million",
    "",
    "Written by `make million`, which runs on one machine the gateway, its clients and the origin behind it. See [scenarios/million](../scenarios/million/README.md).",
    "",
    "| | |",
    "|---|---|",
    ...machine.map(([name, value]) => `| ${name} | ${value} |`),
    `| Run | ${when}, ${minutes.toFixed(1)} minutes |`,
    `| Promises | ${results.every(kept) ? "all kept" : `MISSED in: ${results.filter((part) => !kept(part)).map((part) => part.title).join("; ")}`} |`,
    "",
    "User memory is what the gateway's processes have of anonymous and shared memory (`Pss_Anon` and `Pss_Shmem` of /proc/PID/smaps_rollup, added up over the",
    "supervisor and all workers): RSS without pages of files, a page that several processes share counted once. The largest of all looks is given.",
    "Latency is counted from when a request was due, so a generator that is held up cannot hide it.",
    ...results.flatMap(partText),
    "",
  ].join("\n");
}
