// The gateway of a soak: its folder, its configuration in ever new versions, reloads and upgrades.

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Gateway } from "../million/programs.mjs";

const KEY_TYPE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
export const FILE_BYTES = 100000;

function makeCertificate(folder) {
  const args = ["req", "-x509", ...KEY_TYPE, "-days", "2", "-subj", "/CN=soak.test", "-addext", "subjectAltName=DNS:soak.test"];
  execFileSync("openssl", [...args, "-keyout", join(folder, "next.key"), "-out", join(folder, "next.pem")], { stdio: "ignore" });
  renameSync(join(folder, "next.key"), join(folder, "key.pem"));
  renameSync(join(folder, "next.pem"), join(folder, "certificate.pem"));
}

// Version `number`: routes, policies and a listener come and go.
function configuration({ ports, folder, number }) {
  const more = Array.from({ length: number % 7 }, (_, i) => `  - { name: more${i}, match: "/more/${i}/{name}", respond: { body: "${number}" } }`);
  const extra = number % 3 === 1 ? `  - { name: extra, address: "127.0.0.1:${ports.extra}" }` : "";
  return `threads: 2
watch_file: false # each reload is asked for
drain_timeout: 20s
listeners:
  - { name: web, address: "127.0.0.1:${ports.web}", timeouts: { header: 2s }, reason_header: true }
  - { name: secure, address: "127.0.0.1:${ports.secure}", reason_header: true, tls: { certificates: [{ cert: ${join(folder, "certificate.pem")}, key: ${join(folder, "key.pem")} }] } }
${extra}
policies:
  - { name: number, headers: { response: { set: { X-Number: "${number}" } } } }
routes:
  - { name: app, match: /app/*, upstream: app, policies: [number, { compress: {} }] }
  - { name: steady, match: /steady/*, upstream: steady, policies: [number] }
  - { name: rude, match: /rude/*, upstream: rude }
  - { name: files, match: /files/*, files: { root: ${join(folder, "files")} }, policies: [{ rewrite: { strip_prefix: /files } }] }
  - { name: limited, match: /limited, respond: { body: ok }, policies: [{ rate_limit: { limits: [{ name: few, requests: 20, per: second }] } }] }
${more.join("\n")}
upstreams:
  - { name: app, endpoints: ["127.0.0.1:${ports.origins[0]}", "127.0.0.1:${ports.origins[1]}"], connections: { idle_timeout: 2s } }
  - { name: steady, endpoints: ["127.0.0.1:${ports.origins[0]}"], connections: { idle_timeout: 2s } }
  - { name: rude, endpoints: ["127.0.0.1:${ports.origins[2]}"], connections: { idle_timeout: 2s }, passive_health: { failures: 3, eject: 1s } }
admin: "127.0.0.1:${ports.admin}"
access_log: { path: ${join(folder, "access.log")}, rotate_size: 8MiB, rotate_keep: 2 }
`;
}

export class SoakGateway extends Gateway {
  static prepare({ ringway, folder, ports }) {
    mkdirSync(join(folder, "files"));
    writeFileSync(join(folder, "files/page.txt"), "y".repeat(FILE_BYTES));
    makeCertificate(folder);
    const program = join(folder, "ringway");
    copyFileSync(ringway, program);
    chmodSync(program, 0o755);
    const file = join(folder, "gateway.yaml");
    writeFileSync(file, configuration({ ports, folder, number: 0 }));
    return { ringway, program, file, folder, ports };
  }

  static async launch(prepared) {
    const gateway = new SoakGateway("ringway serve", [prepared.program, "serve", prepared.file]);
    Object.assign(gateway, prepared, { port: prepared.ports.web, adminPort: prepared.ports.admin, number: 0, reloads: 0, refused: 0, upgrades: 0, kills: 0 });
    await gateway.until(() => /^try: /m.test(gateway.stderr), "its greeting");
    return gateway;
  }

  #write(text) {
    writeFileSync(`${this.file}.next`, text);
    renameSync(`${this.file}.next`, this.file);
  }

  async ask(path, method = "GET") {
    const response = await fetch(`http://127.0.0.1:${this.adminPort}${path}`, { method, signal: AbortSignal.timeout(30000) });
    return { status: response.status, text: await response.text() };
  }

  async #expect(status, what) {
    const answer = await this.ask("/reload", "POST");
    if (answer.status !== status) throw new Error(`${what}: ${answer.status} ${answer.text}`);
  }

  // The same version at every look, so that they can be compared.
  async rest() {
    this.#write(configuration({ ...this, number: 0 }));
    await this.#expect(200, "the configuration of the beginning was refused");
  }

  // Four good ones, the second of them with a new certificate; then one with a mistake, which must change nothing.
  async reload() {
    this.number++;
    const text = configuration(this);
    if (this.number % 5 === 2) makeCertificate(this.folder);
    if (this.number % 5 !== 4) {
      this.#write(text);
      await this.#expect(200, "a good configuration was refused");
      this.reloads++;
      return;
    }
    this.#write(text.replace("routes:", "rutes:"));
    await this.#expect(422, "a configuration with a mistake was not refused");
    this.refused++;
    this.#write(text);
  }

  workers() {
    return this.pids().slice(1);
  }

  async upgrade() {
    const old = this.workers();
    copyFileSync(this.ringway, `${this.program}.next`);
    chmodSync(`${this.program}.next`, 0o755);
    renameSync(`${this.program}.next`, this.program);
    this.signal("SIGUSR2");
    for (const end = Date.now() + 60000; Date.now() < end && !this.exit; await sleep(100)) {
      const now = this.workers();
      if (now.length && !now.some((pid) => old.includes(pid))) {
        this.upgrades++;
        return;
      }
    }
    throw this.fail("has not replaced its worker processes within a minute");
  }

  // Another one must serve, within the time that the machine needs to start it.
  async kill(diary) {
    const [victim] = this.workers();
    diary.changed(`kill of process ${victim}`);
    process.kill(victim, "SIGKILL");
    this.kills++;
    await this.until(() => this.workers().length === 1 && this.workers()[0] !== victim, "a new worker process");
  }

  // Of all processes together, when the clients rest.
  resources() {
    const pids = this.pids();
    const count = (folder) => pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/${folder}`).length, 0);
    return { processes: pids.length, workers: pids.slice(1).join(), bytes: this.userBytes(), descriptors: count("fd"), threads: count("task") };
  }

  // A line that tells of what must not happen.
  alarms() {
    const lines = this.stderr.split("\n").filter((line) => /ended by signal|exited with|assert|Sanitizer/.test(line));
    const killed = lines.filter((line) => /ended by signal 9/.test(line)).slice(0, this.kills);
    return lines.filter((line) => !killed.includes(line));
  }

  said() {
    return readFileSync(join(this.folder, "access.log"), "utf8").split("\n", 3);
  }
}
