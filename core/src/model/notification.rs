//! Notifications to people, and the templates that they are made from.

use super::row::{Invariants, Problems, row};
use super::{Timestamp, field::words, shape};
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
        /// The subject line, a template too.
        subject: Option<String>,
        /// The text.
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
    }
}

row! {
    /// A notification to a user.
    UserNotification in user_notification {
        /// UUIDv7.
        id: Uuid,
        /// The user's tenant.
        tenant_id: Uuid => tenant,
        /// To whom.
        user_id: Uuid => user,
        /// The template it was made from, of the same tenant or of the system.
        notification_template_id: Uuid => notification_template,
        /// Its subject line.
        subject: Option<String>,
        /// Its text.
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
    }
}

impl Invariants for UserNotification {
    fn check(&self, _: &mut Problems<'_>) {}
}
