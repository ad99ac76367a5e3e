// The log of decisions through the built Worker, its queue and D1: what is denied arrives, masked; it is explained by its
// id; and the program says of the export what another tenant would decide.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { startEdge } from "../../worker/edge.mjs";
import { parapet } from "../../worker/seed.mjs";
import { PERMISSION, SECRETS, TENANT, call, id, office, question } from "./office.mjs";

const NOW = "2026-01-01T00:00:00.000Z";
const OWNER = "01980000-0000-7000-8000-000000000111";

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {any} */
let worker;
/** @type {any} */
let keys;
/** @type {string[]} */
const told = [];

before(async () => {
  edge = await startEdge({
    variables: { ...SECRETS, FRESHNESS_SECONDS: "0" },
    wrapper: new URL("faults.mjs", import.meta.url),
    log: (line) => void told.push(line),
  });
  keys = await office(edge, 2);
  worker = await edge.getWorker();
});
after(() => edge.dispose());

/** @param {string} path */
const get = async (path) => {
  const { status, body } = await call(worker, keys.owner, "GET", path);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};

/** Waits until so many decisions lie in the log, and gives them, the oldest first. */
async function logged(/** @type {number} */ count) {
  const end = performance.now() + 30_000;
  for (;;) {
    const { items } = await get("/v1/decisions?limit=200&sort=created_at");
    if (items.length >= count) {
      assert.equal(items.length, count, JSON.stringify(items));
      return items;
    }
    assert.ok(performance.now() < end, `${items.length} of ${count} decisions came`);
    await setTimeout(50);
  }
}

/** @param {any} asked */
const evaluate = async (asked, headers = {}) => {
  const { status, body } = await call(worker, keys.pep, "POST", "/access/v1/evaluation", asked, headers);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};

/** @param {string} key @param {any} value */
const set = async (key, value) => {
  const { status, body } = await call(worker, keys.owner, "PUT", `/v1/tenant-settings/auth/${key}`, { value });
  assert.ok(status < 300, JSON.stringify(body));
};

/** A question about a paper with these attributes. */
const about = (/** @type {string} */ user, /** @type {any} */ properties) => ({
  ...question(user),
  resource: { type: "acme_paper", id: "p1", properties },
});

test("a denial arrives in the log after the answer, and an allow does not", async () => {
  assert.equal((await evaluate(question(id("e", 0)))).decision, true);
  const denied = await evaluate(question(OWNER));
  assert.equal(denied.decision, false);
  const [row] = await logged(1);
  assert.equal(row.id, denied.context.decision_id);
  assert.deepEqual([row.principal_id, row.action, row.resource_id, row.outcome], [OWNER, "read", "p1", "no_permit"]);
  assert.deepEqual(await get(`/v1/decisions/${row.id}`), row);
});

test("what the tenant says is masked and sampled", async () => {
  await set("schema", { types: { acme_paper: { attributes: { owner: "String", secret: "String" } } } });
  await set("decision_log", { allow: 1, mask: ["resource.secret"] });
  const answer = await evaluate(about(id("e", 0), { owner: "anna", secret: "of all secrets" }));
  assert.equal(answer.decision, true);
  const row = (await logged(2))[1];
  assert.equal(row.id, answer.context.decision_id);
  assert.deepEqual([row.outcome, row.request, row.left_out], ["allow", { resource: { owner: "anna" } }, ["resource.secret"]]);
  const { results } = await keys.db.prepare("SELECT count(*) AS count FROM decision_log WHERE request LIKE '%of all secrets%'").all();
  assert.equal(results[0].count, 0);
});

test("a logged decision is explained by its id", async () => {
  const [row] = await logged(2);
  const { status, body } = await call(worker, keys.owner, "POST", "/v1/decisions/explain", { decision_id: row.id });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual([body.decided.id, body.decided.outcome, body.decision.outcome], [row.id, "no_permit", "no_permit"]);
  assert.ok(body.as_of.policy_version > body.decided.as_of.policy_version);
  const unknown = await call(worker, keys.owner, "POST", "/v1/decisions/explain", { decision_id: OWNER });
  assert.deepEqual([unknown.status, unknown.body.code], [404, "decision.not_logged"]);
});

test("the items of a batch come together", async () => {
  const items = [...Array(40).keys()].map((n) => ({ resource: { type: "acme_paper", id: `batch-${n}` } }));
  const { body } = await call(worker, keys.pep, "POST", "/access/v1/evaluations", { ...question(id("e", 1)), evaluations: items });
  assert.equal(body.evaluations.length, 40);
  const rows = await logged(42);
  assert.equal(rows.filter((/** @type {any} */ row) => row.resource_id.startsWith("batch-")).length, 40);
});

test("a queue that takes nothing changes no answer, and is told of", async () => {
  const lost = () => told.filter((line) => line.includes("decision_log.lost")).length;
  assert.equal(lost(), 0);
  const denied = await evaluate(question(OWNER), { "x-test-queue": "cut" });
  assert.equal(denied.decision, false);
  for (const end = performance.now() + 10_000; lost() === 0; await setTimeout(20)) assert.ok(performance.now() < end);
  assert.match(told.find((line) => line.includes("decision_log.lost")) ?? "", /1 decisions/);
  assert.equal((await evaluate(question(OWNER))).decision, false);
  await logged(43);
});

test("a replay of the export finds exactly what was changed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "parapet-"));
  try {
    const lines = [];
    for (let path = "/v1/decisions/export?limit=20"; path; ) {
      const response = await worker.fetch(`http://localhost${path}`, { headers: { authorization: `Bearer ${keys.owner}` } });
      assert.equal(response.headers.get("content-type"), "application/jsonl");
      lines.push(await response.text());
      path = /^<([^>]*)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1] ?? "";
    }
    const log = join(folder, "decisions.jsonl");
    await writeFile(log, lines.join(""));
    assert.equal(lines.join("").trim().split("\n").length, 43);
    const replay = async (/** @type {any} */ change) => {
      const tenant = join(folder, "tenant.json");
      await writeFile(tenant, JSON.stringify({ ...document(), ...change }));
      const done = parapet("replay", log, "--snapshot", tenant, "--json");
      const { stdout, code } = await done.then((stdout) => ({ stdout, code: 0 }), (error) => error);
      const all = stdout.trim().split("\n").map((/** @type {string} */ line) => JSON.parse(line));
      return { code, changes: all.slice(0, -1), counts: all.at(-1) };
    };
    // As it is: nothing changes.
    const same = await replay({});
    assert.deepEqual([same.code, same.counts], [0, { rows: 43, same: 43, allow_to_deny: 0, deny_to_allow: 0, unknown: 0 }]);
    // The owner may read as well, and the second user no longer.
    const role = (/** @type {number} */ n) => id("c", n);
    const changed = await replay({
      user_role: [
        { id: id("d", 0), user_id: id("e", 0), role_id: role(0) },
        { id: id("d", 1), user_id: OWNER, role_id: role(1) },
      ],
    });
    assert.equal(changed.code, 1);
    assert.deepEqual(changed.counts, { rows: 43, same: 1, allow_to_deny: 40, deny_to_allow: 2, unknown: 0 });
    const who = new Set(changed.changes.map((/** @type {any} */ change) => `${change.principal.id} ${change.is.outcome}`));
    assert.deepEqual(who, new Set([`${id("e", 1)} no_permit`, `${OWNER} allow`]));
    // What hangs on the secret cannot be known.
    const guarded = await replay({
      role_permission: [
        { id: id("9", 1), role_id: role(0), permission_id: PERMISSION, effect: "deny", conditions: { StringEquals: { "resource.secret": "x" } } },
      ],
    });
    assert.deepEqual([guarded.code, guarded.counts.unknown, guarded.counts.same], [0, 1, 42]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a candidate decides beside the rules, only differences are told, and it counts once it is promoted", async () => {
  const path = "/v1/snapshots/candidate";
  await set("decision_log", { allow: 0 });
  const before = (await get("/v1/decisions?limit=200")).items.length;
  // The first user's role loses what it gives.
  const changes = [{ table: "role", update: { id: id("c", 0), permissions: [] } }];
  const made = await call(worker, keys.owner, "POST", path, { changes });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  for (const user of [id("e", 0), id("e", 1)]) {
    const answer = await evaluate(question(user));
    assert.deepEqual([answer.decision, answer.context.decision_id], [true, undefined], "no answer changes");
  }
  const row = (await logged(before + 1)).at(-1);
  assert.deepEqual([row.principal_id, row.outcome, row.shadow_outcome, row.candidate], [id("e", 0), "allow", "no_permit", made.body.id]);
  const shown = await get(path);
  assert.deepEqual([shown.state, shown.differences], ["deciding", { allow_to_deny: 1, deny_to_allow: 0, denied_otherwise: 0 }]);
  const other = await call(worker, keys.owner, "POST", `${path}/promote`, { id: OWNER });
  assert.deepEqual([other.status, other.body.code], [409, "candidate.other"]);
  const promoted = await call(worker, keys.owner, "POST", `${path}/promote`, { id: made.body.id });
  assert.deepEqual([promoted.status, promoted.body.rows], [200, 1], JSON.stringify(promoted.body));
  assert.equal((await evaluate(question(id("e", 0)))).decision, false);
  assert.equal((await evaluate(question(id("e", 1)))).decision, true);
  assert.equal((await call(worker, keys.owner, "GET", path)).status, 404);
  const { results } = await keys.db.prepare("SELECT content_hash FROM snapshot WHERE policy_version = ?1").bind(promoted.body.policy_version).all();
  assert.deepEqual(results.map(({ content_hash }) => content_hash), [made.body.content_hash]);
});

/** The tenant as `office` loads it, without what only the database has. */
function document() {
  const numbers = [0, 1];
  const schema = { types: { acme_paper: { attributes: { owner: "String", secret: "String" } } } };
  return {
    tenant: { id: TENANT, name: "Acme", slug: "acme", created_at: NOW, updated_at: NOW },
    tenant_setting: [{ id: id("8", 1), category: "auth", setting_key: "schema", setting_value: schema }],
    permission: [
      { id: PERMISSION, tenant_id: TENANT, name: "acme.papers.read", resource: "acme_paper", action: "read", category: "user" },
    ],
    user: [{ id: OWNER, email: "olga@acme.example" }, ...numbers.map((n) => ({ id: id("e", n), email: `user-${n}@acme.example` }))],
    role: numbers.map((n) => ({ id: id("c", n), name: `acme reader ${n}`, permissions: [{ permission: "acme.papers.read" }] })),
    user_role: numbers.map((n) => ({ id: id("d", n), user_id: id("e", n), role_id: id("c", n) })),
  };
}
