//! What is decided while some attributes of the request are not known: whatever they are, or not to be known.

use super::Request;
use super::decide::Engine;
use super::index::Keys;
use super::matrix::Access;
use super::matrix::partial::{Partial, Truth};
use super::matrix::row::Tally;
use super::policies::in_scope;
use super::subject::{Principal, Subject};
use super::view::View;
use super::world::RequestWorld;
use crate::directory::PrincipalRecord;
use crate::model::Timestamp;
use crate::store::record::NONE;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Attributes that a request had, or not, with values that are not known. Each fitted its declared type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unknown {
    /// Of the principal, as far as a caller says them.
    pub principal: BTreeSet<String>,
    /// Of the action.
    pub action: BTreeSet<String>,
    /// Of the resource.
    pub resource: BTreeSet<String>,
    /// Of the context.
    pub context: BTreeSet<String>,
}

/// An engine that knows what it does not know.
#[derive(Debug)]
pub struct Settled<'e> {
    view: &'e View<'e>,
    partial: Partial,
}

impl Unknown {
    /// Whether everything is known.
    pub fn is_empty(&self) -> bool {
        self.all().all(BTreeSet::is_empty)
    }

    /// Whether an attribute of any part has this name.
    pub(super) fn names(&self, name: &str) -> bool {
        self.all().any(|part| part.contains(name))
    }

    fn all(&self) -> impl Iterator<Item = &BTreeSet<String>> {
        [&self.principal, &self.action, &self.resource, &self.context].into_iter()
    }
}

impl Engine {
    /// Makes ready for requests of which these attributes are not known.
    pub fn without(&self, unknown: &Unknown) -> Settled<'_> {
        Settled { view: self.view(), partial: Partial::of_unknown(self.view(), unknown) }
    }
}

impl Settled<'_> {
    /// Whether a request is allowed, whatever the values of what is not known are; nothing where it hangs on them. The
    /// request has none of them.
    pub fn allows(&self, principal: Option<&PrincipalRecord>, request: &Request, now: Timestamp) -> Option<bool> {
        let request = request.as_ref();
        let (principal, asked) = match self.view.standing(principal.map(Principal::Record), &request) {
            Ok(standing) => standing,
            Err(_) => return Some(false),
        };
        let mut subject = Subject::default();
        if subject.read(self.view, principal, now).is_err() {
            return Some(false);
        }
        let mut world = RequestWorld::new(self.view, &subject, asked, &request, now);
        // What is known and does not fit its type is an error whatever the rest is.
        if world.read().is_err() {
            return Some(false);
        }
        let resources = world.resource_keys();
        let keys = Keys { principals: &subject.keys, actions: &asked.keys, resources: &resources };
        let policies = &self.view.policies;
        let mut tally = Tally::default();
        let _ = policies.index.visit(&policies.records, keys, &mut |_, number, policy| {
            if in_scope(policy, &world) {
                let truth = match policy.condition.get() {
                    NONE => Truth::Yes,
                    condition => self.partial.truth(&policies.program, &world, condition),
                };
                tally.add(number, policy, truth);
            }
            ControlFlow::Continue(())
        });
        match tally.access() {
            Access::Allow => Some(true),
            Access::No => Some(false),
            Access::Conditional => None,
        }
    }
}
