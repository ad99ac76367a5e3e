// What each call of an engine gives where there is nothing to decide by: a denial, as a value, in the form of its answers.

/** By the names of the calls; each takes the reason and what the call took. */
export const denials = {
  decide: denial,
  decideBatch(reason, request) {
    const items = request?.evaluations;
    if (!Array.isArray(items) || items.length === 0) return denial(reason);
    const first = request.options?.evaluations_semantic === "deny_on_first_deny";
    return { evaluations: Array.from({ length: first ? 1 : items.length }, () => denial(reason)) };
  },
  check: () => false,
  explain: (reason) => ({ decision: { outcome: "error", reason, policies: [] }, policies: [] }),
  searchActions: nothing,
  searchResources: nothing,
  searchSubjects: nothing,
  residual: (reason) => new Nothing(reason),
};

function denial(reason) {
  return { decision: false, context: { outcome: "error", reason, policies: [], errors: [] } };
}

function nothing() {
  return { results: [], page: { next_token: "", count: 0 } };
}

/** The residual that allows no resource. */
class Nothing {
  #reason;
  answer = "never";
  isExact = true;

  constructor(reason) {
    this.#reason = reason;
  }

  allows() {
    return false;
  }

  sql() {
    return { where: "FALSE", params: [], unsupported: [] };
  }

  toJSON() {
    return { answer: "never", reason: this.#reason, unsupported: [] };
  }

  free() {}
}

if (Symbol.dispose !== undefined) {
  Object.defineProperty(Nothing.prototype, Symbol.dispose, { value: Nothing.prototype.free, configurable: true });
}
