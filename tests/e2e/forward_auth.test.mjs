// Forward authentication by real servers, with the configurations of fixtures/forward-auth: nginx, Caddy and Apache, where
// they are installed, before a real application.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startEdge } from "../../worker/edge.mjs";
import { HOST, ask, behind, startApplication } from "./application.mjs";
import { SECRETS, id, office } from "./office.mjs";

const CONFIGURATIONS = fileURLToPath(new URL("../../fixtures/forward-auth/", import.meta.url));

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {any} */
let keys;
/** @type {Awaited<ReturnType<typeof startApplication>>} */
let application;
/** @type {string} */
let folder;
/** @type {URL} */
let parapet;

before(async () => {
  application = await startApplication();
  folder = await mkdtemp(join(tmpdir(), "parapet-"));
  const variables = { ...SECRETS, FRESHNESS_SECONDS: "1", LOCAL: "1", BASE_DOMAIN: "id.localhost" };
  edge = await startEdge({ variables, direct: true, log: console.log });
  keys = await office(edge, 1);
  await behind(await edge.getWorker(), keys, /** @type {any} */ (null));
  parapet = await edge.unsafeGetDirectURL();
});
after(async () => {
  await edge.dispose();
  await application.close();
  await rm(folder, { recursive: true });
});

const bearer = (/** @type {string} */ key) => ({ authorization: `Bearer ${key}` });

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  server.close();
  return port;
}

/** Starts a server, and ends it when what is to be done with it is done. */
async function serving(/** @type {string} */ program, /** @type {string[]} */ args, /** @type {any} */ env, /** @type {number} */ port, /** @type {(url: URL) => Promise<void>} */ use) {
  const server = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (text) => (said += text));
  try {
    const url = new URL(`http://127.0.0.1:${port}/`);
    for (let tries = 0; ; tries++) {
      if (await ask(url, "/echo").catch(() => undefined)) break;
      if (tries > 100 || server.exitCode !== null) throw new Error(`${program} does not serve: ${said}`);
      await new Promise((go) => setTimeout(go, 50));
    }
    await use(url);
  } finally {
    server.kill();
    if (server.exitCode === null) await once(server, "exit");
  }
}

/** What holds whichever server asks. */
async function holds(/** @type {URL} */ url) {
  const passed = await ask(url, "/papers/7?a=1", { headers: bearer(keys.key(0)) });
  assert.equal(passed.status, 200, passed.text);
  assert.equal(passed.body.url, "/papers/7?a=1");
  const claims = JSON.parse(Buffer.from(passed.body.headers["x-parapet-identity"].split(".")[1], "base64url").toString());
  assert.deepEqual([claims.sub, claims.aud], [id("e", 0), HOST]);
  // Nor can a caller have it taken away on the way (RFC 9110, section 7.6.1).
  const named = await ask(url, "/papers/7", { headers: { ...bearer(keys.key(0)), connection: "close, x-parapet-identity, x-forwarded-for" } });
  assert.match(named.body.headers["x-parapet-identity"] ?? "", /^e/, "a header that the connection names");
  assert.ok(named.body.headers["x-forwarded-for"]);
  const count = application.seen.length;
  assert.equal((await ask(url, "/papers/7", { headers: bearer(keys.owner) })).status, 403);
  assert.equal((await ask(url, "/papers/7")).status, 401);
  assert.equal((await ask(url, "/papers/7", { method: "DELETE", headers: bearer(keys.key(0)) })).status, 403);
  // What a caller says of what is asked changes nothing.
  const spoofed = {
    "x-original-url": `http://${HOST}/echo`, "x-original-method": "GET", "x-forwarded-uri": "/echo", "x-forwarded-method": "GET",
    "x-forwarded-host": "other.localhost", "x-http-method-override": "GET", "x-parapet-key": keys.pep, "x-parapet-identity": "forged",
  };
  assert.equal((await ask(url, "/papers/7", { headers: spoofed })).status, 401);
  assert.equal((await ask(url, "/papers/7", { headers: { ...spoofed, ...bearer(keys.owner) } })).status, 403);
  for (const path of ["/papers/a%2fb", "/papers//7", "/papers/%2e%2e/x", "/papers/7;x"]) {
    const refused = await ask(url, path, { headers: bearer(keys.key(0)) });
    assert.ok(refused.status >= 400, `${path}: ${refused.status}`);
  }
  assert.equal(application.seen.length, count, "the application was asked nothing");
  const anyone = await ask(url, "/echo", { headers: spoofed });
  assert.deepEqual([anyone.status, anyone.body.headers["x-parapet-identity"] ?? ""], [200, ""]);
  assert.equal(anyone.body.headers["x-parapet-key"], undefined);
  // A browser goes where it can sign in, with a state of its own.
  const door = await ask(url, "/papers/7?b=2", { headers: { accept: "text/html" } });
  assert.equal(door.status, 303, door.text);
  assert.match(door.headers.location, new RegExp(`^http://acme\\.id\\.localhost[:\\d]*/handoff\\?host=${HOST}&state=[0-9a-f]{64}&return_to=%2Fpapers%2F7%3Fb%3D2$`));
  assert.match(String(door.headers["set-cookie"]), /__Host-step=pc_/);
  const back = await ask(url, "/.parapet/callback?code=x", { headers: { accept: "application/json" } });
  assert.deepEqual([back.status, back.body.code], [400, "handoff.refused"]);
}

const is = (/** @type {string} */ program, /** @type {string} */ flag) => spawnSync(program, [flag]).error === undefined;

/** Writes a configuration with these values where its `${NAME}` stand. */
async function configured(/** @type {string} */ name, /** @type {Record<string, string>} */ values) {
  let text = await readFile(join(CONFIGURATIONS, name), "utf8");
  for (const [name, value] of Object.entries(values)) text = text.replaceAll(`\${${name}}`, value);
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** What every configuration has to be told. */
const values = (/** @type {number} */ port) => ({
  PARAPET: parapet.host, APPLICATION: new URL(application.origin).host, KEY: keys.pep, LISTEN: `127.0.0.1:${port}`, SCHEME: "http", FOLDER: folder,
});

test("nginx asks, and passes on what may be", { skip: !is("nginx", "-v") && "nginx is not installed" }, async () => {
  const port = await freePort();
  const path = await configured("nginx.conf", values(port));
  await serving("nginx", ["-c", path, "-e", join(folder, "error.log")], {}, port, holds);
});

const MODULES = "/usr/lib/apache2/modules";
const noApache =
  (!is("apache2", "-v") && "Apache is not installed") ||
  (!existsSync(join(MODULES, "mod_lua.so")) && "Apache has no mod_lua") ||
  (!existsSync("/usr/share/lua/5.3/socket/http.lua") && "lua-socket is not installed");

test("Apache asks, and passes on what may be", { skip: noApache }, async () => {
  const port = await freePort();
  // Where it is started by root it serves as somebody else.
  await chmod(folder, 0o755);
  await configured("apache.lua", values(port));
  const path = await configured("apache.conf", { ...values(port), MODULES });
  await serving("apache2", ["-f", path, "-D", "FOREGROUND"], {}, port, async (url) => {
    await holds(url);
    // What lies under Parapet's own path is not asked about, and leads to Parapet alone, however it is written.
    const count = application.seen.length;
    for (const path of ["/.parapet/../papers/7", "/.parapet/%2e%2e/papers/7", "/x/../.parapet/y", "/.parapet/..%2fpapers/7", "//.parapet/y"]) {
      const refused = await ask(url, path, { headers: bearer(keys.key(0)) });
      assert.ok(refused.status >= 400, `${path}: ${refused.status}`);
    }
    assert.equal(application.seen.length, count);
  });
});

test("Caddy asks, and passes on what may be", { skip: !is("caddy", "version") && "Caddy is not installed" }, async () => {
  const port = await freePort();
  const env = {
    PARAPET: parapet.host, APPLICATION: new URL(application.origin).host, KEY: keys.pep, LISTEN: `http://:${port}`, SCHEME: "http",
    XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder,
  };
  await serving("caddy", ["run", "--config", join(CONFIGURATIONS, "Caddyfile"), "--adapter", "caddyfile"], env, port, holds);
});
