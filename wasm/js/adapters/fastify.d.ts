// The declarations of `@parapet/engine/fastify`. Written by hand.
import type { FastifyReply, FastifyRequest, RouteGenericInterface } from "fastify";
import type { EvaluationResponse } from "../index.js";
import type { AuthorizeOptions, Decider, Question } from "./enforce.js";

export type { AuthorizeOptions, Decider, Question };

declare module "fastify" {
  interface FastifyRequest {
    /** What `authorize` decided. */
    decision?: EvaluationResponse;
  }
}

/**
 * A hook, `onRequest` or (where the question needs the body) `preHandler`, of a route or of all routes of a plugin. It lets a request
 * through if it is allowed. Else it is answered 403, or 401 where nobody is known to ask, with a problem document. What `ask` throws
 * goes to Fastify's error handler.
 */
export function authorize<Route extends RouteGenericInterface = RouteGenericInterface>(
  engine: Decider,
  ask: (request: FastifyRequest<Route>) => Question | Promise<Question>,
  options?: AuthorizeOptions,
): (request: FastifyRequest<Route>, reply: FastifyReply) => Promise<unknown>;
