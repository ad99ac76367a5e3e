// `make run`: the edge on this machine, with the demo tenant, until Ctrl-C.
//
// State lies in .local/ and is kept; it is made anew when the migrations or the demo tenant change. Keys and secrets are
// made here, at run time: no file of the repository holds one, and the Worker knows nothing of any of this.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { startApplication } from "./demo/application.mjs";
import { BASE_DOMAIN, DOCUMENT, HOST, PEOPLE, load, putBehindGateway } from "./demo/tenant.mjs";
import { migrate, startEdge } from "./edge.mjs";
import { startInbox } from "./inbox.mjs";
import { init } from "./seed.mjs";

const LOCAL = fileURLToPath(new URL("../.local/", import.meta.url));
const REQUESTS = fileURLToPath(new URL("../fixtures/saas/requests.json", import.meta.url));
const MIGRATIONS = fileURLToPath(new URL("./migrations/", import.meta.url));
const TENANT = fileURLToPath(new URL("./demo/tenant.mjs", import.meta.url));
const PORT = Number(process.env.PORT ?? 8787);

const document = JSON.parse(await readFile(DOCUMENT, "utf8"));
const local = await state();
const taken = (/** @type {number} */ port) => (/** @type {Error} */ error) => {
  console.error(`Port ${port} is taken: ${error.message}\nPORT=8797 make run takes others.`);
  process.exit(1);
};
const inbox = await startInbox(PORT + 1).catch(taken(PORT + 1));
const issuer = `http://${document.tenant.slug}.${BASE_DOMAIN}:${PORT}`;
const application = await startApplication({ document, host: HOST, issuer, edge: PORT, port: PORT + 2 }).catch(taken(PORT + 2));
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
    // Webhooks and applications may be on this machine, and links in messages lead to this port.
    LOCAL: String(PORT),
    // Tenants lie at <slug>.id.localhost; other names under localhost may be applications.
    BASE_DOMAIN,
  },
  log: (line) => console.log(line),
}).catch(taken(PORT));
const db = await edge.getD1Database("DB");

if (!local.keys) {
  await migrate(db);
  local.password = randomBytes(12).toString("base64url");
  local.operator = await init(db, "operator@example.com");
  local.keys = await load(edge, document, local.password, inbox.messages);
  await save(local);
}
await putBehindGateway(db, document.tenant.id, application.origin);

// A policy enforcement point's key: it acts for nobody, and may ask about everybody.
const pep = document.api_key.find((key) => !key.user_id && !key.service_account_id && key.scopes.includes("access:evaluate"));
const key = local.keys[document.tenant.slug][pep.id];
const url = `http://127.0.0.1:${PORT}/access/v1/evaluation`;
const question = await firstAllowed();
const [editor, reader, administrator] = Object.values(PEOPLE).map((name) => {
  const { first_name, last_name, email } = document.user.find(({ username }) => username === name);
  return { name: `${first_name} ${last_name}`, line: `${`${first_name} ${last_name}`.padEnd(13)} ${email.padEnd(27)} ${local.password}` };
});

console.log(`
Open in a browser:   http://${HOST}:${PORT}

An application behind the gateway, and whom it knows:

  ${editor.line}   edits what is engineering's
  ${reader.line}   reads what is published
  ${administrator.line}   administers; codes by mail at ${inbox.address}

Try:

  allow    as ${editor.name}, read the handbook, and edit the failover runbook
  deny     as ${editor.name}, open the roadmap: another department's draft
  step-up  as ${administrator.name}, open Members half a minute after signing in: a second factor is asked for anew
  explain  as ${administrator.name}, edit the non-disclosure agreement, and follow "Why?"; the address under ${editor.name}'s works too

Parapet decides at http://127.0.0.1:${PORT} for the tenant ${document.tenant.name}, whose people sign in at ${issuer}/sign-in.
Ask it:

  curl -s ${url} \\
    -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\
    -d '${JSON.stringify(question)}'

Make a tenant of your own, as an operator; the answer has its owner's key:

  curl -s http://127.0.0.1:${PORT}/v1/tenants \\
    -H 'Authorization: Bearer ${local.operator}' -H 'Content-Type: application/json' \\
    -d '{"name": "Acme", "slug": "acme", "owner": {"email": "owner@acme.example"}}'

Mail and text messages arrive at ${inbox.address}

All keys: .local/state.json. Ctrl-C ends it.`);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await edge.dispose();
    await application.close();
    await inbox.close();
    process.exit(0);
  });
}

/** What was kept from the last time, if it still fits. */
async function state() {
  const files = (await readdir(MIGRATIONS)).sort().map((name) => MIGRATIONS + name);
  const hash = createHash("sha256");
  for (const file of [...files, DOCUMENT, TENANT]) hash.update(await readFile(file));
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
  const { requests } = JSON.parse(await readFile(REQUESTS, "utf8"));
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
