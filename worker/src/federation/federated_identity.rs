//! Who users are elsewhere: `/v1/federated-identities`. Whoever the issuer says is `external_id` is the user here.

use parapet::Finding;
use parapet::model::FederatedIdentity;

use crate::administration::{Collection, Edit, ListOf, Plan};
use crate::error::ApiError;

impl ListOf for FederatedIdentity {
    const PATH: &'static str = "/v1/federated-identities";
    const READ: &'static str = "federated_identity.read";
    const FILTERS: &'static [&'static str] = &["user_id", "identity_provider_id"];
    const SELECTIVE: &'static [&'static str] = &["user_id", "identity_provider_id"];
}

impl Collection for FederatedIdentity {
    const ITEM: &'static str = "/v1/federated-identities/{id}";
    const WRITE: &'static str = "federated_identity.write";
    const GIVEN: &'static [&'static str] = &["attributes", "last_sync_at"];
    const FIXED: &'static [&'static str] = &["user_id", "identity_provider_id"];
    const EVENTS: [&'static str; 3] = ["linked", "updated", "unlinked"];

    /// Whoever is linked acts as the user, so it is an owner's, whatever a role says.
    fn rules(_edit: &Edit<'_, Self>, plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        plan.facts().needs_owner = true;
        Ok(())
    }
}
