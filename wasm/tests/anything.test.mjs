// Random JavaScript values at every call: an answer of its shape or a ParapetError, and the engine goes on as before.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Engine as FullEngine, ParapetError as FullError } from "@parapet/engine/full";
import { ACME, Engine, KEY, ParapetError, open, request, snapshot } from "./tenant.mjs";

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 32);
const TURNS = Number(process.env.TURNS ?? 20_000);

let engine, full, residual;
before(async () => {
  engine = await open();
  full = await FullEngine.open(snapshot(), { keys: [KEY] });
  residual = full.residual(request());
});

/** Mulberry32: small, and the same everywhere. */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Hostile {
  get id() {
    throw this;
  }
  get [Symbol.toStringTag]() {
    throw new RangeError("no tag");
  }
}

/** Makes values of which some nearly are requests. */
function values(seed) {
  const next = random(seed);
  const below = (end) => Math.floor(next() * end);
  const one = (list) => list[below(list.length)];
  const LEAVES = [
    undefined, null, true, false, 0, -0, 1, -1, 2 ** 53, 2 ** 64, 1e308, 0.1, NaN, Infinity, 10n, Symbol("s"), () => 1, /x/, "",
    "ada", "user", "read", "document", "plan", "\ud800", "\u0000", '"\\', "🦀", "a".repeat(70_000), new Date(NaN), new Date(0), new Map(), new Set([1]),
    new Uint8Array(2), new ArrayBuffer(1), Object(1n), new Proxy({}, { ownKeys: () => { throw 1; } }), new Hostile(), Promise.resolve(1), new WeakMap(),
    Object.create(null), Object.freeze([]), [, 1], globalThis, ACME, [], {},
  ];
  const KEYS = ["subject", "action", "resource", "context", "evaluations", "options", "type", "id", "name", "properties", "page", "token", "limit", "candidates", "now", "scopes", "keys", "toJSON", "__proto__", "constructor", "length", "\ud800", "label", "spent", "x"];
  const value = (depth) => {
    const kind = next();
    if (depth <= 0 || kind < 0.3) return one(LEAVES);
    if (kind < 0.4) return Array.from({ length: below(4) }, () => value(depth - 1));
    if (kind < 0.7) return near(depth);
    const made = kind < 0.75 ? Object.create({ inherited: one(LEAVES) }) : {};
    for (let left = below(5); left > 0; left--) {
      const key = one(KEYS);
      const held = value(depth - 1);
      const way = next();
      if (way < 0.1) Object.defineProperty(made, key, { enumerable: true, configurable: true, get: () => { throw held; } });
      else if (way < 0.2) Object.defineProperty(made, key, { enumerable: true, configurable: true, get: () => (engine.check("ada", "read", "document", "plan"), held) });
      else if (key === "toJSON") Object.defineProperty(made, key, { enumerable: false, configurable: true, value: () => held });
      else Object.defineProperty(made, key, { enumerable: true, configurable: true, writable: true, value: held });
    }
    if (next() < 0.05) made.itself = made;
    return made;
  };
  /** A request, some of whose parts are something else. */
  const near = (depth) => {
    const made = request(one(["read", "write"]), { context: { spent: below(200) }, resource: { type: "document", id: "plan", properties: { label: one(["a", "secret"]) } } });
    const parts = [made, made.subject, made.action, made.resource, made.resource.properties, made.context];
    for (let left = below(3); left > 0; left--) {
      const part = one(parts);
      Object.defineProperty(part, one(KEYS), { enumerable: true, configurable: true, value: value(depth - 1) });
    }
    return made;
  };
  return { value: () => value(3), near: () => near(2), one };
}

const isDecision = (answer) => typeof answer.decision === "boolean" && answer.decision === (answer.context.outcome === "allow");
const isFound = ({ results, page }) => Array.isArray(results) && results.length === page.count;

test(`${TURNS} random calls end in an answer or a typed error (SEED=${SEED})`, async () => {
  const { value, near, one } = values(SEED);
  const either = () => one([value, near])();
  const options = () => one([() => undefined, () => undefined, () => ({ now: value() }), () => ({ scopes: ["document:read"] }), value])();
  const CALLS = {
    decide: () => isDecision(engine.decide(either(), options())),
    decideBatch: () => {
      const asked = one([() => ({ evaluations: [either(), either()] }), () => ({ ...near(), evaluations: value() }), either])();
      const answer = engine.decideBatch(asked, options());
      return answer.evaluations === undefined ? isDecision(answer) : answer.evaluations.every(isDecision);
    },
    explain: () => typeof engine.explain(either(), options()).decision.outcome === "string",
    check: () => typeof engine.check(one([value(), "ada"]), one([value(), "read"]), one([value(), "document"]), one([value(), "plan"]), value(), value()) === "boolean",
    searchActions: () => isFound(engine.searchActions(either(), options())),
    searchResources: () => isFound(engine.searchResources(either(), one([options, () => ({ candidates: value() })])())),
    searchSubjects: () => isFound(engine.searchSubjects(either(), options())),
    residual: () => ["always", "never", "condition"].includes(full.residual(either(), options()).answer),
    allows: () => typeof residual.allows(one([value(), "1"]), value()) === "boolean",
    sql: () => typeof residual.sql(one([value(), "sqlite"]), value()).where === "string",
  };
  const answered = {};
  const refused = {};
  for (let turn = 0; turn < TURNS; turn++) {
    const name = one(Object.keys(CALLS));
    try {
      assert.equal(CALLS[name](), true, name);
      answered[name] = (answered[name] ?? 0) + 1;
    } catch (error) {
      assert.ok(error instanceof ParapetError || error instanceof FullError, `${name}: ${error?.stack ?? String(error)}`);
      assert.match(error.code, /^[a-z]+(\.[a-z0-9_]+)+$/);
      assert.notEqual(error.code, "engine.broken", String(error.cause?.stack));
      refused[name] = (refused[name] ?? 0) + 1;
    }
    assert.equal(engine.check("ada", "read", "document", "plan"), true);
    assert.equal(engine.check("ada", "read", "document", "plan", { label: "secret" }), false);
  }
  for (const name of Object.keys(CALLS)) assert.ok(answered[name] > 0 && refused[name] > 0, `${name}: ${answered[name]} and ${refused[name]}`);
});

test("random values open no engine", async () => {
  const { value } = values(SEED);
  const bytes = snapshot();
  for (let turn = 0; turn < 500; turn++) {
    for (const [given, how] of [[value(), { keys: [KEY] }], [bytes, value()], [bytes, { keys: [value()] }]]) {
      await assert.rejects(Engine.open(given, how), ParapetError);
    }
  }
  assert.equal((await Engine.open(bytes, { keys: [KEY] })).check("ada", "read", "document", "plan"), true);
});

test("prototypes that somebody polluted change no decision", () => {
  for (const [name, value] of [["properties", { label: "plan" }], ["scopes", []], ["context", {}], ["toJSON", () => ({})], ["type", "user"]]) {
    Object.defineProperty(Object.prototype, name, { value, enumerable: true, configurable: true, writable: true });
    try {
      const secret = request("read", { resource: { type: "document", id: "plan", properties: { label: "secret" } } });
      let decision = false;
      try {
        ({ decision } = engine.decide(secret));
      } catch (error) {
        assert.ok(error instanceof ParapetError);
      }
      assert.equal(decision, false, name);
    } finally {
      delete Object.prototype[name];
    }
  }
  assert.equal(engine.decide(request()).decision, true);
});

test("10 MB of text is too large, and told before it is copied", () => {
  const long = "x".repeat(10 * 1024 * 1024);
  for (const question of ["decide", "decideBatch", "explain", "searchActions", "searchResources", "searchSubjects"]) {
    assert.throws(() => engine[question](request("read", { context: { long } })), { name: "ParapetError", code: "authzen.too_large" });
  }
  assert.throws(() => engine.check(long, "read", "document", "plan"), { name: "ParapetError", code: "authzen.too_large" });
  assert.throws(() => residual.allows("1", { label: long }), { name: "ParapetError", code: "authzen.too_large" });
  assert.equal(engine.decide(request()).decision, true);
});
