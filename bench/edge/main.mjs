// Decisions over HTTP beside a Worker that parses the request and returns the same answer: requests a second, and CPU
// time a request. Each is a workerd of its own on one core, with its socket at the Worker: no proxy of wrangler's, and
// not miniflare's entry Worker either. `wrk` has the other core. D1 and KV are miniflare's, in the same workerd.
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { migrate, startEdge } from "../../worker/edge.mjs";
import { seed } from "../../worker/seed.mjs";
import { OUT, RUNS, SECONDS, compared, pinned, script, wrk } from "./measure.mjs";

/** The least share of the empty Worker's requests a second. */
const BAR = 0.7;
const DEMO = fileURLToPath(new URL("../../fixtures/saas/", import.meta.url));

const document = JSON.parse(await readFile(`${DEMO}tenant.json`, "utf8"));
const { requests } = JSON.parse(await readFile(`${DEMO}requests.json`, "utf8"));
const variables = {
  FRESHNESS_SECONDS: "5",
  MAX_STALE_SECONDS: "5",
  SNAPSHOT_KEY: "ab".repeat(32),
  SNAPSHOT_KEY_ID: "bench",
  DATA_KEY: "cd".repeat(32),
  ...JSON.parse(process.env.VARIABLES ?? "{}"),
};
const parapet = await pinned(() => startEdge({ variables, direct: true, log: console.log }));
const db = await parapet.edge.getD1Database("DB");
await migrate(db);
const keys = (await seed(db, `${DEMO}tenant.json`))[document.tenant.slug];
const pep = document.api_key.find((/** @type {any} */ key) => !key.user_id && !key.service_account_id && key.scopes.includes("access:evaluate"));
const headers = { authorization: `Bearer ${keys[pep.id]}`, "content-type": "application/json" };
const target = new URL("/access/v1/evaluation", await parapet.edge.unsafeGetDirectURL("edge"));
const ask = async (/** @type {any} */ request) => {
  const response = await fetch(target, { method: "POST", headers, body: JSON.stringify(request) });
  return /** @type {any} */ (await response.json());
};
let body = "";
let answer;
for (const { request } of requests.filter((/** @type {any} */ { decision, caller }) => decision === "allow" && !caller)) {
  answer = await ask(request);
  body = JSON.stringify(request);
  if (answer.decision) break;
}
if (!answer?.decision) throw new Error(`nothing is allowed: ${JSON.stringify(answer)}`);

const empty = await pinned(async () => {
  const edge = new Miniflare({
    cf: false,
    name: "empty",
    modules: true,
    script: `const answer = ${JSON.stringify(answer)};
      export default { async fetch(request) { await request.json(); return Response.json(answer); } };`,
    compatibilityDate: "2026-04-26",
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  });
  await edge.ready;
  return edge;
});
const post = await script("post", { method: "POST", headers, body });
let results;
try {
  results = await compared([
    { name: "parapet", pid: parapet.pid, url: String(target), script: post },
    { name: "empty", pid: empty.pid, url: String(await empty.edge.unsafeGetDirectURL("empty")), script: post },
  ]);
} finally {
  await Promise.all([parapet.edge.dispose(), empty.edge.dispose()]);
}

await writeFile(`${OUT}edge.json`, JSON.stringify({ bar: BAR, runs: RUNS, seconds: SECONDS, wrk: await wrk(), cores: availableParallelism(), results }, null, 2));
console.log(`POST /access/v1/evaluation, demo tenant, FRESHNESS_SECONDS=${variables.FRESHNESS_SECONDS}; medians of ${RUNS} interleaved runs of ${SECONDS} s\n`);
console.log("| connections | empty Worker, requests/s | Parapet, requests/s | share | empty, µs CPU | Parapet, µs CPU | Parapet p50 | p99 |");
console.log("|---:|---:|---:|---:|---:|---:|---:|---:|");
for (const { connections, share, parapet: ours, empty: none } of results) {
  const time = (/** @type {number} */ microseconds) => `${(microseconds / 1000).toFixed(2)} ms`;
  console.log(
    `| ${connections} | ${Math.round(none.rate)} | ${Math.round(ours.rate)} | ${Math.round(share * 100)} % | ${Math.round(none.cpu)} | ${Math.round(ours.cpu)} | ${time(ours.p50)} | ${time(ours.p99)} |`,
  );
}
const missed = results.filter(({ share }) => share < BAR);
if (missed.length > 0) console.log(`\nBelow ${BAR * 100} % at ${missed.map(({ connections }) => connections).join(", ")} connections.`);
