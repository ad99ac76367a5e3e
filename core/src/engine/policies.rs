//! Compiled policies: programs with their scopes, behind the index.

use super::index::{Index, Key};
use super::program::{Failure, NodeId, Program, World, holds};

/// Compiled policies, by position.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policies {
    /// The conditions of all policies.
    pub program: Program,
    /// The policies.
    pub entries: Vec<Entry>,
    /// From a request to the policies that can match it.
    pub index: Index,
}

/// One policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Whether it forbids; it permits otherwise.
    pub forbids: bool,
    /// What it asks of the principal.
    pub principal: Scope,
    /// What it asks of the resource.
    pub resource: Scope,
    /// What else must hold.
    pub condition: Option<NodeId>,
}

/// What a scope asks of an entity beyond what the index found it by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scope {
    /// The entity must be this one, not only lie in it.
    pub is_exactly: Option<u32>,
    /// The entity's type must be this one.
    pub is_of_type: Option<u32>,
}

/// The policies that say something of a request, by position, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Satisfied {
    /// Those that permit it.
    pub permits: Vec<u32>,
    /// Those that forbid it.
    pub forbids: Vec<u32>,
    /// Those that could not be evaluated.
    pub failed: Vec<(u32, Failure)>,
}

impl Policies {
    /// Runs the candidates. Each slice holds the keys of an entity and of everything that it lies in.
    pub(crate) fn run<'a, W: World<'a>>(
        &'a self,
        world: &W,
        principals: &[Key],
        actions: &[Key],
        resources: &[Key],
    ) -> Satisfied {
        let mut satisfied = Satisfied::default();
        let mut candidates = vec![];
        self.index.candidates(principals, actions, resources, &mut candidates);
        for position in candidates {
            let Some(entry) = self.entries.get(position as usize) else { continue };
            if !entry.principal.fits(world, world.principal()) || !entry.resource.fits(world, world.resource()) {
                continue;
            }
            match entry.condition.map_or(Ok(true), |condition| holds(&self.program, world, condition)) {
                Ok(false) => {}
                Ok(true) if entry.forbids => satisfied.forbids.push(position),
                Ok(true) => satisfied.permits.push(position),
                Err(failure) => satisfied.failed.push((position, failure)),
            }
        }
        satisfied
    }
}

impl Scope {
    fn fits<'a, W: World<'a>>(self, world: &W, entity: W::Entity) -> bool {
        self.is_exactly.is_none_or(|constant| world.constant(constant) == entity)
            && self.is_of_type.is_none_or(|ty| world.is_of_type(entity, ty))
    }
}
