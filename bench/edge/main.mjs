// Decisions over HTTP beside a Worker that parses the request and returns the same answer: requests a second, and CPU
// time a request. Each is a workerd of its own on one core, with its socket at the Worker: no proxy of wrangler's, and
// not miniflare's entry Worker either. `wrk` has the other core. D1 and KV are miniflare's, in the same workerd.
import { execFile, execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Miniflare } from "miniflare";
import { migrate, startEdge } from "../../worker/edge.mjs";
import { workers } from "../../worker/workerd.mjs";
import { seed } from "../../worker/seed.mjs";

const RUNS = 5;
const CONNECTIONS = [1, 8, 64];
const SECONDS = Number(process.env.SECONDS ?? 3);
/** The least share of the empty Worker's requests a second. */
const BAR = 0.7;
const [CLIENT, SERVER] = ["0", "1"];

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const OUT = path("target/bench/");
const DEMO = path("fixtures/saas/");

/** The seconds of processor that a process has had, all its threads together. */
async function cpu(/** @type {number} */ pid) {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / Number(execFileSync("getconf", ["CLK_TCK"]));
}

/** Starts something that runs a workerd, and finds and pins that. */
async function pinned(/** @type {() => Promise<Miniflare>} */ start) {
  const before = await workers();
  const edge = await start();
  const [pid] = (await workers()).filter((it) => !before.includes(it));
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", SERVER, String(pid)]);
  return { edge, pid };
}

const median = (/** @type {number[]} */ numbers) => numbers.toSorted((one, other) => one - other)[numbers.length >> 1];

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
const sides = [
  { name: "parapet", pid: parapet.pid, url: String(target) },
  { name: "empty", pid: empty.pid, url: String(await empty.edge.unsafeGetDirectURL("empty")) },
];

await mkdir(OUT, { recursive: true });
const script = `${OUT}post.lua`;
const lua = (/** @type {string} */ text) => `[==[${text}]==]`;
await writeFile(
  script,
  `wrk.method = "POST"
wrk.body = ${lua(body)}
${Object.entries(headers).map(([name, value]) => `wrk.headers["${name}"] = ${lua(value)}`).join("\n")}
done = function(summary, latency)
  io.write(string.format("\\nRESULT {\\"requests\\":%d,\\"microseconds\\":%d,\\"wrong\\":%d,\\"p50\\":%d,\\"p99\\":%d}\\n", summary.requests,
    summary.duration, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
`,
);

/** One run of \`wrk\`. */
async function run(/** @type {{ name: string, pid: number, url: string }} */ side, /** @type {number} */ connections, seconds = SECONDS) {
  const before = await cpu(side.pid);
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, side.url];
  const { stdout } = await promisify(execFile)("taskset", ["--cpu-list", CLIENT, "wrk", ...args]);
  const used = (await cpu(side.pid)) - before;
  const result = JSON.parse(/^RESULT (.*)$/m.exec(stdout)?.[1] ?? "{}");
  if (!(result.requests > 0) || result.wrong > 0) throw new Error(`${side.name}, ${connections} connections: ${stdout}`);
  return { rate: (result.requests / result.microseconds) * 1e6, cpu: (used / result.requests) * 1e6, p50: result.p50, p99: result.p99 };
}

const results = [];
try {
  for (const side of sides) await run(side, 8, 2);
  for (const connections of CONNECTIONS) {
    /** @type {Record<string, Awaited<ReturnType<typeof run>>[]>} */
    const runs = { parapet: [], empty: [] };
    for (let turn = 0; turn < RUNS; turn += 1) {
      // Whoever is first in one turn is last in the next.
      for (const side of turn % 2 === 0 ? sides : sides.toReversed()) runs[side.name].push(await run(side, connections));
    }
    const of = (/** @type {string} */ name, /** @type {"rate" | "cpu" | "p50" | "p99"} */ what) => median(runs[name].map((it) => it[what]));
    const share = median(runs.parapet.map(({ rate }, turn) => rate / runs.empty[turn].rate));
    const figures = (/** @type {string} */ name) => ({ rate: of(name, "rate"), cpu: of(name, "cpu"), p50: of(name, "p50"), p99: of(name, "p99") });
    results.push({ connections, share, parapet: figures("parapet"), empty: figures("empty") });
  }
} finally {
  await Promise.all([parapet.edge.dispose(), empty.edge.dispose()]);
}

const { stdout: version } = await promisify(execFile)("wrk", ["-v"]).catch((error) => error);
await writeFile(`${OUT}edge.json`, JSON.stringify({ bar: BAR, runs: RUNS, seconds: SECONDS, wrk: String(version).split("\n")[0], cores: availableParallelism(), results }, null, 2));
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
