//! Administration: the permissions that the admin API asks for, the roles that every tenant begins with, and the
//! tenant of the operators.

mod founding;
#[cfg(feature = "cedar")]
mod guard;

pub use founding::{FOUNDING_IDS, Founding, OWNER_SCOPES, founding};
#[cfg(feature = "cedar")]
pub use guard::{Facts, Refusal, refusals};

use crate::model::{Permission, PermissionEntry, PermissionTarget, Role, RoleType, Timestamp, permission::Effect};
use uuid::Uuid;

/// The resource type of everything that is administered: `parapet:user.write` is an action.
pub const RESOURCE: &str = "parapet";

/// The tenant whose users operate the system. They alone make tenants.
pub const SYSTEM_TENANT: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000);

/// The slug of the operators' tenant.
pub const SYSTEM_SLUG: &str = "operators";

/// The role whose holders hold everything: nothing is kept from them but their own rights.
pub const OWNER: &str = "owner";

/// The catalogue's permissions, by action and description. Their order tells their ids: what is new comes last.
pub const PERMISSIONS: &[(&str, &str)] = &[
    ("tenant.read", "See the tenant; operators: all tenants"),
    ("tenant.write", "Change the tenant's name and branding; operators: make, suspend and delete tenants"),
    ("tenant_setting.read", "See settings"),
    ("tenant_setting.write", "Change settings"),
    ("feature_flag.read", "See feature flags"),
    ("feature_flag.write", "Change feature flags"),
    ("user.read", "See users"),
    ("user.write", "Invite, change, delete and restore users"),
    ("user.support", "Lock, unlock, suspend and reactivate users, and end their sessions"),
    ("user.purge", "Remove a deleted user's personal data for good"),
    ("role.read", "See roles"),
    ("role.write", "Make, change and delete roles"),
    ("permission.read", "See permissions"),
    ("permission.write", "Make, change and delete permissions"),
    ("role_permission.read", "See what roles give"),
    ("role_permission.write", "Change what roles give"),
    ("user_role.read", "See who has which role"),
    ("user_role.write", "Give and take roles"),
    ("organization_unit.read", "See the organisation"),
    ("organization_unit.write", "Change the organisation"),
    ("user_group.read", "See groups"),
    ("user_group.write", "Make, change and delete groups"),
    ("user_group_membership.read", "See who is in which group"),
    ("user_group_membership.write", "Put users into groups and take them out"),
    ("user_group_role.read", "See which roles groups give"),
    ("user_group_role.write", "Change which roles groups give"),
    ("service_account.read", "See service accounts"),
    ("service_account.write", "Make, change and delete service accounts"),
    ("api_key.read", "See API keys, never their secret"),
    ("api_key.write", "Make, rotate and revoke API keys"),
    ("resource.read", "See registered resources"),
    ("resource.write", "Register, change and remove resources"),
    ("policy.read", "See the tenant's own policies, and preview changes"),
    ("policy.write", "Change the tenant's own policies"),
    ("snapshot.read", "See and fetch published versions"),
    ("snapshot.write", "Roll the rules back to an earlier version"),
    ("audit_log.read", "Read and export the audit log"),
    ("login_attempt.read", "Read who tried to sign in"),
    ("webhook.read", "See webhooks and their deliveries, never their secret"),
    ("webhook.write", "Make, change, test and delete webhooks, and deliver again"),
    ("notification_template.read", "See, preview and test the templates of notifications"),
    ("notification_template.write", "Make, change and delete templates of notifications"),
    ("user_notification.read", "See what was sent to whom and where nothing arrives, never a link or code"),
    ("user_notification.write", "Let messages go again where one did not arrive"),
    ("token_key.read", "See the keys that sign access tokens, never their secret"),
    ("token_key.write", "Change the key that signs access tokens"),
    ("gateway_host.read", "See the applications behind the gateway"),
    ("gateway_host.write", "Put applications behind the gateway, change and remove them"),
    ("identity_provider.read", "See the issuers that are trusted"),
    ("identity_provider.write", "Trust issuers, change and remove them"),
    ("federated_identity.read", "See who users are elsewhere"),
    ("federated_identity.write", "Say who users are elsewhere"),
];

/// The roles that every tenant begins with, with their descriptions. They are not to be changed.
pub const ROLES: &[(&str, &str)] = &[
    (OWNER, "Holds everything, and alone writes policies, schema and automatic rules"),
    ("admin", "Administers people, roles and access, as far as they go themselves"),
    ("auditor", "Sees everything and changes nothing"),
    ("helpdesk", "Helps people in: locks, unlocks, ends sessions"),
];

/// What only an owner may do, whatever a role says.
const OWNER_ONLY: &[&str] = &[
    "federated_identity.write",
    "gateway_host.write",
    "identity_provider.write",
    "policy.write",
    "snapshot.write",
    "user.purge",
];

/// What the help desk may do.
const HELPDESK: &[&str] = &[
    "user.read",
    "user.support",
    "user_group.read",
    "user_group_membership.read",
    "organization_unit.read",
    "role.read",
    "user_role.read",
    "login_attempt.read",
];

/// The catalogue's rows for [`PERMISSIONS`], as the migrations insert them.
pub fn catalogue() -> Vec<Permission> {
    let rows = PERMISSIONS.iter().zip(1_u128..).map(|((action, description), number)| Permission {
        id: Uuid::from_u128(0x0000_0000_0000_7000_8000_0001_0000_0000 + number),
        tenant_id: None,
        name: format!("{RESOURCE}.{action}"),
        resource: RESOURCE.to_owned(),
        action: (*action).to_owned(),
        description: Some((*description).to_owned()),
        category: "admin".to_owned(),
        created_at: Timestamp::from_millis(0),
    });
    rows.collect()
}

/// The rows of [`ROLES`] for a new tenant; `id` gives a fresh id each time.
pub fn roles(tenant: Uuid, now: Timestamp, mut id: impl FnMut() -> Uuid) -> Vec<Role> {
    let rows = ROLES.iter().map(|(name, description)| Role {
        id: id(),
        tenant_id: tenant,
        name: (*name).to_owned(),
        description: Some((*description).to_owned()),
        r#type: RoleType::System,
        permissions: (PERMISSIONS.iter())
            .filter(|(action, _)| gives(name, action))
            .map(|(action, _)| PermissionEntry {
                target: PermissionTarget::Name { permission: format!("{RESOURCE}.{action}") },
                effect: Effect::Allow,
                conditions: None,
                resource_id: None,
            })
            .collect(),
        is_active: true,
        created_at: now,
        updated_at: now,
    });
    rows.collect()
}

fn gives(role: &str, action: &str) -> bool {
    match role {
        OWNER => true,
        "admin" => !OWNER_ONLY.contains(&action),
        "auditor" => action.ends_with(".read"),
        _ => HELPDESK.contains(&action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Finding;
    use crate::model::{Problems, row::Invariants};

    #[test]
    fn the_catalogue_and_the_roles_are_sound_rows() {
        let mut findings: Vec<Finding> = vec![];
        for permission in catalogue() {
            permission.check(&mut Problems::new("permission", &permission.name, &mut findings));
        }
        let mut number = 0;
        let roles = roles(SYSTEM_TENANT, Timestamp::from_millis(0), || {
            number += 1;
            Uuid::from_u128(number)
        });
        for role in &roles {
            role.check(&mut Problems::new("role", &role.name, &mut findings));
        }
        assert_eq!(findings, []);
        let sizes: Vec<usize> = roles.iter().map(|role| role.permissions.len()).collect();
        assert_eq!(sizes, [PERMISSIONS.len(), PERMISSIONS.len() - OWNER_ONLY.len(), 26, HELPDESK.len()]);
    }

    #[test]
    fn what_roles_are_made_of_is_in_the_catalogue() {
        for action in OWNER_ONLY.iter().chain(HELPDESK) {
            assert!(PERMISSIONS.iter().any(|(its, _)| its == action), "{action}");
        }
    }
}
