// Whatever JavaScript passes: a typed error, and the engine goes on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { compile, compileSnapshot } from "@parapet/engine/full";
import { Engine, KEY, NOW, failure, open, request, snapshot, tenant } from "./tenant.mjs";

let engine;
before(async () => {
  engine = await open();
});
after(() => assert.equal(engine.decide(request()).decision, true));

const cycle = { a: {} };
cycle.a.b = cycle;
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
const throwing = {
  get x() {
    throw revoked;
  },
};
const deep = (levels) => {
  let value = {};
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { a: value };
  return value;
};

/** Values that JSON cannot say, and where within them. */
const notJson = {
  undefined: [undefined, ""],
  function: [() => {}, ""],
  symbol: [Symbol("s"), ""],
  BigInt: [10n, ""],
  NaN: [NaN, ""],
  Infinity: [-Infinity, ""],
  "a lone surrogate": ["\ud800", ""],
  "a key with a lone surrogate": [{ "\udfff": 1 }, "/\udfff"],
  "a nested function": [{ "a/b~c": [0, () => {}] }, "/a~1b~0c/1"],
  "a hole": [{ list: [1, , 2] }, "/list/1"],
  "a cycle": [cycle, "/a/b"],
  "a getter that throws": [throwing, "/x"],
  "a revoked proxy": [revoked, ""],
  "a toJSON that throws": [{ x: { toJSON: () => cycle.nothing.here } }, "/x"],
  "a toJSON that gives nothing": [{ toJSON: () => undefined }, ""],
  "a toJSON that gives a BigInt": [{ toJSON: () => 1n }, ""],
  "an invalid date": [{ at: new Date(NaN) }, "/at"],
  "a Map": [new Map([["subject", {}]]), ""],
  "a Set": [{ tags: new Set(["a"]) }, "/tags"],
  "a regular expression": [/x/, ""],
  "a boxed number": [{ n: Object(1) }, "/n"],
  bytes: [new Uint8Array(3), ""],
};

for (const [name, [value, pointer]] of Object.entries(notJson)) {
  test(`${name} is no JSON`, async () => {
    for (const question of ["decide", "decideBatch", "explain"]) {
      assert.throws(() => engine[question](value), failure("request.not_json", pointer), question);
    }
    // A field that is undefined is none.
    if (value !== undefined) {
      const within = request("read", { context: { it: value } });
      assert.throws(() => engine.decide(within), failure("request.not_json", `/context/it${pointer}`));
      assert.throws(() => engine.decide(request(), { scopes: [value] }), { name: "ParapetError", code: /^options\./ });
      assert.throws(() => engine.check("ada", "read", "document", "plan", { it: value }), failure("request.not_json"));
    }
    assert.throws(() => compile(value), { name: "ParapetError", code: /^document\.(not_json|invalid)$/ });
    assert.throws(() => compileSnapshot(tenant, value), { name: "ParapetError", code: /^options\./ });
    await assert.rejects(Engine.open(value, { keys: [KEY] }), { name: "ParapetError", code: /^snapshot\./ });
    await assert.rejects(Engine.open(snapshot(), value), { name: "ParapetError", code: /^options\./ });
    assert.equal(engine.decide(request()).decision, true);
  });
}

test("JSON of another shape says where", () => {
  for (const value of [null, 1, "{}", [], true]) {
    assert.throws(() => engine.decide(value), failure("authzen.wrong_type", ""), JSON.stringify(value));
  }
  assert.throws(() => engine.decide(request("read", { subject: "ada" })), failure("authzen.wrong_type", "/subject"));
  assert.throws(() => engine.decide(request("read", { context: deep(41) })), failure("authzen.too_deep", "/context"));
  assert.throws(() => engine.decide(request("read", { context: deep(101) })), failure("authzen.too_deep"));
  assert.throws(() => engine.decide(request("read", { context: deep(1001) })), failure("authzen.too_deep"));
  assert.throws(() => engine.decide(request("read", { context: deep(100_001) })), failure("authzen.too_deep"));
  assert.throws(() => compile({ tenant: deep(100_001) }), failure("document.too_deep"));
  assert.throws(() => compile("[".repeat(100_000)), failure("document.invalid"));
});

test("what is too large is refused before it fills the memory", () => {
  const large = "x".repeat(10_000_000);
  for (const context of [{ large }, { [large]: 1 }, { list: Array(2_000_000).fill(1) }]) {
    assert.throws(() => engine.decide(request("read", { context })), failure("authzen.too_large", ""));
  }
  const endless = new Proxy([], { get: (_, name) => (name === "length" ? Infinity : name === "toJSON" ? undefined : 1) });
  assert.throws(() => engine.decide(request("read", { context: { endless } })), failure("authzen.too_large", ""));
  assert.throws(() => engine.decide(request("read", { context: { umlauts: "ü".repeat(600_000) } })), failure("authzen.too_large"));
  assert.throws(() => engine.decide(request(), { scopes: [large] }), failure("options.too_large"));
  assert.throws(() => compile(" ".repeat(70_000_000)), failure("document.too_large"));
});

test("what JavaScript commonly passes is read as it is meant", () => {
  class Document {
    type = "document";
    id = "plan";
    properties = Object.assign(Object.create(null), { label: "open", made: new Date(NOW), gone: undefined });
  }
  assert.equal(engine.decide(request("read", { resource: new Document() })).decision, true);
  assert.equal(engine.decide(Object.freeze(JSON.parse(JSON.stringify(request())))).decision, true);
  assert.equal(engine.decide({ toJSON: () => request() }).decision, true);
  assert.equal(engine.decide(request("write", { context: { spent: -0 } })).decision, true);
  const context = JSON.parse('{"__proto__": {"spent": 1}, "constructor": 1}');
  assert.equal(engine.decide(request("write", { context })).decision, false);
});

test("a polluted prototype gives no access", () => {
  Object.prototype.spent = 1;
  Object.prototype.scope = "x";
  try {
    assert.equal(engine.decide(request("write", { context: {} }), {}).decision, false);
    assert.equal(engine.decide(request("read"), {}).decision, true);
  } finally {
    delete Object.prototype.spent;
    delete Object.prototype.scope;
  }
});

test("an engine may be asked while it is asked", () => {
  const context = {
    get spent() {
      return engine.decide(request()).decision ? 1 : 1000;
    },
  };
  assert.equal(engine.decide(request("write", { context })).decision, true);
});
