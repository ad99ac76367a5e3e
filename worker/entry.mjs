// The entry of the Worker: reads of a request what deciding needs, in JavaScript, where that is cheap, and asks the module
// once. An answer for which nothing had to be waited comes back at once.
//
// What `worker-build` makes answers queues and schedules, and starts the module anew after it has failed.
// @ts-ignore: the built Worker, which is there when this runs
import Worker from "./build/index.js";

/** The functions that the module exports; worker-build hangs them there. */
const { answer, bind, deciding_header_names, header_names, is_bound, longest_body } = Worker.prototype;
/** Whether the module failed, as worker-build's own part knows and asks. */
const state = /** @type {any} */ (globalThis).__worker_init_state;
const HEADERS = header_names().split("\n");
const DECIDING_HEADERS = deciding_header_names().split("\n");
const LONGEST_BODY = longest_body();
const NOTHING = new Uint8Array(0);

/** The bindings that the module has. Cloudflare makes the object once for a set of bindings and variables, and nobody
 * changes it; so as long as it is the same, so is what lies in it. */
let bound;

/** The body of a request, or a promise of it; undefined where it is longer than it may be, and then it is not read to its
 * end. */
function content(request) {
  const length = request.headers.get("content-length");
  // The platform reads no further than to the length that was said. A stream costs several calls for each piece of it.
  if (length !== null && /^[0-9]+$/.test(length)) return Number(length) > LONGEST_BODY ? undefined : request.bytes();
  return request.body === null ? NOTHING : pieces(request.body);
}

async function pieces(stream) {
  const read = [];
  let size = 0;
  for await (const piece of stream) {
    read.push(piece);
    size += piece.length;
    if (size > LONGEST_BODY) return undefined;
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of read) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Asks the module. */
function ask(request, body, env, context) {
  // Making one starts the module anew.
  if (state.criticalError) new Worker(context, env);
  const { headers, method, url } = request;
  let head = `${method}\n${url}`;
  const deciding = method === "POST" && url.startsWith("/access/", url.indexOf("/", "https://".length));
  for (const name of deciding ? DECIDING_HEADERS : HEADERS) {
    const value = headers.get(name);
    if (value !== null) head += `\n${name}\n${value}`;
  }
  try {
    // The module has nothing yet where it was started anew.
    if (!is_bound() || env !== bound) {
      bind(env);
      bound = env;
    }
    return answer(head, body, context);
  } catch (error) {
    // The module throws nothing by itself: it stopped in the middle of something, and nobody knows what its memory holds.
    console.error("Critical", error);
    state.criticalError = true;
    throw error;
  }
}

export default {
  /** @param {any} request */
  async fetch(request, env, context) {
    let body;
    try {
      body = await content(request);
    } catch (error) {
      console.error(String(error));
      return new Response("INTERNAL SERVER ERROR", { status: 500 });
    }
    return ask(request, body, env, context);
  },

  queue(batch, env, context) {
    return new Worker(context, env).queue(batch);
  },

  scheduled(event, env, context) {
    return new Worker(context, env).scheduled(event);
  },
};
