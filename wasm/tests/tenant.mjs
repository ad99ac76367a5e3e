// A small tenant, its keys and its engine, for the tests of the package: of the build that PARAPET_BUILD names.
import { compileSnapshot } from "@parapet/engine/full";

const build = process.env.PARAPET_BUILD ?? "edge";
const module = build === "full" ? import("@parapet/engine/full") : import("@parapet/engine");
export const { Engine, ParapetError } = await module;
/** The wasm module of the build. */
export const wasm = await import(`../pkg/${build}/parapet.js`);

export const ACME = "0195f000-0000-7000-8000-000000000001";
export const ADA = "0195f000-0000-7000-8000-0000000000a1";
export const KEY = { id: "demo", hmac: "07".repeat(32) };
export const NOW = "2026-03-02T10:00:00.000Z";

/** Ada is an editor: she reads what is not secret, and writes while the budget lasts. */
export const tenant = {
  tenant: { id: ACME, name: "Acme", slug: "acme", status: "active", created_at: NOW, updated_at: NOW },
  user: [{ id: ADA, email: "ada@acme.example", username: "ada", first_name: "Ada", last_name: "L" }],
  permission: [
    { id: "0195f000-0000-7000-8000-0000000000b1", name: "document.read", resource: "document", action: "read", category: "user" },
    { id: "0195f000-0000-7000-8000-0000000000b2", name: "document.write", resource: "document", action: "write", category: "user" },
  ],
  role: [{ id: "0195f000-0000-7000-8000-0000000000c1", name: "editor", type: "custom", description: "Editor" }],
  role_permission: [
    {
      id: "0195f000-0000-7000-8000-0000000000d1",
      role_id: "0195f000-0000-7000-8000-0000000000c1",
      permission_id: "0195f000-0000-7000-8000-0000000000b1",
      conditions: { StringNotEquals: { "resource.label": "secret" } },
    },
    {
      id: "0195f000-0000-7000-8000-0000000000d2",
      role_id: "0195f000-0000-7000-8000-0000000000c1",
      permission_id: "0195f000-0000-7000-8000-0000000000b2",
      conditions: { NumericLessThan: { "context.spent": 100 } },
    },
  ],
  user_role: [{ id: "0195f000-0000-7000-8000-0000000000e1", user_id: ADA, role_id: "0195f000-0000-7000-8000-0000000000c1" }],
};

/** The snapshot of a version. */
export function snapshot(version = 1, key = KEY) {
  return compileSnapshot(tenant, { version, created: NOW, key });
}

/** An engine of the tenant. */
export function open(options = {}) {
  return Engine.open(snapshot(), { keys: [KEY], ...options });
}

/** Ada's request. */
export function request(action = "read", changes = {}) {
  return {
    subject: { type: "user", id: "ada" },
    action: { name: action },
    resource: { type: "document", id: "plan" },
    ...changes,
  };
}

/** What `assert.throws` and `assert.rejects` take: a ParapetError of this code, perhaps at this place. */
export function failure(code, pointer) {
  return { name: "ParapetError", code, ...(pointer === undefined ? {} : { pointer }) };
}

/** An object that says it has no prototype is left to JSON. */
export const json = (value) => new Proxy(value, { getPrototypeOf: () => null });

/** What a call answers, or the error that it throws. */
export function outcome(run) {
  try {
    return { answer: run() };
  } catch (error) {
    return { code: error.code, pointer: error.pointer, message: error.message };
  }
}
