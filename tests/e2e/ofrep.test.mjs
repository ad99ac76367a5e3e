// OpenFeature's own SDK and its provider for OFREP ask the built Worker for flags.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { OFREPApi } from "@openfeature/ofrep-core";
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";
import { startEdge } from "../../worker/edge.mjs";
import { SECRETS, id, office } from "./office.mjs";

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {any} */
let keys;
/** @type {string} */
let baseUrl;

const flag = (/** @type {number} */ number, /** @type {string} */ flag_name, /** @type {any} */ configuration, is_enabled = true) => ({
  id: id("a", number),
  flag_name,
  is_enabled,
  configuration,
});

before(async () => {
  edge = await startEdge({ variables: { ...SECRETS, FRESHNESS_SECONDS: "0", RATE_LIMIT: "100" }, log: console.log });
  keys = await office(edge, 2, {
    feature_flag: [
      flag(1, "everybody", {}),
      flag(2, "first-user", { targeting: { StringEquals: { "principal.email": "user-0@acme.example" } } }),
      flag(3, "nobody-yet", { percentage: 0 }),
      flag(4, "gone", {}, false),
      flag(5, "because", { targeting: { StringEquals: { "context.reason": "trial" } } }),
    ],
  });
  baseUrl = String((await edge.ready).origin);
});
after(async () => {
  await OpenFeature.close();
  await edge.dispose();
});

/** A client of the SDK with a key. */
async function client(/** @type {string} */ key) {
  await OpenFeature.setProviderAndWait(key, new OFREPProvider({ baseUrl, headers: [["Authorization", `Bearer ${key}`]] }));
  return OpenFeature.getClient(key);
}

test("the provider gets what each flag is, and why", async () => {
  const flags = await client(keys.pep);
  const details = async (/** @type {string} */ name, /** @type {any} */ context) => {
    const { value, reason, variant, errorCode, flagMetadata } = await flags.getBooleanDetails(name, name === "gone", context);
    if (errorCode === undefined) assert.deepEqual(flagMetadata, { policyVersion: 1 });
    return [value, reason, variant ?? errorCode];
  };
  const zero = { targetingKey: id("e", 0), plan: "unheard of" };
  assert.deepEqual(await details("everybody", zero), [true, "STATIC", "on"]);
  assert.deepEqual(await details("everybody", {}), [true, "STATIC", "on"]);
  assert.deepEqual(await details("first-user", zero), [true, "TARGETING_MATCH", "on"]);
  assert.deepEqual(await details("first-user", { targetingKey: "user-1@acme.example" }), [false, "DEFAULT", "off"]);
  assert.deepEqual(await details("nobody-yet", zero), [false, "SPLIT", "off"]);
  assert.deepEqual(await details("gone", zero), [false, "DISABLED", "off"]);
  assert.deepEqual(await details("because", { ...zero, reason: "trial" }), [true, "TARGETING_MATCH", "on"]);
  assert.deepEqual(await details("because", { targetingKey: "nobody" }), [false, "DEFAULT", "off"]);
  // What went wrong is the SDK's own error, and the value is the program's default.
  assert.deepEqual(await details("unheard-of", zero), [false, "ERROR", "FLAG_NOT_FOUND"]);
  assert.deepEqual(await details("first-user", {}), [false, "ERROR", "TARGETING_KEY_MISSING"]);
  assert.deepEqual(await details("because", { ...zero, reason: 7 }), [false, "ERROR", "INVALID_CONTEXT"]);
  const text = await flags.getStringDetails("everybody", "a", zero);
  assert.deepEqual([text.value, text.errorCode], ["a", "TYPE_MISMATCH"]);
});

test("the protocol's own client gets all of them, and learns that nothing changed", async () => {
  const api = new OFREPApi(baseUrl);
  const context = { context: { targetingKey: id("e", 0) } };
  const headers = { Authorization: `Bearer ${keys.pep}` };
  const first = await api.postBulkEvaluateFlags(context, { headers });
  assert.equal(first.httpStatus, 200);
  const flags = /** @type {any} */ (first.value).flags;
  assert.deepEqual(
    flags.map((/** @type {any} */ { key, value }) => [key, value]),
    [["because", false], ["everybody", true], ["first-user", true], ["gone", false], ["nobody-yet", false]],
  );
  const etag = first.httpResponse?.headers.get("etag") ?? "";
  const second = await api.postBulkEvaluateFlags(context, { headers: { ...headers, "If-None-Match": etag } });
  assert.equal(second.httpStatus, 304);
  const other = await api.postBulkEvaluateFlags({ context: { targetingKey: id("e", 1) } }, { headers: { ...headers, "If-None-Match": etag } });
  assert.equal(other.httpStatus, 200);
});

test("who may not ask gets the program's default, and the client's own error", async () => {
  for (const [key, status] of [["pk_nobody", 401], [keys.owner, 403]]) {
    const { value, errorCode } = await (await client(key)).getBooleanDetails("everybody", false, {});
    assert.deepEqual([value, errorCode], [false, "GENERAL"]);
    const asked = new OFREPApi(baseUrl).postEvaluateFlags("everybody", {}, { headers: { Authorization: `Bearer ${key}` } });
    await assert.rejects(asked, (/** @type {any} */ { response }) => response.status === status);
  }
});

test("a body that is none says where it is wrong", async () => {
  const ask = async (/** @type {string} */ body) => {
    const headers = { authorization: `Bearer ${keys.pep}`, "content-type": "application/json" };
    const response = await edge.dispatchFetch(`${baseUrl}/ofrep/v1/evaluate/flags/everybody`, { method: "POST", headers, body });
    return [response.status, /** @type {any} */ (await response.json())];
  };
  for (const [body, code, place] of [
    ["", "PARSE_ERROR", "line 1"],
    ['{"context": {"a": 1, "a": 2}}', "PARSE_ERROR", "/context/a"],
    ['{"context": []}', "INVALID_CONTEXT", "/context"],
  ]) {
    const [status, failure] = await ask(body);
    assert.deepEqual([status, failure.errorCode], [400, code]);
    assert.ok(failure.errorDetails.includes(place), failure.errorDetails);
  }
  assert.equal((await ask(`"${"x".repeat(10 << 20)}"`))[0], 413);
});

// The last: from here on the key has to wait.
test("who asks too often is told when to come again", async () => {
  const flags = await client(keys.pep);
  for (let turn = 0; turn < 300; turn += 1) {
    const response = await fetch(`${baseUrl}/ofrep/v1/evaluate/flags`, { method: "POST", headers: { authorization: `Bearer ${keys.pep}` }, body: "{}" });
    await response.arrayBuffer();
    if (response.status !== 429) continue;
    assert.match(response.headers.get("retry-after") ?? "", /^[0-9]+$/);
    const { errorCode } = await flags.getBooleanDetails("everybody", false, {});
    assert.equal(errorCode, "GENERAL");
    return;
  }
  assert.fail("no request was too many");
});
