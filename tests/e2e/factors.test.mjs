// Second factors over the built Worker: of many who show the same at once, at two isolates, one gets a session.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startEdge } from "../../worker/edge.mjs";
import { hashed } from "../../worker/seed.mjs";
import { SECRETS, TENANT, id, office } from "./office.mjs";
import { codeOf } from "./one_time_code.mjs";
import { SoftKey } from "./soft_key.mjs";

const HOST = "https://acme.id.example";
const PASSWORD = "ein Pferd frisst keinen Gurkensalat";
const MANY = 20;

/** @type {any} */
let edge;
/** @type {any} */
let db;
/** @type {any[]} */
let isolates;

before(async () => {
  const variables = { ...SECRETS, BASE_DOMAIN: "id.example", FRESHNESS_SECONDS: "0", STRANGER_RATE_LIMIT: "0" };
  edge = await startEdge({ names: ["one", "other"], variables, log: console.log });
  ({ db } = await office(edge, 3));
  await db.prepare("UPDATE user SET password_hash = ?1").bind(hashed(PASSWORD)).run();
  // It is the code that is to be refused, and not the try.
  const set = "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at) VALUES (?1, ?2, 'security', 'lockout_attempts', '100', ?3, ?3)";
  await db.prepare(set).bind(id("9", 1), TENANT, new Date().toISOString()).run();
  isolates = await Promise.all([edge.getWorker("one"), edge.getWorker("other")]);
});
after(() => edge.dispose());

/** Posts JSON as a page of the tenant's host does. */
async function post(/** @type {any} */ isolate, /** @type {string} */ path, /** @type {any} */ body = {}, cookie = "") {
  const response = await isolate.fetch(`${HOST}${path}`, {
    method: "POST",
    headers: { "sec-fetch-site": "same-origin", "content-type": "application/json", ...(cookie && { cookie }) },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text), headers: response.headers };
}

const right = (/** @type {any} */ answer) => {
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer;
};

const signIn = async (/** @type {number} */ user) => right(await post(isolates[0], "/v1/auth/sign-in", { identifier: `user-${user}@acme.example`, password: PASSWORD }));

const sessions = async (/** @type {number} */ user) =>
  (await db.prepare("SELECT count(*) AS n FROM user_session WHERE user_id = ?1").bind(id("e", user)).first()).n;

/** Begins so many steps of a user, one after the other. */
async function steps(/** @type {number} */ user) {
  const flows = [];
  for (let n = 0; n < MANY; n += 1) flows.push((await signIn(user)).body.flow);
  return flows;
}

/** Sends all at once, every other to the other isolate; one is right, and the others are refused. */
async function oneOf(/** @type {number} */ user, /** @type {(n: number) => [string, any]} */ request) {
  const before = await sessions(user);
  const answers = await Promise.all([...Array(MANY).keys()].map((n) => post(isolates[n % 2], ...request(n))));
  const count = (/** @type {number} */ status) => answers.filter((answer) => answer.status === status).length;
  assert.deepEqual([count(200), count(401)], [1, MANY - 1], JSON.stringify(answers.map((answer) => answer.body)));
  assert.equal(await sessions(user), before + 1);
}

/** Adds an app to a user. */
async function addApp(/** @type {number} */ user) {
  const cookie = (await signIn(user)).headers.getSetCookie().map((/** @type {string} */ it) => it.split(";")[0]).join("; ");
  const begun = right(await post(isolates[0], "/v1/me/factors", { type: "totp", device_name: "phone" }, cookie)).body;
  const code = codeOf(begun.secret);
  const added = right(await post(isolates[0], "/v1/me/factors/confirm", { flow: begun.flow, code }, cookie)).body;
  return { secret: begun.secret, codes: added.backup_codes };
}

test("a code of an app gives one session, in whatever steps it is shown at once", { timeout: 120_000 }, async () => {
  const { secret } = await addApp(0);
  const flows = await steps(0);
  // The step after the one in which it was added.
  const code = codeOf(secret, 1);
  await oneOf(0, (n) => ["/v1/auth/second-factor", { flow: flows[n], method: "totp", code }]);
});

test("a backup code gives one session", { timeout: 120_000 }, async () => {
  const { codes } = await addApp(1);
  const flows = await steps(1);
  await oneOf(1, (n) => ["/v1/auth/second-factor", { flow: flows[n], method: "backup_code", code: codes[0] }]);
  const { backup_codes } = await db.prepare("SELECT backup_codes FROM mfa_device WHERE user_id = ?1").bind(id("e", 1)).first();
  assert.equal(JSON.parse(backup_codes).length, 9);
});

test("what a passkey signed gives one session", { timeout: 120_000 }, async () => {
  const cookie = (await signIn(2)).headers.getSetCookie().map((/** @type {string} */ it) => it.split(";")[0]).join("; ");
  const key = new SoftKey(HOST);
  const wanted = { type: "webauthn", device_name: "key", usage: "passkey" };
  const begun = right(await post(isolates[0], "/v1/me/factors", wanted, cookie)).body;
  right(await post(isolates[0], "/v1/me/factors/confirm", { flow: begun.flow, credential: key.create(begun.options) }, cookie));
  const { flow, options } = right(await post(isolates[0], "/v1/auth/passkey/begin")).body;
  const credential = key.get(options);
  await oneOf(2, () => ["/v1/auth/passkey", { flow, credential }]);
});
