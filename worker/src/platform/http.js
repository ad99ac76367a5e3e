// Makes the platform's responses of what the Worker answers.

/** By the text that they were read from: most answers have the same, and reading them is most of making a response. */
const known = new Map();

/** So many are kept; some have an `ETag` or a `Location` that no other has. */
const MOST = 64;

/** A response gets a copy, so that those which are kept can be given the next one's id. */
function headers(id, lines) {
  let headers = known.get(lines);
  if (headers === undefined) {
    headers = new Headers();
    const parts = lines.split("\n");
    for (let at = 0; at + 1 < parts.length; at += 2) headers.set(parts[at], parts[at + 1]);
    if (known.size >= MOST) known.clear();
    known.set(lines, headers);
  }
  headers.set("x-request-id", id);
  return headers;
}

export function text(status, id, lines, body) {
  return new Response(body, { status, headers: headers(id, lines) });
}

/** The bytes lie in the module's memory, which changes, and the platform makes no copy of its own. */
export function bytes(status, id, lines, body) {
  return new Response(body.slice(), { status, headers: headers(id, lines) });
}

export function stream(status, id, lines, body) {
  return new Response(body ?? null, { status, headers: headers(id, lines) });
}

export function failure() {
  return new Response("INTERNAL SERVER ERROR", { status: 500 });
}
