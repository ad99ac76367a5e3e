// The built Worker in workerd on this machine, with a local database, store and queue; no account, no network.
import { readFile, readdir } from "node:fs/promises";
import { Miniflare } from "miniflare";
import { unstable_splitSqlQuery as splitSql } from "wrangler";
import { FILES } from "./bundle.mjs";

const MIGRATIONS = new URL("./migrations/", import.meta.url);

/**
 * Starts the edge.
 *
 * @param {object} [options]
 * @param {Record<string, string>} [options.variables] variables and secrets
 * @param {URL} [options.wrapper] a module that stands around the Worker and imports it from `./entry.mjs`
 * @param {string} [options.state] a folder that keeps database and store; without it they live in memory
 * @param {number} [options.port] where it listens; any free port without it
 * @param {string[]} [options.names] several Workers over the same database and store, each an isolate of its own
 * @param {boolean} [options.consumes] whether its queues have a consumer
 * @param {boolean} [options.mailer] whether the binding that sends e-mail is there
 * @param {boolean} [options.direct] each Worker has a socket of its own, without miniflare's Worker before it
 * @param {(line: string) => void} [options.log] takes each line that the Worker writes
 */
export async function startEdge({ variables = {}, wrapper, state, port = 0, names = ["edge"], consumes = true, direct = false, mailer = false, log = () => {} } = {}) {
  const built = await Promise.all(
    FILES.map(async (path) => {
      const type = path.endsWith(".wasm") ? /** @type {const} */ ("CompiledWasm") : /** @type {const} */ ("ESModule");
      return { type, path, contents: await readFile(new URL(path, import.meta.url)) };
    }),
  );
  const modules = wrapper
    ? [{ type: /** @type {const} */ ("ESModule"), path: "wrapper.js", contents: await readFile(wrapper, "utf8") }, ...built]
    : built;
  const edge = new Miniflare({
    cf: false,
    host: "127.0.0.1",
    port,
    // Each line that the Worker logs; nothing else.
    handleStructuredLogs: ({ message }) => log(message),
    workers: names.map((name, position) => ({
      name,
      modulesRoot: "/",
      modules: modules.map((module) => ({ ...module, path: `/${module.path}` })),
      compatibilityDate: "2026-04-26",
      bindings: variables,
      d1Databases: { DB: "parapet" },
      kvNamespaces: { SNAPSHOTS: "parapet" },
      queueProducers: { EVENTS: "parapet-events", DELIVERIES: "parapet-deliveries", DECISIONS: "parapet-decisions" },
      ...(mailer && { email: { send_email: [{ name: "MAIL" }] } }),
      ...(direct && { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] }),
      // A queue has one consumer.
      ...(position === 0 && consumes && {
        queueConsumers: {
          "parapet-events": { maxBatchSize: 10, maxBatchTimeout: 0.1, maxRetries: 3 },
          "parapet-deliveries": { maxBatchSize: 5, maxBatchTimeout: 0.1, maxRetries: 3 },
          "parapet-decisions": { maxBatchSize: 100, maxBatchTimeout: 0.2, maxRetries: 3 },
        },
      }),
    })),
    ...(state && { d1Persist: `${state}/d1`, kvPersist: `${state}/kv` }),
  });
  await edge.ready;
  return edge;
}

/**
 * Applies the migrations that the database has not had, as `wrangler d1 migrations apply` does.
 *
 * @param {Awaited<ReturnType<import("miniflare").Miniflare["getD1Database"]>>} db
 */
export async function migrate(db) {
  await db.prepare("CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)").run();
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all();
  const applied = new Set(results.map(({ name }) => name));
  const files = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql")).sort();
  for (const name of files.filter((file) => !applied.has(file))) {
    const statements = splitSql(await readFile(new URL(name, MIGRATIONS), "utf8"));
    await db.batch([
      ...statements.map((statement) => db.prepare(statement)),
      db.prepare("INSERT INTO d1_migrations (name) VALUES (?1)").bind(name),
    ]);
  }
}
