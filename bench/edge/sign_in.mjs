// Signing in over HTTP in workerd on this machine: a right password, and the same without the hashing. What hashing takes
// there is the difference of two refusals that are alike but for the hash: one of Argon2id as the service makes it, one of a
// single round of PBKDF2. And whether an unknown name takes as long to refuse as a wrong password.
import { pbkdf2Sync } from "node:crypto";
import { Agent, request } from "node:http";
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { startEdge } from "../../worker/edge.mjs";
import { SECRETS, office } from "../../tests/e2e/office.mjs";

const TRIES = Number(process.env.TRIES ?? 200);
/** The most that signing in may take, of the time that hashing takes alone. */
const BAR = 1.3;
/** The most milliseconds of everything else. */
const REST = 10;
const OUT = fileURLToPath(new URL("../../target/bench/", import.meta.url));
const PASSWORD = "ein Pferd frisst keinen Gurkensalat";
/** Argon2id of it with the service's parameters. */
const ARGON2 = "$argon2id$v=19$m=19456,t=2,p=1$cGFyYXBldCBlMmUgc2FsdA$V5ZBGbW/a+PVFmE7DJqwZa1q02pB691Csq/sPvbm7DU";
const CHEAP = `pbkdf2_sha256$1$salt$${pbkdf2Sync(PASSWORD, "salt", 1, 32, "sha256").toString("base64")}`;

const variables = { ...SECRETS, BASE_DOMAIN: "id.example", STRANGER_RATE_LIMIT: "0", RATE_LIMIT: "0" };
// What goes on behind a sign-in (events, messages) is work of other invocations: here it would come in the middle of the next.
const edge = await startEdge({ variables, direct: true, consumes: false });
try {
  // The first user has the one hash, the second the other.
  const { db } = await office(edge, 2);
  await db.batch([
    db.prepare("UPDATE user SET password_hash = ?1 WHERE email = 'user-0@acme.example'").bind(ARGON2),
    db.prepare("UPDATE user SET password_hash = ?1 WHERE email = 'user-1@acme.example'").bind(CHEAP),
  ]);
  const { hostname, port } = await edge.unsafeGetDirectURL("edge");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  /** How long a try takes, in milliseconds. */
  const signIn = (/** @type {string} */ identifier, /** @type {string} */ password, /** @type {number} */ expected) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify({ identifier, password, delivery: "token" });
      const sent = performance.now();
      const headers = { host: "acme.id.example", "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const asked = request({ hostname, port, agent, method: "POST", path: "/v1/auth/sign-in", headers }, (response) => {
        response.on("data", () => {}).on("end", () => {
          const took = performance.now() - sent;
          if (response.statusCode === expected) resolve(took);
          else reject(new Error(`${identifier}: ${response.statusCode}`));
        });
      });
      asked.on("error", reject).end(body);
    });
  const kinds = {
    "signed in": () => signIn("user-0@acme.example", PASSWORD, 200),
    "wrong password": () => signIn("user-0@acme.example", "wrong", 401),
    "unknown name": () => signIn("nobody@acme.example", "wrong", 401),
    "wrong password, without hashing": () => signIn("user-1@acme.example", "wrong", 401),
  };
  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, /** @type {number[]} */ ([])]));
  for (let turn = -10; turn < TRIES; turn += 1) {
    for (const [kind, ask] of Object.entries(kinds)) {
      // No try waits for one before.
      await db.prepare("DELETE FROM login_throttle").run();
      const took = /** @type {number} */ (await ask());
      if (turn >= 0) times[kind].push(took);
    }
  }
  const at = (/** @type {number[]} */ sorted, /** @type {number} */ share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const results = Object.entries(times).map(([what, all]) => {
    const sorted = all.toSorted((one, other) => one - other);
    return { what, p10: at(sorted, 0.1), p50: at(sorted, 0.5), p90: at(sorted, 0.9), p99: at(sorted, 0.99) };
  });
  const p50 = (/** @type {string} */ what) => results.find((it) => it.what === what)?.p50 ?? NaN;
  const hashing = p50("wrong password") - p50("wrong password, without hashing");
  const share = p50("signed in") / hashing;
  const rest = p50("signed in") - hashing;
  await mkdir(OUT, { recursive: true });
  await writeFile(`${OUT}sign_in.json`, JSON.stringify({ tries: TRIES, bar: BAR, most: REST, results, hashing, share, rest }, null, 2));
  const ms = (/** @type {number} */ number) => `${number.toFixed(1)} ms`;
  console.log(`POST /v1/auth/sign-in, ${TRIES} of each, one after the other, interleaved\n`);
  console.log("| | p10 | p50 | p90 | p99 |\n|---|--:|--:|--:|--:|");
  for (const { what, p10, p50, p90, p99 } of results) console.log(`| ${what} | ${ms(p10)} | ${ms(p50)} | ${ms(p90)} | ${ms(p99)} |`);
  console.log(`\nArgon2id alone ${ms(hashing)}; signing in ${share.toFixed(2)}x of it (at most ${BAR}x), everything else ${ms(rest)} (at most ${REST} ms)`);
} finally {
  await edge.dispose();
}
