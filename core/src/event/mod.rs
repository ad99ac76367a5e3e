//! What happens, by name: every event that the service sends, each in one place with what it means.
//!
//! An event is called `<table>.<what happened>`, and is about one row of that table. The audit log calls it the same.

#[cfg(feature = "cli")]
mod docs;
#[cfg(feature = "cli")]
mod schema;

#[cfg(feature = "cli")]
pub use docs::markdown;
#[cfg(feature = "cli")]
pub use schema::{ENVELOPE, Messages, data_schema, messages};

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Its type: lower-case words joined by dots.
    pub name: &'static str,
    /// What it means, in one sentence.
    pub about: &'static str,
}

impl Event {
    /// The table whose row it is about.
    pub fn table(&self) -> &'static str {
        self.name.split('.').next().unwrap_or_default()
    }
}

const fn event(name: &'static str, about: &'static str) -> Event {
    Event { name, about }
}

/// All of them, in the order of their names.
pub const EVENTS: &[Event] = &[
    event("access_request.cancelled", "A request for access was cancelled, since who asked is gone."),
    event(
        "access_request.expired",
        "A request for access was not answered before the end that it asked for, and is cancelled.",
    ),
    event("api_key.created", "An API key was made."),
    event("api_key.expired", "An API key has ended, and was switched off."),
    event("api_key.expiring", "An API key ends within a week; told once for each end that it gets."),
    event("api_key.revoked", "An API key was removed, or switched off since who it acts for is gone."),
    event("api_key.rotated", "An API key was replaced; the old one ends, perhaps after a while."),
    event("api_key.updated", "An API key was changed."),
    event("audit_root.recorded", "Somebody keeps the audit log up to a row elsewhere, and said so."),
    event("feature_flag.created", "A feature flag was made."),
    event("feature_flag.deleted", "A feature flag was removed."),
    event("feature_flag.updated", "A feature flag was changed."),
    event("federated_identity.linked", "A user is known as somebody of an issuer that is trusted."),
    event("federated_identity.unlinked", "A user is not known as somebody of an issuer any more."),
    event("federated_identity.updated", "As whom a user is known to an issuer was changed."),
    event("gateway_host.created", "An application was put behind the gateway."),
    event("gateway_host.deleted", "An application was taken from behind the gateway."),
    event("gateway_host.updated", "Where the gateway passes requests on to, or by which route map, was changed."),
    event("identity_provider.created", "An issuer is trusted: its tokens say who somebody is, at the gateway."),
    event("identity_provider.deleted", "An issuer is not trusted any more, and all who were linked to it are not."),
    event("identity_provider.updated", "How far an issuer is trusted was changed."),
    event("login_attempt.failed", "Somebody tried to sign in and was refused."),
    event("message_suppression.deleted", "Messages go again to an address at which one did not arrive."),
    event("mfa_device.added", "A user has a further second factor, or a passkey."),
    event("mfa_device.backup_code_used", "A user signed in with one of their backup codes."),
    event("mfa_device.backup_codes_renewed", "A user has other backup codes; those of before are void."),
    event("mfa_device.removed", "A second factor of a user was removed."),
    event("mfa_device.updated", "A second factor has another name, or is asked for first."),
    event("notification_template.created", "A template of notifications was made."),
    event("notification_template.deleted", "A template of notifications was removed."),
    event("notification_template.restored", "A template of notifications says what it said before."),
    event("notification_template.tested", "A template was sent with samples to whoever asked for it."),
    event("notification_template.updated", "A template of notifications was changed."),
    event("organization_unit.created", "A unit of the organisation was made."),
    event("organization_unit.deleted", "A unit of the organisation was removed."),
    event("organization_unit.updated", "A unit of the organisation was changed or moved."),
    event(
        "password_reset.requested",
        "Somebody asked for a way to a new password; of whom is left out where it is nobody.",
    ),
    event("permission.created", "A permission was made."),
    event("permission.deleted", "A permission was removed."),
    event("permission.restored", "A permission became what it was at an earlier version of the rules."),
    event("permission.updated", "A permission was changed."),
    event("resource.registered", "A resource was registered."),
    event("resource.removed", "A resource was taken out of the registry."),
    event("resource.updated", "A registered resource was changed."),
    event("role.created", "A role was made."),
    event("role.deleted", "A role was removed."),
    event("role.restored", "A role became what it was at an earlier version of the rules."),
    event("role.updated", "A role was changed."),
    event("role_permission.granted", "A role was given a permission, or was denied it."),
    event("role_permission.restored", "What a role gives became what it was at an earlier version of the rules."),
    event("role_permission.revoked", "A role lost a permission, or the denial of one."),
    event("role_permission.updated", "What a role gives was changed."),
    event("service_account.created", "A service account was made."),
    event("service_account.deleted", "A service account was removed."),
    event("service_account.updated", "A service account was changed."),
    event("snapshot.rolled_back", "The rules became those of an earlier version again."),
    event("snapshot_candidate.created", "Rules began to decide beside those that count."),
    event("snapshot_candidate.deleted", "Rules that decided beside those that count were discarded."),
    event("snapshot_candidate.promoted", "Rules that decided beside those that count became those that count."),
    event("tenant.created", "A tenant was made."),
    event("tenant.deleted", "A tenant was marked as deleted; it can be restored for a while."),
    event("tenant.domain_removed", "The tenant's own host name was given up."),
    event("tenant.domain_verified", "The tenant proved that a host name is its own."),
    event("tenant.exported", "An operator exported all of the tenant's rows."),
    event(
        "tenant.purge_begun",
        "The grace of a deleted tenant is over: its rows are being removed, and nothing brings it back.",
    ),
    event("tenant.purged", "Everything of a deleted tenant is gone but its audit chain."),
    event("tenant.reactivated", "A suspended tenant is active again."),
    event("tenant.restored", "A deleted tenant is what it was before."),
    event("tenant.suspended", "An operator suspended the tenant: nothing is allowed there any more."),
    event("tenant.updated", "The tenant's name, looks or defaults were changed."),
    event("tenant_setting.created", "A setting or a policy was set for the first time."),
    event("tenant_setting.deleted", "A setting or a policy was taken away."),
    event("tenant_setting.restored", "A policy or the schema became what it was at an earlier version of the rules."),
    event("tenant_setting.updated", "A setting or a policy was changed."),
    event(
        "token_key.created",
        "A key that signs access tokens was made, and is published; it signs from `signs_from` on.",
    ),
    event(
        "token_key.deleted",
        "A key that signed access tokens is gone, since nothing that it signed counts any more.",
    ),
    event("token_key.retired", "A key that signs access tokens has a successor; it is published until `retires_at`."),
    event("token_revocation.created", "An access token was revoked before its end."),
    event("user.created", "A user was made; `cause` says where they signed up themselves."),
    event("user.deleted", "A user was deleted: the row stays, and everything that let them act is gone."),
    event("user.email_change_confirmed", "One of the two addresses confirmed a change of a user's e-mail address."),
    event("user.email_change_requested", "A user wants another e-mail address; both are asked to confirm it."),
    event("user.email_changed", "A user's e-mail address was changed, since both addresses confirmed it."),
    event("user.email_verification_requested", "A user was sent a link that confirms their e-mail address."),
    event("user.email_verified", "A user confirmed their e-mail address."),
    event("user.invitation_accepted", "An invited user came, and is active."),
    event("user.invited", "An invited user was sent the invitation again."),
    event("user.locked", "A user was locked out."),
    event("user.password_changed", "A user changed their password."),
    event("user.password_reset", "A user set a new password by what was sent to their address."),
    event("user.purged", "Everything personal of a deleted user was removed for good."),
    event("user.reactivated", "A suspended user is active again."),
    event("user.restored", "A deleted user came back, suspended."),
    event("user.sessions_ended", "A user's sessions were ended."),
    event(
        "user.sign_up_requested",
        "Somebody wants an account; the user is made, under this id, once a link that is sent to the address was followed.",
    ),
    event("user.suspended", "A user was suspended."),
    event("user.terms_accepted", "A user accepted the terms, in the version that `cause` says."),
    event("user.unlocked", "A locked user is active again."),
    event("user.updated", "A user was changed."),
    event("user_group.created", "A group was made."),
    event("user_group.deleted", "A group was removed."),
    event("user_group.updated", "A group was changed, perhaps its rule."),
    event("user_group_membership.added", "A user is in a group now, by hand or by the group's rule."),
    event("user_group_membership.expired", "A user's time in a group is over."),
    event("user_group_membership.removed", "A user is not in a group any more."),
    event("user_group_membership.updated", "When a user leaves a group was changed."),
    event("user_group_role.assigned", "A group was given a role."),
    event("user_group_role.expired", "The time for which a group had a role is over."),
    event("user_group_role.revoked", "A group lost a role."),
    event("user_group_role.updated", "For how long a group has a role was changed."),
    event(
        "user_notification.failed",
        "An e-mail or a text message to a user was given up. Written where a webhook wants it, and in no log.",
    ),
    event(
        "user_notification.sent",
        "The next system took an e-mail or a text message to a user. Written where a webhook wants it, and in no log.",
    ),
    event("user_role.assigned", "A user was given a role."),
    event("user_role.expired", "The time for which a user had a role is over."),
    event("user_role.expiring", "A user's role ends within a week; told once for each end that it gets."),
    event("user_role.revoked", "A user lost a role."),
    event("user_role.updated", "For how long a user has a role was changed, or it was switched on or off."),
    event("user_session.created", "A user signed in."),
    event("user_session.ended", "A session of a user was ended."),
    event("user_session.renewed", "A user who is signed in proved once more who they are."),
    event("webhook.created", "A webhook was made."),
    event("webhook.deleted", "A webhook was removed, and its deliveries with it."),
    event(
        "webhook.disabled",
        "A webhook was switched off by the service: its address is gone, or never answered well.",
    ),
    event("webhook.redelivered", "The deliveries of a span of time are on their way to a webhook again."),
    event("webhook.secret_rotated", "A webhook has a new secret; the old one signs beside it for a while."),
    event("webhook.tested", "A test event is on its way to a webhook."),
    event("webhook.updated", "A webhook was changed."),
    event("webhook_delivery.redelivered", "One delivery is on its way again."),
];

/// The type of a test event. It is sent to the webhook that asked for it alone, and never stands in the log.
pub const TEST: &str = "webhook.test";

/// The event of a name.
pub fn find(name: &str) -> Option<&'static Event> {
    EVENTS.iter().find(|event| event.name == name)
}

/// Whether a filter of a webhook lets a type through: `*` all, `user.*` all that begin with `user.`, else that type alone.
pub fn matches(filter: &str, name: &str) -> bool {
    match filter.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => filter == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TABLES;

    #[test]
    fn each_is_about_a_table_and_they_stand_in_order() {
        assert!(EVENTS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for event in EVENTS {
            assert!(TABLES.iter().any(|table| table.name == event.table()), "{}", event.name);
            assert!(event.about.ends_with('.') && crate::model::shape::is_dotted(event.name), "{}", event.name);
        }
        assert_eq!(find(TEST), None);
    }

    #[test]
    fn a_filter_lets_through_what_it_names() {
        for (filter, name, passes) in [
            ("*", "user.created", true),
            ("user.*", "user.created", true),
            ("user.*", "user.login.failed", true),
            ("user.*", "user_role.assigned", false),
            ("user.created", "user.created", true),
            ("user.created", "user.created_twice", false),
            ("user", "user.created", false),
        ] {
            assert_eq!(matches(filter, name), passes, "{filter} {name}");
        }
    }
}
