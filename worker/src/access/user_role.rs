//! Who has which role: `/v1/user-roles`.

use parapet::Finding;
use parapet::model::{Timestamp, UserRole};
use parapet::rights::Rights;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::administration::{Collection, Edit, ListOf, Plan, State};
use crate::directory::named;
use crate::error::ApiError;
use crate::platform::db::Statement;

/// The owners who can act and whose role does not end, without the one whose assignment is `?2`.
const OTHER_OWNERS: &str = "
    SELECT count(*) AS owners FROM user_role r JOIN role o ON o.id = r.role_id
    JOIN user u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
    WHERE r.tenant_id = ?1 AND o.tenant_id = ?1 AND o.type = 'system' AND o.name = 'owner' AND r.id <> ?2
      AND r.is_active = 1 AND r.expires_at IS NULL AND u.state = 'active' AND u.is_active = 1";

impl ListOf for UserRole {
    const PATH: &'static str = "/v1/user-roles";
    const READ: &'static str = "user_role.read";
    const TIME: &'static str = "assigned_at";
    const FILTERS: &'static [&'static str] = &["user_id", "role_id", "assigned_by", "is_active"];
    const SELECTIVE: &'static [&'static str] = &["user_id"];
}

impl Collection for UserRole {
    const ITEM: &'static str = "/v1/user-roles/{id}";
    const WRITE: &'static str = "user_role.write";
    const GIVEN: &'static [&'static str] = &["assigned_by"];
    const FIXED: &'static [&'static str] = &["user_id", "role_id"];
    const EVENTS: [&'static str; 3] = ["assigned", "updated", "revoked"];

    fn reads(tenant: Uuid, id: Option<Uuid>, _body: &Map<String, Value>) -> Vec<Statement> {
        vec![Statement::new(OTHER_OWNERS).bind(tenant).bind(id)]
    }

    fn complete(
        row: &mut Self,
        _before: Option<&Self>,
        state: &State<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ApiError> {
        row.assigned_by = state.actor.user();
        if row.expires_at.is_some_and(|end| end <= state.now) {
            findings.push(Finding::error("user_role", "row.past", "it would have ended already").field("expires_at"));
        }
        Ok(())
    }

    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let Some(row) = edit.row() else { return Ok(()) };
        let (state, of) = (edit.state, edit.state.rights());
        let rights = |row: Option<&Self>| {
            let Some(row) = row.filter(|row| lives(row, state.now)) else { return Rights::default() };
            of.role(row.role_id).until(row.expires_at)
        };
        plan.gains(state, &Rights::gained(&rights(edit.before), &rights(edit.after)));
        plan.facts().needs_owner |= named::id_by_a_policy(state.document, row.role_id);
        plan.facts().own_rights = state.actor.user() == Some(row.user_id);
        if state.owner_role() == Some(row.role_id) {
            plan.facts().touches_owner = true;
            let lasts = |row: &Self| lives(row, state.now) && row.expires_at.is_none();
            let loses = edit.before.is_some_and(lasts) && !edit.after.is_some_and(lasts);
            plan.facts().leaves_no_owner = loses && state.count(edit.first) == 0;
        }
        Ok(())
    }
}

fn lives(row: &UserRole, now: Timestamp) -> bool {
    row.is_active && row.expires_at.is_none_or(|end| now < end)
}
