// What decisions and the gateway do while something that they need fails: the table “Faults” of ARCHITECTURE.md, row by row.
// In each nobody is let in whom the last good state would refuse, nor by what is older than MAX_STALE_SECONDS; and what comes
// after the fault is answered as before it, by itself.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startEdge } from "../../worker/edge.mjs";
import { ROUTES, ask, behind, startApplication } from "./application.mjs";
import { SECRETS, TENANT, call, id, office, question } from "./office.mjs";

const [FRESHNESS, MAX_STALE] = [5, 60];

/** An isolate a fault: what it holds in memory is its own. */
const ISOLATES = ["first", "cut", "fails", "slow", "clock", "store-cut", "store-empty", "store-corrupt", "store-newer", "nothing"];

/** A host whose origin does not listen. */
const DOWN = "down.localhost";

/** Each test has users of its own, and an hour of its own. */
const USERS = 30;

/** @type {import("miniflare").Miniflare} */
let edge;
/** @type {any} */
let db;
/** @type {any} */
let keys;
/** @type {Awaited<ReturnType<typeof startApplication>>} */
let application;
/** @type {Record<string, { url: URL, worker: any }>} */
const isolates = {};
/** What was logged. @type {string[]} */
const lines = [];

before(async () => {
  application = await startApplication();
  const variables = {
    ...SECRETS, FRESHNESS_SECONDS: String(FRESHNESS), MAX_STALE_SECONDS: String(MAX_STALE), STRANGER_RATE_LIMIT: "0", LOCAL: "1", BASE_DOMAIN: "id.localhost",
  };
  edge = await startEdge({ wrapper: new URL("faults.mjs", import.meta.url), variables, names: ISOLATES, direct: true, log: (line) => void lines.push(line) });
  keys = await office(edge, USERS);
  db = keys.db;
  for (const name of ISOLATES) isolates[name] = { url: await edge.unsafeGetDirectURL(name), worker: await edge.getWorker(name) };
  await behind(isolates.first.worker, keys, application.origin);
  await behind(isolates.first.worker, keys, "http://127.0.0.1:1", ROUTES, DOWN);
});
after(async () => {
  await edge.dispose();
  await application.close();
});

const bearer = (/** @type {string} */ key) => ({ authorization: `Bearer ${key}` });

/** The clock of an hour: an instant by its second. */
const hour = (/** @type {number} */ number) => (/** @type {number} */ second) =>
  ({ "x-test-now": new Date(Date.parse("2027-03-02T00:00:00.000Z") + number * 3_600_000 + second * 1000).toISOString() });

/**
 * What somebody gets at an isolate, of the gateway and of the decision point: `allowed`, `denied`, or the code of what is wrong;
 * with `(stale)` where it says so.
 */
async function gets(/** @type {string} */ isolate, /** @type {number} */ user, /** @type {Record<string, string>} */ headers) {
  const { url, worker } = isolates[isolate];
  const passed = await ask(url, "/papers/7", { headers: { ...bearer(keys.key(user)), ...headers } });
  const decided = await call(worker, keys.pep, "POST", "/access/v1/evaluation", question(id("e", user)), headers);
  const stale = (/** @type {string | null | undefined} */ said) => (said === "true" ? " (stale)" : "");
  const gateway = passed.status === 200 ? "allowed" : passed.status === 403 ? "denied" : passed.body.code;
  const decision = decided.status === 200 ? (decided.body.decision ? "allowed" : "denied") : decided.body.code;
  return [gateway + stale(passed.headers["x-parapet-stale"]), decision + stale(decided.headers.get("x-parapet-stale"))];
}

const both = (/** @type {string} */ what) => [what, what];

/** Takes somebody's right at an isolate. */
async function revoke(/** @type {string} */ isolate, /** @type {number} */ user, headers = {}) {
  const { status, body } = await call(isolates[isolate].worker, keys.owner, "PATCH", `/v1/roles/${id("c", user)}`, { permissions: [] }, headers);
  assert.equal(status, 200, JSON.stringify(body));
}

for (const [number, fault] of ["cut", "fails"].entries()) {
  test(`a database that ${fault === "cut" ? "is cut off" : "fails at each statement"}: what was known counts for MAX_STALE_SECONDS`, async () => {
    const at = hour(number);
    const [kept, lost, losing] = [0, 1, 2].map((user) => number * 3 + user);
    const wrong = { "x-test-database": fault };
    for (const user of [kept, lost, losing]) assert.deepEqual(await gets(fault, user, at(0)), both("allowed"));
    await revoke(fault, lost, at(1));
    for (const [user, what] of /** @type {[number, string][]} */ ([[kept, "allowed"], [lost, "denied"], [losing, "allowed"]])) {
      assert.deepEqual(await gets(fault, user, at(2)), both(what));
    }
    for (const [second, stale] of /** @type {[number, string][]} */ ([[3, ""], [6, ""], [8, " (stale)"], [61, " (stale)"]])) {
      assert.deepEqual(await gets(fault, kept, { ...at(second), ...wrong }), both(`allowed${stale}`), `${second} s`);
      assert.deepEqual(await gets(fault, lost, { ...at(second), ...wrong }), both(`denied${stale}`), `${second} s`);
    }
    for (const second of [62, 3000]) {
      for (const user of [kept, lost]) assert.deepEqual(await gets(fault, user, { ...at(second), ...wrong }), both("database.unavailable"));
    }
    // Whoever is not known yet is let in nowhere.
    const stranger = await ask(isolates[fault].url, "/papers/7", { headers: { ...at(63), ...wrong, ...bearer(keys.key(USERS - 1)) } });
    assert.deepEqual([stranger.status, stranger.body.code], [503, "database.unavailable"]);

    assert.deepEqual(await gets(fault, kept, at(3001)), both("allowed"));
    assert.deepEqual(await gets(fault, lost, at(3001)), both("denied"));
    // What the isolate itself has heard since is the last good state.
    assert.deepEqual(await gets(fault, losing, at(3001)), both("allowed"));
    await revoke(fault, losing, at(3002));
    assert.deepEqual(await gets(fault, losing, { ...at(3003), ...wrong }), both("database.unavailable"));
    assert.deepEqual(await gets(fault, losing, at(3004)), both("denied"));
    assert.deepEqual(await gets(fault, kept, at(3004)), both("allowed"));
  });
}

test("a database that takes five seconds for each statement: late answers, by what it says now", { timeout: 120_000 }, async () => {
  const at = hour(2);
  const [kept, lost] = [6, 7];
  const slow = { "x-test-database": "slow" };
  for (const user of [kept, lost]) assert.deepEqual(await gets("slow", user, at(0)), both("allowed"));
  await revoke("first", lost);
  const timed = async (/** @type {number} */ user, /** @type {Record<string, string>} */ headers) => {
    const began = performance.now();
    const what = await gets("slow", user, headers);
    return { what, seconds: (performance.now() - began) / 1000 };
  };
  // What is fresh waits for nobody.
  const fresh = await timed(kept, { ...at(2), ...slow });
  assert.deepEqual(fresh.what, both("allowed"));
  assert.ok(fresh.seconds < 2, `${fresh.seconds} s`);
  const late = await timed(lost, { ...at(FRESHNESS), ...slow });
  assert.deepEqual(late.what, both("denied"));
  assert.ok(late.seconds >= 5, `${late.seconds} s`);
  assert.deepEqual((await timed(kept, { ...at(2 * FRESHNESS), ...slow })).what, both("allowed"));
  const again = await timed(kept, at(3 * FRESHNESS));
  assert.deepEqual(again.what, both("allowed"));
  assert.ok(again.seconds < 2, `${again.seconds} s`);
});

for (const [number, fault, code] of /** @type {[number, string, string | undefined][]} */ ([
  [3, "cut", "snapshot.store_unavailable"],
  [4, "empty", undefined],
])) {
  test(`a store that ${fault === "cut" ? "is cut off" : "has heard of nothing yet"}: the rows are compiled instead`, async () => {
    const wrong = { "x-test-store": fault };
    await withoutSnapshot(number, `store-${fault}`, wrong, code);
    // While rules change, too.
    const [at, user] = [hour(number), number * 3 + 2];
    await revoke(`store-${fault}`, user, { ...at(1002), ...wrong });
    assert.deepEqual(await gets(`store-${fault}`, user, { ...at(1002), ...wrong }), both("denied"));
  });
}

/** Where the version of its format stands in a snapshot, and where a byte of its content. */
const [FORMAT_AT, CONTENT_AT] = [8, 300];

for (const [number, fault, spoil] of /** @type {[number, string, (bytes: Uint8Array) => void][]} */ ([
  [5, "corrupt", (bytes) => (bytes[CONTENT_AT] ^= 1)],
  [6, "newer", (bytes) => (bytes[FORMAT_AT] += 1)],
])) {
  const what = fault === "corrupt" ? "other bytes than were put" : "snapshots of a newer format";
  test(`a store that holds ${what}: the rows are compiled instead, and it holds the right ones again`, async () => {
    const store = /** @type {any} */ (await edge.getKVNamespace("SNAPSHOTS", "first"));
    /** @type {Map<string, Uint8Array>} */
    const right = new Map();
    await withoutSnapshot(number, `store-${fault}`, {}, "snapshot.not_opened", async () => {
      const { keys: names } = await store.list();
      for (const { name } of names) {
        const bytes = new Uint8Array(/** @type {ArrayBuffer} */ (await store.get(name, "arrayBuffer")));
        right.set(name, bytes.slice());
        spoil(bytes);
        await store.put(name, bytes);
      }
    });
    const newest = await db.prepare("SELECT policy_version, content_hash FROM snapshot ORDER BY policy_version DESC LIMIT 1").first();
    const name = `snapshot/${TENANT}/${newest.policy_version}/${newest.content_hash}`;
    const bytes = new Uint8Array(/** @type {ArrayBuffer} */ (await store.get(name, "arrayBuffer")));
    assert.deepEqual([bytes[FORMAT_AT], bytes[CONTENT_AT]], [right.get(name)?.[FORMAT_AT], right.get(name)?.[CONTENT_AT]]);
  });
}

/**
 * What an isolate gets that has nothing in memory, while the store gives it no snapshot to decide by.
 *
 * @param {number} number
 * @param {string} isolate
 * @param {Record<string, string>} wrong
 * @param {string} [code] what is logged of it
 * @param {() => Promise<void>} [spoil] spoils what the store holds
 */
async function withoutSnapshot(number, isolate, wrong, code, spoil = async () => {}) {
  const at = hour(number);
  const [kept, lost] = [number * 3, number * 3 + 1];
  for (const user of [kept, lost]) assert.deepEqual(await gets("first", user, at(0)), both("allowed"));
  await revoke("first", lost, at(0));
  assert.deepEqual(await gets("first", lost, at(0)), both("denied"));
  // It was published, and lies there.
  await spoil();
  const from = lines.length;
  assert.deepEqual(await gets(isolate, kept, { ...at(0), ...wrong }), both("allowed"));
  assert.deepEqual(await gets(isolate, lost, { ...at(0), ...wrong }), both("denied"));
  const logged = () => lines.slice(from).filter((line) => line.includes('"snapshot.'));
  // What is logged arrives by itself.
  for (let tries = 0; code !== undefined && logged().length === 0 && tries < 50; tries += 1) await new Promise((go) => setTimeout(go, 100));
  assert.ok(code === undefined ? logged().length === 0 : logged().some((line) => line.includes(code)), logged().join("\n"));
  // Without the database too, what the isolate holds counts as long as elsewhere.
  assert.deepEqual(await gets(isolate, lost, { ...at(2), ...wrong, "x-test-database": "cut" }), both("denied"));
  assert.deepEqual(await gets(isolate, kept, { ...at(1000), ...wrong, "x-test-database": "cut" }), both("database.unavailable"));
  assert.deepEqual(await gets(isolate, kept, at(1001)), both("allowed"));
  assert.deepEqual(await gets(isolate, lost, at(1001)), both("denied"));
}

test("without database and store an isolate that knows nothing lets nobody in, and then everybody who may", async () => {
  const at = hour(7);
  assert.deepEqual(await gets("nothing", 21, { ...at(0), "x-test-store": "cut", "x-test-database": "fails" }), both("database.unavailable"));
  assert.deepEqual(await gets("nothing", 21, at(1)), both("allowed"));
});

test("a clock that goes astray: what ends ends by it, and nothing is known from the future", async () => {
  const at = hour(8);
  const [endless, ending] = [22, 23];
  const end = at(10)["x-test-now"];
  await db.batch([
    db.prepare("UPDATE user_role SET expires_at = ?1 WHERE id = ?2").bind(end, id("d", ending)),
    db.prepare("UPDATE tenant_epoch SET directory_version = directory_version + 1 WHERE tenant_id = ?1").bind(TENANT),
  ]);
  for (const user of [endless, ending]) assert.deepEqual(await gets("clock", user, at(0)), both("allowed"));
  // Ahead: what ends in ten seconds has ended.
  for (const second of [10, 3600]) {
    assert.deepEqual(await gets("clock", ending, at(second)), both("denied"), `${second} s`);
    assert.deepEqual(await gets("clock", endless, at(second)), both("allowed"), `${second} s`);
  }
  // Back: what was heard at an instant that is still to come is asked for anew, and is nothing to go on with.
  for (const second of [5, -3600]) {
    assert.deepEqual(await gets("clock", endless, { ...at(second), "x-test-database": "cut" }), both("database.unavailable"), `${second} s`);
    assert.deepEqual(await gets("clock", endless, at(second)), both("allowed"), `${second} s`);
  }
  await revoke("first", endless);
  assert.deepEqual(await gets("clock", endless, at(-3590)), both("denied"));
  assert.deepEqual(await gets("clock", endless, at(6)), both("denied"));
  // Right again.
  assert.deepEqual(await gets("clock", ending, at(9)), both("allowed"));
  assert.deepEqual(await gets("clock", ending, at(10)), both("denied"));
});

test("an application that is not there, or gives no HTTP, or breaks off: 502, or an answer that breaks off", async () => {
  const { url } = isolates.first;
  const headers = bearer(keys.key(24));
  const down = await ask(url, "/papers/7", { headers, host: DOWN });
  assert.deepEqual([down.status, down.body.code, down.headers["content-type"]], [502, "origin.failed", "application/problem+json"]);
  // Who may not learns nothing of it.
  assert.equal((await ask(url, "/papers/7", { headers: bearer(keys.owner), host: DOWN })).status, 403);
  const garbage = await ask(url, "/garbage", { headers });
  assert.deepEqual([garbage.status, garbage.body.code], [502, "origin.failed"]);
  await assert.rejects(ask(url, "/cut", { headers }));
  assert.equal((await ask(url, "/papers/7", { headers })).status, 200);
  // It comes back, and is found.
  const list = await call(isolates.first.worker, keys.owner, "GET", "/v1/gateway-hosts");
  const { id: its } = list.body.items.find((/** @type {any} */ item) => item.host === DOWN);
  const moved = await call(isolates.first.worker, keys.owner, "PATCH", `/v1/gateway-hosts/${its}`, { origin: application.origin });
  assert.equal(moved.status, 200, JSON.stringify(moved.body));
  await new Promise((go) => setTimeout(go, FRESHNESS * 1000));
  assert.equal((await ask(url, "/papers/7", { headers, host: DOWN })).status, 200);
});

test("an application that does not begin to answer: 504 after half a minute, and nobody else waits", { timeout: 60_000 }, async () => {
  const { url } = isolates.first;
  const headers = bearer(keys.key(24));
  const began = performance.now();
  const hanging = ask(url, "/hang", { headers });
  for (let n = 0; n < 10; n += 1) assert.equal((await ask(url, "/papers/7", { headers })).status, 200);
  assert.ok(performance.now() - began < 10_000);
  const late = await hanging;
  assert.deepEqual([late.status, late.body.code], [504, "origin.late"]);
  const seconds = (performance.now() - began) / 1000;
  assert.ok(seconds >= 29 && seconds < 40, `${seconds} s`);
  assert.equal((await ask(url, "/papers/7", { headers })).status, 200);
});
