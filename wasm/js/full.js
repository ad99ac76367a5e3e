// `@parapet/engine/full`, the build with the compiler. Built for each host, which `#host` stands for.
import * as host from "#host";
import * as wasm from "../pkg/full/parapet.js";
import { compilerOf } from "./compiler.js";
import { engineOf } from "./engine.js";
import { load } from "./load.js";
import { residualOf } from "./residual.js";

const module = load(wasm, host.source);

export const Engine = engineOf(wasm, module, host.sha256, residualOf(module.call));
export const { compile, compileSnapshot } = compilerOf(wasm, module.call);
export const { init } = module;
export { ParapetError } from "./error.js";
