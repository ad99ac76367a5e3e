//! Every try to sign in is a row, and what comes of it is in the audit log.

use std::cmp::Ordering;

use parapet::model::{AttemptResult, LoginAttempt, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::site::Site;
use crate::administration::{Author, Deed, RowChange, address, enact, fresh_id, inserts};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::Call;
use crate::platform::db::Statement;

/// The longest of what was typed and of what a browser says of itself, in characters, that a row keeps.
const LONGEST: usize = 320;

/// A try: by whom, as far as that is known, at which name, and why in vain if it was.
pub fn row(
    site: &Site,
    call: &Call,
    user: Option<Uuid>,
    name: &str,
    failure: Option<&str>,
    now: Timestamp,
) -> Result<LoginAttempt, ApiError> {
    let cut = |text: &str| text.chars().take(LONGEST).collect::<String>();
    Ok(LoginAttempt {
        id: fresh_id(now)?,
        tenant_id: site.tenant.id,
        user_id: user,
        email_attempted: cut(name),
        ip_address: address(call).map(|ip| ip.to_string()),
        user_agent: call.request.header("user-agent").map(cut),
        result: if failure.is_some() { AttemptResult::Failure } else { AttemptResult::Success },
        failure_reason: failure.map(str::to_owned),
        attempted_at: now,
    })
}

/// The statement that writes a try of which nothing is told: one that worked, or came too early.
pub fn insert(row: &LoginAttempt) -> Vec<Statement> {
    inserts(std::slice::from_ref(row))
}

/// Writes a try that was in vain, with its place in the log and its event. The statements are the same whether there is
/// such a user or not: nothing personal is sealed. With the last of the free tries the user is told.
pub async fn in_vain(app: &App, call: &Call, site: &Site, row: &LoginAttempt, tries: i64) -> Result<(), ApiError> {
    let wait = match tries.cmp(&site.number("lockout_attempts")) {
        Ordering::Less => "none",
        Ordering::Equal => "begins",
        Ordering::Greater => "longer",
    };
    enact(app, &Author::stranger(call), site.tenant.id, Vec::new(), |_, _| {
        let cause = json!({ "tries": tries, "wait": wait });
        let change = RowChange::made(row, "failed").because(cause).without_personal().in_vain();
        Ok((Deed { changes: vec![change], ..Deed::default() }, ()))
    })
    .await
}
