// Deciding, checking and explaining with the built package.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ACME, ADA, Engine, KEY, NOW, ParapetError, failure, open, request, snapshot } from "./tenant.mjs";

test("a first decision", async () => {
  const engine = await Engine.open(snapshot(), { keys: [KEY] });
  const answer = engine.decide({
    subject: { type: "user", id: "ada" },
    action: { name: "read" },
    resource: { type: "document", id: "plan" },
  });
  assert.equal(answer.decision, true);
  assert.equal(answer.context.outcome, "allow");
  assert.match(answer.context.policies.join(), /^role\/0195f000-0000-7000-8000-0000000000c1\/[0-9a-f]{16}$/);
  assert.deepEqual(answer.context.errors, []);
  assert.equal(Object.getPrototypeOf(answer.context), Object.prototype);
  assert.equal(engine.policyVersion, 1);
  assert.equal(engine.tenant, ACME);
});

test("a denial is an answer, with its reason", async () => {
  const engine = await open();
  const nobody = engine.decide(request("read", { subject: { type: "user", id: "bob" } }));
  assert.deepEqual(nobody, {
    decision: false,
    context: { outcome: "forbidden", reason: "principal_unknown", policies: [], errors: [] },
  });
  assert.equal(engine.decide(request("burn")).context.reason, "unknown_action");
  assert.equal(engine.decide(request("write")).context.outcome, "no_permit");
  const wrong = engine.decide(request("write", { context: { spent: "much" } }));
  assert.equal(wrong.context.reason, "wrong_type");
  assert.match(wrong.context.error.message, /context\.spent/);
});

test("check answers yes or no", async () => {
  const engine = await open();
  assert.equal(engine.check("ada", "read", "document", "plan"), true);
  assert.equal(engine.check(ADA, "read", "document", "plan", { label: "secret" }), false);
  assert.equal(engine.check("ada", "write", "document", "plan", undefined, { spent: 99 }), true);
  assert.equal(engine.check({ type: "service_account", id: "ada" }, "read", "document", "plan"), false);
  assert.throws(() => engine.check("ada", undefined, "document", "plan"), failure("authzen.missing_field", "/action/name"));
  assert.throws(() => engine.check("ada", "read", 7, "plan"), failure("authzen.wrong_type", "/resource/type"));
  assert.throws(() => engine.check("ada", "read", "document", "plan", null), failure("authzen.wrong_type", "/resource/properties"));
});

test("a batch is answered in order, as far as its semantic goes", async () => {
  const engine = await open();
  const evaluations = [{}, { action: { name: "write" } }, { action: {} }, {}];
  const all = engine.decideBatch(request("read", { evaluations })).evaluations;
  assert.deepEqual(all.map((answer) => answer.decision), [true, false, false, true]);
  assert.equal(all[2].context.reason, "authzen.missing_field");
  assert.equal(all[2].context.error.status, 400);
  const options = { evaluations_semantic: "deny_on_first_deny" };
  assert.equal(engine.decideBatch(request("read", { evaluations, options })).evaluations.length, 2);
  assert.equal(engine.decideBatch(request()).decision, true);
  const unknown = request("read", { evaluations, options: { evaluations_semantic: "guess" } });
  assert.throws(() => engine.decideBatch(unknown), failure("authzen.unknown_semantic"));
});

test("the time is the option's, else the clock's", async () => {
  const engine = await open();
  for (const now of [NOW, Date.parse(NOW), new Date(NOW), Date.parse(NOW) + 0.5, -1]) {
    assert.equal(engine.decide(request(), { now }).decision, true, String(now));
  }
  for (const now of ["yesterday", 1e300, true, null, 8.64e15]) {
    assert.throws(() => engine.decide(request(), { now }), failure("options.invalid"), String(now));
  }
  for (const now of [NaN, new Date(NaN), 5n]) {
    assert.throws(() => engine.decide(request(), { now }), failure("options.not_json", "/now"), String(now));
  }
});

test("scopes only narrow, and a misspelt option is not passed over", async () => {
  const engine = await open();
  assert.equal(engine.decide(request(), { scopes: ["document:read"] }).decision, true);
  const outside = engine.decide(request(), { scopes: ["document:write"] });
  assert.deepEqual(outside.context, { outcome: "forbidden", policies: ["guardrail/api_key_scopes"], errors: [] });
  assert.equal(engine.decide(request(), { scopes: [] }).decision, false);
  for (const options of [{ scope: [] }, { scopes: null }, { scopes: "document:read" }, null, 7, "", []]) {
    assert.throws(() => engine.decide(request(), options), failure("options.invalid"), JSON.stringify(options));
  }
});

test("explain says which rows gave it, or what was missing", async () => {
  const engine = await open();
  const allowed = engine.explain(request());
  assert.equal(allowed.decision.outcome, "allow");
  assert.deepEqual(allowed.policies[0].origin.name, "editor");
  assert.equal(allowed.policies[0].path[0].name, "editor");
  const denied = engine.explain(request("write"));
  assert.equal(denied.missing[0].why, "condition");
});

test("a freed engine says so", async () => {
  const engine = await open();
  engine.free();
  engine.free();
  assert.throws(() => engine.decide(request()), failure("engine.freed"));
  assert.throws(() => engine.policyVersion, failure("engine.freed"));
  const freedMeanwhile = await open();
  const context = Object.defineProperty({}, "x", { enumerable: true, get: () => freedMeanwhile.free() });
  assert.throws(() => freedMeanwhile.decide(request("read", { context })), failure("engine.freed"));
  assert.throws(() => new Engine(), failure("engine.not_opened"));
});

test("errors are errors", async () => {
  const engine = await open();
  try {
    engine.decide({});
    assert.fail("it was decided");
  } catch (error) {
    assert.ok(error instanceof ParapetError && error instanceof Error);
    assert.deepEqual({ ...error }, { code: "authzen.missing_field", pointer: "/subject" });
    assert.match(error.stack, /^ParapetError: `\/subject` is required/);
  }
});
