// Who asks, as the gateway says it in `X-Parapet-Identity`: a JSON Web Token for this application alone, signed with a key
// that the tenant publishes (docs/gateway.md). Nothing else that a request says of its sender is believed.
import { get } from "node:http";

/** For so many milliseconds keys are not fetched again, whatever key a token names. */
const PAUSE = 5_000;

/**
 * Makes the reader of an application.
 *
 * @param {object} gateway
 * @param {string} gateway.issuer the tenant's own origin
 * @param {string} gateway.audience the application's host, without its port
 * @param {number} gateway.port where the edge listens on this machine
 * @returns {(header: unknown) => Promise<{ sub: string, decision: string } | null>} what a header says; nothing where it is
 *   not the gateway's, or not good any more
 */
export function identityOf({ issuer, audience, port }) {
  const known = new Map();
  let fetched = -Infinity;

  const keyOf = async (/** @type {unknown} */ kid) => {
    if (!known.has(kid) && performance.now() - fetched > PAUSE) {
      const { keys } = await fetchJson(issuer, port);
      // The first key is made when it is first needed.
      if (keys.length > 0) fetched = performance.now();
      for (const jwk of keys) {
        known.set(jwk.kid, await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]));
      }
    }
    return known.get(kid);
  };

  return async (header) => {
    const parts = typeof header === "string" ? header.split(".") : [];
    if (parts.length !== 3) return null;
    try {
      const [head, claims] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
      if (head.alg !== "ES256" || head.typ !== "parapet-identity+jwt") return null;
      const key = await keyOf(head.kid);
      if (key === undefined) return null;
      const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
      const isSigned = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, Buffer.from(parts[2], "base64url"), signed);
      const isMeant = claims.iss === issuer && claims.aud === audience && claims.exp * 1000 > Date.now();
      return isSigned && isMeant ? claims : null;
    } catch {
      // Keys that cannot be had, and what is no token, say of nobody who they are.
      return null;
    }
  };
}

/** Reads the tenant's keys. Names under `localhost` lead to this machine, which not every resolver knows. */
function fetchJson(/** @type {string} */ issuer, /** @type {number} */ port) {
  const options = { host: "127.0.0.1", port, path: "/.well-known/jwks.json", headers: { host: new URL(issuer).host } };
  return new Promise((resolve, reject) => {
    get(options, async (response) => {
      try {
        let text = "";
        for await (const piece of response) text += piece;
        resolve(JSON.parse(text));
      } catch (error) {
        reject(error);
      }
    }).on("error", reject);
  });
}
