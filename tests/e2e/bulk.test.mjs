// Bulk in workerd: lines come in, whole or not at all, are decided by at once, and go out in a stream that comes in again.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { startEdge } from "../../worker/edge.mjs";
import { PERMISSION, SECRETS, call, office, question } from "./office.mjs";

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {any} */
let keys;
/** @type {URL} */
let base;

before(async () => {
  edge = await startEdge({ variables: { ...SECRETS, FRESHNESS_SECONDS: "0" }, direct: true, log: console.log });
  keys = await office(edge);
  base = await edge.unsafeGetDirectURL("edge");
});
after(() => edge.dispose());

const id = (/** @type {string} */ kind, /** @type {number} */ number) => `01980000-0000-7000-9${kind}-${String(number).padStart(12, "0")}`;
const line = (/** @type {string} */ table, /** @type {any} */ row) => JSON.stringify({ table, row });
const user = (/** @type {number} */ number, /** @type {any} */ more = {}) => line("user", { id: id("000", number), email: `u${number}@acme.example`, ...more });

async function send(/** @type {string[]} */ lines, query = "") {
  const headers = { authorization: `Bearer ${keys.owner}`, "content-type": "application/jsonl" };
  const response = await fetch(new URL(`/v1/import${query}`, base), { method: "POST", headers, body: lines.join("\n") });
  return { status: response.status, body: /** @type {any} */ (await response.json()) };
}

const asks = async (/** @type {string} */ who) => {
  const worker = { fetch: (/** @type {string} */ url, /** @type {any} */ options) => fetch(new URL(url.replace("http://localhost", ""), base), options) };
  return (await call(worker, keys.pep, "POST", "/access/v1/evaluation", question(who))).body.decision;
};

const users = async () => {
  const db = await edge.getD1Database("DB");
  return Number((await db.prepare("SELECT count(*) AS users FROM user").first())?.users);
};

test("people and what they may come in by one request, and count at once", async () => {
  const lines = [
    line("role", { id: id("100", 1), name: "papers" }),
    line("role_permission", { id: id("101", 1), role_id: id("100", 1), permission_id: PERMISSION }),
    user(1),
    line("user_group", { id: id("102", 1), name: "readers" }),
    line("user_group_role", { id: id("103", 1), user_group_id: id("102", 1), role_id: id("100", 1) }),
    line("user_group_membership", { id: id("104", 1), user_id: id("000", 1), user_group_id: id("102", 1) }),
  ];
  const dry = await send(lines, "?dry_run=true");
  assert.deepEqual([dry.status, dry.body.created, await asks(id("000", 1))], [200, 6, false]);
  const { status, body } = await send(lines);
  assert.deepEqual([status, body.created, body.findings], [200, 6, []], JSON.stringify(body));
  assert.equal(await asks(id("000", 1)), true);
  assert.deepEqual((await send(lines)).body.unchanged, 6);
  assert.equal((await send([line("role", { id: id("100", 1), is_active: false })])).body.updated, 1);
  assert.equal(await asks(id("000", 1)), false);
});

test("an upload that breaks off, and one with a wrong line at its end, leave nothing", async () => {
  const before = await users();
  const body = [...Array(500).keys()].map((number) => user(1_000 + number)).join("\n");
  const socket = connect(Number(base.port), base.hostname);
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(
    `POST /v1/import HTTP/1.1\r\nHost: ${base.host}\r\nAuthorization: Bearer ${keys.owner}\r\nContent-Type: application/jsonl\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body.slice(0, body.length >> 1)}`,
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  socket.destroy();
  const { status, body: refused } = await send([user(2_000), '{"table": "user", "row": {"id"']);
  assert.deepEqual([status, refused.findings.map((/** @type {any} */ { code, row }) => [code, row])], [422, [["import.line", "#2"]]]);
  assert.equal(await users(), before);
});

test("requests at the same time are one after the other", async () => {
  const before = await users();
  const parts = [3_000, 3_100, 3_200, 3_300].map((from) => [...Array(100).keys()].map((number) => user(from + number)));
  const answers = await Promise.all(parts.map((lines) => send(lines)));
  assert.deepEqual(answers.map(({ status, body }) => [status, body.created]), parts.map(() => [200, 100]));
  assert.equal(await users(), before + 400);
});

test("an export of many pieces comes in again and changes nothing", async () => {
  const custom_attributes = { text: "x".repeat(2_000) };
  for (let from = 10_000; from < 13_000; from += 400) {
    const { status, body } = await send([...Array(400).keys()].map((number) => user(from + number, { custom_attributes })));
    assert.deepEqual([status, body.created], [200, 400], JSON.stringify(body));
  }
  const response = await fetch(new URL("/v1/export", base), { headers: { authorization: `Bearer ${keys.owner}` } });
  assert.deepEqual([response.status, response.headers.get("content-type")], [200, "application/jsonl"]);
  const lines = (await response.text()).trimEnd().split("\n");
  assert.ok(lines.length > 3_400);
  let unchanged = 0;
  for (let at = 0; at < lines.length; at += 300) {
    const { status, body } = await send(lines.slice(at, at + 300));
    assert.deepEqual([status, body.created, body.updated], [200, 0, 0], JSON.stringify(body).slice(0, 500));
    unchanged += body.unchanged;
  }
  assert.ok(unchanged > 3_400, `${unchanged}`);
});
