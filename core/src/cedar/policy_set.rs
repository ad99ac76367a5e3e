//! The drop-in: Cedar's own types in and out, our programs and index between.

use super::policies::{PoliciesBuilder, body, named};
use super::program::CompileError;
use super::world::CedarWorld;
use crate::engine::index::{Key, Keys};
use crate::engine::policies::Policies;
use crate::store::record::NONE;
use cedar_policy::{Authorizer, Decision, Entities, Policy, PolicyId, PolicySet, Request, Response, pst};
use cedar_policy_core::ast;
use rustc_hash::FxHashMap;
use std::collections::HashSet;

/// A policy set that is compiled once and then decides with the cost of its candidates alone.
///
/// A drop-in for [`cedar_policy::Authorizer`]: the same decision, determining policies and erroring
/// policies, always. Cedar's own rule for errors holds: a policy that fails does not count.
#[derive(Debug, Clone)]
pub struct CompiledPolicySet {
    given: Vec<Policy>,
    policies: Policies<'static>,
    constants: Vec<ast::EntityUID>,
    texts: Vec<String>,
    /// The constants that scopes name.
    keys: FxHashMap<ast::EntityUID, Key>,
}

impl CompiledPolicySet {
    /// Compiles static policies and linked templates.
    ///
    /// # Errors
    /// A policy that is open, too deep, or of a later version of the language.
    pub fn new(set: &PolicySet) -> Result<Self, CompileError> {
        let given: Vec<Policy> = set.policies().cloned().collect();
        let mut builder = PoliciesBuilder::default();
        for policy in &given {
            // Their ids stay with the policies that were given.
            builder.add(NONE, &body(policy)?)?;
        }
        let (policies, compiler, _) = builder.build();
        let constants: Vec<ast::EntityUID> = compiler.entities.into_iter().map(Into::into).collect();
        let named = named(&policies, constants.len());
        let keys = (0..).zip(&constants).zip(named).filter(|(_, named)| *named);
        Ok(Self {
            keys: keys.map(|((key, uid), _)| (uid.clone(), key)).collect(),
            texts: compiler.texts.into_texts(),
            policies,
            constants,
            given,
        })
    }

    /// Decides a request.
    pub fn is_authorized(&self, request: &Request, entities: &Entities) -> Response {
        let Some(world) = CedarWorld::new(request, entities, &self.constants, &self.texts) else {
            // A request of partial evaluation: only Cedar itself knows what to say.
            return by_cedar(&self.given, request, entities);
        };
        let [principals, actions, resources] =
            [world.principal, world.action, world.resource].map(|uid| self.keys_of(&world, uid));
        let keys = Keys { principals: &principals, actions: &actions, resources: &resources };
        let satisfied = self.policies.run(&world, keys);
        let (decision, determining) = match (satisfied.forbids.is_empty(), satisfied.permits.is_empty()) {
            (false, _) => (Decision::Deny, satisfied.forbids),
            // Where nothing permits either, none determines.
            (true, nothing) => (if nothing { Decision::Deny } else { Decision::Allow }, satisfied.permits),
        };
        let policy = |position: u32| self.given.get(position as usize);
        let reason: HashSet<PolicyId> =
            determining.into_iter().filter_map(policy).map(|policy| policy.id().clone()).collect();
        let errors = if satisfied.failed.is_empty() {
            vec![]
        } else {
            // Cedar's errors have no public constructor, so Cedar makes them, asked for these policies alone.
            let failed: Vec<Policy> =
                satisfied.failed.into_iter().filter_map(|(position, _)| policy(position)).cloned().collect();
            by_cedar(&failed, request, entities).diagnostics().errors().cloned().collect()
        };
        Response::new(decision, reason, errors)
    }

    /// The keys of an entity and of everything that it lies in, by the shorter of two ways.
    fn keys_of(&self, world: &CedarWorld<'_>, uid: &ast::EntityUID) -> Vec<Key> {
        let mut keys: Vec<Key> = self.keys.get(uid).copied().into_iter().collect();
        let Some(entity) = world.entity(uid) else { return keys };
        if entity.ancestors().size_hint().1.is_some_and(|size| size <= self.keys.len()) {
            keys.extend(entity.ancestors().filter_map(|above| self.keys.get(above)));
        } else {
            keys.extend(self.keys.iter().filter(|(named, _)| entity.is_descendant_of(named)).map(|(_, key)| *key));
        }
        keys
    }
}

/// What Cedar itself says to some policies.
fn by_cedar(policies: &[Policy], request: &Request, entities: &Entities) -> Response {
    let mut set = PolicySet::new();
    for policy in policies {
        // A linked policy enters a set through its template only; as a static policy it says the same.
        let fixed = if policy.is_static() { None } else { as_static(policy) };
        let _ = set.add(fixed.unwrap_or_else(|| policy.clone()));
    }
    Authorizer::new().is_authorized(request, &set, entities)
}

fn as_static(policy: &Policy) -> Option<Policy> {
    let fixed = match policy.to_pst().ok()? {
        pst::Policy::Linked(link) => link.into_static_policy().ok()?,
        pst::Policy::Static(fixed) => fixed,
    };
    Policy::from_pst(pst::Policy::Static(fixed)).ok().map(|fixed| fixed.new_id(policy.id().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linked_policy_that_fails_is_reported() {
        let mut set: PolicySet =
            "@id(\"t\") permit(principal in ?principal, action, resource) when { principal };".parse().unwrap();
        let template = set.templates().next().unwrap().id().clone();
        let group: cedar_policy::EntityUid = "Group::\"a\"".parse().unwrap();
        let values = std::collections::HashMap::from([(cedar_policy::SlotId::principal(), group.clone())]);
        set.link(template, PolicyId::new("link"), values).unwrap();
        let request = Request::new(
            group.clone(),
            "Action::\"read\"".parse().unwrap(),
            group,
            cedar_policy::Context::empty(),
            None,
        )
        .unwrap();
        let response = CompiledPolicySet::new(&set).unwrap().is_authorized(&request, &Entities::empty());
        assert_eq!(response.diagnostics().errors().count(), 1);
    }
}
