// An application for the gateway's tests: a server on this machine that says what it was sent, and clients that ask for it
// by the name of its host.
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { WebSocketServer } from "ws";
import { call } from "./office.mjs";

export const HOST = "app.localhost";

/** The rules of the application; an action is on papers. */
export const ROUTES = {
  routes: [
    { methods: ["GET"], path: "/papers/{id}", action: { name: "read" }, resource: { type: "acme_paper", id: "{id}" } },
    { methods: ["POST"], path: "/papers/{id}", action: { name: "read" }, resource: { type: "acme_paper", id: { body: "/id" } }, body_limit: 1000 },
    { methods: ["*"], path: "/echo", pass: "anyone" },
    { methods: ["GET"], path: "/socket", action: { name: "read" }, resource: { type: "acme_paper", id: "socket" } },
    { methods: ["GET"], path: "/{*rest}", pass: "anyone" },
  ],
};

/**
 * Starts it: `/echo` and all else say what came; the paths of `odd` do what their name says.
 */
export async function startApplication() {
  /** @type {any[]} */
  const seen = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    if (request.url === "/stream") {
      // Each piece when the one before has arrived.
      response.writeHead(200, { "content-type": "text/plain" });
      for (let at = 0; at < 5; at++) {
        response.write(`${at}\n`);
        await new Promise((go) => setTimeout(go, 100));
      }
      return response.end();
    }
    if (request.url === "/hang") return undefined;
    if (request.url === "/cut") {
      response.writeHead(200, { "content-length": "1000" });
      response.write("half");
      return setTimeout(() => response.destroy(), 50);
    }
    if (request.url === "/garbage") return request.socket.end("this is no HTTP\r\n\r\n");
    if (request.url === "/cookies") {
      response.setHeader("set-cookie", ["theme=dark", "__Host-session=stolen; Secure; Path=/", "a=b"]);
      return response.end("cookies");
    }
    if (request.url === "/redirect") return response.writeHead(302, { location: "/elsewhere" }).end();
    let size = 0;
    for await (const chunk of request) {
      size += chunk.length;
      if (size <= 100_000) chunks.push(chunk);
    }
    const told = { method: request.method, url: request.url, headers: request.headers, size, body: Buffer.concat(chunks).toString() };
    seen.push(told);
    response.writeHead(request.url === "/teapot" ? 418 : 200, { "content-type": "application/json", "x-application": "here" });
    return response.end(JSON.stringify(told));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    close: () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

/**
 * Puts an application behind the gateway.
 *
 * @param {any} worker
 * @param {any} keys
 * @param {string} origin
 */
export async function behind(worker, keys, origin, routes = ROUTES, host = HOST) {
  const set = await call(worker, keys.owner, "PUT", "/v1/tenant-settings/auth/routes.app", { value: routes });
  if (![200, 201].includes(set.status)) throw new Error(JSON.stringify(set.body));
  const made = await call(worker, keys.owner, "POST", "/v1/gateway-hosts", { host, origin, route_map: "app" });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return made.body;
}

/**
 * Asks for a path of a host, over a connection to the edge itself.
 *
 * @param {URL} url where the edge listens
 * @param {string} path
 * @param {{method?: string, headers?: Record<string, string>, body?: any, host?: string}} [options]
 * @returns {Promise<{status: number, headers: any, body: any, text: string, chunks: number}>}
 */
export function ask(url, path, { method = "GET", headers = {}, body, host = HOST } = {}) {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: url.hostname, port: url.port, path, method, headers: { host, ...headers }, agent: false }, (response) => {
      let text = "";
      let chunks = 0;
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text += chunk;
        chunks += 1;
      });
      response.on("error", reject);
      response.on("end", () => {
        let parsed;
        try {
          parsed = JSON.parse(text);
        } catch {
          parsed = undefined;
        }
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed, text, chunks });
      });
    });
    request.on("error", reject);
    if (body?.pipe) body.pipe(request);
    else request.end(body);
  });
}
