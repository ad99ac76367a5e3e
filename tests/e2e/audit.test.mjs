// Fifty write at once: each is done, each is in the log, and the chain is whole.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startEdge } from "../../worker/edge.mjs";
import { parapet } from "../../worker/seed.mjs";
import { SECRETS, TENANT, call, office } from "./office.mjs";

const WRITERS = 50;
/** Columns that the database holds otherwise than JSON does. */
const JSON_COLUMNS = ["event_data"];

for (const names of [["one"], ["one", "other"]]) {
  test(`${WRITERS} writers at once at ${names.length} isolate(s)`, async () => {
    let refused = 0;
    const edge = await startEdge({
      names,
      wrapper: new URL("faults.mjs", import.meta.url),
      variables: { ...SECRETS, FRESHNESS_SECONDS: "0" },
      log: (line) => {
        if (line.includes("batch refused")) refused += 1;
        else console.log(line);
      },
    });
    const folder = await mkdtemp(join(tmpdir(), "parapet-"));
    try {
      const { db, owner } = await office(edge);
      const workers = await Promise.all(names.map((name) => edge.getWorker(name)));
      const epoch = async () => {
        const row = await db.prepare("SELECT policy_version FROM tenant_epoch WHERE tenant_id = ?1").bind(TENANT).first();
        return Number(row?.policy_version);
      };
      const [start, began] = [await epoch(), performance.now()];
      const answers = await Promise.all(
        [...Array(WRITERS).keys()].map(async (n) => {
          const write = () =>
            call(workers[n % workers.length], owner, "POST", "/v1/roles", { name: `role ${n}` }, { "idempotency-key": `role-${n}` });
          // A connection that the server closes while it is idle fails what is sent at that instant; with a key of its
          // own the request is safe to repeat, whether it arrived or not.
          return write().catch(write);
        }),
      );
      const took = performance.now() - began;
      for (const { status, body } of answers) assert.equal(status, 201, JSON.stringify(body));
      assert.equal(new Set(answers.map(({ body }) => body.id)).size, WRITERS);
      assert.equal(await epoch(), start + WRITERS);
      const { results } = await db.prepare("SELECT * FROM audit_log WHERE tenant_id = ?1 ORDER BY sequence").bind(TENANT).all();
      assert.deepEqual(results.map(({ sequence }) => sequence), [...Array(WRITERS).keys()].map((n) => n + 1));
      const events = await db.prepare("SELECT count(*) AS count FROM outbox").first();
      assert.equal(events?.count, WRITERS);
      const lines = results.map((row) => {
        const entries = Object.entries(row).map(([name, value]) => [name, JSON_COLUMNS.includes(name) ? JSON.parse(String(value)) : value]);
        return JSON.stringify(Object.fromEntries(entries));
      });
      const log = join(folder, "audit.jsonl");
      await writeFile(log, lines.join("\n"));
      const verified = JSON.parse(await parapet("audit", "verify", log, "--json"));
      assert.deepEqual([verified.errors, verified.rows], [0, WRITERS]);
      console.log(`${WRITERS} writers at ${names.length} isolate(s): ${Math.round(took)} ms, ${refused} batches refused and tried again`);
    } finally {
      await rm(folder, { recursive: true });
      await edge.dispose();
    }
  });
}
