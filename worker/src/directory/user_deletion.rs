//! Deleting a user: the row stays, as deleted; whatever let the user act goes, each grant with its own event.

use parapet::model::{AccessRequestStatus, Timestamp, User, UserState};

use super::person::Person;
use crate::administration::{Plan, RowChange, State};

/// The user as deleted. E-mail and username are unique among those who are not.
pub fn deleted(user: &User, now: Timestamp) -> User {
    User { state: UserState::Deleted, deleted_at: Some(now), updated_at: now, ..user.clone() }
}

/// Takes keys, roles and groups, and cancels requests. Restoring the user gives none of it back.
pub fn revoke_all(person: &Person, state: &State<'_>, plan: &mut Plan) {
    for key in person.keys.iter().filter(|key| key.is_active) {
        let mut dead = key.clone();
        dead.is_active = false;
        plan.change(RowChange::update(key, &dead, "revoked"));
    }
    for role in &person.roles {
        plan.change(RowChange::delete(role, "revoked"));
    }
    for membership in &person.memberships {
        plan.change(RowChange::remove_beside(membership, "removed"));
    }
    for request in &person.requests {
        let mut cancelled = request.clone();
        (cancelled.status, cancelled.updated_at) = (AccessRequestStatus::Cancelled, state.now);
        let columns = &["status", "updated_at"];
        plan.change(RowChange::set_beside(request, &cancelled, columns, "cancelled", |document| {
            &mut document.access_request
        }));
    }
}
