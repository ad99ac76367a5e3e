// What is measured in Node: each engine's module and, where it has one, its wasm file.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A path from the root of the repository. */
export const path = (relative) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

const parapet = (name, entry, wasm) => ({ name, module: "parapet", entry: path(entry), wasm: path(wasm) });
const cedarWasm = path("node_modules/@cedar-policy/cedar-wasm/nodejs/cedar_wasm_bg.wasm");

/** Ours are measured as far as they are built. */
export const engines = [
  { name: "Map", module: "map" },
  parapet("parapet, full wasm", "wasm/pkg/full/node.js", "wasm/pkg/full/parapet_bg.wasm"),
  parapet("parapet, edge wasm", "wasm/pkg/edge/node.js", "wasm/pkg/edge/parapet_bg.wasm"),
  { name: "cedar-wasm", module: "cedar", wasm: cedarWasm },
  { name: "@casl/ability", module: "casl" },
  { name: "casbin", module: "casbin" },
].filter(({ entry, wasm }) => (entry === undefined || existsSync(entry)) && (wasm === undefined || existsSync(wasm)));

/** Loads a tenant with an engine; gives what decides. */
export async function load(engine, tenant) {
  const module = await import(`./peers/${engine.module}.mjs`);
  return module.load(tenant, engine);
}
