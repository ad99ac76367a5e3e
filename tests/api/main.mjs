// `make test-api`: requests that are generated from the OpenAPI document, sent to the built Worker in workerd.
//
// node tests/api/main.mjs <folder of schemathesis> [more arguments for `schemathesis run`]
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { migrate, startEdge } from "../../worker/edge.mjs";
import { seedOwner } from "./seed.mjs";

const [folder, ...more] = process.argv.slice(2);
// They ask a resolver on the network; and lines are in no media type that it writes.
const NOT_ASKED = ["verifyDomain", "createWebhook", "updateWebhook", "createGatewayHost", "createIdentityProvider", "importLines"].map((id) => `--exclude-operation-id=${id}`);
const OF_KEYS = ["updateApiKey", "deleteApiKey", "rotateApiKey", "revokeOwnApiKey"];
const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * What the Worker logs is of interest only where something failed.
 *
 * @type {string[]}
 */
const lines = [];
const edge = await startEdge({
  variables: {
    FRESHNESS_SECONDS: "0",
    // All its requests come from one address, and many of them without a key on purpose.
    STRANGER_RATE_LIMIT: "0",
    SNAPSHOT_KEY: randomBytes(32).toString("hex"),
    SNAPSHOT_KEY_ID: "test",
    PUBLISH_KEY: "17".repeat(32),
    PUBLISH_KEY_ID: "public",
    DATA_KEY: randomBytes(32).toString("hex"),
    DATA_KEY_ID: "test",
    LOCAL: "1",
  },
  log: (line) => {
    lines.push(line);
  },
});
try {
  const db = await edge.getD1Database("DB");
  await migrate(db);
  const key = await seedOwner(db);
  const { origin } = await edge.ready;
  const valid = await run("python", ["-m", "openapi_spec_validator", "--schema", "3.1", here("../../worker/openapi.json")]);
  const ask = ["--config-file", here("schemathesis.toml"), "run", `${origin}/openapi.json`];
  const verified = await verify(String(origin), key);
  const asked = await run("schemathesis", [...ask, ...NOT_ASKED, ...OF_KEYS.map((id) => `--exclude-operation-id=${id}`), ...more], { PARAPET_KEY: key });
  // Last, and apart: these may end the very key that asks.
  const ended = await run("schemathesis", [...ask, ...OF_KEYS.map((id) => `--include-operation-id=${id}`), ...more], { PARAPET_KEY: key });
  const wired = await run(process.execPath, ["--test", here("../e2e/wires.test.mjs")], { HTTPIE: resolve(folder, "bin/http") });
  process.exitCode = valid || verified || asked || ended || wired;
  if (process.exitCode) console.error(lines.slice(-50).join("\n"));
} finally {
  await edge.dispose();
  await rm(here("../../.schemathesis"), { recursive: true, force: true });
}

/**
 * Has the reference library of PyPI verify what a webhook is sent while its secret is being changed.
 *
 * @param {string} origin
 * @param {string} key
 * @returns {Promise<number>}
 */
async function verify(origin, key) {
  const call = async (/** @type {string} */ path, /** @type {any} */ body) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const response = await fetch(new URL(path, origin), { method: "POST", headers, body: JSON.stringify(body) });
    return /** @type {any} */ (await response.json());
  };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    response.writeHead(204).end();
    server.emit("heard", { headers: request.headers, body });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  try {
    const made = await call("/v1/webhooks", { name: "verified", url: `http://127.0.0.1:${port}/`, event_types: ["user.purged"] });
    const { secret } = await call(`/v1/webhooks/${made.id}/rotate-secret`, {});
    const heard = once(server, "heard");
    await call(`/v1/webhooks/${made.id}/test`, {});
    const [sent] = await heard;
    return await run("python", [here("verify.py"), JSON.stringify({ ...sent, secrets: [made.secret, secret] })]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/**
 * Runs a program of the folder, or one by its whole path, and gives its exit code.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 * @returns {Promise<number>}
 */
function run(program, args, env = {}) {
  return new Promise((done, reject) => {
    const child = spawn(resolve(folder, "bin", program), args, { stdio: "inherit", env: { ...process.env, ...env } });
    child.on("error", reject);
    child.on("exit", (code) => done(code ?? 1));
  });
}
