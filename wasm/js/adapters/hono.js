// The adapter for Hono: middleware that lets a request through to its handler if it is allowed; `hono.d.ts` documents it.
import { enforce } from "./enforce.js";

export function authorize(engine, ask, options) {
  return async (c, next) => {
    const { decision, refusal } = await enforce(engine, ask, [c], options);
    if (refusal !== undefined) return c.body(refusal.body, refusal.status, refusal.headers);
    c.set("decision", decision);
    await next();
  };
}
