//! The ways by which a message leaves: what a tenant or the operator has set, and one file each.

pub mod config;
pub mod email_binding;
pub mod http_api;
pub mod smtp;

use super::peer::{Leads, leads};
use super::text::Mail;
use crate::app::App;
use config::{MailChannel, SmsChannel, Transport};
use parapet::smtp::Verdict;
use parapet::web_address::WebAddress;

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

/// Whether a tenant's own way leads to the public internet, and if not, what becomes of the message meanwhile.
async fn leads_out(app: &App, address: Option<&WebAddress>) -> Result<(), Delivery> {
    let Some(address) = address else { return Ok(()) };
    let config = app.config().map_err(|error| Delivery::transient(error.to_string()))?;
    match leads(app, config, address).await {
        Ok(Leads::Out) => Ok(()),
        Ok(Leads::Here | Leads::Inside | Leads::Nowhere) => {
            Err(Delivery::transient(format!("`{}` does not lead to the public internet", address.host())))
        }
        Err(error) => Err(Delivery::transient(error.to_string())),
    }
}

/// Sends an e-mail.
pub async fn send_mail(app: &App, channel: &MailChannel, mail: &Mail) -> Delivery {
    if let Err(delivery) = leads_out(app, channel.leads.as_ref()).await {
        return delivery;
    }
    match &channel.transport {
        Transport::Smtp(server) => smtp::send(app, server, mail).await,
        Transport::Http(api) => http_api::send(app, api, &http_api::of_mail(mail)).await,
        Transport::Binding => email_binding::send(app, mail).await,
    }
}

/// Sends a text message.
pub async fn send_sms(app: &App, channel: &SmsChannel, sms: &Sms) -> Delivery {
    if let Err(delivery) = leads_out(app, channel.leads.as_ref()).await {
        return delivery;
    }
    http_api::send(app, &channel.api, &http_api::of_sms(sms, &channel.from)).await
}
