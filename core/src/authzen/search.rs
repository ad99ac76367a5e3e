//! The Search requests, what they ask of the engine, and their response (section 8).

use super::request::{Action, Attributes, Object, Resource, Subject};
use super::{AuthzenError, Caller, Evaluation};
use crate::directory::EntityRef;
use crate::engine::{self, PageRequest, Request};
use serde::Serialize;
use std::sync::Arc;

/// Which subjects of a type may do this action to this resource? (8.4)
#[derive(Debug, Clone, PartialEq)]
pub struct SubjectSearch {
    /// The type of the subjects; an id in the request is ignored.
    pub subject_type: String,
    /// What the caller says of each subject.
    pub subject_properties: Attributes,
    /// What they want to do.
    pub action: Action,
    /// To what.
    pub resource: Resource,
    /// Under which circumstances.
    pub context: Attributes,
    /// Which page.
    pub page: PageRequest,
}

/// To which resources of a type may this subject do this action? (8.5)
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceSearch {
    /// Who.
    pub subject: Subject,
    /// What they want to do.
    pub action: Action,
    /// The type of the resources; an id in the request is ignored.
    pub resource_type: String,
    /// What the caller says of each resource.
    pub resource_properties: Option<Attributes>,
    /// Under which circumstances.
    pub context: Attributes,
    /// Which page.
    pub page: PageRequest,
}

/// Which actions may this subject do to this resource? (8.6)
#[derive(Debug, Clone, PartialEq)]
pub struct ActionSearch {
    /// Who.
    pub subject: Subject,
    /// To what.
    pub resource: Resource,
    /// Under which circumstances.
    pub context: Attributes,
    /// Which page.
    pub page: PageRequest,
}

impl SubjectSearch {
    /// Reads the body of a Subject Search request (8.4.1).
    ///
    /// # Errors
    /// Any [`AuthzenError`] but `UnknownSemantic`, `TooManyEvaluations` and `Page`.
    pub fn parse(body: &[u8]) -> Result<Self, AuthzenError> {
        let mut request = Object::parse(body)?;
        let mut subject = request.required_object("subject")?;
        Ok(Self {
            subject_type: subject.string("type")?,
            subject_properties: subject.attributes("properties")?.unwrap_or_default(),
            action: Action::read(request.required_object("action")?)?,
            resource: Resource::read(request.required_object("resource")?)?,
            context: request.attributes("context")?.unwrap_or_default(),
            page: read_page(&mut request)?,
        })
    }

    /// The request for [`Engine::search_subjects`](crate::Engine::search_subjects). The scopes of the caller's key are
    /// passed over: none of the subjects came with it.
    ///
    /// # Errors
    /// `UntrustedContext`.
    pub fn request(&self, caller: &Caller) -> Result<Request, AuthzenError> {
        let (r#type, properties) = (self.subject_type.clone(), self.subject_properties.clone());
        let subject = Subject { r#type, id: String::new(), properties };
        let caller = Caller { sets_context: caller.sets_context, scopes: None };
        request(subject, self.action.clone(), self.resource.clone(), &self.context, &caller)
    }
}

impl ResourceSearch {
    /// Reads the body of a Resource Search request (8.5.1).
    ///
    /// # Errors
    /// Any [`AuthzenError`] but `UnknownSemantic`, `TooManyEvaluations` and `Page`.
    pub fn parse(body: &[u8]) -> Result<Self, AuthzenError> {
        let mut request = Object::parse(body)?;
        let subject = Subject::read(request.required_object("subject")?)?;
        let action = Action::read(request.required_object("action")?)?;
        let mut resource = request.required_object("resource")?;
        Ok(Self {
            subject,
            action,
            resource_type: resource.string("type")?,
            resource_properties: resource.attributes("properties")?,
            context: request.attributes("context")?.unwrap_or_default(),
            page: read_page(&mut request)?,
        })
    }

    /// The request for [`Engine::search_resources`](crate::Engine::search_resources).
    ///
    /// # Errors
    /// `UntrustedContext`.
    pub fn request(&self, caller: &Caller) -> Result<Request, AuthzenError> {
        let (r#type, properties) = (self.resource_type.clone(), self.resource_properties.clone());
        let resource = Resource { r#type, id: String::new(), properties };
        request(self.subject.clone(), self.action.clone(), resource, &self.context, caller)
    }
}

impl ActionSearch {
    /// Reads the body of an Action Search request (8.6.1).
    ///
    /// # Errors
    /// Any [`AuthzenError`] but `UnknownSemantic`, `TooManyEvaluations` and `Page`.
    pub fn parse(body: &[u8]) -> Result<Self, AuthzenError> {
        let mut request = Object::parse(body)?;
        Ok(Self {
            subject: Subject::read(request.required_object("subject")?)?,
            resource: Resource::read(request.required_object("resource")?)?,
            context: request.attributes("context")?.unwrap_or_default(),
            page: read_page(&mut request)?,
        })
    }

    /// The request for [`Engine::search_actions`](crate::Engine::search_actions).
    ///
    /// # Errors
    /// `UntrustedContext`.
    pub fn request(&self, caller: &Caller) -> Result<Request, AuthzenError> {
        let action = Action { name: String::new(), properties: Attributes::new() };
        request(self.subject.clone(), action, self.resource.clone(), &self.context, caller)
    }
}

/// Which page of the results is asked for (8.2.1). An empty token is none.
fn read_page(request: &mut Object) -> Result<PageRequest, AuthzenError> {
    let Some(mut page) = request.object("page")? else {
        return Ok(PageRequest::default());
    };
    let token = page.optional_string("token")?.filter(|token| !token.is_empty());
    Ok(PageRequest { token, limit: page.optional_integer("limit")?, ..PageRequest::default() })
}

/// The engine's request of the parts, one of which is left open.
fn request(
    subject: Subject,
    action: Action,
    resource: Resource,
    context: &Attributes,
    caller: &Caller,
) -> Result<Request, AuthzenError> {
    let (subject, action, resource) = (Arc::new(subject), Arc::new(action), Arc::new(resource));
    Evaluation { subject, action, resource, context: Arc::new(context.clone()) }.request(caller)
}

/// A page of results (8.3): subjects and resources as `{"type", "id"}`, actions as `{"name"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SearchResponse {
    page: NextPage,
    results: Vec<Found>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct NextPage {
    /// Empty where this page is the last (8.2.2).
    next_token: String,
    count: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Found {
    Entity { r#type: String, id: String },
    Action { name: String },
}

impl SearchResponse {
    /// A page of subjects or resources, all of the type as the request named it.
    pub fn of_entities(r#type: &str, page: engine::Page<EntityRef>) -> Self {
        Self::entities(page.items.into_iter().map(|entity| (r#type.to_owned(), entity.id)), page.next)
    }

    /// A page of actions.
    pub fn of_actions(page: engine::Page<String>) -> Self {
        Self::actions(page.items, page.next)
    }

    /// Subjects or resources, by type and id. Without a next token the page is the last.
    pub fn entities(found: impl IntoIterator<Item = (String, String)>, next_token: Option<String>) -> Self {
        Self::new(found.into_iter().map(|(r#type, id)| Found::Entity { r#type, id }).collect(), next_token)
    }

    /// Actions, by name. Without a next token the page is the last.
    pub fn actions(found: impl IntoIterator<Item = String>, next_token: Option<String>) -> Self {
        Self::new(found.into_iter().map(|name| Found::Action { name }).collect(), next_token)
    }

    fn new(results: Vec<Found>, next_token: Option<String>) -> Self {
        Self { page: NextPage { next_token: next_token.unwrap_or_default(), count: results.len() }, results }
    }
}
