//! Hash tables that lie in a file: records in the order of their buckets, and where each bucket begins.

use super::{EngineError, malformed, records};
use crate::snapshot::{SectionKind, Snapshot};
use std::borrow::Cow;
use std::ops::Range;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};
use zerocopy::little_endian::U32;

/// Where the buckets of a table begin, and at the end where the last one ends. Their number is a power of two.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buckets<'a> {
    bounds: Cow<'a, [U32]>,
}

impl<'a> Buckets<'a> {
    /// The buckets of a table of this many records.
    pub(super) fn open(snapshot: &'a Snapshot, kind: SectionKind, length: usize) -> Result<Self, EngineError> {
        let bounds: &[U32] = records(snapshot, kind)?;
        let ascending = bounds.is_sorted_by_key(|bound| bound.get());
        let whole = bounds.first().map(|first| first.get()) == Some(0)
            && bounds.last().map(|last| last.get() as usize) == Some(length);
        if !ascending || !whole || !(bounds.len() - 1).is_power_of_two() {
            return Err(malformed(kind, "the buckets"));
        }
        Ok(Self { bounds: Cow::Borrowed(bounds) })
    }

    /// Puts hashes into buckets: the buckets, and the order in which their records lie.
    #[cfg(feature = "cedar")]
    pub(crate) fn build(hashes: &[u64]) -> (Buckets<'static>, Vec<u32>) {
        // About two records a bucket, which costs two bytes a record and seldom a second look.
        let count = (hashes.len() / 2).next_power_of_two();
        let bucket = |hash: u64| hash as usize & (count - 1);
        let mut order: Vec<u32> = (0..hashes.len() as u32).collect();
        // Stable, so that the same records lie in the same order.
        order.sort_by_key(|position| hashes.get(*position as usize).map(|hash| bucket(*hash)));
        let mut bounds = vec![0_u32; count + 1];
        for hash in hashes {
            if let Some(bound) = bounds.get_mut(bucket(*hash) + 1) {
                *bound += 1;
            }
        }
        let mut sum = 0;
        for bound in &mut bounds {
            sum += *bound;
            *bound = sum;
        }
        let bounds: Vec<U32> = bounds.into_iter().map(U32::new).collect();
        (Buckets { bounds: Cow::Owned(bounds) }, order)
    }

    /// The positions of the records that may have a hash.
    #[inline]
    pub(crate) fn range(&self, hash: u64) -> Range<usize> {
        let bucket = hash as usize & self.bounds.len().wrapping_sub(2);
        match self.bounds.get(bucket..) {
            Some([start, end, ..]) => start.get() as usize..end.get() as usize,
            _ => 0..0,
        }
    }

    /// As they lie in the file.
    #[cfg(feature = "cedar")]
    pub(crate) fn bounds(&self) -> &[U32] {
        &self.bounds
    }
}

/// The hash of a type and an id or name: XXH3 with the type's hash as the seed.
pub(crate) fn of_entity(ty: &str, id: &str) -> u64 {
    xxh3_64_with_seed(id.as_bytes(), xxh3_64(ty.as_bytes()))
}

/// The hash of a principal's name, with the number of its type as the seed.
pub(crate) fn of_principal(ty: usize, name: &str) -> u64 {
    xxh3_64_with_seed(name.as_bytes(), ty as u64)
}

/// The hash of what a scope names: two rounds of a multiplication that spreads small numbers.
#[inline]
pub(crate) fn of_scope(principal: u32, action: u32, resource: u32) -> u64 {
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
    let named = (u64::from(principal) << 32 | u64::from(action)).wrapping_mul(SPREAD);
    let named = (named ^ named >> 32 ^ u64::from(resource)).wrapping_mul(SPREAD);
    named >> 32
}
