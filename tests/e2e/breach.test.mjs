// Breached passwords over the built Worker: a real server that speaks the protocol of Have I Been Pwned, and one that does
// not.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { startEdge } from "../../worker/edge.mjs";
import { SECRETS, TENANT, id, office } from "./office.mjs";

const HOST = "https://acme.id.example";
const BREACHED = "sieben gruene Flaschen haengen dort";
const HASH = "$argon2id$v=19$m=19456,t=2,p=1$cGFyYXBldCBlMmUgc2FsdA$V5ZBGbW/a+PVFmE7DJqwZa1q02pB691Csq/sPvbm7DU";

/** @type {any} */
let edge;
/** @type {any} */
let worker;
let token = "";
let current = "ein Pferd frisst keinen Gurkensalat";
let changes = 0;
/** What was asked, and how the source answers. */
const asked = /** @type {any[]} */ ([]);
/** @type {(response: import("node:http").ServerResponse, lines: string) => unknown} */
let answers = (response, lines) => response.end(lines);

/** Every suffix that it knows under a prefix, and one that is made up. */
function range(/** @type {string} */ prefix) {
  const sha1 = createHash("sha1").update(BREACHED).digest("hex").toUpperCase();
  const known = sha1.startsWith(prefix) ? [`${sha1.slice(5)}:12`] : [];
  return [...known, `${"0".repeat(35)}:0`].join("\r\n");
}

const source = createServer((request, response) => {
  asked.push({ method: request.method, url: request.url, padding: request.headers["add-padding"] });
  answers(response, range(String(request.url).slice("/range/".length)));
});

before(async () => {
  await new Promise((resolve) => source.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (source.address());
  edge = await startEdge({ variables: { ...SECRETS, BASE_DOMAIN: "id.example", STRANGER_RATE_LIMIT: "0", LOCAL: "1" } });
  const { db } = await office(edge, 1);
  const now = "2026-01-01T00:00:00.000Z";
  const set = (/** @type {number} */ number, /** @type {string} */ key, /** @type {any} */ value) =>
    db.prepare("INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at) VALUES (?1, ?2, 'security', ?3, ?4, ?5, ?5)")
      .bind(id("a", number), TENANT, key, JSON.stringify(value), now);
  await db.batch([
    db.prepare("UPDATE user SET password_hash = ?1").bind(HASH),
    set(1, "breached_password_check", true),
    set(2, "breached_password_url", `http://127.0.0.1:${port}/range/`),
  ]);
  worker = await edge.getWorker();
  const signedIn = await post("/v1/auth/sign-in", { identifier: "user-0@acme.example", password: current, delivery: "token" });
  token = (await signedIn.json()).token;
});
after(async () => {
  await edge.dispose();
  source.closeAllConnections();
  source.close();
});

const post = (/** @type {string} */ path, /** @type {any} */ body) =>
  worker.fetch(`${HOST}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "sec-fetch-site": "same-origin", ...(token !== "" && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });

/** Changes the password, and gives the codes of what was wrong with it. */
async function change(/** @type {string} */ password) {
  const response = await post("/v1/me/password", { current_password: current, new_password: password });
  const text = await response.text();
  if (response.status === 204) {
    current = password;
    return [];
  }
  return JSON.parse(text).findings.map((/** @type {any} */ finding) => finding.code);
}

const fresh = () => `Gurkensalat ${(changes += 1)} mit viel Dill und Rahm`;

test("a password that the source knows is refused, and the source learns five digits", async () => {
  assert.deepEqual(await change(BREACHED), ["password.breached"]);
  assert.deepEqual(asked, [{ method: "GET", url: "/range/9E98E", padding: "true" }]);
  assert.deepEqual(await change(fresh()), []);
});

test("a long answer is read to its end", async () => {
  const line = `${"1".repeat(35)}:1\r\n`;
  answers = (response, lines) => response.end(line.repeat(5_000) + lines);
  assert.deepEqual(await change(BREACHED), ["password.breached"]);
});

for (const [what, says] of /** @type {[string, typeof answers][]} */ ([
  ["fails", (response) => response.writeHead(500).end()],
  ["leads elsewhere", (response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end()],
  ["breaks off", (response, lines) => { response.writeHead(200, { "content-length": "100000" }).write(lines); setTimeout(() => response.destroy(), 50); }],
  ["says nothing that is understood", (response, lines) => response.end(`${lines}\r\n<html>`)],
  ["says too much", (response, lines) => response.end(lines + "\r\n" + `${"2".repeat(35)}:1\r\n`.repeat(20_000))],
  ["hangs", () => {}],
  ["hangs in the middle", (response, lines) => { response.writeHead(200).write(lines); }],
])) {
  test(`a source that ${what} keeps nobody from a password, and for no longer than it has`, async () => {
    answers = says;
    const began = performance.now();
    assert.deepEqual(await change(fresh()), []);
    // The time that it has, and two hashes on a busy machine.
    assert.ok(performance.now() - began < 6_000);
    assert.ok(asked.length > 0);
  });
}
