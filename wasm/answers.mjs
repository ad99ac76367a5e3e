// Prints what the built package answers to the requests of fixture folders, one JSON line a request, so that engines of
// all kinds can be compared with each other: `node wasm/answers.mjs fixtures`
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { Engine } from "@parapet/engine";
import { compileSnapshot } from "@parapet/engine/full";

const key = { id: "fixtures", hmac: new Uint8Array(32).fill(1) };

/** The lines of one folder. */
export async function* answers(folder) {
  const read = (file) => readFileSync(join(folder, file), "utf8");
  const tenant = read("tenant.json");
  const { now, requests } = JSON.parse(read("requests.json"));
  const engine = await Engine.open(compileSnapshot(tenant, { version: 1, created: now, key }), { keys: [key] });
  const scopesOf = new Map((JSON.parse(tenant).api_key ?? []).map((row) => [row.id, row.scopes]));
  for (const { name, now: at, caller, request } of requests) {
    const scopes = caller == null ? undefined : scopesOf.get(caller);
    const { context } = engine.decide(request, { now: at ?? now, scopes });
    yield {
      fixture: basename(folder),
      name,
      outcome: context.outcome,
      reason: context.reason ?? null,
      policies: context.policies,
      errors: context.errors.map((error) => error.policy),
    };
  }
  engine.free();
}

/** Fixture folders at or directly below a folder, in the order of their names. */
export function fixtures(folder) {
  const isFixture = (path) => ["tenant.json", "requests.json"].every((file) => existsSync(join(path, file)));
  return isFixture(folder) ? [folder] : readdirSync(folder).sort().map((name) => join(folder, name)).filter(isFixture);
}

if (import.meta.filename === process.argv[1]) {
  for (const folder of process.argv.slice(2).flatMap(fixtures)) {
    for await (const line of answers(folder)) console.log(JSON.stringify(line));
  }
}
