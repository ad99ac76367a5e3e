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
