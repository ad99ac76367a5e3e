// The entry point for Node: the wasm module lies beside it and is loaded when it is imported.
import { readFileSync } from "node:fs";
import { initSync } from "../pkg/parapet_wasm.js";

initSync({ module: readFileSync(new URL("../pkg/parapet_wasm_bg.wasm", import.meta.url)) });

export { Engine, ParapetError, compile, compileSnapshot } from "./engine.js";
