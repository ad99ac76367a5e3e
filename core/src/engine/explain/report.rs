//! An explanation for people: sentences, with names beside ids, and what was perhaps meant.

use super::super::decide::Engine;
use super::super::{Reason, Request};
use super::nearest::nearest;
use super::sentence::Writer;
use super::suggestion::Change;
use super::{Clause, Explanation, clause::What};
use crate::compile::Origin;
use crate::directory::{EntityRef, PrincipalRecord};
use crate::model::Timestamp;
use crate::schema::{DIRECTORY_TYPES, SERVICE_ACCOUNT, USER};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The names of users and service accounts, as far as they are known.
pub type Names = BTreeMap<EntityRef, String>;

/// An explanation for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Who asked.
    pub principal: Named,
    /// What for: the action's full name.
    pub action: String,
    /// On what.
    pub resource: EntityRef,
    /// When.
    pub now: Timestamp,
    /// The same as below, to be read.
    pub sentences: Vec<String>,
    /// Where there is no such resource type or action: full names of actions, or resource types, that are spelled alike.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub did_you_mean: Vec<String>,
    /// The decision, and why it is so.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The users, service accounts, roles, groups and organization units that values mention.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Named>,
}

/// An entity with its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Named {
    /// Its type.
    pub r#type: String,
    /// Its id.
    pub id: String,
    /// Its name; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl PrincipalRecord {
    /// What people call it: a user's first and last name, else the username, else the e-mail; a service account's name.
    pub fn display_name(&self) -> Option<String> {
        let text = |name: &str| self.attributes.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
        match (text("first_name"), text("last_name")) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            _ => ["username", "email", "name"].into_iter().find_map(text).map(str::to_owned),
        }
    }
}

impl Explanation {
    /// The users and service accounts that it mentions by id.
    pub fn mentioned(&self) -> BTreeSet<EntityRef> {
        let mut mentioned = self.in_directory();
        mentioned.retain(|entity| [USER, SERVICE_ACCOUNT].contains(&entity.r#type.as_str()));
        mentioned
    }

    /// Everybody and everything of the directory that it mentions in values.
    fn in_directory(&self) -> BTreeSet<EntityRef> {
        let mut found = BTreeSet::new();
        let clauses = self.policies.iter().flat_map(|policy| &policy.clauses);
        let clauses = clauses.chain(self.missing.iter().flat_map(|missing| &missing.clauses));
        clauses.for_each(|clause| in_clause(clause, &mut found));
        for change in self.suggestions.iter().flat_map(|suggestion| &suggestion.changes) {
            if let Change::SetAttribute { value, .. } = change {
                in_json(value, &mut found);
            }
        }
        let origins = self.policies.iter().map(|policy| &policy.origin);
        for origin in origins.chain(self.missing.iter().map(|missing| &missing.origin)) {
            if let Origin::Request { user, .. } = origin {
                found.insert(EntityRef::new(USER, user));
            }
        }
        found
    }
}

fn in_clause(clause: &Clause, found: &mut BTreeSet<EntityRef>) {
    if let What::Test { value, wanted, variables, .. } = &clause.what {
        [value, wanted].into_iter().chain(variables.values()).for_each(|json| in_json(json, found));
    }
}

fn in_json(json: &Json, found: &mut BTreeSet<EntityRef>) {
    match json {
        Json::Array(elements) => elements.iter().for_each(|json| in_json(json, found)),
        Json::Object(members) => match crate::schema::read_entity(members) {
            Some((ty, id)) if DIRECTORY_TYPES.contains(&ty) => {
                found.insert(EntityRef::new(ty, id));
            }
            Some(_) => {}
            None => members.values().for_each(|json| in_json(json, found)),
        },
        _ => {}
    }
}

impl Engine {
    /// An explanation for people. Roles, groups and organization units it names itself.
    pub fn report(
        &self,
        explanation: Explanation,
        principal: Option<&PrincipalRecord>,
        request: &Request,
        now: Timestamp,
        names: &Names,
    ) -> Report {
        let asker = match principal {
            Some(record) => Named { r#type: record.r#type.clone(), id: record.id.clone(), name: record.display_name() },
            None => Named { r#type: request.principal.r#type.clone(), id: request.principal.id.clone(), name: None },
        };
        let did_you_mean = self.perhaps_meant(&explanation, request);
        let mentioned = explanation.in_directory();
        let mut names = names.clone();
        for entity in &mentioned {
            let store = &self.view().store;
            let name = store.entity(&entity.r#type, &entity.id).map(|number| store.entity_name(number));
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                names.entry(entity.clone()).or_insert(name);
            }
        }
        let writer = Writer { asker: &asker, request, names: &names };
        let sentences = writer.sentences(&explanation, &did_you_mean);
        let named = mentioned.into_iter().filter_map(|entity| {
            let name = names.get(&entity)?.clone();
            Some(Named { r#type: entity.r#type, id: entity.id, name: Some(name) })
        });
        let names = named.collect();
        let (action, resource) = (request.action_name(), request.resource.clone());
        Report { principal: asker, action, resource, now, sentences, did_you_mean, explanation, names }
    }

    fn perhaps_meant(&self, explanation: &Explanation, request: &Request) -> Vec<String> {
        let schema = self.schema();
        let ty = &request.resource.r#type;
        match explanation.decision.reason {
            Some(Reason::UnknownType) => {
                nearest(ty, schema.types.keys().map(String::as_str).filter(|ty| self.view().has_type(ty)))
            }
            Some(Reason::UnknownAction) => {
                let own = schema.actions.iter().filter(|(_, action)| action.resource == *ty);
                let short = own.filter_map(|(name, _)| name.strip_prefix(ty.as_str())?.strip_prefix(':'));
                nearest(&request.action, short).into_iter().map(|name| format!("{ty}:{name}")).collect()
            }
            _ => vec![],
        }
    }
}
