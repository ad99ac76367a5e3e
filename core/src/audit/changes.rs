//! What a write changed in a row: before and after, reduced to what differs.

use serde_json::{Map, Value};

/// What only says that something changed.
const NOISE: &str = "updated_at";

/// A row, or some columns of it, before and after.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// What was; nothing where the row was made.
    pub before: Option<Map<String, Value>>,
    /// What is; nothing where the row was removed.
    pub after: Option<Map<String, Value>>,
}

/// What differs between a row as it was and as it is, both as they serialise, that is without their secrets.
///
/// A row that was made or removed is there whole. Of one that was changed, only the columns that differ, without
/// `updated_at`.
pub fn changes(before: Option<&Map<String, Value>>, after: Option<&Map<String, Value>>) -> Changes {
    let (Some(was), Some(is)) = (before, after) else {
        return Changes { before: before.cloned(), after: after.cloned() };
    };
    let differing = |row: &Map<String, Value>, other: &Map<String, Value>| {
        let columns = row.iter().filter(|(name, value)| *name != NOISE && other.get(*name) != Some(value));
        Some(columns.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    Changes { before: differing(was, is), after: differing(is, was) }
}

impl Changes {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        [&self.before, &self.after].into_iter().flatten().all(Map::is_empty)
    }

    /// What anyone who may read the log may see, and the personal data. Each has the sides that the whole has.
    pub fn split(&self, table: &str) -> (Self, Self) {
        let side = |row: &Option<Map<String, Value>>| row.as_ref().map(|row| super::split(table, row)).unzip();
        let (public_before, personal_before) = side(&self.before);
        let (public_after, personal_after) = side(&self.after);
        let public = Self { before: public_before, after: public_after };
        (public, Self { before: personal_before, after: personal_after })
    }

    /// `{"before": {…}, "after": {…}}`, without a side that is not there.
    pub fn into_map(self) -> Map<String, Value> {
        let sides = [("before", self.before), ("after", self.after)];
        sides.into_iter().filter_map(|(name, row)| Some((name.to_owned(), Value::Object(row?)))).collect()
    }

    /// Reads what [`into_map`](Self::into_map) wrote; `None` where it is something else. Other members are passed over.
    pub fn from_map(map: &Map<String, Value>) -> Option<Self> {
        let side = |name| match map.get(name) {
            None => Some(None),
            Some(Value::Object(row)) => Some(Some(row.clone())),
            Some(_) => None,
        };
        Some(Self { before: side("before")?, after: side("after")? })
    }
}
