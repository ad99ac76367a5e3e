// What an authenticator app shows (RFC 6238: SHA-1, six digits, 30 seconds), for the end-to-end tests.
import { createHmac } from "node:crypto";

const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/**
 * The code of a secret, so many steps from now.
 *
 * @param {string} secret in base32 (RFC 4648)
 */
export function codeOf(secret, later = 0) {
  const bits = [...secret].map((sign) => SIGNS.indexOf(sign).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const hash = createHmac("sha1", key).update(step).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fff_ffff;
  return String(number % 1_000_000).padStart(6, "0");
}
