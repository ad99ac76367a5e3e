// Second factors, passkeys and API keys on the hosted pages, in a real browser: without JavaScript as far as that goes, and
// with passkeys that Chromium's virtual authenticator keeps (WebDriver's section of W3C Web Authentication, over CDP).
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PASSWORD, db, heading, host, look, missing, open, path, person, picture, signIn, start, stop, user } from "./browser.mjs";
import { TENANT, id } from "./office.mjs";
import { codeOf } from "./one_time_code.mjs";

/** @typedef {import("playwright-core").Page} Page */

const SECOND = "/sign-in/second-factor";

/** Each test has a user of its own. */
const [APP, KEY, SECURITY_KEY, MUST, LOOKED_AT, KEYS, SHORT] = [0, 1, 2, 3, 4, 5, 6];

/** Adds an authenticator app, and gives what it needs, with the backup codes. */
async function addApp(/** @type {Page} */ page, name = "phone") {
  await open(page, "/account/factors/add");
  await page.getByRole("link", { name: "Authenticator app" }).click();
  await page.getByLabel("What you call it").fill(name);
  await page.getByRole("button", { name: "Go on" }).click();
  const secret = (await page.locator("main code").innerText()).replaceAll(" ", "");
  await page.getByLabel("Code", { exact: true }).fill(codeOf(secret));
  await page.getByRole("button", { name: "Confirm" }).click();
  const codes = (await page.locator("pre.once").count()) ? (await page.locator("pre.once").innerText()).trim().split("\n") : [];
  return { secret, codes };
}

/** An authenticator that the browser has, with its credentials. */
async function authenticator(/** @type {Page} */ page, options = {}) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, ...options },
  });
  return {
    verifies: (/** @type {boolean} */ isUserVerified) => cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
    credentials: async () => (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    remove: () => cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId }),
  };
}

async function addKey(/** @type {Page} */ page, /** @type {string} */ what, /** @type {string} */ name) {
  await open(page, "/account/factors/add");
  await page.getByRole("link", { name: what }).click();
  await page.getByLabel("What you call it").fill(name);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("button", { name: "Go on with your device or key" }).click();
  await page.waitForSelector("pre.once, .notice");
}

const signOut = (/** @type {Page} */ page) => page.getByRole("navigation").getByRole("button", { name: "Sign out" }).click();
const usePasskey = (/** @type {Page} */ page) => page.getByRole("button", { name: "Use your passkey or security key" }).click();
const alerts = (/** @type {Page} */ page) => page.locator(".summary").innerText();

/** What a form of the page sends next, which goes on its way. */
const posted = (/** @type {Page} */ page) => page.waitForRequest((request) => request.method() === "POST").then((request) => request.postData() ?? "");

/** The same form once more, from a page of the same browser. */
const again = (/** @type {Page} */ page, /** @type {string} */ at, /** @type {string} */ form) =>
  page.evaluate(
    async ([at, form]) => {
      const frame = document.createElement("form");
      frame.method = "post";
      frame.action = at;
      for (const [name, value] of new URLSearchParams(form)) {
        const input = frame.appendChild(document.createElement("input"));
        Object.assign(input, { type: "hidden", name, value });
      }
      document.body.append(frame);
      frame.submit();
    },
    [at, form],
  );

describe("second factors in Chromium", { skip: missing }, () => {
  before(() => start(7));
  after(stop);

  test("without JavaScript somebody adds an app, and comes in by its code and by a backup code", { timeout: 120_000 }, async () => {
    const { context, page, complaints } = await person({ javaScriptEnabled: false });
    await signIn(page, "/sign-in", PASSWORD, user(APP));
    await page.getByRole("link", { name: "Second factors" }).click();
    assert.match(await page.locator("main").innerText(), /your password alone opens your account/);
    const { secret, codes } = await addApp(page);
    assert.equal(codes.length, 10);
    await picture(page, "factor-backup-codes");
    await page.getByRole("link", { name: "I have kept them" }).click();
    assert.match(await page.locator(".list").innerText(), /phone/);
    // A passkey is offered, and what it needs is said.
    await open(page, "/account/factors/add?what=passkey");
    await page.getByRole("button", { name: "Go on" }).click();
    assert.match(await page.locator("main").innerText(), /need JavaScript/);
    assert.equal(await page.getByRole("button", { name: "Go on with your device or key" }).isVisible(), false);
    await picture(page, "factor-passkey-no-script");
    await signOut(page);

    await signIn(page, "/sign-in?return_to=/account/factors", PASSWORD, user(APP));
    assert.equal(path(page), SECOND);
    await picture(page, "second-factor");
    await page.getByLabel("Code", { exact: true }).fill("000000");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    assert.match(await alerts(page), /This is wrong, or does not count any more\./);
    await picture(page, "second-factor-wrong");
    // The step in which it was added is over: the next counts, and each counts once.
    await page.getByLabel("Code", { exact: true }).fill(codeOf(secret, 1));
    const form = posted(page);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await form;
    assert.equal(path(page), "/account/factors");
    await signOut(page);
    await signIn(page, "/sign-in", PASSWORD, user(APP));
    await page.getByLabel("Code", { exact: true }).fill(codeOf(secret, 1));
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    assert.match(await alerts(page), /This is wrong/);
    await page.getByRole("button", { name: "A backup code" }).click();
    await page.getByLabel("Backup code").fill(codes[0]);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    assert.equal(path(page), "/account");
    await page.getByRole("link", { name: "Second factors" }).click();
    assert.match(await page.locator("main").innerText(), /Codes that are left: 9/);
    await page.getByRole("link", { name: "New backup codes" }).click();
    await page.getByRole("button", { name: "Make new codes" }).click();
    assert.equal((await page.locator("pre.once").innerText()).trim().split("\n").length, 10);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("a passkey is added, signs in by itself, and what it signed counts once", { timeout: 120_000 }, async () => {
    const { context, page, complaints } = await person();
    const key = await authenticator(page);
    await signIn(page, "/sign-in", PASSWORD, user(KEY));
    await open(page, "/account/factors/add?what=passkey");
    await page.getByRole("button", { name: "Go on" }).click();
    await picture(page, "factor-passkey");
    await addKey(page, "Passkey", "laptop");
    assert.equal((await key.credentials()).length, 1);
    await page.getByRole("link", { name: "I have kept them" }).click();
    assert.match(await page.locator(".list").innerText(), /laptop[^]*Passkey/);
    // The same key is none twice.
    await open(page, "/account/factors/add?what=passkey");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Go on with your device or key" }).click();
    await page.getByText("That did not work, or was broken off.").waitFor();
    await signOut(page);

    await open(page, "/sign-in?return_to=/account/factors");
    await page.getByRole("link", { name: "Sign in with a passkey" }).click();
    await picture(page, "sign-in-passkey");
    const form = posted(page);
    await usePasskey(page);
    await page.waitForURL(`${host}/account/factors`);
    const { results } = await db.prepare("SELECT amr FROM user_session WHERE user_id = ?1").bind(id("e", KEY)).all();
    assert.deepEqual(results.map((/** @type {any} */ row) => JSON.parse(row.amr)), [["hwk", "user", "mfa"]]);
    // What was sent is sent again: the ceremony is over.
    await signOut(page);
    await open(page, "/sign-in/passkey");
    await again(page, "/sign-in/passkey", await form);
    await page.waitForSelector(".summary");
    assert.match(await alerts(page), /This took too long|could not be checked/);
    assert.ok((await context.cookies()).every(({ name }) => name !== "__Host-session"));

    // After a password, the same key is the second factor.
    await signIn(page, "/sign-in", PASSWORD, user(KEY));
    assert.equal(path(page), SECOND);
    await picture(page, "second-factor-key");
    // What another page had signed is refused here.
    const other = new URLSearchParams(await form);
    const own = await page.locator("[data-passkey] input[name=csrf_token]").inputValue();
    await again(page, SECOND, `csrf_token=${encodeURIComponent(own)}&credential=${encodeURIComponent(other.get("credential") ?? "")}`);
    await page.waitForSelector(".summary");
    assert.match(await alerts(page), /This is wrong/);
    await usePasskey(page);
    await page.waitForURL(`${host}/account`);
    await signOut(page);

    // A key that does not verify its user signs nobody in, and one that knows nothing does not either.
    await key.verifies(false);
    await open(page, "/sign-in/passkey");
    await usePasskey(page);
    await page.getByText("That did not work, or was broken off.").waitFor();
    await picture(page, "sign-in-passkey-failed");
    await key.remove();
    await authenticator(page);
    await open(page, "/sign-in/passkey");
    await usePasskey(page);
    await page.getByText("That did not work, or was broken off.").waitFor();
    assert.equal(path(page), "/sign-in/passkey");
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("a security key comes after a password, and a recent proof asks for both", { timeout: 120_000 }, async () => {
    const { context, page, complaints } = await person();
    await authenticator(page, { protocol: "u2f", transport: "usb", hasResidentKey: false, hasUserVerification: false, isUserVerified: false });
    await signIn(page, "/sign-in", PASSWORD, user(SECURITY_KEY));
    await addKey(page, "Security key", "keyring");
    await page.getByRole("link", { name: "I have kept them" }).click();
    assert.match(await page.locator(".list").innerText(), /keyring[^]*Security key/);
    await signOut(page);
    await signIn(page, "/sign-in", PASSWORD, user(SECURITY_KEY));
    await usePasskey(page);
    await page.waitForURL(`${host}/account`);
    // A quarter of an hour later.
    const earlier = new Date(Date.now() - 16 * 60_000).toISOString();
    await db.prepare("UPDATE user_session SET auth_time = ?1 WHERE user_id = ?2").bind(earlier, id("e", SECURITY_KEY)).run();
    await open(page, "/account/factors");
    await page.getByRole("link", { name: "Change keyring" }).click();
    assert.match(path(page), /^\/sign-in\/again\?return_to=/);
    await picture(page, "again");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Confirm" }).click();
    assert.equal(path(page), SECOND);
    await usePasskey(page);
    await page.waitForURL(/factors\/change\?id=/);
    await page.getByLabel("What you call it").fill("desk drawer");
    await page.getByRole("button", { name: "Save" }).click();
    assert.match(await page.getByRole("status").innerText(), /saved/);
    await page.getByRole("link", { name: "Change desk drawer" }).click();
    await picture(page, "factor-change");
    await page.getByRole("button", { name: "Remove it" }).click();
    assert.match(await page.locator("main").innerText(), /removed[^]*You have none yet/);
    await signOut(page);
    await signIn(page, "/sign-in", PASSWORD, user(SECURITY_KEY));
    assert.equal(path(page), "/account", "the password is long enough to be alone");
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("whoever must have a second factor adds one on the way in", { timeout: 120_000 }, async () => {
    const now = new Date().toISOString();
    const set = db.prepare(
      "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at) VALUES (?1, ?2, 'security', 'mfa_roles', ?3, ?4, ?4)",
    );
    await set.bind(id("9", 77), TENANT, JSON.stringify([`acme reader ${MUST}`]), now).run();
    const { context, page, complaints } = await person();
    await authenticator(page);
    await signIn(page, "/sign-in?return_to=/account/sessions", PASSWORD, user(MUST));
    assert.equal(path(page), "/sign-in/enrol");
    await picture(page, "enrol");
    await page.getByRole("link", { name: "Passkey" }).click();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Go on with your device or key" }).click();
    await page.getByRole("heading", { name: "Backup codes" }).waitFor();
    await picture(page, "enrol-codes");
    await page.getByRole("link", { name: "I have kept them" }).click();
    assert.equal(path(page), "/account/sessions");
    await open(page, "/account/factors");
    await page.getByRole("link", { name: /^Change/ }).click();
    await page.getByRole("button", { name: "Remove it" }).click();
    assert.match(await alerts(page), /this is the last/);
    await picture(page, "factor-last-stays");
    assert.deepEqual(complaints, []);
    await context.close();
    await db.prepare("DELETE FROM tenant_setting WHERE setting_key = 'mfa_roles'").run();
  });

  test("without the last factor a short password becomes another", { timeout: 60_000 }, async () => {
    const { context, page, complaints } = await person({ javaScriptEnabled: false });
    await signIn(page, "/sign-in", PASSWORD, user(SHORT));
    await addApp(page);
    await open(page, "/account/password");
    await page.getByLabel("Current password").fill(PASSWORD);
    await page.getByLabel("New password").fill("Gurkenglas");
    await page.getByRole("button", { name: "Change the password" }).click();
    assert.match(await page.getByRole("status").innerText(), /changed/);
    await open(page, "/account/factors");
    await page.getByRole("link", { name: "Change phone" }).click();
    await page.getByRole("button", { name: "Remove it" }).click();
    await signOut(page);
    await signIn(page, "/sign-in", "Gurkenglas", user(SHORT));
    assert.equal(path(page), "/sign-in/new-password");
    await page.getByLabel("New password").fill("seven green bottles hang there");
    await page.getByRole("button", { name: "Go on" }).click();
    assert.equal(path(page), "/account");
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("an API key is made, shown once, used and revoked", { timeout: 60_000 }, async () => {
    const now = new Date().toISOString();
    const set = db.prepare(
      "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at) VALUES (?1, ?2, 'security', 'personal_api_keys', 'true', ?3, ?3)",
    );
    await set.bind(id("9", 78), TENANT, now).run();
    const { context, page, complaints } = await person({ javaScriptEnabled: false });
    await signIn(page, "/sign-in", PASSWORD, user(KEYS));
    await page.getByRole("link", { name: "API keys" }).click();
    await page.getByRole("link", { name: "Make an API key" }).click();
    await picture(page, "api-key-new");
    await page.getByLabel("What it is for").fill("my script");
    await page.getByLabel("365 days").check();
    await page.getByRole("button", { name: "Make the key" }).click();
    const key = (await page.locator("pre.once").innerText()).trim();
    await picture(page, "api-key-made");
    const ask = async () => (await fetch(`${host.replace("acme.localhost", "127.0.0.1")}/v1/me/notifications/unread`, { headers: { authorization: `Bearer ${key}`, host: "acme.localhost" } })).status;
    assert.equal(await ask(), 200);
    await page.getByRole("link", { name: "I have kept it" }).click();
    assert.doesNotMatch(await page.content(), new RegExp(key));
    await picture(page, "api-keys");
    await page.getByRole("button", { name: "Revoke my script" }).click();
    assert.match(await page.getByRole("status").innerText(), /opens nothing any more/);
    assert.equal(await ask(), 401);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("by axe's rules, in light and dark, in English and German, wide and narrow", { timeout: 300_000 }, async () => {
    const { page: setUp, context: first } = await person();
    await authenticator(setUp);
    await signIn(setUp, "/sign-in", PASSWORD, user(LOOKED_AT));
    const { secret } = await addApp(setUp, "my telephone");
    await addKey(setUp, "Passkey", "my laptop");
    await first.close();
    const factor = async () => (await db.prepare("SELECT id FROM mfa_device WHERE user_id = ?1 AND type = 'totp'").bind(id("e", LOOKED_AT)).first()).id;
    for (const [colorScheme, locale, width, colour] of /** @type {const} */ ([
      ["light", "en-GB", 1280, null],
      ["dark", "en-GB", 1280, null],
      ["light", "de-DE", 360, "#ffe600"],
      ["dark", "de-DE", 360, "#0a0a40"],
    ])) {
      await db.prepare("UPDATE tenant SET primary_color = ?1").bind(colour).run();
      const { context, page, complaints } = await person({ colorScheme, locale, viewport: { width, height: 800 } });
      const seen = async (/** @type {string} */ name) => {
        const label = `${name}-${colorScheme}-${locale}`;
        assert.deepEqual(await look(page, label), [], label);
        assert.equal(await page.locator("html").getAttribute("lang"), locale.slice(0, 2));
      };
      await open(page, "/sign-in/passkey");
      await seen("sign-in-passkey");
      await signIn(page, "/sign-in", PASSWORD, user(LOOKED_AT));
      await seen("second-factor");
      await page.locator("button[value=webauthn]").click();
      await seen("second-factor-key");
      await page.locator("button[value=backup_code]").click();
      await seen("second-factor-backup");
      await page.locator("button[value=totp]").click();
      // Each code counts once, and this is not about that.
      await db.prepare("UPDATE mfa_device SET counter = 1 WHERE user_id = ?1 AND type = 'totp'").bind(id("e", LOOKED_AT)).run();
      await page.locator("#code").fill(codeOf(secret));
      await page.locator("main form button").first().click();
      for (const name of ["account/factors", "account/factors/add", "account/factors/add?what=sms", `account/factors/change?id=${await factor()}`, "account/factors/codes", "account/api-keys", "account/api-keys/new", "sign-in/again", "sign-in/again/passkey"]) {
        await open(page, `/${name}`);
        assert.equal(path(page), `/${name}`);
        await seen(name.replace(/\?id=.*/, "").replaceAll(/[/?=]/g, "-"));
      }
      await open(page, "/account/factors/add?what=totp");
      await page.locator("main form button").click();
      await seen("factor-app");
      await page.locator("#code").fill("000000");
      await page.locator("main form button").click();
      await seen("factor-app-wrong");
      await open(page, "/account/factors/codes");
      await page.locator("main form button").click();
      await seen("backup-codes");
      await open(page, "/account/api-keys/new");
      await page.locator("#name").fill("a script");
      await page.locator("main form button").last().click();
      await seen("api-key-made");
      assert.notEqual(await heading(page), "");
      assert.deepEqual(complaints, []);
      await context.close();
    }
    await db.prepare("UPDATE tenant SET primary_color = NULL").run();
  });
});
