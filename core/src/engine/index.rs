//! The index: from a request to the policies that can match it.
//!
//! A policy is found by what its scope names: a principal, an action, a resource, or none of them.
//! It is a sound over-approximation: every policy that can match is a candidate, and a candidate's
//! scope is checked before its condition. Cost depends on the candidates and on what the request's
//! entities lie in, not on the number of policies.

use rustc_hash::FxHashMap;

/// An entity that scopes name, by its constant.
pub(crate) type Key = u32;

/// Stands for a scope that names no entity.
pub(crate) const ANY: Key = Key::MAX;

/// From what scopes name to the policies, by position.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// One map a combination of named and unnamed parts: most combinations are empty, and cost nothing.
    shapes: [FxHashMap<(Key, Key, Key), Vec<u32>>; 8],
}

impl Index {
    /// Adds a policy under the entities that its scope names. A policy for several actions is added for each.
    pub(crate) fn insert(&mut self, principal: Key, action: Key, resource: Key, policy: u32) {
        if let Some(shape) = self.shapes.get_mut(shape(principal != ANY, action != ANY, resource != ANY)) {
            shape.entry((principal, action, resource)).or_default().push(policy);
        }
    }

    /// Collects the candidates for a request, each once and in order. Each slice holds the keys of an
    /// entity and of everything that it lies in.
    pub(crate) fn candidates(&self, principals: &[Key], actions: &[Key], resources: &[Key], found: &mut Vec<u32>) {
        for (number, map) in self.shapes.iter().enumerate().filter(|(_, map)| !map.is_empty()) {
            for principal in keys(principals, number & 1 != 0) {
                for action in keys(actions, number & 2 != 0) {
                    for resource in keys(resources, number & 4 != 0) {
                        if let Some(policies) = map.get(&(*principal, *action, *resource)) {
                            found.extend_from_slice(policies);
                        }
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
    }
}

fn shape(principal: bool, action: bool, resource: bool) -> usize {
    usize::from(principal) | usize::from(action) << 1 | usize::from(resource) << 2
}

fn keys(keys: &[Key], named: bool) -> &[Key] {
    if named { keys } else { &[ANY] }
}
