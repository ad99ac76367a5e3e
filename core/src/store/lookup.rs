//! A map from short texts that is made once and then only read.

use super::same;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// A map from short texts. Keys are compared where they are, without a call.
#[derive(Debug)]
pub(crate) struct Lookup<T> {
    entries: Vec<(Box<str>, T)>,
    /// Positions in `entries`, or `NONE`; at least twice as many as entries, a power of two.
    slots: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl<T> Lookup<T> {
    /// The map of some entries. Of two with one key, the first counts.
    pub(crate) fn new(entries: Vec<(Box<str>, T)>) -> Self {
        let mut slots = vec![NONE; (entries.len() * 2).next_power_of_two().max(2)];
        let mask = slots.len() - 1;
        for (position, (key, _)) in entries.iter().enumerate() {
            let mut slot = hash(key) & mask;
            while let Some(place) = slots.get_mut(slot) {
                if *place == NONE {
                    *place = position as u32;
                    break;
                }
                slot = (slot + 1) & mask;
            }
        }
        Self { entries, slots }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(key) & mask;
        loop {
            // At least half of the slots are empty, so this ends.
            let (own, value) = self.entries.get(*self.slots.get(slot)? as usize)?;
            if same(own, key) {
                return Some(value);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The entries, in the order in which they were given.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.entries.iter().map(|(key, value)| (&**key, value))
    }
}

impl<T> Default for Lookup<T> {
    fn default() -> Self {
        Self::new(vec![])
    }
}

fn hash(key: &str) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(key.as_bytes());
    hasher.finish() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_found_and_nothing_else() {
        for count in [0, 1, 2, 3, 100] {
            let entries = (0..count).map(|n| (format!("key{n}").into_boxed_str(), n)).collect();
            let lookup = Lookup::new(entries);
            for n in 0..count {
                assert_eq!(lookup.get(&format!("key{n}")), Some(&n));
            }
            assert_eq!(lookup.get("key"), None);
            assert_eq!(lookup.get(&format!("key{count}")), None);
            assert_eq!(lookup.iter().count(), count);
        }
    }
}
