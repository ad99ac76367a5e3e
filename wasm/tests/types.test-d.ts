// What the declarations allow and refuse; compiled by `tsc --strict`, never run.
import { Engine, ParapetError } from "@parapet/engine";
import { compile, compileSnapshot } from "@parapet/engine/full";
import type { EvaluationResponse, EvaluationsResponse, Explanation, Finding, Outcome } from "@parapet/engine";

const bytes: Uint8Array = compileSnapshot({}, { version: 1, created: new Date(), key: { id: "k", hmac: "00" } });
const engine: Engine = await Engine.open(bytes, { keys: [{ id: "k", es256: { x: "", y: "" } }], atLeast: 3 });

const request = {
  subject: { type: "user", id: "ada" },
  action: { name: "read" },
  resource: { type: "document", id: "1", properties: { tags: ["a"], made: new Date(), owner: undefined } },
} as const;
const answer: EvaluationResponse = engine.decide(request, { now: Date.now(), scopes: ["document:read"] });
const outcome: Outcome = answer.context.outcome;
const batch: EvaluationsResponse = engine.decideBatch({ ...request, evaluations: [{}, { action: { name: "edit" } }] });
const single: EvaluationResponse = engine.decideBatch(request);
const allowed: boolean = engine.check("ada", "read", "document", "1", { pages: 3 }, { mfa: true });
const why: Explanation = engine.explain(request);
const version: number = engine.policyVersion;
const policies: string = compile("{}").policies;

try {
  engine.decide(request);
} catch (error) {
  if (error instanceof ParapetError) {
    const code: string = error.code;
    const findings: readonly Finding[] = error.findings ?? [];
    void [code, findings];
  }
}

// @ts-expect-error: an action has a name
engine.decide({ ...request, action: {} });
// @ts-expect-error: BigInt is no JSON
engine.check("ada", "read", "document", "1", { pages: 3n });
// @ts-expect-error: the option is `scopes`
engine.decide(request, { scope: ["document:read"] });
// @ts-expect-error: an engine is opened
new Engine();
// @ts-expect-error: a key is of one kind
await Engine.open(bytes, { keys: [{ id: "k", hmac: "00", es256: { x: "", y: "" } }] });
// @ts-expect-error: a decision is not written to
answer.decision = true;
// @ts-expect-error: a denial has no `any` in it
answer.context.nothing;

void [outcome, batch, single, allowed, why, version, policies];
