//! The chain: where it stands, and the next row.

use super::canonical::{canonical, settle};
use crate::model::{AttemptResult, AuditLog, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// `previous_hash` of the first row.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A point of a chain: the last row that counts, by its sequence and hash. As text, `<sequence>:<hash>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The row's sequence; 0 before the first.
    pub sequence: i64,
    /// The row's hash; 64 zeros before the first.
    pub hash: String,
}

/// Before the first row.
impl Default for Head {
    fn default() -> Self {
        Self { sequence: 0, hash: NOTHING.to_owned() }
    }
}

impl Head {
    /// The point after a row.
    pub fn of(row: &AuditLog) -> Self {
        Self { sequence: row.sequence, hash: row.hash.clone() }
    }

    /// The next row of the chain, and the point after it.
    ///
    /// What `event_data` holds is kept in a form that reads back exactly: a number of 16 digits and more may change in
    /// the last of them, and what is nested deeper than 100 becomes text.
    pub fn append(&self, entry: Entry) -> (AuditLog, Self) {
        let event_data = match settle(Value::Object(entry.event_data)) {
            Value::Object(event_data) => event_data,
            _ => Map::new(),
        };
        let mut row = AuditLog {
            id: entry.id,
            tenant_id: entry.tenant_id,
            // No chain ever has 2⁶³ rows; the database would refuse the sequence a second time.
            sequence: self.sequence.saturating_add(1),
            user_id: entry.user_id,
            event_type: entry.event_type,
            resource_type: entry.resource_type,
            resource_id: entry.resource_id,
            event_data,
            ip_address: entry.ip_address,
            user_agent: entry.user_agent,
            result: entry.result,
            previous_hash: self.hash.clone(),
            hash: String::new(),
            created_at: entry.created_at,
        };
        row.hash = hash(&row);
        let head = Self::of(&row);
        (row, head)
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

/// Text that is no point of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `<sequence>:<hash>`, the hash as 64 lower-case hex digits")]
pub struct HeadError;

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let (sequence, hash) = text.split_once(':').ok_or(HeadError)?;
        let sequence: i64 = sequence.parse().map_err(|_| HeadError)?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hash || sequence < 0 || (sequence == 0 && hash != NOTHING) {
            return Err(HeadError);
        }
        Ok(Self { sequence, hash: hash.to_owned() })
    }
}

/// What a row of the log says: its columns without its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// UUIDv7.
    pub id: Uuid,
    /// The tenant it is about.
    pub tenant_id: Uuid,
    /// Who did it.
    pub user_id: Option<Uuid>,
    /// Lower-case words joined by dots: `role.assigned`.
    pub event_type: String,
    /// The table, or the type, of what it was done to.
    pub resource_type: Option<String>,
    /// The id of what it was done to.
    pub resource_id: Option<Uuid>,
    /// Before and after, as [`event_data`](super::event_data) makes it.
    pub event_data: Map<String, Value>,
    /// Where from.
    pub ip_address: Option<String>,
    /// The client's own words.
    pub user_agent: Option<String>,
    /// How it came out.
    pub result: AttemptResult,
    /// When.
    pub created_at: Timestamp,
}

/// What a row's `hash` must be, whatever it says itself.
pub fn hash(row: &AuditLog) -> String {
    // A row has text keys and no failing `Serialize`.
    let mut members = serde_json::to_value(row).unwrap_or_default();
    if let Some(members) = members.as_object_mut() {
        members.remove("hash");
    }
    hex::encode(Sha256::digest(canonical(&members)))
}
