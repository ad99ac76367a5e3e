//! Why a decision is as it is: the way to every determining policy, or what was missing.
//!
//! [`Engine::explain`] says what any snapshot knows. [`Engine::explain_in_full`] also names the clauses of conditions, and
//! what would turn the answer; that takes Cedar's parser.

mod clause;
#[cfg(feature = "cedar")]
mod full;
#[cfg(feature = "cedar")]
mod judge;
#[cfg(feature = "cedar")]
mod nearest;
#[cfg(feature = "cedar")]
mod remedy;
#[cfg(feature = "cedar")]
mod report;
#[cfg(feature = "cedar")]
mod sentence;
#[cfg(feature = "cedar")]
mod suggest;
mod suggestion;
#[cfg(feature = "cedar")]
mod trial;

pub use clause::Clause;
#[cfg(feature = "cedar")]
pub use report::{Named, Names, Report};
pub use suggestion::{Change, Suggestion};

use super::Request;
use super::decide::Engine;
use super::decision::Decision;
use super::path::PathStep;
use super::subject::{Principal, Subject};
use super::view::View;
use crate::compile::Origin;
use crate::directory::{EntityRef, PrincipalRecord, RowRef};
use crate::model::{Effect, Timestamp};
use crate::schema::{ACTION, GROUP, ROLE, SERVICE_ACCOUNT, USER};
use crate::store::record::FORBIDS;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// The determining policies.
    pub policies: Vec<PolicyExplanation>,
    /// Where nothing permits: what would, and why it does not.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<Missing>,
    /// What would turn the answer to allow, the nearest first; each was decided again. Only in a full explanation.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub suggestions: Vec<Suggestion>,
}

/// One determining policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyExplanation {
    /// The policy's id.
    pub policy: String,
    /// Whether it permits or forbids.
    pub effect: Effect,
    /// What it was made from.
    pub origin: Origin,
    /// The condition that held.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub condition: Option<Json>,
    /// The clauses that made it hold. Only in a full explanation.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub clauses: Vec<Clause>,
    /// The policy itself, where it was written as Cedar. Only in a full explanation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cedar: Option<String>,
    /// The rows that name this action.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rows: Vec<RowRef>,
    /// The way from the principal to the role, group or organization unit that the policy's scope names: one step an
    /// edge. Empty where it names the principal itself, or nothing.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub path: Vec<PathStep>,
}

/// A policy that permits this action, and not this request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// The policy's id.
    pub policy: String,
    /// What it was made from.
    pub origin: Origin,
    /// Why it does not permit.
    pub why: MissingWhy,
    /// The condition that did not hold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub condition: Option<Json>,
    /// The clauses of it that did not hold, all of them. Only in a full explanation.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub clauses: Vec<Clause>,
    /// The policy itself, where it was written as Cedar. Only in a full explanation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cedar: Option<String>,
    /// The one resource that it is for, where that is another. Only in a full explanation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resource: Option<EntityRef>,
}

/// Why a policy does not permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingWhy {
    /// The principal has the role; the condition does not hold.
    Condition,
    /// The principal had the role, and it ended.
    Expired,
    /// The policy could not be evaluated.
    Error,
    /// The principal does not have the role.
    NotAssigned,
}

impl Missing {
    fn new(policy: &str, origin: Origin, why: MissingWhy, condition: Option<Json>) -> Self {
        Self { policy: policy.to_owned(), origin, why, condition, clauses: vec![], cedar: None, resource: None }
    }
}

impl Engine {
    /// Decides and says why, with the principals of the snapshot.
    pub fn explain(&self, request: &Request, now: Timestamp) -> Explanation {
        let principal = self.principal(&request.principal);
        self.explain_with(principal.as_ref(), request, now)
    }

    /// Decides and says why, with a principal that the caller has.
    pub fn explain_with(&self, principal: Option<&PrincipalRecord>, request: &Request, now: Timestamp) -> Explanation {
        let view = self.view();
        let decision = self.decide_with(principal, request, now);
        let action = view.store.entity(ACTION, &request.action_name());
        let policies = decision.policies.iter().filter_map(|id| {
            let number = view.policy(id)?;
            let rows = view.grants(number, action).flat_map(|grant| view.store.grant_rows(grant));
            let origin = view.store.origin(number)?;
            Some(PolicyExplanation {
                policy: id.clone(),
                effect: view.effect(number),
                path: principal.map(|principal| view.path(principal, number, now)).unwrap_or_default(),
                origin,
                condition: view.store.condition(number),
                clauses: vec![],
                cedar: None,
                rows: rows.collect(),
            })
        });
        let policies = policies.collect();
        let missing = match view.standing(principal.map(Principal::Record), &request.as_ref()) {
            Ok((Principal::Record(principal), _)) if decision.policies.is_empty() && decision.reason.is_none() => {
                view.missing(principal, action, &decision, now)
            }
            _ => vec![],
        };
        Explanation { decision, policies, missing, suggestions: vec![] }
    }
}

impl View<'_> {
    /// The number of a policy.
    fn policy(&self, id: &str) -> Option<u32> {
        let policies = self.store.policies;
        let position = policies.binary_search_by(|policy| self.store.texts.get(policy.id.get()).cmp(id)).ok()?;
        u32::try_from(position).ok()
    }

    fn effect(&self, number: u32) -> Effect {
        let policy = self.store.policies.get(number as usize);
        let forbids = policy.is_some_and(|policy| policy.flags.get() & FORBIDS != 0);
        if forbids { Effect::Deny } else { Effect::Allow }
    }

    /// The grants of a policy for an action, by their positions in the index.
    fn grants(&self, number: u32, action: Option<u32>) -> impl Iterator<Item = usize> {
        let grants = self.store.index.iter().enumerate();
        let grants =
            grants.filter(move |(_, grant)| grant.policy.get() == number && Some(grant.action.get()) == action);
        grants.map(|(position, _)| position)
    }

    /// What permits this action, and why it does not permit this request: the nearest first.
    fn missing(
        &self,
        principal: &PrincipalRecord,
        action: Option<u32>,
        decision: &Decision,
        now: Timestamp,
    ) -> Vec<Missing> {
        let store = &self.store;
        let mut subject = Subject::default();
        if subject.read(self, Principal::Record(principal), now).is_err() {
            return vec![];
        }
        let has_role = |role: &str| store.entity(ROLE, role).is_some_and(|role| subject.lies_in(role));
        let gives = |group: &str, role: &str| {
            let mut above = store.entity(GROUP, group).into_iter().flat_map(|group| store.above(group));
            above.any(|edge| store.entity_key(edge.to.get()) == (ROLE, role))
        };
        let ever_had = |role: &str| {
            principal.roles.iter().any(|edge| edge.to == *role)
                || principal.groups.iter().any(|edge| gives(&edge.to, role))
        };
        let mut permitting: Vec<u32> = store
            .index
            .iter()
            .filter(|grant| Some(grant.action.get()) == action)
            .map(|grant| grant.policy.get())
            .filter(|number| self.effect(*number) == Effect::Allow)
            .collect();
        permitting.sort_unstable();
        permitting.dedup();
        let missing = permitting.into_iter().filter_map(|number| {
            let (id, origin) = (self.policy_id(number), store.origin(number)?);
            let why = match &origin {
                _ if decision.errors.iter().any(|error| error.policy == *id) => MissingWhy::Error,
                Origin::Role { id, .. } if has_role(id) => MissingWhy::Condition,
                Origin::Role { id, .. } if ever_had(id) => MissingWhy::Expired,
                Origin::Role { .. } => MissingWhy::NotAssigned,
                Origin::ServiceAccount { id, .. } => {
                    let own = principal.r#type == SERVICE_ACCOUNT && principal.id == *id;
                    own.then_some(MissingWhy::Condition)?
                }
                Origin::Request { user, .. } => {
                    let own = principal.r#type == USER && principal.id == *user;
                    let over = store.policy_ends(number).is_some_and(|end| end <= now);
                    own.then_some(if over { MissingWhy::Expired } else { MissingWhy::Condition })?
                }
                Origin::Custom { .. } | Origin::Guardrail { .. } => return None,
            };
            Some(Missing::new(id, origin, why, store.condition(number)))
        });
        let mut missing: Vec<Missing> = missing.collect();
        missing.sort_unstable_by(|one, other| (one.why, &one.policy).cmp(&(other.why, &other.policy)));
        missing
    }
}
