//! A tenant's schema: which resource types, actions and attributes its policies may speak of.
//!
//! It is Cedar's schema in the shape that a decision needs at run time; what Cedar's validator
//! reads is derived from it, so that the two cannot differ.

pub(crate) mod literal;
mod setting;
mod types;
#[cfg(feature = "cedar")]
mod typescript;
mod value;

pub use literal::IpRange;
pub use setting::read_setting;
pub use types::{Type, TypeError};
pub(crate) use value::read_entity;
pub use value::{Value, WrongType};

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The attributes of an entity type, of the context, or of a record: all of them optional.
pub type Attributes = BTreeMap<String, Type>;

/// The entity type of users.
pub const USER: &str = "User";
/// The entity type of service accounts.
pub const SERVICE_ACCOUNT: &str = "ServiceAccount";
/// The entity type of roles.
pub const ROLE: &str = "Role";
/// The entity type of user groups.
pub const GROUP: &str = "Group";
/// The entity type of organization units.
pub const ORGANIZATION_UNIT: &str = "OrganizationUnit";
/// The entity type of actions and of their groups.
pub const ACTION: &str = "Action";

/// The entity types of the directory. A resource type may not take one of these names.
pub const DIRECTORY_TYPES: [&str; 5] = [USER, SERVICE_ACCOUNT, ROLE, GROUP, ORGANIZATION_UNIT];

/// Everything that a tenant's policies may speak of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Attributes of `User`: columns, custom attributes and the caller's.
    pub user: Attributes,
    /// Those of the user's attributes that a caller may fill (`subject.properties`).
    pub caller: BTreeSet<String>,
    /// Attributes of `ServiceAccount`.
    pub service_account: Attributes,
    /// The resource types by name.
    pub types: BTreeMap<String, ResourceType>,
    /// Attributes of the context, those of the decision point among them.
    pub context: Attributes,
    /// The actions by name, `<resource>:<action>`.
    pub actions: BTreeMap<String, Action>,
}

/// One resource type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceType {
    /// Its attributes.
    pub attributes: Attributes,
    /// The types that an entity of it may lie in.
    pub parents: BTreeSet<String>,
}

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The resource type that it applies to.
    pub resource: String,
    /// The action groups that it is a member of (`permission.category`).
    pub groups: BTreeSet<String>,
}

impl Default for Schema {
    /// The schema of a tenant without permissions: the directory's columns and the decision point's context.
    fn default() -> Self {
        let attributes =
            |list: &[(&str, Type)]| list.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect();
        Self {
            user: attributes(&[
                ("created_at", Type::Datetime),
                ("email", Type::String),
                ("email_verified", Type::Bool),
                ("first_name", Type::String),
                ("force_password_change", Type::Bool),
                ("last_name", Type::String),
                ("phone", Type::String),
                ("phone_verified", Type::Bool),
                ("username", Type::String),
            ]),
            caller: BTreeSet::new(),
            service_account: attributes(&[("created_at", Type::Datetime), ("name", Type::String)]),
            types: BTreeMap::new(),
            context: attributes(&[
                ("auth_time", Type::Datetime),
                ("flags", Type::Set(Box::new(Type::String))),
                ("ip", Type::Ip),
                ("mfa", Type::Bool),
                ("now", Type::Datetime),
                ("scopes", Type::Set(Box::new(Type::Entity(ACTION.to_owned())))),
                ("weekday", Type::Long),
            ]),
            actions: BTreeMap::new(),
        }
    }
}

impl Schema {
    /// The part of the context that only the decision point sets.
    pub const DECISION_POINT_ONLY: [&'static str; 4] = ["flags", "now", "scopes", "weekday"];
    /// The part of the context that a caller sets only with the scope `access:context`.
    pub const TRUSTED_CALLER_ONLY: [&'static str; 3] = ["auth_time", "ip", "mfa"];

    /// Whether an entity type exists in this tenant.
    pub fn has_type(&self, name: &str) -> bool {
        DIRECTORY_TYPES.contains(&name) || self.types.contains_key(name)
    }

    /// The type of what a way leads to, below a set of attributes.
    pub fn at<'a>(attributes: &'a Attributes, way: &[String]) -> Option<&'a Type> {
        let (first, rest) = way.split_first()?;
        let ty = attributes.get(first)?;
        match (rest, ty) {
            ([], _) => Some(ty),
            (_, Type::Record(inner)) => Self::at(inner, rest),
            _ => None,
        }
    }

    /// Everything this type's entities may lie in, at any distance.
    pub fn ancestors_of<'a>(&'a self, name: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut left = vec![name];
        while let Some(next) = left.pop() {
            for parent in self.types.get(next).into_iter().flat_map(|ty| &ty.parents) {
                if found.insert(parent.as_str()) {
                    left.push(parent);
                }
            }
        }
        found
    }
}
