// A passkey in software, with the browser around it (W3C Web Authentication Level 3), for the end-to-end tests.
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

const [PRESENT, VERIFIED, ATTESTED] = [0x01, 0x04, 0x40];
const hash = (/** @type {import("node:crypto").BinaryLike} */ data) => createHash("sha256").update(data).digest();
const length = (/** @type {Buffer} */ bytes) => Buffer.from([bytes.length >> 8, bytes.length & 255]);

/** One credential of ES256, which verifies its user and counts what it signs. */
export class SoftKey {
  #pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  #id = randomBytes(16);
  #count = 0;
  #origin;
  #user = "";

  /** @param {string} origin the page that the browser shows */
  constructor(origin) {
    this.#origin = origin;
  }

  #client(/** @type {string} */ type, /** @type {string} */ challenge) {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.#origin, crossOrigin: false }));
  }

  #data(/** @type {number} */ flags) {
    this.#count += 1;
    const count = Buffer.alloc(4);
    count.writeUInt32BE(this.#count);
    return Buffer.concat([hash(new URL(this.#origin).hostname), Buffer.from([flags | PRESENT | VERIFIED]), count]);
  }

  #response(/** @type {Record<string, Buffer>} */ members) {
    const texts = Object.entries(members).map(([name, bytes]) => [name, bytes.toString("base64url")]);
    const id = this.#id.toString("base64url");
    return { id, rawId: id, type: "public-key", response: Object.fromEntries(texts), clientExtensionResults: {} };
  }

  /** `navigator.credentials.create`. */
  create(/** @type {any} */ options) {
    this.#user = options.user.id;
    const { x = "", y = "" } = this.#pair.publicKey.export({ format: "jwk" });
    // A COSE key of ES256: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
    const cose = Buffer.concat([
      Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]), Buffer.from(x, "base64url"),
      Buffer.from([0x22, 0x58, 0x20]), Buffer.from(y, "base64url"),
    ]);
    const data = Buffer.concat([this.#data(ATTESTED), Buffer.alloc(16), length(this.#id), this.#id, cose]);
    // {"fmt": "none", "attStmt": {}, "authData": data}.
    const attestationObject = Buffer.concat([
      Buffer.from([0xa3, 0x63]), Buffer.from("fmt"), Buffer.from([0x64]), Buffer.from("none"), Buffer.from([0x67]), Buffer.from("attStmt"),
      Buffer.from([0xa0, 0x68]), Buffer.from("authData"), Buffer.from([0x59]), length(data), data,
    ]);
    return this.#response({ clientDataJSON: this.#client("webauthn.create", options.challenge), attestationObject });
  }

  /** `navigator.credentials.get`. */
  get(/** @type {any} */ options) {
    const clientDataJSON = this.#client("webauthn.get", options.challenge);
    const authenticatorData = this.#data(0);
    const signature = sign("sha256", Buffer.concat([authenticatorData, hash(clientDataJSON)]), this.#pair.privateKey);
    return this.#response({ clientDataJSON, authenticatorData, signature, userHandle: Buffer.from(this.#user, "base64url") });
  }
}
