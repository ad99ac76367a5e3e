// SCIM at 100,000 users: what a page costs over HTTP in workerd on this machine, with D1 as miniflare has it.
import { startEdge } from "../../worker/edge.mjs";
import { TENANT, SECRETS, call, office } from "../../tests/e2e/office.mjs";
import { filler, paged, through } from "./measure.mjs";

const USERS = Number(process.env.USERS ?? 100_000);
const REQUESTS = Number(process.env.REQUESTS ?? 200);
/** The most milliseconds that the median of a list may take. */
const BAR = 20;

const edge = await startEdge({ variables: SECRETS, direct: true, log: console.log });
try {
  const { db, owner } = await office(edge);
  const time = "strftime('%Y-%m-%dT%H:%M:%fZ', 1704067200 + i * 60, 'unixepoch')";
  await filler(db)(
    `INSERT INTO user (id, tenant_id, email, custom_attributes, email_verified, phone_verified, is_active, state,
                       force_password_change, created_at, updated_at, external_id, scim_attributes)
     SELECT printf('01980000-0000-7000-9000-%012x', i), '${TENANT}', printf('person-%06d@crowd.example', (i * 7919) % ${USERS}),
            '{}', 1, 0, 1, 'active', 0, ${time}, ${time}, printf('00u%06d', i),
            json_object('displayName', 'Person ' || i, 'title', 'Title ' || (i % 100)) FROM n`,
    USERS,
  );
  const base = await edge.unsafeGetDirectURL("edge");
  const target = through(base);
  const get = async (/** @type {string} */ path) => {
    const { status, body } = await call(target, owner, "GET", `/scim/v2${path}`);
    if (status !== 200) throw new Error(`${path}: ${JSON.stringify(body)}`);
    return body;
  };
  const filter = (/** @type {string} */ text) => `/Users?count=100&filter=${encodeURIComponent(text)}`;
  const cursor = async (/** @type {string} */ path) => `${path}&cursor=${(await get(`${path}&cursor=`)).nextCursor}`;
  const pages = [
    ["userName eq", filter('userName eq "person-050000@crowd.example"')],
    ["externalId eq", filter('externalId eq "00u050000"')],
    ["emails.value eq", filter('emails.value eq "person-050000@crowd.example"')],
    ["userName sw, 100 of 100", filter('userName sw "person-0500"')],
    ["userName sw, 100 of 1,000", filter('userName sw "person-050"')],
    ["sortBy=userName, by cursor", await cursor("/Users?count=100&sortBy=userName")],
    ["the first 100 of all", "/Users?count=100"],
    ["100 from the middle, by index", `/Users?count=100&startIndex=${USERS >> 1}`],
  ];
  await paged("scim", { bar: BAR, users: USERS, requests: REQUESTS }, pages, async (path) => (await get(path)).Resources);
} finally {
  await edge.dispose();
}
