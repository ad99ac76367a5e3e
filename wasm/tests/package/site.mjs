// A site of a folder's files, and Chromium before it.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { launch } from "../../../tests/e2e/chromium.mjs";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/** Serves a folder; pages may run its scripts, wasm, and the inline scripts that are named, and nothing else. */
export async function startSite(folder, inline = []) {
  const hashes = inline.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  const policy = ["default-src 'self'; img-src data:; script-src 'self' 'wasm-unsafe-eval'", ...hashes].join(" ");
  const server = createServer(async ({ url }, response) => {
    const { pathname } = new URL(url, "http://site");
    const content = await readFile(join(folder, pathname)).catch(() => undefined);
    response.writeHead(content === undefined ? 404 : 200, {
      "content-type": TYPES[extname(pathname)] ?? "text/plain",
      "content-security-policy": policy,
    });
    response.end(content);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** Opens a page; what it complained about is in `complaints`. */
export async function startBrowser() {
  const browser = await launch();
  return {
    async open(url) {
      const page = await browser.newPage();
      const complaints = [];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      await page.goto(url);
      return { page, complaints };
    },
    close: () => browser.close(),
  };
}
