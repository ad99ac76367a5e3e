// Signing in and up over the built Worker: a real Argon2 in WASM, two isolates over one database, a hundred tries at once, a
// thousand sessions that end together, and one sign-up that is confirmed by many at once.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { startEdge } from "../../worker/edge.mjs";
import { SECRETS, TENANT, id, office } from "./office.mjs";

const HOST = "https://acme.id.example";
const PASSWORD = "ein Pferd frisst keinen Gurkensalat";
/** Argon2id of it, made elsewhere with the parameters that the Worker has. */
const HASH = "$argon2id$v=19$m=19456,t=2,p=1$cGFyYXBldCBlMmUgc2FsdA$V5ZBGbW/a+PVFmE7DJqwZa1q02pB691Csq/sPvbm7DU";
const FRESHNESS = 1;

/** @type {any} */
let edge;
/** @type {any} */
let db;
/** @type {any[]} */
let isolates;

before(async () => {
  const variables = { ...SECRETS, BASE_DOMAIN: "id.example", FRESHNESS_SECONDS: String(FRESHNESS), STRANGER_RATE_LIMIT: "0" };
  edge = await startEdge({ names: ["one", "other"], variables, log: console.log });
  ({ db } = await office(edge, 3));
  await db.prepare("UPDATE user SET password_hash = ?1").bind(HASH).run();
  isolates = await Promise.all([edge.getWorker("one"), edge.getWorker("other")]);
});
after(() => edge.dispose());

/** Asks as a page of the tenant's host. */
async function ask(/** @type {any} */ isolate, /** @type {string} */ method, /** @type {string} */ path, /** @type {any} */ body = undefined, /** @type {Record<string, string>} */ headers = {}) {
  const response = await isolate.fetch(`${HOST}${path}`, {
    method,
    headers: { "sec-fetch-site": "same-origin", ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text), headers: response.headers };
}

const signIn = (/** @type {any} */ isolate, /** @type {number} */ user, password = PASSWORD) =>
  ask(isolate, "POST", "/v1/auth/sign-in", { identifier: `user-${user}@acme.example`, password }, { "cf-connecting-ip": `192.0.2.${user}` });

const cookies = (/** @type {Headers} */ headers) => headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; ");

test("a password leads to a session at one isolate, which another knows", async () => {
  const [one, other] = isolates;
  const signedIn = await signIn(one, 0);
  assert.equal(signedIn.status, 200, JSON.stringify(signedIn.body));
  assert.equal(signedIn.headers.getSetCookie().length, 2, "the session's and the browser's");
  const cookie = cookies(signedIn.headers);
  const session = await ask(other, "GET", "/v1/me/session", undefined, { cookie });
  assert.deepEqual([session.status, session.body.id], [200, signedIn.body.session.id]);
  // The cookies of one answer are in no other one.
  assert.deepEqual((await signIn(one, 0, "wrong")).headers.getSetCookie(), []);
  const again = await signIn(one, 0);
  assert.notEqual(cookies(again.headers), cookie);
  assert.equal((await ask(one, "POST", "/v1/auth/sign-out", undefined, { cookie })).status, 204);
  await new Promise((resolve) => setTimeout(resolve, FRESHNESS * 1000));
  assert.equal((await ask(other, "GET", "/v1/me/session", undefined, { cookie })).status, 401);
});

test("of a hundred tries at once at two isolates no more come through than may", async () => {
  const tries = await Promise.all([...Array(100).keys()].map((n) => signIn(isolates[n % 2], 1, `wrong ${n}`)));
  const count = (/** @type {number} */ status) => tries.filter((it) => it.status === status).length;
  // The tenth begins a wait of a second; what takes longer than that to come may be the next.
  assert.ok(count(401) >= 10 && count(401) <= 13, `${count(401)} came through`);
  assert.equal(count(401) + count(429), 100);
  const { results } = await db.prepare("SELECT failure_reason, count(*) AS n FROM login_attempt WHERE user_id = ?1 OR email_attempted = 'user-1@acme.example' GROUP BY 1").bind(id("e", 1)).all();
  assert.equal(results.reduce((/** @type {number} */ sum, /** @type {any} */ row) => sum + row.n, 0), 100, "every try is a row");
});

test("a thousand sessions that end are refused by both isolates within FRESHNESS_SECONDS", async () => {
  const [one, other] = isolates;
  const signedIn = await signIn(one, 2);
  assert.equal(signedIn.status, 200, JSON.stringify(signedIn.body));
  const cookie = cookies(signedIn.headers);
  const tokens = [...Array(1000).keys()].map(() => `ps_${randomBytes(32).toString("base64url")}`);
  const now = new Date().toISOString();
  const end = new Date(Date.now() + 3_600_000).toISOString();
  const insert = db.prepare(
    `INSERT INTO user_session (id, tenant_id, user_id, session_token, auth_time, amr, expires_at, created_at)
     VALUES (?1, ?2, ?3, ?4, ?5, '["pwd"]', ?6, ?5)`,
  );
  const rows = tokens.map((token, n) => insert.bind(id("5", n), TENANT, id("e", 2), createHash("sha256").update(token).digest("hex"), now, end));
  for (let at = 0; at < rows.length; at += 100) await db.batch(rows.slice(at, at + 100));
  const statuses = async () => {
    const found = new Map();
    const asked = tokens.flatMap((token) => isolates.map((isolate) => [isolate, token]));
    for (let at = 0; at < asked.length; at += 50) {
      const some = asked.slice(at, at + 50).map(([isolate, token]) => ask(isolate, "GET", "/v1/me/notifications/unread", undefined, { authorization: `Bearer ${token}` }));
      for (const { status } of await Promise.all(some)) found.set(status, (found.get(status) ?? 0) + 1);
    }
    return Object.fromEntries(found);
  };
  assert.deepEqual(await statuses(), { 200: 2000 });
  assert.equal((await ask(one, "POST", "/v1/me/sessions/end-others", undefined, { cookie })).status, 204);
  await new Promise((resolve) => setTimeout(resolve, FRESHNESS * 1000));
  assert.deepEqual(await statuses(), { 401: 2000 });
  assert.equal((await ask(other, "GET", "/v1/me/session", undefined, { cookie })).status, 200, "but for the one that ended them");
});

test("of many who confirm one sign-up at once at two isolates one makes the user", async () => {
  const now = new Date().toISOString();
  await db.prepare("INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at) VALUES (?1, ?2, 'security', 'sign_up', '\"open\"', ?3, ?3)")
    .bind(id("8", 1), TENANT, now).run();
  const email = "eve@new.example";
  const asked = await ask(isolates[0], "POST", "/v1/auth/sign-up", { email, password: PASSWORD });
  assert.deepEqual([asked.status, asked.body], [202, null]);
  // Its message is made by the queue, and shows its token to nobody but the address: here it gets one that is known.
  const token = `pl_${randomBytes(32).toString("base64url")}`;
  const deadline = Date.now() + 20_000;
  while (!(await db.prepare("SELECT 1 FROM pending_sign_up WHERE token_hash IS NOT NULL").first())) {
    assert.ok(Date.now() < deadline, "no message was made");
    await new Promise((later) => setTimeout(later, 100));
  }
  await db.prepare("UPDATE pending_sign_up SET token_hash = ?1").bind(createHash("sha256").update(token).digest("hex")).run();
  const confirmed = await Promise.all([...Array(8).keys()].map((n) => ask(isolates[n % 2], "POST", "/v1/auth/sign-up/confirm", { token, password: PASSWORD })));
  const statuses = confirmed.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [200, ...Array(7).fill(401)], JSON.stringify(confirmed.map(({ body }) => body)));
  const { results } = await db.prepare("SELECT email_verified, state FROM user WHERE email = ?1").bind(email).all();
  assert.deepEqual(results, [{ email_verified: 1, state: "active" }]);
  assert.equal((await db.prepare("SELECT count(*) AS n FROM pending_sign_up").first()).n, 0);
  assert.equal((await db.prepare("SELECT count(*) AS n FROM audit_log WHERE event_type = 'user.created'").first()).n, 1);
});
