// The host Node: the module is read when the package is imported, and `node:crypto` hashes without WebCrypto.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** Beside the built entry. */
export const source = readFileSync(new URL("./parapet_bg.wasm", import.meta.url));

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
