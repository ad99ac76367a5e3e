//! Who asks at the gateway: whoever shows a credential of the application's tenant, or nobody.

use std::rc::Rc;

use parapet::directory::PrincipalRecord;

use super::Application;
use crate::access::principal;
use crate::app::App;
use crate::authenticate::{Caller, Owner, caller_at};
use crate::error::ApiError;
use crate::guard::Call;
use crate::login::token::issuer;

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

    /// Whoever does not say who they are.
    pub fn anonymous(record: PrincipalRecord) -> Self {
        Self { record: Rc::new(record), caller: None }
    }
}
