//! Forms: what a page asks for, and what was sent (the HTML standard, section 4.10.22).

use std::collections::BTreeMap;

use parapet::Finding;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::language::Language;
use crate::error::ApiError;
use crate::guard::Call;

/// The field that says that a form is ours.
pub const CSRF: &str = "csrf_token";

/// The field that says where to go afterwards.
pub const RETURN_TO: &str = "return_to";

/// One thing that is asked for. Its label is the text `<page>.<name>`, else `field.<name>`; its hint, where there is one, the
/// same with `.hint`.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// As the API names it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What browsers fill in: a token of the HTML standard, section 4.10.18.7.
    pub autocomplete: &'static str,
    /// Whether it may stay empty; then it is not sent on.
    pub optional: bool,
}

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A line of text.
    Text,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// What is not shown again.
    Password,
    /// A code, which is typed again.
    Code,
    /// The same, of digits.
    Digits,
    /// What goes along unseen, to be sent again where the form is.
    Carried,
    /// What the page's own template asks for.
    Own,
    /// A box of the page's own template, which has the field's name as its id.
    Check,
}

impl Field {
    /// What must be filled in.
    pub const fn new(name: &'static str, kind: Kind, autocomplete: &'static str) -> Self {
        Self { name, kind, autocomplete, optional: false }
    }

    /// What the page's own template asks for.
    pub const fn own(name: &'static str) -> Self {
        Self::new(name, Kind::Own, "")
    }

    /// A box to tick, in the page's own template.
    pub const fn check(name: &'static str) -> Self {
        Self::new(name, Kind::Check, "")
    }

    /// What goes along unseen.
    pub const fn carried(name: &'static str) -> Self {
        Self::new(name, Kind::Carried, "")
    }

    /// Whether an input of the form asks for it.
    pub fn is_written(&self) -> bool {
        !matches!(self.kind, Kind::Own | Kind::Check | Kind::Carried)
    }

    /// Whether something on the page has its name as its id, to which what is wrong with it can lead.
    pub fn has_place(&self) -> bool {
        self.is_written() || self.kind == Kind::Check
    }

    /// What may stay empty.
    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// What its input is made of.
    fn shown(&self, page: &str, language: &Language, filled: &Filled, failure: Option<&Failure>, focus: bool) -> Value {
        let text = |end: &str| {
            let names = [format!("{page}.{}{end}", self.name), format!("field.{}{end}", self.name)];
            names.iter().find_map(|name| language.find(name)).unwrap_or_default()
        };
        let (hint, error) =
            (text(".hint"), failure.and_then(|failure| failure.of_field(self.name)).unwrap_or_default());
        let described = [("hint", hint), ("error", error)].into_iter().filter(|(_, text)| !text.is_empty());
        let described: Vec<String> = described.map(|(what, _)| format!("{}-{what}", self.name)).collect();
        json!({
            "name": self.name,
            "label": text(""),
            "hint": hint,
            "type": match self.kind {
                Kind::Text | Kind::Code | Kind::Digits | Kind::Own | Kind::Check | Kind::Carried => "text",
                Kind::Email => "email",
                Kind::Phone => "tel",
                Kind::Password => "password",
            },
            // Names begin with a capital; what one signs in by does not.
            "is_plain": self.autocomplete == "username" || matches!(self.kind, Kind::Code | Kind::Digits),
            "digits": self.kind == Kind::Digits,
            "autocomplete": self.autocomplete,
            "required": !self.optional,
            "focus": focus,
            // A password is typed again.
            "value": if matches!(self.kind, Kind::Password | Kind::Code | Kind::Digits) { "" } else { filled.text(self.name) },
            "error": error,
            "described": described.join(" "),
        })
    }
}

/// The inputs of a page, those that its own template does not write; without an error the first is where one begins.
pub fn inputs(
    page: &str,
    fields: &[Field],
    language: &Language,
    filled: &Filled,
    failure: Option<&Failure>,
) -> Vec<Value> {
    let written = fields.iter().filter(|field| field.is_written()).enumerate();
    written.map(|(at, field)| field.shown(page, language, filled, failure, at == 0 && failure.is_none())).collect()
}

/// What goes along unseen with each form of a page.
pub fn carried(fields: &[Field], filled: &Filled) -> Vec<Value> {
    let carried = fields.iter().filter(|field| field.kind == Kind::Carried && !filled.text(field.name).is_empty());
    carried.map(|field| json!({ "name": field.name, "value": filled.text(field.name) })).collect()
}

/// What was sent, or is to be filled in already.
#[derive(Default)]
pub struct Filled(BTreeMap<String, String>);

impl Filled {
    /// Reads the body of a form; refused where something stands in it twice.
    pub fn read(call: &Call) -> Result<Self, ApiError> {
        let media_type = call.request.header("content-type").unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(ApiError::UnsupportedMediaType);
        }
        let mut values = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(call.body()?) {
            if values.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                let detail = format!("`{name}` is there twice");
                return Err(ApiError::Malformed { code: "form.twice".to_owned(), detail, findings: Vec::new() });
            }
        }
        Ok(Self(values))
    }

    /// What stands in a field; nothing where it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Fills a field in.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The fields as the API is asked with them; what nobody asked for is passed over.
    pub fn json(&self, fields: &[Field]) -> Result<Map<String, Value>, ApiError> {
        let is_missing = |field: &&Field| !field.optional && field.is_written() && self.text(field.name).is_empty();
        let finding = |field: &Field| Finding::error("form", "form.missing", "this is required").field(field.name);
        let findings: Vec<Finding> = fields.iter().filter(is_missing).map(finding).collect();
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        let filled =
            fields.iter().map(|field| (field.name, self.text(field.name))).filter(|(_, text)| !text.is_empty());
        Ok(filled.map(|(name, text)| (name.to_owned(), Value::from(text))).collect())
    }
}
