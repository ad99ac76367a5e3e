//! Links that are sent to an address, to be followed once: to a new password, into an account, to confirm the address.
//!
//! What asks for one writes its row, in the batch of its event, and no token: that is made where the event is fanned out, in
//! one batch with the message that shows it ([`for_event`]). So a token is nowhere but in its message, whose kept text
//! hides it, and asking costs the same whether anybody gets a message or not.

use parapet::model::{Outbox, Timestamp};
use parapet::opaque_token::{OpaqueToken, TokenKind};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::site::Site;
use crate::administration::fresh_id;
use crate::app::App;
use crate::error::ApiError;
use crate::messaging::notification::event::named;
use crate::messaging::notification::{Notices, Wanted, notify};
use crate::platform::db::{Row, Statement};
use crate::platform::{log, random};

const MINUTE: i64 = 60 * 1000;

/// A link that confirms an address is good for so long, in milliseconds.
pub const TO_CONFIRM: i64 = 60 * MINUTE;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new password; a row of `password_reset`.
    PasswordReset,
    /// Coming for the first time, asked by somebody who administers.
    Invitation,
    /// Confirming the address that the user has.
    VerifyEmail,
    /// Confirming, at the address that the user has, that it is to be another.
    LeaveEmail,
    /// Confirming that other address.
    TakeEmail,
}

impl Purpose {
    const ALL: [Self; 5] =
        [Self::PasswordReset, Self::Invitation, Self::VerifyEmail, Self::LeaveEmail, Self::TakeEmail];

    /// What the row calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::Invitation => "invitation",
            Self::VerifyEmail => "verify_email",
            Self::LeaveEmail => "leave_email",
            Self::TakeEmail => "take_email",
        }
    }

    /// The page that it leads to.
    const fn page(self) -> &'static str {
        match self {
            Self::PasswordReset => "reset",
            Self::Invitation => "invitation",
            Self::VerifyEmail | Self::LeaveEmail | Self::TakeEmail => "confirm",
        }
    }

    /// What its message is about, as notifications call it.
    const fn notice(self) -> &'static str {
        match self {
            Self::PasswordReset => "password.reset",
            Self::Invitation => "user.invitation",
            Self::VerifyEmail | Self::TakeEmail => "email.verify",
            Self::LeaveEmail => "email.change",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// A link.
#[derive(Debug)]
pub struct Link {
    /// The row's id.
    pub id: Uuid,
    /// Whose tenant it is.
    pub tenant: Uuid,
    /// Whose it is.
    pub user: Uuid,
    /// What it is for.
    pub purpose: Purpose,
    /// What following it does, beyond that.
    pub data: Map<String, Value>,
    /// Until when it can be followed.
    pub expires_at: Timestamp,
    created_at: Timestamp,
}

const INSERT: &str = "
    INSERT INTO one_time_link (tenant_id, id, user_id, purpose, token_hash, data, expires_at, used_at, created_at)
    VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6, NULL, ?7)";

/// Those of a user that nobody was sent yet.
const READ_UNSENT: &str = "
    SELECT id, user_id, purpose, data, expires_at, created_at FROM one_time_link
    WHERE tenant_id = ?1 AND user_id = ?2 AND token_hash IS NULL AND used_at IS NULL AND expires_at > ?3
    UNION ALL
    SELECT id, user_id, 'password_reset', '{}', expires_at, created_at FROM password_reset
    WHERE tenant_id = ?1 AND user_id = ?2 AND token IS NULL AND used = 0 AND expires_at > ?3";

const READ_BY_TOKEN: &str = "
    SELECT id, user_id, purpose, data, expires_at, created_at FROM one_time_link
    WHERE tenant_id = ?1 AND token_hash = ?2 AND used_at IS NULL AND expires_at > ?3
    UNION ALL
    SELECT id, user_id, 'password_reset', '{}', expires_at, created_at FROM password_reset
    WHERE tenant_id = ?1 AND token = ?2 AND used = 0 AND expires_at > ?3";

/// Its token is that of the message which is there: where two make one, the first has both, and where none is to come any
/// more (`notify` sends so many an hour) it has none.
const GIVE_TOKEN: &str = "
    UPDATE one_time_link SET token_hash = ?3
    WHERE tenant_id = ?1 AND id = ?2 AND token_hash IS NULL
      AND EXISTS (SELECT 1 FROM user_notification n WHERE n.tenant_id = ?1 AND n.id = ?4)";

const GIVE_RESET_TOKEN: &str = "
    UPDATE password_reset SET token = ?3
    WHERE tenant_id = ?1 AND id = ?2 AND token IS NULL
      AND EXISTS (SELECT 1 FROM user_notification n WHERE n.tenant_id = ?1 AND n.id = ?4)";

/// The newest is good alone, once it is on its way: nobody who only asks takes one away that somebody has.
const FORGET_OLDER_RESETS: &str = "
    DELETE FROM password_reset
    WHERE tenant_id = ?1 AND id <> ?2 AND token IS NOT NULL AND used = 0
      AND user_id = (SELECT n.user_id FROM password_reset n WHERE n.tenant_id = ?1 AND n.id = ?2 AND n.token = ?3)";

const USE: &str = "UPDATE one_time_link SET used_at = ?3 WHERE tenant_id = ?1 AND id = ?2";

const USE_RESET: &str = "UPDATE password_reset SET used = 1 WHERE tenant_id = ?1 AND id = ?2";

const FORGET: &str = "DELETE FROM one_time_link WHERE tenant_id = ?1 AND user_id = ?2 AND used_at IS NULL";

const FORGET_RESETS: &str = "DELETE FROM password_reset WHERE tenant_id = ?1 AND user_id = ?2 AND used = 0";

const FORGET_PURPOSE: &str = "DELETE FROM one_time_link WHERE tenant_id = ?1 AND user_id = ?2 AND purpose = ?3";

/// The statement for a link that is to be sent. The event of its batch must be one of those that [`for_event`] knows.
pub fn wanted(
    tenant: Uuid,
    user: Uuid,
    purpose: Purpose,
    data: &Map<String, Value>,
    lifetime: i64,
    now: Timestamp,
) -> Result<Statement, ApiError> {
    Ok(Statement::new(INSERT)
        .bind(tenant)
        .bind(fresh_id(now)?)
        .bind(user)
        .bind(purpose.name())
        .bind(Value::Object(data.clone()).to_string())
        .bind(now.plus_millis(lifetime))
        .bind(now))
}

/// Takes back all that were sent to a user, ways to a new password among them.
pub fn forget(tenant: Uuid, user: Uuid) -> [Statement; 2] {
    [FORGET, FORGET_RESETS].map(|sql| Statement::new(sql).bind(tenant).bind(user))
}

/// Takes back those for one purpose, which is not a new password.
pub fn forget_one(tenant: Uuid, user: Uuid, purpose: Purpose) -> Statement {
    Statement::new(FORGET_PURPOSE).bind(tenant).bind(user).bind(purpose.name())
}

/// Whoever comes with a link that is not good is told this and nothing else.
pub fn refused() -> ApiError {
    ApiError::Unauthenticated { code: "link.refused", detail: "the link is not good, or not any more" }
}

impl Link {
    /// Reads the link of a token that somebody sent; refused where it cannot be one.
    pub fn read(site: &Site, token: &str, now: Timestamp) -> Result<Statement, ApiError> {
        let token = OpaqueToken::parse(TokenKind::Link, token.trim()).ok_or_else(refused)?;
        Ok(Statement::new(READ_BY_TOKEN).bind(site.tenant.id).bind(token.hash()).bind(now))
    }

    /// What that gave; refused where it is nothing of these purposes.
    pub fn found(site: &Site, rows: &[Row], purposes: &[Purpose]) -> Result<Self, ApiError> {
        let link = rows.first().map(|row| Self::of(site.tenant.id, row)).transpose()?;
        link.filter(|link| purposes.contains(&link.purpose)).ok_or_else(refused)
    }

    /// The link of a token, as it is now.
    pub async fn seen(app: &App, site: &Site, token: &str, purposes: &[Purpose]) -> Result<Self, ApiError> {
        let read = Self::read(site, token, app.clock.now())?;
        Self::found(site, &app.db.all(read).await.map_err(ApiError::database)?, purposes)
    }

    fn of(tenant: Uuid, row: &Row) -> Result<Self, ApiError> {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let link = || {
            Some(Self {
                id: text("id").parse().ok()?,
                tenant,
                user: text("user_id").parse().ok()?,
                purpose: Purpose::from_name(text("purpose"))?,
                data: serde_json::from_str(text("data")).ok()?,
                expires_at: text("expires_at").parse().ok()?,
                created_at: text("created_at").parse().ok()?,
            })
        };
        link().ok_or_else(|| ApiError::internal("a row of one_time_link cannot be read"))
    }

    /// It was followed, and leads nowhere any more.
    pub fn used(&self, now: Timestamp) -> Statement {
        match self.purpose {
            Purpose::PasswordReset => Statement::new(USE_RESET).bind(self.tenant).bind(self.id),
            _ => Statement::new(USE).bind(self.tenant).bind(self.id).bind(now),
        }
    }

    /// What sends it: the message, and the token that is in it.
    async fn mail(&self, app: &App, origin: &str, invited_by: &str) -> Result<Notices, ApiError> {
        let token = OpaqueToken::from_random(TokenKind::Link, random::bytes().map_err(ApiError::internal)?);
        let new_email = self.data.get("new_email").and_then(Value::as_str).unwrap_or_default();
        let minutes = (self.expires_at.as_millis() - self.created_at.as_millis()) / MINUTE;
        let mut values = vec![("link", format!("{origin}/{}?token={}", self.purpose.page(), token.expose()))];
        match self.purpose {
            Purpose::Invitation => {
                values.push(("invited_by", invited_by.to_owned()));
                values.push(("expires_hours", (minutes / 60).to_string()));
            }
            _ => values.push(("expires_minutes", minutes.to_string())),
        }
        if self.purpose == Purpose::LeaveEmail {
            values.push(("new_email", new_email.to_owned()));
        }
        let wanted = Wanted {
            tenant: self.tenant,
            user: Some(self.user),
            purpose: self.purpose.notice(),
            values,
            email: (self.purpose == Purpose::TakeEmail).then(|| new_email.to_owned()),
            event: Some(self.id),
            expires_at: Some(self.expires_at),
            ..Wanted::default()
        };
        let mut notices = notify(app, &wanted).await?;
        for notification in std::mem::take(&mut notices.notifications) {
            let of_link = |sql: &'static str| Statement::new(sql).bind(self.tenant).bind(self.id).bind(token.hash());
            let give = if self.purpose == Purpose::PasswordReset { GIVE_RESET_TOKEN } else { GIVE_TOKEN };
            notices.statements.push(of_link(give).bind(notification));
            if self.purpose == Purpose::PasswordReset {
                notices.statements.push(of_link(FORGET_OLDER_RESETS));
            }
        }
        Ok(notices)
    }
}

/// Events with which links are asked for, and the column that names whose.
const ASKED_BY: [(&str, &str); 5] = [
    ("password_reset.requested", "user_id"),
    ("user.created", "id"),
    ("user.invited", "id"),
    ("user.email_verification_requested", "id"),
    ("user.email_change_requested", "id"),
];

/// What sends the links that were asked for with an event.
pub async fn for_event(app: &App, event: &Outbox) -> Result<Notices, ApiError> {
    let mut notices = Notices::default();
    let Some((_, column)) = ASKED_BY.iter().find(|(name, _)| *name == event.event_type) else { return Ok(notices) };
    let id = |value: Option<&Value>| value.and_then(Value::as_str).and_then(|id| id.parse::<Uuid>().ok());
    let Some(user) = id(event.payload.get("object").and_then(|object| object.get(*column))) else {
        return Ok(notices);
    };
    let tenant = event.tenant_id;
    let read = Statement::new(READ_UNSENT).bind(tenant).bind(user).bind(app.clock.now());
    let found = app.db.all(read).await.map_err(ApiError::database)?;
    if found.is_empty() {
        return Ok(notices);
    }
    let site = match Site::of_tenant(app, tenant).await {
        // Nobody is told anything of a tenant that is not active.
        Err(ApiError::NotFound) => return Ok(notices),
        site => site?,
    };
    let Some(origin) = site.origin(app.config()?) else {
        log::error("-", "link.no_host", &format!("the tenant {tenant} has no host that links could lead to"));
        return Ok(notices);
    };
    let actor = event.payload.get("actor").filter(|actor| actor.get("type").and_then(Value::as_str) == Some("User"));
    let invited_by = named(app, tenant, "user", id(actor.and_then(|actor| actor.get("id")))).await?;
    for row in &found {
        let link = Link::of(tenant, row)?;
        notices.extend(link.mail(app, &origin, invited_by.as_deref().unwrap_or_default()).await?);
    }
    Ok(notices)
}
