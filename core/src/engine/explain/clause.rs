//! One clause of a condition, in the terms in which it was written.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// One clause of a condition: what it looks at, what is there, and what it wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    /// Where it stands in the condition, as a JSON pointer: `/StringEquals/resource.department`. Empty in a policy that was
    /// written as Cedar.
    pub at: String,
    /// Whether it holds.
    pub holds: bool,
    /// Why it could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Where it is one of several of which one was enough: where these stand.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub one_of: Option<String>,
    /// What it says.
    #[serde(flatten)]
    pub what: What,
}

/// What a clause says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are tests; how large one is depends on the features and the machine"
)]
pub enum What {
    /// An operator on a path.
    Test {
        /// The operator: `StringEquals`.
        operator: String,
        /// What it looks at: `resource.department`.
        path: String,
        /// What this request has there; null where nothing is.
        value: Json,
        /// What it is compared with, as it was written.
        wanted: Json,
        /// The values of the variables among these; null where nothing is.
        #[serde(skip_serializing_if = "Map::is_empty", default)]
        variables: Map<String, Json>,
        /// Whether the clause stands within a `not`, so that its opposite is asked for.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        negated: bool,
    },
    /// A Cedar expression.
    Cedar {
        /// Its text.
        cedar: String,
        /// Whether it stands within a `not` or `unless`, so that its opposite is asked for.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        negated: bool,
    },
}
