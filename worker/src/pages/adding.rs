//! A second factor is added: what one chooses and fills in, and what one is shown to confirm it. Somebody who is signed in
//! does that on their own pages, and somebody whose tenant asks for one on the way in.

use parapet::factor::qr;
use serde_json::{Map, Value, json};

use super::form::{Field, Filled, Kind};
use super::page::with;
use super::passkey;
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// What may be chosen: its name here, its type, and of a key what it is for.
const KINDS: [(&str, &str, Option<&str>); 5] = [
    ("passkey", "webauthn", Some("passkey")),
    ("totp", "totp", None),
    ("key", "webauthn", Some("second_factor")),
    ("sms", "sms", None),
    ("email", "email", None),
];

/// What is filled in.
pub const WANTED: &[Field] =
    &[Field::carried("what"), Field::new("device_name", Kind::Text, "off"), Field::new("phone", Kind::Phone, "tel")];

/// What one chooses from, and what is asked for then.
pub const CHOICE: &str = r#"{{#if page.what}}<p>{{t page.how}}</p>
{{> form}}
<p><a href="{{path}}">{{t "adding.other"}}</a></p>{{else}}<p>{{t page.why}}</p>
<ul class="list">
{{#each page.choices}}<li><div><p><a href="{{../path}}?what={{what}}">{{t words}}</a></p>
<p class="faint">{{t hint}}</p></div></li>
{{/each}}
</ul>{{/if}}"#;

/// What confirms it. What is carried along shows the page again where that was wrong.
pub const CONFIRMATION: &[Field] = &[
    Field::carried("flow"),
    Field::carried("what"),
    Field::carried("secret"),
    Field::carried("uri"),
    Field::carried("sent_to"),
    Field::carried("options"),
    Field::new("code", Kind::Digits, "one-time-code"),
    passkey::CREDENTIAL,
];

/// What one needs to confirm it; or the backup codes that came with it, which are shown this once.
pub const NEEDS: &str = r#"{{#if page.once}}<p>{{t "backup_codes.keep"}}</p>
{{> once}}
<p><a class="button" href="{{page.on}}">{{t "backup_codes.kept"}}</a></p>{{else}}<p>{{t page.how to=page.sent_to}}</p>
{{#if page.secret}}{{#if page.svg}}<div class="qr" role="img" aria-label="{{t "adding.qr"}}">{{{page.svg}}}</div>{{/if}}
<p>{{t "adding.secret"}}</p>
<p><code>{{page.secret}}</code></p>{{/if}}
{{#if inputs}}{{> form}}{{/if}}
{{#if page.act}}{{> passkey}}{{/if}}{{/if}}"#;

/// What was chosen, where that may be added here.
pub fn chosen(visit: &Visit<'_>, filled: &Filled) -> Option<&'static str> {
    offered(visit).into_iter().find(|what| *what == filled.text("what"))
}

fn offered(visit: &Visit<'_>) -> Vec<&'static str> {
    KINDS.iter().filter(|(_, kind, _)| visit.factors.contains(kind)).map(|(what, ..)| *what).collect()
}

/// Whether a field is asked for.
pub fn asks(visit: &Visit<'_>, filled: &Filled, field: &Field) -> bool {
    match (field.name, chosen(visit, filled)) {
        ("phone", what) => what == Some("sms"),
        (_, what) => what.is_some(),
    }
}

/// Fills in what it is called.
pub fn fill(visit: &Visit<'_>, filled: Filled) -> Filled {
    let filled = filled.with("what", visit.queried("what").unwrap_or_default());
    let name = chosen(visit, &filled).map(|what| visit.language.say(&format!("adding.{what}"), &[]));
    filled.with("device_name", name.unwrap_or_default())
}

/// What is chosen from, or asked for; `why` says why one is here.
pub fn choice(visit: &Visit<'_>, filled: &Filled, why: &str) -> Value {
    let what = chosen(visit, filled);
    let words = |what: &str, end: &str| format!("adding.{what}{end}");
    let one = |what| json!({ "what": what, "words": words(what, ""), "hint": words(what, ".hint") });
    json!({
        "what": what,
        "how": what.map(|what| words(what, ".hint")),
        "why": why,
        "choices": offered(visit).into_iter().map(one).collect::<Vec<_>>(),
    })
}

/// What the API is asked with to begin.
pub fn wanted(visit: &Visit<'_>, filled: &Filled) -> Result<Map<String, Value>, ApiError> {
    let fields: Vec<Field> = WANTED.iter().filter(|field| asks(visit, filled, field)).copied().collect();
    let mut body = filled.json(&fields)?;
    body.remove("what");
    let kind = KINDS.iter().find(|(what, ..)| Some(*what) == chosen(visit, filled));
    let (_, kind, usage) = kind.ok_or(ApiError::NotFound)?;
    body.insert("type".to_owned(), (*kind).into());
    body.extend(usage.map(|usage| ("usage".to_owned(), usage.into())));
    Ok(body)
}

/// What was begun, as the page that confirms it carries it along.
pub fn begun(filled: &Filled, answer: &Response) -> Result<Filled, ApiError> {
    let answer: Value = serde_json::from_slice(&answer.body).map_err(ApiError::internal)?;
    let begun = Filled::default().with("what", filled.text("what"));
    let of = |name: &str| match answer.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(value @ Value::Object(_)) => value.to_string(),
        _ => String::new(),
    };
    Ok(["flow", "secret", "uri", "sent_to", "options"].iter().fold(begun, |begun, name| begun.with(name, of(name))))
}

/// Whether a field is asked for where it is confirmed: the code, unless a key confirms it.
pub fn asks_code(filled: &Filled, field: &Field) -> bool {
    field.name == "code" && filled.text("options").is_empty() && !filled.text("flow").is_empty()
}

/// What the page that confirms it shows.
pub fn needs(filled: &Filled) -> Value {
    let (options, uri) = (filled.text("options"), filled.text("uri"));
    let how = match (options.is_empty(), uri.is_empty()) {
        (false, _) => "adding.how.webauthn",
        (true, false) => "adding.how.totp",
        (true, true) => "adding.how.sent",
    };
    let page =
        passkey::shown(if options.is_empty() { "" } else { "create" }, options.to_owned(), None, "adding.create");
    // It stands within the page, where it is SVG by itself.
    let svg =
        qr::svg(uri).filter(|_| !uri.is_empty()).map(|svg| svg.replace(r#" xmlns="http://www.w3.org/2000/svg""#, ""));
    let page = with(with(page, "how", how), "sent_to", filled.text("sent_to"));
    let page = with(with(page, "secret", grouped(filled.text("secret"))), "svg", svg);
    with(page, "once", Value::Null)
}

/// What it shows when it is done, where backup codes came with it; one goes `on` from there.
pub fn kept(answer: &Response, on: &str) -> Result<Option<Value>, ApiError> {
    let shown = |codes| json!({ "title": "backup_codes.title", "once": codes, "on": on, "act": "" });
    Ok(codes(answer)?.map(shown))
}

/// A secret in fours, as one types it.
fn grouped(secret: &str) -> String {
    let signs: Vec<char> = secret.chars().collect();
    signs.chunks(4).map(|chunk| chunk.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// What the API is asked with to confirm it.
pub fn confirmation(flow: &str, filled: &Filled) -> Result<Map<String, Value>, ApiError> {
    let shown = if filled.text("options").is_empty() {
        let code: Vec<Field> = CONFIRMATION.iter().filter(|field| field.name == "code").copied().collect();
        filled.json(&code)?
    } else {
        Map::from_iter([passkey::credential(filled)?])
    };
    Ok([("flow".to_owned(), flow.into())].into_iter().chain(shown).collect())
}

/// The backup codes of an answer, a line each; nothing where none came with it.
pub fn codes(answer: &Response) -> Result<Option<String>, ApiError> {
    let answer: Value = serde_json::from_slice(&answer.body).map_err(ApiError::internal)?;
    let codes = answer.get("backup_codes").and_then(Value::as_array);
    Ok(codes.map(|codes| codes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")))
}
