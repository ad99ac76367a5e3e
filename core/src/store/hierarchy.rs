//! The hierarchy of a snapshot, read back as it came from the rows.

use super::Store;
use super::record::{EXISTS, EntityRecord, REGISTERED};
use crate::directory::{EntityRef, GroupNode, Hierarchy, ResourceNode, RoleNode, UnitNode};
use crate::schema::{GROUP, ORGANIZATION_UNIT, ROLE};

impl Store<'_> {
    /// The whole hierarchy.
    pub(crate) fn hierarchy(&self) -> Hierarchy {
        let mut hierarchy = Hierarchy::default();
        for (number, entity) in self.entities.iter().enumerate() {
            let (ty, id) = self.entity_key(number as u32);
            let name = || self.texts.find(entity.name.get()).unwrap_or_default().to_owned();
            match ty {
                _ if entity.flags.get() & REGISTERED != 0 => {
                    let node = self.resource_node(entity);
                    hierarchy.resources.entry(ty.to_owned()).or_default().insert(id.to_owned(), node);
                }
                _ if entity.flags.get() & EXISTS == 0 => {}
                ROLE => drop(hierarchy.roles.insert(id.to_owned(), RoleNode { name: name() })),
                GROUP => {
                    let roles = self.edge_list(entity.above).into_iter();
                    let roles = roles.zip(entity.above.of(self.edges));
                    let roles = roles.filter(|(_, edge)| self.entity_key(edge.to.get()).0 == ROLE);
                    let node = GroupNode {
                        name: name(),
                        roles: roles.map(|(edge, _)| edge).collect(),
                        organization_unit: self.unit_above(entity),
                    };
                    hierarchy.groups.insert(id.to_owned(), node);
                }
                ORGANIZATION_UNIT => {
                    let node = UnitNode { name: name(), parent: self.unit_above(entity) };
                    hierarchy.organization_units.insert(id.to_owned(), node);
                }
                _ => {}
            }
        }
        hierarchy
    }

    fn resource_node(&self, entity: &EntityRecord) -> ResourceNode {
        let parents = entity.above.of(self.edges).iter().map(|edge| {
            let (ty, id) = self.entity_key(edge.to.get());
            EntityRef::new(ty, id)
        });
        ResourceNode { attributes: self.attributes(entity.attributes.of(self.values)), parents: parents.collect() }
    }

    fn unit_above(&self, entity: &EntityRecord) -> Option<String> {
        let mut above = entity.above.of(self.edges).iter().map(|edge| self.entity_key(edge.to.get()));
        above.find(|(ty, _)| *ty == ORGANIZATION_UNIT).map(|(_, id)| id.to_owned())
    }
}
