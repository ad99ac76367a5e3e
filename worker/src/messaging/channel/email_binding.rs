//! E-mail by Cloudflare's binding `send_email`, named `MAIL`.

use super::Delivery;
use crate::app::App;
use crate::messaging::text::Mail;

/// Sends one mail. What the binding refuses it does not say in codes, so it is tried again until there were tries enough.
pub async fn send(app: &App, mail: &Mail) -> Delivery {
    match app.mailer.send(&mail.from, &mail.to, &String::from_utf8_lossy(&mail.bytes())).await {
        Ok(id) => Delivery::Sent(id),
        Err(error) => Delivery::transient(error.to_string()),
    }
}
