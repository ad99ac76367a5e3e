//! The hierarchy upside down: from what a scope names to the principals that lie in it.

use crate::store::Store;
use crate::store::record::NONE;
use rustc_hash::FxHashSet;

/// What lies in an entity. Ends are passed over: who lies in something now is among those who ever did.
#[derive(Debug)]
pub(super) struct Members {
    /// The entities that scopes name as principals, or as what principals lie in.
    pub named: Vec<u32>,
    /// Entities: what lies directly in an entity.
    entities: Grouped,
    /// Principals: who is an entity, or lies directly in it.
    principals: Grouped,
}

impl Members {
    pub(super) fn of(store: &Store<'_>) -> Self {
        let mut named: Vec<u32> = store.policies.iter().map(|policy| policy.principal.get()).collect();
        named.sort_unstable();
        named.dedup();
        named.retain(|entity| *entity != NONE);
        let above = || {
            let entities = (0..).zip(store.entities);
            entities.flat_map(|(number, entity)| {
                entity.above.of(store.edges).iter().map(move |edge| (edge.to.get(), number))
            })
        };
        let of_principals = || {
            (0..).zip(store.principals).flat_map(|(number, row)| {
                let edges = row.roles.of(store.edges).iter().chain(row.groups.of(store.edges));
                edges.map(|edge| edge.to.get()).chain([row.entity.get()]).map(move |entity| (entity, number))
            })
        };
        let count = store.entities.len();
        Self { named, entities: Grouped::of(above, count), principals: Grouped::of(of_principals, count) }
    }

    /// These entities and those that lie in one, at any distance.
    pub(super) fn below(&self, mut entities: Vec<u32>) -> FxHashSet<u32> {
        let mut seen: FxHashSet<u32> = entities.iter().copied().collect();
        while let Some(entity) = entities.pop() {
            entities.extend(self.entities.of_key(entity).iter().filter(|below| seen.insert(**below)));
        }
        seen
    }

    /// The principals that are an entity or lie directly in it.
    pub(super) fn principals_of(&self, entity: u32) -> &[u32] {
        self.principals.of_key(entity)
    }
}

/// Numbers by number: the lists lie side by side.
#[derive(Debug)]
struct Grouped {
    /// Where each list begins, and at the end where the last one ends.
    bounds: Vec<u32>,
    items: Vec<u32>,
}

impl Grouped {
    /// Groups items by keys below a count; keys beyond it are passed over. The pairs are gone through twice.
    fn of<I: Iterator<Item = (u32, u32)>>(pairs: impl Fn() -> I, count: usize) -> Self {
        let mut bounds = vec![0_u32; count + 1];
        for (key, _) in pairs() {
            if let Some(bound) = bounds.get_mut((key as usize).saturating_add(1)) {
                *bound += 1;
            }
        }
        let mut sum = 0;
        for bound in &mut bounds {
            sum += *bound;
            *bound = sum;
        }
        let mut next = bounds.clone();
        next.pop();
        let mut items = vec![0; sum as usize];
        for (key, item) in pairs() {
            let Some(next) = next.get_mut(key as usize) else { continue };
            if let Some(place) = items.get_mut(*next as usize) {
                *place = item;
            }
            *next += 1;
        }
        Self { bounds, items }
    }

    fn of_key(&self, key: u32) -> &[u32] {
        match self.bounds.get(key as usize..) {
            Some([start, end, ..]) => self.items.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        let pairs = [(2, 10), (0, 11), (2, 12), (NONE, 13), (3, 14)];
        let grouped = Grouped::of(|| pairs.into_iter(), 3);
        assert_eq!(grouped.of_key(0), [11]);
        assert!(grouped.of_key(1).is_empty());
        assert_eq!(grouped.of_key(2), [10, 12]);
        assert!(grouped.of_key(3).is_empty() && grouped.of_key(NONE).is_empty());
    }
}
