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
    #[inline]
    pub(super) fn everywhere(&self) -> impl Iterator<Item = (usize, u32)> {
        let record = |position: &u32| Some((*position as usize, self.records.get(*position as usize)?.policy.get()));
        self.everywhere.iter().filter_map(record)
    }

    /// Visits the candidates whose scopes name something.
    #[inline]
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

#[inline]
fn named(keys: &[Key], named: bool) -> &[Key] {
    if named { keys } else { &[ANY] }
}

#[cfg(all(test, feature = "cedar"))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use zerocopy::FromZeros;

    /// What a scope names: seldom nothing, else one of few, so that requests meet it.
    fn named_or_any() -> impl Strategy<Value = Key> {
        prop_oneof![1 => Just(ANY), 2 => 0_u32..6]
    }

    /// A policy's principal and resource, and the actions that its scope names: one record each.
    type Scope = (Key, Key, Vec<Key>);

    fn scopes() -> impl Strategy<Value = Vec<Scope>> {
        let actions = prop::collection::vec(named_or_any(), 1..4);
        prop::collection::vec((named_or_any(), named_or_any(), actions), 0..40)
    }

    fn keys() -> impl Strategy<Value = Vec<Key>> {
        prop::collection::btree_set(0_u32..6, 0..5).prop_map(|keys| keys.into_iter().collect())
    }

    fn policies(scopes: &[Scope]) -> Vec<PolicyRecord> {
        let policy = |(principal, resource, _): &Scope| PolicyRecord {
            principal: (*principal).into(),
            resource: (*resource).into(),
            ..PolicyRecord::new_zeroed()
        };
        scopes.iter().map(policy).collect()
    }

    fn records(scopes: &[Scope]) -> Vec<IndexRecord> {
        let of = |(number, (_, _, actions)): (u32, &Scope)| -> Vec<IndexRecord> {
            let record = |action: &Key| IndexRecord { action: (*action).into(), policy: number.into() };
            actions.iter().map(record).collect()
        };
        (0..).zip(scopes).flat_map(of).collect()
    }

    proptest! {
        /// The index finds exactly what looking at every record finds, and names the record that it was found by.
        #[test]
        fn it_finds_what_a_scan_finds(scopes in scopes(), principals in keys(), actions in keys(), resources in keys()) {
            let (policies, given) = (policies(&scopes), records(&scopes));
            let (index, order) = Index::build(&given, &policies);
            let opened = Index::open(index.buckets().clone(), index.records(), &policies);
            let meets = |named: Key, keys: &[Key]| named == ANY || keys.contains(&named);
            let scan = order.iter().enumerate().filter_map(|(position, record)| {
                let record = given[*record as usize];
                let policy = &policies[record.policy.get() as usize];
                let met = meets(policy.principal.get(), &principals)
                    && meets(record.action.get(), &actions)
                    && meets(policy.resource.get(), &resources);
                met.then_some((position, record.policy.get()))
            });
            let scan: Vec<(usize, u32)> = scan.collect();
            for index in [&index, &opened] {
                let keys = Keys { principals: &principals, actions: &actions, resources: &resources };
                let mut found = vec![];
                let whole = index.visit(&policies, keys, &mut |position, number, policy| {
                    assert!(std::ptr::eq(policy, &policies[number as usize]));
                    found.push((position, number));
                    ControlFlow::Continue(())
                });
                prop_assert!(whole.is_continue());
                found.sort_unstable();
                prop_assert_eq!(&found, &scan);

                // Whoever has seen enough is not shown more.
                let mut seen = 0;
                let cut = index.visit(&policies, keys, &mut |_, _, _| {
                    seen += 1;
                    ControlFlow::Break(())
                });
                prop_assert_eq!((cut.is_break(), seen), (!scan.is_empty(), usize::from(!scan.is_empty())));
            }
        }
    }
}
