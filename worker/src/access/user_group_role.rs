//! Which roles groups give their members: `/v1/user-group-roles`.

use parapet::Finding;
use parapet::model::{TenantDocument, UserGroupRole};
use parapet::rights::Rights;

use crate::administration::{Collection, Edit, ListOf, Plan, State};
use crate::directory::assignment::{ends_later, lives};
use crate::directory::named;
use crate::error::ApiError;

impl ListOf for UserGroupRole {
    const PATH: &'static str = "/v1/user-group-roles";
    const READ: &'static str = "user_group_role.read";
    const TIME: &'static str = "assigned_at";
    const FILTERS: &'static [&'static str] = &["user_group_id", "role_id", "assigned_by"];
    const SELECTIVE: &'static [&'static str] = &["user_group_id", "role_id"];
}

impl Collection for UserGroupRole {
    const ITEM: &'static str = "/v1/user-group-roles/{id}";
    const WRITE: &'static str = "user_group_role.write";
    const GIVEN: &'static [&'static str] = &["assigned_by"];
    const FIXED: &'static [&'static str] = &["user_group_id", "role_id"];
    const EVENTS: [&'static str; 3] = ["assigned", "updated", "revoked"];

    fn rows(document: &mut TenantDocument) -> Option<&mut Vec<Self>> {
        Some(&mut document.user_group_role)
    }

    fn complete(
        row: &mut Self,
        _before: Option<&Self>,
        state: &State<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ApiError> {
        row.assigned_by = state.actor.user();
        ends_later::<Self>(row.expires_at, state.now, findings);
        Ok(())
    }

    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let Some(row) = edit.row() else { return Ok(()) };
        let (state, of) = (edit.state, edit.state.rights());
        if state.owner_role() == Some(row.role_id) {
            plan.facts().touches_owner = true;
            // Who is an owner is said of each by name, so that the last one cannot go unseen.
            if edit.after.is_some() {
                let message = "the role `owner` is given to users, never to a group";
                findings.push(Finding::error("user_group_role", "user_group_role.owner", message).field("role_id"));
            }
        }
        plan.facts().needs_owner |= named::id_by_a_policy(state.document, row.role_id);
        let rights = |row: Option<&Self>| {
            let Some(row) = row.filter(|row| lives(row.expires_at, state.now)) else { return Rights::default() };
            of.role(row.role_id).until(row.expires_at)
        };
        plan.gains(state, &Rights::gained(&rights(edit.before), &rights(edit.after)));
        Ok(())
    }
}
