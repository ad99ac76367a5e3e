//! `/sign-in/second-factor`: what comes after a password, by one of the ways that its user has.

use serde_json::{Map, Value, json};

use super::form::{Field, Filled, Kind};
use super::handed::{self, Handed};
use super::page::{Page, Shown, with};
use super::passkey;
use super::visit::Visit;
use crate::error::ApiError;
use crate::login::factor::Method;
use crate::login::flow::LIFETIME;
use crate::response::Response;

/// The page.
pub struct SecondFactor;

/// What must be sent before it can be shown.
const SENT: [&str; 2] = ["sms", "email"];

const BEGIN: &str = "/v1/auth/second-factor/begin";

impl Page for SecondFactor {
    const PATH: &'static str = "/sign-in/second-factor";
    const NAME: &'static str = "second_factor";
    const IS_OWN: bool = false;
    const HAS_SCRIPT: bool = true;
    const FIELDS: &'static [Field] = &[
        Field::new("code", Kind::Digits, "one-time-code"),
        Field::new("backup_code", Kind::Code, "off"),
        Field::own("choose"),
        passkey::CREDENTIAL,
    ];
    const TEMPLATE: &'static str = r#"<p>{{t page.how to=page.sent_to}}</p>
{{#if page.is_to_be_sent}}<form class="form" method="post" action="{{path}}">{{> hidden}}<button name="choose" value="{{page.method}}">{{t "second_factor.send"}}</button></form>{{/if}}
{{#if inputs}}{{> form}}{{/if}}
{{#if page.act}}{{> passkey}}{{/if}}
{{#if page.ways}}<form method="post" action="{{path}}">{{> hidden}}
<h2>{{t "second_factor.others"}}</h2>
<ul class="ways">
{{#each page.ways}}<li><button class="plain" name="choose" value="{{method}}">{{t words}}</button></li>
{{/each}}
</ul></form>{{/if}}
<p><a href="/sign-in">{{t "sign_in.anew"}}</a></p>"#;

    fn asks(visit: &Visit<'_>, _: &Filled, field: &Field) -> bool {
        let handed = of(visit);
        let wanted = match handed.method() {
            "backup_code" => "backup_code",
            "totp" => "code",
            method if SENT.contains(&method) && !handed.sent_to.is_empty() => "code",
            _ => "",
        };
        field.name == wanted
    }

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        let handed = of(visit);
        if handed.methods.is_empty() {
            return Ok(Shown::Elsewhere(visit.go("/sign-in")));
        }
        let method = handed.method();
        let mut page = passkey::shown("", String::new(), None, "passkey.use");
        if method == "webauthn" {
            page = match passkey::asked(visit, BEGIN, body(&handed, method)).await {
                // The step has its flow from the page before.
                Ok(asked) => with(asked, "flow", Value::Null),
                // It is over: what was sent has been refused for that already, or will be.
                Err(ApiError::Unauthenticated { .. }) => page,
                Err(error) => return Err(error),
            };
        }
        let is_sent = SENT.contains(&method) && !handed.sent_to.is_empty();
        let how = if is_sent { "second_factor.how.sent".to_owned() } else { format!("second_factor.how.{method}") };
        let way = |method: &str| json!({ "method": method, "words": format!("second_factor.by.{method}") });
        let mut ways: Vec<Value> =
            handed.methods.iter().filter(|other| *other != method).map(|other| way(other)).collect();
        if is_sent {
            ways.insert(0, json!({ "method": method, "words": "second_factor.again" }));
        }
        page = with(page, "method", method);
        page = with(page, "how", how);
        page = with(page, "sent_to", handed.sent_to.as_str());
        page = with(page, "is_to_be_sent", SENT.contains(&method) && !is_sent);
        Ok(Shown::Page(with(page, "ways", ways)))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let handed = of(visit);
        let chosen = filled.text("choose");
        if !chosen.is_empty() {
            return choose(visit, handed, chosen).await;
        }
        let method = handed.method();
        let mut body = body(&handed, method);
        if method == "webauthn" {
            body.extend([passkey::credential(filled)?]);
        } else {
            let field = if method == "backup_code" { "backup_code" } else { "code" };
            let asked: Vec<Field> = Self::FIELDS.iter().filter(|its| its.name == field).copied().collect();
            let code = filled.json(&asked)?.remove(field).unwrap_or_default();
            body.insert("code".to_owned(), code);
        }
        let answer = visit.post("/v1/auth/second-factor", body).await?;
        handed::next(visit, &answer, handed.return_to())
    }
}

/// What the page before handed on; it comes by way of the browser, so what is no method is passed over.
fn of(visit: &Visit<'_>) -> Handed {
    let mut handed = Handed::read(&visit.call.request, SecondFactor::PATH).unwrap_or_default();
    handed.methods.retain(|method| Method::from_word(method).is_some());
    if !handed.methods.contains(&handed.chosen) {
        handed.chosen.clear();
    }
    handed
}

fn body(handed: &Handed, method: &str) -> Map<String, Value> {
    [("flow", handed.secret.as_str()), ("method", method)]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

/// Goes on by another method. A code is sent at once; one that was sent before counts no more.
async fn choose(visit: &Visit<'_>, mut handed: Handed, chosen: &str) -> Result<Response, ApiError> {
    if !handed.methods.iter().any(|method| method == chosen) {
        return Ok(visit.go(SecondFactor::PATH));
    }
    handed.sent_to.clear();
    if SENT.contains(&chosen) {
        let answer = visit.post(BEGIN, body(&handed, chosen)).await?;
        let answer: Value = serde_json::from_slice(&answer.body).map_err(ApiError::internal)?;
        answer.get("sent_to").and_then(Value::as_str).unwrap_or_default().clone_into(&mut handed.sent_to);
    }
    chosen.clone_into(&mut handed.chosen);
    handed.go(visit, LIFETIME / 1000)
}
