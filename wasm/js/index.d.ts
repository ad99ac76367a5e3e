// The declarations of `@parapet/engine`, the edge build: what opens a snapshot and decides. Written by hand.

/// <reference lib="esnext.disposable" />

/** A value that a policy may read. `undefined` fields count as absent; everything else must be exact JSON. */
export type AttributeValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | Date
  | readonly AttributeValue[]
  | { readonly [name: string]: AttributeValue };

export interface Attributes {
  readonly [name: string]: AttributeValue;
}

/**
 * What a tenant has, for the compiler: with it, `action: { name: "raed" }` is a compile error. `parapet types` makes one of
 * a tenant document; without one, every name is taken.
 */
export interface Schema {
  /** What may be said of a subject: the attributes that the tenant leaves to the caller. */
  readonly subject: object;
  /** By resource type, its actions as a union of their names, and its attributes. */
  readonly resources: { readonly [type: string]: { readonly actions: string; readonly properties: object } };
  /** What may be said of the circumstances. */
  readonly context: object;
}

/** Any tenant. */
export interface AnySchema {
  readonly subject: Attributes;
  readonly resources: { readonly [type: string]: { readonly actions: string; readonly properties: Attributes } };
  readonly context: Attributes;
}

/** The names of a tenant's resource types. */
export type ResourceTypeOf<S extends Schema> = keyof S["resources"] & string;

/** The names of the actions of a resource type, or of all. */
export type ActionOf<S extends Schema, T extends ResourceTypeOf<S> = ResourceTypeOf<S>> = S["resources"][T]["actions"];

/** The attributes of a resource type, or of all. */
export type PropertiesOf<S extends Schema, T extends ResourceTypeOf<S> = ResourceTypeOf<S>> = S["resources"][T]["properties"];

/** Who asks: AuthZEN's subject. */
export interface Subject<S extends Schema = AnySchema> {
  /** `user` or `service_account`. */
  readonly type: string;
  /** The row's id, else the username, else the e-mail. */
  readonly id: string;
  /** Only attributes that the tenant's schema leaves to the caller count. */
  readonly properties?: S["subject"] | undefined;
}

/** What the subject wants to do. */
export interface Action<Name extends string = string> {
  /** Without the resource type: `read`. */
  readonly name: Name;
  /** `context.action` of policies. */
  readonly properties?: Attributes | undefined;
}

/** What it wants to do it to. */
export interface Resource<S extends Schema = AnySchema, T extends ResourceTypeOf<S> = ResourceTypeOf<S>> {
  readonly type: T;
  readonly id: string;
  /** Where given, they replace what the tenant's registry of resources holds. */
  readonly properties?: PropertiesOf<S, T> | undefined;
}

/** The circumstances of a request. */
interface Circumstances<S extends Schema> {
  /** `now`, `weekday`, `scopes` and `flags` are the engine's to say and passed over here. */
  readonly context?: S["context"] | undefined;
}

/** By resource type, so that action and resource fit each other. */
type OfEachType<S extends Schema, Requests extends { [T in ResourceTypeOf<S>]: unknown }> = Requests[ResourceTypeOf<S>];

/** An AuthZEN evaluation request. */
export type EvaluationRequest<S extends Schema = AnySchema> = OfEachType<
  S,
  {
    [T in ResourceTypeOf<S>]: Circumstances<S> & {
      readonly subject: Subject<S>;
      readonly action: Action<ActionOf<S, T>>;
      readonly resource: Resource<S, T>;
    };
  }
>;

/** A part of an evaluation request, of which a batch's top level or an item gives the rest. */
export interface PartialRequest<S extends Schema = AnySchema> extends Circumstances<S> {
  readonly subject?: Subject<S> | undefined;
  readonly action?: Action<ActionOf<S>> | undefined;
  readonly resource?: Resource<S> | undefined;
}

/** An AuthZEN evaluations request: what an item leaves out, the top level gives. */
export interface EvaluationsRequest<S extends Schema = AnySchema> extends PartialRequest<S> {
  /** At least one item, at most 1,000. */
  readonly evaluations: readonly PartialRequest<S>[];
  readonly options?: {
    readonly evaluations_semantic?: "execute_all" | "deny_on_first_deny" | "permit_on_first_permit" | undefined;
  };
}

/** Which page of a search is asked for. */
export interface PageRequest {
  /** `next_token` of the page before; without one, the first. It belongs to the same question and the same snapshot. */
  readonly token?: string | undefined;
  /** At most so many results: 100 where nothing is said, 1,000 at most. */
  readonly limit?: number | undefined;
}

/** Which actions may a subject do to a resource? */
export interface ActionSearchRequest<S extends Schema = AnySchema> extends Circumstances<S> {
  readonly subject: Subject<S>;
  readonly resource: Resource<S>;
  readonly page?: PageRequest | undefined;
}

/** To which resources of a type may a subject do an action? */
export type ResourceSearchRequest<S extends Schema = AnySchema> = OfEachType<
  S,
  {
    [T in ResourceTypeOf<S>]: Circumstances<S> & {
      readonly subject: Subject<S>;
      readonly action: Action<ActionOf<S, T>>;
      /** Its attributes, where given, are of every one. */
      readonly resource: { readonly type: T; readonly properties?: PropertiesOf<S, T> | undefined };
      readonly page?: PageRequest | undefined;
    };
  }
>;

/** Which subjects of a type may do an action to a resource? */
export type SubjectSearchRequest<S extends Schema = AnySchema> = OfEachType<
  S,
  {
    [T in ResourceTypeOf<S>]: Circumstances<S> & {
      /** Its attributes, where given, are of every one. */
      readonly subject: { readonly type: string; readonly properties?: S["subject"] | undefined };
      readonly action: Action<ActionOf<S, T>>;
      readonly resource: Resource<S, T>;
      readonly page?: PageRequest | undefined;
    };
  }
>;

/** A page of results. */
export interface SearchResponse<Found> {
  readonly results: readonly Found[];
  readonly page: {
    /** Of the page that follows; empty where this is the last. */
    readonly next_token: string;
    readonly count: number;
  };
}

/** A subject or a resource that was found. */
export interface FoundEntity<Type extends string = string> {
  readonly type: Type;
  readonly id: string;
}

/** Which kind of yes or no; everything but `allow` denies. */
export type Outcome = "allow" | "forbidden" | "no_permit" | "error";

/** A policy whose evaluation failed. */
export interface PolicyError {
  readonly policy: string;
  readonly message: string;
}

/** The answer to an evaluation, as it is over HTTP. */
export interface EvaluationResponse {
  /** Whether access is given. */
  readonly decision: boolean;
  readonly context: {
    readonly outcome: Outcome;
    /** Why, where no policy decided: `principal_unknown`, `unknown_action`, or in a batch an error's code. */
    readonly reason?: string;
    /** The ids of the determining policies, sorted. */
    readonly policies: readonly string[];
    /** The policies whose evaluation failed, sorted. */
    readonly errors: readonly PolicyError[];
    /** What is wrong with the request, where it could not be evaluated. */
    readonly error?: { readonly status: number; readonly message: string };
  };
}

/** The answers to a batch, in its order, as far as its semantic goes. */
export interface EvaluationsResponse {
  readonly evaluations: readonly EvaluationResponse[];
}

/** What a policy was made from. */
export type Origin =
  | { readonly kind: "role"; readonly id: string; readonly name: string }
  | { readonly kind: "service_account"; readonly id: string; readonly name: string }
  | { readonly kind: "request"; readonly id: string; readonly user: string }
  | { readonly kind: "custom"; readonly id: string; readonly name: string }
  | { readonly kind: "guardrail"; readonly name: string };

/** A row, or a field of it. */
export interface RowRef {
  readonly table: string;
  readonly id: string;
  readonly field?: string;
}

/** One step on the way from a principal to what a policy's scope names. */
export interface PathStep {
  /** The `Role`, `Group` or `OrganizationUnit` that it leads to. */
  readonly to: { readonly type: string; readonly id: string };
  readonly name: string;
  /** When it ends. A step into an organization unit does not. */
  readonly expires_at?: string;
  /**
   * The row that says so. Into an organization unit it is the row of what lies there, with the field: `user_group` and
   * `organization_unit_id`, or `organization_unit` and `parent_id`.
   */
  readonly source: RowRef;
}

/** A decision with its reasons. */
export interface Explanation {
  readonly decision: {
    readonly outcome: Outcome;
    readonly reason?: string;
    /** The path of the value that does not fit its type, with reason `wrong_type`. */
    readonly at?: string;
    readonly policies: readonly string[];
    readonly errors?: readonly PolicyError[];
  };
  /** The determining policies. */
  readonly policies: readonly {
    readonly policy: string;
    readonly effect: "allow" | "deny";
    readonly origin: Origin;
    readonly condition?: unknown;
    /** The rows that name this action. */
    readonly rows?: readonly RowRef[];
    /** The way from the principal to the role, group or organization unit that the policy's scope names. */
    readonly path?: readonly PathStep[];
  }[];
  /** Where nothing permits: what would, and why it does not, the nearest first. */
  readonly missing?: readonly {
    readonly policy: string;
    readonly origin: Origin;
    readonly why: "condition" | "expired" | "error" | "not_assigned";
    readonly condition?: unknown;
  }[];
}

/** A point in time: a Date, milliseconds since 1970, or RFC 3339 text. */
export type Instant = Date | number | string;

/** A key that opens snapshots. One for HMAC can sign as well: never give it to a browser. */
export type VerifyingKey =
  /** The master secret of at least 32 bytes, as bytes or hexadecimal text. */
  | { readonly id: string; readonly hmac: Uint8Array | string; readonly es256?: never }
  /** The public key, as its JWK has it. */
  | { readonly id: string; readonly es256: { readonly x: string; readonly y: string }; readonly hmac?: never };

export interface OpenOptions {
  readonly keys: readonly VerifyingKey[];
  /** The id of the tenant whose snapshot it must be. */
  readonly tenant?: string | undefined;
  /** The least policy version that it may have: the one that is held already. */
  readonly atLeast?: number | undefined;
}

export interface DecideOptions {
  /** When; now if nothing is said. */
  readonly now?: Instant | undefined;
  /** The scopes of the API key, where the subject itself came with one: `["document:read"]`. They only narrow. */
  readonly scopes?: readonly string[] | undefined;
}

export interface ResourceSearchOptions<S extends Schema = AnySchema> extends DecideOptions {
  /** Among these, in their order; without them, among what the tenant's registry holds. Each page needs the same. */
  readonly candidates?: readonly { readonly id: string; readonly properties?: PropertiesOf<S> | undefined }[] | undefined;
}

/** One thing wrong with a tenant document, and where. */
export interface Finding {
  readonly table: string;
  readonly row?: string;
  readonly field?: string;
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly message: string;
}

/**
 * The only error that is thrown for what is passed to this package.
 *
 * A denial is no error. After `engine.broken` (the memory or the stack was at its end) every further call throws:
 * load the module anew, in a new thread or process. The two builds break apart from each other.
 */
export class ParapetError extends Error {
  private constructor();
  readonly name: "ParapetError";
  /** Stable and dotted: `snapshot.wrong_signature`, `authzen.missing_field`, `request.not_json`, `document.invalid`. */
  readonly code: string;
  /** The place in what was passed, as a JSON pointer. */
  readonly pointer?: string;
  /** With `document.invalid`: all that is wrong. */
  readonly findings?: readonly Finding[];
}

/**
 * A tenant that decides. What it takes of memory is outside JavaScript's heap: it is given back by `free`, by `using`, or some
 * time after the last reference is gone.
 */
export class Engine<S extends Schema = AnySchema> {
  protected constructor();

  /** Opens a snapshot: checks signature, content, tenant and version. */
  static open<S extends Schema = AnySchema>(bytes: Uint8Array, options: OpenOptions): Promise<Engine<S>>;

  /** Decides one AuthZEN evaluation. */
  decide(request: EvaluationRequest<S>, options?: DecideOptions): EvaluationResponse;

  /** Decides a batch. An item that cannot be evaluated is denied with its reason. */
  decideBatch(request: EvaluationsRequest<S>, options?: DecideOptions): EvaluationsResponse;
  /** Without items, one evaluation is answered, as the standard has it. */
  decideBatch(request: EvaluationRequest<S>, options?: DecideOptions): EvaluationResponse;

  /** Whether a principal (a user's id, username or e-mail, or a subject) may do an action to a resource, now. */
  check<T extends ResourceTypeOf<S>>(
    principal: string | Subject<S>,
    action: ActionOf<S, T>,
    resourceType: T,
    resourceId: string,
    attributes?: PropertiesOf<S, T>,
    context?: S["context"],
  ): boolean;

  /** Decides and says why. */
  explain(request: EvaluationRequest<S>, options?: DecideOptions): Explanation;

  /** Which actions the subject may do to the resource. */
  searchActions(request: ActionSearchRequest<S>, options?: DecideOptions): SearchResponse<{ readonly name: ActionOf<S> }>;

  /** To which resources of the type the subject may do the action: among candidates, or what the tenant registers. */
  searchResources(
    request: ResourceSearchRequest<S>,
    options?: ResourceSearchOptions<S>,
  ): SearchResponse<FoundEntity<ResourceTypeOf<S>>>;

  /** Which subjects of the type may do the action to the resource. */
  searchSubjects(request: SubjectSearchRequest<S>, options?: DecideOptions): SearchResponse<FoundEntity>;

  /** The version of the policies that it decides with. */
  readonly policyVersion: number;

  /** The tenant's id. */
  readonly tenant: string;

  /** Gives its memory back at once, rather than some time after the last reference is gone. It then decides no more. */
  free(): void;

  /** The same, for `using`, where the host has it. */
  [Symbol.dispose](): void;
}

/**
 * Loads the wasm module, if it is not loaded yet. In Node.js and workerd it is, once this package is imported; elsewhere
 * `Engine.open` loads it. It is for whoever wants it loaded before, must compile in a browser (until then: `engine.not_ready`),
 * or has the module elsewhere. Where that fails, it is `engine.not_loaded` with its cause, and the next call tries again.
 *
 * `source` is the module's URL, a `Response` or a promise of one, its bytes, or a `WebAssembly.Module`; without it, the module
 * lies beside this package's file. (The types of all hosts do not name these.) While it is loaded, who comes waits for that.
 */
export function init(source?: string | object): Promise<void>;
