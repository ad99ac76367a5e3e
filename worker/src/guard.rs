//! Who may call what: a route cannot be stated without saying what it needs.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use parapet::Finding;
use parapet::model::json;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::administration::Actor;
use crate::app::App;
use crate::authenticate::{Caller, Standing, caller};
use crate::error::ApiError;
use crate::request::{Body, LONGEST_BODY, Request};
use crate::response::Response;

/// What a handler becomes.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + 'a>>;

/// So many arrays and objects lie in each other at most. What is kept lies deeper, in audit rows and events, and must be
/// read back from there by a parser that stops at 128.
const DEEPEST: usize = 64;

/// Answers anybody.
pub type PublicHandler = for<'a> fn(&'a App, &'a Call) -> Answer<'a>;

/// Answers a caller who holds what the route needs.
pub type GuardedHandler = for<'a> fn(&'a App, &'a Call, Caller) -> Answer<'a>;

/// Answers somebody who may administer.
pub type AdminHandler = for<'a> fn(&'a App, &'a Call, Actor) -> Answer<'a>;

/// One method of one path.
pub struct Route {
    /// The method, in capitals.
    pub method: &'static str,
    /// The path; `{name}` stands for one segment.
    pub path: &'static str,
    /// What it needs, and what answers.
    pub access: Access,
}

/// What a route needs, with the handler that relies on it.
#[derive(Clone, Copy)]
pub enum Access {
    /// Nothing.
    Public(PublicHandler),
    /// An API key with this scope, or a session that has it.
    Scope(&'static str, GuardedHandler),
    /// An API key with this scope, or one that may administer, of somebody who is allowed this action.
    ScopeOrPermission(&'static str, &'static str, GuardedHandler),
    /// An API key that may administer, of somebody to whom the tenant's own rules allow this action on `parapet`.
    Permission(&'static str, AdminHandler),
}

/// A request on its way to a handler.
pub struct Call {
    /// The request.
    pub request: Request,
    /// Its id, in the answer and in the log.
    pub id: String,
    /// What stands in the path for each `{name}`.
    pub parameters: Vec<(String, String)>,
    /// Whose it is, once that is known.
    pub caller: OnceCell<Rc<Standing>>,
}

impl Call {
    /// Whose it is. The first word counts: a caller that is asked for anew is the same one.
    pub fn is_of(&self, caller: &Caller) {
        self.caller.get_or_init(|| caller.standing.clone());
    }

    /// The body.
    pub fn body(&self) -> Result<&[u8], ApiError> {
        match &self.request.body {
            Body::Bytes(bytes) if bytes.len() <= LONGEST_BODY => Ok(bytes),
            _ => Err(ApiError::TooLarge { limit: LONGEST_BODY }),
        }
    }

    /// The body, which must be JSON by its header where it has one.
    pub fn json(&self) -> Result<&[u8], ApiError> {
        self.body_as(&["application/json", "application/merge-patch+json"])
    }

    /// The body, which must be of one of these media types by its header where it has one.
    pub fn body_as(&self, media_types: &[&str]) -> Result<&[u8], ApiError> {
        if let Some(media_type) = self.request.header("content-type") {
            let essence = media_type.split(';').next().unwrap_or_default().trim();
            if !media_types.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
                return Err(ApiError::UnsupportedMediaType);
            }
        }
        self.body()
    }

    /// The body as a JSON object; refused where a key stands in it twice.
    pub fn object(&self) -> Result<Map<String, Value>, ApiError> {
        Self::read_object(self.json()?)
    }

    /// The same, of one of these media types.
    pub fn object_as(&self, media_types: &[&str]) -> Result<Map<String, Value>, ApiError> {
        Self::read_object(self.body_as(media_types)?)
    }

    fn read_object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
        object(body).map_err(|wrong| ApiError::malformed("request.not_json", format!("the body {wrong}")))
    }

    /// What stands in the path for `{id}`, which is a UUID; 404 where it is none.
    pub fn row_id(&self) -> Result<Uuid, ApiError> {
        self.id_at("id")
    }

    /// What stands in the path for `{name}`, which is a UUID; 404 where it is none.
    pub fn id_at(&self, name: &str) -> Result<Uuid, ApiError> {
        // Other spellings (without hyphens, in braces) would give one row two addresses.
        let id = self.parameter(name);
        Uuid::try_parse(id).ok().filter(|_| id.len() == 36).ok_or(ApiError::NotFound)
    }

    /// Refuses a query, where the route has no parameters in it: what is asked for would not be done.
    pub fn no_query(&self) -> Result<(), ApiError> {
        let unknown = |(name, _): (String, String)| {
            Finding::error("query", "query.unknown", format!("there is no parameter `{name}`")).field(name)
        };
        let findings: Vec<Finding> = self.query().into_iter().map(unknown).collect();
        if findings.is_empty() {
            return Ok(());
        }
        let detail = "the query is not valid".to_owned();
        Err(ApiError::Malformed { code: "query.invalid".to_owned(), detail, findings })
    }

    /// What stands in the path for `{name}`, percent-decoded (RFC 3986, section 2.1); 404 where it is no text.
    pub fn decoded(&self, name: &str) -> Result<String, ApiError> {
        let decoded = percent_encoding::percent_decode_str(self.parameter(name)).decode_utf8();
        decoded.map(Cow::into_owned).map_err(|_| ApiError::NotFound)
    }

    /// Refuses a body that says anything: the path alone says what is to be done.
    pub fn says_nothing(&self) -> Result<(), ApiError> {
        self.no_query()?;
        let body = if self.body()?.is_empty() { Map::new() } else { self.object()? };
        let finding = |name: &String| {
            Finding::error("request", "request.unknown_field", format!("there is no field `{name}`"))
                .field(name.as_str())
        };
        let findings: Vec<Finding> = body.keys().map(finding).collect();
        if findings.is_empty() { Ok(()) } else { Err(ApiError::Invalid { findings }) }
    }

    /// The parameters behind the `?`, in their order.
    pub fn query(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.request.query.as_bytes()).into_owned().collect()
    }

    /// What stands in the path for `{name}`.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(its, _)| its == name).map_or("", |(_, value)| value)
    }
}

impl Access {
    /// Lets the call through to its handler, if it may.
    pub async fn pass(&self, app: &App, call: &Call) -> Result<Response, ApiError> {
        match self {
            Self::Public(handler) => handler(app, call).await,
            Self::Scope(scope, handler) => {
                let caller = caller(app, call).await?;
                if !caller.has_scope(scope) {
                    return Err(ApiError::MissingScope { scope });
                }
                handler(app, call, caller).await
            }
            Self::ScopeOrPermission(scope, action, handler) => {
                let caller = caller(app, call).await?;
                let caller =
                    if caller.has_scope(scope) { caller } else { Actor::admit(app, call, action).await?.caller };
                handler(app, call, caller).await
            }
            Self::Permission(action, handler) => {
                let actor = Actor::admit(app, call, action).await?;
                handler(app, call, actor).await
            }
        }
    }
}

/// A JSON object in which no key stands twice; otherwise what it is that it is not.
pub fn object(text: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "is not UTF-8".to_owned())?;
    match json::parse(text) {
        Ok(value) if !is_within(&value, DEEPEST) => Err(format!("is nested deeper than {DEEPEST} arrays and objects")),
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("must be a JSON object".to_owned()),
        Err(error) => Err(format!("is not JSON: {error}")),
    }
}

/// Whether arrays and objects lie in each other no deeper than `levels`.
fn is_within(value: &Value, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return !value.is_array() && !value.is_object() };
    match value {
        Value::Array(items) => items.iter().all(|item| is_within(item, inner)),
        Value::Object(object) => object.values().all(|item| is_within(item, inner)),
        _ => true,
    }
}
