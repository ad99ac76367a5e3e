//! Notifications to people, the templates that they are made from, what people want of them, and where none arrives.

use super::row::{Invariants, Problems, row};
use super::{Secret, Timestamp, field::words, shape};
use serde_json::{Map, Value};
use uuid::Uuid;

words! {
    /// How a notification comes.
    NotificationType {
        /// By e-mail.
        Email = "email",
        /// By text message.
        Sms = "sms",
        /// In the application.
        InApp = "in_app",
    }
}

words! {
    /// How far a notification is.
    NotificationStatus {
        /// Waiting to be sent.
        Pending = "pending",
        /// Taken by the next system.
        Sent = "sent",
        /// Arrived.
        Delivered = "delivered",
        /// Given up.
        Failed = "failed",
    }
}

row! {
    /// A template. A tenant's goes before the system's of the same name, type and locale.
    NotificationTemplate in notification_template {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to; null for the operator's, which stand in no tenant's document.
        tenant_id: Option<Uuid> => tenant,
        /// What it is for: lower-case words joined by dots.
        name: String,
        /// How it is sent.
        r#type: NotificationType,
        /// Its language, as BCP 47 writes it. An addition to the diagram.
        locale: String = "en".to_owned(),
        /// The subject line, a template too. What is sent as SMS has none.
        subject: Option<String>,
        /// The text, of which an e-mail's plain and HTML parts are both made.
        template_body: String,
        /// The variables that it may use: `{"name": {"description": …}}`.
        variables: Map<String, Value> = Map::new(),
        /// Whether it is used.
        is_active: bool = true,
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
    unique ["tenant_id", "name", "type", "locale"]
    unique ["name", "type", "locale"] while "tenant_id"
}

impl Invariants for NotificationTemplate {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            shape::is_dotted(&self.name),
            "name",
            "notification_template.name",
            "expected lower-case words joined by dots",
        );
        problems.require(
            shape::is_locale(&self.locale),
            "locale",
            "notification_template.locale",
            "expected a language tag such as `en` or `pt-BR`",
        );
        let subject = self.subject.as_deref();
        problems.require(
            subject.is_none_or(|subject| {
                (1..=LONGEST_SUBJECT).contains(&subject.chars().count()) && !subject.chars().any(char::is_control)
            }),
            "subject",
            "notification_template.subject",
            "a subject is one line of 1 to 255 characters, without control characters",
        );
        problems.require(
            (1..=LONGEST_BODY).contains(&self.template_body.len()),
            "template_body",
            "notification_template.template_body",
            "a text has 1 to 16384 bytes",
        );
        for (name, about) in &self.variables {
            problems.require(
                shape::is_word(name) && about.is_object(),
                &format!("variables/{name}"),
                "notification_template.variables",
                "expected a lower-case word and an object",
            );
        }
    }
}

/// The longest subject line, in characters.
const LONGEST_SUBJECT: usize = 255;

/// The longest text of a template, in bytes.
const LONGEST_BODY: usize = 16 * 1024;

row! {
    /// A notification to a user, or to an address that somebody signs up with.
    UserNotification in user_notification {
        /// UUIDv7.
        id: Uuid,
        /// The user's tenant.
        tenant_id: Uuid => tenant,
        /// To whom; null where they are no user yet.
        user_id: Option<Uuid> => user,
        /// The template it was made from, of the same tenant or of the system.
        notification_template_id: Uuid => notification_template,
        /// Its subject line.
        subject: Option<String>,
        /// Its text; what is secret in it (a link, a code) is `•••`.
        content: String,
        /// How it comes.
        r#type: NotificationType,
        /// How far it is.
        status: NotificationStatus = NotificationStatus::Pending,
        /// The event, the provider's id, tries and the last error.
        metadata: Map<String, Value> = Map::new(),
        /// When it was sent.
        sent_at: Option<Timestamp>,
        /// When the user read it.
        read_at: Option<Timestamp>,
        /// When it was made.
        created_at: Timestamp,
        /// When it is tried next, or was begun to be: then this is until when nobody else tries. Null when it is not tried
        /// any more. An addition to the diagram.
        next_attempt_at: Option<Timestamp>,
        /// AES-256-GCM under the data key: what it is made of, until it is sent or given up. An addition to the diagram.
        #[serde(skip_serializing)]
        sealed: Option<Secret>,
    }
}

impl Invariants for UserNotification {
    fn check(&self, _: &mut Problems<'_>) {}
}

row! {
    /// What a user wants to be told of, and how; where there is no row, they do. An addition to the diagram.
    NotificationPreference in notification_preference {
        /// UUIDv7.
        id: Uuid,
        /// The user's tenant.
        tenant_id: Uuid => tenant,
        /// Whose wish it is.
        user_id: Uuid => user,
        /// What it is about: a template's name.
        name: String,
        /// How it comes.
        r#type: NotificationType,
        /// Whether they want it.
        is_enabled: bool,
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
    unique ["tenant_id", "user_id", "name", "type"]
}

impl Invariants for NotificationPreference {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            shape::is_dotted(&self.name),
            "name",
            "notification_preference.name",
            "expected lower-case words joined by dots",
        );
    }
}

row! {
    /// An address at which nothing arrives, as the system that delivers says: nothing more is sent there. An addition to the
    /// diagram.
    MessageSuppression in message_suppression {
        /// UUIDv7.
        id: Uuid,
        /// The tenant whose messages they are.
        tenant_id: Uuid => tenant,
        /// Whose address it was.
        user_id: Uuid => user,
        /// Of what kind the address is.
        r#type: NotificationType,
        /// The e-mail address or the number.
        address: String,
        /// What the system that delivers said.
        reason: Option<String>,
        /// Since when.
        created_at: Timestamp,
    }
    unique ["tenant_id", "address", "type"]
}

impl Invariants for MessageSuppression {
    fn check(&self, problems: &mut Problems<'_>) {
        let holds = match self.r#type {
            NotificationType::Email => shape::is_email(&self.address),
            NotificationType::Sms => shape::is_phone(&self.address),
            NotificationType::InApp => false,
        };
        let expected = "expected an e-mail address or an E.164 number, as its type says";
        problems.require(holds, "address", "message_suppression.address", expected);
    }
}
