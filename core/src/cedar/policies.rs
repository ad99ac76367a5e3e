//! From Cedar policies to compiled ones: scopes into the index, conditions into one program.

use super::program::{CompileError, Compiler};
use crate::engine::index::{ANY, Index, Key};
use crate::engine::policies::Policies;
use crate::engine::program::NodeId;
use crate::store::record::{ASKS_MORE, FORBIDS, IndexRecord, NONE, PRINCIPAL_EXACTLY, PolicyRecord, RESOURCE_EXACTLY};
use cedar_policy::Policy;
use cedar_policy::pst::{
    self, ActionConstraint, EntityOrSlot, EntityType, PrincipalConstraint, ResourceConstraint, Template,
};
use std::borrow::Cow;

/// Compiles policies one by one.
#[derive(Default)]
pub(crate) struct PoliciesBuilder {
    /// What compiles their expressions.
    pub compiler: Compiler,
    records: Vec<PolicyRecord>,
    index: Vec<IndexRecord>,
}

/// The half of a scope that is about the principal, or about the resource.
#[derive(Clone, Copy)]
struct Scope {
    entity: Key,
    exactly: bool,
    ty: u32,
}

impl PoliciesBuilder {
    /// Adds a policy behind the others, under the number of a text as its id; gives its condition.
    ///
    /// # Errors
    /// A policy that is open, too deep, or of a later version of the language.
    pub(crate) fn add(&mut self, id: u32, body: &Template) -> Result<Option<NodeId>, CompileError> {
        let compiler = &mut self.compiler;
        let number = u32::try_from(self.records.len()).map_err(|_| CompileError::TooLarge)?;
        let (principal, resource) = (compiler.principal(&body.principal)?, compiler.resource(&body.resource)?);
        let mut condition = compiler.clauses(body)?;
        let mut insert = |action: Key| self.index.push(IndexRecord { action: action.into(), policy: number.into() });
        match &body.action {
            ActionConstraint::Any => insert(ANY),
            ActionConstraint::In(actions) => {
                for action in actions {
                    insert(compiler.entity(action)?);
                }
            }
            ActionConstraint::Eq(action) => {
                // The index finds by what an action lies in too; the action must be this one itself.
                let action = compiler.entity(action)?;
                condition = Some(compiler.action_is(action, condition)?);
                insert(action);
            }
        }
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        let flags = flag(body.effect == pst::Effect::Forbid, FORBIDS)
            | flag(principal.exactly, PRINCIPAL_EXACTLY)
            | flag(resource.exactly, RESOURCE_EXACTLY);
        let mut record = PolicyRecord {
            id: id.into(),
            principal: principal.entity.into(),
            resource: resource.entity.into(),
            principal_type: principal.ty.into(),
            resource_type: resource.ty.into(),
            condition: condition.unwrap_or(NONE).into(),
            flags: flags.into(),
        };
        record.flags = (flags | flag(record.asks_more(), ASKS_MORE)).into();
        self.records.push(record);
        Ok(condition)
    }

    /// The compiled policies; beside them the compiler with the entities and texts that they name, and the positions at
    /// which the records of the index were added.
    pub(crate) fn build(self) -> (Policies<'static>, Compiler, Vec<u32>) {
        let (index, order) = Index::build(&self.index, &self.records);
        let mut compiler = self.compiler;
        let program = std::mem::take(&mut compiler.program);
        (Policies::new(program, Cow::Owned(self.records), index), compiler, order)
    }
}

/// A bit an entity: whether a scope names it.
pub(crate) fn named(policies: &Policies<'_>, entities: usize) -> Vec<bool> {
    let mut named = vec![false; entities];
    let scopes = policies.records.iter().flat_map(|policy| [policy.principal, policy.resource]);
    for entity in scopes.chain(policies.index.records().iter().map(|grant| grant.action)) {
        if let Some(named) = named.get_mut(entity.get() as usize) {
            *named = true;
        }
    }
    named
}

/// A policy's body, with the slots of a linked template filled.
pub(crate) fn body(policy: &Policy) -> Result<Template, CompileError> {
    let unreadable = |error: pst::PstConstructionError| CompileError::Policies(error.to_string());
    Ok(match policy.to_pst().map_err(unreadable)? {
        pst::Policy::Static(policy) => policy.body().clone(),
        pst::Policy::Linked(link) => link.into_static_policy().map_err(unreadable)?.body().clone(),
    })
}

impl Compiler {
    fn principal(&mut self, constraint: &PrincipalConstraint) -> Result<Scope, CompileError> {
        match constraint {
            PrincipalConstraint::Any => Ok(Scope { entity: ANY, exactly: false, ty: NONE }),
            PrincipalConstraint::Eq(uid) => self.scope(None, Some(uid), true),
            PrincipalConstraint::In(uid) => self.scope(None, Some(uid), false),
            PrincipalConstraint::Is(ty) => self.scope(Some(ty), None, false),
            PrincipalConstraint::IsIn(ty, uid) => self.scope(Some(ty), Some(uid), false),
        }
    }

    fn resource(&mut self, constraint: &ResourceConstraint) -> Result<Scope, CompileError> {
        match constraint {
            ResourceConstraint::Any => Ok(Scope { entity: ANY, exactly: false, ty: NONE }),
            ResourceConstraint::Eq(uid) => self.scope(None, Some(uid), true),
            ResourceConstraint::In(uid) => self.scope(None, Some(uid), false),
            ResourceConstraint::Is(ty) => self.scope(Some(ty), None, false),
            ResourceConstraint::IsIn(ty, uid) => self.scope(Some(ty), Some(uid), false),
        }
    }

    fn scope(
        &mut self,
        ty: Option<&EntityType>,
        uid: Option<&EntityOrSlot>,
        exactly: bool,
    ) -> Result<Scope, CompileError> {
        let ty = ty.map(|ty| self.entity_type(ty)).transpose()?.unwrap_or(NONE);
        let entity = match uid {
            None => ANY,
            Some(EntityOrSlot::Entity(uid)) => self.entity(uid)?,
            Some(EntityOrSlot::Slot(_)) => return Err(CompileError::Open("template slot")),
        };
        Ok(Scope { entity, exactly, ty })
    }
}
