// gRPC by @grpc/grpc-js: an origin with the service of shop.proto, and clients of it.
//
//   const origin = await startGrpcOrigin(t);        // origin.calls: what came
//   const client = grpcClient(t, gateway.url);
//   const { reply, status, head } = await unary(client, { name: "tea" });
//
// What the origin does depends on the order's name: `fail 5 none left` ends with that status, `silent`
// never answers, not even with a head, everything else is answered with itself.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import { cleanup } from "./cleanup.mjs";
import { within } from "./wait.mjs";

const PATIENCE = 30000;
const here = dirname(fileURLToPath(import.meta.url));
const load = (file) => grpc.loadPackageDefinition(loader.loadSync(join(here, file), { defaults: true, enums: String }));
export const { shop } = load("shop.proto");
const health = load("health.proto").grpc.health.v1;
export { grpc };

function trailersOf(call) {
  const trailers = new grpc.Metadata();
  trailers.set("x-seen", String(call.metadata.get("x-ask")[0] ?? ""));
  trailers.set("x-raw-bin", Buffer.from([0, 1, 254, 255]));
  return trailers;
}

// The error that an order asks for, or undefined.
function failure(order, call) {
  const [, code, details] = /^fail (\d+) ?(.*)$/.exec(order.name) ?? [];
  return code && { code: Number(code), details, metadata: trailersOf(call) };
}

const service = (origin) => {
  const note = (kind, call) => {
    const seen = { kind, metadata: call.metadata.getMap(), deadline: call.getDeadline(), canceled: false, orders: [] };
    call.on("cancelled", () => (seen.canceled = true));
    origin.calls.push(seen);
    if (call.request?.name === "silent") return seen;
    const head = new grpc.Metadata();
    head.set("x-head", kind);
    call.sendMetadata(head);
    return seen;
  };
  return {
    Get(call, answer) {
      note("Get", call).orders.push(call.request);
      if (call.request.name === "silent") return;
      const error = failure(call.request, call);
      if (error) answer(error);
      else answer(null, call.request, trailersOf(call));
    },
    async List(call) {
      const seen = note("List", call);
      seen.orders.push(call.request);
      for (let i = 0; i < call.request.count && !seen.canceled; i++) {
        if (!call.write({ ...call.request, count: i })) await new Promise((resolve) => ["drain", "cancelled"].forEach((event) => call.once(event, resolve)));
        if (origin.afterWrite) await origin.afterWrite(i, call);
        seen.written = i + 1;
      }
      const error = failure(call.request, call);
      if (error) call.emit("error", error);
      else if (call.request.name !== "silent") call.end(trailersOf(call));
    },
    Put(call, answer) {
      const seen = note("Put", call);
      const bytes = () => seen.orders.reduce((sum, order) => sum + order.data.length, 0);
      call.on("data", (order) => seen.orders.push(order));
      call.on("error", () => {});
      call.on("end", () => answer(null, { name: "all", count: seen.orders.length, data: Buffer.from(String(bytes())) }, trailersOf(call)));
    },
    Chat(call) {
      const seen = note("Chat", call);
      call.on("data", (order) => {
        seen.orders.push(order);
        const error = failure(order, call);
        if (error) call.emit("error", error);
        else if (order.name !== "silent") call.write(order);
      });
      call.on("error", () => {});
      call.on("end", () => call.end(trailersOf(call)));
    },
  };
};

// `tls`: { key, cert } as PEM. `health`: what Health/Check answers: a status, an error of gRPC ({ code,
// details }), or a function of the service's name; it is asked afresh each time (origin.health).
export async function startGrpcOrigin(t, { tls, port = 0, health: state } = {}) {
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  const origin = { server, calls: [], health: state, checks: [] };
  server.addService(shop.Orders.service, service(origin));
  if (state !== undefined) {
    server.addService(health.Health.service, {
      Check({ request }, answer) {
        origin.checks.push(request.service);
        const now = typeof origin.health === "function" ? origin.health(request.service) : origin.health;
        if (typeof now === "string") answer(null, { status: now });
        else answer(now);
      },
    });
  }
  const credentials = tls ? grpc.ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.cert }]) : grpc.ServerCredentials.createInsecure();
  origin.port = await new Promise((resolve, reject) => server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound))));
  origin.address = `127.0.0.1:${origin.port}`;
  cleanup(t, () => server.forceShutdown());
  return origin;
}

// `ca`: a file with the authority to trust, where the address is https.
export function grpcClient(t, url, { ca } = {}) {
  const { protocol, host } = new URL(url);
  const credentials = protocol === "https:" ? grpc.credentials.createSsl(readFileSync(ca)) : grpc.credentials.createInsecure();
  const client = new shop.Orders(host, credentials, {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.enable_http_proxy": 0,
    "grpc.use_local_subchannel_pool": 1,
  });
  cleanup(t, () => client.close());
  return client;
}

export function metadata(fields) {
  const made = new grpc.Metadata();
  for (const [name, value] of Object.entries(fields)) made.set(name, value);
  return made;
}

const anyTime = () => ({ deadline: Date.now() + PATIENCE });

// What becomes of a call: { reply or replies, status: { code, details, metadata }, head }.
function outcome(call, what) {
  const result = { call, replies: [] };
  call.on("metadata", (head) => (result.head = head));
  call.on("error", () => {});
  const ended = new Promise((resolve) => call.on("status", (status) => resolve({ ...result, status })));
  return within(PATIENCE + 10000, what, ended);
}

export async function unary(client, order, fields = {}, options = anyTime()) {
  let reply;
  const call = client.Get(order, metadata(fields), options, (error, value) => (reply = value));
  const result = await outcome(call, "the end of Get");
  return { ...result, reply };
}

export async function list(client, order, fields = {}, options = anyTime()) {
  const call = client.List(order, metadata(fields), options);
  const replies = [];
  call.on("data", (value) => replies.push(value));
  return { ...(await outcome(call, "the end of List")), replies };
}

export async function put(client, orders, fields = {}, options = anyTime()) {
  let reply;
  const call = client.Put(metadata(fields), options, (error, value) => (reply = value));
  const ended = outcome(call, "the end of Put");
  for (const order of orders) if (!call.write(order)) await Promise.race([ended, new Promise((resolve) => call.once("drain", resolve))]);
  call.end();
  return { ...(await ended), reply };
}

// A conversation: say(order) resolves with the answer.
export function chat(client, fields = {}, options = anyTime()) {
  const call = client.Chat(metadata(fields), options);
  const replies = [];
  let wake = () => {};
  call.on("data", (value) => {
    replies.push(value);
    wake();
  });
  const ended = outcome(call, "the end of Chat").finally(() => wake());
  return {
    call,
    ended,
    async say(order) {
      call.write(order);
      const answer = new Promise((resolve) => (wake = resolve));
      if (replies.length === 0) await within(PATIENCE, "an answer in Chat", answer);
      return replies.shift();
    },
  };
}
