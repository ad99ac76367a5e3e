//! A request: who wants to do what to what, under which circumstances.

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
}
