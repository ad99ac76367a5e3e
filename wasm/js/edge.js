// The entry point for Node: the edge build, which lies beside it and is loaded when this is imported.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as wasm from "../pkg/edge/parapet.js";
import { engineOf } from "./engine.js";
import { guard } from "./error.js";

const { memory } = wasm.initSync({ module: readFileSync(new URL("../pkg/edge/parapet_bg.wasm", import.meta.url)) });

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

export const Engine = engineOf(wasm, memory, guard(), sha256);
export { ParapetError } from "./error.js";
