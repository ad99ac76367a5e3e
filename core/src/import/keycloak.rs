//! A Keycloak realm export as a tenant document.
//!
//! Users keep their ids, since applications know them by their `sub`, and their passwords where the hash is one that is
//! verified here. Realm and client roles become roles (those of clients as `client:role`) without permissions, since Keycloak
//! leaves to applications what a role may do; groups become groups under their whole path. Keycloak's composite roles and
//! groups within groups give what they hold to whoever has them: here they are written out.

use super::{Draft, Imported};
use crate::Finding;
use crate::model::{Row as _, Timestamp, User, is_name, shape};
use crate::password::StoredHash;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Makes a tenant document of a realm export (`kc.sh export`), as of an instant. The slug is the realm's name where none is
/// given.
///
/// # Errors
/// What is no realm export, or cannot be a tenant document.
pub fn keycloak(export: &Json, slug: Option<&str>, now: Timestamp) -> Result<Imported, Vec<Finding>> {
    let malformed = |what: &str| vec![Finding::error("realm", "keycloak.malformed", what)];
    let Json::Object(realm) = export else { return Err(malformed("expected the object of one realm")) };
    let name = text(realm, "realm").ok_or_else(|| malformed("`realm` is missing: this is no realm export"))?;
    let slug = slug.map_or_else(|| name.to_ascii_lowercase(), str::to_owned);
    let title = text(realm, "displayName").filter(|title| is_name(title)).unwrap_or(name);
    let is_active = realm.get("enabled").and_then(Json::as_bool).unwrap_or(true);
    let mut import = Import { draft: Draft::new(&slug, title, is_active, now), ..Import::of(realm) };
    import.roles(realm);
    for (position, group) in list(realm, "groups").enumerate() {
        import.group(group, &format!("/groups/{position}"), "", &BTreeSet::new());
    }
    for (position, user) in list(realm, "users").enumerate() {
        import.user(user, &format!("/users/{position}"));
    }
    import.declare();
    import.leave_others(realm);
    import.draft.finish()
}

/// What is read of an export; all else is listed, where there is something.
const READ: [&str; 7] = ["realm", "displayName", "enabled", "id", "roles", "groups", "users"];

/// Clients of Keycloak's own, whose roles are about administering Keycloak.
const OWN_CLIENTS: [&str; 6] =
    ["account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"];

/// A user's attributes, each with its values.
type Attributes = BTreeMap<String, Vec<String>>;

struct Import {
    draft: Draft,
    /// The roles that each gives, itself among them, by name.
    gives: BTreeMap<String, BTreeSet<String>>,
    /// The ids of the roles that are in the document.
    role_ids: BTreeMap<String, Uuid>,
    groups: BTreeMap<String, Uuid>,
    emails: BTreeSet<String>,
    usernames: BTreeSet<String>,
    /// The attributes that users have, and whether one has several values.
    attributes: BTreeMap<String, bool>,
    /// The attributes of all users, which become columns' values when it is known which have several.
    users: Vec<(Map<String, Json>, Attributes)>,
}

impl Import {
    fn of(realm: &Map<String, Json>) -> Self {
        let mut values: BTreeMap<String, bool> = BTreeMap::new();
        for user in list(realm, "users") {
            for (name, several) in attributes(user) {
                *values.entry(name).or_default() |= several.len() > 1;
            }
        }
        Self {
            draft: Draft::default(),
            gives: BTreeMap::new(),
            role_ids: BTreeMap::new(),
            groups: BTreeMap::new(),
            emails: BTreeSet::new(),
            usernames: BTreeSet::new(),
            attributes: values,
            users: vec![],
        }
    }

    fn roles(&mut self, realm: &Map<String, Json>) {
        let none = Map::new();
        let roles = realm.get("roles").and_then(Json::as_object).unwrap_or(&none);
        let of_realm = list(roles, "realm").enumerate().map(|(at, role)| (format!("/roles/realm/{at}"), "", role));
        let clients = roles.get("client").and_then(Json::as_object).unwrap_or(&none);
        let of_clients = clients.iter().flat_map(|(client, roles)| {
            let roles = roles.as_array().into_iter().flatten().enumerate();
            roles.map(move |(at, role)| (format!("/roles/client/{}/{at}", escaped(client)), client.as_str(), role))
        });
        let mut parts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (at, client, role) in of_realm.chain(of_clients) {
            let Some(name) = role.as_object().and_then(|role| text(role, "name")) else {
                self.draft.leave("roles", at, "keycloak.role", "the role has no name");
                continue;
            };
            let name = qualified(client, name);
            let composites = role.get("composites").and_then(Json::as_object).unwrap_or(&none);
            let of_realm = strings(composites.get("realm")).map(str::to_owned);
            let of_clients = composites.get("client").and_then(Json::as_object).unwrap_or(&none).iter();
            let of_clients =
                of_clients.flat_map(|(client, roles)| strings(Some(roles)).map(|role| qualified(client, role)));
            parts.insert(name.clone(), of_realm.chain(of_clients).collect());
            if is_own(client, &name) {
                self.draft.leave("roles", at, "keycloak.own_role", format!("`{name}` is about Keycloak itself"));
                continue;
            }
            if !is_name(&name) {
                self.draft.leave("roles", at, "keycloak.role", format!("`{name}` is no name of a role"));
                continue;
            }
            if role.get("attributes").and_then(Json::as_object).is_some_and(|attributes| !attributes.is_empty()) {
                let why = format!("roles have no attributes, `{name}` has some");
                self.draft.leave("roles", format!("{at}/attributes"), "keycloak.role_attributes", why);
            }
            let id = self.draft.id("role", &name);
            let description = role.as_object().and_then(|role| text(role, "description"));
            // Keycloak's own texts are keys of its translations.
            let description = description.filter(|text| !text.starts_with("${"));
            self.draft.add("role", some(json!({"id": id, "name": name, "description": description})));
            self.role_ids.insert(name, id);
        }
        for name in parts.keys() {
            let mut given = BTreeSet::from([name.clone()]);
            let mut left = vec![name];
            while let Some(next) = left.pop() {
                left.extend(parts.get(next).into_iter().flatten().filter(|part| given.insert((*part).clone())));
            }
            self.gives.insert(name.clone(), given);
        }
    }

    /// The roles that somebody has by these, of which those that are not in the document are listed.
    fn given(&mut self, roles: impl Iterator<Item = String>, at: &str) -> BTreeSet<String> {
        let mut given = BTreeSet::new();
        for role in roles {
            match self.gives.get(&role) {
                Some(roles) => given.extend(roles.iter().filter(|role| self.role_ids.contains_key(*role)).cloned()),
                // It gives nothing but what is about Keycloak.
                None if is_own("", &role) => {}
                None => self.draft.leave("roles", at, "keycloak.unknown_role", format!("there is no role `{role}`")),
            }
        }
        given
    }

    fn group(&mut self, group: &Json, at: &str, above: &str, inherited: &BTreeSet<String>) {
        let Some((group, name)) = group.as_object().and_then(|group| Some((group, text(group, "name")?))) else {
            return self.draft.leave("groups", at, "keycloak.group", "the group has no name");
        };
        let path = format!("{above}/{name}");
        let mut roles = self.given(roles_of(group), at);
        roles.extend(inherited.iter().cloned());
        if group.get("attributes").and_then(Json::as_object).is_some_and(|attributes| !attributes.is_empty()) {
            let why = format!("groups have no attributes, `{path}` has some");
            self.draft.leave("groups", format!("{at}/attributes"), "keycloak.group_attributes", why);
        }
        let id = self.draft.id("user_group", &path);
        // Not with its slash: a name, where there is nothing above it.
        let shown = path.strip_prefix('/').unwrap_or(&path);
        if is_name(shown) {
            self.draft.add("user_group", json!({"id": id, "name": shown}));
            self.groups.insert(path.clone(), id);
            for role in &roles {
                let key = format!("{path} {role}");
                let row = json!({"id": self.draft.id("user_group_role", &key), "user_group_id": id,
                    "role_id": self.role_ids.get(role)});
                self.draft.add("user_group_role", row);
            }
        } else {
            self.draft.leave("groups", at, "keycloak.group", format!("`{shown}` is no name of a group"));
        }
        for (position, group) in list(group, "subGroups").enumerate() {
            self.group(group, &format!("{at}/subGroups/{position}"), &path, &roles);
        }
    }

    fn user(&mut self, user: &Json, at: &str) {
        let Json::Object(user) = user else {
            return self.draft.leave("users", at, "keycloak.user", "a user is an object");
        };
        let username = text(user, "username").unwrap_or_default();
        if let Some(client) = text(user, "serviceAccountClientId") {
            let why = format!(
                "`{username}` is the service account of the client `{client}`: make one, with permissions of its own"
            );
            return self.draft.leave("users", at, "keycloak.service_account", why);
        }
        let email =
            text(user, "email").or(Some(username)).map(str::to_lowercase).filter(|email| shape::is_email(email));
        let Some(email) = email else {
            return self.draft.leave("users", at, "keycloak.no_email", format!("`{username}` has no e-mail address"));
        };
        if !self.emails.insert(email.clone()) {
            let why = format!("another user has the e-mail address of `{username}`");
            return self.draft.leave("users", at, "keycloak.duplicate_email", why);
        }
        let id =
            text(user, "id").and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_else(|| self.draft.id("user", &email));
        let named = (shape::is_username(username) && self.usernames.insert(username.to_owned())).then_some(username);
        if named.is_none() && !username.eq_ignore_ascii_case(&email) {
            let why = format!("`{username}` cannot be a username; the e-mail address signs in");
            self.draft.leave("users", format!("{at}/username"), "keycloak.username", why);
        }
        let made = user.get("createdTimestamp").and_then(Json::as_i64).map(Timestamp::from_millis);
        let password = self.password(user, at);
        let mut force = false;
        for action in strings(user.get("requiredActions")) {
            match action {
                "UPDATE_PASSWORD" => force = true,
                // Without it an address is not verified anyway.
                "VERIFY_EMAIL" => {}
                other => {
                    let why = format!("`{username}` was to do `{other}`");
                    self.draft.leave("users", format!("{at}/requiredActions"), "keycloak.required_action", why);
                }
            }
        }
        let truth = |name: &str| user.get(name).and_then(Json::as_bool).unwrap_or_default();
        let row = some(json!({
            "id": id, "email": email, "username": named, "first_name": text(user, "firstName"),
            "last_name": text(user, "lastName"), "email_verified": truth("emailVerified"), "is_active": truth("enabled"),
            "password_hash": password, "force_password_change": force, "created_at": made,
        }));
        let Json::Object(row) = row else { return };
        self.users.push((row, attributes(&Json::Object(user.clone()))));
        for role in self.given(roles_of(user), at) {
            let id_of = self.draft.id("user_role", &format!("{id} {role}"));
            self.draft.add("user_role", json!({"id": id_of, "user_id": id, "role_id": self.role_ids.get(&role)}));
        }
        for group in strings(user.get("groups")) {
            let Some(group_id) = self.groups.get(group) else {
                self.draft.leave(
                    "users",
                    format!("{at}/groups"),
                    "keycloak.unknown_group",
                    format!("there is no group `{group}`"),
                );
                continue;
            };
            let row = json!({"id": self.draft.id("user_group_membership", &format!("{id} {group}")), "user_id": id, "user_group_id": group_id});
            self.draft.add("user_group_membership", row);
        }
        for part in ["federatedIdentities", "clientConsents", "disableableCredentialTypes", "notBefore"] {
            let has = |value: &Json| {
                value.as_array().is_some_and(|list| !list.is_empty()) || value.as_i64().is_some_and(|at| at != 0)
            };
            if user.get(part).is_some_and(has) {
                let why = format!("`{part}` of `{username}`");
                self.draft.leave("users", format!("{at}/{part}"), "keycloak.not_carried", why);
            }
        }
    }

    /// The hash of a user's password, as a PHC string.
    fn password(&mut self, user: &Map<String, Json>, at: &str) -> Option<String> {
        let mut found = None;
        for (position, credential) in list(user, "credentials").enumerate() {
            let at = format!("{at}/credentials/{position}");
            let kind = credential.get("type").and_then(Json::as_str).unwrap_or_default();
            if kind != "password" {
                let why = format!("a credential of type `{kind}`: it is set up anew");
                self.draft.leave("users", at, "keycloak.credential", why);
                continue;
            }
            let hash = phc(credential).filter(|hash| StoredHash::parse(hash).is_ok());
            if hash.is_none() {
                let why = "the password's hash is of no kind that is verified here: it is set anew";
                self.draft.leave("users", at, "keycloak.password", why);
            }
            found = found.or(hash);
        }
        found
    }

    /// The schema of users' attributes, and the users with them.
    fn declare(&mut self) {
        let is_column = |name: &str| User::COLUMNS.iter().any(|column| column.name == name);
        let mut declared = Map::new();
        for (name, several) in std::mem::take(&mut self.attributes) {
            if !shape::is_identifier(&name) || is_column(&name) {
                let why = format!("`{name}` cannot be the name of an attribute");
                self.draft.leave("users", format!("/users/*/attributes/{}", escaped(&name)), "keycloak.attribute", why);
                continue;
            }
            declared.insert(name, if several { "Set<String>" } else { "String" }.into());
        }
        for (mut row, attributes) in std::mem::take(&mut self.users) {
            let attributes = attributes.into_iter().filter_map(|(name, mut values)| {
                let ty = declared.get(&name)?;
                let value = if ty == "String" { json!(values.pop()?) } else { json!(values) };
                Some((name, value))
            });
            let attributes: Map<String, Json> = attributes.collect();
            if !attributes.is_empty() {
                row.insert("custom_attributes".to_owned(), attributes.into());
            }
            self.draft.add("user", row.into());
        }
        if !declared.is_empty() {
            let row = json!({"id": self.draft.id("tenant_setting", "auth schema"), "category": "auth", "setting_key": "schema",
                "setting_value": {"user": {"attributes": declared}}});
            self.draft.add("tenant_setting", row);
        }
    }

    fn leave_others(&mut self, realm: &Map<String, Json>) {
        for (name, value) in realm.iter().filter(|(name, _)| !READ.contains(&name.as_str())) {
            let many = match value {
                Json::Array(list) if !list.is_empty() => format!("{} entries of `{name}`", list.len()),
                Json::Object(fields) if !fields.is_empty() => format!("{} entries of `{name}`", fields.len()),
                Json::Array(_) | Json::Object(_) | Json::Null | Json::Bool(false) => continue,
                _ => format!("the realm's setting `{name}`"),
            };
            self.draft.leave("realm", format!("/{}", escaped(name)), "keycloak.not_carried", many);
        }
    }
}

/// A password's hash in the form of PHC; nothing where its kind is not known.
fn phc(credential: &Json) -> Option<String> {
    let part = |name: &str| serde_json::from_str::<Json>(credential.get(name)?.as_str()?).ok();
    let (secret, how) = (part("secretData")?, part("credentialData")?);
    let unpadded = |name: &str| Some(secret.get(name)?.as_str()?.trim_end_matches('=').to_owned());
    let (salt, hash) = (unpadded("salt")?, unpadded("value")?);
    let iterations = how.get("hashIterations")?.as_u64()?;
    match how.get("algorithm")?.as_str()? {
        kind @ ("pbkdf2-sha256" | "pbkdf2-sha512") => Some(format!("${kind}$i={iterations}${salt}${hash}")),
        "argon2" => {
            let more = |name: &str| how.get("additionalParameters")?.get(name)?.get(0)?.as_str();
            let (kind, memory, lanes) = (more("type")?, more("memory")?, more("parallelism")?);
            let version = match more("version")? {
                "1.3" => 19,
                _ => return None,
            };
            Some(format!("$argon2{kind}$v={version}$m={memory},t={iterations},p={lanes}${salt}${hash}"))
        }
        _ => None,
    }
}

/// The roles that a user or a group has by itself.
fn roles_of(holder: &Map<String, Json>) -> impl Iterator<Item = String> {
    let of_realm = strings(holder.get("realmRoles")).map(str::to_owned);
    let clients = holder.get("clientRoles").and_then(Json::as_object).into_iter().flatten();
    let clients = clients.filter(|(client, _)| !OWN_CLIENTS.contains(&client.as_str()));
    of_realm.chain(clients.flat_map(|(client, roles)| strings(Some(roles)).map(|role| qualified(client, role))))
}

fn qualified(client: &str, role: &str) -> String {
    if client.is_empty() { role.to_owned() } else { format!("{client}:{role}") }
}

/// Whether a role is about Keycloak itself.
fn is_own(client: &str, name: &str) -> bool {
    OWN_CLIENTS.contains(&client)
        || matches!(name, "offline_access" | "uma_authorization")
        || name.starts_with("default-roles-")
}

/// A user's attributes; those without a value are none.
fn attributes(user: &Json) -> Attributes {
    let attributes = user.get("attributes").and_then(Json::as_object).into_iter().flatten();
    let attributes =
        attributes.map(|(name, values)| (name.clone(), strings(Some(values)).map(str::to_owned).collect::<Vec<_>>()));
    attributes.filter(|(_, values)| !values.is_empty()).collect()
}

fn text<'a>(object: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn list<'a>(object: &'a Map<String, Json>, name: &str) -> impl Iterator<Item = &'a Json> {
    object.get(name).and_then(Json::as_array).into_iter().flatten()
}

fn strings(list: Option<&Json>) -> impl Iterator<Item = &str> {
    list.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
}

/// A row without what is null.
fn some(mut row: Json) -> Json {
    if let Some(row) = row.as_object_mut() {
        row.retain(|_, value| !value.is_null());
    }
    row
}

fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}
