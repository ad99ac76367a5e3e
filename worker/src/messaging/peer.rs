//! Where a webhook leads: asked when it is saved, and again before each attempt, since names lead elsewhere tomorrow.

use parapet::web_address::{WebAddress, is_public};

use crate::app::App;
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
}

/// Asks where an address leads.
///
/// The platform looks the name up once more when it connects, and no Worker can tell it where to: a name whose owner
/// answers otherwise within that time is not found out here. `SECURITY.md` says what that means.
pub async fn leads(app: &App, doh_url: &str, address: &WebAddress) -> Result<Leads, DnsError> {
    if address.is_local() {
        return Ok(Leads::Out);
    }
    let addresses = app.dns.addresses(doh_url, address.host()).await?;
    Ok(match addresses.as_slice() {
        [] => Leads::Nowhere,
        all if all.iter().all(|address| is_public(*address)) => Leads::Out,
        _ => Leads::Inside,
    })
}
