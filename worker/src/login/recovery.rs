//! A forgotten password: `POST /v1/auth/password-reset` asks for a way to a new one, `…/confirm` goes it, and
//! `POST /v1/users/{id}/reset-password` asks for it for somebody else.
//!
//! Asking says nothing of whether there is such an account, costs the same and writes the same. The way leads to the
//! address that the account has, whatever was typed; it sets a password and begins no session, so a second factor is asked
//! for all the same.

use parapet::model::{PasswordReset, Row as _, Secret, Timestamp, User};
use serde_json::{Map, json};
use uuid::Uuid;

use super::link::{self, Link, Purpose};
use super::new_password::{self, Account};
use super::sent::Sent;
use super::sign_in::READ_USER;
use super::site::Site;
use super::throttle::Try;
use crate::administration::{
    Actor, Author, Deed, Plan, RowChange, State, address, commit, enact, fresh_id, key, select_one,
};
use crate::app::App;
use crate::directory::membership;
use crate::directory::person::Person;
use crate::directory::user_state::conflict;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;
use crate::{cookie, rate};

const MINUTE: i64 = 60 * 1000;

/// Whatever a tenant has set, a way is good for no longer, in minutes.
const LONGEST: i64 = 60;

/// Asking, going the way, and asking for somebody else.
pub fn routes() -> Vec<Route> {
    let route = |path, access| Route { method: "POST", path, access };
    vec![
        route("/v1/auth/password-reset", Access::Public(|app, call| Box::pin(answer_request(app, call)))),
        route("/v1/auth/password-reset/confirm", Access::Public(|app, call| Box::pin(answer_confirm(app, call)))),
        route(
            "/v1/users/{id}/reset-password",
            Access::Permission("user.support", |app, call, actor| Box::pin(for_user(app, call, actor))),
        ),
    ]
}

/// Nothing is written where the user is nobody.
const INSERT: &str = "
    INSERT INTO password_reset (tenant_id, id, user_id, token, expires_at, used, created_at)
    SELECT ?1, ?2, ?3, NULL, ?4, 0, ?5 WHERE ?3 IS NOT NULL";

/// Of those that nobody was sent yet the newest is enough.
const FORGET_UNSENT: &str =
    "DELETE FROM password_reset WHERE tenant_id = ?1 AND user_id = ?2 AND token IS NULL AND used = 0";

async fn answer_request(app: &App, call: &Call) -> Result<Response, ApiError> {
    let mut sent = Sent::of(call)?;
    let name = sent.text("identifier");
    sent.done()?;
    cookie::is_no_stranger(&call.request)?;
    let site = Site::of(app, call).await?;
    request(app, call, &site, &name).await?;
    Ok(Response { status: 202, ..Response::default() })
}

/// Asks for a way to a new password for whoever has this name, if anybody has.
pub async fn request(app: &App, call: &Call, site: &Site, typed: &str) -> Result<(), ApiError> {
    let now = app.clock.now();
    let typed = typed.trim();
    let name = typed.to_lowercase();
    let device = cookie::device(&call.request).map(|token| token.hash());
    let from = address(call).map(|ip| rate::network(ip).to_string());
    let tried = Try::asking(site, typed, from, device, now);
    let mut reads = tried.statements();
    let counting = reads.len();
    reads.push(Statement::new(READ_USER).bind(site.tenant.id).bind(name.as_str()).bind(typed));
    let mut answers = app.db.batch(reads).await.map_err(ApiError::database)?;
    let found = answers.split_off(counting).into_iter().next().unwrap_or_default();
    let counted = tried.read(&answers).map_err(|wait| ApiError::TooManyRequests { retry_after: wait })?;
    let user = rows::<User>(found)?.pop().filter(|user| user.may_act() && !counted.is_early).map(|user| user.id);
    enact(app, &Author::stranger(call), site.tenant.id, Vec::new(), |now, _| {
        let row = Wanted::new(site, user, now)?;
        Ok((Deed { statements: row.statements(), changes: vec![row.change()] }, ()))
    })
    .await
}

/// A way that is to be sent, to somebody or to nobody.
struct Wanted {
    tenant: Uuid,
    id: Uuid,
    user: Option<Uuid>,
    expires_at: Timestamp,
    now: Timestamp,
}

impl Wanted {
    fn new(site: &Site, user: Option<Uuid>, now: Timestamp) -> Result<Self, ApiError> {
        let minutes = site.number("password_reset_minutes").clamp(1, LONGEST);
        let expires_at = now.plus_millis(minutes * MINUTE);
        Ok(Self { tenant: site.tenant.id, id: fresh_id(now)?, user, expires_at, now })
    }

    fn statements(&self) -> Vec<Statement> {
        let insert = Statement::new(INSERT).bind(self.tenant).bind(self.id).bind(self.user).bind(self.expires_at);
        vec![Statement::new(FORGET_UNSENT).bind(self.tenant).bind(self.user), insert.bind(self.now)]
    }

    /// What the log and the event say of it; of nobody, that it was nobody.
    fn change(&self) -> RowChange {
        let mut object = Map::from_iter([
            ("id".to_owned(), json!(self.id)),
            ("tenant_id".to_owned(), json!(self.tenant)),
            ("expires_at".to_owned(), json!(self.expires_at)),
            ("created_at".to_owned(), json!(self.now)),
        ]);
        object.extend(self.user.map(|user| ("user_id".to_owned(), json!(user))));
        RowChange::happened(PasswordReset::TABLE, "requested", object)
    }
}

async fn answer_confirm(app: &App, call: &Call) -> Result<Response, ApiError> {
    let mut sent = Sent::of(call)?;
    let (token, new) = (sent.text("token"), sent.secret("new_password"));
    sent.done()?;
    let site = Site::of(app, call).await?;
    confirm(app, call, &site, &token, &new).await?;
    Ok(Response { status: 204, ..Response::default() })
}

/// Sets the password of whoever was sent this token, and ends what was begun with the one of before. Whoever reads what was
/// sent to the address has it, so it is confirmed as well.
pub async fn confirm(app: &App, call: &Call, site: &Site, token: &str, new: &Secret) -> Result<(), ApiError> {
    const PURPOSES: &[Purpose] = &[Purpose::PasswordReset];
    let link = Link::seen(app, site, token, PURPOSES).await?;
    let account = Account::read(app, site.tenant.id, link.user).await?;
    let account = account.filter(|account| account.user.may_act()).ok_or_else(link::refused)?;
    let chosen = account.choose(app, site, new, "new_password").await?;
    let author = Author::user(call, link.user, None);
    let reads = vec![Link::read(site, token, app.clock.now())?, new_password::read_again(site.tenant.id, link.user)];
    membership::enact_following(app, &author, site.tenant.id, link.user, reads, |now, answers| {
        let mut answers = answers.into_iter();
        let link = Link::found(site, &answers.next().unwrap_or_default(), PURPOSES)?;
        let before = rows::<User>(answers.next().unwrap_or_default())?.pop();
        let before = before.filter(User::may_act).ok_or_else(link::refused)?;
        let after = User { email_verified: true, ..new_password::with(&before, &chosen, now) };
        let mut deed = new_password::deed(site, call, &before, &after, &chosen, "password_reset", None);
        deed.statements.insert(0, link.used(now));
        deed.statements.push(Try::forget_account(site, &before));
        Ok((deed, after, ()))
    })
    .await
}

/// Whoever administers sees and chooses nothing of it: the way goes to the user.
async fn for_user(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let mut reads = vec![select_one::<User>(actor.tenant, &key::<User>(call)?)];
    reads.extend(Person::statements(actor.tenant, call.row_id()?));
    commit(app, call, actor, reads, |state: &State<'_>| {
        let user = state.rows::<User>(0)?.pop().ok_or(ApiError::NotFound)?;
        if !user.may_act() {
            return Err(conflict(&user, "a way to a new password is of use to who may act"));
        }
        let mut plan = Plan::new(state, Response { status: 202, ..Response::default() });
        plan.facts().touches_owner = Person::read(state, 1)?.is_owner(state);
        let row = Wanted::new(&Site::of_rules(state.document), Some(user.id), state.now)?;
        row.statements().into_iter().for_each(|statement| plan.also(statement));
        plan.change(row.change());
        Ok(plan)
    })
    .await
}
