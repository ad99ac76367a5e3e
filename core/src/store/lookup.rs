//! A map from pairs of short texts that is made once and then only read.

use super::same;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// A map from pairs of short texts. Keys are compared where they are, without a call.
#[derive(Debug)]
pub(crate) struct Lookup<T> {
    entries: Vec<Entry<T>>,
    /// Positions in `entries`, or `NONE`; at least four times as many as entries, so that most keys are found at once. A
    /// power of two.
    slots: Vec<u32>,
}

#[derive(Debug)]
struct Entry<T> {
    /// Both texts, one behind the other.
    texts: Box<str>,
    /// Where the second begins.
    second: usize,
    value: T,
}

const NONE: u32 = u32::MAX;

impl<T> Lookup<T> {
    /// The map of some entries. Of two with one key, the first counts.
    pub(crate) fn new(entries: Vec<((&str, &str), T)>) -> Self {
        let mut slots = vec![NONE; (entries.len() * 4).next_power_of_two()];
        let mask = slots.len() - 1;
        for (position, (key, _)) in (0..).zip(&entries) {
            let mut slot = hash(*key) & mask;
            while let Some(place) = slots.get_mut(slot) {
                if *place == NONE {
                    *place = position;
                    break;
                }
                slot = (slot + 1) & mask;
            }
        }
        let entry = |((first, second), value): ((&str, &str), T)| Entry {
            texts: [first, second].concat().into(),
            second: first.len(),
            value,
        };
        Self { entries: entries.into_iter().map(entry).collect(), slots }
    }

    /// The value of a key.
    #[inline]
    pub(crate) fn get(&self, key: (&str, &str)) -> Option<&T> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(key) & mask;
        loop {
            // Most of the slots are empty, so this ends.
            let entry = self.entries.get(*self.slots.get(slot)? as usize)?;
            let (first, second) = entry.texts.split_at_checked(entry.second)?;
            if same(second, key.1) && same(first, key.0) {
                return Some(&entry.value);
            }
            slot = (slot + 1) & mask;
        }
    }
}

#[inline]
fn hash(key: (&str, &str)) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(key.0.as_bytes());
    hasher.write(key.1.as_bytes());
    hasher.finish() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_found_and_nothing_else() {
        for count in [0, 1, 2, 3, 100] {
            let seconds: Vec<String> = (0..count).map(|n| format!("key{n}")).collect();
            let entries = seconds.iter().zip(0..).map(|(second, n)| (("type", second.as_str()), n)).collect();
            let lookup = Lookup::new(entries);
            for (second, n) in seconds.iter().zip(0..) {
                assert_eq!(lookup.get(("type", second)), Some(&n));
                assert_eq!(lookup.get(("typek", &format!("ey{n}"))), None);
                assert_eq!(lookup.get(("other", second)), None);
            }
            assert_eq!(lookup.get(("type", "key")), None);
            assert_eq!(lookup.get(("type", &format!("key{count}"))), None);
        }
    }

    #[test]
    fn the_first_of_two_counts() {
        assert_eq!(Lookup::new(vec![(("a", "b"), 1), (("a", "b"), 2)]).get(("a", "b")), Some(&1));
    }
}
