// Health checks of gRPC origins: the gateway asks grpc.health.v1.Health, and @grpc/grpc-js answers.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeCertificates } from "./support/certificates.mjs";
import { scratch } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { grpc, grpcClient, startGrpcOrigin, unary } from "./support/grpc.mjs";
import { ringway, run } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const { status: codes } = grpc;
const PATIENCE = { within: 30000 };

const behind = (origins, { grpc: what = "{}", more = "" } = {}) => `
routes: [{ name: calls, match: /shop.Orders/*, upstream: app }]
upstreams:
- name: app
  protocol: http2
  endpoints: [${origins.map((origin) => `"${origin.address}"`).join(", ")}]
  passive_health: { failures: 0 }
  health: { grpc: ${what}, interval: 1s, timeout: 1s, healthy_after: 1, unhealthy_after: 1 }
  ${more}
`;

// Every endpoint may be down for a moment where the machine is slow.
const works = (client) => eventually(async () => (await unary(client, { name: "tea" })).status.code === codes.OK, PATIENCE);

// What the log says of the endpoint's last change: "down: it is NOT_SERVING".
const lastChange = (gateway, origin) =>
  gateway
    .logLines()
    .map((line) => new RegExp(`${origin.address} is ((?:up|down): .*)`).exec(line.message)?.[1])
    .filter(Boolean)
    .at(-1);

test("the origin's word decides who gets calls", async (t) => {
  const origins = [await startGrpcOrigin(t, { health: "SERVING" }), await startGrpcOrigin(t, { health: "SERVING" })];
  const gateway = await startGateway(t, behind(origins, { grpc: "shop.Orders" }));
  const client = grpcClient(t, gateway.url);
  const [one, other] = origins;
  await eventually(() => one.checks.length > 0 && other.checks.length > 0, PATIENCE);
  assert.ok(one.checks.every((service) => service === "shop.Orders"));

  one.health = "NOT_SERVING";
  await eventually(() => /^down: it is NOT_SERVING/.test(lastChange(gateway, one)), PATIENCE);
  one.calls.length = 0;
  for (let i = 0; i < 6; i++) await works(client);
  assert.deepEqual([one.calls.length, other.calls.length >= 6], [0, true]);

  other.health = { code: codes.NOT_FOUND, details: "unknown service" };
  await eventually(() => /^down: it does not know the service/.test(lastChange(gateway, other)), PATIENCE);
  assert.equal((await unary(client, { name: "tea" })).status.code, codes.UNAVAILABLE);

  one.health = "SERVING";
  await eventually(() => /^up: it is SERVING/.test(lastChange(gateway, one)), PATIENCE);
  await works(client);
  other.health = "SERVING";
  await eventually(() => /^up: it is SERVING/.test(lastChange(gateway, other)), PATIENCE);
});

test("what else may be answered, over TLS", async (t) => {
  const c = makeCertificates(t);
  const tls = { key: c.read("usual.key"), cert: c.read("usual.pem") };
  const plain = await startGrpcOrigin(t, { tls });
  const moody = await startGrpcOrigin(t, { tls, health: "SERVICE_UNKNOWN" });
  const gateway = await startGateway(t, behind([plain, moody], { more: `tls: { ca: "${c.cert("ca")}", name: localhost }` }));
  await eventually(() => /^down: it has no service grpc.health.v1.Health/.test(lastChange(gateway, plain)), PATIENCE);
  await eventually(() => /^down: it does not know the service/.test(lastChange(gateway, moody)), PATIENCE);
  assert.ok(moody.checks.every((service) => service === ""), "about the server as a whole");
  moody.health = "SERVING";
  await eventually(() => /^up: it is SERVING/.test(lastChange(gateway, moody)), PATIENCE);
  moody.health = { code: codes.RESOURCE_EXHAUSTED, details: "later" };
  await eventually(() => /^down: the call ended with the status 8 of gRPC/.test(lastChange(gateway, moody)), PATIENCE);
});

test("mistakes of the configuration", async (t) => {
  const file = join(scratch(t), "ringway.yaml");
  const check = async (text) => {
    writeFileSync(file, `listeners: [{ name: web, address: "127.0.0.1:8080" }]\n${text}`);
    const { code, stdout, stderr } = await run(ringway, ["check", file]);
    return code === 0 ? "good" : stdout + stderr;
  };
  const text = behind([{ address: "127.0.0.1:9" }]);
  assert.equal(await check(text), "good");
  assert.match(await check(text.replace("protocol: http2", "protocol: http1")), /health\.grpc: gRPC needs "protocol: http2"/);
  assert.match(await check(text.replace("grpc: {}", "grpc: {}, path: /up")), /either a GET of `path` or `grpc`/);
  assert.match(await check(text.replace("grpc: {}, ", "")), /expected `path` or `grpc`/);
});
