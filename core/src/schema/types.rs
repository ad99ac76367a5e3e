//! The types of attributes: Cedar's, by Cedar's own names.

use super::{ACTION, Attributes};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::fmt;

/// The type of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "Json", try_from = "Json")]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number of 64 bits.
    Long,
    /// Unicode text.
    String,
    /// A number with four decimal places.
    Decimal,
    /// An IPv4 or IPv6 address or range.
    Ip,
    /// An instant, in milliseconds.
    Datetime,
    /// A span of time, in milliseconds.
    Duration,
    /// An entity of the named type.
    Entity(String),
    /// A set of one type.
    Set(Box<Type>),
    /// A record, all of whose attributes are optional.
    Record(Attributes),
}

/// What is not a type, with the way to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TypeError {
    /// The way into the type, outermost first.
    pub way: Vec<String>,
    /// What is wrong, for people.
    pub message: String,
}

impl Type {
    /// How many sets and records may lie in each other: whatever reads a type recurses, here and in Cedar.
    const MAX_DEPTH: usize = 16;

    /// Reads a type's name (`Long`, `Set<String>`, `folder`), or an object of names as a record.
    pub fn read(json: &Json) -> Result<Self, TypeError> {
        Self::read_within(json, 0)
    }

    fn read_within(json: &Json, depth: usize) -> Result<Self, TypeError> {
        match json {
            Json::Object(_) if depth >= Self::MAX_DEPTH => Err(TypeError { way: vec![], message: too_deep() }),
            Json::String(name) => Self::read_name(name, depth).map_err(|message| TypeError { way: vec![], message }),
            Json::Object(attributes) => {
                let mut record = Attributes::new();
                for (name, ty) in attributes {
                    match Self::read_within(ty, depth + 1) {
                        Ok(ty) => drop(record.insert(name.clone(), ty)),
                        Err(mut error) => {
                            error.way.insert(0, name.clone());
                            return Err(error);
                        }
                    }
                }
                Ok(Self::Record(record))
            }
            _ => Err(TypeError {
                way: vec![],
                message: "a type is a name such as `Long`, `Set<String>` or `folder`, or an object of names".into(),
            }),
        }
    }

    fn read_name(name: &str, depth: usize) -> Result<Self, String> {
        if let Some(element) = name.strip_prefix("Set<").and_then(|rest| rest.strip_suffix('>')) {
            if depth >= Self::MAX_DEPTH {
                return Err(too_deep());
            }
            return Self::read_name(element.trim(), depth + 1).map(|element| Self::Set(Box::new(element)));
        }
        Ok(match name {
            "Bool" => Self::Bool,
            "Long" => Self::Long,
            "String" => Self::String,
            "decimal" => Self::Decimal,
            "ipaddr" => Self::Ip,
            "datetime" => Self::Datetime,
            "duration" => Self::Duration,
            _ if is_identifier(name) => Self::Entity(name.to_owned()),
            _ => return Err(format!("`{name}` is not a type")),
        })
    }

    /// Whether a name stands for one of Cedar's own types, so that no entity type may take it.
    pub fn is_own_name(name: &str) -> bool {
        name == ACTION || !matches!(Self::read_name(name, 0), Ok(Self::Entity(_)))
    }

    /// The entity types that this type speaks of.
    pub fn entity_types(&self) -> Vec<&str> {
        match self {
            Self::Entity(name) => vec![name],
            Self::Set(element) => element.entity_types(),
            Self::Record(attributes) => attributes.values().flat_map(Self::entity_types).collect(),
            _ => vec![],
        }
    }
}

/// Whether text is one identifier of Cedar's grammar (reserved words included).
pub(super) fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|next| next.is_ascii_alphanumeric() || next == '_')
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("Bool"),
            Self::Long => f.write_str("Long"),
            Self::String => f.write_str("String"),
            Self::Decimal => f.write_str("decimal"),
            Self::Ip => f.write_str("ipaddr"),
            Self::Datetime => f.write_str("datetime"),
            Self::Duration => f.write_str("duration"),
            Self::Entity(name) => f.write_str(name),
            Self::Set(element) => write!(f, "Set<{element}>"),
            Self::Record(_) => f.write_str("record"),
        }
    }
}

impl From<Type> for Json {
    fn from(ty: Type) -> Self {
        match ty {
            Type::Record(attributes) => {
                Self::Object(attributes.into_iter().map(|(name, ty)| (name, ty.into())).collect())
            }
            // A set of records has no name, so it is written as an array of one.
            Type::Set(element) if matches!(*element, Type::Record(_) | Type::Set(_)) => {
                Self::Array(vec![(*element).into()])
            }
            named => Self::String(named.to_string()),
        }
    }
}

impl TryFrom<Json> for Type {
    type Error = TypeError;

    fn try_from(json: Json) -> Result<Self, TypeError> {
        match &json {
            Json::Array(element) => match element.as_slice() {
                [element] => Self::try_from(element.clone()).map(|element| Self::Set(Box::new(element))),
                _ => Err(TypeError { way: vec![], message: "a set has one element type".into() }),
            },
            _ => Self::read(&json),
        }
    }
}

fn too_deep() -> String {
    format!("types nest at most {} deep", Type::MAX_DEPTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_type_is_read_as_it_is_written() {
        for written in [
            json!("Bool"),
            json!("Set<ipaddr>"),
            json!("folder"),
            json!("Set<Set<Long>>"),
            json!({"street": "String", "inner": {"n": "Long"}}),
        ] {
            let ty = Type::read(&written).unwrap();
            assert_eq!(Type::try_from(Json::from(ty.clone())), Ok(ty), "{written}");
        }
    }

    #[test]
    fn what_is_not_a_type_is_refused_with_the_way_to_it() {
        assert!(Type::read(&json!("Set<")).is_err());
        let sets = |depth: usize| json!(format!("{}Long{}", "Set<".repeat(depth), ">".repeat(depth)));
        assert!(Type::read(&sets(16)).is_ok());
        assert!(Type::read(&sets(17)).is_err());
        assert!(Type::read(&sets(100_000)).is_err());
        let records = |depth: usize| (0..depth).fold(json!("Long"), |inner, _| json!({"a": inner}));
        assert!(Type::read(&records(16)).is_ok());
        assert!(Type::read(&records(17)).is_err());
        assert!(Type::read(&json!(7)).is_err());
        let error = Type::read(&json!({"address": {"street": "no type"}})).unwrap_err();
        assert_eq!(error.way, ["address", "street"]);
    }
}
