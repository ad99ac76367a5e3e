//! The sources of the policies: the way from a policy and an action back to the rows.

use super::Store;
use super::record::{NEVER, NONE, SOURCE_TABLES};
use crate::compile::Origin;
use crate::directory::RowRef;
use crate::model::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

impl Store<'_> {
    /// What a policy was made from; `None` in a snapshot that does not say.
    pub(crate) fn origin(&self, policy: u32) -> Option<Origin> {
        let source = self.sources.get(policy as usize)?;
        let (id, name) = (self.texts.get(source.id.get()).to_owned(), self.texts.get(source.name.get()).to_owned());
        Some(match source.origin.get() {
            0 => Origin::Role { id, name },
            1 => Origin::ServiceAccount { id, name },
            2 => Origin::Request { id, user: name },
            3 => Origin::Custom { id, name },
            _ => Origin::Guardrail { name },
        })
    }

    /// The condition of a policy as it was written.
    pub(crate) fn condition(&self, policy: u32) -> Option<Json> {
        let text = self.sources.get(policy as usize)?.condition.get();
        (text != NONE).then(|| serde_json::from_slice(self.texts.get(text).as_bytes()).ok()).flatten()
    }

    /// When a policy ends.
    pub(crate) fn policy_ends(&self, policy: u32) -> Option<Timestamp> {
        let until = self.sources.get(policy as usize)?.until.get();
        (until != NEVER).then(|| Timestamp::from_millis(until))
    }

    /// The rows behind a grant, by its position in the index.
    pub(crate) fn grant_rows(&self, grant: usize) -> Vec<RowRef> {
        let first = self.source_details.partition_point(|detail| (detail.grant.get() as usize) < grant);
        let details = self.source_details.get(first..).unwrap_or_default();
        let details: Vec<RowRef> = details
            .iter()
            .take_while(|detail| detail.grant.get() as usize == grant)
            .map(|detail| {
                let (table, column) = SOURCE_TABLES.get(detail.table.get() as usize).copied().unwrap_or_default();
                let field = (!column.is_empty()).then(|| format!("{column}/{}", detail.position.get()));
                RowRef { field, ..RowRef::new(table, Uuid::from_bytes(detail.row)) }
            })
            .collect();
        if !details.is_empty() {
            return details;
        }
        let row = self.source_rows.get(grant).map(|row| Uuid::from_bytes(*row)).filter(|row| !row.is_nil());
        row.map(|row| RowRef::new("role_permission", row)).into_iter().collect()
    }
}
