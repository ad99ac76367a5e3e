// What the entry of the Worker does before the module is asked and after it answers: bodies however they come, headers,
// other variables, and a module that failed.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { startEdge } from "../../worker/edge.mjs";
import { SECRETS, call, id, office, question } from "./office.mjs";

const MEBIBYTE = 1024 * 1024;
const PATH = "/access/v1/evaluation";

/** @type {string[]} */
const lines = [];
/** @type {Awaited<ReturnType<typeof startEdge>>} */
let edge;
/** @type {Awaited<ReturnType<typeof office>>} */
let tenant;
/** @type {URL} */
let base;

before(async () => {
  edge = await startEdge({
    wrapper: new URL("faults.mjs", import.meta.url),
    variables: { ...SECRETS, FRESHNESS_SECONDS: "60" },
    direct: true,
    log: (line) => void lines.push(line),
  });
  tenant = await office(edge, 1);
  base = await edge.unsafeGetDirectURL("edge");
});
after(() => edge.dispose());

const text = () => JSON.stringify(question(id("e", 0)));
const headers = () => ({ authorization: `Bearer ${tenant.pep}`, "content-type": "application/json" });

/** Sends a body of these pieces, without a length. */
async function stream(/** @type {(string | Uint8Array)[]} */ pieces) {
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
      controller.close();
    },
  });
  const response = await fetch(new URL(PATH, base), /** @type {any} */ ({ method: "POST", headers: headers(), body, duplex: "half" }));
  return { status: response.status, body: /** @type {any} */ (await response.json()) };
}

async function post(/** @type {any} */ body, /** @type {Record<string, string>} */ more = {}) {
  const response = await fetch(new URL(PATH, base), { method: "POST", headers: { ...headers(), ...more }, body });
  return { status: response.status, body: /** @type {any} */ (await response.json()), headers: response.headers };
}

/** Sends bytes as they are, ends the sending, and gives what comes back until the other side ends. */
function raw(/** @type {string} */ sent) {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect({ host: base.hostname, port: Number(base.port) }, () => socket.end(sent));
    socket.setEncoding("latin1");
    socket.on("data", (data) => (received += data));
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
  });
}

const head = (/** @type {string} */ length) =>
  `POST ${PATH} HTTP/1.1\r\nHost: ${base.host}\r\nAuthorization: Bearer ${tenant.pep}\r\nContent-Type: application/json\r\n${length}\r\n\r\n`;

test("a body says the same with and without its length", async () => {
  const whole = await post(text());
  assert.equal(whole.status, 200);
  assert.equal(whole.body.decision, true);
  const half = text().length >> 1;
  const pieces = await stream([text().slice(0, half), "", text().slice(half)]);
  assert.equal(pieces.status, 200);
  assert.equal(pieces.body.decision, true);
  assert.deepEqual(pieces.body.context.policies, whole.body.context.policies);
});

test("a body of a mebibyte is read, a longer one is not, said or not", async () => {
  const full = text() + " ".repeat(MEBIBYTE - text().length);
  for (const answer of [await post(full), await stream([full]), await stream([full.slice(0, 1000), full.slice(1000)])]) {
    assert.equal(answer.status, 200);
    assert.equal(answer.body.decision, true);
  }
  for (const answer of [await post(`${full} `), await stream([full, " "]), await stream([full, full, full])]) {
    assert.equal(answer.status, 413);
    assert.equal(answer.body.code, "http.body_too_large");
  }
  // Nobody else notices.
  assert.equal((await post(text())).body.decision, true);
});

test("a request without a body is answered, one that needs it refused", async () => {
  assert.equal((await fetch(new URL("/healthz", base))).status, 200);
  const response = await fetch(new URL("/healthz", base), { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "");
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal((await post(undefined)).status, 400);
  assert.equal((await post("")).status, 400);
  assert.equal((await stream([])).status, 400);
});

test("a length that is wrong harms nobody", async () => {
  const length = text().length;
  // What was said is what is read: what comes after it is another request, and none.
  const short = await raw(`${head(`Content-Length: ${length}`)}${text()}more`);
  assert.match(short, /^HTTP\/1.1 200 /);
  assert.match(short, /"decision":true/);
  const cut = await raw(`${head(`Content-Length: ${length - 1}`)}${text()}`);
  assert.match(cut, /^HTTP\/1.1 400 /);
  // Less than was said never becomes a request with less.
  const long = await raw(`${head(`Content-Length: ${length + 100}`)}${text()}`);
  assert.doesNotMatch(long, /HTTP\/1.1 200 /);
  for (const wrong of ["Content-Length: +5", "Content-Length: -1", "Content-Length: x", `Content-Length: ${"9".repeat(30)}`]) {
    assert.doesNotMatch(await raw(`${head(wrong)}${text()}`), /HTTP\/1.1 200 /, wrong);
  }
  assert.equal((await post(text())).body.decision, true);
});

test("what is no UTF-8 is not repaired", async () => {
  const bytes = new TextEncoder().encode(text().replace("p1", "p?"));
  const wrong = bytes.map((byte) => (byte === 0x3f ? 0xff : byte));
  for (const answer of [await post(wrong), await stream([wrong])]) assert.equal(answer.status, 400);
  // A byte order mark is no part of JSON (RFC 8259, section 8.1).
  assert.equal((await post(`\ufeff${text()}`)).status, 400);
});

test("another media type is refused", async () => {
  assert.equal((await post(text(), { "content-type": "text/plain" })).status, 415);
});

test("answers at once have each its own id and their own headers", async () => {
  const ids = Array.from({ length: 20 }, (_, number) => `id ${number}`);
  const answers = await Promise.all(ids.map((its) => post(text(), { "x-request-id": its })));
  assert.deepEqual(answers.map((answer) => answer.headers.get("x-request-id")), ids);
  const made = await Promise.all(ids.map(() => post(text())));
  assert.equal(new Set(made.map((answer) => answer.headers.get("x-request-id"))).size, ids.length);
  const [{ headers: all }] = made;
  assert.equal(all.get("content-type"), "application/json");
  assert.equal(all.get("cache-control"), "no-store");
  assert.equal(all.get("x-content-type-options"), "nosniff");
  assert.match(all.get("strict-transport-security") ?? "", /^max-age=/);
  assert.equal(all.get("www-authenticate"), null);
  const refused = await post(text(), { authorization: "Bearer x" });
  assert.equal(refused.headers.get("content-type"), "application/problem+json");
  assert.match(refused.headers.get("www-authenticate") ?? "", /^Bearer/);
});

test("more different headers than are remembered are all right", async () => {
  for (let number = 0; number < 100; number += 1) {
    const origin = `https://page-${number}.example`;
    const { status, headers: its } = await post(text(), { origin });
    assert.equal(status, 200);
    assert.equal(its.get("vary"), "origin");
    const unknown = await fetch(new URL(`/nowhere/${number}`, base), { headers: { "x-request-id": origin } });
    assert.equal(unknown.headers.get("x-request-id"), origin);
    assert.equal(unknown.headers.get("vary"), null);
  }
  // An `ETag` for each row, and a `Location`.
  for (let number = 0; number < 70; number += 1) {
    const made = await call({ fetch: (/** @type {string} */ url, /** @type {any} */ options) => fetch(new URL(url.replace("http://localhost", ""), base), options) },
      tenant.owner, "POST", "/v1/roles", { name: `role ${number}` });
    assert.equal(made.status, 201);
    assert.equal(made.headers.get("location"), `/v1/roles/${made.body.id}`);
  }
});

test("other variables count at once", async () => {
  const variables = { "x-test-variables": JSON.stringify({ FRESHNESS_SECONDS: "soon" }) };
  assert.equal((await post(text())).status, 200);
  const broken = await post(text(), variables);
  assert.equal(broken.status, 503);
  assert.equal(broken.body.code, "config.invalid");
  assert.equal((await post(text())).status, 200);
});

test("a module that failed is started anew", async () => {
  assert.equal((await post(text())).body.decision, true);
  lines.length = 0;
  const failed = await fetch(new URL(PATH, base), { method: "POST", headers: { ...headers(), "x-test-crash": "1" }, body: text() });
  assert.equal(failed.status, 500);
  await failed.text();
  for (let turn = 0; turn < 3; turn += 1) {
    const next = await post(text());
    assert.equal(next.status, 200);
    assert.equal(next.body.decision, true);
  }
  assert.equal(lines.filter((line) => line.includes("Reinitializing")).length, 1, lines.join("\n"));
});
