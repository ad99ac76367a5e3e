// The adapter for React: what is shown follows what is allowed; `react.d.ts` documents it.
"use client";
import { createContext, createElement, useCallback, useContext, useMemo, useSyncExternalStore } from "react";

const Access = createContext(undefined);

export function AccessProvider({ engine, subject, children }) {
  const access = useMemo(() => ({ engine, subject }), [engine, subject]);
  return createElement(Access.Provider, { value: access }, children);
}

export function useCan(action, resourceType, resourceId, attributes, context) {
  const access = useContext(Access);
  if (access === undefined) throw new Error("useCan needs an <AccessProvider> around it");
  const { engine, subject } = access;
  // A source says when it answers otherwise; an engine never does.
  const subscribe = useCallback(
    (changed) => {
      engine?.addEventListener?.("change", changed);
      return () => engine?.removeEventListener?.("change", changed);
    },
    [engine],
  );
  const can = () =>
    engine != null && subject != null && engine.check(subject, action, resourceType, resourceId, attributes, context) === true;
  return useSyncExternalStore(subscribe, can, can);
}

export function Can({ action, resourceType, resourceId, attributes, context, fallback = null, children }) {
  return useCan(action, resourceType, resourceId, attributes, context) ? children : fallback;
}
