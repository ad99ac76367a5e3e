//! Issuers that a tenant trusts: `/v1/identity-providers`. What is said of one is read as the gateway will read it, and its
//! addresses lead to the public internet, by the rules of webhooks.

use parapet::Finding;
use parapet::model::{IdentityProvider, IdentityProviderType, SettingCategory, TenantDocument};
use parapet::schema::{Schema, read_setting};
use parapet::token::Trust;
use parapet::web_address::WebAddress;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::key_set;
use crate::administration::{Actor, Collection, Edit, ListOf, Plan, create_and, routes as table, update_and};
use crate::app::{App, Config};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::messaging::{Leads, leads};
use crate::platform::db::Statement;
use crate::response::Response;

/// The most issuers of a tenant.
const MOST: i64 = 20;

const COUNT: &str = "SELECT count(*) AS providers FROM identity_provider WHERE tenant_id = ?1";

/// Whether another than `?2` has the issuer `?3`.
const IS_THERE: &str = "
    SELECT count(*) AS there FROM identity_provider
    WHERE tenant_id = ?1 AND type = 'oidc' AND id IS NOT ?2 AND json_extract(configuration, '$.issuer') = ?3";

const IS_TENANTS: &str = "SELECT count(*) AS there FROM tenant WHERE domain = ?1";

/// The rows. Making and changing one asks where its addresses lead, and then for its keys.
pub fn routes() -> Vec<Route> {
    let route =
        |method, path, handler| Route { method, path, access: Access::Permission(IdentityProvider::WRITE, handler) };
    let own = |method| matches!(method, "POST" | "PATCH");
    let mut routes: Vec<Route> = table::<IdentityProvider>().into_iter().filter(|route| !own(route.method)).collect();
    routes.extend([
        route("POST", IdentityProvider::PATH, |app, call, actor| Box::pin(create(app, call, actor))),
        route("PATCH", IdentityProvider::ITEM, |app, call, actor| Box::pin(update(app, call, actor))),
    ]);
    routes
}

impl ListOf for IdentityProvider {
    const PATH: &'static str = "/v1/identity-providers";
    const READ: &'static str = "identity_provider.read";
    const FILTERS: &'static [&'static str] = &[];
}

impl Collection for IdentityProvider {
    const ITEM: &'static str = "/v1/identity-providers/{id}";
    const WRITE: &'static str = "identity_provider.write";
    const GIVEN: &'static [&'static str] = &["auto_provision", "secret"];
    const FIXED: &'static [&'static str] = &["type"];

    fn reads(tenant: Uuid, id: Option<Uuid>, body: &Map<String, Value>) -> Vec<Statement> {
        let issuer = addresses(body).find(|(name, _)| *name == "issuer");
        let issuer = issuer.map(|(_, text)| text);
        let host = issuer.and_then(|text| WebAddress::parse(text, true).ok());
        vec![
            Statement::new(COUNT).bind(tenant),
            Statement::new(IS_TENANTS).bind(host.as_ref().map(WebAddress::host)),
            Statement::new(IS_THERE).bind(tenant).bind(id).bind(issuer),
        ]
    }

    /// Whoever is trusted to say who somebody is could say that they are anybody, so it is an owner's, whatever a role says.
    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        plan.facts().needs_owner = true;
        let Some(after) = edit.after else { return Ok(()) };
        let mut find = |field: &str, code: &str, message: String| {
            findings.push(Finding::error("identity_provider", code, message).field(field));
        };
        if edit.before.is_none() && edit.state.count(edit.first) >= MOST {
            find("name", "identity_provider.too_many", format!("a tenant trusts at most {MOST} issuers"));
        }
        if after.r#type != IdentityProviderType::Oidc {
            find("type", "identity_provider.type", "expected `oidc`: the others are not connected yet".to_owned());
        }
        if edit.state.count(edit.first + 1) > 0 {
            let message = "this is where people of a tenant sign in: who issues here is none of the others";
            find("configuration/issuer", "identity_provider.own", message.to_owned());
        }
        if edit.state.count(edit.first + 2) > 0 {
            find("configuration/issuer", "identity_provider.twice", "the tenant trusts this issuer already".to_owned());
        }
        let schema = declared(edit.state.document);
        for name in after.attribute_mapping.keys().filter(|name| !schema.caller.contains(*name)) {
            let message = format!("`auth/schema` declares no `{name}` that a caller may fill");
            find(&format!("attribute_mapping/{name}"), "identity_provider.attribute", message);
        }
        Ok(())
    }
}

/// What the tenant declares of its users.
fn declared(document: &TenantDocument) -> Schema {
    let mut schema = Schema::default();
    let is_it =
        |row: &&parapet::model::TenantSetting| row.category == SettingCategory::Auth && row.setting_key == "schema";
    if let Some(row) = document.tenant_setting.iter().find(is_it) {
        // What is wrong with it is said where it is set.
        read_setting(&mut schema, &row.setting_value, &row.id.to_string(), &mut Vec::new());
    }
    schema
}

/// The addresses that a body states, the issuer's own first.
fn addresses(body: &Map<String, Value>) -> impl Iterator<Item = (&'static str, &str)> {
    let configuration = body.get("configuration").and_then(Value::as_object);
    ["issuer", "jwks_uri"].into_iter().filter_map(move |name| Some((name, configuration?.get(name)?.as_str()?)))
}

async fn create(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let (tenant, local, body) = (actor.tenant, app.config()?.local, call.object()?);
    let mut wrong = leads_nowhere_good(app, call, &body).await?;
    // With what else is wrong, all at once.
    let object = |name: &str| body.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    wrong.extend(Trust::read(&object("configuration"), &object("attribute_mapping"), local).err().unwrap_or_default());
    let made = create_and::<IdentityProvider>(app, call, actor, |edit, _| unless_wrong(edit, &wrong, local)).await;
    fetched(app, call, tenant, made.map_err(|error| error.with_findings(wrong))?).await
}

async fn update(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let (tenant, local) = (actor.tenant, app.config()?.local);
    let wrong = leads_nowhere_good(app, call, &call.object()?).await?;
    let changed = update_and::<IdentityProvider>(app, call, actor, |edit, _| unless_wrong(edit, &wrong, local)).await;
    fetched(app, call, tenant, changed.map_err(|error| error.with_findings(wrong))?).await
}

/// Refuses what the gateway could not read, and what leads nowhere good.
fn unless_wrong(edit: &Edit<'_, IdentityProvider>, wrong: &[Finding], local: bool) -> Result<(), ApiError> {
    let read = edit.after.map(|after| Trust::read(&after.configuration, &after.attribute_mapping, local));
    let mut findings = match read {
        Some(Err(findings)) => findings,
        _ => Vec::new(),
    };
    findings.extend(wrong.iter().filter(|finding| !findings.contains(finding)).cloned().collect::<Vec<_>>());
    ApiError::unless_empty(&findings)
}

/// The answer, once the issuer's keys were asked for: the first request that comes with a token need not wait for them.
async fn fetched(app: &App, call: &Call, tenant: Uuid, answer: Response) -> Result<Response, ApiError> {
    if let Ok(row) = serde_json::from_slice::<Value>(&answer.body) {
        let object = |name: &str| row.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        let id = row.get("id").and_then(Value::as_str).and_then(|id| id.parse::<Uuid>().ok());
        let trust = Trust::read(&object("configuration"), &object("attribute_mapping"), app.config()?.local);
        if let (Some(provider), Ok(trust), Some(true)) = (id, trust, row.get("is_active").and_then(Value::as_bool)) {
            key_set::prepare(app, &call.id, tenant, provider, &trust).await;
        }
    }
    Ok(answer)
}

/// What is wrong with where the stated addresses lead: the rules of webhooks, and none of our own.
async fn leads_nowhere_good(app: &App, call: &Call, body: &Map<String, Value>) -> Result<Vec<Finding>, ApiError> {
    let config = app.config()?;
    let mut findings = Vec::new();
    for (name, text) in addresses(body) {
        // What is no address is said where all that is stated is read.
        let Ok(address) = WebAddress::parse(text, config.local) else { continue };
        if let Some((code, message)) = leads_wrong(app, config, call, &address).await? {
            let finding = Finding::error("identity_provider", code, message);
            findings.push(finding.field(format!("configuration/{name}")));
        }
    }
    Ok(findings)
}

async fn leads_wrong(
    app: &App,
    config: &Config,
    call: &Call,
    address: &WebAddress,
) -> Result<Option<(&'static str, &'static str)>, ApiError> {
    const OWN: (&str, &str) = ("address.own", "the address is this service's own");
    let is_here = !address.is_local() && call.request.host() == address.host();
    Ok(match leads(app, config, address).await {
        _ if is_here => Some(OWN),
        Ok(Leads::Out) => None,
        Ok(Leads::Here) => Some(OWN),
        Ok(Leads::Inside) => Some(("address.inside", "the host's name leads into a private network")),
        Ok(Leads::Nowhere) => Some(("address.unknown", "the host's name leads nowhere")),
        Err(error) => return Err(ApiError::unavailable("dns.unavailable", "the resolver does not answer", error)),
    })
}
