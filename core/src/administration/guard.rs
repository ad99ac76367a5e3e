//! The guard of the admin API: `policies/administration.cedar`, decided by our own engine.

use crate::cedar::CompiledPolicySet;
use cedar_policy::{Context, Entities, Entity, EntityTypeName, EntityUid, PolicySet, Request, RestrictedExpression};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

const POLICIES: &str = include_str!("../../../policies/administration.cedar");

/// What a change would do, as the policies ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Whether the actor holds the role `owner` now.
    pub owner: bool,
    /// Whether the actor holds every right that somebody gains by it.
    pub holds: bool,
    /// Whether it touches what decides for everybody: policies, schema, automatic rules.
    pub needs_owner: bool,
    /// Whether the actor's own rights change.
    pub own_rights: bool,
    /// Whether it changes an owner, or who is one.
    pub touches_owner: bool,
    /// Whether the tenant would be left without an owner.
    pub leaves_no_owner: bool,
    /// Whether it changes a role that every tenant begins with.
    pub system_role: bool,
    /// Whether somebody would act in another person's name by it.
    pub in_anothers_name: bool,
}

impl Facts {
    /// A change that gives nobody anything.
    pub fn harmless(owner: bool) -> Self {
        Self {
            owner,
            holds: true,
            needs_owner: false,
            own_rights: false,
            touches_owner: false,
            leaves_no_owner: false,
            system_role: false,
            in_anothers_name: false,
        }
    }
}

/// Why a change is refused: the policy's id, and the same for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The policy's `@id`.
    pub policy: &'static str,
    /// What it keeps.
    pub message: &'static str,
}

const REFUSALS: &[Refusal] = &[
    Refusal { policy: "not_held", message: "this gives rights that you do not hold yourself" },
    Refusal { policy: "needs_owner", message: "this decides for everybody, and needs the role `owner`" },
    Refusal { policy: "own_rights", message: "nobody changes their own rights" },
    Refusal { policy: "touches_owner", message: "only an owner makes, changes or removes an owner" },
    Refusal { policy: "leaves_no_owner", message: "the tenant would be left without an owner" },
    Refusal { policy: "system_role", message: "a role of the system is not changed" },
    Refusal { policy: "in_anothers_name", message: "nobody makes a key that acts as somebody else" },
];

const BROKEN: Refusal = Refusal { policy: "administration", message: "the change could not be judged" };

/// Why `actor` may not make this change to `row` (`<table>/<id>`); nothing where they may.
pub fn refusals(actor: &str, row: &str, facts: Facts) -> Vec<Refusal> {
    let Some(answer) = GUARD.as_ref().and_then(|guard| guard.ask(actor, row, facts)) else { return vec![BROKEN] };
    match answer {
        Answer::Allowed => vec![],
        Answer::Refused(by) => {
            let known: Vec<Refusal> = REFUSALS.iter().filter(|refusal| by.contains(refusal.policy)).copied().collect();
            if known.is_empty() { vec![BROKEN] } else { known }
        }
    }
}

enum Answer {
    Allowed,
    Refused(HashSet<String>),
}

struct Guard {
    policies: CompiledPolicySet,
    /// The `@id` of each policy by the id that parsing gave it.
    names: HashMap<String, String>,
    actor: EntityTypeName,
    row: EntityTypeName,
    action: EntityUid,
}

static GUARD: LazyLock<Option<Guard>> = LazyLock::new(Guard::new);

impl Guard {
    fn new() -> Option<Self> {
        let policies: PolicySet = POLICIES.parse().ok()?;
        let named = policies
            .policies()
            .map(|policy| (policy.id().to_string(), policy.annotation("id").unwrap_or_default().to_owned()));
        let names = named.collect();
        Some(Self {
            policies: CompiledPolicySet::new(&policies).ok()?,
            names,
            actor: "Actor".parse().ok()?,
            row: "Row".parse().ok()?,
            action: r#"Action::"change""#.parse().ok()?,
        })
    }

    fn ask(&self, actor: &str, row: &str, facts: Facts) -> Option<Answer> {
        let uid = |ty: &EntityTypeName, id: &str| {
            EntityUid::from_type_name_and_id(ty.clone(), cedar_policy::EntityId::new(id))
        };
        let (actor, row) = (uid(&self.actor, actor), uid(&self.row, row));
        let owner = HashMap::from([("owner".to_owned(), RestrictedExpression::new_bool(facts.owner))]);
        let entities = [
            Entity::new(actor.clone(), owner, HashSet::new()).ok()?,
            Entity::new_no_attrs(row.clone(), HashSet::new()),
        ];
        let context = [
            ("holds", facts.holds),
            ("needs_owner", facts.needs_owner),
            ("own_rights", facts.own_rights),
            ("touches_owner", facts.touches_owner),
            ("leaves_no_owner", facts.leaves_no_owner),
            ("system_role", facts.system_role),
            ("in_anothers_name", facts.in_anothers_name),
        ];
        let context = context.map(|(name, value)| (name.to_owned(), RestrictedExpression::new_bool(value)));
        let context = Context::from_pairs(context).ok()?;
        let request = Request::new(actor, self.action.clone(), row, context, None).ok()?;
        let entities = Entities::from_entities(entities, None).ok()?;
        let response = self.policies.is_authorized(&request, &entities);
        // A forbid that cannot be evaluated must not let anything pass.
        if response.diagnostics().errors().next().is_some() {
            return None;
        }
        if response.decision() == cedar_policy::Decision::Allow {
            return Some(Answer::Allowed);
        }
        let by = response.diagnostics().reason().filter_map(|id| self.names.get(&id.to_string()).cloned());
        Some(Answer::Refused(by.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedar_policy::{Schema, ValidationMode, Validator};

    #[test]
    fn the_policies_are_valid_and_each_has_a_message() {
        let schema = include_str!("../../../policies/administration.cedarschema");
        let (schema, _) = Schema::from_cedarschema_str(schema).unwrap();
        let policies: PolicySet = POLICIES.parse().unwrap();
        let result = Validator::new(schema).validate(&policies, ValidationMode::Strict);
        assert!(result.validation_passed_without_warnings(), "{result}");
        let mut forbids: Vec<String> = (policies.policies())
            .filter(|policy| policy.effect() == cedar_policy::Effect::Forbid)
            .map(|policy| policy.annotation("id").unwrap().to_owned())
            .collect();
        let mut named: Vec<&str> = REFUSALS.iter().map(|refusal| refusal.policy).collect();
        forbids.sort();
        named.sort_unstable();
        assert_eq!(forbids, named);
    }

    #[test]
    fn each_fact_refuses_as_its_policy_says() {
        let ids = |facts| refusals("a", "role/1", facts).into_iter().map(|refusal| refusal.policy).collect::<Vec<_>>();
        for owner in [false, true] {
            let harmless = Facts::harmless(owner);
            assert_eq!(ids(harmless), Vec::<&str>::new());
            let unless_owner = |policy| if owner { vec![] } else { vec![policy] };
            assert_eq!(ids(Facts { holds: false, ..harmless }), unless_owner("not_held"));
            assert_eq!(ids(Facts { needs_owner: true, ..harmless }), unless_owner("needs_owner"));
            assert_eq!(ids(Facts { touches_owner: true, ..harmless }), unless_owner("touches_owner"));
            assert_eq!(ids(Facts { own_rights: true, ..harmless }), ["own_rights"]);
            assert_eq!(ids(Facts { leaves_no_owner: true, ..harmless }), ["leaves_no_owner"]);
            assert_eq!(ids(Facts { system_role: true, ..harmless }), ["system_role"]);
            assert_eq!(ids(Facts { in_anothers_name: true, ..harmless }), ["in_anothers_name"]);
        }
        let both = Facts { holds: false, own_rights: true, ..Facts::harmless(false) };
        assert_eq!(ids(both), ["not_held", "own_rights"]);
    }
}
