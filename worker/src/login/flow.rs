//! What a user has begun and not finished, between two requests: its token names it, once and for a short time.

use parapet::model::Timestamp;
use parapet::opaque_token::{OpaqueToken, TokenKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::site::Site;
use crate::administration::fresh_id;
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::Statement;
use crate::platform::random;

/// So long a user has for the next step, in milliseconds.
pub const LIFETIME: i64 = 10 * 60 * 1000;

/// A step is tried so often; then all begins anew.
const MOST_TRIES: i64 = 5;

const INSERT: &str = "
    INSERT INTO login_flow (id, tenant_id, user_id, purpose, token_hash, state, tries, created_at, expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8)";

/// Counts a try and says what there is to try: of many at once no more come through than may.
const TRY: &str = "
    UPDATE login_flow SET tries = tries + 1
    WHERE tenant_id = ?1 AND token_hash = ?2 AND purpose = ?3 AND expires_at > ?4 AND tries < ?5
    RETURNING id, user_id, state, expires_at";

const READ: &str = "
    SELECT id, user_id, state, expires_at FROM login_flow
    WHERE tenant_id = ?1 AND token_hash = ?2 AND purpose = ?3 AND expires_at > ?4 AND tries < ?5";

const WRITE: &str = "UPDATE login_flow SET state = ?3 WHERE tenant_id = ?1 AND id = ?2";

/// It gives a row to the one who ends it.
const END: &str = "DELETE FROM login_flow WHERE tenant_id = ?1 AND id = ?2 RETURNING id";

/// Something that was begun.
#[derive(Debug)]
pub struct Flow<S> {
    /// The row's id.
    pub id: Uuid,
    /// Whose tenant it is.
    pub tenant: Uuid,
    /// Who began it, where that is known.
    pub user: Option<Uuid>,
    /// What the next step needs.
    pub state: S,
    /// Until when it can be gone on with.
    pub expires_at: Timestamp,
}

impl<S: Serialize + DeserializeOwned> Flow<S> {
    /// The token of something that begins, and the statement that remembers it.
    pub fn begin(
        site: &Site,
        user: Option<Uuid>,
        purpose: &'static str,
        state: &S,
        now: Timestamp,
    ) -> Result<(OpaqueToken, Statement), ApiError> {
        let token = OpaqueToken::from_random(TokenKind::Flow, random::bytes().map_err(ApiError::internal)?);
        let statement = Statement::new(INSERT)
            .bind(fresh_id(now)?)
            .bind(site.tenant.id)
            .bind(user)
            .bind(purpose)
            .bind(token.hash())
            .bind(serde_json::to_string(state).map_err(ApiError::internal)?)
            .bind(now)
            .bind(now.plus_millis(LIFETIME));
        Ok((token, statement))
    }

    /// What a token names, for one more try of its next step; nothing where it names nothing of this purpose that can be
    /// gone on with.
    pub async fn tried(app: &App, site: &Site, purpose: &'static str, token: &str) -> Result<Option<Self>, ApiError> {
        Self::found(app, site, purpose, token, TRY).await
    }

    /// The same, without a try being counted.
    pub async fn seen(app: &App, site: &Site, purpose: &'static str, token: &str) -> Result<Option<Self>, ApiError> {
        Self::found(app, site, purpose, token, READ).await
    }

    async fn found(
        app: &App,
        site: &Site,
        purpose: &'static str,
        token: &str,
        sql: &'static str,
    ) -> Result<Option<Self>, ApiError> {
        let Some(token) = OpaqueToken::parse(TokenKind::Flow, token) else { return Ok(None) };
        let statement = Statement::new(sql)
            .bind(site.tenant.id)
            .bind(token.hash())
            .bind(purpose)
            .bind(app.clock.now())
            .bind(MOST_TRIES);
        let Some(row) = app.db.first(statement).await.map_err(ApiError::database)? else { return Ok(None) };
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        let broken = || ApiError::internal("a row of login_flow cannot be read");
        Ok(Some(Self {
            id: text("id").and_then(|id| id.parse().ok()).ok_or_else(broken)?,
            tenant: site.tenant.id,
            user: text("user_id").and_then(|id| id.parse().ok()),
            state: serde_json::from_str(text("state").unwrap_or_default()).map_err(ApiError::internal)?,
            expires_at: text("expires_at").and_then(|time| time.parse().ok()).ok_or_else(broken)?,
        }))
    }

    /// Remembers what the next step needs by now.
    pub fn write(&self) -> Result<Statement, ApiError> {
        let state = serde_json::to_string(&self.state).map_err(ApiError::internal)?;
        Ok(Statement::new(WRITE).bind(self.tenant).bind(self.id).bind(state))
    }

    /// Ends it: true for the one request that does.
    pub async fn end(&self, app: &App) -> Result<bool, ApiError> {
        let statement = Statement::new(END).bind(self.tenant).bind(self.id);
        Ok(app.db.first(statement).await.map_err(ApiError::database)?.is_some())
    }
}
