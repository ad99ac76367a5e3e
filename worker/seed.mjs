// Loads tenant documents into a local database, through the program `parapet`, which makes fresh API keys.
import { execFile } from "node:child_process";
import { pbkdf2Sync, randomBytes, randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";

const PARAPET = fileURLToPath(new URL("../target/debug/parapet", import.meta.url));

/** D1 takes a batch as one transaction; a large tenant goes in several. */
const BATCH = 500;

/**
 * Runs `parapet` and gives what it prints.
 *
 * @param {...string} args
 */
export async function parapet(...args) {
  const { stdout } = await promisify(execFile)(PARAPET, args, { maxBuffer: 1 << 30 });
  return stdout;
}

/**
 * Inserts the rows of a document.
 *
 * @param {Awaited<ReturnType<import("miniflare").Miniflare["getD1Database"]>>} db
 * @param {string} path the document
 * @returns {Promise<Record<string, Record<string, string>>>} the keys made, by the tenant's slug and the key's id
 */
export async function seed(db, path) {
  return insert(db, JSON.parse(await parapet("seed", path, "--json")));
}

/**
 * Inserts what `parapet seed --json` printed.
 *
 * @param {Awaited<ReturnType<import("miniflare").Miniflare["getD1Database"]>>} db
 * @param {{ statements: { sql: string, params: any[] }[], keys: Record<string, Record<string, string>> }} printed
 */
export async function insert(db, { statements, keys }) {
  const prepared = statements.map(({ sql, params }) => db.prepare(sql).bind(...params));
  for (let start = 0; start < prepared.length; start += BATCH) {
    await db.batch(prepared.slice(start, start + BATCH));
  }
  return keys;
}

/**
 * Inserts the operators' tenant with its first operator.
 *
 * @param {Awaited<ReturnType<import("miniflare").Miniflare["getD1Database"]>>} db
 * @param {string} email the operator's address
 * @returns {Promise<string>} the operator's key
 */
export async function init(db, email) {
  const { statements, api_key } = JSON.parse(await parapet("init", "--email", email, "--json"));
  await db.batch(statements.map(({ sql, params }) => db.prepare(sql).bind(...params)));
  return api_key.key;
}

/**
 * Makes somebody an owner. That role of the system names the operator's catalogue, which lies in the database alone, so it
 * stands in no document.
 *
 * @param {Awaited<ReturnType<import("miniflare").Miniflare["getD1Database"]>>} db
 * @param {string} tenant
 * @param {string} user
 * @param {{ role?: string, assignment?: string }} [ids] of the rows
 */
export async function makeOwner(db, tenant, user, { role = randomUUID(), assignment = randomUUID() } = {}) {
  const now = "2026-01-01T00:00:00.000Z";
  const { results } = await db.prepare("SELECT name FROM permission WHERE tenant_id IS NULL").all();
  const permissions = JSON.stringify(results.map(({ name }) => ({ permission: name })));
  await db.batch([
    db.prepare("INSERT INTO role VALUES (?1, ?2, 'owner', NULL, 'system', ?3, 1, ?4, ?4)").bind(role, tenant, permissions, now),
    db.prepare("INSERT INTO user_role VALUES (?1, ?2, ?3, ?4, NULL, ?5, NULL, 1)").bind(assignment, tenant, user, role, now),
  ]);
}

/**
 * The hash of a password, in a form that users are imported with: the Worker replaces it when its user first signs in. Node
 * has no Argon2.
 *
 * @param {string} password
 */
export function hashed(password) {
  const salt = randomBytes(16);
  const tag = pbkdf2Sync(password, salt, 10_000, 32, "sha256");
  const text = (/** @type {Buffer} */ bytes) => bytes.toString("base64").replace(/=+$/, "");
  return `$pbkdf2-sha256$i=10000,l=32$${text(salt)}$${text(tag)}`;
}
