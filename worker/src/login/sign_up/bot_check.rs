//! Whether a person signs up, as a service says that the tenant has chosen: by the protocol `siteverify`, which Turnstile,
//! hCaptcha and reCAPTCHA share.
//!
//! What cannot be found out is refused: a service that does not answer lets nobody through.

use std::time::Duration;

use parapet::web_address::WebAddress;
use serde_json::Value;

use crate::administration::address;
use crate::app::App;
use crate::error::ApiError;
use crate::guard::Call;
use crate::login::site::Site;
use crate::messaging::peer::{Leads, leads};
use crate::platform::fetch::Outgoing;

const URL: &str = "bot_check_url";
const SECRET: &str = "bot_check_secret";

/// So long the service may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest that a widget gives, in bytes; those of today give up to 4 KiB.
pub const LONGEST: usize = 16 * 1024;

/// Whether a tenant asks for it: as soon as either of its settings says something.
pub fn is_asked_for(site: &Site) -> bool {
    site.security(URL).is_string() || site.has_set(SECRET)
}

/// Asks the service about what a widget gave.
pub async fn pass(app: &App, call: &Call, site: &Site, response: &str) -> Result<(), ApiError> {
    let said = ask(app, call, site, response).await.map_err(unavailable)?;
    let is_about_secret = |codes: &Value| codes.to_string().contains("secret");
    match said.get("success") {
        Some(Value::Bool(true)) => Ok(()),
        // What was sent is not what is wrong.
        Some(Value::Bool(false)) if said.get("error-codes").is_some_and(is_about_secret) => {
            Err(unavailable("it does not take the secret".to_owned()))
        }
        Some(Value::Bool(false)) => {
            Err(ApiError::Forbidden { code: "bot_check.refused", detail: "it is not certain that a person sent this" })
        }
        _ => Err(unavailable("its answer is none".to_owned())),
    }
}

/// What the service says, or why it says nothing.
async fn ask(app: &App, call: &Call, site: &Site, response: &str) -> Result<Value, String> {
    let config = app.config().map_err(|error| error.cause())?;
    let url = site.security(URL);
    let url = url.as_str().ok_or_else(|| format!("`{URL}` is not set"))?;
    let secret = site.secret(app, SECRET, &[URL]).map_err(|error| error.cause())?;
    let secret = secret.ok_or_else(|| format!("`{SECRET}` is not set since `{URL}` is what it is"))?;
    let to = WebAddress::parse(url, config.local).map_err(|error| format!("`{URL}`: {error}"))?;
    match leads(app, config, &to).await {
        Ok(Leads::Out) => {}
        Ok(_) => return Err(format!("`{}` does not lead to the public internet", to.host())),
        Err(error) => return Err(error.to_string()),
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("secret", &secret).append_pair("response", response);
    if let Some(ip) = address(call) {
        form.append_pair("remoteip", &ip.to_string());
    }
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let headers =
        vec![header("content-type", "application/x-www-form-urlencoded"), header("accept", "application/json")];
    let request = Outgoing { url: to.to_string(), headers, body: form.finish() };
    let answer = app.fetch.post(&request, PATIENCE).await.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("it answers {}", answer.status));
    }
    serde_json::from_slice(&answer.body).map_err(|error| error.to_string())
}

fn unavailable(cause: String) -> ApiError {
    ApiError::unavailable("bot_check.unavailable", "whether a person sent this cannot be found out now", cause)
}
