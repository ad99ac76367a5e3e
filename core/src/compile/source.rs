//! Where every policy comes from: the way from a policy and an action back to the rows.

use crate::directory::RowRef;
use crate::model::{Effect, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

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
