//! Where a value of a question comes from: the path, the query, a header, the body, or the map itself.

use serde_json::{Map, Value as Json};

use super::Fault;
use crate::schema::{Attributes, Type};

/// A value's source and its declared type.
#[derive(Debug)]
pub(super) struct Source {
    pub from: From,
    pub ty: Type,
}

/// Where it comes from.
#[derive(Debug)]
pub(super) enum From {
    /// The map itself.
    Value(Json),
    /// A parameter of the path.
    Path(String),
    /// A parameter of the query.
    Query(String),
    /// A header, by its lower-case name.
    Header(String),
    /// A place in the JSON body, as a JSON pointer.
    Body(String),
}

/// Headers that carry who calls, by which nobody says anything else.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// What reads sources: the names in the pattern, and where faults go.
pub(super) struct Reader<'a> {
    pub parameters: &'a [String],
    pub faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    /// Notes a fault.
    pub(super) fn fault(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(Fault { pointer: pointer.to_owned(), code, message: message.into() });
    }

    /// The members of an object, each of which must be known.
    pub(super) fn object<'j>(
        &mut self,
        json: &'j Json,
        pointer: &str,
        known: &[&str],
    ) -> Option<&'j Map<String, Json>> {
        let Some(object) = json.as_object() else {
            self.fault(pointer, "route.wrong_type", "expected an object");
            return None;
        };
        for name in object.keys().filter(|name| !known.is_empty() && !known.contains(&name.as_str())) {
            self.fault(
                &format!("{pointer}/{name}"),
                "route.unknown_field",
                format!("`{name}` is none of {}", known.join(", ")),
            );
        }
        Some(object)
    }

    /// The sources of attributes, each declared.
    pub(super) fn sources(&mut self, json: &Json, pointer: &str, declared: &Attributes) -> Vec<(String, Source)> {
        let mut sources = Vec::new();
        for (name, json) in self.object(json, pointer, &[]).into_iter().flatten() {
            let pointer = format!("{pointer}/{name}");
            match declared.get(name) {
                Some(ty) => sources.extend(self.source(json, &pointer, ty).map(|source| (name.clone(), source))),
                None => {
                    self.fault(&pointer, "route.unknown_attribute", format!("`{name}` is not declared in the schema"));
                }
            }
        }
        sources
    }

    /// One source.
    pub(super) fn source(&mut self, json: &Json, pointer: &str, ty: &Type) -> Option<Source> {
        const KINDS: [&str; 5] = ["body", "header", "path", "query", "value"];
        let mut kinds = json.as_object().into_iter().flatten();
        let (Some((kind, at)), None) = (kinds.next().filter(|(kind, _)| KINDS.contains(&kind.as_str())), kinds.next())
        else {
            self.fault(pointer, "route.source", format!("expected an object with exactly one of {}", KINDS.join(", ")));
            return None;
        };
        if kind == "value" {
            return Some(Source { from: From::Value(at.clone()), ty: ty.clone() });
        }
        let Some(name) = at.as_str() else {
            self.fault(&format!("{pointer}/{kind}"), "route.wrong_type", "expected a text");
            return None;
        };
        let from = match kind.as_str() {
            "path" if self.parameters.iter().any(|known| known == name) => From::Path(name.to_owned()),
            "query" if !name.is_empty() => From::Query(name.to_owned()),
            "header" if is_header(name) => From::Header(name.to_ascii_lowercase()),
            "body" if name.is_empty() || name.starts_with('/') => From::Body(name.to_owned()),
            _ => {
                let message = match kind.as_str() {
                    "path" => format!("there is no `{{{name}}}` in the path"),
                    "body" => format!("`{name}` is no JSON pointer: it begins with `/`"),
                    "header" => format!("`{name}` is no header that may be read"),
                    _ => format!("there is no {kind} that is called `{name}`"),
                };
                self.fault(&format!("{pointer}/{kind}"), "route.source", message);
                return None;
            }
        };
        if !matches!(from, From::Body(_)) && !is_of_text(ty) {
            self.fault(
                pointer,
                "route.source",
                format!("no text says what is a `{}`: it comes from the body", name_of(ty)),
            );
            return None;
        }
        Some(Source { from, ty: ty.clone() })
    }
}

/// A text as a value of a type, in the JSON that a decision reads it by; nothing where it says none.
pub(super) fn of_text(text: &str, ty: &Type) -> Option<Json> {
    Some(match ty {
        Type::Bool => Json::Bool(text.parse().ok()?),
        // As JSON writes them, so that one number has one text.
        Type::Long => text.parse::<i64>().ok().filter(|number| number.to_string() == text)?.into(),
        Type::Entity(ty) => serde_json::json!({"type": ty, "id": text}),
        Type::String | Type::Decimal | Type::Ip | Type::Datetime | Type::Duration => text.into(),
        Type::Set(_) | Type::Record(_) => return None,
    })
}

/// Whether one text, or several, can say a value of this type.
fn is_of_text(ty: &Type) -> bool {
    match ty {
        Type::Set(element) => !matches!(**element, Type::Set(_) | Type::Record(_)),
        Type::Record(_) => false,
        _ => true,
    }
}

fn is_header(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let lower = name.to_ascii_lowercase();
    !name.is_empty() && name.bytes().all(is_token) && !CREDENTIALS.contains(&lower.as_str())
}

fn name_of(ty: &Type) -> String {
    Json::from(ty.clone()).as_str().map_or_else(|| "record".to_owned(), str::to_owned)
}
