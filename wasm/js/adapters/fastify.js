// The adapter for Fastify 5: a hook that lets a request through to its handler if it is allowed; `fastify.d.ts` documents it.
import { enforce } from "./enforce.js";

export function authorize(engine, ask, options) {
  return async (request, reply) => {
    const { decision, refusal } = await enforce(engine, ask, [request], options);
    if (refusal !== undefined) return reply.code(refusal.status).headers(refusal.headers).send(refusal.body);
    request.decision = decision;
  };
}
