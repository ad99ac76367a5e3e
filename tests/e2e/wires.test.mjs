// docs/wires.md and docs/wires.http keep their word: each request is sent to the built Worker with the demo tenant, and
// answered with what stands under it. HTTPie itself runs where `HTTPIE` says its program is (`make test-api` installs it);
// elsewhere its commands are read and sent.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startEdge } from "../../worker/edge.mjs";
import { seed } from "../../worker/seed.mjs";
import { SECRETS, office } from "./office.mjs";

const DEMO = fileURLToPath(new URL("../../fixtures/saas/tenant.json", import.meta.url));
const { HTTPIE } = process.env;
const read = (/** @type {string} */ name) => readFile(new URL(`../../docs/${name}`, import.meta.url), "utf8");

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {{ PARAPET: string, KEY: string, ADMIN: string }} */
let variables;
/** Where the commands put files. */
let folder = "";

before(async () => {
  edge = await startEdge({ variables: SECRETS, log: console.log });
  // A tenant of one's own, whose owner's key changes rows.
  const { db, owner } = await office(edge);
  const document = JSON.parse(await readFile(DEMO, "utf8"));
  const keys = (await seed(db, DEMO))[document.tenant.slug];
  folder = await mkdtemp(join(tmpdir(), "parapet-wires-"));
  const pep = document.api_key.find((/** @type {any} */ { user_id, service_account_id }) => !user_id && !service_account_id);
  variables = { PARAPET: (await edge.ready).origin, KEY: keys[pep.id], ADMIN: owner };
});
after(async () => {
  await edge.dispose();
  await rm(folder, { recursive: true });
});

/** The blocks of a kind, each with the answer under it. */
async function commands() {
  const blocks = [...(await read("wires.md")).matchAll(/^```(sh|json)\n(.*?)^```$/gms)].map(([, kind, text]) => ({ kind, text }));
  return blocks.flatMap(({ kind, text }, at) => {
    if (kind !== "sh") return [];
    const answer = blocks.slice(at).find((block) => block.kind === "json")?.text ?? "";
    return [{ text, answer: JSON.parse(answer) }];
  });
}

/** Runs a shell's text, and gives what it prints. */
async function shell(/** @type {string} */ text, /** @type {any} */ more = {}) {
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", text], { cwd: folder, env: { ...process.env, ...variables, ...more } });
  return stdout;
}

/** Holds an answer to what is said of it: of an object, the members that are named; of an array, its first ones. */
function holds(/** @type {any} */ answer, /** @type {any} */ said, /** @type {string} */ where) {
  if (said === null || typeof said !== "object") return assert.equal(answer, said, where);
  for (const [name, value] of Object.entries(said)) {
    assert.ok(answer !== null && typeof answer === "object" && name in answer, `${where}/${name} of ${JSON.stringify(answer)}`);
    holds(answer[name], value, `${where}/${name}`);
  }
}

/** Sends what an HTTPie command asks for: `a[b]=text`, `a[b]:=json`, `a==query`, `Name:value`, and the options that the page uses. */
async function httpie(/** @type {string} */ text) {
  const given = JSON.parse(await shell(`http() { node -e 'console.log(JSON.stringify(process.argv.slice(1)))' -- "$@"; }\n${text}`));
  /** @type {Record<string, string>} */
  const options = {};
  const items = [];
  while (given.length > 0) {
    const argument = given.shift();
    if (/^-(A|a|-raw)$/.test(argument)) options[argument] = given.shift();
    else if (argument !== "-b") items.push(argument);
  }
  const [method, url] = items.splice(0, 2);
  const to = new URL(url);
  const headers = { authorization: `Bearer ${options["-a"]}`, "content-type": "application/json" };
  /** @type {any} */
  const body = {};
  for (const item of items) {
    const [, path, separator, value] = /^([^:=]+)(:=|==|=|:)(.*)$/s.exec(item) ?? assert.fail(item);
    if (separator === "==") to.searchParams.append(path, value);
    else if (separator === ":") Object.assign(headers, { [path.toLowerCase()]: value });
    if (separator === "==" || separator === ":") continue;
    const names = path.split(/[[\]]+/).filter((/** @type {string} */ name) => name !== "");
    const last = names.pop() ?? "";
    const within = names.reduce((/** @type {any} */ object, /** @type {string} */ name) => (object[name] ??= {}), body);
    within[last] = separator === ":=" ? JSON.parse(value) : value;
  }
  const content = method === "GET" ? undefined : options["--raw"] ?? JSON.stringify(body);
  return await (await fetch(to, { method, headers, body: content })).text();
}

test("curl's commands are answered as the page says", async () => {
  const all = (await commands()).filter(({ text }) => /\bcurl\b/.test(text));
  assert.equal(all.length, 12);
  for (const { text, answer } of all) holds(JSON.parse(await shell(text)), answer, text);
});

test(`HTTPie's commands are answered as the page says${HTTPIE ? "" : ", as far as we read them"}`, async () => {
  const all = (await commands()).filter(({ text }) => text.startsWith("http "));
  assert.equal(all.length, 9);
  for (const { text, answer } of all) {
    const said = HTTPIE ? await shell(`http() { "$HTTPIE" --ignore-stdin "$@"; }\n${text}`) : await httpie(text);
    holds(JSON.parse(said), answer, text);
  }
});

test("every request of the .http file is answered", async () => {
  const [head, ...requests] = (await read("wires.http")).split(/^### .*\n/m);
  assert.deepEqual([...head.matchAll(/^@(\w+) = /gm)].map(([, name]) => name), ["origin", "key", "admin"]);
  assert.equal(requests.length, 11);
  for (const request of requests) {
    const [first, ...rest] = request.replaceAll("{{origin}}", variables.PARAPET).replaceAll("{{key}}", variables.KEY).replaceAll("{{admin}}", variables.ADMIN).trim().split("\n");
    const [method, url] = first.split(" ");
    const end = rest.indexOf("");
    const lines = end < 0 ? rest : rest.slice(0, end);
    const headers = Object.fromEntries(lines.map((line) => line.split(": ")));
    const response = await fetch(url, { method, headers, ...(end >= 0 && { body: rest.slice(end + 1).join("\n") }) });
    assert.equal(response.status, 200, `${first}: ${await response.text()}`);
  }
});
