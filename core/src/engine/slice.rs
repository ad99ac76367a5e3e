//! The entity slice: what a principal and a resource lie in, at an instant.

use crate::directory::{Edge, EntityRef, Hierarchy, PrincipalRecord};
use crate::model::Timestamp;
use crate::schema::{GROUP, ORGANIZATION_UNIT, ROLE, Schema};
use std::collections::BTreeMap;

/// Entities with the entities that they lie in directly.
pub(super) type Parents = BTreeMap<EntityRef, Vec<EntityRef>>;

/// What a principal, a resource and the entities that the request's values name lie in, at an instant.
///
/// Of another user than the principal nothing is known here: it lies in nothing.
pub(super) fn of<'a>(
    schema: &Schema,
    hierarchy: &Hierarchy,
    principal: &PrincipalRecord,
    named: impl Iterator<Item = EntityRef> + 'a,
    now: Timestamp,
) -> Parents {
    let mut slice = Slice { schema, hierarchy, now, parents: Parents::new() };
    let who = EntityRef::new(&principal.r#type, &principal.id);
    let mut direct = slice.roles(&principal.roles);
    for edge in principal.groups.iter().filter(|edge| edge.holds(now)) {
        let group = EntityRef::new(GROUP, &edge.to);
        if hierarchy.groups.contains_key(&edge.to) {
            slice.add(group.clone());
            direct.push(group);
        }
    }
    slice.parents.insert(who, direct);
    named.for_each(|entity| slice.add(entity));
    slice.parents
}

struct Slice<'a> {
    schema: &'a Schema,
    hierarchy: &'a Hierarchy,
    now: Timestamp,
    parents: Parents,
}

impl Slice<'_> {
    /// Adds an entity and everything that it lies in. What is there already is passed over, so a cycle ends.
    fn add(&mut self, entity: EntityRef) {
        let mut left = vec![entity];
        while let Some(entity) = left.pop() {
            if !self.parents.contains_key(&entity) {
                let above = self.above(&entity);
                left.extend(above.iter().cloned());
                self.parents.insert(entity, above);
            }
        }
    }

    fn above(&self, entity: &EntityRef) -> Vec<EntityRef> {
        match entity.r#type.as_str() {
            GROUP => {
                let Some(group) = self.hierarchy.groups.get(&entity.id) else { return vec![] };
                let unit = group.organization_unit.iter().map(|unit| EntityRef::new(ORGANIZATION_UNIT, unit));
                self.roles(&group.roles).into_iter().chain(unit).collect()
            }
            ORGANIZATION_UNIT => {
                let unit = self.hierarchy.organization_units.get(&entity.id);
                let parent = unit.and_then(|unit| unit.parent.as_ref());
                parent.map(|parent| EntityRef::new(ORGANIZATION_UNIT, parent)).into_iter().collect()
            }
            // A resource lies in what the registry says, as far as the schema allows.
            ty => {
                let allowed = self.schema.types.get(ty).map(|ty| &ty.parents);
                let parents = self.hierarchy.resource(entity).into_iter().flat_map(|node| &node.parents);
                parents
                    .filter(|parent| allowed.is_some_and(|allowed| allowed.contains(&parent.r#type)))
                    .cloned()
                    .collect()
            }
        }
    }

    fn roles(&self, edges: &[Edge]) -> Vec<EntityRef> {
        let holding = edges.iter().filter(|edge| edge.holds(self.now) && self.hierarchy.roles.contains_key(&edge.to));
        holding.map(|edge| EntityRef::new(ROLE, &edge.to)).collect()
    }
}
