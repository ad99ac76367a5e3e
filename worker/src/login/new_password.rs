//! A password of one's own that becomes another, whatever led to it: what is read for it, and what is written with it.

use parapet::model::{Secret, Timestamp, User};
use serde_json::{Value, json};
use uuid::Uuid;

use super::link;
use super::password::{Choice, Chosen, chosen, lone};
use super::site::Site;
use crate::administration::{Deed, RowChange, address};
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::Call;
use crate::platform::db::Statement;

/// With the hash, which other reads of users leave out.
const READ_USER: &str = "SELECT * FROM user WHERE tenant_id = ?1 AND id = ?2";

const READ_FACTOR: &str = "SELECT id FROM mfa_device WHERE tenant_id = ?1 AND user_id = ?2 AND is_verified = 1 LIMIT 1";

const READ_FORMER: &str = "
    SELECT password_hash FROM former_password WHERE tenant_id = ?1 AND user_id = ?2 ORDER BY replaced_at DESC LIMIT 24";

const KEEP_FORMER: &str = "
    INSERT INTO former_password (tenant_id, user_id, password_hash, replaced_at)
    SELECT tenant_id, id, password_hash, ?3 FROM user
    WHERE tenant_id = ?1 AND id = ?2 AND password_hash IS NOT NULL
    ON CONFLICT DO NOTHING";

const FORGET_FORMER: &str = "
    DELETE FROM former_password WHERE tenant_id = ?1 AND user_id = ?2 AND password_hash NOT IN (
        SELECT password_hash FROM former_password WHERE tenant_id = ?1 AND user_id = ?2
        ORDER BY replaced_at DESC LIMIT ?3)";

const WRITE: &str = "UPDATE user SET password_hash = ?3 WHERE tenant_id = ?1 AND id = ?2";

/// What is known of the password of before says nothing of this one.
const FORGET_LONE: &str = "DELETE FROM lone_password WHERE tenant_id = ?1 AND user_id = ?2";

/// Whether the user has a password that may be too short to be all that is asked for.
const READ_SHORT: &str = "
    SELECT u.id FROM user u WHERE u.tenant_id = ?1 AND u.id = ?2 AND u.password_hash IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM lone_password l WHERE l.tenant_id = u.tenant_id AND l.user_id = u.id)";

const END_SESSIONS: &str = "DELETE FROM user_session WHERE tenant_id = ?1 AND user_id = ?2 AND id IS NOT ?3";

/// A user whose password is to be another.
pub struct Account {
    /// The user, with the hash.
    pub user: User,
    has_factor: bool,
    former: Vec<Secret>,
}

impl Account {
    /// A user as they are now; nothing where there is none.
    pub async fn read(app: &App, tenant: Uuid, user: Uuid) -> Result<Option<Self>, ApiError> {
        let reads = [READ_USER, READ_FACTOR, READ_FORMER];
        let reads = reads.map(|sql| Statement::new(sql).bind(tenant).bind(user)).to_vec();
        let mut answers = app.db.batch(reads).await.map_err(ApiError::database)?.into_iter();
        let found = rows::<User>(answers.next().unwrap_or_default())?.pop();
        let has_factor = !answers.next().unwrap_or_default().is_empty();
        let former = answers.next().unwrap_or_default();
        let former = former.iter().filter_map(|row| row.get("password_hash").and_then(Value::as_str)).map(Secret::new);
        Ok(found.map(|user| Self {
            has_factor,
            former: user.password_hash.iter().cloned().chain(former).collect(),
            user,
        }))
    }

    /// The password that was chosen; what is wrong with it, where it is not good enough.
    pub async fn choose(&self, app: &App, site: &Site, typed: &Secret, field: &str) -> Result<Chosen, ApiError> {
        let most = usize::try_from(site.number("password_history")).unwrap_or_default().saturating_add(1);
        let former = self.former.get(..most).unwrap_or(&self.former);
        chosen(app, site, &self.user, &Choice { typed, field, has_factor: self.has_factor, former }).await
    }
}

/// Reads the user once more, in the place of the log that the change takes.
pub fn read_again(tenant: Uuid, user: Uuid) -> Statement {
    Statement::new(READ_USER).bind(tenant).bind(user)
}

/// Gives a row where the user's password may be too short to be all that is asked for.
pub fn read_short(tenant: Uuid, user: Uuid) -> Statement {
    Statement::new(READ_SHORT).bind(tenant).bind(user)
}

/// The user after a second factor has gone: whoever has none left and a password that is too short for that chooses another.
pub fn without_factor(before: &User, is_short: bool, is_last: bool, now: Timestamp) -> Option<User> {
    let is_due = is_short && is_last && !before.force_password_change;
    is_due.then(|| User { force_password_change: true, updated_at: now, ..before.clone() })
}

/// The user with the new password.
pub fn with(before: &User, new: &Chosen, now: Timestamp) -> User {
    User {
        password_hash: Some(new.hash.clone()),
        password_changed_at: Some(now),
        force_password_change: false,
        updated_at: now,
        ..before.clone()
    }
}

/// What is written where a user gets a new password: sessions end but for `keep`, and links that were sent lead nowhere any
/// more. `event` is what happened, in the past.
pub fn deed(
    site: &Site,
    call: &Call,
    before: &User,
    after: &User,
    new: &Chosen,
    event: &str,
    keep: Option<Uuid>,
) -> Deed {
    let of_user = |sql: &'static str| Statement::new(sql).bind(before.tenant_id).bind(before.id);
    let mut statements = vec![
        of_user(KEEP_FORMER).bind(after.updated_at),
        of_user(FORGET_FORMER).bind(site.number("password_history")),
        of_user(WRITE).bind(new.hash.expose()),
        of_user(FORGET_LONE),
        of_user(END_SESSIONS).bind(keep),
    ];
    statements.extend(new.may_be_alone.then(|| lone(before.tenant_id, before.id, new.hash.expose())));
    statements.extend(link::forget(before.tenant_id, before.id));
    let change = RowChange::update(before, after, event);
    let from = address(call).map(|ip| ip.to_string());
    Deed { statements, changes: vec![change.because(json!({ "ip_address": from }))] }
}
