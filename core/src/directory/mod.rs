//! The directory as a decision needs it: who a principal is, and what lies in what.

mod hierarchy;
mod principal;

pub use hierarchy::{GroupNode, Hierarchy, ResourceNode, RoleNode, UnitNode};
pub use principal::{PrincipalRecord, PrincipalState};

use crate::model::Timestamp;
use serde::{Deserialize, Serialize};

/// An entity's type and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityRef {
    /// The entity type, such as `User` or `document`.
    pub r#type: String,
    /// The id within the type.
    pub id: String,
}

impl EntityRef {
    /// An entity's reference.
    pub fn new(r#type: impl Into<String>, id: impl Into<String>) -> Self {
        Self { r#type: r#type.into(), id: id.into() }
    }
}

/// A row, as what a grant or an edge comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowRef {
    /// The table.
    pub table: String,
    /// The row's id.
    pub id: String,
    /// The field within the row, where not the whole row is meant: `permissions/3`, `parent_id`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
}

impl RowRef {
    /// A whole row.
    pub fn new(table: &str, id: impl ToString) -> Self {
        Self { table: table.to_owned(), id: id.to_string(), field: None }
    }
}

/// A membership with its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The id of the role or group that it leads to.
    pub to: String,
    /// When it ends; at exactly this instant it has ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
    /// The row that says so.
    pub source: RowRef,
}

impl Edge {
    /// Whether it holds at an instant.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}
