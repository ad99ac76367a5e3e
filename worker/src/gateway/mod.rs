//! The gateway: requests to a tenant's applications are decided here, and passed on or refused.
//!
//! `host.rs` says which application a host is, `judge.rs` decides, `forward.rs` says what the application is sent, and the
//! platform sends it. What an application is asked is never buffered, unless its rule reads the body.

mod application;
mod forward;
mod forward_auth;
mod handoff;
mod host;
mod judge;
mod principal;
mod refusal;

pub use application::{Application, Known};
pub use forward::Forward;

use std::cell::OnceCell;

use parapet::model::DecisionCaller;

use crate::app::{App, Config};
use crate::authenticate::Host;
use crate::error::ApiError;
use crate::guard::{Call, Route};
use crate::request::Request;
use crate::response::Response;

/// What is administered of it.
pub fn routes() -> Vec<Route> {
    host::routes()
}

/// What browsers and other servers are led through, and is no part of the API.
pub fn beside() -> Vec<Route> {
    [handoff::routes(), forward_auth::routes()].into_iter().flatten().collect()
}

/// Whether a host could be an application's: it is neither the service's nor under it. Only there it is worth asking.
pub fn may_be(request: &Request, config: &Config) -> Option<String> {
    match Host::of(request, config.base_domain.as_deref()) {
        Host::Named(name) if parapet::model::is_gateway_host(&name) => Some(name),
        _ => None,
    }
}

/// What became of a request.
pub enum Answer {
    /// The host is an application's.
    Of(Response),
    /// It is not: the request goes on to the routes.
    Not(Request),
}

/// Answers a request whose host is an application's.
pub async fn answer(app: &App, request: Request, id: &str) -> Answer {
    // A service that is not configured has nobody behind it; the routes say what is wrong.
    let Some(host) = app.config().ok().and_then(|config| may_be(&request, config)) else {
        return Answer::Not(request);
    };
    let application = match Application::of(app, &request, &host).await {
        Ok(Some(application)) => application,
        Ok(None) => return Answer::Not(request),
        Err(error) => return Answer::Of(error.respond(id)),
    };
    let call = Call { id: id.to_owned(), parameters: Vec::new(), request, caller: OnceCell::new() };
    let response = pass(app, &application, &call).await;
    let response = response.unwrap_or_else(|error| refusal::refused(app, &application, &call, &error));
    Answer::Of(if application.stale { response.with("x-parapet-stale", "true") } else { response })
}

/// Decides, and says what is passed on.
async fn pass(app: &App, application: &Application, call: &Call) -> Result<Response, ApiError> {
    if forward_auth::is_asked(&call.request) {
        return forward_auth::answer(app, call).await;
    }
    if handoff::is_ours(&call.request.path) {
        return handoff::answer(app, application, call).await;
    }
    // Another server passes on what is decided for it; here nothing leads to it.
    let Some(origin) = &application.origin else { return Err(ApiError::NotFound) };
    let passed = judge::judge(app, application, call, DecisionCaller::Gateway).await?;
    forward::forward(app, application, origin, call, passed).await
}
