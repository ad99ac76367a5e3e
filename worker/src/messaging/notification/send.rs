//! Sending a notification: claimed by one sender at a time, tried again where that may help, and what became of it.
//!
//! A claim moves `next_attempt_at` on by [`LEASE`]: whoever has the row as it was before has it for that long, and nobody
//! else. A sender that vanishes after the next system took the message leaves it to be sent again: twice at worst, never
//! lost, and by the same `Message-ID` and idempotency key.

use parapet::Timestamp;
use parapet::model::{
    MessageSuppression, NotificationStatus, NotificationTemplate, NotificationType, SettingCategory, Tenant,
    TenantSetting, User, UserNotification, UserState,
};
use parapet::setting;
use parapet::smtp::Verdict;
use serde_json::{Value, json};
use uuid::Uuid;

use super::outcome;
use super::sealed::Sealed;
use crate::administration::fresh_id;
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::messaging::Message;
use crate::messaging::channel::config::{Defaults, MailChannel, Options, SmsChannel};
use crate::messaging::channel::{self, Delivery, Sms};
use crate::messaging::text::{Brand, Mail, Text};
use crate::platform::db::{Row as SqlRow, Statement};
use crate::platform::{log, random};

/// So long a sender has a notification for itself, in milliseconds. Longer than any channel takes.
const LEASE: i64 = 5 * 60 * 1000;

/// So often a message is tried where the settings do not say.
const ATTEMPTS: i64 = 10;

/// The wait before a second try, in milliseconds; it doubles with each.
const FIRST_WAIT: i64 = 30 * 1000;

/// The longest wait.
const LONGEST_WAIT: i64 = 60 * 60 * 1000;

/// The message for the queue that has a notification sent.
pub fn message(tenant: Uuid, notification: Uuid) -> Value {
    Message::Notify { tenant, notification }.to_value()
}

/// Of all tenants: what is tried next, the longest due first.
const DUE: &str = "
    SELECT tenant_id, id FROM user_notification
    WHERE next_attempt_at IS NOT NULL AND next_attempt_at <= ?1 ORDER BY next_attempt_at, id LIMIT ?2";

/// The messages for the queue of at most `most` notifications that are due: those whose message was lost, and those that are
/// tried again.
pub async fn due(app: &App, most: i64) -> Result<Vec<Value>, ApiError> {
    let statement = Statement::new(DUE).bind(app.clock.now()).bind(most);
    let found = app.db.all(statement).await.map_err(ApiError::database)?;
    let id = |row: &SqlRow, name: &str| Uuid::try_parse(row.get(name)?.as_str()?).ok();
    Ok(found.iter().filter_map(|row| Some(message(id(row, "tenant_id")?, id(row, "id")?))).collect())
}

/// Takes the row for this sender alone, if it is still due. The try counts whatever becomes of the sender.
const CLAIM: &str = "
    UPDATE user_notification
    SET next_attempt_at = ?3, metadata = json_set(metadata, '$.tries', coalesce(metadata ->> '$.tries', 0) + 1)
    WHERE tenant_id = ?1 AND id = ?2 AND status = 'pending' AND next_attempt_at <= ?4 RETURNING *";

/// What became of it, written by whoever has it.
const WRITE: &str = "
    UPDATE user_notification
    SET status = ?4, metadata = ?5, sent_at = ?6, next_attempt_at = ?7, sealed = iif(?7 IS NULL, NULL, sealed)
    WHERE tenant_id = ?1 AND id = ?2 AND status = 'pending' AND next_attempt_at = ?3";

/// Of who is no user nothing is kept.
const SUPPRESS: &str = "
    INSERT INTO message_suppression (tenant_id, id, user_id, type, address, reason, created_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM user WHERE tenant_id = ?1 AND id = ?3)
    ON CONFLICT DO NOTHING";

/// Sends a notification, if it is due and nobody else does. That it could not be sent is no error: it is written down.
pub async fn send(app: &App, tenant: Uuid, id: Uuid) -> Result<(), ApiError> {
    let now = app.clock.now();
    let lease = after(now, LEASE);
    let claim = Statement::new(CLAIM).bind(tenant).bind(id).bind(lease).bind(now);
    let claimed = rows::<UserNotification>(app.db.all(claim).await.map_err(ApiError::database)?)?;
    let Some(row) = claimed.into_iter().next() else { return Ok(()) };
    let about = About::read(app, &row).await?;
    let tries = row.metadata.get("tries").and_then(Value::as_i64).unwrap_or(1);
    let (delivery, address) = match about.ready(app, &row) {
        // Only senders that died leave more tries than there are.
        _ if tries > about.attempts => (Delivery::permanent("nobody who tried it came to an end"), None),
        Ok(ready) => {
            let address = ready.address().to_owned();
            (ready.send(app).await, Some(address))
        }
        Err(delivery) => (delivery, None),
    };
    let mut after = came_of(&row, &delivery, tries < about.attempts, tries, app.clock.now())?;
    after.metadata.extend(address.as_ref().map(|address| ("to".to_owned(), json!(shortened(address)))));
    let mut statements = vec![
        Statement::new(WRITE)
            .bind(tenant)
            .bind(id)
            .bind(lease)
            .bind(after.status.as_str())
            .bind(Value::Object(after.metadata.clone()).to_string())
            .bind(after.sent_at)
            .bind(after.next_attempt_at),
    ];
    statements.extend(outcome::event(&row, &after, app.clock.now()));
    if let (Delivery::Failed { verdict: Verdict::Undeliverable, reason, .. }, Some(address)) = (&delivery, &address) {
        let now = app.clock.now();
        statements.push(
            Statement::new(SUPPRESS)
                .bind(tenant)
                .bind(fresh_id(now)?)
                .bind(row.user_id)
                .bind(row.r#type.as_str())
                .bind(address.as_str())
                .bind(reason.as_str())
                .bind(now),
        );
    }
    let answers = app.db.batch(statements).await.map_err(ApiError::database)?;
    // The event alone gives a row back.
    if answers.iter().any(|rows| !rows.is_empty()) {
        app.waiting.borrow_mut().insert(tenant);
    }
    Ok(())
}

/// What becomes of the row.
fn came_of(
    row: &UserNotification,
    delivery: &Delivery,
    again: bool,
    tries: i64,
    now: Timestamp,
) -> Result<UserNotification, ApiError> {
    let mut metadata = row.metadata.clone();
    metadata.remove("error");
    let (status, sent_at, next_attempt_at) = match delivery {
        Delivery::Sent(id) => {
            metadata.extend(id.as_ref().map(|id| ("provider_id".to_owned(), json!(id))));
            (NotificationStatus::Sent, Some(now), None)
        }
        Delivery::Failed { verdict, reason, retry_after } => {
            metadata.insert("error".to_owned(), json!(reason));
            if *verdict == Verdict::Transient && again {
                let random = u64::from_le_bytes(random::bytes().map_err(ApiError::internal)?);
                (NotificationStatus::Pending, None, Some(after(now, wait(tries, *retry_after, random))))
            } else {
                (NotificationStatus::Failed, None, None)
            }
        }
    };
    Ok(UserNotification { status, metadata, sent_at, next_attempt_at, ..row.clone() })
}

/// How long to wait after so many tries, in milliseconds: twice as long each time, between half and all of it by chance, so
/// that what failed together does not come again together; and never sooner than the other side says.
fn wait(tries: i64, retry_after: Option<u64>, random: u64) -> i64 {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(0).min(16);
    let longest = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
    let half = longest / 2;
    let jitter = i64::try_from(random % u64::try_from(half).unwrap_or(1).max(1)).unwrap_or(0);
    let asked = retry_after.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(0).saturating_mul(1000);
    half.saturating_add(jitter).max(asked.min(LONGEST_WAIT))
}

fn after(now: Timestamp, milliseconds: i64) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_add(milliseconds))
}

/// Enough of an address to know it by, and not to write to: it is read by those who may not read the user.
pub fn shortened(address: &str) -> String {
    match address.split_once('@') {
        Some((local, domain)) => format!("{}…@{domain}", local.chars().take(1).collect::<String>()),
        None => {
            let digits = address.chars().count();
            format!("…{}", address.chars().skip(digits.saturating_sub(3)).collect::<String>())
        }
    }
}

/// What is read to send one.
struct About {
    user: Option<User>,
    tenant: Tenant,
    template: Option<NotificationTemplate>,
    suppressions: Vec<MessageSuppression>,
    support: Option<String>,
    /// What the tenant has set, or why it cannot be read.
    options: Result<Options, Delivery>,
    attempts: i64,
}

/// A message and its way.
enum Ready<'a> {
    Mail(&'a MailChannel, Box<Mail>),
    OwnMail(Box<MailChannel>, Box<Mail>),
    Sms(&'a SmsChannel, Sms),
    OwnSms(Box<SmsChannel>, Sms),
}

impl Ready<'_> {
    fn address(&self) -> &str {
        match self {
            Self::Mail(_, mail) | Self::OwnMail(_, mail) => &mail.to,
            Self::Sms(_, sms) | Self::OwnSms(_, sms) => &sms.to,
        }
    }

    async fn send(&self, app: &App) -> Delivery {
        match self {
            Self::Mail(channel, mail) => channel::send_mail(app, channel, mail).await,
            Self::OwnMail(channel, mail) => channel::send_mail(app, channel, mail).await,
            Self::Sms(channel, sms) => channel::send_sms(app, channel, sms).await,
            Self::OwnSms(channel, sms) => channel::send_sms(app, channel, sms).await,
        }
    }
}

impl About {
    async fn read(app: &App, row: &UserNotification) -> Result<Self, ApiError> {
        const TEMPLATE: &str = "(tenant_id = ?1 OR tenant_id IS NULL) AND id = ?2";
        let tenant = row.tenant_id;
        let statements = vec![
            select::<User>("tenant_id = ?1 AND id = ?2", tenant).bind(row.user_id),
            select::<Tenant>("id = ?1", tenant),
            select::<NotificationTemplate>(TEMPLATE, tenant).bind(row.notification_template_id),
            select::<MessageSuppression>("tenant_id = ?1 AND user_id = ?2", tenant).bind(row.user_id),
            select::<TenantSetting>("tenant_id = ?1 AND category IN ('integration', 'ui')", tenant),
        ];
        let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let user = rows::<User>(next())?.pop();
        let tenant = rows::<Tenant>(next())?.pop().ok_or(ApiError::NotFound)?;
        let template = rows(next())?.pop();
        let suppressions = rows(next())?;
        let (integration, ui): (Vec<TenantSetting>, Vec<TenantSetting>) =
            rows::<TenantSetting>(next())?.into_iter().partition(|row| row.category == SettingCategory::Integration);
        let support = ["support_email", "support_url"].iter().find_map(|key| {
            let row = ui.iter().find(|row| row.setting_key == *key);
            let value = setting::find(SettingCategory::Ui, key)?.effective(key, &tenant, row).0;
            value.as_str().map(str::to_owned)
        });
        let options = Options::of_tenant(app, &tenant, &integration).map_err(|error| {
            log::error("-", "notification.settings", &format!("{}: {error:?}", tenant.id));
            Delivery::transient("a secret of the tenant's settings does not open")
        });
        let attempts = options.as_ref().ok().and_then(|options| options.number("notification_attempts"));
        let attempts = attempts.unwrap_or(ATTEMPTS);
        Ok(Self { user, tenant, template, suppressions, support, options, attempts })
    }

    /// The message and its way, or why there is none.
    fn ready<'a>(&self, app: &'a App, row: &UserNotification) -> Result<Ready<'a>, Delivery> {
        let user = self.user.as_ref().filter(|user| user.state != UserState::Deleted);
        if row.user_id.is_some() && user.is_none() {
            return Err(Delivery::permanent("the user is gone"));
        }
        let Some(template) = &self.template else { return Err(Delivery::permanent("the template is gone")) };
        let Some(sealed) = &row.sealed else { return Err(Delivery::permanent("what it was made of is gone")) };
        let sealed = Sealed::open(app, row.id, sealed).map_err(|error| {
            // The key may come back: it is set wrongly more often than it is lost.
            log::error("-", "notification.not_opened", &format!("{}: {error}", row.id));
            Delivery::transient("what it is made of does not open")
        })?;
        if sealed.expires_at.is_some_and(|end| end <= app.clock.now()) {
            return Err(Delivery::permanent("what it says is over"));
        }
        let text = Text::new(template.subject.as_deref(), &template.template_body, &sealed.values)
            .map_err(|error| Delivery::permanent(error.to_string()))?;
        let address = match row.r#type {
            NotificationType::Sms => sealed.to.or_else(|| user.and_then(|user| user.phone.clone())),
            _ => sealed.to.or_else(|| user.map(|user| user.email.clone())),
        };
        let address = address.ok_or_else(|| Delivery::permanent("there is no number or address to send it to"))?;
        if self.suppressions.iter().any(|row_of| row_of.r#type == row.r#type && row_of.address == address) {
            return Err(Delivery::permanent("nothing arrives at this address, so nothing is sent there"));
        }
        match row.r#type {
            NotificationType::Email => self.mail(app, row, template, &text, address),
            NotificationType::Sms => self.sms(app, row, text, address),
            NotificationType::InApp => Err(Delivery::Sent(None)),
        }
    }

    fn mail<'a>(
        &self,
        app: &'a App,
        row: &UserNotification,
        template: &NotificationTemplate,
        text: &Text,
        to: String,
    ) -> Result<Ready<'a>, Delivery> {
        let brand = Brand::new(&self.tenant, self.support.clone(), &template.locale);
        let mail = |channel: &MailChannel, reply_to: Option<String>| {
            Box::new(Mail {
                id: row.id,
                from: channel.from.clone(),
                from_name: channel.from_name.clone().unwrap_or_else(|| self.tenant.name.clone()),
                to: to.clone(),
                reply_to,
                subject: text.subject.clone().unwrap_or_else(|| self.tenant.name.clone()),
                text: text.text.clone(),
                html: text.html(&brand),
                date: row.created_at,
            })
        };
        // A tenant's settings are mended by the tenant, so it is tried again meanwhile.
        let options = self.options.as_ref().map_err(Clone::clone)?;
        if options.has_mail() {
            let channel = options.mail().map_err(Delivery::transient)?;
            let mail = mail(&channel, channel.reply_to.clone());
            return Ok(Ready::OwnMail(Box::new(channel), mail));
        }
        let channel = of_service(defaults(app)?.mail.as_ref(), "MAIL_CHANNEL")?;
        // By the service's way a tenant says its name and where answers go, and not who sends.
        let reply_to = options.text("mail_reply_to").map(str::to_owned).or_else(|| channel.reply_to.clone());
        Ok(Ready::Mail(channel, mail(channel, reply_to)))
    }

    fn sms<'a>(&self, app: &'a App, row: &UserNotification, text: Text, to: String) -> Result<Ready<'a>, Delivery> {
        let sms = Sms { id: row.id, to, text: text.text };
        let options = self.options.as_ref().map_err(Clone::clone)?;
        if options.has_sms() {
            return Ok(Ready::OwnSms(Box::new(options.sms().map_err(Delivery::transient)?), sms));
        }
        Ok(Ready::Sms(of_service(defaults(app)?.sms.as_ref(), "SMS_CHANNEL")?, sms))
    }
}

fn defaults(app: &App) -> Result<&Defaults, Delivery> {
    Ok(&app.config().map_err(|error| Delivery::transient(error.to_string()))?.channels)
}

fn of_service<'a, T>(channel: Option<&'a Result<T, String>>, variable: &str) -> Result<&'a T, Delivery> {
    match channel {
        Some(Ok(channel)) => Ok(channel),
        Some(Err(reason)) => {
            log::error("-", "notification.channel", reason);
            Err(Delivery::transient("the service's channel is not set rightly"))
        }
        None => {
            log::error("-", "notification.channel", &format!("{variable} is unset"));
            Err(Delivery::transient("the tenant has no channel of its own, and the service none either"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_differ_and_heed_the_other_side() {
        assert_eq!((wait(1, None, 0), wait(1, None, 14_999)), (15_000, 29_999));
        assert_eq!(wait(2, None, 0), 30_000);
        assert!(wait(40, None, u64::MAX) <= LONGEST_WAIT);
        assert_eq!(wait(1, Some(120), 7), 120_000);
        assert_eq!(wait(1, Some(u64::MAX), 7), 15_007);
        assert_eq!(wait(1, Some(1_000_000), 7), LONGEST_WAIT);
    }

    #[test]
    fn an_address_is_told_by_its_beginning() {
        assert_eq!(shortened("ann@example.org"), "a…@example.org");
        assert_eq!(shortened("+4930123456"), "…456");
    }
}
