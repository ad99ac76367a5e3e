//! A decision: what was decided, by which policies, or why none was asked.

use serde::{Deserialize, Serialize};

/// What was decided. A denial is a value, not an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Which kind of yes or no it is.
    pub outcome: Outcome,
    /// Why, where no policy decided.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
    /// The path of the value that does not fit its type, with reason `wrong_type`: `resource.owner`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<String>,
    /// The determining policies, sorted.
    pub policies: Vec<String>,
    /// The policies whose evaluation failed, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<PolicyError>,
}

/// Which kind of yes or no a decision is. Everything but `Allow` denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A permit held and no forbid.
    Allow,
    /// A forbid held, or the tenant's or principal's standing forbids everything.
    Forbidden,
    /// No permit held.
    NoPermit,
    /// It could not be decided.
    Error,
}

/// Why no policy decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The tenant is suspended.
    TenantSuspended,
    /// The tenant is deleted.
    TenantDeleted,
    /// There is no such principal.
    PrincipalUnknown,
    /// The principal may not act.
    PrincipalInactive,
    /// The principal is deleted.
    PrincipalDeleted,
    /// There is no such resource type.
    UnknownType,
    /// The resource type has no such action.
    UnknownAction,
    /// A value does not fit its declared type.
    WrongType,
    /// A forbid could not be evaluated where something permits.
    ForbidErrored,
    /// The request could not be put to the policies.
    Undecidable,
}

/// A policy whose evaluation failed. It counts neither for nor against.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PolicyError {
    /// The policy's id.
    pub policy: String,
    /// What went wrong.
    pub message: String,
}

impl Decision {
    /// A decision that no policy was asked for.
    #[cfg(feature = "cedar")]
    pub(super) fn without_policies(outcome: Outcome, reason: Reason) -> Self {
        Self { outcome, reason: Some(reason), at: None, policies: vec![], errors: vec![] }
    }

    /// Whether the request is allowed.
    pub fn is_allow(&self) -> bool {
        self.outcome == Outcome::Allow
    }
}

impl Reason {
    /// The reason's name, as it is written in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::TenantSuspended => "tenant_suspended",
            Self::TenantDeleted => "tenant_deleted",
            Self::PrincipalUnknown => "principal_unknown",
            Self::PrincipalInactive => "principal_inactive",
            Self::PrincipalDeleted => "principal_deleted",
            Self::UnknownType => "unknown_type",
            Self::UnknownAction => "unknown_action",
            Self::WrongType => "wrong_type",
            Self::ForbidErrored => "forbid_errored",
            Self::Undecidable => "undecidable",
        }
    }
}
