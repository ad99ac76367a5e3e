// The package as it is installed, in every environment that it is for: each gives the answers of all others.
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Miniflare } from "miniflare";
import { publint } from "publint";
import { build, createLogger, createServer } from "vite";
import webpack from "webpack";
import { missing } from "../../../tests/e2e/chromium.mjs";
import { expected, given, makeProject } from "./project.mjs";
import { startBrowser, startSite } from "./site.mjs";

const MAP = JSON.stringify({
  imports: {
    "@parapet/engine": "/node_modules/@parapet/engine/pkg/edge/browser.js",
    "@parapet/engine/full": "/node_modules/@parapet/engine/pkg/full/browser.js",
  },
});

let project;
let site;
let browser;
before(async () => {
  project = await makeProject();
  if (missing) return;
  site = await startSite(project.folder, [MAP]);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  site?.close();
  await project?.remove();
});

test("what is asked has an allow and a deny, by either kind of key", () => {
  for (const { answers } of expected) {
    assert.deepEqual(answers.map(({ version }) => version), [1, 2]);
    for (const { allows, decided, refused } of answers) {
      assert.deepEqual(decided.map(({ decision }) => decision), [true, false, true, false, false, false]);
      assert.equal(allows, true);
      assert.deepEqual(refused.map(([, , code]) => code), ["snapshot.wrong_hash", "snapshot.wrong_signature"]);
    }
  }
  assert.equal(expected[1].compiled, String(Buffer.from(given.snapshots[0].base64, "base64").join()));
});

describe("installed", { concurrency: true }, () => {
  test("there is what is used, and nothing else", () => {
    const built = ["browser.js", "node.cjs", "node.js", "parapet.js", "parapet_bg.wasm", "workerd.js"];
    const files = ["package.json", "js/denials.js", "js/error.js", "js/source.js", "pkg/source.cjs"];
    files.push(...["full", "index", "source"].flatMap((name) => [`js/${name}.d.ts`, `pkg/${name}.d.cts`]));
    for (const name of ["enforce", "express", "fastify", "hono", "react", "web"]) {
      files.push(`js/adapters/${name}.d.ts`, `js/adapters/${name}.js`, `pkg/adapters/${name}.d.cts`);
      if (name !== "enforce") files.push(`pkg/adapters/${name}.cjs`);
    }
    files.push(...["edge", "full"].flatMap((name) => built.map((file) => `pkg/${name}/${file}`)));
    assert.deepEqual(project.files.filter((file) => file !== "README.md"), files.sort());
  });

  for (const [name, file] of [["an ES module", "esm.mjs"], ["CommonJS", "commonjs.cjs"]]) {
    test(`in Node.js, by ${name}`, async () => {
      assert.deepEqual(JSON.parse(await project.run("node", file)), expected);
    });
  }

  test("the source and the adapters, by import and by require", async () => {
    // React is not there.
    const entries = ["source", "web", "hono", "express", "fastify"];
    const names = `[${entries.map((name) => `"@parapet/engine/${name}"`)}]`;
    const print = "console.log(JSON.stringify(all.map((entry) => Object.keys(entry).filter((name) => name !== 'default').sort())))";
    await project.write("entries.mjs", `const all = await Promise.all(${names}.map((name) => import(name))); ${print}`);
    await project.write("entries.cjs", `const all = ${names}.map((name) => require(name)); ${print}`);
    const [imported, required] = await Promise.all(["entries.mjs", "entries.cjs"].map((file) => project.run("node", file)));
    assert.deepEqual(JSON.parse(imported), [["SnapshotSource"], ["authorize", "decisionOf", "protect"], ["authorize"], ["authorize"], ["authorize"]]);
    assert.equal(required, imported);
  });

  test("where nothing of the host is known, from bytes", async () => {
    const { Engine, init } = await import(join(project.installed, "pkg/edge/browser.js"));
    await init(await readFile(join(project.installed, "pkg/edge/parapet_bg.wasm")));
    const [, { base64, keys }] = given.snapshots;
    const engine = await Engine.open(Buffer.from(base64, "base64"), { keys });
    assert.equal(engine.decide(given.requests[0]).decision, true);
    assert.equal(engine.decide(given.requests[1]).decision, false);
  });

  test("in workerd, as wrangler bundles it", async () => {
    const date = "2026-04-26";
    const how = ["--dry-run", "--outdir=worker", "--name=worker", `--compatibility-date=${date}`];
    await project.run("wrangler", "deploy", "worker.mjs", ...how);
    const folder = join(project.folder, "worker");
    const names = (await readdir(folder)).filter((name) => /\.(js|wasm)$/.test(name)).sort();
    const modules = names.map(async (name) => ({
      type: name.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
      path: `/${name}`,
      contents: await readFile(join(folder, name)),
    }));
    // The first is where it begins.
    const sorted = (await Promise.all(modules)).sort((one, other) => one.type.localeCompare(other.type)).reverse();
    const worker = new Miniflare({ cf: false, modulesRoot: "/", modules: sorted, compatibilityDate: date });
    try {
      const { answers, policies } = await (await worker.dispatchFetch("http://worker/")).json();
      assert.deepEqual(answers, expected);
      assert.match(policies, /^@id\(/m);
    } finally {
      await worker.dispose();
    }
  });

  for (const [module, moduleResolution] of [["nodenext", "nodenext"], ["node16", "node16"], ["preserve", "bundler"]]) {
    test(`for TypeScript that resolves as ${moduleResolution}`, async () => {
      const compilerOptions = {
        module, moduleResolution, target: "es2022", lib: ["es2022"], types: [], strict: true, exactOptionalPropertyTypes: true,
        skipLibCheck: false, noEmit: true,
      };
      const name = `tsconfig.${moduleResolution}.json`;
      await project.write(name, JSON.stringify({ compilerOptions, files: ["types.mts", "types.cts"] }));
      await project.run("tsc", "--project", name);
    });
  }

  test("publint finds nothing", async () => {
    const { messages } = await publint({ pkgDir: project.installed, pack: false, strict: true });
    assert.deepEqual(messages, []);
  });

  test("arethetypeswrong finds nothing", async () => {
    // The wasm files have no types, and TypeScript's resolution of before 2022 knows no `exports`.
    const how = ["--no-definitely-typed", "--profile=node16", "--exclude-entrypoints", "edge.wasm", "full.wasm"];
    await project.run("attw", project.tarball, ...how);
  });
});

describe("in Chromium", { skip: missing, concurrency: true }, () => {
  test("without a bundler", async () => {
    await project.write("unbundled.html", page(`<script type="importmap">${MAP}</script><script type="module" src="./page.mjs"></script>`));
    await sees(`${site.origin}/unbundled.html`);
  });

  test("bundled by Vite", async () => {
    const said = [];
    await build({ ...viteOf(said), base: "./" });
    assert.deepEqual(said, []);
    await sees(`${site.origin}/vite/index.html`, "thread");
  });

  test("served by Vite, while it is developed", async () => {
    const server = await createServer({ ...viteOf([]), server: { host: "127.0.0.1", port: 0, hmr: false, watch: null } });
    try {
      await server.listen();
      await sees(`http://127.0.0.1:${server.httpServer.address().port}/`, "thread");
    } finally {
      await server.close();
    }
  });

  test("bundled by webpack, and a worker by itself", async () => {
    const of = (name, entry, target) => ({
      mode: "production",
      context: project.folder,
      entry,
      target,
      output: { path: join(project.folder, name) },
      performance: false,
    });
    const compiler = webpack([of("webpack", "./bundled.mjs", "web"), of("webworker", "./thread.mjs", "webworker")]);
    const stats = await new Promise((resolve, reject) => compiler.run((error, stats) => (error ? reject(error) : resolve(stats))));
    assert.equal(stats.hasErrors() || stats.hasWarnings(), false, stats.toString());
    await project.write("webpack.html", page('<script src="./webpack/main.js"></script>'));
    await sees(`${site.origin}/webpack.html`, "thread");
    await project.write("webworker.html", page('<script type="module" src="./webworker.mjs"></script>'));
    await sees(`${site.origin}/webworker.html`);
  });

  test("`init` takes the module from whatever has it, and nothing compiles before", async () => {
    const { page, complaints } = await browser.open(`${site.origin}/init.html`);
    const found = await page.evaluate((document) => globalThis.tests.sources(document), given.document);
    assert.equal(Object.keys(found).length, 8);
    for (const [name, codes] of Object.entries(found)) assert.deepEqual(codes, ["engine.not_ready", "fine", "fine"], name);
    assert.deepEqual(complaints, []);
  });

  test("what does not load says why, and loads when it is tried again", async () => {
    const { page } = await browser.open(`${site.origin}/init.html`);
    const [{ base64, keys }] = given.snapshots;
    const bytes = [...Buffer.from(base64, "base64")];
    const { found, version } = await page.evaluate(({ bytes, keys }) => globalThis.tests.failures(bytes, keys), { bytes, keys });
    assert.deepEqual(found, Array(4).fill([true, "engine.not_loaded", true, "engine.not_ready"]));
    assert.equal(version, 1);
  });

  test("who comes while it is loaded waits for that", async () => {
    const { page, complaints } = await browser.open(`${site.origin}/init.html`);
    const fetched = [];
    page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
    const [{ base64, keys }] = given.snapshots;
    const bytes = [...Buffer.from(base64, "base64")];
    await page.evaluate(({ bytes, keys }) => globalThis.tests.together(bytes, keys), { bytes, keys });
    assert.equal(fetched.filter((path) => path.endsWith(".wasm")).length, 1, fetched.join());
    assert.deepEqual(complaints, []);
  });
});

/** A page of scripts. */
function page(scripts) {
  return `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>A page</title>${scripts}</html>`;
}

/** A page finds the answers that are expected, as does what else is named, and has nothing to complain about. */
async function sees(url, ...others) {
  const { page, complaints } = await browser.open(url);
  for (const name of ["answers", ...others]) {
    assert.deepEqual(await page.evaluate((name) => globalThis[name], name), expected, `${name}: ${complaints.join()}`);
  }
  assert.deepEqual(complaints, []);
}

/** What Vite is told; `said` keeps what it warns of. */
function viteOf(said) {
  const keep = (message) => said.push(message);
  const customLogger = { ...createLogger("silent"), warn: keep, warnOnce: keep, error: keep };
  // Of how long it took, on a machine that has other things to do as well, it does not warn.
  const rolldownOptions = { checks: { pluginTimings: false } };
  return {
    root: project.folder,
    configFile: false,
    logLevel: "warn",
    customLogger,
    build: { outDir: "vite", rolldownOptions },
    worker: { rolldownOptions },
  };
}
