//! Generated policies: every form of scope, several clauses, templates with links.

use super::{
    entities::Cast,
    expression::Generator,
    rng::Rng,
    world::{ACTIONS, GROUPS, Kind, PRINCIPALS, RESOURCES, Uid, entity_type},
};
use cedar_policy::pst::{
    ActionConstraint, Clause, Effect, EntityOrSlot, PrincipalConstraint, ResourceConstraint, SlotId, SmolStr, Template,
    TemplateLink,
};
use std::{collections::HashMap, sync::Arc};

/// How a policy's scope is chosen.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// In so many of a hundred places the scope says nothing.
    pub open: usize,
    /// Whether slots may stand in it.
    pub slots: bool,
}

enum Form {
    Any,
    Eq(EntityOrSlot),
    In(EntityOrSlot),
    Is(u8),
    IsIn(u8, EntityOrSlot),
}

fn form(rng: &mut Rng, cast: &Cast, scope: Scope, slot: SlotId, own: &[Uid], types: &[u8]) -> Form {
    let wants_slot = scope.slots && rng.chance(60);
    if !wants_slot && rng.chance(scope.open) {
        return Form::Any;
    }
    let ty = if rng.chance(80) { rng.pick(own).ty } else { *rng.pick(types) };
    let one = |rng: &mut Rng, of: &[Uid], types: &[u8]| {
        if wants_slot {
            EntityOrSlot::Slot(slot)
        } else if rng.chance(80) {
            EntityOrSlot::Entity(rng.pick(of).pst())
        } else {
            EntityOrSlot::Entity(Uid::any(rng, types).pst())
        }
    };
    match rng.below(if wants_slot { 9 } else { 12 }) {
        0..=2 => Form::Eq(one(rng, own, types)),
        3..=5 => Form::In(one(rng, &cast.groups, GROUPS)),
        6 => Form::In(one(rng, own, types)),
        7..=8 => Form::IsIn(ty, one(rng, &cast.groups, GROUPS)),
        _ => Form::Is(ty),
    }
}

fn action(rng: &mut Rng, cast: &Cast, open: usize) -> ActionConstraint {
    let one = |rng: &mut Rng| {
        if rng.chance(85) { rng.pick(&cast.actions).pst() } else { Uid::any(rng, ACTIONS).pst() }
    };
    match rng.below(100) {
        chance if chance < open => ActionConstraint::Any,
        chance if chance % 5 < 2 => ActionConstraint::Eq(one(rng)),
        chance if chance % 5 < 4 => {
            let many = rng.between(1, 3);
            ActionConstraint::In((0..many).map(|_| one(rng)).collect())
        }
        _ => {
            let many = if rng.chance(10) { 0 } else { rng.between(1, 6) };
            ActionConstraint::In((0..many).map(|_| one(rng)).collect())
        }
    }
}

/// A policy, or where the scope may have slots mostly a template.
pub fn policy(rng: &mut Rng, cast: &Cast, id: &str, scope: Scope, forbid: usize) -> Template {
    let effect = if rng.chance(forbid) { Effect::Forbid } else { Effect::Permit };
    let principal = match form(rng, cast, scope, SlotId::Principal, &cast.principals, PRINCIPALS) {
        Form::Any => PrincipalConstraint::Any,
        Form::Eq(one) => PrincipalConstraint::Eq(one),
        Form::In(one) => PrincipalConstraint::In(one),
        Form::Is(ty) => PrincipalConstraint::Is(entity_type(ty)),
        Form::IsIn(ty, one) => PrincipalConstraint::IsIn(entity_type(ty), one),
    };
    let action = action(rng, cast, scope.open + 10);
    let resource = match form(rng, cast, scope, SlotId::Resource, &cast.resources, RESOURCES) {
        Form::Any => ResourceConstraint::Any,
        Form::Eq(one) => ResourceConstraint::Eq(one),
        Form::In(one) => ResourceConstraint::In(one),
        Form::Is(ty) => ResourceConstraint::Is(entity_type(ty)),
        Form::IsIn(ty, one) => ResourceConstraint::IsIn(entity_type(ty), one),
    };
    let clauses: Vec<Clause> = (0..*rng.pick(&[0, 0, 1, 1, 1, 1, 1, 2, 2, 3]))
        .map(|_| {
            let depth = *rng.pick(&[1, 1, 2, 2, 2, 3, 3, 4]);
            let condition = Arc::new(Generator { rng, cast }.any(Kind::Bool, depth));
            if rng.chance(75) { Clause::When(condition) } else { Clause::Unless(condition) }
        })
        .collect();
    Template::new(id, effect, principal, action, resource).try_with_clauses(clauses).expect("no slot in a clause")
}

/// A link of a template, with somebody in each of its slots.
pub fn link(rng: &mut Rng, cast: &Cast, template: &Template, id: &str) -> TemplateLink {
    let mut values = HashMap::new();
    let mut slots: Vec<SlotId> = template.slots().into_iter().collect();
    slots.sort();
    for slot in slots {
        let own = if slot == SlotId::Principal { &cast.principals } else { &cast.resources };
        let uid = match rng.below(10) {
            0..=4 => *rng.pick(own),
            5..=8 => *rng.pick(&cast.groups),
            _ => cast.uid(rng),
        };
        values.insert(slot, uid.pst());
    }
    TemplateLink { template_id: template.id.clone(), new_id: SmolStr::from(id).as_str().into(), values }
}
