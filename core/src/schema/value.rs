//! Values: what a request says, read by the type that the schema declares.

use super::Type;
use super::literal::{self, IpRange};
use crate::model::Timestamp;
use chrono::DateTime;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A typed value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Long(i64),
    /// Text.
    String(String),
    /// A decimal, in ten-thousandths.
    Decimal(i64),
    /// An address or range.
    Ip(IpRange),
    /// Milliseconds since 1970, UTC.
    Datetime(i64),
    /// Milliseconds.
    Duration(i64),
    /// An entity's type and id.
    Entity(String, String),
    /// A set.
    Set(BTreeSet<Value>),
    /// A record.
    Record(BTreeMap<String, Value>),
}

/// A value that does not fit its declared type, with the way to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct WrongType {
    /// The way into the value, outermost first.
    pub way: Vec<String>,
    /// What was expected, for people.
    pub expected: String,
}

impl Value {
    /// Reads a value of a type. `None` stands for null, which is absence.
    /// Undeclared attributes of a record are dropped, as at the top.
    pub fn read(ty: &Type, json: &Json) -> Result<Option<Self>, WrongType> {
        if json.is_null() {
            return Ok(None);
        }
        let wrong = |expected: &str| WrongType { way: vec![], expected: expected.to_owned() };
        let text = |expected: &str| json.as_str().ok_or_else(|| wrong(expected));
        Ok(Some(match ty {
            Type::Bool => Self::Bool(json.as_bool().ok_or_else(|| wrong("true or false"))?),
            Type::Long => Self::Long(json.as_i64().ok_or_else(|| wrong("a whole number of 64 bits"))?),
            Type::String => Self::String(text("text")?.to_owned()),
            Type::Decimal => {
                let expected = "a number with at most four decimal places";
                let written = match json {
                    Json::Number(number) => number.to_string(),
                    _ => text(expected)?.to_owned(),
                };
                // Cedar wants a point; a whole number is one with nothing behind it.
                let pointed = if written.contains('.') { written } else { written + ".0" };
                Self::Decimal(literal::read_decimal(&pointed).ok_or_else(|| wrong(expected))?)
            }
            Type::Ip => {
                let expected = "an IP address or range";
                Self::Ip(read_ip(text(expected)?).ok_or_else(|| wrong(expected))?)
            }
            Type::Datetime => {
                let expected = "a date and time (RFC 3339)";
                Self::Datetime(read_datetime(text(expected)?).ok_or_else(|| wrong(expected))?)
            }
            Type::Duration => {
                let expected = "a duration such as `1d2h30m`";
                Self::Duration(literal::read_duration(text(expected)?).ok_or_else(|| wrong(expected))?)
            }
            Type::Entity(name) => {
                let entity = json.as_object().and_then(read_entity);
                let (found, id) = entity.ok_or_else(|| wrong("an object with `type` and `id`"))?;
                if found != name {
                    return Err(wrong(&format!("an entity of type `{name}`")));
                }
                Self::Entity(found.to_owned(), id.to_owned())
            }
            Type::Set(element) => {
                let elements = json.as_array().ok_or_else(|| wrong("an array"))?;
                let mut set = BTreeSet::new();
                for (position, json) in elements.iter().enumerate() {
                    match Self::read(element, json).map_err(|error| error.below(&position.to_string()))? {
                        Some(value) => drop(set.insert(value)),
                        None => return Err(wrong("a set without null").below(&position.to_string())),
                    }
                }
                Self::Set(set)
            }
            Type::Record(attributes) => {
                let object = json.as_object().ok_or_else(|| wrong("an object"))?;
                Self::Record(Self::read_attributes(attributes, object)?)
            }
        }))
    }

    /// The value as JSON, in the form in which a request would give it.
    pub fn json(&self) -> Json {
        match self {
            Self::Bool(value) => Json::from(*value),
            Self::Long(value) => Json::from(*value),
            Self::String(value) => Json::from(value.as_str()),
            Self::Decimal(_) | Self::Ip(_) | Self::Datetime(_) | Self::Duration(_) => Json::from(self.to_string()),
            Self::Entity(ty, id) => serde_json::json!({"type": ty, "id": id}),
            Self::Set(elements) => elements.iter().map(Self::json).collect(),
            Self::Record(attributes) => {
                Json::Object(attributes.iter().map(|(name, value)| (name.clone(), value.json())).collect())
            }
        }
    }

    /// Reads the declared attributes of an object; the rest is dropped.
    pub fn read_attributes(
        attributes: &BTreeMap<String, Type>,
        object: &serde_json::Map<String, Json>,
    ) -> Result<BTreeMap<String, Self>, WrongType> {
        let mut read = BTreeMap::new();
        for (name, json) in object {
            if let Some(ty) = attributes.get(name)
                && let Some(value) = Self::read(ty, json).map_err(|error| error.below(name))?
            {
                read.insert(name.clone(), value);
            }
        }
        Ok(read)
    }
}

impl WrongType {
    /// The same, one step further in.
    #[must_use]
    pub fn below(mut self, step: &str) -> Self {
        self.way.insert(0, step.to_owned());
        self
    }
}

/// The extension types as the argument of Cedar's constructor; the rest for people.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Long(value) => write!(f, "{value}"),
            Self::String(value) => write!(f, "{value}"),
            Self::Decimal(value) => {
                let sign = if *value < 0 { "-" } else { "" };
                let value = value.unsigned_abs();
                write!(f, "{sign}{}.{:04}", value / 10_000, value % 10_000)
            }
            Self::Ip(IpRange { address: IpAddr::V4(address), prefix }) => write!(f, "{address}/{prefix}"),
            Self::Ip(IpRange { address: IpAddr::V6(address), prefix }) => write!(f, "{}/{prefix}", groups(*address)),
            Self::Datetime(value) if Timestamp::from_millis(*value).as_millis() == *value => {
                write!(f, "{}", Timestamp::from_millis(*value))
            }
            Self::Datetime(value) => write!(f, "{value}"),
            Self::Duration(value) => write!(f, "{value}ms"),
            Self::Entity(name, id) => write!(f, "{name}::{id:?}"),
            Self::Set(_) => f.write_str("a set"),
            Self::Record(_) => f.write_str("a record"),
        }
    }
}

/// An entity as `{"type", "id"}`, and nothing beside them.
pub(crate) fn read_entity(object: &serde_json::Map<String, Json>) -> Option<(&str, &str)> {
    let (mut ty, mut id) = (None, None);
    for (name, json) in object {
        match name.as_str() {
            "type" => ty = json.as_str(),
            "id" => id = json.as_str(),
            _ => return None,
        }
    }
    Some((ty?, id?))
}

/// An address or range. An IPv4 address inside an IPv6 one (`::ffff:10.0.0.1`) is that IPv4 address: else a rule on
/// `10.0.0.0/8` could be passed by in the other notation. Cedar refuses the mixed notation; here it is read.
fn read_ip(text: &str) -> Option<IpRange> {
    let range = literal::read_ip(text).or_else(|| {
        let (address, prefix) = text.split_once('/').unwrap_or((text, "128"));
        literal::read_ip(&format!("{}/{prefix}", groups(address.parse().ok()?)))
    })?;
    let mapped = match range.address {
        IpAddr::V6(address) => address.to_ipv4_mapped().zip(range.prefix.checked_sub(96)),
        IpAddr::V4(_) => None,
    };
    Some(mapped.map_or(range, |(address, prefix)| IpRange { address: IpAddr::V4(address), prefix }))
}

/// An IPv6 address group by group, since Cedar refuses the mixed notation that `Display` prefers for some.
fn groups(address: Ipv6Addr) -> String {
    address.segments().map(|group| format!("{group:x}")).join(":")
}

/// Milliseconds since 1970 from RFC 3339, or from the forms that Cedar's `datetime` takes beside it.
fn read_datetime(text: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
    let time = time.or_else(|| literal::read_datetime(text))?;
    // The years that Cedar can write: 0000 to 9999.
    (-62_167_219_200_000..=253_402_300_799_999).contains(&time).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(ty: Type, json: Json) -> Option<String> {
        Value::read(&ty, &json).ok().flatten().map(|value| value.to_string())
    }

    #[test]
    fn decimals_have_at_most_four_places() {
        assert_eq!(read(Type::Decimal, json!("12.5")).as_deref(), Some("12.5000"));
        assert_eq!(read(Type::Decimal, json!(-0.25)).as_deref(), Some("-0.2500"));
        assert_eq!(read(Type::Decimal, json!(3)).as_deref(), Some("3.0000"));
        assert_eq!(read(Type::Decimal, json!("-922337203685477.5808")).as_deref(), Some("-922337203685477.5808"));
        for wrong in
            [json!("1.23456"), json!("1."), json!(".5"), json!("922337203685477.5808"), json!("+1"), json!(1e30)]
        {
            assert_eq!(read(Type::Decimal, wrong.clone()), None, "{wrong}");
        }
    }

    #[test]
    fn an_ipv4_address_has_one_form() {
        for same in ["10.0.0.1", "10.0.0.1/32", "::ffff:10.0.0.1", "::FFFF:0a00:0001", "::ffff:a00:1/128"] {
            assert_eq!(read(Type::Ip, json!(same)).as_deref(), Some("10.0.0.1/32"), "{same}");
        }
        assert_eq!(read(Type::Ip, json!("::1")).as_deref(), Some("0:0:0:0:0:0:0:1/128"));
        for wrong in ["10.0.0.1/33", "010.0.0.1", "10.0.0.1/08", "::1/129", "10.0.0", "::ffff:1.2.3.4/-1", "1.2.3.4/+1"]
        {
            assert_eq!(read(Type::Ip, json!(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn datetimes_are_instants() {
        for same in ["2026-03-02T10:00:00Z", "2026-03-02T11:00:00.000+01:00", "2026-03-02T11:00:00+0100"] {
            assert_eq!(read(Type::Datetime, json!(same)).as_deref(), Some("2026-03-02T10:00:00.000Z"), "{same}");
        }
        assert_eq!(read(Type::Datetime, json!("2026-03-02")).as_deref(), Some("2026-03-02T00:00:00.000Z"));
        for wrong in ["2026-13-02", "noon", "", "2026-03-02T10:00:00"] {
            assert_eq!(read(Type::Datetime, json!(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn durations_fall_from_days_to_milliseconds() {
        assert_eq!(read(Type::Duration, json!("1d2h3m4s5ms")).as_deref(), Some("93784005ms"));
        assert_eq!(read(Type::Duration, json!("-90m")).as_deref(), Some("-5400000ms"));
        assert_eq!(read(Type::Duration, json!("7ms")).as_deref(), Some("7ms"));
        for wrong in ["", "-", "1", "1h1d", "1x", "99999999999999999999d", "1h 2m"] {
            assert_eq!(read(Type::Duration, json!(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_undeclared_is_dropped_and_null_is_absent() {
        let ty = Type::Record(BTreeMap::from([("a".to_owned(), Type::Long), ("b".to_owned(), Type::Long)]));
        let read = Value::read(&ty, &json!({"a": 1, "b": null, "c": "x"})).unwrap().unwrap();
        assert_eq!(read, Value::Record(BTreeMap::from([("a".to_owned(), Value::Long(1))])));
        let error = Value::read(&ty, &json!({"a": "1"})).unwrap_err();
        assert_eq!(error.way, ["a"]);
    }

    #[test]
    fn an_entity_is_of_its_declared_type() {
        let ty = Type::Entity("User".to_owned());
        assert!(Value::read(&ty, &json!({"type": "User", "id": "u"})).is_ok());
        assert!(Value::read(&ty, &json!({"type": "Group", "id": "u"})).is_err());
        assert!(Value::read(&ty, &json!("u")).is_err());
    }
}
