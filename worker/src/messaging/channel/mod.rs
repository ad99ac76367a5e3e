//! The ways by which a message leaves: what a tenant or the operator has set, and one file each.

pub mod config;
pub mod email_binding;
pub mod http_api;
pub mod smtp;

use super::text::Mail;
use crate::app::App;
use config::{MailChannel, SmsChannel, Transport};
use parapet::smtp::Verdict;

/// A text message.
#[derive(Debug, Clone)]
pub struct Sms {
    /// The notification.
    pub id: uuid::Uuid,
    /// The number, E.164.
    pub to: String,
    /// The text.
    pub text: String,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The next system has it; with its own id of it, where it says one.
    Sent(Option<String>),
    /// It does not.
    Failed {
        /// What that means.
        verdict: Verdict,
        /// What was said. For administrators: it holds nothing of the message.
        reason: String,
        /// After so many seconds it may be tried again, where the other side says.
        retry_after: Option<u64>,
    },
}

impl Delivery {
    /// It may go another time.
    pub fn transient(reason: impl Into<String>) -> Self {
        Self::Failed { verdict: Verdict::Transient, reason: reason.into(), retry_after: None }
    }

    /// It never goes.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self::Failed { verdict: Verdict::Permanent, reason: reason.into(), retry_after: None }
    }
}

/// Sends an e-mail.
pub async fn send_mail(app: &App, channel: &MailChannel, mail: &Mail) -> Delivery {
    match &channel.transport {
        Transport::Smtp(server) => smtp::send(app, server, mail).await,
        Transport::Http(api) => http_api::send(app, api, &http_api::of_mail(mail)).await,
        Transport::Binding => email_binding::send(app, mail).await,
    }
}

/// Sends a text message.
pub async fn send_sms(app: &App, channel: &SmsChannel, sms: &Sms) -> Delivery {
    http_api::send(app, &channel.api, &http_api::of_sms(sms, &channel.from)).await
}
