//! The Access Evaluation and Access Evaluations requests (sections 5 to 7).

use super::{AuthzenError, EvaluationResponse, EvaluationsResponse, json};
use serde_json::{Map, Value};
use std::sync::Arc;

/// How many items the `evaluations` of one request may have.
pub const MAX_EVALUATIONS: usize = 1000;

/// How many levels of arrays and objects `context` and each `properties` may have, themselves counted.
pub const MAX_ATTRIBUTE_DEPTH: usize = 32;

/// Attributes by name: `properties`, and `context`.
pub type Attributes = Map<String, Value>;

/// Who asks for access (5.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The kind of subject; [`principal_type`] says which principal it means.
    pub r#type: String,
    /// Unique within the type: a row's id, a username or an e-mail address.
    pub id: String,
    /// What the caller says of the subject; empty where it says nothing.
    pub properties: Attributes,
}

/// What the subject wants to do (5.3).
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// The action's name, without the resource type.
    pub name: String,
    /// What the caller says of the action; empty where it says nothing.
    pub properties: Attributes,
}

/// What the subject wants to do it to (5.2).
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// The kind of resource.
    pub r#type: String,
    /// Unique within the type.
    pub id: String,
    /// What the caller says of the resource. There is a difference between nothing said and nothing there: `Some`
    /// replaces what the registry holds.
    pub properties: Option<Attributes>,
}

/// One question: may this subject do this action to this resource, in this context?
///
/// The items of a batch share the defaults that they do not replace: a thousand copies of one context of a megabyte
/// would let a small request fill the memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Who.
    pub subject: Arc<Subject>,
    /// What.
    pub action: Arc<Action>,
    /// To what.
    pub resource: Arc<Resource>,
    /// Under which circumstances (5.4); empty where the caller says nothing.
    pub context: Arc<Attributes>,
}

impl Evaluation {
    /// Reads the body of an Access Evaluation request (6.1).
    ///
    /// # Errors
    /// Any [`AuthzenError`] but `UnknownSemantic`, `TooManyEvaluations` and `Page`.
    pub fn parse(body: &[u8]) -> Result<Self, AuthzenError> {
        let mut request = Object::parse(body)?;
        Parts::read(&mut request)?.complete(&request)
    }
}

/// The body of an Access Evaluations request (7.1): which of the two forms of answer it wants.
#[derive(Debug, Clone, PartialEq)]
pub enum EvaluationsRequest {
    /// `evaluations` is absent or empty: answered as by the Access Evaluation API, with one decision and no array.
    Single(Evaluation),
    /// One decision an item.
    Batch(Evaluations),
}

impl EvaluationsRequest {
    /// Reads the body of an Access Evaluations request (7.1). The top level's subject, action, resource and context are
    /// the defaults; an item's own replaces the default whole (7.1.1).
    ///
    /// # Errors
    /// Any [`AuthzenError`] of the request as a whole. What is wrong with one item is in its place in the batch.
    pub fn parse(body: &[u8]) -> Result<Self, AuthzenError> {
        let mut request = Object::parse(body)?;
        let semantic = Semantic::read(&mut request)?;
        let defaults = Parts::read(&mut request)?;
        let items = match request.take("evaluations") {
            None => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                return Err(AuthzenError::WrongType { pointer: request.at("evaluations"), expected: "an array" });
            }
        };
        if items.is_empty() {
            return defaults.complete(&request).map(Self::Single);
        }
        if items.len() > MAX_EVALUATIONS {
            return Err(AuthzenError::TooManyEvaluations { found: items.len(), limit: MAX_EVALUATIONS });
        }
        let items = items
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                let mut item = Object::read(item, format!("/evaluations/{index}"))?;
                Parts::read(&mut item)?.or(&defaults).complete(&item)
            })
            .collect();
        Ok(Self::Batch(Evaluations { items, semantic }))
    }
}

/// The items of a batch, in the order of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluations {
    /// At least one, at most [`MAX_EVALUATIONS`]. An item that cannot be evaluated is denied with its reason.
    pub items: Vec<Result<Evaluation, AuthzenError>>,
    /// When to stop.
    pub semantic: Semantic,
}

impl Evaluations {
    /// Decides the items in order, as far as the semantic goes: the answer ends with the item that ended the batch.
    pub fn answer(
        &self,
        mut decide: impl FnMut(Result<&Evaluation, &AuthzenError>) -> EvaluationResponse,
    ) -> EvaluationsResponse {
        let mut evaluations = Vec::new();
        for item in &self.items {
            let response = decide(item.as_ref());
            let stop = self.semantic.stops_after(response.decision());
            evaluations.push(response);
            if stop {
                break;
            }
        }
        EvaluationsResponse { evaluations }
    }
}

/// When a batch ends before its last item (7.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Semantic {
    /// Never. What a request without the option means.
    #[default]
    ExecuteAll,
    /// After the first denial, or item that cannot be evaluated.
    DenyOnFirstDeny,
    /// After the first permit.
    PermitOnFirstPermit,
}

impl Semantic {
    /// Whether an item with this decision is the last one that is answered.
    pub fn stops_after(self, decision: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !decision,
            Self::PermitOnFirstPermit => decision,
        }
    }

    fn read(request: &mut Object) -> Result<Self, AuthzenError> {
        let Some(mut options) = request.object("options")? else {
            return Ok(Self::default());
        };
        match options.optional_string("evaluations_semantic")?.as_deref() {
            None | Some("execute_all") => Ok(Self::ExecuteAll),
            Some("deny_on_first_deny") => Ok(Self::DenyOnFirstDeny),
            Some("permit_on_first_permit") => Ok(Self::PermitOnFirstPermit),
            Some(other) => Err(AuthzenError::UnknownSemantic { found: other.chars().take(64).collect() }),
        }
    }
}

/// The Cedar type of the principal that a subject type means: `user` is `User` and `service_account` is
/// `ServiceAccount`, in any (ASCII) case. `None` for any other type: no principal has it, so nothing is permitted.
pub fn principal_type(subject_type: &str) -> Option<&'static str> {
    [("user", "User"), ("service_account", "ServiceAccount")]
        .into_iter()
        .find(|(name, _)| subject_type.eq_ignore_ascii_case(name))
        .map(|(_, cedar)| cedar)
}

/// The four parts of an evaluation, each of which may be left to a default.
#[derive(Default)]
struct Parts {
    subject: Option<Arc<Subject>>,
    action: Option<Arc<Action>>,
    resource: Option<Arc<Resource>>,
    context: Option<Arc<Attributes>>,
}

impl Parts {
    fn read(object: &mut Object) -> Result<Self, AuthzenError> {
        Ok(Self {
            subject: object.object("subject")?.map(Subject::read).transpose()?.map(Arc::new),
            action: object.object("action")?.map(Action::read).transpose()?.map(Arc::new),
            resource: object.object("resource")?.map(Resource::read).transpose()?.map(Arc::new),
            context: object.attributes("context")?.map(Arc::new),
        })
    }

    fn or(self, defaults: &Self) -> Self {
        Self {
            subject: self.subject.or_else(|| defaults.subject.clone()),
            action: self.action.or_else(|| defaults.action.clone()),
            resource: self.resource.or_else(|| defaults.resource.clone()),
            context: self.context.or_else(|| defaults.context.clone()),
        }
    }

    /// The evaluation; `object` is where what is missing should be.
    fn complete(self, object: &Object) -> Result<Evaluation, AuthzenError> {
        Ok(Evaluation {
            subject: self.subject.ok_or_else(|| object.missing("subject"))?,
            action: self.action.ok_or_else(|| object.missing("action"))?,
            resource: self.resource.ok_or_else(|| object.missing("resource"))?,
            context: self.context.unwrap_or_default(),
        })
    }
}

impl Subject {
    pub(super) fn read(mut object: Object) -> Result<Self, AuthzenError> {
        Ok(Self {
            r#type: object.string("type")?,
            id: object.string("id")?,
            properties: object.attributes("properties")?.unwrap_or_default(),
        })
    }
}

impl Action {
    pub(super) fn read(mut object: Object) -> Result<Self, AuthzenError> {
        Ok(Self { name: object.string("name")?, properties: object.attributes("properties")?.unwrap_or_default() })
    }
}

impl Resource {
    pub(super) fn read(mut object: Object) -> Result<Self, AuthzenError> {
        Ok(Self {
            r#type: object.string("type")?,
            id: object.string("id")?,
            properties: object.attributes("properties")?,
        })
    }
}

/// A JSON object of the request, from which known fields are taken; what is left is unknown and ignored.
pub(crate) struct Object {
    fields: Map<String, Value>,
    pointer: String,
}

impl Object {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, AuthzenError> {
        Self::read(json::read(body)?, String::new())
    }

    fn read(value: Value, pointer: String) -> Result<Self, AuthzenError> {
        match value {
            Value::Object(fields) => Ok(Self { fields, pointer }),
            _ => Err(AuthzenError::WrongType { pointer, expected: "an object" }),
        }
    }

    /// The pointer to a field; our own names hold nothing that a pointer would escape.
    fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.pointer)
    }

    pub(crate) fn missing(&self, name: &str) -> AuthzenError {
        AuthzenError::MissingField { pointer: self.at(name) }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name)
    }

    pub(crate) fn string(&mut self, name: &str) -> Result<String, AuthzenError> {
        self.optional_string(name)?.ok_or_else(|| self.missing(name))
    }

    pub(crate) fn optional_string(&mut self, name: &str) -> Result<Option<String>, AuthzenError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(AuthzenError::WrongType { pointer: self.at(name), expected: "a string" }),
        }
    }

    pub(crate) fn optional_integer(&mut self, name: &str) -> Result<Option<u64>, AuthzenError> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match value.as_u64() {
            Some(number) => Ok(Some(number)),
            None => Err(AuthzenError::WrongType { pointer: self.at(name), expected: "a non-negative integer" }),
        }
    }

    pub(crate) fn object(&mut self, name: &str) -> Result<Option<Self>, AuthzenError> {
        self.take(name).map(|value| Self::read(value, self.at(name))).transpose()
    }

    pub(crate) fn required_object(&mut self, name: &str) -> Result<Self, AuthzenError> {
        self.object(name)?.ok_or_else(|| self.missing(name))
    }

    pub(crate) fn attributes(&mut self, name: &str) -> Result<Option<Attributes>, AuthzenError> {
        let Some(object) = self.object(name)? else {
            return Ok(None);
        };
        if object.fields.values().any(|value| !within(value, MAX_ATTRIBUTE_DEPTH - 1)) {
            return Err(AuthzenError::TooDeep { pointer: object.pointer, limit: MAX_ATTRIBUTE_DEPTH });
        }
        Ok(Some(object.fields))
    }
}

/// Whether a value has at most so many levels of arrays and objects. Its depth is bounded: it was read by `json`.
fn within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| within(item, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|field| within(field, levels - 1)),
        _ => true,
    }
}
