// What a page sees of `init`: each time of a package that was loaded anew.
const AT = "/node_modules/@parapet/engine/pkg/full/";
const WASM = `${AT}parapet_bg.wasm`;
const fresh = (name) => import(`${AT}browser.js?${name}`);
const codeOf = (run) => Promise.resolve().then(run).then(() => "fine", (error) => error.code);

/** From each kind of source: what compiling gives before and after. */
async function sources(document) {
  const bytes = new Uint8Array(await (await fetch(WASM)).arrayBuffer());
  const kinds = {
    nothing: undefined,
    path: WASM,
    url: new URL(WASM, location.href),
    response: await fetch(WASM),
    promise: fetch(WASM),
    bytes,
    buffer: bytes.buffer,
    module: await WebAssembly.compile(bytes),
  };
  const found = {};
  for (const [name, source] of Object.entries(kinds)) {
    const { compile, init } = await fresh(name);
    found[name] = [await codeOf(() => compile(document)), await codeOf(() => init(source)), await codeOf(() => compile(document))];
  }
  return found;
}

/** What does not load, and then what does. */
async function failures(bytes, keys) {
  const { Engine, ParapetError, compile, init } = await fresh("failures");
  const found = [];
  for (const source of ["/nothing.wasm", "/index.html", new Uint8Array(8), Promise.reject(new Error("offline"))]) {
    const error = await init(source).catch((error) => error);
    found.push([error instanceof ParapetError, error.code, error.cause instanceof Error, await codeOf(() => compile({}))]);
  }
  const engine = await Engine.open(new Uint8Array(bytes), { keys });
  return { found, version: engine.policyVersion };
}

/** Many at once. */
async function together(bytes, keys) {
  const { Engine, init } = await fresh("together");
  const open = () => Engine.open(new Uint8Array(bytes), { keys });
  await Promise.all([open(), init(), open(), init("/nothing.wasm")]);
  return performance.getEntriesByType("resource").filter(({ name }) => name.endsWith("nothing.wasm")).length;
}

globalThis.tests = { failures, sources, together };
