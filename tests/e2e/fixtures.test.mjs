// The Worker in workerd decides every fixture as the native engine does: outcome, reason, policies and errors.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { migrate, startEdge } from "../../worker/edge.mjs";
import { parapet, seed } from "../../worker/seed.mjs";

const FIXTURES = fileURLToPath(new URL("../../fixtures/", import.meta.url));
const PEP = "01890000-ffff-7000-8000-0b00000000ff";

const native = await decidedNatively();
let compared = 0;

for (const [fixture, answers] of native) {
  test(fixture, async () => {
    const folder = join(FIXTURES, fixture);
    const requests = JSON.parse(await readFile(join(folder, "requests.json"), "utf8"));
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
        const answer = { outcome, reason, policies, errors: errors.map(({ policy }) => policy) };
        assert.deepEqual(answer, answers[index], request.name);
        compared += 1;
      }
    } finally {
      await edge.dispose();
    }
  });
}

test("as many were compared as there are", () => {
  const all = [...native.values()].flat().length;
  console.log(`${compared} of ${all} fixture requests: the Worker decides as the native engine`);
  assert.ok(all > 0);
  assert.equal(compared, all);
});

/** What the native engine answers, by fixture, in the order of the requests. */
async function decidedNatively() {
  /** @type {Map<string, object[]>} */
  const answers = new Map();
  for (const line of (await parapet("test", FIXTURES, "--json")).trim().split("\n")) {
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
    wrapper: new URL("clock.mjs", import.meta.url),
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
