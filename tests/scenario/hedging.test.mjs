// Reads that take long are asked of a second server as well: who answers first wins, the other one is
// called off, and there is a budget.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { startH2Origin } from "./support/h2-origin.mjs";
import { startOrigin } from "./support/origin.mjs";
import { runRingway } from "./support/run.mjs";
import { eventually } from "./support/wait.mjs";

const config = (endpoints, hedging, more = "") => `
threads: 1
routes: [{ upstream: app }]
upstreams:
  - name: app
    endpoints: [${endpoints.map((address) => `"${address}"`).join(", ")}]
    retries: { tries: 1 }
    hedging: { ${hedging} }
${more}`;

// Never answers; tells when it was hung up on.
async function startSilent(t, answer = () => {}) {
  const origin = await startOrigin(t, {
    answer(request, response) {
      request.socket.once("close", () => (origin.closed = (origin.closed ?? 0) + 1));
      answer(request, response);
    },
    streaming: true,
  });
  return origin;
}

test("the second answers, and the first is hung up on", async (t) => {
  const silent = await startSilent(t);
  const quick = await startOrigin(t, { answer: (_, response) => response.end("quick") });
  const gateway = await startGateway(t, config([silent.address, quick.address], "after_max: 20ms, budget_percent: 100"));
  for (let i = 0; i < 6; i++) assert.equal((await gateway.get("/")).text, "quick");
  assert.ok(silent.requests.length >= 2);
  await eventually(() => silent.closed === silent.requests.length);
  const lines = await gateway.accessLines(6);
  // On a slow machine the quick one may be asked first and yet be late: then it is the hedge that is lost.
  const won = lines.filter(({ hedge }) => hedge === "won").length;
  assert.ok(won >= 1);
  assert.equal(lines.filter(({ hedge }) => hedge).length, silent.requests.length);
  assert.ok(lines.every(({ endpoint, status }) => endpoint === quick.address && status === 200));
  assert.equal(await gateway.metric("ringway_upstream_hedges_total"), silent.requests.length);
  assert.equal(await gateway.metric("ringway_upstream_hedges_won_total"), won);
  const told = await runRingway("explain", gateway.configFile, "/");
  assert.match(told.stdout, /hedging +reads that take longer than 95% of them, 5 ms at least, 20 ms at most; of all reads 100%/);
});

test("over HTTP/2 the first's stream is reset, its connection stays", async (t) => {
  const resets = [];
  const silent = await startH2Origin(t, {
    answer: (stream) => stream.on("close", () => resets.push(stream.rstCode)),
  });
  const quick = await startH2Origin(t, {
    answer(stream) {
      stream.respond({ ":status": 200 });
      stream.end("quick");
    },
  });
  const gateway = await startGateway(
    t,
    config([silent.address, quick.address], "after_max: 20ms, budget_percent: 100", "    protocol: http2\n"),
  );
  for (let i = 0; i < 6; i++) assert.equal((await gateway.get("/")).text, "quick");
  await eventually(() => resets.length >= 2);
  assert.ok(resets.every((code) => code === 8), String(resets)); // CANCEL
});

test("when the second fails, or says that it has failed, the first is waited for", async (t) => {
  const broken = await startOrigin(t, { answer: (request) => request.socket.destroy() });
  const ill = await startOrigin(t, {
    answer(_, response) {
      response.statusCode = 503;
      response.end("ill");
    },
  });
  for (const other of [broken.address, ill.address, "127.0.0.1:1"]) {
    const slow = await startOrigin(t, {
      answer(_, response) {
        setTimeout(() => response.end("slow"), 150);
      },
      streaming: true,
    });
    const gateway = await startGateway(
      t,
      config([slow.address, other], "after_max: 10ms, budget_percent: 100", "    balance: hash\n    passive_health: { failures: 0 }\n    hash: { on: path }\n"),
    );
    // Paths whose first endpoint is the slow one: those that it sees before anybody else.
    let answered = 0;
    for (let i = 0; i < 8; i++) {
      const { text, status } = await gateway.get(`/${i}`);
      answered += text === "slow" && status === 200;
    }
    const lost = (await gateway.accessLines(8)).filter(({ hedge }) => hedge);
    assert.ok(answered > 0 && lost.length > 0, other);
    assert.ok(lost.every(({ status, endpoint }) => status === 200 && endpoint === slow.address), JSON.stringify(lost));
  }
});

test("no second request for what is no read, nor beyond the budget", async (t) => {
  const slow = () =>
    startOrigin(t, {
      answer(_, response) {
        setTimeout(() => response.end("slow"), 60);
      },
    });
  const origins = [await slow(), await slow()];
  const gateway = await startGateway(
    t,
    config(
      origins.map(({ address }) => address),
      "after_max: 5ms, budget_percent: 1, budget_burst: 2",
    ),
  );
  for (let i = 0; i < 3; i++) await gateway.get("/", { method: "POST", body: "x" });
  for (let i = 0; i < 3; i++) await gateway.get("/", { method: "DELETE" });
  assert.equal(await gateway.metric("ringway_upstream_hedges_total"), 0);
  for (let i = 0; i < 8; i++) await gateway.get("/");
  assert.equal(await gateway.metric("ringway_upstream_hedges_total"), 2);
  assert.equal(await gateway.metric("ringway_upstream_events_total", { event: "hedge" }), 2);
  assert.equal(await gateway.metric("ringway_upstream_hedges_denied_total"), 6);
});

test("mistakes", async (t) => {
  for (const [hedging, message] of [
    ["percentile: 100", /percentile/],
    ["after_min: 2s", /longer than "after_max"/],
  ])
    await assert.rejects(startGateway(t, config(["127.0.0.1:1"], hedging)), message);
});
