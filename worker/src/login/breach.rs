//! Whether a password that somebody chooses is known from a breach: where the tenant wants it, a source is asked by
//! k-anonymity (`parapet::password::breach`).
//!
//! What the source does not say, it does not say: one that fails, hangs or babbles keeps nobody from a password that is
//! good by all else. It is written to the log.

use std::time::Duration;

use parapet::password::Password;
use parapet::password::breach::{MAX_ANSWER, Range};
use parapet::web_address::WebAddress;

use super::site::Site;
use crate::app::App;
use crate::messaging::peer::{Leads, leads};
use crate::platform::fetch::Outgoing;
use crate::platform::log;

/// So long an answer may take: somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the source knows the password.
pub async fn is_known(app: &App, site: &Site, password: &Password) -> bool {
    if site.security("breached_password_check") != true {
        return false;
    }
    let asked = count(app, site, &Range::of(password)).await;
    asked.inspect_err(|reason| log::error("-", "password.breach_not_asked", reason)).is_ok_and(|count| count > 0)
}

/// How often the source has seen a password of this range; or why it does not say.
async fn count(app: &App, site: &Site, range: &Range) -> Result<u64, String> {
    let config = app.config().map_err(|error| error.to_string())?;
    let source = site.security("breached_password_url");
    let address = WebAddress::parse(source.as_str().unwrap_or_default(), config.local);
    let address = address.map_err(|error| error.to_string())?;
    match leads(app, config, &address).await {
        Ok(Leads::Out) => {}
        Ok(Leads::Inside | Leads::Here | Leads::Nowhere) => {
            return Err(format!("`{}` does not lead to the public internet", address.host()));
        }
        Err(error) => return Err(error.to_string()),
    }
    // With made-up suffixes among them the length of an answer says nothing of the range.
    let headers = [("add-padding", "true"), ("user-agent", concat!("Parapet/", env!("CARGO_PKG_VERSION")))];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let request = Outgoing { url: format!("{address}{}", range.prefix()), headers, ..Outgoing::default() };
    let answer = app.fetch.get(&request, PATIENCE, MAX_ANSWER).await.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("`{}` answered {}", address.host(), answer.status));
    }
    let text = String::from_utf8(answer.body).map_err(|error| error.to_string())?;
    range.count(&text).map_err(|error| error.to_string())
}
