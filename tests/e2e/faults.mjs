// Stands around the built Worker in tests: a clock, a store that is late, and a database that can be cut off.
//
// - The header `x-test-now` sets the clock that a request is answered by; such requests come one after the other.
// - The header `x-test-cut` makes the database fail while a request is answered.
// - The header `x-test-cut-decisions` makes the queue of decisions take nothing until the next request.
// - The header `x-test-crash` makes the module stop in the middle: what the clock throws it cannot catch.
// - The header `x-test-variables` (JSON) gives the Worker other variables for this request.
// - The variable STALE_KV says for how many milliseconds a value that was put is not seen: KV as it may be elsewhere,
//   answering with what was there before. What lies there never changes under its key, so before means nothing.
//
// A batch that the database refuses is told in the log, so that tests can count how often one began anew.
// @ts-ignore: the built Worker, which is there when this runs
import Worker from "./entry.mjs";

const real = Date.now;
let cut = false;
let cutDecisions = false;

/** @returns {never} */
function fail() {
  throw new Error("this was made to fail");
}

/** The Worker asks for a binding's class by this name. */
class D1Database {
  constructor(database) {
    this.database = database;
  }

  // What fails is binding: the Worker's library takes no failure of `prepare` itself.
  prepare(sql) {
    return cut ? { bind: fail } : this.database.prepare(sql);
  }

  async batch(statements) {
    try {
      return await this.database.batch(statements);
    } catch (error) {
      if (/UNIQUE/.test(String(error))) console.log("batch refused");
      throw error;
    }
  }
}

/** The Worker asks for a binding's class by this name, too. */
class WorkerQueue {
  constructor(queue) {
    this.queue = queue;
  }

  async send(...message) {
    return cutDecisions ? fail() : this.queue.send(...message);
  }

  async sendBatch(...messages) {
    return cutDecisions ? fail() : this.queue.sendBatch(...messages);
  }
}

/** A store whose values are seen late. */
function late(store, milliseconds) {
  const seen = async (key) => {
    const at = await store.get(`put-at/${key}`);
    return at !== null && real() - Number(at) >= milliseconds;
  };
  return {
    get: async (key, options) => ((await seen(key)) ? store.get(key, options) : null),
    getWithMetadata: async (key, options) =>
      (await seen(key)) ? store.getWithMetadata(key, options) : { value: null, metadata: null, cacheStatus: null },
    put: async (key, value, options) => {
      if ((await store.get(`put-at/${key}`)) === null) await store.put(`put-at/${key}`, String(real()));
      return store.put(key, value, options);
    },
    list: (options) => store.list(options),
    delete: (key) => store.delete(key),
  };
}

/** The bindings as the Worker is given them: made once, as the platform's are. */
let given;

function bindings(environment) {
  const store = environment.STALE_KV ? late(environment.SNAPSHOTS, Number(environment.STALE_KV)) : environment.SNAPSHOTS;
  const decisions = new WorkerQueue(environment.DECISIONS);
  return { ...environment, DB: new D1Database(environment.DB), SNAPSHOTS: store, DECISIONS: decisions };
}

export default {
  ...Worker,

  /** @param {Request} request */
  async fetch(request, environment, context) {
    given ??= bindings(environment);
    const variables = request.headers.get("x-test-variables");
    const its = variables === null ? given : { ...given, ...JSON.parse(variables) };
    const now = request.headers.get("x-test-now");
    cut = request.headers.has("x-test-cut");
    cutDecisions = request.headers.has("x-test-cut-decisions");
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
