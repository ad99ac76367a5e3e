// Loading a wasm module, once: when the package is imported where the host has the module by then, else when it is needed.
import { ParapetError, guard } from "./error.js";

/** Loads the module behind `wasm`, its glue; `source` is what the host has of it when the package is imported. */
export function load(wasm, source) {
  const { call, open } = guard();
  let exports;
  let loading;

  function ready(loaded) {
    exports = loaded;
    open();
  }

  async function begin(from) {
    try {
      ready(await wasm.default({ module_or_path: from }));
    } catch (cause) {
      throw new ParapetError({ code: "engine.not_loaded", message: "the wasm module could not be loaded" }, { cause });
    } finally {
      // Whoever comes after a failure tries again.
      loading = undefined;
    }
  }

  async function init(from) {
    if (exports === undefined) await (loading ??= begin(from));
  }

  if (source !== undefined) ready(wasm.initSync({ module: source }));
  return { call, init, memory: () => exports.memory };
}
