//! Grants: what roles, service accounts and approved requests give, in one canonical set.

use super::source::Origin;
use crate::Finding;
use crate::condition::{Condition, Place};
use crate::directory::RowRef;
use crate::model::{
    AccessRequestStatus, AccessRequestType, Effect, Permission, PermissionEntry, PermissionTarget, TenantDocument,
    Timestamp,
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use uuid::Uuid;

/// Everything that the rows grant.
pub(super) struct Grants {
    /// The grants in the order of their keys.
    pub grants: Vec<(Key, Grant)>,
    /// The conditions by their canonical text, with every resource type that they are used for.
    pub conditions: BTreeMap<Rc<str>, Used>,
}

/// What makes two permissions one grant: one policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    /// `role`, `service_account` or `access_request`.
    pub table: &'static str,
    /// The row's id.
    pub id: Uuid,
    /// Whether it permits or forbids.
    pub effect: Effect,
    /// The condition's canonical text.
    pub condition: Rc<str>,
    /// The one resource that it is for, by type and id.
    pub resource: Option<(String, String)>,
}

/// One grant.
pub(super) struct Grant {
    /// Who it is for.
    pub origin: Origin,
    /// False for what an inactive role would give: checked, but no policy.
    pub active: bool,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The condition as it was first written.
    pub condition: Option<Json>,
    /// The actions by name, each with the rows that say so.
    pub actions: BTreeMap<String, Vec<RowRef>>,
    /// The resource types of those actions.
    pub resource_types: BTreeSet<String>,
    /// Where the condition was first written.
    pub place: WrittenAt,
}

/// A condition and what it is used for.
pub(super) struct Used {
    /// The condition.
    pub condition: Condition,
    /// The resource types of the actions it stands by.
    pub resource_types: BTreeSet<String>,
}

/// Where a condition was written.
#[derive(Debug, Clone)]
pub(super) struct WrittenAt {
    table: &'static str,
    row: String,
    field: String,
}

impl WrittenAt {
    pub(super) fn place(&self) -> Place<'_> {
        Place { table: self.table, row: &self.row, field: &self.field }
    }
}

/// A row that grants, or an entry of one.
struct Granting {
    table: &'static str,
    row: Uuid,
    /// The field of the entry: `permissions/3`.
    entry: Option<String>,
}

impl Granting {
    /// Where its condition is written.
    fn condition(&self) -> WrittenAt {
        let field = match &self.entry {
            Some(entry) => format!("{entry}/conditions"),
            None => "conditions".to_owned(),
        };
        WrittenAt { table: self.table, row: self.row.to_string(), field }
    }

    fn into_ref(self) -> RowRef {
        RowRef { field: self.entry, ..RowRef::new(self.table, self.row) }
    }
}

/// Collects the grants of a tenant's rows.
pub(super) fn collect(document: &TenantDocument, findings: &mut Vec<Finding>) -> Grants {
    let mut collector = Collector {
        by_id: document.permission.iter().map(|row| (row.id, row)).collect(),
        by_name: document.permission.iter().map(|row| (row.name.as_str(), row)).collect(),
        by_action: document.permission.iter().map(|row| ((row.resource.as_str(), row.action.as_str()), row)).collect(),
        grants: HashMap::new(),
        conditions: BTreeMap::new(),
        canonical: HashMap::new(),
        broken: HashSet::new(),
        text: vec![],
        findings,
    };
    let mut roles = HashMap::new();
    for role in &document.role {
        let holder = Holder {
            table: "role",
            id: role.id,
            origin: Origin::Role { id: role.id.to_string(), name: role.name.clone() },
            active: role.is_active,
            expires_at: None,
        };
        collector.entries(&holder, &role.permissions, "permissions");
        roles.insert(role.id, holder);
    }
    for row in &document.role_permission {
        let source = Granting { table: "role_permission", row: row.id, entry: None };
        let Some(holder) = roles.get(&row.role_id) else {
            collector.unknown(&source, "role_id", format!("there is no role `{}`", row.role_id));
            continue;
        };
        let Some(permission) = collector.by_id.get(&row.permission_id).copied() else {
            collector.unknown(&source, "permission_id", format!("there is no permission `{}`", row.permission_id));
            continue;
        };
        collector.add(holder, permission, row.effect, row.conditions.as_ref(), None, source);
    }
    for account in &document.service_account {
        let holder = Holder {
            table: "service_account",
            id: account.id,
            origin: Origin::ServiceAccount { id: account.id.to_string(), name: account.name.clone() },
            active: account.is_active,
            expires_at: None,
        };
        collector.entries(&holder, &account.permissions, "permissions");
    }
    for request in &document.access_request {
        if request.request_type == AccessRequestType::Role {
            continue; // An edge of the directory, not a policy.
        }
        let holder = Holder {
            table: "access_request",
            id: request.id,
            origin: Origin::Request { id: request.id.to_string(), user: request.requester_id.to_string() },
            active: request.status == AccessRequestStatus::Approved,
            expires_at: request.expires_at,
        };
        collector.entries(&holder, &request.requested_permissions, "requested_permissions");
    }
    collector.finish()
}

struct Holder {
    table: &'static str,
    id: Uuid,
    origin: Origin,
    active: bool,
    expires_at: Option<Timestamp>,
}

/// A grant and its permissions so far. Their actions and types are written into it at the end, for one grant after the
/// other: by rows, which have no order, they would be looked up all over the memory.
type Collected<'a> = (Grant, Vec<(&'a Permission, Granting)>);

struct Collector<'a> {
    by_id: HashMap<Uuid, &'a Permission>,
    by_name: HashMap<&'a str, &'a Permission>,
    by_action: HashMap<(&'a str, &'a str), &'a Permission>,
    grants: HashMap<Key, Collected<'a>>,
    conditions: BTreeMap<Rc<str>, Used>,
    /// Canonical texts by the text as written, since most grants share few conditions.
    canonical: HashMap<Vec<u8>, Rc<str>>,
    broken: HashSet<Rc<str>>,
    /// The condition in hand as text: one buffer for all of them.
    text: Vec<u8>,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Collector<'a> {
    fn entries(&mut self, holder: &Holder, entries: &[PermissionEntry], field: &str) {
        for (position, entry) in entries.iter().enumerate() {
            let at = format!("{field}/{position}");
            let found = match &entry.target {
                PermissionTarget::Name { permission } => self.by_name.get(permission.as_str()),
                PermissionTarget::Action { resource, action } => {
                    self.by_action.get(&(resource.as_str(), action.as_str()))
                }
            };
            let Some(permission) = found.copied() else {
                let (name, field) = match &entry.target {
                    PermissionTarget::Name { permission } => (permission.clone(), format!("{at}/permission")),
                    PermissionTarget::Action { resource, action } => (format!("{resource}:{action}"), at),
                };
                let holder = Granting { table: holder.table, row: holder.id, entry: None };
                self.unknown(&holder, &field, format!("there is no permission `{name}`"));
                continue;
            };
            let source = Granting { table: holder.table, row: holder.id, entry: Some(at) };
            let resource = entry.resource_id.as_ref().map(|id| (permission.resource.clone(), id.clone()));
            self.add(holder, permission, entry.effect, entry.conditions.as_ref(), resource, source);
        }
    }

    fn unknown(&mut self, at: &Granting, field: &str, message: String) {
        self.findings.push(Finding::error(at.table, "reference.not_found", message).row(at.row).field(field));
    }

    fn add(
        &mut self,
        holder: &Holder,
        permission: &'a Permission,
        effect: Effect,
        condition: Option<&Json>,
        resource: Option<(String, String)>,
        source: Granting,
    ) {
        let Some(canonical) = self.canonical(condition.unwrap_or(&Json::Null), &source) else { return };
        let key = Key { table: holder.table, id: holder.id, effect, condition: canonical, resource };
        let (_, permissions) = self.grants.entry(key).or_insert_with(|| {
            let grant = Grant {
                origin: holder.origin.clone(),
                active: holder.active,
                expires_at: holder.expires_at,
                condition: condition.cloned(),
                actions: BTreeMap::new(),
                resource_types: BTreeSet::new(),
                place: source.condition(),
            };
            (grant, vec![])
        });
        permissions.push((permission, source));
    }

    fn finish(mut self) -> Grants {
        let mut grants = Vec::with_capacity(self.grants.len());
        for (key, (mut grant, permissions)) in self.grants {
            for (permission, source) in permissions {
                if !grant.resource_types.contains(&permission.resource) {
                    grant.resource_types.insert(permission.resource.clone());
                }
                grant.actions.entry(action_name(permission)).or_default().push(source.into_ref());
            }
            if let Some(used) = self.conditions.get_mut(&key.condition) {
                used.resource_types.extend(grant.resource_types.iter().cloned());
            }
            grants.push((key, grant));
        }
        grants.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Grants { grants, conditions: self.conditions }
    }

    /// The canonical text of a condition; `None` where it cannot be read, which is a finding.
    fn canonical(&mut self, written: &Json, source: &Granting) -> Option<Rc<str>> {
        self.text.clear();
        // Writing JSON to memory does not fail; if it did, the condition would only be read again.
        let cached = serde_json::to_writer(&mut self.text, written).is_ok();
        if cached && let Some(canonical) = self.canonical.get(&self.text) {
            return Some(canonical.clone());
        }
        let canonical: Rc<str> = Condition::canonical(written).into();
        let before = self.findings.len();
        if self.broken.contains(&canonical) || !self.conditions.contains_key(&canonical) {
            let at = source.condition();
            let condition = Condition::parse(written, at.place(), self.findings)?;
            let used = Used { condition, resource_types: BTreeSet::new() };
            self.conditions.entry(canonical.clone()).or_insert(used);
        }
        if self.findings.len() > before {
            // Read again at every place, so that each has its findings.
            self.broken.insert(canonical.clone());
        } else if cached {
            self.canonical.insert(self.text.clone(), canonical.clone());
        }
        Some(canonical)
    }
}

/// The name of a permission's action.
pub(super) fn action_name(permission: &Permission) -> String {
    format!("{}:{}", permission.resource, permission.action)
}
