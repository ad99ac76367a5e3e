// Native, WASM and the Worker in workerd decide every fixture alike: outcome, reason, policies and errors.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { answers as answersOf, fixtures } from "../../wasm/answers.mjs";
import { migrate, startEdge } from "../../worker/edge.mjs";
import { parapet, seed } from "../../worker/seed.mjs";

const FIXTURES = fileURLToPath(new URL("../../fixtures/", import.meta.url));
const PEP = "01890000-ffff-7000-8000-0b00000000ff";

const scratch = await mkdtemp(join(tmpdir(), "parapet-"));
after(() => rm(scratch, { recursive: true }));
const folders = [...fixtures(FIXTURES), await generated()];
const native = await decidedNatively();
let compared = 0;

for (const folder of folders) {
  const fixture = basename(folder);
  test(fixture, async () => {
    const requests = JSON.parse(await readFile(join(folder, "requests.json"), "utf8"));
    const ofWasm = [];
    for await (const { outcome, reason, policies, errors } of answersOf(folder)) ofWasm.push({ outcome, reason, policies, errors });
    const ofNative = native.get(fixture) ?? [];
    const { edge, keys } = await edgeOf(folder);
    try {
      for (const [index, request] of requests.requests.entries()) {
        const response = await edge.dispatchFetch("http://localhost/access/v1/evaluation", {
          method: "POST",
          headers: {
            authorization: `Bearer ${keys[request.caller ?? PEP]}`,
            "content-type": "application/json",
            "x-test-now": request.now ?? requests.now,
          },
          body: JSON.stringify(request.request),
        });
        const body = /** @type {any} */ (await response.json());
        assert.equal(response.status, 200, `${request.name}: ${JSON.stringify(body)}`);
        assert.equal(body.decision, request.decision === "allow", request.name);
        const { outcome, reason = null, policies, errors } = body.context;
        const ofWorker = { outcome, reason, policies, errors: errors.map(({ policy }) => policy) };
        assert.deepEqual(ofWorker, ofNative[index], `${request.name}: Worker and native`);
        assert.deepEqual(ofWasm[index], ofNative[index], `${request.name}: WASM and native`);
        compared += 1;
      }
    } finally {
      await edge.dispose();
    }
  });
}

test("as many were compared as there are", () => {
  const all = [...native.values()].flat().length;
  console.log(`${compared} of ${all} fixture requests: native, WASM and Worker decide alike`);
  assert.ok(all > 700);
  assert.equal(compared, all);
});

/** The folder of the generated tenant, whose rows are made and not kept. */
async function generated() {
  const folder = join(scratch, "generated");
  await mkdir(folder);
  const program = fileURLToPath(new URL("../../target/debug/generate", import.meta.url));
  const { stdout } = await promisify(execFile)(program, { maxBuffer: 1 << 28 });
  await writeFile(join(folder, "tenant.json"), stdout);
  await copyFile(join(FIXTURES, "generated", "requests.json"), join(folder, "requests.json"));
  return folder;
}

/** What the native engine answers, by fixture, in the order of the requests. */
async function decidedNatively() {
  /** @type {Map<string, object[]>} */
  const answers = new Map();
  for (const line of (await parapet("test", ...folders, "--json")).trim().split("\n")) {
    const { fixture, outcome, reason, policies, errors } = JSON.parse(line);
    answers.set(fixture, [...(answers.get(fixture) ?? []), { outcome, reason, policies, errors }]);
  }
  return answers;
}

/**
 * An edge with the tenant of a fixture, and a key for a policy enforcement point beside the fixture's own.
 *
 * @param {string} folder
 */
async function edgeOf(folder) {
  const document = JSON.parse(await readFile(join(folder, "tenant.json"), "utf8"));
  const scopes = ["access:evaluate", "access:context"];
  document.api_key = [
    ...(document.api_key ?? []).map((key) => ({ ...key, scopes: [...new Set([...key.scopes, "access:evaluate"])] })),
    { id: PEP, name: "pep", key_hash: "0".repeat(64), key_prefix: "pep", scopes },
  ];
  const edge = await startEdge({
    wrapper: new URL("faults.mjs", import.meta.url),
    variables: { FRESHNESS_SECONDS: "0", SNAPSHOT_KEY: "ab".repeat(32), SNAPSHOT_KEY_ID: "test" },
    log: console.log,
  });
  const temporary = await mkdtemp(join(tmpdir(), "parapet-"));
  try {
    const db = await edge.getD1Database("DB");
    await migrate(db);
    const path = join(temporary, "tenant.json");
    await writeFile(path, JSON.stringify(document));
    const keys = await seed(db, path);
    return { edge, keys: keys[document.tenant.slug] };
  } finally {
    await rm(temporary, { recursive: true });
  }
}
