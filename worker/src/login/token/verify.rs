//! Whether an access token of ours counts now: its signature and its time, and that neither it was revoked nor what it was
//! issued for has gone.

use parapet::model::Timestamp;
use parapet::token::{Claims, Expected, PublicKey, Unverified};
use serde_json::Value;
use uuid::Uuid;

use super::issuer::issuer;
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::{Row, Statement};
use crate::request::Request;

/// By the token's `kid`, which is compared and nothing else. The token's own words, `?2` to `?4`, are not known to be true
/// yet: nothing of the answer counts before the key has verified them.
const READ: &str = "
    SELECT k.tenant_id, k.public_key, k.retires_at, t.status, t.slug, t.domain,
           EXISTS (SELECT 1 FROM token_revocation r WHERE r.tenant_id = k.tenant_id AND r.id = ?2) AS revoked,
           EXISTS (SELECT 1 FROM api_key a
                   LEFT JOIN user u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
                   LEFT JOIN service_account s ON s.tenant_id = a.tenant_id AND s.id = a.service_account_id
                   WHERE a.tenant_id = k.tenant_id AND a.id = ?3 AND a.is_active = 1
                     AND (a.expires_at IS NULL OR a.expires_at > ?5)
                     AND (a.user_id IS NULL OR (u.is_active = 1 AND u.state = 'active' AND u.deleted_at IS NULL))
                     AND (a.service_account_id IS NULL OR s.is_active = 1))
           OR EXISTS (SELECT 1 FROM user_session a
                      JOIN user u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
                      WHERE a.tenant_id = k.tenant_id AND a.id = ?4 AND a.expires_at > ?5
                        AND u.is_active = 1 AND u.state = 'active' AND u.deleted_at IS NULL) AS stands
    FROM token_key k JOIN tenant t ON t.id = k.tenant_id WHERE k.id = ?1";

/// For whom a token must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// The tenant's own API.
    Us,
    /// Anybody.
    Anybody,
}

/// What a token says, where it counts now; nothing where it does not, whatever the reason. One statement.
pub async fn verified(app: &App, request: &Request, token: &str, whom: For) -> Result<Option<Claims>, ApiError> {
    let Ok(unverified) = Unverified::read(token) else { return Ok(None) };
    let Some(key) = unverified.key_id().and_then(uuid) else { return Ok(None) };
    let now = app.clock.now();
    let said = |claim: &str| unverified.text(claim).and_then(uuid);
    let read = Statement::new(READ).bind(key).bind(said("jti")).bind(said("api_key_id")).bind(said("sid")).bind(now);
    let Some(row) = app.db.first(read).await.map_err(ApiError::database)? else { return Ok(None) };
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let (Some(tenant), Some(slug)) = (text("tenant_id").and_then(uuid), text("slug")) else {
        return Err(ApiError::internal("a key of no tenant"));
    };
    let retired = text("retires_at").and_then(|end| end.parse::<Timestamp>().ok()).is_some_and(|end| now >= end);
    let holds = |name: &str| row.get(name).and_then(Value::as_f64) == Some(1.0);
    if retired || holds("revoked") || !holds("stands") || text("status") != Some("active") {
        return Ok(None);
    }
    let issuer = issuer(app.config()?, request, slug, text("domain"));
    let audience = (whom == For::Us).then_some(issuer.as_str());
    let expected = Expected { issuer: &issuer, audience, tenant, now };
    Ok(unverified.verify(&[public_key(&row)?], &expected).ok())
}

fn public_key(row: &Row) -> Result<PublicKey, ApiError> {
    let text = row.get("public_key").and_then(Value::as_str).unwrap_or_default();
    PublicKey::from_jwk(&serde_json::from_str(text).map_err(ApiError::internal)?).map_err(ApiError::internal)
}

/// In its one spelling.
fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| id.to_string() == text)
}
