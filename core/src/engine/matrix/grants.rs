//! The policies by what their scopes name of the principal, with the actions that they are about.

use super::row::Action;
use crate::engine::index::{ANY, Key};
use crate::engine::view::View;
use rustc_hash::FxHashMap;

/// The policies by what their scopes name of the principal: itself, or what it lies in; [`ANY`] where they name nothing.
#[derive(Debug)]
pub(super) struct Grants {
    of_principal: FxHashMap<Key, Vec<Grant>>,
    /// Actions by number: those that are an entity or lie in it.
    of_action: FxHashMap<Key, Vec<u32>>,
    /// Every action.
    all: Vec<u32>,
}

/// A policy, by number, under one of the actions that its scope names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grant {
    pub policy: u32,
    action: Key,
}

impl Grants {
    pub(super) fn of(view: &View<'_>, actions: &[Action<'_>]) -> Self {
        let mut of_principal: FxHashMap<Key, Vec<Grant>> = FxHashMap::default();
        for record in view.store.index {
            let grant = Grant { policy: record.policy.get(), action: record.action.get() };
            if let Some(policy) = view.store.policies.get(grant.policy as usize) {
                of_principal.entry(policy.principal.get()).or_default().push(grant);
            }
        }
        let mut of_action: FxHashMap<Key, Vec<u32>> = FxHashMap::default();
        for (number, action) in (0..).zip(actions) {
            for key in action.view.keys.iter() {
                of_action.entry(*key).or_default().push(number);
            }
        }
        Self { of_principal, of_action, all: (0..).zip(actions).map(|(number, _)| number).collect() }
    }

    /// The grants for whoever lies in these entities, each with the numbers of its actions.
    pub(super) fn visit(&self, principals: &[Key], found: &mut impl FnMut(u32, &[u32])) {
        for key in principals.iter().chain(&[ANY]) {
            for grant in self.of_principal.get(key).into_iter().flatten() {
                let actions = match grant.action {
                    ANY => Some(&self.all),
                    action => self.of_action.get(&action),
                };
                found(grant.policy, actions.map_or(&[], Vec::as_slice));
            }
        }
    }
}
