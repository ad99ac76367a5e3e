// The declarations of `@parapet/engine/react`. Written by hand.
//
// What it says is a hint for the interface: whoever hides a button has refused nothing. The server decides.
import type { ReactElement, ReactNode } from "react";
import type { Attributes, Subject } from "../index.js";

/** What answers: an engine, or a source of them. */
export interface Checker {
  check(
    principal: string | Subject,
    action: string,
    resourceType: string,
    resourceId: string,
    attributes?: Attributes,
    context?: Attributes,
  ): boolean;
}

export interface AccessProviderProps {
  /** While there is none, nothing is allowed. What is shown follows a `SnapshotSource` when its answers change. */
  readonly engine: Checker | null | undefined;
  /** Who is asked for: the id, username or e-mail of a user, or a subject. While there is none, nothing is allowed. */
  readonly subject: string | Subject | null | undefined;
  readonly children?: ReactNode;
}

export interface CanProps {
  /** Without the resource type: `read`. */
  readonly action: string;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly attributes?: Attributes | undefined;
  readonly context?: Attributes | undefined;
  /** What is shown where it is not allowed: nothing. */
  readonly fallback?: ReactNode;
  readonly children?: ReactNode;
}

/** Says to what is inside whom it asks, and for whom. */
export function AccessProvider(props: AccessProviderProps): ReactElement;

/** Shows what is inside if it is allowed. */
export function Can(props: CanProps): ReactNode;

/** Whether it is allowed: `check` for the subject of the nearest `AccessProvider`. What `check` throws is thrown. */
export function useCan(
  action: string,
  resourceType: string,
  resourceId: string,
  attributes?: Attributes,
  context?: Attributes,
): boolean;
