// Node's HTTP/2 client with an end to its patience.

import http2 from "node:http2";
import { cleanup } from "./cleanup.mjs";
import { within } from "./wait.mjs";

const PATIENCE = 20000;

// A session that is connected. What ends it is in `session.goaways` and `session.failure`.
export async function connect2(t, url, options = {}) {
  const session = http2.connect(url, { rejectUnauthorized: false, ...options });
  session.goaways = [];
  session.on("goaway", (code, last) => session.goaways.push({ code, last }));
  session.on("error", (error) => (session.failure = error));
  cleanup(t, () => session.destroy());
  await within(
    PATIENCE,
    `a connection to ${url}`,
    new Promise((resolve, reject) => {
      session.once("connect", resolve);
      session.once("error", reject);
    }),
  );
  return session;
}

// `body`: text, Buffer or a readable stream. `consume` false: the stream is handed out as it is.
export function request2(session, path, { method = "GET", headers = {}, body, trailers, patience = PATIENCE, consume = true } = {}) {
  const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: body === undefined && !trailers, waitForTrailers: !!trailers });
  const result = { informational: [], stream };
  const chunks = [];
  const answer = new Promise((resolve, reject) => {
    stream.on("headers", (head) => result.informational.push(head[":status"]));
    stream.once("response", (head) => {
      Object.assign(result, { status: head[":status"], headers: head });
      if (!consume) resolve(result);
    });
    stream.once("trailers", (fields) => (result.trailers = fields));
    if (trailers) stream.once("wantTrailers", () => stream.sendTrailers(trailers));
    if (consume) stream.on("data", (chunk) => chunks.push(chunk));
    stream.once("error", reject);
    stream.once("close", () => {
      result.code = stream.rstCode;
      result.bytes = Buffer.concat(chunks);
      result.text = result.bytes.toString();
      if (result.status === undefined) reject(new Error(`${method} ${path}: stream closed with ${stream.rstCode} and no answer`));
      else resolve(result);
    });
  });
  if (body && typeof body.pipe === "function") body.pipe(stream);
  else if (body !== undefined || trailers) stream.end(body);
  return within(patience, `${method} ${path}`, answer).catch((error) => {
    stream.destroy();
    throw error;
  });
}
