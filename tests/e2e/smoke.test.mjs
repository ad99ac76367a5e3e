// The built Worker runs in workerd, and answers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { migrate, startEdge } from "../../worker/edge.mjs";

/** @type {import("miniflare").Miniflare} */
let edge;
before(async () => {
  edge = await startEdge({ wrapper: new URL("faults.mjs", import.meta.url), log: console.log });
  await migrate(await edge.getD1Database("DB"));
});
after(() => edge.dispose());

test("the service is up", async () => {
  const response = await edge.dispatchFetch("http://localhost/healthz");
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { status: "ok" });
  assert.match(response.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
});

test("a method that nobody knows is not taken for another", async () => {
  for (const method of ["QUERY", "PROPFIND"]) {
    const response = await edge.dispatchFetch("http://localhost/healthz", { method });
    assert.equal(response.status, 405, method);
    assert.equal(response.headers.get("allow"), "GET, HEAD");
  }
});

test("the API describes itself to anybody", async () => {
  const response = await edge.dispatchFetch("http://localhost/openapi.json");
  assert.equal(response.status, 200);
  const document = /** @type {any} */ (await response.json());
  assert.equal(document.openapi, "3.1.0");
  assert.ok(document.paths["/access/v1/evaluation"].post);
});

test("a request without a key is refused", async () => {
  const response = await edge.dispatchFetch("http://localhost/access/v1/evaluation", { method: "POST", body: "{}" });
  assert.equal(response.status, 401);
  assert.equal(response.headers.get("www-authenticate"), "Bearer");
  const problem = /** @type {any} */ (await response.json());
  assert.equal(problem.code, "key.missing");
});
