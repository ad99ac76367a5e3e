//! Asking for an account: what was typed is judged, and waits for a link to be followed.

use parapet::Finding;
use parapet::email_address::canonical;
use parapet::model::{Secret, User};
use parapet::password::Password;

use super::admission::{self, Rules};
use super::bot_check;
use super::pending::{self, Pending};
use crate::administration::{Author, Deed, address, enact, fresh_id};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::Call;
use crate::login::password::{self, Choice};
use crate::login::sent::{Names, Sent};
use crate::login::site::Site;
use crate::login::throttle::Try;
use crate::response::Response;
use crate::{cookie, rate};

/// What was sent.
struct Asked {
    email: String,
    names: Names,
    password: Secret,
    accepts_terms: bool,
    bot_check: Option<String>,
}

/// Answers the same whoever has the address.
pub async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    let mut sent = Sent::of(call)?;
    let asked = Asked {
        email: sent.text("email"),
        names: sent.names(),
        password: sent.secret("password"),
        accepts_terms: sent.flag("accepts_terms").unwrap_or_default(),
        bot_check: sent.optional("bot_check"),
    };
    sent.done()?;
    cookie::is_no_stranger(&call.request)?;
    let site = Site::of(app, call).await?;
    let rules = admission::open(&site)?;
    let (user, password) = judge(app, &site, &asked, &rules)?;
    admission::admits(&site, &user.email)?;
    if rules.bot_check {
        bot_check::pass(app, call, &site, asked.bot_check.as_deref().unwrap_or_default()).await?;
    }
    count(app, call, &site, &user.email).await?;
    let chosen = password::accepted(app, &site, &password, "password").await?;
    let accepted = rules.terms.map(|terms| terms.version);
    enact(app, &Author::stranger(call), site.tenant.id, Vec::new(), |now, _| {
        let user = User { id: fresh_id(now)?, password_hash: Some(chosen.hash.clone()), ..user.clone() };
        let pending = Pending { user, terms: accepted.clone(), created_at: now };
        Ok((Deed { statements: pending.statements(), changes: vec![pending.requested()] }, ()))
    })
    .await?;
    Ok(Response { status: 202, ..Response::default() })
}

/// The user as they would be, and the password; all that is wrong with what was sent.
fn judge(app: &App, site: &Site, asked: &Asked, rules: &Rules) -> Result<(User, Password), ApiError> {
    let mut findings = Vec::new();
    let mut wrong = |table: &str, code: &str, message: &str, field: &str| {
        findings.push(Finding::error(table, code, message).field(field));
    };
    let email = canonical(&asked.email);
    if email.is_none() {
        wrong("user", "user.email", "it is no e-mail address", "email");
    }
    if rules.terms.is_some() && !asked.accepts_terms {
        wrong("request", "terms.not_accepted", "the terms must be accepted", "accepts_terms");
    }
    let bot_check = asked.bot_check.as_deref().unwrap_or_default();
    if rules.bot_check && bot_check.is_empty() {
        wrong("request", "request.missing", "`bot_check` is required", "bot_check");
    }
    if bot_check.len() > bot_check::LONGEST {
        wrong("request", "request.too_long", "nothing that a widget gives is so long", "bot_check");
    }
    let now = app.clock.now();
    // What is no address is no part of what a password must not be.
    let stand_in = email.clone().unwrap_or_else(|| "nobody@invalid".to_owned());
    let user = pending::user(site.tenant.id, fresh_id(now)?, &stand_in, &asked.names, now)?;
    let choice = Choice { typed: &asked.password, field: "password", has_factor: false, former: &[] };
    match password::judged(site, &user, &choice) {
        Ok(password) if findings.is_empty() => Ok((user, password)),
        Ok(_) => Err(ApiError::Invalid { findings }),
        Err(ApiError::Invalid { findings: of_password }) => {
            findings.extend(of_password);
            Err(ApiError::Invalid { findings })
        }
        Err(error) => Err(error),
    }
}

/// A message is asked for without a proof of who asks, as for a way to a new password.
async fn count(app: &App, call: &Call, site: &Site, email: &str) -> Result<(), ApiError> {
    let device = cookie::device(&call.request).map(|token| token.hash());
    let from = address(call).map(|ip| rate::network(ip).to_string());
    let tried = Try::asking(site, email, from, device, app.clock.now());
    let answers = app.db.batch(tried.statements()).await.map_err(ApiError::database)?;
    tried.read(&answers).map(drop).map_err(|wait| ApiError::TooManyRequests { retry_after: wait })
}
