// Residuals: the predicate, the SQL and the JSON of one say what decisions say.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Engine, compileSnapshot } from "@parapet/engine/full";
import { Engine as Built, KEY, NOW, failure, request, snapshot, tenant } from "./tenant.mjs";

const open = () => Engine.open(snapshot(), { keys: [KEY] });
let engine;
before(async () => {
  engine = await open();
});

const { subject, action } = request();
const question = { subject, action, resource: { type: "document" } };
const labels = ["plan", "secret", "Secret", "", undefined];

test("the predicate allows what a decision allows", () => {
  const residual = engine.residual(question);
  assert.equal(residual.answer, "condition");
  assert.equal(residual.isExact, true);
  const allowed = labels.map((label) => residual.allows("1", { label }));
  const decided = labels.map((label) => engine.decide({ ...question, resource: { type: "document", id: "1", properties: { label } } }).decision);
  assert.deepEqual(allowed, decided);
  assert.equal(new Set(allowed).size, 2);
  // What does not fit its type denies, as in a decision.
  assert.equal(residual.allows("1", { label: 7 }), false);
  assert.equal(residual.allows("1"), engine.check("ada", "read", "document", "1"));
});

test("always and never need no resource", () => {
  const write = { ...question, action: { name: "write" } };
  const always = engine.residual({ ...write, context: { spent: 1 } });
  assert.deepEqual([always.answer, always.allows("1")], ["always", true]);
  const never = engine.residual({ ...write, context: { spent: 100 } });
  assert.deepEqual([never.answer, never.allows("1")], ["never", false]);
  assert.deepEqual(engine.residual({ ...question, subject: { type: "user", id: "nobody" } }).toJSON(), {
    answer: "never",
    reason: "principal_unknown",
    unsupported: [],
  });
});

test("the same as SQL and as JSON", () => {
  const residual = engine.residual(question);
  const { where, params, unsupported } = residual.sql("sqlite");
  assert.match(where, /`label`/);
  assert.deepEqual([params, unsupported], [["secret"], []]);
  assert.match(residual.sql("postgresql", { attributes: { label: { table: "d", name: "tag" } } }).where, /"d"\."tag".*\$1/);
  assert.deepEqual(JSON.parse(JSON.stringify(residual)), residual.toJSON());
  assert.ok(residual.toJSON().condition);
});

test("a whole number beyond 2^53 stays exact", async () => {
  const huge = "9007199254740993";
  const conditions = `{"NumericEquals":{"resource.serial":${huge}}}`;
  const text = JSON.stringify({ ...tenant, role_permission: [{ ...tenant.role_permission[0], conditions: "HERE" }] }).replace('"HERE"', conditions);
  const engine = await Engine.open(compileSnapshot(text, { version: 1, created: NOW, key: KEY }), { keys: [KEY] });
  const residual = engine.residual(question);
  assert.deepEqual(residual.sql("sqlite").params, [BigInt(huge)]);
  assert.deepEqual(residual.toJSON().condition.equals[1], { value: BigInt(huge) });
});

test("what is wrong is said, and nothing breaks", () => {
  const residual = engine.residual(question);
  for (const id of [undefined, null, 1, {}, "\ud800"]) assert.throws(() => residual.allows(id), failure("residual.id"));
  for (const properties of [null, 1, "a", []]) assert.throws(() => residual.allows("1", properties), failure("residual.attributes"));
  assert.throws(() => residual.allows("1", { label: 1n }), failure("request.not_json", "/label"));
  for (const dialect of [undefined, "mysql", { toString: () => "sqlite" }]) assert.throws(() => residual.sql(dialect), failure("sql.dialect"));
  for (const columns of [null, 1, { id: 1 }, { nothing: "a" }]) assert.throws(() => residual.sql("sqlite", columns), failure("sql.columns"));
  assert.throws(() => residual.sql("sqlite", {}), failure("sql.no_column"));
  assert.throws(() => residual.sql("sqlite", { attributes: { label: "" } }), failure("sql.wrong_name"));
  residual.free();
  residual.free();
  for (const call of [() => residual.answer, () => residual.allows("1"), () => residual.sql("sqlite"), () => residual.toJSON()]) {
    assert.throws(call, failure("residual.freed"));
  }
});

test("a residual outlives its engine", async () => {
  const short = await open();
  const residual = short.residual(question);
  short.free();
  assert.equal(residual.allows("1", { label: "plan" }), true);
});

test("the edge build has none", () => {
  assert.equal("residual" in Built.prototype, Built === Engine);
});
