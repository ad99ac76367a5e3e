// The bars: what the figures of a run must reach.
import { all, one, package_, peer } from "./results.mjs";

const AT = 10_000;
const count = (number) => number.toLocaleString("en", { maximumSignificantDigits: 3 });
const times = (number) => `${count(number)}x`;

/** What was found, what it must be, and whether it is; a figure that was not taken is `not measured`. */
function bar(what, found, limit, { atLeast = false, show = times, unit = "" } = {}) {
  const sign = atLeast ? "≥" : "≤";
  const known = Number.isFinite(found);
  const reached = known ? (atLeast ? found >= limit : found <= limit) : false;
  return {
    what,
    bar: `${sign} ${show(limit)}${unit}`,
    found: known ? `${show(found)}${unit}` : "not measured",
    reached: known ? (reached ? "yes" : "**no**") : "–",
  };
}

export function bars() {
  const native = peer("native", "parapet", AT);
  const sliced = peer("native", "cedar-policy, sliced", AT);
  const plain = peer("native", "cedar-policy", AT);
  const js = peer("node", package_, 100);
  const cedarJs = peer("node", "cedar-wasm", 100);
  const drop = (policies) => one("drop_in", { policies });
  const cold = (name) => one("cold", { name })?.milliseconds;
  const large = peer("native", "parapet", 100_000);
  const small = peer("native", "parapet", 100);
  const atBars = peer("node", package_, AT);
  const map = peer("node", "Map", AT);
  const casl = peer("node", "@casl/ability", AT);
  const batch = atBars?.batch;
  return [
    ...all("decide")
      .filter(({ grants }) => grants !== 1_000)
      .map(({ grants, ours, floor }) => bar(`native p50 / floor, ${count(grants)} grants`, ours / floor, 3)),
    bar(`\`cedar-policy\` sliced / native, ${count(AT)} grants`, sliced?.p50 / native?.p50, 50, { atLeast: true }),
    bar(`\`cedar-policy\` / native, ${count(AT)} grants`, plain?.p50 / native?.p50, 20_000, { atLeast: true }),
    bar("`Authorizer` / drop-in, 10,000 policies", drop(10_000).authorizer / drop(10_000).compiled, 1_000, { atLeast: true }),
    bar("`Authorizer` / drop-in, 10 policies", drop(10).authorizer / drop(10).compiled, 1, { atLeast: true }),
    bar("cedar-wasm / JavaScript, 100 grants", cedarJs?.p50 / js?.p50, 100, { atLeast: true }),
    bar(`\`decide\` in JavaScript / \`Map\`, ${count(AT)} grants`, atBars?.p50 / map?.p50, 10),
    bar(`\`check\` in JavaScript / \`Map\`, ${count(AT)} grants`, atBars?.check / map?.p50, 4),
    bar(`CASL / \`decide\` in JavaScript, ${count(AT)} grants`, casl?.p50 / atBars?.p50, 1, { atLeast: true }),
    bar(`CASL / \`check\` in JavaScript, ${count(AT)} grants`, casl?.p50 / atBars?.check, 1, { atLeast: true }),
    bar("cold start, cedar-wasm / JavaScript", cold("cedar-wasm") / cold(package_), 15, { atLeast: true }),
    bar(`a decision in a JavaScript batch of 1,000, above native, ${count(AT)} grants`, batch - native?.p50, 0.5, {
      show: count,
      unit: " µs",
    }),
    bar("compiling 100,000 grants from rows", one("steps", { grants: 100_000, conditions: 3 })?.compile / 1_000, 1, { show: count, unit: " s" }),
    bar(`ten million decisions, native, ${count(AT)} grants`, native?.tenMillion, 5, { show: count, unit: " s" }),
    bar("opening 100,000 grants and 100,000 principals, trusted", one("open")?.milliseconds, 10, { show: count, unit: " ms" }),
    bar("the same in wasm", one("open_wasm", { name: package_ })?.milliseconds, 30, { show: count, unit: " ms" }),
    // Less what the same tenant takes with next to no grants: its principals, schema and actions.
    bar("memory a grant, 100,000 grants", (large?.memory - small?.memory) / 99_900, 32, { show: count, unit: " bytes" }),
  ];
}
