// Opening snapshots: the right one opens, every other is refused by its own code.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { ACME, Engine, KEY, NOW, failure, request, snapshot, tenant } from "./tenant.mjs";
import { compileSnapshot } from "@parapet/engine/full";

const refused = (bytes, options, code) => assert.rejects(Engine.open(bytes, options), failure(code), code);
const changed = (bytes, at) => {
  const copy = Uint8Array.from(bytes);
  copy[at] ^= 1;
  return copy;
};

test("a snapshot opens with its key, tenant and version", async () => {
  const bytes = snapshot(7);
  const engine = await Engine.open(bytes, { keys: [{ id: "old", hmac: "01".repeat(32) }, KEY], tenant: ACME, atLeast: 7 });
  assert.equal(engine.policyVersion, 7);
  assert.equal((await Engine.open(Buffer.from(bytes), { keys: [{ ...KEY, hmac: Buffer.alloc(32, 7) }] })).tenant, ACME);
});

test("the same document, version, time and key give the same bytes", () => {
  assert.deepEqual(snapshot(), snapshot(1, { id: "demo", hmac: new Uint8Array(32).fill(7) }));
  assert.deepEqual(snapshot(), compileSnapshot(JSON.stringify(tenant), { version: 1, created: new Date(NOW), key: KEY }));
});

test("every other is refused", async () => {
  const bytes = snapshot(7);
  const keys = [KEY];
  await refused(bytes, { keys: [] }, "snapshot.unknown_key");
  await refused(bytes, { keys: [{ id: "other", hmac: KEY.hmac }] }, "snapshot.unknown_key");
  await refused(bytes, { keys: [{ id: "demo", hmac: "08".repeat(32) }] }, "snapshot.wrong_signature");
  await refused(bytes, { keys, tenant: "0195f000-0000-7000-8000-000000000002" }, "snapshot.wrong_tenant");
  await refused(bytes, { keys, atLeast: 8 }, "snapshot.older_version");
  await refused(bytes.subarray(0, bytes.length - 8), { keys }, "snapshot.truncated");
  await refused(bytes.subarray(0, 100), { keys }, "snapshot.truncated");
  await refused(new Uint8Array(), { keys }, "snapshot.not_a_snapshot");
  await refused(new TextEncoder().encode("<html>not found</html>".repeat(20)), { keys }, "snapshot.not_a_snapshot");
  await refused(changed(bytes, 8), { keys }, "snapshot.unknown_format");
  await refused(changed(bytes, 33), { keys }, "snapshot.wrong_signature");
  await refused(changed(bytes, bytes.length - 20), { keys }, "snapshot.wrong_hash");
  await refused("text", { keys }, "snapshot.not_bytes");
  await refused(bytes.buffer, { keys }, "snapshot.not_bytes");
  await refused({ [Symbol.toStringTag]: "Uint8Array", length: 1e9 }, { keys }, "snapshot.not_bytes");
});

test("bytes that lie about their length are read as they are", async () => {
  class Liar extends Uint8Array {
    get length() {
      return 8;
    }
  }
  assert.equal((await Engine.open(new Liar(snapshot()), { keys: [KEY] })).policyVersion, 1);
});

test("a snapshot for outside is opened with the public key alone", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { d } = privateKey.export({ format: "jwk" });
  const jwk = publicKey.export({ format: "jwk" });
  const bytes = snapshot(3, { id: "edge", es256: { d } });
  const engine = await Engine.open(bytes, { keys: [{ id: "edge", es256: jwk }] });
  assert.equal(engine.decide(request()).decision, true);
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  await refused(bytes, { keys: [{ id: "edge", es256: other }] }, "snapshot.wrong_signature");
  await refused(bytes, { keys: [{ ...KEY, id: "edge" }] }, "snapshot.wrong_signature");
  await refused(bytes, { keys: [{ id: "edge", es256: { x: jwk.y, y: jwk.x } }] }, "key.invalid_public_key");
});

test("options that are none say so, and hold no secret", async () => {
  const bytes = snapshot();
  const secret = "zz".repeat(32);
  for (const options of [
    undefined, null, {}, { keys: null }, { keys: secret }, { keys: [secret] }, { keys: [KEY], tenat: ACME }, { keys: [{}] },
    { keys: [KEY], tenant: "acme" }, { keys: [KEY], atLeast: -1 }, { keys: [KEY], atLeast: 1.5 }, { keys: [KEY], tenant: null },
    { keys: [{ id: "demo" }] }, { keys: [{ id: "demo", hmac: secret }] }, { keys: [{ ...KEY, es256: { x: "", y: "" } }] },
  ]) {
    const problem = await Engine.open(bytes, options).then(() => assert.fail("it opened"), (error) => error);
    assert.match(problem.code, /^options\.(invalid|not_json)$/, JSON.stringify(options));
    assert.ok(!problem.message.includes("zz"), problem.message);
    assert.doesNotMatch(problem.message, /\b(struct|enum|u64|Option|sequence of|Vec)\b/);
  }
  await refused(bytes, { keys: [{ id: "", hmac: KEY.hmac }] }, "key.invalid_id");
  await refused(bytes, { keys: [{ id: "demo", hmac: "07" }] }, "key.secret_too_short");
  const made = { version: 1, created: NOW, key: KEY };
  for (const options of [{ ...made, version: -1 }, { ...made, created: "now" }, { ...made, key: { id: "demo" } }]) {
    assert.throws(() => compileSnapshot(tenant, options), failure("options.invalid"));
  }
});
