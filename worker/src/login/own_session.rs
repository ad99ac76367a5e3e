//! One's own sessions: signing out, and `/v1/me/sessions`.

use parapet::model::{Timestamp, User, UserSession};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::administration::{Author, Deed, OWN_SCOPE, RowChange, enact};
use crate::app::App;
use crate::authenticate::Caller;
use crate::cookie;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::me::Me;
use crate::platform::db::{Row, Statement};
use crate::response::Response;

/// Signing out, the list, and ending one or all others.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "POST",
            path: "/v1/auth/sign-out",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(sign_out(app, call, caller))),
        },
        Route {
            method: "GET",
            path: "/v1/me/session",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(current(app, call, caller))),
        },
        Route {
            method: "GET",
            path: "/v1/me/sessions",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(list(app, call, caller))),
        },
        Route {
            method: "DELETE",
            path: "/v1/me/sessions/{id}",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(end_one(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/v1/me/sessions/end-others",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(end_others(app, call, caller))),
        },
    ]
}

/// Ends all sessions of a user but this.
const END_OTHERS: &str = "DELETE FROM user_session WHERE tenant_id = ?1 AND user_id = ?2 AND id IS NOT ?3";

/// `POST /v1/auth/sign-out`: the session that this comes with ends. A key is no session.
async fn sign_out(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let me = Me::of(&caller)?;
    let id = session_of(&caller).ok_or(ApiError::NotFound)?;
    end(app, call, &caller, &me, id).await?;
    Ok(Response { status: 204, ..Response::default() }.with("set-cookie", cookie::clear_session()))
}

/// `GET /v1/me/session`: the session that this comes with, and what its pages send along.
async fn current(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller)?;
    let id = session_of(&caller).ok_or(ApiError::NotFound)?;
    let found = of_user(app, &me).await?.into_iter().find(|session| session.id == id).ok_or(ApiError::NotFound)?;
    let mut shown = shown(&found, Some(id));
    if let (Some(members), Some(token)) = (shown.as_object_mut(), cookie::session(&call.request)) {
        members.insert("csrf_token".to_owned(), Value::from(cookie::csrf_token(&token)));
    }
    Response::json(&shown)
}

/// `GET /v1/me/sessions`, the newest first. No more than a tenant lets a user have.
async fn list(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller)?;
    let current = session_of(&caller);
    let items: Vec<Value> = of_user(app, &me).await?.iter().map(|session| shown(session, current)).collect();
    Response::json(&json!({ "items": items }))
}

/// Reads the sessions of a user that have not reached their end.
pub fn of(tenant: Uuid, user: Uuid, now: Timestamp) -> Statement {
    select::<UserSession>("tenant_id = ?1 AND user_id = ?2 AND expires_at > ?3", tenant).bind(user).bind(now)
}

/// What that gives, the newest first.
pub fn newest_first(found: Vec<Row>) -> Result<Vec<UserSession>, ApiError> {
    let mut sessions = rows::<UserSession>(found)?;
    sessions.reverse();
    Ok(sessions)
}

async fn of_user(app: &App, me: &Me) -> Result<Vec<UserSession>, ApiError> {
    let found = app.db.all(of(me.tenant, me.user, app.clock.now())).await.map_err(ApiError::database)?;
    newest_first(found)
}

/// A session as its user sees it.
pub fn shown(session: &UserSession, current: Option<Uuid>) -> Value {
    json!({
        "id": session.id,
        "device_info": session.device_info,
        "ip_address": session.ip_address,
        "amr": session.amr,
        "auth_time": session.auth_time,
        "created_at": session.created_at,
        "last_accessed_at": session.last_accessed_at,
        "expires_at": session.expires_at,
        "is_current": current == Some(session.id),
    })
}

/// `DELETE /v1/me/sessions/{id}`.
async fn end_one(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let me = Me::of(&caller)?;
    end(app, call, &caller, &me, call.row_id()?).await?;
    let response = Response { status: 204, ..Response::default() };
    let is_own = session_of(&caller) == Some(call.row_id()?);
    Ok(if is_own { response.with("set-cookie", cookie::clear_session()) } else { response })
}

async fn end(app: &App, call: &Call, caller: &Caller, me: &Me, id: Uuid) -> Result<(), ApiError> {
    let author = Author::user(call, me.user, Some(caller.standing.credential));
    let read = select::<UserSession>("tenant_id = ?1 AND user_id = ?2 AND id = ?3", me.tenant).bind(me.user).bind(id);
    enact(app, &author, me.tenant, vec![read], |_, answers| {
        let session = rows::<UserSession>(answers.into_iter().next().unwrap_or_default())?.pop();
        let session = session.ok_or(ApiError::NotFound)?;
        Ok((Deed { changes: vec![RowChange::remove_beside(&session, "ended")], ..Deed::default() }, ()))
    })
    .await
}

/// `POST /v1/me/sessions/end-others`: all but the session that this comes with; all, where it is none.
async fn end_others(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let me = Me::of(&caller)?;
    let author = Author::user(call, me.user, Some(caller.standing.credential));
    let keep = session_of(&caller);
    let read = select::<User>("tenant_id = ?1 AND id = ?2", me.tenant).bind(me.user);
    enact(app, &author, me.tenant, vec![read], |_, answers| {
        let user = rows::<User>(answers.into_iter().next().unwrap_or_default())?.pop();
        let user = user.ok_or(ApiError::NotFound)?;
        let statements = vec![Statement::new(END_OTHERS).bind(me.tenant).bind(me.user).bind(keep)];
        Ok((Deed { statements, changes: vec![RowChange::noted(Some(&user), Some(&user), "sessions_ended")] }, ()))
    })
    .await?;
    Ok(Response { status: 204, ..Response::default() })
}

fn session_of(caller: &Caller) -> Option<Uuid> {
    caller.standing.credential.session()
}
