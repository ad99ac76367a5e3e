//! What giving somebody something has in common, be it a role or a place in a group: when it ends.

use parapet::Finding;
use parapet::model::{Row, Timestamp};

/// Whether what ends then has not ended yet.
pub fn lives(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_none_or(|end| now < end)
}

/// Refuses what would have ended before it begins.
pub fn ends_later<R: Row>(expires_at: Option<Timestamp>, now: Timestamp, findings: &mut Vec<Finding>) {
    if !lives(expires_at, now) {
        findings.push(Finding::error(R::TABLE, "row.past", "it would have ended already").field("expires_at"));
    }
}
