//! What is said of issuers that a tenant trusts, and of who users are there.

use parapet::model::{FederatedIdentity, IdentityProvider};
use serde_json::json;

use super::about::About;
use super::schemas::Schemas;
use super::table::table;

const TAG: &str = "Federation";

const USER: &str = "01980000-0000-7000-8000-000000000101";
const PROVIDER: &str = "01980000-0000-7000-8000-000000000601";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let provider = json!({
        "name": "Corporate", "type": "oidc",
        "configuration": { "issuer": "https://login.acme.com", "audiences": ["https://app.acme.com"] },
        "attribute_mapping": { "device_trust": "device_trust" },
    });
    let mut all = table::<IdentityProvider>(schemas, TAG, provider, json!({ "is_active": false }));
    for about in all.iter_mut().filter(|about| about.method == "POST") {
        about.description = Some(
            "An issuer of JSON Web Tokens that say at the gateway who somebody is. `configuration` has `issuer` and \
             `audiences`, and may have `jwks_uri` (else the issuer says where its keys are), `algorithms` (of `RS256`, \
             `PS256`, `ES256`, `EdDSA`) and `subject`: who `sub` is here, `linked` to a user (the default), the `id` of a \
             user or service account, or whoever has the same verified `email`. `attribute_mapping` says which claims \
             fill attributes that `auth/schema` lets a caller fill.",
        );
    }
    let identity = json!({ "user_id": USER, "identity_provider_id": PROVIDER, "external_id": "00u1" });
    all.extend(table::<FederatedIdentity>(schemas, TAG, identity, json!({ "external_id": "00u2" })));
    all
}
