//! What concerns one principal: where it lies, and which policies it can match.

use crate::directory::{Hierarchy, PrincipalRecord};
use crate::schema::{GROUP, ORGANIZATION_UNIT, ROLE};
use cedar_policy::pst::{EntityOrSlot, EntityType, EntityUID, PrincipalConstraint};
use std::collections::BTreeSet;

/// A principal and everything that it lies in, now or until an edge ends.
pub(super) struct Own<'a> {
    principal: &'a PrincipalRecord,
    /// Types and ids, itself among them.
    lies_in: BTreeSet<(String, String)>,
}

impl<'a> Own<'a> {
    /// Of a principal. What it does not lie in is taken out of the hierarchy, and so are all registered resources.
    pub(super) fn of(principal: &'a PrincipalRecord, hierarchy: &mut Hierarchy) -> Self {
        let mut roles: BTreeSet<String> = principal.roles.iter().map(|edge| edge.to.clone()).collect();
        let groups: BTreeSet<&str> = principal.groups.iter().map(|edge| edge.to.as_str()).collect();
        hierarchy.groups.retain(|id, _| groups.contains(id.as_str()));
        roles.extend(hierarchy.groups.values().flat_map(|group| group.roles.iter().map(|edge| edge.to.clone())));
        hierarchy.roles.retain(|id, _| roles.contains(id));
        let mut units = BTreeSet::new();
        for mut unit in hierarchy.groups.values().filter_map(|group| group.organization_unit.clone()) {
            // A unit that was met before has had all above it.
            while units.insert(unit.clone()) {
                match hierarchy.organization_units.get(&unit).and_then(|node| node.parent.clone()) {
                    Some(parent) => unit = parent,
                    None => break,
                }
            }
        }
        hierarchy.organization_units.retain(|id, _| units.contains(id));
        hierarchy.resources.clear();
        let all = [(ROLE, hierarchy.roles.keys().cloned().collect::<Vec<_>>())]
            .into_iter()
            .chain([(GROUP, hierarchy.groups.keys().cloned().collect())])
            .chain([(ORGANIZATION_UNIT, units.into_iter().collect())]);
        let mut lies_in: BTreeSet<_> =
            all.flat_map(|(ty, ids)| ids.into_iter().map(move |id| (ty.to_owned(), id))).collect();
        lies_in.insert((principal.r#type.clone(), principal.id.clone()));
        Self { principal, lies_in }
    }

    /// Whether a policy of this scope can ever be about the principal.
    pub(super) fn may_match(&self, scope: &PrincipalConstraint) -> bool {
        match scope {
            PrincipalConstraint::Any => true,
            PrincipalConstraint::Is(ty) => self.is(ty),
            PrincipalConstraint::Eq(uid) => self.entity(uid).is_none_or(|uid| self.is_it(uid)),
            PrincipalConstraint::In(uid) => self.lies_in(uid),
            PrincipalConstraint::IsIn(ty, uid) => self.is(ty) && self.lies_in(uid),
        }
    }

    fn is(&self, ty: &EntityType) -> bool {
        ty.to_string() == self.principal.r#type
    }

    fn is_it(&self, uid: &EntityUID) -> bool {
        self.is(&uid.ty) && uid.eid == self.principal.id
    }

    fn lies_in(&self, uid: &EntityOrSlot) -> bool {
        self.entity(uid).is_none_or(|uid| self.lies_in.contains(&(uid.ty.to_string(), uid.eid.to_string())))
    }

    /// The entity; nothing for a slot, which no policy of a tenant has and which would be left in.
    fn entity<'u>(&self, uid: &'u EntityOrSlot) -> Option<&'u EntityUID> {
        match uid {
            EntityOrSlot::Entity(uid) => Some(uid),
            EntityOrSlot::Slot(_) => None,
        }
    }
}
