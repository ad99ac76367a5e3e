//! Where an address leads that a tenant has named: asked before each request to it, since names lead elsewhere tomorrow; of
//! a webhook also when it is saved.

use parapet::web_address::{WebAddress, is_public};

use crate::app::{App, Config};
use crate::platform::dns::DnsError;

/// What a host's name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leads {
    /// To the public internet alone.
    Out,
    /// To an address that is not of the public internet, perhaps beside others that are.
    Inside,
    /// Nowhere.
    Nowhere,
    /// To this service itself, where each delivery could bring about the next one.
    Here,
}

/// Asks where an address leads.
///
/// The platform looks the name up once more when it connects, and no Worker can tell it where to: a name whose owner
/// answers otherwise within that time is not found out here. `SECURITY.md` says what that means.
pub async fn leads(app: &App, config: &Config, address: &WebAddress) -> Result<Leads, DnsError> {
    if address.is_local() {
        return Ok(Leads::Out);
    }
    if config.base_domain.as_ref().is_some_and(|base| is_within(address.host(), base)) {
        return Ok(Leads::Here);
    }
    let addresses = app.dns.addresses(&config.doh_url, address.host()).await?;
    Ok(match addresses.as_slice() {
        [] => Leads::Nowhere,
        all if all.iter().all(|address| is_public(*address)) => Leads::Out,
        _ => Leads::Inside,
    })
}

/// Whether a host is this domain or one under it.
fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}
