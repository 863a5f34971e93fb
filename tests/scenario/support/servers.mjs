// nginx and HAProxy as origins: as Debian ships them, in the foreground, unprivileged where possible.

import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { cleanup, guardProcess, scratch } from "./cleanup.mjs";
import { eventually, within } from "./wait.mjs";

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function startServer(t, program, args, folder, ports) {
  const child = spawn(program, args, { detached: true, stdio: ["ignore", "pipe", "pipe"], cwd: folder });
  guardProcess(child);
  let said = "";
  let ended = false;
  child.stdout.on("data", (data) => (said += data));
  child.stderr.on("data", (data) => (said += data));
  const exited = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      ended = true;
      resolve();
    });
  });
  const stop = async () => {
    if (ended) return;
    child.kill("SIGTERM");
    await within(5000, `${program} ends`, exited).catch(() => process.kill(-child.pid, "SIGKILL"));
  };
  cleanup(t, stop);
  for (const port of ports) {
    await eventually(
      () => {
        if (ended) throw new Error(`${program} ended: ${said}`);
        return accepts(port);
      },
      { what: `${program} listens: ${said}` },
    );
  }
  return { stop, folder, pid: child.pid };
}

// `http`: what stands in the http block; a function is given the folder, which has html/.
export async function startNginx(t, { http, ports, files = {} }) {
  const folder = scratch(t);
  mkdirSync(join(folder, "html"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, "html", name), content);
  const conf = `
    daemon off;
    worker_processes 1;
    pid ${folder}/nginx.pid;
    error_log stderr warn;
    events { worker_connections 512; }
    http {
      access_log off;
      client_body_temp_path ${folder}/body;
      proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi;
      uwsgi_temp_path ${folder}/uwsgi;
      scgi_temp_path ${folder}/scgi;
      default_type application/octet-stream;
      ${typeof http === "function" ? http(folder) : http}
    }`;
  writeFileSync(join(folder, "nginx.conf"), process.getuid?.() === 0 ? `user root;\n${conf}` : conf);
  return startServer(t, "/usr/sbin/nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"], folder, ports);
}

export async function startHaproxy(t, { sections, ports }) {
  const folder = scratch(t);
  writeFileSync(
    join(folder, "haproxy.cfg"),
    `global
  nbthread 1
  maxconn 256
defaults
  mode http
  timeout connect 2s
  timeout client 20s
  timeout server 20s
${sections}
`,
  );
  return startServer(t, "/usr/sbin/haproxy", ["-db", "-f", join(folder, "haproxy.cfg")], folder, ports);
}
