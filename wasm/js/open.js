// Opening a snapshot with the host's cryptography. WebCrypto's is asynchronous: that is why opening is.
import { ParapetError } from "./error.js";
import { subtle } from "./webcrypto.js";

/** The header, up to the signature and with it; `core/src/snapshot/mod.rs` states the layout. */
const HEADER = 216;
const SIGNED = 152;
const SIGNATURE = 64;
/** A coordinate of a JWK: 32 bytes in base64url, without padding. */
const COORDINATE = /^[A-Za-z0-9_-]{43}$/;
const P256 = { name: "ECDSA", namedCurve: "P-256" };
const ES256 = { name: "ECDSA", hash: "SHA-256" };

/** A wasm module's engine of a snapshot; `bytes` are ours alone, `options` are JSON text. */
export async function open(wasm, call, sha256, bytes, options) {
  const head = bytes.subarray(0, HEADER);
  const key = call(() => wasm.verifyHeader(head, options));
  await checkKeys(JSON.parse(options).keys);
  if (key !== undefined && !(await verify(await publicKey(JSON.parse(key)), head))) {
    throw new ParapetError({ code: "snapshot.wrong_signature", message: "the signature does not verify" });
  }
  const opening = call(() => new wasm.Opening(bytes, options));
  const sections = call(() => opening.sections());
  const digests = new Uint8Array(32 * (sections.length / 2));
  const digest = async (_, index) => {
    const section = bytes.subarray(sections[2 * index], sections[2 * index + 1]);
    digests.set(await sha256(section), 32 * index);
  };
  await Promise.all(Array.from({ length: sections.length / 2 }, digest));
  return call(() => opening.finish(digests));
}

/** A key that is none is refused, whether it is asked for or not. */
async function checkKeys(keys) {
  await Promise.all(keys.filter(({ es256 }) => es256 !== undefined).map(({ es256 }) => publicKey(es256)));
}

async function publicKey({ x, y }) {
  try {
    if (!COORDINATE.test(x) || !COORDINATE.test(y)) throw new TypeError("no coordinates");
    return await subtle().importKey("jwk", { kty: "EC", crv: "P-256", x, y }, P256, false, ["verify"]);
  } catch (cause) {
    if (cause instanceof ParapetError) throw cause;
    throw new ParapetError({ code: "key.invalid_public_key", message: "the public key is no point on P-256" }, { cause });
  }
}

function verify(key, head) {
  return subtle().verify(ES256, key, head.subarray(SIGNED, SIGNED + SIGNATURE), head.subarray(0, SIGNED));
}
