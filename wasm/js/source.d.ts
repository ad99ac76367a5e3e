// The declarations of `@parapet/engine/source`: what keeps an application's engine fresh. Written by hand.

/// <reference lib="esnext.disposable" />

import type { Engine as FullEngine } from "./full.js";
import type { Engine, OpenOptions, ParapetError, VerifyingKey } from "./index.js";

/** An engine's calls. */
type Calls = "decide" | "decideBatch" | "check" | "explain" | "searchActions" | "searchResources" | "searchSubjects";

/** What opens a snapshot: the class `Engine` of either build. */
export interface EngineClass {
  open(bytes: Uint8Array, options: OpenOptions): Promise<Engine>;
}

/** Headers, in each of the forms that `fetch` takes. */
export type SourceHeaders = Headers | Readonly<Record<string, string>> | readonly (readonly [string, string])[];

export interface SourceOptions {
  /** The keys that open the snapshots. In a browser: public keys, never one for HMAC. */
  readonly keys: readonly VerifyingKey[];
  /** The id of the tenant whose snapshots they must be; else it is that of the first. */
  readonly tenant?: string | undefined;
  /** The least version that the first may have: one that the application remembers. From then on it is the one that is held. */
  readonly atLeast?: number | undefined;
  /** What is sent along, such as `authorization`; a function is asked each time, so that a credential can change. */
  readonly headers?: SourceHeaders | (() => SourceHeaders | Promise<SourceHeaders>) | undefined;
  /** How often it asks whether there is another snapshot, in milliseconds and a quarter more or less: 30,000. */
  readonly interval?: number | undefined;
  /** How long a snapshot decides that could not be confirmed, in milliseconds: 300,000. After that everything is denied. */
  readonly maxAge?: number | undefined;
  /** How long one try may take, in milliseconds: 10,000. */
  readonly timeout?: number | undefined;
  /** How many bytes a snapshot may have: 64 MiB. */
  readonly maxBytes?: number | undefined;
  /** Instead of the host's `fetch`. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Instead of the host's clocks: milliseconds since any point in time. */
  readonly clock?: (() => number) | undefined;
}

/**
 * An engine that is kept fresh: it has an engine's calls, and answers by the newest snapshot that an address gave and
 * `Engine.open` verified. Where there is none that was confirmed within `maxAge`, everything is denied: decisions have the outcome
 * `error` with the reason `snapshot_stale`, searches find nothing, a residual allows nothing. Nothing is thrown for that.
 *
 * It asks nothing by itself before `start()`. Its event `change` says that answers may have become others (another snapshot, one
 * that is too old, the end), `error` that a try failed: `lastError` says why.
 */
export class SnapshotSource extends EventTarget {
  constructor(Engine: EngineClass, url: string | URL, options: SourceOptions);

  /** Whether everything is denied: nothing is held, or it could not be confirmed for longer than `maxAge`. */
  readonly isStale: boolean;

  /** How long ago what is held was confirmed to be the newest, in milliseconds; infinite where nothing is. */
  readonly age: number;

  /** The policy version of the snapshot that is held. It never becomes less. */
  readonly version: number | undefined;

  /** The id of the tenant whose snapshot is held. */
  readonly tenant: string | undefined;

  /**
   * Why the last try failed, if it did: `source.unreachable`, `.timeout`, `.redirected`, `.unauthorized`, `.forbidden`,
   * `.not_found`, `.too_many_requests`, `.unavailable`, `.unexpected_status`, `.not_modified`, `.too_large`, `.no_headers`,
   * `.failed`, or what `Engine.open` says: `snapshot.wrong_signature`, `.older_version`, `.wrong_tenant`, `.not_a_snapshot`, …
   */
  readonly lastError: ParapetError | undefined;

  /** Asks now, and again and again until it is closed; the first answer as by `refresh`. For what runs on: no Worker. */
  start(): Promise<boolean>;

  /** Asks now; gives whether that confirmed what is then held, or `lastError` says why not. Tries at the same time are one. */
  refresh(): Promise<boolean>;

  /** Asks if it is time to; gives whether there is something to decide by. For Workers, where nothing runs between requests. */
  ensureFresh(): Promise<boolean>;

  /** Asks no more, gives the memory back and denies everything from here on. */
  close(): void;

  /** The same, for `using`, where the host has it. */
  [Symbol.dispose](): void;
}

export interface SnapshotSource extends Pick<Engine, Calls> {
  /** Only over the full build: the edge build has no residuals, and throws `engine.no_residual`. */
  residual: FullEngine["residual"];
}
