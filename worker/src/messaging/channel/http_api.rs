//! E-mail and text messages by an HTTP API: an address, a header with the secret, and a body with placeholders; with presets
//! for those that many use.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parapet::model::is_url;
use parapet::smtp::Verdict;
use serde_json::Value;

use super::config::{Members, Options};
use super::{Delivery, Sms};
use crate::app::App;
use crate::messaging::text::Mail;
use crate::platform::fetch::{FetchError, Incoming, Outgoing};

/// So long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Json,
    Form,
}

/// An HTTP API that sends messages.
#[derive(Debug, Clone)]
pub struct HttpApi {
    preset: &'static Preset,
    url: String,
    header: (String, String),
    encoding: Encoding,
    body: Value,
}

/// An API that is known.
#[derive(Debug)]
struct Preset {
    name: &'static str,
    /// Nothing, where the address has something of the customer's own.
    url: Option<&'static str>,
    header: &'static str,
    encoding: Encoding,
    body: &'static str,
    /// Where its refusals have their code, and the codes that say that nothing ever arrives at the address.
    refusal: &'static str,
    undeliverable: &'static [i64],
}

const CUSTOM: Preset = Preset {
    name: "custom",
    url: None,
    header: "Authorization: Bearer {secret}",
    encoding: Encoding::Json,
    body: r#"{"id": "{id}", "from": "{from}", "to": "{to}", "reply_to": "{reply_to}", "subject": "{subject}", "text": "{text}", "html": "{html}"}"#,
    refusal: "",
    undeliverable: &[],
};

const MAIL: &[Preset] = &[
    CUSTOM,
    Preset {
        name: "postmark",
        url: Some("https://api.postmarkapp.com/email"),
        header: "X-Postmark-Server-Token: {secret}",
        encoding: Encoding::Json,
        body: r#"{"From": "{from}", "To": "{to}", "ReplyTo": "{reply_to}", "Subject": "{subject}", "TextBody": "{text}",
                  "HtmlBody": "{html}", "MessageStream": "outbound",
                  "Headers": [{"Name": "Message-ID", "Value": "<{message_id}>"}]}"#,
        // Inactive recipient.
        refusal: "ErrorCode",
        undeliverable: &[406],
    },
    Preset {
        name: "sendgrid",
        url: Some("https://api.sendgrid.com/v3/mail/send"),
        header: "Authorization: Bearer {secret}",
        encoding: Encoding::Json,
        body: r#"{"personalizations": [{"to": [{"email": "{to}"}]}],
                  "from": {"email": "{from_address}", "name": "{from_name}"}, "reply_to": {"email": "{reply_to}"},
                  "subject": "{subject}", "headers": {"Message-ID": "<{message_id}>"},
                  "content": [{"type": "text/plain", "value": "{text}"}, {"type": "text/html", "value": "{html}"}]}"#,
        refusal: "",
        undeliverable: &[],
    },
    Preset {
        name: "resend",
        url: Some("https://api.resend.com/emails"),
        header: "Authorization: Bearer {secret}",
        encoding: Encoding::Json,
        body: r#"{"from": "{from}", "to": ["{to}"], "reply_to": "{reply_to}", "subject": "{subject}", "text": "{text}",
                  "html": "{html}", "headers": {"Message-ID": "<{message_id}>"}}"#,
        refusal: "",
        undeliverable: &[],
    },
    Preset {
        name: "mailgun",
        // https://api.mailgun.net/v3/<domain>/messages
        url: None,
        header: "Authorization: Basic {basic}",
        encoding: Encoding::Form,
        body: r#"{"from": "{from}", "to": "{to}", "h:Reply-To": "{reply_to}", "subject": "{subject}", "text": "{text}",
                  "html": "{html}", "h:Message-Id": "<{message_id}>"}"#,
        refusal: "",
        undeliverable: &[],
    },
];

const SMS: &[Preset] = &[
    Preset { body: r#"{"id": "{id}", "from": "{from}", "to": "{to}", "text": "{text}"}"#, ..CUSTOM },
    Preset {
        name: "twilio",
        // https://api.twilio.com/2010-04-01/Accounts/<account>/Messages.json
        url: None,
        header: "Authorization: Basic {basic}",
        encoding: Encoding::Form,
        body: r#"{"From": "{from}", "To": "{to}", "Body": "{text}"}"#,
        // Not a number; the recipient said STOP; not a mobile number.
        refusal: "code",
        undeliverable: &[21_211, 21_610, 21_614],
    },
];

/// What a placeholder stands for, by its name.
pub type Fields = Vec<(&'static str, String)>;

/// What can be said of an e-mail.
pub fn of_mail(mail: &Mail) -> Fields {
    vec![
        ("id", mail.id.to_string()),
        ("message_id", mail.message_id()),
        ("from", mail.sender()),
        ("from_address", mail.from.clone()),
        ("from_name", mail.from_name.clone()),
        ("to", mail.to.clone()),
        ("reply_to", mail.reply_to.clone().unwrap_or_default()),
        ("subject", mail.subject.clone()),
        ("text", mail.text.clone()),
        ("html", mail.html.clone()),
    ]
}

/// What can be said of a text message.
pub fn of_sms(sms: &Sms, from: &str) -> Fields {
    vec![("id", sms.id.to_string()), ("from", from.to_owned()), ("to", sms.to.clone()), ("text", sms.text.clone())]
}

impl HttpApi {
    /// Reads what is set under `mail_http_…` or `sms_http_…`.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn read(options: &Options, kind: &str) -> Result<Self, String> {
        let key = |name: &str| format!("{kind}_http_{name}");
        let presets = if kind == "sms" { SMS } else { MAIL };
        let name = options.text(&key("preset")).unwrap_or("custom");
        let preset = presets.iter().find(|preset| preset.name == name).ok_or(format!("there is no preset `{name}`"))?;
        let url = options.text(&key("url")).or(preset.url).ok_or(format!("`{}` is not set", key("url")))?;
        if !is_url(url) || !url.starts_with("https://") && !is_loopback(url) {
            return Err(format!("`{}` must be an https address", key("url")));
        }
        let secret = options.secret(&key("secret"))?.ok_or(format!("`{}` is not set", key("secret")))?;
        let is_custom = preset.name == "custom";
        let custom = |name: &str| options.value(&key(name)).filter(|_| is_custom);
        let header = custom("header").and_then(Value::as_str).unwrap_or(preset.header);
        // Mailgun's user is `api`; of the others the secret is `<user>:<password>`.
        let basic = if preset.name == "mailgun" { format!("api:{secret}") } else { secret.to_owned() };
        let header = header.replace("{secret}", secret).replace("{basic}", &BASE64_STANDARD.encode(basic));
        let encoding = match custom("encoding").and_then(Value::as_str) {
            Some("form") => Encoding::Form,
            Some(_) => Encoding::Json,
            None => preset.encoding,
        };
        let body = match custom("body") {
            Some(body) => body.clone(),
            None => serde_json::from_str(preset.body).map_err(|error| error.to_string())?,
        };
        let flat = |body: &Members| body.values().all(Value::is_string);
        if encoding == Encoding::Form && !body.as_object().is_some_and(flat) {
            return Err(format!("`{}` must be an object of texts, as it is posted as a form", key("body")));
        }
        Ok(Self { preset, url: url.to_owned(), header: self::header(&header).ok_or(key("header"))?, encoding, body })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The request that sends a message.
    pub fn request(&self, fields: &Fields) -> Outgoing {
        let body = filled(&self.body, fields).unwrap_or(Value::Null);
        let (media_type, body) = match self.encoding {
            Encoding::Json => ("application/json", body.to_string()),
            Encoding::Form => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in body.as_object().into_iter().flatten() {
                    form.append_pair(name, value.as_str().unwrap_or_default());
                }
                ("application/x-www-form-urlencoded", form.finish())
            }
        };
        let id = fields.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.clone()).unwrap_or_default();
        let headers = vec![
            self.header.clone(),
            ("content-type".to_owned(), media_type.to_owned()),
            ("accept".to_owned(), "application/json".to_owned()),
            // Of those that know it, a second request with the same key sends nothing.
            ("idempotency-key".to_owned(), id),
        ];
        Outgoing { url: self.url.clone(), headers, body }
    }

    /// What an answer means.
    fn judge(&self, answer: &Incoming) -> Delivery {
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if (200..300).contains(&answer.status) {
            let id =
                ["MessageID", "message_id", "messageId", "id", "sid"].iter().find_map(|name| said.get(*name)?.as_str());
            return Delivery::Sent(id.map(|id| id.chars().take(200).collect()));
        }
        let code = said.get(self.preset.refusal).and_then(Value::as_i64);
        let verdict = match answer.status {
            _ if code.is_some_and(|code| self.preset.undeliverable.contains(&code)) => Verdict::Undeliverable,
            // A secret that is wrong today may be set right tomorrow.
            401 | 403 | 408 | 425 | 429 | 500.. => Verdict::Transient,
            _ => Verdict::Permanent,
        };
        let what =
            ["message", "Message", "error", "errors"].iter().find_map(|name| said.get(*name)).unwrap_or(&Value::Null);
        let what: String = what.to_string().chars().filter(|character| !character.is_control()).take(300).collect();
        let reason = if what == "null" { String::new() } else { format!(": {what}") };
        let retry_after = answer.retry_after.as_deref().and_then(|seconds| seconds.trim().parse().ok());
        Delivery::Failed { verdict, reason: format!("the API answers {}{reason}", answer.status), retry_after }
    }
}

/// Sends a message.
pub async fn send(app: &App, api: &HttpApi, fields: &Fields) -> Delivery {
    match app.fetch.post(&api.request(fields), PATIENCE).await {
        Ok(answer) => api.judge(&answer),
        Err(FetchError::Late) => Delivery::transient("the API does not answer in time"),
        Err(error) => Delivery::transient(format!("the API is not reached: {error}")),
    }
}

/// A header's line, of a name that is a token and a value of visible ASCII (RFC 9110, section 5).
fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let (name, value) = (name.trim(), value.trim());
    let is_token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let is_value = !value.is_empty() && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    (is_token && is_value).then(|| (name.to_ascii_lowercase(), value.to_owned()))
}

/// This machine itself: where tests and local work have their peers.
fn is_loopback(url: &str) -> bool {
    let authority = url.strip_prefix("http://").and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

/// A body with its placeholders filled. A text that is one placeholder without a value is left out, and so is an object
/// or list of which nothing else is left.
fn filled(body: &Value, fields: &Fields) -> Option<Value> {
    match body {
        Value::String(text) => {
            let filled = fill(text, fields);
            let is_one = fields.iter().any(|(name, _)| *text == format!("{{{name}}}"));
            (!is_one || !filled.is_empty()).then_some(Value::String(filled))
        }
        Value::Array(items) => {
            let filled: Vec<Value> = items.iter().filter_map(|item| self::filled(item, fields)).collect();
            (!filled.is_empty() || items.is_empty()).then_some(Value::Array(filled))
        }
        Value::Object(members) => {
            let filled: Members =
                members.iter().filter_map(|(name, value)| Some((name.clone(), self::filled(value, fields)?))).collect();
            (!filled.is_empty() || members.is_empty()).then_some(Value::Object(filled))
        }
        other => Some(other.clone()),
    }
}

/// A text with its placeholders filled, once each: a value that looks like a placeholder is none.
fn fill(text: &str, fields: &Fields) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let known = fields.iter().find_map(|(name, value)| Some((after.strip_prefix(name)?.strip_prefix('}')?, value)));
        match known {
            Some((after, value)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use parapet::Timestamp;
    use serde_json::json;
    use uuid::Uuid;

    fn mail() -> Mail {
        Mail {
            id: Uuid::from_u128(7),
            from: "no-reply@acme.example".to_owned(),
            from_name: "Acme".to_owned(),
            to: "ann@example.org".to_owned(),
            reply_to: None,
            subject: "Hi {text}".to_owned(),
            text: "a \"quoted\"\nline".to_owned(),
            html: "<p>a</p>".to_owned(),
            date: Timestamp::from_millis(0),
        }
    }

    fn api(kind: &str, settings: Value) -> Result<HttpApi, String> {
        HttpApi::read(&Options::of_operator(&settings.to_string())?, kind)
    }

    fn header_of<'a>(request: &'a Outgoing, name: &str) -> Option<&'a str> {
        request.headers.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn every_preset_says_the_same() {
        for preset in MAIL {
            let mut settings = json!({ "mail_http_preset": preset.name, "mail_http_secret": "key" });
            if preset.url.is_none() {
                settings["mail_http_url"] = "https://api.example.com/send".into();
            }
            let api = api("mail", settings).unwrap();
            let request = api.request(&of_mail(&mail()));
            let said = match api.encoding {
                Encoding::Json => serde_json::from_str::<Value>(&request.body).unwrap().to_string(),
                Encoding::Form => {
                    form_urlencoded::parse(request.body.as_bytes()).map(|(_, value)| format!("{:?}", value)).collect()
                }
            };
            for text in ["ann@example.org", "no-reply@acme.example", "Hi {text}", "<p>a</p>"] {
                assert!(said.contains(text), "{}: {text} in {said}", preset.name);
            }
            assert!(said.contains(r#"a \"quoted\"\nline"#), "{}: {said}", preset.name);
            assert!(!said.contains("reply_to") && !said.contains("ReplyTo") && !said.contains("{to}"), "{said}");
            assert!(request.headers.iter().any(|(_, value)| value.contains("key") || value.contains("YXBpOmtleQ==")));
            assert_eq!(header_of(&request, "idempotency-key"), Some("00000000-0000-0000-0000-000000000007"));
        }
        let twilio = json!({ "sms_http_preset": "twilio", "sms_http_url": "https://api.twilio.com/x", "sms_http_secret": "AC:t" });
        let sms = Sms { id: Uuid::from_u128(7), to: "+4930123456".to_owned(), text: "1 & 2".to_owned() };
        let request = api("sms", twilio).unwrap().request(&of_sms(&sms, "Acme"));
        for pair in ["Body=1+%26+2", "From=Acme", "To=%2B4930123456"] {
            assert!(request.body.split('&').any(|its| its == pair), "{pair} in {}", request.body);
        }
        assert_eq!(header_of(&request, "authorization"), Some("Basic QUM6dA=="));
    }

    #[test]
    fn a_custom_api_is_as_it_is_set() {
        let custom = json!({ "mail_http_url": "https://a.example/m", "mail_http_header": "X-Key: {secret}", "mail_http_secret": "s",
                             "mail_http_body": { "rcpt": ["{to}"], "n": 1, "s": "Re: {subject} {unknown}" } });
        let request = api("mail", custom).unwrap().request(&of_mail(&mail()));
        let said: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(said, json!({ "n": 1, "rcpt": ["ann@example.org"], "s": "Re: Hi {text} {unknown}" }));
        assert_eq!(header_of(&request, "x-key"), Some("s"));
        for (settings, wrong) in [
            (json!({}), "`mail_http_url` is not set"),
            (
                json!({ "mail_http_url": "http://a.example/", "mail_http_secret": "s" }),
                "`mail_http_url` must be an https address",
            ),
            (json!({ "mail_http_url": "https://a.example/" }), "`mail_http_secret` is not set"),
            (
                json!({ "mail_http_url": "https://a.example/", "mail_http_secret": "s", "mail_http_header": "no colon" }),
                "mail_http_header",
            ),
            (json!({ "mail_http_url": "https://a.example/", "mail_http_secret": "sä" }), "mail_http_header"),
            (
                json!({ "mail_http_url": "https://a.example/", "mail_http_secret": "s", "mail_http_encoding": "form",
                     "mail_http_body": { "a": ["{to}"] } }),
                "`mail_http_body` must be an object of texts, as it is posted as a form",
            ),
        ] {
            assert_eq!(api("mail", settings.clone()).unwrap_err(), wrong, "{settings}");
        }
    }

    #[test]
    fn an_answer_says_what_becomes_of_the_message() {
        use Verdict::{Permanent, Transient, Undeliverable};
        let postmark = api("mail", json!({ "mail_http_preset": "postmark", "mail_http_secret": "s" })).unwrap();
        let judge = |status: u16, body: &str| {
            let (retry_after, body) = (Some("7".to_owned()), body.as_bytes().to_vec());
            postmark.judge(&Incoming { status, retry_after, body, ..Incoming::default() })
        };
        assert_eq!(judge(200, r#"{"MessageID":"m1"}"#), Delivery::Sent(Some("m1".to_owned())));
        assert_eq!(judge(202, ""), Delivery::Sent(None));
        for (status, body, wanted) in [
            (429, "", Transient),
            (500, "<html>", Transient),
            (401, "", Transient),
            (422, r#"{"ErrorCode":300,"Message":"bad from"}"#, Permanent),
            (422, r#"{"ErrorCode":406,"Message":"inactive"}"#, Undeliverable),
            (301, "", Permanent),
            (400, "\u{0}garbage", Permanent),
        ] {
            let Delivery::Failed { verdict, retry_after, .. } = judge(status, body) else { panic!("{status}") };
            assert_eq!((verdict, retry_after), (wanted, Some(7)), "{status} {body}");
        }
    }
}
