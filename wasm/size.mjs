// Prints how large the built package's parts are, raw and gzipped.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const kib = (bytes) => `${Math.ceil(bytes / 1024)} KiB`;
for (const file of ["parapet_wasm_bg.wasm", "parapet_wasm.js"]) {
  const bytes = readFileSync(new URL(`pkg/${file}`, import.meta.url));
  console.log(`wasm/pkg/${file}: ${kib(bytes.length)}, ${kib(gzipSync(bytes, { level: 9 }).length)} gzipped`);
}
