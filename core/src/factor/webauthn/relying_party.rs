//! Who asks for credentials: a tenant under its own host name.

use sha2::{Digest, Sha256};
use thiserror::Error;

/// Why something is no relying party. Each has a stable [`code`](Self::code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RelyingPartyError {
    /// The id is no host name.
    #[error("a relying party's id is a host name in lower case")]
    Id,
    /// No origin, or one that no page under that host name has.
    #[error(
        "an origin is `https://` and the relying party's host name or one below it, with a port where it is not 443"
    )]
    Origin,
}

impl RelyingPartyError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Id => "relying_party.id",
            Self::Origin => "relying_party.origin",
        }
    }
}

/// Who asks for credentials. Each credential is of one relying party and of no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    name: String,
    origins: Vec<String>,
}

impl RelyingParty {
    /// A relying party by its id (the host name, or one above it), the name that people see, and the origins of its pages,
    /// as browsers write them (`https://id.example`). `http://localhost` and what lies below it are origins as
    /// well, which browsers take for secure.
    ///
    /// # Errors
    /// [`RelyingPartyError`].
    pub fn new(id: &str, name: &str, origins: &[&str]) -> Result<Self, RelyingPartyError> {
        if !is_host(id) {
            return Err(RelyingPartyError::Id);
        }
        let is_its = |origin: &&str| {
            host(origin).is_some_and(|host| {
                host.strip_suffix(id).is_some_and(|below| below.is_empty() || below.ends_with('.')) && is_host(host)
            })
        };
        if origins.is_empty() || !origins.iter().all(is_its) {
            return Err(RelyingPartyError::Origin);
        }
        let origins = origins.iter().copied().map(str::to_owned).collect();
        Ok(Self { id: id.to_owned(), name: name.to_owned(), origins })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name that people see.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn has_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|its| its == origin)
    }

    /// What keys know it by.
    pub(super) fn id_hash(&self) -> [u8; 32] {
        Sha256::digest(&self.id).into()
    }
}

/// A name and no address: its last label begins with a letter (RFC 3696, section 2).
fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let letter = |label: &str| label.starts_with(|sign: char| sign.is_ascii_lowercase());
    text.len() <= 253 && text.split('.').all(label) && text.rsplit('.').next().is_some_and(letter)
}

/// The host of an origin that is secure and written as browsers write it.
fn host(origin: &str) -> Option<&str> {
    let (scheme, rest) = origin.split_once("://")?;
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    let usual = match (scheme, host) {
        ("https", _) => 443,
        ("http", host) if host == "localhost" || host.ends_with(".localhost") => 80,
        _ => return None,
    };
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port != usual && port.to_string() == text);
    port.is_none_or(is_port).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_origins_are_its_hosts() {
        for (id, origin) in [
            ("id.example", "https://id.example"),
            ("id.example", "https://id.example:8443"),
            ("example", "https://id.example"),
            ("localhost", "http://localhost:8787"),
            ("acme.localhost", "http://acme.localhost:8787"),
            ("xn--mller-kva.example", "https://xn--mller-kva.example"),
        ] {
            let party = RelyingParty::new(id, "Name", &[origin]).unwrap();
            assert!(party.has_origin(origin) && !party.has_origin(&format!("{origin}/")), "{origin}");
        }
    }

    #[test]
    fn what_no_page_of_its_has_is_no_origin_of_its() {
        for origin in [
            "",
            "id.example",
            "https://",
            "https://id.example/",
            "https://id.example:443",
            "https://id.example:",
            "https://id.example:0443",
            "https://id.example:99999",
            "https://ID.example",
            "https://a@id.example",
            "https://other.example",
            "https://notid.example",
            "https://.id.example",
            "http://id.example",
            "http://localhost",
            "http://id.example.localhost",
            "https://id.example.",
            "HTTPS://id.example",
        ] {
            let error = RelyingParty::new("id.example", "Name", &["https://id.example", origin]).unwrap_err();
            assert_eq!(error.code(), "relying_party.origin", "{origin}");
        }
        assert_eq!(RelyingParty::new("id.example", "Name", &[]), Err(RelyingPartyError::Origin));
    }

    #[test]
    fn its_id_is_a_host_name() {
        for id in ["", ".", "a..b", "Id.example", "id.example.", "127.0.0.1", "[::1]", "id.example:8443", "ä.example"]
        {
            let error = RelyingParty::new(id, "Name", &["https://id.example"]).unwrap_err();
            assert_eq!(error.code(), "relying_party.id", "{id}");
        }
    }
}
