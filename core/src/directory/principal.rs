//! A principal: everything that a decision needs to know of one user or service account.

use super::{Edge, RowRef};
use crate::model::{
    AccessRequest, AccessRequestStatus, AccessRequestType, ServiceAccount, User, UserGroupMembership, UserRole,
    UserState,
};
use crate::schema::{SERVICE_ACCOUNT, USER};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Everything that a decision needs to know of one user or service account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrincipalRecord {
    /// `User` or `ServiceAccount`.
    pub r#type: String,
    /// The row's id.
    pub id: String,
    /// Whether it may act at all.
    pub state: PrincipalState,
    /// The columns that a policy may read, and the custom attributes beside them.
    pub attributes: Map<String, Json>,
    /// The roles assigned to it, by assignment or approved request.
    #[serde(default)]
    pub roles: Vec<Edge>,
    /// The groups that it is a member of.
    #[serde(default)]
    pub groups: Vec<Edge>,
}

/// Whether a principal may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalState {
    /// It may.
    Active,
    /// Invited, locked, suspended or switched off.
    Inactive,
    /// Deleted.
    Deleted,
}

impl PrincipalRecord {
    /// A user, from the user's row and all rows that are about the user. Rows about others are passed over.
    pub fn of_user(
        user: &User,
        roles: &[UserRole],
        memberships: &[UserGroupMembership],
        requests: &[AccessRequest],
    ) -> Self {
        let assigned = roles.iter().filter(|row| row.user_id == user.id && row.is_active).map(|row| Edge {
            to: row.role_id.to_string(),
            expires_at: row.expires_at,
            source: RowRef::new("user_role", row.id),
        });
        let requested = requests
            .iter()
            .filter(|row| {
                row.requester_id == user.id
                    && row.status == AccessRequestStatus::Approved
                    && row.request_type == AccessRequestType::Role
            })
            .filter_map(|row| {
                Some(Edge {
                    to: row.role_id?.to_string(),
                    expires_at: row.expires_at,
                    source: RowRef::new("access_request", row.id),
                })
            });
        let groups = memberships.iter().filter(|row| row.user_id == user.id).map(|row| Edge {
            to: row.user_group_id.to_string(),
            expires_at: row.expires_at,
            source: RowRef::new("user_group_membership", row.id),
        });
        let state = if user.state == UserState::Deleted || user.deleted_at.is_some() {
            PrincipalState::Deleted
        } else if user.may_act() {
            PrincipalState::Active
        } else {
            PrincipalState::Inactive
        };
        // The columns last: a custom attribute never takes a column's name.
        let mut attributes = user.custom_attributes.clone();
        for (name, value) in [
            ("created_at", json!(user.created_at)),
            ("email", json!(user.email)),
            ("email_verified", json!(user.email_verified)),
            ("first_name", json!(user.first_name)),
            ("force_password_change", json!(user.force_password_change)),
            ("last_name", json!(user.last_name)),
            ("phone", json!(user.phone)),
            ("phone_verified", json!(user.phone_verified)),
            ("username", json!(user.username)),
        ] {
            attributes.insert(name.to_owned(), value);
        }
        attributes.retain(|_, value| !value.is_null());
        Self {
            r#type: USER.to_owned(),
            id: user.id.to_string(),
            state,
            attributes,
            roles: sorted(assigned.chain(requested)),
            groups: sorted(groups),
        }
    }

    /// A service account.
    pub fn of_service_account(account: &ServiceAccount) -> Self {
        let mut attributes = Map::new();
        attributes.insert("created_at".to_owned(), json!(account.created_at));
        attributes.insert("name".to_owned(), json!(account.name));
        Self {
            r#type: SERVICE_ACCOUNT.to_owned(),
            id: account.id.to_string(),
            state: if account.is_active { PrincipalState::Active } else { PrincipalState::Inactive },
            attributes,
            roles: vec![],
            groups: vec![],
        }
    }
}

/// In an order of their own, so that the order of rows never shows.
fn sorted(edges: impl Iterator<Item = Edge>) -> Vec<Edge> {
    let mut edges: Vec<Edge> = edges.collect();
    edges.sort_by(|one, other| (&one.to, &one.source).cmp(&(&other.to, &other.source)));
    edges
}
