// The gateway at full load for MINUTES=10, while rights are taken and given all the time: no request fails, memory does not
// grow after the first minute, and nobody is let through later than the freshness bound after their right was taken.
import { writeFile } from "node:fs/promises";
import { HOST, ask, behind } from "../../tests/e2e/application.mjs";
import { call, id, office } from "../../tests/e2e/office.mjs";
import { startEdge } from "../../worker/edge.mjs";
import { startOrigin, tenant, variables } from "./gateway.mjs";
import { OUT, memory, pinned, run, script } from "./measure.mjs";

const MINUTES = Number(process.env.MINUTES ?? 10);
const GRANTS = Number(process.env.GRANTS ?? 10_000);
const CONNECTIONS = 64;
const PATH = "/papers/7";
/** So much of the memory after the first minute may come and go, as garbage does. */
const GROWTH = 1.1;
const FRESHNESS = Number(variables.FRESHNESS_SECONDS) * 1000;

const pause = (/** @type {number} */ milliseconds) => new Promise((go) => setTimeout(go, milliseconds));

const { origin, close } = await startOrigin();
const { edge, pid } = await pinned(() => startEdge({ variables, direct: true, consumes: false, log: console.log }));
try {
  const keys = await office(edge, 2, await tenant(GRANTS));
  const worker = await edge.getWorker();
  await behind(worker, keys, origin);
  const url = await edge.unsafeGetDirectURL("edge");
  const get = await script("soak", { headers: { Host: HOST, authorization: `Bearer ${keys.key(0)}` } });
  const side = { name: "gateway", pid, url: String(new URL(PATH, url)), script: get };

  let over = false;
  /** How long after it was taken a right last let somebody through, each time. @type {number[]} */
  const late = [];
  const trouble = [];
  /** User 1's role is taken and given back; user 1 asks all the time. */
  async function revoke() {
    const headers = { authorization: `Bearer ${keys.key(1)}` };
    const send = async (/** @type {string} */ method, /** @type {string} */ path, /** @type {any} */ body = undefined) => {
      const answer = await call(worker, keys.owner, method, path, body);
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
      return answer.body;
    };
    let grant = id("d", 1);
    while (!over) {
      for (let tried = 0; (await ask(url, PATH, { headers })).status !== 200; tried += 1) {
        if (tried > 600) throw new Error("a right that was given does not come");
        await pause(50);
      }
      await send("DELETE", `/v1/user-roles/${grant}`);
      const taken = performance.now();
      let last = 0;
      let refused = 0;
      // Refused ten times in a row; one who is let through after that is found by the next turn's count.
      while (refused < 10) {
        const asked = performance.now();
        const { status } = await ask(url, PATH, { headers });
        if (status === 200) last = asked - taken;
        else if (status !== 403) trouble.push(`${status} for user 1`);
        refused = status === 403 ? refused + 1 : 0;
        await pause(20);
      }
      late.push(Math.max(0, last));
      grant = (await send("POST", "/v1/user-roles", { user_id: id("e", 1), role_id: id("c", 1) })).id;
    }
  }
  const revoking = revoke().catch((error) => trouble.push(String(error)));
  /** @type {{minute: number, rate: number, p99: number, memory: number}[]} */
  const minutes = [];
  for (let minute = 1; minute <= MINUTES; minute += 1) {
    // Whatever is not 200 fails the run.
    const { rate, p99 } = await run(side, CONNECTIONS, 60);
    minutes.push({ minute, rate, p99, memory: await memory(pid) });
    console.log(`minute ${minute}: ${Math.round(rate)} requests/s, p99 ${(p99 / 1000).toFixed(1)} ms, ${Math.round(minutes[minute - 1].memory / 2 ** 20)} MiB, ${late.length} rights taken`);
  }
  over = true;
  await revoking;
  const grown = minutes[minutes.length - 1].memory / minutes[0].memory;
  const latest = Math.max(...late);
  await writeFile(`${OUT}soak.json`, JSON.stringify({ minutes, connections: CONNECTIONS, grants: GRANTS, revocations: late.length, latest, freshness: FRESHNESS, grown, trouble }, null, 2));
  console.log(`${late.length} rights taken; the latest that one still let through: ${latest.toFixed(0)} ms after (at most ${FRESHNESS}); memory ${grown.toFixed(2)}x of the first minute's`);
  if (trouble.length > 0 || latest > FRESHNESS || grown > GROWTH) {
    for (const line of trouble.slice(0, 10)) console.error(line);
    process.exitCode = 1;
  }
} finally {
  await edge.dispose();
  await close();
}
