// The edge build stays small: its size is what a page or a Worker waits for.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { gzipSync } from "node:zlib";

test("what a browser fetches of the edge build has at most 180 KiB, gzipped", () => {
  const gzipped = (file) => gzipSync(readFileSync(new URL(`../pkg/edge/${file}`, import.meta.url)), { level: 9 }).length;
  const total = gzipped("parapet_bg.wasm") + gzipped("browser.js");
  assert.ok(total <= 180 * 1024, `${total} bytes`);
});
