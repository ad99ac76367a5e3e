//! The settings that are known: what each may hold, what counts where nothing is set, and who may change it.

use crate::Finding;
use crate::model::{SettingCategory, Tenant, TenantSetting};
use serde::Serialize;
use serde_json::{Value, json};

/// The longest text, and the longest JSON of a setting of the tenant's own, in bytes.
const LONGEST: usize = 16 * 1024;

/// The longest Cedar text, and the longest schema.
const LONGEST_RULE: usize = 256 * 1024;

/// A setting, or all whose key begins alike.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// What it is about.
    pub category: SettingCategory,
    /// Its key; with a `*` at the end, every key that begins so and goes on.
    pub key: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What counts where nothing is set, as JSON.
    pub default: &'static str,
    /// Whether it is written and never shown.
    pub secret: bool,
    /// Whether it decides for everybody, so that an owner alone changes it.
    pub owner: bool,
    /// What it is for.
    pub description: &'static str,
}

/// What a setting may hold.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number within bounds.
    Integer(i64, i64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Text.
    Text,
    /// A port that messages are submitted to: any but 25.
    SubmissionPort,
    /// One line of text.
    Line,
    /// An absolute web address.
    Url,
    /// An e-mail address.
    Email,
    /// A language tag (BCP 47).
    Locale,
    /// A list of origins, `https://app.example.com`.
    Origins,
    /// A list of some of these words, at least one.
    Words(&'static [&'static str]),
    /// A list of names.
    Names,
    /// A list of what stands behind the `@` of e-mail addresses, in lower case.
    EmailDomains,
    /// A JSON object, read by the compiler.
    Schema,
    /// Cedar text, read by the compiler.
    Policy,
    /// A route map, read by the compiler.
    Routes,
    /// The name of a role, read by the compiler.
    Role,
    /// Which decisions are logged, read by the compiler.
    DecisionLog,
    /// Any JSON but null.
    Any,
}

const fn known(
    category: SettingCategory,
    key: &'static str,
    kind: Kind,
    default: &'static str,
    description: &'static str,
) -> Known {
    Known { category, key, kind, default, secret: false, owner: false, description }
}

const fn owners(known: Known) -> Known {
    Known { owner: true, ..known }
}

const fn secret(known: Known) -> Known {
    Known { secret: true, ..known }
}

use SettingCategory::{Auth, Integration, Security, Ui};

/// All of them.
pub const KNOWN: &[Known] = &[
    owners(known(Auth, "schema", Kind::Schema, "null", "Attributes and parents that policies may speak of")),
    owners(known(Auth, "policy.*", Kind::Policy, "null", "A policy of the tenant's own, in Cedar")),
    owners(known(
        Auth,
        "anonymous_role",
        Kind::Role,
        "null",
        "The role of whoever does not say who they are, at the gateway",
    )),
    owners(known(Auth, "routes.*", Kind::Routes, "null", "What requests to an application behind the gateway ask")),
    owners(known(
        Auth,
        "decision_log",
        Kind::DecisionLog,
        r#"{"allow":0,"error":1,"forbidden":1,"no_permit":1,"mask":["*.email*","*.phone*","*.first_name","*.last_name","context.ip"]}"#,
        "The share of decisions that is logged, an outcome each, and the attributes that are left out of them",
    )),
    owners(known(
        Auth,
        "subject_id",
        Kind::Word(&["id", "username", "email"]),
        r#""id""#,
        "What tokens name a user by",
    )),
    known(Security, "session_idle_minutes", Kind::Integer(1, 43_200), "60", "A session unused for so long ends"),
    known(Security, "session_absolute_hours", Kind::Integer(1, 8_760), "24", "Every session ends after so long"),
    known(Security, "sessions_per_user", Kind::Integer(1, 1_000), "20", "With more, the oldest session ends"),
    known(
        Security,
        "password_min_length",
        Kind::Integer(8, 128),
        "8",
        "The shortest password, in characters; where nothing else is asked for it is 15 at least",
    ),
    known(Security, "password_history", Kind::Integer(0, 24), "0", "So many passwords of before are refused"),
    known(
        Security,
        "breached_password_check",
        Kind::Boolean,
        "false",
        "Passwords that are known from breaches are refused: a source is asked by the first five digits of a SHA-1",
    ),
    owners(known(
        Security,
        "breached_password_url",
        Kind::Url,
        r#""https://api.pwnedpasswords.com/range/""#,
        "That source: what comes before the five digits, of a service that speaks the protocol of Have I Been Pwned",
    )),
    known(
        Security,
        "password_max_age_days",
        Kind::Integer(0, 3_650),
        "0",
        "A password is good for so long; 0, for ever, is what NIST SP 800-63B-4 asks for",
    ),
    known(
        Security,
        "password_reset_minutes",
        Kind::Integer(5, 60),
        "60",
        "A way to a new password is good for so long",
    ),
    known(Security, "invitation_hours", Kind::Integer(1, 720), "72", "An invitation is good for so long"),
    known(
        Security,
        "lockout_attempts",
        Kind::Integer(3, 100),
        "10",
        "So many tries in vain at an account are free; then each waits twice as long as the one before",
    ),
    known(Security, "lockout_minutes", Kind::Integer(1, 1_440), "15", "The longest such wait"),
    known(
        Security,
        "mfa",
        Kind::Word(&["optional", "administrators", "everybody"]),
        r#""optional""#,
        "Who needs a second factor; administrators are those with a role of the system",
    ),
    known(Security, "mfa_roles", Kind::Names, "[]", "Who has one of these roles needs a second factor as well"),
    known(
        Security,
        "mfa_methods",
        Kind::Words(&["totp", "webauthn", "sms", "email"]),
        r#"["totp","webauthn","sms","email"]"#,
        "Which second factors people may add; NIST SP 800-63B-4 restricts `sms` and takes no `email`",
    ),
    known(
        Security,
        "personal_api_keys",
        Kind::Boolean,
        "false",
        "Whether people may make API keys for themselves without the permission to administer keys",
    ),
    owners(known(
        Security,
        "sign_up",
        Kind::Word(&["closed", "invited", "domain", "open"]),
        r#""closed""#,
        "Who may make an account: nobody, who is invited, who has an address at one of `sign_up_domains`, or anybody",
    )),
    owners(known(
        Security,
        "sign_up_domains",
        Kind::EmailDomains,
        "[]",
        "Compared whole: `example.com` does not admit `sub.example.com`",
    )),
    known(
        Security,
        "bot_check_url",
        Kind::Url,
        "null",
        "What says whether a program signs up, by the protocol `siteverify` of Turnstile, hCaptcha and reCAPTCHA",
    ),
    secret(known(Security, "bot_check_secret", Kind::Line, "null", "What the service shows there")),
    known(Security, "access_token_minutes", Kind::Integer(1, 15), "5", "An access token is good for so long"),
    known(Security, "cors_origins", Kind::Origins, "[]", "The origins whose pages may call the API"),
    known(
        Security,
        "tenant_grace_days",
        Kind::Integer(1, 3_650),
        "30",
        "The operators': so long a deleted tenant comes back",
    ),
    known(
        Security,
        "log_retention_days",
        Kind::Integer(7, 3_650),
        "90",
        "Tries to sign in and decisions are kept so long",
    ),
    owners(known(
        Security,
        "audit_retention_days",
        Kind::Integer(0, 36_500),
        "0",
        "Of the audit log, what was exported is kept so long; 0: for ever",
    )),
    known(Ui, "language", Kind::Locale, r#""en""#, "The language of pages and messages"),
    known(Ui, "theme", Kind::Word(&["light", "dark", "system"]), r#""system""#, "Light or dark"),
    known(Ui, "support_email", Kind::Email, "null", "Where users find help"),
    known(Ui, "support_url", Kind::Url, "null", "Where users find help"),
    known(Ui, "terms_url", Kind::Url, "null", "The terms that whoever signs up accepts, where both are set"),
    known(Ui, "terms_version", Kind::Line, "null", "Their version, which is kept with who accepted it and when"),
    known(Ui, "x.*", Kind::Any, "null", "The tenant's own"),
    known(Integration, "mail_transport", Kind::Word(&["service", "smtp", "http"]), r#""service""#, "By what mail goes"),
    known(
        Integration,
        "mail_from",
        Kind::Email,
        "null",
        "The sender of mail, where it does not go by the service's way",
    ),
    known(Integration, "mail_from_name", Kind::Line, "null", "The sender's name; the tenant's where nothing is said"),
    known(Integration, "mail_reply_to", Kind::Email, "null", "Where answers to mail go"),
    known(Integration, "smtp_host", Kind::Line, "null", "The server that sends mail"),
    known(Integration, "smtp_port", Kind::SubmissionPort, "587", "Its port"),
    known(Integration, "smtp_security", Kind::Word(&["starttls", "tls"]), r#""starttls""#, "How TLS begins there"),
    known(Integration, "smtp_user", Kind::Line, "null", "The user to sign in there as"),
    secret(known(Integration, "smtp_password", Kind::Line, "null", "That user's password")),
    known(
        Integration,
        "mail_http_preset",
        Kind::Word(&["custom", "mailgun", "postmark", "resend", "sendgrid"]),
        r#""custom""#,
        "Whose HTTP API sends mail",
    ),
    known(Integration, "mail_http_url", Kind::Url, "null", "Its address, where the preset has none"),
    known(
        Integration,
        "mail_http_header",
        Kind::Line,
        "null",
        "A header of each request, with `{secret}` or `{basic}` in it",
    ),
    secret(known(Integration, "mail_http_secret", Kind::Line, "null", "What stands for `{secret}`")),
    known(Integration, "mail_http_encoding", Kind::Word(&["json", "form"]), r#""json""#, "What is posted"),
    known(
        Integration,
        "mail_http_body",
        Kind::Any,
        "null",
        "What is posted, with `{to}`, `{subject}`, `{text}` … in its texts",
    ),
    known(Integration, "sms_transport", Kind::Word(&["service", "http"]), r#""service""#, "By what text messages go"),
    known(Integration, "sms_from", Kind::Line, "null", "The sender of text messages"),
    known(
        Integration,
        "sms_http_preset",
        Kind::Word(&["custom", "twilio"]),
        r#""custom""#,
        "Whose HTTP API sends them",
    ),
    known(Integration, "sms_http_url", Kind::Url, "null", "Its address"),
    known(
        Integration,
        "sms_http_header",
        Kind::Line,
        "null",
        "A header of each request, with `{secret}` or `{basic}` in it",
    ),
    secret(known(Integration, "sms_http_secret", Kind::Line, "null", "What stands for `{secret}`")),
    known(Integration, "sms_http_encoding", Kind::Word(&["json", "form"]), r#""json""#, "What is posted"),
    known(
        Integration,
        "sms_http_body",
        Kind::Any,
        "null",
        "What is posted, with `{to}`, `{from}`, `{text}` in its texts",
    ),
    known(Integration, "notification_attempts", Kind::Integer(1, 20), "10", "So often a message is tried"),
    known(Integration, "webhook_attempts", Kind::Integer(1, 10), "10", "So often a delivery to a webhook is tried"),
    known(
        Integration,
        "delivery_retention_days",
        Kind::Integer(7, 3_650),
        "30",
        "Events and deliveries that are over are kept so long",
    ),
    known(
        Integration,
        "notification_retention_days",
        Kind::Integer(7, 3_650),
        "180",
        "Messages to people are kept so long",
    ),
    secret(known(Integration, "secret.*", Kind::Text, "null", "A secret of the tenant's own")),
    known(Integration, "x.*", Kind::Any, "null", "The tenant's own"),
];

/// The setting that a key means; nothing where it is not known.
pub fn find(category: SettingCategory, key: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| {
        known.category == category
            && crate::model::shape::is_action(key)
            && match known.key.strip_suffix('*') {
                None => known.key == key,
                Some(start) => key.strip_prefix(start).is_some_and(|rest| !rest.is_empty()),
            }
    })
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A row of `tenant_setting`.
    Setting,
    /// `tenant.settings`.
    Tenant,
    /// Nothing is set.
    Default,
}

impl Known {
    /// Whether it stands for many keys.
    pub fn is_open(&self) -> bool {
        self.key.ends_with('*')
    }

    /// What counts where nothing is set.
    pub fn default_value(&self) -> Value {
        // A test reads them all.
        serde_json::from_str(self.default).unwrap_or_default()
    }

    /// The value that counts, and where it comes from: the row, else `tenant.settings` (`{"ui": {"theme": "dark"}}`)
    /// where it holds a value that may be there, else the default. Of a secret, whether it is set. What the compiler
    /// reads it reads from rows alone.
    pub fn effective(&self, key: &str, tenant: &Tenant, row: Option<&TenantSetting>) -> (Value, Source) {
        if self.secret {
            let source = if row.is_some() { Source::Setting } else { Source::Default };
            return (json!({ "set": row.is_some() }), source);
        }
        if let Some(row) = row {
            return (row.setting_value.clone(), Source::Setting);
        }
        let of_tenant = tenant.settings.get(self.category.as_str()).and_then(|settings| settings.get(key));
        match of_tenant.filter(|value| !self.is_compiled() && self.wrong(value).is_none()) {
            Some(value) => (value.clone(), Source::Tenant),
            None => (self.default_value(), Source::Default),
        }
    }

    /// Whether the compiler reads it: a rule, which counts as a row alone and is kept as it was before each change.
    pub fn is_compiled(&self) -> bool {
        matches!(self.kind, Kind::Schema | Kind::Policy | Kind::Routes | Kind::Role | Kind::DecisionLog)
    }

    /// What is wrong with a value, if anything is. The value itself is not shown: it may be secret.
    pub fn check(&self, value: &Value) -> Option<Finding> {
        let message = self.wrong(value)?;
        Some(Finding::error("tenant_setting", "tenant_setting.value", format!("expected {message}")).field("value"))
    }

    /// What was expected, where it is not.
    fn wrong(&self, value: &Value) -> Option<String> {
        use crate::model::shape;
        let text = |fits: &dyn Fn(&str) -> bool| value.as_str().is_some_and(|text| text.len() <= LONGEST && fits(text));
        let list = |fits: &dyn Fn(&str) -> bool| {
            value.as_array().is_some_and(|list| {
                let once = |(at, item): (usize, &Value)| !list.iter().take(at).any(|other| other == item);
                list.len() <= 100
                    && list.iter().all(|item| item.as_str().is_some_and(fits))
                    && list.iter().enumerate().all(once)
            })
        };
        let size = value.to_string().len();
        let (fits, expected) = match self.kind {
            Kind::Boolean => (value.is_boolean(), "`true` or `false`".to_owned()),
            Kind::Integer(least, most) => (
                value.as_i64().is_some_and(|number| (least..=most).contains(&number)),
                format!("a whole number from {least} to {most}"),
            ),
            Kind::Word(words) => (text(&|text| words.contains(&text)), format!("one of `{}`", words.join("`, `"))),
            Kind::Text => {
                (text(&|text| !text.is_empty() && !text.contains('\0')), format!("text of 1 to {LONGEST} bytes"))
            }
            Kind::SubmissionPort => (
                value.as_i64().is_some_and(|port| (1..=65_535).contains(&port) && port != 25),
                "a port from 1 to 65535, and not 25".to_owned(),
            ),
            Kind::Line => (
                text(&|text| !text.is_empty() && !text.chars().any(char::is_control)),
                format!("one line of 1 to {LONGEST} bytes"),
            ),
            Kind::Url => (text(&shape::is_url), "an http(s) address".to_owned()),
            Kind::Email => (text(&shape::is_email), "an e-mail address".to_owned()),
            Kind::Locale => (text(&shape::is_locale), "a language tag, such as `pt-BR`".to_owned()),
            Kind::Origins => (
                value.as_array().is_some_and(|list| {
                    list.len() <= 100 && list.iter().all(|origin| origin.as_str().is_some_and(shape::is_origin))
                }),
                "at most 100 origins, such as `https://app.example.com`".to_owned(),
            ),
            Kind::Words(words) => (
                list(&|word| words.contains(&word)) && value.as_array().is_some_and(|list| !list.is_empty()),
                format!("a list of `{}`, each once", words.join("`, `")),
            ),
            Kind::Names => (list(&shape::is_name), "at most 100 names, each once".to_owned()),
            Kind::EmailDomains => {
                let is_domain = |text: &str| shape::is_email(&format!("x@{text}")) && shape::is_lower_case(text);
                (list(&is_domain), "at most 100 domains of e-mail addresses, in lower case, each once".to_owned())
            }
            Kind::Schema | Kind::Routes | Kind::DecisionLog => {
                (value.is_object() && size <= LONGEST_RULE, format!("an object of at most {LONGEST_RULE} bytes"))
            }
            Kind::Policy => {
                (value.is_string() && size <= LONGEST_RULE, format!("text of at most {LONGEST_RULE} bytes"))
            }
            Kind::Role => (text(&shape::is_name), "a role's name".to_owned()),
            Kind::Any => (!value.is_null() && size <= LONGEST, format!("JSON but null, of at most {LONGEST} bytes")),
        };
        (!fits).then_some(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(settings: Value) -> Tenant {
        let document = json!({ "tenant": { "id": "01980000-0000-7000-8000-000000000001", "name": "A", "slug": "acme",
            "settings": settings,
            "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z" } });
        crate::TenantDocument::from_value(document).unwrap().tenant
    }

    #[test]
    fn every_default_may_be_set_or_is_nothing() {
        for known in KNOWN {
            let default: Value = serde_json::from_str(known.default).unwrap();
            assert!(default.is_null() || known.check(&default).is_none(), "{}", known.key);
            assert!(known.check(&Value::Null).is_some(), "{}: null would be no value", known.key);
            assert!(!known.secret || known.default == "null");
            let key = known.key.replace('*', "a");
            assert_eq!(find(known.category, &key).unwrap().key, known.key);
            assert!(crate::model::shape::is_action(&key));
        }
        for (category, key) in [(Ui, "x."), (Ui, "colour"), (Auth, "x.a"), (Security, "schema"), (Auth, "policy.")] {
            assert!(find(category, key).is_none(), "{key}");
        }
    }

    #[test]
    fn a_value_fits_its_kind() {
        let fits = |category, key: &str, value: Value| find(category, key).unwrap().check(&value).is_none();
        assert!(fits(Security, "password_min_length", json!(8)) && !fits(Security, "password_min_length", json!(7)));
        assert!(
            !fits(Security, "password_min_length", json!("8")) && !fits(Security, "password_min_length", json!(8.5))
        );
        assert!(fits(Security, "mfa", json!("everybody")) && !fits(Security, "mfa", json!("nobody")));
        assert!(fits(Security, "cors_origins", json!(["https://a.example", "http://localhost:8080"])));
        for origin in ["https://a.example/", "https://*.a.example", "*", "https://A.example", "a.example"] {
            assert!(!fits(Security, "cors_origins", json!([origin])), "{origin}");
        }
        assert!(fits(Security, "mfa_methods", json!(["totp"])) && fits(Security, "mfa_roles", json!([])));
        for methods in [json!([]), json!(["totp", "totp"]), json!(["fax"]), json!("totp"), json!([1])] {
            assert!(!fits(Security, "mfa_methods", methods.clone()), "{methods}");
        }
        assert!(fits(Security, "sign_up_domains", json!(["example.com", "bücher.example"])));
        for domain in ["Example.com", "@example.com", "x@example.com", "exa mple.com", "", "example.com\n"] {
            assert!(!fits(Security, "sign_up_domains", json!([domain])), "{domain}");
        }
        assert!(fits(Ui, "x.anything", json!({ "a": [1] })) && !fits(Ui, "x.anything", json!("a".repeat(LONGEST))));
        assert!(!fits(Integration, "smtp_password", json!("")) && fits(Integration, "secret.sms", json!("s")));
        assert!(fits(Auth, "schema", json!({})) && !fits(Auth, "schema", json!([])));
    }

    #[test]
    fn the_row_counts_before_the_tenant_and_the_tenant_before_the_default() {
        let theme = find(Ui, "theme").unwrap();
        let own = tenant(json!({ "ui": { "theme": "dark" }, "auth": { "schema": {} } }));
        let row = json!({ "id": "01980000-0000-7000-8000-000000000009", "tenant_id": own.id, "setting_key": "theme",
            "setting_value": "light", "category": "ui",
            "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z" });
        let row = <TenantSetting as crate::model::Row>::from_json(row.as_object().unwrap().clone(), "r", &mut vec![]);
        assert_eq!(theme.effective("theme", &own, row.as_ref()), (json!("light"), Source::Setting));
        assert_eq!(theme.effective("theme", &own, None), (json!("dark"), Source::Tenant));
        assert_eq!(
            theme.effective("theme", &tenant(json!({ "ui": { "theme": 7 } })), None),
            (json!("system"), Source::Default)
        );
        let schema = find(Auth, "schema").unwrap();
        assert_eq!(schema.effective("schema", &own, None), (Value::Null, Source::Default), "the compiler reads rows");
        let password = find(Integration, "smtp_password").unwrap();
        assert_eq!(password.effective("smtp_password", &own, row.as_ref()), (json!({ "set": true }), Source::Setting));
        assert_eq!(password.effective("smtp_password", &own, None), (json!({ "set": false }), Source::Default));
    }
}
