// The host workerd, Cloudflare's: it compiles no wasm while it runs, and gives what lies beside the built entry as a
// `WebAssembly.Module`.
export { default as source } from "./parapet_bg.wasm";
export { sha256 } from "./webcrypto.js";
