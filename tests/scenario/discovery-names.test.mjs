// Endpoints that DNS says the addresses of, each change an endpoint swap and never a reload.

import assert from "node:assert/strict";
import { test } from "node:test";
import { named, noReload, sees, tells } from "./support/discovery.mjs";
import { startGateway } from "./support/gateway.mjs";
import { NO_SUCH_NAME, SERVER_FAILURE, startNames } from "./support/names.mjs";

const config = (names, endpoint) => `
dns: { servers: ["${names.address}"], ttl_min: 1s }
routes: [{ upstream: app }]
upstreams: [{ name: app, endpoints: ["${endpoint}"] }]`;

test("a name has other addresses; when DNS fails, or the name is gone, the last ones stay", async (t) => {
  const names = await startNames(t);
  const [a] = await named(t, ["a"]);
  const at = (...hosts) => hosts.map((host) => ({ address: `${host}:${a.port}` }));
  names.set("app.test", "127.0.0.1");
  const gateway = await startGateway(t, config(names, `app.test:${a.port}`));
  await sees(gateway, ...at("127.0.0.1"));
  assert.equal((await gateway.get("/")).text, "a");
  names.set("app.test", "127.0.0.1", "127.0.0.9");
  await sees(gateway, ...at("127.0.0.1", "127.0.0.9"));
  for (const [code, pattern] of [
    [SERVER_FAILURE, /cannot resolve app\.test: .*; 2 known addresses stay in use/],
    [NO_SUCH_NAME, /cannot resolve app\.test: .*not found; 2 known addresses stay in use/],
  ]) {
    names.fail("app.test", code);
    await tells(gateway, pattern);
    await sees(gateway, ...at("127.0.0.1", "127.0.0.9"));
    names.set("app.test", "127.0.0.1");
    await sees(gateway, ...at("127.0.0.1"));
    names.set("app.test", "127.0.0.1", "127.0.0.9");
    await sees(gateway, ...at("127.0.0.1", "127.0.0.9"));
  }
  await noReload(gateway);
});

test("a service (SRV): its targets have ports and weights; of two priorities the lower one counts", async (t) => {
  const names = await startNames(t);
  const [a, b] = await named(t, ["a", "b"]);
  names.set("one.test", "127.0.0.1");
  names.setService("_http._tcp.app.test", { priority: 1, weight: 3, port: a.port, target: "one.test" }, { priority: 2, port: b.port, target: "one.test" });
  const gateway = await startGateway(t, config(names, "srv:_http._tcp.app.test"));
  await sees(gateway, a);
  assert.equal((await gateway.get("/")).text, "a");
  names.setService("_http._tcp.app.test", { priority: 2, port: b.port, target: "one.test" });
  await sees(gateway, b);
  assert.equal((await gateway.get("/")).text, "b");
  await noReload(gateway);
});
