// Endpoints that are found in etcd (Debian's), each change an endpoint swap and never a reload.

import assert from "node:assert/strict";
import { test } from "node:test";
import { config, named, noReload, sees, tells, upstreamOf } from "./support/discovery.mjs";
import { startEtcd } from "./support/etcd.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startPath } from "./support/path.mjs";
import { freePorts } from "./support/ports.mjs";
import { installed } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const options = { skip: !installed("etcd") && "etcd is not installed" };

test("etcd: listed, then watched; a reload keeps what is known", options, async (t) => {
  const [a, b, c] = await named(t, ["a", "b", "c"]);
  const ports = await freePorts(2);
  const gateway = await startGateway(t, config(`{ etcd: { servers: [127.0.0.1:${ports[0]}], prefix: /app/ } }`, `    endpoints: ["${c.address}"]\n`));
  // Nobody is there yet: what is configured does.
  assert.equal((await gateway.get("/")).text, "c");
  assert.equal((await upstreamOf(gateway)).discovered, false);
  await eventually(() => gateway.logLines().some(({ component }) => component === "discovery"));
  assert.ok((await gateway.metric("ringway_upstream_discovery_failures_total", { upstream: "app" })) > 0);

  const etcd = await startEtcd(t, { ports });
  await etcd.put("/app/1", a.address);
  await etcd.put("/apple", "10.0.0.1:1");
  await sees(gateway, a);
  await etcd.put("/app/2", JSON.stringify({ address: b.address, weight: 3, zone: "z" }));
  await sees(gateway, a, b);
  assert.equal((await upstreamOf(gateway)).endpoints.find(({ address }) => address === b.address).weight, 3);
  await etcd.put("/app/3", "nonsense");
  await etcd.remove("/app/1");
  await sees(gateway, b);
  assert.equal((await gateway.get("/")).text, "b");

  // A reload keeps the watch and what it knows.
  await gateway.reload(config(`{ etcd: { servers: [127.0.0.1:${ports[0]}], prefix: /app/ } }`, `    endpoints: ["${c.address}"]\n    balance: random\n`));
  assert.equal((await gateway.get("/")).text, "b");
  await etcd.put("/app/2", c.address);
  await sees(gateway, c);

  // Without etcd all stays as it was.
  await etcd.stop();
  assert.equal((await gateway.get("/")).text, "c");
});

test("etcd: endpoints come and go under load, and no request is lost", options, async (t) => {
  const origins = await named(t, ["a", "b", "c"]);
  const etcd = await startEtcd(t, { ports: await freePorts(2) });
  await etcd.put("/app/0", origins[0].address);
  const gateway = await startGateway(t, config(`{ etcd: { servers: ["${etcd.address}"], prefix: /app/ } }`));
  await sees(gateway, origins[0]);
  let asking = true;
  const answers = { 200: 0 };
  const ask = async () => {
    while (asking) {
      const { status } = await gateway.get("/");
      answers[status] = (answers[status] ?? 0) + 1;
    }
  };
  const load = [1, 2, 3, 4].map(ask);
  // The next one is there before the last one goes; who has left gets nothing more.
  for (let i = 0; i < 12; i++) {
    const [old, next] = [i % 3, (i + 1) % 3];
    await etcd.put(`/app/${next}`, origins[next].address);
    await sees(gateway, origins[old], origins[next]);
    await etcd.remove(`/app/${old}`);
    await sees(gateway, origins[next]);
    assert.equal((await gateway.get("/")).text, "abc"[next]);
  }
  asking = false;
  await Promise.all(load);
  assert.deepEqual(Object.keys(answers), ["200"], JSON.stringify(answers));
  assert.ok(answers[200] > 50);
  await noReload(gateway);
});

test("etcd: what happened meanwhile was compacted away: all is listed again", options, async (t) => {
  const [a, b] = await named(t, ["a", "b"]);
  const etcd = await startEtcd(t, { ports: await freePorts(2) });
  const path = await startPath(t, etcd.port);
  await etcd.put("/app/1", a.address);
  const gateway = await startGateway(t, config(`{ etcd: { servers: ["127.0.0.1:${path.port}"], prefix: /app/ } }`));
  await sees(gateway, a);
  path.cut();
  await etcd.remove("/app/1");
  const { header } = await etcd.put("/app/2", b.address);
  await etcd.ask("kv/compaction", { revision: header.revision, physical: true });
  path.mend();
  await sees(gateway, b);
  await tells(gateway, /upstream app: etcd: the watch is too old, all is listed again/);
  await noReload(gateway);
});

test("etcd: an entry that is no endpoint is left out, and the log says what is wrong with it", options, async (t) => {
  const [a] = await named(t, ["a"]);
  const etcd = await startEtcd(t, { ports: await freePorts(2) });
  const gateway = await startGateway(t, config(`{ etcd: { servers: ["${etcd.address}"], prefix: /app/ } }`));
  for (const [value, flaw] of [
    ["app.example:80", /it has no address: an IP address with a port, or a Unix socket/],
    [`{"address": "${a.address}", "weight": "0"}`, /"weight" is no whole number from 0 to 1000/],
    [`{"address": "${a.address}", "priority": 16}`, /"priority" is no whole number from 0 to 15/],
    [`{"address": "${a.address}"`, /it begins like JSON, and is none/],
  ]) {
    await etcd.put("/app/1", value);
    await tells(gateway, new RegExp(`upstream app: etcd: the value of /app/1 is no endpoint: ${flaw.source}`));
    assert.equal((await gateway.get("/")).status, 503);
  }
  // Two entries with one address, as when a server has come back before its old lease ran out: it counts once.
  await etcd.put("/app/1", JSON.stringify({ address: a.address, weight: 2 }));
  await etcd.put("/app/2", a.address);
  await sees(gateway, a);
  await eventually(async () => (await upstreamOf(gateway)).endpoints[0].weight === 2);
});
