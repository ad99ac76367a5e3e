// What all server adapters do: ask the engine what a request asks, and refuse it unless it is allowed.

/**
 * Decides what `ask` makes of a framework's own arguments: `{ decision }` where it is allowed, else `{ refusal }`, an answer of HTTP
 * by its parts. What fails is thrown, for the framework's own handling of errors; nobody is let through for it.
 */
export async function enforce(engine, ask, given, { challenge = "Bearer" } = {}) {
  try {
    const asked = await ask(...given);
    if (asked == null) return { refusal: forbidden() };
    if (asked.subject == null) return { refusal: unauthorized(challenge) };
    const decision = engine.decide(asked);
    return decision.decision === true ? { decision } : { refusal: forbidden(decision.context) };
  } catch (thrown) {
    // To Express, a thrown "route" would be the wish to go on with the next route, past this one.
    throw thrown instanceof Error ? thrown : new Error("access could not be decided", { cause: thrown });
  }
}

function unauthorized(challenge) {
  const problem = { title: "Unauthorized", status: 401, detail: "who asks is not known" };
  return refusal(problem, { "www-authenticate": challenge });
}

/** The ids of policies stay here: they are for those who write rules. */
function forbidden({ outcome = "no_permit", reason } = {}) {
  return refusal({ title: "Forbidden", status: 403, detail: "this is not allowed", outcome, reason }, {});
}

/** A problem document (RFC 9457) that is nobody's to keep. */
function refusal(problem, headers) {
  return {
    status: problem.status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
    body: JSON.stringify({ type: "about:blank", ...problem }),
  };
}
