// What the parts of a run found.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { path } from "../node/engines.mjs";
import { DIRECTORY } from "../node/tenant.mjs";

const lines = ["decide", "compile", "peers", "node"].flatMap((part) => {
  const text = readFileSync(join(DIRECTORY, `${part}.jsonl`), "utf8");
  return text.trim().split("\n").map((line) => JSON.parse(line));
});

/** The results of a kind, or of those the ones that have these fields. */
export const all = (kind, fields = {}) =>
  lines.filter((line) => line.kind === kind && Object.entries(fields).every(([name, value]) => line[name] === value));

/** The only one; undefined where it was not measured. */
export const one = (kind, fields = {}) => all(kind, fields)[0];

/** An engine's figures at a number of grants. */
export const peer = (host, name, grants) => one("peer", { host, name, grants });

/** Ours in JavaScript: the smallest package that was measured decides. */
export const package_ = one("wasm", { name: "parapet, edge wasm" }) ? "parapet, edge wasm" : "parapet, full wasm";

/** Criterion's medians, in nanoseconds, by name. */
export function criterion() {
  const place = join(DIRECTORY, "criterion");
  if (!existsSync(place)) return [];
  const files = readdirSync(place, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(join("new", "estimates.json")))
    .map((file) => {
      const read = (name) => JSON.parse(readFileSync(join(place, file, "..", name), "utf8"));
      return { name: read("benchmark.json").full_id, nanoseconds: read("estimates.json").median.point_estimate };
    })
    .sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
}

const crates = readFileSync(path("Cargo.lock"), "utf8");
const npm = JSON.parse(readFileSync(path("package.json"), "utf8")).devDependencies;
const crate = (name) => crates.match(new RegExp(`name = "${name}"\nversion = "([^"]+)"`))?.[1];

const LABELS = {
  native: {
    floor: "floor: a hand-written map",
    parapet: "**Parapet**",
    "cedar-policy": `\`cedar-policy\` ${crate("cedar-policy")}`,
    "cedar-policy, sliced": `\`cedar-policy\` ${crate("cedar-policy")}, sliced`,
    regorus: `\`regorus\` ${crate("regorus")}`,
    casbin: `\`casbin\` ${crate("casbin")}`,
  },
  node: {
    Map: "floor: a hand-written `Map`",
    "parapet, full wasm": "**Parapet**, full wasm",
    "parapet, edge wasm": "**Parapet**, edge wasm",
    "cedar-wasm": `\`@cedar-policy/cedar-wasm\` ${npm["@cedar-policy/cedar-wasm"]}`,
    "@casl/ability": `\`@casl/ability\` ${npm["@casl/ability"]}`,
    casbin: `\`casbin\` ${npm.casbin}`,
  },
};

/** What an engine is called in the report. */
export const label = (host, name) => LABELS[host][name];
