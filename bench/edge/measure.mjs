// What the benchmarks over HTTP share: Workers pinned to one core, and `wrk` on the other.
import { execFile, execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { workers } from "../../worker/workerd.mjs";

export const RUNS = 5;
export const CONNECTIONS = [1, 8, 64];
export const SECONDS = Number(process.env.SECONDS ?? 3);
const [CLIENT, SERVER] = ["0", "1"];

export const OUT = fileURLToPath(new URL("../../target/bench/", import.meta.url));

/**
 * @typedef {{ name: string, pid: number, url: string, script?: string }} Side
 * @typedef {{ rate: number, cpu: number, p50: number, p99: number }} Figures
 */

/** The seconds of processor that a process has had, all its threads together. */
async function cpu(/** @type {number} */ pid) {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / Number(execFileSync("getconf", ["CLK_TCK"]));
}

/** The bytes of memory that a process has. */
export async function memory(/** @type {number} */ pid) {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

/** Puts a process on the core of the clients, or of the servers. */
export function pin(/** @type {number} */ pid, /** @type {"client" | "server"} */ core) {
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", core === "client" ? CLIENT : SERVER, String(pid)]);
}

/** Starts something that runs a workerd, and finds and pins that. */
export async function pinned(/** @type {() => Promise<import("miniflare").Miniflare>} */ start) {
  const before = await workers();
  const edge = await start();
  const [pid] = (await workers()).filter((it) => !before.includes(it));
  pin(pid, "server");
  return { edge, pid };
}

export const median = (/** @type {number[]} */ numbers) => numbers.toSorted((one, other) => one - other)[numbers.length >> 1];

/** Asks through a Worker's own address, past miniflare. */
export const through = (/** @type {URL} */ base) => ({
  fetch: (/** @type {string} */ url, /** @type {any} */ options) => fetch(new URL(url.replace("http://localhost", ""), base), options),
});

/** Fills a table: `sql` selects from `n`, whose `i` counts the rows. */
export const filler = (/** @type {any} */ db) => async (/** @type {string} */ sql, /** @type {number} */ rows) => {
  for (let from = 0; from < rows; from += 10_000) {
    const numbers = `WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${Math.min(from + 10_000, rows)})`;
    await db.prepare(`${numbers} ${sql}`).run();
  }
};

/**
 * Asks for each page, one request after the other, and says what they took beside the bar for the median.
 *
 * @param {string} name
 * @param {{ bar: number, users: number, requests: number }} of in milliseconds, and how much of what
 * @param {string[][]} pages what each is, and its path
 * @param {(path: string) => Promise<any[]>} rows asks for one
 */
export async function paged(name, { bar, users, requests }, pages, rows) {
  const results = [];
  for (const [what, path] of pages) {
    const found = await rows(path);
    if (found.length === 0) throw new Error(`${path}: no rows`);
    const times = [];
    for (let turn = 0; turn < requests; turn += 1) {
      const began = performance.now();
      await rows(path);
      times.push(performance.now() - began);
    }
    times.sort((one, other) => one - other);
    results.push({ what, rows: found.length, p50: times[requests >> 1], p99: times[Math.floor(requests * 0.99)] });
  }
  await mkdir(OUT, { recursive: true });
  await writeFile(`${OUT}${name}.json`, JSON.stringify({ bar, users, requests, results }, null, 2));
  console.log(`${name} at ${users} users, ${requests} requests each, one after the other\n\n| list | rows | p50 | p99 |\n|---|---:|---:|---:|`);
  for (const { what, rows, p50, p99 } of results) console.log(`| ${what} | ${rows} | ${p50.toFixed(1)} ms | ${p99.toFixed(1)} ms |`);
  const missed = results.filter(({ p50 }) => p50 > bar);
  if (missed.length > 0) console.log(`\nAbove ${bar} ms: ${missed.map(({ what }) => what).join("; ")}.`);
}

/** Writes what `wrk` sends, and how it says what came of it. */
export async function script(/** @type {string} */ name, { method = "GET", headers = {}, body = "" }) {
  await mkdir(OUT, { recursive: true });
  const path = `${OUT}${name}.lua`;
  const lua = (/** @type {string} */ text) => `[==[${text}]==]`;
  await writeFile(
    path,
    `wrk.method = "${method}"
wrk.body = ${lua(body)}
${Object.entries(headers).map(([name, value]) => `wrk.headers["${name}"] = ${lua(value)}`).join("\n")}
done = function(summary, latency)
  io.write(string.format("\\nRESULT {\\"requests\\":%d,\\"microseconds\\":%d,\\"wrong\\":%d,\\"p50\\":%d,\\"p99\\":%d}\\n", summary.requests,
    summary.duration, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
`,
  );
  return path;
}

/**
 * One run of `wrk`.
 *
 * @param {Side} side
 * @param {number} connections
 * @returns {Promise<Figures & { requests: number }>}
 */
export async function run(side, connections, seconds = SECONDS) {
  const before = await cpu(side.pid);
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", side.script ?? "", side.url];
  const { stdout } = await promisify(execFile)("taskset", ["--cpu-list", CLIENT, "wrk", ...args]);
  const used = (await cpu(side.pid)) - before;
  const result = JSON.parse(/^RESULT (.*)$/m.exec(stdout)?.[1] ?? "{}");
  if (!(result.requests > 0) || result.wrong > 0) throw new Error(`${side.name}, ${connections} connections: ${stdout}`);
  const { requests, microseconds, p50, p99 } = result;
  return { requests, rate: (requests / microseconds) * 1e6, cpu: (used / requests) * 1e6, p50, p99 };
}

/**
 * Two sides in turns, at each number of connections: the medians of each, the share of the first of the other's requests a
 * second, and by how much its p50 is later, in microseconds.
 *
 * @param {[Side, Side]} sides
 * @returns {Promise<any[]>}
 */
export async function compared(sides) {
  for (const side of sides) await run(side, 8, 2);
  const results = [];
  for (const connections of CONNECTIONS) {
    /** @type {Figures[][]} */
    const runs = [[], []];
    for (let turn = 0; turn < RUNS; turn += 1) {
      // Whoever is first in one turn is last in the next.
      for (const at of turn % 2 === 0 ? [0, 1] : [1, 0]) runs[at].push(await run(sides[at], connections));
    }
    const figures = (/** @type {Figures[]} */ its) => {
      const of = (/** @type {keyof Figures} */ what) => median(its.map((it) => it[what]));
      return { rate: of("rate"), cpu: of("cpu"), p50: of("p50"), p99: of("p99") };
    };
    const [ours, others] = runs;
    const share = median(ours.map(({ rate }, turn) => rate / others[turn].rate));
    const added = median(ours.map(({ p50 }, turn) => p50 - others[turn].p50));
    results.push({ connections, share, added, [sides[0].name]: figures(ours), [sides[1].name]: figures(others) });
  }
  return results;
}

/** Which `wrk` it is. */
export async function wrk() {
  const { stdout } = await promisify(execFile)("wrk", ["-v"]).catch((error) => error);
  return String(stdout).split("\n")[0];
}
