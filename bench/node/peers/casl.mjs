// CASL: an ability a user, made from its roles' grants when the tenant is loaded.
import { createMongoAbility, subject } from "@casl/ability";

export function load(tenant) {
  const { users, grants } = tenant.data();
  const abilities = new Map(
    Object.entries(users).map(([user, { department, roles }]) => {
      const conditions = { owner: { owner: user }, department: { department } };
      const rules = roles.flatMap((role) =>
        Object.entries(grants[role] ?? {}).map(([name, when]) => {
          const [type, action] = name.split(":");
          return { action, subject: type, conditions: conditions[when] };
        }),
      );
      return [user, createMongoAbility(rules)];
    }),
  );
  return {
    allows: ({ user, resourceType, action, owner, department }) =>
      abilities.get(user).can(action, subject(resourceType, { owner, department })),
  };
}
