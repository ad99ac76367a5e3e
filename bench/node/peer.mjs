// One engine in a process of its own: `node --expose-gc peer.mjs <engine> <grants>` prints a line when it has loaded,
// and one with its figures. Every answer must be the floor's.
import assert from "node:assert/strict";
import { engines, load } from "./engines.mjs";
import { tenant, trace as read } from "./tenant.mjs";

/** About so many milliseconds go into the latency of an engine; a slow one is asked less. */
const BUDGET = 4_000;
const BATCH = 1_000;

const [, , name, grants] = process.argv;
const [engine] = engines.filter((engine) => engine.name === name);

const before = resident();
const start = performance.now();
const peer = await load(engine, tenant(Number(grants)));
const loaded = performance.now() - start;
const memory = Math.max(0, resident() - before);
console.log(JSON.stringify({ loaded }));

const { trace, expected } = read(Number(grants));

const result = { load: loaded, memory, ...measure(peer.allows), ...check(peer.checks), ...batch(peer.allowsAll) };
console.log(JSON.stringify(result));

function resident() {
  globalThis.gc?.();
  return process.memoryUsage().rss;
}

function measure(allows) {
  // Until the just-in-time compilers have done their work.
  const begin = performance.now();
  let calls = 0;
  while (calls < 3 || performance.now() - begin < 1_000) allows(trace[calls++ % trace.length]);
  const affordable = (BUDGET * calls) / (performance.now() - begin);
  const asked = trace.slice(0, Math.max(20, Math.floor(affordable)));
  asked.forEach((one, index) => assert.equal(allows(one), expected[index], JSON.stringify(one)));
  const rounds = Math.min(20, Math.max(1, Math.floor(affordable / asked.length)));
  return { ...percentiles(asked, rounds, allows), perSecond: throughput(asked, allows), asked: asked.length };
}

/** The median of calls that pass the parts of a request. */
function check(checks) {
  return checks === undefined ? {} : { check: measure(checks).p50 };
}

/** Of single calls, in microseconds, each the best of some rounds, without what reading the clock costs. */
function percentiles(items, rounds, call) {
  const best = new Float64Array(items.length).fill(Infinity);
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < items.length; index++) {
      const start = performance.now();
      call(items[index]);
      best[index] = Math.min(best[index], performance.now() - start);
    }
  }
  let clock = Infinity;
  for (let turn = 0; turn < 1_000; turn++) clock = Math.min(clock, -performance.now() + performance.now());
  best.sort();
  const at = (share) => Math.max(0, best[Math.floor(items.length * share)] - clock) * 1_000;
  return { p50: at(0.5), p99: at(0.99) };
}

function throughput(items, call) {
  let calls = 0;
  const start = performance.now();
  while (performance.now() - start < 1_000) {
    for (const item of items) call(item);
    calls += items.length;
  }
  return (calls / (performance.now() - start)) * 1_000;
}

/** A decision's share of a call that decides a thousand, in microseconds: the median of the trace's batches. */
function batch(allowsAll) {
  if (allowsAll === undefined) return {};
  const times = [];
  for (let round = 0; round < 5; round++) {
    for (let from = 0; from < trace.length; from += BATCH) {
      const many = trace.slice(from, from + BATCH);
      const start = performance.now();
      const answers = allowsAll(many);
      times.push(((performance.now() - start) * 1_000) / BATCH);
      assert.deepEqual(answers, expected.slice(from, from + BATCH));
    }
  }
  return { batch: median(times) };
}

function median(numbers) {
  return numbers.sort((one, other) => one - other)[Math.floor(numbers.length / 2)];
}
