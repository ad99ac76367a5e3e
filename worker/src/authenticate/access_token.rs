//! Access tokens that we issued: whether one counts now, for our own API and for whoever asks about it.
//!
//! One statement reads the key that signed it, whether it was revoked, and what it was got by, with tenant and owner. It is
//! found by the token's own words, which are not known to be true before the key has verified them: until then nothing of
//! the answer counts.

use parapet::model::Timestamp;
use parapet::token::{Claims, Expected, PublicKey, Unverified};
use serde_json::Value;
use uuid::Uuid;

use super::Standing;
use crate::app::App;
use crate::error::ApiError;
use crate::login::token::issuer;
use crate::platform::db::{Row, Statement};
use crate::request::Request;

/// By the token's `kid`, which is compared and nothing else.
const READ: &str = "
    SELECT k.public_key, k.retires_at, t.domain,
           EXISTS (SELECT 1 FROM token_revocation r WHERE r.tenant_id = k.tenant_id AND r.id = ?2) AS revoked,
           coalesce(a.id, s.id) AS id, k.tenant_id, coalesce(a.user_id, s.user_id) AS user_id, a.service_account_id,
           a.scopes, a.is_active, s.auth_time, s.amr, s.created_at,
           coalesce(a.expires_at, s.expires_at) AS expires_at, s.last_accessed_at AS last_used_at,
           coalesce((SELECT o.setting_value FROM tenant_setting o WHERE o.tenant_id = k.tenant_id
                     AND o.category = 'security' AND o.setting_key = 'session_idle_minutes'),
                    json_extract(t.settings, '$.security.session_idle_minutes')) AS idle_minutes,
           t.status AS tenant_status, t.slug AS tenant_slug,
           (SELECT h.id FROM tenant h WHERE h.domain = ?5) AS host_tenant_id,
           (SELECT o.setting_value FROM tenant_setting o WHERE o.tenant_id = k.tenant_id AND o.category = 'security'
            AND o.setting_key = 'cors_origins') AS cors_origins,
           u.is_active AS user_is_active, u.state AS user_state, u.deleted_at AS user_deleted_at,
           c.is_active AS service_account_is_active,
           e.policy_version, e.directory_version, n.content_hash,
           x.id AS candidate_id, x.content_hash AS candidate_hash, x.expires_at AS candidate_expires_at
    FROM token_key k
    JOIN tenant t ON t.id = k.tenant_id
    LEFT JOIN api_key a ON a.tenant_id = k.tenant_id AND a.id = ?3
    LEFT JOIN user_session s ON s.tenant_id = k.tenant_id AND s.id = ?4
    LEFT JOIN user u ON u.tenant_id = k.tenant_id AND u.id = coalesce(a.user_id, s.user_id)
    LEFT JOIN service_account c ON c.tenant_id = k.tenant_id AND c.id = a.service_account_id
    LEFT JOIN tenant_epoch e ON e.tenant_id = k.tenant_id
    LEFT JOIN snapshot n ON n.tenant_id = k.tenant_id AND n.policy_version = e.policy_version
    LEFT JOIN snapshot_candidate x ON x.tenant_id = k.tenant_id AND x.base_version = e.policy_version
    WHERE k.id = ?1 AND (k.retires_at IS NULL OR k.retires_at > ?6)";

/// For whom a token must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// The tenant's own API.
    Us,
    /// Anybody.
    Anybody,
}

/// Whatever is wrong with a token, whoever shows it is told this and nothing else.
pub(super) fn refused() -> ApiError {
    ApiError::Unauthenticated { code: "token.refused", detail: "the access token does not count" }
}

/// Whether a text is meant as a JSON Web Token: in parts with dots between, or cut off within the first, which is the
/// beginning of a JSON object in base64url.
pub(super) fn could_be(text: &str) -> bool {
    text.starts_with("eyJ") || text.contains('.')
}

/// The statement that says all of a token; nothing where it cannot be one of ours.
pub(super) fn read(text: &str, host: Option<&str>, now: Timestamp) -> Option<Statement> {
    let unverified = Unverified::read(text).ok()?;
    let key = unverified.key_id().and_then(uuid)?;
    let said = |claim: &str| unverified.text(claim).and_then(uuid);
    let read = Statement::new(READ).bind(key).bind(said("jti")).bind(said("api_key_id")).bind(said("sid"));
    Some(read.bind(host).bind(now))
}

/// What a token says, and the standing that it gives; nothing where it is not authentic, not in force or revoked, or where
/// what it was got by is gone.
pub(super) fn standing(
    app: &App,
    request: &Request,
    text: &str,
    row: Row,
    whom: For,
    now: Timestamp,
) -> Result<Option<(Claims, Standing)>, ApiError> {
    let Ok(unverified) = Unverified::read(text) else { return Ok(None) };
    let said = |name: &str| row.get(name).and_then(Value::as_str);
    let is_revoked = row.get("revoked").and_then(Value::as_f64) != Some(0.0);
    let (Some(tenant), Some(slug)) = (said("tenant_id").and_then(uuid), said("tenant_slug")) else {
        return Err(ApiError::internal("a key of no tenant"));
    };
    if is_revoked || said("id").is_none() {
        return Ok(None);
    }
    let issuer = issuer(app.config()?, request, slug, said("domain"));
    let audience = (whom == For::Us).then_some(issuer.as_str());
    let expected = Expected { issuer: &issuer, audience, tenant, now };
    let Ok(claims) = unverified.verify(&[public_key(&row)?], &expected) else { return Ok(None) };
    let standing = Standing::read(row, now)?.of_token(&claims);
    Ok(standing.map(|standing| (claims, standing)))
}

/// What a token says, where it counts now; nothing where it does not, whatever the reason. Asking is no use of it.
pub async fn verified(app: &App, request: &Request, text: &str, whom: For) -> Result<Option<Claims>, ApiError> {
    let now = app.clock.now();
    let Some(read) = read(text, None, now) else { return Ok(None) };
    let Some(row) = app.db.first(read).await.map_err(ApiError::database)? else { return Ok(None) };
    let found = standing(app, request, text, row, whom, now)?;
    Ok(found.filter(|(_, standing)| standing.wrong(standing.used(app), now).is_none()).map(|(claims, _)| claims))
}

fn public_key(row: &Row) -> Result<PublicKey, ApiError> {
    let text = row.get("public_key").and_then(Value::as_str).unwrap_or_default();
    PublicKey::from_jwk(&serde_json::from_str(text).map_err(ApiError::internal)?).map_err(ApiError::internal)
}

/// In its one spelling.
fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| id.to_string() == text)
}
