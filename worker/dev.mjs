// `make run`: the edge on this machine, with the demo tenant, until Ctrl-C.
//
// State lies in .local/ and is kept; it is made anew when the migrations or the demo tenant change. Keys and secrets are
// made here, at run time: no file of the repository holds one, and the Worker knows nothing of any of this.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { migrate, startEdge } from "./edge.mjs";
import { startInbox } from "./inbox.mjs";
import { hashed, init, seed } from "./seed.mjs";

const LOCAL = fileURLToPath(new URL("../.local/", import.meta.url));
const DEMO = fileURLToPath(new URL("../fixtures/saas/", import.meta.url));
const MIGRATIONS = fileURLToPath(new URL("./migrations/", import.meta.url));
const PORT = Number(process.env.PORT ?? 8787);

const document = JSON.parse(await readFile(`${DEMO}tenant.json`, "utf8"));
const person = document.user[0];
const local = await state();
const taken = (/** @type {number} */ port) => (/** @type {Error} */ error) => {
  console.error(`Port ${port} is taken: ${error.message}\nPORT=8788 make run takes others.`);
  process.exit(1);
};
const inbox = await startInbox(PORT + 1).catch(taken(PORT + 1));
const edge = await startEdge({
  state: LOCAL,
  port: PORT,
  variables: {
    FRESHNESS_SECONDS: "5",
    MAX_STALE_SECONDS: "5",
    SNAPSHOT_KEY: local.snapshotKey,
    SNAPSHOT_KEY_ID: "local",
    DATA_KEY: local.dataKey,
    DATA_KEY_ID: "local",
    ...inbox.variables,
    // Webhooks may lead to this machine, and links in messages lead to this port.
    LOCAL: String(PORT),
    // Tenants lie at <slug>.localhost, which browsers find at this machine and trust with cookies.
    BASE_DOMAIN: "localhost",
  },
  log: (line) => console.log(line),
}).catch(taken(PORT));

if (!local.keys) {
  const db = await edge.getD1Database("DB");
  await migrate(db);
  local.keys = await seed(db, `${DEMO}tenant.json`);
  local.operator = await init(db, "operator@example.com");
  local.password = randomBytes(12).toString("base64url");
  await db.prepare("UPDATE user SET password_hash = ?1 WHERE id = ?2").bind(hashed(local.password), person.id).run();
  await save(local);
}

// A policy enforcement point's key: it acts for nobody, and may ask about everybody.
const pep = document.api_key.find((key) => !key.user_id && !key.service_account_id && key.scopes.includes("access:evaluate"));
const key = local.keys[document.tenant.slug][pep.id];
const url = `http://127.0.0.1:${PORT}/access/v1/evaluation`;
const question = await firstAllowed();

console.log(`
Parapet decides at http://127.0.0.1:${PORT} for the tenant ${document.tenant.name}.
Ask it:

  curl -s ${url} \\
    -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\
    -d '${JSON.stringify(question)}'

Sign in as ${person.email} with the password ${local.password} at

  http://${document.tenant.slug}.localhost:${PORT}/sign-in

Make a tenant of your own, as an operator; the answer has its owner's key:

  curl -s http://127.0.0.1:${PORT}/v1/tenants \\
    -H 'Authorization: Bearer ${local.operator}' -H 'Content-Type: application/json' \\
    -d '{"name": "Acme", "slug": "acme", "owner": {"email": "owner@acme.example"}}'

Mail and text messages arrive at ${inbox.address}

All keys: .local/state.json. Ctrl-C ends it.`);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await edge.dispose();
    await inbox.close();
    process.exit(0);
  });
}

/** What was kept from the last time, if it still fits. */
async function state() {
  const files = (await readdir(MIGRATIONS)).sort().map((name) => MIGRATIONS + name);
  const hash = createHash("sha256");
  for (const file of [...files, `${DEMO}tenant.json`]) hash.update(await readFile(file));
  const version = hash.digest("hex");
  const kept = await readFile(`${LOCAL}state.json`, "utf8").then(JSON.parse, () => ({}));
  if (kept.version === version && kept.keys && kept.operator && kept.password) return kept;
  await rm(LOCAL, { recursive: true, force: true });
  await mkdir(LOCAL, { recursive: true });
  const [snapshotKey, dataKey] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")];
  return { version, snapshotKey, dataKey, keys: null, operator: null, password: null };
}

async function save(state) {
  await writeFile(`${LOCAL}state.json`, JSON.stringify(state, null, 2), { mode: 0o600 });
}

/** The first of the demo's questions that is answered with yes: which publishes the tenant's snapshot. */
async function firstAllowed() {
  const { requests } = JSON.parse(await readFile(`${DEMO}requests.json`, "utf8"));
  for (const { request } of requests.filter(({ decision, caller }) => decision === "allow" && !caller)) {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    const answer = /** @type {any} */ (await response.json());
    if (response.status !== 200) throw new Error(`the first decision fails: ${JSON.stringify(answer)}`);
    if (answer.decision) return request;
  }
  throw new Error("none of the demo's questions is answered with yes");
}
