// The declarations of `@parapet/engine/hono`. Written by hand.
import type { Context, Env, MiddlewareHandler } from "hono";
import type { EvaluationResponse } from "../index.js";
import type { AuthorizeOptions, Decider, Question } from "./enforce.js";

export type { AuthorizeOptions, Decider, Question };

/** What handlers find: `c.get("decision")`. */
export interface DecisionEnv {
  Variables: { decision: EvaluationResponse };
}

/**
 * Lets a request through if it is allowed. Else it is answered 403, or 401 where nobody is known to ask, with a problem document.
 * What `ask` throws goes to the application's `onError`.
 */
export function authorize<E extends Env = Env, P extends string = string>(
  engine: Decider,
  ask: (c: Context<E, P>) => Question | Promise<Question>,
  options?: AuthorizeOptions,
): MiddlewareHandler<E & DecisionEnv, P>;
