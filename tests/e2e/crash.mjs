// Stands around the built Worker in tests: a clock that is ahead, and a process that can be made to stop anywhere.
//
// - The variable CLOCK_AHEAD says by how many milliseconds.
// - With the variable STOP_AT, the Worker stops before that step (0 is the first) and tells STOP_URL, where somebody kills
//   the process. Steps are what leaves a trace: batches and statements that write, messages to a queue, and requests to
//   others. They are counted from the first request to the Worker.
// @ts-ignore: the built Worker, which is there when this runs
import Worker from "./entry.mjs";

const [realNow, realFetch] = [Date.now, globalThis.fetch];
let ahead = 0;
let steps = 0;
let stop = { at: Infinity, url: "" };

Date.now = () => realNow() + ahead;

async function step() {
  if (steps++ < stop.at) return;
  await realFetch(stop.url, { method: "POST" });
  // Nobody comes back from there.
  await new Promise(() => {});
}

globalThis.fetch = async (request, options) => {
  await step();
  return realFetch(request, options);
};

/** Statements that write, as they were bound. */
const writes = new WeakSet();

/** The Worker asks for a binding's class by this name. */
class D1Database {
  constructor(database) {
    this.database = database;
  }

  prepare(sql) {
    const statement = this.database.prepare(sql);
    if (!/^\s*(INSERT|UPDATE|DELETE)/.test(sql)) return statement;
    return {
      bind: (...values) => {
        const bound = statement.bind(...values);
        writes.add(bound);
        const { all } = bound;
        bound.all = async () => {
          await step();
          return all.call(bound);
        };
        return bound;
      },
    };
  }

  async batch(statements) {
    if (statements.some((statement) => writes.has(statement))) await step();
    return this.database.batch(statements);
  }
}

/** The Worker asks for a binding's class by this name, too. */
class WorkerQueue {
  constructor(queue) {
    this.queue = queue;
  }

  async send(...message) {
    await step();
    return this.queue.send(...message);
  }

  async sendBatch(...messages) {
    await step();
    return this.queue.sendBatch(...messages);
  }
}

/** The bindings as the Worker is given them: made once, as the platform's are. */
let given;

function bindings(environment) {
  if (given) return given;
  ahead = Number(environment.CLOCK_AHEAD ?? 0);
  if (environment.STOP_AT) stop = { at: Number(environment.STOP_AT), url: environment.STOP_URL };
  given = {
    ...environment,
    DB: new D1Database(environment.DB),
    EVENTS: new WorkerQueue(environment.EVENTS),
    DELIVERIES: new WorkerQueue(environment.DELIVERIES),
  };
  return given;
}

export default {
  fetch: (request, environment, context) => Worker.fetch(request, bindings(environment), context),
  queue: (batch, environment, context) => Worker.queue(batch, bindings(environment), context),
  scheduled: (event, environment, context) => Worker.scheduled(event, bindings(environment), context),
};
