// Where the mail and the text messages of a local edge arrive: a mail server and an HTTP API on this machine, and a page that
// shows what came. The Worker knows nothing of it: it is told to send here as it is told of any other server.
import { createServer } from "node:http";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";

/** So many messages are kept; with more, the oldest goes. */
const KEPT = 200;

/** The longest message, in bytes. */
const LONGEST = 1024 * 1024;

/**
 * Starts it.
 *
 * @param {number} [port] of the page; any free port without it
 */
export async function startInbox(port = 0) {
  /** @type {{ to: string, from: string, subject: string, text: string, html: string | null, at: Date }[]} */
  const messages = [];
  const keep = (/** @type {(typeof messages)[number]} */ message) => {
    messages.push(message);
    if (messages.length > KEPT) messages.shift();
  };

  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    logger: false,
    size: LONGEST,
    async onData(stream, session, done) {
      /** @type {Buffer[]} */
      const parts = [];
      for await (const part of stream) parts.push(part);
      const mail = await PostalMime.parse(Buffer.concat(parts));
      const to = session.envelope.rcptTo.map(({ address }) => address).join(", ");
      keep({ to, from: mail.from?.address ?? "", subject: mail.subject ?? "", text: mail.text ?? "", html: mail.html ?? null, at: new Date() });
      done();
    },
  });
  await new Promise((started) => smtp.listen(0, "127.0.0.1", () => started(undefined)));

  const http = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (request.method === "POST" && url.pathname === "/sms") {
      let body = "";
      for await (const part of request) if ((body += part).length > LONGEST) break;
      const { to, from, text } = JSON.parse(body);
      keep({ to, from, subject: "", text, html: null, at: new Date() });
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
      return;
    }
    const number = /^\/dev\/inbox\/(\d+)$/.exec(url.pathname)?.[1];
    const page = url.pathname === "/dev/inbox" ? list(messages) : number && messages[Number(number)] ? one(messages[Number(number)]) : null;
    // What came in a mail runs nothing here, and loads nothing but its pictures.
    response.writeHead(page === null ? 404 : 200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; frame-src 'self'",
    });
    response.end(page ?? "There is nothing here.");
  });
  await new Promise((started, failed) => http.once("error", failed).listen(port, "127.0.0.1", () => started(undefined)));

  const ports = [smtp.server.address(), http.address()].map((address) => /** @type {import("node:net").AddressInfo} */ (address).port);
  return {
    messages,
    address: `http://127.0.0.1:${ports[1]}/dev/inbox`,
    /** What the Worker is told, so that everything arrives here. */
    variables: {
      MAIL_CHANNEL: JSON.stringify({
        mail_transport: "smtp", smtp_host: "127.0.0.1", smtp_port: ports[0], smtp_security: "loopback", mail_from: "no-reply@parapet.example",
      }),
      SMS_CHANNEL: JSON.stringify({ sms_http_url: `http://127.0.0.1:${ports[1]}/sms`, sms_http_secret: "none", sms_from: "Parapet" }),
    },
    async close() {
      await new Promise((closed) => smtp.close(() => closed(undefined)));
      http.closeAllConnections();
      await new Promise((closed) => http.close(() => closed(undefined)));
    },
  };
}

const escaped = (/** @type {string} */ text) =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const page = (/** @type {string} */ title, /** @type {string} */ content) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title>
<style>body{font:16px/1.5 sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}td,th{text-align:left;padding:.25rem 1rem .25rem 0}
iframe{width:100%;height:36rem;border:1px solid #999}pre{white-space:pre-wrap;border:1px solid #999;padding:1rem}</style>
<h1>${escaped(title)}</h1>${content}</html>`;

/** @param {{ to: string, subject: string, text: string, at: Date }[]} messages */
function list(messages) {
  const rows = messages.map(({ to, subject, text, at }, index) =>
    `<tr><td>${at.toISOString()}<td>${escaped(to)}<td><a href="/dev/inbox/${index}">${escaped(subject || text.slice(0, 60))}</a>`);
  const table = `<table><tr><th>When<th>To<th>Subject${rows.reverse().join("")}</table>`;
  return page("Inbox", messages.length === 0 ? "<p>Nothing came yet.</p>" : table);
}

/** @param {{ to: string, from: string, subject: string, text: string, html: string | null, at: Date }} message */
function one({ to, from, subject, text, html, at }) {
  const head = `<p><a href="/dev/inbox">All</a></p><p>${at.toISOString()}<br>From: ${escaped(from)}<br>To: ${escaped(to)}</p>`;
  const links = [...text.matchAll(/https?:\/\/\S+/g)].map(([link]) => `<li><a href="${escaped(link)}">${escaped(link)}</a>`);
  const frame = html === null ? "" : `<iframe sandbox srcdoc="${escaped(html)}"></iframe>`;
  return page(subject || "A text message", `${head}${frame}<pre>${escaped(text)}</pre>${links.length > 0 ? `<ul>${links.join("")}</ul>` : ""}`);
}
