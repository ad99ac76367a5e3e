// Bulk at 100,000 users, each with a membership: how long lines take to come in and to go out again, over HTTP in workerd on
// this machine, with D1 as miniflare has it; and what memory that takes. The export is then sent in again, which changes nothing.
import { mkdir, writeFile } from "node:fs/promises";
import { startEdge } from "../../worker/edge.mjs";
import { SECRETS, office } from "../../tests/e2e/office.mjs";
import { OUT, memory, pinned } from "./measure.mjs";

const USERS = Number(process.env.USERS ?? 100_000);
const GROUPS = 100;
const LINES = 1000;
/** The most minutes that import and export may take. */
const BARS = { import: 10, export: 2 };

const { edge, pid } = await pinned(() => startEdge({ variables: SECRETS, direct: true, log: console.log }));
try {
  const { owner } = await office(edge);
  const base = await edge.unsafeGetDirectURL("edge");
  const authorization = `Bearer ${owner}`;
  const id = (/** @type {string} */ kind, /** @type {number} */ number) => `01980000-0000-7000-9${kind}-${number.toString(16).padStart(12, "0")}`;
  const line = (/** @type {string} */ table, /** @type {any} */ row) => JSON.stringify({ table, row });
  const numbers = (/** @type {number} */ count) => [...Array(count).keys()];
  const lines = [
    ...numbers(GROUPS).map((n) => line("user_group", { id: id("100", n), name: `group ${n}` })),
    ...numbers(USERS).map((n) =>
      line("user", { id: id("000", n), email: `person-${n}@crowd.example`, username: `person-${n}`, first_name: "Person", last_name: `${n}` }),
    ),
    ...numbers(USERS).map((n) => line("user_group_membership", { id: id("200", n), user_id: id("000", n), user_group_id: id("100", n % GROUPS) })),
  ];
  /** Sends lines, so many a request; gives the counts of the answers and the memory after each tenth of them. */
  const send = async (/** @type {string[]} */ lines) => {
    const counts = { created: 0, updated: 0, unchanged: 0 };
    const memories = [];
    const began = performance.now();
    const tenth = Math.ceil(lines.length / LINES / 10);
    for (let at = 0, turn = 1; at < lines.length; at += LINES, turn += 1) {
      const body = lines.slice(at, at + LINES).join("\n");
      const response = await fetch(new URL("/v1/import", base), { method: "POST", headers: { authorization, "content-type": "application/jsonl" }, body });
      const answer = await response.json();
      if (response.status !== 200) throw new Error(`line ${at}: ${JSON.stringify(answer)}`);
      for (const name of /** @type {(keyof typeof counts)[]} */ (Object.keys(counts))) counts[name] += answer[name];
      if (turn % tenth === 0) memories.push(Math.round((await memory(pid)) / 1024 / 1024));
    }
    return { minutes: (performance.now() - began) / 60_000, ...counts, memories };
  };
  const imported = await send(lines);
  console.log("import", imported);
  if (imported.created !== lines.length) throw new Error("not every line made a row");

  const began = performance.now();
  const response = await fetch(new URL("/v1/export", base), { headers: { authorization } });
  if (response.status !== 200) throw new Error(`export: ${await response.text()}`);
  const text = await response.text();
  const exported = { minutes: (performance.now() - began) / 60_000, lines: text.trimEnd().split("\n"), memory: Math.round((await memory(pid)) / 1024 / 1024) };
  console.log("export", { ...exported, lines: exported.lines.length });

  const again = await send(exported.lines.filter((line) => /^\{"table":"(user|user_group|user_group_membership)"/.test(line)));
  console.log("the export again", again);
  if (again.created + again.updated > 0 || again.unchanged < lines.length) throw new Error("the same lines changed something");

  const reached = { import: imported.minutes <= BARS.import, export: exported.minutes <= BARS.export };
  console.log(`import of ${lines.length} lines: ${imported.minutes.toFixed(2)} min (bar ${BARS.import}), export ${exported.minutes.toFixed(2)} min (bar ${BARS.export})`);
  await mkdir(OUT, { recursive: true });
  const results = { users: USERS, imported, exported: { ...exported, lines: exported.lines.length }, again, bars: BARS };
  await writeFile(`${OUT}bulk.json`, JSON.stringify(results, null, 2));
  process.exitCode = reached.import && reached.export ? 0 : 1;
} finally {
  await edge.dispose();
}
