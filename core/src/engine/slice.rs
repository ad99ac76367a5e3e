//! The entity slice: what a principal and a resource lie in, at an instant.

use crate::directory::{Edge, EntityRef, Hierarchy, PrincipalRecord};
use crate::model::Timestamp;
use crate::schema::{GROUP, ORGANIZATION_UNIT, ROLE, Schema};
use std::collections::BTreeMap;

/// Entities with the entities that they lie in directly.
pub(super) type Parents = BTreeMap<EntityRef, Vec<EntityRef>>;

/// What a principal lies in: roles, groups, and the units of those.
pub(super) fn of_principal(hierarchy: &Hierarchy, principal: &PrincipalRecord, now: Timestamp) -> Parents {
    let mut parents = Parents::new();
    let roles = |edges: &[Edge]| -> Vec<EntityRef> {
        let holding = edges.iter().filter(|edge| edge.holds(now) && hierarchy.roles.contains_key(&edge.to));
        holding.map(|edge| EntityRef::new(ROLE, &edge.to)).collect()
    };
    let mut direct = roles(&principal.roles);
    for edge in principal.groups.iter().filter(|edge| edge.holds(now)) {
        let Some(group) = hierarchy.groups.get(&edge.to) else { continue };
        let entity = EntityRef::new(GROUP, &edge.to);
        let mut above = roles(&group.roles);
        if let Some(unit) = &group.organization_unit {
            above.push(EntityRef::new(ORGANIZATION_UNIT, unit));
            add_units(hierarchy, unit, &mut parents);
        }
        parents.insert(entity.clone(), above);
        direct.push(entity);
    }
    parents.insert(EntityRef::new(&principal.r#type, &principal.id), direct);
    parents
}

fn add_units(hierarchy: &Hierarchy, unit: &str, parents: &mut Parents) {
    let mut next = Some(unit.to_owned());
    while let Some(id) = next {
        let entity = EntityRef::new(ORGANIZATION_UNIT, &id);
        // Seen before: the rest of the way is there already, and a cycle ends here.
        if parents.contains_key(&entity) {
            return;
        }
        next = hierarchy.organization_units.get(&id).and_then(|node| node.parent.clone());
        let above = next.iter().map(|parent| EntityRef::new(ORGANIZATION_UNIT, parent)).collect();
        parents.insert(entity, above);
    }
}

/// What a resource lies in, by the registry; only what the schema allows.
pub(super) fn of_resource(schema: &Schema, hierarchy: &Hierarchy, resource: &EntityRef) -> Parents {
    let mut parents = Parents::new();
    let mut left = vec![resource.clone()];
    while let Some(entity) = left.pop() {
        if parents.contains_key(&entity) {
            continue;
        }
        let allowed = schema.types.get(&entity.r#type).map(|ty| &ty.parents);
        let above: Vec<EntityRef> = hierarchy
            .resource(&entity)
            .into_iter()
            .flat_map(|node| &node.parents)
            .filter(|parent| allowed.is_some_and(|allowed| allowed.contains(&parent.r#type)))
            .cloned()
            .collect();
        left.extend(above.iter().cloned());
        parents.insert(entity, above);
    }
    parents
}
