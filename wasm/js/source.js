// A source of snapshots: keeps an application's engine fresh, and denies when it no longer can; `source.d.ts` documents it.
//
// Whatever an address answers, only a snapshot that `Engine.open` verified takes the place of the one that is held, and what
// is held decides until it is older than `maxAge`. What goes wrong is kept as `lastError` and thrown at nobody.
import { denials } from "./denials.js";
import { ParapetError } from "./error.js";

const DEFAULTS = { interval: 30_000, maxAge: 5 * 60_000, timeout: 10_000, maxBytes: 64 * 1024 * 1024 };
/** How long it waits after a failure; after each further one twice as long, up to the interval or a minute. */
const RETRY = 1_000;
const LONGEST_RETRY = 60_000;
const DAY = 24 * 60 * 60_000;

export class SnapshotSource extends EventTarget {
  #Engine;
  #url;
  #options;
  /** Milliseconds that have passed, which no clock can take back. */
  #now;

  #engine;
  #etag;
  /** When what is held was last known to be the newest, by `#now`. */
  #confirmed = -Infinity;
  #lastError;
  /** Whether everything is denied, as those who listen were last told. */
  #toldStale = true;

  #refreshing;
  /** From when on it is time to ask again, by `#now`. */
  #due = -Infinity;
  #failures = 0;
  #polls = false;
  #closed = false;
  #poll;
  #turn;

  constructor(Engine, url, options) {
    super();
    this.#Engine = Engine;
    this.#url = String(url);
    this.#options = checked(options);
    this.#now = steady(this.#options.clocks);
  }

  get isStale() {
    // Put so that an age that is no number is stale.
    return this.#engine === undefined || !(this.age <= this.#options.maxAge);
  }

  get age() {
    return this.#now() - this.#confirmed;
  }

  get version() {
    return this.#engine?.policyVersion;
  }

  get tenant() {
    return this.#engine?.tenant;
  }

  get lastError() {
    return this.#lastError;
  }

  start() {
    this.#polls = true;
    return this.refresh();
  }

  async refresh() {
    if (this.#closed) return false;
    const { timeout } = this.#options;
    // In a Worker, the request that began one may have been ended in the middle, and its timers with it: that one never
    // comes back, and nobody waits for it longer than for their own.
    if (this.#refreshing === undefined || this.#now() - this.#refreshing.since > timeout) this.#begin();
    return within(timeout, this.#refreshing.done).catch(() => false);
  }

  async ensureFresh() {
    if (this.#refreshing !== undefined || this.#now() >= this.#due) await this.refresh();
    return !this.isStale;
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#refreshing?.end.abort();
    clearTimeout(this.#poll);
    clearTimeout(this.#turn);
    this.#hold(undefined);
    this.#change();
  }

  #begin() {
    this.#refreshing?.end.abort();
    const refreshing = { since: this.#now(), end: new AbortController() };
    this.#refreshing = refreshing;
    refreshing.done = this.#run(refreshing);
  }

  /** Asks once, and takes what there is; gives whether the address confirmed what is now held. */
  async #run(refreshing) {
    const found = this.#find(refreshing.end.signal);
    const answer = await within(this.#options.timeout, found).catch((thrown) => ({ failure: asError(thrown) }));
    if (this.#refreshing !== refreshing || this.#closed || answer.failure?.code === "source.timeout") {
      // It came too late, or will: nobody else holds what it opens.
      refreshing.end.abort();
      found.then(({ engine }) => engine?.free(), () => {});
    }
    if (this.#refreshing !== refreshing || this.#closed) return false;
    this.#refreshing = undefined;

    const { failure, engine, etag, age, retryAfter } = answer;
    this.#lastError = failure;
    if (failure === undefined) {
      this.#failures = 0;
      // As of when it was asked: what it says may be as old as that.
      this.#confirmed = refreshing.since - age;
      if (engine !== undefined) {
        this.#etag = etag;
        this.#hold(engine);
      }
      this.#wait(spread(this.#options.interval));
    } else {
      const most = Math.max(this.#options.interval, LONGEST_RETRY);
      const retry = spread(Math.min(RETRY * 2 ** this.#failures, most));
      this.#failures += 1;
      this.#wait(Math.max(retry, retryAfter ?? 0));
    }
    if (engine !== undefined || this.#toldStale !== this.isStale) this.#change();
    if (failure !== undefined) this.dispatchEvent(new Event("error"));
    return failure === undefined;
  }

  /** What the address has: an engine, unless it is what is held; or what went wrong. */
  async #find(signal) {
    const { fetch, headers, keys, tenant, atLeast, maxBytes } = this.#options;
    const sent = await given(headers);
    if (this.#engine !== undefined && this.#etag) sent.set("if-none-match", this.#etag);
    const how = { headers: sent, redirect: "manual", signal };
    // What a browser kept would confirm nothing. Older Workers refuse the option, and keep nothing.
    if ("cache" in Request.prototype) how.cache = "no-store";
    const response = await reached(() => fetch(this.#url, how));
    const age = seconds(response.headers.get("age"));
    if (response.status === 304 && this.#engine !== undefined) return { age };
    if (response.status !== 200) {
      response.body?.cancel().catch(() => {});
      return { failure: refusal(response), retryAfter: retryAfter(response) };
    }
    const bytes = await body(response, maxBytes);
    const held = { tenant: this.tenant ?? tenant, atLeast: this.version ?? atLeast };
    const engine = await this.#Engine.open(bytes, { keys, ...held });
    return { engine, etag: response.headers.get("etag"), age };
  }

  /** Calls are synchronous, so nobody is in the middle of one when an engine gives way to the next. */
  #hold(engine) {
    const old = this.#engine;
    this.#engine = engine;
    old?.free();
  }

  #wait(milliseconds) {
    this.#due = this.#now() + milliseconds;
    if (!this.#polls) return;
    clearTimeout(this.#poll);
    this.#poll = timer(milliseconds, () => this.refresh());
    this.#watch();
  }

  /** Whoever shows answers learns when they turn into denials: once, since a timer may fire before its time and is set again. */
  #watch() {
    clearTimeout(this.#turn);
    if (this.isStale) return;
    const turn = () => (this.isStale ? this.#change() : this.#watch());
    this.#turn = timer(this.#options.maxAge - this.age + 1, turn);
  }

  #change() {
    this.#toldStale = this.isStale;
    this.dispatchEvent(new Event("change"));
  }

  // An engine's calls, by their names: passed on to the one that is held, or denied.
  static {
    for (const [name, denied] of Object.entries(denials)) {
      const value = function (...parts) {
        if (this.isStale) return denied("snapshot_stale", ...parts);
        // The edge build has no residuals.
        if (this.#engine[name] === undefined) throw error(`engine.no_${name}`, `this build has no \`${name}\``);
        return this.#engine[name](...parts);
      };
      Object.defineProperty(this.prototype, name, { value, configurable: true, writable: true });
    }
    // Where the host has `using`; elsewhere there is nothing to define it under.
    if (Symbol.dispose !== undefined) {
      Object.defineProperty(this.prototype, Symbol.dispose, { value: this.prototype.close, configurable: true });
    }
  }
}

/** The options with what they leave out. An unknown name is refused: what it was to say would not hold. */
function checked(options) {
  const { keys, tenant, atLeast, headers, fetch, clock, interval, maxAge, timeout, maxBytes, ...others } = options ?? {};
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw error("options.invalid", `there is no option \`${unknown}\``);
  if (!Array.isArray(keys)) throw error("options.invalid", "`keys` are the keys that open the snapshot");
  const numbers = { interval, maxAge, timeout, maxBytes };
  for (const [name, standard] of Object.entries(DEFAULTS)) {
    numbers[name] ??= standard;
    if (!(numbers[name] > 0)) throw error("options.invalid", `\`${name}\` is a number above zero`);
  }
  // The one can be set back, the other stands still while a computer sleeps.
  const clocks = clock === undefined ? [() => Date.now(), () => performance.now()] : [clock];
  const ours = (url, how) => globalThis.fetch(url, how);
  return { keys, tenant, atLeast, headers, fetch: fetch ?? ours, clocks, ...numbers };
}

/** What has passed, in milliseconds, by the clock that counts most. One that goes back goes on from there. */
function steady(clocks) {
  const counts = clocks.map((clock) => ({ clock, last: clock(), passed: 0 }));
  return () => {
    let most = 0;
    for (const count of counts) {
      const at = count.clock();
      count.passed += Math.max(0, at - count.last);
      count.last = at;
      most = Math.max(most, count.passed);
    }
    return most;
  };
}

/** Up to a quarter more or less, so that those who began together do not go on together. */
function spread(milliseconds) {
  return milliseconds * (0.75 + Math.random() / 2);
}

/** A timer that keeps no process running. */
function timer(milliseconds, run) {
  const timer = setTimeout(run, Math.min(milliseconds, DAY));
  timer.unref?.();
  return timer;
}

/** What is promised, if it comes in time. */
async function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    const giveUp = () => reject(error("source.timeout", "the source took too long"));
    timer = setTimeout(giveUp, Math.min(milliseconds, DAY));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function given(headers) {
  let all;
  try {
    all = typeof headers === "function" ? await headers() : headers;
  } catch (cause) {
    throw error("source.no_headers", "the headers could not be had", cause);
  }
  try {
    return new Headers(all);
  } catch {
    // The cause would quote them, and they are a secret.
    throw error("source.no_headers", "the headers are not valid");
  }
}

async function reached(run) {
  try {
    return await run();
  } catch (cause) {
    throw error("source.unreachable", "the source could not be reached", cause);
  }
}

/** The bytes of an answer, as far as so many are allowed. */
async function body(response, maxBytes) {
  const chunks = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let next = await read(reader); !next.done; next = await read(reader)) {
    length += next.value.length;
    if (length > maxBytes) {
      reader.cancel().catch(() => {});
      throw error("source.too_large", `the answer has more than ${maxBytes} bytes`);
    }
    chunks.push(next.value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function read(reader) {
  return reader === undefined ? { done: true } : reached(() => reader.read());
}

/** Why an answer is no snapshot. */
function refusal({ status, type }) {
  // A browser says no more than that. It is not followed: the credential is for this address alone.
  if (type === "opaqueredirect" || [301, 302, 303, 307, 308].includes(status)) {
    return error("source.redirected", "the source leads elsewhere, which is not followed");
  }
  if (status === 304) return error("source.not_modified", "the source says that nothing changed, and nothing is held");
  return error(codeOf(status), `the source answered ${status}`);
}

function codeOf(status) {
  if (status === 401) return "source.unauthorized";
  if (status === 403) return "source.forbidden";
  if (status === 404) return "source.not_found";
  if (status === 429) return "source.too_many_requests";
  return status >= 500 ? "source.unavailable" : "source.unexpected_status";
}

/** For how many milliseconds the source wants to be left alone (RFC 9110, section 10.2.3): a day at most. */
function retryAfter({ headers }) {
  const text = headers.get("retry-after");
  const milliseconds = seconds(text) || Date.parse(text) - Date.now();
  return milliseconds > 0 ? Math.min(milliseconds, DAY) : 0;
}

/** A header's whole seconds, in milliseconds; 0 where it says none. */
function seconds(text) {
  return /^\d+$/.test(text) ? 1_000 * Number(text) : 0;
}

/** What opening threw, or what is above; anything else is a fault, and has a code as well. */
function asError(thrown) {
  return thrown?.name === "ParapetError" ? thrown : error("source.failed", "the snapshot could not be opened", thrown);
}

function error(code, message, cause) {
  return new ParapetError({ code, message }, cause === undefined ? undefined : { cause });
}
