// SCIM in workerd: a provisioning client with a key of its own, as Entra ID and Okta send what they send.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startEdge } from "../../worker/edge.mjs";
import { SECRETS, call, office, question } from "./office.mjs";

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {any} */
let worker;
/** @type {any} */
let keys;
let client = "";

before(async () => {
  edge = await startEdge({ variables: { ...SECRETS, FRESHNESS_SECONDS: "0" }, log: console.log });
  keys = await office(edge, 1);
  worker = await edge.getWorker();
  const made = async (/** @type {string} */ path, /** @type {any} */ body) => {
    const answer = await call(worker, keys.owner, "POST", path, body);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body;
  };
  const actions = ["user.read", "user.write", "user.support", "user_group.read", "user_group.write", "user_group_membership.write"];
  const permissions = [...actions.map((action) => `parapet.${action}`), "acme.papers.read"].map((permission) => ({ permission }));
  const account = await made("/v1/service-accounts", { name: "provisioning", permissions });
  client = (await made("/v1/api-keys", { name: "provisioning", service_account_id: account.id, scopes: ["admin:read", "admin:write"] })).key;
});
after(() => edge.dispose());

/**
 * Sends what a client sends, and expects a status.
 *
 * @param {number} status
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 * @param {Record<string, string>} [headers]
 */
async function scim(status, method, path, body, headers = {}) {
  const answer = await call(worker, client, method, `/scim/v2${path}`, body, { ...(body && { "content-type": "application/scim+json" }), ...headers });
  assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  if (answer.body !== null) assert.equal(answer.headers.get("content-type"), "application/scim+json");
  return answer;
}

const patch = (/** @type {string} */ path, /** @type {any[]} */ Operations, status = 200) =>
  scim(status, "PATCH", path, { schemas: [PATCH], Operations });

const decides = async (/** @type {string} */ user) =>
  (await call(worker, keys.pep, "POST", "/access/v1/evaluation", question(user))).body.decision;

test("a user and a group from their first day to their last", async () => {
  const { body: config } = await scim(200, "GET", "/ServiceProviderConfig");
  assert.deepEqual([config.patch.supported, config.bulk.supported, config.filter.maxResults], [true, false, 200]);

  // Nobody is found, so they are made.
  const find = `/Users?filter=${encodeURIComponent('userName eq "Ada@acme.example"')}&startIndex=1&count=100`;
  assert.equal((await scim(200, "GET", find)).body.totalResults, 0);
  const ada = {
    schemas: [USER, ENTERPRISE], externalId: "00u1", userName: "Ada@acme.example", active: true, displayName: "Ada Lovelace",
    name: { givenName: "Ada", familyName: "Lovelace" }, emails: [{ primary: true, type: "work", value: "ada@acme.example" }],
    [ENTERPRISE]: { department: "Engines", employeeNumber: "1815" },
  };
  const made = await scim(201, "POST", "/Users", ada);
  const user = `/Users/${made.body.id}`;
  assert.equal(made.headers.get("location"), made.body.meta.location);
  for (const [name, value] of Object.entries(ada)) assert.deepEqual(made.body[name], value, name);
  assert.equal((await scim(200, "GET", find)).body.Resources[0].id, made.body.id);
  const error = (await scim(409, "POST", "/Users", ada)).body;
  assert.deepEqual([error.scimType, error.status], ["uniqueness", "409"]);

  // A group that gives a role decides as soon as she is in it.
  const group = (await scim(201, "POST", "/Groups", { schemas: [GROUP], displayName: "Readers" })).body;
  const role = (await call(worker, keys.owner, "GET", "/v1/roles")).body.items.find((/** @type {any} */ its) => its.name === "acme reader 0").id;
  assert.equal((await call(worker, keys.owner, "POST", "/v1/user-group-roles", { user_group_id: group.id, role_id: role })).status, 201);
  assert.equal(await decides(made.body.id), false);
  await patch(`/Groups/${group.id}`, [{ op: "Add", path: "members", value: [{ value: made.body.id }] }], 204);
  assert.equal(await decides(made.body.id), true);
  const bare = (await scim(200, "GET", `/Groups?excludedAttributes=members&filter=${encodeURIComponent('displayName eq "Readers"')}`)).body;
  assert.deepEqual([bare.totalResults, bare.Resources[0].members], [1, undefined]);
  assert.deepEqual((await scim(200, "GET", user)).body.groups.map((/** @type {any} */ its) => its.display), ["Readers"]);

  // Suspended and let in again; then out of the group, and gone.
  assert.equal((await patch(user, [{ op: "Replace", path: "active", value: "False" }])).body.active, false);
  assert.equal(await decides(made.body.id), false);
  const { meta, id, ...whole } = (await scim(200, "GET", user)).body;
  const back = await scim(200, "PUT", user, { ...whole, active: true, title: "Countess" }, { "if-match": meta.version });
  assert.deepEqual([back.body.id, back.body.title, back.body.active], [id, "Countess", true]);
  assert.equal(await decides(made.body.id), true);
  await scim(412, "PUT", user, whole, { "if-match": meta.version });
  const version = /** @type {string} */ (back.headers.get("etag"));
  assert.equal((await worker.fetch(`http://localhost/scim/v2${user}`, { headers: { authorization: `Bearer ${client}`, "if-none-match": version } })).status, 304);
  await patch(`/Groups/${group.id}`, [{ op: "Remove", path: `members[value eq "${id}"]` }], 204);
  assert.equal(await decides(made.body.id), false);
  await scim(204, "DELETE", user);
  await scim(404, "GET", user);
  await scim(204, "DELETE", `/Groups/${group.id}`);
  const events = (await keys.db.prepare("SELECT event_type FROM audit_log ORDER BY sequence").all()).results.map((/** @type {any} */ row) => row.event_type);
  assert.deepEqual(events.slice(-9), [
    "user_group.created", "user_group_role.assigned", "user_group_membership.added", "user.suspended", "user.updated", "user.reactivated",
    "user_group_membership.removed", "user.deleted", "user_group.deleted",
  ]);
});

test("many members at once, and pages by cursor", async () => {
  const people = [...Array(120).keys()].map((n) => `person-${String(n).padStart(3, "0")}@acme.example`);
  const values = [];
  for (const userName of people) values.push({ value: (await scim(201, "POST", "/Users", { schemas: [USER], userName })).body.id });
  const group = (await scim(201, "POST", "/Groups", { schemas: [GROUP], displayName: "All", members: values })).body;
  assert.equal(group.members.length, people.length);
  await patch(`/Groups/${group.id}`, [{ op: "replace", path: "members", value: values.slice(0, 5) }], 204);
  assert.equal((await scim(200, "GET", `/Groups/${group.id}`)).body.members.length, 5);
  const found = [];
  let cursor = "";
  do {
    const path = `/Users?filter=${encodeURIComponent('userName sw "person-"')}&sortBy=userName&count=50&cursor=${cursor}`;
    const page = (await scim(200, "GET", path)).body;
    assert.equal(page.totalResults, people.length);
    found.push(...page.Resources.map((/** @type {any} */ its) => its.userName));
    cursor = page.nextCursor ?? "";
  } while (cursor !== "");
  assert.deepEqual(found, people);
});

test("what is wrong is said in SCIM's form", async () => {
  const long = await worker.fetch("http://localhost/scim/v2/Users", {
    method: "POST",
    headers: { authorization: `Bearer ${client}`, "content-type": "application/scim+json" },
    body: JSON.stringify({ schemas: [USER], userName: "x".repeat(10 * 1024 * 1024) }),
  });
  assert.equal(long.status, 413);
  assert.equal((await long.json()).status, "413");
  const { body } = await scim(400, "GET", `/Users?filter=${encodeURIComponent('userName eq "x" and (')}`);
  assert.deepEqual([body.scimType, body.detail], ["invalidFilter", "at byte 21: expected an attribute, found ``"]);
  const stranger = await worker.fetch("http://localhost/scim/v2/Users");
  assert.deepEqual([stranger.status, stranger.headers.get("content-type")], [401, "application/scim+json"]);
});
