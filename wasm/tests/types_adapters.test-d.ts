// What the declarations of the source and the adapters allow and refuse; compiled by `tsc --strict`, never run.
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { createElement } from "react";
import { Engine } from "@parapet/engine";
import { Engine as FullEngine } from "@parapet/engine/full";
import type { EvaluationResponse, ParapetError } from "@parapet/engine";
import { authorize as forExpress } from "@parapet/engine/express";
import { authorize as forFastify } from "@parapet/engine/fastify";
import { authorize as forHono } from "@parapet/engine/hono";
import type { DecisionEnv } from "@parapet/engine/hono";
import { AccessProvider, Can, useCan } from "@parapet/engine/react";
import { SnapshotSource } from "@parapet/engine/source";
import { authorize as forWeb, decisionOf, protect } from "@parapet/engine/web";
import type { Question } from "@parapet/engine/web";

const keys = [{ id: "k", es256: { x: "", y: "" } }];
const source = new SnapshotSource(Engine, "https://parapet.example.com/v1/snapshots/current", {
  keys,
  headers: async () => ({ authorization: "Bearer k" }),
});
new SnapshotSource(FullEngine, new URL("https://parapet.example.com"), { keys, clock: () => 0, interval: 1_000 });
const confirmed: boolean = await source.start();
const version: number | undefined = source.version;
const failure: ParapetError | undefined = source.lastError;
const allowed: boolean = source.check("ada", "read", "document", "1");
const answer: EvaluationResponse = source.decide({
  subject: { type: "user", id: "ada" },
  action: { name: "read" },
  resource: { type: "document", id: "1" },
});
source.addEventListener("change", () => source.close());

// @ts-expect-error: the keys are said
new SnapshotSource(Engine, "https://parapet.example.com", {});
// @ts-expect-error: the option is `maxAge`
new SnapshotSource(Engine, "https://parapet.example.com", { keys, maxage: 1 });
// @ts-expect-error: only it says which version is held
source.version = 1;

const engine = await Engine.open(new Uint8Array(), { keys });
const question = (id: string): Question => ({
  subject: id === "" ? null : { type: "user", id: "ada" },
  action: { name: "read" },
  resource: { type: "document", id },
});

new Hono<DecisionEnv>()
  .use("/documents/*", forHono(engine, (c) => question(c.req.path)))
  .get("/documents/:id", (c) => c.json(c.get("decision").context));
// What a middleware decided is known to the handler behind it.
new Hono().get("/documents/:id", forHono(source, async (c) => question(c.req.param("id") ?? "")), (c) => {
  const decision: EvaluationResponse = c.get("decision");
  return c.json(decision.context);
});

express().get("/documents/:id", forExpress(engine, (request) => question(request.params["id"] ?? "")), (request, response) => {
  const decision: EvaluationResponse | undefined = request.decision;
  response.json(decision);
});

const app = fastify();
app.addHook("preHandler", forFastify(engine, (request) => question(request.url)));
app.get<{ Params: { id: string } }>(
  "/documents/:id",
  { onRequest: forFastify<{ Params: { id: string } }>(source, ({ params }) => question(params.id)) },
  async (request) => request.decision?.context,
);

const worker = { fetch: protect(source, (request: Request) => question(request.url), () => new Response("ok")) };
const route = protect(
  engine,
  async (_: Request, { params }: { params: Promise<{ id: string }> }) => question((await params).id),
  async (request, { params }) => Response.json([(await params).id, decisionOf(request)?.context]),
);
const middleware = forWeb(engine, (request: Request) => question(request.url));
const refused: Response | undefined = await middleware(new Request("https://example.com"));

// @ts-expect-error: a question names an action
forWeb(engine, () => ({ subject: null, resource: { type: "document", id: "1" } }));
// @ts-expect-error: an engine or a source decides
forExpress({}, () => null);

function Edit({ id }: { id: string }) {
  return useCan("write", "document", id, { label: "plan" }) ? createElement("button") : null;
}
createElement(
  AccessProvider,
  { engine: source, subject: "ada" },
  createElement(Can, { action: "read", resourceType: "document", resourceId: "1", fallback: "no" }, createElement(Edit, { id: "1" })),
);
// @ts-expect-error: whether something is allowed depends on what it is
createElement(Can, { action: "read" });

void [confirmed, version, failure, allowed, answer, worker, route, refused];
