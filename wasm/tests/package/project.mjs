// A project in an empty folder, into which the packed package is installed, and what all environments are asked there.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as edge from "@parapet/engine";
import * as full from "@parapet/engine/full";
import { KEY, NOW, request, snapshot, tenant } from "../tenant.mjs";
import { ask } from "./project/ask.mjs";

const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));
const TOOLS = fileURLToPath(new URL("../../../node_modules/.bin/", import.meta.url));
const run = promisify(execFile);
/** No program looks for a network, or tells anybody anything. */
const env = { ...process.env, CI: "1", CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" };

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { d } = privateKey.export({ format: "jwk" });
const { x, y } = publicKey.export({ format: "jwk" });
const base64 = (bytes) => Buffer.from(bytes).toString("base64");

/** A tenant's snapshots by either kind of key, and requests that it allows and denies. */
export const given = {
  document: tenant,
  made: { version: 1, created: NOW, key: KEY },
  now: NOW,
  requests: [
    request("read"),
    request("read", { resource: { type: "document", id: "plan", properties: { label: "secret" } } }),
    request("write", { context: { spent: 99 } }),
    request("write", { context: { spent: 100 } }),
    request("write", { context: { spent: 1.5 } }),
    request("read", { subject: { type: "user", id: "nobody" } }),
  ],
  snapshots: [
    { base64: base64(snapshot(1)), keys: [KEY] },
    { base64: base64(snapshot(2, { id: "outside", es256: { d } })), keys: [{ id: "outside", es256: { x, y } }] },
  ],
};

/** What Node answers of the package where it was built. */
export const expected = JSON.parse(JSON.stringify(await Promise.all([ask(edge, given), ask(full, given)])));

/** Packs the package and makes the project. */
export async function makeProject() {
  const folder = await mkdtemp(join(tmpdir(), "parapet-package-"));
  const npm = (...args) => run("npm", args, { cwd: folder, env });
  const write = (name, content) => writeFile(join(folder, name), content);
  await cp(new URL("project/", import.meta.url), folder, { recursive: true });
  await write("given.mjs", `export default ${JSON.stringify(given)};\n`);
  await write("package.json", JSON.stringify({ name: "project", private: true }));
  const { stdout } = await npm("pack", "--json", PACKAGE);
  const [packed] = JSON.parse(stdout);
  await npm("install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", `./${packed.filename}`);
  return {
    folder,
    tarball: join(folder, packed.filename),
    installed: join(folder, "node_modules/@parapet/engine"),
    /** The paths in the tarball. */
    files: packed.files.map(({ path }) => path).sort(),
    /** Runs a program of this repository in the project; gives what it prints. */
    async run(program, ...args) {
      const path = program === "node" ? process.execPath : join(TOOLS, program);
      const { stdout } = await run(path, args, { cwd: folder, env }).catch(({ stdout, stderr }) => assert.fail(stdout + stderr));
      return stdout;
    },
    write,
    remove: () => rm(folder, { recursive: true }),
  };
}
