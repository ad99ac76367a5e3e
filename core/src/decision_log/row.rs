//! From a decision to its row, and back from the row to what was asked.

use super::Logging;
use super::setting::action_attributes;
use crate::directory::{EntityRef, PrincipalRecord};
use crate::engine::{Decision, Outcome, Request, Unknown};
use crate::model::{self, DecisionCaller, DecisionLog, Timestamp};
use crate::schema::{Schema, USER};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

/// The attributes of a row have no more bytes together, and one of them no more.
const LONGEST: usize = 8 * 1024;
const LONGEST_ATTRIBUTE: usize = 2 * 1024;

/// A name or an id has no more bytes.
const LONGEST_TEXT: usize = 512;

/// So many names of what was left out, none of them longer, and so many ids of policies.
const MOST_NAMES: usize = 32;
const LONGEST_NAME: usize = 128;
const MOST_POLICIES: usize = 100;

/// What stands for names that are too many or too long.
const REST: &str = "…";

/// A decision, with all that the log says of it.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'a> {
    /// Its id, UUIDv7.
    pub id: Uuid,
    /// The tenant.
    pub tenant: Uuid,
    /// The HTTP request's id.
    pub request_id: &'a str,
    /// Who asked.
    pub caller: DecisionCaller,
    /// What was asked.
    pub request: &'a Request,
    /// The principal, where it is known.
    pub principal: Option<&'a PrincipalRecord>,
    /// What was decided.
    pub decision: &'a Decision,
    /// The version of the policies.
    pub policy_version: u64,
    /// The version of the directory.
    pub directory_version: u64,
    /// How old the knowledge of the two was, in milliseconds.
    pub age: i64,
    /// The instant for which it was decided.
    pub now: Timestamp,
}

impl Logging {
    /// The row of a decision. Of what was said it has what is declared, not masked and not too long; the names of the rest
    /// are in `left_out`.
    pub fn row(&self, decided: &Decided<'_>, schema: &Schema) -> DecisionLog {
        let Decided { request, decision, .. } = *decided;
        let mut said = Said { logging: self, room: LONGEST, parts: Map::new(), left_out: Vec::new() };
        let is_user = request.principal.r#type == USER;
        let callers = |name: &str| is_user && schema.caller.contains(name);
        said.part("principal", &request.principal_attributes, &callers);
        let of_action = action_attributes(schema);
        said.part("action", &request.action_attributes, &|name| of_action.is_some_and(|its| its.contains_key(name)));
        if let Some(attributes) = &request.resource_attributes {
            // That it was said counts, even where nothing is left of it: the registry was not asked.
            said.parts.insert("resource".to_owned(), Json::Object(Map::new()));
            let ty = schema.types.get(&request.resource.r#type);
            let declared = |name: &str| ty.is_some_and(|ty| ty.attributes.contains_key(name));
            said.part("resource", attributes, &declared);
        }
        let is_ours = |name: &str| name == "action" || Schema::DECISION_POINT_ONLY.contains(&name);
        let context = |name: &str| schema.context.contains_key(name);
        said.part_but("context", &request.context, &context, &is_ours);
        said.scopes(request.scopes.as_deref());
        let principal_id = match decided.principal {
            Some(record) => said.text("principal", &record.id),
            // Whoever is not known may have typed an address: it says who somebody is.
            None => match request.principal.id.rsplit_once('@') {
                Some((_, domain)) => {
                    said.leave_out("principal");
                    cut(&format!("*@{domain}"))
                }
                None => said.text("principal", &request.principal.id),
            },
        };
        let principal_type = said.text("principal", &request.principal.r#type);
        let action = said.text("action", &request.action);
        let resource_type = said.text("resource", &request.resource.r#type);
        let resource_id = said.text("resource", &request.resource.id);
        DecisionLog {
            id: decided.id,
            tenant_id: decided.tenant,
            request_id: Some(decided.request_id.to_owned()),
            caller: decided.caller,
            principal_type,
            principal_id,
            action,
            resource_type,
            resource_id,
            request: said.parts,
            left_out: said.left_out,
            outcome: decision.outcome.into(),
            reason: decision.reason.map(|reason| reason.name().to_owned()),
            policies: decision.policies.iter().take(MOST_POLICIES).cloned().collect(),
            errors: decision.errors.iter().take(MOST_POLICIES).map(|error| error.policy.clone()).collect(),
            policy_version: i64::try_from(decided.policy_version).unwrap_or(i64::MAX),
            directory_version: i64::try_from(decided.directory_version).unwrap_or(i64::MAX),
            age: decided.age,
            candidate: None,
            shadow_outcome: None,
            shadow_policies: Vec::new(),
            created_at: decided.now,
        }
    }
}

/// What was asked then, as far as the row says it.
pub fn request(row: &DecisionLog) -> Request {
    let part = |name: &str| row.request.get(name).and_then(Json::as_object).cloned();
    let scopes = row.request.get("scopes").and_then(Json::as_array);
    Request {
        principal: EntityRef::new(&row.principal_type, &row.principal_id),
        principal_attributes: part("principal").unwrap_or_default(),
        action: row.action.clone(),
        action_attributes: part("action").unwrap_or_default(),
        resource: EntityRef::new(&row.resource_type, &row.resource_id),
        resource_attributes: part("resource"),
        context: part("context").unwrap_or_default(),
        scopes: scopes.map(|scopes| scopes.iter().filter_map(Json::as_str).map(str::to_owned).collect()),
    }
}

/// What the row does not say of it: attributes, which need not matter. Nothing where it is not even known who asked for
/// what, or what was left out.
pub fn unknown(row: &DecisionLog) -> Option<Unknown> {
    let mut unknown = Unknown::default();
    for name in &row.left_out {
        match name.split_once('.')? {
            ("principal", name) => unknown.principal.insert(name.to_owned()),
            ("action", name) => unknown.action.insert(name.to_owned()),
            ("resource", name) => unknown.resource.insert(name.to_owned()),
            ("context", name) => unknown.context.insert(name.to_owned()),
            _ => return None,
        };
    }
    Some(unknown)
}

/// Whether all that a request says has no more than `room` bytes: whoever keeps a request beyond its answer asks first.
pub fn is_short(request: &Request, room: usize) -> bool {
    let Request { principal, action, resource, .. } = request;
    let texts = [&principal.r#type, &principal.id, action, &resource.r#type, &resource.id];
    let texts = texts.into_iter().chain(request.scopes.iter().flatten());
    let parts = [&request.principal_attributes, &request.action_attributes, &request.context];
    let mut attributes = parts.into_iter().chain(&request.resource_attributes).flatten();
    let left = texts.map(String::as_str).try_fold(room, |room, text| text_size(text, room));
    let left =
        left.and_then(|room| attributes.try_fold(room, |room, (name, value)| size(value, text_size(name, room)?)));
    left.is_some()
}

impl From<Outcome> for model::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Allow => Self::Allow,
            Outcome::Forbidden => Self::Forbidden,
            Outcome::NoPermit => Self::NoPermit,
            Outcome::Error => Self::Error,
        }
    }
}

/// What is taken over into a row.
struct Said<'a> {
    logging: &'a Logging,
    /// So many bytes are left for attributes.
    room: usize,
    parts: Map<String, Json>,
    left_out: Vec<String>,
}

impl Said<'_> {
    fn part(&mut self, part: &str, attributes: &Map<String, Json>, declared: &dyn Fn(&str) -> bool) {
        self.part_but(part, attributes, declared, &|_| false);
    }

    /// A part without what nobody reads in it. What is not declared is read by no policy of now, and may be by one of
    /// tomorrow: its name says that it was there.
    fn part_but(
        &mut self,
        part: &str,
        attributes: &Map<String, Json>,
        declared: &dyn Fn(&str) -> bool,
        passed_over: &dyn Fn(&str) -> bool,
    ) {
        let mut kept = Map::new();
        // A null says nothing.
        for (name, value) in attributes.iter().filter(|(name, value)| !value.is_null() && !passed_over(name)) {
            let limit = self.room.min(LONGEST_ATTRIBUTE);
            let left = size(value, limit).and_then(|left| left.checked_sub(name.len()));
            match left.filter(|_| declared(name) && !self.logging.masks(part, name)) {
                Some(left) => {
                    self.room -= limit - left;
                    kept.insert(name.clone(), value.clone());
                }
                None => self.leave_out(&format!("{part}.{name}")),
            }
        }
        if !kept.is_empty() {
            self.parts.insert(part.to_owned(), Json::Object(kept));
        }
    }

    fn scopes(&mut self, scopes: Option<&[String]>) {
        let Some(scopes) = scopes else { return };
        let left = scopes.iter().try_fold(self.room, |room, scope| text_size(scope, room));
        match left {
            Some(left) => {
                self.room = left;
                self.parts.insert("scopes".to_owned(), scopes.iter().cloned().map(Json::String).collect());
            }
            None => self.leave_out("context.scopes"),
        }
    }

    /// A text, with its end cut off where it is too long.
    fn text(&mut self, name: &str, text: &str) -> String {
        if text.len() > LONGEST_TEXT {
            self.leave_out(name);
        }
        cut(text)
    }

    /// Of too many, the last stands for the rest, and nobody knows what they were.
    fn leave_out(&mut self, name: &str) {
        let is_full = self.left_out.len() + 1 >= MOST_NAMES || name.len() > LONGEST_NAME;
        match (is_full, self.left_out.iter().any(|its| its == REST)) {
            (true, true) => {}
            (true, false) => self.left_out.push(REST.to_owned()),
            (false, _) => self.left_out.push(name.to_owned()),
        }
    }
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let end = (0..=LONGEST_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// What is left of `room` once a value was written as JSON; nothing where it does not fit.
fn size(value: &Json, room: usize) -> Option<usize> {
    match value {
        Json::String(text) => text_size(text, room),
        Json::Array(items) => {
            items.iter().try_fold(room.checked_sub(2)?, |room, item| size(item, room.checked_sub(1)?))
        }
        Json::Object(members) => members
            .iter()
            .try_fold(room.checked_sub(2)?, |room, (name, value)| size(value, text_size(name, room.checked_sub(2)?)?)),
        // A number, a truth value or null.
        _ => room.checked_sub(24),
    }
}

fn text_size(text: &str, room: usize) -> Option<usize> {
    let escaped = |byte: u8| if byte < 0x20 { 6 } else { 1 + usize::from(matches!(byte, b'"' | b'\\')) };
    // No more is looked at than fits.
    if text.len() > room { None } else { room.checked_sub(text.bytes().map(escaped).sum::<usize>().checked_add(3)?) }
}
