//! What hangs on a user: grants, requests and keys, read for the rules of changing the user.

use parapet::directory::PrincipalRecord;
use parapet::model::{AccessRequest, ApiKey, User, UserGroupMembership, UserRole};
use parapet::rights::Rights;
use uuid::Uuid;

use crate::administration::{Plan, State};
use crate::document::select;
use crate::error::ApiError;
use crate::login::link;
use crate::platform::db::Statement;

/// The owners who can act and whose role does not end, without the user or the assignment `?2`.
const OTHER_OWNERS: &str = "
    SELECT count(*) AS owners FROM user_role r JOIN role o ON o.id = r.role_id
    JOIN user u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
    WHERE r.tenant_id = ?1 AND o.tenant_id = ?1 AND o.type = 'system' AND o.name = 'owner' AND ?2 NOT IN (r.id, u.id)
      AND r.is_active = 1 AND r.expires_at IS NULL AND u.state = 'active' AND u.is_active = 1";

/// Everything that a user has, and how many other owners there are.
pub struct Person {
    /// Roles, ended and inactive ones among them.
    pub roles: Vec<UserRole>,
    /// Groups.
    pub memberships: Vec<UserGroupMembership>,
    /// Requests that wait or were approved.
    pub requests: Vec<AccessRequest>,
    /// API keys.
    pub keys: Vec<ApiKey>,
    other_owners: i64,
}

impl Person {
    /// The statements whose answers [`read`](Self::read) takes.
    pub fn statements(tenant: Uuid, user: Uuid) -> Vec<Statement> {
        const OF_USER: &str = "tenant_id = ?1 AND user_id = ?2";
        const REQUESTS: &str = "tenant_id = ?1 AND requester_id = ?2 AND status IN ('pending', 'approved')";
        vec![
            select::<UserRole>(OF_USER, tenant).bind(user),
            select::<UserGroupMembership>(OF_USER, tenant).bind(user),
            select::<AccessRequest>(REQUESTS, tenant).bind(user),
            select::<ApiKey>(OF_USER, tenant).bind(user),
            other_owners(tenant, Some(user)),
        ]
    }

    /// Reads the answers, which begin at `first`.
    pub fn read(state: &State<'_>, first: usize) -> Result<Self, ApiError> {
        Ok(Self {
            roles: state.rows(first)?,
            memberships: state.rows(first + 1)?,
            requests: state.rows(first + 2)?,
            keys: state.rows(first + 3)?,
            other_owners: state.count(first + 4),
        })
    }

    /// What the user holds, could they act.
    pub fn rights(&self, state: &State<'_>, user: &User) -> Rights {
        let record = PrincipalRecord::of_user(user, &self.roles, &self.memberships, &self.requests);
        state.rights().principal(&record, state.now)
    }

    /// Whether the user is an owner in any way, or was one whose role only waits to be switched on again.
    pub fn is_owner(&self, state: &State<'_>) -> bool {
        let Some(owner) = state.owner_role() else { return false };
        let by_group = |group: Uuid| {
            let mut roles = state.document.user_group_role.iter();
            roles.any(|row| row.user_group_id == group && row.role_id == owner)
        };
        self.roles.iter().any(|row| row.role_id == owner)
            || self.requests.iter().any(|row| row.role_id == Some(owner))
            || self.memberships.iter().any(|row| by_group(row.user_group_id))
    }

    /// Adds what changing this user means to the rules of administration.
    pub fn touch(&self, state: &State<'_>, user: &User, plan: &mut Plan) {
        plan.facts().own_rights |= state.actor.user() == Some(user.id);
        plan.facts().touches_owner |= self.is_owner(state);
    }

    /// Adds what it means that this user cannot act any more.
    pub fn stop(&self, state: &State<'_>, user: &User, plan: &mut Plan) {
        let lasts =
            |row: &UserRole| Some(row.role_id) == state.owner_role() && row.is_active && row.expires_at.is_none();
        let is_lasting = user.may_act() && self.roles.iter().any(lasts);
        plan.facts().leaves_no_owner |= is_lasting && self.other_owners == 0;
        plan.also(end_sessions(state.tenant, user.id));
        link::forget(state.tenant, user.id).into_iter().for_each(|statement| plan.also(statement));
    }
}

/// Counts the owners who can act and whose role does not end, without this user, or without who has this assignment.
pub fn other_owners(tenant: Uuid, without: Option<Uuid>) -> Statement {
    Statement::new(OTHER_OWNERS).bind(tenant).bind(without)
}

/// Ends all sessions of a user.
pub fn end_sessions(tenant: Uuid, user: Uuid) -> Statement {
    Statement::new("DELETE FROM user_session WHERE tenant_id = ?1 AND user_id = ?2").bind(tenant).bind(user)
}
