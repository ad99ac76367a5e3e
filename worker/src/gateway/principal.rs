//! Who asks at the gateway: whoever shows a credential of the application's tenant, or nobody.

use std::rc::Rc;

use parapet::directory::{Edge, PrincipalRecord, PrincipalState, RowRef};
use serde_json::Map;
use uuid::Uuid;

use super::Application;
use crate::access::principal;
use crate::app::App;
use crate::authenticate::{Caller, Owner, caller_at};
use crate::error::ApiError;
use crate::guard::Call;
use crate::login::token::issuer;

/// The id of whoever does not say who they are. No row has it: ids of rows are UUIDs.
pub const ANONYMOUS: &str = "anonymous";

/// Who asks.
pub struct Principal {
    /// As what they are decided for.
    pub record: Rc<PrincipalRecord>,
    /// By what they came; nothing where they did not say who they are.
    pub caller: Option<Caller>,
}

impl Principal {
    /// Whoever a request comes from; nothing where it shows no credential. 401 where it shows one that does not count here.
    pub async fn of(app: &App, application: &Application, call: &Call) -> Result<Option<Self>, ApiError> {
        let domain = application.tenant_domain.as_deref();
        let issuer = issuer(app.config()?, &call.request, &application.tenant_slug, domain);
        let caller = match caller_at(app, call, application.tenant, &issuer).await {
            Ok(caller) => caller,
            Err(ApiError::Unauthenticated { code: "key.missing", .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        if caller.standing.tenant != application.tenant {
            return Err(ApiError::Unauthenticated {
                code: "key.other_tenant",
                detail: "the key is of another tenant than the host",
            });
        }
        let (kind, id) = match caller.standing.owner {
            Owner::Tenant => return Err(ApiError::NoPrincipal),
            Owner::User(id) => ("User", id),
            Owner::ServiceAccount(id) => ("ServiceAccount", id),
        };
        let record = principal::find(app, caller.newest(), kind, &id.to_string(), &call.id).await?;
        let record = record.ok_or(ApiError::NoPrincipal)?;
        Ok(Some(Self { record, caller: Some(caller) }))
    }

    /// Whoever does not say who they are, with the role that the tenant gives them.
    pub fn anonymous(role: Uuid) -> Self {
        let role = Edge { to: role.to_string(), expires_at: None, source: RowRef::new("role", role) };
        let record = PrincipalRecord {
            r#type: "User".to_owned(),
            id: ANONYMOUS.to_owned(),
            state: PrincipalState::Active,
            attributes: Map::new(),
            roles: vec![role],
            groups: Vec::new(),
        };
        Self { record: Rc::new(record), caller: None }
    }
}
