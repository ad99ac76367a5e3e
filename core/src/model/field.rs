//! What a column may hold: how each type is read from JSON and written to SQL, and `words!` for enums.

use super::row::Problems;
use super::{Secret, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// A type that a column may have.
pub trait Field: Sized {
    /// What the column holds.
    const KIND: Kind;
    /// Whether it may be null.
    const NULLABLE: bool = false;
    /// Whether it is secret.
    const SECRET: bool = false;

    /// Reads it; nothing, and a finding at `field`, where it cannot be.
    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self>;

    /// Its value in the database.
    fn to_sql(&self) -> SqlValue;

    /// The id, where it is one.
    fn as_uuid(&self) -> Option<Uuid> {
        None
    }
}

/// The kinds of columns. All but integers and booleans are text in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A UUID, lower case with hyphens.
    Uuid,
    /// Text.
    Text,
    /// A whole number, 64 bits.
    Integer,
    /// 0 or 1.
    Boolean,
    /// RFC 3339 in UTC with milliseconds.
    Timestamp,
    /// JSON as text.
    Json,
    /// One of these words.
    Enum(&'static [&'static str]),
}

impl Kind {
    /// Turns a value as the database gives it into one as a document has it.
    /// What does not fit is left as it is: reading refuses it with a finding.
    pub(crate) fn parse_sql(self, value: &mut Value) {
        match (self, &*value) {
            (Self::Boolean, Value::Number(number)) => {
                if let Some(bit) = number.as_f64().filter(|n| *n == 0.0 || *n == 1.0) {
                    *value = Value::Bool(bit == 1.0);
                }
            }
            // D1 gives every number as a JavaScript number.
            (Self::Integer, Value::Number(number)) => {
                if let Some(float) = number.as_f64().filter(|n| !number.is_i64() && n.fract() == 0.0) {
                    *value = Value::from(float as i64);
                }
            }
            (Self::Json, Value::String(text)) => {
                if let Ok(parsed) = serde_json::from_str(text) {
                    *value = parsed;
                }
            }
            _ => {}
        }
    }
}

/// A value to bind to a statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SqlValue {
    /// Null.
    Null,
    /// A number or a boolean.
    Integer(i64),
    /// Everything else.
    Text(String),
}

impl SqlValue {
    fn json(value: &impl Serialize) -> Self {
        // Our JSON types have text keys and no failing `Serialize`; null would be refused by a NOT NULL column.
        serde_json::to_string(value).map_or(Self::Null, Self::Text)
    }
}

impl Field for Uuid {
    const KIND: Kind = Kind::Uuid;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let text = String::read(value, field, problems)?;
        // Other spellings (without hyphens, in braces) would give one row two ids.
        let id = Uuid::try_parse(&text).ok().filter(|_| text.len() == 36);
        if id.is_none() {
            problems.add(field, "row.wrong_type", format!("expected a UUID, found `{text}`"));
        }
        id
    }

    fn to_sql(&self) -> SqlValue {
        SqlValue::Text(self.to_string())
    }

    fn as_uuid(&self) -> Option<Uuid> {
        Some(*self)
    }
}

impl Field for String {
    const KIND: Kind = Kind::Text;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::String(text) if text.contains('\0') => {
                problems.add(field, "row.wrong_type", "text may not hold the character U+0000");
                None
            }
            Value::String(text) => Some(text),
            other => {
                problems.wrong_type(field, "text", &other);
                None
            }
        }
    }

    fn to_sql(&self) -> SqlValue {
        SqlValue::Text(self.clone())
    }
}

impl Field for i64 {
    const KIND: Kind = Kind::Integer;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let number = value.as_i64();
        if number.is_none() {
            problems.wrong_type(field, "a whole number", &value);
        }
        number
    }

    fn to_sql(&self) -> SqlValue {
        SqlValue::Integer(*self)
    }
}

impl Field for bool {
    const KIND: Kind = Kind::Boolean;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let boolean = value.as_bool();
        if boolean.is_none() {
            problems.wrong_type(field, "a boolean", &value);
        }
        boolean
    }

    fn to_sql(&self) -> SqlValue {
        SqlValue::Integer(i64::from(*self))
    }
}

impl Field for Timestamp {
    const KIND: Kind = Kind::Timestamp;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let text = String::read(value, field, problems)?;
        match text.parse() {
            Ok(time) => Some(time),
            Err(error) => {
                problems.add(field, "row.wrong_type", format!("{error}, found `{text}`"));
                None
            }
        }
    }

    fn to_sql(&self) -> SqlValue {
        SqlValue::Text(self.to_string())
    }
}

impl Field for Secret {
    const KIND: Kind = Kind::Text;
    const SECRET: bool = true;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let text = String::read(value, field, problems)?;
        if text.is_empty() {
            problems.add(field, "row.wrong_type", "a secret may not be empty");
            return None;
        }
        Some(Secret::new(text))
    }

    fn to_sql(&self) -> SqlValue {
        SqlValue::Text(self.expose().to_owned())
    }
}

/// Null or a value.
impl<T: Field> Field for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;
    const SECRET: bool = T::SECRET;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::read(value, field, problems).map(Some),
        }
    }

    fn to_sql(&self) -> SqlValue {
        self.as_ref().map_or(SqlValue::Null, T::to_sql)
    }

    fn as_uuid(&self) -> Option<Uuid> {
        self.as_ref().and_then(T::as_uuid)
    }
}

/// Any JSON but null.
impl Field for Value {
    const KIND: Kind = Kind::Json;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        if value.is_null() {
            problems.wrong_type(field, "any JSON but null", &value);
            return None;
        }
        Some(value)
    }

    fn to_sql(&self) -> SqlValue {
        SqlValue::json(self)
    }
}

/// A JSON object.
impl Field for Map<String, Value> {
    const KIND: Kind = Kind::Json;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::Object(object) => Some(object),
            other => {
                problems.wrong_type(field, "an object", &other);
                None
            }
        }
    }

    fn to_sql(&self) -> SqlValue {
        SqlValue::json(self)
    }
}

/// A JSON array of text.
impl Field for Vec<String> {
    const KIND: Kind = Kind::Json;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        read_array(value, field, problems, String::read)
    }

    fn to_sql(&self) -> SqlValue {
        SqlValue::json(self)
    }
}

/// A JSON array of secret texts.
impl Field for Vec<Secret> {
    const KIND: Kind = Kind::Json;
    const SECRET: bool = true;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        read_array(value, field, problems, Secret::read)
    }

    fn to_sql(&self) -> SqlValue {
        SqlValue::json(&self.iter().map(Secret::expose).collect::<Vec<_>>())
    }
}

/// Reads an array, item by item; the findings of all items are found.
pub(crate) fn read_array<T>(
    value: Value,
    field: &str,
    problems: &mut Problems<'_>,
    read: impl Fn(Value, &str, &mut Problems<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let Value::Array(items) = value else {
        problems.wrong_type(field, "an array", &value);
        return None;
    };
    let read: Vec<Option<T>> =
        items.into_iter().enumerate().map(|(index, item)| read(item, &format!("{field}/{index}"), problems)).collect();
    read.into_iter().collect()
}

/// The column of a typed JSON value.
pub(crate) fn json_to_sql(value: &impl Serialize) -> SqlValue {
    SqlValue::json(value)
}

/// States an enum by its words, as the database and the documents write them.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $Enum:ident { $( $(#[$variant_meta:meta])* $Variant:ident = $word:literal ),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
        pub enum $Enum {
            $( $(#[$variant_meta])* #[serde(rename = $word)] $Variant, )+
        }

        impl $Enum {
            /// The words, in the order of the variants.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$Variant => $word, )+ }
            }

            /// The one with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $( $word => Some(Self::$Variant), )+ _ => None }
            }
        }

        impl std::fmt::Display for $Enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::model::field::Field for $Enum {
            const KIND: $crate::model::field::Kind = $crate::model::field::Kind::Enum(Self::WORDS);

            fn read(
                value: serde_json::Value,
                field: &str,
                problems: &mut $crate::model::row::Problems<'_>,
            ) -> Option<Self> {
                let word = <String as $crate::model::field::Field>::read(value, field, problems)?;
                let read = Self::from_word(&word);
                if read.is_none() {
                    let words = Self::WORDS.join("`, `");
                    problems.add(field, "row.unknown_word", format!("`{word}` is none of `{words}`"));
                }
                read
            }

            fn to_sql(&self) -> $crate::model::field::SqlValue {
                $crate::model::field::SqlValue::Text(self.as_str().to_owned())
            }
        }
    };
}
pub(crate) use words;
