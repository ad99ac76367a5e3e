// The floor in JavaScript: a hand-written map by role and action.
export function load(tenant) {
  const { users, grants } = tenant.data();
  const user = new Map(Object.entries(users));
  const roles = new Map(Object.entries(grants).map(([role, actions]) => [role, new Map(Object.entries(actions))]));
  return {
    allows(asked) {
      const who = user.get(asked.user);
      const action = `${asked.resourceType}:${asked.action}`;
      return who.roles.some((role) => {
        const when = roles.get(role)?.get(action);
        if (when === "owner") return asked.owner === asked.user;
        if (when === "department") return asked.department === who.department;
        return when === "always";
      });
    },
  };
}
