// The demo's application: the documents of Lumen, a server of its own that stands behind the gateway. It knows nobody by
// itself and decides nothing: who asks is who the gateway says, and what arrives here is allowed.
import { once } from "node:events";
import { createServer } from "node:http";
import { identityOf } from "./identity.mjs";
import { STYLE, edit, list, members, one, page, sentence } from "./pages.mjs";

/** The most bytes of a form. */
const LONGEST = 64 * 1024;

/** What the documents of the demo tenant say. */
const TEXTS = /** @type {Record<string, [string, string]>} */ ({
  "d-roadmap": ["Roadmap", "In spring: reports that draw themselves. In summer: nothing, on purpose."],
  "d-failover": ["Failover runbook", "Look at the clock. Promote the replica. Tell support before they tell you."],
  "d-handbook": ["Handbook", "Lunch is at half past twelve. Whoever breaks the build brings the cake."],
  "d-msa": ["Master services agreement", "The parties agree on what the parties agree on."],
  "d-nda": ["Non-disclosure agreement", "What is said of the roadmap stays in the room."],
});

/** What a form says was done. */
const DONE = /** @type {Record<string, string>} */ ({ saved: "Saved.", invited: "The invitation is on the list of members." });

/**
 * Starts it.
 *
 * @param {object} options
 * @param {any} options.document the tenant document, whose people and documents these are
 * @param {string} options.host its host at the gateway, without a port
 * @param {string} options.issuer the tenant's own origin
 * @param {number} options.edge the port at which the edge listens
 * @param {number} [options.port] where it listens itself; any free port without it
 */
export async function startApplication({ document, host, issuer, edge, port = 0 }) {
  const whoAsks = identityOf({ issuer, audience: host, port: edge });
  const names = new Map(document.user.map((user) => [user.id, `${user.first_name} ${user.last_name}`]));
  const documents = new Map(
    document.resource
      .filter(({ type }) => type === "document")
      .map(({ id, attributes: { owner, department, status } }) => {
        const [title, text] = TEXTS[id];
        return [id, { id, title, text, status, department, owner: names.get(owner.id) }];
      }),
  );
  const people = document.user.map((user) => ({ name: names.get(user.id), email: user.email, what: user.state ?? "active" }));
  const headers = {
    "content-type": "text/html; charset=utf-8",
    // Signing out ends at the tenant's own place.
    "content-security-policy": `default-src 'none'; style-src 'self'; img-src data:; form-action 'self' ${issuer}; frame-ancestors 'none'; base-uri 'none'`,
    "x-content-type-options": "nosniff",
    // Without it a form would say of nobody where it comes from, and be refused.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
  };

  const server = createServer(async (request, response) => {
    const { method, url = "/" } = request;
    const { pathname, searchParams } = new URL(url, issuer);
    const say = (/** @type {number} */ status, /** @type {string} */ text) => response.writeHead(status, headers).end(text);
    const go = (/** @type {string} */ path) => response.writeHead(303, { location: path }).end();
    if (pathname === "/style.css") return response.writeHead(200, { ...headers, "content-type": "text/css; charset=utf-8" }).end(STYLE);
    const identity = await whoAsks(request.headers["x-parapet-identity"]);
    // Whoever reaches this server past the gateway is nobody.
    if (identity === null) return say(401, page("Nobody", "", sentence("This application is asked through the gateway alone.")));
    const who = names.get(identity.sub) ?? identity.sub;
    const [, place, id, what] = pathname.split("/");
    const its = documents.get(id);
    if (pathname === "/") return say(200, page("Documents", who, list([...documents.values()], DONE[searchParams.get("done") ?? ""] ?? "")));
    if (pathname === "/members" && method === "GET") return say(200, page("Members", who, members(people)));
    if (place === "documents" && its && what === undefined) return say(200, page(its.title, who, one(its)));
    if (place === "documents" && its && what === "edit" && method === "GET") return say(200, page(`Edit: ${its.title}`, who, edit(its)));
    const form = method === "POST" ? await sent(request) : null;
    if (form === null) return say(404, page("Nothing", who, sentence("There is nothing here.")));
    if (pathname === "/members") {
      people.push({ name: "", email: form.get("email") ?? "", what: `invited by ${who}` });
      return go("/?done=invited");
    }
    if (place === "documents" && its && what === "edit") {
      its.text = form.get("text") ?? its.text;
      return go("/?done=saved");
    }
    return say(404, page("Nothing", who, sentence("There is nothing here.")));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

/** The fields of a form; nothing where it is too long. */
async function sent(/** @type {import("node:http").IncomingMessage} */ request) {
  let text = "";
  for await (const piece of request) {
    text += piece;
    if (text.length > LONGEST) return null;
  }
  return new URLSearchParams(text);
}
