// Discovery by etcd (Debian's): members of a cluster that are lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { config, follows, named, noReload, sees, tells, upstreamOf } from "./support/discovery.mjs";
import { startEtcdCluster } from "./support/etcd.mjs";
import { startGateway } from "./support/gateway.mjs";
import { freePorts } from "./support/ports.mjs";
import { installed } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const pairs = (ports) => ports.flatMap((port, i) => (i % 2 ? [] : [[port, ports[i + 1]]]));
const options = { skip: !installed("etcd") && "etcd is not installed" };

test("etcd: a member is lost, then the majority: the watch goes on at another one, and what is known stays", options, async (t) => {
  const [a, b, c] = await named(t, ["a", "b", "c"]);
  const members = await startEtcdCluster(t, pairs(await freePorts(6)));
  await members[0].put("/app/1", a.address);
  const gateway = await startGateway(t, config(`{ etcd: { servers: [${members.map(({ address }) => `"${address}"`)}], prefix: /app/ } }`));
  await sees(gateway, a);
  assert.equal(await gateway.metric("ringway_upstream_discovery_age_seconds", { upstream: "app" }), 0);

  // The member that is watched dies.
  await members[0].stop();
  await members[1].put("/app/2", b.address);
  await sees(gateway, a, b);
  await follows(gateway);

  // One of three is left, which has no leader and would say nothing for ever.
  await members[1].stop();
  await tells(gateway, new RegExp(`upstream app: etcd: ${members[2].address}: etcdserver: no leader`));
  const lost = await eventually(async () => (await upstreamOf(gateway)).discovery_age_ms > 0 && upstreamOf(gateway), { within: 60000 });
  assert.match(lost.discovery_error, /^127\.0\.0\.1:\d+: /);
  assert.ok((await gateway.metric("ringway_upstream_discovery_age_seconds", { upstream: "app" })) > 0);
  assert.match((await gateway.get("/")).text, /^[ab]$/);

  // The majority is back: nothing needs to be done.
  await Promise.all([members[0].start(), members[1].start()]);
  await members[0].put("/app/3", c.address);
  await members[0].remove("/app/1");
  await sees(gateway, b, c);
  await follows(gateway);
  await noReload(gateway);
});
