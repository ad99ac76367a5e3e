//! One's e-mail address: `POST /v1/me/email/verify` and `/v1/me/email` send links, `POST /v1/auth/email/confirm` follows one.
//!
//! Another address counts once both have confirmed it: the one that the account has, since whoever has it could come as
//! the user, and the other, since messages and rules go by it. Nobody learns here whether an address has an account.

use parapet::Finding;
use parapet::email_address::canonical;
use parapet::model::{Secret, User};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::link::{self, Link, Purpose, TO_CONFIRM};
use super::new_password;
use super::proof::prove;
use super::sent::Sent;
use super::site::Site;
use super::throttle::Try;
use crate::administration::{Author, Deed, OWN_SCOPE, RowChange, address, enact, fresh_id};
use crate::app::App;
use crate::authenticate::{Caller, Credential};
use crate::directory::membership;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::me::Me;
use crate::messaging::notification::event::minute;
use crate::messaging::notification::{Notices, Wanted, notify};
use crate::messaging::send;
use crate::platform::db::Statement;
use crate::response::Response;
use crate::{cookie, rate};

/// Sending and following links.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "POST",
            path: "/v1/me/email/verify",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(answer_verify(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/v1/me/email",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(answer_change(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/v1/auth/email/confirm",
            access: Access::Public(|app, call| Box::pin(answer_confirm(app, call))),
        },
    ]
}

const READ_OWNER: &str = "SELECT id FROM user WHERE tenant_id = ?1 AND email = ?2 AND deleted_at IS NULL";

/// The halves of a change that are confirmed.
const READ_CONFIRMED: &str = "
    SELECT purpose FROM one_time_link
    WHERE tenant_id = ?1 AND user_id = ?2 AND used_at IS NOT NULL AND json_extract(data, '$.change') = ?3";

/// Messages that are asked for to an address are counted, whoever has it.
async fn count(app: &App, call: &Call, site: &Site, address_of_it: &str) -> Result<(), ApiError> {
    let device = cookie::device(&call.request).map(|token| token.hash());
    let from = address(call).map(|ip| rate::network(ip).to_string());
    let tried = Try::asking(site, address_of_it, from, device, app.clock.now());
    let answers = app.db.batch(tried.statements()).await.map_err(ApiError::database)?;
    tried.read(&answers).map(drop).map_err(|wait| ApiError::TooManyRequests { retry_after: wait })
}

async fn answer_verify(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.says_nothing()?;
    verify(app, call, &Me::of(&caller)?, caller.standing.credential).await?;
    Ok(Response { status: 202, ..Response::default() })
}

/// Sends a link that confirms the address that the user has.
pub async fn verify(app: &App, call: &Call, me: &Me, credential: Credential) -> Result<(), ApiError> {
    let site = Site::of_tenant(app, me.tenant).await?;
    let read = new_password::read_again(me.tenant, me.user);
    let user = rows::<User>(app.db.all(read.clone()).await.map_err(ApiError::database)?)?.pop();
    let user = user.ok_or(ApiError::NotFound)?;
    if user.email_verified {
        let detail = "the address is confirmed already".to_owned();
        return Err(ApiError::Conflict { code: "user.email_verified", detail, findings: Vec::new() });
    }
    count(app, call, &site, &user.email).await?;
    enact(app, &Author::user(call, me.user, Some(credential)), me.tenant, vec![read], |now, answers| {
        let user = rows::<User>(answers.into_iter().next().unwrap_or_default())?.pop().ok_or(ApiError::NotFound)?;
        let statements = vec![
            link::forget_one(me.tenant, me.user, Purpose::VerifyEmail),
            link::wanted(me.tenant, me.user, Purpose::VerifyEmail, &Map::new(), TO_CONFIRM, now)?,
        ];
        let change = RowChange::noted(Some(&user), Some(&user), "email_verification_requested");
        Ok((Deed { statements, changes: vec![change] }, ()))
    })
    .await
}

async fn answer_change(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let me = Me::of(&caller)?;
    let mut sent = Sent::of(call)?;
    let (new, current) = (sent.text("new_email"), sent.secret("current_password"));
    sent.done()?;
    change(app, call, &me, caller.standing.credential, &new, &current).await?;
    Ok(Response { status: 202, ..Response::default() })
}

/// Asks both addresses whether the user's is to become this one. Where it is somebody's already, they are told, and nothing
/// comes of it.
pub async fn change(
    app: &App,
    call: &Call,
    me: &Me,
    credential: Credential,
    typed: &str,
    current: &Secret,
) -> Result<(), ApiError> {
    let refuse = |code, message: &str| ApiError::invalid(Finding::error("user", code, message).field("new_email"));
    let new = canonical(typed).ok_or_else(|| refuse("user.email", "it is no e-mail address"))?;
    let site = Site::of_tenant(app, me.tenant).await?;
    let (user, counted) = prove(app, call, &site, me, current, "current_password").await?;
    if user.email == new {
        return Err(refuse("user.email_same", "it is the address that you have"));
    }
    count(app, call, &site, &new).await?;
    let read = Statement::new(READ_OWNER).bind(me.tenant).bind(new.as_str());
    let owner = app.db.first(read).await.map_err(ApiError::database)?;
    let owner = owner.and_then(|row| row.get("id").and_then(Value::as_str)?.parse::<Uuid>().ok());
    let told = match owner {
        Some(user) => {
            notify(app, &Wanted { tenant: me.tenant, user: Some(user), purpose: "email.taken", ..Wanted::default() })
                .await?
        }
        None => Notices::default(),
    };
    let reads = vec![new_password::read_again(me.tenant, me.user)];
    let author = Author::user(call, me.user, Some(credential));
    enact(app, &author, me.tenant, reads, |now, answers| {
        let before = rows::<User>(answers.into_iter().next().unwrap_or_default())?.pop();
        let is_same = |before: &User| before.may_act() && before.password_hash == user.password_hash;
        let user = before.filter(is_same).ok_or(ApiError::NotFound)?;
        let data = Map::from_iter([
            ("change".to_owned(), json!(fresh_id(now)?)),
            ("new_email".to_owned(), Value::from(new.as_str())),
        ]);
        let mut statements = Vec::new();
        for purpose in [Purpose::LeaveEmail, Purpose::TakeEmail] {
            statements.push(link::forget_one(me.tenant, me.user, purpose));
            if purpose == Purpose::LeaveEmail || owner.is_none() {
                statements.push(link::wanted(me.tenant, me.user, purpose, &data, TO_CONFIRM, now)?);
            }
        }
        statements.extend(told.statements.iter().cloned());
        statements.extend(counted.forget());
        let change = RowChange::noted(Some(&user), Some(&user), "email_change_requested");
        Ok((Deed { statements, changes: vec![change] }, ()))
    })
    .await?;
    send(app, &told.messages).await;
    Ok(())
}

/// What a confirmation led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The address is confirmed; of a change, both are, and it is the account's now.
    Done,
    /// The other address of a change has still to confirm it.
    Waiting,
}

async fn answer_confirm(app: &App, call: &Call) -> Result<Response, ApiError> {
    let mut sent = Sent::of(call)?;
    let token = sent.text("token");
    sent.done()?;
    let site = Site::of(app, call).await?;
    let status = match confirm(app, call, &site, &token).await? {
        Confirmed::Done => "confirmed",
        Confirmed::Waiting => "waiting",
    };
    Response::json(&json!({ "status": status }))
}

/// Confirms an address, or one half of a change.
pub async fn confirm(app: &App, call: &Call, site: &Site, token: &str) -> Result<Confirmed, ApiError> {
    const PURPOSES: &[Purpose] = &[Purpose::VerifyEmail, Purpose::LeaveEmail, Purpose::TakeEmail];
    let tenant = site.tenant.id;
    let link = Link::seen(app, site, token, PURPOSES).await?;
    let user = link.user;
    let of_link = |name: &str| link.data.get(name).and_then(Value::as_str).map(str::to_owned);
    let (change, new_email) = (of_link("change"), of_link("new_email"));
    // Told at the address that it was, where it becomes another.
    let told = match &new_email {
        Some(new) => told_before(app, tenant, user, new).await?,
        None => Notices::default(),
    };
    let reads = vec![
        Link::read(site, token, app.clock.now())?,
        new_password::read_again(tenant, user),
        Statement::new(READ_CONFIRMED).bind(tenant).bind(user).bind(change),
        Statement::new(READ_OWNER).bind(tenant).bind(new_email.as_deref()),
    ];
    let author = Author::user(call, user, None);
    let (confirmed, is_changed) = membership::enact_following(app, &author, tenant, user, reads, |now, answers| {
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let link = Link::found(site, &next(), PURPOSES)?;
        let before = rows::<User>(next())?.pop().filter(User::may_act).ok_or_else(link::refused)?;
        let (halves, owner) = (next(), next());
        let mut deed = Deed { statements: vec![link.used(now)], changes: Vec::new() };
        let mut after = User { email_verified: true, updated_at: now, ..before.clone() };
        let Some(new) = &new_email else {
            deed.changes.push(RowChange::update(&before, &after, "email_verified"));
            return Ok((deed, after, (Confirmed::Done, false)));
        };
        let is_other =
            |row: &Map<String, Value>| row.get("purpose").and_then(Value::as_str) != Some(link.purpose.name());
        if !halves.iter().any(is_other) {
            deed.changes.push(RowChange::noted(Some(&before), Some(&before), "email_change_confirmed"));
            return Ok((deed, before, (Confirmed::Waiting, false)));
        }
        if !owner.is_empty() {
            return Err(link::refused());
        }
        after.email.clone_from(new);
        deed.statements.extend(link::forget(tenant, user));
        deed.statements.extend(told.statements.iter().cloned());
        deed.changes.push(RowChange::update(&before, &after, "email_changed"));
        Ok((deed, after, (Confirmed::Done, true)))
    })
    .await?;
    if is_changed {
        send(app, &told.messages).await;
    }
    Ok(confirmed)
}

async fn told_before(app: &App, tenant: Uuid, user: Uuid, new: &str) -> Result<Notices, ApiError> {
    let read = Statement::new("SELECT email FROM user WHERE tenant_id = ?1 AND id = ?2").bind(tenant).bind(user);
    let row = app.db.first(read).await.map_err(ApiError::database)?;
    let email = row.and_then(|row| row.get("email").and_then(Value::as_str).map(str::to_owned));
    let values = vec![("new_email", new.to_owned()), ("time", minute(app.clock.now()))];
    let wanted = Wanted { tenant, user: Some(user), purpose: "email.changed", values, email, ..Wanted::default() };
    notify(app, &wanted).await
}
