//! `cedar-policy`: one policy a grant, all of them before the authorizer; and sliced, with a hash index in front.

use crate::Peer;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicySet, Request,
    RestrictedExpression,
};
use parapet_bench::tenant::{action_name, department_of, role_id, user_id};
use parapet_bench::{Asked, Tenant};
use std::collections::{HashMap, HashSet};

/// Users by their ids, each with its department and its roles' ids.
type Users = HashMap<String, (&'static str, Vec<String>)>;

/// What both ways have in common.
struct Asker {
    authorizer: Authorizer,
    users: Users,
    types: HashMap<String, EntityTypeName>,
}

/// The parts of a question.
struct Question {
    request: Request,
    entities: Entities,
}

impl Asker {
    fn new(users: Users) -> Self {
        let names = ["User", "Role", "Action"].map(str::to_owned).into_iter();
        let names = names.chain((0..parapet_bench::tenant::TYPES).map(|number| format!("type{number}")));
        let types = names.map(|name| (name.clone(), name.parse().unwrap())).collect();
        Self { authorizer: Authorizer::new(), users, types }
    }

    fn uid(&self, kind: &str, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.types[kind].clone(), EntityId::new(id))
    }

    /// Cedar's own request and entities: the user with its roles, and the resource.
    fn question(&self, asked: &Asked) -> Question {
        let (department, roles) = &self.users[&asked.user];
        let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
        let (user, resource) = (self.uid("User", &asked.user), self.uid(&asked.resource_type, &asked.resource));
        let roles: HashSet<EntityUid> = roles.iter().map(|role| self.uid("Role", role)).collect();
        let attributes = HashMap::from([("department".to_owned(), text(department))]);
        let principal = Entity::new(user.clone(), attributes, roles).unwrap();
        let owner = RestrictedExpression::new_entity_uid(self.uid("User", &asked.owner));
        let attributes =
            HashMap::from([("owner".to_owned(), owner), ("department".to_owned(), text(asked.department))]);
        let object = Entity::new(resource.clone(), attributes, HashSet::new()).unwrap();
        let action = self.uid("Action", &asked.action_name());
        Question {
            request: Request::new(user, action, resource, Context::empty(), None).unwrap(),
            entities: Entities::from_entities([principal, object], None).unwrap(),
        }
    }

    fn allows(&self, question: &Question, policies: &PolicySet) -> bool {
        self.authorizer.is_authorized(&question.request, policies, &question.entities).decision() == Decision::Allow
    }
}

fn users(tenant: &Tenant) -> Users {
    let of = |roles: &Vec<usize>| roles.iter().map(|role| role_id(*role)).collect();
    let users = tenant.roles_of.iter().enumerate();
    users.map(|(user, roles)| (user_id(user), (department_of(user), of(roles)))).collect()
}

/// All policies before the authorizer.
pub struct Plain {
    asker: Asker,
    policies: PolicySet,
}

impl Peer for Plain {
    type Source = (String, Users);

    fn source(tenant: Tenant) -> Self::Source {
        (tenant.cedar().collect(), users(&tenant))
    }

    fn load((text, users): Self::Source) -> Self {
        Self { asker: Asker::new(users), policies: text.parse().unwrap() }
    }

    fn allows(&mut self, asked: &Asked) -> bool {
        self.asker.allows(&self.asker.question(asked), &self.policies)
    }
}

/// Only the policies before the authorizer whose scope names the action and one of the user's roles.
pub struct Sliced {
    asker: Asker,
    /// By role, then by action: a set that is asked as it is where it is the only one.
    index: HashMap<String, HashMap<String, PolicySet>>,
    none: PolicySet,
}

impl Peer for Sliced {
    /// Role, action, policy.
    type Source = (Vec<(String, String, String)>, Users);

    fn source(tenant: Tenant) -> Self::Source {
        let scopes = tenant.grants.iter().map(|(role, action, _)| (role_id(*role), action_name(*action)));
        let policies = scopes.zip(tenant.cedar()).map(|((role, action), policy)| (role, action, policy));
        (policies.collect(), users(&tenant))
    }

    fn load((policies, users): Self::Source) -> Self {
        let mut index: HashMap<String, HashMap<String, PolicySet>> = HashMap::new();
        for (number, (role, action, text)) in policies.into_iter().enumerate() {
            let policy = Policy::parse(Some(cedar_policy::PolicyId::new(number.to_string())), text).unwrap();
            index.entry(role).or_default().entry(action).or_default().add(policy).unwrap();
        }
        Self { asker: Asker::new(users), index, none: PolicySet::new() }
    }

    fn allows(&mut self, asked: &Asked) -> bool {
        let action = asked.action_name();
        let roles = self.asker.users[&asked.user].1.iter();
        let found: Vec<&PolicySet> = roles.filter_map(|role| self.index.get(role)?.get(&action)).collect();
        let question = self.asker.question(asked);
        match found[..] {
            [] => self.asker.allows(&question, &self.none),
            [one] => self.asker.allows(&question, one),
            _ => {
                let policies = found.into_iter().flat_map(PolicySet::policies).cloned();
                self.asker.allows(&question, &PolicySet::from_policies(policies).unwrap())
            }
        }
    }
}
