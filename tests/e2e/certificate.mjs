// Stands around the Worker and says of a request what Cloudflare says of a connection that showed a certificate
// (`request.cf.tlsClientAuth`), which no socket on this machine does: in the header `x-test-certificate`, as JSON.
// @ts-ignore: the Worker, beside which this lies when it runs
import Worker from "./entry.mjs";

export default {
  ...Worker,
  /** @param {any} request @param {any} env @param {any} context */
  fetch(request, env, context) {
    const said = request.headers.get("x-test-certificate");
    if (said === null) return Worker.fetch(request, env, context);
    const headers = new Headers(request.headers);
    headers.delete("x-test-certificate");
    const connected = new Request(request, /** @type {any} */ ({ headers, cf: { tlsClientAuth: JSON.parse(said) } }));
    return Worker.fetch(connected, env, context);
  },
};
