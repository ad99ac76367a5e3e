//! `casbin`: role-based access with the condition in the matcher; one policy line a grant.

use crate::Peer;
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};
use parapet_bench::tenant::{action_name, department_of, role_id, user_id};
use parapet_bench::{Asked, Tenant};
use pollster::block_on;
use std::collections::HashMap;

/// The cheap comparison comes first.
const MODEL: &str = r#"
[request_definition]
r = sub, act, owner, department, own

[policy_definition]
p = role, act, cond

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.act == p.act && g(r.sub, p.role) && (p.cond == "always" || (p.cond == "owner" && r.owner == r.sub) || (p.cond == "department" && r.department == r.own))
"#;

/// Casbin.
pub struct Casbin {
    enforcer: Enforcer,
    departments: HashMap<String, &'static str>,
}

impl Peer for Casbin {
    /// Policy lines, and the roles of users.
    type Source = (Vec<Vec<String>>, Vec<Vec<String>>);

    fn source(tenant: Tenant) -> Self::Source {
        let grants = tenant.grants.iter();
        let policies =
            grants.map(|(role, action, when)| vec![role_id(*role), action_name(*action), when.name().into()]);
        let users = tenant.roles_of.iter().enumerate();
        let roles = users.flat_map(|(user, roles)| roles.iter().map(move |role| vec![user_id(user), role_id(*role)]));
        (policies.collect(), roles.collect())
    }

    fn load((policies, roles): Self::Source) -> Self {
        let departments = (0..parapet_bench::tenant::USERS).map(|user| (user_id(user), department_of(user))).collect();
        let enforcer = block_on(async {
            let model = DefaultModel::from_str(MODEL).await.unwrap();
            let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.unwrap();
            assert!(enforcer.add_policies(policies).await.unwrap());
            assert!(enforcer.add_grouping_policies(roles).await.unwrap());
            enforcer
        });
        Self { enforcer, departments }
    }

    fn allows(&mut self, asked: &Asked) -> bool {
        let own = self.departments[&asked.user];
        let request = (&asked.user, asked.action_name(), &asked.owner, asked.department, own);
        self.enforcer.enforce(request).unwrap()
    }
}
