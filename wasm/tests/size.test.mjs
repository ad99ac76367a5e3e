// The edge build stays small: its size is what a page or a Worker waits for.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { gzipSync } from "node:zlib";

test("the edge build has at most 170 KiB, gzipped", () => {
  const wasm = readFileSync(new URL("../pkg/edge/parapet_bg.wasm", import.meta.url));
  assert.ok(gzipSync(wasm, { level: 9 }).length <= 170 * 1024);
});
