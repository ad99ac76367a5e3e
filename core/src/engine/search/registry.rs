//! The registered resources of each type, in the order of their ids.

use crate::store::Store;
use crate::store::record::REGISTERED;
use rustc_hash::FxHashMap;

/// The registered resources of each type: entities by number, in the order of their ids.
#[derive(Debug)]
pub(super) struct Registry(FxHashMap<Box<str>, Vec<u32>>);

impl Registry {
    pub(super) fn of(store: &Store<'_>) -> Self {
        let mut types: FxHashMap<Box<str>, Vec<u32>> = FxHashMap::default();
        for (number, _) in (0..).zip(store.entities).filter(|(_, entity)| entity.flags.get() & REGISTERED != 0) {
            let (ty, _) = store.entity_key(number);
            match types.get_mut(ty) {
                Some(resources) => resources.push(number),
                None => drop(types.insert(ty.into(), vec![number])),
            }
        }
        for resources in types.values_mut() {
            resources.sort_unstable_by_key(|number| store.entity_key(*number).1);
        }
        Self(types)
    }

    pub(super) fn of_type(&self, ty: &str) -> &[u32] {
        self.0.get(ty).map_or(&[], Vec::as_slice)
    }
}
