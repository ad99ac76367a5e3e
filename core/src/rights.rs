//! Rights: what somebody holds and what a row would give, so that nobody gives what they do not hold.

use crate::condition::Condition;
use crate::directory::{Edge, PrincipalRecord};
use crate::model::{
    AccessRequestStatus, AccessRequestType, Effect, Permission, PermissionEntry, PermissionTarget, Role,
    RolePermission, TenantDocument, Timestamp,
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use uuid::Uuid;

/// A right: an action, under a condition, perhaps on one resource alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// `<resource>:<action>`.
    pub action: String,
    /// The canonical text of the condition; `null` where there is none.
    pub condition: String,
    /// The one resource that it is for.
    pub resource: Option<String>,
}

/// A set of rights and of denials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// What is allowed, and until when; `None` for ever.
    allows: BTreeMap<Right, Option<Timestamp>>,
    denies: BTreeSet<Right>,
}

impl Rights {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.allows.is_empty() && self.denies.is_empty()
    }

    /// What is there after a change and was not before: rights that came or last longer, denials that went.
    #[must_use]
    pub fn gained(before: &Self, after: &Self) -> Self {
        let came = after
            .allows
            .iter()
            .filter(|(right, end)| before.allows.get(right).is_none_or(|had| lasts_longer(**end, *had)));
        let went = before.denies.difference(&after.denies).map(|right| (right, &None));
        let allows = came.chain(went).map(|(right, end)| (right.clone(), *end)).collect();
        Self { allows, denies: BTreeSet::new() }
    }

    /// Both together, as whoever has both holds them.
    pub fn add(&mut self, other: Self) {
        for (right, end) in other.allows {
            self.allow(right, end);
        }
        self.denies.extend(other.denies);
    }

    /// The same, ending at `end` where they would last longer.
    #[must_use]
    pub fn until(mut self, end: Option<Timestamp>) -> Self {
        for its in self.allows.values_mut() {
            *its = earlier(*its, end);
        }
        self
    }

    /// Which of `wanted` are not held: neither without a condition nor under the identical one, nor for as long.
    /// An action that is denied in any way is not held.
    pub fn missing<'a>(&self, wanted: &'a Self) -> Vec<&'a Right> {
        let holds = |right: &Right, end: Option<Timestamp>| {
            let unconditional = Right { condition: NO_CONDITION.to_owned(), resource: None, ..right.clone() };
            let on_all = Right { resource: None, ..right.clone() };
            let for_this_one = Right { condition: NO_CONDITION.to_owned(), ..right.clone() };
            [right, &unconditional, &on_all, &for_this_one]
                .into_iter()
                .any(|held| self.allows.get(held).is_some_and(|had| !lasts_longer(end, *had)))
        };
        let denied = |right: &Right| self.denies.iter().any(|denied| denied.action == right.action);
        wanted
            .allows
            .iter()
            .filter(|(right, end)| denied(right) || !holds(right, **end))
            .map(|(right, _)| right)
            .collect()
    }

    fn allow(&mut self, right: Right, end: Option<Timestamp>) {
        let entry = self.allows.entry(right).or_insert(end);
        if lasts_longer(end, *entry) {
            *entry = end;
        }
    }
}

/// The canonical text of no condition.
const NO_CONDITION: &str = "null";

fn lasts_longer(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    match (one, other) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(one), Some(other)) => one > other,
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.action)?;
        if let Some(resource) = &self.resource {
            write!(f, " on `{resource}`")?;
        }
        if self.condition != NO_CONDITION {
            write!(f, " where `{}`", self.condition)?;
        }
        Ok(())
    }
}

/// A tenant's rows, read for the rights that they give.
pub struct RightsOf<'a> {
    document: &'a TenantDocument,
    by_id: HashMap<Uuid, &'a Permission>,
    by_name: HashMap<&'a str, &'a Permission>,
}

impl<'a> RightsOf<'a> {
    /// Of these rows; users are not needed.
    pub fn new(document: &'a TenantDocument) -> Self {
        Self {
            document,
            by_id: document.permission.iter().map(|row| (row.id, row)).collect(),
            by_name: document.permission.iter().map(|row| (row.name.as_str(), row)).collect(),
        }
    }

    /// What a role gives, active or not.
    pub fn role(&self, id: Uuid) -> Rights {
        let mut rights = Rights::default();
        for role in self.document.role.iter().filter(|role| role.id == id) {
            rights.add(self.entries(&role.permissions, None));
        }
        for row in self.document.role_permission.iter().filter(|row| row.role_id == id) {
            rights.add(self.role_permission(row));
        }
        rights
    }

    /// What one row adds to its role.
    pub fn role_permission(&self, row: &RolePermission) -> Rights {
        let mut rights = Rights::default();
        if let Some(permission) = self.by_id.get(&row.permission_id) {
            insert(&mut rights, action(permission), row.effect, row.conditions.as_ref(), None, None);
        }
        rights
    }

    /// What entries of a role, a service account or a request give.
    pub fn entries(&self, entries: &[PermissionEntry], end: Option<Timestamp>) -> Rights {
        let mut rights = Rights::default();
        for entry in entries {
            let action = match &entry.target {
                PermissionTarget::Name { permission } => match self.by_name.get(permission.as_str()) {
                    Some(permission) => action(permission),
                    None => continue,
                },
                PermissionTarget::Action { resource, action } => format!("{resource}:{action}"),
            };
            let resource = entry.resource_id.clone();
            insert(&mut rights, action, entry.effect, entry.conditions.as_ref(), resource, end);
        }
        rights
    }

    /// What being in a group gives: its roles, active or not, that have not ended at `now`.
    pub fn group(&self, id: Uuid, now: Timestamp) -> Rights {
        let mut rights = Rights::default();
        let rows = self.document.user_group_role.iter().filter(|row| row.user_group_id == id);
        for row in rows.filter(|row| row.expires_at.is_none_or(|end| now < end)) {
            rights.add(self.role(row.role_id).until(row.expires_at));
        }
        rights
    }

    /// What a principal holds at `now`: by active roles, groups, its own permissions and approved requests.
    pub fn principal(&self, principal: &PrincipalRecord, now: Timestamp) -> Rights {
        let mut rights = Rights::default();
        for (role, end) in self.roles(principal, now) {
            rights.add(self.role(role.id).until(end));
        }
        for account in self.document.service_account.iter().filter(|row| row.id.to_string() == principal.id) {
            rights.add(self.entries(&account.permissions, None));
        }
        let requests = self.document.access_request.iter().filter(|row| {
            row.requester_id.to_string() == principal.id
                && row.status == AccessRequestStatus::Approved
                && row.request_type != AccessRequestType::Role
                && row.expires_at.is_none_or(|end| now < end)
        });
        for request in requests {
            rights.add(self.entries(&request.requested_permissions, request.expires_at));
        }
        rights
    }

    /// The active roles that a principal has at `now`, itself or by its groups, each with when that ends. One that it has in
    /// several ways is there several times.
    pub fn roles(&self, principal: &PrincipalRecord, now: Timestamp) -> Vec<(&'a Role, Option<Timestamp>)> {
        let by_groups = live(&principal.groups, now).flat_map(|(group, end)| {
            let rows = self.document.user_group_role.iter().filter(move |row| row.user_group_id == group);
            let live = rows.filter(move |row| row.expires_at.is_none_or(|end| now < end));
            live.map(move |row| (row.role_id, earlier(end, row.expires_at)))
        });
        let active = |id: Uuid| self.document.role.iter().find(|role| role.id == id && role.is_active);
        live(&principal.roles, now).chain(by_groups).filter_map(|(id, end)| Some((active(id)?, end))).collect()
    }
}

/// The edges that have not ended, each with the id that it leads to.
fn live(edges: &[Edge], now: Timestamp) -> impl Iterator<Item = (Uuid, Option<Timestamp>)> {
    edges
        .iter()
        .filter(move |edge| edge.expires_at.is_none_or(|end| now < end))
        .filter_map(|edge| Some((Uuid::try_parse(&edge.to).ok()?, edge.expires_at)))
}

fn action(permission: &Permission) -> String {
    format!("{}:{}", permission.resource, permission.action)
}

fn insert(
    rights: &mut Rights,
    action: String,
    effect: Effect,
    condition: Option<&Json>,
    resource: Option<String>,
    end: Option<Timestamp>,
) {
    let right = Right { action, condition: Condition::canonical(condition.unwrap_or(&Json::Null)), resource };
    match effect {
        Effect::Allow => rights.allow(right, end),
        Effect::Deny => {
            rights.denies.insert(right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TENANT: &str = "01980000-0000-7000-8000-000000000001";
    const READER: Uuid = Uuid::from_u128(0x31);
    const EDITOR: Uuid = Uuid::from_u128(0x32);
    const STAFF: Uuid = Uuid::from_u128(0x41);

    fn document() -> TenantDocument {
        let document = json!({
            "tenant": { "id": TENANT, "name": "Acme", "slug": "acme",
                        "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z" },
            "permission": [
                { "id": Uuid::from_u128(0x21), "name": "read", "resource": "doc", "action": "read", "category": "user" },
                { "id": Uuid::from_u128(0x22), "name": "edit", "resource": "doc", "action": "edit", "category": "user" },
            ],
            "role": [
                { "id": READER, "name": "reader", "permissions": [{ "permission": "read" }] },
                { "id": EDITOR, "name": "editor" },
            ],
            "role_permission": [
                { "id": Uuid::from_u128(0x51), "role_id": EDITOR, "permission_id": Uuid::from_u128(0x22),
                  "conditions": { "StringEquals": { "resource.owner": ["me"] } } },
                { "id": Uuid::from_u128(0x52), "role_id": EDITOR, "permission_id": Uuid::from_u128(0x21),
                  "effect": "deny" },
            ],
            "user_group": [{ "id": STAFF, "name": "staff" }],
            "user_group_role": [
                { "id": Uuid::from_u128(0x61), "user_group_id": STAFF, "role_id": READER,
                  "expires_at": "2026-06-01T00:00:00.000Z" },
            ],
        });
        TenantDocument::from_value(document).unwrap()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn text(rights: &[&Right]) -> Vec<String> {
        rights.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_held_without_a_condition_is_held_under_any() {
        let document = document();
        let of = RightsOf::new(&document);
        let conditional = json!({ "Bool": { "resource.draft": true } });
        let entry = |conditions: Option<Json>| PermissionEntry {
            target: PermissionTarget::Name { permission: "read".to_owned() },
            effect: Effect::Allow,
            conditions,
            resource_id: None,
        };
        let (whole, part) = (of.entries(&[entry(None)], None), of.entries(&[entry(Some(conditional))], None));
        assert_eq!(of.role(READER), whole);
        assert_eq!(text(&whole.missing(&part)), Vec::<String>::new());
        assert_eq!(text(&part.missing(&part)), Vec::<String>::new());
        assert_eq!(text(&part.missing(&whole)), ["`doc:read`"]);
    }

    #[test]
    fn a_denied_action_is_not_held_and_a_denial_that_goes_is_a_gain() {
        let document = document();
        let of = RightsOf::new(&document);
        let mut held = of.role(READER);
        held.add(of.role(EDITOR));
        assert_eq!(text(&held.missing(&of.role(READER))), ["`doc:read`"]);
        let gained = Rights::gained(&of.role(EDITOR), &Rights::default());
        assert_eq!(text(&Rights::default().missing(&gained)), ["`doc:read`"]);
        assert!(Rights::gained(&of.role(EDITOR), &of.role(EDITOR)).is_empty());
    }

    #[test]
    fn a_right_that_ends_does_not_give_one_that_lasts() {
        let document = document();
        let of = RightsOf::new(&document);
        let now = time("2026-03-01T00:00:00.000Z");
        let group = of.group(STAFF, now);
        assert!(group.missing(&of.role(READER).until(Some(time("2026-06-01T00:00:00.000Z")))).is_empty());
        assert_eq!(text(&group.missing(&of.role(READER))), ["`doc:read`"]);
        assert!(of.group(STAFF, time("2026-06-01T00:00:00.000Z")).is_empty(), "exactly at its end it has ended");
        let longer = Rights::gained(&group, &of.role(READER));
        assert!(!longer.is_empty(), "what lasts longer is a gain");
    }

    #[test]
    fn a_principal_holds_what_its_live_edges_lead_to() {
        let mut document = document();
        let edge = |to: Uuid, end: Option<&str>| Edge {
            to: to.to_string(),
            expires_at: end.map(time),
            source: crate::directory::RowRef::new("user_role", to),
        };
        let principal = |roles, groups| PrincipalRecord {
            r#type: "User".to_owned(),
            id: Uuid::from_u128(9).to_string(),
            state: crate::directory::PrincipalState::Active,
            attributes: serde_json::Map::new(),
            roles,
            groups,
        };
        let now = time("2026-03-01T00:00:00.000Z");
        let anna = principal(vec![edge(READER, None), edge(EDITOR, Some("2026-03-01T00:00:00.000Z"))], vec![]);
        let ben = principal(vec![], vec![edge(STAFF, None)]);
        let of = RightsOf::new(&document);
        assert_eq!(of.principal(&anna, now), of.role(READER));
        assert_eq!(of.principal(&ben, now), of.group(STAFF, now));
        document.role[0].is_active = false;
        let of = RightsOf::new(&document);
        assert!(of.principal(&anna, now).is_empty() && of.principal(&ben, now).is_empty());
        assert!(!of.role(READER).is_empty(), "an inactive role may become active");
    }
}
