// Searches at 100,000 users and 10,000 grants: who may do one action, over HTTP in workerd on this machine, with D1 as
// miniflare has it. The rules are the generated company's, and so is how many roles and groups somebody has.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { migrate, startEdge } from "../../worker/edge.mjs";
import { insert, parapet } from "../../worker/seed.mjs";
import { SECRETS, call } from "../../tests/e2e/office.mjs";
import { OUT, filler, median, through } from "./measure.mjs";

const USERS = Number(process.env.USERS ?? 100_000);
const [ROLES, GRANTS] = [1_000, 10_000];
const REQUESTS = 50;
/** The most milliseconds that the median of a first page of 100 may take, and a whole listing. */
const BARS = { page: 20, listing: 3_000 };
const PEP = "01980000-0000-7000-8000-00000000a002";

const program = fileURLToPath(new URL("../../target/debug/generate", import.meta.url));
const { stdout } = await promisify(execFile)(program, ["1", String(ROLES), String(GRANTS)], { maxBuffer: 1 << 28 });
const document = JSON.parse(stdout);
const { id: tenant, slug } = document.tenant;
const api_key = [{ id: PEP, name: "pep", key_hash: "1".repeat(64), key_prefix: "pep", scopes: ["access:evaluate"] }];
const folder = await mkdtemp(join(tmpdir(), "parapet-"));
const path = join(folder, "tenant.json");
await writeFile(path, JSON.stringify({ ...document, access_request: [], user: [], user_role: [], user_group_membership: [], api_key }));
const rules = JSON.parse(await parapet("seed", path, "--json"));
await rm(folder, { recursive: true });

const edge = await startEdge({ variables: { ...SECRETS, FRESHNESS_SECONDS: "5", RATE_LIMIT: "0" }, direct: true, log: console.log });
try {
  const db = await edge.getD1Database("DB");
  await migrate(db);
  const key = (await insert(db, rules))[slug][PEP];

  // A user has one role or two, and is in two groups: somewhere, but always there.
  const now = "2025-01-06T08:00:00.000Z";
  const id = (/** @type {string} */ kind, i = "i") => `printf('01980000-0000-7000-9${kind}-%012x', ${i})`;
  const fill = filler(db);
  // The generator numbers the rows of a table from 0, at the end of their ids.
  const nth = (/** @type {any[]} */ rows, /** @type {string} */ number) =>
    `printf('${rows[0].id.slice(0, 24)}%012x', (${number}) % ${rows.length})`;
  await fill(
    `INSERT INTO user (id, tenant_id, email, username, first_name, last_name, custom_attributes, email_verified, phone_verified, is_active, state,
                       force_password_change, created_at, updated_at)
     SELECT ${id("000")}, '${tenant}', 'person-' || i || '@crowd.example', 'person-' || i, 'Ada', 'Abara',
            json_object('department', 'sales', 'region', 'emea', 'clearance', i % 6, 'manager', json_object('type', 'User', 'id', ${id("000", "i / 7")})),
            1, 0, 1, CASE i % 100 WHEN 0 THEN 'suspended' ELSE 'active' END, 0, '${now}', '${now}' FROM n`,
    USERS,
  );
  await fill(
    `INSERT INTO user_role (id, tenant_id, user_id, role_id, assigned_at, is_active)
     SELECT ${id("100")}, '${tenant}', ${id("000", "i * 2 / 3")}, ${nth(document.role, "i * 7919 + i / 13")}, '${now}', 1 FROM n`,
    Math.floor(USERS * 1.5),
  );
  await fill(
    `INSERT INTO user_group_membership (id, tenant_id, user_id, user_group_id, assignment_type, assigned_at)
     SELECT ${id("200")}, '${tenant}', ${id("000", "i / 2")}, ${nth(document.user_group, "i / 2 * 31 + i % 2 * 7")}, 'manual', '${now}' FROM n`,
    USERS * 2,
  );

  const base = await edge.unsafeGetDirectURL("edge");
  const target = through(base);
  const search = async (/** @type {any} */ asked, /** @type {any} */ page) => {
    const { status, body } = await call(target, key, "POST", "/access/v1/search/subject", { ...asked, page });
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body;
  };
  const timed = async (/** @type {() => Promise<any>} */ work) => {
    const began = performance.now();
    const result = await work();
    return { result, took: performance.now() - began };
  };
  const results = [];
  for (const [what, action, properties] of [
    ["of which nothing is said", "read", undefined],
    ["of their department", "read", { department: "sales", status: "approved", sensitivity: 1 }],
    ["to be approved", "approve", { department: "sales", status: "approved", sensitivity: 1 }],
  ]) {
    const asked = { subject: { type: "user" }, action: { name: action }, resource: { type: "document", id: "d1", properties } };
    await search(asked, { limit: 100 });
    const pages = [];
    for (let turn = 0; turn < REQUESTS; turn += 1) pages.push((await timed(() => search(asked, { limit: 100 }))).took);
    const listings = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const { result, took } = await timed(async () => {
        let [found, requests, token] = [0, 0, ""];
        do {
          const { page, results } = await search(asked, { limit: 1_000, token });
          [found, requests, token] = [found + results.length, requests + 1, page.next_token];
        } while (token !== "");
        return { found, requests };
      });
      listings.push({ ...result, took });
    }
    const [{ found, requests }] = listings;
    results.push({ what: `\`document:${action}\`, ${what}`, found, requests, page: median(pages), listing: median(listings.map(({ took }) => took)) });
  }
  await mkdir(OUT, { recursive: true });
  await writeFile(`${OUT}search.json`, JSON.stringify({ bars: BARS, users: USERS, grants: GRANTS, requests: REQUESTS, results }, null, 2));
  console.log(`Who may, at ${USERS} users and ${GRANTS} grants\n\n| search | found | first page of 100, p50 | whole listing | requests |\n|---|---:|---:|---:|---:|`);
  for (const { what, found, page, listing, requests } of results) console.log(`| ${what} | ${found} | ${page.toFixed(1)} ms | ${Math.round(listing)} ms | ${requests} |`);
  const missed = results.filter(({ page, listing }) => page > BARS.page || listing > BARS.listing);
  if (missed.length > 0) console.log(`\nAbove ${BARS.page} ms a page or ${BARS.listing} ms a listing: ${missed.map(({ what }) => what).join("; ")}.`);
} finally {
  await edge.dispose();
}
