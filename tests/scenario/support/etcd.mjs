// etcd (Debian's): one member with a folder of its own, plain or over TLS with client certificates, or several that are a cluster.

import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import https from "node:https";
import process from "node:process";
import { cleanup, guardProcess, scratch } from "./cleanup.mjs";
import { request } from "./client.mjs";
import { eventually } from "./wait.mjs";

const base64 = (text) => Buffer.from(text).toString("base64");

function commandLine(folder, url, peer, { tls, name, cluster }) {
  const args = ["--data-dir", folder, "--listen-client-urls", url, "--advertise-client-urls", url, "--name", name];
  args.push("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster ?? `${name}=${peer}`, "--unsafe-no-fsync");
  if (cluster) args.push("--heartbeat-interval", "50", "--election-timeout", "500");
  if (tls) args.push("--cert-file", tls.cert, "--key-file", tls.key, "--trusted-ca-file", tls.ca, "--client-cert-auth");
  return args;
}

// Again while there is no leader: it does no harm twice.
function surely(etcd, path, body) {
  const done = async () => {
    const answer = await etcd.ask(path, body).catch(() => ({}));
    return answer.header && answer;
  };
  return eventually(done, { within: 60000, what: `etcd does ${path}` });
}

// `tls`: { cert, key, ca } of the server, { clientCert, clientKey } of whoever asks here; file names. `cluster`: all members, as etcd wants them.
export async function startEtcd(t, { ports: [client, peer], tls, name = "default", cluster }) {
  const url = `${tls ? "https" : "http"}://127.0.0.1:${client}`;
  const args = commandLine(scratch(t), url, `http://127.0.0.1:${peer}`, { tls, name, cluster });
  const agent = tls && new https.Agent({ ca: readFileSync(tls.ca), cert: readFileSync(tls.clientCert), key: readFileSync(tls.clientKey) });
  let child, ended, token;
  const etcd = { address: `127.0.0.1:${client}`, port: client };
  etcd.ask = async (path, body) => {
    const answer = await request(`${url}/v3/${path}`, { method: "POST", body: JSON.stringify(body), headers: token ? { Authorization: token } : {}, agent: agent ?? false });
    return JSON.parse(answer.text);
  };
  etcd.start = async () => {
    child = spawn("etcd", args, { stdio: ["ignore", "ignore", "ignore"], detached: true, env: { PATH: process.env.PATH, ETCD_UNSUPPORTED_ARCH: "arm64" } });
    guardProcess(child);
    ended = new Promise((resolve) => child.once("close", resolve));
    const password = etcd.password;
    token = undefined;
    const ready = () => (password ? etcd.ask("auth/authenticate", { name: "root", password }) : etcd.ask("kv/range", { key: base64("x") }));
    const answer = await eventually(async () => (await ready().catch(() => ({}))).header && ready(), { within: 60000, what: "etcd is up" });
    token = answer.token;
  };
  etcd.stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  cleanup(t, () => etcd.stop());
  await etcd.start();
  return Object.assign(etcd, {
    put: (key, value) => surely(etcd, "kv/put", { key: base64(key), value: base64(value) }),
    remove: (key) => surely(etcd, "kv/deleterange", { key: base64(key) }),
    // A user without rights, who has a role of the same name.
    addUser: async (name, password) => {
      await etcd.ask("auth/user/add", { name, password });
      await etcd.ask("auth/role/add", { name });
      await etcd.ask("auth/user/grant", { user: name, role: name });
    },
    // The role may read what begins with `prefix`, which ends with a slash.
    grant: (role, prefix) => etcd.ask("auth/role/grant", { name: role, perm: { permType: "READ", key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`) } }),
    requireLogin: async (password) => {
      await etcd.ask("auth/user/add", { name: "root", password });
      await etcd.ask("auth/role/add", { name: "root" });
      await etcd.ask("auth/user/grant", { user: "root", role: "root" });
      await etcd.ask("auth/enable", {});
      etcd.password = password;
      ({ token } = await etcd.ask("auth/authenticate", { name: "root", password }));
    },
  });
}

// Members of one cluster.
export function startEtcdCluster(t, ports) {
  const cluster = ports.map(([, peer], i) => `m${i}=http://127.0.0.1:${peer}`).join();
  return Promise.all(ports.map((pair, i) => startEtcd(t, { ports: pair, name: `m${i}`, cluster })));
}
