//! The operators by name.

/// An operator: what it does, whether its answer is turned round, and whether absence satisfies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    /// What it does.
    pub kind: Kind,
    /// `…Not…`: the answer is turned round, an absent attribute makes it true.
    pub negated: bool,
    /// `…IfExists`: an absent attribute makes it true.
    pub if_exists: bool,
}

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text equals one of the values.
    StringEquals,
    /// Text matches one of the patterns, in which `*` stands for any characters.
    StringLike,
    /// A number compares so with one of the values.
    Numeric(Comparison),
    /// An instant compares so with one of the values.
    Date(Comparison),
    /// A truth value is the value.
    Bool,
    /// The attribute is absent (`true`) or present (`false`).
    Null,
    /// An entity is one of the values.
    EntityEquals,
    /// An entity is, or lies in, one of the values.
    EntityIn,
    /// An address lies in one of the ranges.
    IpAddress,
    /// One of the attribute's values equals one of the values; negated, one equals none.
    ForAnyValue {
        /// `StringNotEquals` inside.
        not: bool,
    },
    /// All of the attribute's values are among the values; negated, none is.
    ForAllValues {
        /// `StringNotEquals` inside.
        not: bool,
    },
    /// An instant lies in one of the intervals of the day.
    TimeOfDay,
    /// Now is one of the days of the week.
    Weekday,
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equals,
    /// `<`
    LessThan,
    /// `<=`
    LessThanEquals,
    /// `>`
    GreaterThan,
    /// `>=`
    GreaterThanEquals,
}

impl Operator {
    /// The operator of a name, or why there is none.
    pub fn named(name: &str) -> Result<Self, String> {
        let (base, if_exists) = match name.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (name, false),
        };
        let (kind, negated) = Self::base(base).ok_or_else(|| refusal(name, base))?;
        if if_exists && kind == Kind::Null {
            return Err("`Null` asks for presence itself: `NullIfExists` does not exist".to_owned());
        }
        Ok(Self { kind, negated, if_exists })
    }

    fn base(name: &str) -> Option<(Kind, bool)> {
        Some(match name {
            "StringEquals" => (Kind::StringEquals, false),
            "StringNotEquals" => (Kind::StringEquals, true),
            "StringLike" => (Kind::StringLike, false),
            "StringNotLike" => (Kind::StringLike, true),
            "Bool" => (Kind::Bool, false),
            "Null" => (Kind::Null, false),
            "EntityEquals" => (Kind::EntityEquals, false),
            "EntityNotEquals" => (Kind::EntityEquals, true),
            "EntityIn" => (Kind::EntityIn, false),
            "EntityNotIn" => (Kind::EntityIn, true),
            "IpAddress" => (Kind::IpAddress, false),
            "NotIpAddress" => (Kind::IpAddress, true),
            "ForAnyValue:StringEquals" => (Kind::ForAnyValue { not: false }, false),
            "ForAnyValue:StringNotEquals" => (Kind::ForAnyValue { not: true }, false),
            "ForAllValues:StringEquals" => (Kind::ForAllValues { not: false }, false),
            "ForAllValues:StringNotEquals" => (Kind::ForAllValues { not: true }, false),
            "TimeOfDay" => (Kind::TimeOfDay, false),
            "Weekday" => (Kind::Weekday, false),
            _ => {
                let (kind, comparison): (fn(Comparison) -> Kind, _) = match name.strip_prefix("Numeric") {
                    Some(comparison) => (Kind::Numeric, comparison),
                    None => (Kind::Date, name.strip_prefix("Date")?),
                };
                return Some(match comparison {
                    "Equals" => (kind(Comparison::Equals), false),
                    "NotEquals" => (kind(Comparison::Equals), true),
                    "LessThan" => (kind(Comparison::LessThan), false),
                    "LessThanEquals" => (kind(Comparison::LessThanEquals), false),
                    "GreaterThan" => (kind(Comparison::GreaterThan), false),
                    "GreaterThanEquals" => (kind(Comparison::GreaterThanEquals), false),
                    _ => return None,
                });
            }
        })
    }
}

fn refusal(name: &str, base: &str) -> String {
    if base.contains("IgnoreCase") {
        format!("`{name}` is refused: Cedar cannot fold case")
    } else if base.starts_with("ForAnyValue:") || base.starts_with("ForAllValues:") {
        format!("`{name}` is refused: only `StringEquals` and `StringNotEquals` are quantified")
    } else {
        format!("there is no operator `{name}`")
    }
}
