// What the declarations allow and refuse; compiled by `tsc --strict`, never run.
import { Engine, ParapetError } from "@parapet/engine";
import { Engine as FullEngine, compile, compileSnapshot } from "@parapet/engine/full";
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

// What `parapet types` makes of a tenant.
interface Acme {
  readonly subject: { readonly department?: string | null | undefined };
  readonly resources: {
    readonly document: {
      readonly actions: "read" | "write";
      readonly properties: { readonly label?: string | null | undefined; readonly owner?: { readonly type: "User"; readonly id: string } | null | undefined };
    };
    readonly folder: { readonly actions: "list"; readonly properties: Record<never, never> };
  };
  readonly context: { readonly mfa?: boolean | null | undefined };
}
const acme: Engine<Acme> = await Engine.open<Acme>(bytes, { keys: [] });
const subject = { type: "user", id: "ada", properties: { department: "law" } } as const;
acme.decide({ subject, action: { name: "read" }, resource: { type: "document", id: "1", properties: { label: "a" } }, context: { mfa: true } });
acme.check("ada", "list", "folder", "1");
acme.decideBatch({ subject, action: { name: "read" }, evaluations: [{ resource: { type: "document", id: "1" } }] });
const found: readonly ("read" | "write" | "list")[] = acme.searchActions({ subject, resource: { type: "document", id: "1" } }).results.map(({ name }) => name);
const next: string = acme.searchSubjects({ subject: { type: "user" }, action: { name: "list" }, resource: { type: "folder", id: "1" } }).page.next_token;
acme.searchResources({ subject, action: { name: "read" }, resource: { type: "document" }, page: { limit: 5, token: next } }, { candidates: [{ id: "1" }], scopes: [] });
const residual = (await FullEngine.open<Acme>(bytes, { keys: [] })).residual({ subject, action: { name: "read" }, resource: { type: "document" } });
const params: readonly (string | number | bigint | boolean)[] = residual.sql("sqlite", { id: "id", attributes: { label: { name: "tag" } } }).params;
const both: boolean = residual.allows("1", { label: "a" }) && residual.isExact;
{
  using held = await Engine.open(bytes, { keys: [] });
  held.free();
}

// @ts-expect-error: no resource type has this action
acme.decide({ subject, action: { name: "raed" }, resource: { type: "document", id: "1" } });
// @ts-expect-error: another resource type has it
acme.decide({ subject, action: { name: "list" }, resource: { type: "document", id: "1" } });
// @ts-expect-error: there is no such resource type
acme.decide({ subject, action: { name: "read" }, resource: { type: "documnet", id: "1" } });
// @ts-expect-error: the attribute is text
acme.decide({ subject, action: { name: "read" }, resource: { type: "document", id: "1", properties: { label: 1 } } });
// @ts-expect-error: there is no such attribute
acme.decide({ subject, action: { name: "read" }, resource: { type: "document", id: "1", properties: { labl: "a" } } });
// @ts-expect-error: the circumstance is a truth value
acme.decide({ subject, action: { name: "read" }, resource: { type: "document", id: "1" }, context: { mfa: "yes" } });
// @ts-expect-error: another resource type has it
acme.check("ada", "list", "document", "1");
// @ts-expect-error: a page's limit is a number
acme.searchActions({ subject, resource: { type: "document", id: "1" }, page: { limit: "1" } });
// @ts-expect-error: residuals are the full build's
acme.residual({ subject, action: { name: "read" }, resource: { type: "document" } });

void [found, params, both];
void [outcome, batch, single, allowed, why, version, policies];
