//! A tenant's own host name: `/v1/tenant/domain`. It is stored once DNS says that the tenant may speak for it.
//!
//! `proof_of_name.rs` says how.

use parapet::Finding;
use parapet::model::{Tenant, is_domain};
use serde_json::{Value, json};

use super::own::{change, read_own};
use super::proof_of_name::ProofOfName;
use crate::administration::{Actor, commit};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;

/// A host is either a tenant's own or an application's. A trigger stands behind this.
const IS_APPLICATION: &str = "SELECT 1 AS there FROM gateway_host WHERE host = ?1";

/// `/v1/tenant/domain`.
pub fn routes() -> Vec<Route> {
    let write = |method, path, handler| Route { method, path, access: Access::Permission("tenant.write", handler) };
    vec![
        write("POST", "/v1/tenant/domain", |app, call, actor| Box::pin(ask(app, call, actor))),
        write("DELETE", "/v1/tenant/domain", |app, call, actor| Box::pin(remove(app, call, actor))),
        write("POST", "/v1/tenant/domain/verify", |app, call, actor| Box::pin(verify(app, call, actor))),
    ]
}

/// The record to publish.
async fn ask(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let domain = stated(app, call)?;
    let record = ProofOfName::of(app, actor.tenant, &domain)?;
    let record = json!({ "type": "TXT", "name": record.name, "value": record.value });
    Response::json(&json!({ "domain": domain, "record": record }))
}

/// Looks for the record, and stores the name where it is there.
async fn verify(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let domain = stated(app, call)?;
    let tenant = actor.tenant;
    let record = ProofOfName::of(app, tenant, &domain)?;
    if !record.is_there(app).await? {
        return Err(ApiError::invalid(record.missing("tenant", "tenant.domain_unverified", "domain")));
    }
    if app.db.first(Statement::new(IS_APPLICATION).bind(domain.as_str())).await.map_err(ApiError::database)?.is_some() {
        let message = format!("`{domain}` is the host of an application behind the gateway");
        return Err(ApiError::invalid(Finding::error("tenant", "tenant.domain_taken", message).field("domain")));
    }
    commit(app, call, actor, vec![read_own(tenant)], |state| {
        let before = state.rows::<Tenant>(0)?.pop().ok_or(ApiError::NotFound)?;
        change(state, &before, Tenant { domain: Some(domain.clone()), ..before.clone() }, "domain_verified")
    })
    .await
}

async fn remove(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let tenant = actor.tenant;
    commit(app, call, actor, vec![read_own(tenant)], |state| {
        let before = state.rows::<Tenant>(0)?.pop().ok_or(ApiError::NotFound)?;
        if before.domain.is_none() {
            return Err(ApiError::NotFound);
        }
        let mut plan = change(state, &before, Tenant { domain: None, ..before.clone() }, "domain_removed")?;
        plan.answer(Response { status: 204, ..Response::default() });
        Ok(plan)
    })
    .await
}

/// The name in the body: `{"domain": "…"}` and nothing else.
fn stated(app: &App, call: &Call) -> Result<String, ApiError> {
    call.no_query()?;
    let body = call.object()?;
    let mut findings = Vec::new();
    let mut find = |field: &str, code: &str, message: String| {
        findings.push(Finding::error("tenant", code, message).field(field));
    };
    for name in body.keys().filter(|name| *name != "domain") {
        find(name, "row.unknown_field", format!("there is no `{name}` here"));
    }
    let base = app.config()?.base_domain.as_deref();
    let domain = match body.get("domain") {
        Some(Value::String(domain)) if !is_domain(domain) => {
            find("domain", "tenant.domain", "expected a host name in lower case".to_owned());
            None
        }
        // The hosts under it are tenants' by their slugs.
        Some(Value::String(domain)) if base.is_some_and(|base| domain == base || is_under(domain, base)) => {
            find("domain", "tenant.domain_reserved", format!("`{domain}` belongs to the service"));
            None
        }
        Some(Value::String(domain)) => Some(domain.clone()),
        Some(_) => {
            find("domain", "row.wrong_type", "expected text".to_owned());
            None
        }
        None => {
            find("domain", "row.missing", "`domain` is required".to_owned());
            None
        }
    };
    domain.filter(|_| findings.is_empty()).ok_or(ApiError::Invalid { findings })
}

fn is_under(domain: &str, base: &str) -> bool {
    domain.strip_suffix(base).is_some_and(|rest| rest.ends_with('.'))
}
