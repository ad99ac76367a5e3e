//! Compiled policies: programs with their scopes, behind the index.

use super::index::{Index, Keys};
use super::program::{Failure, Node, Program, World, holds};
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
    /// The policies whose scopes name nothing, which are candidates of every request.
    everywhere: Box<[Guard]>,
}

/// A policy that is a candidate of every request.
#[derive(Debug, Clone, Copy)]
struct Guard {
    policy: u32,
    /// The text of an attribute without which the context cannot satisfy it: its condition asks for that first. Most
    /// guards are about something that most requests do not have, such as a key's scopes.
    asks_first: Option<u32>,
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

impl<'a> Policies<'a> {
    /// Policies with their programs and their index.
    pub(crate) fn new(program: Program, records: Cow<'a, [PolicyRecord]>, index: Index<'a>) -> Self {
        let guard = |(_, policy): (usize, u32)| {
            let condition = records.get(policy as usize)?.condition.get();
            Some(Guard { policy, asks_first: asks_first(&program, condition) })
        };
        let everywhere = index.everywhere().filter_map(guard).collect();
        Self { program, records, index, everywhere }
    }

    /// Runs the candidates.
    pub(crate) fn run<'w, W: World<'w>>(&self, world: &W, keys: Keys<'_>) -> Satisfied {
        let mut satisfied = Satisfied::default();
        let mut run = |number: u32, policy: &PolicyRecord| match self.holds(policy, world) {
            Ok(false) => {}
            Ok(true) if policy.flags.get() & FORBIDS != 0 => satisfied.forbids.push(number),
            Ok(true) => satisfied.permits.push(number),
            Err(failure) => satisfied.failed.push((number, failure)),
        };
        for guard in &self.everywhere {
            if guard.asks_first.is_some_and(|name| world.member(world.context(), name).is_none()) {
                continue;
            }
            if let Some(policy) = self.records.get(guard.policy as usize) {
                run(guard.policy, policy);
            }
        }
        let _ = self.index.visit_named(&self.records, keys, &mut |_, number, policy| {
            run(number, policy);
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
    #[inline]
    pub(crate) fn holds<'w, W: World<'w>>(&self, policy: &PolicyRecord, world: &W) -> Result<bool, Failure> {
        if policy.flags.get() & ASKS_MORE != 0 && !in_scope(policy, world) {
            return Ok(false);
        }
        match policy.condition.get() {
            NONE => Ok(true),
            condition => holds(&self.program, world, condition),
        }
    }
}

/// The attribute that a condition asks the context to have before anything else: `context has x && …`.
fn asks_first(program: &Program, condition: u32) -> Option<u32> {
    let mut node = condition;
    loop {
        match program.node(node).ok()? {
            Node::And(left, _) => node = left,
            Node::HasAttribute(of, name) if program.node(of).ok()? == Node::Context => return Some(name),
            _ => return None,
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
