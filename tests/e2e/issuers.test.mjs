// Callers at the gateway whom others vouch for, over real connections: tokens of a real identity provider (`oidc-provider`),
// its keys as they change and while it is down, over two isolates; and client certificates, as Cloudflare tells of them.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
// @ts-ignore: it has no types of its own
import Provider from "oidc-provider";
import { startEdge } from "../../worker/edge.mjs";
import { ask, behind, startApplication } from "./application.mjs";
import { SECRETS, call, id, office } from "./office.mjs";

const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"];
const AUDIENCE = "https://app.acme.com/";

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {any} */
let worker;
/** @type {any} */
let keys;
/** @type {URL[]} */
let isolates;
/** @type {Awaited<ReturnType<typeof startApplication>>} */
let application;
/** @type {import("node:http").Server} */
let server;
/** @type {string} */
let issuer;
/** @type {string} */
let provider;
/** How often the issuer was asked for its keys. */
let asked = 0;
/** @type {(request: any, response: any) => void} */
let answers;

/** Fresh keys of each kind, under ids that begin so. */
function freshKeys(/** @type {string} */ begins) {
  const jwk = (/** @type {any} */ pair, /** @type {any} */ more) => ({ ...pair.privateKey.export({ format: "jwk" }), use: "sig", ...more });
  return [
    jwk(generateKeyPairSync("rsa", { modulusLength: 2048 }), { kid: `${begins}-rsa` }),
    jwk(generateKeyPairSync("ec", { namedCurve: "P-256" }), { kid: `${begins}-ec`, alg: "ES256" }),
    jwk(generateKeyPairSync("ed25519"), { kid: `${begins}-ed`, alg: "EdDSA" }),
  ];
}

/** The identity provider, from now on with these keys. */
function begins(/** @type {any[]} */ jwks) {
  const made = new Provider(issuer, {
    jwks: { keys: jwks },
    cookies: { keys: [randomUUID()] },
    clients: [
      { client_id: "importer", client_secret: "a secret of the importer's own", grant_types: ["client_credentials"], redirect_uris: [], response_types: [] },
      { client_id: "stranger", client_secret: "a secret of the stranger's own", grant_types: ["client_credentials"], redirect_uris: [], response_types: [] },
    ],
    enabledJWA: { clientAuthSigningAlgValues: ["HS256"] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // The algorithm stands at the end of the resource's name.
        getResourceServerInfo: (/** @type {any} */ _context, /** @type {string} */ resource) => ({
          audience: resource, scope: "api", accessTokenFormat: "jwt", accessTokenTTL: 300, jwt: { sign: { alg: resource.split("/").pop() } },
        }),
      },
    },
  });
  answers = made.callback();
}

/** A token of the identity provider. */
async function token({ client = "importer", algorithm = "RS256", resource = `${AUDIENCE}${algorithm}` } = {}) {
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`${client}:${encodeURIComponent(`a secret of the ${client}'s own`)}`).toString("base64")}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: "api", resource }),
  });
  /** @type {any} */
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return body.access_token;
}

const bearer = (/** @type {string} */ text) => ({ authorization: `Bearer ${text}` });
const read = (/** @type {string} */ text, url = isolates[0]) => ask(url, "/papers/7", { headers: bearer(text) });
const decoded = (/** @type {string} */ part) => JSON.parse(Buffer.from(part, "base64url").toString());
const encoded = (/** @type {any} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const at = (/** @type {number} */ ago) => new Date(Date.now() - ago).toISOString();

/** What is known of the issuer's keys becomes so much older, in milliseconds. */
async function age(/** @type {{tried?: number, fetched?: number, fresh?: number}} */ { tried, fetched, fresh }) {
  for (const [column, ago] of Object.entries({ tried_at: tried, fetched_at: fetched, fresh_until: fresh })) {
    if (ago !== undefined) await keys.db.prepare(`UPDATE issuer_key_set SET ${column} = ?1`).bind(at(ago)).run();
  }
}

const refused = (/** @type {any} */ answer) => {
  assert.deepEqual([answer.status, answer.body?.code, answer.headers["www-authenticate"]], [401, "token.refused", 'Bearer error="invalid_token"'], answer.text);
};

before(async () => {
  application = await startApplication();
  server = createServer((request, response) => {
    if (request.url === "/jwks") asked += 1;
    answers(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  issuer = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
  begins(freshKeys("one"));
  const variables = { ...SECRETS, FRESHNESS_SECONDS: "0", LOCAL: "1", BASE_DOMAIN: "id.localhost" };
  const wrapper = new URL("./certificate.mjs", import.meta.url);
  edge = await startEdge({ variables, wrapper, names: ["edge", "other"], direct: true, log: console.log });
  keys = await office(edge, 2);
  worker = await edge.getWorker();
  await behind(worker, keys, application.origin);
  isolates = [await edge.unsafeGetDirectURL("edge"), await edge.unsafeGetDirectURL("other")];
  const audiences = ALGORITHMS.map((algorithm) => `${AUDIENCE}${algorithm}`);
  const made = await call(worker, keys.owner, "POST", "/v1/identity-providers", {
    name: "corporate", type: "oidc", configuration: { issuer, audiences },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  provider = made.body.id;
  const linked = await call(worker, keys.owner, "POST", "/v1/federated-identities", {
    user_id: id("e", 0), identity_provider_id: provider, external_id: "importer",
  });
  assert.equal(linked.status, 201, JSON.stringify(linked.body));
});
after(async () => {
  await edge.dispose();
  await application.close();
  server.closeAllConnections();
  server.close();
});

test("whoever the identity provider says it is may what the user may, with each kind of key", async () => {
  assert.equal(asked, 1, "the keys were fetched when the issuer was named");
  for (const algorithm of ALGORITHMS) {
    const text = await token({ algorithm });
    assert.deepEqual([decoded(text.split(".")[0]).alg, decoded(text.split(".")[0]).typ], [algorithm, "at+jwt"]);
    const passed = await read(text);
    assert.equal(passed.status, 200, `${algorithm}: ${passed.text}`);
    assert.equal(decoded(passed.body.headers["x-parapet-identity"].split(".")[1]).sub, id("e", 0));
    assert.equal(passed.body.headers.authorization, undefined);
  }
  assert.equal(asked, 1);
});

test("what is not the identity provider's, or for somebody else, or nobody's is refused alike, and the application asked nothing", async () => {
  const count = application.seen.length;
  const good = await token();
  const [header, payload, signature] = good.split(".");
  const flipped = signature.slice(0, -4) + (signature.at(-4) === "A" ? "B" : "A") + signature.slice(-3);
  const secret = createHash("sha256").update("x").digest("base64url");
  for (const text of [
    `${header}.${payload}.${flipped}`,
    `${header}.${encoded({ ...decoded(payload), sub: "olga" })}.${signature}`,
    `${encoded({ ...decoded(header), alg: "none" })}.${payload}.`,
    `${encoded({ ...decoded(header), alg: "HS256" })}.${payload}.${secret}`,
    `${encoded({ ...decoded(header), jku: `${issuer}/jwks` })}.${payload}.${signature}`,
    `${header}.${payload}`,
    await token({ client: "stranger" }),
    await token({ resource: "https://other.acme.com/RS256" }),
  ]) {
    refused(await read(text));
  }
  // Nor does it open our own API.
  const own = await worker.fetch("http://acme.id.localhost/v1/me", { headers: bearer(good) });
  assert.equal(own.status, 401);
  await own.arrayBuffer();
  assert.equal(application.seen.length, count);
});

test("made up keys cost the issuer one question in half a minute, from all isolates", async () => {
  asked = 0;
  const [header, payload, signature] = (await token()).split(".");
  const madeUp = () => `${encoded({ ...decoded(header), kid: randomUUID() })}.${payload}.${signature}`;
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all([...Array(40).keys()].map((n) => read(madeUp(), isolates[n % 2])));
    answers.forEach(refused);
  }
  assert.equal(asked, 0, "it was asked less than half a minute ago");
  await age({ tried: 31_000 });
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all([...Array(40).keys()].map((n) => read(madeUp(), isolates[n % 2])));
    answers.forEach(refused);
  }
  assert.equal(asked, 1);
  const passed = await read(await token());
  assert.equal(passed.status, 200, passed.text);
});

test("a new key works once the set was fetched again, and one that is gone ends with the set's time", async () => {
  const old = await token();
  begins(freshKeys("two"));
  asked = 0;
  const fresh = await token();
  assert.notEqual(decoded(fresh.split(".")[0]).kid, decoded(old.split(".")[0]).kid);
  refused(await read(fresh));
  assert.equal((await read(old)).status, 200);
  assert.equal(asked, 0);
  await age({ tried: 31_000 });
  for (const url of isolates) {
    const passed = await read(fresh, url);
    assert.equal(passed.status, 200, passed.text);
    refused(await read(old, url));
  }
  assert.equal(asked, 1);
  // Without a token that names a new one, too: the set is not fresh any more.
  begins(freshKeys("three"));
  assert.equal((await read(fresh)).status, 200);
  await age({ tried: 31_000, fresh: 1 });
  refused(await read(fresh));
  assert.equal(asked, 2);
});

test("while the issuer is down the last keys count, and not for ever", async () => {
  const text = await token();
  const stranger = (await token({ algorithm: "ES256" })).replace(/^[^.]+/, encoded({ alg: "ES256", typ: "at+jwt", kid: "new" }));
  assert.equal((await read(text)).status, 200);
  const kept = answers;
  let silent = 0;
  answers = (request) => {
    silent += 1;
    request.socket.destroy();
  };
  await age({ tried: 31_000, fresh: 1, fetched: 5 * 3_600_000 });
  for (let n = 0; n < 10; n++) assert.equal((await read(text, isolates[n % 2])).status, 200);
  refused(await read(stranger));
  assert.equal(silent, 1);
  await age({ tried: 31_000, fetched: 6 * 3_600_000 });
  for (let n = 0; n < 10; n++) {
    const answer = await read(text, isolates[n % 2]);
    assert.deepEqual([answer.status, answer.body.code], [503, "issuer.unavailable"]);
  }
  assert.equal(silent, 2);
  answers = kept;
  await age({ tried: 31_000 });
  assert.equal((await read(text)).status, 200);
});

test("a certificate that the platform has verified is whoever registered it", async () => {
  const made = await call(worker, keys.owner, "POST", "/v1/service-accounts", { name: "importer", permissions: [{ permission: "acme.papers.read" }] });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const fingerprint = createHash("sha256").update("the DER of a certificate").digest();
  const key = await call(worker, keys.owner, "POST", "/v1/api-keys", {
    name: "its certificate", service_account_id: made.body.id, scopes: ["acme_paper:read"], certificate_thumbprint: fingerprint.toString("base64url"),
  });
  assert.equal(key.status, 201, JSON.stringify(key.body));
  const good = { certPresented: "1", certVerified: "SUCCESS", certRevoked: "0", certFingerprintSHA256: fingerprint.toString("hex") };
  const connected = (/** @type {any} */ certificate, headers = {}) =>
    ask(isolates[0], "/papers/7", { headers: { "x-test-certificate": JSON.stringify(certificate), ...headers } });
  const passed = await connected(good);
  assert.equal(passed.status, 200, passed.text);
  assert.equal(decoded(passed.body.headers["x-parapet-identity"].split(".")[1]).sub, made.body.id);
  for (const changed of [
    { certVerified: "NONE" },
    { certVerified: "FAILED:self signed certificate" },
    { certVerified: "FAILED:certificate has expired" },
    { certVerified: undefined },
    { certRevoked: "1" },
    { certRevoked: undefined },
    { certPresented: "0" },
    { certFingerprintSHA256: undefined },
    { certFingerprintSHA256: "" },
  ]) {
    const answer = await connected({ ...good, ...changed });
    assert.deepEqual([answer.status, answer.body.code], [401, "key.missing"], JSON.stringify(changed));
  }
  const other = await connected({ ...good, certFingerprintSHA256: "0".repeat(64) });
  assert.deepEqual([other.status, other.body.code], [401, "certificate.unknown"]);
  // What a caller says in headers is a header.
  const spoofed = { "cf-client-cert-sha256": good.certFingerprintSHA256, "cf-cert-verified": "true", "client-certificate": good.certFingerprintSHA256 };
  const claimed = await ask(isolates[0], "/papers/7", { headers: spoofed });
  assert.deepEqual([claimed.status, claimed.body.code], [401, "key.missing"]);
  // A header that shows who calls counts instead.
  assert.equal((await connected(good, bearer(keys.owner))).status, 403);
  assert.equal((await call(worker, keys.owner, "DELETE", `/v1/api-keys/${key.body.id}`)).status, 204);
  assert.deepEqual([(await connected(good)).status], [401]);
});
