//! Strict validation by Cedar's own validator, against the slice of the schema that a policy reaches.
//!
//! Against the whole schema every policy would be tried for every action; so each distinct condition
//! is validated once a resource type, and each policy of the tenant's own against the actions it names.

use super::grant::Grants;
use super::known::{self, Learning};
use super::policy::{Expressions, Policy};
use super::source::Origin;
use crate::Finding;
use crate::cedar::expression::{entity, entity_type, variables};
use crate::cedar::schema::slice;
use crate::condition::Place;
use crate::model::TenantSetting;
use crate::schema::{ACTION, SERVICE_ACCOUNT, Schema, USER};
use cedar_policy::pst::{
    self, ActionConstraint, Clause, EntityOrSlot, EntityUID, Expr, Literal, PrincipalConstraint, ResourceConstraint,
    StaticPolicy, Template, Var,
};
use cedar_policy::{PolicySet, ValidationMode, Validator};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

const INVALID: &str = "policy.invalid";

/// Validates the conditions of the grants: each once a kind of principal and resource type.
///
/// Actions of one resource type have the same context and principals, so one of them stands for all, unless the
/// condition looks at the action itself.
pub(super) fn grants(
    schema: &Schema,
    grants: &Grants,
    expressions: &Expressions,
    learning: &mut Learning<'_>,
    findings: &mut Vec<Finding>,
) {
    let mut standing_for: HashMap<&str, &str> = HashMap::new();
    for (name, action) in &schema.actions {
        standing_for.entry(&action.resource).or_insert(name);
    }
    let mut conditions: HashMap<(&str, &str), Reached<'_>> = HashMap::new();
    let mut batches: BTreeMap<&str, Batch<'_>> = BTreeMap::new();
    for ((key, grant), expression) in grants.grants.iter().zip(expressions) {
        let Some(expression) = expression else { continue };
        let principal = match *grant.origin {
            Origin::ServiceAccount { .. } => SERVICE_ACCOUNT,
            _ => USER,
        };
        let reached = conditions.entry((&key.condition, principal)).or_insert_with(|| Reached {
            reads_action: variables(expression).contains(&Var::Action),
            types: grants.conditions.get(&key.condition).map_or(0, |used| used.resource_types.len()),
            actions: HashSet::new(),
        });
        let actions: &mut dyn Iterator<Item = &str> = if reached.reads_action {
            &mut grants.actions(grant)
        } else if reached.actions.len() < reached.types {
            &mut grant.resource_types.iter().filter_map(|ty| standing_for.get(ty.as_str()).copied())
        } else {
            continue; // It stands by all of its types already: the other grants cost nothing.
        };
        for action in actions.filter(|action| reached.actions.insert(action)) {
            let batch = batches.entry(action).or_insert_with(|| Batch::new(schema, BTreeSet::from([action])));
            batch.add(expression, principal, grant.place());
        }
    }
    batches.into_values().for_each(|batch| batch.validate(learning, findings));
}

/// What a condition is validated for already, for one kind of principal.
struct Reached<'a> {
    reads_action: bool,
    /// How many resource types it stands by, whoever it is for.
    types: usize,
    actions: HashSet<&'a str>,
}

/// Validates one expression for every kind of principal, where there may be no action yet.
pub(super) fn expression(
    schema: &Schema,
    expression: &Arc<Expr>,
    place: Place<'_>,
    learning: &mut Learning<'_>,
    findings: &mut Vec<Finding>,
) {
    let Some(action) = schema.actions.keys().next() else { return };
    let mut batch = Batch::new(schema, BTreeSet::from([action.as_str()]));
    batch.add(expression, USER, place);
    batch.add(expression, SERVICE_ACCOUNT, place);
    batch.validate(learning, findings);
}

/// Validates a policy that was written as text; what is wrong is found with its line and column.
pub(super) fn custom(
    schema: &Schema,
    policy: &Policy,
    setting: &TenantSetting,
    learning: &mut Learning<'_>,
    findings: &mut Vec<Finding>,
) {
    let id = setting.id.to_string();
    let place = Place { table: "tenant_setting", row: &id, field: "setting_value" };
    let all: BTreeSet<&str> = schema.actions.keys().map(String::as_str).collect();
    let named: BTreeSet<&str> = match &policy.template.action {
        ActionConstraint::Any => all.clone(),
        ActionConstraint::Eq(action) => BTreeSet::from([action.eid.as_str()]),
        ActionConstraint::In(actions) => actions.iter().map(|action| action.eid.as_str()).collect(),
    };
    // An action group, or an action that does not exist, is a matter of the whole schema.
    let actions = if named.is_subset(&all) { named } else { all };
    let mut batch = Batch::new(schema, actions);
    batch.policies.push((policy.template.clone(), place));
    batch.text = setting.setting_value.as_str();
    batch.validate(learning, findings);
}

struct Batch<'a> {
    schema: &'a Schema,
    actions: BTreeSet<&'a str>,
    policies: Vec<(Template, Place<'a>)>,
    /// The text of the only policy, where it was written as text: built anew, it has no lines.
    text: Option<&'a str>,
}

impl<'a> Batch<'a> {
    fn new(schema: &'a Schema, actions: BTreeSet<&'a str>) -> Self {
        Self { schema, actions, policies: vec![], text: None }
    }

    fn add(&mut self, expression: &Arc<Expr>, principal: &str, place: Place<'a>) {
        let Some(principal) = entity_type(principal) else { return };
        let actions = self.actions.iter().filter_map(|action| entity(ACTION, action)).collect();
        let template = Template::new(
            "condition",
            pst::Effect::Permit,
            PrincipalConstraint::Is(principal),
            ActionConstraint::In(actions),
            ResourceConstraint::Any,
        );
        if let Ok(template) = template.try_with_clauses([Clause::When(expression.clone())]) {
            self.policies.push((template, place));
        }
    }

    /// Validates the batch, unless these policies are known to be valid under this slice of the schema.
    fn validate(self, learning: &mut Learning<'_>, findings: &mut Vec<Finding>) {
        if self.policies.is_empty() {
            return;
        }
        let (types, mut actions) = self.named();
        actions.extend(self.actions.iter().map(|action| (*action).to_owned()));
        let slice = || {
            let (actions, types) = (actions.iter().map(String::as_str), types.iter().map(String::as_str));
            slice(self.schema, &actions.collect(), &types.collect())
        };
        let (digest, made) = learning.slice(self.schema, (actions.clone(), types.clone()), slice);
        let content = known::Batch {
            policies: self.policies.iter().map(|(template, _)| template.clone()).collect(),
            text: self.text.map(str::to_owned),
        };
        if learning.is_valid(&digest, &content) {
            return;
        }
        let schema = match cedar_policy::Schema::from_json_value(made.unwrap_or_else(slice)) {
            Ok(schema) => schema,
            Err(error) => {
                findings.extend(self.policies.iter().map(|(_, place)| place.error("", INVALID, error.to_string())));
                return;
            }
        };
        let set = match self.policy_set() {
            Ok(set) => set,
            Err(error) => {
                findings.extend(self.policies.iter().map(|(_, place)| place.error("", INVALID, &*error)));
                return;
            }
        };
        let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
        if result.validation_passed() {
            learning.found_valid(digest, content);
        }
        for error in result.validation_errors() {
            let id: &str = error.policy_id().as_ref();
            let position = if self.text.is_some() { Ok(0) } else { id.parse::<usize>() };
            let place = position.ok().and_then(|position| self.policies.get(position));
            if let Some((_, place)) = place {
                let message = error.to_string();
                // Without the id that the policy had for the validator alone.
                let message = message.strip_prefix(&format!("for policy `{id}`, ")).unwrap_or(&message);
                let at = self.text.and_then(|text| crate::cedar::position(error, text));
                let at = at.map(|(line, column)| format!(", at line {line}, column {column}")).unwrap_or_default();
                findings.push(place.error("", INVALID, format!("{message}{at}")));
            }
        }
    }

    fn policy_set(&self) -> Result<PolicySet, String> {
        if let Some(text) = self.text {
            return text.parse().map_err(|error: cedar_policy::ParseErrors| error.to_string());
        }
        let mut set = pst::PolicySet {
            templates: pst::LinkedHashMap::new(),
            policies: pst::LinkedHashMap::new(),
            template_links: vec![],
        };
        for (position, (template, _)) in self.policies.iter().enumerate() {
            let id: pst::PolicyID = position.to_string().as_str().into();
            if let Ok(policy) = StaticPolicy::try_from(template.clone().with_id(id.clone())) {
                set.policies.insert(id, policy);
            }
        }
        PolicySet::from_pst(set).map_err(|error| error.to_string())
    }

    /// The entity types and actions that the policies speak of.
    fn named(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut types, mut actions) = (BTreeSet::new(), BTreeSet::new());
        for (template, _) in &self.policies {
            for clause in template.clauses() {
                let (Clause::When(expression) | Clause::Unless(expression)) = clause;
                for uid in entities(expression) {
                    let ty = uid.ty.to_string();
                    if ty == ACTION {
                        actions.insert(uid.eid.to_string());
                    } else {
                        types.insert(ty);
                    }
                }
            }
            types.extend(scope_types(template));
        }
        (types, actions)
    }
}

/// The entity types that a policy's scope names.
fn scope_types(template: &Template) -> Vec<String> {
    let (ty, uid) = match &template.principal {
        PrincipalConstraint::Any => (None, None),
        PrincipalConstraint::Eq(uid) | PrincipalConstraint::In(uid) => (None, Some(uid)),
        PrincipalConstraint::Is(ty) => (Some(ty), None),
        PrincipalConstraint::IsIn(ty, uid) => (Some(ty), Some(uid)),
    };
    let (resource_ty, resource_uid) = match &template.resource {
        ResourceConstraint::Any => (None, None),
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) => (None, Some(uid)),
        ResourceConstraint::Is(ty) => (Some(ty), None),
        ResourceConstraint::IsIn(ty, uid) => (Some(ty), Some(uid)),
    };
    let uids = [uid, resource_uid].into_iter().flatten().filter_map(|uid| match uid {
        EntityOrSlot::Entity(uid) => Some(uid.ty.to_string()),
        EntityOrSlot::Slot(_) => None,
    });
    [ty, resource_ty].into_iter().flatten().map(ToString::to_string).chain(uids).collect()
}

/// Every entity that an expression names; a type alone counts as one without an id.
fn entities(expression: &Expr) -> Vec<EntityUID> {
    expression.reduce(
        &|part| match part {
            Expr::Literal(Literal::EntityUID(uid)) => Some(vec![uid.clone()]),
            Expr::Is { expr, entity_type, in_expr } => {
                let mut found = entities(expr);
                found.extend(in_expr.iter().flat_map(|inner| entities(inner)));
                found.push(EntityUID { ty: entity_type.clone(), eid: "".into() });
                Some(found)
            }
            _ => None,
        },
        &|mut one: Vec<EntityUID>, other| {
            one.extend(other);
            one
        },
        vec![],
    )
}
