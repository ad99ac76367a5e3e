//! What hangs on a user: grants, requests and keys, read for the rules of changing the user.

use parapet::directory::PrincipalRecord;
use parapet::model::{AccessRequest, ApiKey, User, UserGroupMembership, UserRole};
use parapet::rights::Rights;
use serde_json::Value;
use uuid::Uuid;

use crate::administration::{Plan, State};
use crate::document::select;
use crate::error::ApiError;
use crate::login::link;
use crate::platform::db::{Row as SqlRow, Statement};

/// The owners who can act and whose role does not end: assignment and user.
const OWNERS: &str = "
    SELECT r.id AS assignment, u.id AS user FROM user_role r JOIN role o ON o.id = r.role_id
    JOIN user u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
    WHERE r.tenant_id = ?1 AND o.tenant_id = ?1 AND o.type = 'system' AND o.name = 'owner'
      AND r.is_active = 1 AND r.expires_at IS NULL AND u.state = 'active' AND u.is_active = 1";

/// Everything that a user has, and who the owners are.
pub struct Person {
    /// Roles, ended and inactive ones among them.
    pub roles: Vec<UserRole>,
    /// Groups.
    pub memberships: Vec<UserGroupMembership>,
    /// Requests that wait or were approved.
    pub requests: Vec<AccessRequest>,
    /// API keys.
    pub keys: Vec<ApiKey>,
    owners: Vec<SqlRow>,
}

impl Person {
    /// The statements whose answers [`read`](Self::read) takes.
    pub fn statements(tenant: Uuid, user: Uuid) -> Vec<Statement> {
        const OF_USER: &str = "tenant_id = ?1 AND user_id = ?2";
        const REQUESTS: &str = "tenant_id = ?1 AND requester_id = ?2 AND status IN ('pending', 'approved')";
        Self::reading(tenant, [OF_USER, REQUESTS], &user.to_string())
    }

    /// The same for many users at once, whose ids are a JSON array; [`answers_of`](Self::answers_of) finds one's own.
    pub fn statements_of_many(tenant: Uuid, users: &str) -> Vec<Statement> {
        const OF_USERS: &str = "tenant_id = ?1 AND user_id IN (SELECT value FROM json_each(?2))";
        const REQUESTS: &str = "tenant_id = ?1 AND requester_id IN (SELECT value FROM json_each(?2))
            AND status IN ('pending', 'approved')";
        Self::reading(tenant, [OF_USERS, REQUESTS], users)
    }

    /// Of the answers for many users those for one, as [`read`](Self::read) takes them.
    pub fn answers_of(answers: &[Vec<SqlRow>], user: Uuid) -> Vec<Vec<SqlRow>> {
        let user = user.to_string();
        let whose = |row: &SqlRow| {
            let whose = row.get("user_id").or_else(|| row.get("requester_id")).and_then(Value::as_str);
            whose.is_none_or(|whose| whose == user)
        };
        answers.iter().map(|rows| rows.iter().filter(|row| whose(row)).cloned().collect()).collect()
    }

    fn reading(tenant: Uuid, [of_user, requests]: [&str; 2], whose: &str) -> Vec<Statement> {
        vec![
            select::<UserRole>(of_user, tenant).bind(whose),
            select::<UserGroupMembership>(of_user, tenant).bind(whose),
            select::<AccessRequest>(requests, tenant).bind(whose),
            select::<ApiKey>(of_user, tenant).bind(whose),
            owners(tenant),
        ]
    }

    /// Reads the answers, which begin at `first`.
    pub fn read(state: &State<'_>, first: usize) -> Result<Self, ApiError> {
        Ok(Self {
            roles: state.rows(first)?,
            memberships: state.rows(first + 1)?,
            requests: state.rows(first + 2)?,
            keys: state.rows(first + 3)?,
            owners: state.sql_rows(first + 4).to_vec(),
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
        plan.facts().leaves_no_owner |= is_lasting && !are_others(&self.owners, user.id);
        plan.also(end_sessions(state.tenant, user.id));
        link::forget(state.tenant, user.id).into_iter().for_each(|statement| plan.also(statement));
    }
}

/// Reads the owners who can act and whose role does not end, for [`are_others`].
pub fn owners(tenant: Uuid) -> Statement {
    Statement::new(OWNERS).bind(tenant)
}

/// Whether there are owners beside this user, or beside whoever has this assignment.
pub fn are_others(owners: &[SqlRow], without: Uuid) -> bool {
    let without = without.to_string();
    owners.iter().any(|owner| owner.values().all(|id| id.as_str() != Some(&without)))
}

/// Ends all sessions of a user.
pub fn end_sessions(tenant: Uuid, user: Uuid) -> Statement {
    Statement::new("DELETE FROM user_session WHERE tenant_id = ?1 AND user_id = ?2").bind(tenant).bind(user)
}
