// Prints how large what a browser fetches is, raw and gzipped.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const kib = (bytes) => `${Math.ceil(bytes / 1024)} KiB`;
for (const file of ["edge/parapet_bg.wasm", "edge/browser.js", "full/parapet_bg.wasm", "full/browser.js"]) {
  const bytes = readFileSync(new URL(`pkg/${file}`, import.meta.url));
  console.log(`wasm/pkg/${file}: ${kib(bytes.length)}, ${kib(gzipSync(bytes, { level: 9 }).length)} gzipped`);
}
