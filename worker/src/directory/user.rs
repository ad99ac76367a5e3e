//! Users: `/v1/users`.

use parapet::Finding;
use parapet::model::{User, UserState};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::person::Person;
use super::{attributes, membership, user_deletion, user_purge, user_state};
use crate::administration::{Collection, Edit, ListOf, Plan, State, routes as table};
use crate::error::ApiError;
use crate::guard::Route;
use crate::login::{invitation, link};
use crate::platform::db::Statement;

/// The rows, and what is done with them.
pub fn routes() -> Vec<Route> {
    [table::<User>(), user_state::routes(), user_purge::routes()].into_iter().flatten().collect()
}

impl ListOf for User {
    const PATH: &'static str = "/v1/users";
    const READ: &'static str = "user.read";
    const FILTERS: &'static [&'static str] = &["email", "username", "state", "is_active"];
    const SELECTIVE: &'static [&'static str] = &["email", "username"];
    const SORTS: &'static [&'static str] = &["email"];
}

impl Collection for User {
    const ITEM: &'static str = "/v1/users/{id}";
    const WRITE: &'static str = "user.write";
    const GIVEN: &'static [&'static str] = &[
        "password_hash",
        "scim_attributes",
        "email_verified",
        "phone_verified",
        "password_changed_at",
        "last_login_at",
        "deleted_at",
    ];
    const FIXED: &'static [&'static str] = &["state"];

    fn reads(tenant: Uuid, id: Option<Uuid>, _body: &Map<String, Value>) -> Vec<Statement> {
        id.map(|id| Person::statements(tenant, id)).unwrap_or_default()
    }

    fn complete(
        row: &mut Self,
        before: Option<&Self>,
        state: &State<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ApiError> {
        let begins = match row.state {
            UserState::Invited | UserState::Active => true,
            // Whoever could not act elsewhere cannot act here.
            UserState::Locked | UserState::Suspended => state.imports,
            UserState::Deleted => false,
        };
        if before.is_none() && !begins {
            let message = "a user begins `invited` or `active`";
            findings.push(Finding::error("user", "user.state", message).field("state"));
        }
        // What was confirmed was the other address.
        row.email_verified &= before.is_none_or(|before| before.email == row.email);
        row.phone_verified &= before.is_none_or(|before| before.phone == row.phone);
        if let Some(schema) = attributes::declared(state.document) {
            let mut declared = schema.user;
            // The directory owns its columns, and the caller what the schema leaves to the caller.
            declared.retain(|name, _| !schema.caller.contains(name));
            let before = before.map(|before| &before.custom_attributes);
            attributes::check::<Self>(&declared, "custom_attributes", &row.custom_attributes, before, findings);
        }
        Ok(())
    }

    fn remains(before: &Self, state: &State<'_>) -> Option<Self> {
        Some(user_deletion::deleted(before, state.now))
    }

    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let state = edit.state;
        let Some(before) = edit.before else {
            if let Some(user) = edit.after.filter(|user| user.state == UserState::Invited && !state.imports) {
                plan.also(invitation::wanted(state, user.id)?);
            }
            return membership::reevaluate(state, None, edit.after, &[], plan);
        };
        if before.state == UserState::Deleted {
            return Err(user_state::conflict(before, "a deleted user is restored or purged, and nothing else"));
        }
        let person = Person::read(state, edit.first)?;
        person.touch(state, before, plan);
        let Some(after) = edit.after else {
            person.stop(state, before, plan);
            user_deletion::revoke_all(&person, state, plan);
            return Ok(());
        };
        // Whoever chooses how somebody is known and reached can come as them.
        if after.email != before.email || after.username != before.username {
            plan.gains(state, &person.rights(state, before));
        }
        // What was sent to the other address leads nowhere any more.
        if after.email != before.email {
            link::forget(state.tenant, before.id).into_iter().for_each(|statement| plan.also(statement));
        }
        if before.is_active && !after.is_active {
            person.stop(state, before, plan);
        }
        membership::reevaluate(state, Some(before), Some(after), &person.memberships, plan)
    }
}
