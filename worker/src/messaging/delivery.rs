//! One attempt of one delivery, by Standard Webhooks 1.0.
//!
//! It is claimed by moving `next_attempt_at` to where the claim ends: of two consumers one finds it due. Whoever dies after
//! the claim leaves a row that is due once more when the claim has ended. What came of the attempt is written only where
//! the claim still stands.

use std::time::Duration;

use parapet::event::TEST;
use parapet::model::{Timestamp, Webhook};
use parapet::standard_webhooks::{self, SigningSecret, next_attempt, retry_after, signatures};
use parapet::web_address::WebAddress;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::peer::{Leads, leads};
use super::webhook::place;
use super::{deliver, failed};
use crate::administration::{Author, Deed, RowChange, enact};
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::platform::db::{Row as SqlRow, Statement};
use crate::platform::fetch::{Incoming, LONGEST, Outgoing};
use crate::platform::random;

/// How long a claim stands, in milliseconds: longer than two questions to the resolver and the longest answer take.
const CLAIM: i64 = 90_000;

/// Clocks differ a little.
const EARLY: i64 = 2_000;

/// So long the deliveries of a suspended tenant wait before they are looked at again: an hour, in milliseconds.
const SUSPENDED: i64 = 3_600_000;

/// An attempt that is due no later than this, in milliseconds, gets a message of its own; the sweep finds the others.
const SOON: i64 = 900_000;

/// Tries where the tenant's setting says nothing.
const TRIES: usize = standard_webhooks::SCHEDULE.len();

const READ: &str = "
    SELECT w.id, w.url, w.headers, w.secret, w.previous_secret, w.previous_secret_expires_at, w.is_active, t.status,
           coalesce((SELECT s.setting_value FROM tenant_setting s WHERE s.tenant_id = ?1 AND s.category = 'integration'
                       AND s.setting_key = 'webhook_attempts'),
                    json_extract(t.settings, '$.integration.webhook_attempts')) AS attempts
    FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id JOIN tenant t ON t.id = d.tenant_id
    WHERE d.tenant_id = ?1 AND w.tenant_id = ?1 AND d.id = ?2";

/// Of a tenant that is not active only this leaves: that it is not.
const CLAIM_IT: &str = "
    UPDATE webhook_delivery SET next_attempt_at = ?4, attempt_count = attempt_count + 1
    WHERE tenant_id = ?1 AND id = ?2 AND next_attempt_at <= ?3
      AND EXISTS (SELECT 1 FROM webhook w WHERE w.tenant_id = ?1 AND w.id = webhook_id AND w.is_active = 1)
      AND (event_type IN ('tenant.suspended', 'tenant.deleted')
           OR EXISTS (SELECT 1 FROM tenant t WHERE t.id = ?1 AND t.status = 'active'))
    RETURNING event_id, event_type, payload, attempt_count";

/// One that was due and is not sent: null gives it up.
const PUT_OFF: &str =
    "UPDATE webhook_delivery SET next_attempt_at = ?4 WHERE tenant_id = ?1 AND id = ?2 AND next_attempt_at <= ?3";

const FINISH: &str = "
    UPDATE webhook_delivery SET response_status = ?4, response_body = ?5, next_attempt_at = ?6, delivered_at = ?7
    WHERE tenant_id = ?1 AND id = ?2 AND next_attempt_at = ?3";

/// Makes one attempt, if it is due and nobody else makes it.
pub async fn attempt(app: &App, tenant: Uuid, delivery: Uuid) -> Result<(), ApiError> {
    let config = app.config()?;
    let now = app.clock.now();
    let (due, claimed_until) = (now.plus_millis(EARLY), now.plus_millis(CLAIM));
    let claim = Statement::new(CLAIM_IT).bind(tenant).bind(delivery).bind(due).bind(claimed_until);
    let batch = vec![Statement::new(READ).bind(tenant).bind(delivery), claim];
    let mut answers = app.db.batch(batch).await.map_err(ApiError::database)?.into_iter();
    let Some(hook) = answers.next().unwrap_or_default().into_iter().next() else { return Ok(()) };
    let Some(claimed) = answers.next().unwrap_or_default().into_iter().next() else {
        return put_off(app, tenant, delivery, &hook, now).await;
    };
    let claimed = Claimed { tenant, delivery, until: claimed_until, row: claimed };
    let outcome = match outgoing(app, tenant, &hook, &claimed, now).await? {
        Ok(request) => {
            let patience = Duration::from_secs(u64::from(config.webhook_timeout));
            match app.fetch.post(&request, patience).await {
                Ok(incoming) => Outcome::of(&incoming, app.clock.now()),
                Err(error) => Outcome::none(error.to_string()),
            }
        }
        Err(why) => Outcome::none(why),
    };
    finish(app, &hook, &claimed, outcome).await
}

/// A delivery while it is this consumer's.
struct Claimed {
    tenant: Uuid,
    delivery: Uuid,
    until: Timestamp,
    row: SqlRow,
}

impl Claimed {
    /// The `webhook-id`: the event's, the same however often it is sent.
    fn message_id(&self) -> String {
        text(&self.row, "event_id").map_or_else(|| self.delivery.to_string(), str::to_owned)
    }

    fn tried(&self) -> usize {
        self.row.get("attempt_count").and_then(Value::as_f64).map_or(1, |count| count as usize)
    }

    fn is_test(&self) -> bool {
        text(&self.row, "event_type") == Some(TEST)
    }
}

/// What came of an attempt.
struct Outcome {
    status: Option<u16>,
    /// The beginning of the answer, or why there was none.
    said: String,
    /// How many milliseconds the peer wants to be left alone.
    wait: i64,
}

impl Outcome {
    fn none(why: impl Into<String>) -> Self {
        Self { status: None, said: why.into(), wait: 0 }
    }

    fn of(incoming: &Incoming, now: Timestamp) -> Self {
        let asks = matches!(incoming.status, 429 | 503);
        let wait = incoming.retry_after.as_deref().filter(|_| asks).and_then(|text| retry_after(text, now));
        Self { status: Some(incoming.status), said: beginning(&incoming.body), wait: wait.unwrap_or(0) }
    }
}

/// Text of bytes that were cut off somewhere: without half a character at the end, and without what no column takes.
fn beginning(bytes: &[u8]) -> String {
    let mut end = bytes.len().min(LONGEST);
    if let Err(error) = std::str::from_utf8(bytes.get(..end).unwrap_or_default())
        && error.error_len().is_none()
    {
        end = error.valid_up_to();
    }
    let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).replace('\0', "\u{fffd}");
    let mut longest = LONGEST.min(text.len());
    while !text.is_char_boundary(longest) {
        longest -= 1;
    }
    text.get(..longest).unwrap_or_default().to_owned()
}

/// Of a delivery that was not to be claimed: somebody else has it, or it is not to be sent now.
async fn put_off(app: &App, tenant: Uuid, delivery: Uuid, hook: &SqlRow, now: Timestamp) -> Result<(), ApiError> {
    let active = hook.get("is_active").and_then(Value::as_f64) == Some(1.0);
    let until = match text(hook, "status") {
        Some("active") if active => return Ok(()),
        Some("suspended") if active => Some(now.plus_millis(SUSPENDED)),
        _ => None,
    };
    let statement = Statement::new(PUT_OFF).bind(tenant).bind(delivery).bind(now.plus_millis(EARLY)).bind(until);
    app.db.all(statement).await.map_err(ApiError::database)?;
    Ok(())
}

/// The request; or why it is not sent.
async fn outgoing(
    app: &App,
    tenant: Uuid,
    hook: &SqlRow,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<Result<Outgoing, String>, ApiError> {
    let config = app.config()?;
    let address = match WebAddress::parse(text(hook, "url").unwrap_or_default(), config.local) {
        Ok(address) => address,
        Err(error) => return Ok(Err(error.to_string())),
    };
    match leads(app, config, &address).await {
        Ok(Leads::Out) => {}
        Ok(Leads::Inside) => return Ok(Err("the host's name leads into a private network".to_owned())),
        Ok(Leads::Here) => return Ok(Err("the address is this service's own".to_owned())),
        Ok(Leads::Nowhere) => return Ok(Err("the host's name leads nowhere".to_owned())),
        Err(_) => return Ok(Err("the host's name could not be looked up".to_owned())),
    }
    let secrets = match secrets(app, tenant, hook, now) {
        Ok(secrets) => secrets,
        Err(error) => {
            failed(&error);
            return Ok(Err("the webhook's secret could not be opened".to_owned()));
        }
    };
    if secrets.is_empty() {
        return Ok(Err("the webhook has no secret: rotate it to get one".to_owned()));
    }
    let body = text(&claimed.row, "payload").unwrap_or_default().to_owned();
    let (id, seconds) = (claimed.message_id(), now.as_millis().div_euclid(1000));
    let ours = [
        ("content-type", "application/json".to_owned()),
        ("user-agent", concat!("Parapet-Webhooks/", env!("CARGO_PKG_VERSION")).to_owned()),
        (standard_webhooks::TIMESTAMP, seconds.to_string()),
        (standard_webhooks::SIGNATURE, signatures(&secrets, &id, seconds, body.as_bytes())),
        (standard_webhooks::ID, id),
    ];
    let own = text(hook, "headers").and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    let takes_ours = |name: &String| ours.iter().any(|(ours, _)| name.eq_ignore_ascii_case(ours));
    let own = own.into_iter().flatten().filter(|(name, _)| !takes_ours(name));
    let mut headers: Vec<(String, String)> =
        own.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
    headers.extend(ours.map(|(name, value)| (name.to_owned(), value)));
    Ok(Ok(Outgoing { url: address.to_string(), headers, body }))
}

/// The secrets that sign: the webhook's own, and the one before while it counts.
fn secrets(app: &App, tenant: Uuid, hook: &SqlRow, now: Timestamp) -> Result<Vec<SigningSecret>, ApiError> {
    let keys = app.config()?.data_keys()?;
    let place = place(tenant, text(hook, "id").unwrap_or_default());
    let ends = text(hook, "previous_secret_expires_at").and_then(|text| text.parse::<Timestamp>().ok());
    let previous = text(hook, "previous_secret").filter(|_| ends.is_some_and(|ends| now < ends));
    let open = |sealed: &str| {
        let opened = keys.open(sealed, &place).map_err(ApiError::internal)?;
        let secret = std::str::from_utf8(&opened).ok().and_then(SigningSecret::parse);
        secret.ok_or_else(|| ApiError::internal("what lies in a webhook is no signing secret"))
    };
    text(hook, "secret").into_iter().chain(previous).map(open).collect()
}

async fn finish(app: &App, hook: &SqlRow, claimed: &Claimed, outcome: Outcome) -> Result<(), ApiError> {
    let now = app.clock.now();
    let delivered = outcome.status.is_some_and(|status| (200..300).contains(&status));
    let gone = outcome.status == Some(410);
    let most = hook.get("attempts").and_then(number).map_or(TRIES, |most| most.clamp(1, TRIES));
    // A test is for whoever looks at it now.
    let most = if claimed.is_test() { 1 } else { most };
    let random = u32::from_le_bytes(random::bytes().map_err(ApiError::internal)?);
    let wait = next_attempt(claimed.tried(), most, random).filter(|_| !delivered && !gone);
    let wait = wait.map(|wait| wait.max(outcome.wait));
    let finish = Statement::new(FINISH)
        .bind(claimed.tenant)
        .bind(claimed.delivery)
        .bind(claimed.until)
        .bind(outcome.status.map(i64::from))
        .bind(outcome.said.as_str())
        .bind(wait.map(|wait| now.plus_millis(wait)))
        .bind(delivered.then_some(now));
    if delivered || wait.is_some() || (claimed.is_test() && !gone) {
        app.db.all(finish).await.map_err(ApiError::database)?;
        if let Some(wait) = wait.filter(|wait| *wait <= SOON) {
            let seconds = u32::try_from(wait.div_euclid(1000).saturating_add(1)).map_err(ApiError::internal)?;
            deliver(app, claimed.tenant, [claimed.delivery], seconds).await;
        }
        return Ok(());
    }
    let Some(webhook) = text(hook, "id").and_then(|id| id.parse::<Uuid>().ok()) else { return Ok(()) };
    let cause = serde_json::json!({
        "delivery_id": claimed.delivery, "response_status": outcome.status, "attempts": claimed.tried(),
    });
    disable(app, claimed.tenant, webhook, finish, &cause).await
}

/// Gives up: the delivery, and with it the webhook, which is told in the log and by an event.
async fn disable(app: &App, tenant: Uuid, webhook: Uuid, finish: Statement, cause: &Value) -> Result<(), ApiError> {
    let read = select::<Webhook>("tenant_id = ?1 AND id = ?2", tenant).bind(webhook);
    enact(app, &Author::service(), tenant, vec![read], |now, answers| {
        let mut deed = Deed { statements: vec![finish.clone()], ..Deed::default() };
        let found = rows::<Webhook>(answers.into_iter().next().unwrap_or_default())?.pop();
        if let Some(before) = found.filter(|webhook| webhook.is_active) {
            let after = Webhook { is_active: false, updated_at: now, ..before.clone() };
            deed.changes.push(RowChange::update(&before, &after, "disabled").because(cause.clone()));
        }
        Ok((deed, ()))
    })
    .await
}

fn text<'a>(row: &'a SqlRow, name: &str) -> Option<&'a str> {
    row.get(name)?.as_str()
}

/// A number that may stand in a column of JSON, and so be text.
fn number(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64().map(|number| number as usize),
    }
}
