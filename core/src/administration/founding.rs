//! What a tenant begins with beside its first owner: the roles of the system, the role of the owner, the owner's key.

use super::{OWNER, roles};
use crate::api_key::ApiKeyToken;
use crate::model::{ApiKey, Role, Secret, TenantEpoch, User, UserRole};
use uuid::Uuid;

/// The scopes of a first owner's key: all reading and all changing that its owner may do.
pub const OWNER_SCOPES: [&str; 2] = ["admin:read", "admin:write"];

/// How many fresh ids [`founding`] takes.
pub const FOUNDING_IDS: usize = 6;

/// The rows of a new tenant beside the tenant and its first owner.
#[derive(Debug, Clone)]
pub struct Founding {
    /// The roles of the system.
    pub roles: Vec<Role>,
    /// The first owner's role.
    pub assignment: UserRole,
    /// The first owner's key. It does not end: its owner makes others and revokes it.
    pub key: ApiKey,
    /// The tenant's versions.
    pub epoch: TenantEpoch,
}

/// What the tenant of its first owner begins with, made when the owner is.
pub fn founding(owner: &User, token: &ApiKeyToken, ids: [Uuid; FOUNDING_IDS]) -> Founding {
    let (tenant, now) = (owner.tenant_id, owner.created_at);
    let [assignment, key, of_roles @ ..] = ids;
    let mut of_roles = of_roles.into_iter();
    // As many ids as roles, which a test holds; a nil id twice would be refused by the database.
    let roles = roles(tenant, now, || of_roles.next().unwrap_or_default());
    let owner_role = roles.iter().find(|role| role.name == OWNER).map_or(Uuid::nil(), |role| role.id);
    Founding {
        roles,
        assignment: UserRole {
            id: assignment,
            tenant_id: tenant,
            user_id: owner.id,
            role_id: owner_role,
            assigned_by: None,
            assigned_at: now,
            expires_at: None,
            is_active: true,
        },
        key: ApiKey {
            id: key,
            tenant_id: tenant,
            user_id: Some(owner.id),
            service_account_id: None,
            name: OWNER.to_owned(),
            key_hash: Some(Secret::new(token.hash())),
            key_prefix: token.prefix().to_owned(),
            scopes: OWNER_SCOPES.map(str::to_owned).to_vec(),
            expires_at: None,
            last_used_at: None,
            is_active: true,
            created_at: now,
            public_key: None,
            certificate_thumbprint: None,
        },
        epoch: TenantEpoch { tenant_id: tenant, policy_version: 1, directory_version: 1 },
    }
}

#[cfg(test)]
mod tests {
    use super::super::ROLES;
    use super::*;
    use crate::api_key::RANDOM_BYTES;
    use crate::model::{Row, TenantDocument};
    use serde_json::json;

    /// With the tenant and its owner it is a document without a finding, and the owner owns it.
    #[test]
    fn a_tenant_begins_with_its_roles_and_one_owner() {
        let tenant = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);
        let now = "2026-01-01T00:00:00.000Z";
        let owner = json!({ "id": Uuid::from_u128(1), "tenant_id": tenant, "email": "o@example.com",
                            "created_at": now, "updated_at": now });
        let owner = User::from_json(owner.as_object().unwrap().clone(), "owner", &mut vec![]).unwrap();
        let ids = std::array::from_fn(|index| Uuid::from_u128(10 + index as u128));
        let token = ApiKeyToken::from_random([7; RANDOM_BYTES]);
        let founding = founding(&owner, &token, ids);
        assert_eq!(founding.roles.len(), ROLES.len());
        assert_eq!(ROLES.len() + 2, FOUNDING_IDS);
        let document = json!({
            "tenant": { "id": tenant, "name": "New", "slug": "new", "created_at": now, "updated_at": now },
            "user": [{ "id": owner.id, "email": owner.email }],
            "permission": super::super::catalogue(),
            "role": founding.roles, "user_role": [founding.assignment], "api_key": [founding.key],
            "tenant_epoch": [founding.epoch],
        });
        let document = TenantDocument::from_value(document).unwrap();
        assert_eq!(document.user_role[0].role_id, document.role.iter().find(|role| role.name == OWNER).unwrap().id);
    }
}
