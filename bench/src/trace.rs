//! The trace: the requests that every engine is asked.

use crate::tenant::{ACTIONS, DEPARTMENTS, TYPES, USERS, user_id};
use crate::{Random, TRACE};
use parapet::directory::EntityRef;
use parapet::engine::{AttributesRef, RequestRef, ValueRef};
use parapet::{Engine, Request, Timestamp};
use serde_json::{Map, Value, json};
use std::hint::black_box;

/// A request, as an application has it: strings and attributes.
pub struct Asked {
    /// The user's id.
    pub user: String,
    /// The type of the resource: `type3`.
    pub resource_type: String,
    /// The action on it: `act7`.
    pub action: String,
    /// The resource's id.
    pub resource: String,
    /// The resource's owner: a user's id.
    pub owner: String,
    /// The resource's department.
    pub department: &'static str,
}

impl Asked {
    /// The action's full name: `type3:act7`.
    pub fn action_name(&self) -> String {
        format!("{}:{}", self.resource_type, self.action)
    }

    /// Asks ours: whether it is allowed, with the determining policies looked at, as the floor's answer has none.
    pub fn ask(&self, engine: &Engine, now: Timestamp) -> bool {
        let attributes =
            [("owner", ValueRef::Entity("User", &self.owner)), ("department", ValueRef::String(self.department))];
        let verdict = engine.check(
            &RequestRef {
                principal_type: "User",
                principal_id: &self.user,
                action: &self.action,
                resource_type: &self.resource_type,
                resource_id: &self.resource,
                resource_attributes: Some(AttributesRef::Plain(&attributes)),
                ..RequestRef::default()
            },
            now,
        );
        black_box(verdict.policies().last());
        verdict.is_allow()
    }

    /// The same with attributes as JSON.
    pub fn request(&self) -> Request {
        let resource = EntityRef::new(&self.resource_type, &self.resource);
        let mut request = Request::new(EntityRef::new("User", &self.user), &self.action, resource);
        let mut attributes = Map::new();
        attributes.insert("owner".to_owned(), json!({"type": "User", "id": self.owner}));
        attributes.insert("department".to_owned(), json!(self.department));
        request.resource_attributes = Some(attributes);
        request
    }

    /// The same for those who do not speak Rust.
    pub fn json(&self) -> Value {
        json!({"user": self.user, "resourceType": self.resource_type, "action": self.action,
            "resource": self.resource, "owner": self.owner, "department": self.department})
    }
}

/// The trace; always the same.
pub fn trace() -> Vec<Asked> {
    let mut random = Random(7);
    (0..TRACE)
        .map(|number| {
            let user = random.below(USERS);
            let own = random.below(4) == 0;
            let action = random.below(TYPES * ACTIONS);
            let owner = if own { user } else { random.below(USERS) };
            Asked {
                user: user_id(user),
                resource_type: format!("type{}", action / ACTIONS),
                action: format!("act{}", action % ACTIONS),
                resource: format!("r{number}"),
                owner: user_id(owner),
                department: DEPARTMENTS[random.below(DEPARTMENTS.len())],
            }
        })
        .collect()
}
