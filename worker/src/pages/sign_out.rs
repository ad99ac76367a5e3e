//! `POST /sign-out`: the session of this browser ends.

use serde_json::Map;

use super::form::{CSRF, Filled};
use super::visit::{Visit, with_cookies};
use crate::administration::OWN_SCOPE;
use crate::app::App;
use crate::authenticate::Caller;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// There is no page: the button stands on all others.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/sign-out",
        access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(sign_out(app, call, caller))),
    }]
}

async fn sign_out(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let visit = Visit::own(app, call, &caller).await?;
    if !visit.is_ours("/sign-out", Filled::read(call)?.text(CSRF)) {
        return Err(ApiError::CrossSite);
    }
    let answer = visit.post("/v1/auth/sign-out", Map::new()).await?;
    Ok(with_cookies(visit.go("/sign-in?done=signed_out"), &answer))
}
