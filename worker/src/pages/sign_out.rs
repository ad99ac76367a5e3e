//! `/sign-out`: the session of this browser ends. Its button stands on all pages of who is signed in; the page is for whoever
//! comes from an application that they have left.

use serde_json::Map;

use super::form::{CSRF, Filled};
use super::page::{self, Page};
use super::visit::{Visit, with_cookies};
use crate::administration::OWN_SCOPE;
use crate::app::App;
use crate::authenticate::Caller;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// The page.
pub struct SignOut;

impl Page for SignOut {
    const PATH: &'static str = "/sign-out";
    const NAME: &'static str = "sign_out";
    const IS_OWN: bool = true;
    const TEMPLATE: &'static str = r#"<p>{{t "sign_out.why"}}</p>
<form class="form" method="post" action="/sign-out">{{> hidden}}<button>{{t "sign_out"}}</button></form>"#;
}

/// The page, and what all buttons do.
pub fn routes() -> Vec<Route> {
    let mut routes = page::routes::<SignOut>();
    routes.push(Route {
        method: "POST",
        path: SignOut::PATH,
        access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(sign_out(app, call, caller))),
    });
    routes
}

async fn sign_out(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let visit = Visit::own(app, call, &caller).await?;
    if !visit.is_ours(SignOut::PATH, Filled::read(call)?.text(CSRF)) {
        return Err(ApiError::CrossSite);
    }
    let answer = visit.post("/v1/auth/sign-out", Map::new()).await?;
    Ok(with_cookies(visit.go("/sign-in?done=signed_out"), &answer))
}
