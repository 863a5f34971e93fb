// A path to a server of this machine that can be cut and mended.

import { connect, createServer } from "node:net";
import { cleanup } from "./cleanup.mjs";

export async function startPath(t, to) {
  const sockets = new Set();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) return near.destroy();
    const far = connect(to, "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => sockets.delete(one) && other.destroy());
      one.pipe(other);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const drop = () => sockets.forEach((socket) => socket.destroy());
  cleanup(t, () => {
    drop();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    port: server.address().port,
    cut: () => {
      whole = false;
      drop();
    },
    mend: () => {
      whole = true;
    },
  };
}
