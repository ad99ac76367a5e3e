//! Compiled policies: programs with their scopes, behind the index.

use super::index::{Index, Keys};
use super::program::{Failure, Program, World, holds};
use crate::store::record::{ASKS_MORE, FORBIDS, NONE, PRINCIPAL_EXACTLY, PolicyRecord, RESOURCE_EXACTLY};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// Compiled policies, by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policies<'a> {
    /// The conditions of all policies.
    pub program: Program,
    /// The policies.
    pub records: Cow<'a, [PolicyRecord]>,
    /// From a request to the policies that can match it.
    pub index: Index<'a>,
}

/// The policies that say something of a request, by number, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Satisfied {
    /// Those that permit it.
    pub permits: Numbers,
    /// Those that forbid it.
    pub forbids: Numbers,
    /// Those that could not be evaluated.
    pub failed: Vec<(u32, Failure)>,
}

/// Some policies; seldom many.
pub(crate) type Numbers = SmallVec<[u32; 4]>;

impl Policies<'_> {
    /// Runs the candidates.
    pub(crate) fn run<'a, W: World<'a>>(&self, world: &W, keys: Keys<'_>) -> Satisfied {
        let mut satisfied = Satisfied::default();
        let _ = self.index.visit(&self.records, keys, &mut |_, number, policy| {
            match self.holds(policy, world) {
                Ok(false) => {}
                Ok(true) if policy.flags.get() & FORBIDS != 0 => satisfied.forbids.push(number),
                Ok(true) => satisfied.permits.push(number),
                Err(failure) => satisfied.failed.push((number, failure)),
            }
            ControlFlow::Continue(())
        });
        // One policy may be found in several ways.
        for numbers in [&mut satisfied.permits, &mut satisfied.forbids] {
            if numbers.len() > 1 {
                numbers.sort_unstable();
                numbers.dedup();
            }
        }
        if satisfied.failed.len() > 1 {
            satisfied.failed.sort_unstable_by_key(|(number, _)| *number);
            satisfied.failed.dedup_by_key(|(number, _)| *number);
        }
        satisfied
    }

    /// Whether a policy that the index found holds: the rest of its scope first, then its condition.
    pub(crate) fn holds<'a, W: World<'a>>(&self, policy: &PolicyRecord, world: &W) -> Result<bool, Failure> {
        if policy.flags.get() & ASKS_MORE != 0 && !in_scope(policy, world) {
            return Ok(false);
        }
        match policy.condition.get() {
            NONE => Ok(true),
            condition => holds(&self.program, world, condition),
        }
    }
}

/// What the scope asks beyond what the index found the policy by.
pub(crate) fn in_scope<'a, W: World<'a>>(policy: &PolicyRecord, world: &W) -> bool {
    let flags = policy.flags.get();
    let is_of_type = |entity, ty: u32| ty == NONE || world.is_of_type(entity, ty);
    let is = |entity, constant: u32, exactly: u32| flags & exactly == 0 || world.constant(constant) == entity;
    is_of_type(world.principal(), policy.principal_type.get())
        && is_of_type(world.resource(), policy.resource_type.get())
        && is(world.principal(), policy.principal.get(), PRINCIPAL_EXACTLY)
        && is(world.resource(), policy.resource.get(), RESOURCE_EXACTLY)
}
