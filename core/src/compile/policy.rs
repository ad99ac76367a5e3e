//! Grants become Cedar policies: one a holder and condition, its actions as a set.

use super::grant::{Grant, Grants, Key};
use super::source::{Origin, Source, SourceMap};
use crate::Finding;
use crate::cedar::expression::*;
use crate::condition::{Condition, Root, Scope};
use crate::model::Effect;
use crate::schema::{ACTION, ROLE, SERVICE_ACCOUNT, Schema, USER, Value};
use cedar_policy::pst::{
    self, ActionConstraint, BinaryOp, Clause, EntityOrSlot, Expr, PrincipalConstraint, ResourceConstraint, Template,
    Var,
};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// A policy before it joins the others.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    /// Its id.
    pub id: String,
    /// Its body, without annotations.
    pub template: Template,
}

/// Where paths of a grant's condition may begin.
const ROOTS: [Root; 3] = [Root::Principal, Root::Resource, Root::Context];

/// The expression of each grant's condition, in the order of the grants; none where the condition always holds, or
/// cannot be compiled, which is a finding.
pub(super) type Expressions = Vec<Option<Arc<Expr>>>;

/// Compiles the conditions of the grants: each once for the same resource types.
pub(super) fn expressions(schema: &Schema, grants: &Grants, findings: &mut Vec<Finding>) -> Expressions {
    let mut compiled: HashMap<(&str, &BTreeSet<String>), Option<Arc<Expr>>> = HashMap::new();
    let expressions = grants.grants.iter().map(|(key, grant)| {
        let condition = &grants.conditions.get(&key.condition)?.condition;
        if *condition == Condition::Always {
            return None;
        }
        let scope = Scope { schema, resource_types: &grant.resource_types, roots: &ROOTS };
        let compiled = compiled.entry((&key.condition, &grant.resource_types));
        compiled.or_insert_with(|| condition.to_cedar(scope, grant.place.place(), findings)).clone()
    });
    expressions.collect()
}

/// The policies of the grants and their sources.
pub(super) fn policies(
    grants: Grants,
    expressions: Expressions,
    sources: &mut SourceMap,
    findings: &mut Vec<Finding>,
) -> Vec<Policy> {
    let mut policies = vec![];
    let mut of_request: HashMap<Uuid, usize> = HashMap::new();
    for (key, _) in grants.grants.iter().filter(|(key, _)| key.table == "access_request") {
        *of_request.entry(key.id).or_default() += 1;
    }
    for ((key, grant), expression) in grants.grants.into_iter().zip(expressions) {
        if !grant.active {
            continue;
        }
        let several = of_request.get(&key.id).is_some_and(|count| *count > 1);
        let id = policy_id(&key, several);
        let Some(template) = template(&id, &key, &grant, expression) else {
            // Never passed over: it may be what forbids.
            findings.push(grant.place.place().error(
                "",
                "policy.invalid",
                "the grant names what cannot be written in Cedar",
            ));
            continue;
        };
        let source = Source {
            effect: key.effect,
            origin: grant.origin,
            condition: grant.condition.filter(|condition| !condition.is_null()),
            actions: grant.actions,
            expires_at: grant.expires_at,
        };
        sources.insert(id.clone(), source);
        policies.push(Policy { id, template });
    }
    policies
}

/// A policy's id: stable for the same holder, effect and condition.
fn policy_id(key: &Key, several: bool) -> String {
    let resource = key.resource.as_ref().map(|(ty, id)| json!({"type": ty, "id": id}));
    let mut what = json!({"effect": key.effect, "condition": key.condition.as_ref()});
    if let (Json::Object(what), Some(resource)) = (&mut what, resource) {
        what.insert("resource".to_owned(), resource);
    }
    let hash = hex::encode(Sha256::digest(what.to_string()));
    let hash = hash.get(..16).unwrap_or_default();
    match key.table {
        "access_request" if several => format!("request/{}/{hash}", key.id),
        "access_request" => format!("request/{}", key.id),
        table => format!("{table}/{}/{hash}", key.id),
    }
}

fn template(id: &str, key: &Key, grant: &Grant, expression: Option<Arc<Expr>>) -> Option<Template> {
    let principal = match &grant.origin {
        Origin::Role { id, .. } => PrincipalConstraint::In(EntityOrSlot::Entity(entity(ROLE, id)?)),
        Origin::ServiceAccount { id, .. } => {
            PrincipalConstraint::Eq(EntityOrSlot::Entity(entity(SERVICE_ACCOUNT, id)?))
        }
        Origin::Request { user, .. } => PrincipalConstraint::Eq(EntityOrSlot::Entity(entity(USER, user)?)),
        Origin::Custom { .. } | Origin::Guardrail { .. } => return None,
    };
    let resource = match &key.resource {
        Some((ty, id)) => ResourceConstraint::Eq(EntityOrSlot::Entity(entity(ty, id)?)),
        None => ResourceConstraint::Any,
    };
    let actions = grant.actions.keys().map(|action| entity(ACTION, action)).collect::<Option<Vec<_>>>()?;
    let effect = match key.effect {
        Effect::Allow => pst::Effect::Permit,
        Effect::Deny => pst::Effect::Forbid,
    };
    let until = grant.expires_at.and_then(|end| {
        let end = value_expression(&Value::Datetime(end.as_millis()))?;
        Some(binary(BinaryOp::Less, get(variable(Var::Context), "now"), end))
    });
    let clauses = until.into_iter().chain(expression).map(Clause::When).collect::<Vec<_>>();
    Template::new(id, effect, principal, ActionConstraint::In(actions), resource).try_with_clauses(clauses).ok()
}
