//! What somebody typed who wants an account, until a link is followed: a row of `pending_sign_up`, and its message.

use parapet::model::{Outbox, Row as _, Secret, Timestamp, User};
use parapet::opaque_token::{OpaqueToken, TokenKind};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::administration::RowChange;
use crate::app::App;
use crate::error::ApiError;
use crate::login::link::{self, TO_CONFIRM};
use crate::login::sent::Names;
use crate::login::site::Site;
use crate::messaging::notification::{Notices, Wanted, notify};
use crate::platform::db::{Row, Statement};
use crate::platform::{log, random};

const MINUTE: i64 = 60 * 1000;

/// The event with which an account is asked for, of the table `user`.
const REQUESTED: &str = "sign_up_requested";

const INSERT: &str = "
    INSERT INTO pending_sign_up (tenant_id, id, email, first_name, last_name, password_hash, terms_version, token_hash,
                                 expires_at, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8, ?9)";

/// Of those that nobody was sent yet the newest is enough.
const FORGET_UNSENT: &str = "DELETE FROM pending_sign_up WHERE tenant_id = ?1 AND email = ?2 AND token_hash IS NULL";

/// One that nobody was sent yet, and who has its address by now.
const READ_UNSENT: &str = "
    SELECT p.email, p.expires_at, p.created_at, u.id AS owner FROM pending_sign_up p
    LEFT JOIN user u ON u.tenant_id = p.tenant_id AND u.email = p.email AND u.deleted_at IS NULL
    WHERE p.tenant_id = ?1 AND p.id = ?2 AND p.token_hash IS NULL AND p.expires_at > ?3";

const READ_BY_TOKEN: &str = "
    SELECT id, email, first_name, last_name, password_hash, terms_version, created_at FROM pending_sign_up
    WHERE tenant_id = ?1 AND token_hash = ?2 AND expires_at > ?3";

/// Its token is that of the message which is there.
const GIVE_TOKEN: &str = "
    UPDATE pending_sign_up SET token_hash = ?3
    WHERE tenant_id = ?1 AND id = ?2 AND token_hash IS NULL
      AND EXISTS (SELECT 1 FROM user_notification n WHERE n.tenant_id = ?1 AND n.id = ?4)";

/// The newest is good alone, once it is on its way.
const FORGET_OLDER: &str = "
    DELETE FROM pending_sign_up
    WHERE tenant_id = ?1 AND id <> ?2 AND token_hash IS NOT NULL
      AND email = (SELECT n.email FROM pending_sign_up n WHERE n.tenant_id = ?1 AND n.id = ?2 AND n.token_hash = ?3)";

const FORGET: &str = "DELETE FROM pending_sign_up WHERE tenant_id = ?1 AND id = ?2";

const FORGET_ALL: &str = "DELETE FROM pending_sign_up WHERE tenant_id = ?1 AND email = ?2";

/// What somebody typed.
pub struct Pending {
    /// The user that it is to become, with the hash of the password.
    pub user: User,
    /// The version of the terms that was accepted, where there were any.
    pub terms: Option<String>,
    /// When that was.
    pub created_at: Timestamp,
}

/// A user as they will be: active, with nothing but an address and names.
pub fn user(tenant: Uuid, id: Uuid, email: &str, names: &Names, now: Timestamp) -> Result<User, ApiError> {
    let row = json!({ "id": id, "tenant_id": tenant, "email": email, "created_at": now, "updated_at": now });
    let mut findings = Vec::new();
    let row = row.as_object().cloned().unwrap_or_default();
    let mut user = User::from_json(row, "new", &mut findings).ok_or(ApiError::Invalid { findings })?;
    names.give(&mut user);
    Ok(user)
}

impl Pending {
    /// The statements that remember it. What is written is the same whoever has the address.
    pub fn statements(&self) -> Vec<Statement> {
        let user = &self.user;
        let insert = Statement::new(INSERT)
            .bind(user.tenant_id)
            .bind(user.id)
            .bind(user.email.as_str())
            .bind(user.first_name.as_deref())
            .bind(user.last_name.as_deref())
            .bind(user.password_hash.as_ref().map(Secret::expose))
            .bind(self.terms.as_deref())
            .bind(self.created_at.plus_millis(TO_CONFIRM))
            .bind(self.created_at);
        vec![Statement::new(FORGET_UNSENT).bind(user.tenant_id).bind(user.email.as_str()), insert]
    }

    /// What the log and the event say of it: nothing of who it is, since there is nobody yet whose purge would take it.
    pub fn requested(&self) -> RowChange {
        let object = Map::from_iter([
            ("id".to_owned(), json!(self.user.id)),
            ("tenant_id".to_owned(), json!(self.user.tenant_id)),
            ("created_at".to_owned(), json!(self.created_at)),
        ]);
        RowChange::happened(User::TABLE, REQUESTED, object).without_change()
    }

    /// Reads that of a link's token.
    pub fn read(site: &Site, token: &str, now: Timestamp) -> Result<Statement, ApiError> {
        let token = OpaqueToken::parse(TokenKind::Link, token.trim()).ok_or_else(link::refused)?;
        Ok(Statement::new(READ_BY_TOKEN).bind(site.tenant.id).bind(token.hash()).bind(now))
    }

    /// What that gave, as it is at a time; refused where it is nothing.
    pub fn found(site: &Site, rows: &[Row], now: Timestamp) -> Result<Self, ApiError> {
        let row = rows.first().ok_or_else(link::refused)?;
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let broken = || ApiError::internal("a row of pending_sign_up cannot be read");
        let id = text("id").and_then(|id| id.parse().ok()).ok_or_else(broken)?;
        let names = Names { first: text("first_name"), last: text("last_name") };
        let user = user(site.tenant.id, id, &text("email").ok_or_else(broken)?, &names, now)?;
        let hash = Secret::new(text("password_hash").ok_or_else(broken)?);
        Ok(Self {
            // Whoever reads what was sent to the address has it.
            user: User { password_hash: Some(hash), password_changed_at: Some(now), email_verified: true, ..user },
            terms: text("terms_version"),
            created_at: text("created_at").and_then(|time| time.parse().ok()).ok_or_else(broken)?,
        })
    }

    /// Forgets all that wait for its address: there is an account now.
    pub fn forget_all(&self) -> Statement {
        Statement::new(FORGET_ALL).bind(self.user.tenant_id).bind(self.user.email.as_str())
    }
}

/// What follows from an event with which an account was asked for: the link, or word of the account that there is.
pub async fn for_event(app: &App, event: &Outbox) -> Result<Notices, ApiError> {
    let mut notices = Notices::default();
    if event.event_type.split_once('.') != Some((User::TABLE, REQUESTED)) {
        return Ok(notices);
    }
    let (tenant, now) = (event.tenant_id, app.clock.now());
    let id = event.payload.get("object").and_then(|object| object.get("id")).and_then(Value::as_str);
    let Some(id) = id.and_then(|id| id.parse::<Uuid>().ok()) else { return Ok(notices) };
    let read = Statement::new(READ_UNSENT).bind(tenant).bind(id).bind(now);
    let Some(row) = app.db.first(read).await.map_err(ApiError::database)? else { return Ok(notices) };
    let site = match Site::of_tenant(app, tenant).await {
        // Nobody is told anything of a tenant that is not active.
        Err(ApiError::NotFound) => return Ok(notices),
        site => site?,
    };
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    if let Ok(owner) = text("owner").parse::<Uuid>() {
        let wanted = Wanted { tenant, user: Some(owner), purpose: "email.taken", event: Some(id), ..Wanted::default() };
        notices.extend(notify(app, &wanted).await?);
        notices.statements.push(Statement::new(FORGET).bind(tenant).bind(id));
        return Ok(notices);
    }
    let Some(origin) = site.origin(app.config()?) else {
        log::error("-", "link.no_host", &format!("the tenant {tenant} has no host that links could lead to"));
        return Ok(notices);
    };
    let token = OpaqueToken::from_random(TokenKind::Link, random::bytes().map_err(ApiError::internal)?);
    let wanted = Wanted {
        tenant,
        user: None,
        purpose: "sign_up.confirm",
        values: vec![
            ("link", format!("{origin}/sign-up/confirm?token={}", token.expose())),
            ("expires_minutes", (TO_CONFIRM / MINUTE).to_string()),
        ],
        email: Some(text("email").to_owned()),
        event: Some(id),
        expires_at: text("expires_at").parse().ok(),
        ..Wanted::default()
    };
    notices.extend(notify(app, &wanted).await?);
    for notification in std::mem::take(&mut notices.notifications) {
        let of_it = |sql: &'static str| Statement::new(sql).bind(tenant).bind(id).bind(token.hash());
        notices.statements.push(of_it(GIVE_TOKEN).bind(notification));
        notices.statements.push(of_it(FORGET_OLDER));
    }
    Ok(notices)
}
