//! The values that policies see: a request and a principal, projected on the schema.

use super::Request;
use crate::directory::{PrincipalRecord, ResourceNode};
use crate::model::Timestamp;
use crate::schema::{ACTION, Attributes, SERVICE_ACCOUNT, Schema, Type, Value, WrongType};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

/// The values that policies see.
pub(super) struct Input {
    /// Attributes of the principal.
    pub principal: BTreeMap<String, Value>,
    /// Attributes of the resource.
    pub resource: BTreeMap<String, Value>,
    /// The context, without `flags`, which depend on the rest.
    pub context: BTreeMap<String, Value>,
}

impl Input {
    /// The entities that the values name.
    pub(super) fn entities(&self) -> BTreeSet<(&str, &str)> {
        let mut found = BTreeSet::new();
        let mut left: Vec<&Value> =
            self.principal.values().chain(self.resource.values()).chain(self.context.values()).collect();
        while let Some(value) = left.pop() {
            match value {
                Value::Entity(ty, id) => drop(found.insert((ty.as_str(), id.as_str()))),
                Value::Set(elements) => left.extend(elements),
                Value::Record(attributes) => left.extend(attributes.values()),
                _ => {}
            }
        }
        found
    }

    /// Projects a request on the schema: what is undeclared is dropped, null is absent.
    ///
    /// # Errors
    /// A value that does not fit its declared type, with its path.
    pub(super) fn read(
        schema: &Schema,
        principal: &PrincipalRecord,
        resource: Option<&ResourceNode>,
        request: &Request,
        now: Timestamp,
    ) -> Result<Self, WrongType> {
        Ok(Self {
            principal: read_principal(schema, principal, request).map_err(|error| error.below("principal"))?,
            resource: read_resource(schema, resource, request).map_err(|error| error.below("resource"))?,
            context: read_context(schema, request, now).map_err(|error| error.below("context"))?,
        })
    }
}

fn read_principal(
    schema: &Schema,
    principal: &PrincipalRecord,
    request: &Request,
) -> Result<BTreeMap<String, Value>, WrongType> {
    if principal.r#type == SERVICE_ACCOUNT {
        return Value::read_attributes(&schema.service_account, &principal.attributes);
    }
    // What the directory owns is never the caller's to say, and the other way round.
    let owned_by = |caller: bool| -> Attributes {
        let attributes = schema.user.iter().filter(|(name, _)| schema.caller.contains(*name) == caller);
        attributes.map(|(name, ty)| (name.clone(), ty.clone())).collect()
    };
    let mut attributes = Value::read_attributes(&owned_by(false), &principal.attributes)?;
    attributes.extend(Value::read_attributes(&owned_by(true), &request.principal_attributes)?);
    Ok(attributes)
}

fn read_resource(
    schema: &Schema,
    registered: Option<&ResourceNode>,
    request: &Request,
) -> Result<BTreeMap<String, Value>, WrongType> {
    let Some(ty) = schema.types.get(&request.resource.r#type) else { return Ok(BTreeMap::new()) };
    let nothing = Map::new();
    let attributes = request.resource_attributes.as_ref().or(registered.map(|node| &node.attributes));
    Value::read_attributes(&ty.attributes, attributes.unwrap_or(&nothing))
}

fn read_context(schema: &Schema, request: &Request, now: Timestamp) -> Result<BTreeMap<String, Value>, WrongType> {
    let mut said = request.context.clone();
    for name in Schema::DECISION_POINT_ONLY {
        said.remove(name);
    }
    said.remove("action");
    if let Some(Type::Record(_)) = schema.context.get("action")
        && !request.action_attributes.is_empty()
    {
        said.insert("action".to_owned(), Json::Object(request.action_attributes.clone()));
    }
    let mut context = Value::read_attributes(&schema.context, &said)?;
    context.insert("now".to_owned(), Value::Datetime(now.as_millis()));
    context.insert("weekday".to_owned(), Value::Long(now.weekday()));
    if let Some(scopes) = &request.scopes {
        let actions: BTreeSet<Value> = scopes
            .iter()
            .filter(|scope| schema.actions.contains_key(*scope))
            .map(|scope| Value::Entity(ACTION.to_owned(), scope.clone()))
            .collect();
        context.insert("scopes".to_owned(), Value::Set(actions));
    }
    Ok(context)
}
