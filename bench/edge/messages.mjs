// Messages out on one machine: EVENTS events (10,000), each to EACH of ten endpoints (all; or one of them, in turn), of
// whose answers 5% are 500 and 5% never come. The clock is set ahead from sweep to sweep, so that the schedule of days passes in minutes; all else is real: the
// built Worker in workerd, its database, connections to a peer that counts. It fails where anything is lost.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { Webhook } from "standardwebhooks";
import { startEdge } from "../../worker/edge.mjs";
import { SECRETS, TENANT, call, office } from "../../tests/e2e/office.mjs";

const EVENTS = Number(process.env.EVENTS ?? 10_000);
const EACH = Number(process.env.EACH ?? 10);
/** One a webhook; with EACH=1 a webhook wants to know of its own alone. */
const TYPES = ["created", "updated", "deleted", "restored"].map((what) => `role.${what}`).concat(["locked", "unlocked", "suspended", "reactivated", "updated", "created"].map((what) => `user.${what}`));
const ENDPOINTS = TYPES.length;
if (EACH !== 1 && EACH !== ENDPOINTS) throw new Error(`EACH is 1 or ${ENDPOINTS}`);
/** How many batches are consumed at once, and how long each is: as `wrangler.toml` has it. */
const [AT_ONCE, BATCH] = [Number(process.env.AT_ONCE ?? 40), { events: 10, deliveries: 5 }];

/** The answers of one endpoint to one event: how often it fails before it does not. */
function fate(/** @type {string} */ path, /** @type {string} */ id, /** @type {number} */ tried) {
  const number = createHash("sha256").update(`${path} ${id} ${tried}`).digest().readUInt16BE(0) % 100;
  return number < 5 ? "500" : number < 10 ? "hangs" : "well";
}

const answers = { well: 0, 500: 0, hangs: 0 };
/** @type {Map<string, { tried: number, arrived: number }>} */
const told = new Map();
/** @type {Record<string, any>} */
const secrets = {};
let unsigned = 0;
const peer = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const [path, id] = [String(request.url), String(request.headers["webhook-id"])];
    const seconds = Number(request.headers["webhook-timestamp"]);
    if (secrets[path].sign(id, new Date(seconds * 1000), body) !== request.headers["webhook-signature"]) unsigned += 1;
    const its = told.get(`${path} ${id}`) ?? { tried: 0, arrived: 0 };
    told.set(`${path} ${id}`, its);
    its.tried += 1;
    const what = fate(path, id, its.tried);
    answers[what] += 1;
    if (what === "hangs") return;
    if (what === "well") its.arrived += 1;
    response.writeHead(what === "well" ? 204 : 500).end();
  });
});

/** @type {Record<"events" | "deliveries", string[]>} */
const waiting = { events: [], deliveries: [] };
const relay = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    waiting[request.url === "/events" ? "events" : "deliveries"].push(...JSON.parse(body));
    response.writeHead(204).end();
  });
});
// A connection that a server closes while it is idle fails what is sent at that instant.
for (const server of [peer, relay]) server.keepAliveTimeout = 600_000;
const listen = async (/** @type {import("node:http").Server} */ server) => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  return `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
};
const [peerUrl, relayUrl] = [await listen(peer), await listen(relay)];

const edge = await startEdge({
  consumes: false,
  wrapper: new URL("relay.mjs", import.meta.url),
  variables: { ...SECRETS, FRESHNESS_SECONDS: "0", LOCAL: "1", WEBHOOK_TIMEOUT_SECONDS: "1", RELAY: relayUrl },
  log: console.log,
});
try {
  const { db, owner } = await office(edge);
  const worker = /** @type {any} */ (await edge.getWorker());
  for (let n = 0; n < ENDPOINTS; n += 1) {
    const { status, body } = await call(worker, owner, "POST", "/v1/webhooks", { name: `sink ${n}`, url: `${peerUrl}/${n}`, event_types: EACH === 1 ? [TYPES[n]] : TYPES });
    if (status !== 201) throw new Error(JSON.stringify(body));
    secrets[`/${n}`] = new Webhook(body.secret);
  }
  // As the admin API writes them, a hundred a batch.
  const payload = (/** @type {number} */ n) => ({
    actor: { type: "user", id: TENANT, api_key_id: TENANT }, request_id: `r${n}`, resource: { type: "role", id: null },
    object: { name: `role ${n}`, description: "what an event of a role is about" }, changed: null,
  });
  const now = Date.now();
  const insert = db.prepare("INSERT INTO outbox VALUES (?1, ?2, ?5, ?3, ?4, NULL)");
  const id = (/** @type {number} */ n) => `01990000-0000-7000-8000-${String(n).padStart(12, "0")}`;
  for (let n = 0; n < EVENTS; n += 100) {
    const batch = [...Array(Math.min(100, EVENTS - n)).keys()].map((i) => insert.bind(id(n + i), TENANT, JSON.stringify(payload(n + i)), new Date(now).toISOString(), TYPES[(n + i) % ENDPOINTS]));
    await db.batch(batch);
  }

  const began = performance.now();
  let ahead = 0;
  let first = 0;
  const left = async () => {
    const row = await db.prepare("SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS events, (SELECT count(*) FROM webhook_delivery WHERE next_attempt_at IS NOT NULL) AS deliveries").first();
    return Number(row?.events) + Number(row?.deliveries);
  };
  for (let sweeps = 0; sweeps === 0 || (await left()) > 0; sweeps += 1) {
    if (sweeps > 400) throw new Error("it does not come to an end");
    // A minute first; then so far that the next step of the schedule is due.
    ahead += sweeps < 3 ? 120_000 : 3_600_000;
    await worker.fetch(`http://localhost/ahead/${ahead}`);
    await worker.scheduled({ cron: "* * * * *" });
    await drain(worker);
    first ||= performance.now() - began;
  }
  const took = (performance.now() - began) / 1000;

  const { results } = await db.prepare("SELECT sum(delivered_at IS NOT NULL) AS arrived, count(*) AS all_of_them, sum(attempt_count) AS attempts FROM webhook_delivery").all();
  const [{ arrived, all_of_them: rows, attempts }] = /** @type {any[]} */ (results);
  const lost = [...told.values()].filter((its) => its.arrived === 0).length + (EVENTS * EACH - told.size);
  const twice = [...told.values()].filter((its) => its.arrived > 1).length;
  const figure = {
    events: EVENTS, endpoints: ENDPOINTS, endpoints_an_event: EACH, deliveries: rows, arrived, lost, twice, unsigned, attempts, answers,
    seconds: Math.round(took * 10) / 10, first_round_seconds: Math.round(first / 100) / 10,
    events_a_second: Math.round(EVENTS / took), deliveries_a_second: Math.round(rows / took), clock_ahead_hours: ahead / 3_600_000,
  };
  console.log(JSON.stringify(figure, null, 2));
  const out = fileURLToPath(new URL("../../target/bench/", import.meta.url));
  await mkdir(out, { recursive: true });
  await writeFile(`${out}messages.json`, JSON.stringify(figure, null, 2));
  if (lost > 0 || unsigned > 0 || arrived !== EVENTS * EACH || rows !== EVENTS * EACH) process.exitCode = 1;
} finally {
  await edge.dispose();
  for (const server of [peer, relay]) {
    server.closeAllConnections();
    server.close();
  }
}

/** Consumes what waits, many batches at once, until nothing does. */
async function drain(/** @type {any} */ worker) {
  let number = 0;
  let running = 0;
  const consume = async (/** @type {"events" | "deliveries"} */ queue) => {
    const bodies = waiting[queue].splice(0, BATCH[queue]);
    const messages = bodies.map((body) => ({ id: `m${(number += 1)}`, timestamp: new Date(), attempts: 1, body }));
    const { retryMessages = [], outcome } = await worker.queue(`parapet-${queue}`, messages);
    const again = new Set(retryMessages.map((/** @type {any} */ { msgId }) => msgId));
    waiting[queue].push(...messages.filter(({ id }) => outcome !== "ok" || again.has(id)).map(({ body }) => body));
  };
  await new Promise((resolve, reject) => {
    const next = () => {
      if (running === 0 && waiting.events.length + waiting.deliveries.length === 0) return resolve(undefined);
      while (running < AT_ONCE && waiting.events.length + waiting.deliveries.length > 0) {
        running += 1;
        consume(waiting.events.length > 0 && (running === 1 || waiting.deliveries.length === 0) ? "events" : "deliveries")
          .then(() => {
            running -= 1;
            next();
          }, reject);
      }
    };
    next();
  });
}
