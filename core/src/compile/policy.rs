//! Grants become Cedar policies: one a holder and condition, its actions as a set.

use super::grant::{Grant, Grants, Key};
use super::known::ByContent;
use super::source::{Origin, Sourced};
use crate::Finding;
use crate::cedar::expression::*;
use crate::condition::{Condition, Root, Scope};
use crate::model::Effect;
use crate::schema::{ACTION, ROLE, SERVICE_ACCOUNT, Schema, USER, Value};
use cedar_policy::pst::{
    self, ActionConstraint, BinaryOp, Clause, EntityOrSlot, EntityUID, Expr, PrincipalConstraint, ResourceConstraint,
    Template, Var,
};
use rustc_hash::FxHashMap;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use uuid::Uuid;

/// A policy before it joins the others.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    /// Its id.
    pub id: String,
    /// Its body, without annotations.
    pub template: Template,
    /// Where it comes from.
    pub source: Sourced,
}

/// Where paths of a grant's condition may begin.
const ROOTS: [Root; 3] = [Root::Principal, Root::Resource, Root::Context];

/// The expression of each grant's condition, in the order of the grants; none where the condition always holds, or
/// cannot be compiled, which is a finding.
pub(super) type Expressions = Vec<Option<Arc<Expr>>>;

/// Compiles the conditions of the grants: each once for the same resource types. Those that come out equal for several
/// are one, since whatever is done with an expression afterwards is done once.
pub(super) fn expressions(schema: &Schema, grants: &Grants, findings: &mut Vec<Finding>) -> Expressions {
    // By where they lie: grants under one condition, and those on the same types, share them.
    let mut compiled: FxHashMap<(*const str, *const BTreeSet<String>), Option<Arc<Expr>>> = FxHashMap::default();
    let mut distinct: HashSet<ByContent> = HashSet::new();
    let mut one = |expression: Arc<Expr>| match distinct.get(&ByContent(expression.clone())) {
        Some(known) => known.0.clone(),
        None => {
            distinct.insert(ByContent(expression.clone()));
            expression
        }
    };
    let expressions = grants.grants.iter().map(|(key, grant)| {
        let condition = &grants.conditions.get(&key.condition)?.condition;
        if *condition == Condition::Always {
            return None;
        }
        let scope = Scope { schema, resource_types: &grant.resource_types, roots: &ROOTS };
        let compiled = compiled.entry((Rc::as_ptr(&key.condition), Rc::as_ptr(&grant.resource_types)));
        compiled.or_insert_with(|| condition.to_cedar(scope, grant.place(), findings).map(&mut one)).clone()
    });
    expressions.collect()
}

/// The policies of the grants.
pub(super) fn policies(grants: Grants, expressions: Expressions, findings: &mut Vec<Finding>) -> Vec<Policy> {
    let mut policies = Vec::with_capacity(grants.grants.len());
    let mut of_request: HashMap<Uuid, usize> = HashMap::new();
    for (key, _) in grants.grants.iter().filter(|(key, _)| key.table == "access_request") {
        *of_request.entry(key.id).or_default() += 1;
    }
    let actions: Vec<Option<EntityUID>> = grants.actions.iter().map(|action| entity(ACTION, action)).collect();
    let mut hashes: FxHashMap<(Effect, *const str), String> = FxHashMap::default();
    for ((key, grant), expression) in grants.grants.into_iter().zip(expressions) {
        if !grant.active {
            continue;
        }
        let several = of_request.get(&key.id).is_some_and(|count| *count > 1);
        let id = policy_id(&key, several, &mut hashes);
        let Some(template) = template(&id, &key, &grant, &actions, expression) else {
            // Never passed over: it may be what forbids.
            findings.push(grant.place().error("", "policy.invalid", "the grant names what cannot be written in Cedar"));
            continue;
        };
        policies.push(Policy { id, template, source: grant.into_source(key.effect) });
    }
    policies
}

/// A policy's id: stable for the same holder, effect and condition. `hashes` has those of effects and conditions, the
/// latter by where they lie: all keys are there, so no other comes to lie there.
fn policy_id(key: &Key, several: bool, hashes: &mut FxHashMap<(Effect, *const str), String>) -> String {
    let own;
    let hash: &str = match &key.resource {
        Some(resource) => {
            own = hash_of(key, Some(resource));
            &own
        }
        None => hashes.entry((key.effect, Rc::as_ptr(&key.condition))).or_insert_with(|| hash_of(key, None)),
    };
    match key.table {
        "access_request" if several => format!("request/{}/{hash}", key.id),
        "access_request" => format!("request/{}", key.id),
        table => format!("{table}/{}/{hash}", key.id),
    }
}

fn hash_of(key: &Key, resource: Option<&(String, String)>) -> String {
    let mut what = json!({"effect": key.effect, "condition": key.condition.as_ref()});
    if let (Json::Object(what), Some((ty, id))) = (&mut what, resource) {
        what.insert("resource".to_owned(), json!({"type": ty, "id": id}));
    }
    let mut hash = hex::encode(Sha256::digest(what.to_string()));
    hash.truncate(16);
    hash
}

fn template(
    id: &str,
    key: &Key,
    grant: &Grant,
    actions: &[Option<EntityUID>],
    expression: Option<Arc<Expr>>,
) -> Option<Template> {
    let principal = match &*grant.origin {
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
    let actions = grant.actions().map(|action| actions.get(action as usize)?.clone());
    let actions = actions.collect::<Option<Vec<_>>>()?;
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
