// A tenant to administer, for the end-to-end tests: an owner, users who have roles of their own, and a PEP.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "../../worker/edge.mjs";
import { makeOwner, seed } from "../../worker/seed.mjs";

export const TENANT = "01980000-0000-7000-8000-000000000001";
const OWNER = "01980000-0000-7000-8000-000000000111";
const OWNER_ROLE = "01980000-0000-7000-8000-000000000701";
const KEYS = { owner: "01980000-0000-7000-8000-00000000a001", pep: "01980000-0000-7000-8000-00000000a002" };
export const PERMISSION = "01980000-0000-7000-8000-000000000401";

/** The id of something numbered. */
export const id = (/** @type {string} */ kind, /** @type {number} */ number) =>
  `01980000-0000-7000-8000-${kind}${String(number).padStart(12 - kind.length, "0")}`;

/** The variables that every edge needs. */
export const SECRETS = { SNAPSHOT_KEY: "ab".repeat(32), SNAPSHOT_KEY_ID: "test", DATA_KEY: "cd".repeat(32) };

/**
 * Loads the tenant. User number n has the role number n, which lets read documents, and a key of their own.
 *
 * @param {import("miniflare").Miniflare} edge
 * @param {number} [users]
 * @param {any} [others] a tenant document whose rows are loaded beside
 */
export async function office(edge, users = 0, others = {}) {
  const numbers = [...Array(users).keys()];
  const now = "2026-01-01T00:00:00.000Z";
  const tenant = others.tenant ?? { id: TENANT, name: "Acme", slug: "acme", created_at: now, updated_at: now };
  const document = {
    ...others,
    tenant,
    permission: [
      ...(others.permission ?? []),
      { id: PERMISSION, tenant_id: tenant.id, name: "acme.papers.read", resource: "acme_paper", action: "read", category: "user" },
    ],
    user: [
      ...(others.user ?? []),
      { id: OWNER, email: "olga@acme.example" },
      ...numbers.map((n) => ({ id: id("e", n), email: `user-${n}@acme.example` })),
    ],
    role: [
      ...(others.role ?? []),
      ...numbers.map((n) => ({ id: id("c", n), name: `acme reader ${n}`, permissions: [{ permission: "acme.papers.read" }] })),
    ],
    user_role: [
      ...(others.user_role ?? []),
      ...numbers.map((n) => ({ id: id("d", n), user_id: id("e", n), role_id: id("c", n) })),
    ],
    api_key: [
      { id: KEYS.owner, name: "owner", user_id: OWNER, key_hash: "0".repeat(64), key_prefix: "own", scopes: ["admin:read", "admin:write"] },
      { id: KEYS.pep, name: "pep", key_hash: "1".repeat(64), key_prefix: "pep", scopes: ["access:evaluate"] },
      ...numbers.map((n) => ({
        id: id("f", n), name: `key ${n}`, user_id: id("e", n), key_hash: n.toString(16).padStart(64, "f"), key_prefix: "usr",
        scopes: ["access:evaluate", "acme_paper:read"],
      })),
    ],
  };
  const db = await edge.getD1Database("DB");
  await migrate(db);
  const folder = await mkdtemp(join(tmpdir(), "parapet-"));
  try {
    const path = join(folder, "tenant.json");
    await writeFile(path, JSON.stringify(document));
    const keys = (await seed(db, path))[tenant.slug];
    await makeOwner(db, tenant.id, OWNER, { role: OWNER_ROLE, assignment: id("b", 1) });
    return { db, owner: keys[KEYS.owner], pep: keys[KEYS.pep], key: (/** @type {number} */ n) => keys[id("f", n)] };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Sends JSON with a key.
 *
 * @param {any} edge a Worker of it
 * @param {string} key
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 * @param {Record<string, string>} [headers]
 */
export async function call(edge, key, method, path, body, headers = {}) {
  const response = await edge.fetch(`http://localhost${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text), headers: response.headers };
}

/** Whether user number n may read. */
export const question = (/** @type {string} */ user) => ({
  subject: { type: "user", id: user },
  action: { name: "read" },
  resource: { type: "acme_paper", id: "p1" },
});
