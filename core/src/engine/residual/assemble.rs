//! From the policies that can match to one condition: some permit holds, no forbid holds, and no forbid fails.

use super::evaluate::Evaluator;
use super::expr::{Comparison, Expr, Operand};
use super::logic::{all, any, not};
use super::partial::Truth;
use super::{Answer, Residual, Unsupported};
use crate::directory::PrincipalRecord;
use crate::engine::decision::Reason;
use crate::engine::index::Keys;
use crate::engine::subject::{Principal, Subject};
use crate::engine::view::View;
use crate::engine::world::{RequestWorld, Wrong};
use crate::engine::{Engine, Request};
use crate::model::Timestamp;
use crate::schema::Value;
use crate::store::record::{FORBIDS, NONE, PRINCIPAL_EXACTLY, PolicyRecord, RESOURCE_EXACTLY};
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

impl Engine {
    /// For which resources of a type a principal of the snapshot is allowed an action. Of the request's resource the
    /// type alone counts: its id and attributes are what is not known.
    pub fn residual(&self, request: &Request, now: Timestamp) -> Residual {
        self.residual_for(self.row(&request.principal.r#type, &request.principal.id), request, now)
    }

    /// The same for a principal that the caller has; without one, the principal is unknown.
    pub fn residual_with(&self, principal: Option<&PrincipalRecord>, request: &Request, now: Timestamp) -> Residual {
        self.residual_for(principal.map(Principal::Record), request, now)
    }

    fn residual_for(&self, principal: Option<Principal<'_>>, request: &Request, now: Timestamp) -> Residual {
        let view = self.view();
        // Of no resource, so that nothing of it is known.
        let mut request = request.clone();
        (request.resource.id, request.resource_attributes) = (String::new(), Some(Map::new()));
        let borrowed = request.as_ref();
        let (principal, asked) = match view.standing(principal, &borrowed) {
            Ok(standing) => standing,
            Err((_, reason)) => return Residual::never(&request.resource.r#type, reason, None),
        };
        let wrong = |wrong: Wrong| Residual::never(&request.resource.r#type, Reason::WrongType, Some(wrong.0));
        let mut subject = Subject::default();
        if let Err(error) = subject.read(view, principal, now) {
            return wrong(error);
        }
        let mut world = RequestWorld::new(view, &subject, asked, &borrowed, now);
        if let Err(error) = world.read() {
            return wrong(error);
        }
        let Some(ty) = view.schema.types.get(&request.resource.r#type) else {
            return Residual::never(&request.resource.r#type, Reason::UnknownType, None);
        };
        let evaluator = Evaluator {
            program: &view.policies.program,
            world: &world,
            view,
            subject: &subject,
            ty: &request.resource.r#type,
            attributes: &ty.attributes,
            now,
            unknowns: vec![],
        };
        let keys = Keys { principals: &subject.keys, actions: &asked.keys, resources: &named(view) };
        Assembly { evaluator, conditions: BTreeMap::new() }.residual(keys)
    }
}

/// The entities that scopes name as resources. Which resources they are is for the policy's condition to say.
fn named(view: &View<'_>) -> Vec<u32> {
    if !view.policies.index.names_resources() {
        return vec![];
    }
    let named: BTreeSet<u32> = view.policies.records.iter().map(|policy| policy.resource.get()).collect();
    named.into_iter().filter(|resource| *resource != NONE).collect()
}

struct Assembly<'e, 's, 'a> {
    evaluator: Evaluator<'e, 's, 'a>,
    /// What was evaluated, by node: many policies share one condition.
    conditions: BTreeMap<u32, Truth>,
}

impl<'a> Assembly<'_, '_, 'a> {
    fn residual(mut self, keys: Keys<'_>) -> Residual {
        let view: &'a View<'a> = self.evaluator.view;
        let policies = &view.policies;
        let mut candidates: BTreeMap<u32, &PolicyRecord> = BTreeMap::new();
        let _ = policies.index.visit(&policies.records, keys, &mut |_, number, policy| {
            candidates.insert(number, policy);
            ControlFlow::Continue(())
        });
        let (mut permits, mut forbids, mut doubts) = (vec![], vec![], vec![]);
        for (number, policy) in candidates {
            let scope = self.scope(policy);
            if scope.is_false() {
                continue;
            }
            let truth = match policy.condition.get() {
                NONE => Truth::certain(Expr::TRUE),
                condition => match self.conditions.get(&condition) {
                    Some(known) => known.clone(),
                    None => {
                        let truth = self.evaluator.condition(condition);
                        self.conditions.insert(condition, truth.clone());
                        truth
                    }
                },
            };
            let forbidding = policy.flags.get() & FORBIDS != 0;
            // A forbid that fails denies as well, where something permits.
            let counts = if forbidding { any([truth.yes, truth.fails]) } else { truth.yes };
            let counts = all([scope, counts]);
            doubts.extend(unknowns(&counts).into_iter().map(|unknown| (unknown, number)));
            if forbidding { forbids.push(counts) } else { permits.push(counts) }
        }
        let condition = all([any(permits), not(any(forbids))]);
        let open = unknowns(&condition);
        let mut unsupported: Vec<Unsupported> = doubts
            .into_iter()
            .filter(|(unknown, _)| open.contains(unknown))
            .map(|(unknown, policy)| Unsupported {
                policy: view.policy_id(policy).to_owned(),
                what: self.evaluator.unknowns.get(unknown as usize).copied().unwrap_or_default().to_owned(),
            })
            .collect();
        unsupported.sort();
        unsupported.dedup();
        // Decided against: a permit gives nothing by what cannot be expressed, a forbid forbids.
        let condition = condition.without(&mut |test| matches!(test, Expr::Unknown(_)));
        let condition = condition.turned(&BTreeSet::new());
        let answer = match condition {
            condition if condition.is_true() => Answer::Always,
            condition if condition.is_false() => Answer::Never,
            condition => Answer::Condition(condition),
        };
        Residual { resource_type: self.evaluator.ty.to_owned(), answer, reason: None, at: None, unsupported }
    }

    /// What a policy's scope asks beyond what the index found it by.
    fn scope(&self, policy: &PolicyRecord) -> Expr {
        let Evaluator { view, subject, ty, .. } = self.evaluator;
        let flags = policy.flags.get();
        let of_type = |found: &str, ty: u32| ty == NONE || view.store.texts.get(ty) == found;
        let principal = view.store.entity_key(policy.principal.get());
        let exactly = flags & PRINCIPAL_EXACTLY == 0 || principal == (subject.ty, subject.id);
        if !exactly || !of_type(subject.ty, policy.principal_type.get()) || !of_type(ty, policy.resource_type.get()) {
            return Expr::FALSE;
        }
        if policy.resource.get() == NONE {
            return Expr::TRUE;
        }
        let (other, id) = view.store.entity_key(policy.resource.get());
        if flags & RESOURCE_EXACTLY == 0 {
            self.evaluator.known_to_lie_in(Operand::Resource, ty, (other, id))
        } else if other == ty {
            let entity = Value::Entity(other.to_owned(), id.to_owned());
            Expr::Compare(Comparison::Equal, Operand::Resource, Operand::Value(entity))
        } else {
            Expr::FALSE
        }
    }
}

/// The numbers of what cannot be expressed.
fn unknowns(condition: &Expr) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    condition.tests(&mut |test| {
        if let Expr::Unknown(number) = test {
            found.insert(*number);
        }
    });
    found
}
