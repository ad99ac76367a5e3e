// Stands around the built Worker in tests: a request's header `x-test-now` sets the clock that it is answered by.
//
// The Worker itself knows of no such header: what is deployed holds nothing that serves tests only. Requests that set
// the clock must come one after the other, since an isolate has one `Date`.
// @ts-ignore: the built Worker, which is there when this runs
import Worker from "./entry.mjs";

const real = Date.now;

export default {
  ...Worker,

  /** @param {Request} request */
  async fetch(request, environment, context) {
    const header = request.headers.get("x-test-now");
    if (header === null) return Worker.fetch(request, environment, context);
    const now = Date.parse(header);
    Date.now = () => now;
    try {
      return await Worker.fetch(request, environment, context);
    } finally {
      Date.now = real;
    }
  },
};
