//! From Cedar policies to compiled ones: scopes into the index, conditions into one program.

use super::program::{CompileError, Compiler};
use crate::engine::index::{ANY, Key};
use crate::engine::policies::{Entry, Policies, Scope};
use cedar_policy::Policy;
use cedar_policy::pst::{
    self, ActionConstraint, EntityOrSlot, EntityType, EntityUID, PrincipalConstraint, ResourceConstraint, Template,
};
use std::collections::BTreeSet;

/// Compiled policies with the constants that they name.
pub(crate) struct Compilation {
    /// The policies, in the order in which they were given.
    pub policies: Policies,
    /// The entities by constant.
    pub entities: Vec<EntityUID>,
    /// The entity types by constant.
    pub types: Vec<EntityType>,
    /// The constants that scopes name.
    pub keys: BTreeSet<Key>,
}

/// Compiles policies, and beside them expressions that stand alone.
///
/// # Errors
/// A policy that is open, too deep, or of a later version of the language.
pub(crate) fn compile<'p>(
    given: impl Iterator<Item = &'p Policy>,
    compiler: Compiler,
) -> Result<Compilation, CompileError> {
    let mut compiler = compiler;
    let mut policies = Policies::default();
    let mut named = BTreeSet::new();
    for policy in given {
        let body = body(policy)?;
        let position = u32::try_from(policies.entries.len()).map_err(|_| CompileError::TooLarge)?;
        let (principal, principal_key) = compiler.principal(&body.principal)?;
        let (resource, resource_key) = compiler.resource(&body.resource)?;
        let mut condition = compiler.clauses(&body)?;
        let actions = match &body.action {
            ActionConstraint::Any => vec![ANY],
            ActionConstraint::In(actions) => {
                actions.iter().map(|action| compiler.entity(action)).collect::<Result<_, _>>()?
            }
            ActionConstraint::Eq(action) => {
                // The index finds by what an action lies in too; the action must be this one itself.
                let action = compiler.entity(action)?;
                condition = Some(compiler.action_is(action, condition)?);
                vec![action]
            }
        };
        for action in &actions {
            policies.index.insert(principal_key, *action, resource_key, position);
        }
        named.extend(actions.into_iter().chain([principal_key, resource_key]).filter(|key| *key != ANY));
        policies.entries.push(Entry { forbids: body.effect == pst::Effect::Forbid, principal, resource, condition });
    }
    policies.program = compiler.program;
    Ok(Compilation { policies, entities: compiler.entities, types: compiler.types, keys: named })
}

/// A policy's body, with the slots of a linked template filled.
fn body(policy: &Policy) -> Result<Template, CompileError> {
    let unreadable = |error: pst::PstConstructionError| CompileError::Policies(error.to_string());
    Ok(match policy.to_pst().map_err(unreadable)? {
        pst::Policy::Static(policy) => policy.body().clone(),
        pst::Policy::Linked(link) => link.into_static_policy().map_err(unreadable)?.body().clone(),
    })
}

impl Compiler {
    fn principal(&mut self, constraint: &PrincipalConstraint) -> Result<(Scope, Key), CompileError> {
        match constraint {
            PrincipalConstraint::Any => Ok((Scope::default(), ANY)),
            PrincipalConstraint::Eq(uid) => self.scope(None, Some(uid), true),
            PrincipalConstraint::In(uid) => self.scope(None, Some(uid), false),
            PrincipalConstraint::Is(ty) => self.scope(Some(ty), None, false),
            PrincipalConstraint::IsIn(ty, uid) => self.scope(Some(ty), Some(uid), false),
        }
    }

    fn resource(&mut self, constraint: &ResourceConstraint) -> Result<(Scope, Key), CompileError> {
        match constraint {
            ResourceConstraint::Any => Ok((Scope::default(), ANY)),
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
    ) -> Result<(Scope, Key), CompileError> {
        let is_of_type = ty.map(|ty| self.entity_type(ty)).transpose()?;
        let key = match uid {
            None => None,
            Some(EntityOrSlot::Entity(uid)) => Some(self.entity(uid)?),
            Some(EntityOrSlot::Slot(_)) => return Err(CompileError::Open("template slot")),
        };
        Ok((Scope { is_exactly: key.filter(|_| exactly), is_of_type }, key.unwrap_or(ANY)))
    }
}
