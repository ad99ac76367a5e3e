//! A request: who wants to do what to what, under which circumstances.

use super::world::Given;
use crate::directory::EntityRef;
use serde_json::{Map, Value as Json};

/// A request for a decision. Attributes are JSON, read by the types that the schema declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Who: `User` or `ServiceAccount`, and the row's id, the username or the e-mail.
    pub principal: EntityRef,
    /// What the caller says of the principal; only attributes that the schema marks as the caller's count.
    pub principal_attributes: Map<String, Json>,
    /// The action, without the resource type: `read`.
    pub action: String,
    /// What the caller says of the action: `context.action`.
    pub action_attributes: Map<String, Json>,
    /// What: the resource type and the id within it.
    pub resource: EntityRef,
    /// The resource's attributes; present, they replace the registry's whole.
    pub resource_attributes: Option<Map<String, Json>>,
    /// The circumstances. What only the decision point sets is dropped.
    pub context: Map<String, Json>,
    /// The scopes of the key that the principal itself came with; absent otherwise.
    pub scopes: Option<Vec<String>>,
}

/// A request that borrows all it says: [`Request`] for whoever has the parts at hand and decides often.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestRef<'a> {
    /// The principal's type: `User` or `ServiceAccount`.
    pub principal_type: &'a str,
    /// The row's id, the username or the e-mail.
    pub principal_id: &'a str,
    /// What the caller says of the principal; only attributes that the schema marks as the caller's count.
    pub principal_attributes: AttributesRef<'a>,
    /// The action, without the resource type: `read`.
    pub action: &'a str,
    /// What the caller says of the action: `context.action`.
    pub action_attributes: Option<&'a Map<String, Json>>,
    /// The resource's type.
    pub resource_type: &'a str,
    /// The resource's id within the type.
    pub resource_id: &'a str,
    /// The resource's attributes; present, they replace the registry's whole.
    pub resource_attributes: Option<AttributesRef<'a>>,
    /// The circumstances. What only the decision point sets is dropped.
    pub context: AttributesRef<'a>,
    /// The scopes of the key that the principal itself came with; absent otherwise.
    pub scopes: Option<&'a [String]>,
}

/// Attributes, as JSON or as plain values.
#[derive(Debug, Clone, Copy)]
pub enum AttributesRef<'a> {
    /// A JSON object.
    Json(&'a Map<String, Json>),
    /// Names and values. Of two with one name, the first counts.
    Plain(&'a [(&'a str, ValueRef<'a>)]),
}

/// The value of an attribute.
#[derive(Debug, Clone, Copy)]
pub enum ValueRef<'a> {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Long(i64),
    /// Text.
    String(&'a str),
    /// An entity's type and id.
    Entity(&'a str, &'a str),
    /// Anything, read by its declared type.
    Json(&'a Json),
}

impl Request {
    /// A request without attributes.
    pub fn new(principal: EntityRef, action: impl Into<String>, resource: EntityRef) -> Self {
        Self {
            principal,
            principal_attributes: Map::new(),
            action: action.into(),
            action_attributes: Map::new(),
            resource,
            resource_attributes: None,
            context: Map::new(),
            scopes: None,
        }
    }

    /// The action's full name: `document:read`.
    pub fn action_name(&self) -> String {
        format!("{}:{}", self.resource.r#type, self.action)
    }

    /// The same, borrowed.
    pub fn as_ref(&self) -> RequestRef<'_> {
        RequestRef {
            principal_type: &self.principal.r#type,
            principal_id: &self.principal.id,
            principal_attributes: AttributesRef::Json(&self.principal_attributes),
            action: &self.action,
            action_attributes: Some(&self.action_attributes),
            resource_type: &self.resource.r#type,
            resource_id: &self.resource.id,
            resource_attributes: self.resource_attributes.as_ref().map(AttributesRef::Json),
            context: AttributesRef::Json(&self.context),
            scopes: self.scopes.as_deref(),
        }
    }
}

impl<'a> AttributesRef<'a> {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Json(map) => map.is_empty(),
            Self::Plain(list) => list.is_empty(),
        }
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<Given<'a>> {
        match self {
            Self::Json(map) => map.get(name).map(Given::Json),
            Self::Plain(list) => list.iter().find(|(own, _)| *own == name).map(|(_, value)| value.into()),
        }
    }
}

impl ValueRef<'_> {
    /// The value as JSON.
    pub(crate) fn to_json(self) -> Json {
        match self {
            Self::Bool(value) => Json::from(value),
            Self::Long(value) => Json::from(value),
            Self::String(text) => Json::from(text),
            Self::Entity(ty, id) => serde_json::json!({"type": ty, "id": id}),
            Self::Json(json) => json.clone(),
        }
    }
}

impl Default for AttributesRef<'_> {
    fn default() -> Self {
        Self::Plain(&[])
    }
}
