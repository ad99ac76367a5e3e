//! Verifying a log, row by row: what was changed, removed, inserted or moved.

use super::chain::{Head, hash};
use crate::Finding;
use crate::model::AuditLog;
use serde::Serialize;
use uuid::Uuid;

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The rows that were looked at.
    pub rows: u64,
    /// The point that the log follows. Above sequence 0, rows are missing before it, as after retention; and unless the
    /// point was given, it is only what the first row says.
    pub start: Head,
    /// Where the log ends.
    pub head: Head,
}

/// Verifies the rows of one tenant's log, in order. Where a point is given, the rows must follow it; otherwise a log may
/// start anywhere, which the result says ([`Verified::start`]).
///
/// # Errors
/// Everything that is wrong. Codes: `audit.wrong_hash`, `audit.wrong_previous_hash`, `audit.gap`, `audit.out_of_order`,
/// `audit.other_tenant`; each finding has the row's id, and its sequence in the message.
pub fn verify(rows: impl IntoIterator<Item = AuditLog>, from: Option<Head>) -> Result<Verified, Vec<Finding>> {
    let mut verifier = Verifier::new(from);
    let mut findings: Vec<Finding> = rows.into_iter().flat_map(|row| verifier.row(&row)).collect();
    let (verified, finding) = verifier.finish();
    findings.extend(finding);
    if findings.is_empty() { Ok(verified) } else { Err(findings) }
}

/// Verifies a log of any length, one row at a time.
#[derive(Debug, Clone)]
pub struct Verifier {
    rows: u64,
    tenant: Option<Uuid>,
    /// The point that the log follows, and where it stands now.
    reached: Option<(Head, Head)>,
    /// A point that is still to come.
    root: Option<Head>,
}

impl Verifier {
    /// A verifier before the first row; see [`verify`].
    pub fn new(from: Option<Head>) -> Self {
        Self { rows: 0, tenant: None, reached: from.map(|from| (from.clone(), from)), root: None }
    }

    /// Holds the log against a point that was kept elsewhere: the row of that sequence must be there, with that hash.
    /// The log may go on after it.
    #[must_use]
    pub fn holding(self, root: Head) -> Self {
        Self { root: Some(root), ..self }
    }

    /// What is wrong with the next row. A row that was changed is one finding; what follows it is held against what the
    /// row says of itself.
    pub fn row(&mut self, row: &AuditLog) -> Vec<Finding> {
        self.rows += 1;
        let mut findings = vec![];
        let mut find = |field: &str, code: &str, message: String| {
            let message = format!("row {}: {message}", row.sequence);
            findings.push(Finding::error("audit_log", code, message).row(row.id).field(field));
        };
        if hash(row) != row.hash {
            find("hash", "audit.wrong_hash", "the hash does not fit the row".to_owned());
        }
        if *self.tenant.get_or_insert(row.tenant_id) != row.tenant_id {
            let message = format!("it is of tenant `{}`, the log of another", row.tenant_id);
            find("tenant_id", "audit.other_tenant", message);
            return findings;
        }
        let (_, head) = self.reached.get_or_insert_with(|| {
            let start = match row.sequence {
                ..=1 => Head::default(),
                later => Head { sequence: later - 1, hash: row.previous_hash.clone() },
            };
            (start.clone(), start)
        });
        let expected = head.sequence.saturating_add(1);
        if row.sequence < expected {
            let message = format!("it stands where row {expected} is expected");
            find("sequence", "audit.out_of_order", message);
            return findings;
        }
        if row.sequence > expected {
            let missing = match row.sequence - 1 {
                last if last == expected => format!("row {expected} is"),
                last => format!("rows {expected} to {last} are"),
            };
            find("sequence", "audit.gap", format!("{missing} missing before it"));
        } else if row.previous_hash != head.hash {
            let message = format!("it does not follow row {} as that is now", head.sequence);
            find("previous_hash", "audit.wrong_previous_hash", message);
        }
        *head = Head::of(row);
        if let Some(root) = self.root.take_if(|root| root.sequence == row.sequence)
            && root.hash != row.hash
        {
            find("hash", "audit.wrong_root", "it is not the row that was held fast".to_owned());
        }
        findings
    }

    /// What was verified; and what is wrong where the log ends: the point that it was to reach is not in it.
    pub fn finish(self) -> (Verified, Option<Finding>) {
        let (start, head) = self.reached.unwrap_or_default();
        let finding = self.root.and_then(|root| {
            let (code, message) = if root.sequence > head.sequence {
                ("audit.cut_off", format!("the log ends with row {}, before row {}", head.sequence, root.sequence))
            } else if root == start {
                return None;
            } else if root.sequence == start.sequence {
                ("audit.wrong_root", format!("the log does not follow row {} as it was held fast", root.sequence))
            } else {
                ("audit.no_root", format!("the log does not hold row {}", root.sequence))
            };
            Some(Finding::error("audit_log", code, message).field("sequence"))
        });
        (Verified { rows: self.rows, start, head }, finding)
    }
}
