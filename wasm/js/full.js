// The entry point for Node: the full build, with the compiler.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as wasm from "../pkg/full/parapet.js";
import { compilerOf } from "./compiler.js";
import { engineOf } from "./engine.js";
import { guard } from "./error.js";
import { residualOf } from "./residual.js";

const { memory } = wasm.initSync({ module: readFileSync(new URL("../pkg/full/parapet_bg.wasm", import.meta.url)) });
const call = guard();
const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

export const Engine = engineOf(wasm, memory, call, sha256, residualOf(call));
export const { compile, compileSnapshot } = compilerOf(wasm, call);
export { ParapetError } from "./error.js";
