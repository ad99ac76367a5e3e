//! JSON from a foreign hand: of limited size and depth, and no key twice in an object.

use super::AuthzenError;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::{cell::RefCell, fmt};

/// How many bytes a request may have.
pub const MAX_BODY: usize = 1024 * 1024;

/// How many levels of arrays and objects a request may have. Below what `serde_json` itself refuses, 128.
pub const MAX_DEPTH: usize = 64;

/// Reads one JSON value, with nothing behind it but white space.
pub(super) fn read(body: &[u8]) -> Result<Value, AuthzenError> {
    if body.len() > MAX_BODY {
        return Err(AuthzenError::TooLarge { length: body.len(), limit: MAX_BODY });
    }
    // serde's errors are text; ours, with its place, goes beside them.
    let fault = RefCell::new(None);
    let mut json = serde_json::Deserializer::from_slice(body);
    let node = Node { place: &Place::Root, depth: 0, fault: &fault };
    node.deserialize(&mut json).and_then(|value| json.end().map(|()| value)).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        fault.take().unwrap_or(AuthzenError::MalformedJson { line, column })
    })
}

/// Where a value is: the way back to the root.
enum Place<'a> {
    Root,
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Key(parent, key) => format!("{}/{}", parent.pointer(), key.replace('~', "~0").replace('/', "~1")),
            Self::Index(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }
}

/// A value that is about to be read.
struct Node<'a> {
    place: &'a Place<'a>,
    /// How many arrays and objects it lies in.
    depth: usize,
    fault: &'a RefCell<Option<AuthzenError>>,
}

impl Node<'_> {
    fn fail<E: serde::de::Error>(&self, error: AuthzenError) -> E {
        let text = E::custom(&error);
        self.fault.replace(Some(error));
        text
    }

    /// The value at a place within this one.
    fn within<'b>(&'b self, place: &'b Place<'b>) -> Node<'b> {
        Node { place, depth: self.depth + 1, fault: self.fault }
    }

    /// Before an array or object is read: whether it is not too deep.
    fn enter<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.fail(AuthzenError::TooDeep { pointer: self.place.pointer(), limit: MAX_DEPTH }));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.within(&Place::Index(self.place, items.len())))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let place = Place::Key(self.place, &key);
            if fields.contains_key(&key) {
                return Err(self.fail(AuthzenError::DuplicateKey { pointer: place.pointer() }));
            }
            let value = map.next_value_seed(self.within(&place))?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}
