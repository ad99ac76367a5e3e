// Searches: which actions, resources or subjects are allowed, page by page; each result is what a decision says.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { compileSnapshot } from "@parapet/engine/full";
import { ADA, Engine, KEY, NOW, failure, open, request, tenant } from "./tenant.mjs";

let engine;
before(async () => {
  engine = await open();
});

const { subject, action, resource } = request();
const names = ({ results }) => results.map(({ name }) => name);
const ids = ({ results }) => results.map(({ id }) => id);

test("the actions that a subject may do to a resource", () => {
  assert.deepEqual(engine.searchActions({ subject, resource, context: { spent: 5 } }), {
    results: [{ name: "read" }, { name: "write" }],
    page: { next_token: "", count: 2 },
  });
  assert.deepEqual(names(engine.searchActions({ subject, resource, context: { spent: 100 } })), ["read"]);
  const secret = { ...resource, properties: { label: "secret" } };
  assert.deepEqual(names(engine.searchActions({ subject, resource: secret })), []);
  const keyed = engine.searchActions({ subject, resource, context: { spent: 5 } }, { scopes: ["document:write"] });
  assert.deepEqual(names(keyed), ["write"]);
});

test("pages follow each other, and a token is of one question", () => {
  const question = { subject, resource, context: { spent: 5 } };
  const first = engine.searchActions({ ...question, page: { limit: 1 } });
  assert.deepEqual(names(first), ["read"]);
  const token = first.page.next_token;
  const second = engine.searchActions({ ...question, page: { limit: 1, token } });
  assert.deepEqual([names(second), second.page.next_token], [["write"], ""]);
  const changed = { ...question, context: { spent: 6 }, page: { token } };
  assert.throws(() => engine.searchActions(changed), failure("search.token", "/page/token"));
  assert.throws(() => engine.searchActions({ ...question, page: { limit: 0 } }), failure("search.limit", "/page/limit"));
});

test("the resources among candidates are those that a decision allows", () => {
  const candidates = ["plan", "budget", "secret"].map((label, at) => ({ id: `${at}`, properties: { label } }));
  const question = { subject, action, resource: { type: "document" } };
  const allowed = candidates.filter(({ id, properties }) => engine.decide({ ...question, resource: { type: "document", id, properties } }).decision);
  assert.deepEqual(ids(engine.searchResources(question, { candidates })), allowed.map(({ id }) => id));
  assert.equal(allowed.length, 2);
  // Nothing is registered.
  assert.deepEqual(engine.searchResources(question).results, []);
});

test("the resources that the tenant registers", async () => {
  const registered = ["a", "b", "c"].map((id) => ({ type: "document", id, attributes: { label: id === "b" ? "secret" : "open" }, parents: [] }));
  const bytes = compileSnapshot({ ...tenant, resource: registered }, { version: 1, created: NOW, key: KEY });
  const engine = await Engine.open(bytes, { keys: [KEY] });
  assert.deepEqual(engine.searchResources({ subject, action, resource: { type: "document" } }).results, [
    { type: "document", id: "a" },
    { type: "document", id: "c" },
  ]);
});

test("the subjects that may do an action to a resource", () => {
  const found = engine.searchSubjects({ subject: { type: "user" }, action, resource });
  assert.deepEqual(found, { results: [{ type: "user", id: ADA }], page: { next_token: "", count: 1 } });
  assert.deepEqual(engine.searchSubjects({ subject: { type: "user" }, action: { name: "erase" }, resource }).results, []);
});

test("what is wrong is said with its place", () => {
  for (const question of ["searchActions", "searchResources", "searchSubjects"]) {
    assert.throws(() => engine[question]({ resource, action }), { name: "ParapetError", code: "authzen.missing_field" });
    assert.throws(() => engine[question](request("read", { context: { it: 1n } })), failure("request.not_json", "/context/it"));
    assert.throws(() => engine[question](request(), { scope: [] }), failure("options.invalid"));
    assert.throws(() => engine[question](request(), null), failure("options.invalid"));
  }
  const question = { subject, action, resource: { type: "document" } };
  for (const candidates of [1, "a", {}, [1], [{}], [{ id: 1 }], [{ id: "a", properties: 1 }], null]) {
    assert.throws(() => engine.searchResources(question, { candidates }), failure("search.candidates"), JSON.stringify(candidates));
  }
  assert.throws(() => engine.searchResources(question, { candidates: [{ id: "a", properties: { at: NaN } }] }), failure("candidates.not_json", "/0/properties/at"));
  const throwing = { get candidates() { throw new Error("mine"); } };
  assert.throws(() => engine.searchResources(question, throwing), failure("options.not_json"));
  assert.equal(engine.decide(request()).decision, true);
});

test("an engine that was freed searches no more", async () => {
  const freed = await open();
  freed.free();
  for (const question of ["searchActions", "searchResources", "searchSubjects"]) {
    assert.throws(() => freed[question](request()), failure("engine.freed"));
  }
});
