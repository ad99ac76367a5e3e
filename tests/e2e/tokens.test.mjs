// Access tokens of the built Worker, verified by Node's own cryptography; and what only happens where many come at once.
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { after, before, test } from "node:test";
import { startEdge } from "../../worker/edge.mjs";
import { SECRETS, call, office } from "./office.mjs";

const ORIGIN = "https://pdp.example";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {any} */
let worker;
/** @type {any} */
let keys;

before(async () => {
  edge = await startEdge({ variables: { ...SECRETS, FRESHNESS_SECONDS: "0" }, log: console.log });
  keys = await office(edge, 1);
  worker = await edge.getWorker();
});
after(() => edge.dispose());

/** @param {Record<string, string>} parameters @param {Record<string, string>} [headers] */
async function token(parameters, headers = {}) {
  const answer = await worker.fetch(`${ORIGIN}/v1/token`, { method: "POST", headers, body: new URLSearchParams(parameters) });
  return { status: answer.status, body: await answer.json() };
}

const part = (/** @type {any} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("many who come first get tokens of one key, which anybody verifies", async () => {
  const authorization = `Bearer ${keys.pep}`;
  const answers = await Promise.all([...Array(20)].map(() => token({ grant_type: EXCHANGE }, { authorization })));
  for (const { status, body } of answers) assert.equal(status, 200, JSON.stringify(body));
  const db = await edge.getD1Database("DB");
  const made = await db.prepare("SELECT count(*) AS n FROM token_key").first();
  assert.equal(made?.n, 1);
  const told = await db.prepare("SELECT count(*) AS n FROM outbox WHERE event_type = 'token_key.created'").first();
  assert.equal(told?.n, 1);
  const set = await worker.fetch(`${ORIGIN}/.well-known/jwks.json/acme`);
  assert.equal(set.headers.get("content-type"), "application/jwk-set+json");
  const [jwk, ...others] = (await set.json()).keys;
  assert.deepEqual(others, []);
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const ids = new Set();
  for (const { body } of answers) {
    const [header, payload, signature] = body.access_token.split(".");
    const signed = Buffer.from(`${header}.${payload}`);
    assert.ok(verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url")));
    assert.deepEqual(JSON.parse(Buffer.from(header, "base64url").toString()), { typ: "at+jwt", alg: "ES256", kid: jwk.kid });
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    assert.deepEqual([claims.iss, claims.exp - claims.iat, claims.scope], [`${ORIGIN}/acme`, 300, "access:evaluate"]);
    ids.add(claims.jti);
  }
  assert.equal(ids.size, answers.length);
});

test("an assertion that comes many times at once counts once, whichever kind of key signed it", async () => {
  const account = await call(worker, keys.owner, "POST", "/v1/service-accounts", { name: "importer" });
  assert.equal(account.status, 201, JSON.stringify(account.body));
  const id = account.body.id;
  for (const kind of ["ec", "ed25519"]) {
    const pair = kind === "ec" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("ed25519");
    const jwk = pair.publicKey.export({ format: "jwk" });
    const wanted = { name: kind, service_account_id: id, scopes: ["access:evaluate"], public_key: jwk };
    const made = await call(worker, keys.owner, "POST", "/v1/api-keys", wanted);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { kid, alg } = made.body.public_key;
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: id, sub: id, aud: `${ORIGIN}/v1/token`, jti: kind, exp: now + 120 };
    const signed = `${part({ alg, kid })}.${part(claims)}`;
    const signature = kind === "ec"
      ? sign("sha256", Buffer.from(signed), { key: pair.privateKey, dsaEncoding: "ieee-p1363" })
      : sign(null, Buffer.from(signed), pair.privateKey);
    const parameters = {
      grant_type: "client_credentials",
      client_assertion_type: JWT_BEARER,
      client_assertion: `${signed}.${signature.toString("base64url")}`,
    };
    const answers = await Promise.all([...Array(10)].map(() => token(parameters)));
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, ...Array(9).fill(401)], JSON.stringify(answers));
  }
});
