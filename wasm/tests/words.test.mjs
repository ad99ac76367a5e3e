// What an engine knows by number, since requests said it before, means the same as the text: `check`, which is mostly such
// numbers, is held to `decide` as JSON, which has none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSnapshot } from "@parapet/engine/full";
import { ADA, Engine, KEY, NOW, failure, json, open, outcome, request, tenant, wasm } from "./tenant.mjs";

/** As `js/plain.js` and `wasm/plain` say. */
const MAX_WORDS = 8 * 1024;
const TURNS = 20_000;

/** How many texts engines have learned, and how often one was asked to learn. */
let learned = 0;
let taught = 0;
const learn = wasm.Engine.prototype.learn;
wasm.Engine.prototype.learn = function (...given) {
  const number = learn.apply(this, given);
  taught++;
  if (number >= 0) learned++;
  return number;
};
function counted(run) {
  const before = [learned, taught];
  run();
  return { learned: learned - before[0], taught: taught - before[1] };
}

/** Asks by parts, by a plain request and by JSON: one answer. */
function same(engine, id, action, type, resource, properties, context, kind = "user") {
  const subject = typeof id === "string" ? { type: kind, id } : id;
  const asked = { subject, action: { name: action }, resource: { type, id: resource, properties }, context };
  const expected = outcome(() => engine.decide(json(asked)));
  assert.deepEqual(outcome(() => engine.decide(asked)), expected);
  if (kind === "user") {
    const decision = "answer" in expected ? { answer: expected.answer.decision } : expected;
    assert.deepEqual(outcome(() => engine.check(id, action, type, resource, properties, context)), decision);
  }
  return expected;
}

/** Another tenant's rules for the same names: Ada is Eve's, and may do the one thing that she may not do in the first. */
const BOT = "0195f000-0000-7000-8000-0000000000f1";
const other = {
  ...tenant,
  user: [
    { id: ADA, email: "eve@acme.example", username: "eve", first_name: "Eve", last_name: "L" },
    { id: "0195f000-0000-7000-8000-0000000000a2", email: "ada@acme.example", username: "ada", first_name: "Ada", last_name: "M" },
  ],
  service_account: [{ id: BOT, name: "ada" }],
  role_permission: tenant.role_permission.map((row) => ({ ...row, conditions: { EntityEquals: { "resource.owner": "${principal}" } } })),
};
const otherBytes = compileSnapshot(other, { version: 2, created: NOW, key: KEY });
const openOther = () => Engine.open(otherBytes, { keys: [KEY] });

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

/** Texts that mean something somewhere, in any place; and what is not quite one of them. */
const TEXTS = [
  "ada", "eve", "ada@acme.example", "eve@acme.example", ADA, BOT, "bot", "user", "User", "USER", "service_account", "ServiceAccount",
  "read", "write", "burn", "document", "plan", "label", "secret", "owner", "spent", "department", "", " ", "ada ", "Ada", "adа", "аda",
  "ad", "a", "naïve", "😀", "\ud800", "ada\ud800", "\udc00", "ada\u0000", "\u0000", '"', "\\", "a\nb", "constructor", "__proto__", "toString",
  "x".repeat(63), "x".repeat(64), "x".repeat(65), "é".repeat(40), "y".repeat(20_000), "0", "-1", "4294967295", "2147483648",
];
const ODD = [undefined, null, 0, -1, 2147483648, NaN, 2n, true, Symbol("ada"), {}, [], ["ada"], () => "ada", Object("ada"), new Date(0), new Map(), { toString: () => "ada" }];

test("check is decide, whatever was asked before, of two engines at once and of those that took their place", async () => {
  const random = randomOf(5);
  const text = () => (random(40) === 0 ? ODD[random(ODD.length)] : TEXTS[random(3) === 0 ? random(TEXTS.length) : random(23)]);
  const value = () => [text, text, () => ({ type: text(), id: text() }), () => ({ type: "User", id: text() }), () => random(200), () => random(2) === 0][random(6)]();
  const attributes = () => {
    if (random(3) === 0) return undefined;
    const made = {};
    for (let left = random(3); left >= 0; left--) {
      const name = random(2) ? ["label", "owner", "spent"][random(3)] : text();
      if (typeof name === "string") Object.defineProperty(made, name, { value: value(), enumerable: true, configurable: true, writable: true });
    }
    return made;
  };
  const engines = [await open(), await openOther()];
  const seen = {};
  for (let turn = 0; turn < TURNS; turn++) {
    if (turn % 1_000 === 999) {
      // As a source swaps them, sometimes for the other's rules.
      const at = random(2);
      engines[at].free();
      engines[at] = random(2) ? await open() : await openOther();
    }
    const engine = engines[random(2)];
    const kind = random(5) === 0 ? text() : "user";
    const [action, type, id] = random(3) ? [["read", "write"][random(2)], "document", "plan"] : [text(), text(), text()];
    const found = same(engine, random(2) ? ["ada", "eve"][random(2)] : text(), action, type, id, attributes(), attributes(), kind);
    const key = found.code ?? found.answer.context.reason ?? found.answer.context.outcome;
    seen[key] = (seen[key] ?? 0) + 1;
  }
  console.log(seen);
  for (const key of ["allow", "no_permit", "principal_unknown", "unknown_action", "unknown_type", "wrong_type"]) assert.ok(seen[key] > 0, key);
});

test("one name is another principal to another engine, and of another type", async () => {
  const [first, second] = [await open(), await openOther()];
  for (let turn = 0; turn < 3; turn++) {
    assert.equal(same(first, "ada", "read", "document", "plan", { label: "a" }).answer.decision, true);
    assert.equal(same(first, ADA, "read", "document", "plan", { label: "a" }).answer.decision, true);
    assert.equal(same(first, "eve", "read", "document", "plan", { label: "a" }).answer.context.reason, "principal_unknown");
    const own = { owner: { type: "User", id: ADA } };
    assert.equal(same(second, "eve", "read", "document", "plan", own).answer.decision, true);
    assert.equal(same(second, "ada", "read", "document", "plan", own).answer.decision, false);
    // A service account has no such name, whatever a user of it is known as.
    assert.equal(same(second, "eve", "read", "document", "plan", own, undefined, "service_account").answer.context.reason, "principal_unknown");
    assert.equal(same(second, BOT, "read", "document", "plan", own, undefined, "service_account").answer.context.outcome, "no_permit");
    assert.equal(same(second, BOT, "read", "document", "plan", own).answer.context.reason, "principal_unknown");
  }
});

test("what came before is not told again", async () => {
  const engine = await open();
  const ask = () => engine.check("ada", "read", "document", "plan", { label: "public", owner: { type: "User", id: "ada" } });
  // `user`, `ada`, `read`, `document`, `label`, `owner` and `User`.
  assert.deepEqual(counted(ask), { learned: 7, taught: 7 });
  assert.deepEqual(counted(ask), { learned: 0, taught: 0 });
  assert.deepEqual(counted(() => engine.decide(request())), { learned: 0, taught: 0 });
  assert.deepEqual(counted(() => engine.check("ada@acme.example", "read", "document", "will")), { learned: 1, taught: 1 });
  // Not ASCII, too long, and what JSON would write otherwise.
  for (const name of ["naïve", "x".repeat(65), 'a"b']) assert.deepEqual(counted(() => same(engine, "ada", name, "document", "plan")), { learned: 0, taught: 0 });
});

test("made-up principals take no room", async () => {
  const engine = await open();
  engine.check("ada", "read", "document", "plan");
  const made = counted(() => {
    for (let turn = 0; turn < 2 * MAX_WORDS; turn++) assert.equal(engine.check(`ada${turn}`, "read", "document", "plan"), false);
  });
  assert.equal(made.learned, 0);
  assert.deepEqual(counted(() => engine.check(ADA, "read", "document", "plan")), { learned: 1, taught: 1 });
});

test("there is room for so many words; after that everything is answered as before", async () => {
  const engine = await open();
  engine.check("ada", "read", "document", "plan");
  const made = counted(() => {
    for (let turn = 0; turn < MAX_WORDS + 1_000; turn++) assert.equal(engine.check("ada", `action${turn}`, "document", "plan"), false);
  });
  assert.deepEqual(made, { learned: MAX_WORDS - 4, taught: MAX_WORDS - 4 });
  assert.deepEqual(counted(() => {
    for (const id of ["ada", ADA, "eve", "ada@acme.example"]) {
      for (const action of ["read", "write", "burn", "action0", `action${MAX_WORDS - 5}`, `action${MAX_WORDS}`, "user"]) {
        for (const properties of [undefined, { label: "secret" }, { label: "a", owner: { type: "User", id: "ada" } }]) {
          same(engine, id, action, "document", "plan", properties, { spent: 1 });
        }
      }
    }
  }), { learned: 0, taught: 0 });
  assert.equal(engine.check("ada", "write", "document", "plan", {}, { spent: 1 }), true);
  assert.equal(engine.check("ada", "write", "document", "plan", {}, { spent: 100 }), false);
});

test("a request that a word makes shorter is too large all the same", async () => {
  const engine = await open();
  const subject = { type: "user", id: "ada" };
  const action = { name: "x".repeat(64) };
  const resource = { type: "y".repeat(64), id: "plan", properties: Object.fromEntries(Array.from({ length: 12 }, (_, turn) => [`${"z".repeat(60)}${turn}`, true])) };
  const evaluations = Array.from({ length: 1_000 }, () => ({ subject, action, resource }));
  engine.decide({ subject, action, resource });
  const ask = (asked) => outcome(() => engine.decideBatch(asked));
  assert.equal(ask({ evaluations }).code, "authzen.too_large");
  assert.deepEqual(ask({ evaluations }), ask(json({ evaluations })));
  const fewer = { evaluations: evaluations.slice(0, 500) };
  assert.deepEqual(ask(fewer), ask(json(fewer)));
});

test("an engine that is freed while it is asked says so, and no other is disturbed", async () => {
  const [engine, stays] = [await open(), await openOther()];
  const attributes = {
    get label() {
      engine.free();
      stays.check("eve", "read", "document", "plan");
      return "a";
    },
    "a name of its own": true,
  };
  assert.throws(() => engine.check("ada", "read", "document", "plan", attributes), failure("engine.freed"));
  assert.throws(() => engine.check("ada", "read", "document", "plan"), failure("engine.freed"));
  assert.throws(() => engine.check("someone new", "read", "document", "plan"), failure("engine.freed"));
  assert.equal(same(stays, "eve", "read", "document", "plan", { owner: { type: "User", id: ADA } }).answer.decision, true);
});

test("another engine that is asked in the middle keeps its words to itself", async () => {
  const [first, second] = [await open(), await openOther()];
  for (let turn = 0; turn < 50; turn++) {
    const attributes = {
      label: "a",
      get owner() {
        second.check(`new${turn}`, `act${turn}`, "document", "plan", { [`name${turn}`]: true });
        return { type: "User", id: ADA };
      },
      [`later${turn}`]: true,
    };
    assert.equal(first.check("ada", "read", "document", "plan", attributes), true);
    assert.equal(same(first, "ada", `act${turn}`, "document", "plan").answer.context.reason, "unknown_action");
    assert.equal(same(second, "eve", "read", "document", "plan", { owner: { type: "User", id: ADA } }).answer.decision, true);
    assert.equal(same(second, "ada", "read", "document", "plan", { owner: { type: "User", id: ADA } }).answer.decision, false);
  }
});
