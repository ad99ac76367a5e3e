// Compiling tenant documents with the built package.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, compileSnapshot } from "@parapet/engine/full";
import { KEY, NOW, failure, tenant } from "./tenant.mjs";

test("a tenant compiles to Cedar", () => {
  const compiled = compile(tenant);
  assert.deepEqual(Object.keys(compiled).sort(), ["policies", "schema", "warnings"]);
  assert.match(compiled.policies, /@id\("role\/0195f000-/);
  assert.ok(compiled.schema[""].entityTypes.document);
  assert.deepEqual(compiled.warnings, []);
  assert.deepEqual(compile(JSON.stringify(tenant)), compiled);
});

test("all that is wrong with a document is said at once", () => {
  const broken = structuredClone(tenant);
  broken.role_permission[0].conditions = { StringEqual: { "resource.label": "a" } };
  broken.role_permission[1].conditions = { NumericLessThan: { "context.spent": "much" } };
  for (const run of [() => compile(broken), () => compileSnapshot(broken, { version: 1, created: NOW, key: KEY })]) {
    try {
      run();
      assert.fail("it was compiled");
    } catch (error) {
      assert.equal(error.code, "document.invalid");
      assert.match(error.message, /and 1 more/);
      assert.deepEqual(error.findings.map(({ table, row }) => [table, row.slice(-2)]), [["role_permission", "d1"], ["role_permission", "d2"]]);
      assert.match(error.findings[0].field, /^conditions\/StringEqual/);
      assert.equal(error.findings[0].code, "condition.unknown_operator");
    }
  }
});

test("what is no document is refused", () => {
  for (const document of ["", "{", "null", "[]", "{}", '{"tenant": {}, "tenant": {}}', null, [], {}, { tenant: [] }]) {
    assert.throws(() => compile(document), failure("document.invalid"), JSON.stringify(document));
  }
});

// Cedar's guard against deep nesting cannot see the stack in wasm, where its end is the end of the module.
const custom = (text) => ({
  ...tenant,
  tenant_setting: [
    { id: "0195f000-0000-7000-8000-0000000000f1", category: "auth", setting_key: "policy.own", setting_value: text },
  ],
});
const when = (expression) => `forbid(principal, action, resource) when { ${expression} };`;
for (const [name, expression] of Object.entries({
  parentheses: `${"(".repeat(20_000)}true${")".repeat(20_000)}`,
  negations: `${"!(".repeat(20_000)}true${")".repeat(20_000)}`,
  "ifs in ifs": `${"if true then ".repeat(5_000)}true${" else false".repeat(5_000)}`,
  "sets in sets": `${"[".repeat(20_000)}${"]".repeat(20_000)} == []`,
  "a long sum": `${"1 + ".repeat(20_000)}1 == 1`,
  "a long disjunction": `${"false || ".repeat(20_000)}true`,
  "a long path": `principal${".a".repeat(20_000)} == 1`,
})) {
  test(`Cedar with ${name} without end is compiled or refused`, () => {
    for (const document of [custom(when(expression)), condition({ cedar: expression })]) {
      try {
        compile(document);
      } catch (error) {
        assert.equal(error.code, "document.invalid", error.cause?.stack ?? error.stack);
      }
      assert.ok(compile(tenant).policies);
    }
  });
}

function condition(conditions) {
  const document = structuredClone(tenant);
  document.role_permission[0].conditions = conditions;
  return document;
}

test("types without end are compiled or refused", () => {
  let record = "Long";
  for (let level = 0; level < 100; level++) record = { a: record };
  for (const type of [`${"Set<".repeat(100_000)}Long${">".repeat(100_000)}`, record]) {
    const value = { types: { document: { attributes: { x: type } } } };
    const row = { id: "0195f000-0000-7000-8000-0000000000f1", category: "auth", setting_key: "schema", setting_value: value };
    try {
      compile({ ...tenant, tenant_setting: [row] });
    } catch (error) {
      assert.equal(error.code, "document.invalid", error.cause?.stack ?? error.stack);
    }
    assert.ok(compile(tenant).policies);
  }
});

test("conditions as deep as JSON may be are compiled or refused", () => {
  for (const levels of [20, 60, 100, 115, 120]) {
    let nested = { Bool: { "context.mfa": true } };
    for (let level = 0; level < levels; level++) nested = level % 2 ? { not: nested } : { all: [nested] };
    try {
      compile(condition(nested));
    } catch (error) {
      assert.match(error.code, /^document\.(invalid|too_deep)$/, error.cause?.stack ?? error.stack);
    }
    assert.ok(compile(tenant).policies);
  }
});
