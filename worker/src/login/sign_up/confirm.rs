//! Following the link: with the password that was typed once more, the user is made, and signing in goes on from there.

use parapet::Finding;
use parapet::model::{Secret, User};
use serde_json::json;

use super::admission;
use super::pending::Pending;
use crate::administration::{Author, Deed, RowChange, address, inserts};
use crate::app::App;
use crate::directory::membership;
use crate::error::ApiError;
use crate::guard::Call;
use crate::login::sent::Sent;
use crate::login::sign_in::{self, Proving, Step};
use crate::login::site::Site;
use crate::login::throttle::{Counted, Try};
use crate::login::{attempt, factor, link, password, terms};
use crate::platform::db::Statement;
use crate::response::Response;
use crate::{cookie, rate};

/// Who has an address by now.
const READ_OWNER: &str = "SELECT id FROM user WHERE tenant_id = ?1 AND email = ?2 AND deleted_at IS NULL";

/// Answers as signing in does.
pub async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    let mut sent = Sent::of(call)?;
    let (token, password) = (sent.text("token"), sent.secret("password"));
    let wants_token = sent.wants_token();
    sent.done()?;
    cookie::is_no_stranger(&call.request)?;
    let site = Site::of(app, call).await?;
    step(app, call, &site, &token, &password).await?.respond(wants_token)
}

async fn step(app: &App, call: &Call, site: &Site, token: &str, typed: &Secret) -> Result<Step, ApiError> {
    // Who may sign up now, whoever might when it was asked for.
    admission::open(site)?;
    let read = Pending::read(site, token, app.clock.now())?;
    let found = app.db.all(read.clone()).await.map_err(ApiError::database)?;
    let mut pending = Pending::found(site, &found, app.clock.now())?;
    admission::admits(site, &pending.user.email)?;
    let counted = show(app, call, site, &mut pending.user, typed).await?;
    let (tenant, id, email) = (site.tenant.id, pending.user.id, pending.user.email.clone());
    let reads = vec![read, Statement::new(READ_OWNER).bind(tenant).bind(email.as_str())];
    let author = Author::user(call, id, None);
    let hash = pending.user.password_hash.clone();
    let user = membership::enact_following(app, &author, tenant, id, reads, |now, answers| {
        let mut answers = answers.into_iter();
        let pending = Pending::found(site, &answers.next().unwrap_or_default(), now)?;
        if !answers.next().unwrap_or_default().is_empty() {
            return Err(link::refused());
        }
        let user = User { password_hash: hash.clone(), ..pending.user.clone() };
        // Before what refers to it.
        let mut statements = inserts(std::slice::from_ref(&user));
        // It was judged as one that nothing is asked for beside.
        statements.extend(hash.iter().map(|hash| password::lone(tenant, user.id, hash.expose())));
        statements.push(pending.forget_all());
        statements.extend(
            pending.terms.as_deref().map(|version| terms::insert(tenant, user.id, version, pending.created_at)),
        );
        let cause = json!({ "by": "sign_up", "terms_version": pending.terms });
        let change = RowChange::recorded(None, Some(&user), "created").because(cause);
        Ok((Deed { statements, changes: vec![change] }, user.clone(), user))
    })
    .await?;
    let pending = sign_in::Pending { amr: vec!["pwd".to_owned()], name: email, counted, proving: Proving::First };
    factor::after_password(app, call, site, &user, pending, Vec::new()).await
}

/// Looks at the password, as at one that somebody signs in with: counted before, and written down if it was another.
async fn show(app: &App, call: &Call, site: &Site, user: &mut User, typed: &Secret) -> Result<Counted, ApiError> {
    let now = app.clock.now();
    let device = cookie::device(&call.request).map(|token| token.hash());
    let from = address(call).map(|ip| rate::network(ip).to_string());
    let tried = Try::new(site, &user.email, from, device, now);
    let answers = app.db.batch(tried.statements()).await.map_err(ApiError::database)?;
    let counted = tried.read(&answers).map_err(|wait| ApiError::TooManyRequests { retry_after: wait })?;
    if password::is_right(app, typed, Some(&mut *user)).await? {
        return Ok(counted);
    }
    let row = attempt::row(site, call, None, &user.email, Some("password"), now)?;
    attempt::in_vain(app, call, site, &row, counted.tries).await?;
    let message = "it is not the password that was chosen";
    Err(ApiError::invalid(Finding::error("user", "password.wrong", message).field("password")))
}
