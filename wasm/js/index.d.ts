// The declarations of `@parapet/engine`, the edge build: what opens a snapshot and decides. Written by hand.

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

/** Who asks: AuthZEN's subject. */
export interface Subject {
  /** `user` or `service_account`. */
  readonly type: string;
  /** The row's id, else the username, else the e-mail. */
  readonly id: string;
  /** Only attributes that the tenant's schema leaves to the caller count. */
  readonly properties?: Attributes | undefined;
}

/** What the subject wants to do. */
export interface Action {
  /** Without the resource type: `read`. */
  readonly name: string;
  /** `context.action` of policies. */
  readonly properties?: Attributes | undefined;
}

/** What it wants to do it to. */
export interface Resource {
  readonly type: string;
  readonly id: string;
  /** Where given, they replace what the tenant's registry of resources holds. */
  readonly properties?: Attributes | undefined;
}

/** An AuthZEN evaluation request. */
export interface EvaluationRequest {
  readonly subject: Subject;
  readonly action: Action;
  readonly resource: Resource;
  /** Circumstances. `now`, `weekday`, `scopes` and `flags` are the engine's to say and passed over here. */
  readonly context?: Attributes | undefined;
}

/** An AuthZEN evaluations request: what an item leaves out, the top level gives. */
export interface EvaluationsRequest extends Partial<EvaluationRequest> {
  /** At least one item, at most 1,000. */
  readonly evaluations: readonly Partial<EvaluationRequest>[];
  readonly options?: {
    readonly evaluations_semantic?: "execute_all" | "deny_on_first_deny" | "permit_on_first_permit" | undefined;
  };
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

/** A tenant that decides. */
export class Engine {
  private constructor();

  /** Opens a snapshot: checks signature, content, tenant and version. */
  static open(bytes: Uint8Array, options: OpenOptions): Promise<Engine>;

  /** Decides one AuthZEN evaluation. */
  decide(request: EvaluationRequest, options?: DecideOptions): EvaluationResponse;

  /** Decides a batch. An item that cannot be evaluated is denied with its reason. */
  decideBatch(request: EvaluationsRequest, options?: DecideOptions): EvaluationsResponse;
  /** Without items, one evaluation is answered, as the standard has it. */
  decideBatch(request: EvaluationRequest, options?: DecideOptions): EvaluationResponse;

  /** Whether a principal (a user's id, username or e-mail, or a subject) may do an action to a resource, now. */
  check(
    principal: string | Subject,
    action: string,
    resourceType: string,
    resourceId: string,
    attributes?: Attributes,
    context?: Attributes,
  ): boolean;

  /** Decides and says why. */
  explain(request: EvaluationRequest, options?: DecideOptions): Explanation;

  /** The version of the policies that it decides with. */
  readonly policyVersion: number;

  /** The tenant's id. */
  readonly tenant: string;

  /** Gives its memory back at once, rather than some time after the last reference is gone. It then decides no more. */
  free(): void;
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
