// What the tests of discovery share: an upstream "app" whose endpoints are found at run time.

import assert from "node:assert/strict";
import { json } from "./client.mjs";
import { startOrigin } from "./origin.mjs";
import { eventually } from "./wait.mjs";

export const named = (t, names) => Promise.all(names.map((name) => startOrigin(t, { name, answer: (_, response) => response.end(name) })));
export const config = (discovery, more = "") => `
routes: [{ upstream: app }]
upstreams:
  - name: app
    discovery: ${discovery}
${more}`;
export const upstreamOf = async (gateway) => (await json(`${gateway.admin}/upstreams`))[0];
export const sees = (gateway, ...origins) =>
  eventually(
    async () => {
      const { endpoints } = await upstreamOf(gateway);
      return endpoints.map(({ address }) => address).join() === origins.map(({ address }) => address).sort().join();
    },
    { within: 60000, what: `the endpoints are ${origins.map(({ address }) => address)}` },
  );
export const tells = (gateway, pattern) => eventually(() => gateway.logLines().some(({ message }) => pattern.test(message)), { within: 60000, what: `the log has ${pattern}` });
// Changes are seen: nothing is old, and nothing is wrong.
export const follows = async (gateway) => {
  const good = ({ discovery_age_ms: age, discovery_error: error }) => age === 0 && error === undefined;
  await eventually(async () => good(await upstreamOf(gateway)), { within: 60000, what: "changes of the endpoints are seen" });
  assert.equal(await gateway.metric("ringway_upstream_discovery_age_seconds", { upstream: "app" }), 0);
};
// Nothing was ever known, and nothing is configured besides.
export const refusesAll = async (gateway) => {
  const answer = await gateway.get("/");
  assert.equal(answer.status, 503);
  await tells(gateway, /endpoint -: no_endpoint/);
  assert.equal((await upstreamOf(gateway)).discovered, false);
  assert.equal(await gateway.metric("ringway_upstream_discovered", { upstream: "app" }), 0);
  assert.equal(await gateway.metric("ringway_upstream_discovery_age_seconds", { upstream: "app" }), Infinity);
};
export const noReload = async (gateway) => assert.equal((await gateway.status()).generation, 1);
