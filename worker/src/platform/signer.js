// Signs with ES256 (RFC 7518, section 3.4) by WebCrypto.

const KEY = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };
const encoder = new TextEncoder();

export function signing_key(jwk) {
  return crypto.subtle.importKey("jwk", JSON.parse(jwk), KEY, false, ["sign"]);
}

export function signature(key, text) {
  return crypto.subtle.sign(SIGNATURE, key, encoder.encode(text));
}
