// The part of the API server of Kubernetes that discovery needs: EndpointSlices of namespace "shop", listed and watched
// (kubernetes.io, "API Concepts"). A watch goes on behind its resourceVersion, from the events that there were;
// one that is older than `oldest` gets ERROR with 410, or the status 410 where `gone` is set.

import http from "node:http";
import https from "node:https";
import { cleanup } from "./cleanup.mjs";

const PATH = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
const status = (code, reason) => ({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason, code });

function list(api, response) {
  api.lists++;
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ kind: "EndpointSliceList", metadata: { resourceVersion: String(api.version) }, items: [...api.slices.values()] }));
}

function watch(api, response, from) {
  api.watches.push(from);
  if (from < api.oldest && api.gone) return response.writeHead(410).end(JSON.stringify(status(410, "Expired")));
  response.writeHead(200, { "Content-Type": "application/json" });
  if (from < api.oldest) return response.end(`${JSON.stringify({ type: "ERROR", object: status(410, "Expired") })}\n`);
  response.flushHeaders();
  for (const { version, line } of api.events) if (version > from) response.write(line);
  api.watchers.add(response);
  response.once("close", () => api.watchers.delete(response));
}

function answer(api, request, response) {
  const url = new URL(request.url, "http://api");
  api.token = request.headers.authorization;
  if (api.refuse) return response.writeHead(403).end(JSON.stringify(status(403, "Forbidden")));
  if (api.accepts && api.accepts !== api.token) return response.writeHead(401).end(JSON.stringify(status(401, "Unauthorized")));
  if (url.pathname !== PATH) return response.writeHead(404).end(JSON.stringify(status(404, "NotFound")));
  api.selector = url.searchParams.get("labelSelector");
  if (url.searchParams.get("watch")) watch(api, response, Number(url.searchParams.get("resourceVersion")));
  else list(api, response);
}

// `say` makes an event, `hangUp` ends all watches; `accepts`: the only Authorization that is good. `tls`: { cert, key }; `port`: a free one.
export async function startKubernetes(t, tls, port = 0) {
  const api = { slices: new Map(), version: 100, lists: 0, watches: [], watchers: new Set(), events: [], oldest: 0 };
  const on = (request, response) => answer(api, request, response);
  const server = tls ? https.createServer(tls, on) : http.createServer(on);
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  cleanup(t, () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  api.port = server.address().port;
  api.say = (type, object) => {
    const version = ++api.version;
    const whole = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    if (type === "DELETED") api.slices.delete(object.metadata.name);
    else if (type !== "BOOKMARK") api.slices.set(object.metadata.name, whole);
    const line = `${JSON.stringify({ type, object: whole })}\n`;
    api.events.push({ version, line });
    for (const watcher of api.watchers) watcher.write(line);
  };
  api.hangUp = () => {
    for (const watcher of api.watchers) watcher.end();
  };
  return api;
}
