//! `POST /v1/auth/password`: the password that must become another before there is a session, since an administrator said so
//! or the tenant lets none grow older.

use parapet::model::{Secret, Timestamp, User};

use super::flow::{Flow, LIFETIME};
use super::new_password::{self, Account};
use super::sent::Sent;
use super::sign_in::{self, Pending, Proving, Step};
use super::site::Site;
use crate::administration::{Author, enact};
use crate::app::App;
use crate::cookie;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// What a flow is for that goes on with a new password.
const NEW_PASSWORD: &str = "sign_in.new_password";

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The step.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/auth/password",
        access: Access::Public(|app, call| Box::pin(answer(app, call))),
    }]
}

/// Whether whoever signs in with their password must change it first.
pub fn is_due(site: &Site, user: &User, pending: &Pending, now: Timestamp) -> bool {
    let days = site.number("password_max_age_days");
    let since = user.password_changed_at.unwrap_or(user.created_at);
    let is_old = days > 0 && now >= since.plus_millis(days.saturating_mul(DAY));
    let by_password = pending.amr.iter().any(|method| method == "pwd");
    pending.proving == Proving::First && by_password && (user.force_password_change || is_old)
}

/// The step that goes on with a new password.
pub async fn begin(app: &App, site: &Site, user: &User, pending: &Pending) -> Result<Step, ApiError> {
    let now = app.clock.now();
    let (flow, statement) = Flow::begin(site, Some(user.id), NEW_PASSWORD, pending, now)?;
    app.db.batch(vec![statement]).await.map_err(ApiError::database)?;
    Ok(Step::NewPassword { flow, expires_at: now.plus_millis(LIFETIME) })
}

async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    let mut sent = Sent::of(call)?;
    let (flow, new) = (sent.text("flow"), sent.secret("new_password"));
    let wants_token = sent.wants_token();
    sent.done()?;
    cookie::is_no_stranger(&call.request)?;
    let site = Site::of(app, call).await?;
    step(app, call, &site, &flow, &new).await?.respond(wants_token)
}

/// Sets the new password and begins the session. One that is not good enough ends nothing: it is no guess at a secret.
pub async fn step(app: &App, call: &Call, site: &Site, flow: &str, new: &Secret) -> Result<Step, ApiError> {
    let refused = sign_in::step_is_over;
    let flow = Flow::<Pending>::seen(app, site, NEW_PASSWORD, flow).await?.ok_or_else(refused)?;
    let account = match flow.user {
        Some(user) => Account::read(app, site.tenant.id, user).await?,
        None => None,
    };
    let account = account.filter(|account| account.user.may_act()).ok_or_else(refused)?;
    let chosen = account.choose(app, site, new, "new_password").await?;
    if !flow.end(app).await? {
        return Err(refused());
    }
    let author = Author::user(call, account.user.id, None);
    let read = new_password::read_again(site.tenant.id, account.user.id);
    let user = enact(app, &author, site.tenant.id, vec![read], |now, answers| {
        let before = rows::<User>(answers.into_iter().next().unwrap_or_default())?.pop();
        let is_same = |before: &User| before.may_act() && before.password_hash == account.user.password_hash;
        let before = before.filter(is_same).ok_or_else(refused)?;
        let after = new_password::with(&before, &chosen, now);
        Ok((new_password::deed(site, call, &before, &after, &chosen, "password_changed", None), after))
    })
    .await?;
    sign_in::finish(app, call, site, &user, &flow.state).await
}
