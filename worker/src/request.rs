//! A request as the application sees it: plain data, so that everything above `platform` runs anywhere.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::app::Config;
use crate::platform::Unread;

/// The longest body that is read: 1 MiB.
pub const LONGEST_BODY: usize = 1024 * 1024;

/// The headers that are ever read. At the edge no others are handed over.
pub const HEADERS: [&str; 15] = [
    "accept",
    "accept-language",
    "access-control-request-method",
    "authorization",
    "cf-connecting-ip",
    "content-type",
    "cookie",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "origin",
    "sec-fetch-site",
    "user-agent",
    "x-csrf-token",
    "x-request-id",
];

/// Those of them that are read of a `POST` below `/access/`: there it counts what each costs.
pub const DECIDING_HEADERS: [&str; 5] = ["authorization", "cf-connecting-ip", "content-type", "origin", "x-request-id"];

/// The name, which no header has, under which the platform says that a connection is asked about again.
const AGAIN: &str = ":again";

/// The name, which no header has either, under which the platform says whose certificate the connection showed: one that it
/// has verified and that was not revoked, by the SHA-256 of its DER in hex.
const CERTIFICATE: &str = ":client-certificate";

/// An HTTP request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// `https://host[:port]`, without a slash at its end.
    pub origin: String,
    /// The path, as it was sent.
    pub path: String,
    /// What stands behind the `?`, as it was sent.
    pub query: String,
    /// The headers by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Body,
}

/// A body, or that it was longer than it may be.
#[derive(Clone, Debug)]
pub enum Body {
    /// All of it.
    Bytes(Vec<u8>),
    /// It was not read to its end.
    TooLong,
    /// It was not read yet: whoever it is for may read it as it comes.
    Unread(Unread),
}

impl Body {
    /// The body as it was read, or as it is read now, up to `limit` bytes.
    pub async fn read(&self, limit: usize) -> Self {
        match self {
            Self::Unread(unread) => unread.read(limit).await.map_or(Self::TooLong, Self::Bytes),
            read => read.clone(),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl Request {
    /// The value of a header, by its lower-case name; one of [`HEADERS`], or [`DECIDING_HEADERS`].
    pub fn header(&self, name: &str) -> Option<&str> {
        let handed_over: &[&str] = if self.is_deciding() { &DECIDING_HEADERS } else { &HEADERS };
        debug_assert!(handed_over.contains(&name), "`{name}` is not handed over");
        self.headers.get(name).map(String::as_str)
    }

    /// Whether it asks for decisions: then it costs the least that it can, and comes with a key.
    pub fn is_deciding(&self) -> bool {
        self.method == "POST" && self.path.starts_with("/access/")
    }

    /// How old, in milliseconds, what it is answered by may be. Where an open connection is asked about again from time to
    /// time, half as old, since half of that time has gone since it was last asked about.
    pub fn freshness(&self, config: &Config) -> i64 {
        if self.headers.contains_key(AGAIN) { config.freshness / 2 } else { config.freshness }
    }

    /// Where the request comes from, as the platform says; a caller cannot set this header. An IPv4 address in the
    /// notation of IPv6 is the IPv4 address.
    pub fn address(&self) -> Option<IpAddr> {
        self.header("cf-connecting-ip")?.parse().ok().map(|address: IpAddr| address.to_canonical())
    }

    /// The same origin at another host: with its scheme and port.
    pub fn origin_at(&self, host: &str) -> String {
        let (scheme, authority) = self.origin.split_once("://").unwrap_or_default();
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let port = port.filter(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
        format!("{scheme}://{host}{}", port.map(|port| format!(":{port}")).unwrap_or_default())
    }

    /// The thumbprint of the certificate that whoever is connected has shown: SHA-256 in base64url, as `x5t#S256` (RFC 8705,
    /// section 3.1).
    pub fn certificate(&self) -> Option<String> {
        let bytes = hex::decode(self.headers.get(CERTIFICATE)?).ok().filter(|bytes| bytes.len() == 32)?;
        Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The host that was asked, in lower case, without its port and without a dot at its end.
    pub fn host(&self) -> String {
        let authority = self.origin.split_once("://").map_or(self.origin.as_str(), |(_, rest)| rest);
        // An address of IPv6 has colons of its own, within brackets.
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn a_host_has_no_port_and_no_case() {
        for (origin, host) in [
            ("https://Acme.Example.com", "acme.example.com"),
            ("https://acme.example.com.", "acme.example.com"),
            ("http://127.0.0.1:8787", "127.0.0.1"),
            ("http://[::1]:8787", "[::1]"),
            ("http://[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(Request { origin: origin.to_owned(), ..Request::default() }.host(), host);
        }
    }

    #[test]
    fn an_origin_at_another_host_keeps_scheme_and_port() {
        for (origin, other) in [
            ("https://id.example.com", "https://acme.example"),
            ("http://localhost:8787", "http://acme.example:8787"),
            ("http://[::1]:8787", "http://acme.example:8787"),
            ("http://[::1]", "http://acme.example"),
        ] {
            assert_eq!(Request { origin: origin.to_owned(), ..Request::default() }.origin_at("acme.example"), other);
        }
    }
}
