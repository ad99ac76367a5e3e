// The adapter for whatever answers a Request with a Response: Workers, Deno, Bun, Next.js; `web.d.ts` documents it.
import { enforce } from "./enforce.js";

const decisions = new WeakMap();

export function authorize(engine, ask, options) {
  return async (request, ...more) => {
    const { decision, refusal } = await enforce(engine, ask, [request, ...more], options);
    if (refusal === undefined) {
      decisions.set(request, decision);
      return undefined;
    }
    const { status, headers, body } = refusal;
    return new Response(request.method === "HEAD" ? null : body, { status, headers });
  };
}

export function protect(engine, ask, handler, options) {
  const refused = authorize(engine, ask, options);
  return async (request, ...more) => (await refused(request, ...more)) ?? handler(request, ...more);
}

export function decisionOf(request) {
  return decisions.get(request);
}
