// What is deployed: the files of the built Worker, and how large they may be.
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

/** The files that are uploaded, the entry first; from here. */
export const FILES = ["entry.mjs", "gateway.mjs", "build/index.js", "build/index_bg.wasm"];

/** The most bytes that the gzipped Worker may have: 3.5 MiB. Deciding alone took 1.2, administering 0.5 more, telling
 * people and machines of it another 0.5, signing people in as much, and standing before applications 0.3. What hashes
 * passwords needs a paid plan's time, whose limit is 10 MiB; what counts below that is how soon an isolate begins
 * (`bench/edge/gateway.mjs`). */
export const BUDGET = 3.5 * 1024 * 1024;

/** The bytes of all files together, and of each gzipped, together. */
export async function bundleSize() {
  const contents = await Promise.all(FILES.map((file) => readFile(new URL(file, import.meta.url))));
  return {
    raw: contents.reduce((sum, content) => sum + content.length, 0),
    gzipped: contents.reduce((sum, content) => sum + gzipSync(content).length, 0),
  };
}
