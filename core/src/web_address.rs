//! Addresses on the public internet that a tenant names and the service calls: which are taken, and which never.
//!
//! A reader of its own for a small part of what a URL may be: `https`, a host name in ASCII, a port, a path and a query.
//! What else a URL can say is refused rather than understood, and what is called is written anew from the parts that were
//! read, so that no other reader finds another host in it. Literal addresses are refused in every notation: a host's last
//! label begins with a letter, and no notation of a number does.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use thiserror::Error;

/// The longest address, in bytes.
pub const LONGEST: usize = 2048;

/// The longest host name (RFC 1035, section 2.3.4).
const LONGEST_HOST: usize = 253;

/// Endings of names that lead nowhere but inside: special use (RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476), ICANN's
/// name for private use, and what is in use without being registered. Cloud providers' metadata are under `internal`.
const INSIDE: &[&str] = &[
    "alt",
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "onion",
    "private",
];

/// Why an address is not called. Each has a stable [`code`](Self::code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Too long, or a character that no URL of ASCII has.
    #[error("an address has at most {LONGEST} characters of ASCII, without spaces, backslashes, quotes, braces or `#`")]
    Character,
    /// Another scheme than `https`.
    #[error("an address begins with `https://`")]
    Scheme,
    /// A user or a password before the host.
    #[error("an address has no user and no password in it")]
    UserInfo,
    /// No host name of the public internet.
    #[error(
        "expected a host name of the public internet: two labels or more of letters, digits and hyphens (others as punycode), no number, no dot at its end"
    )]
    Host,
    /// A name that leads inside.
    #[error("this host name leads into a private network")]
    Inside,
    /// A port that is none, or one of the system's.
    #[error("a port is 443 or 1024 to 65535")]
    Port,
}

impl AddressError {
    /// The stable, dotted code, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Character => "address.character",
            Self::Scheme => "address.scheme",
            Self::UserInfo => "address.user",
            Self::Host => "address.host",
            Self::Inside => "address.inside",
            Self::Port => "address.port",
        }
    }
}

/// Where the service may call; its text is what is called.
#[derive(Clone, PartialEq, Eq)]
pub struct WebAddress {
    scheme: &'static str,
    host: String,
    port: Option<u16>,
    /// The path and the query, from the first `/`.
    rest: String,
}

impl WebAddress {
    /// Reads an address. With `local`, as on a developer's machine, `http` to this machine itself is taken as well.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str, local: bool) -> Result<Self, AddressError> {
        let fits =
            |byte: u8| matches!(byte, b'!' | b'$'..=b';' | b'=' | b'?'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~');
        if text.len() > LONGEST || !text.bytes().all(fits) {
            return Err(AddressError::Character);
        }
        let (scheme, after) = text.split_once("://").ok_or(AddressError::Scheme)?;
        let scheme = match scheme {
            "https" => "https",
            "http" if local => "http",
            _ => return Err(AddressError::Scheme),
        };
        let end = after.find(['/', '?']).unwrap_or(after.len());
        let (authority, rest) = after.split_at_checked(end).ok_or(AddressError::Host)?;
        if authority.contains('@') {
            return Err(AddressError::UserInfo);
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let host = host.to_ascii_lowercase();
        let at_home = local && scheme == "http" && ["127.0.0.1", "[::1]", "localhost"].contains(&host.as_str());
        let port = match port {
            None => None,
            Some(port) => Some(read_port(port, scheme == "http")?),
        };
        if !at_home {
            if scheme == "http" {
                return Err(AddressError::Scheme);
            }
            check_host(&host)?;
        }
        let slash = if rest.starts_with('/') { "" } else { "/" };
        let default = if scheme == "https" { 443 } else { 80 };
        Ok(Self { scheme, host, port: port.filter(|port| *port != default), rest: format!("{slash}{rest}") })
    }

    /// The host's name, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it leads to this machine itself, as on a developer's: there is no name to ask for.
    pub fn is_local(&self) -> bool {
        self.scheme == "http"
    }

    /// The address for people and logs: of a query, which may hold a credential, only that there is one.
    pub fn without_query(&self) -> String {
        let text = self.to_string();
        match text.split_once('?') {
            Some((before, _)) => format!("{before}?…"),
            None => text,
        }
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.rest)
    }
}

impl fmt::Debug for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebAddress({})", self.without_query())
    }
}

fn read_port(text: &str, any: bool) -> Result<u16, AddressError> {
    // A sign, or a zero before it, would be read as well.
    let port = text.parse::<u16>().ok().filter(|port| port.to_string() == text).ok_or(AddressError::Port)?;
    if port == 443 || port >= 1024 || (any && port > 0) { Ok(port) } else { Err(AddressError::Port) }
}

fn check_host(host: &str) -> Result<(), AddressError> {
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = labels.last().copied().unwrap_or_default();
    // The last label of every number begins with a digit: `127.1`, `0x7f000001`, `2130706433`.
    let sound = host.len() <= LONGEST_HOST
        && labels.iter().all(is_label)
        && last.starts_with(|first: char| first.is_ascii_lowercase());
    if sound && INSIDE.contains(&last) {
        return Err(AddressError::Inside);
    }
    if sound && labels.len() >= 2 { Ok(()) } else { Err(AddressError::Host) }
}

/// Whether an address that a name leads to is one of the public internet, and so may be called. Everything else is
/// refused: private, loopback, link-local, shared, benchmarking, documentation, multicast, reserved, and every IPv6 form
/// that carries an IPv4 address (IANA's special-purpose registries, RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Networks that are not public, as address and length of the prefix.
const NOT_PUBLIC_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // With the metadata of most cloud providers, 169.254.169.254.
    ([169, 254, 0, 0], 16),
    // Public by its number, and Azure's own metadata behind it.
    ([168, 63, 129, 16], 32),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([192, 175, 48, 0], 24),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // Multicast, and all above it.
    ([224, 0, 0, 0], 3),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !NOT_PUBLIC_V4
        .iter()
        .any(|(network, length)| (bits ^ Ipv4Addr::from(*network).to_bits()).leading_zeros() >= *length)
}

/// Networks within 2000::/3, which alone is global unicast, that are not public.
const NOT_PUBLIC_V6: &[([u16; 8], u32)] = &[
    // IETF's: Teredo, benchmarking, ORCHID and others.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    // 6to4 carries an IPv4 address.
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    bits >> 125 == 1
        && !NOT_PUBLIC_V6
            .iter()
            .any(|(network, length)| (bits ^ Ipv6Addr::from(*network).to_bits()).leading_zeros() >= *length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_taken_is_written_as_it_is_called() {
        for (text, written) in [
            ("https://hooks.acme.com", "https://hooks.acme.com/"),
            ("https://Hooks.Acme.COM:443/In?token=a%20b&c=d@e", "https://hooks.acme.com/In?token=a%20b&c=d@e"),
            ("https://a.b-c.co:8443?x", "https://a.b-c.co:8443/?x"),
            ("https://xn--bcher-kva.de/~u/(1)", "https://xn--bcher-kva.de/~u/(1)"),
            ("https://a.com?@127.0.0.1/", "https://a.com/?@127.0.0.1/"),
            ("https://a.com/@b:c/[1]", "https://a.com/@b:c/[1]"),
        ] {
            let address = WebAddress::parse(text, false).unwrap();
            assert_eq!(address.to_string(), written);
            assert_eq!(WebAddress::parse(written, false).unwrap(), address);
            assert!(!format!("{address:?}").contains("token=a"));
        }
    }

    /// The lists of bypasses that are going about: other notations of numbers, names that lead inside, and what one
    /// reader of URLs takes for the host and another does not.
    #[test]
    fn known_bypasses_are_refused() {
        for text in [
            "",
            "https://",
            "https:///a.com",
            "https:/a.com",
            "https:a.com",
            "//a.com",
            "http://a.com",
            "HTTPS://a.com",
            "ftp://a.com",
            "file:///etc/passwd",
            "gopher://a.com",
            "javascript:alert(1)",
            " https://a.com",
            "https://a.com ",
            "https://a.com/\n",
            "https://a.com\t/",
            "https://a.com/\0",
            "https://a.com\r\nhost:b.com",
            // Numbers, in all notations.
            "https://127.0.0.1",
            "https://127.1",
            "https://127.0.1",
            "https://2130706433",
            "https://0x7f000001",
            "https://0x7f.0.0.1",
            "https://0177.0.0.1",
            "https://017700000001",
            "https://0x7f.1",
            "https://0",
            "https://1.1.1.1",
            "https://169.254.169.254/latest/meta-data/",
            "https://2852039166/",
            "https://0xa9fea9fe",
            "https://0251.0376.0251.0376",
            "https://169.254.43518",
            "https://127.0.0.1.",
            "https://[::1]",
            "https://[::]",
            "https://[::ffff:127.0.0.1]",
            "https://[::127.0.0.1]",
            "https://[64:ff9b::7f00:1]",
            "https://[2002:7f00:1::]",
            "https://[fe80::1%25eth0]",
            "https://[fd00:ec2::254]",
            "https://[2606:4700::1111]",
            "https://[v1.fe80::a]",
            "https://[::1",
            "https://::1",
            "https://127.0.0.0x1",
            "https://a.0x7f000001",
            "https://a.1",
            // Names that lead inside.
            "https://localhost",
            "https://LOCALHOST:8443",
            "https://localhost.",
            "https://a.localhost",
            "https://localhost.localdomain",
            "https://metadata",
            "https://metadata.google.internal/computeMetadata/v1/",
            "https://instance-data.ec2.internal",
            "https://printer.local",
            "https://nas.lan",
            "https://router.home",
            "https://x.home.arpa",
            "https://1.0.0.127.in-addr.arpa",
            "https://a.onion",
            "https://kubernetes.default.svc.cluster.local",
            "https://intranet",
            "https://a.com.",
            "https://a..com",
            "https://.com",
            "https://-a.com",
            "https://a_b.com",
            // Other readers find another host in these.
            "https://a.com@127.0.0.1",
            "https://user:secret@a.com",
            "https://@a.com",
            "https://a.com:443@127.0.0.1/",
            "https://a.com#@127.0.0.1/",
            "https://127.0.0.1#.a.com",
            "https://127.0.0.1\\@a.com",
            "https://a.com\\.b.com",
            "https:\\\\a.com",
            "https://a.com%00.b.com",
            "https://%6c%6f%63%61%6c%68%6f%73%74",
            "https://127%2e0%2e0%2e1",
            "https://a%2ecom",
            // Other scripts: circled and full-width digits and dots, which IDNA would turn into ASCII.
            "https://①②⑦.⓪.⓪.①",
            "https://１２７.０.０.１",
            "https://127。0。0。1",
            "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
            "https://bücher.de",
            "https://a\u{ad}.com",
            "https://a.com\u{2028}",
            // Ports.
            "https://a.com:",
            "https://a.com:0",
            "https://a.com:22",
            "https://a.com:25",
            "https://a.com:80",
            "https://a.com:0443",
            "https://a.com:+443",
            "https://a.com:65536",
            "https://a.com:443:443",
            "https://a.com:x",
            "https://a.com:４４３",
        ] {
            assert!(WebAddress::parse(text, false).is_err(), "{text}");
        }
        assert!(WebAddress::parse(&format!("https://a.com/{}", "a".repeat(LONGEST)), false).is_err());
        assert!(WebAddress::parse(&format!("https://{}com", "a.".repeat(126)), false).is_err());
    }

    #[test]
    fn on_a_developers_machine_http_leads_to_that_machine_alone() {
        for text in ["http://127.0.0.1:8080/in", "http://localhost:80/", "http://[::1]:9000"] {
            assert!(WebAddress::parse(text, true).unwrap().is_local(), "{text}");
            assert!(WebAddress::parse(text, false).is_err(), "{text}");
        }
        for text in [
            "http://10.0.0.1/",
            "http://a.com/",
            "http://127.0.0.2/",
            "https://127.0.0.1/",
            "https://localhost/",
            "http://0/",
        ] {
            assert!(WebAddress::parse(text, true).is_err(), "{text}");
        }
        assert!(!WebAddress::parse("https://a.com", true).unwrap().is_local());
    }

    #[test]
    fn what_is_not_of_the_public_internet_is_not_called() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "168.63.129.15",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
            "2003::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    proptest! {
        /// Whatever is taken is written as what is taken again, with a host that no reader takes for a number.
        #[test]
        fn what_is_taken_is_taken_again(text in "https://[ -~]{0,40}", local: bool) {
            if let Ok(address) = WebAddress::parse(&text, local) {
                let written = address.to_string();
                prop_assert_eq!(WebAddress::parse(&written, local).unwrap(), address.clone());
                prop_assert!(address.host().parse::<IpAddr>().is_err());
                let start = format!("https://{}", address.host());
                prop_assert!(written.starts_with(&start));
            }
        }

        #[test]
        fn the_standard_librarys_private_addresses_are_not_public(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let inside = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_multicast()
                || address.is_broadcast() || address.is_documentation() || address.is_unspecified();
            prop_assert!(!(inside && is_public(address.into())));
            prop_assert!(!is_public(address.to_ipv6_mapped().into()) && !is_public(address.to_ipv6_compatible().into()));
        }
    }
}
