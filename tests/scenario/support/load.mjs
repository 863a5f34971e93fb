// A steady load by Node's client: some connections kept, some made anew for each request. Every
// request that does not get its answer is a failure; nothing is tried again.

import http from "node:http";
import { settled } from "./wait.mjs";

class Load {
  constructor(url, { kept = 8, fresh = 4, pause = 2 } = {}) {
    Object.assign(this, { url, pause, sent: 0, done: 0, failures: [], stopping: false });
    this.agents = [];
    this.workers = [];
    for (let i = 0; i < kept; i++) {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      this.agents.push(agent);
      this.workers.push(this.#work(agent));
    }
    for (let i = 0; i < fresh; i++) this.workers.push(this.#work(false));
  }

  #ask(agent) {
    return new Promise((resolve, reject) => {
      const ask = http.get(this.url, { agent, headers: agent ? {} : { Connection: "close" } }, (response) => {
        response.on("data", () => {});
        response.once("end", () => (response.statusCode === 200 && response.complete ? resolve() : reject(new Error(`status ${response.statusCode}`))));
        response.once("error", reject);
      });
      ask.setTimeout(15000, () => ask.destroy(new Error("no answer within 15 s")));
      ask.once("error", (error) => {
        // A kept connection that the server closed between two requests: no request was lost, as
        // every client knows (RFC 9112 section 9.3.1). Counted apart.
        reject(Object.assign(error, { reused: ask.reusedSocket }));
      });
    });
  }

  async #work(agent) {
    while (!this.stopping) {
      this.sent++;
      try {
        await this.#ask(agent);
        this.done++;
      } catch (error) {
        this.failures.push(error);
      }
      await new Promise((resolve) => setTimeout(resolve, this.pause));
    }
  }

  async stop() {
    this.stopping = true;
    await settled(this.workers);
    for (const agent of this.agents) agent.destroy();
    return this;
  }

  describeFailures() {
    const counts = {};
    for (const error of this.failures) {
      const key = `${error.reused ? "kept" : "new"} connection: ${error.message}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
    return JSON.stringify(counts);
  }
}

export function startLoad(url, options) {
  return new Load(url, options);
}
