//! Tables of comma-separated values (RFC 4180) as a tenant document: users, roles with their permissions, and who has what.
//!
//! - Users: `email`, and where it is known `id`, `username`, `first_name`, `last_name`, `phone`, `is_active`,
//!   `email_verified`. Every other column is an attribute of theirs; an empty field is none.
//! - Roles: `role`, and perhaps `description`, `resource`, `action`, `effect`: a line a permission, or a line for the role alone.
//! - Memberships: `user`, an e-mail address or username, and `role` or `group`, with `expires_at` for a role.

use super::{Draft, Imported};
use crate::Finding;
use crate::model::{Row as _, Timestamp, User, shape};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The tables, each as its text; one that is not given has no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Csv<'a> {
    /// Who there is.
    pub users: Option<&'a str>,
    /// What roles give.
    pub roles: Option<&'a str>,
    /// Who has which role and is in which group.
    pub memberships: Option<&'a str>,
}

/// Makes a tenant document of tables, as of an instant; the tenant's name is its slug.
///
/// # Errors
/// Everything that is wrong, with its table and line. Nothing is passed over.
pub fn csv(tables: Csv<'_>, slug: &str, now: Timestamp) -> Result<Imported, Vec<Finding>> {
    let mut import = Import { draft: Draft::new(slug, slug, true, now), ..Import::default() };
    import.users(&import.table("users", tables.users, &["email"], None));
    let known = ["role", "description", "resource", "action", "effect"];
    import.roles(&import.table("roles", tables.roles, &["role"], Some(&known)));
    let known = ["user", "role", "group", "expires_at"];
    import.memberships(&import.table("memberships", tables.memberships, &["user"], Some(&known)));
    let findings = import.findings.take();
    if findings.is_empty() { import.draft.finish() } else { Err(findings) }
}

/// The columns of a users' table that are no attributes.
const OF_USER: [&str; 8] =
    ["id", "email", "username", "first_name", "last_name", "phone", "is_active", "email_verified"];

/// A line of a table: its number, and its fields that are not empty by their columns.
type Line = (u64, BTreeMap<String, String>);

#[derive(Default)]
struct Import {
    draft: Draft,
    findings: std::cell::RefCell<Vec<Finding>>,
    /// Users by e-mail address and by username.
    users: BTreeMap<String, Uuid>,
    roles: BTreeMap<String, Uuid>,
    groups: BTreeMap<String, Uuid>,
}

impl Import {
    fn wrong(&self, table: &str, line: u64, code: &str, why: impl Into<String>) {
        self.findings.borrow_mut().push(Finding::error(table, code, why).field(format!("line {line}")));
    }

    /// The lines of a table, whose columns must be there, and where `known` says so are these.
    fn table(&self, table: &str, text: Option<&str>, required: &[&str], known: Option<&[&str]>) -> Vec<Line> {
        let Some(text) = text else { return vec![] };
        // Spreadsheets begin with a mark of the byte order.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let columns: Vec<String> = match reader.headers() {
            Ok(columns) => columns.iter().map(str::to_owned).collect(),
            Err(error) => {
                self.wrong(table, 1, "csv.malformed", error.to_string());
                return vec![];
            }
        };
        let mut seen = BTreeSet::new();
        for column in &columns {
            if !seen.insert(column) {
                self.wrong(table, 1, "csv.column", format!("there are two columns `{column}`"));
            } else if known.is_some_and(|known| !known.contains(&column.as_str())) {
                self.wrong(table, 1, "csv.column", format!("the column `{column}` is not known"));
            }
        }
        for column in required.iter().filter(|column| !seen.contains(&(**column).to_owned())) {
            self.wrong(table, 1, "csv.column", format!("the column `{column}` is missing"));
        }
        let mut lines = vec![];
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    let fields = columns.iter().cloned().zip(record.iter().map(str::to_owned));
                    lines.push((line, fields.filter(|(_, field)| !field.is_empty()).collect()));
                }
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    self.wrong(table, line, "csv.malformed", error.to_string());
                }
            }
        }
        lines
    }

    fn users(&mut self, lines: &[Line]) {
        let mut attributes: BTreeSet<&str> = BTreeSet::new();
        for (line, fields) in lines {
            let Some(email) = fields.get("email").map(|email| email.to_lowercase()) else {
                self.wrong("users", *line, "csv.no_email", "the user has no e-mail address");
                continue;
            };
            let id = match fields.get("id").map(|id| Uuid::try_parse(id)) {
                None => self.draft.id("user", &email),
                Some(Ok(id)) => id,
                Some(Err(_)) => {
                    self.wrong("users", *line, "csv.id", "`id` is no UUID");
                    continue;
                }
            };
            let mut row = Map::from_iter([("id".to_owned(), json!(id)), ("email".to_owned(), json!(email))]);
            let mut own = Map::new();
            for (name, value) in fields {
                match name.as_str() {
                    "id" | "email" => {}
                    "is_active" | "email_verified" => match value.to_ascii_lowercase().as_str() {
                        "true" | "yes" | "1" => drop(row.insert(name.clone(), true.into())),
                        "false" | "no" | "0" => drop(row.insert(name.clone(), false.into())),
                        _ => self.wrong("users", *line, "csv.truth", format!("`{name}` is neither true nor false")),
                    },
                    known if OF_USER.contains(&known) => drop(row.insert(name.clone(), json!(value))),
                    _ => {
                        attributes.insert(name);
                        own.insert(name.clone(), json!(value));
                    }
                }
            }
            row.insert("custom_attributes".to_owned(), own.into());
            for name in [Some(&email), fields.get("username")].into_iter().flatten() {
                if self.users.insert(name.clone(), id).is_some() {
                    self.wrong("users", *line, "csv.duplicate", format!("there is another user `{name}`"));
                }
            }
            self.draft.add("user", row.into());
        }
        let is_column = |name: &str| User::COLUMNS.iter().any(|column| column.name == name);
        for name in attributes.iter().filter(|name| !shape::is_identifier(name) || is_column(name)) {
            self.wrong("users", 1, "csv.column", format!("`{name}` cannot be the name of an attribute"));
        }
        if !attributes.is_empty() {
            let declared: Map<String, Json> =
                attributes.iter().map(|name| ((*name).to_owned(), "String".into())).collect();
            let id = self.draft.id("tenant_setting", "auth schema");
            let schema = json!({"user": {"attributes": declared}});
            let row = json!({"id": id, "category": "auth", "setting_key": "schema", "setting_value": schema});
            self.draft.add("tenant_setting", row);
        }
    }

    fn roles(&mut self, lines: &[Line]) {
        let mut permissions: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut roles: BTreeMap<&str, (Option<&str>, Vec<Json>)> = BTreeMap::new();
        for (line, fields) in lines {
            let field = |name: &str| fields.get(name).map(String::as_str);
            let Some(name) = field("role") else {
                self.wrong("roles", *line, "csv.no_role", "the line names no role");
                continue;
            };
            let (description, given) = roles.entry(name).or_default();
            *description = description.or(field("description"));
            match (field("resource"), field("action"), field("effect")) {
                (None, None, None) => {}
                (Some(resource), Some(action), effect) => {
                    permissions.insert((resource, action));
                    given.push(json!({"resource": resource, "action": action, "effect": effect.unwrap_or("allow")}));
                }
                _ => self.wrong("roles", *line, "csv.permission", "a permission has a `resource` and an `action`"),
            }
        }
        for (resource, action) in permissions {
            let name = format!("{resource}.{action}");
            let id = self.draft.id("permission", &name);
            let row = json!({"id": id, "name": name, "resource": resource, "action": action, "category": "user"});
            self.draft.add("permission", row);
        }
        for (name, (description, permissions)) in roles {
            let id = self.draft.id("role", name);
            self.roles.insert(name.to_owned(), id);
            let mut row = json!({"id": id, "name": name, "permissions": permissions});
            if let (Some(row), Some(description)) = (row.as_object_mut(), description) {
                row.insert("description".to_owned(), description.into());
            }
            self.draft.add("role", row);
        }
    }

    fn memberships(&mut self, lines: &[Line]) {
        let mut seen = BTreeSet::new();
        for (line, fields) in lines {
            let field = |name: &str| fields.get(name).map(String::as_str);
            let who = field("user").unwrap_or_default();
            let user = self.users.get(who).or_else(|| self.users.get(&who.to_lowercase()));
            let Some(user) = user.copied() else {
                self.wrong("memberships", *line, "csv.unknown_user", format!("there is no user `{who}`"));
                continue;
            };
            let named = [field("role").map(|name| ("role", name)), field("group").map(|name| ("group", name))];
            if named.iter().all(Option::is_none) {
                self.wrong("memberships", *line, "csv.membership", "the line names neither a role nor a group");
            }
            for (kind, name) in named.into_iter().flatten() {
                if !seen.insert((user, kind, name)) {
                    self.wrong(
                        "memberships",
                        *line,
                        "csv.duplicate",
                        format!("`{who}` has the {kind} `{name}` already"),
                    );
                    continue;
                }
                let key = format!("{user} {name}");
                if kind == "group" {
                    let group = self.group(name);
                    let id = self.draft.id("user_group_membership", &key);
                    self.draft.add("user_group_membership", json!({"id": id, "user_id": user, "user_group_id": group}));
                    continue;
                }
                let Some(role) = self.roles.get(name).copied() else {
                    self.wrong("memberships", *line, "csv.unknown_role", format!("there is no role `{name}`"));
                    continue;
                };
                let mut row = json!({"id": self.draft.id("user_role", &key), "user_id": user, "role_id": role});
                if let (Some(row), Some(end)) = (row.as_object_mut(), field("expires_at")) {
                    row.insert("expires_at".to_owned(), end.into());
                }
                self.draft.add("user_role", row);
            }
        }
    }

    fn group(&mut self, name: &str) -> Uuid {
        if let Some(id) = self.groups.get(name) {
            return *id;
        }
        let id = self.draft.id("user_group", name);
        self.groups.insert(name.to_owned(), id);
        self.draft.add("user_group", json!({"id": id, "name": name}));
        id
    }
}
