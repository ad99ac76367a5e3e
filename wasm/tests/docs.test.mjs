// The documentation's code: every `js` and `jsx` block of the package's README and of the migration pages runs as it is printed,
// and gives what its comments `// → …` promise: a value, or `throws` and an error's code.
//
// The blocks of a page are modules of the package that are run one after the other; what one declares, those after it find. A
// block under `<!-- later -->` is not run.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { after, before, describe, test } from "node:test";
import { transformSync } from "esbuild";
import ts from "typescript";
import { compileSnapshot } from "@parapet/engine/full";

const PAGES = ["../README.md", "../../docs/from-cedar-wasm.md", "../../docs/from-casl.md", "../../docs/from-casbin.md"];
const FOLDER = fileURLToPath(new URL(`../pkg/docs-${process.pid}/`, import.meta.url));
/** It says the same in either build. */
const skip = process.env.PARAPET_BUILD === "full" && "run with the other build";

/** The blocks of a page. */
function blocksOf(markdown) {
  return [...markdown.matchAll(/(<!-- later -->\n+)?^```(jsx?)\n(.*?)^```$/gms)].map(([block, later, language, code]) => {
    const line = markdown.slice(0, markdown.indexOf(block)).split("\n").length;
    return { line, later: later !== undefined, language, code };
  });
}

/** A block as a module that keeps its promises or fails, and leaves its names to those after it. */
function moduleOf({ language, code }) {
  const source = ts.createSourceFile(`block.${language}`, code, ts.ScriptTarget.Latest, true);
  const names = [];
  let text = "";
  let kept = 0;
  for (const statement of source.statements) {
    collect(statement, names);
    const [, promised] = /^[ \t]*\/\/ → (.+)/.exec(code.slice(statement.end)) ?? [];
    const written = code.slice(statement.getFullStart(), statement.end);
    if (promised === undefined) {
      text += written;
      continue;
    }
    kept++;
    const value = ts.isExpressionStatement(statement) ? statement.expression.getFullText() : names.at(-1);
    if (!ts.isExpressionStatement(statement)) text += written;
    const expected = promised.startsWith("throws ") ? JSON.stringify(promised) : `() => (${promised})`;
    text += `\nawait globalThis.keeps(async () => (${value}), ${expected});`;
  }
  assert.equal(code.split("// →").length - 1, kept, "a promise stands behind a statement of a block's own");
  text += `\nObject.assign(globalThis, { ${names.join(", ")} });\n`;
  return language === "jsx" ? transformSync(text, { loader: "jsx", jsx: "automatic" }).code : text;
}

function collect(node, names) {
  if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isImportClause(node) || ts.isNamespaceImport(node)) {
    if (node.name !== undefined) names.push(node.name.text);
  }
  if ((ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isImportSpecifier(node)) && ts.isIdentifier(node.name)) {
    names.push(node.name.text);
  }
  const inner = [
    ts.isVariableStatement, ts.isVariableDeclarationList, ts.isVariableDeclaration, ts.isObjectBindingPattern, ts.isArrayBindingPattern,
    ts.isBindingElement, ts.isImportDeclaration, ts.isImportClause, ts.isNamedImports,
  ];
  if (inner.some((is) => is(node))) ts.forEachChild(node, (child) => collect(child, names));
}

/** How a promise is kept. */
globalThis.keeps = async (run, promised) => {
  if (typeof promised === "string") await assert.rejects(run, { code: promised.slice("throws ".length) });
  else assert.deepEqual(await run(), promised());
};

let runs = 0;
async function run(block) {
  const file = `${FOLDER}${++runs}.mjs`;
  writeFileSync(file, moduleOf(block));
  await import(pathToFileURL(file));
}

/** An edge at acme.parapet.example that publishes the page's own `rows`. */
function publish() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x, y } = publicKey.export({ format: "jwk" });
  const jwk = { kty: "EC", crv: "P-256", alg: "ES256", use: "sig", kid: "published", x, y };
  const key = { id: "published", es256: { d: privateKey.export({ format: "jwk" }).d } };
  globalThis.fetch = async (url) => {
    const { pathname } = new URL(url);
    if (pathname === "/.well-known/parapet-keys") return Response.json({ keys: [jwk] });
    assert.match(pathname, /^\/v1\/snapshots\/(current|me)$/);
    return new Response(compileSnapshot(globalThis.rows, { version: 7, created: new Date(), key }));
  };
}

before(() => {
  mkdirSync(FOLDER, { recursive: true });
  publish();
  process.env.PARAPET_KEY = "key";
});
after(() => rmSync(FOLDER, { recursive: true, force: true }));

for (const page of PAGES) {
  describe(basename(page), { skip }, () => {
    const blocks = blocksOf(readFileSync(new URL(page, import.meta.url), "utf8"));
    for (const block of blocks) test(`the code at line ${block.line}`, { skip: block.later && "later" }, () => run(block));
    test("promises something", () => assert.ok(blocks.some(({ code }) => code.includes("// →"))));
  });
}

test("a promise that is not kept is found", { skip }, async () => {
  const block = (code) => run({ language: "js", code });
  await block("const two = 1 + 1; // → 2\ntwo; // → 2\nawait Promise.resolve({ two }); // → { two: 2 }");
  await block('const no = () => { throw Object.assign(new Error(), { code: "a.b" }); };\nno(); // → throws a.b');
  await assert.rejects(block("globalThis.two; // → 3"), { code: "ERR_ASSERTION" });
  await assert.rejects(block("const three = 2; // → 3"), { code: "ERR_ASSERTION" });
  await assert.rejects(block("two; // → throws a.b"), { code: "ERR_ASSERTION" });
  await assert.rejects(block("no(); // → throws a.c"), { code: "ERR_ASSERTION" });
  await assert.rejects(block("{ two; // → 2\n}"), /a promise stands behind a statement/);
  assert.deepEqual(blocksOf("a\n\n<!-- later -->\n```js\nb;\n```\n\n```sh\nc\n```\n```jsx\n<d />\n```\n").map(({ later, line }) => [later, line]), [[true, 3], [false, 11]]);
});
