//! Who issues the tokens of a tenant.

use crate::app::Config;
use crate::request::Request;

/// The tenant's own origin, as `iss` has it (RFC 8414, section 2): its own domain, else its subdomain of the service;
/// where there is neither, the service's origin and the slug. Other tenants' tokens say another.
pub fn issuer(config: &Config, request: &Request, slug: &str, domain: Option<&str>) -> String {
    let host = match (domain, &config.base_domain) {
        (Some(domain), _) => domain.to_owned(),
        (None, Some(base)) => format!("{slug}.{base}"),
        (None, None) => return format!("{}/{slug}", request.origin),
    };
    if config.local { request.origin_at(&host) } else { format!("https://{host}") }
}

/// Where tokens are asked for, as an assertion may name it.
pub fn endpoint(request: &Request) -> String {
    format!("{}/v1/token", request.origin)
}
