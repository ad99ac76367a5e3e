// Stands around the built Worker in tests: a clock, a store that is late, and a database that can be cut off.
//
// - The header `x-test-now` sets the clock that a request is answered by; such requests come one after the other.
// - The header `x-test-cut` makes the database fail while a request is answered.
// - The variable STALE_KV says for how many milliseconds a value that was put is not seen: KV as it may be elsewhere,
//   answering with what was there before. What lies there never changes under its key, so before means nothing.
//
// A batch that the database refuses is told in the log, so that tests can count how often one began anew.
// @ts-ignore: a module of the runtime's
import { WorkerEntrypoint } from "cloudflare:workers";
// @ts-ignore: the built Worker, which is there when this runs
import Worker from "./index.js";

const real = Date.now;
let cut = false;

function fail() {
  throw new Error("the database was made to fail");
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

export default class extends WorkerEntrypoint {
  constructor(context, environment) {
    super(context, environment);
    const store = environment.STALE_KV ? late(environment.SNAPSHOTS, Number(environment.STALE_KV)) : environment.SNAPSHOTS;
    this.worker = new Worker(context, { ...environment, DB: new D1Database(environment.DB), SNAPSHOTS: store });
  }

  /** @param {Request} request */
  async fetch(request) {
    const now = request.headers.get("x-test-now");
    cut = request.headers.has("x-test-cut");
    if (now === null) return this.worker.fetch(request);
    const time = Date.parse(now);
    Date.now = () => time;
    try {
      return await this.worker.fetch(request);
    } finally {
      Date.now = real;
    }
  }

  queue(batch) {
    return this.worker.queue(batch);
  }

  scheduled(event) {
    return this.worker.scheduled(event);
  }
}
