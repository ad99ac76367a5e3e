//! What is set of the channels: by a tenant in its settings, by the operator in `MAIL_CHANNEL` and `SMS_CHANNEL`, which are
//! JSON objects of the same keys. A tenant's own way counts before the operator's.

use std::collections::BTreeMap;

use parapet::Secret;
use parapet::model::{SettingCategory, Tenant, TenantSetting, is_email};
use parapet::setting;
use parapet::smtp::{Credentials, Security, Server};
use parapet::web_address::WebAddress;
use serde_json::{Map, Value};

use super::http_api::HttpApi;
use crate::app::App;
use crate::error::ApiError;
use crate::tenancy::tenant_setting;

/// By what an e-mail goes.
#[derive(Debug, Clone)]
pub enum Transport {
    /// SMTP submission.
    Smtp(Server),
    /// An HTTP API.
    Http(HttpApi),
    /// Cloudflare's binding `MAIL`.
    Binding,
}

/// How e-mail goes.
#[derive(Debug, Clone)]
pub struct MailChannel {
    /// By what.
    pub transport: Transport,
    /// The sender.
    pub from: String,
    /// The sender's name.
    pub from_name: Option<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// Where it leads, of a tenant's own: to the public internet alone, which is asked each time.
    pub leads: Option<WebAddress>,
}

/// How text messages go.
#[derive(Debug, Clone)]
pub struct SmsChannel {
    /// By what.
    pub api: HttpApi,
    /// The sender.
    pub from: String,
    /// Where it leads, of a tenant's own.
    pub leads: Option<WebAddress>,
}

/// What is set, by key; and which keys are a secret that was set before what it is for.
#[derive(Debug, Default)]
pub struct Options {
    values: BTreeMap<String, Value>,
    stale: Vec<&'static str>,
    /// Whether a tenant has set them, on a developer's machine or not; an operator may send where they like.
    of_tenant: Option<bool>,
}

/// A secret, and the settings that say to whom it is told: it counts only if none of them changed since. Whoever may change
/// settings could otherwise have a secret that they cannot read sent to a server of their own.
const BOUND: &[(&str, &[&str])] = &[
    ("smtp_password", &["smtp_host", "smtp_port", "smtp_security"]),
    ("mail_http_secret", &["mail_http_preset", "mail_http_url"]),
    ("sms_http_secret", &["sms_http_preset", "sms_http_url"]),
];

impl Options {
    /// A tenant's settings of the category `integration`.
    pub fn of_tenant(app: &App, tenant: &Tenant, settings: &[TenantSetting]) -> Result<Self, ApiError> {
        let mut options = Self { of_tenant: Some(app.config()?.local), ..Self::default() };
        let row = |key: &str| settings.iter().find(|row| row.setting_key == key);
        for known in setting::KNOWN.iter().filter(|known| known.category == SettingCategory::Integration) {
            let set = row(known.key);
            let value = match (known.secret, set) {
                (true, None) => continue,
                (true, Some(set)) => Value::String(tenant_setting::opened(app, set)?),
                (false, set) => known.effective(known.key, tenant, set).0,
            };
            if !value.is_null() {
                options.values.insert(known.key.to_owned(), value);
            }
        }
        for (secret, told) in BOUND {
            let changed = told.iter().filter_map(|key| row(key)).map(|row| row.updated_at).max();
            if row(secret).zip(changed).is_some_and(|(secret, changed)| secret.updated_at < changed) {
                options.stale.push(secret);
            }
        }
        Ok(options)
    }

    /// The operator's, from a JSON object.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_operator(text: &str) -> Result<Self, String> {
        let values: BTreeMap<String, Value> =
            serde_json::from_str(text).map_err(|_| "it is no JSON object".to_owned())?;
        for (key, value) in &values {
            let known = setting::find(SettingCategory::Integration, key).filter(|known| !known.is_open());
            let known = known.ok_or_else(|| format!("there is no `{key}`"))?;
            let operators = matches!(
                (key.as_str(), value.as_str()),
                ("smtp_security", Some("loopback")) | ("mail_transport", Some("binding"))
            );
            if let Some(finding) = known.check(value).filter(|_| !operators) {
                return Err(format!("`{key}`: {}", finding.message));
            }
        }
        Ok(Self { values, ..Self::default() })
    }

    /// The text of a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).and_then(Value::as_str)
    }

    /// The value of a key.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// A number.
    pub fn number(&self, key: &str) -> Option<i64> {
        self.values.get(key).and_then(Value::as_i64)
    }

    /// A secret.
    pub fn secret(&self, key: &str) -> Result<Option<&str>, String> {
        if self.stale.contains(&key) {
            return Err(format!("`{key}` was set before what it is for changed: set it again"));
        }
        Ok(self.text(key))
    }

    /// Whether a tenant's e-mail goes by a way of its own.
    pub fn has_mail(&self) -> bool {
        matches!(self.text("mail_transport"), Some("smtp" | "http"))
    }

    /// Whether a tenant's text messages go by a way of its own.
    pub fn has_sms(&self) -> bool {
        self.text("sms_transport") == Some("http")
    }

    /// How e-mail goes.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn mail(&self) -> Result<MailChannel, String> {
        let (transport, leads) = match self.text("mail_transport") {
            Some("smtp") => {
                let server = self.server()?;
                let leads = self.leads(&format!("https://{}", server.host()), "smtp_host")?;
                (Transport::Smtp(server), leads)
            }
            Some("http") => {
                let api = HttpApi::read(self, "mail")?;
                let leads = self.leads(api.url(), "mail_http_url")?;
                (Transport::Http(api), leads)
            }
            Some("binding") => (Transport::Binding, None),
            _ => return Err("`mail_transport` is `smtp` or `http`".to_owned()),
        };
        let from = self.text("mail_from").filter(|from| is_email(from)).ok_or("`mail_from` is not set")?;
        Ok(MailChannel {
            transport,
            from: from.to_owned(),
            from_name: self.text("mail_from_name").map(str::to_owned),
            reply_to: self.text("mail_reply_to").map(str::to_owned),
            leads,
        })
    }

    /// How text messages go.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn sms(&self) -> Result<SmsChannel, String> {
        let api = HttpApi::read(self, "sms")?;
        let leads = self.leads(api.url(), "sms_http_url")?;
        Ok(SmsChannel { api, from: self.text("sms_from").ok_or("`sms_from` is not set")?.to_owned(), leads })
    }

    /// Where an address leads, of a tenant's own.
    fn leads(&self, url: &str, key: &str) -> Result<Option<WebAddress>, String> {
        let Some(local) = self.of_tenant else { return Ok(None) };
        WebAddress::parse(url, local).map(Some).map_err(|error| format!("`{key}`: {error}"))
    }

    fn server(&self) -> Result<Server, String> {
        let security = match self.text("smtp_security") {
            Some("tls") => Security::Tls,
            Some("loopback") => Security::Loopback,
            _ => Security::StartTls,
        };
        let host = self.text("smtp_host").ok_or("`smtp_host` is not set")?;
        let port = self.number("smtp_port").unwrap_or(587);
        let credentials = match (self.text("smtp_user"), self.secret("smtp_password")?) {
            (Some(user), Some(password)) => {
                Some(Credentials { user: user.to_owned(), password: Secret::new(password) })
            }
            (None, None) => None,
            (None, Some(_)) => return Err("`smtp_password` without `smtp_user`".to_owned()),
            (Some(_), None) => return Err("`smtp_user` without `smtp_password`".to_owned()),
        };
        let port = u16::try_from(port).map_err(|_| "`smtp_port` is no port".to_owned())?;
        Server::new(host, port, security, credentials).map_err(|error| format!("`smtp_host`: {error}"))
    }
}

/// What the operator has set, for tenants without a way of their own; or what is wrong with it.
#[derive(Debug, Default)]
pub struct Defaults {
    /// E-mail.
    pub mail: Option<Result<MailChannel, String>>,
    /// Text messages.
    pub sms: Option<Result<SmsChannel, String>>,
}

impl Defaults {
    /// Reads the variables.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let options = |name: &str| {
            let text = get(name).filter(|text| !text.trim().is_empty())?;
            Some(Options::of_operator(&text).map_err(|reason| format!("{name}: {reason}")))
        };
        Self {
            mail: options("MAIL_CHANNEL").map(|options| options.and_then(|options| options.mail())),
            sms: options("SMS_CHANNEL").map(|options| options.and_then(|options| options.sms())),
        }
    }
}

/// A JSON object's members, for what posts one.
pub(super) type Members = Map<String, Value>;

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(text: &str) -> Result<MailChannel, String> {
        Options::of_operator(text)?.mail()
    }

    #[test]
    fn an_operator_sets_what_a_tenant_may_and_two_things_more() {
        let smtp = mail(
            r#"{"mail_transport": "smtp", "smtp_host": "mail.example.com", "smtp_port": 465, "smtp_security": "tls",
                "smtp_user": "u", "smtp_password": "p", "mail_from": "no-reply@example.com"}"#,
        );
        assert!(matches!(smtp.unwrap().transport, Transport::Smtp(server) if server.port() == 465));
        let local = r#"{"mail_transport": "smtp", "smtp_host": "127.0.0.1", "smtp_port": 1025, "smtp_security": "loopback",
                        "mail_from": "no-reply@localhost"}"#;
        assert!(mail(local).is_ok());
        assert!(mail(r#"{"mail_transport": "binding", "mail_from": "a@b.example"}"#).is_ok());
        for (text, wrong) in [
            ("[]", "it is no JSON object"),
            (r#"{"smtp_hots": "x"}"#, "there is no `smtp_hots`"),
            (r#"{"smtp_port": 25}"#, "`smtp_port`: expected a port from 1 to 65535, and not 25"),
            (r#"{"mail_transport": "smtp", "mail_from": "a@b.example"}"#, "`smtp_host` is not set"),
            (
                r#"{"mail_transport": "smtp", "smtp_host": "a.example", "smtp_user": "u", "mail_from": "a@b.example"}"#,
                "`smtp_user` without `smtp_password`",
            ),
            (r#"{"mail_transport": "binding"}"#, "`mail_from` is not set"),
            (
                &local.replace("127.0.0.1", "mail.example.com"),
                "`smtp_host`: without TLS only `localhost`, `127.0.0.1` and `[::1]` are spoken to",
            ),
        ] {
            assert_eq!(mail(text).unwrap_err(), wrong, "{text}");
        }
        for (key, value) in [("smtp_security", "loopback"), ("mail_transport", "binding")] {
            let known = setting::find(SettingCategory::Integration, key).unwrap();
            assert!(known.check(&value.into()).is_some(), "{key}: no tenant's to set");
        }
    }
}
