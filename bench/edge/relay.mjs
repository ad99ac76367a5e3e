// Stands around the built Worker in the bench of messages: a clock that is set, and queues that hand their messages to the
// program that measures, which consumes many batches at once as Cloudflare does. (miniflare's queue waits for each.)
//
// A request to `/ahead/<milliseconds>` sets the clock; the variable RELAY is where messages go.
// @ts-ignore: the built Worker, which is there when this runs
import Worker from "./entry.mjs";

const real = Date.now;
let ahead = 0;
Date.now = () => real() + ahead;

/** The Worker asks for a binding's class by this name. */
class WorkerQueue {
  constructor(url) {
    this.url = url;
  }

  send(body) {
    return this.sendBatch([{ body }]);
  }

  async sendBatch(messages) {
    const bodies = messages.map(({ body }) => body);
    const response = await fetch(this.url, { method: "POST", body: JSON.stringify(bodies) });
    await response.arrayBuffer();
  }
}

/** The bindings as the Worker is given them: made once, as the platform's are. */
let given;

function bindings(environment) {
  given ??= {
    ...environment,
    EVENTS: new WorkerQueue(`${environment.RELAY}/events`),
    DELIVERIES: new WorkerQueue(`${environment.RELAY}/deliveries`),
  };
  return given;
}

export default {
  fetch(request, environment, context) {
    const [, set] = /\/ahead\/(\d+)$/.exec(request.url) ?? [];
    if (set === undefined) return Worker.fetch(request, bindings(environment), context);
    ahead = Number(set);
    return new Response(null, { status: 204 });
  },
  queue: (batch, environment, context) => Worker.queue(batch, bindings(environment), context),
  scheduled: (event, environment, context) => Worker.scheduled(event, bindings(environment), context),
};
