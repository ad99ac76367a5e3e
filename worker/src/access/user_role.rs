//! Who has which role: `/v1/user-roles`.

use parapet::Finding;
use parapet::model::{Timestamp, UserRole};
use parapet::rights::Rights;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::administration::{Collection, Edit, ListOf, Plan, State};
use crate::directory::assignment::{self, ends_later};
use crate::directory::{named, person};
use crate::error::ApiError;
use crate::platform::db::Statement;

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
    const LIVING: &'static [&'static str] = &["user_id"];
    const EVENTS: [&'static str; 3] = ["assigned", "updated", "revoked"];

    fn reads(tenant: Uuid, _id: Option<Uuid>, _body: &Map<String, Value>) -> Vec<Statement> {
        vec![person::owners(tenant)]
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
            plan.facts().leaves_no_owner = loses && !person::are_others(state.sql_rows(edit.first), row.id);
        }
        Ok(())
    }
}

fn lives(row: &UserRole, now: Timestamp) -> bool {
    row.is_active && assignment::lives(row.expires_at, now)
}
