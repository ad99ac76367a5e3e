// Browsers, and every other host that fetches: the module is loaded when it is needed, from where its glue says that it lies.
// The glue says so by `new URL("parapet_bg.wasm", import.meta.url)`, which bundlers read: so there it is said, and not again here.
export const source = undefined;
export { sha256 } from "./webcrypto.js";
