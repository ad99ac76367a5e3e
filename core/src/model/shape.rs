//! The shapes that names, addresses and the like must have.

use uuid::Uuid;

/// Slugs that are hosts or paths of the system itself.
const RESERVED_SLUGS: &[&str] = &[
    "access",
    "account",
    "accounts",
    "admin",
    "api",
    "app",
    "assets",
    "auth",
    "autoconfig",
    "autodiscover",
    "blog",
    "cdn",
    "console",
    "dashboard",
    "dev",
    "docs",
    "ftp",
    "help",
    "imap",
    "internal",
    "localhost",
    "login",
    "mail",
    "metrics",
    "mx",
    "ns",
    "ns1",
    "ns2",
    "null",
    "oauth",
    "parapet",
    "pop",
    "root",
    "scim",
    "signin",
    "signup",
    "smtp",
    "sso",
    "staging",
    "static",
    "status",
    "support",
    "system",
    "test",
    "undefined",
    "v1",
    "webmail",
    "well-known",
    "wpad",
    "www",
];

/// Entity types that the rows themselves become.
const OUR_TYPES: &[&str] = &["User", "ServiceAccount", "Role", "Group", "OrganizationUnit", "Action"];

/// What Cedar's grammar keeps for itself, and the names of its primitive and extension types,
/// which a schema would confuse with a resource type.
const CEDAR_WORDS: &[&str] = &[
    "true",
    "false",
    "if",
    "then",
    "else",
    "in",
    "is",
    "like",
    "has",
    "__cedar",
    "Bool",
    "Boolean",
    "Long",
    "String",
    "Set",
    "Record",
    "Entity",
    "Extension",
    "decimal",
    "ipaddr",
    "datetime",
    "duration",
];

/// A DNS label (RFC 1035) in lower case: letters, digits and inner hyphens, at most 63.
pub(crate) fn is_dns_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// A slug that the system wants for itself. Labels with hyphens in third and fourth place are left to IDNA.
pub fn is_reserved_slug(text: &str) -> bool {
    RESERVED_SLUGS.contains(&text) || text.as_bytes().get(2..4) == Some(b"--")
}

/// A host name of at least two labels, in lower case.
pub fn is_domain(text: &str) -> bool {
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_dns_label)
}

/// One `@` between a local part and a domain, no spaces or control characters, at most 254 bytes (RFC 5321).
/// Whether mail arrives there, only a mail can tell.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && !domain.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !domain.contains("..")
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c))
        && !local.contains('@')
}

/// Written as it is compared: in lower case.
pub(crate) fn is_lower_case(text: &str) -> bool {
    !text.chars().any(char::is_uppercase)
}

/// Not an e-mail address and not an id, so that a subject's id can be told to be which; no spaces or controls.
pub(crate) fn is_username(text: &str) -> bool {
    (1..=128).contains(&text.chars().count())
        && !text.contains('@')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && Uuid::try_parse(text).is_err()
}

/// E.164: `+` and 2 to 15 digits, the first not 0.
pub fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
    })
}

/// `#rrggbb`.
pub(crate) fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `scheme://host` or `scheme://host:port`, as browsers send it (RFC 6454, section 6.2).
pub fn is_origin(text: &str) -> bool {
    is_url(text)
        && text.split_once("://").is_some_and(|(_, host)| !host.contains(['/', '?', '#', '*']))
        && !text.chars().any(char::is_uppercase)
}

/// An absolute web address with a host: `https` (or `http`), no spaces, no user information.
pub fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty()
            && !host.contains('@')
            && text.len() <= 2048
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

/// A resource type: one unqualified Cedar identifier, neither reserved nor one of our own types.
pub(crate) fn is_resource_type(text: &str) -> bool {
    is_identifier(text) && !OUR_TYPES.contains(&text) && !CEDAR_WORDS.contains(&text)
}

/// A Cedar identifier, reserved or not.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.len() <= 128
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The name of an action: `[A-Za-z0-9_.-]+`.
pub(crate) fn is_action(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

/// A lower-case word: letters, digits and underscores, a letter first.
pub(crate) fn is_word(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Lower-case words joined by dots: `user.login.failed`.
pub(crate) fn is_dotted(text: &str) -> bool {
    text.len() <= 128 && text.split('.').all(is_word)
}

/// A name that people read: not blank, at most 255 characters, no control characters, no space at its ends.
pub fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.chars().count()) && text.trim() == text && !text.chars().any(char::is_control)
}

/// A language tag of BCP 47, roughly: a language, then further subtags.
pub fn is_locale(text: &str) -> bool {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && subtags.all(|tag| (2..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// SHA-256 in lower-case hex.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(shape: fn(&str) -> bool, yes: &[&str], no: &[&str]) {
        for text in yes {
            assert!(shape(text), "`{text}` should do");
        }
        for text in no {
            assert!(!shape(text), "`{text}` should not do");
        }
    }

    #[test]
    fn slugs_are_dns_labels() {
        all(is_dns_label, &["acme", "a", "a-1", "1a"], &["", "-a", "a-", "Acme", "a.b", "a_b", "é", &"a".repeat(64)]);
        all(is_reserved_slug, &["www", "admin", "xn--abc"], &["acme", "a--b"]);
        all(is_domain, &["id.example.com"], &["localhost", "a..b", "Example.com", "-a.b"]);
    }

    #[test]
    fn emails_have_one_at() {
        all(
            is_email,
            &["a@b", "o'neil+x@example.com", "é@exämple.com"],
            &["", "a", "@b", "a@", "a@@b", "a b@c", "a@b.", ".a@b", "a..b@c", "a@b\n", "<a@b>"],
        );
    }

    #[test]
    fn usernames_are_neither_email_nor_id() {
        let id = "0190b5c0-0000-7000-8000-000000000001";
        all(is_username, &["ada", "ada.l", "Ada_1"], &["", "a@b", "a b", id, &id.replace('-', "")]);
    }

    #[test]
    fn resource_types_are_unreserved_identifiers() {
        all(
            is_resource_type,
            &["document", "Invoice", "_x1", "user"],
            &["", "1a", "a-b", "a::b", "User", "Action", "in", "__cedar", "ipaddr", "é"],
        );
        all(is_action, &["read", "read.all", "a-b_c", "1"], &["", "a b", "a:b", "é"]);
    }

    #[test]
    fn the_rest() {
        all(is_colour, &["#0a1B2c"], &["0a1b2c", "#fff", "#gggggg"]);
        all(is_phone, &["+4915112345678"], &["0151", "+", "+0151", "+49 151"]);
        all(is_url, &["https://a.example/x?y#z"], &["ftp://a", "https://", "https:///x", "https://u@a", "https://a b"]);
        all(is_locale, &["en", "pt-BR", "zh-Hant-TW"], &["", "EN", "english", "en-", "en_US"]);
        all(is_dotted, &["user.created", "a"], &["", "a.", "User.created", "a..b"]);
        all(is_name, &["Ada L"], &["", " a", "a\n"]);
    }
}
