// The two ways of a request, as plain values and as JSON, give the same answers and the same errors.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { compileSnapshot } from "@parapet/engine/full";
import { fixtures } from "../answers.mjs";
import { Engine, KEY, json, open, outcome, request, wasm } from "./tenant.mjs";

const FIXTURES = fileURLToPath(new URL("../../fixtures/", import.meta.url));
const MUTATIONS = 20_000;

/** How often a request went as JSON. */
let asJson = 0;
for (const question of ["decide", "decideBatch"]) {
  const ask = wasm.Engine.prototype[question];
  wasm.Engine.prototype[question] = function (...given) {
    asJson++;
    return ask.apply(this, given);
  };
}
const countJson = (run) => {
  const before = asJson;
  run();
  return asJson - before;
};

function same(engine, question, value, options) {
  const [plain, asJson] = [value, json(value)].map((asked) => outcome(() => engine[question](asked, options)));
  assert.deepEqual(plain, asJson);
  return plain;
}

const tenants = fixtures(FIXTURES).map((folder) => {
  const read = (file) => readFileSync(join(folder, file), "utf8");
  const tenant = read("tenant.json");
  const { now, requests } = JSON.parse(read("requests.json"));
  const scopesOf = new Map((JSON.parse(tenant).api_key ?? []).map((row) => [row.id, row.scopes]));
  const cases = requests.map(({ now: at, caller, request }) => ({
    request,
    options: { now: at ?? now, scopes: caller == null ? undefined : scopesOf.get(caller) },
  }));
  return { bytes: compileSnapshot(tenant, { version: 1, created: now, key: KEY }), cases };
});

test("every fixture's requests are answered alike, one by one and as a batch", async () => {
  let plain = 0;
  let all = 0;
  for (const { bytes, cases } of tenants) {
    const engine = await Engine.open(bytes, { keys: [KEY] });
    for (const { request, options } of cases) {
      const before = asJson;
      same(engine, "decide", request, options);
      all++;
      plain += asJson - before === 1 ? 1 : 0;
    }
    const evaluations = cases.slice(0, 1000).map(({ request }) => request);
    same(engine, "decideBatch", { evaluations }, cases[0]?.options);
    engine.free();
  }
  console.log(`${plain} of ${all} fixture requests are plain`);
  assert.ok(plain > all / 2);
});

test("a request of texts, numbers, truth values and entities is plain", async () => {
  const engine = await open();
  const attributes = { label: "naïve – 😀", pages: 2 ** 53 - 1, less: -1, open: true, owner: { type: "User", id: "ada" }, gone: undefined };
  const asked = request("read", {
    subject: { type: "USER", id: "ada", properties: { trust: 0 } },
    resource: { type: "document", id: "plan", properties: attributes },
    context: { spent: -5 },
  });
  assert.equal(countJson(() => engine.decide(asked)), 0);
  assert.equal(countJson(() => engine.check("ada", "read", "document", "plan", attributes, { spent: 1 })), 0);
  const batch = { ...asked, evaluations: [{}, { action: { name: "write" } }, request()] };
  assert.equal(countJson(() => engine.decideBatch(batch)), 0);
  assert.equal(countJson(() => engine.decide(asked, { scopes: ["document:read"], now: 0 })), 0);
  assert.equal(same(engine, "decide", asked).answer.decision, true);
  assert.deepEqual(same(engine, "decideBatch", batch).answer.evaluations.map(({ decision }) => decision), [true, true, true]);
});

test("a thousand items are plain, and one more is too many", async () => {
  const engine = await open();
  const evaluations = Array.from({ length: 1000 }, (_, turn) => request(turn % 2 ? "read" : "write", { context: { spent: turn } }));
  assert.equal(countJson(() => engine.decideBatch({ evaluations })), 0);
  same(engine, "decideBatch", { evaluations });
  assert.equal(same(engine, "decideBatch", { evaluations: [...evaluations, request()] }).code, "authzen.too_many_evaluations");
  const large = evaluations.map((item) => ({ ...item, context: { note: "x".repeat(1100) } }));
  assert.equal(same(engine, "decideBatch", { evaluations: large }).code, "authzen.too_large");
  same(engine, "decideBatch", { evaluations: large.slice(0, 500) });
});

test("a default that every item replaces is judged all the same", async () => {
  const engine = await open();
  const evaluations = [request("read", { context: {} })];
  for (const given of [{ subject: { type: "user" } }, { action: {} }, { resource: { type: "document", id: 7 } }, { context: { x: () => {} } }]) {
    const found = same(engine, "decideBatch", { ...given, evaluations });
    assert.ok(found.code, JSON.stringify(given));
  }
});

test("a request within a request does not disturb it", async () => {
  const engine = await open();
  const asked = request("write", {
    context: {
      get spent() {
        engine.decideBatch({ evaluations: [request(), request("burn")] });
        return engine.decide(request()).decision ? 1 : 1000;
      },
    },
  });
  assert.equal(engine.decide(asked).decision, true);
  const scopes = {
    get now() {
      engine.decide(request("burn"));
      return 0;
    },
  };
  assert.equal(engine.decide(request(), scopes).decision, true);
});

/** mulberry32: the same requests in every run. */
function randomOf(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const disguised = (value) => Object.setPrototypeOf(value, Object.prototype);
/** Whatever may stand in a request. */
const VALUES = [
  undefined, null, true, false, 0, -0, 1, -1, 1.5, NaN, Infinity, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 1e21, 5e-324, 10n, "", "ada",
  "user", "USER", "document", "read", "a\"b", "a\\b", "a\nb", "\u007f", "ü", "€", "😀", "\ud800", "\udc00x", "x".repeat(20_000), "ü".repeat(600_000),
  {}, [], ["a"], [[]], { type: "User", id: "ada" }, { type: "User" }, { type: "User", id: "ada", x: 1 }, { id: "ada", type: "User" },
  { type: "Group", id: "x" }, { a: 1 }, { a: { b: { c: "d" } } }, { "a/b~": 1 }, { "\ud800": 1 }, JSON.parse('{"__proto__": 1, "constructor": 2}'),
  Object.create(null), Object.assign(Object.create(null), { type: "user", id: "ada" }), Object.create({ type: "user", id: "ada" }),
  new Date(0), new Date(NaN), new Map(), new Set(), /x/, Object(1), Object("a"), new Uint8Array(2), Symbol("s"), () => {},
  disguised(new Date(0)), disguised(new Map()), disguised(Object(7)), disguised(new Error("x")), disguised(() => {}),
  { [Symbol.toStringTag]: "Map" }, { toJSON: () => "ada" }, { toJSON: () => undefined }, { toJSON: "no function" },
  new Proxy({}, {}), new Proxy({ type: "user", id: "ada" }, {}), { get type() { return "user"; }, get id() { return "ada"; } },
  "2026-03-02T10:00:00Z", "10.0.0.1", "12.5", "1h",
];
const NAMES = ["subject", "action", "resource", "context", "properties", "type", "id", "name", "x", "__proto__", "toJSON", "evaluations", "options"];

/** A copy in which the odd values are the same. */
function copyOf(value) {
  if (typeof value !== "object" || value === null || VALUES.includes(value)) return value;
  return Array.isArray(value)
    ? value.map(copyOf)
    : Object.defineProperties({}, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, { value: copyOf(part), enumerable: true, writable: true, configurable: true }])));
}

/** Changes something somewhere in a value. */
function mutated(random, value) {
  const copy = copyOf(value);
  let place = copy;
  const deep = random(4);
  for (let level = 0; level < deep; level++) {
    const inner = Object.values(place).filter((part) => typeof part === "object" && part !== null && !VALUES.includes(part));
    if (inner.length === 0) break;
    place = inner[random(inner.length)];
  }
  const known = Object.keys(place);
  const name = known.length > 0 && random(3) > 0 ? known[random(known.length)] : NAMES[random(NAMES.length)];
  if (random(6) === 0) delete place[name];
  else Object.defineProperty(place, name, { value: VALUES[random(VALUES.length)], enumerable: true, writable: true, configurable: true });
  return copy;
}

test(`${MUTATIONS} changed requests are answered alike`, async () => {
  const random = randomOf(7);
  const engines = await Promise.all(tenants.map(({ bytes }) => Engine.open(bytes, { keys: [KEY] })));
  const seen = new Set();
  for (let turn = 0; turn < MUTATIONS; turn++) {
    const number = random(tenants.length);
    const { cases } = tenants[number];
    if (cases.length === 0) continue;
    const { request, options } = cases[random(cases.length)];
    const changed = mutated(random, request);
    seen.add(same(engines[number], "decide", changed, options).code ?? "answered");
    if (turn % 4 === 0) {
      const evaluations = [changed, request, mutated(random, request)];
      seen.add(same(engines[number], "decideBatch", mutated(random, { ...request, evaluations }), options).code ?? "answered");
    }
  }
  console.log(`answers and errors: ${[...seen].sort().join(", ")}`);
  assert.ok(seen.size >= 5, [...seen].join());
});

test("check is decide", async () => {
  const random = randomOf(11);
  const engine = await open();
  const value = () => (random(3) === 0 ? VALUES[random(VALUES.length)] : ["ada", "read", "document", "plan"][random(4)]);
  for (let turn = 0; turn < 5_000; turn++) {
    const [id, action, type, resource] = [value(), value(), value(), value()];
    const [attributes, context] = [VALUES[random(VALUES.length)], random(2) ? undefined : { spent: VALUES[random(VALUES.length)] }];
    const subject = typeof id === "string" ? { type: "user", id } : id;
    const asked = { subject, action: { name: action }, resource: { type, id: resource, properties: attributes }, context };
    const found = outcome(() => engine.check(id, action, type, resource, attributes, context));
    const expected = outcome(() => engine.decide(json(asked)).decision);
    assert.deepEqual(found, expected);
  }
});
