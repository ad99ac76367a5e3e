// Writes BENCHMARKS.md and docs/latency.svg from what the parts of a run left under `target/bench`.
import { mkdirSync, writeFileSync } from "node:fs";
import { path } from "../node/engines.mjs";
import { SIZES } from "../node/tenant.mjs";
import { bars } from "./bars.mjs";
import { kept } from "./edge.mjs";
import { machine } from "./machine.mjs";
import { plot, time } from "./plot.mjs";
import { all, criterion, label, one, peer } from "./results.mjs";
import { table } from "./table.mjs";

const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: 3 });
const size = (bytes) => (bytes < 2 ** 20 ? `${number(bytes / 2 ** 10)} KiB` : `${number(bytes / 2 ** 20)} MiB`);

function engines(grants) {
  const rows = all("peer", { grants });
  rows.sort((one, other) => (one.p50 ?? Infinity) - (other.p50 ?? Infinity));
  const unless = (show) => (row) => (row.failed === undefined ? show(row) : row.failed);
  return table(rows, {
    engine: ({ host, name }) => label(host, name),
    in: ({ host }) => (host === "node" ? "Node" : "native"),
    p50: unless(({ p50 }) => time(p50)),
    p99: unless(({ p99 }) => time(p99)),
    "decisions a second": unless(({ perSecond }) => number(perSecond)),
    load: unless(({ load }) => time(load * 1e3)),
    memory: unless(({ memory }) => size(memory)),
    asked: unless(({ asked }) => asked.toLocaleString("en")),
  });
}

const { date, text: where } = machine();
const open = one("open");
const batches = all("peer", { host: "node" }).filter(({ batch }) => batch !== undefined);
const report = `<!-- Written by \`make bench\` from one run, and the end of it by \`make bench-edge\`; whatever is changed here is lost. -->
# Benchmarks

\`make bench\`, ${date}, on ${where}. Ratios of one run count; single times are the machine's.

Every engine has the same tenant and the same trace, and every decision was compared with the floor's: one that differs ends the run. A tenant has 1,000 users, 500 permissions of 20 resource types, and so many grants, half of them under one of two conditions; the trace has 10,000 requests, each with two attributes of its resource.

![Median latency of a decision against the number of grants](docs/latency.svg)

## The bars

${table(bars(), { what: (row) => row.what, bar: (row) => row.bar, found: (row) => row.found, reached: (row) => row.reached })}

The drop-in and Cedar get their own requests ready made. Elsewhere each engine's request is made from strings and attributes within what is measured, as an application must; ours is \`Engine::check\`, which borrows them.

## Engines

Each runs in a process of its own. p50 and p99 are of single calls, each the best of up to 20 rounds, without what reading the clock costs; decisions a second are of a plain loop. \`load\` is from the engine's own form of the tenant (Cedar's text, JSON, policy lines, our signed snapshot) to what decides; in Node, importing the package included. \`memory\` is what the process's resident memory grew by from before the tenant was read until it was loaded. An engine that is slow is asked only the first requests of the trace, as many as are \`asked\`; with fewer than 100 the p99 is the slowest. What has not loaded after a minute \`did not load\`.

- *floor* is written by hand for exactly this tenant: no determining policies, no expiry, nothing to configure.
- *\`cedar-policy\`* has one policy a grant. *Sliced*, a hash map by role and action in front picks the policies that the authorizer is asked with. Requests and entities are made for each decision.
- *cedar-wasm* is \`statefulIsAuthorized\` with the policies parsed beforehand, without a schema.
- *regorus* has the data laid out as an index, and its rule compiled for its virtual machine.
- *\`casbin\`* is role-based with the condition in the matcher, the cheap comparison first; decided synchronously.
- *CASL* has an ability a user, made when the tenant is loaded.
- Ours in Node is asked with AuthZEN's objects.

${SIZES.map((grants) => `### ${grants.toLocaleString("en")} grants\n\n${engines(grants)}`).join("\n\n")}

## Ours against the floor

\`check\` is from plain strings and attributes, with the determining policies; \`decide\` is the same with attributes as JSON and an answer that owns what it names.

*Cedar* is \`Engine::decide_by_cedar\`: Cedar's authorizer on our compiled policies, one a role and condition.

${table(all("decide"), {
  grants: ({ grants }) => grants.toLocaleString("en"),
  "floor p50": ({ floor }) => time(floor),
  "`check` p50": ({ ours }) => time(ours),
  "`decide` p50": ({ decide }) => time(decide),
  "ours p99": ({ p99 }) => time(p99),
  "ours / floor": ({ ours, floor }) => number(ours / floor),
  "Cedar p50": ({ cedar }) => time(cedar),
  "Cedar / ours": ({ cedar, ours }) => number(cedar / ours),
})}

## The drop-in

\`parapet::cedar::CompiledPolicySet\` against \`cedar_policy::Authorizer\` on Cedar's own types, one policy a grant:

${table(all("drop_in"), {
  policies: ({ policies }) => policies.toLocaleString("en"),
  "`Authorizer` p50": ({ authorizer }) => time(authorizer),
  "`CompiledPolicySet` p50": ({ compiled }) => time(compiled),
  ratio: ({ authorizer, compiled }) => number(authorizer / compiled),
})}

## Compiling and opening

${table(all("compile"), {
  grants: ({ grants }) => grants.toLocaleString("en"),
  "compile, from the document's text": ({ milliseconds }) => time(milliseconds * 1e3),
  snapshot: ({ snapshot }) => size(snapshot),
  "open, signature checked": ({ grants }) => time(peer("native", "parapet", grants).load * 1e3),
})}

From rows that are read already, by steps, in milliseconds; each the best of 5 runs:

${table(all("steps"), Object.fromEntries(Object.keys(all("steps")[0] ?? {}).filter((name) => name !== "kind")
  .map((name) => [name, (row) => number(row[name])])))}

A snapshot of 100,000 grants and 100,000 principals has ${size(open.snapshot)} and opens, trusted, in ${time(open.milliseconds * 1e3)}; in wasm, without signature and hash, in:

${table(all("open_wasm"), {
  package: ({ name }) => label("node", name),
  "the first time": ({ first }) => time(first * 1e3),
  "best of 5": ({ milliseconds }) => time(milliseconds * 1e3),
})}

## WebAssembly

A cold start is from nothing loaded to the first decision at 100 grants: import, compile, instantiate, open or parse, decide; the median of 15 fresh processes.

${table(all("wasm"), {
  package: ({ name }) => label("node", name),
  wasm: ({ bytes }) => size(bytes),
  gzipped: ({ gzipped }) => size(gzipped),
  "cold start": ({ name }) => time(one("cold", { name }).milliseconds * 1e3),
})}

A \`check\` by the parts of a request, and a decision's share of a \`decideBatch\` of 1,000:

${table(batches, {
  package: ({ name }) => label("node", name),
  grants: ({ grants }) => grants.toLocaleString("en"),
  "a check": ({ check }) => (check === undefined ? "–" : time(check)),
  "a decision of a batch": ({ batch }) => time(batch),
})}

## The core's operations

Criterion's medians; \`cargo bench -p parapet-bench --bench core\` compares them with the last time's.

${table(criterion(), { operation: ({ name }) => `\`${name}\``, median: ({ nanoseconds }) => time(nanoseconds / 1e3) })}
${kept()}`;

const order = all("peer", { grants: SIZES[0] }).map(({ host, name }) => ({ host, name }));
const lines = order.map(({ host, name }) => ({
  name: label(host, name).replaceAll(/[*`]/g, ""),
  ours: name.startsWith("parapet"),
  dashed: host === "node",
  points: all("peer", { host, name }).flatMap(({ grants, p50 }) => (p50 === undefined ? [] : [[grants, Math.max(p50, 0.01)]])),
}));
mkdirSync(path("docs"), { recursive: true });
writeFileSync(path("docs/latency.svg"), plot(lines.filter(({ points }) => points.length > 0)));
writeFileSync(path("BENCHMARKS.md"), report);
console.log("wrote BENCHMARKS.md and docs/latency.svg");
