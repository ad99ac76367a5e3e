//! Texts: each once, by number.

use super::{EngineError, malformed, records};
use crate::snapshot::{SectionKind, Snapshot};
use zerocopy::little_endian::U32;

/// The texts of a snapshot.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Texts<'a> {
    whole: &'a str,
    /// Where each begins, and at the end where the last one ends.
    bounds: &'a [U32],
}

impl<'a> Texts<'a> {
    pub(super) fn open(snapshot: &'a Snapshot) -> Result<Self, EngineError> {
        let broken = || malformed(SectionKind::Text, "it is not UTF-8 text");
        let whole = std::str::from_utf8(snapshot.required(SectionKind::Text)?).map_err(|_| broken())?;
        let bounds: &[U32] = records(snapshot, SectionKind::TextBound)?;
        let mut last = 0;
        for bound in bounds {
            let bound = bound.get() as usize;
            if bound < last || !whole.is_char_boundary(bound) {
                return Err(malformed(SectionKind::TextBound, "the bounds of a text"));
            }
            last = bound;
        }
        if bounds.is_empty() || last != whole.len() {
            return Err(malformed(SectionKind::TextBound, "the last bound"));
        }
        Ok(Self { whole, bounds })
    }

    /// A text; empty where there is none of this number, which no open store refers to.
    pub(crate) fn get(&self, id: u32) -> &'a str {
        let (Some(start), Some(end)) = (self.bounds.get(id as usize), self.bounds.get(id as usize + 1)) else {
            return "";
        };
        self.whole.get(start.get() as usize..end.get() as usize).unwrap_or("")
    }

    /// A text, where the number refers to one.
    pub(crate) fn find(&self, id: u32) -> Option<&'a str> {
        self.has(id).then(|| self.get(id))
    }

    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    /// Whether there is a text of this number.
    pub(super) fn has(&self, id: u32) -> bool {
        (id as usize) < self.len()
    }
}

/// Whether two texts are the same. Names are short: to compare them here costs less than to call what compares memory.
#[inline]
pub(crate) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    // Both ends, which overlap where the text is shorter than twice as long.
    match one.len() {
        0 => true,
        1..4 => one == other,
        4..8 => one.first_chunk::<4>() == other.first_chunk::<4>() && one.last_chunk::<4>() == other.last_chunk::<4>(),
        8..=16 => {
            one.first_chunk::<8>() == other.first_chunk::<8>() && one.last_chunk::<8>() == other.last_chunk::<8>()
        }
        17..=32 => {
            one.first_chunk::<16>() == other.first_chunk::<16>() && one.last_chunk::<16>() == other.last_chunk::<16>()
        }
        33..=48 => {
            one.first_chunk::<32>() == other.first_chunk::<32>() && one.last_chunk::<16>() == other.last_chunk::<16>()
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn texts_are_the_same_only_if_every_byte_is() {
        for length in 0..100 {
            let text: String = (0..length).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
            assert!(same(&text, &text.clone()));
            assert!(!same(&text, &format!("{text}a")));
            for at in 0..length {
                let mut other = text.clone().into_bytes();
                other[at] ^= 1;
                assert!(!same(&text, std::str::from_utf8(&other).unwrap()), "{length} {at}");
            }
        }
    }
}
