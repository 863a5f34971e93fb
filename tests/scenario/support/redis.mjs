// Redis as Debian ships it, in the foreground, with no files but those of its folder: a server,
// Sentinels that watch one, a cluster.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { cleanup, guardProcess, scratch } from "./cleanup.mjs";
import { freePort } from "./ports.mjs";
import { run } from "./run.mjs";
import { eventually, within } from "./wait.mjs";

const patient = { within: 30000 };

class Redis {
  constructor(folder, host, port, args, how) {
    Object.assign(this, { folder, host, port, args, how, address: `${host}:${port}` });
  }

  async start() {
    const child = spawn("redis-server", this.args, { detached: true, stdio: "ignore" });
    guardProcess(child);
    this.child = child;
    this.exited = new Promise((resolve) => child.once("close", resolve));
    await eventually(async () => /PONG|NOAUTH/.test((await this.ask("PING")).stdout), { ...patient, what: "redis-server answers" });
  }

  ask(...words) {
    return run("redis-cli", ["-h", this.host, "-p", String(this.port), ...this.how, ...words], { timeout: 10000 });
  }

  async line(...words) {
    return (await this.ask(...words)).stdout.trim();
  }

  // It neither answers nor closes until it is resumed.
  pause() {
    this.child.kill("SIGSTOP");
  }

  resume() {
    this.child.kill("SIGCONT");
  }

  async kill() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    process.kill(-this.child.pid, "SIGKILL");
    await within(10000, "redis-server is killed", this.exited);
  }
}

async function started(t, redis) {
  cleanup(t, () => redis.kill());
  await redis.start();
  return redis;
}

const files = (folder) => ["--save", "", "--appendonly", "no", "--dir", folder];

export function startRedis(t, ...args) {
  return startRedisAt(t, "127.0.0.1", undefined, ...args);
}

// Another loopback address, so that a name can stand for one or the other with the same port.
export async function startRedisAt(t, host, port, ...args) {
  const folder = scratch(t);
  const own = port ?? (await freePort());
  return started(t, new Redis(folder, host, own, ["--port", String(own), "--bind", host, ...files(folder), ...args], []));
}

const secured = ["--tls", "--insecure"];

// TLS only, with the certificate `name` of tests/tls; `clients`: who has none is refused. Servers
// speak it among themselves, too.
function tlsOptions(port, certificates, { name = "usual", clients = false } = {}) {
  return [
    ["port", "0"],
    ["tls-port", String(port)],
    ["tls-cert-file", certificates.cert(name)],
    ["tls-key-file", certificates.key(name)],
    ["tls-ca-cert-file", certificates.cert("ca")],
    ["tls-auth-clients", clients ? "yes" : "no"],
    ["tls-replication", "yes"],
  ];
}

export async function startSecureRedis(t, certificates, { args = [], ...options } = {}) {
  const folder = scratch(t);
  const port = await freePort();
  const own = ["--cert", certificates.cert("client"), "--key", certificates.key("client")];
  const tls = tlsOptions(port, certificates, options).flatMap(([key, value]) => [`--${key}`, value]);
  return started(t, new Redis(folder, "127.0.0.1", port, [...tls, "--bind", "127.0.0.1", ...files(folder), ...args], [...secured, ...own]));
}

// `count` Sentinels that call `redis` "limits"; `lines` are added to the configuration of each.
// `certificates`: over TLS only.
export async function startSentinels(t, redis, count, lines = "", how = [], certificates = undefined) {
  const sentinels = [];
  for (let i = 0; i < count; i++) {
    const folder = scratch(t);
    const port = await freePort();
    const file = join(folder, "sentinel.conf");
    writeFileSync(
      file,
      `bind 127.0.0.1
${(certificates ? tlsOptions(port, certificates) : [["port", port]]).map((each) => each.join(" ")).join("\n")}
dir ${folder}
sentinel monitor limits ${redis.host} ${redis.port} ${Math.floor(count / 2) + 1}
sentinel down-after-milliseconds limits 500
sentinel failover-timeout limits 3000
${lines}
`,
    );
    sentinels.push(await started(t, new Redis(folder, "127.0.0.1", port, [file, "--sentinel"], [...(certificates ? secured : []), ...how])));
  }
  const knows = async (sentinel) => new RegExp(`slaves=[1-9].*sentinels=${count}`).test(await sentinel.line("INFO", "sentinel"));
  for (const sentinel of sentinels) await eventually(() => knows(sentinel), { ...patient, what: "the Sentinels know each other" });
  return sentinels;
}

export const SLOTS = 16384;

// `count` primaries that have the same number of slots each. `empty` more have none. `certificates`:
// over TLS only.
export async function startCluster(t, count, empty = 0, certificates = undefined) {
  const nodes = [];
  for (let i = 0; i < count + empty; i++) {
    const bus = await freePort();
    const args = ["--cluster-enabled", "yes", "--cluster-port", String(bus), "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no"];
    const node = await (certificates ? startSecureRedis(t, certificates, { args: [...args, "--tls-cluster", "yes"] }) : startRedis(t, ...args));
    node.bus = bus;
    node.id = await node.line("CLUSTER", "MYID");
    nodes.push(node);
  }
  for (const [i, node] of nodes.entries()) {
    await node.ask("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
    if (i < count) await node.ask("CLUSTER", "ADDSLOTSRANGE", String(Math.ceil((i * SLOTS) / count)), String(Math.ceil(((i + 1) * SLOTS) / count) - 1));
    if (i > 0) await node.ask("CLUSTER", "MEET", "127.0.0.1", String(nodes[0].port), String(nodes[0].bus));
  }
  const whole = async (node) => {
    const info = await node.line("CLUSTER", "INFO");
    return info.includes(`cluster_slots_ok:${SLOTS}`) && info.includes(`cluster_known_nodes:${nodes.length}`) && info.includes("cluster_state:ok");
  };
  for (const node of nodes) await eventually(() => whole(node), { ...patient, what: "the cluster is whole" });
  return nodes;
}
