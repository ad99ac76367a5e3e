//! The floor: what a decision costs that is written by hand for exactly this tenant.

use crate::Asked;
use crate::tenant::{ACTIONS, TYPES, Tenant, USERS, When, action_name, department_of, user_id};
use rustc_hash::FxHashMap;

/// One hash map keyed by role and permission, role closure computed at load. Written before the engine was tuned, and
/// not to be changed. It knows neither determining policies nor expiry.
pub struct Floor {
    users: FxHashMap<String, usize>,
    actions: FxHashMap<String, usize>,
    roles_of: Vec<Vec<usize>>,
    departments: Vec<&'static str>,
    grants: FxHashMap<(usize, usize), Vec<When>>,
}

/// What the floor is asked.
pub struct Plain {
    user: String,
    action: String,
    owner: String,
    department: &'static str,
}

impl Plain {
    /// The same request.
    pub fn of(asked: &Asked) -> Self {
        Self {
            user: asked.user.clone(),
            action: asked.action_name(),
            owner: asked.owner.clone(),
            department: asked.department,
        }
    }
}

impl Floor {
    /// Loads a tenant.
    pub fn new(tenant: &Tenant) -> Self {
        let mut grants: FxHashMap<(usize, usize), Vec<When>> = FxHashMap::default();
        for (role, action, when) in &tenant.grants {
            grants.entry((*role, *action)).or_default().push(*when);
        }
        Self {
            users: (0..USERS).map(|user| (user_id(user), user)).collect(),
            actions: (0..TYPES * ACTIONS).map(|action| (action_name(action), action)).collect(),
            roles_of: tenant.roles_of.clone(),
            departments: (0..USERS).map(department_of).collect(),
            grants,
        }
    }

    /// Whether it is allowed.
    pub fn allows(&self, asked: &Plain) -> bool {
        let (Some(user), Some(action)) = (self.users.get(&asked.user), self.actions.get(&asked.action)) else {
            return false;
        };
        self.roles_of[*user].iter().any(|role| {
            self.grants.get(&(*role, *action)).is_some_and(|grants| {
                grants.iter().any(|when| match when {
                    When::Always => true,
                    When::Owner => asked.owner == asked.user,
                    When::Department => asked.department == self.departments[*user],
                })
            })
        })
    }
}
