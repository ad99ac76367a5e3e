//! The slow twin: Cedar's own authorizer, asked with Cedar's own entities.

use super::decision::{Decision, Outcome, PolicyError, Reason};
use super::input::Input;
use super::slice::{self, Parents};
use super::{Engine, Request};
use crate::directory::{EntityRef, Hierarchy};
use crate::model::Timestamp;
use crate::schema::{ACTION, Schema, Value};
use crate::snapshot::SectionKind;
use crate::tenant::TenantRecord;
use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, EvalResult, Expression, PolicyId,
    PolicySet, RestrictedExpression,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What the slow twin decides with, made when it is first asked: the policies from their text, the directory from its
/// records.
#[derive(Debug)]
pub(super) struct Twin {
    cedar: Cedar,
    hierarchy: Hierarchy,
}

impl Engine {
    /// The slow twin of [`Engine::decide`]: Cedar's own authorizer.
    pub fn decide_by_cedar(&self, request: &Request, now: Timestamp) -> Decision {
        let view = self.view();
        let standing = view.standing(self.row(&request.principal.r#type, &request.principal.id), &request.as_ref());
        let (Some(principal), Ok(_)) = (self.principal(&request.principal), &standing) else {
            let undecidable = (Outcome::Error, Reason::Undecidable);
            let (outcome, reason) = standing.err().unwrap_or(undecidable);
            return Decision::without_policies(outcome, reason);
        };
        let twin = match self.inner.twin.get_or_init(|| self.twin().map_err(|error| error.to_string())) {
            Ok(twin) => twin,
            Err(message) => return undecidable(message),
        };
        let registered = twin.hierarchy.resource(&request.resource);
        let input = match Input::read(&view.schema, &principal, registered, request, now) {
            Ok(input) => input,
            Err(error) => {
                let at = Some(error.way.join("."));
                return Decision { at, ..Decision::without_policies(Outcome::Error, Reason::WrongType) };
            }
        };
        let who = EntityRef::new(&principal.r#type, &principal.id);
        let named = input.entities().into_iter().map(|(ty, id)| EntityRef::new(ty, id));
        let named = named.chain([request.resource.clone()]);
        let parents = slice::of(&view.schema, &twin.hierarchy, &principal, named, now);
        let action = request.action_name();
        let decided = twin.cedar.decide(&view.tenant, &who, &action, &request.resource, &parents, input);
        decided.unwrap_or_else(|error| undecidable(&error.to_string()))
    }

    fn twin(&self) -> Result<Twin, CedarError> {
        let view = self.view();
        let packed = self.snapshot().required(SectionKind::Cedar).map_err(broken)?;
        let text = crate::cedar::pack::unpack(packed).map_err(broken)?;
        Ok(Twin { cedar: Cedar::read(&text, &view.schema, &view.tenant)?, hierarchy: view.store.hierarchy() })
    }
}

fn undecidable(message: &str) -> Decision {
    Decision {
        errors: vec![PolicyError { policy: String::new(), message: message.to_owned() }],
        ..Decision::without_policies(Outcome::Error, Reason::Undecidable)
    }
}

/// The policies as Cedar has them.
#[derive(Debug)]
struct Cedar {
    policies: PolicySet,
    forbids: HashSet<PolicyId>,
    actions: HashMap<String, Entity>,
    groups: Vec<Entity>,
    flags: Vec<(usize, Expression)>,
}

/// What is wrong with the Cedar text of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct CedarError(String);

fn broken(error: impl std::fmt::Display) -> CedarError {
    CedarError(error.to_string())
}

impl Cedar {
    /// Parses the policies; each carries its id as `@id`.
    fn read(text: &str, schema: &Schema, tenant: &TenantRecord) -> Result<Self, CedarError> {
        let parsed: PolicySet = text.parse().map_err(broken)?;
        let mut policies = PolicySet::new();
        let mut forbids = HashSet::new();
        for policy in parsed.policies() {
            let id = policy.annotation("id").ok_or_else(|| CedarError("a policy has no `@id`".to_owned()))?;
            let policy = policy.new_id(PolicyId::new(id));
            if policy.effect() == cedar_policy::Effect::Forbid {
                forbids.insert(policy.id().clone());
            }
            policies.add(policy).map_err(broken)?;
        }
        let mut actions = HashMap::new();
        let mut groups = BTreeSet::new();
        for (name, action) in &schema.actions {
            let above = action.groups.iter().map(|group| uid(ACTION, group)).collect::<Result<_, _>>()?;
            groups.extend(action.groups.iter());
            let entity = Entity::new(uid(ACTION, name)?, HashMap::new(), above).map_err(broken)?;
            actions.insert(name.clone(), entity);
        }
        let groups = groups
            .into_iter()
            .map(|group| Ok(Entity::new_no_attrs(uid(ACTION, group)?, HashSet::new())))
            .collect::<Result<_, CedarError>>()?;
        let mut flags = vec![];
        for (position, flag) in tenant.flags.iter().enumerate() {
            if let Some(condition) = &flag.condition {
                flags.push((position, condition.parse().map_err(broken)?));
            }
        }
        Ok(Self { policies, forbids, actions, groups, flags })
    }

    /// Decides. Whatever cannot be asked is an error, and an error denies.
    fn decide(
        &self,
        tenant: &TenantRecord,
        principal: &EntityRef,
        action: &str,
        resource: &EntityRef,
        parents: &Parents,
        input: Input,
    ) -> Result<Decision, CedarError> {
        let attributes = HashMap::from([(principal, input.principal), (resource, input.resource)]);
        let entities = self.entities(action, parents, attributes)?;
        let request = |context| {
            let action = uid(ACTION, action)?;
            let (principal, resource) = (uid(&principal.r#type, &principal.id)?, uid(&resource.r#type, &resource.id)?);
            cedar_policy::Request::new(principal, action, resource, context, None).map_err(broken)
        };
        let mut context = expressions(input.context)?;
        let without_flags = Context::from_pairs(context.clone()).map_err(broken)?;
        let flags = self.flags(tenant, &principal.id, &request(without_flags)?, &entities);
        context.insert("flags".to_owned(), RestrictedExpression::new_set(flags));
        let request = request(Context::from_pairs(context).map_err(broken)?)?;
        let response = Authorizer::new().is_authorized(&request, &self.policies, &entities);

        let mut policies: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        policies.sort();
        let mut forbid_errored = false;
        let mut errors = vec![];
        for error in response.diagnostics().errors() {
            let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
            forbid_errored |= self.forbids.contains(error.policy_id());
            errors.push(PolicyError { policy: error.policy_id().to_string(), message: error.inner().to_string() });
        }
        errors.sort();
        let allow = response.decision() == cedar_policy::Decision::Allow;
        Ok(match (allow, policies.is_empty()) {
            // Cedar skips a policy that errs; a forbid that was skipped would have let this pass.
            (true, _) if forbid_errored => {
                Decision { errors, ..Decision::without_policies(Outcome::Error, Reason::ForbidErrored) }
            }
            (true, _) => Decision { outcome: Outcome::Allow, reason: None, at: None, policies, errors },
            (false, true) => Decision { outcome: Outcome::NoPermit, reason: None, at: None, policies, errors },
            (false, false) => Decision { outcome: Outcome::Forbidden, reason: None, at: None, policies, errors },
        })
    }

    fn entities(
        &self,
        action: &str,
        parents: &Parents,
        mut attributes: HashMap<&EntityRef, BTreeMap<String, Value>>,
    ) -> Result<Entities, CedarError> {
        let mut entities: Vec<Entity> = self.groups.clone();
        entities.extend(self.actions.get(action).cloned());
        // Roles lie in nothing and have no entry of their own; Cedar needs none for them.
        for (entity, above) in parents.iter().filter(|(entity, _)| entity.r#type != ACTION) {
            let attributes = expressions(attributes.remove(entity).unwrap_or_default())?;
            let above = above.iter().map(|parent| uid(&parent.r#type, &parent.id)).collect::<Result<_, _>>()?;
            entities.push(Entity::new(uid(&entity.r#type, &entity.id)?, attributes, above).map_err(broken)?);
        }
        Entities::from_entities(entities, None).map_err(broken)
    }

    /// The flags that are on for this request. A condition that cannot be evaluated leaves its flag off.
    fn flags(
        &self,
        tenant: &TenantRecord,
        principal: &str,
        request: &cedar_policy::Request,
        entities: &Entities,
    ) -> Vec<RestrictedExpression> {
        let met = |position: usize| {
            let condition = self.flags.iter().find(|(of, _)| *of == position);
            condition.is_none_or(|(_, expression)| {
                matches!(cedar_policy::eval_expression(request, entities, expression), Ok(EvalResult::Bool(true)))
            })
        };
        let on = tenant.flags.iter().enumerate().filter(|(position, flag)| flag.includes(principal) && met(*position));
        on.map(|(_, flag)| RestrictedExpression::new_string(flag.name.clone())).collect()
    }
}

fn uid(ty: &str, id: &str) -> Result<EntityUid, CedarError> {
    let ty: EntityTypeName = ty.parse().map_err(broken)?;
    Ok(EntityUid::from_type_name_and_id(ty, EntityId::new(id)))
}

fn expressions(values: BTreeMap<String, Value>) -> Result<HashMap<String, RestrictedExpression>, CedarError> {
    values.into_iter().map(|(name, value)| Ok((name, expression(value)?))).collect()
}

fn expression(value: Value) -> Result<RestrictedExpression, CedarError> {
    let text = value.to_string();
    Ok(match value {
        Value::Bool(value) => RestrictedExpression::new_bool(value),
        Value::Long(value) => RestrictedExpression::new_long(value),
        Value::String(value) => RestrictedExpression::new_string(value),
        Value::Decimal(_) => RestrictedExpression::new_decimal(text),
        Value::Ip(..) => RestrictedExpression::new_ip(text),
        Value::Datetime(_) => RestrictedExpression::new_datetime(text),
        Value::Duration(_) => RestrictedExpression::new_duration(text),
        Value::Entity(ty, id) => RestrictedExpression::new_entity_uid(uid(&ty, &id)?),
        Value::Set(elements) => {
            let elements: Result<Vec<_>, _> = elements.into_iter().map(expression).collect();
            RestrictedExpression::new_set(elements?)
        }
        Value::Record(attributes) => RestrictedExpression::new_record(expressions(attributes)?).map_err(broken)?,
    })
}
