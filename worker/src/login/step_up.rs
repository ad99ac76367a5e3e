//! `POST /v1/auth/step-up`: who is signed in proves once more who they are, for what asks for a recent proof.
//!
//! The session stays the same row and gets another token: the one before opens nothing any more.

use parapet::Finding;
use parapet::model::{Secret, User};
use serde_json::Value;

use super::sign_in::{Proving, delivery, refuse_others, step};
use super::site::Site;
use crate::administration::OWN_SCOPE;
use crate::app::App;
use crate::authenticate::{Caller, Proof};
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::me::Me;
use crate::response::Response;

/// A proof is recent for so many milliseconds.
const RECENT: i64 = 15 * 60 * 1000;

/// Proving oneself again.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/auth/step-up",
        access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(step_up(app, call, caller))),
    }]
}

/// Refuses whoever has not proved lately who they are; a key proves nothing of the kind, and a token, which programs have,
/// not enough.
pub fn is_recent(app: &App, caller: &Caller) -> Result<(), ApiError> {
    let standing = &caller.standing;
    let proof = standing.proof.as_ref().filter(|_| standing.credential.session().is_some());
    let at = proof.map(|Proof { at, .. }| *at);
    if at.is_some_and(|at| app.clock.now() < at.plus_millis(RECENT)) { Ok(()) } else { Err(ApiError::StepUp) }
}

async fn step_up(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller)?;
    let session = caller.standing.credential.session().ok_or(ApiError::NotFound)?;
    let mut body = call.object()?;
    let mut findings = Vec::new();
    let password = match body.remove("password") {
        Some(Value::String(text)) => Secret::new(text),
        _ => {
            findings.push(Finding::error("request", "request.missing", "`password` is required").field("password"));
            Secret::new("")
        }
    };
    let wants_token = delivery(&mut body, &mut findings);
    refuse_others(&body, &mut findings);
    if !findings.is_empty() {
        return Err(ApiError::Invalid { findings });
    }
    let site = Site::of(app, call).await?;
    let read = select::<User>("tenant_id = ?1 AND id = ?2", me.tenant).bind(me.user);
    let user = rows::<User>(app.db.all(read).await.map_err(ApiError::database)?)?.pop().ok_or(ApiError::NotFound)?;
    step(app, call, &site, &user.email, &password, Proving::Again(session)).await?.respond(wants_token)
}
