// `@parapet/engine`, the edge build: what opens a snapshot and decides. Built for each host, which `#host` stands for.
import * as host from "#host";
import * as wasm from "../pkg/edge/parapet.js";
import { engineOf } from "./engine.js";
import { load } from "./load.js";

const module = load(wasm, host.source);

export const Engine = engineOf(wasm, module, host.sha256);
export const { init } = module;
export { ParapetError } from "./error.js";
