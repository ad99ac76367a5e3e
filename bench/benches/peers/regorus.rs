//! `regorus`, Rego in Rust: the data laid out as an index, the rule compiled for its virtual machine.

use crate::Peer;
use parapet_bench::{Asked, Tenant};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};
use std::collections::BTreeMap;

const RULE: &str = "data.bench.allow";
const POLICY: &str = r#"
package bench

default allow := false

allow if {
    some role in data.users[input.user].roles
    holds(data.grants[role][input.action])
}

holds(when) if when == "always"

holds(when) if {
    when == "owner"
    input.owner == input.user
}

holds(when) if {
    when == "department"
    input.department == data.users[input.user].department
}
"#;

/// Regorus.
pub struct Regorus(RegoVM);

impl Peer for Regorus {
    /// The data, as JSON.
    type Source = String;

    fn source(tenant: Tenant) -> String {
        tenant.data().to_string()
    }

    fn load(data: String) -> Self {
        let mut engine = Engine::new();
        engine.add_policy("bench.rego".to_owned(), POLICY.to_owned()).unwrap();
        let policy = engine.compile_with_entrypoint(&RULE.into()).unwrap();
        let program = Compiler::compile_from_policy(&policy, &[RULE]).unwrap();
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machine.set_data(Value::from_json_str(&data).unwrap()).unwrap();
        Self(machine)
    }

    fn allows(&mut self, asked: &Asked) -> bool {
        let fields = [
            ("user", asked.user.as_str().into()),
            ("action", asked.action_name().into()),
            ("owner", asked.owner.as_str().into()),
            ("department", asked.department.into()),
        ];
        let input: BTreeMap<Value, Value> = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
        self.0.set_input(input.into());
        self.0.execute_entry_point_by_index(0).unwrap() == Value::Bool(true)
    }
}
