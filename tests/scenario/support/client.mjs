// Node's own HTTP clients with an end to their patience.

import http from "node:http";
import https from "node:https";

const PATIENCE = 20000;

// `body`: text, Buffer or a readable stream. A new connection unless an agent is given.
export function request(url, { method = "GET", headers = {}, body, agent = false, patience = PATIENCE, consume = true, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const library = url.startsWith("https:") ? https : http;
    const ask = library.request(url, { method, headers, agent, ...options });
    const timer = setTimeout(() => ask.destroy(new Error(`${method} ${url}: no complete response within ${patience} ms`)), patience);
    const fail = (error) => {
      clearTimeout(timer);
      reject(error);
    };
    const informational = [];
    ask.on("information", (info) => informational.push(info.statusCode));
    ask.once("error", fail);
    ask.once("response", (response) => {
      const result = {
        status: response.statusCode,
        headers: response.headers,
        rawHeaders: response.rawHeaders,
        version: response.httpVersion,
        informational,
        response,
        socket: ask.socket,
      };
      if (!consume) {
        clearTimeout(timer);
        resolve(result);
        return;
      }
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.once("error", fail);
      response.once("aborted", () => fail(new Error(`${method} ${url}: response cut`)));
      response.once("end", () => {
        clearTimeout(timer);
        const bytes = Buffer.concat(chunks);
        resolve({ ...result, bytes, text: bytes.toString(), trailers: response.trailers });
      });
    });
    if (body && typeof body.pipe === "function") body.pipe(ask);
    else ask.end(body);
  });
}

export async function json(url, options) {
  const answer = await request(url, options);
  return JSON.parse(answer.text);
}
