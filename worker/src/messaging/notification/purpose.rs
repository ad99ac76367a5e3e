//! What people are told of: each with the ways it comes by, what its templates may speak of, and how often it comes at most.

use parapet::model::NotificationType::{self, Email, InApp, Sms};

/// Something that people are told of. Its name is its templates' name.
#[derive(Debug)]
pub struct Purpose {
    /// Lower-case words joined by dots.
    pub name: &'static str,
    /// The ways it comes by, where nothing is said.
    pub channels: &'static [NotificationType],
    /// Whether it is about who may come as somebody: nobody switches it off.
    pub is_security: bool,
    /// The most an hour, to one person by one way.
    pub hourly: i64,
    /// What its templates may speak of, beside [`COMMON`].
    pub variables: &'static [Variable],
}

/// Something that a template may speak of.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What a preview shows.
    pub sample: &'static str,
    /// Whether who reads it can come as somebody: it is kept nowhere in the clear, and comes by e-mail and SMS alone.
    pub is_secret: bool,
}

const fn says(name: &'static str, sample: &'static str) -> Variable {
    Variable { name, sample, is_secret: false }
}

const fn secret(name: &'static str, sample: &'static str) -> Variable {
    Variable { name, sample, is_secret: true }
}

/// What every template may speak of.
pub const COMMON: &[Variable] = &[says("tenant_name", "Acme"), says("user_name", "Ann Example")];

const LINK: Variable = secret("link", "https://id.example.com/link/4fQ0…");
const TIME: Variable = says("time", "2026-01-31 08:00 UTC");
const ADDRESS: Variable = says("ip_address", "192.0.2.7");

const fn security(
    name: &'static str,
    channels: &'static [NotificationType],
    hourly: i64,
    variables: &'static [Variable],
) -> Purpose {
    Purpose { name, channels, is_security: true, hourly, variables }
}

const fn notice(name: &'static str, channels: &'static [NotificationType], variables: &'static [Variable]) -> Purpose {
    Purpose { name, channels, is_security: false, hourly: 20, variables }
}

/// All of them.
pub const PURPOSES: &[Purpose] = &[
    security("email.verify", &[Email], 5, &[LINK, says("expires_minutes", "60")]),
    security("sign_up.confirm", &[Email], 5, &[LINK, says("expires_minutes", "60")]),
    security("password.reset", &[Email], 5, &[LINK, says("expires_minutes", "60")]),
    security("user.invitation", &[Email], 5, &[LINK, says("invited_by", "Olga Owner"), says("expires_hours", "72")]),
    security("phone.verify", &[Sms], 5, &[secret("code", "123456"), says("expires_minutes", "10")]),
    security("sign_in.new_device", &[Email, InApp], 10, &[says("device", "Firefox on Linux"), ADDRESS, TIME]),
    security("sign_in.many_failures", &[Email, InApp], 2, &[says("attempts", "10"), ADDRESS, TIME]),
    security("password.changed", &[Email, InApp], 10, &[ADDRESS, TIME]),
    security("email.change", &[Email], 5, &[LINK, says("new_email", "ann@example.org"), says("expires_minutes", "60")]),
    security("email.taken", &[Email], 2, &[]),
    security("email.changed", &[Email], 10, &[says("new_email", "ann@example.org"), TIME]),
    security("sign_in.code", &[Email, Sms], 10, &[secret("code", "12345678"), says("expires_minutes", "10")]),
    security("factor.added", &[Email, InApp], 10, &[says("factor", "a security key"), TIME]),
    security("factor.removed", &[Email, InApp], 10, &[says("factor", "a security key"), TIME]),
    security("factor.backup_code_used", &[Email, InApp], 10, &[says("left", "9"), TIME]),
    security("user.state_changed", &[Email], 10, &[says("state", "suspended")]),
    notice("role.assigned", &[Email, InApp], &[says("role", "editor"), says("expires_at", "2026-02-28 00:00 UTC")]),
    notice("role.expiring", &[Email, InApp], &[says("role", "editor"), says("expires_at", "2026-02-28 00:00 UTC")]),
    notice(
        "access_request.made",
        &[Email, InApp],
        &[
            says("requester", "Ben Example"),
            says("requested", "the role editor"),
            says("justification", "for the spring issue"),
        ],
    ),
    notice(
        "access_request.decided",
        &[Email, InApp],
        &[says("requested", "the role editor"), says("decision", "approved")],
    ),
    notice(
        "api_key.expiring",
        &[Email, InApp],
        &[says("key_name", "build server"), says("expires_at", "2026-02-28 00:00 UTC")],
    ),
    notice(
        "webhook.disabled",
        &[Email, InApp],
        &[says("webhook", "audit sink"), says("reason", "it failed for three days")],
    ),
    notice("test", &[Email], &[]),
];

/// The purpose of a name.
pub fn find(name: &str) -> Option<&'static Purpose> {
    PURPOSES.iter().find(|purpose| purpose.name == name)
}

impl Purpose {
    /// What its templates may speak of, where they come by this way.
    pub fn offered(&self, channel: NotificationType) -> impl Iterator<Item = &'static Variable> + use<> {
        COMMON.iter().chain(self.variables).filter(move |variable| channel != InApp || !variable.is_secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_are_told_apart_and_what_is_secret_comes_by_no_application() {
        for (index, purpose) in PURPOSES.iter().enumerate() {
            assert_eq!(PURPOSES.iter().position(|other| other.name == purpose.name), Some(index));
            let secret = purpose.variables.iter().any(|variable| variable.is_secret);
            assert!(!secret || !purpose.channels.contains(&InApp), "{}", purpose.name);
            assert!(!secret || purpose.is_security, "{}", purpose.name);
            assert!(purpose.hourly > 0);
        }
        let link = |channel| {
            find("password.reset").is_some_and(|purpose| purpose.offered(channel).any(|its| its.name == "link"))
        };
        assert!(link(Email) && link(Sms) && !link(InApp));
    }
}
