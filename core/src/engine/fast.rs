//! The fast way: the snapshot's policies compiled to programs behind the index.

use super::Request;
use super::decision::{Decision, Outcome, PolicyError, Reason};
use super::index::Key;
use super::policies::Policies;
use super::program::NodeId;
use super::world::{EntityKey, Ground, RequestWorld};
use crate::cedar::policies::compile;
use crate::cedar::program::{CompileError, Compiler};
use crate::directory::{Hierarchy, PrincipalRecord};
use crate::model::Timestamp;
use crate::schema::{ACTION, Schema};
use crate::tenant::TenantRecord;
use cedar_policy::PolicySet;
use rustc_hash::FxHashMap;

/// The policies of a snapshot, ready to run.
#[derive(Debug)]
pub(super) struct Fast {
    policies: Policies,
    ids: Vec<String>,
    constants: Vec<(String, String)>,
    types: Vec<String>,
    flags: Vec<Option<NodeId>>,
    /// The constants that scopes name, by type and id.
    keys: FxHashMap<String, FxHashMap<String, Key>>,
}

impl Fast {
    /// Compiles policies, and the conditions of flags beside them.
    pub(super) fn new(set: &PolicySet, tenant: &TenantRecord) -> Result<Self, CompileError> {
        let mut given: Vec<_> = set.policies().collect();
        given.sort_by(|one, other| one.id().cmp(other.id()));
        let mut compiler = Compiler::default();
        let mut flags = vec![];
        for flag in &tenant.flags {
            flags.push(flag.condition.as_deref().map(|condition| compiler.text_expression(condition)).transpose()?);
        }
        let ids = given.iter().map(|policy| policy.id().to_string()).collect();
        let compilation = compile(given.into_iter(), compiler)?;
        let constants: Vec<(String, String)> =
            compilation.entities.into_iter().map(|uid| (uid.ty.to_string(), uid.eid.to_string())).collect();
        let mut keys: FxHashMap<String, FxHashMap<String, Key>> = FxHashMap::default();
        for (key, (ty, id)) in (0..).zip(&constants) {
            if compilation.keys.contains(&key) {
                keys.entry(ty.clone()).or_default().insert(id.clone(), key);
            }
        }
        let types = compilation.types.into_iter().map(|ty| ty.to_string()).collect();
        Ok(Self { policies: compilation.policies, ids, constants, types, flags, keys })
    }

    /// Decides a request of a principal that may ask.
    pub(super) fn decide(
        &self,
        (tenant, schema, hierarchy): (&TenantRecord, &Schema, &Hierarchy),
        principal: &PrincipalRecord,
        request: &Request,
        now: Timestamp,
    ) -> Decision {
        let action = request.action_name();
        let ground = Ground {
            tenant,
            schema,
            hierarchy,
            program: &self.policies.program,
            constants: &self.constants,
            types: &self.types,
            flags: &self.flags,
        };
        let world = match RequestWorld::new(ground, principal, request, &action, now) {
            Ok(world) => world,
            Err(error) => {
                let at = Some(error.way.join("."));
                return Decision { at, ..Decision::without_policies(Outcome::Error, Reason::WrongType) };
            }
        };
        let who = EntityKey { ty: &principal.r#type, id: &principal.id };
        let what = EntityKey { ty: &request.resource.r#type, id: &request.resource.id };
        let principals = self.keys_of([who].iter().chain(world.above_principal()));
        let resources = self.keys_of([what].iter().chain(&world.above_resource()));
        let groups = schema.actions.get(&action).map(|action| &action.groups);
        let groups: Vec<EntityKey<'_>> = groups.into_iter().flatten().map(|id| EntityKey { ty: ACTION, id }).collect();
        let actions = self.keys_of([EntityKey { ty: ACTION, id: &action }].iter().chain(&groups));
        let satisfied = self.policies.run(&world, &principals, &actions, &resources);

        let ids = |positions: Vec<u32>| -> Vec<String> {
            positions.into_iter().filter_map(|position| self.ids.get(position as usize).cloned()).collect()
        };
        let forbids = |position: u32| self.policies.entries.get(position as usize).is_none_or(|entry| entry.forbids);
        let forbid_failed = satisfied.failed.iter().any(|(position, _)| forbids(*position));
        let errors: Vec<PolicyError> = satisfied
            .failed
            .into_iter()
            .filter_map(|(position, failure)| {
                let policy = self.ids.get(position as usize)?.clone();
                Some(PolicyError { policy, message: failure.to_string() })
            })
            .collect();
        let decided = |outcome, positions| Decision {
            outcome,
            reason: None,
            at: None,
            policies: ids(positions),
            errors: errors.clone(),
        };
        match (satisfied.forbids.is_empty(), satisfied.permits.is_empty()) {
            (false, _) => decided(Outcome::Forbidden, satisfied.forbids),
            (true, true) => decided(Outcome::NoPermit, vec![]),
            // Cedar skips a policy that fails; a forbid that was skipped would have let this pass.
            (true, false) if forbid_failed => {
                Decision { errors, ..Decision::without_policies(Outcome::Error, Reason::ForbidErrored) }
            }
            (true, false) => decided(Outcome::Allow, satisfied.permits),
        }
    }

    fn keys_of<'e>(&self, entities: impl Iterator<Item = &'e EntityKey<'e>>) -> Vec<Key> {
        entities.filter_map(|entity| self.keys.get(entity.ty)?.get(entity.id).copied()).collect()
    }
}
