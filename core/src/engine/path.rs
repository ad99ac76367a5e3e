//! The way from a principal to what a policy's scope names: through roles, groups and organization units.

use super::index::Key;
use super::view::View;
use crate::directory::{EntityRef, PrincipalRecord, RowRef};
use crate::model::Timestamp;
use crate::schema::{GROUP, ORGANIZATION_UNIT, ROLE};
use crate::store::record::{EXISTS, EdgeRecord, NONE};
use serde::{Deserialize, Serialize};

/// One step on the way from a principal to what a policy's scope names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathStep {
    /// The role, group or organization unit that it leads to.
    pub to: EntityRef,
    /// Its name.
    pub name: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
    /// The row that says so. What lies in an organization unit says so itself: a group in `organization_unit_id`, a unit
    /// in `parent_id`.
    pub source: RowRef,
}

/// An entity on the way, with the step that led to it and where that came from.
struct Found {
    entity: Key,
    step: PathStep,
    /// A position among what was found before; the principal itself otherwise.
    from: Option<usize>,
}

impl View<'_> {
    /// The shortest way from a principal to what a policy's scope names, over what holds at an instant. Of ways of one
    /// length the first, roles before groups.
    pub(super) fn path(&self, principal: &PrincipalRecord, policy: u32, now: Timestamp) -> Vec<PathStep> {
        let target = self.store.policies.get(policy as usize).map_or(NONE, |policy| policy.principal.get());
        let mut found = self.direct(principal, now);
        let mut next = 0;
        while let Some(Found { entity, .. }) = found.get(next) {
            if *entity == target {
                return way(found, next);
            }
            for edge in self.store.above(*entity).iter().filter(|edge| edge.holds(now)) {
                let above = edge.to.get();
                if !found.iter().any(|found| found.entity == above) {
                    let step = self.step(above, edge.expires_at(), self.source(edge, found.get(next)));
                    found.push(Found { entity: above, step, from: Some(next) });
                }
            }
            next += 1;
        }
        vec![]
    }

    /// The roles and groups that a principal has itself.
    fn direct(&self, principal: &PrincipalRecord, now: Timestamp) -> Vec<Found> {
        let roles = principal.roles.iter().map(|edge| (ROLE, edge));
        let edges = roles.chain(principal.groups.iter().map(|edge| (GROUP, edge)));
        let found = edges.filter(|(_, edge)| edge.holds(now)).filter_map(|(ty, edge)| {
            let entity = self.store.entity(ty, &edge.to)?;
            let exists = self.store.entities.get(entity as usize)?.flags.get() & EXISTS != 0;
            let step = || self.step(entity, edge.expires_at, edge.source.clone());
            exists.then(|| Found { entity, step: step(), from: None })
        });
        found.collect()
    }

    fn step(&self, entity: Key, expires_at: Option<Timestamp>, source: RowRef) -> PathStep {
        let (ty, id) = self.store.entity_key(entity);
        PathStep { to: EntityRef::new(ty, id), name: self.store.entity_name(entity), expires_at, source }
    }

    /// The row of an edge: its own, or that of what it leads from.
    fn source(&self, edge: &EdgeRecord, from: Option<&Found>) -> RowRef {
        let (to, _) = self.store.entity_key(edge.to.get());
        match from.map(|from| &from.step.to) {
            Some(EntityRef { r#type, id }) if to == ORGANIZATION_UNIT => {
                let group = r#type == GROUP;
                let (table, column) =
                    if group { ("user_group", "organization_unit_id") } else { ("organization_unit", "parent_id") };
                RowRef { field: Some(column.to_owned()), ..RowRef::new(table, id) }
            }
            _ => edge.source(&self.store),
        }
    }
}

/// The steps that led to what was found at a position.
fn way(mut found: Vec<Found>, position: usize) -> Vec<PathStep> {
    let mut steps = vec![];
    let mut next = Some(position);
    while let Some(position) = next {
        // What led here was found before it, so taking from the end moves nothing that is still to be read.
        found.truncate(position + 1);
        let Some(last) = found.pop() else { break };
        steps.push(last.step);
        next = last.from;
    }
    steps.reverse();
    steps
}
