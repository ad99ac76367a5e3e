// The declarations of `@parapet/engine/web`. Written by hand.
import type { EvaluationResponse } from "../index.js";
import type { AuthorizeOptions, Decider, Question } from "./enforce.js";

export type { AuthorizeOptions, Decider, Question };

/**
 * A handler of requests that calls another one if the request is allowed. Else it answers 403, or 401 where nobody is known to ask,
 * with a problem document. `ask` and `handler` get what it is called with: the request, and whatever the host gives beside it, such
 * as `env` in a Worker or `{ params }` in Next.js. What they throw is thrown.
 */
export function protect<R extends Request, More extends readonly unknown[]>(
  engine: Decider,
  ask: (request: R, ...more: More) => Question | Promise<Question>,
  handler: (request: R, ...more: More) => Response | Promise<Response>,
  options?: AuthorizeOptions,
): (request: R, ...more: More) => Promise<Response>;

/**
 * The same as middleware, for hosts where no answer means to go on, such as Next.js: the answer where the request is not allowed,
 * else nothing.
 */
export function authorize<R extends Request, More extends readonly unknown[]>(
  engine: Decider,
  ask: (request: R, ...more: More) => Question | Promise<Question>,
  options?: AuthorizeOptions,
): (request: R, ...more: More) => Promise<Response | undefined>;

/** What was decided of a request that was let through. */
export function decisionOf(request: Request): EvaluationResponse | undefined;
