//! The Search requests and their response (section 8).

use super::AuthzenError;
use super::request::{Action, Attributes, Object, Resource, Subject};
use serde::Serialize;

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
    pub page: Page,
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
    pub page: Page,
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
    pub page: Page,
}

/// Which page of the results is asked for (8.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The `next_token` of the page before; `None` for the first page. An empty token is none.
    pub token: Option<String>,
    /// At most so many results, if the caller says.
    pub limit: Option<u64>,
}

impl SubjectSearch {
    /// Reads the body of a Subject Search request (8.4.1).
    ///
    /// # Errors
    /// Any [`AuthzenError`] but `UnknownSemantic` and `TooManyEvaluations`.
    pub fn parse(body: &[u8]) -> Result<Self, AuthzenError> {
        let mut request = Object::parse(body)?;
        let mut subject = request.required_object("subject")?;
        Ok(Self {
            subject_type: subject.string("type")?,
            subject_properties: subject.attributes("properties")?.unwrap_or_default(),
            action: Action::read(request.required_object("action")?)?,
            resource: Resource::read(request.required_object("resource")?)?,
            context: request.attributes("context")?.unwrap_or_default(),
            page: Page::read(&mut request)?,
        })
    }
}

impl ResourceSearch {
    /// Reads the body of a Resource Search request (8.5.1).
    ///
    /// # Errors
    /// Any [`AuthzenError`] but `UnknownSemantic` and `TooManyEvaluations`.
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
            page: Page::read(&mut request)?,
        })
    }
}

impl ActionSearch {
    /// Reads the body of an Action Search request (8.6.1).
    ///
    /// # Errors
    /// Any [`AuthzenError`] but `UnknownSemantic` and `TooManyEvaluations`.
    pub fn parse(body: &[u8]) -> Result<Self, AuthzenError> {
        let mut request = Object::parse(body)?;
        Ok(Self {
            subject: Subject::read(request.required_object("subject")?)?,
            resource: Resource::read(request.required_object("resource")?)?,
            context: request.attributes("context")?.unwrap_or_default(),
            page: Page::read(&mut request)?,
        })
    }
}

impl Page {
    fn read(request: &mut Object) -> Result<Self, AuthzenError> {
        let Some(mut page) = request.object("page")? else {
            return Ok(Self::default());
        };
        let token = page.optional_string("token")?.filter(|token| !token.is_empty());
        Ok(Self { token, limit: page.optional_integer("limit")? })
    }
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
