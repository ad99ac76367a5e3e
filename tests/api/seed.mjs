// A small tenant with an owner, whose key may do everything: what the API is asked about.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seed } from "../../worker/seed.mjs";

const id = (/** @type {number} */ number) => `01980000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;
const OWNER = id(0x100);
const KEY = id(0x600);

const document = {
  tenant: { id: id(1), name: "Acme", slug: "acme", created_at: "2026-01-01T00:00:00.000Z", updated_at: "2026-01-01T00:00:00.000Z" },
  user: [
    { id: OWNER, email: "olga@acme.example" },
    { id: id(0x101), email: "anna@acme.example", username: "anna" },
  ],
  permission: [
    { id: id(0x401), tenant_id: id(1), name: "documents.read", resource: "document", action: "read", category: "user" },
    { id: id(0x402), tenant_id: id(1), name: "documents.archive", resource: "document", action: "archive", category: "admin" },
  ],
  role: [{ id: id(0x301), name: "reader", type: "custom", permissions: [{ permission: "documents.read" }] }],
  user_role: [{ id: id(0x501), user_id: id(0x101), role_id: id(0x301) }],
  api_key: [
    {
      id: KEY,
      user_id: OWNER,
      name: "the owner's",
      key_prefix: "00000000",
      scopes: ["admin:read", "admin:write", "access:evaluate", "access:snapshot", "access:context", "me"],
    },
  ],
};

/**
 * Loads the tenant, and gives the owner's key.
 *
 * @param {Awaited<ReturnType<import("miniflare").Miniflare["getD1Database"]>>} db
 */
export async function seedOwner(db) {
  const folder = await mkdtemp(join(tmpdir(), "parapet-"));
  try {
    const path = join(folder, "tenant.json");
    await writeFile(path, JSON.stringify(document));
    const keys = await seed(db, path);
    await systemRoles(db);
    await told(db);
    return keys.acme[KEY];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * The role that is every tenant's: owners hold all that the catalogue has.
 *
 * @param {Awaited<ReturnType<import("miniflare").Miniflare["getD1Database"]>>} db
 */
async function systemRoles(db) {
  const { results } = await db.prepare("SELECT name FROM permission WHERE tenant_id IS NULL").all();
  const entries = JSON.stringify(results.map(({ name }) => ({ permission: name })));
  const now = "2026-01-01T00:00:00.000Z";
  await db.batch([
    db
      .prepare("INSERT INTO role (id, tenant_id, name, type, permissions, is_active, created_at, updated_at) VALUES (?1, ?2, 'owner', 'system', ?3, 1, ?4, ?4)")
      .bind(id(0x300), id(1), entries, now),
    db
      .prepare("INSERT INTO user_role (id, tenant_id, user_id, role_id, assigned_at, is_active) VALUES (?1, ?2, ?3, ?4, ?5, 1)")
      .bind(id(0x500), id(1), OWNER, id(0x300), now),
  ]);
}

/**
 * What the owner was told in the application: something to list and to mark as read.
 *
 * @param {Awaited<ReturnType<import("miniflare").Miniflare["getD1Database"]>>} db
 */
async function told(db) {
  const tell = db.prepare(
    `INSERT INTO user_notification (id, tenant_id, user_id, notification_template_id, subject, content, type, status, metadata, sent_at, created_at)
     SELECT ?1, ?2, ?3, id, 'You have the role reader', 'You have the role reader at Acme.', type, 'delivered', '{"purpose": "role.assigned"}', ?4, ?4
     FROM notification_template WHERE tenant_id IS NULL AND name = 'role.assigned' AND type = 'in_app' AND locale = 'en'`,
  );
  await db.batch([1, 2, 3].map((day) => tell.bind(id(0x900 + day), id(1), OWNER, `2026-01-0${day}T08:00:00.000Z`)));
}
