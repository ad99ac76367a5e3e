//! Invitations: whoever is made `invited` gets a link, and so does the first owner of a new tenant, who is active and has no
//! password. `POST /v1/users/{id}/invite` sends it again, and `POST /v1/auth/invitation/accept` follows it: the user chooses
//! a password, and is active.

use parapet::model::{Secret, Timestamp, User, UserState};
use serde_json::Map;
use uuid::Uuid;

use super::link::{self, Link, Purpose};
use super::new_password::{self, Account};
use super::sent::{Names, Sent};
use super::site::Site;
use crate::administration::{Actor, Author, Plan, RowChange, State, commit, key, select_one};
use crate::app::App;
use crate::directory::membership;
use crate::directory::person::Person;
use crate::directory::user_state::conflict;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;

const HOUR: i64 = 60 * 60 * 1000;

/// Sending it again, and accepting it.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "POST",
            path: "/v1/users/{id}/invite",
            access: Access::Permission("user.support", |app, call, actor| Box::pin(invite(app, call, actor))),
        },
        Route {
            method: "POST",
            path: "/v1/auth/invitation/accept",
            access: Access::Public(|app, call| Box::pin(answer(app, call))),
        },
    ]
}

/// The link of somebody who is made `invited`, or invited again.
pub fn wanted(state: &State<'_>, user: Uuid) -> Result<Statement, ApiError> {
    at(&Site::of_rules(state.document), user, state.now)
}

/// The link of somebody who is invited to a tenant.
pub fn at(site: &Site, user: Uuid, now: Timestamp) -> Result<Statement, ApiError> {
    let lifetime = site.number("invitation_hours").saturating_mul(HOUR);
    link::wanted(site.tenant.id, user, Purpose::Invitation, &Map::new(), lifetime, now)
}

/// Whether an invitation is still of use to somebody: they have not come, or have nothing to come with.
fn may_come(user: &User) -> bool {
    match user.state {
        UserState::Invited => user.is_active,
        _ => user.may_act() && user.password_hash.is_none(),
    }
}

async fn invite(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let mut reads = vec![select_one::<User>(actor.tenant, &key::<User>(call)?)];
    reads.extend(Person::statements(actor.tenant, call.row_id()?));
    commit(app, call, actor, reads, |state| {
        let user = state.rows::<User>(0)?.pop().ok_or(ApiError::NotFound)?;
        if user.state != UserState::Invited {
            return Err(conflict(&user, "only who has not come yet is invited"));
        }
        let mut plan = Plan::new(state, Response { status: 202, ..Response::default() });
        plan.facts().touches_owner = Person::read(state, 1)?.is_owner(state);
        plan.also(link::forget_one(state.tenant, user.id, Purpose::Invitation));
        plan.also(wanted(state, user.id)?);
        plan.change(RowChange::noted(Some(&user), Some(&user), "invited"));
        Ok(plan)
    })
    .await
}

async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    let mut sent = Sent::of(call)?;
    let (token, password) = (sent.text("token"), sent.secret("password"));
    let names = sent.names();
    sent.done()?;
    let site = Site::of(app, call).await?;
    accept(app, call, &site, &token, &password, &names).await?;
    Ok(Response { status: 204, ..Response::default() })
}

/// Lets whoever was sent this token in: with this password, and the names that they give.
pub async fn accept(
    app: &App,
    call: &Call,
    site: &Site,
    token: &str,
    password: &Secret,
    names: &Names,
) -> Result<(), ApiError> {
    const PURPOSES: &[Purpose] = &[Purpose::Invitation];
    let link = Link::seen(app, site, token, PURPOSES).await?;
    let account = Account::read(app, site.tenant.id, link.user).await?;
    let mut account = account.filter(|account| may_come(&account.user)).ok_or_else(link::refused)?;
    names.give(&mut account.user);
    let chosen = account.choose(app, site, password, "password").await?;
    let author = Author::user(call, link.user, None);
    let reads = vec![Link::read(site, token, app.clock.now())?, new_password::read_again(site.tenant.id, link.user)];
    membership::enact_following(app, &author, site.tenant.id, link.user, reads, |now, answers| {
        let mut answers = answers.into_iter();
        let link = Link::found(site, &answers.next().unwrap_or_default(), PURPOSES)?;
        let before = rows::<User>(answers.next().unwrap_or_default())?.pop();
        let before = before.filter(may_come).ok_or_else(link::refused)?;
        let mut after = new_password::with(&before, &chosen, now);
        (after.state, after.email_verified) = (UserState::Active, true);
        names.give(&mut after);
        let mut deed = new_password::deed(site, call, &before, &after, &chosen, "invitation_accepted", None);
        deed.statements.insert(0, link.used(now));
        Ok((deed, after, ()))
    })
    .await
}
