//! Ending what has ended: roles of users and of groups, memberships, API keys, and requests that nobody answered, each told
//! by an event.
//!
//! No decision waits for it: what has ended counts no more from its very end on, here or not. This tidies, and tells.

use parapet::model::{
    AccessRequest, AccessRequestStatus, ApiKey, Row, Timestamp, UserGroupMembership, UserGroupRole, UserRole,
};
use serde_json::json;
use uuid::Uuid;

use super::ending::{Kind, Table, walk};
use super::{Done, Turn};
use crate::administration::{Collection, RowChange};
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::platform::db::Statement;

/// A table whose rows end.
trait Ending: Row {
    /// What else holds of a row (`t`) that is looked at.
    const LOOKED_AT: &'static str = "";
    /// What else holds of a row that ends by itself.
    const ONLY: &'static str = "";
    /// What ends those rows whose ids are the list `?2`, at `?3`. The `+` keeps SQLite from walking along all rows of the
    /// tenant.
    const END: &'static str;

    /// What becomes of it.
    fn change(&self, now: Timestamp) -> RowChange;
}

/// A row that goes.
fn goes<R: Collection>(row: &R) -> RowChange {
    RowChange::recorded(Some(row), None, "expired")
}

impl Ending for UserRole {
    const END: &'static str =
        "DELETE FROM user_role WHERE +tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2)) AND expires_at <= ?3";

    fn change(&self, _: Timestamp) -> RowChange {
        goes(self)
    }
}

impl Ending for UserGroupRole {
    const END: &'static str = "DELETE FROM user_group_role WHERE +tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2)) AND expires_at <= ?3";

    fn change(&self, _: Timestamp) -> RowChange {
        goes(self)
    }
}

impl Ending for UserGroupMembership {
    // In a group with a rule it stays: the rule leaves those alone who are in the group by hand, and would let this user
    // in again, for good, at their next change.
    const ONLY: &'static str = " AND NOT EXISTS (
        SELECT 1 FROM user_group g WHERE g.tenant_id = ?1 AND g.id = user_group_id AND g.auto_assignment_rules IS NOT NULL)";
    const END: &'static str = "
        DELETE FROM user_group_membership
        WHERE +tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2)) AND expires_at <= ?3";

    fn change(&self, _: Timestamp) -> RowChange {
        goes(self)
    }
}

impl Ending for ApiKey {
    const LOOKED_AT: &'static str = " AND t.is_active = 1";
    const ONLY: &'static str = " AND is_active = 1";
    const END: &'static str = "
        UPDATE api_key SET is_active = 0
        WHERE +tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2)) AND expires_at <= ?3";

    fn change(&self, _: Timestamp) -> RowChange {
        RowChange::recorded(Some(self), Some(&Self { is_active: false, ..self.clone() }), "expired")
    }
}

// One that was approved gave what it gave until its end, and has no state for having ended.
impl Ending for AccessRequest {
    const LOOKED_AT: &'static str = " AND t.status = 'pending'";
    const ONLY: &'static str = " AND status = 'pending'";
    const END: &'static str = "
        UPDATE access_request SET status = 'cancelled', updated_at = ?3
        WHERE +tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2)) AND status = 'pending'";

    /// Of what waits nothing is decided, so no version is raised.
    fn change(&self, now: Timestamp) -> RowChange {
        let cancelled = Self { status: AccessRequestStatus::Cancelled, updated_at: now, ..self.clone() };
        RowChange::noted(Some(self), Some(&cancelled), "expired")
    }
}

fn kind<R: Ending>() -> Kind {
    Kind {
        table: Table { name: R::TABLE, only: R::LOOKED_AT, settled: "0" },
        read: |tenant, ids, now| {
            let only = R::ONLY;
            let condition =
                format!("+tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2)) AND expires_at <= ?3{only}");
            select::<R>(&condition, tenant).bind(json!(ids).to_string()).bind(now)
        },
        plan: |tenant, found, now, deed| {
            let ended = rows::<R>(found)?;
            if ended.is_empty() {
                return Ok(());
            }
            let changes: Vec<RowChange> = ended.iter().map(|row| row.change(now)).collect();
            let ids: Vec<Option<Uuid>> = changes.iter().map(RowChange::id).collect();
            deed.statements.push(Statement::new(R::END).bind(tenant).bind(json!(ids).to_string()).bind(now));
            deed.changes.extend(changes);
            Ok(())
        },
    }
}

/// Ends what has ended, the longest ended first.
pub async fn expire(app: &App, turn: Turn) -> Result<Done, ApiError> {
    let kinds = [
        kind::<ApiKey>(),
        kind::<UserRole>(),
        kind::<UserGroupMembership>(),
        kind::<UserGroupRole>(),
        kind::<AccessRequest>(),
    ];
    walk(app, &turn, &kinds, None, turn.now).await
}
