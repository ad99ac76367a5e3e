// Stands around the built Worker in tests: a request's header `x-test-now` sets the clock that it is answered by.
//
// The Worker itself knows of no such header: what is deployed holds nothing that serves tests only. Requests that set
// the clock must come one after the other, since an isolate has one `Date`.
// @ts-ignore: a module of the runtime's
import { WorkerEntrypoint } from "cloudflare:workers";
// @ts-ignore: the built Worker, which is there when this runs
import Worker from "./index.js";

const real = Date.now;

export default class extends WorkerEntrypoint {
  constructor(context, environment) {
    super(context, environment);
    this.worker = new Worker(context, environment);
  }

  /** @param {Request} request */
  async fetch(request) {
    const header = request.headers.get("x-test-now");
    if (header === null) return this.worker.fetch(request);
    const now = Date.parse(header);
    Date.now = () => now;
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
