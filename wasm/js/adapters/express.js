// The adapter for Express 5: middleware that lets a request through to its handler if it is allowed; `express.d.ts` documents it.
import { enforce } from "./enforce.js";

export function authorize(engine, ask, options) {
  // What it rejects with, Express gives to the handlers of errors.
  return async (request, response, next) => {
    const { decision, refusal } = await enforce(engine, ask, [request], options);
    if (refusal !== undefined) {
      response.status(refusal.status).setHeaders(new Headers(refusal.headers)).end(refusal.body);
      return;
    }
    request.decision = decision;
    next();
  };
}
