//! What lies in what: groups in roles and organization units, units in units, resources in resources.

use super::{Edge, EntityRef, RowRef};
use crate::model::TenantDocument;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// The hierarchy of a tenant, without its principals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// The active roles by id.
    pub roles: BTreeMap<String, RoleNode>,
    /// The groups by id.
    pub groups: BTreeMap<String, GroupNode>,
    /// The organization units by id.
    pub organization_units: BTreeMap<String, UnitNode>,
    /// The registered resources by type and id.
    pub resources: BTreeMap<String, BTreeMap<String, ResourceNode>>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleNode {
    /// Its name.
    pub name: String,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupNode {
    /// Its name.
    pub name: String,
    /// The roles that it gives to its members.
    pub roles: Vec<Edge>,
    /// The organization unit that it lies in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub organization_unit: Option<String>,
}

/// An organization unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitNode {
    /// Its name.
    pub name: String,
    /// The unit that it lies in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<String>,
}

/// A registered resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceNode {
    /// Its attributes.
    pub attributes: Map<String, Json>,
    /// The resources that it lies in.
    pub parents: Vec<EntityRef>,
}

impl Hierarchy {
    /// The hierarchy of a tenant's rows. Inactive roles are not in it, nor what leads to them.
    pub fn of(document: &TenantDocument) -> Self {
        let roles: BTreeMap<String, RoleNode> = document
            .role
            .iter()
            .filter(|role| role.is_active)
            .map(|role| (role.id.to_string(), RoleNode { name: role.name.clone() }))
            .collect();
        let mut groups: BTreeMap<String, GroupNode> = document
            .user_group
            .iter()
            .map(|group| {
                let node = GroupNode {
                    name: group.name.clone(),
                    roles: vec![],
                    organization_unit: group.organization_unit_id.map(|id| id.to_string()),
                };
                (group.id.to_string(), node)
            })
            .collect();
        for row in &document.user_group_role {
            let role = row.role_id.to_string();
            if let Some(group) = groups.get_mut(&row.user_group_id.to_string())
                && roles.contains_key(&role)
            {
                let source = RowRef::new("user_group_role", row.id);
                group.roles.push(Edge { to: role, expires_at: row.expires_at, source });
            }
        }
        for group in groups.values_mut() {
            group.roles.sort_by(|one, other| (&one.to, &one.source).cmp(&(&other.to, &other.source)));
        }
        let organization_units = document
            .organization_unit
            .iter()
            .map(|unit| {
                let parent = unit.parent_id.map(|id| id.to_string());
                (unit.id.to_string(), UnitNode { name: unit.name.clone(), parent })
            })
            .collect();
        let mut resources: BTreeMap<String, BTreeMap<String, ResourceNode>> = BTreeMap::new();
        for row in &document.resource {
            let mut parents: Vec<EntityRef> =
                row.parents.iter().map(|parent| EntityRef::new(&parent.r#type, &parent.id)).collect();
            parents.sort();
            let node = ResourceNode { attributes: row.attributes.clone(), parents };
            resources.entry(row.r#type.clone()).or_default().insert(row.id.clone(), node);
        }
        Self { roles, groups, organization_units, resources }
    }

    /// A registered resource.
    pub fn resource(&self, entity: &EntityRef) -> Option<&ResourceNode> {
        self.resources.get(&entity.r#type)?.get(&entity.id)
    }
}
