//! Why a decision is as it is: the way to every determining policy, or what was missing.

use super::decide::Engine;
use super::decision::Decision;
use super::{Request, slice};
use crate::compile::{Origin, Source};
use crate::directory::{EntityRef, PrincipalRecord, RowRef};
use crate::model::{Effect, Timestamp};
use crate::schema::{GROUP, ROLE, SERVICE_ACCOUNT, USER};
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
    /// The rows that name this action.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rows: Vec<RowRef>,
    /// The way from the principal to the role: one step an edge.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub path: Vec<PathStep>,
}

/// One step on the way from a principal to a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathStep {
    /// The role or group that it leads to.
    pub to: EntityRef,
    /// Its name.
    pub name: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
    /// The row that says so.
    pub source: RowRef,
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

impl Engine {
    /// Decides and says why, with the principals of the snapshot.
    pub fn explain(&self, request: &Request, now: Timestamp) -> Explanation {
        self.explain_with(self.principal(&request.principal), request, now)
    }

    /// Decides and says why, with a principal that the caller has.
    pub fn explain_with(&self, principal: Option<&PrincipalRecord>, request: &Request, now: Timestamp) -> Explanation {
        let decision = self.decide_with(principal, request, now);
        let action = request.action_name();
        let sources = &self.inner.sources;
        let policies = decision
            .policies
            .iter()
            .filter_map(|id| Some((id, sources.get(id)?)))
            .map(|(id, source)| PolicyExplanation {
                policy: id.clone(),
                effect: source.effect,
                origin: source.origin.clone(),
                condition: source.condition.clone(),
                rows: source.actions.get(&action).cloned().unwrap_or_default(),
                path: principal.map(|principal| self.path(principal, source, now)).unwrap_or_default(),
            })
            .collect();
        let missing = match self.standing(principal, request) {
            Ok(principal) if decision.policies.is_empty() && decision.reason.is_none() => {
                self.missing(principal, &action, &decision, now)
            }
            _ => vec![],
        };
        Explanation { decision, policies, missing }
    }

    /// The way from a principal to the role of a policy: directly, else through the first group that gives it.
    fn path(&self, principal: &PrincipalRecord, source: &Source, now: Timestamp) -> Vec<PathStep> {
        let Origin::Role { id: role, name } = &source.origin else { return vec![] };
        let to_role = |edge: &crate::directory::Edge| PathStep {
            to: EntityRef::new(ROLE, role),
            name: name.clone(),
            expires_at: edge.expires_at,
            source: edge.source.clone(),
        };
        if let Some(edge) = principal.roles.iter().find(|edge| edge.to == *role && edge.holds(now)) {
            return vec![to_role(edge)];
        }
        for edge in principal.groups.iter().filter(|edge| edge.holds(now)) {
            let Some(group) = self.inner.hierarchy.groups.get(&edge.to) else { continue };
            if let Some(next) = group.roles.iter().find(|next| next.to == *role && next.holds(now)) {
                let to_group = PathStep {
                    to: EntityRef::new(GROUP, &edge.to),
                    name: group.name.clone(),
                    expires_at: edge.expires_at,
                    source: edge.source.clone(),
                };
                return vec![to_group, to_role(next)];
            }
        }
        vec![]
    }

    /// What permits this action, and why it does not permit this request: the nearest first.
    fn missing(&self, principal: &PrincipalRecord, action: &str, decision: &Decision, now: Timestamp) -> Vec<Missing> {
        let held = slice::of(&self.inner.schema, &self.inner.hierarchy, principal, std::iter::empty(), now);
        let has_role = |role: &str| held.values().flatten().any(|entity| entity.r#type == ROLE && entity.id == *role);
        let ever_had = |role: &str| {
            principal.roles.iter().any(|edge| edge.to == *role)
                || principal.groups.iter().any(|edge| {
                    let group = self.inner.hierarchy.groups.get(&edge.to);
                    group.is_some_and(|group| group.roles.iter().any(|next| next.to == *role))
                })
        };
        let mut missing: Vec<Missing> = self
            .inner
            .sources
            .iter()
            .filter(|(_, source)| source.effect == Effect::Allow && source.actions.contains_key(action))
            .filter_map(|(id, source)| {
                let why = match &source.origin {
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
                        let over = source.expires_at.is_some_and(|end| end <= now);
                        own.then_some(if over { MissingWhy::Expired } else { MissingWhy::Condition })?
                    }
                    Origin::Custom { .. } | Origin::Guardrail { .. } => return None,
                };
                let origin = source.origin.clone();
                Some(Missing { policy: id.clone(), origin, why, condition: source.condition.clone() })
            })
            .collect();
        missing.sort_by(|one, other| (one.why, &one.policy).cmp(&(other.why, &other.policy)));
        missing
    }
}
