// The browser of tests: Chromium (Debian: chromium), or another one that CHROMIUM names; where there is none, `missing` says so.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const missing = existsSync(CHROMIUM) ? false : "there is no Chromium";
if (missing) console.error(`\n!!! There is no Chromium at ${CHROMIUM}: NO PAGE IS TESTED IN A BROWSER. Install it, or set CHROMIUM.\n`);

/** Starts it. */
export function launch() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}
