//! The drop-in: Cedar's own types in and out, our programs and index between.

use super::program::{CompileError, Compiler};
use super::world::CedarWorld;
use crate::engine::index::{ANY, Index, Key};
use crate::engine::program::{NodeId, Program, holds};
use cedar_policy::pst::{ActionConstraint, EntityOrSlot, PrincipalConstraint, ResourceConstraint};
use cedar_policy::{Authorizer, Decision, Effect, Entities, Policy, PolicyId, PolicySet, Request, Response};
use cedar_policy_core::ast;
use rustc_hash::FxHashMap;
use std::collections::HashSet;

/// A policy set that is compiled once and then decides with the cost of its candidates alone.
///
/// A drop-in for [`cedar_policy::Authorizer`]: the same decision, determining policies and erroring
/// policies, always. Cedar's own rule for errors holds: a policy that fails does not count.
#[derive(Debug, Clone)]
pub struct CompiledPolicySet {
    program: Program,
    constants: Vec<ast::EntityUID>,
    types: Vec<ast::EntityType>,
    /// The constants that scopes name.
    keys: FxHashMap<ast::EntityUID, Key>,
    policies: Vec<Compiled>,
    index: Index,
}

#[derive(Debug, Clone)]
struct Compiled {
    policy: Policy,
    effect: Effect,
    principal: Scope,
    resource: Scope,
    condition: Option<NodeId>,
}

/// What a scope asks of an entity beyond what the index found it by.
#[derive(Debug, Clone, Copy, Default)]
struct Scope {
    /// The entity must be this one, not only lie in it.
    is_exactly: Option<u32>,
    /// The entity's type must be this one.
    is_of_type: Option<u32>,
}

impl CompiledPolicySet {
    /// Compiles static policies and linked templates.
    ///
    /// # Errors
    /// A policy that is open, too deep, or of a later version of the language.
    pub fn new(set: &PolicySet) -> Result<Self, CompileError> {
        let mut compiler = Compiler::default();
        let mut index = Index::default();
        let mut policies = vec![];
        let mut named: HashSet<Key> = HashSet::new();
        for policy in set.policies() {
            let pst = policy.to_pst().map_err(|error| CompileError::Policies(error.to_string()))?;
            let linked;
            let body = match &pst {
                cedar_policy::pst::Policy::Linked(link) => {
                    linked = link.into_static_policy().map_err(|error| CompileError::Policies(error.to_string()))?;
                    linked.body()
                }
                cedar_policy::pst::Policy::Static(policy) => policy.body(),
            };
            let position = u32::try_from(policies.len()).map_err(|_| CompileError::TooLarge)?;
            let (principal, principal_key) = compiler.principal(&body.principal)?;
            let (resource, resource_key) = compiler.resource(&body.resource)?;
            let action_keys = match &body.action {
                ActionConstraint::Any => vec![ANY],
                ActionConstraint::Eq(action) => vec![compiler.entity(action)?],
                ActionConstraint::In(actions) => {
                    actions.iter().map(|action| compiler.entity(action)).collect::<Result<_, _>>()?
                }
            };
            let exact_action = match &body.action {
                ActionConstraint::Eq(action) => Some(compiler.entity(action)?),
                _ => None,
            };
            for action in &action_keys {
                index.insert(principal_key, *action, resource_key, position);
            }
            named.extend(action_keys.into_iter().chain([principal_key, resource_key]).filter(|key| *key != ANY));
            let condition = compiler.clauses(body)?;
            let condition = match exact_action {
                // The index finds by what an action lies in too; the action must be this one itself.
                Some(action) => Some(compiler.action_is(action, condition)?),
                None => condition,
            };
            policies.push(Compiled { effect: policy.effect(), policy: policy.clone(), principal, resource, condition });
        }
        let constants: Vec<ast::EntityUID> = compiler.entities.into_iter().map(Into::into).collect();
        let keys = (0..).zip(&constants).filter(|(key, _)| named.contains(key));
        Ok(Self {
            keys: keys.map(|(key, uid)| (uid.clone(), key)).collect(),
            program: compiler.program,
            types: compiler.types.into_iter().map(Into::into).collect(),
            constants,
            policies,
            index,
        })
    }

    /// Decides a request.
    pub fn is_authorized(&self, request: &Request, entities: &Entities) -> Response {
        let Some(world) = CedarWorld::new(request, entities, &self.constants, &self.types) else {
            // A request of partial evaluation: only Cedar itself knows what to say.
            return Authorizer::new().is_authorized(request, &self.all(), entities);
        };
        let mut found = vec![];
        self.index.candidates(
            &self.keys_of(&world, world.principal),
            &self.keys_of(&world, world.action),
            &self.keys_of(&world, world.resource),
            &mut found,
        );
        let (mut permits, mut forbids, mut failed) = (vec![], vec![], vec![]);
        for position in found {
            let Some(compiled) = self.policies.get(position as usize) else { continue };
            if !self.in_scope(&world, compiled) {
                continue;
            }
            match compiled.condition.map_or(Ok(true), |condition| holds(&self.program, &world, condition)) {
                Ok(false) => {}
                Ok(true) if compiled.effect == Effect::Forbid => forbids.push(compiled),
                Ok(true) => permits.push(compiled),
                Err(_) => failed.push(compiled),
            }
        }
        let (decision, determining) = match (forbids.is_empty(), permits.is_empty()) {
            (false, _) => (Decision::Deny, forbids),
            (true, false) => (Decision::Allow, permits),
            (true, true) => (Decision::Deny, vec![]),
        };
        let reason: HashSet<PolicyId> = determining.iter().map(|compiled| compiled.policy.id().clone()).collect();
        let errors = if failed.is_empty() { vec![] } else { errors(&failed, request, entities) };
        Response::new(decision, reason, errors)
    }

    /// The keys of an entity and of everything that it lies in, by the shorter of two ways.
    fn keys_of(&self, world: &CedarWorld<'_>, uid: &ast::EntityUID) -> Vec<Key> {
        let own = self.keys.get(uid).copied();
        let Some(entity) = world.entity(uid) else { return own.into_iter().collect() };
        let (_, size) = entity.ancestors().size_hint();
        if size.is_some_and(|size| size <= self.keys.len()) {
            own.into_iter().chain(entity.ancestors().filter_map(|above| self.keys.get(above).copied())).collect()
        } else {
            let above = self.keys.iter().filter(|(named, _)| entity.is_descendant_of(named)).map(|(_, key)| *key);
            own.into_iter().chain(above).collect()
        }
    }

    fn in_scope(&self, world: &CedarWorld<'_>, compiled: &Compiled) -> bool {
        let fits = |scope: Scope, uid: &ast::EntityUID| {
            scope.is_exactly.is_none_or(|constant| self.constants.get(constant as usize) == Some(uid))
                && scope.is_of_type.is_none_or(|ty| self.types.get(ty as usize) == Some(uid.entity_type()))
        };
        fits(compiled.principal, world.principal) && fits(compiled.resource, world.resource)
    }

    fn all(&self) -> PolicySet {
        PolicySet::from_policies(self.policies.iter().map(|compiled| compiled.policy.clone())).unwrap_or_default()
    }
}

/// Cedar's errors have no public constructor, so Cedar makes them: it is asked again, for these policies alone.
fn errors(failed: &[&Compiled], request: &Request, entities: &Entities) -> Vec<cedar_policy::AuthorizationError> {
    let mut set = PolicySet::new();
    for compiled in failed {
        // A linked policy is part of a set through its template only; as a static policy it says the same.
        let policy = as_static(&compiled.policy).unwrap_or_else(|| compiled.policy.clone());
        let _ = set.add(policy);
    }
    Authorizer::new().is_authorized(request, &set, entities).diagnostics().errors().cloned().collect()
}

fn as_static(policy: &Policy) -> Option<Policy> {
    match policy.to_pst().ok()? {
        cedar_policy::pst::Policy::Linked(link) => {
            let policy = link.into_static_policy().ok()?;
            Policy::from_pst(cedar_policy::pst::Policy::Static(policy)).ok()
        }
        cedar_policy::pst::Policy::Static(_) => None,
    }
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
        ty: Option<&cedar_policy::pst::EntityType>,
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
