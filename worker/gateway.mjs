// Passes a request on to an application, and the answer back: both as they come, none of it is kept. What was decided, and
// what the application is told, the module says.

/** So long an application has until it begins to answer, in milliseconds. */
const PATIENCE = 30_000;

/** Cookies that are ours: no application sets one. */
const OURS = /^\s*__Host-(?:session|device|form|step)\s*=/;

/** Closed since the right has ended (RFC 6455, section 7.4.1: a policy is violated). */
const NO_LONGER = 1008;
/** The other side is gone, or failed. */
const FAILED = 1011;

/**
 * @param {any} request
 * @param {{url: string, headers: string, body?: Uint8Array, socket: boolean, again: number, stale: boolean, id: string}} forward
 * @param {() => Promise<boolean>} again whether it would be passed on now
 * @param {(late: boolean) => Response} failed the answer where the application gives none
 */
export async function pass(request, forward, again, failed) {
  const headers = new Headers();
  const lines = forward.headers.split("\n");
  for (let at = 0; at + 1 < lines.length; at += 2) headers.append(lines[at], lines[at + 1]);
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  /** @type {any} */
  let response;
  try {
    // From the request as it came, a body goes on even with GET, which clients may send (RFC 9110, section 9.3.1).
    const read = forward.body && { method: request.method, body: forward.body.length > 0 ? forward.body : null };
    response = await fetch(new Request(forward.url, read ?? request), {
      headers,
      redirect: "manual",
      signal: patience.signal,
      // What is said to one is not kept for another.
      cache: "no-store",
    });
  } catch (error) {
    console.error(JSON.stringify({ level: "error", request_id: forward.id, code: "origin.failed", cause: String(error) }));
    return failed(patience.signal.aborted);
  } finally {
    clearTimeout(timer);
  }
  if (response.webSocket) return socket(response.webSocket, forward, again);
  const answer = new Response(response.body, response);
  answer.headers.set("x-request-id", forward.id);
  if (forward.stale) answer.headers.set("x-parapet-stale", "true");
  const cookies = response.headers.getSetCookie();
  if (cookies.some((cookie) => OURS.test(cookie))) {
    answer.headers.delete("set-cookie");
    for (const cookie of cookies) if (!OURS.test(cookie)) answer.headers.append("set-cookie", cookie);
  }
  return answer;
}

/** Stands between the two ends of a WebSocket (RFC 6455), and closes it when it would not be passed on any more. */
function socket(theirs, forward, again) {
  // @ts-ignore: the platform's
  const [client, ours] = Object.values(new WebSocketPair());
  for (const socket of [theirs, ours]) {
    socket.binaryType = "arraybuffer";
    socket.accept();
  }
  let timer;
  const end = (socket, code, reason) => {
    clearInterval(timer);
    // 1005, 1006 and 1015 stand in no frame (section 7.4.1).
    const sent = code >= 1000 && ![1005, 1006, 1015].includes(code) ? code : 1000;
    try {
      socket.close(sent, reason);
    } catch {
      // It is closed already.
    }
  };
  for (const [from, to] of [
    [theirs, ours],
    [ours, theirs],
  ]) {
    from.addEventListener("message", ({ data }) => {
      try {
        to.send(data);
      } catch {
        end(from, FAILED, "the other side is gone");
      }
    });
    from.addEventListener("close", ({ code, reason }) => end(to, code, reason));
    from.addEventListener("error", () => end(to, FAILED, "the other side failed"));
  }
  timer = setInterval(async () => {
    // Whatever is not known is no right.
    const goesOn = await again().catch(() => false);
    if (goesOn) return;
    for (const socket of [ours, theirs]) end(socket, NO_LONGER, "no longer allowed");
  }, forward.again);
  return new Response(null, /** @type {any} */ ({ status: 101, webSocket: client }));
}
