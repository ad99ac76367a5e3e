// The cron, in the built Worker: every duty runs over D1 and KV as they are, and says so in its row.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startEdge } from "../../worker/edge.mjs";
import { SECRETS, TENANT, call, office } from "./office.mjs";

test("a tick of the cron runs every duty, and the next one none that is not due", async () => {
  const edge = await startEdge({ variables: { ...SECRETS, FRESHNESS_SECONDS: "0" }, log: console.log });
  try {
    const { db, owner } = await office(edge);
    const worker = /** @type {any} */ (await edge.getWorker());
    const made = await call(worker, owner, "POST", "/v1/users", { email: "eve@acme.example" });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    // A tenant whose grace is over, with values in the store.
    const [gone, operators] = ["01980000-0000-7000-8000-0000000000ee", "00000000-0000-7000-8000-000000000000"];
    const tenant = db.prepare(
      `INSERT INTO tenant (id, name, slug, branding_config, settings, status, created_at, updated_at, deleted_at)
       VALUES (?1, ?2, ?3, '{}', '{}', ?4, ?5, ?5, ?6)`,
    );
    const long = "2020-01-01T00:00:00.000Z";
    await db.batch([
      tenant.bind(operators, "Operators", "operators", "active", long, null),
      tenant.bind(gone, "Gone", "gone", "deleted", long, long),
    ]);
    const store = /** @type {any} */ (await edge.getKVNamespace("SNAPSHOTS"));
    await store.put(`snapshot/${gone}/1/ab`, "x");
    // And a key of the log that lies under an older data key, which nobody has.
    await db
      .prepare("INSERT INTO audit_subject (id, tenant_id, subject_key, created_at) VALUES (?1, ?2, ?3, ?4)")
      .bind("01980000-0000-7000-8000-0000000000ef", TENANT, `d0.${"A".repeat(48)}`, "2026-01-01T00:00:00.000Z")
      .run();
    const tick = () => worker.scheduled({ cron: "* * * * *" });
    const rows = async () => (await db.prepare("SELECT * FROM scheduled_run ORDER BY name").all()).results;
    await tick();
    const first = await rows();
    const names = [
      "expire_rows", "forget_records", "forget_tokens", "prune_answers", "prune_rule_history", "prune_sign_in", "prune_snapshots",
      "purge_tenants", "remind", "reseal_secrets", "rotate_token_keys", "sweep_messages",
    ];
    assert.deepEqual(first.map(({ name }) => name), names);
    for (const row of first) assert.deepEqual([row.runs, row.failures, row.last_error], [1, 0, null], JSON.stringify(row));
    assert.equal(first.find(({ name }) => name === "reseal_secrets")?.remaining, 1);
    assert.deepEqual((await store.list({ prefix: `snapshot/${gone}/` })).keys, []);
    const row = await db.prepare("SELECT name FROM tenant WHERE id = ?1").bind(gone).first();
    assert.equal(row?.name, "gone");
    await tick();
    assert.deepEqual(await rows(), first);
  } finally {
    await edge.dispose();
  }
});
