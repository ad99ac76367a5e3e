// The declarations of `@parapet/engine/full`, the build with the compiler and with residuals. Written by hand.
import {
  type AnySchema,
  type Attributes,
  type DecideOptions,
  type Finding,
  type Instant,
  type OpenOptions,
  type PropertiesOf,
  type ResourceSearchRequest,
  type Schema,
  Engine as Decider,
} from "./index.js";

export * from "./index.js";

/** A tenant that decides, and says what must hold of a resource. */
export class Engine<S extends Schema = AnySchema> extends Decider<S> {
  private constructor();

  /** Opens a snapshot: checks signature, content, tenant and version. */
  static override open<S extends Schema = AnySchema>(bytes: Uint8Array, options: OpenOptions): Promise<Engine<S>>;

  /** What must hold of a resource of the type for the subject to be allowed the action: a filter for lists. */
  residual(request: ResourceSearchRequest<S>, options?: DecideOptions): Residual<PropertiesOf<S>>;
}

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

/** A value within a residual; whole numbers beyond 2^53 are BigInts. */
export type ResidualValue =
  | string
  | number
  | bigint
  | boolean
  | readonly ResidualValue[]
  | { readonly [name: string]: ResidualValue };

/** What stands on a side of a test. */
export type ResidualOperand =
  /** The resource itself. */
  | { readonly resource: true }
  /** An attribute: the path to it, and its declared type. */
  | { readonly attribute: readonly string[]; readonly type: ResidualValue }
  /** The time of day of an instant so many milliseconds later: a duration. */
  | { readonly time_of_day: readonly string[]; readonly shift: number }
  | { readonly value: ResidualValue };

type Two = readonly [ResidualOperand, ResidualOperand];

/** A condition over a resource. A test does not hold where an attribute that it names is absent. */
export type ResidualCondition =
  | { readonly all: readonly ResidualCondition[] }
  | { readonly any: readonly ResidualCondition[] }
  | { readonly not: ResidualCondition }
  | { readonly has: readonly string[] }
  | { readonly equals: Two }
  | { readonly less: Two }
  | { readonly less_or_equal: Two }
  | { readonly one_of: readonly [ResidualOperand, readonly { readonly value: ResidualValue }[]] }
  /** `*` is any text, `\\*` a star, `\\\\` a backslash. */
  | { readonly like: readonly [ResidualOperand, string] }
  | { readonly in_range: Two }
  | { readonly contains: Two }
  | { readonly contains_all: Two }
  | { readonly contains_any: Two }
  /** The entity is or lies in the second: in this snapshot, it is one of `ids`. */
  | { readonly in: Two; readonly ids: readonly string[] };

/** A residual as JSON. */
export interface ResidualJson {
  readonly answer: "always" | "never" | "condition";
  /** With the answer `condition`. */
  readonly condition?: ResidualCondition;
  /** Why never, where no policy decided. */
  readonly reason?: string;
  /** The path of the value that does not fit its type, with reason `wrong_type`. */
  readonly at?: string;
  /** What could not be expressed, so that a resource may be allowed that is not in the answer; never the other way round. */
  readonly unsupported: readonly { readonly policy: string; readonly what: string }[];
}

/** In which form a column holds its values. */
export type ColumnEncoding = "plain" | "numeric" | "milliseconds" | "timestamp";

/** A column by its name, or with its table and encoding. */
export type Column =
  | string
  | { readonly name: string; readonly table?: string | undefined; readonly encoding?: ColumnEncoding | undefined };

/** The columns of an application's own table. A column that is NULL is an attribute that is absent. */
export interface Columns {
  /** Of the resource's id. */
  readonly id?: Column | undefined;
  /** Of its attributes, by their paths with points between the names. */
  readonly attributes?: { readonly [path: string]: Column } | undefined;
  /**
   * By entity type, the tables that say in what entities of it lie, at any distance. They must say what the tenant's
   * registry says. Where there is none, the ids that the snapshot knows are listed.
   */
  readonly lies_in?:
    | {
        readonly [type: string]: {
          readonly table: string;
          readonly inside: string;
          readonly outside: string;
          readonly outside_type?: string | undefined;
        };
      }
    | undefined;
}

/** A condition for a `WHERE`. */
export interface Sql {
  /** With the placeholders `?1`, `?2` … for SQLite, `$1`, `$2` … for PostgreSQL. */
  readonly where: string;
  /** The values of the placeholders, in their order; whole numbers beyond 2^53 are BigInts. */
  readonly params: readonly (string | number | bigint | boolean)[];
  /** What the dialect or the columns cannot express. The condition is true of less for it, never of more. */
  readonly unsupported: readonly string[];
}

/**
 * What must hold of a resource for a subject to be allowed an action on it, as of when it was asked for. It never allows more
 * than `decide` does; where `isExact`, it allows the same.
 */
export class Residual<Properties extends object = Attributes> {
  private constructor();

  /** Of every resource, of none, or of those of which a condition holds. */
  readonly answer: "always" | "never" | "condition";

  /** Whether it allows all that `decide` does. */
  readonly isExact: boolean;

  /** Whether it allows the resource of this id and these attributes; none are taken from the tenant's registry. */
  allows(id: string, properties?: Properties): boolean;

  /** A condition for a `WHERE`. Without columns, the id lies in `id` and each attribute in a column of its name. */
  sql(dialect: "sqlite" | "postgresql", columns?: Columns): Sql;

  /** As JSON, for whoever writes it in a language of their own. */
  toJSON(): ResidualJson;

  /** Gives its memory back at once. */
  free(): void;

  /** The same, for `using`, where the host has it. */
  [Symbol.dispose](): void;
}
