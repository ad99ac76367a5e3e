// What the declarations of the server adapters have in common. Written by hand.
import type { EvaluationRequest, EvaluationResponse, Subject } from "../index.js";

/** What decides: an engine, or a source of them. */
export interface Decider {
  decide(request: EvaluationRequest): EvaluationResponse;
}

/** What a request asks, with whoever asks left open: a request without a subject is answered 401, and no question at all 403. */
export type Question = (Omit<EvaluationRequest, "subject"> & { readonly subject: Subject | null | undefined }) | null | undefined;

export interface AuthorizeOptions {
  /** The `WWW-Authenticate` of a 401: `Bearer`. */
  readonly challenge?: string | undefined;
}
