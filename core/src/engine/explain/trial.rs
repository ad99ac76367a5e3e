//! Deciding again with changes applied.

use super::super::decide::Engine;
use super::super::policies::Satisfied;
use super::super::subject::{Principal, Subject};
use super::super::verdict::Verdict;
use super::super::view::View;
use super::super::world::RequestWorld;
use super::super::{Decision, Request};
use super::suggestion::Change;
use crate::directory::{Edge, PrincipalRecord, RowRef};
use crate::model::Timestamp;
use serde_json::{Map, Value as Json};

/// A request, who asks and when, with whatever was changed of them.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub record: PrincipalRecord,
    pub request: Request,
    pub now: Timestamp,
    /// Policies that are taken away, by number.
    without: Vec<u32>,
}

impl Trial {
    pub(super) fn new(record: &PrincipalRecord, request: &Request, now: Timestamp) -> Self {
        Self { record: record.clone(), request: request.clone(), now, without: vec![] }
    }

    /// Applies a change; `None` where it makes no sense here.
    pub(super) fn apply(&mut self, engine: &Engine, change: &Change) -> Option<()> {
        let view = engine.view();
        match change {
            Change::SecondFactor => drop(self.request.context.insert("mfa".to_owned(), Json::Bool(true))),
            Change::AddScope { scope } => self.request.scopes.as_mut()?.push(scope.clone()),
            Change::AskAt { now } => self.now = *now,
            Change::Extend { row, to, .. } => self.extend(row, &to.id),
            Change::SetAttribute { path, value, .. } => self.set(engine, path, value)?,
            Change::AssignRole { role, .. } => self.record.roles.push(edge(role, "user_role")),
            Change::JoinGroup { group, .. } => self.record.groups.push(edge(group, "user_group_membership")),
            Change::RemoveDenial { policy, .. } => self.without.push(view.policy(policy)?),
        }
        Some(())
    }

    fn extend(&mut self, row: &RowRef, to: &str) {
        let edges = match row.table.as_str() {
            "user_group_membership" => &mut self.record.groups,
            _ => &mut self.record.roles,
        };
        match edges.iter_mut().find(|edge| edge.source == *row && edge.to == to) {
            Some(edge) => edge.expires_at = None,
            // A role that a group gave: whoever is in the group has it, as if it were assigned.
            None => edges.push(edge(to, &row.table)),
        }
    }

    fn set(&mut self, engine: &Engine, path: &str, value: &Json) -> Option<()> {
        let view = engine.view();
        let mut way = path.split('.');
        let root = way.next()?;
        let way: Vec<&str> = way.collect();
        let first = *way.first()?;
        let attributes = match root {
            "principal" if view.schema.caller.contains(first) => &mut self.request.principal_attributes,
            "principal" => &mut self.record.attributes,
            "context" if first == "action" => {
                return put(&mut self.request.action_attributes, way.get(1..)?, value);
            }
            "context" => &mut self.request.context,
            _ => {
                let registered = || {
                    let entity = view.store.entity(&self.request.resource.r#type, &self.request.resource.id);
                    let entity = entity.and_then(|entity| view.store.entities.get(entity as usize));
                    let attributes = entity.map(|entity| entity.attributes.of(view.store.values));
                    attributes.map(|attributes| view.store.attributes(attributes)).unwrap_or_default()
                };
                self.request.resource_attributes.get_or_insert_with(registered)
            }
        };
        put(attributes, &way, value)
    }
}

fn edge(to: &str, table: &str) -> Edge {
    Edge { to: to.to_owned(), expires_at: None, source: RowRef::new(table, "") }
}

/// Puts a value at the end of a way; null takes away what is there.
fn put(attributes: &mut Map<String, Json>, way: &[&str], value: &Json) -> Option<()> {
    let (first, rest) = way.split_first()?;
    if !rest.is_empty() {
        let inner = attributes.entry(*first).or_insert_with(|| Json::Object(Map::new()));
        return put(inner.as_object_mut()?, rest, value);
    }
    match value {
        Json::Null => drop(attributes.remove(*first)),
        value => drop(attributes.insert((*first).to_owned(), value.clone())),
    }
    Some(())
}

impl<'v> View<'v> {
    /// Decides a trial.
    pub(super) fn decide_trial<'a>(&'a self, trial: &'a Trial) -> Decision
    where
        'v: 'a,
    {
        let request = trial.request.as_ref();
        let verdict = match self.standing(Some(Principal::Record(&trial.record)), &request) {
            Ok((principal, asked)) => match self.decide(principal, asked, &request, trial.now) {
                Ok(satisfied) => Verdict::of(self, trial.left(satisfied)),
                Err(wrong) => Verdict::wrong(self, wrong),
            },
            Err((outcome, reason)) => Verdict::without_policies(self, outcome, reason),
        };
        verdict.into()
    }

    /// The policies that say something of a trial; `None` where none was asked.
    pub(super) fn satisfied_by<'a>(&'a self, trial: &'a Trial) -> Option<Satisfied>
    where
        'v: 'a,
    {
        let request = trial.request.as_ref();
        let (principal, asked) = self.standing(Some(Principal::Record(&trial.record)), &request).ok()?;
        self.decide(principal, asked, &request, trial.now).ok().map(|satisfied| trial.left(satisfied))
    }

    /// Looks at the world of a trial; `None` where there is none to decide in.
    pub(super) fn in_world<'a, T>(
        &'a self,
        trial: &'a Trial,
        look: impl FnOnce(&RequestWorld<'_, 'a>, &Subject<'a>) -> T,
    ) -> Option<T>
    where
        'v: 'a,
    {
        let request = trial.request.as_ref();
        let (principal, asked) = self.standing(Some(Principal::Record(&trial.record)), &request).ok()?;
        let mut subject = Subject::default();
        subject.read(self, principal, trial.now).ok()?;
        let mut world = RequestWorld::new(self, &subject, asked, &request, trial.now);
        world.read().ok()?;
        Some(look(&world, &subject))
    }
}

impl Trial {
    /// What is left of the policies without those that are taken away.
    fn left(&self, mut satisfied: Satisfied) -> Satisfied {
        satisfied.permits.retain(|number| !self.without.contains(number));
        satisfied.forbids.retain(|number| !self.without.contains(number));
        satisfied.failed.retain(|(number, _)| !self.without.contains(number));
        satisfied
    }
}
