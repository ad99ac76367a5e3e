//! The user who asks for what is their own: `/v1/me/…`, with a session or with a key of the scope `me`.

use uuid::Uuid;

use crate::authenticate::{Caller, Owner};
use crate::error::ApiError;

/// The user that a caller is.
pub struct Me {
    /// The tenant.
    pub tenant: Uuid,
    /// The user.
    pub user: Uuid,
}

impl Me {
    /// A caller who is somebody.
    pub fn of(caller: &Caller) -> Result<Self, ApiError> {
        let Owner::User(user) = caller.standing.owner else { return Err(ApiError::NoPrincipal) };
        if !caller.standing.tenant_active {
            return Err(ApiError::TenantInactive);
        }
        Ok(Self { tenant: caller.standing.tenant, user })
    }
}
