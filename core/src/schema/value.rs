//! Values: what a request says, read by the type that the schema declares.

use super::Type;
use chrono::{DateTime, NaiveDate, NaiveTime};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

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
    /// An address with the length of its prefix, in bits.
    Ip(IpAddr, u8),
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
                Self::Decimal(read_decimal(&written).ok_or_else(|| wrong(expected))?)
            }
            Type::Ip => {
                let expected = "an IP address or range";
                let (address, prefix) = read_ip(text(expected)?).ok_or_else(|| wrong(expected))?;
                Self::Ip(address, prefix)
            }
            Type::Datetime => {
                let expected = "a date and time (RFC 3339)";
                Self::Datetime(read_datetime(text(expected)?).ok_or_else(|| wrong(expected))?)
            }
            Type::Duration => {
                let expected = "a duration such as `1d2h30m`";
                Self::Duration(read_duration(text(expected)?).ok_or_else(|| wrong(expected))?)
            }
            Type::Entity(name) => {
                let (found, id) = read_entity(json).ok_or_else(|| wrong("an object with `type` and `id`"))?;
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
            Self::Ip(IpAddr::V4(address), prefix) => write!(f, "{address}/{prefix}"),
            // Group by group, since Cedar refuses the mixed notation that `Display` prefers for some.
            Self::Ip(IpAddr::V6(address), prefix) => {
                let groups: Vec<String> = address.segments().iter().map(|group| format!("{group:x}")).collect();
                write!(f, "{}/{prefix}", groups.join(":"))
            }
            Self::Datetime(value) => match DateTime::from_timestamp_millis(*value) {
                Some(time) => write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.3fZ")),
                None => write!(f, "{value}"),
            },
            Self::Duration(value) => write!(f, "{value}ms"),
            Self::Entity(name, id) => write!(f, "{name}::{id:?}"),
            Self::Set(_) => f.write_str("a set"),
            Self::Record(_) => f.write_str("a record"),
        }
    }
}

/// An entity as `{"type", "id"}`.
fn read_entity(json: &Json) -> Option<(&str, &str)> {
    let object = json.as_object()?;
    match (object.len(), object.get("type")?.as_str()?, object.get("id")?.as_str()?) {
        (2, name, id) => Some((name, id)),
        _ => None,
    }
}

/// A decimal in ten-thousandths.
fn read_decimal(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || fraction.len() > 4 {
        return None;
    }
    // In 128 bits, since the smallest i64 has no positive twin.
    let magnitude =
        whole.parse::<i128>().ok()?.checked_mul(10_000)? + format!("{fraction:0<4}").parse::<i128>().ok()?;
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// An address and its prefix. An IPv4 address inside an IPv6 one (`::ffff:10.0.0.1`) is that IPv4
/// address: else a rule on `10.0.0.0/8` could be passed by in the other notation.
fn read_ip(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => {
            let canonical = prefix.bytes().all(|byte| byte.is_ascii_digit())
                && (prefix.len() == 1 || !prefix.starts_with('0'))
                && prefix.len() <= 3;
            (address, Some(prefix.parse::<u8>().ok().filter(|_| canonical)?))
        }
        None => (text, None),
    };
    match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(v4) => v4_range(v4, prefix.unwrap_or(32)),
        IpAddr::V6(v6) => match (v6.to_ipv4_mapped(), prefix.unwrap_or(128)) {
            (Some(v4), prefix @ 96..=128) => v4_range(v4, prefix - 96),
            (_, prefix @ 0..=128) => Some((IpAddr::V6(v6), prefix)),
            _ => None,
        },
    }
}

fn v4_range(address: Ipv4Addr, prefix: u8) -> Option<(IpAddr, u8)> {
    (prefix <= 32).then_some((IpAddr::V4(address), prefix))
}

/// Milliseconds since 1970 from RFC 3339, or from the forms that Cedar's `datetime` takes beside it.
fn read_datetime(text: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .map(|time| time.timestamp_millis())
        .ok()
        .or_else(|| {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
        })?;
    // The years that Cedar can write: 0000 to 9999.
    (-62_167_219_200_000..=253_402_300_799_999).contains(&time).then_some(time)
}

/// Milliseconds from Cedar's notation: units from days to milliseconds in falling order, each once.
fn read_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    for (unit, milliseconds) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let Some(after) = after.strip_prefix(unit) else { continue };
        if number.is_empty() || (unit == "m" && after.starts_with('s')) {
            continue;
        }
        let part = format!("{}{number}", if sign < 0 { "-" } else { "" }).parse::<i64>().ok()?;
        total = total.checked_add(part.checked_mul(milliseconds)?)?;
        rest = after;
    }
    rest.is_empty().then_some(total)
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
