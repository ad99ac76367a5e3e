//! `POST /v1/token/introspect`: whether a token counts now, and what it says (RFC 7662).

use serde_json::{Value, json};

use super::asked::Asked;
use crate::app::App;
use crate::authenticate::{Caller, For, verified};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// Needed to ask about tokens.
pub const SCOPE: &str = "token:introspect";

/// What is asked about a token.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/token/introspect",
        access: Access::Scope(SCOPE, |app, call, caller| Box::pin(introspect(app, call, caller))),
    }]
}

/// Of what does not count nothing is said, not even why (RFC 7662, section 2.2).
async fn introspect(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let asked = Asked::read(call)?;
    let claims = verified(app, &call.request, asked.required("token")?, For::Anybody).await?;
    let Some(claims) = claims.filter(|claims| claims.tenant == caller.standing.tenant) else {
        return Response::json(&json!({ "active": false }));
    };
    let mut answer = claims.to_json();
    answer.insert("active".to_owned(), Value::Bool(true));
    answer.insert("token_type".to_owned(), json!("Bearer"));
    Response::json(&answer)
}
