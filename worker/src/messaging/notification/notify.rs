//! Telling somebody: which templates, in which language, by which ways; as statements for the batch of the cause.

use parapet::Timestamp;
use parapet::model::{
    MessageSuppression, NotificationPreference, NotificationStatus, NotificationTemplate, NotificationType,
    SettingCategory, Tenant, TenantSetting, TenantStatus, User, UserNotification, UserState,
};
use parapet::setting;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::purpose::{self, Purpose};
use super::sealed::Sealed;
use crate::administration::fresh_id;
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::messaging::text::{Text, Values};
use crate::platform::db::Statement;
use crate::platform::log;

/// What stands for a secret where a notification is kept.
const HIDDEN: &str = "•••";

/// Who is to be told what.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The tenant.
    pub tenant: Uuid,
    /// To whom; nobody where it goes to the address of `email`, whose is no account.
    pub user: Option<Uuid>,
    /// What it is about: the name of a [`Purpose`].
    pub purpose: &'static str,
    /// The values of its variables; one that is left out is empty.
    pub values: Vec<(&'static str, String)>,
    /// By which ways; those of the purpose where nothing is said.
    pub channels: Option<&'static [NotificationType]>,
    /// The e-mail address, where it is not the user's own: one that is to be confirmed, or was until now.
    pub email: Option<String>,
    /// The number, where it is not the user's own.
    pub phone: Option<String>,
    /// The language, as BCP 47 writes it, where it is known better than by the user's attribute `locale`.
    pub locale: Option<String>,
    /// What it follows from, an event or a link: once from each.
    pub event: Option<Uuid>,
    /// From then on what it says is over, and it is not sent any more.
    pub expires_at: Option<Timestamp>,
}

/// Statements for a batch, and what to send once it is written.
#[derive(Debug, Default)]
pub struct Notices {
    /// What writes the notifications.
    pub statements: Vec<Statement>,
    /// The messages for the queue. Without them the notifications go within a minute.
    pub messages: Vec<Value>,
    /// The ids of the notifications, each of which is there once its statement found that it may.
    pub notifications: Vec<Uuid>,
}

impl Notices {
    /// Both of two.
    pub fn extend(&mut self, other: Self) {
        self.statements.extend(other.statements);
        self.messages.extend(other.messages);
        self.notifications.extend(other.notifications);
    }
}

/// `?1` is the tenant, `?2` to `?14` the row in the order of its columns without the tenant, `?15` since when those of the
/// purpose are counted, `?16` how many there are at most. It gives a row where there were fewer. What goes to nobody's address
/// is counted where it is asked for.
const INSERT: &str = "
    INSERT INTO user_notification (tenant_id, id, user_id, notification_template_id, subject, content, type, status, metadata,
                                   sent_at, read_at, created_at, next_attempt_at, sealed)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
    WHERE ?16 > (
        SELECT count(*) FROM user_notification
        WHERE tenant_id = ?1 AND user_id = ?3 AND type = ?7 AND created_at > ?15
          AND json_extract(metadata, '$.purpose') = json_extract(?9, '$.purpose')
    )
    ON CONFLICT (id) DO NOTHING RETURNING id";

/// So long the most an hour is counted.
const HOUR: i64 = 60 * 60 * 1000;

/// What tells somebody: nothing, where they are gone, do not want it, cannot be reached, or were told of it often enough.
pub async fn notify(app: &App, wanted: &Wanted) -> Result<Notices, ApiError> {
    let purpose = purpose::find(wanted.purpose).ok_or_else(|| ApiError::internal("there is no such purpose"))?;
    let Some(about) = About::read(app, wanted).await? else { return Ok(Notices::default()) };
    let mut notices = Notices::default();
    let now = app.clock.now();
    for channel in wanted.channels.unwrap_or(purpose.channels) {
        if !about.wants(purpose, *channel) || !about.is_reachable(wanted, *channel) {
            continue;
        }
        let Some(template) = about.template(wanted, *channel) else {
            let cause =
                format!("there is no template `{}` for {channel} in the tenant {}", purpose.name, wanted.tenant);
            log::error("-", "notification.no_template", &cause);
            continue;
        };
        let Some(row) = about.notification(app, wanted, purpose, template, now)? else { continue };
        notices.messages.extend(row.next_attempt_at.map(|_| super::send::message(row.tenant_id, row.id)));
        notices.notifications.push(row.id);
        notices.statements.push(insert(&row, purpose, now));
    }
    Ok(notices)
}

fn insert(row: &UserNotification, purpose: &Purpose, now: Timestamp) -> Statement {
    Statement::new(INSERT)
        .bind(row.tenant_id)
        .bind(row.id)
        .bind(row.user_id)
        .bind(row.notification_template_id)
        .bind(row.subject.as_deref())
        .bind(row.content.as_str())
        .bind(row.r#type.as_str())
        .bind(row.status.as_str())
        .bind(Value::Object(row.metadata.clone()).to_string())
        .bind(row.sent_at)
        .bind(row.read_at)
        .bind(row.created_at)
        .bind(row.next_attempt_at)
        .bind(row.sealed.as_ref().map(parapet::model::Secret::expose))
        .bind(Timestamp::from_millis(now.as_millis().saturating_sub(HOUR)))
        .bind(purpose.hourly)
}

/// The id of a notification to come.
pub fn fresh(app: &App) -> Result<Uuid, ApiError> {
    fresh_id(app.clock.now())
}

/// What sends a template with samples to who tests it, as its own purpose is counted: not as the one it is for.
pub fn test(
    app: &App,
    id: Uuid,
    user: &User,
    template: &NotificationTemplate,
    values: Values,
    now: Timestamp,
) -> Result<Notices, ApiError> {
    let purpose = purpose::find("test").ok_or_else(|| ApiError::internal("there is no such purpose"))?;
    let row = kept(app, id, (user.tenant_id, Some(user.id)), purpose, template, values, None, now)?;
    let row = row.ok_or_else(|| ApiError::internal("the template is too long with its samples"))?;
    let messages = row.next_attempt_at.map(|_| super::send::message(row.tenant_id, row.id)).into_iter().collect();
    Ok(Notices { statements: vec![insert(&row, purpose, now)], messages, notifications: vec![row.id] })
}

/// Everything that is read of somebody and their tenant.
struct About {
    /// Nobody, where it goes to an address that is no account's.
    user: Option<User>,
    tenant: Tenant,
    language: Option<TenantSetting>,
    templates: Vec<NotificationTemplate>,
    preferences: Vec<NotificationPreference>,
    suppressions: Vec<MessageSuppression>,
}

impl About {
    /// Nothing, where nobody is told anything.
    async fn read(app: &App, wanted: &Wanted) -> Result<Option<Self>, ApiError> {
        const TEMPLATES: &str = "(tenant_id = ?1 OR tenant_id IS NULL) AND name = ?2 AND is_active = 1";
        const LANGUAGE: &str = "tenant_id = ?1 AND category = 'ui' AND setting_key = 'language'";
        let (tenant, user) = (wanted.tenant, wanted.user);
        let statements = vec![
            select::<User>("tenant_id = ?1 AND id = ?2", tenant).bind(user),
            select::<Tenant>("id = ?1", tenant),
            select::<TenantSetting>(LANGUAGE, tenant),
            select::<NotificationTemplate>(TEMPLATES, tenant).bind(wanted.purpose),
            select::<NotificationPreference>("tenant_id = ?1 AND user_id = ?2", tenant).bind(user),
            select::<MessageSuppression>("tenant_id = ?1 AND (user_id = ?2 OR address = ?3)", tenant)
                .bind(user)
                .bind(wanted.email.as_deref()),
        ];
        let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let found = rows::<User>(next())?.pop().filter(|user| user.state != UserState::Deleted);
        let tenant = rows::<Tenant>(next())?.pop().filter(|tenant| tenant.status == TenantStatus::Active);
        let Some(tenant) = tenant.filter(|_| found.is_some() == user.is_some()) else { return Ok(None) };
        Ok(Some(Self {
            user: found,
            tenant,
            language: rows(next())?.pop(),
            templates: rows(next())?,
            preferences: rows(next())?,
            suppressions: rows(next())?,
        }))
    }

    fn wants(&self, purpose: &Purpose, channel: NotificationType) -> bool {
        let refuses =
            |row: &NotificationPreference| row.name == purpose.name && row.r#type == channel && !row.is_enabled;
        purpose.is_security || !self.preferences.iter().any(refuses)
    }

    /// Whether there is an address at which something arrives.
    fn is_reachable(&self, wanted: &Wanted, channel: NotificationType) -> bool {
        let address = match channel {
            NotificationType::InApp => return self.user.is_some(),
            NotificationType::Email => wanted.email.as_ref().or(self.user.as_ref().map(|user| &user.email)),
            NotificationType::Sms => wanted.phone.as_ref().or(self.user.as_ref().and_then(|user| user.phone.as_ref())),
        };
        let is_it = |row: &MessageSuppression| row.r#type == channel && Some(&row.address) == address;
        address.is_some() && !self.suppressions.iter().any(is_it)
    }

    /// The template in the language that is wanted, else the less exact ones, else the tenant's, else English; at each step
    /// the tenant's own before the system's.
    fn template(&self, wanted: &Wanted, channel: NotificationType) -> Option<&NotificationTemplate> {
        let known = setting::find(SettingCategory::Ui, "language");
        let of_tenant = known.map(|known| known.effective("language", &self.tenant, self.language.as_ref()).0);
        let of_user = self.user.as_ref().and_then(|user| user.custom_attributes.get("locale")?.as_str());
        let of_tenant = of_tenant.as_ref().and_then(Value::as_str);
        let wishes = [wanted.locale.as_deref(), of_user, of_tenant, Some("en")].into_iter().flatten();
        wishes.flat_map(less_exact).find_map(|locale| {
            let fits = |row: &&NotificationTemplate| row.r#type == channel && row.locale.eq_ignore_ascii_case(locale);
            let own = self.templates.iter().filter(fits).find(|row| row.tenant_id.is_some());
            own.or_else(|| self.templates.iter().find(fits))
        })
    }

    fn values(&self, wanted: &Wanted, purpose: &Purpose) -> Values {
        let mut values: Values = purpose.variables.iter().map(|its| (its.name.to_owned(), String::new())).collect();
        values.insert("tenant_name".to_owned(), self.tenant.name.clone());
        values.insert("user_name".to_owned(), self.user.as_ref().map(name).unwrap_or_default());
        for (name, value) in &wanted.values {
            values.insert((*name).to_owned(), value.clone());
        }
        values
    }

    fn notification(
        &self,
        app: &App,
        wanted: &Wanted,
        purpose: &Purpose,
        template: &NotificationTemplate,
        now: Timestamp,
    ) -> Result<Option<UserNotification>, ApiError> {
        let id = match wanted.event {
            Some(event) => {
                once(event, &format!("{} {} {}", wanted.user.unwrap_or_default(), purpose.name, template.r#type))
            }
            None => fresh_id(now)?,
        };
        let row = kept(
            app,
            id,
            (wanted.tenant, wanted.user),
            purpose,
            template,
            self.values(wanted, purpose),
            Some(wanted),
            now,
        )?;
        let event = wanted.event.map(|event| ("event".to_owned(), json!(event)));
        Ok(row.map(|mut row| {
            row.metadata.extend(event);
            row
        }))
    }
}

/// A notification, as it is kept: without what is secret of it. Nothing, where its text would be too long: what it follows
/// from must not fail by it.
#[expect(clippy::too_many_arguments, reason = "each is another thing that the row is made of")]
fn kept(
    app: &App,
    id: Uuid,
    (tenant_id, user_id): (Uuid, Option<Uuid>),
    purpose: &Purpose,
    template: &NotificationTemplate,
    values: Values,
    wanted: Option<&Wanted>,
    now: Timestamp,
) -> Result<Option<UserNotification>, ApiError> {
    let channel = template.r#type;
    let mut shown = values.clone();
    // A test shows the samples of what it tests.
    for variable in purpose.variables.iter().filter(|variable| variable.is_secret) {
        shown.insert(variable.name.to_owned(), HIDDEN.to_owned());
    }
    let text = match Text::new(template.subject.as_deref(), &template.template_body, &shown) {
        Ok(text) => text,
        Err(error) => {
            log::error("-", "notification.not_filled", &format!("the template {}: {error}", template.id));
            return Ok(None);
        }
    };
    let sealed = match channel {
        NotificationType::InApp => None,
        _ => {
            let to = wanted.and_then(|wanted| match channel {
                NotificationType::Sms => wanted.phone.clone(),
                _ => wanted.email.clone(),
            });
            Some(Sealed { to, values, expires_at: wanted.and_then(|wanted| wanted.expires_at) }.seal(app, id)?)
        }
    };
    let waits = sealed.is_some();
    Ok(Some(UserNotification {
        id,
        tenant_id,
        user_id,
        notification_template_id: template.id,
        subject: text.subject,
        content: text.text,
        r#type: channel,
        // In the application it is there as soon as it is written.
        status: if waits { NotificationStatus::Pending } else { NotificationStatus::Delivered },
        metadata: Map::from_iter([("purpose".to_owned(), json!(purpose.name))]),
        sent_at: (!waits).then_some(now),
        read_at: None,
        created_at: now,
        next_attempt_at: waits.then_some(now),
        sealed,
    }))
}

/// How somebody is spoken to.
pub fn name(user: &User) -> String {
    let names = [user.first_name.as_deref(), user.last_name.as_deref()];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    if name.trim().is_empty() { user.username.clone().unwrap_or_else(|| user.email.clone()) } else { name }
}

/// A language tag, then the same without its last subtag, and so on (RFC 4647, section 3.4).
pub fn less_exact(locale: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(locale), |tag| tag.rsplit_once('-').map(|(shorter, _)| shorter))
}

/// The id of what follows from an event, or from another thing with such an id: the same one each time. It has its time and the form of a UUIDv7.
pub(super) fn once(event: Uuid, what: &str) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(event.as_bytes());
    hash.update(what);
    let hash: [u8; 32] = hash.finalize().into();
    let random = hash.first_chunk::<10>().copied().unwrap_or_default();
    let millis = event.as_u128() >> 80;
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or_default(), &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_becomes_less_exact() {
        assert_eq!(less_exact("zh-Hant-TW").collect::<Vec<_>>(), ["zh-Hant-TW", "zh-Hant", "zh"]);
        assert_eq!(less_exact("en").collect::<Vec<_>>(), ["en"]);
    }

    #[test]
    fn what_follows_from_an_event_has_one_id() {
        let event = Uuid::from_u128(0x0198_0000_1234_7000_8000_0000_0000_0001);
        assert_eq!(once(event, "a"), once(event, "a"));
        assert_ne!(once(event, "a"), once(event, "b"));
        assert_eq!((once(event, "a").get_version_num(), once(event, "a").as_u128() >> 80), (7, event.as_u128() >> 80));
    }
}
