// The declarations of `@parapet/engine/express`. Written by hand.
import type { Request, RequestHandler } from "express";
import type { EvaluationResponse } from "../index.js";
import type { AuthorizeOptions, Decider, Question } from "./enforce.js";

export type { AuthorizeOptions, Decider, Question };

declare global {
  namespace Express {
    interface Request {
      /** What `authorize` decided. */
      decision?: EvaluationResponse;
    }
  }
}

/**
 * Lets a request through if it is allowed. Else it is answered 403, or 401 where nobody is known to ask, with a problem document.
 * What `ask` throws goes to the application's handlers of errors. For Express 5: Express 4 would not answer what fails.
 */
export function authorize<P = { [name: string]: string }>(
  engine: Decider,
  ask: (request: Request<P>) => Question | Promise<Question>,
  options?: AuthorizeOptions,
): RequestHandler<P>;
