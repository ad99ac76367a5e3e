//! Codes that are sent, by text message or e-mail.

use parapet::factor::one_time_code::{OneTimeCode, SentCode};
use parapet::model::{MfaDeviceType, NotificationType, User};
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::login::flow::LIFETIME;
use crate::messaging;
use crate::messaging::notification::{Wanted, notify};
use crate::platform::random;

/// A code counts for so many tries; so many a flow has as well.
const TRIES: u8 = 5;

const MINUTE: i64 = 60 * 1000;

/// Whoever was sent as many codes as may be sent waits so long, in seconds, at most.
const WAIT: i64 = 60 * 60;

/// Sends a user a code to this address, good for one attempt.
pub async fn send(
    app: &App,
    user: &User,
    kind: MfaDeviceType,
    address: &str,
    attempt: Uuid,
) -> Result<SentCode, ApiError> {
    let code = OneTimeCode::new(random::bytes().map_err(ApiError::internal)?);
    let expires_at = app.clock.now().plus_millis(LIFETIME);
    let sent = code.sent(app.config()?.data_keys()?, attempt, expires_at, TRIES);
    let channels: &'static [NotificationType] = match kind {
        MfaDeviceType::Sms => &[NotificationType::Sms],
        _ => &[NotificationType::Email],
    };
    let wanted = Wanted {
        tenant: user.tenant_id,
        user: Some(user.id),
        purpose: "sign_in.code",
        values: vec![("code", code.expose().to_owned()), ("expires_minutes", (LIFETIME / MINUTE).to_string())],
        channels: Some(channels),
        email: (kind == MfaDeviceType::Email).then(|| address.to_owned()),
        phone: (kind == MfaDeviceType::Sms).then(|| address.to_owned()),
        expires_at: Some(expires_at),
        ..Wanted::default()
    };
    let notices = notify(app, &wanted).await?;
    if notices.statements.is_empty() {
        let detail = "nothing arrives at this address".to_owned();
        return Err(ApiError::Conflict { code: "factor.unreachable", detail, findings: Vec::new() });
    }
    let written = app.db.batch(notices.statements).await.map_err(ApiError::database)?;
    if written.iter().all(Vec::is_empty) {
        return Err(ApiError::TooManyRequests { retry_after: WAIT });
    }
    messaging::send(app, &notices.messages).await;
    Ok(sent)
}
