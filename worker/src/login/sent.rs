//! What a request of signing in and up says: its fields one by one, and all that is wrong with them at once.

use parapet::Finding;
use parapet::model::{Secret, User, is_name};
use serde_json::{Map, Value};

use super::sign_in::{delivery, refuse_others};
use crate::error::ApiError;
use crate::guard::Call;

/// A body, read field by field.
pub struct Sent {
    body: Map<String, Value>,
    findings: Vec<Finding>,
}

impl Sent {
    /// The body of a request that takes no query.
    pub fn of(call: &Call) -> Result<Self, ApiError> {
        call.no_query()?;
        Ok(Self { body: call.object()?, findings: Vec::new() })
    }

    /// Text that must be there.
    pub fn text(&mut self, name: &str) -> String {
        let text = self.optional(name);
        if text.is_none() && !self.findings.iter().any(|finding| finding.field.as_deref() == Some(name)) {
            let message = format!("`{name}` is required");
            self.findings.push(Finding::error("request", "request.missing", message).field(name));
        }
        text.unwrap_or_default()
    }

    /// The same of what nobody else may see.
    pub fn secret(&mut self, name: &str) -> Secret {
        Secret::new(self.text(name))
    }

    /// Text that may be left out, or be null.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        match self.body.remove(name) {
            Some(Value::String(text)) => Some(text),
            None | Some(Value::Null) => None,
            Some(_) => {
                self.wrong(name, "request.wrong_type", "expected text");
                None
            }
        }
    }

    /// What somebody says that they are called.
    pub fn names(&mut self) -> Names {
        let mut name = |field: &str| {
            let name = self.optional(field).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())?;
            if !is_name(&name) {
                let message = "a name is 1 to 255 characters, and none of them a control character";
                self.findings.push(Finding::error("user", "user.name", message).field(field));
            }
            Some(name)
        };
        Names { first: name("first_name"), last: name("last_name") }
    }

    /// One of these words, which must be there.
    pub fn word<T>(&mut self, name: &str, words: &[&str], read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name);
        let word = read(&text);
        if word.is_none() && !text.is_empty() {
            self.wrong(name, "request.unknown_word", &format!("expected one of `{}`", words.join("`, `")));
        }
        word
    }

    /// Whether something is so, where it is said.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.body.remove(name) {
            Some(Value::Bool(flag)) => Some(flag),
            None => None,
            Some(_) => {
                self.wrong(name, "request.wrong_type", "expected `true` or `false`");
                None
            }
        }
    }

    /// An object, as JSON, which must be there.
    pub fn object(&mut self, name: &str) -> String {
        match self.body.remove(name) {
            Some(object @ Value::Object(_)) => return object.to_string(),
            Some(_) => self.wrong(name, "request.wrong_type", "expected an object"),
            None => self.wrong(name, "request.missing", &format!("`{name}` is required")),
        }
        String::new()
    }

    /// Says that a field is wrong.
    pub fn wrong(&mut self, name: &str, code: &str, message: &str) {
        self.findings.push(Finding::error("request", code, message).field(name));
    }

    /// Whether the session is to come as a token.
    pub fn wants_token(&mut self) -> bool {
        delivery(&mut self.body, &mut self.findings)
    }

    /// Refuses what is wrong, and what nobody has read.
    pub fn done(mut self) -> Result<(), ApiError> {
        refuse_others(&self.body, &mut self.findings);
        if self.findings.is_empty() { Ok(()) } else { Err(ApiError::Invalid { findings: self.findings }) }
    }
}

/// What somebody is called.
pub struct Names {
    /// Given name.
    pub first: Option<String>,
    /// Family name.
    pub last: Option<String>,
}

impl Names {
    /// Calls a user so; a name of which nothing is said stays.
    pub fn give(&self, user: &mut User) {
        for (name, of_user) in [(&self.first, &mut user.first_name), (&self.last, &mut user.last_name)] {
            if name.is_some() {
                of_user.clone_from(name);
            }
        }
    }
}
