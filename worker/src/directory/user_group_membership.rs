//! Who is in which group, put there by somebody: `/v1/user-group-memberships`. What a rule did, a rule undoes.

use parapet::Finding;
use parapet::model::{AssignmentType, UserGroupMembership};
use parapet::rights::Rights;

use super::assignment::{ends_later, lives};
use crate::administration::{Collection, Edit, ListOf, Plan, State};
use crate::error::ApiError;

impl ListOf for UserGroupMembership {
    const PATH: &'static str = "/v1/user-group-memberships";
    const READ: &'static str = "user_group_membership.read";
    const TIME: &'static str = "assigned_at";
    const FILTERS: &'static [&'static str] = &["user_id", "user_group_id", "assigned_by", "assignment_type"];
    const SELECTIVE: &'static [&'static str] = &["user_id"];
}

impl Collection for UserGroupMembership {
    const ITEM: &'static str = "/v1/user-group-memberships/{id}";
    const WRITE: &'static str = "user_group_membership.write";
    const GIVEN: &'static [&'static str] = &["assigned_by", "assignment_type"];
    const FIXED: &'static [&'static str] = &["user_id", "user_group_id"];
    const LIVING: &'static [&'static str] = &["user_id"];
    const EVENTS: [&'static str; 3] = ["added", "updated", "removed"];

    fn complete(
        row: &mut Self,
        before: Option<&Self>,
        state: &State<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ApiError> {
        // Of one that a rule made nothing changes, not even who is said to have made it.
        if before.is_none_or(|before| before.assignment_type == AssignmentType::Manual) {
            row.assigned_by = state.actor.user();
        }
        ends_later::<Self>(row.expires_at, state.now, findings);
        Ok(())
    }

    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let Some(row) = edit.row() else { return Ok(()) };
        let state = edit.state;
        if edit.before.is_some_and(|before| before.assignment_type == AssignmentType::Automatic) {
            let message = "a rule of the group put them there, and only the rule or the user changes that";
            let finding = Finding::error("user_group_membership", "user_group_membership.automatic", message);
            findings.push(finding.field("assignment_type"));
        }
        let gives = state.rights().group(row.user_group_id, state.now);
        let rights = |row: Option<&Self>| {
            let Some(row) = row.filter(|row| lives(row.expires_at, state.now)) else { return Rights::default() };
            gives.clone().until(row.expires_at)
        };
        plan.gains(state, &Rights::gained(&rights(edit.before), &rights(edit.after)));
        plan.facts().own_rights |= state.actor.user() == Some(row.user_id);
        plan.facts().needs_owner |= super::named::by_a_policy(state.document, row.user_group_id);
        Ok(())
    }
}
