//! Explanations in full: with the clauses of conditions, and what would turn the answer.

use super::super::decide::Engine;
use super::super::index::Keys;
use super::super::policies::in_scope;
use super::super::view::View;
use super::super::world::RequestWorld;
use super::super::{Outcome, Reason, Request};
use super::judge::Judge;
use super::suggest::{Advisor, MOST_POLICIES, RoleActions};
use super::trial::Trial;
use super::{Explanation, Missing, MissingWhy};
use crate::compile::Origin;
use crate::directory::{EntityRef, PrincipalRecord};
use crate::model::{Effect, Timestamp};
use crate::schema::ACTION;
use crate::store::record::NONE;
use std::ops::ControlFlow;

impl Engine {
    /// Decides and says why, clause by clause, and what would turn a denial, with a principal that the caller has.
    ///
    /// The work is bounded: the clauses of 64 permits, 64 ways for each condition, and 512 decisions, beside a few walks
    /// over all grants.
    pub fn explain_in_full(
        &self,
        principal: Option<&PrincipalRecord>,
        request: &Request,
        now: Timestamp,
    ) -> Explanation {
        let mut explanation = self.explain_with(principal, request, now);
        let asked = explanation.decision.reason.is_none_or(|reason| reason == Reason::ForbidErrored);
        let Some(principal) = principal.filter(|_| asked) else { return explanation };
        let (view, trial) = (self.view(), Trial::new(principal, request, now));
        let mut judge = Judge::new(self);
        let is_allowed = explanation.decision.outcome == Outcome::Allow;
        let permits = view.satisfied_by(&trial).is_some_and(|satisfied| !satisfied.permits.is_empty());
        if !permits {
            // Where something forbids as well, what would permit is still needed.
            let action = view.store.entity(ACTION, &request.action_name());
            explanation.missing = view.missing(principal, action, &explanation.decision, now);
        }
        view.in_world(&trial, |world, subject| {
            let resources = world.resource_keys();
            let keys = Keys { principals: &subject.keys, actions: world.action_keys(), resources: &resources };
            if !permits {
                explanation.missing.extend(view.nearly(world, keys, &explanation));
            }
            for policy in &mut explanation.policies {
                let Some(number) = view.policy(&policy.policy) else { continue };
                let judged = judge.policy(world, number);
                policy.clauses = judged.map(|judged| judged.decisive()).unwrap_or_default();
                policy.cedar = judge.text(number);
            }
            for missing in explanation.missing.iter_mut() {
                missing.resource = view.other_resource(&missing.policy, &resources);
            }
            let about_this = explanation.missing.iter_mut().filter(|missing| missing.resource.is_none());
            for missing in about_this.take(MOST_POLICIES) {
                let Some(number) = view.policy(&missing.policy) else { continue };
                let judged = judge.policy(world, number).filter(|judged| judged.holds != Ok(true));
                missing.clauses = judged.map(|judged| judged.decisive()).unwrap_or_default();
                missing.cedar = judge.text(number);
            }
        });
        if !is_allowed {
            let (roles, action) = (RoleActions::of(view), request.action_name());
            let advisor = Advisor { engine: self, view, trial: &trial, roles, action };
            explanation.suggestions = advisor.suggestions(&mut judge, &explanation.missing);
        }
        explanation
    }
}

impl View<'_> {
    /// The tenant's own policies that permit this action to this principal, and not under these circumstances.
    fn nearly<'a>(&self, world: &RequestWorld<'_, 'a>, keys: Keys<'_>, explanation: &Explanation) -> Vec<Missing> {
        let mut found: Vec<Missing> = vec![];
        let policies = &self.policies;
        let _ = policies.index.visit(&policies.records, keys, &mut |_, number, policy| {
            let id = self.policy_id(number);
            if self.effect(number) == Effect::Allow
                && in_scope(policy, world)
                && let Some(origin @ Origin::Custom { .. }) = self.store.origin(number)
                && !found.iter().any(|missing| missing.policy == id)
            {
                let failed = explanation.decision.errors.iter().any(|error| error.policy == id);
                let why = if failed { MissingWhy::Error } else { MissingWhy::Condition };
                found.push(Missing::new(id, origin, why, None));
            }
            ControlFlow::Continue(())
        });
        found.sort_unstable_by(|one, other| one.policy.cmp(&other.policy));
        found
    }

    /// The one resource that a policy is for, where it is not among those that the request's is or lies in.
    fn other_resource(&self, policy: &str, resources: &[u32]) -> Option<EntityRef> {
        let policy = self.store.policies.get(self.policy(policy)? as usize)?;
        let named = policy.resource.get();
        let other = named != NONE && !resources.contains(&named);
        other.then(|| self.store.entity_key(named)).map(|(ty, id)| EntityRef::new(ty, id))
    }
}
