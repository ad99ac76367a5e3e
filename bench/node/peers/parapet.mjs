// Ours: the package, asked with an AuthZEN request.
export async function load(tenant, { entry }) {
  const { Engine } = await import(entry);
  const engine = await Engine.open(tenant.snapshot(), { keys: [tenant.key()] });
  const request = ({ user, resourceType, action, resource, owner, department }) => ({
    subject: { type: "user", id: user },
    action: { name: action },
    resource: { type: resourceType, id: resource, properties: { owner: { type: "User", id: owner }, department } },
  });
  return {
    allows: (asked) => engine.decide(request(asked)).decision,
    /** The same, by its parts. */
    checks: ({ user, resourceType, action, resource, owner, department }) =>
      engine.check(user, action, resourceType, resource, { owner: { type: "User", id: owner }, department }),
    /** Many in one call. */
    allowsAll: (many) =>
      engine.decideBatch({ evaluations: many.map(request) }).evaluations.map(({ decision }) => decision),
  };
}
