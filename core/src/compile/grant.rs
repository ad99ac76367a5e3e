//! Grants: what roles, service accounts and approved requests give, in one canonical set.
//!
//! A tenant has a hundred thousand of them, so rows, actions, conditions and sets of types are numbers or shared here, and
//! become text once somebody asks.

use super::source::{Origin, RowAt, Sourced, Written};
use crate::Finding;
use crate::condition::{Condition, Place};
use crate::model::{
    AccessRequestStatus, AccessRequestType, Effect, Permission, PermissionEntry, PermissionTarget, TenantDocument,
    Timestamp,
};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value as Json;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use uuid::Uuid;

/// Everything that the rows grant.
pub(super) struct Grants {
    /// The grants in the order of their keys.
    pub grants: Vec<(Key, Grant)>,
    /// The conditions by their canonical text, with every resource type that they are used for.
    pub conditions: BTreeMap<Rc<str>, Used>,
    /// The names of the permissions' actions, in their order: rows name actions by position.
    pub actions: Vec<String>,
}

impl Grants {
    /// The names of a grant's actions, in their order.
    pub(super) fn actions<'g>(&'g self, grant: &'g Grant) -> impl Iterator<Item = &'g str> {
        grant.actions().filter_map(|number| self.actions.get(number as usize)).map(String::as_str)
    }
}

/// What makes two permissions one grant: one policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
    pub origin: Arc<Origin>,
    /// False for what an inactive role would give: checked, but no policy.
    pub active: bool,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The condition as it was first written; absent where there is none.
    pub condition: Option<Arc<Written>>,
    /// The rows that say so, each behind the number of the action that it gives, in the order of these.
    pub rows: Vec<(u32, RowAt)>,
    /// The resource types of those actions.
    pub resource_types: Rc<BTreeSet<String>>,
    /// Where the condition was first written.
    first: RowAt,
    /// The same as text: the row's id and the field.
    place: OnceCell<(String, String)>,
}

impl Grant {
    /// Where the condition was first written.
    pub(super) fn place(&self) -> Place<'_> {
        let (row, field) = self.place.get_or_init(|| condition_of(&self.first));
        Place { table: self.first.table, row, field }
    }

    /// The numbers of its actions, each once.
    pub(super) fn actions(&self) -> impl Iterator<Item = u32> {
        let of_one = self.rows.chunk_by(|(one, _), (other, _)| one == other);
        of_one.filter_map(|rows| rows.first()).map(|(action, _)| *action)
    }

    /// Where the policy that it becomes is from.
    pub(super) fn into_source(self, effect: Effect) -> Sourced {
        let Self { origin, expires_at, condition, rows, .. } = self;
        Sourced { effect, origin, condition, rows, expires_at }
    }
}

/// A condition and what it is used for.
pub(super) struct Used {
    /// The condition.
    pub condition: Condition,
    /// The resource types of the actions it stands by.
    pub resource_types: BTreeSet<String>,
}

/// Where a row, or an entry of one, has its condition: the row's id and the field.
fn condition_of(row: &RowAt) -> (String, String) {
    let field = match row.field() {
        Some(entry) => format!("{entry}/conditions"),
        None => "conditions".to_owned(),
    };
    (row.id.to_string(), field)
}

/// Collects the grants of a tenant's rows.
pub(super) fn collect(document: &TenantDocument, findings: &mut Vec<Finding>) -> Grants {
    let mut names: Vec<(String, &str)> =
        document.permission.iter().map(|row| (action_name(row), row.resource.as_str())).collect();
    names.sort_unstable();
    names.dedup_by(|one, other| one.0 == other.0);
    let numbers: HashMap<&str, u32> = names.iter().map(|(name, _)| name.as_str()).zip(0..).collect();
    let number = |row| numbers.get(action_name(row).as_str()).copied().unwrap_or_default();
    let numbered: Vec<Numbered<'_>> =
        document.permission.iter().map(|row| Numbered { permission: row, action: number(row) }).collect();
    let mut collector = Collector {
        by_id: numbered.iter().map(|row| (row.permission.id, *row)).collect(),
        by_name: numbered.iter().map(|row| (row.permission.name.as_str(), *row)).collect(),
        by_action: numbered
            .iter()
            .map(|row| ((row.permission.resource.as_str(), row.permission.action.as_str()), *row))
            .collect(),
        holders: vec![],
        numbers: FxHashMap::default(),
        grants: vec![],
        texts: vec![],
        conditions: BTreeMap::new(),
        canonical: HashMap::new(),
        broken: HashSet::new(),
        text: vec![],
        findings,
    };
    let mut roles: FxHashMap<Uuid, usize> = FxHashMap::default();
    for role in &document.role {
        let holder = collector.holder(Holder {
            table: "role",
            id: role.id,
            origin: Arc::new(Origin::Role { id: role.id.to_string(), name: role.name.clone() }),
            active: role.is_active,
            expires_at: None,
        });
        collector.entries(holder, ("role", role.id), &role.permissions, "permissions");
        roles.insert(role.id, holder);
    }
    for row in &document.role_permission {
        let source = RowAt { table: "role_permission", id: row.id, entry: None };
        let Some(holder) = roles.get(&row.role_id) else {
            collector.unknown(&source, "role_id", format!("there is no role `{}`", row.role_id));
            continue;
        };
        let Some(permission) = collector.by_id.get(&row.permission_id).copied() else {
            collector.unknown(&source, "permission_id", format!("there is no permission `{}`", row.permission_id));
            continue;
        };
        collector.add(*holder, permission, row.effect, row.conditions.as_ref(), None, source);
    }
    for account in &document.service_account {
        let holder = collector.holder(Holder {
            table: "service_account",
            id: account.id,
            origin: Arc::new(Origin::ServiceAccount { id: account.id.to_string(), name: account.name.clone() }),
            active: account.is_active,
            expires_at: None,
        });
        collector.entries(holder, ("service_account", account.id), &account.permissions, "permissions");
    }
    for request in &document.access_request {
        if request.request_type == AccessRequestType::Role {
            continue; // An edge of the directory, not a policy.
        }
        let origin = Origin::Request { id: request.id.to_string(), user: request.requester_id.to_string() };
        let holder = collector.holder(Holder {
            table: "access_request",
            id: request.id,
            origin: Arc::new(origin),
            active: request.status == AccessRequestStatus::Approved,
            expires_at: request.expires_at,
        });
        let entries = &request.requested_permissions;
        collector.entries(holder, ("access_request", request.id), entries, "requested_permissions");
    }
    collector.finish(names)
}

struct Holder {
    table: &'static str,
    id: Uuid,
    origin: Arc<Origin>,
    active: bool,
    expires_at: Option<Timestamp>,
}

/// A permission with the number of its action.
#[derive(Clone, Copy)]
struct Numbered<'d> {
    permission: &'d Permission,
    action: u32,
}

/// A grant by numbers: its holder, its effect, its condition, and the one resource that it is for.
type Numbers = (usize, Effect, u32, Option<(String, String)>);

/// A grant so far.
struct Collected {
    numbers: Numbers,
    condition: Option<Arc<Written>>,
    first: RowAt,
    rows: Vec<(u32, RowAt)>,
}

struct Collector<'d, 'f> {
    by_id: FxHashMap<Uuid, Numbered<'d>>,
    by_name: HashMap<&'d str, Numbered<'d>>,
    by_action: HashMap<(&'d str, &'d str), Numbered<'d>>,
    holders: Vec<Holder>,
    /// The grants' positions.
    numbers: FxHashMap<Numbers, usize>,
    grants: Vec<Collected>,
    /// The conditions' canonical texts, by number.
    texts: Vec<Rc<str>>,
    conditions: BTreeMap<Rc<str>, (Used, u32)>,
    /// Conditions by the text as written, since most grants share few.
    canonical: HashMap<Vec<u8>, (u32, Option<Arc<Written>>)>,
    broken: HashSet<Rc<str>>,
    /// The condition in hand as text: one buffer for all of them.
    text: Vec<u8>,
    findings: &'f mut Vec<Finding>,
}

impl<'d> Collector<'d, '_> {
    fn holder(&mut self, holder: Holder) -> usize {
        self.holders.push(holder);
        self.holders.len() - 1
    }

    fn entries(
        &mut self,
        holder: usize,
        (table, id): (&'static str, Uuid),
        entries: &[PermissionEntry],
        column: &'static str,
    ) {
        for (position, entry) in (0..).zip(entries) {
            let found = match &entry.target {
                PermissionTarget::Name { permission } => self.by_name.get(permission.as_str()),
                PermissionTarget::Action { resource, action } => {
                    self.by_action.get(&(resource.as_str(), action.as_str()))
                }
            };
            let Some(permission) = found.copied() else {
                let at = format!("{column}/{position}");
                let (name, field) = match &entry.target {
                    PermissionTarget::Name { permission } => (permission.clone(), format!("{at}/permission")),
                    PermissionTarget::Action { resource, action } => (format!("{resource}:{action}"), at),
                };
                let holder = RowAt { table, id, entry: None };
                self.unknown(&holder, &field, format!("there is no permission `{name}`"));
                continue;
            };
            let source = RowAt { table, id, entry: Some((column, position)) };
            let resource = entry.resource_id.as_ref().map(|id| (permission.permission.resource.clone(), id.clone()));
            self.add(holder, permission, entry.effect, entry.conditions.as_ref(), resource, source);
        }
    }

    fn unknown(&mut self, at: &RowAt, field: &str, message: String) {
        self.findings.push(Finding::error(at.table, "reference.not_found", message).row(at.id).field(field));
    }

    fn add(
        &mut self,
        holder: usize,
        permission: Numbered<'d>,
        effect: Effect,
        condition: Option<&Json>,
        resource: Option<(String, String)>,
        source: RowAt,
    ) {
        let Some((condition, written)) = self.canonical(condition.unwrap_or(&Json::Null), &source) else { return };
        let numbers = (holder, effect, condition, resource);
        let grant = match self.numbers.get(&numbers) {
            Some(position) => self.grants.get_mut(*position),
            None => {
                self.numbers.insert(numbers.clone(), self.grants.len());
                self.grants.push(Collected { numbers, condition: written, first: source, rows: vec![] });
                self.grants.last_mut()
            }
        };
        if let Some(grant) = grant {
            grant.rows.push((permission.action, source));
        }
    }

    /// The grants, their actions being these, each with its resource type.
    fn finish(self, actions: Vec<(String, &str)>) -> Grants {
        // Of each condition.
        let mut types_of: Vec<BTreeSet<String>> = vec![BTreeSet::new(); self.texts.len()];
        let mut types: HashMap<Vec<&str>, (u32, Rc<BTreeSet<String>>)> = HashMap::new();
        let mut used: FxHashSet<(u32, u32)> = FxHashSet::default();
        let mut grants = Vec::with_capacity(self.grants.len());
        for Collected { numbers: (holder, effect, condition, resource), condition: written, first, mut rows } in
            self.grants
        {
            let (Some(holder), Some(canonical)) = (self.holders.get(holder), self.texts.get(condition as usize)) else {
                continue;
            };
            rows.sort_by_key(|(action, _)| *action);
            // In the order of the actions' names, those of one type lie side by side.
            let mut of: Vec<&str> = vec![];
            for (action, _) in &rows {
                if let Some((_, ty)) = actions.get(*action as usize)
                    && of.last() != Some(ty)
                {
                    of.push(ty);
                }
            }
            let next = types.len() as u32;
            let (number, resource_types) = types
                .entry(of)
                .or_insert_with_key(|of| (next, Rc::new(of.iter().map(|ty| (*ty).to_owned()).collect())));
            if used.insert((condition, *number))
                && let Some(of_condition) = types_of.get_mut(condition as usize)
            {
                of_condition.extend(resource_types.iter().cloned());
            }
            let key = Key { table: holder.table, id: holder.id, effect, condition: canonical.clone(), resource };
            let grant = Grant {
                origin: holder.origin.clone(),
                active: holder.active,
                expires_at: holder.expires_at,
                condition: written,
                rows,
                resource_types: resource_types.clone(),
                first,
                place: OnceCell::new(),
            };
            grants.push((key, grant));
        }
        grants.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let mut conditions = BTreeMap::new();
        for (text, (mut condition, number)) in self.conditions {
            condition.resource_types = types_of.get_mut(number as usize).map(std::mem::take).unwrap_or_default();
            conditions.insert(text, condition);
        }
        Grants { grants, conditions, actions: actions.into_iter().map(|(name, _)| name).collect() }
    }

    /// The number of a condition and the condition as written; `None` where it cannot be read, which is a finding.
    fn canonical(&mut self, written: &Json, source: &RowAt) -> Option<(u32, Option<Arc<Written>>)> {
        self.text.clear();
        // Writing JSON to memory does not fail; if it did, the condition would only be read again.
        let cached = serde_json::to_writer(&mut self.text, written).is_ok();
        if cached && let Some(known) = self.canonical.get(&self.text) {
            return Some(known.clone());
        }
        let canonical: Rc<str> = Condition::canonical(written).into();
        let before = self.findings.len();
        let known = self.conditions.get(&canonical).map(|(_, number)| *number);
        let number = match known.filter(|_| !self.broken.contains(&canonical)) {
            Some(number) => number,
            None => {
                let (row, field) = condition_of(source);
                let place = Place { table: source.table, row: &row, field: &field };
                let condition = Condition::parse(written, place, self.findings)?;
                match known {
                    Some(number) => number,
                    None => {
                        let number = u32::try_from(self.texts.len()).ok()?;
                        self.texts.push(canonical.clone());
                        let used = Used { condition, resource_types: BTreeSet::new() };
                        self.conditions.insert(canonical.clone(), (used, number));
                        number
                    }
                }
            }
        };
        let as_written =
            (!written.is_null()).then(|| Arc::new(Written { json: written.clone(), text: written.to_string() }));
        if self.findings.len() > before {
            // Read again at every place, so that each has its findings.
            self.broken.insert(canonical);
        } else if cached {
            self.canonical.insert(self.text.clone(), (number, as_written.clone()));
        }
        Some((number, as_written))
    }
}

/// The name of a permission's action.
pub(super) fn action_name(permission: &Permission) -> String {
    format!("{}:{}", permission.resource, permission.action)
}
