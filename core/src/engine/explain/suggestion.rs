//! What would turn an answer.

use crate::compile::Origin;
use crate::directory::{EntityRef, RowRef};
use crate::model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Changes that together turn the answer to allow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// All of them are needed.
    pub changes: Vec<Change>,
    /// The policies that permit then.
    pub policies: Vec<String>,
}

/// One change: of the rows, or of the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// The user shows a second factor: `context.mfa`.
    SecondFactor,
    /// The key that the principal itself came with gets a scope.
    AddScope {
        /// The scope: the action's full name.
        scope: String,
    },
    /// The same request is made at another time.
    AskAt {
        /// When.
        now: Timestamp,
    },
    /// What has ended is extended.
    Extend {
        /// The row that ended.
        row: RowRef,
        /// The role or group that it leads to.
        to: EntityRef,
        /// Its name.
        name: String,
        /// When it ended.
        ended_at: Option<Timestamp>,
    },
    /// An attribute gets a value that satisfies a clause.
    SetAttribute {
        /// The attribute: `resource.department`.
        path: String,
        /// The value, or one of many that would do; null where the attribute must not be there.
        value: Json,
        /// The clause's operator.
        operator: String,
        /// What the clause compares with, as it was written.
        wanted: Json,
    },
    /// A role is assigned to the user.
    AssignRole {
        /// The role's id.
        role: String,
        /// The role's name.
        name: String,
        /// How many actions it permits.
        actions: usize,
    },
    /// The user becomes a member of a group.
    JoinGroup {
        /// The group's id.
        group: String,
        /// The group's name.
        name: String,
    },
    /// A denial no longer denies this action.
    RemoveDenial {
        /// The policy's id.
        policy: String,
        /// What it was made from.
        origin: Origin,
        /// The rows that say so.
        rows: Vec<RowRef>,
    },
}
