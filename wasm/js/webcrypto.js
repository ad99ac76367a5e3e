// WebCrypto, which every host has, but a browser only for pages that came safely.
import { ParapetError } from "./error.js";

export function subtle() {
  const { subtle } = globalThis.crypto ?? {};
  if (subtle !== undefined) return subtle;
  throw new ParapetError({ code: "engine.no_webcrypto", message: "opening needs WebCrypto: a page must come over https" });
}

/** For hosts that hash by nothing else. */
export async function sha256(bytes) {
  return new Uint8Array(await subtle().digest("SHA-256", bytes));
}
