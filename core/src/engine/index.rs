//! The index: from a request to the policies that can match it.
//!
//! A policy is found by what its scope names: a principal, an action, a resource, or none of them.
//! It is a sound over-approximation: every policy that can match is a candidate, and a candidate's
//! scope is checked before its condition. Cost depends on the candidates and on what the request's
//! entities lie in, not on the number of policies.

use crate::store::hash::{Buckets, of_scope};
use crate::store::record::{IndexRecord, NONE, PolicyRecord};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// An entity that scopes name, by its number.
pub(crate) type Key = u32;

/// Stands for a scope that names no entity.
pub(crate) const ANY: Key = NONE;

/// What a request can be found by: an entity and everything that it lies in, each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys<'k> {
    pub principals: &'k [Key],
    pub actions: &'k [Key],
    pub resources: &'k [Key],
}

/// From what scopes name to the policies: one record a policy and action that its scope names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index<'a> {
    buckets: Buckets<'a>,
    records: Cow<'a, [IndexRecord]>,
    /// The combinations of named and unnamed parts that there are. What there is none of costs nothing.
    shapes: SmallVec<[u8; 8]>,
    /// The records of policies whose scopes name nothing: candidates of every request.
    everywhere: Box<[u32]>,
}

impl<'a> Index<'a> {
    /// An index that lies in a file.
    pub(crate) fn open(buckets: Buckets<'a>, records: &'a [IndexRecord], policies: &[PolicyRecord]) -> Self {
        Self::of(buckets, Cow::Borrowed(records), policies)
    }

    /// Builds the index of policies, with a record for every action that a policy's scope names. Beside it, the
    /// positions at which the records were given.
    #[cfg(feature = "cedar")]
    pub(crate) fn build(records: &[IndexRecord], policies: &[PolicyRecord]) -> (Index<'static>, Vec<u32>) {
        let hashes: Vec<u64> = records
            .iter()
            .map(|record| {
                let policy = policies.get(record.policy.get() as usize);
                let (principal, resource) =
                    policy.map_or((ANY, ANY), |policy| (policy.principal.get(), policy.resource.get()));
                of_scope(principal, record.action.get(), resource)
            })
            .collect();
        let (buckets, order) = Buckets::build(&hashes);
        let ordered = order.iter().filter_map(|position| records.get(*position as usize)).copied().collect();
        (Index::of(buckets, Cow::Owned(ordered), policies), order)
    }

    fn of(buckets: Buckets<'a>, records: Cow<'a, [IndexRecord]>, policies: &[PolicyRecord]) -> Self {
        let shapes = records.iter().map(|record| shape(record, policies));
        let there = shapes.clone().fold(0, |there, shape| there | 1_u8 << shape);
        let everywhere = (0..).zip(shapes).filter(|(_, shape)| *shape == 0).map(|(position, _)| position).collect();
        let shapes = (1..8).filter(|shape| there & (1 << shape) != 0).collect();
        Self { buckets, records, shapes, everywhere }
    }

    /// Visits the candidates for a request with the position of their records; one may come several times.
    pub(crate) fn visit<'p>(
        &self,
        policies: &'p [PolicyRecord],
        keys: Keys<'_>,
        found: &mut impl FnMut(usize, u32, &'p PolicyRecord) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for (position, number) in self.everywhere() {
            if let Some(policy) = policies.get(number as usize) {
                found(position, number, policy)?;
            }
        }
        self.visit_named(policies, keys, found)
    }

    /// The policies whose scopes name nothing, with the positions of their records: candidates of every request.
    pub(super) fn everywhere(&self) -> impl Iterator<Item = (usize, u32)> {
        let record = |position: &u32| Some((*position as usize, self.records.get(*position as usize)?.policy.get()));
        self.everywhere.iter().filter_map(record)
    }

    /// Visits the candidates whose scopes name something.
    pub(super) fn visit_named<'p>(
        &self,
        policies: &'p [PolicyRecord],
        keys: Keys<'_>,
        found: &mut impl FnMut(usize, u32, &'p PolicyRecord) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for shape in &self.shapes {
            for action in named(keys.actions, shape & 2 != 0) {
                for resource in named(keys.resources, shape & 4 != 0) {
                    for principal in named(keys.principals, shape & 1 != 0) {
                        self.probe(policies, (*principal, *action, *resource), found)?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Visits the policies whose scopes name exactly these.
    #[inline]
    fn probe<'p>(
        &self,
        policies: &'p [PolicyRecord],
        (principal, action, resource): (Key, Key, Key),
        found: &mut impl FnMut(usize, u32, &'p PolicyRecord) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for position in self.buckets.range(of_scope(principal, action, resource)) {
            let Some(record) = self.records.get(position) else { break };
            if record.action.get() != action {
                continue;
            }
            let number = record.policy.get();
            let Some(policy) = policies.get(number as usize) else { continue };
            if policy.principal.get() == principal && policy.resource.get() == resource {
                found(position, number, policy)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether a scope names a resource.
    pub(crate) fn names_resources(&self) -> bool {
        self.shapes.iter().any(|shape| shape & 4 != 0)
    }

    /// The records, in the order of their buckets.
    #[cfg(feature = "cedar")]
    pub(crate) fn records(&self) -> &[IndexRecord] {
        &self.records
    }

    /// The buckets.
    #[cfg(feature = "cedar")]
    pub(crate) fn buckets(&self) -> &Buckets<'a> {
        &self.buckets
    }
}

/// Which parts of a record's scope are named: a bit each.
fn shape(record: &IndexRecord, policies: &[PolicyRecord]) -> u8 {
    let Some(policy) = policies.get(record.policy.get() as usize) else { return 0 };
    let bit = |named: bool, bit: u8| if named { bit } else { 0 };
    let principal = bit(policy.principal.get() != ANY, 1);
    principal | bit(record.action.get() != ANY, 2) | bit(policy.resource.get() != ANY, 4)
}

fn named(keys: &[Key], named: bool) -> &[Key] {
    if named { keys } else { &[ANY] }
}
