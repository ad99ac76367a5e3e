// What `make run` shows in a browser: an application behind the gateway, and in it an allow, a deny with its explanation, a
// second factor that is asked for anew, and signing out. And that the application believes the gateway's word alone.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { startApplication } from "../../worker/demo/application.mjs";
import { BASE_DOMAIN, DOCUMENT, HOST, PEOPLE, arrived, load, putBehindGateway } from "../../worker/demo/tenant.mjs";
import { migrate, startEdge } from "../../worker/edge.mjs";
import { startInbox } from "../../worker/inbox.mjs";
import { ask } from "./application.mjs";
import { heading, launch, look, missing, person, stop } from "./browser.mjs";
import { SECRETS } from "./office.mjs";

/** @typedef {import("playwright-core").Page} Page */

const document = JSON.parse(await readFile(DOCUMENT, "utf8"));
const user = (/** @type {string} */ name) => document.user.find(({ username }) => username === name);
const password = randomBytes(12).toString("base64url");

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {Awaited<ReturnType<typeof startInbox>>} */
let inbox;
/** @type {Awaited<ReturnType<typeof startApplication>>} */
let application;
/** @type {any} */
let db;
/** The application's and the tenant's own place. */
let app = "";
let tenant = "";

before(async () => {
  inbox = await startInbox();
  const variables = { ...SECRETS, ...inbox.variables, FRESHNESS_SECONDS: "0", LOCAL: "1", BASE_DOMAIN };
  edge = await startEdge({ variables, log: console.log });
  const { port } = await edge.ready;
  db = await edge.getD1Database("DB");
  await migrate(db);
  await load(edge, document, password, inbox.messages);
  tenant = `http://${document.tenant.slug}.${BASE_DOMAIN}:${port}`;
  app = `http://${HOST}:${port}`;
  application = await startApplication({ document, host: HOST, issuer: tenant, edge: Number(port) });
  await putBehindGateway(db, document.tenant.id, application.origin);
  if (!missing) await launch();
});
after(async () => {
  await stop();
  await application?.close();
  await edge?.dispose();
  await inbox?.close();
});

/** What the application answers to somebody who comes past the gateway with such a header. */
async function asked(/** @type {string | undefined} */ identity, path = "/") {
  return fetch(`${application.origin}${path}`, { headers: identity === undefined ? {} : { "x-parapet-identity": identity } });
}

describe("the application", () => {
  test("it takes nobody's word for who they are but the gateway's", async () => {
    assert.equal((await asked(undefined)).status, 401);
    const encoded = (/** @type {any} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { iss: tenant, aud: HOST, sub: user(PEOPLE.administrator).id, subject_type: "user", exp: Date.now() / 1000 + 60 };
    const { keys } = /** @type {any} */ (await (await edge.dispatchFetch(`${tenant}/.well-known/jwks.json`)).json());
    const typ = "parapet-identity+jwt";
    // A key of one's own, under the name of the tenant's.
    const own = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
    const sign = async (/** @type {any} */ head, /** @type {any} */ said) => {
      const text = `${encoded(head)}.${encoded(said)}`;
      const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, own.privateKey, Buffer.from(text));
      return `${text}.${Buffer.from(signature).toString("base64url")}`;
    };
    const kid = keys[0]?.kid ?? "none";
    for (const [what, token] of /** @type {[string, string][]} */ ([
      ["nothing", ""],
      ["no token", "walt"],
      ["no signature", `${encoded({ alg: "none", typ, kid })}.${encoded(claims)}.`],
      ["a signature by another key", await sign({ alg: "ES256", typ, kid }, claims)],
      ["a key that nobody knows", await sign({ alg: "ES256", typ, kid: "mine" }, claims)],
      ["a digest for a signature", `${encoded({ alg: "HS256", typ, kid })}.${encoded(claims)}.${createHash("sha256").update("x").digest("base64url")}`],
    ])) {
      const answer = await asked(token, "/members");
      assert.equal(answer.status, 401, what);
      assert.doesNotMatch(await answer.text(), /walt/i, what);
    }
  });

  test("what the gateway said of one request is no word for another application, nor for long", async () => {
    // The application's own reader, with the word that the gateway gives it.
    const seen = [];
    const { createServer } = await import("node:http");
    const listener = createServer((request, response) => {
      seen.push(request.headers["x-parapet-identity"]);
      response.end("here");
    }).listen(0, "127.0.0.1");
    await new Promise((ready) => listener.once("listening", () => ready(undefined)));
    try {
      await putBehindGateway(db, document.tenant.id, `http://127.0.0.1:${/** @type {any} */ (listener.address()).port}`);
      const answer = await get(`${app}/`, { cookie: await signedIn() });
      assert.equal(answer.status, 200, answer.text);
      const [identity] = seen;
      const { identityOf } = await import("../../worker/demo/identity.mjs");
      const port = Number((await edge.ready).port);
      const read = (/** @type {any} */ options) => identityOf({ issuer: tenant, audience: HOST, port, ...options })(identity);
      assert.equal((await read({}))?.sub, user(PEOPLE.editor).id);
      assert.equal(await read({ audience: "other.localhost" }), null);
      assert.equal(await read({ issuer: `http://other.${BASE_DOMAIN}:${port}` }), null);
      const now = Date.now;
      Date.now = () => now() + 61_000;
      try {
        assert.equal(await read({}), null);
      } finally {
        Date.now = now;
      }
      const [head, claims, signature] = String(identity).split(".");
      const other = { ...JSON.parse(Buffer.from(claims, "base64url").toString()), sub: user(PEOPLE.administrator).id };
      const forged = `${head}.${Buffer.from(JSON.stringify(other)).toString("base64url")}.${signature}`;
      assert.equal(await identityOf({ issuer: tenant, audience: HOST, port })(forged), null);
      // Past the gateway, what it once said opens the application for a minute; a forged one never.
      assert.equal((await asked(forged)).status, 401);
    } finally {
      listener.close();
      await putBehindGateway(db, document.tenant.id, application.origin);
    }
  });
});

/** Asks for an address, as a program that is no browser. */
async function get(/** @type {string} */ address, /** @type {Record<string, string>} */ headers, /** @type {any} */ more = {}) {
  const { host, pathname, search } = new URL(address);
  return ask(await edge.ready, `${pathname}${search}`, { host, headers: { accept: "text/html", ...headers }, ...more });
}

/** A session of the editor at the application's host, as a browser gets one. */
async function signedIn() {
  const kept = (/** @type {any} */ { headers }) => headers["set-cookie"].map((/** @type {string} */ it) => it.split(";")[0]).join("; ");
  const body = JSON.stringify({ identifier: PEOPLE.editor, password });
  const signed = await get(`${tenant}/v1/auth/sign-in`, { "content-type": "application/json" }, { method: "POST", body });
  const begun = await get(`${app}/`, {});
  const handed = await get(begun.headers.location, { cookie: kept(signed) });
  return kept(await get(handed.headers.location, { cookie: kept(begun) }));
}

/** Types a name and a password, wherever they are asked for. */
async function signIn(/** @type {Page} */ page, /** @type {string} */ name) {
  await page.getByLabel("E-mail address or username").fill(user(name).email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Has a code sent, and types it. */
async function secondFactor(/** @type {Page} */ page) {
  const before = inbox.messages.length;
  await page.getByRole("button", { name: "Send the code" }).click();
  await page.getByLabel("Code", { exact: true }).fill(await arrived(inbox.messages, before, user(PEOPLE.administrator).email));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

const at = (/** @type {Page} */ page, /** @type {string} */ path) => page.waitForURL(`${app}${path}`);
const main = (/** @type {Page} */ page) => page.locator("main").innerText();

async function leave(/** @type {Page} */ page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${tenant}/sign-out`);
  await page.locator("main").getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${tenant}/sign-in?done=signed_out`);
}

describe("in Chromium", { skip: missing }, () => {
  test("an editor reads and writes what is hers, and is refused what is not", { timeout: 120_000 }, async () => {
    const { context, page, complaints } = await person();
    await page.goto(app);
    assert.equal(await heading(page), "Sign in");
    await signIn(page, PEOPLE.editor);
    await at(page, "/");
    assert.deepEqual(await look(page, "demo-documents"), []);
    assert.match(await page.locator("header").innerText(), /Dara Okafor/);
    await page.getByRole("link", { name: "Handbook", exact: true }).click();
    assert.equal(await heading(page), "Handbook");
    await page.goto(`${app}/documents/d-failover`);
    await page.locator("main").getByRole("link", { name: "Edit" }).click();
    await page.getByLabel("Text").fill("<b>Wake somebody up.</b>");
    assert.deepEqual(await look(page, "demo-edit"), []);
    await page.getByRole("button", { name: "Save" }).click();
    await at(page, "/?done=saved");
    await page.getByRole("link", { name: "Failover runbook", exact: true }).click();
    assert.match(await main(page), /<b>Wake somebody up\.<\/b>/);

    await page.goto(app);
    await page.getByRole("link", { name: "Roadmap", exact: true }).click();
    assert.equal(await heading(page), "This is not allowed");
    assert.match(await main(page), /Decision: [0-9a-f-]{36}/);
    assert.deepEqual(await look(page, "demo-refused"), []);
    const explanation = (await page.getByRole("link", { name: /^Why\?/ }).getAttribute("href")) ?? "";
    assert.ok(explanation.startsWith(`${tenant}/explain?`), explanation);
    await page.goto(explanation);
    assert.match(await main(page), /Give an administrator the address of this page/);
    // Nothing that she sends is taken for more than she may.
    const cookie = (await context.cookies(app)).map(({ name, value }) => `${name}=${value}`).join("; ");
    const form = { cookie, origin: app, "content-type": "application/x-www-form-urlencoded" };
    const answer = await get(`${app}/documents/d-roadmap/edit`, form, { method: "POST", body: "text=mine" });
    assert.equal(answer.status, 403, answer.text);

    await page.goto(app);
    await leave(page);
    await page.goto(app);
    assert.equal(await heading(page), "Sign in");
    await signIn(page, PEOPLE.reader);
    await at(page, "/");
    assert.match(await page.locator("header").innerText(), /Carla Mendes/);
    await page.goto(`${app}/documents/d-failover`);
    assert.equal(await heading(page), "This is not allowed");
    await page.goto(`${app}/documents/d-handbook`);
    assert.equal(await heading(page), "Handbook");
    assert.deepEqual(complaints, []);
    await context.close();

    // An administrator sees why Dara was refused.
    const other = await person();
    await other.page.goto(explanation);
    await signIn(other.page, PEOPLE.administrator);
    await secondFactor(other.page);
    await other.page.waitForURL(explanation);
    assert.equal(await heading(other.page), "Why it was decided so");
    const why = await main(other.page);
    assert.match(why, /Dara Okafor may not read document d-roadmap: nothing permits it\./);
    assert.match(why, /resource\.status is draft, and must be published/);
    assert.match(why, /resource\.department is product, and must be principal\.department, which is engineering/);
    assert.match(why, /It would be allowed if /);
    assert.deepEqual(await look(other.page, "demo-explanation"), []);
    assert.deepEqual(other.complaints, []);
    await other.context.close();
  });

  test("an administrator shows a second factor anew for the members, and sees why a rule stops even him", { timeout: 120_000 }, async () => {
    const { context, page, complaints } = await person();
    await page.goto(`${app}/members`);
    await signIn(page, PEOPLE.administrator);
    await secondFactor(page);
    // The proof is fresh.
    await at(page, "/members");
    assert.equal(await heading(page), "Members");
    // Half a minute later.
    await db.prepare("UPDATE user_session SET auth_time = ?1").bind(new Date(Date.now() - 31_000).toISOString()).run();
    await page.goto(app);
    await page.getByRole("link", { name: "Members" }).click();
    assert.equal(await heading(page), "Confirm that it is you");
    assert.deepEqual(await look(page, "demo-step-up"), []);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Confirm" }).click();
    await secondFactor(page);
    await at(page, "/members");
    assert.deepEqual(await look(page, "demo-members"), []);
    await page.getByLabel("Invite somebody").fill("new@lumen.example");
    await page.getByRole("button", { name: "Invite" }).click();
    await at(page, "/?done=invited");

    await page.goto(`${app}/documents/d-nda`);
    await page.locator("main").getByRole("link", { name: "Edit" }).click();
    assert.equal(await heading(page), "This is not allowed");
    await page.getByRole("link", { name: /^Why\?/ }).click();
    assert.equal(await heading(page), "Why it was decided so");
    assert.match(await main(page), /Walt Brooks may not edit document d-nda: something forbids it\.[^]*legal_is_frozen/);
    assert.deepEqual(complaints, []);
    await context.close();
  });
});
