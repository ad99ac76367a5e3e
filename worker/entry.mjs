// The entry of the Worker: reads of a request what deciding needs, in JavaScript, where that is cheap, and asks the module
// once. An answer for which nothing had to be waited comes back at once.
//
// Where a host may be an application's behind the gateway, the module gets all headers, and the body only if it asks: else
// it goes on to the application as it comes.
//
// What `worker-build` makes answers queues and schedules, and starts the module anew after it has failed.
// @ts-ignore: the built Worker, which is there when this runs
import Worker from "./build/index.js";
import { pass } from "./gateway.mjs";

/** The functions that the module exports; worker-build hangs them there. */
const { answer, answer_unread, bind, deciding_header_names, header_names, is_bound, longest_body, may_be_application, not_passed } =
  Worker.prototype;
/** Whether the module failed, as worker-build's own part knows and asks. */
const state = /** @type {any} */ (globalThis).__worker_init_state;
const HEADERS = header_names().split("\n");
const DECIDING_HEADERS = deciding_header_names().split("\n");
const LONGEST_BODY = longest_body();
const NOTHING = new Uint8Array(0);

/** The bindings that the module has. Cloudflare makes the object once for a set of bindings and variables, and nobody
 * changes it; so as long as it is the same, so is what lies in it. */
let bound;

/** Whether a host may be an application's, as the module said with these bindings. */
const applications = new Map();
const MOST_HOSTS = 1000;

/** The body of a request, or a promise of it; undefined where it is longer than `limit`, and then it is not read to its
 * end. */
function content(request, limit) {
  const length = request.headers.get("content-length");
  // The platform reads no further than to the length that was said. A stream costs several calls for each piece of it.
  if (length !== null && /^[0-9]+$/.test(length)) return Number(length) > limit ? undefined : request.bytes();
  return request.body === null ? NOTHING : pieces(request.body, limit);
}

async function pieces(stream, limit) {
  const read = [];
  let size = 0;
  for await (const piece of stream) {
    read.push(piece);
    size += piece.length;
    if (size > limit) return undefined;
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of read) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Asks the module something, once it is bound. */
function ask(env, context, question) {
  // Making one starts the module anew.
  if (state.criticalError) new Worker(context, env);
  try {
    // The module has nothing yet where it was started anew.
    if (!is_bound() || env !== bound) {
      bind(env);
      bound = env;
      applications.clear();
    }
    return question();
  } catch (error) {
    // The module throws nothing by itself: it stopped in the middle of something, and nobody knows what its memory holds.
    console.error("Critical", error);
    state.criticalError = true;
    throw error;
  }
}

/** Method, URL and the headers that the module reads. */
function head({ headers, method, url }) {
  let head = `${method}\n${url}`;
  const deciding = method === "POST" && url.startsWith("/access/", url.indexOf("/", "https://".length));
  for (const name of deciding ? DECIDING_HEADERS : HEADERS) {
    const value = headers.get(name);
    if (value !== null) head += `\n${name}\n${value}`;
  }
  return head;
}

/** Method, URL, all headers, and what the platform says of the connection, under names that no header has. */
function wholeHead(request) {
  let head = `${request.method}\n${request.url}`;
  for (const [name, value] of request.headers) head += `\n${name}\n${value}`;
  const certificate = request.cf?.tlsClientAuth;
  const counts = certificate?.certPresented === "1" && certificate.certVerified === "SUCCESS" && certificate.certRevoked === "0";
  if (counts) head += `\n:client-certificate\n${certificate.certFingerprintSHA256}`;
  return head;
}

/** Whether the host of a URL may be an application's. */
function mayBeApplication(url, env, context) {
  const start = url.indexOf("//") + 2;
  const slash = url.indexOf("/", start);
  // Of what another server asks about, every header counts.
  if (url.startsWith("/forward-auth", slash)) return true;
  const host = url.slice(start, slash);
  let may = env === bound ? applications.get(host) : undefined;
  if (may === undefined) {
    may = ask(env, context, () => may_be_application(url));
    if (applications.size >= MOST_HOSTS) applications.clear();
    applications.set(host, may);
  }
  return may;
}

/** Answers a request to a host that may be an application's. */
async function unread(request, env, context) {
  const whole = wholeHead(request);
  const read = async (limit) => content(request, limit);
  const judge = (head) => ask(env, context, () => answer_unread(head, read, context));
  const answer = await judge(whole);
  if (answer instanceof Response) return answer;
  return pass(
    request,
    answer,
    async () => !((await judge(`${whole}\n:again\n1`)) instanceof Response),
    (late) => ask(env, context, () => not_passed(late, answer.id)),
  );
}

export default {
  /** @param {any} request */
  async fetch(request, env, context) {
    if (mayBeApplication(request.url, env, context)) return unread(request, env, context);
    let body;
    try {
      body = await content(request, LONGEST_BODY);
    } catch (error) {
      console.error(String(error));
      return new Response("INTERNAL SERVER ERROR", { status: 500 });
    }
    return ask(env, context, () => answer(head(request), body, context));
  },

  queue(batch, env, context) {
    return new Worker(context, env).queue(batch);
  },

  scheduled(event, env, context) {
    return new Worker(context, env).scheduled(event);
  },
};
