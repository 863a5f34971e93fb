// What a soak has to show. Looks are taken while the clients rest. Those of one generation of worker processes
// (an upgrade begins a new one) are compared, its first third excepted: until then caches fill up, and an
// allocator has not had its busiest moment.

const MIB = 1024 * 1024;
// An allocator keeps what its busiest moment took: some hundred requests at once, after the machine had other work.
// A leak of a few bytes a request is more than that within an hour.
const BYTES_GROWN_MAX = 8 * MIB;
const DESCRIPTORS_GROWN_MAX = 1; // a timer's or a name server's, now and then

function generations(looks) {
  const groups = new Map();
  for (const look of looks) groups.set(look.workers, [...(groups.get(look.workers) ?? []), look]);
  return [...groups.values()];
}

// The largest growth within one generation, and from the first generation's end to the last one's.
function grown(looks, key) {
  const groups = generations(looks);
  const within = groups.map((group) => group.at(-1)[key] - group[Math.floor(group.length / 3)][key]);
  return Math.max(...within, groups.at(-1).at(-1)[key] - groups[0].at(-1)[key]);
}

const most = (what, is, limit, unit = "") => ({ what, is: `${is}${unit}`, wanted: `at most ${limit}${unit}`, met: is <= limit });
const least = (what, is, limit) => ({ what, is: String(is), wanted: `at least ${limit}`, met: is >= limit });

export function judge({ looks, failures, alarms, answered, gateway, wanted, exit }) {
  return [
    most("requests that were not answered as they should be", failures, 0),
    least("requests answered", answered, wanted.answered),
    least("reloads", gateway.reloads, wanted.reloads),
    least("configurations with a mistake, refused", gateway.refused, wanted.refused),
    least("upgrades", gateway.upgrades, wanted.upgrades),
    most("alarms in the error log", alarms, 0),
    most("memory grown, KiB", Math.round(grown(looks, "bytes") / 1024), BYTES_GROWN_MAX / 1024),
    most("descriptors grown", grown(looks, "descriptors"), DESCRIPTORS_GROWN_MAX),
    most("threads grown", grown(looks, "threads"), 0),
    most("processes grown", grown(looks, "processes"), 0),
    most("configurations kept in memory", Math.max(...looks.map((look) => look.snapshots)), 2),
    { what: "the end after SIGTERM", is: JSON.stringify(exit), wanted: "exit code 0", met: exit?.code === 0 },
  ];
}

export function asText(verdicts) {
  const width = Math.max(...verdicts.map(({ what }) => what.length));
  return verdicts.map(({ what, is, wanted, met }) => `${what.padEnd(width)}  ${is.padStart(12)}  ${wanted.padEnd(18)} ${met ? "met" : "MISSED"}`).join("\n");
}
