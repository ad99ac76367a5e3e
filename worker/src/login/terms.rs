//! The terms of a tenant: `GET /v1/me/terms` says whether one has accepted those of today, `POST` accepts them.
//!
//! Nobody is kept out by terms that are newer than what they accepted: an application asks here, and shows them.

use parapet::model::{Timestamp, User};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::own_profile;
use super::sent::Sent;
use super::site::Site;
use crate::administration::{Author, Deed, OWN_SCOPE, RowChange, enact};
use crate::app::App;
use crate::authenticate::Caller;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::me::Me;
use crate::platform::db::{Row, Statement};
use crate::response::Response;

const PATH: &str = "/v1/me/terms";

/// Seeing and accepting them.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: PATH,
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(get(app, call, caller))),
        },
        Route {
            method: "POST",
            path: PATH,
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(accept(app, call, caller))),
        },
    ]
}

const INSERT: &str = "
    INSERT INTO terms_acceptance (tenant_id, user_id, version, accepted_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (tenant_id, user_id, version) DO NOTHING";

/// The newest that somebody accepted, and this version where they did.
const READ: &str = "
    SELECT version, accepted_at FROM terms_acceptance
    WHERE tenant_id = ?1 AND user_id = ?2 ORDER BY version = ?3 DESC, accepted_at DESC LIMIT 1";

/// What is to be accepted.
#[derive(Debug, Clone, Serialize)]
pub struct Terms {
    /// Where they stand.
    pub url: String,
    /// Which they are.
    pub version: String,
}

impl Terms {
    /// A tenant's, where it has set both of them.
    pub fn of(site: &Site) -> Option<Self> {
        let text = |key| site.ui(key).as_str().map(str::to_owned);
        Some(Self { url: text("terms_url")?, version: text("terms_version")? })
    }

    /// Whether somebody who accepted this at last has not accepted them.
    fn are_due(&self, accepted: Option<&Row>) -> bool {
        accepted.and_then(|row| row.get("version")?.as_str()) != Some(self.version.as_str())
    }
}

/// The statement by which a user has accepted a version.
pub fn insert(tenant: Uuid, user: Uuid, version: &str, at: Timestamp) -> Statement {
    Statement::new(INSERT).bind(tenant).bind(user).bind(version).bind(at)
}

fn read(me: &Me, terms: Option<&Terms>) -> Statement {
    Statement::new(READ).bind(me.tenant).bind(me.user).bind(terms.map(|terms| terms.version.as_str()))
}

async fn get(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller)?;
    let terms = Terms::of(&Site::of_tenant(app, me.tenant).await?);
    let accepted = app.db.first(read(&me, terms.as_ref())).await.map_err(ApiError::database)?;
    Response::json(&shown(terms.as_ref(), accepted.as_ref()))
}

/// The terms of today, what was accepted last, and whether that is another version.
fn shown(terms: Option<&Terms>, accepted: Option<&Row>) -> Value {
    json!({ "terms": terms, "accepted": accepted, "is_due": terms.is_some_and(|terms| terms.are_due(accepted)) })
}

/// Accepts the version that was read: of another one than today's nobody has seen what they accept.
async fn accept(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let me = Me::of(&caller)?;
    let mut sent = Sent::of(call)?;
    let version = sent.text("version");
    sent.done()?;
    let terms = Terms::of(&Site::of_tenant(app, me.tenant).await?).ok_or(ApiError::NotFound)?;
    if terms.version != version {
        let detail = "these are not the terms of today".to_owned();
        return Err(ApiError::Conflict { code: "terms.other_version", detail, findings: Vec::new() });
    }
    let author = Author::user(call, me.user, Some(caller.standing.credential));
    let reads = vec![own_profile::read(&me), read(&me, Some(&terms))];
    let accepted = enact(app, &author, me.tenant, reads, |now, answers| {
        let mut answers = answers.into_iter();
        let user = rows::<User>(answers.next().unwrap_or_default())?.pop().ok_or(ApiError::NotFound)?;
        let before = answers.next().unwrap_or_default().into_iter().next();
        if !terms.are_due(before.as_ref()) {
            return Ok((Deed::default(), before));
        }
        let cause = json!({ "terms_version": terms.version });
        let change = RowChange::noted(Some(&user), Some(&user), "terms_accepted").because(cause);
        let statements = vec![insert(me.tenant, me.user, &terms.version, now)];
        let accepted = [("version", json!(terms.version)), ("accepted_at", json!(now))];
        let accepted = accepted.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok((Deed { statements, changes: vec![change] }, Some(accepted)))
    })
    .await?;
    Response::json(&shown(Some(&terms), accepted.as_ref()))
}
