//! `private_key_jwt`: a service account shows who it is by an assertion, signed under a public key of its own (RFC 7523).

use parapet::token::{Assertion, PublicKey};
use serde_json::Value;
use uuid::Uuid;

use super::issuer::{endpoint, issuer};
use crate::app::App;
use crate::authenticate::{Caller, caller_of_key};
use crate::error::ApiError;
use crate::guard::Call;
use crate::platform::db::{Row, Statement};
use crate::rate;

/// The key by the account that an assertion says it is of, and by its `kid`. Both are compared and nothing else.
const READ_KEY: &str = "
    SELECT k.id, k.tenant_id, k.public_key, t.slug, t.domain FROM api_key k JOIN tenant t ON t.id = k.tenant_id
    WHERE k.service_account_id = ?1 AND k.public_key IS NOT NULL AND json_extract(k.public_key, '$.kid') = ?2
    ORDER BY k.is_active DESC, k.created_at DESC, k.id LIMIT 1";

/// Answers nothing where it was used before.
const USE: &str = "
    INSERT INTO used_assertion (tenant_id, service_account_id, jti, expires_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO NOTHING RETURNING 1 AS used";

/// Whoever it is, nobody is told which of it is wrong.
pub fn unknown_client() -> ApiError {
    ApiError::Unauthenticated {
        code: "client.unknown",
        detail: "the client is not known, or did not show that it is it",
    }
}

/// The caller whose assertion this is. It counts once.
pub async fn caller(app: &App, call: &Call, text: &str, client: Option<&str>) -> Result<Caller, ApiError> {
    // Whatever comes costs a question, and most of it a signature.
    rate::stranger(app, &call.request)?;
    let assertion = Assertion::read(text).map_err(|_| unknown_client())?;
    let account = assertion.client();
    let key_id = assertion.key_id().filter(|_| client.is_none_or(|id| id == account.to_string()));
    let read = Statement::new(READ_KEY).bind(account).bind(key_id.ok_or_else(unknown_client)?);
    let row = app.db.first(read).await.map_err(ApiError::database)?.ok_or_else(unknown_client)?;
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let id = |name: &str| text(name).and_then(|text| text.parse::<Uuid>().ok());
    let (Some(key), Some(tenant), Some(slug)) = (id("id"), id("tenant_id"), text("slug")) else {
        return Err(ApiError::internal("a key that cannot be read"));
    };
    let issuer = issuer(app.config()?, &call.request, slug, text("domain"));
    let audiences = [issuer.as_str(), &endpoint(&call.request)];
    let shown = assertion.verify(&public_key(&row)?, &audiences, app.clock.now()).map_err(|_| unknown_client())?;
    let caller = caller_of_key(app, call, key).await?;
    let once = Statement::new(USE).bind(tenant).bind(account).bind(shown.id).bind(shown.until);
    match app.db.first(once).await.map_err(ApiError::database)? {
        Some(_) => Ok(caller),
        None => Err(unknown_client()),
    }
}

fn public_key(row: &Row) -> Result<PublicKey, ApiError> {
    let text = row.get("public_key").and_then(Value::as_str).unwrap_or_default();
    let jwk = serde_json::from_str(text).map_err(ApiError::internal)?;
    PublicKey::from_jwk(&jwk).map_err(ApiError::internal)
}
