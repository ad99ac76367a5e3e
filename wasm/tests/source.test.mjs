// The source of snapshots: what takes the place of what is held, what does not, and when everything is denied.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, test } from "node:test";
import { SnapshotSource } from "@parapet/engine/source";
import { compileSnapshot } from "@parapet/engine/full";
import { ACME, ADA, Engine, KEY, NOW, failure, request, snapshot, tenant } from "./tenant.mjs";

const STALE = { decision: false, context: { outcome: "error", reason: "snapshot_stale", policies: [], errors: [] } };
const MINUTE = 60_000;

const closing = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A source over `answers`, the newest of which is given; with the requests it made, and a clock that is set by hand. */
function sourceOf(answer, options = {}) {
  const asked = [];
  const clock = { at: 1_000_000 };
  const world = { answer, asked, clock, opened: 0, freed: 0 };
  const fetch = async (url, init) => {
    asked.push({ url, ...init, headers: Object.fromEntries(init.headers) });
    return typeof world.answer === "function" ? world.answer(init) : world.answer;
  };
  const Counted = {
    async open(...parts) {
      const engine = await Engine.open(...parts);
      world.opened++;
      const free = engine.free.bind(engine);
      engine.free = () => {
        world.freed++;
        free();
      };
      return engine;
    },
  };
  world.source = new SnapshotSource(Counted, "https://rules.example/current", { keys: [KEY], fetch, clock: () => clock.at, ...options });
  closing.push(() => world.source.close());
  return world;
}

const ok = (bytes, headers = {}) => () => new Response(bytes, { headers });
const status = (code, headers = {}) => () => new Response(null, { status: code, headers });
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const allows = (source) => source.check("ada", "read", "document", "plan");

test("before the first snapshot, and after the end, every call is denied in its own form", async () => {
  const { source } = sourceOf(ok(snapshot()));
  const denied = () => {
    assert.equal(source.isStale, true);
    assert.deepEqual(source.decide(request()), STALE);
    assert.deepEqual(source.decideBatch({ ...request(), evaluations: [{}, {}] }), { evaluations: [STALE, STALE] });
    const first = { evaluations_semantic: "deny_on_first_deny" };
    assert.deepEqual(source.decideBatch({ ...request(), evaluations: [{}, {}], options: first }), { evaluations: [STALE] });
    assert.deepEqual(source.decideBatch(request()), STALE);
    assert.deepEqual(source.decideBatch(undefined), STALE);
    assert.equal(allows(source), false);
    assert.deepEqual(source.explain(request()).decision, { outcome: "error", reason: "snapshot_stale", policies: [] });
    for (const search of ["searchActions", "searchResources", "searchSubjects"]) assert.deepEqual(source[search]({}).results, []);
    const residual = source.residual({});
    assert.deepEqual([residual.answer, residual.isExact, residual.allows("plan")], ["never", true, false]);
    assert.deepEqual(residual.sql("sqlite"), { where: "FALSE", params: [], unsupported: [] });
    assert.deepEqual(JSON.parse(JSON.stringify(residual)), { answer: "never", reason: "snapshot_stale", unsupported: [] });
    assert.deepEqual([source.version, source.tenant], [undefined, undefined]);
  };
  denied();
  assert.equal(source.age, Infinity);
  assert.equal(await source.refresh(), true);
  assert.equal(allows(source), true);
  source.close();
  denied();
  assert.equal(await source.refresh(), false);
  assert.equal(await source.ensureFresh(), false);
});

test("it answers as the engine does, and throws what that throws", async () => {
  const { source } = sourceOf(ok(snapshot(3)));
  const engine = await Engine.open(snapshot(3), { keys: [KEY] });
  await source.refresh();
  assert.deepEqual([source.version, source.tenant, source.isStale, source.lastError], [3, ACME, false, undefined]);
  for (const asked of [request(), request("write"), request("write", { context: { spent: 1 } })]) {
    assert.deepEqual(source.decide(asked, { now: NOW }), engine.decide(asked, { now: NOW }));
    assert.deepEqual(source.explain(asked, { now: NOW }), engine.explain(asked, { now: NOW }));
    assert.deepEqual(source.decideBatch({ evaluations: [asked] }), engine.decideBatch({ evaluations: [asked] }));
  }
  assert.equal(source.check("ada", "read", "document", "plan", { label: "secret" }), false);
  assert.throws(() => source.decide({}), failure("authzen.missing_field"));
  engine.free();
});

test("a newer snapshot takes the place of the one that is held, whose memory is given back", async () => {
  const world = sourceOf(ok(snapshot(1), { etag: '"one"' }), { headers: { authorization: "Bearer k" } });
  const { source, asked } = world;
  let changes = 0;
  source.addEventListener("change", () => changes++);
  await source.refresh();
  world.answer = ok(compileSnapshot({ ...tenant, user_role: [] }, { version: 2, created: NOW, key: KEY }), { etag: '"two"' });
  assert.equal(allows(source), true);
  await source.refresh();
  assert.equal(allows(source), false);
  assert.deepEqual([source.version, changes, world.opened, world.freed], [2, 2, 2, 1]);
  world.answer = status(304);
  assert.equal(await source.refresh(), true);
  assert.deepEqual([source.version, changes, world.opened, world.freed], [2, 2, 2, 1]);
  assert.deepEqual(asked.map(({ headers }) => headers), [
    { authorization: "Bearer k" },
    { authorization: "Bearer k", "if-none-match": '"one"' },
    { authorization: "Bearer k", "if-none-match": '"two"' },
  ]);
  for (const { url, redirect, cache } of asked) {
    assert.deepEqual([url, redirect, cache], ["https://rules.example/current", "manual", "no-store"]);
  }
  source.close();
  assert.deepEqual([changes, world.freed], [3, 2]);
});

test("whatever else is answered is an error with a code, and the last good snapshot stays", async () => {
  const other = { ...tenant, tenant: { ...tenant.tenant, id: "0195f000-0000-7000-8000-000000000002" } };
  const elsewhere = compileSnapshot(other, { version: 9, created: NOW, key: KEY });
  const forged = compileSnapshot(tenant, { version: 9, created: NOW, key: { ...KEY, hmac: "08".repeat(32) } });
  const endless = () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024)) }));
  const broken = () => new Response(new ReadableStream({ pull: () => Promise.reject(new Error("cut")) }));
  const unreachable = () => Promise.reject(new TypeError("fetch failed"));
  for (const [answer, code] of [
    [ok("<html>sign in</html>"), "snapshot.not_a_snapshot"],
    [ok(""), "snapshot.not_a_snapshot"],
    [status(204), "source.unexpected_status"],
    [ok(snapshot(9).subarray(0, 100)), "snapshot.truncated"],
    [ok(forged), "snapshot.wrong_signature"],
    [ok(snapshot(9, { id: "new", hmac: KEY.hmac })), "snapshot.unknown_key"],
    [ok(elsewhere), "snapshot.wrong_tenant"],
    [ok(snapshot(4)), "snapshot.older_version"],
    [endless, "source.too_large"],
    [broken, "source.unreachable"],
    [unreachable, "source.unreachable"],
    [status(301, { location: "/elsewhere" }), "source.redirected"],
    [status(307, { location: "https://elsewhere.example/" }), "source.redirected"],
    [status(400), "source.unexpected_status"],
    [status(401), "source.unauthorized"],
    [status(403), "source.forbidden"],
    [status(404), "source.not_found"],
    [status(429), "source.too_many_requests"],
    [status(500), "source.unavailable"],
    [status(503), "source.unavailable"],
    [() => undefined, "source.failed"],
  ]) {
    const world = sourceOf(ok(snapshot(5), { etag: '"five"' }), { maxBytes: 100_000 });
    const { source, clock } = world;
    let errors = 0;
    source.addEventListener("error", () => errors++);
    await source.refresh();
    clock.at += MINUTE;
    world.answer = answer;
    assert.equal(await source.refresh(), false, code);
    assert.equal(source.lastError.name, "ParapetError");
    assert.equal(source.lastError.code, code);
    assert.deepEqual([source.version, allows(source), source.age, errors], [5, true, MINUTE, 1], code);
    assert.equal(world.freed, world.opened - 1, code);
    // The next good one is taken, and what is asked with is still what is held.
    world.answer = ok(snapshot(6));
    assert.equal(await source.refresh(), true);
    assert.equal(world.asked.at(-1).headers["if-none-match"], '"five"');
    assert.deepEqual([source.version, source.lastError], [6, undefined]);
    source.close();
  }
});

test("a first answer that is none is no snapshot either", async () => {
  for (const [answer, options, code] of [
    [status(304), {}, "source.not_modified"],
    [ok(snapshot(4)), { atLeast: 5 }, "snapshot.older_version"],
    [ok(snapshot(4)), { tenant: "0195f000-0000-7000-8000-000000000002" }, "snapshot.wrong_tenant"],
    [ok(snapshot(4)), { keys: [] }, "snapshot.unknown_key"],
  ]) {
    const { source } = sourceOf(answer, options);
    assert.equal(await source.refresh(), false);
    assert.equal(source.lastError.code, code);
    assert.deepEqual(source.decide(request()), STALE);
  }
});

test("what could not be confirmed for longer than maxAge decides no more, until it is", async () => {
  const world = sourceOf(ok(snapshot(1), { etag: '"one"' }), { maxAge: 5 * MINUTE });
  const { source, clock } = world;
  let changes = 0;
  source.addEventListener("change", () => changes++);
  await source.refresh();
  world.answer = status(503);
  clock.at += 5 * MINUTE;
  assert.deepEqual([source.isStale, allows(source), await source.refresh()], [false, true, false]);
  clock.at += 1;
  assert.deepEqual([source.isStale, allows(source), source.version], [true, false, 1]);
  assert.deepEqual(source.decide(request()), STALE);
  // It became so with no timer to say it: the next failure does, once.
  assert.equal(await source.refresh(), false);
  assert.equal(await source.refresh(), false);
  assert.equal(changes, 2);
  world.answer = status(304);
  assert.equal(await source.refresh(), true);
  assert.deepEqual([source.isStale, allows(source), source.age, changes, world.opened], [false, true, 0, 3, 1]);
});

test("a clock that goes back makes nothing younger, and one that breaks makes everything stale", async () => {
  const { source, clock } = sourceOf(ok(snapshot()), { maxAge: 5 * MINUTE });
  await source.refresh();
  clock.at += 4 * MINUTE;
  assert.equal(source.age, 4 * MINUTE);
  clock.at -= 60 * MINUTE;
  assert.equal(source.age, 4 * MINUTE);
  clock.at += MINUTE + 1;
  assert.deepEqual([source.age, allows(source)], [5 * MINUTE + 1, false]);
  await source.refresh();
  assert.equal(allows(source), true);
  clock.at = NaN;
  assert.equal(allows(source), false);
});

test("the age counts from when it was asked, and what a cache kept is as old as it says", async () => {
  const world = sourceOf(() => {
    world.clock.at += 7_000;
    return new Response(snapshot());
  });
  await world.source.refresh();
  assert.equal(world.source.age, 7_000);
  world.answer = status(304, { age: "120" });
  await world.source.refresh();
  assert.equal(world.source.age, 120_000);
});

test("of the host's own clocks the one counts that says more", async (context) => {
  let [wall, steady] = [1e12, 0];
  context.mock.method(Date, "now", () => wall);
  context.mock.method(performance, "now", () => steady);
  const fetch = async () => new Response(snapshot());
  const source = new SnapshotSource(Engine, "https://rules.example/", { keys: [KEY], fetch });
  await source.refresh();
  // A sleep, which the steady one passes over.
  wall += 4 * MINUTE;
  steady += 1_000;
  assert.equal(source.age, 4 * MINUTE);
  // Set back, and what passes then.
  wall -= 600 * MINUTE;
  steady += 10 * MINUTE;
  assert.equal(source.age, 10 * MINUTE + 1_000);
  source.close();
});

test("refreshes at the same time are one", async () => {
  const world = sourceOf(ok(snapshot()));
  const { source } = world;
  assert.deepEqual(await Promise.all([source.refresh(), source.ensureFresh(), source.refresh(), source.start()]), [true, true, true, true]);
  assert.deepEqual([world.asked.length, world.opened], [1, 1]);
});

test("ensureFresh asks when it is time, and no sooner after a failure than it may", async () => {
  const world = sourceOf(ok(snapshot()), { interval: 30_000, maxAge: 120_000 });
  const { source, clock, asked } = world;
  assert.equal(await source.ensureFresh(), true);
  clock.at += 22_000;
  assert.equal(await source.ensureFresh(), true);
  assert.equal(asked.length, 1);
  clock.at += 16_000;
  world.answer = status(503);
  assert.equal(await source.ensureFresh(), true);
  assert.equal(asked.length, 2);
  // A second and a quarter at most, then twice as much.
  for (const [wait, times] of [[700, 2], [600, 3], [1_400, 3], [1_200, 4]]) {
    clock.at += wait;
    await source.ensureFresh();
    assert.equal(asked.length, times, `${wait}`);
  }
  world.answer = status(429, { "retry-after": "90" });
  clock.at += 5_000;
  await source.ensureFresh();
  clock.at += 89_000;
  assert.equal(await source.ensureFresh(), false);
  assert.equal(asked.length, 5);
  world.answer = status(503, { "retry-after": new Date(Date.now() + 600_000).toUTCString() });
  clock.at += 2_000;
  await source.ensureFresh();
  clock.at += 590_000;
  await source.ensureFresh();
  assert.equal(asked.length, 6);
  // Who asks for it by name has it at once.
  world.answer = ok(snapshot());
  assert.equal(await source.refresh(), true);
});

test("after many failures it waits no longer than a minute, or the interval, and after a success as at first", async () => {
  const world = sourceOf(status(500));
  const { source, clock, asked } = world;
  for (let turn = 0; turn < 60; turn++) await source.refresh();
  clock.at += 44_000;
  await source.ensureFresh();
  assert.equal(asked.length, 60);
  clock.at += 31_001;
  await source.ensureFresh();
  assert.equal(asked.length, 61);
  world.answer = ok(snapshot());
  await source.refresh();
  world.answer = status(500);
  await source.refresh();
  clock.at += 1_251;
  await source.ensureFresh();
  assert.equal(asked.length, 64);
});

test("headers are asked for each time; what they say stands in no error", async () => {
  let turn = 0;
  const { source, asked } = sourceOf(ok(snapshot()), { headers: async () => ({ authorization: `Bearer ${++turn}` }) });
  await source.refresh();
  await source.refresh();
  assert.deepEqual(asked.map(({ headers }) => headers.authorization), ["Bearer 1", "Bearer 2"]);
  const failing = sourceOf(ok(snapshot()), { headers: () => Promise.reject(new Error("signed out")) }).source;
  await failing.refresh();
  assert.deepEqual([failing.lastError.code, failing.lastError.cause.message], ["source.no_headers", "signed out"]);
  const wrong = sourceOf(ok(snapshot()), { headers: { authorization: "Bearer s3cret\n\u0100" } }).source;
  await wrong.refresh();
  assert.deepEqual([wrong.lastError.code, wrong.lastError.cause], ["source.no_headers", undefined]);
});

test("a source that hangs is given up, and what comes late is not taken", async () => {
  let release;
  const world = sourceOf(() => new Promise((resolve) => (release = resolve)), { timeout: 30 });
  const { source } = world;
  assert.equal(await source.refresh(), false);
  assert.equal(source.lastError.code, "source.timeout");
  assert.equal(world.asked[0].signal.aborted, true);
  world.answer = ok(snapshot(2));
  assert.equal(await source.refresh(), true);
  release(new Response(snapshot(3)));
  await pause(50);
  assert.deepEqual([source.version, world.opened, world.freed], [2, 2, 1]);
  const hanging = sourceOf(ok(snapshot()), { timeout: 30, headers: () => new Promise(() => {}) }).source;
  assert.equal(await hanging.refresh(), false);
  assert.equal(hanging.lastError.code, "source.timeout");
});

test("one that began and never comes back keeps no other from beginning", async () => {
  const world = sourceOf(() => new Promise(() => {}), { timeout: 50 });
  const { source, clock } = world;
  const lost = source.refresh();
  clock.at += 51;
  world.answer = ok(snapshot());
  assert.equal(await source.refresh(), true);
  await lost;
  assert.deepEqual([allows(source), source.lastError, world.asked.length], [true, undefined, 2]);
});

test("closing in the middle of a refresh takes nothing and keeps nothing", async () => {
  let release;
  const world = sourceOf(() => new Promise((resolve) => (release = resolve)));
  const refreshing = world.source.refresh();
  await new Promise(setImmediate);
  world.source.close();
  assert.equal(world.asked[0].signal.aborted, true);
  release(new Response(snapshot()));
  assert.equal(await refreshing, false);
  await new Promise(setImmediate);
  assert.deepEqual([world.opened - world.freed, world.source.isStale], [0, true]);
});

test("a caller's getter may close the source that it is asked by", async () => {
  const { source } = sourceOf(ok(snapshot()));
  await source.refresh();
  const asked = {
    ...request(),
    get context() {
      source.close();
      return {};
    },
  };
  assert.throws(() => source.decide(asked), failure("engine.freed"));
});

test("`using` closes it", { skip: Symbol.dispose === undefined }, async () => {
  const { source } = sourceOf(ok(snapshot()));
  await source.refresh();
  source[Symbol.dispose]();
  assert.equal(source.isStale, true);
});

test("options that are none are refused", () => {
  const make = (options) => () => new SnapshotSource(Engine, "https://rules.example/", options);
  for (const options of [
    undefined, {}, { keys: KEY }, { keys: [KEY], maxage: 1 }, { keys: [KEY], maxAge: 0 }, { keys: [KEY], interval: -1 },
    { keys: [KEY], timeout: NaN }, { keys: [KEY], maxBytes: "many" },
  ]) {
    assert.throws(make(options), failure("options.invalid"), JSON.stringify(options));
  }
});

test("over HTTP: it polls, changes under requests that run, and is denied when the server is gone", async () => {
  let [version, unchanged] = [1, 0];
  const server = createServer((incoming, response) => {
    const etag = `"${version}"`;
    if (incoming.url === "/redirect") return response.writeHead(302, { location: "/" }).end();
    if (incoming.headers["if-none-match"] === etag) {
      unchanged++;
      return response.writeHead(304).end();
    }
    response.writeHead(200, { etag }).end(snapshot(version));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}/`;
  // Longer than a busy machine leaves it waiting, and shorter than it waits for its second try.
  const source = new SnapshotSource(Engine, url, { keys: [KEY], interval: 20, maxAge: 2_000 });
  closing.push(() => source.close(), () => server.close());
  const seen = new Set();
  source.addEventListener("change", () => seen.add(source.isStale ? "stale" : source.version));
  assert.equal(await source.start(), true);
  for (version = 2; version < 6; version++) {
    while (source.version < version) {
      assert.equal(allows(source), true);
      await pause(2);
    }
  }
  version = 5;
  const before = unchanged;
  while (unchanged < before + 2) await pause(2);
  assert.deepEqual([...seen], [1, 2, 3, 4, 5]);

  const redirected = new SnapshotSource(Engine, `${url}redirect`, { keys: [KEY] });
  assert.equal(await redirected.refresh(), false);
  assert.equal(redirected.lastError.code, "source.redirected");

  server.close();
  server.closeAllConnections();
  // It says so by itself when it is too old, though it waits longer than that for its next try.
  while (!seen.has("stale")) await pause(2);
  assert.equal(source.lastError.code, "source.unreachable");
  assert.deepEqual([allows(source), source.decide(request())], [false, STALE]);
});

test("it says that it is too old though its timer fires before that", async () => {
  // Timers run three times as fast as this clock.
  const began = performance.now();
  let answers = () => new Response(snapshot(1));
  const options = { keys: [KEY], interval: 10_000, maxAge: 60, clock: () => (performance.now() - began) / 3, fetch: async () => answers() };
  const source = new SnapshotSource(Engine, "https://parapet.example/", options);
  closing.push(() => source.close());
  // Before it is started: on a busy machine it may be too old by the time that it is opened, and says so then.
  const turned = new Promise((resolve) => source.addEventListener("change", () => source.isStale && resolve(true)));
  assert.equal(await source.start(), true);
  const late = pause(5_000).then(() => "never");
  assert.equal(await Promise.race([turned, late]), true);
});

test("its timers keep no process running", () => {
  const script = `
    import { Engine } from "@parapet/engine";
    import { SnapshotSource } from "@parapet/engine/source";
    const fetch = async () => new Response("nothing");
    await new SnapshotSource(Engine, "https://rules.example/", { keys: [], fetch }).start();
  `;
  const { status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { cwd: import.meta.dirname, timeout: 10_000 });
  assert.equal(status, 0);
});
