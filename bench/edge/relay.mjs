// Stands around the built Worker in the bench of messages: a clock that is set, and queues that hand their messages to the
// program that measures, which consumes many batches at once as Cloudflare does. (miniflare's queue waits for each.)
//
// A request to `/ahead/<milliseconds>` sets the clock; the variable RELAY is where messages go.
// @ts-ignore: a module of the runtime's
import { WorkerEntrypoint } from "cloudflare:workers";
// @ts-ignore: the built Worker, which is there when this runs
import Worker from "./index.js";

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

export default class extends WorkerEntrypoint {
  constructor(context, environment) {
    super(context, environment);
    this.worker = new Worker(context, {
      ...environment,
      EVENTS: new WorkerQueue(`${environment.RELAY}/events`),
      DELIVERIES: new WorkerQueue(`${environment.RELAY}/deliveries`),
    });
  }

  fetch(request) {
    const [, set] = /\/ahead\/(\d+)$/.exec(request.url) ?? [];
    if (set === undefined) return this.worker.fetch(request);
    ahead = Number(set);
    return new Response(null, { status: 204 });
  }

  queue(batch) {
    return this.worker.queue(batch);
  }

  scheduled(event) {
    return this.worker.scheduled(event);
  }
}
