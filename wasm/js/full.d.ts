// The declarations of `@parapet/engine/full`, the build with the compiler. Written by hand.
import type { Finding, Instant } from "./index.js";

export * from "./index.js";

/** A key that signs snapshots. */
export type SigningKey =
  | { readonly id: string; readonly hmac: Uint8Array | string; readonly es256?: never }
  /** The secret key, as its JWK has it. */
  | { readonly id: string; readonly es256: { readonly d: string }; readonly hmac?: never };

export interface SnapshotOptions {
  /** The policy version. */
  readonly version: number;
  readonly created: Instant;
  readonly key: SigningKey;
}

export interface Compiled {
  /** The policies in Cedar's language, each with its `@id`. */
  readonly policies: string;
  /** The schema, in Cedar's JSON format. */
  readonly schema: { readonly [namespace: string]: unknown };
  /** What is allowed, but probably not what was meant. */
  readonly warnings: readonly Finding[];
}

/** Compiles a tenant document, an object or its text; throws `document.invalid` with all findings. */
export function compile(document: object | string): Compiled;

/** Compiles a tenant document to a signed snapshot. The same document, version, time and key give the same bytes. */
export function compileSnapshot(document: object | string, options: SnapshotOptions): Uint8Array;
