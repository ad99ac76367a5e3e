// Cedar's own WebAssembly package, with the policies parsed beforehand; one policy a grant.
import * as cedar from "@cedar-policy/cedar-wasm/nodejs";

export function load(tenant) {
  const { users } = tenant.data();
  const parsed = cedar.preparsePolicySet("bench", { staticPolicies: tenant.cedar() });
  if (parsed.type !== "success") throw new Error(JSON.stringify(parsed));
  return {
    allows({ user, resourceType, action, resource, owner, department }) {
      const principal = { type: "User", id: user };
      const object = { type: resourceType, id: resource };
      const { roles, department: own } = users[user];
      const answer = cedar.statefulIsAuthorized({
        principal,
        action: { type: "Action", id: `${resourceType}:${action}` },
        resource: object,
        context: {},
        preparsedPolicySetId: "bench",
        entities: [
          { uid: principal, attrs: { department: own }, parents: roles.map((id) => ({ type: "Role", id })) },
          { uid: object, attrs: { owner: { __entity: { type: "User", id: owner } }, department }, parents: [] },
        ],
      });
      if (answer.type !== "success") throw new Error(JSON.stringify(answer));
      return answer.response.decision === "allow";
    },
  };
}
