//! What one page hands to the next: a step of signing in, or what a link brought.
//!
//! It goes with the browser in a cookie, for one page and for a while, so it stands in no address and in no history. Nobody
//! is trusted to have left it as it was: the secret in it is the API's to judge, and the rest is looked at again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parapet::opaque_token::{OpaqueToken, TokenKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::page::Shown;
use super::return_to::return_to;
use super::visit::{Visit, with_cookies};
use crate::cookie;
use crate::error::ApiError;
use crate::login::flow::LIFETIME;
use crate::request::Request;
use crate::response::Response;

/// The pages of the steps, by what the API calls them.
const STEPS: [(&str, &str); 3] = [
    ("second_factor_required", "/sign-in/second-factor"),
    ("factor_enrolment_required", "/sign-in/enrol"),
    ("password_change_required", "/sign-in/new-password"),
];

/// So long somebody may take over a page that a link leads to, in seconds; then they follow it again.
const LINK_KEPT: i64 = 60 * 60;

/// What is handed on.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// The page that it is for.
    path: String,
    /// What the API is asked with: a flow, or a link's token.
    pub secret: String,
    /// Of a step: the methods by which it can be taken, the preferred one first.
    pub methods: Vec<String>,
    /// The one of them that was chosen; the first where none was.
    pub chosen: String,
    /// To where a code was sent, if one was.
    pub sent_to: String,
    /// Where to go at the end.
    return_to: String,
}

impl Handed {
    /// What was handed to the page at a path.
    pub fn read(request: &Request, path: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(cookie::step(request)?).ok()?;
        serde_json::from_slice(&json).ok().filter(|handed: &Self| handed.path == path)
    }

    /// Where to go at the end.
    pub fn return_to(&self) -> &str {
        return_to(Some(&self.return_to))
    }

    /// By which method the step is taken.
    pub fn method(&self) -> &str {
        if self.chosen.is_empty() { self.methods.first().map_or("", String::as_str) } else { &self.chosen }
    }

    /// Sends the browser to the page, with it.
    pub fn go(&self, visit: &Visit<'_>, seconds: i64) -> Result<Response, ApiError> {
        let json = serde_json::to_vec(self).map_err(ApiError::internal)?;
        Ok(visit.go(&self.path).with("set-cookie", cookie::set_step(&URL_SAFE_NO_PAD.encode(json), seconds)))
    }
}

/// What comes after an answer of signing in: the session's cookies and where one wanted to go, or the next step.
pub fn next(visit: &Visit<'_>, answer: &Response, wanted: &str) -> Result<Response, ApiError> {
    let said: Value = serde_json::from_slice(&answer.body).map_err(ApiError::internal)?;
    let text = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default();
    let status = text("status");
    if status == "signed_in" {
        return Ok(done(with_cookies(visit.go(wanted), answer)));
    }
    let step = STEPS.iter().find(|(its, _)| *its == status);
    let (_, path) = step.ok_or_else(|| ApiError::internal(format!("signing in leads to `{status}`")))?;
    let methods = said.get("methods").and_then(Value::as_array).into_iter().flatten();
    let handed = Handed {
        path: (*path).to_owned(),
        secret: text("flow").to_owned(),
        // What may be added says beside its type how strong it is.
        methods: methods.filter_map(|it| it.get("type").unwrap_or(it).as_str()).map(str::to_owned).collect(),
        return_to: wanted.to_owned(),
        ..Handed::default()
    };
    handed.go(visit, LIFETIME / 1000)
}

/// The page of a step; who has begun none begins at the door.
pub fn or_sign_in(visit: &Visit<'_>, path: &str) -> Shown {
    match Handed::read(&visit.call.request, path) {
        Some(handed) => Shown::Page(json!({ "methods": handed.methods })),
        None => Shown::Elsewhere(visit.go("/sign-in")),
    }
}

/// What a link brought to a page.
pub enum Brought {
    /// It has just come: the page is gone to once more, without it in the address.
    Now(Response),
    /// It came before; or nothing did.
    Before(bool),
}

impl Brought {
    /// The page, which knows whether there is a token.
    pub fn shown(self) -> Shown {
        match self {
            Self::Now(response) => Shown::Elsewhere(response),
            Self::Before(has_token) => Shown::Page(json!({ "has_token": has_token })),
        }
    }
}

/// Takes the token of a link from the address of the page at a path.
pub fn brought(visit: &Visit<'_>, path: &str) -> Result<Brought, ApiError> {
    let Some(secret) = visit.queried("token") else {
        return Ok(Brought::Before(Handed::read(&visit.call.request, path).is_some()));
    };
    if OpaqueToken::parse(TokenKind::Link, &secret).is_none() {
        return Ok(Brought::Before(false));
    }
    let handed = Handed { path: path.to_owned(), secret, ..Handed::default() };
    handed.go(visit, LINK_KEPT).map(Brought::Now)
}

/// What the API is asked with, and the token of the link that led to the page at a path.
pub fn with_token(visit: &Visit<'_>, path: &str, mut body: Map<String, Value>) -> Map<String, Value> {
    let handed = Handed::read(&visit.call.request, path).unwrap_or_default();
    body.insert("token".to_owned(), handed.secret.into());
    body
}

/// The response, after which nothing is handed on any more.
pub fn done(response: Response) -> Response {
    response.with("set-cookie", cookie::clear_step())
}
