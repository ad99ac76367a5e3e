// Makes the platform's responses of what the Worker answers.

/** By the numbers that the Worker gave them: reading headers is most of making a response. */
const kept = [];

/** Two of one name are two headers: an answer may set two cookies. */
export function keep(number, lines) {
  const headers = new Headers();
  const parts = lines.split("\n");
  for (let at = 0; at + 1 < parts.length; at += 2) headers.append(parts[at], parts[at + 1]);
  kept[number] = headers;
}

/** A response gets a copy, so that those which are kept can be given the next one's id. */
function headers(number, id) {
  const headers = kept[number];
  headers.set("x-request-id", id);
  return headers;
}

export function text(status, number, id, text) {
  return new Response(text.slice(id), { status, headers: headers(number, text.slice(0, id)) });
}

/** The bytes lie in the module's memory, which changes, and the platform makes no copy of its own. */
export function bytes(status, number, id, body) {
  return new Response(body.slice(), { status, headers: headers(number, id) });
}

export function stream(status, number, id, body) {
  return new Response(body ?? null, { status, headers: headers(number, id) });
}

/** What `worker/gateway.mjs` passes on. */
export function forward(url, headers, body, socket, again, stale, id) {
  return { url, headers, body, socket, again, stale, id };
}

export function failure() {
  return new Response("INTERNAL SERVER ERROR", { status: 500 });
}
