//! The Access Evaluation and Access Evaluations responses (sections 5.5, 6.2 and 7.2).

use super::AuthzenError;
use crate::engine::{Decision, Outcome, PolicyError};
use crate::model::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// The answer to one evaluation: a decision, and in its context why and as of when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvaluationResponse {
    decision: bool,
    context: ResponseContext,
}

impl EvaluationResponse {
    /// The answer with this context. `"decision": true` is exactly the outcome `allow`.
    pub fn new(context: ResponseContext) -> Self {
        Self { decision: context.outcome == Outcome::Allow, context }
    }

    /// The answer to an item of a batch that cannot be evaluated: a denial with the error's code as its reason.
    pub fn refused(error: &AuthzenError, as_of: Option<AsOf>) -> Self {
        Self::new(ResponseContext {
            outcome: Outcome::Error,
            reason: Some(error.code().to_owned()),
            policies: Vec::new(),
            errors: Vec::new(),
            error: Some(ItemError { status: 400, message: error.to_string() }),
            as_of,
            decision_id: None,
        })
    }

    /// The answer that says a decision, and the state that it was made on.
    pub fn of(decision: Decision, as_of: Option<AsOf>) -> Self {
        let error =
            decision.at.map(|at| ItemError { status: 400, message: format!("`{at}` does not fit its declared type") });
        Self::new(ResponseContext {
            outcome: decision.outcome,
            reason: decision.reason.map(|reason| reason.name().to_owned()),
            policies: decision.policies,
            errors: decision.errors,
            error,
            as_of,
            decision_id: None,
        })
    }

    /// The same, with the id under which the decision is in the log.
    #[must_use]
    pub fn logged(mut self, id: Uuid) -> Self {
        self.context.decision_id = Some(id);
        self
    }

    /// Whether access is given.
    pub fn decision(&self) -> bool {
        self.decision
    }

    /// Why, and as of when.
    pub fn context(&self) -> &ResponseContext {
        &self.context
    }
}

/// The answer to a batch: in the order of the request, ended where its semantic says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvaluationsResponse {
    /// One an item that was decided.
    pub evaluations: Vec<EvaluationResponse>,
}

/// What is said of a decision beside yes and no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResponseContext {
    /// Which kind of yes or no it is.
    pub outcome: Outcome,
    /// Why, where no policy decided: `unknown_action`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ids of the determining policies, sorted.
    pub policies: Vec<String>,
    /// The policies whose evaluation failed, sorted by id.
    pub errors: Vec<PolicyError>,
    /// What is wrong with the item, where it could not be evaluated (7.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
    /// The state that was decided on; absent where none was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// The decision's id, where it is logged: by it an administrator finds out why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<Uuid>,
}

/// What is wrong with an item, in the form of the standard's example (7.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemError {
    /// The HTTP status that the item would have had as a request of its own.
    pub status: u16,
    /// For people.
    pub message: String,
}

/// The state that a decision was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AsOf {
    /// The version of the tenant's policies.
    pub policy_version: u64,
    /// The version of the tenant's directory: users, groups, assignments.
    pub directory_version: u64,
    /// The instant that the decision is for: RFC 3339, UTC, milliseconds.
    pub now: Timestamp,
}
