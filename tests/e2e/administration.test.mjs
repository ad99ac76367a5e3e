// From an empty database to a decision and back: who administers, what they change, and what the log says of it.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { migrate, startEdge } from "../../worker/edge.mjs";
import { init, parapet } from "../../worker/seed.mjs";
import { SECRETS, call, question } from "./office.mjs";

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {any} */
let worker;
let operator = "";
let folder = "";

before(async () => {
  edge = await startEdge({
    wrapper: new URL("faults.mjs", import.meta.url),
    variables: { ...SECRETS, FRESHNESS_SECONDS: "0" },
    log: console.log,
  });
  const db = await edge.getD1Database("DB");
  await migrate(db);
  operator = await init(db, "operator@example.com");
  worker = await edge.getWorker();
  folder = await mkdtemp(join(tmpdir(), "parapet-"));
});
after(async () => {
  await edge.dispose();
  await rm(folder, { recursive: true });
});

/**
 * The body of an answer that must have this status.
 *
 * @param {number} expected
 * @param {string} key
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 * @param {Record<string, string>} [headers]
 */
async function ask(expected, key, method, path, body, headers) {
  const answer = await call(worker, key, method, path, body, headers);
  assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** What the log of a tenant says, as its chain has it, and that nothing of it was tampered with. */
async function log(/** @type {string} */ key) {
  let text = "";
  /** @type {string | null} */
  let next = "/v1/audit-logs/export?format=jsonl&limit=7";
  while (next !== null) {
    const response = await worker.fetch(`http://localhost${next}`, { headers: { authorization: `Bearer ${key}` } });
    assert.equal(response.status, 200);
    text += await response.text();
    const link = /<([^>]*)>; rel="next"/.exec(response.headers.get("link") ?? "");
    next = link === null ? null : new URL(link[1], "http://localhost").pathname + new URL(link[1], "http://localhost").search;
  }
  const path = join(folder, "audit.jsonl");
  await writeFile(path, text);
  const verified = JSON.parse(await parapet("audit", "verify", path, "--json"));
  const rows = text.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([verified.errors, verified.rows], [0, rows.length]);
  return { rows, text };
}

test("a tenant from its first day to its last", async () => {
  // The operator makes the tenant; its owner's key is in this one answer.
  const made = await ask(201, operator, "POST", "/v1/tenants", { name: "Globex", slug: "globex", owner: { email: "hank@globex.example" } });
  const [tenant, owner] = [made.tenant.id, made.api_key.key];
  const { id: owners } = made.owner;
  await ask(404, owner, "GET", "/v1/tenants");

  // The owner makes what a decision needs.
  const permission = await ask(201, owner, "POST", "/v1/permissions", { name: "papers.read", resource: "acme_paper", action: "read", category: "user" });
  const role = await ask(201, owner, "POST", "/v1/roles", { name: "reader" });
  await ask(201, owner, "POST", "/v1/role-permissions", { role_id: role.id, permission_id: permission.id, effect: "allow" });
  const user = await ask(201, owner, "POST", "/v1/users", { email: "ann@globex.example", username: "ann" });
  const assignment = await ask(201, owner, "POST", "/v1/user-roles", { user_id: user.id, role_id: role.id });
  const wrong = await ask(422, owner, "POST", "/v1/users", { email: "Nobody", username: "", shoe: 44 });
  assert.ok(wrong.findings.length >= 3, JSON.stringify(wrong));
  const taken = await ask(409, owner, "POST", "/v1/users", { email: "ann@globex.example" });
  assert.equal(taken.findings[0].field, "email");

  // A program asks, with a key that may do nothing else.
  const pep = await ask(201, owner, "POST", "/v1/api-keys", { name: "application", scopes: ["access:evaluate"] });
  const decide = async (/** @type {string} */ key, about = user.id) =>
    (await ask(200, key, "POST", "/access/v1/evaluation", question(about))).decision;
  assert.equal(await decide(pep.key), true);
  assert.equal(await decide(pep.key, "ann"), true);
  assert.equal(await decide(pep.key, owners), false);
  await ask(403, pep.key, "GET", "/v1/users");

  // What is taken is denied at once, and what is given again allowed.
  await ask(204, owner, "DELETE", `/v1/user-roles/${assignment.id}`);
  assert.equal(await decide(pep.key), false);
  await ask(201, owner, "POST", "/v1/user-roles", { user_id: user.id, role_id: role.id });
  assert.equal(await decide(pep.key), true);
  await ask(200, owner, "POST", `/v1/users/${user.id}/suspend`);
  assert.equal(await decide(pep.key), false);
  await ask(200, owner, "POST", `/v1/users/${user.id}/reactivate`);
  assert.equal(await decide(pep.key), true);

  // Nobody acts as somebody else, not even the owner; and what is refused changes nothing.
  const anns = { name: "Ann's", user_id: user.id, scopes: ["admin:read", "admin:write"] };
  const refused = await ask(403, owner, "POST", "/v1/api-keys", anns);
  assert.equal(refused.findings[0].code, "administration.in_anothers_name");

  // A rotated key goes on for its overlap and no longer; without one it ends at once.
  const second = await ask(201, owner, "POST", `/v1/api-keys/${pep.id}/rotate`, { overlap_seconds: 60 });
  assert.equal(await decide(pep.key), true);
  assert.equal(await decide(second.key), true);
  const later = { "x-test-now": new Date(Date.now() + 61_000).toISOString() };
  await ask(401, pep.key, "POST", "/access/v1/evaluation", question(user.id), later);
  await ask(200, second.key, "POST", "/access/v1/evaluation", question(user.id), later);
  const third = await ask(201, owner, "POST", `/v1/api-keys/${second.id}/rotate`, {});
  await ask(401, second.key, "POST", "/access/v1/evaluation", question(user.id));
  assert.equal(await decide(third.key), true);

  // The log has each change in its order, the refusals as well, no secret and no e-mail address in the clear.
  const { rows, text } = await log(owner);
  assert.equal(rows[0].event_type, "tenant.created");
  const events = rows.map(({ event_type }) => event_type);
  for (const event of ["permission.created", "role.created", "user.created", "user_role.assigned", "api_key.created", "api_key.rotated"]) {
    assert.ok(events.includes(event), `${event}: ${events}`);
  }
  assert.ok(rows.some(({ result, user_id }) => result === "failure" && user_id === owners), "a refusal is in the log");
  for (const secret of [owner, pep.key, second.key, third.key, "ann@globex.example"]) assert.ok(!text.includes(secret));
  const told = await log(operator);
  assert.ok(told.rows.some(({ event_type, resource_id }) => event_type === "tenant.created" && resource_id === tenant));

  // A suspended tenant is denied everything until it is active again.
  await ask(200, operator, "POST", `/v1/tenants/${tenant}/suspend`);
  const denied = await ask(200, third.key, "POST", "/access/v1/evaluation", question(user.id));
  assert.deepEqual([denied.decision, denied.context.reason], [false, "tenant_suspended"]);
  await ask(403, owner, "GET", "/v1/roles");
  await ask(200, operator, "POST", `/v1/tenants/${tenant}/reactivate`);
  assert.equal(await decide(third.key), true);
  await ask(200, operator, "POST", `/v1/tenants/${tenant}/delete`);
  assert.equal(await decide(third.key), false);
});

test("the operators' tenant is made once", async () => {
  const db = await edge.getD1Database("DB");
  await assert.rejects(init(db, "somebody@example.com"), /UNIQUE constraint failed: tenant/);
  const { items } = await ask(200, operator, "GET", "/v1/users");
  assert.deepEqual(items.map((/** @type {any} */ { email }) => email), ["operator@example.com"]);
});
