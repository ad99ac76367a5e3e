//! A Casbin model and policy as a tenant document.
//!
//! What Casbin calls an object is here a resource of one type, whose id it is; an action is a permission on that type. What
//! stands on the right of a `g` line is a role, everybody else a user. Roles within roles are written out.
//!
//! Only models that mean the same here are carried over: equal object, equal action, equal subject or its role, and either
//! some allow, or some allow and no deny. Any other matcher or effect decides otherwise, and is refused with its place.

use super::{Draft, Imported};
use crate::Finding;
use crate::model::{Timestamp, is_email, shape};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How names of Casbin are called here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Casbin<'a> {
    /// The tenant's slug, which is its name too.
    pub slug: &'a str,
    /// The type of resources that objects become: `object`.
    pub resource_type: &'a str,
    /// The domain of the e-mail addresses of users, which Casbin knows by a name alone.
    pub email_domain: &'a str,
}

/// Makes a tenant document of a model (`*.conf`) and a policy (`*.csv`), as of an instant.
///
/// # Errors
/// What is no model or policy, or would decide otherwise here.
pub fn casbin(model: &str, policy: &str, how: &Casbin<'_>, now: Timestamp) -> Result<Imported, Vec<Finding>> {
    let model = Model::read(model)?;
    let policy = Policy::read(policy, &model)?;
    let mut import = Import { draft: Draft::new(how.slug, how.slug, true, now), how, permissions: BTreeMap::new() };
    import.all(&policy);
    import.draft.finish()
}

/// What of a model makes a difference.
struct Model {
    /// The fields of a `p` line.
    policy: Vec<String>,
    has_roles: bool,
    /// Whether one `deny` counts more than every `allow`.
    denies: bool,
}

impl Model {
    fn read(text: &str) -> Result<Self, Vec<Finding>> {
        let mut sections: BTreeMap<(String, String), (usize, String)> = BTreeMap::new();
        let mut section = String::new();
        let mut findings = vec![];
        // A line that ends in a backslash goes on.
        let mut lines = (1..).zip(text.lines());
        while let Some((number, line)) = lines.next() {
            let mut line = line.split(['#', ';']).next().unwrap_or_default().trim().to_owned();
            while let Some(begin) = line.strip_suffix('\\') {
                line = format!("{} {}", begin.trim_end(), lines.next().map_or("", |(_, next)| next.trim()));
            }
            if line.is_empty() {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.trim().clone_into(&mut section);
            } else if let Some((key, value)) = line.split_once('=') {
                sections.insert((section.clone(), key.trim().to_owned()), (number, value.trim().to_owned()));
            } else {
                findings.push(at(number, "casbin.malformed", format!("`{line}` is no `key = value`")));
            }
        }
        let mut take = |section: &str, key: &str| sections.remove(&(section.to_owned(), key.to_owned()));
        let (request, fields) = (take("request_definition", "r"), take("policy_definition", "p"));
        let (roles, effect, matcher) =
            (take("role_definition", "g"), take("policy_effect", "e"), take("matchers", "m"));
        let missing = |what: &str| Finding::error("model", "casbin.malformed", format!("`{what}` is missing"));
        let fields_of = |text: &str| text.split(',').map(|field| field.trim().to_owned()).collect::<Vec<_>>();
        match request {
            None => findings.push(missing("r")),
            Some((number, request)) if fields_of(&request) != ["sub", "obj", "act"] => {
                findings.push(at(
                    number,
                    "casbin.request",
                    format!("`{request}`: only `sub, obj, act` means the same here"),
                ));
            }
            Some(_) => {}
        }
        let policy = fields.as_ref().map(|(_, fields)| fields_of(fields)).unwrap_or_default();
        match fields {
            None => findings.push(missing("p")),
            Some((number, fields)) if policy != ["sub", "obj", "act"] && policy != ["sub", "obj", "act", "eft"] => {
                findings.push(at(
                    number,
                    "casbin.policy",
                    format!("`{fields}`: expected `sub, obj, act`, perhaps with `eft`"),
                ));
            }
            Some(_) => {}
        }
        let has_roles = roles.is_some();
        if let Some((number, roles)) = roles.filter(|(_, roles)| fields_of(roles) != ["_", "_"]) {
            findings.push(at(
                number,
                "casbin.roles",
                format!("`{roles}`: roles within domains are tenants of their own here"),
            ));
        }
        let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let denies = match &effect {
            None => {
                findings.push(missing("e"));
                false
            }
            Some((number, effect)) => match squeezed(effect).as_str() {
                "some(where(p.eft==allow))" => false,
                "some(where(p.eft==allow))&&!some(where(p.eft==deny))" => true,
                _ => {
                    let why = format!("`{effect}`: here something must allow, and a denial counts more");
                    findings.push(at(*number, "casbin.effect", why));
                    false
                }
            },
        };
        match matcher {
            None => findings.push(missing("m")),
            Some((number, matcher)) => {
                let squeezed = squeezed(&matcher);
                let (subject, written) =
                    if has_roles { ("g(r.sub,p.sub)", "g(r.sub, p.sub)") } else { ("r.sub==p.sub", "r.sub == p.sub") };
                let known = BTreeSet::from([subject, "r.obj==p.obj", "r.act==p.act"]);
                if squeezed.split("&&").collect::<BTreeSet<_>>() != known {
                    let why = format!(
                        "`{matcher}`: only `{written} && r.obj == p.obj && r.act == p.act` means the same here"
                    );
                    findings.push(at(number, "casbin.matcher", why));
                }
            }
        }
        for ((section, key), (number, _)) in sections {
            findings.push(at(number, "casbin.not_carried", format!("`{key}` of `[{section}]` is not known here")));
        }
        if findings.is_empty() { Ok(Self { policy, has_roles, denies }) } else { Err(findings) }
    }
}

/// A `p` line.
struct Grant {
    line: usize,
    subject: String,
    object: String,
    action: String,
    denies: bool,
}

/// The lines of a policy.
#[derive(Default)]
struct Policy {
    grants: Vec<Grant>,
    /// Who has which role.
    roles: Vec<(String, String)>,
    left: Vec<Finding>,
}

impl Policy {
    fn read(text: &str, model: &Model) -> Result<Self, Vec<Finding>> {
        let mut policy = Self::default();
        let mut findings = vec![];
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut fields = line.split(',').map(|field| field.trim().trim_matches('"').to_owned());
            let kind = fields.next().unwrap_or_default();
            let fields: Vec<String> = fields.collect();
            match (kind.as_str(), fields.as_slice()) {
                ("p", [subject, object, action, more @ ..]) if more.len() + 3 <= model.policy.len().max(3) => {
                    let denies = match more.first().map(String::as_str) {
                        None | Some("allow") => false,
                        Some("deny") => true,
                        Some(other) => {
                            // Casbin passes over what is neither.
                            let why = format!("the effect `{other}` is neither `allow` nor `deny`");
                            policy
                                .left
                                .push(Finding::warning("policy", "casbin.effect", why).field(format!("line {number}")));
                            continue;
                        }
                    };
                    if denies && !model.denies {
                        let why = "the model passes over denials";
                        policy
                            .left
                            .push(Finding::warning("policy", "casbin.effect", why).field(format!("line {number}")));
                        continue;
                    }
                    policy.grants.push(Grant {
                        line: number,
                        subject: subject.clone(),
                        object: object.clone(),
                        action: action.clone(),
                        denies,
                    });
                }
                ("g", [who, role]) if model.has_roles => policy.roles.push((who.clone(), role.clone())),
                _ => findings.push(
                    Finding::error("policy", "casbin.malformed", format!("`{line}` is no line of this model"))
                        .field(format!("line {number}")),
                ),
            }
        }
        if findings.is_empty() { Ok(policy) } else { Err(findings) }
    }
}

struct Import<'a> {
    draft: Draft,
    how: &'a Casbin<'a>,
    /// The permission of each action.
    permissions: BTreeMap<String, Uuid>,
}

impl Import<'_> {
    fn all(&mut self, policy: &Policy) {
        self.draft.left.extend(policy.left.iter().cloned());
        let roles: BTreeSet<&str> = policy.roles.iter().map(|(_, role)| role.as_str()).collect();
        let subjects = policy.roles.iter().map(|(who, _)| who.as_str());
        let subjects = subjects.chain(policy.grants.iter().map(|grant| grant.subject.as_str()));
        let users: BTreeSet<&str> = subjects.filter(|subject| !roles.contains(subject)).collect();
        let mut grants: BTreeMap<&str, Vec<&Grant>> = BTreeMap::new();
        for grant in &policy.grants {
            grants.entry(grant.subject.as_str()).or_default().push(grant);
        }
        for role in &roles {
            self.role("role", role, role, grants.remove(role).unwrap_or_default());
        }
        for name in users {
            let Some(user) = self.user(name) else { continue };
            // What somebody may do by themselves is a role that nobody else has.
            if let Some(own) = grants.remove(name) {
                self.role("own role", name, &format!("of {name}"), own);
                self.has(user, "own role", name);
            }
            for role in reached(name, &policy.roles) {
                self.has(user, "role", role);
            }
        }
    }

    fn user(&mut self, name: &str) -> Option<Uuid> {
        let email = if is_email(name) {
            name.to_lowercase()
        } else {
            format!("{}@{}", name.to_lowercase(), self.how.email_domain)
        };
        if !is_email(&email) {
            self.draft.leave("policy", name, "casbin.user", format!("`{name}` makes no e-mail address"));
            return None;
        }
        let id = self.draft.id("user", name);
        let mut row = json!({"id": id, "email": email});
        if shape::is_username(name)
            && let Some(row) = row.as_object_mut()
        {
            row.insert("username".to_owned(), name.into());
        }
        self.draft.add("user", row);
        Some(id)
    }

    fn has(&mut self, user: Uuid, kind: &str, role: &str) {
        let id = self.draft.id("user_role", &format!("{user} {kind} {role}"));
        let row = json!({"id": id, "user_id": user, "role_id": self.draft.id(kind, role)});
        self.draft.add("user_role", row);
    }

    fn role(&mut self, kind: &str, key: &str, name: &str, grants: Vec<&Grant>) {
        let ty = self.how.resource_type;
        let mut permissions = vec![];
        for Grant { line, object, action, denies, .. } in grants {
            if !shape::is_action(action) {
                let why = format!("`{action}` is no name of an action");
                self.draft.leave("policy", format!("line {line}"), "casbin.action", why);
                continue;
            }
            if !self.permissions.contains_key(action) {
                let id = self.draft.id("permission", action);
                self.draft.add("permission", json!({"id": id, "name": format!("{ty}.{action}"), "resource": ty, "action": action, "category": "user"}));
                self.permissions.insert(action.clone(), id);
            }
            let effect = if *denies { "deny" } else { "allow" };
            permissions.push(json!({"permission": format!("{ty}.{action}"), "effect": effect,
                "conditions": {"EntityEquals": {"resource": {"type": ty, "id": object}}}}));
        }
        let id = self.draft.id(kind, key);
        self.draft.add("role", json!({"id": id, "name": name, "permissions": permissions}));
    }
}

/// The roles that somebody has, those within roles among them.
fn reached<'a>(name: &'a str, roles: &'a [(String, String)]) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut left = vec![name];
    while let Some(next) = left.pop() {
        left.extend(
            roles
                .iter()
                .filter(|(who, _)| who == next)
                .map(|(_, role)| role.as_str())
                .filter(|role| found.insert(*role)),
        );
    }
    found
}

fn at(line: usize, code: &str, message: String) -> Finding {
    Finding::error("model", code, message).field(format!("line {line}"))
}
