// Lists at 100,000 users: what a page costs over HTTP in workerd on this machine, with D1 as miniflare has it.
import { startEdge } from "../../worker/edge.mjs";
import { TENANT, SECRETS, call, office } from "../../tests/e2e/office.mjs";
import { filler, paged, through } from "./measure.mjs";

const USERS = Number(process.env.USERS ?? 100_000);
const REQUESTS = 200;
/** The most milliseconds that the median of a list may take. */
const BAR = 20;

const edge = await startEdge({ variables: SECRETS, direct: true, log: console.log });
try {
  const { db, owner } = await office(edge);
  const fill = filler(db);
  const id = (/** @type {string} */ kind) => `printf('01980000-0000-7000-9${kind}-%012x', i)`;
  // A minute apart, so that times are in the order of the numbers and none is equal to another.
  const time = "strftime('%Y-%m-%dT%H:%M:%fZ', 1704067200 + i * 60, 'unixepoch')";
  await fill(
    `INSERT INTO user (id, tenant_id, email, username, custom_attributes, email_verified, phone_verified, is_active, state,
                       force_password_change, created_at, updated_at)
     SELECT ${id("000")}, '${TENANT}', printf('person-%06d@crowd.example', (i * 7919) % ${USERS}), printf('person-%06d', i), '{}', 1, 0,
            1, CASE WHEN i % 1000 = 0 THEN 'suspended' ELSE 'active' END, 0, ${time}, ${time} FROM n`,
    USERS,
  );
  await fill(
    `INSERT INTO user_group (id, tenant_id, name, type, created_at, updated_at)
     SELECT ${id("100")}, '${TENANT}', 'group ' || i, 'manual', ${time}, ${time} FROM n`,
    100,
  );
  await fill(
    `INSERT INTO user_group_membership (id, tenant_id, user_id, user_group_id, assignment_type, assigned_at)
     SELECT ${id("200")}, '${TENANT}', ${id("000")}, printf('01980000-0000-7000-9100-%012x', i % 100), 'manual', ${time} FROM n`,
    USERS,
  );
  await fill(
    `INSERT INTO audit_log (id, tenant_id, sequence, user_id, event_type, resource_type, resource_id, event_data, result, previous_hash, hash, created_at)
     SELECT ${id("300")}, '${TENANT}', i + 1, ${id("000")}, CASE WHEN i % 100 = 0 THEN 'role.created' ELSE 'user.updated' END, 'user', ${id("000")},
            '{"after":{}}', CASE WHEN i % 1000 = 0 THEN 'failure' ELSE 'success' END, printf('%064x', i), printf('%064x', i + 1), ${time} FROM n`,
    USERS,
  );
  const base = await edge.unsafeGetDirectURL("edge");
  const target = through(base);
  const get = async (/** @type {string} */ path) => {
    const { status, body } = await call(target, owner, "GET", path);
    if (status !== 200) throw new Error(`${path}: ${JSON.stringify(body)}`);
    return body;
  };
  const middle = "2024-02-04T00:00:00.000Z";
  const user = `01980000-0000-7000-9000-${(USERS >> 1).toString(16).padStart(12, "0")}`;
  const cursor = async (/** @type {string} */ path) => `${path}${path.includes("?") ? "&" : "?"}cursor=${(await get(path)).next_cursor}`;
  const pages = [
    ["users, first page", "/v1/users"],
    ["users, by cursor from the middle", await cursor(`/v1/users?from=${middle}`)],
    ["users, sort=email", "/v1/users?sort=email"],
    ["users, sort=email, second page", await cursor("/v1/users?sort=email")],
    ["users, one e-mail address", "/v1/users?email=person-000123@crowd.example"],
    ["users, one username", "/v1/users?username=person-050000"],
    ["users, state=suspended", "/v1/users?state=suspended"],
    ["users, a page of 200", "/v1/users?limit=200"],
    ["memberships, first page", "/v1/user-group-memberships"],
    ["memberships of a user", `/v1/user-group-memberships?user_id=${user}`],
    ["memberships of a group", "/v1/user-group-memberships?user_group_id=01980000-0000-7000-9100-000000000007"],
    ["audit log, first page", "/v1/audit-logs"],
    ["audit log, by cursor", await cursor("/v1/audit-logs")],
    ["audit log, failures", "/v1/audit-logs?result=failure"],
    ["audit log, of one user", `/v1/audit-logs?user_id=${user}`],
    ["audit log, about one user", `/v1/audit-logs?resource_type=user&resource_id=${user}`],
  ];
  await paged("lists", { bar: BAR, users: USERS, requests: REQUESTS }, pages, async (path) => (await get(path)).items);
} finally {
  await edge.dispose();
}
