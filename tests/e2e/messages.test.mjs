// Messages out, through the built Worker, its queues and real connections: nothing is lost wherever the process is
// killed, and a peer gets what Standard Webhooks says.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { startEdge } from "../../worker/edge.mjs";
import { workers } from "../../worker/workerd.mjs";
import { SECRETS, call, office } from "./office.mjs";

const WRAPPER = new URL("crash.mjs", import.meta.url);
const VARIABLES = { ...SECRETS, FRESHNESS_SECONDS: "0", LOCAL: "1", WEBHOOK_TIMEOUT_SECONDS: "1" };

const sleep = (/** @type {number} */ milliseconds) => setTimeout(milliseconds);

/**
 * Waits until something holds.
 *
 * @param {() => any} holds
 * @param {string} what
 */
async function until(holds, what, seconds = 30) {
  const end = performance.now() + seconds * 1000;
  while (!(await holds())) {
    assert.ok(performance.now() < end, `${what} did not come`);
    await sleep(20);
  }
}

/**
 * A peer on this machine, which remembers what it was sent.
 *
 * @param {(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse) => void} answer
 */
async function peer(answer) {
  /** @type {{ path: string, headers: Record<string, string>, body: string }[]} */
  const heard = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      heard.push({ path: String(request.url), headers: /** @type {any} */ (request.headers), body });
      answer(request, response);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    heard,
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Lets the minutely event come. */
async function sweep(/** @type {any} */ edge) {
  const worker = await edge.getWorker();
  await worker.scheduled({ cron: "* * * * *" });
}

/** What a made webhook is answered with. */
async function hook(/** @type {any} */ worker, /** @type {string} */ owner, /** @type {any} */ body) {
  const { status, body: made } = await call(worker, owner, "POST", "/v1/webhooks", body);
  assert.equal(status, 201, JSON.stringify(made));
  return made;
}

test("what is killed at any step loses nothing, and sends again under the same id", async () => {
  const state = await mkdtemp(join(tmpdir(), "parapet-"));
  const receiver = await peer((_, response) => response.writeHead(204).end());
  /** @type {() => void} */
  let stopped = () => {};
  const morgue = await peer(() => stopped());
  const rows = async (/** @type {any} */ edge, /** @type {string} */ sql) => (await (await edge.getD1Database("DB")).prepare(sql).all()).results;
  try {
    let edge = await startEdge({ state, variables: VARIABLES, wrapper: WRAPPER });
    const { owner } = await office(edge);
    const made = await hook(await edge.getWorker(), owner, { name: "sink", url: `${receiver.url}/in`, event_types: ["role.*"] });
    await edge.dispose();
    let died = 0;
    for (let at = 0; ; at += 1) {
      edge = await startEdge({ state, wrapper: WRAPPER, variables: { ...VARIABLES, CLOCK_AHEAD: String(at * 3_600_000), STOP_AT: String(at), STOP_URL: morgue.url } });
      const before = receiver.heard.length;
      const killed = new Promise((resolve) => (stopped = () => resolve(true)));
      const worker = await edge.getWorker();
      const answer = call(worker, owner, "POST", "/v1/roles", { name: `role ${at}` }).catch(() => null);
      // Either it stops somewhere, or all of it goes through.
      const delivered = async () => {
        const [{ open }] = await rows(edge, "SELECT count(*) AS open FROM webhook_delivery WHERE delivered_at IS NULL");
        return receiver.heard.length > before && open === 0;
      };
      const through = (async () => {
        while (!(await delivered().catch(() => false))) await sleep(50);
        return false;
      })();
      const patience = new AbortController();
      const late = setTimeout(30_000, null, { signal: patience.signal }).then(() => assert.fail(`step ${at}`));
      const stops = await Promise.race([killed, through, late]);
      late.catch(() => {});
      patience.abort();
      for (const pid of await workers()) process.kill(pid, "SIGKILL");
      if (!stops) assert.equal((await answer)?.status, 201);
      await Promise.race([edge.dispose().catch(() => {}), sleep(2000)]);
      if (!stops) break;
      died += 1;
      // Half an hour later, with nothing in memory and nothing in a queue.
      edge = await startEdge({ state, wrapper: WRAPPER, variables: { ...VARIABLES, CLOCK_AHEAD: String(at * 3_600_000 + 1_800_000) } });
      await sweep(edge);
      await until(async () => {
        const [{ waiting }] = await rows(edge, "SELECT count(*) AS waiting FROM outbox WHERE published_at IS NULL");
        const [{ open }] = await rows(edge, "SELECT count(*) AS open FROM webhook_delivery WHERE delivered_at IS NULL");
        if (waiting + open > 0) await sweep(edge);
        return waiting + open === 0;
      }, `the end after step ${at}`);
      await edge.dispose();
    }
    edge = await startEdge({ state, variables: VARIABLES });
    const events = await rows(edge, "SELECT id, json_extract(payload, '$.object.name') AS name FROM outbox WHERE event_type LIKE 'role.%' ORDER BY id");
    await edge.dispose();
    // What was answered is there; what was killed before its batch is not, and nothing of it is heard.
    assert.ok(events.length >= died, `${events.length} events`);
    /** @type {Map<string, Set<string>>} */
    const ids = new Map();
    for (const { headers, body } of receiver.heard) {
      const said = JSON.parse(body);
      assert.equal(headers["webhook-id"], said.id);
      ids.set(said.data.object.name, (ids.get(said.data.object.name) ?? new Set()).add(said.id));
      assert.equal(headers["webhook-signature"], new Webhook(made.secret).sign(said.id, new Date(Number(headers["webhook-timestamp"]) * 1000), body));
    }
    for (const { id, name } of events) assert.deepEqual([...(ids.get(String(name)) ?? [])], [id], `${name}`);
    assert.equal(ids.size, events.length);
    assert.ok(died >= 7, `${died} steps`);
    console.log(`killed at each of ${died} steps; ${events.length} events, ${receiver.heard.length} deliveries`);
  } finally {
    await receiver.close();
    await morgue.close();
    await rm(state, { recursive: true, force: true });
  }
});

test("the reference library verifies what is sent, under both secrets while one is being changed", async () => {
  const receiver = await peer((_, response) => response.writeHead(200).end("thanks"));
  const edge = await startEdge({ variables: VARIABLES });
  try {
    const { owner } = await office(edge);
    const worker = await edge.getWorker();
    const made = await hook(worker, owner, { name: "sink", url: `${receiver.url}/in?token=t`, event_types: ["role.*"], headers: { Authorization: "Bearer x" } });
    const { body: rotated } = await call(worker, owner, "POST", `/v1/webhooks/${made.id}/rotate-secret`, {});
    await call(worker, owner, "POST", "/v1/roles", { name: "Ärztin – “quoted” 🦀" });
    await call(worker, owner, "POST", `/v1/webhooks/${made.id}/test`);
    await until(() => receiver.heard.length >= 2, "the deliveries");
    for (const { path, headers, body } of receiver.heard) {
      assert.equal(path, "/in?token=t");
      assert.equal(headers.authorization, "Bearer x");
      for (const secret of [made.secret, rotated.secret]) {
        assert.equal(JSON.stringify(new Webhook(secret).verify(body, headers)), JSON.stringify(JSON.parse(body)));
        assert.throws(() => new Webhook(secret).verify(`${body} `, headers));
      }
      assert.equal(headers["webhook-signature"].split(" ").length, 2);
    }
    const types = receiver.heard.map(({ body }) => JSON.parse(body).type).sort();
    assert.deepEqual(types, ["role.created", "webhook.test"]);
    const { body: page } = await call(worker, owner, "GET", `/v1/webhook-deliveries?webhook_id=${made.id}`);
    assert.deepEqual(page.items.map((/** @type {any} */ row) => [row.response_status, row.response_body, row.next_attempt_at]), [[200, "thanks", null], [200, "thanks", null]]);
  } finally {
    await edge.dispose();
    await receiver.close();
  }
});

test("a peer that redirects, fails, hangs or is not there has not been told, and delays nobody", async () => {
  const receiver = await peer((request, response) => {
    if (request.url === "/redirect") response.writeHead(302, { location: `${receiver.url}/elsewhere` }).end();
    else if (request.url === "/talks") response.writeHead(500).end("y".repeat(1_000_000));
    else if (request.url === "/trickles") response.writeHead(200).write("x");
    else if (request.url === "/well") response.writeHead(200).end();
    // And /hangs says nothing.
  });
  const edge = await startEdge({ variables: VARIABLES });
  try {
    const { db, owner } = await office(edge);
    const worker = await edge.getWorker();
    const paths = ["redirect", "talks", "trickles", "hangs", "well"];
    for (const name of paths) await hook(worker, owner, { name, url: `${receiver.url}/${name}`, event_types: ["role.*"] });
    await hook(worker, owner, { name: "gone", url: "http://127.0.0.1:9/", event_types: ["role.*"] });
    const began = performance.now();
    await call(worker, owner, "POST", "/v1/roles", { name: "editor" });
    await until(() => receiver.heard.some(({ path }) => path === "/well"), "the one that is well");
    const rows = async () =>
      (await db.prepare("SELECT w.name, d.response_status, d.response_body, d.delivered_at FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id ORDER BY w.name").all()).results;
    await until(async () => (await rows()).every((row) => row.response_body !== null), "what came of each");
    const results = Object.fromEntries((await rows()).map((row) => [row.name, [row.response_status, row.response_body, row.delivered_at !== null]]));
    assert.deepEqual(results, {
      gone: [null, "the connection failed", false],
      hangs: [null, "there was no answer in time", false],
      redirect: [302, "", false],
      talks: [500, "y".repeat(1024), false],
      trickles: [200, "x", true],
      well: [200, "", true],
    });
    assert.ok(performance.now() - began < 15_000);
    assert.ok(!receiver.heard.some(({ path }) => path === "/elsewhere"));
  } finally {
    await edge.dispose();
    await receiver.close();
  }
});

test("without LOCAL no webhook leads to this machine", async () => {
  const edge = await startEdge({ variables: { ...SECRETS, FRESHNESS_SECONDS: "0" } });
  try {
    const { owner } = await office(edge);
    const worker = await edge.getWorker();
    for (const url of ["http://127.0.0.1:8080/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/"]) {
      const { status } = await call(worker, owner, "POST", "/v1/webhooks", { name: "x", url, event_types: ["*"] });
      assert.equal(status, 422, url);
    }
  } finally {
    await edge.dispose();
  }
});
