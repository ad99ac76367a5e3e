//! The tenant: users, roles and grants, of any size.

use crate::{NOW, Random};
use rustc_hash::FxHashSet;
use serde_json::{Value, json};

/// How many users a tenant has that the trace asks for.
pub const USERS: usize = 1_000;
/// How many types of resources.
pub const TYPES: usize = 20;
/// How many actions each of them.
pub const ACTIONS: usize = 25;
/// The departments of users and resources.
pub const DEPARTMENTS: [&str; 5] = ["sales", "support", "legal", "finance", "research"];

/// When a grant holds.
#[derive(Clone, Copy)]
pub enum When {
    /// In any case.
    Always,
    /// Where the user owns the resource.
    Owner,
    /// Where the resource is of the user's department.
    Department,
}

impl When {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Owner => "owner",
            Self::Department => "department",
        }
    }
}

/// A tenant.
pub struct Tenant {
    /// Which role may do which action, and when; no role has an action twice.
    pub grants: Vec<(usize, usize, When)>,
    /// The roles of each user.
    pub roles_of: Vec<Vec<usize>>,
}

fn id(kind: u64, number: usize) -> String {
    format!("01890000-{kind:04x}-7000-8000-{number:012x}")
}

/// The id of a user.
pub fn user_id(user: usize) -> String {
    id(1, user)
}

/// The id of a role.
pub fn role_id(role: usize) -> String {
    id(3, role)
}

/// The full name of an action: `type3:act7`.
pub fn action_name(action: usize) -> String {
    format!("type{}:act{}", action / ACTIONS, action % ACTIONS)
}

/// The department of a user.
pub fn department_of(user: usize) -> &'static str {
    DEPARTMENTS[user % DEPARTMENTS.len()]
}

/// How many roles share so many grants.
fn roles_for(grants: usize) -> usize {
    (grants / 250).max(4)
}

/// A tenant with so many grants, and [`USERS`] users; the same count gives the same tenant.
pub fn tenant(count: usize) -> Tenant {
    tenant_of(count, USERS)
}

/// A tenant with so many grants and users.
pub fn tenant_of(count: usize, users: usize) -> Tenant {
    let mut random = Random(1);
    let roles = roles_for(count);
    let mut seen = FxHashSet::default();
    let mut grants = vec![];
    while grants.len() < count {
        let (role, action) = (random.below(roles), random.below(TYPES * ACTIONS));
        if seen.insert((role, action)) {
            let when = [When::Always, When::Always, When::Owner, When::Department][random.below(4)];
            grants.push((role, action, when));
        }
    }
    let roles_of: Vec<Vec<usize>> = (0..users)
        .map(|_| {
            let mut of: Vec<usize> = (0..1 + random.below(4)).map(|_| random.below(roles)).collect();
            of.sort_unstable();
            of.dedup();
            of
        })
        .collect();
    Tenant { grants, roles_of }
}

impl Tenant {
    /// Its rows, as ours compiles them.
    pub fn document(&self) -> Value {
        let conditions = |when| match when {
            When::Always => Value::Null,
            When::Owner => json!({"EntityEquals": {"resource.owner": "${principal}"}}),
            When::Department => json!({"StringEquals": {"resource.department": "${principal.department}"}}),
        };
        let mut assignment = 0;
        json!({
            "tenant": {"id": id(0, 0), "name": "Bench", "slug": "bench", "created_at": NOW, "updated_at": NOW},
            "user": (0..self.roles_of.len()).map(|user| json!({"id": user_id(user), "email": format!("u{user}@bench.example"),
                "custom_attributes": {"department": department_of(user)}})).collect::<Vec<_>>(),
            "permission": (0..TYPES * ACTIONS).map(|action| json!({"id": id(2, action), "name": format!("p{action}"),
                "resource": format!("type{}", action / ACTIONS), "action": format!("act{}", action % ACTIONS), "category": "user"})).collect::<Vec<_>>(),
            "role": (0..roles_for(self.grants.len())).map(|role| json!({"id": role_id(role), "name": format!("role{role}")})).collect::<Vec<_>>(),
            "role_permission": self.grants.iter().enumerate().map(|(number, (role, action, when))| json!({"id": id(4, number),
                "role_id": role_id(*role), "permission_id": id(2, *action), "conditions": conditions(*when)})).collect::<Vec<_>>(),
            "user_role": self.roles_of.iter().enumerate().flat_map(|(user, roles)| roles.iter().map(move |role| (user, *role))).map(|(user, role)| {
                assignment += 1;
                json!({"id": id(5, assignment), "user_id": user_id(user), "role_id": role_id(role)})
            }).collect::<Vec<_>>(),
        })
    }

    /// The same tenant as Cedar policies, one a grant.
    pub fn cedar(&self) -> impl Iterator<Item = String> {
        self.grants.iter().map(|(role, action, when)| {
            let condition = match when {
                When::Always => "",
                When::Owner => " when { resource has owner && resource.owner == principal }",
                When::Department => {
                    " when { resource has department && principal has department && resource.department == principal.department }"
                }
            };
            let (role, action) = (role_id(*role), action_name(*action));
            format!("permit(principal in Role::\"{role}\", action == Action::\"{action}\", resource){condition};\n")
        })
    }

    /// The same tenant as plain data: each user's department and roles, and when a role may do an action.
    pub fn data(&self) -> Value {
        let mut grants = serde_json::Map::new();
        for (role, action, when) in &self.grants {
            let of_role = grants.entry(role_id(*role)).or_insert_with(|| json!({}));
            of_role[action_name(*action)] = json!(when.name());
        }
        let users: serde_json::Map<String, Value> = (self.roles_of.iter().enumerate())
            .map(|(user, roles)| {
                let roles: Vec<String> = roles.iter().map(|role| role_id(*role)).collect();
                (user_id(user), json!({"department": department_of(user), "roles": roles}))
            })
            .collect();
        json!({"users": users, "grants": grants})
    }
}
