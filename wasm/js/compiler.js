// The compiler, which only the full build has; `full.d.ts` documents it.
import { DOCUMENT, OPTIONS, checkedText, textOf } from "./json.js";

/** What compiles, over a wasm module that `call` guards. */
export function compilerOf(wasm, call) {
  return {
    compile(document) {
      const text = documentText(document);
      return JSON.parse(call(() => wasm.compile(text)));
    },

    compileSnapshot(document, options) {
      const text = documentText(document);
      const how = textOf(options, OPTIONS);
      return call(() => wasm.compileSnapshot(text, how));
    },
  };
}

function documentText(document) {
  return typeof document === "string" ? checkedText(document, DOCUMENT) : textOf(document, DOCUMENT);
}
