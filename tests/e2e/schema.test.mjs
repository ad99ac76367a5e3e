// The migrations, applied to a fresh local D1, give the tables and columns that the Rust types state.
import assert from "node:assert/strict";
import { test } from "node:test";
import { migrate, startEdge } from "../../worker/edge.mjs";
import { parapet } from "../../worker/seed.mjs";

/** The service's own tables, which are in no tenant document. */
const SERVICE_TABLES = [
  "former_password", "idempotency_key", "issuer_key_set", "known_device", "login_flow", "login_throttle", "lone_password", "notification_template_version", "one_time_link",
  "pending_sign_up", "rate_limit", "reminder", "rule_history", "scheduled_run", "session_host", "tenant_purge", "terms_acceptance", "used_assertion",
];

test("tables and columns are those of the Rust types", async () => {
  const edge = await startEdge();
  try {
    const db = await edge.getD1Database("DB");
    await migrate(db);
    const schema = JSON.parse(await parapet("schema"));
    const stated = Object.fromEntries(
      Object.entries(schema.properties).map(([table, { items, $ref }]) => {
        const row = schema.$defs[(items?.$ref ?? $ref).split("/").at(-1)];
        return [table, Object.keys(row.properties).sort()];
      }),
    );
    /** @type {Record<string, string[]>} */
    const migrated = {};
    const { results } = await db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    for (const { name } of /** @type {{name: string}[]} */ (results)) {
      if (/^(d1_|sqlite_|_cf_)/.test(name) || SERVICE_TABLES.includes(name)) continue;
      const columns = await db.prepare(`PRAGMA table_info("${name}")`).all();
      migrated[name] = /** @type {{name: string}[]} */ (columns.results).map((column) => column.name);
    }
    for (const columns of Object.values(migrated)) columns.sort();
    assert.deepEqual(migrated, stated);
    assert.ok(Object.keys(migrated).length >= 27);
  } finally {
    await edge.dispose();
  }
});
