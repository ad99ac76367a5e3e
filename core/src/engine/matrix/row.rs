//! One row of the matrix: a principal with every action.

use super::Matrix;
use super::partial::Truth;
use crate::directory::EntityRef;
use crate::engine::Request;
use crate::engine::decision::{Outcome, Reason};
use crate::engine::subject::{Principal, Subject};
use crate::engine::view::{ActionView, View};
use crate::engine::world::RequestWorld;
use crate::store::record::{FORBIDS, NONE, PRINCIPAL_EXACTLY, PolicyRecord, RESOURCE_EXACTLY};
use serde::Serialize;
use serde_json::Map;

/// A principal with every action of the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatrixRow<'e> {
    /// Who: the type and the row's id.
    pub principal: EntityRef,
    /// Why everything is refused before any policy is asked, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// One cell an action, in the order of their names.
    pub cells: Vec<MatrixCell<'e>>,
}

/// What a principal may do with one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatrixCell<'e> {
    /// The action's whole name: `document:read`.
    pub action: &'e str,
    /// Whether it may.
    pub access: Access,
    /// The ids of the policies that say so, or that it depends on; sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<&'e str>,
}

/// Whether a principal may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// With every resource of the type and under all circumstances: a permit holds without looking at them, and no
    /// forbid could.
    Allow,
    /// With no resource: no permit could hold, or a forbid holds without looking at it.
    No,
    /// It depends on the resource, the context, or what a caller says of the principal.
    Conditional,
}

/// An action as the matrix asks for it.
#[derive(Debug)]
pub(super) struct Action<'e> {
    pub view: &'e ActionView,
    /// A request for it, of nobody in particular with no resource in particular.
    request: Request,
}

impl<'e> Action<'e> {
    /// The actions of the schema, in the order of their names.
    pub(super) fn all(view: &'e View<'e>) -> Vec<Self> {
        let actions = view.schema.actions.iter().filter_map(|(name, action)| {
            let short = name.strip_prefix(action.resource.as_str())?.strip_prefix(':')?;
            let nobody = EntityRef::new("", "");
            let mut request = Request::new(nobody, short, EntityRef::new(&action.resource, ""));
            // Not what a registry may hold under an empty id.
            request.resource_attributes = Some(Map::new());
            Some(Self { view: view.actions.get((&action.resource, short))?, request })
        });
        actions.collect()
    }

    fn resource_type(&self) -> &str {
        &self.request.resource.r#type
    }
}

/// What the policies say of one action so far.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Tally {
    /// A permit holds.
    permitted: bool,
    /// A permit may hold.
    perhaps_permitted: bool,
    /// A forbid holds, or cannot be evaluated: either way nothing is allowed.
    forbidden: bool,
    /// A forbid may hold, or fail.
    perhaps_forbidden: bool,
    /// The permits, and the forbids, that hold or may.
    permits: Vec<u32>,
    forbids: Vec<u32>,
}

impl<'e> Matrix<'e> {
    pub(super) fn row(&self, row: Principal<'_>) -> MatrixRow<'e> {
        let view = self.view;
        let id = match row {
            Principal::Row(row) => view.store.texts.get(row.id.get()),
            Principal::Record(record) => &record.id,
        };
        let principal = EntityRef::new(row.type_name(), id);
        let mut tallies = vec![Tally::default(); self.actions.len()];
        // What is refused to whomever asks for nothing is refused whatever they ask for.
        let nothing = Request::new(principal.clone(), "", EntityRef::new("", ""));
        let reason = match view.standing(Some(row), &nothing.as_ref()) {
            Err((Outcome::Forbidden, reason)) => Some(reason),
            _ => {
                let mut subject = Subject::default();
                match subject.read(view, row, self.now) {
                    Ok(()) => {
                        self.tally(&subject, &mut tallies);
                        None
                    }
                    Err(_) => Some(Reason::WrongType),
                }
            }
        };
        let cells = self.actions.iter().zip(tallies).map(|(action, tally)| tally.cell(view, &action.view.name));
        MatrixRow { principal, reason, cells: cells.collect() }
    }

    fn tally<'a>(&'a self, subject: &Subject<'a>, tallies: &mut [Tally]) {
        let store = &self.view.store;
        self.grants.visit(&subject.keys, &mut |number, actions| {
            let Some(policy) = store.policies.get(number as usize) else { return };
            let is_of_type = store.texts.find(policy.principal_type.get()).is_none_or(|ty| ty == subject.ty);
            let exactly = policy.flags.get() & PRINCIPAL_EXACTLY != 0;
            if !is_of_type || (exactly && store.entity_key(policy.principal.get()) != (subject.ty, subject.id)) {
                return;
            }
            for action in actions {
                let (action, tally) = (self.actions.get(*action as usize), tallies.get_mut(*action as usize));
                let (Some(action), Some(tally)) = (action, tally) else { continue };
                tally.add(number, policy, self.truth(policy, subject, action));
            }
        });
    }

    /// What a policy whose scope has the principal and the action comes to.
    fn truth<'a>(&'a self, policy: &PolicyRecord, subject: &Subject<'a>, action: &'a Action<'e>) -> Truth {
        let store = &self.view.store;
        let resource_type = store.texts.find(policy.resource_type.get());
        if resource_type.is_some_and(|ty| ty != action.resource_type()) {
            return Truth::No;
        }
        let named = policy.resource.get() != NONE;
        let exactly = policy.flags.get() & RESOURCE_EXACTLY != 0;
        if named && exactly && store.entity_key(policy.resource.get()).0 != action.resource_type() {
            return Truth::No;
        }
        let truth = match policy.condition.get() {
            NONE => Truth::Yes,
            condition => {
                let request = action.request.as_ref();
                let world = RequestWorld::new(self.view, subject, action.view, &request, self.now);
                self.partial.truth(&self.view.policies.program, &world, condition)
            }
        };
        match truth {
            // Of one resource only, and not known of which.
            Truth::Yes if named => Truth::Open,
            Truth::Failed if named => Truth::Never,
            truth => truth,
        }
    }
}

impl Tally {
    pub(in crate::engine) fn add(&mut self, number: u32, policy: &PolicyRecord, truth: Truth) {
        if policy.flags.get() & FORBIDS == 0 {
            match truth {
                Truth::Yes => self.permitted = true,
                Truth::Open => self.perhaps_permitted = true,
                // What cannot be evaluated permits nothing.
                Truth::No | Truth::Failed | Truth::Never => return,
            }
            self.permits.push(number);
        } else {
            match truth {
                Truth::Yes | Truth::Failed => self.forbidden = true,
                Truth::Open | Truth::Never => self.perhaps_forbidden = true,
                Truth::No => return,
            }
            self.forbids.push(number);
        }
    }

    /// What it comes to.
    pub(in crate::engine) fn access(&self) -> Access {
        match (self.permitted || self.perhaps_permitted, self.forbidden) {
            (false, _) | (true, true) => Access::No,
            (true, false) if self.permitted && !self.perhaps_forbidden => Access::Allow,
            (true, false) => Access::Conditional,
        }
    }

    fn cell<'e>(self, view: &'e View<'e>, action: &'e str) -> MatrixCell<'e> {
        let access = self.access();
        let mut policies = match access {
            Access::No if self.permits.is_empty() => vec![],
            Access::No => self.forbids,
            Access::Allow => self.permits,
            Access::Conditional => [self.permits, self.forbids].concat(),
        };
        // Policies are numbered in the order of their ids; one may be found in several ways.
        policies.sort_unstable();
        policies.dedup();
        MatrixCell { action, access, policies: policies.into_iter().map(|number| view.policy_id(number)).collect() }
    }
}
