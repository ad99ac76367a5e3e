// AuthZEN's searches through the built Worker and D1: each result is what a decision says, page by page, until rules or
// people change.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { migrate, startEdge } from "../../worker/edge.mjs";
import { seed } from "../../worker/seed.mjs";
import { SECRETS, call } from "./office.mjs";

const PEP = "01980000-0000-7000-8000-00000000a002";
const USERS = 120;

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {any} */
let worker;
/** @type {any} */
let db;
/** @type {any} */
let document;
/** @type {string} */
let key;

before(async () => {
  edge = await startEdge({ variables: { ...SECRETS, FRESHNESS_SECONDS: "0" }, log: console.log });
  worker = await edge.getWorker();
  db = await edge.getD1Database("DB");
  await migrate(db);
  const program = fileURLToPath(new URL("../../target/debug/generate", import.meta.url));
  const { stdout } = await promisify(execFile)(program, [String(USERS), "40", "1200"], { maxBuffer: 1 << 28 });
  const api_key = [{ id: PEP, name: "pep", key_hash: "1".repeat(64), key_prefix: "pep", scopes: ["access:evaluate", "access:context"] }];
  document = { ...JSON.parse(stdout), api_key };
  const folder = await mkdtemp(join(tmpdir(), "parapet-"));
  try {
    await writeFile(join(folder, "tenant.json"), JSON.stringify(document));
    key = (await seed(db, join(folder, "tenant.json")))[document.tenant.slug][PEP];
  } finally {
    await rm(folder, { recursive: true });
  }
  await db.batch([
    db.prepare("UPDATE user SET deleted_at = '2026-02-01T00:00:00.000Z', state = 'deleted' WHERE rowid % 11 = 3"),
    db.prepare("UPDATE user SET state = 'suspended' WHERE rowid % 11 = 4"),
    db.prepare("UPDATE user_role SET expires_at = '2026-02-01T00:00:00.000Z' WHERE rowid % 5 = 0"),
  ]);
});
after(() => edge.dispose());

const post = (/** @type {string} */ path, /** @type {any} */ body) => call(worker, key, "POST", `/access/v1/${path}`, body);

/** All results of a search. */
async function listing(/** @type {string} */ what, /** @type {any} */ asked, /** @type {number} */ limit) {
  const found = [];
  for (let token = ""; ; ) {
    const { status, body } = await post(`search/${what}`, { ...asked, page: { limit, token } });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.page.count, body.results.length);
    found.push(...body.results.map((/** @type {any} */ { id, name }) => id ?? name));
    token = body.page.next_token;
    if (token === "") return found;
  }
}

test("whoever is found is whom a decision allows it", async () => {
  const properties = { department: "sales", status: "approved", sensitivity: 1, region: "emea", amount: "10.00" };
  const context = { mfa: true, ip: "10.20.30.40" };
  let count = 0;
  for (const action of ["read", "approve", "delete"]) {
    const asked = { action: { name: action }, resource: { type: "document", id: "document-1", properties }, context };
    for (const [type, table] of [["user", "user"], ["service_account", "service_account"]]) {
      const ids = document[table].map((/** @type {any} */ { id }) => id).sort();
      const { body } = await post("evaluations", { ...asked, evaluations: ids.map((/** @type {string} */ id) => ({ subject: { type, id } })) });
      const allowed = ids.filter((/** @type {string} */ _, /** @type {number} */ at) => body.evaluations[at].decision);
      for (const limit of [7, 1e9]) assert.deepEqual(await listing("subject", { ...asked, subject: { type } }, limit), allowed, `${type} ${action}`);
      count += allowed.length;
    }
  }
  assert.ok(count > 50, `${count}`);
});

test("so are actions", async () => {
  const asked = { subject: { type: "user", id: document.user[7].username }, resource: { type: "document", id: "document-1" } };
  const all = ["approve", "archive", "comment", "create", "delete", "edit", "export", "list", "read", "share"];
  const { body } = await post("evaluations", { ...asked, evaluations: all.map((name) => ({ action: { name } })) });
  const allowed = all.filter((_, at) => body.evaluations[at].decision);
  assert.deepEqual(await listing("action", asked, 2), allowed);
});

test("a listing ends where rules or people change", async () => {
  const asked = { subject: { type: "user" }, action: { name: "read" }, resource: { type: "document", id: "document-1" }, page: { limit: 1 } };
  for (const version of ["directory_version", "policy_version"]) {
    const token = (await post("search/subject", asked)).body.page.next_token;
    assert.notEqual(token, "");
    await db.prepare(`UPDATE tenant_epoch SET ${version} = ${version} + 1`).run();
    const { status, body } = await post("search/subject", { ...asked, page: { token } });
    assert.deepEqual([status, body.code, body.findings[0].field], [400, "search.token", "/page/token"]);
  }
});

test("the metadata says where the searches are", async () => {
  const metadata = await (await worker.fetch("http://localhost/.well-known/authzen-configuration")).json();
  for (const what of ["subject", "resource", "action"]) {
    const { pathname } = new URL(metadata[`search_${what}_endpoint`]);
    assert.equal((await worker.fetch(`http://localhost${pathname}`, { method: "POST", body: "{}" })).status, 401);
  }
});

test("a body of ten megabytes is refused", async () => {
  const { status, body } = await post("search/subject", { padding: "x".repeat(10 << 20) });
  assert.deepEqual([status, body.code], [413, "http.body_too_large"]);
});
