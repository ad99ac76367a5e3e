//! A group's row as a SCIM resource, and back; and what a request does to its members. Groups hold users alone.

use super::error::{ErrorType, ScimError};
use super::filter::{Filter, Operator};
use super::matching::matches_value;
use super::patch::{Op, Operation};
use super::schema::{Attribute, ResourceType, Target, read};
use crate::model::UserGroup;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What a client may change of a group, beside its members.
pub fn document(group: &UserGroup) -> Map<String, Value> {
    let mut document = Map::from_iter([("displayName".to_owned(), json!(group.name))]);
    document.extend(group.external_id.as_ref().map(|id| ("externalId".to_owned(), json!(id))));
    document
}

/// Reads a resource into the columns of a group.
pub fn written(mut document: Map<String, Value>) -> Result<Map<String, Value>, ScimError> {
    let Some(name) = document.remove("displayName") else {
        return Err(ScimError::value("displayName", "it is required"));
    };
    let external_id = document.remove("externalId").unwrap_or_default();
    Ok(Map::from_iter([("name".to_owned(), name), ("external_id".to_owned(), external_id)]))
}

/// Somebody who is named as a member, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user's id.
    pub id: Uuid,
    /// The place in the request.
    pub place: String,
}

/// What happens to the members of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberChange {
    /// They join.
    Add(Vec<Member>),
    /// They leave.
    Remove(Vec<Member>),
    /// They alone are members.
    Replace(Vec<Member>),
    /// Whoever the filter finds leaves.
    RemoveWhere(Filter),
}

impl MemberChange {
    /// The users that it names.
    pub fn named(&self) -> &[Member] {
        match self {
            Self::Add(members) | Self::Remove(members) | Self::Replace(members) => members,
            Self::RemoveWhere(_) => &[],
        }
    }

    /// Whether what it does hangs on all members that there are.
    pub fn asks_for_all(&self) -> bool {
        matches!(self, Self::Replace(_) | Self::RemoveWhere(_))
    }
}

/// The members that a whole group has, by POST or PUT; what it has beside is left.
pub fn members(resource: &ResourceType, document: &mut Map<String, Value>) -> Result<Vec<Member>, ScimError> {
    match document.remove("members") {
        Some(value) => named(attribute(resource)?, value, "members"),
        None => Ok(Vec::new()),
    }
}

/// Takes the operations on members apart from the others.
pub fn split(
    resource: &ResourceType,
    operations: Vec<Operation>,
) -> Result<(Vec<Operation>, Vec<MemberChange>), ScimError> {
    let members = attribute(resource)?;
    let is_members = |target: Option<Target<'_>>| match target {
        Some(Target::Attribute(target)) => target.attribute.name == members.name,
        _ => false,
    };
    let (mut others, mut changes) = (Vec::new(), Vec::new());
    for mut operation in operations {
        let place = operation.place.clone();
        match &operation.path {
            Some(path) if is_members(resource.target(&path.attribute)) => {
                let value = std::mem::take(&mut operation.value);
                let change = match (operation.op, &path.filter, &path.attribute.sub) {
                    (Op::Remove, Some(filter), None) => removal(members, filter)?,
                    (Op::Remove, None, None) if value.is_null() => MemberChange::Replace(Vec::new()),
                    (op, None, None) => change(op, named(members, value, &format!("{place}.value"))?),
                    _ => {
                        let detail = format!("{place}: a member is added or removed, and nothing of it is changed");
                        return Err(ScimError::new(ErrorType::Mutability, detail));
                    }
                };
                changes.push(change);
            }
            Some(_) => others.push(operation),
            None => {
                let mut rest = Map::new();
                for (key, value) in operation.value.as_object().cloned().unwrap_or_default() {
                    let path = super::filter::AttributePath::parse(&key).ok();
                    if is_members(path.and_then(|path| resource.target(&path))) {
                        changes.push(change(operation.op, named(members, value, &format!("{place}.value.{key}"))?));
                    } else {
                        rest.insert(key, value);
                    }
                }
                others.push(Operation { value: Value::Object(rest), ..operation });
            }
        }
    }
    Ok((others, changes))
}

/// Whether a filter of a PATCH path finds this member.
pub fn finds(resource: &ResourceType, filter: &Filter, user: Uuid) -> Result<bool, ScimError> {
    matches_value(attribute(resource)?, filter, &json!({ "value": user, "type": "User" }))
}

fn attribute(resource: &ResourceType) -> Result<&Attribute, ScimError> {
    let mut attributes = resource.schema.attributes.iter();
    let members = attributes.find(|attribute| attribute.name == "members");
    members.ok_or_else(|| ScimError::new(ErrorType::InvalidPath, "there is no attribute `members`"))
}

fn change(op: Op, members: Vec<Member>) -> MemberChange {
    match op {
        Op::Add => MemberChange::Add(members),
        Op::Remove => MemberChange::Remove(members),
        Op::Replace => MemberChange::Replace(members),
    }
}

/// `members[value eq "…"]` names its users, perhaps several with `or`; any other filter is asked of each member.
fn removal(members: &Attribute, filter: &Filter) -> Result<MemberChange, ScimError> {
    let misfits = |error: ScimError| ScimError { kind: ErrorType::InvalidPath, ..error };
    matches_value(members, filter, &Value::Null).map_err(misfits)?;
    let mut named = Vec::new();
    Ok(match names(filter, &mut named) {
        true => MemberChange::Remove(named),
        false => MemberChange::RemoveWhere(filter.clone()),
    })
}

fn names(filter: &Filter, found: &mut Vec<Member>) -> bool {
    match filter {
        Filter::Or(one, other) => names(one, found) && names(other, found),
        Filter::Compare(path, Operator::Equal, Value::String(id)) if path.name.eq_ignore_ascii_case("value") => {
            // Who has no id of ours is no member, and need not be removed.
            found.extend(Uuid::try_parse(id).ok().map(|id| Member { id, place: "members".to_owned() }));
            true
        }
        _ => false,
    }
}

fn named(members: &Attribute, value: Value, place: &str) -> Result<Vec<Member>, ScimError> {
    let values = match read(members, true, value, place)? {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    };
    let member = |(index, value): (usize, &Value)| {
        let place = format!("{place}[{index}].value");
        if value.get("type").and_then(Value::as_str).is_some_and(|kind| !kind.eq_ignore_ascii_case("User")) {
            return Err(ScimError::value(&place, "groups hold users alone"));
        }
        let id = value.get("value").and_then(Value::as_str);
        let id = id.ok_or_else(|| ScimError::value(&place, "a member is named by its `value`"))?;
        let uuid = Uuid::try_parse(id).ok().filter(|_| id.len() == 36);
        let id = uuid.ok_or_else(|| ScimError::value(&place, format!("there is no user `{id}`")))?;
        Ok(Member { id, place })
    };
    values.iter().enumerate().map(member).collect()
}
