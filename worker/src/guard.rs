//! Who may call what: a route cannot be stated without saying what it needs.

use std::future::Future;
use std::pin::Pin;

use parapet::model::json;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::administration::Actor;
use crate::app::App;
use crate::authenticate::{Caller, caller};
use crate::error::ApiError;
use crate::request::{Body, LONGEST_BODY, Request};
use crate::response::Response;

/// What a handler becomes.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + 'a>>;

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
    /// An API key with this scope.
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
}

impl Call {
    /// The body.
    pub fn body(&self) -> Result<&[u8], ApiError> {
        match &self.request.body {
            Body::Bytes(bytes) if bytes.len() <= LONGEST_BODY => Ok(bytes),
            _ => Err(ApiError::TooLarge { limit: LONGEST_BODY }),
        }
    }

    /// The body, which must be JSON by its header where it has one.
    pub fn json(&self) -> Result<&[u8], ApiError> {
        if let Some(media_type) = self.request.header("content-type") {
            let essence = media_type.split(';').next().unwrap_or_default().trim();
            if !essence.eq_ignore_ascii_case("application/json")
                && !essence.eq_ignore_ascii_case("application/merge-patch+json")
            {
                return Err(ApiError::UnsupportedMediaType);
            }
        }
        self.body()
    }

    /// The body as a JSON object; refused where a key stands in it twice.
    pub fn object(&self) -> Result<Map<String, Value>, ApiError> {
        let malformed =
            |detail: String| ApiError::Malformed { code: "request.not_json".to_owned(), detail, findings: Vec::new() };
        let text = std::str::from_utf8(self.json()?).map_err(|_| malformed("the body is not UTF-8".to_owned()))?;
        match json::parse(text) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(malformed("the body must be a JSON object".to_owned())),
            Err(error) => Err(malformed(format!("the body is not JSON: {error}"))),
        }
    }

    /// What stands in the path for `{id}`, which is a UUID; 404 where it is none.
    pub fn row_id(&self) -> Result<Uuid, ApiError> {
        Uuid::try_parse(self.parameter("id")).map_err(|_| ApiError::NotFound)
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
                let caller = caller(app, &call.request).await?;
                if !caller.has_scope(scope) {
                    return Err(ApiError::MissingScope { scope });
                }
                handler(app, call, caller).await
            }
            Self::ScopeOrPermission(scope, action, handler) => {
                let caller = caller(app, &call.request).await?;
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
