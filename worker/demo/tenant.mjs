// The demo's tenant in a local database: its document, and what stands in no document, which are passwords, who owns it, a
// second factor, and the application behind the gateway.
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { hashed, makeOwner, seed } from "../seed.mjs";

/** The tenant document. */
export const DOCUMENT = fileURLToPath(new URL("../../fixtures/saas/tenant.json", import.meta.url));

/** Whoever a newcomer is, by their usernames. */
export const PEOPLE = /** @type {const} */ ({ editor: "dara", reader: "carla", administrator: "walt" });

/** The application's host. */
export const HOST = "documents.localhost";

/** Its route map, a setting of the document. */
const ROUTES = "documents";

/** The host below which tenants lie by their slugs: names under `localhost` lead to this machine, and browsers trust them. */
export const BASE_DOMAIN = "id.localhost";

/** How long a code may take to arrive, in milliseconds. */
const PATIENCE = 20_000;

/**
 * Loads the tenant.
 *
 * @param {import("miniflare").Miniflare} edge
 * @param {any} document the tenant document, read
 * @param {string} password everybody's
 * @param {{ to: string, text: string }[]} messages what arrives in the inbox
 * @returns {Promise<Record<string, Record<string, string>>>} the keys made, by the tenant's slug and the key's id
 */
export async function load(edge, document, password, messages) {
  const db = await edge.getD1Database("DB");
  const keys = await seed(db, DOCUMENT);
  const user = (/** @type {string} */ name) => document.user.find(({ username }) => username === name);
  for (const name of Object.values(PEOPLE)) {
    await db.prepare("UPDATE user SET password_hash = ?1 WHERE id = ?2").bind(hashed(password), user(name).id).run();
  }
  const administrator = user(PEOPLE.administrator);
  await makeOwner(db, document.tenant.id, administrator.id);
  await addFactor(edge, `http://${document.tenant.slug}.${BASE_DOMAIN}`, administrator.email, password, messages);
  return keys;
}

/**
 * Puts the application behind the gateway; where it was, it is found where it is now.
 *
 * @param {Awaited<ReturnType<import("miniflare").Miniflare["getD1Database"]>>} db
 * @param {string} tenant
 * @param {string} origin
 */
export async function putBehindGateway(db, tenant, origin) {
  const insert = `INSERT INTO gateway_host (id, tenant_id, host, origin, route_map, is_active, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6) ON CONFLICT (host) DO UPDATE SET origin = excluded.origin`;
  await db.prepare(insert).bind(randomUUID(), tenant, HOST, origin, ROUTES, new Date().toISOString()).run();
}

/** Adds a second factor, codes by mail, as its user would. */
async function addFactor(edge, origin, email, password, messages) {
  const worker = await edge.getWorker();
  const post = async (/** @type {string} */ path, /** @type {any} */ body, cookie = "") => {
    const response = await worker.fetch(`${origin}${path}`, {
      method: "POST",
      headers: { "sec-fetch-site": "same-origin", "content-type": "application/json", ...(cookie && { cookie }) },
      body: JSON.stringify(body),
    });
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const signedIn = await post("/v1/auth/sign-in", { identifier: email, password });
  const cookie = signedIn.headers.getSetCookie().map((/** @type {string} */ it) => it.split(";")[0]).join("; ");
  const before = messages.length;
  const begun = await (await post("/v1/me/factors", { type: "email", device_name: "mail" }, cookie)).json();
  const code = await arrived(messages, before, email);
  await post("/v1/me/factors/confirm", { flow: begun.flow, code }, cookie);
}

/** The code in the first message to an address that has one. */
export async function arrived(/** @type {{ to: string, text: string }[]} */ messages, /** @type {number} */ from, /** @type {string} */ email) {
  for (const began = Date.now(); Date.now() - began < PATIENCE; ) {
    const codes = messages.slice(from).filter(({ to }) => to === email).map(({ text }) => /\b\d{8}\b/.exec(text)?.[0]);
    const code = codes.find((found) => found !== undefined);
    if (code !== undefined) return code;
    await new Promise((go) => setTimeout(go, 50));
  }
  throw new Error(`no code arrived for ${email}`);
}
