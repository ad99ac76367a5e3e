//! Where every policy comes from: the way from a policy and an action back to the rows.

use crate::directory::RowRef;
use crate::model::{Effect, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
#[cfg(feature = "cedar")]
use std::sync::Arc;
#[cfg(feature = "cedar")]
use uuid::Uuid;

/// The source of every policy, by policy id.
pub type SourceMap = BTreeMap<String, Source>;

/// Where one policy comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Whether it permits or forbids.
    pub effect: Effect,
    /// Who it is for.
    pub origin: Origin,
    /// The condition as it was written; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub condition: Option<Json>,
    /// The actions that it names, each with the rows that say so; empty where it names none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub actions: BTreeMap<String, Vec<RowRef>>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
}

/// What a policy was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// A role's permissions.
    Role {
        /// The role's id.
        id: String,
        /// The role's name.
        name: String,
    },
    /// A service account's permissions.
    ServiceAccount {
        /// The service account's id.
        id: String,
        /// The service account's name.
        name: String,
    },
    /// An approved access request.
    Request {
        /// The request's id.
        id: String,
        /// The user who asked.
        user: String,
    },
    /// The tenant's own Cedar.
    Custom {
        /// The setting's id.
        id: String,
        /// The policy's name.
        name: String,
    },
    /// The Cedar that every tenant gets.
    Guardrail {
        /// The policy's name.
        name: String,
    },
}

/// Where one policy comes from, as compiling has it: its rows as ids, what many share once.
#[cfg(feature = "cedar")]
#[derive(Debug, Clone)]
pub(crate) struct Sourced {
    /// Whether it permits or forbids.
    pub effect: Effect,
    /// Who it is for.
    pub origin: Arc<Origin>,
    /// The condition as it was written; absent where there is none.
    pub condition: Option<Arc<Written>>,
    /// The rows that say so, each behind the position of its action among the names of all; in the order of these.
    pub rows: Vec<(u32, RowAt)>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

#[cfg(feature = "cedar")]
impl Sourced {
    /// The rows that give an action.
    pub(crate) fn of(&self, action: u32) -> &[(u32, RowAt)] {
        let start = self.rows.partition_point(|(its, _)| *its < action);
        let rows = self.rows.get(start..).unwrap_or_default();
        rows.get(..rows.partition_point(|(its, _)| *its == action)).unwrap_or_default()
    }

    /// The same as text, `actions` being the names of all actions.
    pub(crate) fn source(&self, actions: &[String]) -> Source {
        let mut of: BTreeMap<String, Vec<RowRef>> = BTreeMap::new();
        for (action, row) in &self.rows {
            if let Some(action) = actions.get(*action as usize) {
                let row = RowRef { field: row.field(), ..RowRef::new(row.table, row.id) };
                of.entry(action.clone()).or_default().push(row);
            }
        }
        Source {
            effect: self.effect,
            origin: Origin::clone(&self.origin),
            condition: self.condition.as_ref().map(|condition| condition.json.clone()),
            actions: of,
            expires_at: self.expires_at,
        }
    }
}

/// A condition as it was written.
#[cfg(feature = "cedar")]
#[derive(Debug)]
pub(crate) struct Written {
    /// As JSON.
    pub json: Json,
    /// The JSON as text.
    pub text: String,
}

/// A row that grants, or an entry of one.
#[cfg(feature = "cedar")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowAt {
    /// The table.
    pub table: &'static str,
    /// The row's id.
    pub id: Uuid,
    /// The column that lists permissions and the position in it, where not the whole row is meant.
    pub entry: Option<(&'static str, u32)>,
}

#[cfg(feature = "cedar")]
impl RowAt {
    /// The field of the entry: `permissions/3`.
    pub(crate) fn field(&self) -> Option<String> {
        self.entry.map(|(column, position)| format!("{column}/{position}"))
    }
}
