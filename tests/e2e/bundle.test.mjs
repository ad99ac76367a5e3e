// What is deployed is small enough, and holds nothing that serves tests or local work only.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { BUDGET, FILES, bundleSize } from "../../worker/bundle.mjs";

test("the Worker is within its budget", async () => {
  const { gzipped } = await bundleSize();
  assert.ok(gzipped <= BUDGET, `${gzipped} of ${BUDGET} bytes`);
});

test("nothing of tests or local work is in it", async () => {
  const contents = await Promise.all(FILES.map((file) => readFile(new URL(`../../worker/${file}`, import.meta.url), "latin1")));
  // The harness's header, the demo tenant, the inbox, the programs' own words, and paths of whoever built it.
  for (const word of ["x-test-now", "lumen", "Lumen Analytics", "made to fail", "sqlite3", "parapet seed", "/dev/inbox", "/home/", "/root/"]) {
    for (const content of contents) assert.ok(!content.includes(word), word);
  }
});
