//! What a client asks of a list: in a query (RFC 7644, section 3.4.2), or in the body of a search (section 3.4.3).

use parapet::scim::discovery::{MOST, PAGE};
use parapet::scim::{ErrorType, ScimError};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::guard::Call;

/// The schema of a search.
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Which resources.
    pub filter: Option<String>,
    /// In which order.
    pub sort_by: Option<String>,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// From which on, counted from 1.
    pub start_index: i64,
    /// How many, at most.
    pub count: i64,
    /// After which, by cursor (RFC 9865); empty for the first page.
    pub cursor: Option<String>,
    /// What is shown of each.
    pub attributes: Option<String>,
    /// What is not.
    pub excluded: Option<String>,
}

impl Asked {
    /// Reads a query. What it has beside is passed over: clients append what is for themselves (Entra ID).
    pub fn in_query(call: &Call) -> Result<Self, ApiError> {
        let mut asked = Self::new();
        for (name, value) in call.query() {
            if value.contains(['\0', '\u{fffd}']) {
                let detail = format!("{name}: it is not text in UTF-8, or holds the character U+0000");
                return Err(ScimError::new(ErrorType::InvalidValue, detail).into());
            }
            asked.set(&name, Value::String(value))?;
        }
        Ok(asked)
    }

    /// Reads the body of a search.
    pub fn in_body(body: &Map<String, Value>) -> Result<Self, ApiError> {
        let schemas = body.get("schemas").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if !schemas.iter().any(|urn| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(SEARCH))) {
            return Err(ScimError::new(ErrorType::InvalidSyntax, format!("schemas: expected `{SEARCH}`")).into());
        }
        let mut asked = Self::new();
        for (name, value) in body {
            asked.set(name, value.clone())?;
        }
        Ok(asked)
    }

    fn new() -> Self {
        Self { start_index: 1, count: page(PAGE), ..Self::default() }
    }

    fn set(&mut self, name: &str, value: Value) -> Result<(), ScimError> {
        let text = |value: Value| match value {
            Value::String(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            Value::Array(names) if names.iter().all(Value::is_string) => {
                Ok(Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")))
            }
            _ => Err(ScimError::value(name, "expected text")),
        };
        let number = |value: &Value, kind: ErrorType| {
            let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
            number.ok_or_else(|| ScimError::new(kind, format!("{name}: expected a whole number")))
        };
        match name.to_ascii_lowercase().as_str() {
            "filter" => self.filter = text(value)?.filter(|filter| !filter.trim().is_empty()),
            "sortby" => self.sort_by = text(value)?.filter(|name| !name.trim().is_empty()),
            "sortorder" => {
                self.descending = match text(value)?.map(|order| order.to_ascii_lowercase()).as_deref() {
                    None | Some("ascending") => false,
                    Some("descending") => true,
                    _ => return Err(ScimError::value(name, "expected `ascending` or `descending`")),
                }
            }
            // Less than what there can be is read as the least (RFC 7644, section 3.4.2.4).
            "startindex" => self.start_index = number(&value, ErrorType::InvalidValue)?.max(1),
            "count" => self.count = number(&value, ErrorType::InvalidCount)?.clamp(0, page(MOST)),
            "cursor" => self.cursor = text(value)?,
            "attributes" => self.attributes = text(value)?,
            "excludedattributes" => self.excluded = text(value)?,
            _ => {}
        }
        Ok(())
    }
}

fn page(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
