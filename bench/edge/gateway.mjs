// The gateway beside a Worker that only passes requests on, before the same application: requests a second, by how much the
// answer is later, and how long an isolate takes that has just begun. Each is a workerd of its own on one core; `wrk` and the
// application, an nginx of the system's, have the other.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { startEdge } from "../../worker/edge.mjs";
import { HOST, behind } from "../../tests/e2e/application.mjs";
import { SECRETS, office } from "../../tests/e2e/office.mjs";
import { OUT, RUNS, SECONDS, compared, median, pin, pinned, script, wrk } from "./measure.mjs";

const GRANTS = Number(process.env.GRANTS ?? 10_000);
const COLD_STARTS = Number(process.env.COLD_STARTS ?? 11);
/** The least share of the other Worker's requests a second, the most that p50 may be later, and an isolate's first answer, in
 * milliseconds. */
const BARS = { share: 0.7, added: 1, cold: 150 };
const PATH = "/papers/7";

/** A port that nobody has. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await new Promise((done) => server.close(done));
  return port;
}

/** An application that answers at once: what is measured is what stands before it. */
export async function startOrigin() {
  const folder = await mkdtemp(join(tmpdir(), "parapet-origin-"));
  const port = await freePort();
  await writeFile(join(folder, "nginx.conf"), `
    daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;
    events {}
    http {
      access_log off; keepalive_requests 1000000;
      client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder};
      scgi_temp_path ${folder}; default_type application/json;
      server { listen 127.0.0.1:${port}; location / { return 200 '{"is":"here"}'; } }
    }`);
  const nginx = spawn("taskset", ["--cpu-list", "0", "nginx", "-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"], { stdio: "ignore" });
  const origin = `http://127.0.0.1:${port}`;
  for (let tried = 0; ; tried += 1) {
    const answer = await fetch(origin).catch(() => undefined);
    if (answer?.ok) break;
    if (tried > 100) throw new Error("nginx does not start (Debian: nginx-light)");
    await new Promise((go) => setTimeout(go, 50));
  }
  return {
    origin,
    close: async () => {
      nginx.kill();
      await once(nginx, "exit");
      await rm(folder, { recursive: true });
    },
  };
}

/** A tenant with so many grants, and one user and one key more that are asked for. */
export async function tenant(/** @type {number} */ grants) {
  const program = fileURLToPath(new URL("../../target/debug/generate", import.meta.url));
  const { stdout } = await promisify(execFile)(program, ["1000", "400", String(grants)], { maxBuffer: 1 << 28 });
  return { ...JSON.parse(stdout), api_key: [] };
}

export const variables = { ...SECRETS, FRESHNESS_SECONDS: "5", MAX_STALE_SECONDS: "5", BASE_DOMAIN: "id.localhost", LOCAL: "1", RATE_LIMIT: "0", STRANGER_RATE_LIMIT: "0" };

/** A Worker that only passes requests on. */
export async function startProxy(/** @type {string} */ origin) {
  const edge = new Miniflare({
    cf: false,
    name: "proxy",
    modules: true,
    script: `const origin = ${JSON.stringify(origin)};
      export default { fetch(request) {
        const { pathname, search } = new URL(request.url);
        return fetch(origin + pathname + search, request);
      } };`,
    compatibilityDate: "2026-04-26",
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  });
  await edge.ready;
  return edge;
}

/** One request over a connection of its own: how many milliseconds it takes. */
function first(/** @type {URL} */ url, /** @type {Record<string, string>} */ headers) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request({ host: url.hostname, port: url.port, path: PATH, headers, agent: false }, (response) => {
      response.on("data", () => {}).on("end", () => {
        if (response.statusCode === 200) resolve(performance.now() - began);
        else reject(new Error(`${response.statusCode}`));
      });
    });
    asked.on("error", reject).end();
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const state = await mkdtemp(join(tmpdir(), "parapet-bench-"));
  const { origin, close } = await startOrigin();
  try {
    const start = () => startEdge({ variables, direct: true, consumes: false, state, log: console.log });
    let gateway = await pinned(start);
    const keys = await office(gateway.edge, 1, await tenant(GRANTS));
    await behind(await gateway.edge.getWorker(), keys, origin);
    const headers = { Host: HOST, authorization: `Bearer ${keys.key(0)}` };
    const proxy = await pinned(() => startProxy(origin));
    const get = await script("get", { headers });
    let results;
    try {
      results = await compared([
        { name: "gateway", pid: gateway.pid, url: String(new URL(PATH, await gateway.edge.unsafeGetDirectURL("edge"))), script: get },
        { name: "proxy", pid: proxy.pid, url: String(new URL(PATH, await proxy.edge.unsafeGetDirectURL("proxy"))), script: get },
      ]);
    } finally {
      await Promise.all([gateway.edge.dispose(), proxy.edge.dispose()]);
    }

    // From before the process is there to the first answer: what the gateway takes longer is its module, its first database,
    // the snapshot and the decision. The same store as before has all of it.
    /** @type {Record<string, number[]>} */
    const cold = { gateway: [], proxy: [], answer: [] };
    for (let turn = 0; turn < COLD_STARTS; turn += 1) {
      for (const [name, begin] of /** @type {const} */ ([["gateway", start], ["proxy", () => startProxy(origin)]])) {
        const began = performance.now();
        const edge = await begin();
        const url = await edge.unsafeGetDirectURL(name === "gateway" ? "edge" : "proxy");
        const took = await first(url, headers);
        cold[name].push(performance.now() - began);
        if (name === "gateway") cold.answer.push(took);
        await edge.dispose();
      }
    }
    const begin = median(cold.gateway.map((it, turn) => it - cold.proxy[turn]));
    const answer = median(cold.answer);
    await mkdir(OUT, { recursive: true });
    await writeFile(`${OUT}gateway.json`, JSON.stringify({ bars: BARS, runs: RUNS, seconds: SECONDS, grants: GRANTS, wrk: await wrk(), results, cold: { starts: COLD_STARTS, begin, answer } }, null, 2));
    console.log(`GET ${PATH} through the gateway at ${GRANTS} grants, FRESHNESS_SECONDS=${variables.FRESHNESS_SECONDS}; medians of ${RUNS} interleaved runs of ${SECONDS} s\n`);
    console.log("| connections | proxy alone, requests/s | gateway, requests/s | share | proxy, µs CPU | gateway, µs CPU | p50 later by | gateway p99 |");
    console.log("|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (const { connections, share, added, gateway: ours, proxy: others } of results) {
      const time = (/** @type {number} */ microseconds) => `${(microseconds / 1000).toFixed(2)} ms`;
      console.log(`| ${connections} | ${Math.round(others.rate)} | ${Math.round(ours.rate)} | ${Math.round(share * 100)} % | ${Math.round(others.cpu)} | ${Math.round(ours.cpu)} | ${time(added)} | ${time(ours.p99)} |`);
    }
    console.log(`\nA process that has just begun: its first answer after ${answer.toFixed(0)} ms; from its start on ${begin.toFixed(0)} ms later than the proxy's (at most ${BARS.cold} ms)`);
  } finally {
    await close();
    await rm(state, { recursive: true, force: true });
  }
}
