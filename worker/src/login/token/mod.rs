//! Access tokens: what is shown once is exchanged for a token of some minutes, which others verify by themselves.

mod asked;
mod assertion;
mod grant;
mod introspection;
mod issuer;
mod jwks;
pub mod key;
mod revocation;
mod scope;

pub use grant::{API_KEY, CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE};
pub use introspection::SCOPE as INTROSPECT_SCOPE;
pub use issuer::issuer;
pub use revocation::SCOPE as REVOKE_SCOPE;
pub use scope::{ROLES, ROLES_SCOPE};

use crate::guard::Route;

/// `POST /v1/token` and what belongs to it.
pub fn routes() -> Vec<Route> {
    [grant::routes(), introspection::routes(), revocation::routes(), key::routes(), jwks::routes()]
        .into_iter()
        .flatten()
        .collect()
}
