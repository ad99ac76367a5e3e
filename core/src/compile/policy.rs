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
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

/// A policy before it joins the others.
pub(super) struct Policy {
    /// Its id.
    pub id: String,
    /// Its body, without annotations.
    pub template: Template,
}

/// Where paths of a grant's condition may begin.
const ROOTS: [Root; 3] = [Root::Principal, Root::Resource, Root::Context];

/// Conditions as expressions, by canonical text and resource types: each is compiled once.
pub(super) type Expressions = HashMap<(Rc<str>, BTreeSet<String>), Option<Arc<Expr>>>;

/// The policies of the grants and their sources.
pub(super) fn policies(
    schema: &Schema,
    grants: &Grants,
    sources: &mut SourceMap,
    findings: &mut Vec<Finding>,
) -> (Vec<Policy>, Expressions) {
    let mut expressions = Expressions::new();
    let mut policies = vec![];
    let mut of_request: BTreeMap<&str, usize> = BTreeMap::new();
    for key in grants.grants.keys().filter(|key| key.table == "access_request") {
        *of_request.entry(&key.id).or_default() += 1;
    }
    for (key, grant) in &grants.grants {
        let cached = (key.condition.clone(), grant.resource_types.clone());
        let expression = expressions.entry(cached).or_insert_with(|| {
            let used = grants.conditions.get(&key.condition)?;
            let scope = Scope { schema, resource_types: &grant.resource_types, roots: &ROOTS };
            match &used.condition {
                Condition::Always => None,
                condition => condition.to_cedar(scope, grant.place.place(), findings),
            }
        });
        if !grant.active {
            continue;
        }
        let several = of_request.get(key.id.as_str()).is_some_and(|count| *count > 1);
        let id = policy_id(key, several);
        let Some(template) = template(&id, key, grant, expression.as_ref()) else {
            // Never passed over: it may be what forbids.
            let message = "the grant names what cannot be written in Cedar";
            let at = &grant.place;
            findings.push(Finding::error(at.table, "policy.invalid", message).row(&at.row).field(&at.field));
            continue;
        };
        let source = Source {
            effect: key.effect,
            origin: grant.origin.clone(),
            condition: grant.condition.clone().filter(|condition| !condition.is_null()),
            actions: grant.actions.clone(),
            expires_at: grant.expires_at,
        };
        sources.insert(id.clone(), source);
        policies.push(Policy { id, template });
    }
    (policies, expressions)
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

fn template(id: &str, key: &Key, grant: &Grant, expression: Option<&Arc<Expr>>) -> Option<Template> {
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
    let clauses = until.into_iter().chain(expression.cloned()).map(Clause::When).collect::<Vec<_>>();
    Template::new(id, effect, principal, ActionConstraint::In(actions), resource).try_with_clauses(clauses).ok()
}
