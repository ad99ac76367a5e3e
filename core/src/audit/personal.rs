//! Personal data in the log: under a key of its subject's own, which a purge destroys.

use super::canonical::settle;
use super::changes::Changes;
use crate::model::{AuditSubject, Secret};
use crate::seal::{DataKey, DataKeyring, KEY_BYTES, NONCE_BYTES, SealError};
use serde_json::{Map, Value};
use std::fmt;
use uuid::Uuid;

/// A table whose rows are about a person.
struct About {
    table: &'static str,
    /// The column that says whom.
    subject: &'static str,
    /// The columns that tell something of them.
    columns: &'static [&'static str],
}

const ABOUT: &[About] = &[
    About {
        table: "user",
        subject: "id",
        columns: &[
            "email",
            "username",
            "first_name",
            "last_name",
            "phone",
            "avatar_url",
            "custom_attributes",
            "external_id",
            "scim_attributes",
        ],
    },
    About { table: "access_request", subject: "requester_id", columns: &["justification"] },
    About { table: "federated_identity", subject: "user_id", columns: &["external_id", "attributes"] },
    About { table: "login_attempt", subject: "user_id", columns: &["email_attempted", "ip_address", "user_agent"] },
    About { table: "message_suppression", subject: "user_id", columns: &["address", "reason"] },
    About { table: "mfa_device", subject: "user_id", columns: &["device_name"] },
    About { table: "user_notification", subject: "user_id", columns: &["subject", "content", "metadata"] },
    About { table: "user_session", subject: "user_id", columns: &["device_info", "ip_address", "user_agent"] },
];

fn about(table: &str) -> Option<&'static About> {
    ABOUT.iter().find(|about| about.table == table)
}

/// A row's columns: those that anyone who may read the log may see, and the personal ones.
pub fn split(table: &str, row: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let personal = about(table).map_or(&[][..], |about| about.columns);
    row.iter().map(|(name, value)| (name.clone(), value.clone())).partition(|(name, _)| !personal.contains(&&**name))
}

/// Whom a row is about; nobody, where its table has no personal columns.
pub fn subject(table: &str, row: &Map<String, Value>) -> Option<Uuid> {
    row.get(about(table)?.subject)?.as_str()?.parse().ok()
}

/// The key under which one subject's personal data lies. It is not serialized, and its `Debug` shows the subject alone.
#[derive(Clone)]
pub struct SubjectKey {
    subject: Uuid,
    key: DataKey,
}

impl SubjectKey {
    /// A new key from random bytes.
    pub fn new(subject: Uuid, key: [u8; KEY_BYTES]) -> Self {
        Self { subject, key: DataKey::of(subject, key) }
    }

    /// The key of a row of `audit_subject`; nothing once it is destroyed.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(row: &AuditSubject, keys: &DataKeyring) -> Result<Option<Self>, SealError> {
        let Some(sealed) = &row.subject_key else { return Ok(None) };
        let bytes = keys.open(sealed.expose(), &key_context(row.id))?;
        let key = bytes.try_into().map_err(|_| SealError::Malformed)?;
        Ok(Some(Self::new(row.id, key)))
    }

    /// The key as `audit_subject.subject_key` holds it.
    pub fn seal(&self, keys: &DataKeyring, nonce: [u8; NONCE_BYTES]) -> Secret {
        Secret::new(keys.seal(self.key.bytes(), &key_context(self.subject), nonce))
    }

    /// Whose it is.
    pub fn subject(&self) -> Uuid {
        self.subject
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectKey({}, …)", self.subject)
    }
}

/// Personal data of one subject, sealed: `event_data.personal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Personal {
    /// Whose it is: the id of the `audit_subject`.
    pub subject: Uuid,
    /// What [`seal_personal`] made: JSON, `{"before": {…}, "after": {…}}`, under the subject's key.
    pub sealed: String,
}

impl Personal {
    /// The personal part of a row's `event_data`; nothing where it has none.
    pub fn of(event_data: &Map<String, Value>) -> Option<Self> {
        let personal = event_data.get("personal")?;
        let subject = personal.get("subject")?.as_str()?.parse().ok()?;
        Some(Self { subject, sealed: personal.get("sealed")?.as_str()?.to_owned() })
    }
}

/// Seals personal data for one row of the log, by the row's id: it opens in no other. The nonce must be fresh and random.
pub fn seal_personal(key: &SubjectKey, personal: Changes, row: Uuid, nonce: [u8; NONCE_BYTES]) -> Personal {
    let text = settle(Value::Object(personal.into_map())).to_string();
    Personal { subject: key.subject, sealed: key.key.seal(text.as_bytes(), &row_context(row), nonce) }
}

/// Opens the personal data of one row of the log, by the row's id.
///
/// # Errors
/// [`SealError`].
pub fn open_personal(key: &SubjectKey, personal: &Personal, row: Uuid) -> Result<Changes, SealError> {
    let text = key.key.open(&personal.sealed, &row_context(row))?;
    let map = serde_json::from_slice(&text).map_err(|_| SealError::Malformed)?;
    Changes::from_map(&map).ok_or(SealError::Malformed)
}

/// `event_data` of a write: `{"before": {…}, "after": {…}, "personal": {"subject", "sealed"}}`, each where there is one.
pub fn event_data(public: Changes, personal: Option<Personal>) -> Map<String, Value> {
    let mut data = public.into_map();
    if let Some(Personal { subject, sealed }) = personal {
        data.insert("personal".to_owned(), serde_json::json!({"subject": subject, "sealed": sealed}));
    }
    data
}

fn key_context(subject: Uuid) -> String {
    format!("audit_subject/{subject}/subject_key")
}

fn row_context(row: Uuid) -> String {
    format!("audit_log/{row}/event_data")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TABLES;

    #[test]
    fn personal_columns_are_columns() {
        for about in ABOUT {
            let table = TABLES.iter().find(|table| table.name == about.table).unwrap();
            for column in about.columns.iter().chain([&about.subject]) {
                let column = table.columns.iter().find(|known| known.name == *column);
                assert!(column.is_some_and(|column| !column.secret), "{}", about.table);
            }
        }
    }
}
