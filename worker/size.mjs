// Prints how large the built Worker is, raw and gzipped; start-up time grows with it.
import { bundleSize, BUDGET } from "./bundle.mjs";

const { raw, gzipped } = await bundleSize();
const kib = (/** @type {number} */ bytes) => `${Math.ceil(bytes / 1024)} KiB`;
console.log(`Worker: ${kib(raw)}, ${kib(gzipped)} gzipped (budget ${kib(BUDGET)})`);
