// A real browser clicks through the hosted pages of the built Worker: without JavaScript, by keyboard, in both themes and
// languages, and by axe's rules for WCAG 2.2 AA. Pictures of what it saw lie in target/pages/.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PASSWORD, db, heading, host, inbox, look, missing, open, path, person, picture, signIn, start, stop, user } from "./browser.mjs";
import { TENANT, id } from "./office.mjs";

const USER = user();

describe("the hosted pages in Chromium", { skip: missing }, () => {
  before(() => start());
  after(stop);

  test("without JavaScript somebody signs in, sees where, ends the others and signs out", { timeout: 120_000 }, async () => {
    const { context, page, complaints } = await person({ javaScriptEnabled: false });
    const other = await person();
    await open(page, "/");
    assert.equal(path(page), "/sign-in?return_to=%2Faccount");
    await picture(page, "sign-in");
    await signIn(page, page.url().slice(host.length), "not the password");
    assert.equal(await page.title(), "Error: Sign in – Acme");
    assert.match(await page.getByRole("alert").innerText(), /The name or the password is wrong\./);
    assert.equal(await page.getByLabel("E-mail address or username").inputValue(), USER);
    assert.equal(await page.getByLabel("Password").inputValue(), "");
    await picture(page, "sign-in-wrong");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    assert.equal(path(page), "/account");
    assert.match(await page.locator("dl").innerText(), /Nora <b>Nilsen<\/b>/);
    await picture(page, "account");
    const cookies = await context.cookies();
    assert.deepEqual(cookies.map(({ name }) => name).sort(), ["__Host-device", "__Host-form", "__Host-session"]);
    for (const { httpOnly, secure, sameSite } of cookies) assert.deepEqual([httpOnly, secure, sameSite], [true, true, "Lax"]);

    await signIn(other.page);
    await page.getByRole("link", { name: "Where you are signed in" }).click();
    assert.equal(await page.locator(".list li").count(), 2);
    assert.equal(await page.getByText("(this browser)").count(), 1);
    await picture(page, "sessions");
    await page.getByRole("button", { name: "Sign out everywhere else" }).click();
    assert.match(await page.getByRole("status").innerText(), /everywhere else/);
    assert.equal(await page.locator(".list li").count(), 1);
    await open(other.page, "/account");
    assert.equal(path(other.page), "/sign-in?return_to=%2Faccount");
    // Back in the history there is a form, and what it sends again leads to the door rather than to an error.
    await page.getByRole("navigation").getByRole("button", { name: "Sign out" }).click();
    assert.equal(path(page), "/sign-in?done=signed_out");
    assert.equal(await page.getByRole("status").innerText(), "You are signed out.");
    await page.goBack();
    assert.equal(path(page), "/sign-in?return_to=%2Faccount%2Fsessions%3Fdone%3Dothers_ended");
    assert.deepEqual([...complaints, ...other.complaints], []);
    await Promise.all([context.close(), other.context.close()]);
  });

  test("by keyboard alone", { timeout: 60_000 }, async () => {
    const { context, page, complaints } = await person();
    await open(page, "/sign-in?return_to=/account/notifications");
    const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent?.trim());
    assert.equal(await focused(), "identifier", "one begins in the first field");
    await page.keyboard.type(USER);
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "password");
    await page.keyboard.type("wrong");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${host}/sign-in`);
    assert.match(String(await focused()), /There is a problem/, "what is wrong is where one is");
    await page.getByLabel("Password").focus();
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await page.waitForURL(`${host}/account/notifications`);
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Skip to the content");
    assert.ok(await page.locator(".skip").evaluate((link) => link.getBoundingClientRect().left >= 0), "it is seen when it has the focus");
    await page.keyboard.press("Enter");
    assert.equal(path(page), "/account/notifications#main");
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("by axe's rules, in light and dark, in English and German, wide and narrow", { timeout: 240_000 }, async () => {
    const told = db.prepare(
      `INSERT INTO user_notification (id, tenant_id, user_id, notification_template_id, subject, content, type, status, metadata, created_at)
       SELECT ?1, ?2, ?3, id, 'Signed in', 'From a new browser.', 'in_app', 'delivered', '{}', '2026-03-01T00:00:00.000Z' FROM notification_template LIMIT 1`,
    );
    await told.bind(id("9", 1), TENANT, id("e", 0)).run();
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
      await open(page, "/sign-in");
      await seen("sign-in");
      await signIn(page, "/sign-in", "wrong");
      await seen("sign-in-wrong");
      await signIn(page);
      for (const name of ["account", "account/sessions", "account/notifications", "sign-in/again", "nowhere"]) {
        await open(page, `/${name}`);
        await seen(name.replaceAll("/", "-"));
      }
      assert.deepEqual(complaints, []);
      await context.close();
    }
    await db.prepare("UPDATE tenant SET primary_color = NULL").run();
  });

  test("without JavaScript somebody signs up under terms, follows the link and is in", { timeout: 180_000 }, async () => {
    const setting = (/** @type {number} */ n, /** @type {string} */ category, /** @type {string} */ key, /** @type {any} */ value) =>
      db.prepare("INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')")
        .bind(id("8", n), TENANT, category, key, JSON.stringify(value)).run();
    await setting(1, "security", "sign_up", "domain");
    await setting(2, "security", "sign_up_domains", ["new.example"]);
    await setting(3, "ui", "terms_url", "https://acme.example/terms");
    await setting(4, "ui", "terms_version", "2026-01");
    for (const [colorScheme, locale, width] of /** @type {const} */ ([["light", "en-GB", 1280], ["dark", "de-DE", 360]])) {
      const { context, page } = await person({ colorScheme, locale, viewport: { width, height: 800 } });
      const seen = async (/** @type {string} */ name) => assert.deepEqual(await look(page, `${name}-${colorScheme}-${locale}`), [], name);
      await open(page, "/sign-in");
      await page.locator("a[href='/sign-up']").click();
      await seen("sign-up");
      await page.locator("#email").fill("nobody");
      await page.locator("#password").fill("short");
      await page.locator("#accepts_terms").check();
      await page.locator("form").first().evaluate((form) => /** @type {any} */ (form).submit());
      await page.getByRole("alert").waitFor();
      assert.ok(await page.locator("#accepts_terms").isChecked());
      await seen("sign-up-wrong");
      await open(page, "/sign-up/sent");
      await seen("sign-up-sent");
      await context.close();
    }
    const { context, page, complaints } = await person({ javaScriptEnabled: false });
    await open(page, "/sign-up");
    await page.getByLabel("E-mail address").fill(" Eve@NEW.example ");
    await page.getByLabel("First name").fill("Eve");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Make the account" }).click();
    assert.equal(path(page), "/sign-up", "the browser asks for the box");
    await page.getByLabel("I accept the terms (version 2026-01).").check();
    await page.getByRole("button", { name: "Make the account" }).click();
    assert.equal(path(page), "/sign-up/sent");
    const deadline = Date.now() + 20_000;
    // Others are told of their sign-ins meanwhile.
    const hers = () => inbox.messages.filter(({ to }) => to === "eve@new.example");
    while (hers().length === 0) {
      assert.ok(Date.now() < deadline, "no mail came");
      await new Promise((later) => setTimeout(later, 100));
    }
    const [mail] = hers();
    assert.ok(!mail.text.includes("Eve"), "what was typed is not sent to an address that may be another's");
    const link = /\/sign-up\/confirm\?token=[\w-]+/.exec(mail.text)?.[0] ?? "";
    await open(page, link);
    assert.equal(path(page), "/sign-up/confirm");
    await picture(page, "sign-up-confirm");
    await page.getByLabel("Password").fill("not the one that was chosen");
    await page.getByRole("button", { name: "Make the account" }).click();
    assert.match(await page.getByRole("alert").innerText(), /This is not your password\./);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Make the account" }).click();
    assert.equal(path(page), "/account");
    assert.match(await page.locator("dl").innerText(), /eve@new\.example/);
    const { version } = await db.prepare("SELECT version FROM terms_acceptance").first();
    assert.equal(version, "2026-01");
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("no address and no form leads away, and no page of others signs anybody in", { timeout: 60_000 }, async () => {
    const { context, page } = await person();
    for (const wanted of ["https://evil.example/", "//evil.example", "/%5Cevil.example", "/%09/evil.example"]) {
      await context.clearCookies();
      await signIn(page, `/sign-in?return_to=${wanted}`);
      assert.equal(path(page), "/account", wanted);
      assert.equal(await heading(page), "Your account");
    }
    await context.clearCookies();
    // A page of another origin sends the form by itself.
    await page.route("http://evil.localhost/**", (route) =>
      route.fulfill({
        contentType: "text/html",
        body: `<form method="post" action="${host}/sign-in"><input name="identifier" value="${USER}"><input name="password" value="${PASSWORD}"></form><script>document.forms[0].submit()</script>`,
      }),
    );
    await page.goto("http://evil.localhost/");
    await page.waitForURL(`${host}/sign-in`);
    assert.equal(await heading(page), "This is not allowed");
    assert.ok((await context.cookies()).every(({ name }) => name !== "__Host-session"));
    // Nor does it show ours in a frame.
    await page.route("http://evil.localhost/frame", (route) =>
      route.fulfill({ contentType: "text/html", body: `<iframe src="${host}/sign-in"></iframe>` }),
    );
    await page.goto("http://evil.localhost/frame");
    await page.waitForLoadState("networkidle");
    const frames = page.frames().filter((frame) => frame.url().startsWith(host));
    for (const frame of frames) assert.equal(await frame.locator("h1").count(), 0);
    await context.close();
  });
});
