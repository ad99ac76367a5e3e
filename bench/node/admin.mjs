// An administrator's change until it is decided by: `node bench/node/admin.mjs [grants] [changes]`.
//
// On this machine, with FRESHNESS_SECONDS=0: the change is sent, confirmed, and a decision asked for that follows from
// it. The Worker is the built one in workerd, over a local database and store.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { startEdge } from "../../worker/edge.mjs";
import { PERMISSION, SECRETS, call, id, office, question } from "../../tests/e2e/office.mjs";

const GRANTS = Number(process.argv[2] ?? 10_000);
const CHANGES = Number(process.argv[3] ?? 100);
/** What must be reached, in milliseconds. */
const BAR = 250;

const program = fileURLToPath(new URL("../../target/debug/generate", import.meta.url));
const { stdout } = await promisify(execFile)(program, ["1000", "400", String(GRANTS)], { maxBuffer: 1 << 28 });
const tenant = JSON.parse(stdout);
const edge = await startEdge({ variables: { ...SECRETS, FRESHNESS_SECONDS: "0" }, log: console.log });
try {
  // Without its own keys: those of the office are enough.
  const { owner, pep } = await office(edge, 2, { ...tenant, api_key: [] });
  const worker = await edge.getWorker();
  const ask = async (/** @type {string} */ user) => (await call(worker, pep, "POST", "/access/v1/evaluation", question(user))).body;
  const send = async (/** @type {string} */ method, /** @type {string} */ path, /** @type {any} */ body = undefined) => {
    const answer = await call(worker, owner, method, path, body);
    if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  };
  // User 0 gets and loses the role of user 1; the role of user 1 gains and loses a row, under a condition that holds.
  const [user, role] = [id("e", 0), id("c", 1)];
  await send("PATCH", `/v1/roles/${id("c", 0)}`, { permissions: [] });
  await send("PATCH", `/v1/roles/${role}`, { permissions: [] });
  const grant = { role_id: role, permission_id: PERMISSION };
  /** @type {Record<string, {write: number, decide: number}[]>} */
  const times = {};
  const measure = async (/** @type {string} */ what, /** @type {boolean} */ expected, /** @type {() => Promise<any>} */ change) => {
    const began = performance.now();
    const changed = await change();
    const written = performance.now();
    const { decision } = await ask(user);
    const decided = performance.now();
    if (decision !== expected) throw new Error(`${what}: decided ${decision}`);
    (times[what] ??= []).push({ write: written - began, decide: decided - written });
    return changed;
  };
  const row = await send("POST", "/v1/role-permissions", grant);
  for (let n = 0; n < CHANGES; n += 1) {
    const given = await measure("POST /v1/user-roles", true, () => send("POST", "/v1/user-roles", { user_id: user, role_id: role }));
    await measure("DELETE /v1/user-roles/{id}", false, () => send("DELETE", `/v1/user-roles/${given.id}`));
  }
  await send("DELETE", `/v1/role-permissions/${row.id}`);
  await send("POST", "/v1/user-roles", { user_id: user, role_id: role });
  for (let n = 0; n < CHANGES; n += 1) {
    const made = await measure("POST /v1/role-permissions", true, () => send("POST", "/v1/role-permissions", grant));
    await measure("DELETE /v1/role-permissions/{id}", false, () => send("DELETE", `/v1/role-permissions/${made.id}`));
  }
  console.log(`${GRANTS} grants, ${CHANGES} changes each; milliseconds until the decision, of that the write and the decision`);
  const at = (/** @type {number[]} */ values, /** @type {number} */ share) =>
    [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))].toFixed(1);
  for (const [what, taken] of Object.entries(times)) {
    const whole = taken.map(({ write, decide }) => write + decide);
    const [p50, p99] = [at(whole, 0.5), at(whole, 0.99)];
    const parts = `write ${at(taken.map(({ write }) => write), 0.5)}, decision ${at(taken.map(({ decide }) => decide), 0.5)}`;
    console.log(`${what.padEnd(32)} p50 ${p50.padStart(7)}  p99 ${p99.padStart(7)} (${Number(p99) <= BAR ? "within" : "over"} ${BAR})  ${parts}`);
  }
} finally {
  await edge.dispose();
}
