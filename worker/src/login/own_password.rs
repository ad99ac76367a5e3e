//! `POST /v1/me/password`: one's own password becomes another, by showing the one of before.

use parapet::model::{Secret, User};

use super::new_password::{self, Account};
use super::proof::prove;
use super::sent::Sent;
use super::sign_in;
use super::site::Site;
use crate::administration::{Author, OWN_SCOPE, enact};
use crate::app::App;
use crate::authenticate::{Caller, Credential};
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::me::Me;
use crate::response::Response;

/// Changing it.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/me/password",
        access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(answer(app, call, caller))),
    }]
}

async fn answer(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let me = Me::of(&caller)?;
    let mut sent = Sent::of(call)?;
    let (current, new) = (sent.secret("current_password"), sent.secret("new_password"));
    sent.done()?;
    change(app, call, &me, caller.standing.credential, &current, &new).await?;
    Ok(Response { status: 204, ..Response::default() })
}

/// Changes it; the session that this comes with stays, and all others end.
pub async fn change(
    app: &App,
    call: &Call,
    me: &Me,
    credential: Credential,
    current: &Secret,
    new: &Secret,
) -> Result<(), ApiError> {
    let site = Site::of_tenant(app, me.tenant).await?;
    let (user, counted) = prove(app, call, &site, me, current, "current_password").await?;
    let account = Account::read(app, me.tenant, me.user).await?.ok_or(ApiError::NotFound)?;
    let chosen = account.choose(app, &site, new, "new_password").await?;
    let keep = credential.session();
    let author = Author::user(call, me.user, Some(credential));
    let read = new_password::read_again(me.tenant, me.user);
    enact(app, &author, me.tenant, vec![read], |now, answers| {
        let before = rows::<User>(answers.into_iter().next().unwrap_or_default())?.pop();
        // Whoever changed it meanwhile, or locked the account, comes first.
        let is_same = |before: &User| before.may_act() && before.password_hash == user.password_hash;
        let before = before.filter(is_same).ok_or_else(sign_in::refused)?;
        let after = new_password::with(&before, &chosen, now);
        let mut deed = new_password::deed(&site, call, &before, &after, &chosen, "password_changed", keep);
        deed.statements.extend(counted.forget());
        Ok((deed, ()))
    })
    .await
}
