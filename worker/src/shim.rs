//! Stands in for the engine until it lands.
#![allow(missing_docs, dead_code)]
use parapet::authzen::{Outcome, PolicyError};
use parapet::directory::{EntityRef, PrincipalRecord};
use parapet::snapshot::{SectionKind, SigningKey, Snapshot, SnapshotBuilder};
use parapet::{Finding, TenantDocument, Timestamp};
use serde_json::{Map, Value};

#[derive(Clone)]
pub struct Engine;
impl Engine {
    pub fn new(_: Snapshot) -> Result<Self, String> {
        Ok(Self)
    }
    pub fn decide_with(&self, record: Option<&PrincipalRecord>, _: &Request, _: Timestamp) -> Decision {
        Decision {
            outcome: if record.is_some() { Outcome::NoPermit } else { Outcome::Forbidden },
            reason: None,
            policies: vec![],
            errors: vec![],
        }
    }
}
pub struct Request {
    pub principal: EntityRef,
    pub principal_attributes: Map<String, Value>,
    pub action: String,
    pub action_attributes: Map<String, Value>,
    pub resource: EntityRef,
    pub resource_attributes: Option<Map<String, Value>>,
    pub context: Map<String, Value>,
    pub scopes: Option<Vec<String>>,
}
pub struct Decision {
    pub outcome: Outcome,
    pub reason: Option<String>,
    pub policies: Vec<String>,
    pub errors: Vec<PolicyError>,
}
pub struct Compiled(SnapshotBuilder);
pub fn compile(d: &TenantDocument) -> Result<Compiled, Vec<Finding>> {
    Ok(Compiled(SnapshotBuilder::new(d.tenant.id).section(SectionKind::Cedar, "permit(principal, action, resource);")))
}
impl Compiled {
    pub fn snapshot(&self, version: u64, created: Timestamp, key: &SigningKey) -> Result<Vec<u8>, String> {
        Ok(self.0.build(version, created.as_millis(), key))
    }
}
