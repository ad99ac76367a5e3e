//! Who may call what: a route cannot be stated without saying what it needs.

use std::future::Future;
use std::pin::Pin;

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
            if !essence.eq_ignore_ascii_case("application/json") {
                return Err(ApiError::UnsupportedMediaType);
            }
        }
        self.body()
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
        }
    }
}
