// From the built Worker to a real mail server: TLS from the first byte and by STARTTLS, with a certificate that is trusted and
// with one that is not, the local inbox, the binding, and an HTTP API.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";
import { startInbox } from "../../worker/inbox.mjs";

const run = promisify(execFile);

let folder = "";
/** @type {typeof import("../../worker/edge.mjs").startEdge} */
let startEdge;
/** @type {typeof import("./office.mjs")} */
let harness;
/** @type {Record<string, { key: string, cert: string }>} */
let certificates;

// workerd trusts what miniflare tells it when it is first imported: the browsers' authorities, and this one.
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "parapet-"));
  const openssl = (/** @type {string[]} */ ...args) => run("openssl", args, { cwd: folder });
  for (const authority of ["ca", "other"]) {
    await openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", `/CN=Test ${authority}`,
      "-keyout", `${authority}.key`, "-out", `${authority}.pem`);
  }
  const issue = async (/** @type {string} */ name, /** @type {string} */ authority, /** @type {string} */ host) => {
    await openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`,
      "-keyout", `${name}.key`, "-out", `${name}.csr`);
    await openssl("x509", "-req", "-days", "2", "-in", `${name}.csr`, "-copy_extensions", "copy", "-CA", `${authority}.pem`, "-CAkey", `${authority}.key`, "-out", `${name}.pem`);
    return { key: await readFile(join(folder, `${name}.key`), "utf8"), cert: await readFile(join(folder, `${name}.pem`), "utf8") };
  };
  certificates = {
    trusted: await issue("trusted", "ca", "localhost"),
    unknown: await issue("unknown", "other", "localhost"),
    elsewhere: await issue("elsewhere", "ca", "mail.example.com"),
  };
  process.env.NODE_EXTRA_CA_CERTS = join(folder, "ca.pem");
  ({ startEdge } = await import("../../worker/edge.mjs"));
  harness = await import("./office.mjs");
});
after(() => rm(folder, { recursive: true }));

/**
 * A mail server with a certificate, and what it got.
 *
 * @param {string} certificate
 * @param {any} [options]
 */
async function mailServer(certificate, options = {}) {
  /** @type {any[]} */
  const mails = [];
  const server = new SMTPServer({
    ...certificates[certificate],
    logger: false,
    onAuth(auth, session, done) {
      const known = auth.username === "parapet" && auth.password === "s3cret" && session.secure;
      done(known ? null : new Error("535 5.7.8 who?"), { user: "parapet" });
    },
    async onData(stream, session, done) {
      const parts = [];
      for await (const part of stream) parts.push(part);
      mails.push({ ...(await PostalMime.parse(Buffer.concat(parts))), secure: session.secure, envelope: session.envelope });
      done(null);
    },
    ...options,
  });
  // Whoever does not trust it ends the connection.
  server.on("error", () => {});
  await new Promise((started) => server.listen(0, "127.0.0.1", () => started(undefined)));
  const { port } = /** @type {any} */ (server.server.address());
  return { mails, port, close: () => new Promise((closed) => server.close(() => closed(undefined))) };
}

const channel = (/** @type {number} */ port, /** @type {string} */ security, more = {}) =>
  JSON.stringify({
    mail_transport: "smtp", smtp_host: "localhost", smtp_port: port, smtp_security: security, smtp_user: "parapet", smtp_password: "s3cret",
    mail_from: "no-reply@id.example.com", ...more,
  });

/**
 * An edge that sends a test mail, and what became of it.
 *
 * @param {Record<string, string>} variables
 * @param {(status: string, edge: any) => boolean} until
 * @param {boolean} [mailer]
 */
async function sendTest(variables, until, mailer = false) {
  const { SECRETS, call, office } = harness;
  const edge = await startEdge({ variables: { ...SECRETS, FRESHNESS_SECONDS: "0", ...variables }, mailer, log: console.log });
  try {
    const { db, owner } = await office(edge);
    const worker = await edge.getWorker();
    const { body } = await call(worker, owner, "GET", "/v1/notification-templates?name=password.reset&type=email");
    const sent = await call(worker, owner, "POST", `/v1/notification-templates/${body.items[0].id}/test`);
    assert.equal(sent.status, 202, JSON.stringify(sent.body));
    const deadline = Date.now() + 20_000;
    for (;;) {
      const row = /** @type {any} */ (await db.prepare("SELECT * FROM user_notification").first());
      if (row && until(row.status, row)) return { ...row, metadata: JSON.parse(row.metadata) };
      assert.ok(Date.now() < deadline, JSON.stringify(row));
      await new Promise((later) => setTimeout(later, 100));
    }
  } finally {
    await edge.dispose();
  }
}

const isSent = (/** @type {string} */ status) => status === "sent";
const wasTried = (/** @type {string} */ _, /** @type {any} */ row) => JSON.parse(row.metadata).tries >= 1;

test("a mail goes over TLS from the first byte, and by STARTTLS", { timeout: 120_000 }, async () => {
  for (const [security, options] of /** @type {const} */ ([["tls", { secure: true }], ["starttls", {}]])) {
    const server = await mailServer("trusted", options);
    try {
      const row = await sendTest({ MAIL_CHANNEL: channel(server.port, security) }, isSent);
      assert.equal(row.sealed, null);
      const [mail] = server.mails;
      assert.deepEqual([server.mails.length, mail.secure, mail.subject], [1, true, "Set a new password"], security);
      assert.equal(mail.envelope.rcptTo[0].address, "olga@acme.example");
      assert.equal(mail.messageId, `<${row.id}@id.example.com>`);
      assert.ok(mail.text.includes("https://id.example.com/link/4fQ0…") && mail.html.includes("Set a new password</a>"), mail.html);
    } finally {
      await server.close();
    }
  }
});

test("nothing goes to a server whose certificate is not its own, or that offers no TLS", { timeout: 120_000 }, async () => {
  for (const [certificate, security, options] of /** @type {const} */ ([
    ["unknown", "tls", { secure: true }],
    ["unknown", "starttls", {}],
    ["elsewhere", "tls", { secure: true }],
    ["trusted", "starttls", { hideSTARTTLS: true, allowInsecureAuth: true }],
  ])) {
    /** @type {string[]} */
    const said = [];
    const server = await mailServer(certificate, {
      ...options,
      onAuth: (/** @type {any} */ auth, /** @type {any} */ _, /** @type {any} */ done) => (said.push(auth.password), done(null, { user: "x" })),
    });
    try {
      const row = await sendTest({ MAIL_CHANNEL: channel(server.port, security) }, wasTried);
      assert.equal(row.status, "pending", JSON.stringify(row.metadata));
      assert.deepEqual([server.mails, said], [[], []], `${certificate} ${security}`);
    } finally {
      await server.close();
    }
  }
});

test("a server that does not know the recipient has the address suppressed", { timeout: 60_000 }, async () => {
  const server = await mailServer("trusted", {
    secure: true,
    onRcptTo: (/** @type {any} */ _address, /** @type {any} */ _session, /** @type {any} */ done) =>
      done(Object.assign(new Error("no such user"), { responseCode: 550 })),
  });
  try {
    const row = await sendTest({ MAIL_CHANNEL: channel(server.port, "tls") }, (status) => status === "failed");
    assert.match(row.metadata.error, /550/);
  } finally {
    await server.close();
  }
});

test("locally everything lands in the inbox, whose page shows it", { timeout: 60_000 }, async () => {
  const inbox = await startInbox();
  try {
    await sendTest(inbox.variables, isSent);
    assert.equal(inbox.messages.length, 1);
    const list = await (await fetch(inbox.address)).text();
    assert.ok(list.includes("Set a new password") && list.includes("olga@acme.example"), list);
    const one = await fetch(`${inbox.address}/0`);
    assert.ok((await one.text()).includes("sandbox srcdoc="));
    assert.match(one.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.equal((await fetch(`${inbox.address}/1`)).status, 404);
  } finally {
    await inbox.close();
  }
});

test("the binding of the platform sends as well", { timeout: 60_000 }, async () => {
  const variables = { MAIL_CHANNEL: JSON.stringify({ mail_transport: "binding", mail_from: "no-reply@id.example.com" }) };
  const row = await sendTest(variables, isSent, true);
  assert.equal(row.metadata.tries, 1);
});

test("an HTTP API gets what it is set to get", { timeout: 60_000 }, async () => {
  /** @type {any[]} */
  const asked = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    asked.push({ headers: request.headers, body: JSON.parse(body) });
    response.writeHead(200, { "content-type": "application/json" }).end('{"id": "m-1"}');
  });
  await new Promise((started) => server.listen(0, "127.0.0.1", () => started(undefined)));
  const { port } = /** @type {any} */ (server.address());
  try {
    const set = { mail_transport: "http", mail_http_url: `http://127.0.0.1:${port}/send`, mail_http_secret: "token", mail_from: "no-reply@id.example.com" };
    const row = await sendTest({ MAIL_CHANNEL: JSON.stringify(set) }, isSent);
    assert.equal(row.metadata.provider_id, "m-1");
    assert.deepEqual([asked[0].headers.authorization, asked[0].headers["idempotency-key"]], ["Bearer token", row.id]);
    assert.deepEqual([asked[0].body.to, asked[0].body.subject], ["olga@acme.example", "Set a new password"]);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
});
