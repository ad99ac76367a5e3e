// The engines of Node: each in a process of its own at every number of grants; then wasm sizes and cold starts.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { gzipSync } from "node:zlib";
import { engines, path } from "./engines.mjs";
import { DIRECTORY, SIZES } from "./tenant.mjs";

/** Longer than this, in milliseconds, no engine may take to load. */
const LOAD = 60_000;
const STARTS = 15;

const results = [];
const add = (result) => {
  console.log(JSON.stringify(result));
  results.push(result);
};

for (const grants of SIZES) {
  for (const { name } of engines) add({ kind: "peer", host: "node", name, grants, ...(await run(name, grants)) });
}
for (const engine of engines) {
  if (engine.wasm === undefined) continue;
  const bytes = readFileSync(engine.wasm);
  add({ kind: "wasm", name: engine.name, bytes: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length });
  add({ kind: "cold", name: engine.name, milliseconds: cold(engine.name) });
  if (engine.module === "parapet") add({ kind: "open_wasm", name: engine.name, ...open(dirname(engine.wasm)) });
}
writeFileSync(join(DIRECTORY, "node.jsonl"), results.map((result) => `${JSON.stringify(result)}\n`).join(""));

/** One engine in its own process: its figures, or that it did not load. */
async function run(name, grants) {
  const child = spawn(process.execPath, ["--expose-gc", path("bench/node/peer.mjs"), name, String(grants)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = [];
  const late = setTimeout(() => child.kill(), LOAD);
  createInterface(child.stdout).on("line", (line) => {
    clearTimeout(late);
    lines.push(JSON.parse(line));
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(late);
  if (code === null && lines.length === 0) return { failed: "did not load" };
  if (code !== 0) throw new Error(`${name} at ${grants} grants ended with ${code}`);
  return lines[1];
}

/** How long a wasm module takes to open the largest snapshot. */
function open(module) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [path("bench/node/open.mjs"), module]);
  if (status !== 0) throw new Error(String(stderr));
  return JSON.parse(String(stdout));
}

/** The median of some starts, each in a fresh process, after one that fills the system's file cache. */
function cold(name) {
  const start = () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [path("bench/node/cold.mjs"), name]);
    if (status !== 0) throw new Error(String(stderr));
    return Number(stdout);
  };
  start();
  const times = Array.from({ length: STARTS }, start).sort((one, other) => one - other);
  return times[STARTS >> 1];
}
