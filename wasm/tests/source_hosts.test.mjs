// The source of snapshots in workerd and in a browser, around an engine that says what it was opened with.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { buildSync } from "esbuild";
import { Miniflare, Response } from "miniflare";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const skip = process.env.PARAPET_BUILD === "full" && "it is the same with the other build";

const ENGINE = `
  class Engine {
    static async open(bytes) {
      const engine = new Engine();
      engine.policyVersion = Number(new TextDecoder().decode(bytes));
      return engine;
    }
    check() { return true; }
    free() {}
  }
`;

/** The source and what is around it, as one module. */
function bundled(contents) {
  const stdin = { contents: `import { SnapshotSource } from "./source.js";${ENGINE}${contents}`, resolveDir: fileURLToPath(new URL("../js/", import.meta.url)) };
  return buildSync({ stdin, bundle: true, format: "esm", write: false }).outputFiles[0].text;
}

test("in a Worker: made where the module is loaded, fresh by its requests, and one that hangs keeps nobody", { skip }, async () => {
  let version = 1;
  let hangs = false;
  const asked = [];
  const script = bundled(`
    const source = new SnapshotSource(Engine, "https://rules.example/current", { keys: [], interval: 1, maxAge: 60_000, timeout: 300 });
    export default {
      async fetch(request, env, worker) {
        const fresh = source.ensureFresh();
        if (source.isStale || request.url.endsWith("wait")) await fresh;
        else worker.waitUntil(fresh);
        return Response.json([source.version, source.check(), source.lastError?.code]);
      },
    };
  `);
  const miniflare = new Miniflare({
    modules: true,
    script,
    compatibilityDate: "2026-01-01",
    outboundService: async (request) => {
      asked.push(request.headers.get("if-none-match"));
      if (hangs) return new Promise(() => {});
      const etag = `"${version}"`;
      if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers: { etag } });
      return new Response(String(version), { headers: { etag } });
    },
  });
  const get = async (path = "") => (await miniflare.dispatchFetch(`https://app.example/${path}`)).json();
  try {
    assert.deepEqual(await get(), [1, true, null]);
    assert.deepEqual(await get("wait"), [1, true, null]);
    version = 2;
    assert.deepEqual(await get("wait"), [2, true, null]);
    assert.deepEqual(asked, [null, '"1"', '"1"']);
    hangs = true;
    const address = await miniflare.ready;
    const left = fetch(new URL("/wait", address), { signal: AbortSignal.timeout(100) }).catch(() => {});
    // Who comes while it hangs is answered by what is held.
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual((await get()).slice(0, 2), [2, true]);
    await left;
    hangs = false;
    version = 3;
    await new Promise((resolve) => setTimeout(resolve, 1_700));
    assert.equal((await get("wait"))[0], 3);
  } finally {
    await miniflare.dispose();
  }
});

test("in a browser: asks with the ETag past its cache, and follows no redirect", { skip: skip || (!existsSync(CHROMIUM) && "there is no Chromium") }, async () => {
  const asked = [];
  const server = createServer((request, response) => {
    if (request.url === "/") return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
    if (request.url === "/source.js") return response.writeHead(200, { "content-type": "text/javascript" }).end(bundled("export { SnapshotSource, Engine };"));
    if (request.url === "/favicon.ico") return response.writeHead(404).end();
    asked.push([request.url, request.headers["if-none-match"]]);
    if (request.url === "/elsewhere") return response.writeHead(302, { location: "/current" }).end();
    if (request.headers["if-none-match"] === '"7"') return response.writeHead(304).end();
    // What a cache would keep for an hour.
    response.writeHead(200, { etag: '"7"', "cache-control": "max-age=3600" }).end("7");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const seen = await page.evaluate(async () => {
      const { Engine, SnapshotSource } = await import("/source.js");
      const source = new SnapshotSource(Engine, "/current", { keys: [] });
      const first = [await source.start(), source.version];
      const again = [await source.refresh(), source.lastError?.code];
      source.close();
      const elsewhere = new SnapshotSource(Engine, "/elsewhere", { keys: [] });
      const redirected = [await elsewhere.refresh(), elsewhere.lastError.code, elsewhere.check()];
      const once = new SnapshotSource(Engine, "/current", { keys: [] });
      return { first, again, redirected, cached: await once.refresh() };
    });
    assert.deepEqual(seen, { first: [true, 7], again: [true, undefined], redirected: [false, "source.redirected", false], cached: true });
    assert.deepEqual(asked, [["/current", undefined], ["/current", '"7"'], ["/elsewhere", undefined], ["/current", undefined]]);
  } finally {
    await browser.close();
    server.close();
  }
});
