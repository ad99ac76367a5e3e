//! A generated company: a tenant document of any size, and requests to it. The same arguments give the same company.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

const CREATED: &str = "2025-01-06T08:00:00.000Z";

const FIRST_NAMES: &[&str] = &[
    "Ada", "Amara", "Anton", "Beatriz", "Bilal", "Chen", "Clara", "Dario", "Diana", "Elif", "Emil", "Esther", "Farah",
    "Felix", "Gabriel", "Greta", "Hana", "Hugo", "Imani", "Ivan", "Jonas", "Julia", "Kaito", "Karim", "Lara", "Leon",
    "Mara", "Mateo", "Nadia", "Noah", "Olga", "Omar", "Paula", "Priya", "Rafael", "Rosa", "Samir", "Sofia", "Tomas",
    "Vera",
];
const LAST_NAMES: &[&str] = &[
    "Abara", "Andersen", "Bauer", "Bianchi", "Castillo", "Costa", "Demir", "Dubois", "Eriksen", "Farouk", "Fischer",
    "Garcia", "Haddad", "Hoffmann", "Ito", "Ivanov", "Jansen", "Kaya", "Keller", "Kim", "Kowalski", "Larsen", "Lopez",
    "Martins", "Meyer", "Moreau", "Nakamura", "Nkosi", "Novak", "Okafor", "Olsen", "Patel", "Petrov", "Rossi", "Sato",
    "Silva", "Singh", "Tanaka", "Weber", "Yilmaz",
];
/// Each department with the division above it.
const DEPARTMENTS: &[(&str, &str)] = &[
    ("engineering", "technology"),
    ("data", "technology"),
    ("security", "technology"),
    ("it", "technology"),
    ("sales", "commercial"),
    ("marketing", "commercial"),
    ("support", "commercial"),
    ("finance", "corporate"),
    ("legal", "corporate"),
    ("people", "corporate"),
    ("logistics", "operations"),
    ("production", "operations"),
];
const DIVISIONS: &[&str] = &["technology", "commercial", "corporate", "operations"];
const REGIONS: &[&str] = &["emea", "amer", "apac"];
const TEAMS: &[&str] = &["north", "south", "east", "west"];
const STATUSES: &[&str] = &["draft", "review", "approved", "archived"];
const TAGS: &[&str] = &["public", "internal", "confidential", "legal-hold", "customer", "personal-data"];
const FUNCTIONS: &[&str] =
    &["reader", "editor", "approver", "manager", "auditor", "analyst", "operator", "coordinator", "owner", "reviewer"];
const TYPES: &[&str] = &[
    "document",
    "folder",
    "contract",
    "invoice",
    "payment",
    "budget",
    "customer",
    "lead",
    "campaign",
    "ticket",
    "incident",
    "service",
    "deployment",
    "repository",
    "dataset",
    "report",
    "dashboard",
    "employee",
    "payroll",
    "candidate",
    "shipment",
    "warehouse",
    "order",
    "machine",
    "asset",
];
/// Each action with the category that all of its permissions have.
const ACTIONS: &[(&str, &str)] = &[
    ("read", "user"),
    ("list", "user"),
    ("create", "user"),
    ("edit", "user"),
    ("comment", "user"),
    ("share", "sharing"),
    ("export", "sharing"),
    ("approve", "approval"),
    ("archive", "admin"),
    ("delete", "admin"),
];
const ADDRESSES: &[&str] =
    &["10.20.30.40", "10.99.0.7", "192.0.2.17", "198.51.100.4", "::ffff:10.20.30.40", "2001:db8::9"];

/// SplitMix64: small, well mixed, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 where `end` is 0.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    /// True in `percent` of a hundred cases.
    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> Option<&'a T> {
        list.get(self.below(list.len())).copied()
    }

    fn text(&mut self, list: &[&'static str]) -> &'static str {
        self.pick(list).unwrap_or_default()
    }
}

/// The tables; their numbers stand in the ids, so that an id says what it is of.
#[derive(Clone, Copy)]
enum Table {
    Tenant = 1,
    User,
    Role,
    Permission,
    RolePermission,
    UserRole,
    OrganizationUnit,
    UserGroup,
    UserGroupMembership,
    UserGroupRole,
    ServiceAccount,
    AccessRequest,
    TenantSetting,
    FeatureFlag,
}

/// Makes ids of the shape of version 7: `018a0000-<seed>-7<table>-8000-<number>`.
#[derive(Clone, Copy)]
struct Ids {
    seed: u64,
}

impl Ids {
    fn of(self, table: Table, number: usize) -> String {
        let high = 0x018a_0000_0000_7000 | ((self.seed & 0xffff) << 16) | table as u64;
        let low = 0x8000_0000_0000_0000 | (u64::try_from(number).unwrap_or_default() & 0xffff_ffff_ffff);
        Uuid::from_u64_pair(high, low).to_string()
    }
}

/// A tenant document of a company with so many users, roles and grants (`role_permission` rows).
///
/// A role has a permission once, so there are at most 250 grants a role.
pub fn tenant(seed: u64, users: usize, roles: usize, grants: usize) -> Value {
    let mut random = Random(seed);
    let ids = Ids { seed };
    let mut document = Map::new();
    document.insert(
        "tenant".to_owned(),
        json!({"id": ids.of(Table::Tenant, 0), "name": "Meridian Industries",
            "slug": format!("meridian-{:04x}", seed & 0xffff),
            "status": "active", "created_at": CREATED, "updated_at": CREATED}),
    );
    let mut add = |table: &str, rows: Vec<Value>| document.insert(table.to_owned(), Value::Array(rows));
    let (units, groups) = organization(ids);
    add("organization_unit", units);
    add("user", people(&mut random, ids, users));
    add("service_account", services(&mut random, ids, roles / 20));
    add("permission", permissions(ids));
    add("role", (0..roles).map(|number| role(&mut random, ids, number)).collect());
    add("role_permission", grant_rows(&mut random, ids, roles, grants));
    add("user_role", assignments(&mut random, ids, users, roles));
    add("user_group_membership", memberships(&mut random, ids, users));
    add("user_group_role", group_roles(&mut random, ids, groups.len(), roles));
    add("user_group", groups);
    add("access_request", access_requests(&mut random, ids, users, roles));
    add("feature_flag", flags(ids));
    add("tenant_setting", settings(ids));
    Value::Object(document)
}

/// Bodies of AuthZEN requests to such a tenant: mostly by its people for its actions, some unknown, some malformed.
pub fn requests(seed: u64, tenant: &Value, n: usize) -> Vec<Value> {
    let mut random = Random(seed ^ 0x5eed_0f5e_9e57_5000);
    let users: Vec<&Value> = rows(tenant, "user").iter().collect();
    let services: Vec<&Value> = rows(tenant, "service_account").iter().collect();
    let permissions: Vec<&Value> = rows(tenant, "permission").iter().collect();
    (0..n).map(|_| request(&mut random, &users, &services, &permissions)).collect()
}

fn rows<'a>(tenant: &'a Value, table: &str) -> &'a [Value] {
    tenant.get(table).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn request(random: &mut Random, users: &[&Value], services: &[&Value], permissions: &[&Value]) -> Value {
    let text = |row: Option<&Value>, field: &str| {
        row.and_then(|row| row.get(field)).and_then(Value::as_str).unwrap_or("nobody").to_owned()
    };
    let user = random.pick(users);
    let subject = match random.below(100) {
        0 => json!({"type": "user", "id": "nobody"}),
        1..=3 => json!({"type": "service_account", "id": text(random.pick(services), "id")}),
        4..=13 => json!({"type": "user", "id": text(user, "username")}),
        14..=18 => json!({"type": "User", "id": text(user, "email")}),
        19..=38 => {
            json!({"type": "user", "id": text(user, "id"), "properties": {"device_trust": random.below(5)}})
        }
        _ => json!({"type": "user", "id": text(user, "id")}),
    };
    let permission = random.pick(permissions);
    let action = if random.chance(1) { "teleport".to_owned() } else { text(permission, "action") };
    let kind = if random.chance(1) { "planet".to_owned() } else { text(permission, "resource") };
    let id = format!("{kind}-{}", random.below(10_000));
    let properties = attributes(random, user, users);
    let mut context = Map::new();
    if random.chance(70) {
        context.insert("mfa".to_owned(), random.chance(60).into());
    }
    if random.chance(70) {
        context.insert("ip".to_owned(), random.text(ADDRESSES).into());
    }
    if random.chance(30) {
        context.insert("reason".to_owned(), format!("CASE-{}", random.below(900)).into());
    }
    json!({"subject": subject, "action": {"name": action},
        "resource": {"type": kind, "id": id, "properties": properties}, "context": context})
}

/// Attributes of a resource: each may be absent, one in a hundred has the wrong type.
fn attributes(random: &mut Random, user: Option<&Value>, users: &[&Value]) -> Map<String, Value> {
    let mut attributes = Map::new();
    let mut put = |present: bool, name: &str, value: Value| {
        if present {
            attributes.insert(name.to_owned(), value);
        }
    };
    let own = user.and_then(|user| user.pointer("/custom_attributes/department")).cloned();
    let department = match own {
        Some(own) if random.chance(50) => own,
        _ => DEPARTMENTS.get(random.below(DEPARTMENTS.len())).map_or("", |(name, _)| name).into(),
    };
    put(random.chance(90), "department", department);
    let owner = if random.chance(40) { user } else { random.pick(users) };
    let owner = owner.and_then(|owner| owner.get("id")).cloned().unwrap_or_default();
    put(random.chance(80), "owner", json!({"type": "User", "id": owner}));
    put(random.chance(90), "status", random.text(STATUSES).into());
    put(random.chance(80), "region", random.text(REGIONS).into());
    put(random.chance(80), "sensitivity", random.below(6).into());
    put(random.chance(50), "amount", format!("{}.{:02}", random.below(20_000), random.below(100)).into());
    let tags: BTreeSet<&str> = (0..random.below(4)).map(|_| random.text(TAGS)).collect();
    put(random.chance(70), "tags", json!(tags));
    put(random.chance(50), "valid_until", format!("2026-{:02}-15T12:00:00.000Z", 1 + random.below(12)).into());
    put(random.chance(20), "colour", "red".into());
    put(random.chance(1), "sensitivity", "high".into());
    attributes
}

/// The company, its divisions, departments and teams; and a group for every department and team.
fn organization(ids: Ids) -> (Vec<Value>, Vec<Value>) {
    struct Units {
        ids: Ids,
        rows: Vec<Value>,
    }
    impl Units {
        /// Adds a unit below another one and gives its number and path.
        fn add(&mut self, parent: Option<(usize, &str)>, name: &str, level: usize) -> (usize, String) {
            let number = self.rows.len();
            let id = self.ids.of(Table::OrganizationUnit, number);
            let path = format!("{}{id}/", parent.map_or("/", |(_, path)| path));
            let parent = parent.map(|(number, _)| self.ids.of(Table::OrganizationUnit, number));
            self.rows.push(json!({"id": id, "parent_id": parent, "name": name, "path": path, "level": level}));
            (number, path)
        }
    }
    let mut units = Units { ids, rows: vec![] };
    let mut groups = vec![];
    let (root, root_path) = units.add(None, "Meridian Industries", 0);
    for division in DIVISIONS {
        let (division_unit, division_path) = units.add(Some((root, &root_path)), division, 1);
        for (department, _) in DEPARTMENTS.iter().filter(|(_, of)| of == division) {
            let (department_unit, department_path) = units.add(Some((division_unit, &division_path)), department, 2);
            let rule = json!({"StringEquals": {"principal.department": department}});
            groups.push(json!({"id": ids.of(Table::UserGroup, groups.len()), "name": department, "type": "automatic",
                "organization_unit_id": ids.of(Table::OrganizationUnit, department_unit),
                "auto_assignment_rules": rule}));
            for team in TEAMS {
                let name = format!("{department} {team}");
                let (team_unit, _) = units.add(Some((department_unit, &department_path)), &name, 3);
                groups.push(json!({"id": ids.of(Table::UserGroup, groups.len()), "name": name, "type": "manual",
                    "organization_unit_id": ids.of(Table::OrganizationUnit, team_unit)}));
            }
        }
    }
    (units.rows, groups)
}

/// The departments in the order in which `organization` makes their groups.
fn departments() -> Vec<&'static str> {
    let of = |division: &'static str| DEPARTMENTS.iter().filter(move |(_, of)| *of == division).map(|(name, _)| *name);
    DIVISIONS.iter().flat_map(|division| of(division)).collect()
}

/// In which department (by its number) a user works.
fn department_of(user: usize) -> usize {
    // Larger than the number of departments and prime to it, so that neighbours by number are no colleagues.
    (user * 7) % DEPARTMENTS.len()
}

fn people(random: &mut Random, ids: Ids, users: usize) -> Vec<Value> {
    let departments = departments();
    let mut taken = BTreeSet::new();
    let mut rows = vec![];
    for number in 0..users {
        let (first, last) = (random.text(FIRST_NAMES), random.text(LAST_NAMES));
        let mut username = format!("{first}.{last}").to_lowercase();
        if taken.contains(&username) {
            username = format!("{username}.{number}");
        }
        taken.insert(username.clone());
        let department = departments.get(department_of(number)).copied().unwrap_or_default();
        let mut custom =
            json!({"department": department, "region": random.text(REGIONS), "clearance": random.below(6)});
        // Everybody but the first has a manager among those before.
        if let (Some(custom), true) = (custom.as_object_mut(), number > 0) {
            let manager = ids.of(Table::User, random.below(number));
            custom.insert("manager".to_owned(), json!({"type": "User", "id": manager}));
        }
        let state = match random.below(100) {
            0 => "suspended",
            1 => "invited",
            2 => "locked",
            _ => "active",
        };
        rows.push(json!({"id": ids.of(Table::User, number), "email": format!("{username}@meridian.example"),
            "username": username, "first_name": first, "last_name": last, "custom_attributes": custom,
            "email_verified": random.chance(95), "is_active": !random.chance(1), "state": state}));
    }
    rows
}

fn services(random: &mut Random, ids: Ids, services: usize) -> Vec<Value> {
    let name = |number| format!("{}-sync-{number}", TYPES.get(number % TYPES.len()).copied().unwrap_or_default());
    let mut row = |number: usize| {
        let kind = random.text(TYPES);
        json!({"id": ids.of(Table::ServiceAccount, number), "name": name(number),
            "description": format!("Synchronizes {kind} data"),
            "permissions": [{"permission": format!("{kind}.read")}, {"resource": kind, "action": "list"},
                {"permission": format!("{kind}.edit"),
                    "conditions": {"StringEquals": {"resource.status": ["draft", "review"]}}},
                {"permission": format!("{kind}.read"), "effect": "deny",
                    "conditions": {"ForAnyValue:StringEquals": {"resource.tags": ["personal-data"]}}}]})
    };
    (0..services).map(&mut row).collect()
}

/// One permission for every type and action; its number is `type × actions + action`.
fn permissions(ids: Ids) -> Vec<Value> {
    let pairs = TYPES.iter().flat_map(|kind| ACTIONS.iter().map(move |(action, category)| (kind, action, category)));
    pairs
        .enumerate()
        .map(|(number, (kind, action, category))| {
            json!({"id": ids.of(Table::Permission, number), "name": format!("{kind}.{action}"), "resource": kind,
                "action": action, "category": category, "description": format!("{action} a {kind}")})
        })
        .collect()
}

fn role(random: &mut Random, ids: Ids, number: usize) -> Value {
    let departments = departments();
    let department = departments.get(number % departments.len().max(1)).copied().unwrap_or_default();
    let function = FUNCTIONS.get((number / departments.len().max(1)) % FUNCTIONS.len()).copied().unwrap_or_default();
    // As many roles as departments and functions have plain names; the others are numbered.
    let round = number / (departments.len() * FUNCTIONS.len()).max(1);
    let name =
        if round == 0 { format!("{department} {function}") } else { format!("{department} {function} {}", round + 1) };
    json!({"id": ids.of(Table::Role, number), "name": name, "type": "custom", "is_active": !random.chance(3),
        "description": format!("What a {function} of {department} may do")})
}

fn grant_rows(random: &mut Random, ids: Ids, roles: usize, grants: usize) -> Vec<Value> {
    let permissions = TYPES.len() * ACTIONS.len();
    let mut rows = vec![];
    for role in 0..roles {
        // The first roles take what cannot be shared out evenly.
        let share = (grants / roles + usize::from(role < grants % roles)).min(permissions);
        let start = random.below(permissions);
        for step in 0..share {
            // 37 is prime to 250: no permission comes twice.
            let permission = (start + step * 37) % permissions;
            let deny = random.chance(4);
            let mut row = json!({"id": ids.of(Table::RolePermission, rows.len()), "role_id": ids.of(Table::Role, role),
                "permission_id": ids.of(Table::Permission, permission)});
            let condition = if deny { denied(random) } else { condition(random) };
            if let Some(row) = row.as_object_mut() {
                if !condition.is_null() {
                    row.insert("conditions".to_owned(), condition);
                }
                if deny {
                    row.insert("effect".to_owned(), "deny".into());
                }
            }
            rows.push(row);
        }
    }
    rows
}

/// What a grant asks for; null is nothing.
fn condition(random: &mut Random) -> Value {
    match random.below(20) {
        0..=5 => Value::Null,
        6 | 7 => json!({"StringEquals": {"resource.department": "${principal.department}"}}),
        8 => json!({"EntityEquals": {"resource.owner": "${principal}"}}),
        9 => json!({"EntityEquals": {"resource.owner": ["${principal}", "${principal.manager}"]}}),
        10 => json!({"NumericLessThanEquals": {"resource.sensitivity": "${principal.clearance}"}}),
        11 => json!({"StringEquals": {"resource.status": [random.text(STATUSES), "approved"]}}),
        12 => {
            json!({"Bool": {"context.mfa": true}, "NumericLessThan": {"resource.sensitivity": 4}})
        }
        13 => json!({"IpAddress": {"context.ip": ["10.0.0.0/8", "2001:db8::/32"]}}),
        14 => json!({"TimeOfDay": {"context.now": ["07:00", "19:00", "+01:00"]}}),
        15 => json!({"Weekday": {"context.now": [[1, 2, 3, 4, 5], "+01:00"]}}),
        16 => json!({"all": [{"StringEquals": {"resource.region": "${principal.region}"}},
            {"not": {"ForAnyValue:StringEquals": {"resource.tags": ["confidential"]}}}]}),
        17 => json!({"any": [{"EntityEquals": {"resource.owner": "${principal}"}},
            {"NumericGreaterThanEquals": {"principal.clearance": 4}}]}),
        18 => json!({"NumericLessThan": {"resource.amount": 500 * (1 + random.below(8))}}),
        _ => json!({"DateGreaterThan": {"resource.valid_until": "${context.now}"},
            "StringLikeIfExists": {"context.reason": "CASE-*"}}),
    }
}

/// What a deny asks for.
fn denied(random: &mut Random) -> Value {
    match random.below(4) {
        0 => json!({"ForAnyValue:StringEquals": {"resource.tags": ["legal-hold"]}}),
        1 => json!({"StringEquals": {"resource.status": "archived"}}),
        2 => json!({"NumericGreaterThan": {"resource.sensitivity": 4}}),
        _ => {
            json!({"NotIpAddress": {"context.ip": ["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"]}})
        }
    }
}

/// One or two roles for each user, one in ten of them for some months only.
fn assignments(random: &mut Random, ids: Ids, users: usize, roles: usize) -> Vec<Value> {
    let mut rows = vec![];
    for user in 0..users {
        let chosen: BTreeSet<usize> = (0..(1 + random.below(2)).min(roles)).map(|_| random.below(roles)).collect();
        for role in chosen {
            let mut row = json!({"id": ids.of(Table::UserRole, rows.len()), "user_id": ids.of(Table::User, user),
                "role_id": ids.of(Table::Role, role), "is_active": !random.chance(2)});
            expire(random, &mut row);
            rows.push(row);
        }
    }
    rows
}

/// Every user is in the group of the department and in one of its teams.
fn memberships(random: &mut Random, ids: Ids, users: usize) -> Vec<Value> {
    let mut rows = vec![];
    for user in 0..users {
        // A department's group stands before those of its teams.
        let department = department_of(user) * (1 + TEAMS.len());
        let team = department + 1 + random.below(TEAMS.len());
        for (group, kind) in [(department, "automatic"), (team, "manual")] {
            let mut row = json!({"id": ids.of(Table::UserGroupMembership, rows.len()),
                "user_id": ids.of(Table::User, user), "user_group_id": ids.of(Table::UserGroup, group),
                "assignment_type": kind});
            if kind == "manual" {
                expire(random, &mut row);
            }
            rows.push(row);
        }
    }
    rows
}

/// Two roles for each group.
fn group_roles(random: &mut Random, ids: Ids, groups: usize, roles: usize) -> Vec<Value> {
    let mut rows = vec![];
    for group in 0..groups {
        let chosen: BTreeSet<usize> = (0..roles.min(2)).map(|_| random.below(roles)).collect();
        for role in chosen {
            rows.push(json!({"id": ids.of(Table::UserGroupRole, rows.len()),
                "user_group_id": ids.of(Table::UserGroup, group),
                "role_id": ids.of(Table::Role, role)}));
        }
    }
    rows
}

/// One in ten rows ends, on the second of a month of 2026.
fn expire(random: &mut Random, row: &mut Value) {
    if let (true, Some(row)) = (random.chance(10), row.as_object_mut()) {
        let end = format!("2026-{:02}-02T10:00:00.000Z", 1 + random.below(12));
        row.insert("expires_at".to_owned(), end.into());
    }
}

/// A request of one user in twenty, approved by the first user.
fn access_requests(random: &mut Random, ids: Ids, users: usize, roles: usize) -> Vec<Value> {
    let mut rows = vec![];
    for user in (1..users).step_by(20) {
        let status = random.text(&["approved", "approved", "pending", "rejected"]);
        let permission = format!("{}.{}", random.text(TYPES), random.text(&["read", "edit", "export"]));
        let mut row = json!({"id": ids.of(Table::AccessRequest, rows.len()), "requester_id": ids.of(Table::User, user),
            "justification": "Covers for a colleague", "status": status});
        let kind = random.text(if roles > 0 { &["role", "permission"] } else { &["permission"] });
        let what = match kind {
            "role" => ("role_id", ids.of(Table::Role, random.below(roles)).into()),
            _ => ("requested_permissions", json!([{"permission": permission}])),
        };
        if let Some(row) = row.as_object_mut() {
            row.insert("request_type".to_owned(), kind.into());
            row.insert(what.0.to_owned(), what.1);
            if status == "approved" {
                row.insert("approved_by".to_owned(), ids.of(Table::User, 0).into());
            }
        }
        expire(random, &mut row);
        rows.push(row);
    }
    rows
}

fn flags(ids: Ids) -> Vec<Value> {
    let flag = |number, name: &str, on: bool| {
        let id = ids.of(Table::FeatureFlag, number);
        json!({"id": id, "flag_name": name, "is_enabled": on, "configuration": {}})
    };
    vec![flag(0, "bulk_export", true), flag(1, "new_editor", true), flag(2, "ai_summaries", false)]
}

/// The schema, the same attributes for every type; and two policies of the company's own.
fn settings(ids: Ids) -> Vec<Value> {
    let attributes = json!({"owner": "User", "department": "String", "status": "String", "region": "String",
        "sensitivity": "Long", "amount": "decimal", "tags": "Set<String>", "valid_until": "datetime"});
    let types: Map<String, Value> =
        TYPES.iter().map(|kind| ((*kind).to_owned(), json!({"attributes": attributes}))).collect();
    let user = json!({
        "attributes": {"department": "String", "region": "String", "clearance": "Long", "manager": "User"},
        "caller_attributes": {"device_trust": "Long"}});
    let schema = json!({"user": user, "types": types, "context": {"attributes": {"reason": "String"}}});
    let setting = |number, key: &str, value: Value| {
        let id = ids.of(Table::TenantSetting, number);
        json!({"id": id, "setting_key": key, "setting_value": value, "category": "auth"})
    };
    let payroll = "forbid (principal, action, resource is payroll)\nunless { context has mfa && context.mfa };";
    let export = "forbid (principal, action == Action::\"dataset:export\", resource)\n\
        unless { context has flags && context.flags.contains(\"bulk_export\") };";
    vec![
        setting(0, "schema", schema),
        setting(1, "policy.payroll_needs_mfa", payroll.into()),
        setting(2, "policy.export_by_flag", export.into()),
    ]
}
