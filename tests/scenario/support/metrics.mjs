// The Prometheus text format 0.0.4, read strictly: what a scrape must not contain is an error.

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*",?)*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"/g;

function parseLabels(text = "") {
  const labels = {};
  for (const [, name, value] of text.matchAll(LABEL)) labels[name] = value.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c));
  return labels;
}

function familyOf(name, types) {
  const base = name.replace(/_(bucket|sum|count)$/, "");
  return ["histogram", "summary"].includes(types.get(base)) ? base : name;
}

class Metrics {
  constructor() {
    this.types = new Map();
    this.help = new Map();
    this.samples = [];
  }

  all(name, labels = {}) {
    return this.samples.filter((sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value));
  }

  // The sum of what the labels leave; 0 when there is nothing.
  value(name, labels) {
    return this.all(name, labels).reduce((sum, sample) => sum + sample.value, 0);
  }
}

export function parseMetrics(text) {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const metrics = new Metrics();
  const seen = new Set();
  const closed = new Set();
  let current = null;
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment) {
      const [, kind, name, rest] = comment;
      const map = kind === "HELP" ? metrics.help : metrics.types;
      if (map.has(name)) throw new Error(`${kind} twice: ${name}`);
      map.set(name, rest);
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (!sample) throw new Error(`not a sample: ${line}`);
    const [, name, labels, number] = sample;
    const value = number === "+Inf" ? Infinity : Number(number);
    if (number !== "NaN" && Number.isNaN(value)) throw new Error(`not a number: ${line}`);
    const family = familyOf(name, metrics.types);
    if (!metrics.types.has(family)) throw new Error(`no TYPE: ${name}`);
    if (family !== current) {
      if (closed.has(family)) throw new Error(`${family} is not in one piece`);
      if (current) closed.add(current);
      current = family;
    }
    const id = line.slice(0, line.lastIndexOf(" "));
    if (seen.has(id)) throw new Error(`twice: ${id}`);
    seen.add(id);
    metrics.samples.push({ name, labels: parseLabels(labels), value });
  }
  return metrics;
}
