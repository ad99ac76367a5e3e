// Stands around the built Worker in tests: a clock, a store and a database that fail in the ways that there are.
//
// - The header `x-test-now` sets the clock that a request is answered by; such requests come one after the other.
// - The header `x-test-database` says what is wrong with the database while a request is answered: it is `cut` off, each
//   statement `fails`, or is `slow`.
// - The header `x-test-store` says the same of the store: it is `cut` off, or `empty`, as it may be where nothing has
//   arrived yet.
// - The header `x-test-queue` is `cut` where the queue of decisions takes nothing until the next request.
// - The header `x-test-crash` makes the module stop in the middle: what the clock throws it cannot catch.
// - The header `x-test-variables` (JSON) gives the Worker other variables for this request.
// - The variable STALE_KV says for how many milliseconds a value that was put is not seen: KV as it may be elsewhere,
//   answering with what was there before. What lies there never changes under its key, so before means nothing.
//
// A batch that the database refuses is told in the log, so that tests can count how often one began anew.
// @ts-ignore: the built Worker, which is there when this runs
import Worker from "./entry.mjs";

/** So long a slow statement takes, in milliseconds. */
const SLOW = 5_000;

const real = Date.now;
/** What is wrong while a request is answered. */
let database = null;
let store = null;
let queue = null;

/** @returns {never} */
function fail() {
  throw new Error("this was made to fail");
}

/** Before a statement is run. */
async function trouble() {
  if (database === "fails") throw new Error("D1_ERROR: this was made to fail");
  if (database === "slow") await new Promise((go) => setTimeout(go, SLOW));
}

class Statement {
  constructor(statement) {
    this.statement = statement;
  }

  // What fails is binding: the Worker's library takes no failure of `prepare` itself.
  bind(...values) {
    return database === "cut" ? fail() : new Statement(this.statement.bind(...values));
  }

  async all() {
    await trouble();
    return this.statement.all();
  }
}

/** The Worker asks for a binding's class by this name. */
class D1Database {
  constructor(bound) {
    this.bound = bound;
  }

  prepare(sql) {
    return new Statement(this.bound.prepare(sql));
  }

  async batch(statements) {
    await trouble();
    try {
      return await this.bound.batch(statements.map(({ statement }) => statement));
    } catch (error) {
      if (/UNIQUE/.test(String(error))) console.log("batch refused");
      throw error;
    }
  }
}

/** The Worker asks for a binding's class by this name, too. */
class WorkerQueue {
  constructor(bound) {
    this.bound = bound;
  }

  async send(...message) {
    return queue === "cut" ? fail() : this.bound.send(...message);
  }

  async sendBatch(...messages) {
    return queue === "cut" ? fail() : this.bound.sendBatch(...messages);
  }
}

/** A store that may fail. */
function frail(bound) {
  const there = () => (store === "cut" ? fail() : store !== "empty");
  return {
    get: async (key, options) => (there() ? bound.get(key, options) : null),
    getWithMetadata: async (key, options) =>
      there() ? bound.getWithMetadata(key, options) : { value: null, metadata: null, cacheStatus: null },
    put: async (key, value, options) => there() && bound.put(key, value, options),
    list: (options) => bound.list(options),
    delete: (key) => bound.delete(key),
  };
}

/** A store whose values are seen late. */
function late(bound, milliseconds) {
  const seen = async (key) => {
    const at = await bound.get(`put-at/${key}`);
    return at !== null && real() - Number(at) >= milliseconds;
  };
  return {
    get: async (key, options) => ((await seen(key)) ? bound.get(key, options) : null),
    getWithMetadata: async (key, options) =>
      (await seen(key)) ? bound.getWithMetadata(key, options) : { value: null, metadata: null, cacheStatus: null },
    put: async (key, value, options) => {
      if ((await bound.get(`put-at/${key}`)) === null) await bound.put(`put-at/${key}`, String(real()));
      return bound.put(key, value, options);
    },
    list: (options) => bound.list(options),
    delete: (key) => bound.delete(key),
  };
}

/** The bindings as the Worker is given them: made once, as the platform's are. */
let given;

function bindings(environment) {
  const { DB, DECISIONS, SNAPSHOTS, STALE_KV } = environment;
  const kv = STALE_KV ? late(SNAPSHOTS, Number(STALE_KV)) : frail(SNAPSHOTS);
  return { ...environment, DB: new D1Database(DB), SNAPSHOTS: kv, DECISIONS: new WorkerQueue(DECISIONS) };
}

export default {
  ...Worker,

  /** @param {Request} request */
  async fetch(request, environment, context) {
    given ??= bindings(environment);
    const variables = request.headers.get("x-test-variables");
    const its = variables === null ? given : { ...given, ...JSON.parse(variables) };
    const now = request.headers.get("x-test-now");
    database = request.headers.get("x-test-database");
    store = request.headers.get("x-test-store");
    queue = request.headers.get("x-test-queue");
    const crash = request.headers.has("x-test-crash");
    if (now === null && !crash) return Worker.fetch(request, its, context);
    const time = Date.parse(now ?? "");
    Date.now = crash ? fail : () => time;
    try {
      return await Worker.fetch(request, its, context);
    } finally {
      Date.now = real;
    }
  },
};
