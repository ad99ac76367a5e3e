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

/// Everything that the rows grant.
pub(super) struct Grants {
    /// The grants in the order of their keys.
    pub grants: BTreeMap<Key, Grant>,
    /// The conditions by their canonical text, with every resource type that they are used for.
    pub conditions: BTreeMap<Rc<str>, Used>,
}

/// What makes two permissions one grant: one policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// `role`, `service_account` or `access_request`.
    pub table: &'static str,
    /// The row's id.
    pub id: String,
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

/// An owned place.
#[derive(Debug, Clone)]
pub(super) struct WrittenAt {
    /// The table.
    pub table: &'static str,
    /// The row's id.
    pub row: String,
    /// The field that holds the condition.
    pub field: String,
}

impl WrittenAt {
    pub(super) fn place(&self) -> Place<'_> {
        Place { table: self.table, row: &self.row, field: &self.field }
    }
}

/// Collects the grants of a tenant's rows.
pub(super) fn collect(document: &TenantDocument, findings: &mut Vec<Finding>) -> Grants {
    let mut collector = Collector {
        by_id: document.permission.iter().map(|row| (row.id.to_string(), row)).collect(),
        by_name: document.permission.iter().map(|row| (row.name.as_str(), row)).collect(),
        by_action: document.permission.iter().map(|row| ((row.resource.as_str(), row.action.as_str()), row)).collect(),
        grants: Grants { grants: BTreeMap::new(), conditions: BTreeMap::new() },
        canonical: HashMap::new(),
        broken: HashSet::new(),
        findings,
    };
    let mut roles = HashMap::new();
    for role in &document.role {
        let holder = Holder {
            table: "role",
            id: role.id.to_string(),
            origin: Origin::Role { id: role.id.to_string(), name: role.name.clone() },
            active: role.is_active,
            expires_at: None,
        };
        collector.entries(&holder, &role.permissions, "permissions");
        roles.insert(role.id, holder);
    }
    for row in &document.role_permission {
        let id = row.id.to_string();
        let at = WrittenAt { table: "role_permission", row: id.clone(), field: "conditions".to_owned() };
        let Some(holder) = roles.get(&row.role_id) else {
            collector.unknown(&at, "role_id", format!("there is no role `{}`", row.role_id));
            continue;
        };
        let Some(permission) = collector.by_id.get(&row.permission_id.to_string()).copied() else {
            collector.unknown(&at, "permission_id", format!("there is no permission `{}`", row.permission_id));
            continue;
        };
        collector.add(
            holder,
            permission,
            row.effect,
            row.conditions.as_ref(),
            None,
            RowRef::new("role_permission", &id),
            at,
        );
    }
    for account in &document.service_account {
        let holder = Holder {
            table: "service_account",
            id: account.id.to_string(),
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
            id: request.id.to_string(),
            origin: Origin::Request { id: request.id.to_string(), user: request.requester_id.to_string() },
            active: request.status == AccessRequestStatus::Approved,
            expires_at: request.expires_at,
        };
        collector.entries(&holder, &request.requested_permissions, "requested_permissions");
    }
    collector.grants
}

struct Holder {
    table: &'static str,
    id: String,
    origin: Origin,
    active: bool,
    expires_at: Option<Timestamp>,
}

struct Collector<'a> {
    by_id: HashMap<String, &'a Permission>,
    by_name: HashMap<&'a str, &'a Permission>,
    by_action: HashMap<(&'a str, &'a str), &'a Permission>,
    grants: Grants,
    /// Canonical texts by the text as written, since most grants share few conditions.
    canonical: HashMap<String, Rc<str>>,
    broken: HashSet<Rc<str>>,
    findings: &'a mut Vec<Finding>,
}

impl Collector<'_> {
    fn entries(&mut self, holder: &Holder, entries: &[PermissionEntry], field: &str) {
        for (position, entry) in entries.iter().enumerate() {
            let at = format!("{field}/{position}");
            let found = match &entry.target {
                PermissionTarget::Name { permission } => self.by_name.get(permission.as_str()),
                PermissionTarget::Action { resource, action } => {
                    self.by_action.get(&(resource.as_str(), action.as_str()))
                }
            };
            let written = WrittenAt { table: holder.table, row: holder.id.clone(), field: format!("{at}/conditions") };
            let Some(permission) = found.copied() else {
                let (name, field) = match &entry.target {
                    PermissionTarget::Name { permission } => (permission.clone(), format!("{at}/permission")),
                    PermissionTarget::Action { resource, action } => (format!("{resource}:{action}"), at),
                };
                self.unknown(&written, &field, format!("there is no permission `{name}`"));
                continue;
            };
            let source = RowRef { field: Some(at), ..RowRef::new(holder.table, &holder.id) };
            let resource = entry.resource_id.as_ref().map(|id| (permission.resource.clone(), id.clone()));
            self.add(holder, permission, entry.effect, entry.conditions.as_ref(), resource, source, written);
        }
    }

    fn unknown(&mut self, at: &WrittenAt, field: &str, message: String) {
        self.findings.push(Finding::error(at.table, "reference.not_found", message).row(&at.row).field(field));
    }

    #[expect(clippy::too_many_arguments, reason = "a grant is that many things at once; each caller has them apart")]
    fn add(
        &mut self,
        holder: &Holder,
        permission: &Permission,
        effect: Effect,
        condition: Option<&Json>,
        resource: Option<(String, String)>,
        source: RowRef,
        at: WrittenAt,
    ) {
        let written = condition.unwrap_or(&Json::Null);
        let Some(canonical) = self.condition(written, &permission.resource, &at) else { return };
        let key = Key { table: holder.table, id: holder.id.clone(), effect, condition: canonical, resource };
        let grant = self.grants.grants.entry(key).or_insert_with(|| Grant {
            origin: holder.origin.clone(),
            active: holder.active,
            expires_at: holder.expires_at,
            condition: condition.cloned(),
            actions: BTreeMap::new(),
            resource_types: BTreeSet::new(),
            place: at,
        });
        grant.actions.entry(action_name(permission)).or_default().push(source);
        grant.resource_types.insert(permission.resource.clone());
    }

    /// The canonical text of a condition; `None` where it cannot be read, which is a finding.
    fn condition(&mut self, written: &Json, resource: &str, at: &WrittenAt) -> Option<Rc<str>> {
        let text = written.to_string();
        let canonical = match self.canonical.get(&text) {
            Some(canonical) => canonical.clone(),
            None => {
                let canonical: Rc<str> = Condition::canonical(written).into();
                let before = self.findings.len();
                if self.broken.contains(&canonical) || !self.grants.conditions.contains_key(&canonical) {
                    let condition = Condition::parse(written, at.place(), self.findings)?;
                    let used = Used { condition, resource_types: BTreeSet::new() };
                    self.grants.conditions.entry(canonical.clone()).or_insert(used);
                }
                if self.findings.len() == before {
                    self.canonical.insert(text, canonical.clone());
                } else {
                    // Read again at every place, so that each has its findings.
                    self.broken.insert(canonical.clone());
                }
                canonical
            }
        };
        self.grants.conditions.get_mut(&canonical)?.resource_types.insert(resource.to_owned());
        Some(canonical)
    }
}

/// The name of a permission's action.
pub(super) fn action_name(permission: &Permission) -> String {
    format!("{}:{}", permission.resource, permission.action)
}
