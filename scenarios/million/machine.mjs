// What the machine is, and whether its limits are high enough: each that is not is named, with the
// reason and the command that sets it.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";

const MIB = 1024 * 1024;
// Kernel memory of a loopback connection, both ends, as measured.
const PAIR_BYTES = 5800;
// Ports of one address that may be taken, of those that there are. The kernel looks at every other port first, and
// once those are gone it looks at all of them anew for each connection: then a connection takes a millisecond.
const PORTS_SHARE = 0.45;
const PROCESSES_MAX = 128;
// Pages that the kernel counts for a connection once something has gone over it: one for each end, whatever it held. Over
// net.ipv4.tcp_mem it drops packets.
const PAIR_PAGES = 2.2;
// Descriptors that a process has beside its connections.
const OWN_DESCRIPTORS = 64;

function read(path) {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return "";
  }
}

const sysctl = (name) => read(`/proc/sys/${name.replaceAll(".", "/")}`);

function limit(what) {
  const line = read("/proc/self/limits").split("\n").find((text) => text.startsWith(what)) ?? "";
  const hard = line.slice(what.length).trim().split(/\s+/)[1];
  return hard === "unlimited" ? Infinity : Number(hard);
}

export const descriptors = () => limit("Max open files");

function ports() {
  const [low, high] = sysctl("net.ipv4.ip_local_port_range").split(/\s+/).map(Number);
  return Math.floor((high - low + 1) * PORTS_SHARE);
}

// Descriptors of a process that are for clients: serve keeps an eighth of them, 1,024 at most, for itself.
const forClients = () => descriptors() - Math.min(descriptors() / 8, 1024) - OWN_DESCRIPTORS;

// From Linux 6.8 on a process of ringway's can have more connections than descriptors.
function needsNoDescriptors() {
  const [major, minor] = os.release().split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 8);
}

// The kernel deals connections out by a hash: each process gets its share give or take some.
export function gatewayProcesses(connections) {
  if (needsNoDescriptors()) return 1;
  const fits = (count) => connections / count + 6 * Math.sqrt(connections / count) <= forClients();
  let count = 1;
  while (count <= PROCESSES_MAX && !fits(count)) count++;
  return Math.max(count, os.availableParallelism());
}

// Of `ringway load`: processes for their descriptors, threads in each for the ports of their addresses.
export function loadProcesses(connections) {
  if (needsNoDescriptors()) return { processes: 1, threads: os.availableParallelism() };
  const processes = Math.ceil(connections / (descriptors() - OWN_DESCRIPTORS));
  return { processes, threads: Math.ceil(connections / processes / ports()) };
}

const tcpPages = () => Number(sysctl("net.ipv4.tcp_mem").split(/\s+/)[2]);

function conntrackNeeds(connections) {
  const most = Number(sysctl("net.netfilter.nf_conntrack_max"));
  const tracked = Number(sysctl("net.netfilter.nf_conntrack_count"));
  return most && tracked ? [{ name: "net.netfilter.nf_conntrack_max", is: most, needs: Math.ceil(connections * 1.1), why: "the firewall keeps an entry for each connection" }] : [];
}

// What the largest part needs.
export function needs({ connections, toolConnections }) {
  const most = Math.max(connections, toolConnections);
  const memory = Math.ceil((most * PAIR_BYTES * 1.5) / MIB + 1024);
  const [, highPort] = sysctl("net.ipv4.ip_local_port_range").split(/\s+/);
  const processes = gatewayProcesses(most);
  const pages = Math.ceil((most * PAIR_PAGES) / 1000) * 1000 + 10000;
  const list = [
    { name: "fs.file-max", is: Number(sysctl("fs.file-max")), needs: Math.ceil(most * 2.02) + 10000, why: "both ends of a connection are files" },
    { name: "fs.nr_open", is: Number(sysctl("fs.nr_open")), needs: 4096, why: "it bounds the descriptors of a process" },
    { name: "net.core.netdev_max_backlog", is: Number(sysctl("net.core.netdev_max_backlog")), needs: most > 10000 ? 100000 : 300, why: "packets of the loopback device wait there; what finds no room is dropped, and sent again after 200 ms" },
    { name: "net.core.somaxconn", is: Number(sysctl("net.core.somaxconn")), needs: most > 10000 ? 4096 : 128, why: "tools open all their connections at once, which wait there to be accepted" },
    { name: "net.ipv4.tcp_max_syn_backlog", is: Number(sysctl("net.ipv4.tcp_max_syn_backlog")), needs: most > 10000 ? 1024 : 128, why: "connections whose handshake is under way wait there" },
    { name: "net.ipv4.tcp_mem", is: tcpPages(), needs: pages, value: `"${pages / 2} ${pages * 0.75} ${pages}"`, why: "its last number bounds the pages of all connections, one for each end at least; over it the kernel drops packets" },
    { name: "kernel.threads-max", is: Number(sysctl("kernel.threads-max")), needs: processes * 6 + 500, why: "the gateway and the generator run in many processes" },
    ...conntrackNeeds(most),
  ];
  if (ports() < 5000) list.push({ name: "net.ipv4.ip_local_port_range", is: ports(), needs: 5000, value: `"10000 ${highPort}"`, why: "each thread of the generator connects from an address of its own, with so many ports to take" });
  if (processes > PROCESSES_MAX)
    list.push({ name: "ulimit -Hn", is: descriptors(), needs: Math.ceil(most / 100), command: (value) => `ulimit -Hn ${value}   # as root; for good: nofile in /etc/security/limits.conf`, why: `with fewer descriptors a process, more than ${PROCESSES_MAX} processes would be needed` });
  list.push({ name: "ulimit -u", is: limit("Max processes"), needs: processes * 6 + 500, command: (value) => `ulimit -u ${value}   # as root; for good: nproc in /etc/security/limits.conf`, why: "the gateway and the generator run in many processes" });
  list.push({ name: "free memory in MiB", is: Math.floor((Number(/^MemAvailable:\s+(\d+)/m.exec(read("/proc/meminfo"))?.[1]) * 1024) / MIB), needs: memory, command: () => "a machine with more memory, or fewer --connections", why: `the kernel takes some ${PAIR_BYTES} bytes for a connection with both its ends` });
  return list;
}

export const tooLow = (list) => list.filter((need) => need.is < need.needs);

export const commandOf = (need) => (need.command ? need.command(need.needs) : `sysctl -w ${need.name}=${need.value ?? need.needs}`);

// Only when it was asked for. What is no sysctl stays.
export function setSysctls(list) {
  for (const need of list.filter((item) => !item.command)) execFileSync("sysctl", ["-w", `${need.name}=${(need.value ?? String(need.needs)).replaceAll('"', "")}`], { stdio: "ignore" });
}

export function describeMachine() {
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(read("/etc/os-release"))?.[1] ?? "Linux";
  return [
    ["Processor", `${os.cpus()[0]?.model ?? "unknown"}, ${os.availableParallelism()} cores`],
    ["Memory", `${Math.round(os.totalmem() / MIB / 1024)} GiB`],
    ["System", `${system}, Linux ${os.release()}`],
    ["Descriptors of a process", descriptors().toLocaleString("en")],
    ["Ports of an address", sysctl("net.ipv4.ip_local_port_range").replace(/\s+/, " to ")],
  ];
}
