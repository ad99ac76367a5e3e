// Casbin: role-based access with the condition in the matcher; one policy line a grant.
import { newEnforcer, newModelFromString } from "casbin";

/** The cheap comparison comes first. */
const MODEL = `
[request_definition]
r = sub, act, owner, department, own

[policy_definition]
p = role, act, cond

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.act == p.act && g(r.sub, p.role) && (p.cond == "always" || (p.cond == "owner" && r.owner == r.sub) || (p.cond == "department" && r.department == r.own))
`;

export async function load(tenant) {
  const { users, grants } = tenant.data();
  const enforcer = await newEnforcer(newModelFromString(MODEL));
  const policies = Object.entries(grants).flatMap(([role, actions]) =>
    Object.entries(actions).map(([action, when]) => [role, action, when]),
  );
  await enforcer.addPolicies(policies);
  await enforcer.addGroupingPolicies(
    Object.entries(users).flatMap(([user, { roles }]) => roles.map((role) => [user, role])),
  );
  return {
    allows: ({ user, resourceType, action, owner, department }) =>
      enforcer.enforceSync(user, `${resourceType}:${action}`, owner, department, users[user].department),
  };
}
