// PostgreSQL as Debian ships it: the folder of a new database, and the command that serves it in the
// foreground. It refuses to run as root, who becomes its user for that.

import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { scratch } from "./cleanup.mjs";
import { run } from "./run.mjs";

const versions = "/usr/lib/postgresql";
const asItsUser = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=SIGKILL"];

function programs() {
  const newest = readdirSync(versions).sort((a, b) => Number(b) - Number(a))[0];
  return join(versions, newest, "bin");
}

async function must(command, input = "") {
  const { code, stdout, stderr } = await run(command[0], command.slice(1), { input, cwd: "/", timeout: 60000 });
  if (code !== 0) throw new Error(`${command.join(" ")}: ${stderr}${stdout}`);
}

// `sql`: lines that its new database begins with. `log` is a file that says what it went through.
export async function preparePostgres(t, sql) {
  const isRoot = process.getuid() === 0;
  const folder = join(scratch(t), "postgres");
  const data = join(folder, "data");
  const as = isRoot ? asItsUser : [];
  mkdirSync(folder);
  if (isRoot) {
    chmodSync(join(folder, ".."), 0o755);
    const { uid, gid } = statSync("/var/lib/postgresql");
    chownSync(folder, uid, gid);
  }
  await must([...as, join(programs(), "initdb"), "-D", data, "-U", "shop", "-A", "trust", "-N", "--locale=C", "-E", "UTF8"]);
  await must([...as, join(programs(), "postgres"), "--single", "-D", data, "postgres"], sql);
  const settings = ["-c", "unix_socket_directories=", "-c", "logging_collector=on", "-c", "log_directory=..", "-c", "log_filename=log"];
  const command = [...as, join(programs(), "postgres"), "-D", data, "-h", "{host}", "-p", "{port}", ...settings];
  return { command, log: join(folder, "log") };
}
