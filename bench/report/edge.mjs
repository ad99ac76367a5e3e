// Writes the end of BENCHMARKS.md, of what `make bench-edge` left under `target/bench`; `make bench` leaves that as it is.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { machine } from "./machine.mjs";
import { table } from "./table.mjs";

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const REPORT = path("BENCHMARKS.md");
const HEADING = "\n## Over HTTP\n";

/** What stands there from the last time, from its heading on; nothing where it was never measured. */
export function kept() {
  const report = existsSync(REPORT) ? readFileSync(REPORT, "utf8") : "";
  const start = report.indexOf(HEADING);
  return start < 0 ? "" : report.slice(start);
}

function section() {
  const read = (/** @type {string} */ name) => JSON.parse(readFileSync(path(`target/bench/${name}.json`), "utf8"));
  const { bar, runs, seconds, wrk, results } = read("edge");
  const count = (/** @type {number} */ number) => Math.round(number).toLocaleString("en");
  const milliseconds = (/** @type {number} */ number) => `${number.toFixed(2)} ms`;
  const decisions = table(results, {
    connections: ({ connections }) => connections,
    "empty Worker, requests/s": ({ empty }) => count(empty.rate),
    "Parapet, requests/s": ({ parapet }) => count(parapet.rate),
    share: ({ share }) => `${Math.round(share * 100)} %`,
    [`at least ${bar * 100} %`]: ({ share }) => (share >= bar ? "yes" : "**no**"),
    "empty, µs CPU": ({ empty }) => count(empty.cpu),
    "Parapet, µs CPU": ({ parapet }) => count(parapet.cpu),
    "Parapet p50": ({ parapet }) => milliseconds(parapet.p50 / 1000),
    p99: ({ parapet }) => milliseconds(parapet.p99 / 1000),
  });
  const { date, processor } = machine();
  let text = `${HEADING}
\`make bench-edge\`, ${date}, on ${processor}; ${wrk}.

\`POST /access/v1/evaluation\` of the demo tenant, everything known to the isolate, beside a Worker in JavaScript that parses the request and returns the same answer. Each is a workerd of its own on one core, without wrangler's proxy; \`wrk\` has the other. Medians of ${runs} interleaved runs of ${seconds} s; the share is the median of the runs' shares. CPU time is that of the whole process, a request.

${decisions}
`;
  if (existsSync(path("target/bench/gateway.json"))) {
    const { bars, grants, runs, seconds, results, cold } = read("gateway");
    const met = (/** @type {boolean} */ is) => (is ? "yes" : "**no**");
    text += `
\`GET\` through the gateway, with a key, a rule of the map and a decision at ${count(grants)} grants, beside a Worker in JavaScript that only passes requests on to the same nginx, which has the core of \`wrk\`. Medians of ${runs} interleaved runs of ${seconds} s:

${table(results, {
  connections: ({ connections }) => connections,
  "proxy, requests/s": ({ proxy }) => count(proxy.rate),
  "gateway, requests/s": ({ gateway }) => count(gateway.rate),
  share: ({ share }) => `${Math.round(share * 100)} %`,
  [`at least ${bars.share * 100} %`]: ({ share }) => met(share >= bars.share),
  "p50 later by": ({ added }) => milliseconds(added / 1000),
  [`at most ${bars.added} ms`]: ({ added }) => met(added <= bars.added * 1000),
  "proxy, µs CPU": ({ proxy }) => count(proxy.cpu),
  "gateway, µs CPU": ({ gateway }) => count(gateway.cpu),
})}

A process that has just begun gives its first answer, with the snapshot loaded, ${Math.round(cold.begin)} ms later than the proxy's (median of ${cold.starts} pairs; at most ${bars.cold} ms: ${met(cold.begin <= bars.cold)}); ${Math.round(cold.answer)} ms of its time are the request's own.
`;
  }
  if (existsSync(path("target/bench/soak.json"))) {
    const { minutes, connections, grants, revocations, latest, freshness, grown, trouble } = read("soak");
    const last = minutes[minutes.length - 1];
    text += `
${minutes.length} minutes of ${connections} connections at full load (${count(last.rate)} requests a second in the last) at ${count(grants)} grants, while ${revocations} times a right was taken: ${trouble.length} failures, a taken right let somebody through ${count(latest)} ms at the latest (at most ${count(freshness)}), memory ${grown.toFixed(2)} of what it was after the first minute.
`;
  }
  if (existsSync(path("target/bench/lists.json"))) {
    const lists = read("lists");
    text += `
Lists at ${lists.users.toLocaleString("en")} users, ${lists.requests} requests each, one after the other (at most ${lists.bar} ms):

${table(lists.results, {
  list: ({ what }) => what,
  rows: ({ rows }) => rows,
  p50: ({ p50 }) => `${p50.toFixed(1)} ms`,
  p99: ({ p99 }) => `${p99.toFixed(1)} ms`,
})}
`;
  }
  if (existsSync(path("target/bench/search.json"))) {
    const { bars, users, grants, requests, results } = read("search");
    text += `
Who may do one action, at ${count(users)} users and ${count(grants)} grants: a first page of 100 (at most ${bars.page} ms; ${requests} requests, one after the other), and the whole listing, 1,000 a page (at most ${count(bars.listing)} ms):

${table(results, {
  search: ({ what }) => what,
  found: ({ found }) => count(found),
  "first page, p50": ({ page }) => `${page.toFixed(1)} ms`,
  "whole listing": ({ listing }) => `${count(listing)} ms`,
  pages: ({ requests }) => requests,
})}
`;
  }
  if (existsSync(path("target/bench/sign_in.json"))) {
    const { tries, bar, most, results, hashing, share, rest } = read("sign_in");
    const ms = (/** @type {number} */ number) => `${number.toFixed(1)} ms`;
    const met = (/** @type {boolean} */ is) => (is ? "yes" : "**no**");
    text += `
\`POST /v1/auth/sign-in\`, ${tries} of each, one after the other, interleaved. What hashing takes there is the difference of two refusals that are alike but for the hash. A wrong password and an unknown name must not differ:

${table(results, {
  "": ({ what }) => what,
  p10: ({ p10 }) => ms(p10),
  p50: ({ p50 }) => ms(p50),
  p90: ({ p90 }) => ms(p90),
  p99: ({ p99 }) => ms(p99),
})}

${table([
  { what: "Argon2id alone", value: ms(hashing), bar: "" },
  { what: `signing in, at most ${bar} of it`, value: share.toFixed(2), bar: met(share <= bar) },
  { what: `everything else, at most ${most} ms`, value: ms(rest), bar: met(rest <= most) },
], { "": ({ what }) => what, p50: ({ value }) => value, met: ({ bar }) => bar })}
`;
  }
  if (existsSync(path("target/bench/messages.json"))) {
    const its = read("messages");
    text += `
${count(its.events)} events, each to ${its.endpoints_an_event} of ${its.endpoints} endpoints, of whose answers ${count(its.answers[500])} were 500 and ${count(its.answers.hangs)} never came: ${count(its.arrived)} of ${count(its.deliveries)} deliveries arrived, ${its.lost} were lost, in ${its.seconds} s of ${its.clock_ahead_hours} hours that the clock was set ahead; ${count(its.deliveries_a_second)} deliveries a second.
`;
  }
  return text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = readFileSync(REPORT, "utf8");
  const before = report.slice(0, report.length - kept().length);
  writeFileSync(REPORT, before + section());
  console.log("wrote the end of BENCHMARKS.md");
}
