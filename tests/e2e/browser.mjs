// A real browser before the built Worker, for the tests of the hosted pages: people with browsers of their own, what axe finds
// wrong, and pictures of what was seen, in target/pages/. Where there is no browser, `missing` says so.
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { startEdge } from "../../worker/edge.mjs";
import { startInbox } from "../../worker/inbox.mjs";
import { hashed } from "../../worker/seed.mjs";
import * as chromium from "./chromium.mjs";
import { SECRETS, office } from "./office.mjs";

export { missing } from "./chromium.mjs";

const PICTURES = fileURLToPath(new URL("../../target/pages/", import.meta.url));
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
export const PASSWORD = "ein Pferd frisst keinen Gurkensalat";

/** The name that user number n signs in by. */
export const user = (number = 0) => `user-${number}@acme.example`;

/** @type {any} */
export let db;
/** What was sent. @type {Awaited<ReturnType<typeof startInbox>>} */
export let inbox;
/** The tenant's own place. */
export let host = "";
/** @type {any} */
let edge;
/** @type {import("playwright-core").Browser} */
let browser;

/** Starts the edge with so many users, and the browser. */
export async function start(users = 2) {
  inbox = await startInbox();
  const variables = { ...SECRETS, BASE_DOMAIN: "localhost", FRESHNESS_SECONDS: "0", STRANGER_RATE_LIMIT: "0", ...inbox.variables };
  edge = await startEdge({ variables, log: console.log });
  ({ db } = await office(edge, users));
  await db.prepare("UPDATE user SET password_hash = ?1, first_name = 'Nora', last_name = '<b>Nilsen</b>'").bind(hashed(PASSWORD)).run();
  host = `http://acme.localhost:${(await edge.ready).port}`;
  await launch();
}

/** Starts the browser alone, for a test with an edge of its own. */
export async function launch() {
  await mkdir(PICTURES, { recursive: true });
  browser = await chromium.launch();
}

export async function stop() {
  await browser?.close();
  await edge?.dispose();
  await inbox?.close();
}

/** A browser of one person, which must have nothing to complain about. */
export async function person(/** @type {import("playwright-core").BrowserContextOptions} */ options = {}) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const page = await context.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on("console", (message) => {
    // A page that says what is wrong has its status.
    if (message.type() === "error" && !/status of (401|403|404|422|429)/.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("response", async (response) => {
    if (response.headers()["content-type"]?.startsWith("text/html") && response.url().startsWith(host)) {
      complaints.push(...scripts(response.headers()["content-security-policy"] ?? "", await response.text().catch(() => "")));
    }
  });
  return { context, page, complaints };
}

/** What scripts there are that should not be: none stands within a page, and our own on those alone that may load it. */
function scripts(/** @type {string} */ policy, /** @type {string} */ html) {
  const found = [...html.matchAll(/<script\b[^>]*>([^<]*)/g)].map(([tag]) => tag);
  const expected = policy.includes("script-src 'self'") ? [/^<script type="module" src="\/script\/[0-9a-f]{16}\/passkey\.js">$/] : [];
  const isRight = html === "" || (found.length === expected.length && expected.every((its, at) => its.test(found[at])));
  const handlers = [...html.replace(/="[^"]*"/g, '=""').matchAll(/<[a-z]+[^>]* on[a-z]+=/g)].map(([tag]) => tag);
  return [...(isRight ? [] : found), ...handlers, ...(/unsafe|nonce|sha256-/.test(policy) ? [policy] : [])];
}

export const open = (/** @type {import("playwright-core").Page} */ page, /** @type {string} */ path) => page.goto(`${host}${path}`);
export const path = (/** @type {import("playwright-core").Page} */ page) => page.url().slice(host.length);
export const heading = (/** @type {import("playwright-core").Page} */ page) => page.locator("h1").innerText();
export const picture = (/** @type {import("playwright-core").Page} */ page, /** @type {string} */ name) =>
  page.screenshot({ path: `${PICTURES}${name}.png`, fullPage: true });

/** Types a name and a password at a path, and sends them. */
export async function signIn(/** @type {import("playwright-core").Page} */ page, at = "/sign-in", password = PASSWORD, name = user()) {
  await open(page, at);
  await page.getByLabel(/E-mail|E-Mail/).fill(name);
  await page.getByLabel(/^(Password|Passwort)$/).fill(password);
  await page.locator("main form button").first().click();
}

/** What axe finds wrong with the page. */
export async function wrong(/** @type {import("playwright-core").Page} */ page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate((rules) => /** @type {any} */ (globalThis).axe.run({ runOnly: rules }), RULES);
  return violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => `${node.html} ${node.failureSummary}`).join("; ")}`);
}

/** Takes a picture of the page, and gives what is wrong with it: what axe finds, and whether it is wider than the window. */
export async function look(/** @type {import("playwright-core").Page} */ page, /** @type {string} */ name) {
  await picture(page, name);
  const isWider = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  return [...(await wrong(page)), ...(isWider ? ["it does not fit"] : [])];
}
