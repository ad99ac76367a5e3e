// The server adapters in their real frameworks: who is let through, what everybody else is told, and that nothing that fails
// lets anybody through.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { authorize as forExpress } from "@parapet/engine/express";
import { authorize as forFastify } from "@parapet/engine/fastify";
import { authorize as forHono } from "@parapet/engine/hono";
import { SnapshotSource } from "@parapet/engine/source";
import { authorize as forWeb, decisionOf, protect } from "@parapet/engine/web";
import { Engine, KEY, open, snapshot } from "./tenant.mjs";

/** What a request for a document asks: of whom a header says that it is, and badly where the id says so. */
async function question(user, id) {
  if (id === "nothing") return undefined;
  if (id === "throws") throw Object.assign(new Error("no such document"), { status: 404, statusCode: 404 });
  if (id === "route" || id === "router") throw id;
  if (id === "undefined") throw undefined;
  if (id === "malformed") return { subject: { type: "user", id: "ada" } };
  if (id === "hangs") return new Promise(() => {});
  const subject = user ? { type: "user", id: user } : null;
  return { subject, action: { name: "read" }, resource: { type: "document", id, properties: { label: id } } };
}

/** What runs behind an adapter: it says what it finds. */
const found = (id, decision) => ({ id, outcome: decision?.context.outcome, policies: decision?.context.policies.length });

async function listening(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  return {
    ask: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
    close: () => (server.close(), server.closeAllConnections()),
  };
}

/** By framework, an application with `/documents/:id` behind an engine; `ran` counts what got past it, `failed` keeps what went wrong. */
const frameworks = {
  async hono(engine, world) {
    const app = new Hono();
    app.use("/shared/*", cors());
    const guard = forHono(engine, (c) => question(c.req.header("x-user"), c.req.param("id")), { challenge: 'Bearer realm="acme"' });
    app.all("/documents/:id", guard, (c) => (world.ran++, c.json(found(c.req.param("id"), c.get("decision")))));
    app.all("/shared/:id", guard, (c) => (world.ran++, c.text("shared")));
    app.onError((error, c) => (world.failed.push(error), c.text("failed", error instanceof HTTPException || error.status ? error.status : 500)));
    return { ask: async (path, init) => app.request(path, init), close() {} };
  },

  async express(engine, world) {
    const app = express();
    app.use("/shared", (request, response, next) => {
      response.setHeader("access-control-allow-origin", "https://app.example");
      return request.method === "OPTIONS" ? response.status(204).end() : next();
    });
    const guard = forExpress(engine, ({ headers, params }) => question(headers["x-user"], params.id), { challenge: 'Bearer realm="acme"' });
    app.all("/documents/:id", guard, (request, response) => (world.ran++, response.json(found(request.params.id, request.decision))));
    app.all("/documents/:id", (_, response) => (world.ran++, response.json("the next route")));
    app.all("/shared/:id", guard, (_, response) => (world.ran++, response.send("shared")));
    app.use((error, request, response, next) => (world.failed.push(error), response.status(error.status ?? 500).send("failed")));
    return listening(createServer(app));
  },

  async fastify(engine, world) {
    const app = fastify({ exposeHeadRoutes: true });
    app.addHook("onRequest", async (request, reply) => {
      if (!request.url.startsWith("/shared")) return;
      reply.header("access-control-allow-origin", "https://app.example");
      if (request.method === "OPTIONS") return reply.code(204).send();
    });
    const onRequest = forFastify(engine, ({ headers, params }) => question(headers["x-user"], params.id), { challenge: 'Bearer realm="acme"' });
    app.all("/documents/:id", { onRequest }, async (request) => (world.ran++, found(request.params.id, request.decision)));
    app.all("/shared/:id", { onRequest }, async () => (world.ran++, "shared"));
    app.setErrorHandler((error, _, reply) => (world.failed.push(error), reply.code(error.statusCode ?? 500).send("failed")));
    await app.listen({ port: 0, host: "127.0.0.1" });
    const { port } = app.server.address();
    return {
      ask: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
      close: () => (app.server.closeAllConnections(), app.close()),
    };
  },

  async web(engine, world) {
    const id = (request) => new URL(request.url).pathname.split("/").at(-1);
    const asked = (request, { params }) => question(request.headers.get("x-user"), params.id);
    const handler = (request, { params }) => (world.ran++, Response.json(found(params.id, decisionOf(request))));
    const guarded = protect(engine, asked, handler, { challenge: 'Bearer realm="acme"' });
    // As a host does: one that has no way to handle errors answers 500, or what the error says.
    async function ask(path, init) {
      const request = new Request(`https://app.example${path}`, init);
      try {
        if (path.startsWith("/shared") && request.method === "OPTIONS") return new Response(null, { status: 204, headers: { "access-control-allow-origin": "*" } });
        const response = await guarded(request, { params: { id: id(request) } });
        return request.method === "HEAD" ? new Response(null, response) : response;
      } catch (error) {
        world.failed.push(error);
        return new Response("failed", { status: error.status ?? 500 });
      }
    }
    return { ask, close() {} };
  },
};

for (const [name, made] of Object.entries(frameworks)) {
  describe(name, () => {
    const world = { ran: 0, failed: [] };
    let engine, app;
    before(async () => {
      engine = await open();
      app = await made(engine, world);
    });
    after(() => app.close());

    /** Asks as Ada, and gives what came and how many handlers ran. */
    async function ask(path, { user = "ada", ...init } = {}) {
      world.ran = 0;
      world.failed.length = 0;
      const response = await app.ask(path, { ...init, headers: user === null ? {} : { "x-user": user } });
      return { response, text: await response.text(), ran: world.ran };
    }

    test("what is allowed reaches its handler, which finds the decision", async () => {
      const { response, text, ran } = await ask("/documents/plan");
      assert.deepEqual([response.status, ran, JSON.parse(text)], [200, 1, { id: "plan", outcome: "allow", policies: 1 }]);
    });

    test("what is denied does not, and is told no more than that", async () => {
      for (const [path, user, decided] of [
        ["/documents/secret", "ada", { outcome: "no_permit" }],
        ["/documents/plan", "eve", { outcome: "forbidden", reason: "principal_unknown" }],
      ]) {
        const { response, text, ran } = await ask(path, { user });
        assert.deepEqual([response.status, ran], [403, 0]);
        assert.match(response.headers.get("content-type"), /^application\/problem\+json/);
        assert.equal(response.headers.get("cache-control"), "no-store");
        assert.equal(response.headers.get("www-authenticate"), null);
        assert.deepEqual(JSON.parse(text), { type: "about:blank", title: "Forbidden", status: 403, detail: "this is not allowed", ...decided });
      }
    });

    test("who is nobody is asked who they are", async () => {
      const { response, text, ran } = await ask("/documents/plan", { user: null });
      assert.deepEqual([response.status, ran], [401, 0]);
      assert.equal(response.headers.get("www-authenticate"), 'Bearer realm="acme"');
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.deepEqual(JSON.parse(text), { type: "about:blank", title: "Unauthorized", status: 401, detail: "who asks is not known" });
    });

    test("no question is denied", async () => {
      const { response, ran } = await ask("/documents/nothing");
      assert.deepEqual([response.status, ran], [403, 0]);
    });

    test("what fails goes where the framework takes errors, and to no handler", async () => {
      for (const [id, status] of [["throws", 404], ["malformed", 500], ["route", 500], ["router", 500], ["undefined", 500]]) {
        const { response, text, ran } = await ask(`/documents/${id}`);
        assert.deepEqual([response.status, ran, text, world.failed.length], [status, 0, "failed", 1], id);
        assert.ok(world.failed[0] instanceof Error);
      }
      await ask("/documents/malformed");
      assert.equal(world.failed[0].code, "authzen.missing_field");
      await ask("/documents/route");
      assert.equal(world.failed[0].cause, "route");
    });

    test("HEAD is decided as any other, and has no body", async () => {
      for (const [path, status, ran] of [["/documents/plan", 200, 1], ["/documents/secret", 403, 0]]) {
        const head = await ask(path, { method: "HEAD" });
        assert.deepEqual([head.response.status, head.ran, head.text], [status, ran, ""]);
      }
    });

    test("OPTIONS is decided too, unless CORS is answered before", async () => {
      assert.equal((await ask("/documents/plan", { method: "OPTIONS", user: null })).response.status, 401);
      const { response, ran } = await ask("/shared/secret", { method: "OPTIONS", user: null });
      assert.deepEqual([response.status, ran], [204, 0]);
      assert.ok(response.headers.get("access-control-allow-origin"));
      assert.equal((await ask("/shared/secret")).response.status, 403);
    });

    test("who waits for ever keeps nobody else waiting", async () => {
      const hanging = app.ask("/documents/hangs", { headers: { "x-user": "ada" }, signal: AbortSignal.timeout(200) });
      assert.equal((await ask("/documents/plan")).response.status, 200);
      const gone = hanging.then(() => "answered", () => "gone");
      assert.equal(await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 300, "gone"))]), "gone");
    });

    test("a freed engine lets nobody through", async () => {
      engine.free();
      const { response, ran } = await ask("/documents/plan");
      assert.deepEqual([response.status, ran, world.failed[0].code], [500, 0, "engine.freed"]);
    });

    test("a source that has nothing denies, and decides when it has", async () => {
      const bytes = snapshot();
      const source = new SnapshotSource(Engine, "https://rules.example/", { keys: [KEY], fetch: async () => new Response(bytes) });
      const over = await made(source, world);
      const first = await over.ask("/documents/plan", { headers: { "x-user": "ada" } });
      assert.equal(first.status, 403);
      const { outcome, reason } = await first.json();
      assert.deepEqual([outcome, reason], ["error", "snapshot_stale"]);
      await source.refresh();
      assert.equal((await over.ask("/documents/plan", { headers: { "x-user": "ada" } })).status, 200);
      source.close();
      await over.close();
    });
  });
}

test("an engine that says something else than yes says no", async () => {
  for (const decide of [() => ({ decision: "true", context: {} }), () => ({ decision: 1 }), async () => ({ decision: true })]) {
    const guard = forWeb({ decide }, () => question("ada", "plan"));
    assert.equal((await guard(new Request("https://app.example/")))?.status, 403);
  }
});

test("Hono: a middleware of many routes; its own exceptions keep their status", async () => {
  const engine = await open();
  const app = new Hono();
  app.use("/documents/*", forHono(engine, (c) => {
    if (c.req.path.endsWith("gone")) throw new HTTPException(410);
    return question(c.req.header("x-user"), c.req.path.split("/")[2]);
  }));
  app.get("/documents/:id/pages/:page", (c) => c.text(`${c.req.param("page")} ${c.get("decision").decision}`));
  app.get("/", (c) => c.text("open"));
  const headers = { "x-user": "ada" };
  assert.equal(await (await app.request("/documents/plan/pages/7", { headers })).text(), "7 true");
  assert.equal((await app.request("/documents/secret/pages/7", { headers })).status, 403);
  assert.equal((await app.request("/documents/gone", { headers })).status, 410);
  assert.equal((await app.request("/documents/plan/pages/7")).headers.get("www-authenticate"), "Bearer");
  assert.equal((await app.request("/")).status, 200);
});

test("Express: a router of many routes, without a handler of errors", async () => {
  const engine = await open();
  const router = express.Router();
  router.use("/:id", forExpress(engine, (request) => question(request.get("x-user"), request.params.id)));
  router.get("/:id/pages/:page", (request, response) => response.send(`${request.params.page} ${request.decision.decision}`));
  const app = express().set("env", "test").use("/documents", router);
  const { ask, close } = await listening(createServer(app));
  const headers = { "x-user": "ada" };
  assert.equal(await (await ask("/documents/plan/pages/7", { headers })).text(), "7 true");
  for (const [id, status] of [["secret", 403], ["throws", 404], ["route", 500], ["router", 500]]) {
    assert.equal((await ask(`/documents/${id}/pages/7`, { headers })).status, status);
  }
  close();
});

test("Fastify: a hook of a plugin's routes and no others, which may read the body", async () => {
  const engine = await open();
  const app = fastify();
  app.register(async (documents) => {
    documents.addHook("preHandler", forFastify(engine, (request) => question(request.headers["x-user"], request.body.id)));
    documents.post("/documents", async (request) => ({ id: request.body.id, decision: request.decision.decision }));
  });
  app.post("/open", async (request) => ({ decision: request.decision ?? null }));
  const post = (url, id) => app.inject({ method: "POST", url, headers: { "x-user": "ada" }, payload: { id } });
  assert.deepEqual((await post("/documents", "plan")).json(), { id: "plan", decision: true });
  assert.equal((await post("/documents", "secret")).statusCode, 403);
  assert.equal((await post("/documents", "undefined")).statusCode, 500);
  assert.deepEqual((await post("/open", "secret")).json(), { decision: null });
  await app.close();
});

test("as in Next.js: a route handler with params that are promised, and middleware that goes on by answering nothing", async () => {
  const engine = await open();
  const asked = async (request, { params }) => question(request.headers.get("x-user"), (await params).id);
  const GET = protect(engine, asked, async (_, { params }) => new Response((await params).id));
  const request = () => new Request("https://app.example/documents/plan", { headers: { "x-user": "ada" } });
  assert.equal(await (await GET(request(), { params: Promise.resolve({ id: "plan" }) })).text(), "plan");
  assert.equal((await GET(request(), { params: Promise.resolve({ id: "secret" }) })).status, 403);
  await assert.rejects(GET(request(), { params: Promise.reject(new Error("no params")) }), /no params/);
  const middleware = forWeb(engine, (request) => question(request.headers.get("x-user"), request.url.split("/").at(-1)));
  assert.equal(await middleware(request()), undefined);
  assert.equal((await middleware(new Request("https://app.example/documents/secret"))).status, 401);
  assert.equal((await middleware(new Request("https://app.example/documents/secret", { method: "HEAD" }))).body, null);
});
