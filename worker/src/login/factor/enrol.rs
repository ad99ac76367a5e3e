//! `POST /v1/auth/enrol` and `…/confirm`: the factor that must be added before there is a session, since the tenant asks for
//! one.

use parapet::factor::backup_code::BackupCodes;
use parapet::model::{MfaDevice, Timestamp, User};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::check::Shown;
use super::enrolment::{self, Begun, Needs, Wanted};
use super::policy::Policy;
use super::proved::Proved;
use crate::administration::Author;
use crate::app::App;
use crate::cookie;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::Site;
use crate::login::flow::{Flow, LIFETIME};
use crate::login::sent::Sent;
use crate::login::sign_in::{Pending, Step, finish, step_is_over};
use crate::response::Response;

/// What a flow is for that goes on with a factor to be added.
const PURPOSE: &str = "sign_in.enrolment";

/// The two steps.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "POST",
            path: "/v1/auth/enrol",
            access: Access::Public(|app, call| Box::pin(answer_begin(app, call))),
        },
        Route {
            method: "POST",
            path: "/v1/auth/enrol/confirm",
            access: Access::Public(|app, call| Box::pin(answer(app, call))),
        },
    ]
}

/// What is waited for.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    proved: Proved,
    begun: Option<Begun>,
}

/// The step that goes on with a factor to be added.
pub async fn step(app: &App, site: &Site, user: &User, pending: Pending, policy: &Policy) -> Result<Step, ApiError> {
    let now = app.clock.now();
    let asked = Asked { proved: Proved::new(user, pending), begun: None };
    let (flow, statement) = Flow::begin(site, Some(user.id), PURPOSE, &asked, now)?;
    app.db.batch(vec![statement]).await.map_err(ApiError::database)?;
    Ok(Step::Enrolment { flow, methods: policy.methods().to_vec(), expires_at: now.plus_millis(LIFETIME) })
}

async fn answer_begin(app: &App, call: &Call) -> Result<Response, ApiError> {
    let mut sent = Sent::of(call)?;
    let (token, wanted) = (sent.text("flow"), Wanted::read(&mut sent));
    sent.done()?;
    cookie::is_no_stranger(&call.request)?;
    let site = Site::of(app, call).await?;
    let (needs, expires_at) = begin(app, call, &site, &token, &wanted).await?;
    let mut answer = needs.shown();
    if let Some(members) = answer.as_object_mut() {
        members.insert("flow".to_owned(), Value::from(token));
        members.insert("expires_at".to_owned(), json!(expires_at));
    }
    Response::json(&answer)
}

/// Begins to add it.
pub async fn begin(
    app: &App,
    call: &Call,
    site: &Site,
    token: &str,
    wanted: &Wanted,
) -> Result<(Needs, Timestamp), ApiError> {
    let mut flow = Flow::<Asked>::seen(app, site, PURPOSE, token).await?.ok_or_else(step_is_over)?;
    let user = flow.state.proved.user(app, site, flow.user).await?.ok_or_else(step_is_over)?;
    let (begun, needs) = enrolment::begin(app, call, site, &user, wanted).await?;
    flow.state.begun = Some(begun);
    app.db.batch(vec![flow.write()?]).await.map_err(ApiError::database)?;
    Ok((needs, flow.expires_at))
}

async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    let mut sent = Sent::of(call)?;
    let (token, shown) = (sent.text("flow"), enrolment::confirmation(&mut sent));
    let wants_token = sent.wants_token();
    sent.done()?;
    cookie::is_no_stranger(&call.request)?;
    let site = Site::of(app, call).await?;
    let (step, device, codes) = confirm(app, call, &site, &token, &shown).await?;
    let mut response = step.respond(wants_token)?;
    let mut body: Value = serde_json::from_slice(&response.body).map_err(ApiError::internal)?;
    if let (Some(members), Value::Object(more)) = (body.as_object_mut(), enrolment::shown(app, &device, codes.as_ref()))
    {
        members.extend(more);
    }
    response.body = serde_json::to_vec(&body).map_err(ApiError::internal)?;
    Ok(response)
}

/// Adds it, and goes on to the session.
pub async fn confirm(
    app: &App,
    call: &Call,
    site: &Site,
    token: &str,
    shown: &Shown,
) -> Result<(Step, MfaDevice, Option<BackupCodes>), ApiError> {
    let mut flow = Flow::<Asked>::tried(app, site, PURPOSE, token).await?.ok_or_else(step_is_over)?;
    let user = flow.state.proved.user(app, site, flow.user).await?.ok_or_else(step_is_over)?;
    let begun = flow.state.begun.take().ok_or_else(step_is_over)?;
    let (device, amr) = enrolment::confirm(app, call, site, &user, begun, shown)?;
    if !flow.end(app).await? {
        return Err(step_is_over());
    }
    let (device, codes) = enrolment::add(app, &Author::user(call, user.id, None), device).await?;
    let mut pending = flow.state.proved.pending;
    for word in amr.into_iter().chain(["mfa"]).map(str::to_owned) {
        if !pending.amr.contains(&word) {
            pending.amr.push(word);
        }
    }
    Ok((finish(app, call, site, &user, &pending).await?, device, codes))
}
