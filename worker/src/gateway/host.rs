//! Applications behind the gateway: `/v1/gateway-hosts`. A host counts once DNS says that the tenant may speak for it.

use parapet::Finding;
use parapet::gateway::Routes;
use parapet::model::{GatewayHost, is_gateway_host};
use parapet::web_address::WebAddress;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::administration::{Actor, Collection, Edit, ListOf, Plan, create_and, routes as table, update_and};
use crate::app::App;
use crate::authenticate::Host;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::messaging::{Leads, leads};
use crate::platform::db::Statement;
use crate::response::Response;
use crate::tenancy::ProofOfName;

/// The most applications of a tenant.
const MOST: i64 = 100;

const COUNT: &str = "SELECT count(*) AS hosts FROM gateway_host WHERE tenant_id = ?1";

const IS_TENANTS: &str = "SELECT count(*) AS there FROM tenant WHERE domain = ?1";

const MAPS: &str = "
    SELECT count(*) AS maps FROM tenant_setting WHERE tenant_id = ?1 AND category = 'auth' AND setting_key = ?2";

/// The rows. Making and changing one asks whose the host is and where the origin leads.
pub fn routes() -> Vec<Route> {
    let route = |method, path, handler| Route { method, path, access: Access::Permission(GatewayHost::WRITE, handler) };
    let own = |method| matches!(method, "POST" | "PATCH");
    let mut routes: Vec<Route> = table::<GatewayHost>().into_iter().filter(|route| !own(route.method)).collect();
    routes.extend([
        route("POST", GatewayHost::PATH, |app, call, actor| Box::pin(create(app, call, actor))),
        route("PATCH", GatewayHost::ITEM, |app, call, actor| Box::pin(update(app, call, actor))),
    ]);
    routes
}

impl ListOf for GatewayHost {
    const PATH: &'static str = "/v1/gateway-hosts";
    const READ: &'static str = "gateway_host.read";
    const FILTERS: &'static [&'static str] = &[];
}

impl Collection for GatewayHost {
    const ITEM: &'static str = "/v1/gateway-hosts/{id}";
    const WRITE: &'static str = "gateway_host.write";
    const FIXED: &'static [&'static str] = &["host"];

    fn reads(tenant: Uuid, _id: Option<Uuid>, body: &Map<String, Value>) -> Vec<Statement> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        vec![
            Statement::new(COUNT).bind(tenant),
            Statement::new(IS_TENANTS).bind(text("host")),
            Statement::new(MAPS).bind(tenant).bind(format!("{}{}", Routes::SETTING_PREFIX, text("route_map"))),
        ]
    }

    fn rules(edit: &Edit<'_, Self>, _plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let Some(after) = edit.after else { return Ok(()) };
        let mut find = |field: &str, code: &str, message: String| {
            findings.push(Finding::error("gateway_host", code, message).field(field));
        };
        if edit.before.is_none() && edit.state.count(edit.first) >= MOST {
            find("host", "gateway_host.too_many", format!("a tenant has at most {MOST} applications"));
        }
        if edit.before.is_none() && edit.state.count(edit.first + 1) > 0 {
            find("host", "gateway_host.tenants_own", format!("`{}` is where a tenant's people sign in", after.host));
        }
        let is_other_map = edit.before.is_none_or(|before| before.route_map != after.route_map);
        if is_other_map && edit.state.count(edit.first + 2) == 0 {
            let message = format!("there is no setting `auth/{}{}`", Routes::SETTING_PREFIX, after.route_map);
            find("route_map", "gateway_host.unknown_route_map", message);
        }
        Ok(())
    }
}

async fn create(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let body = call.object()?;
    let mut wrong = leads_nowhere_good(app, &body).await?;
    wrong.extend(is_not_ours(app, actor.tenant, &body).await?);
    let made = create_and::<GatewayHost>(app, call, actor, |_, _| ApiError::unless_empty(&wrong)).await;
    made.map_err(|error| error.with_findings(wrong))
}

async fn update(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let wrong = leads_nowhere_good(app, &call.object()?).await?;
    let changed = update_and::<GatewayHost>(app, call, actor, |_, _| ApiError::unless_empty(&wrong)).await;
    changed.map_err(|error| error.with_findings(wrong))
}

/// What is wrong with the stated host, by who may speak for it.
async fn is_not_ours(app: &App, tenant: Uuid, body: &Map<String, Value>) -> Result<Option<Finding>, ApiError> {
    let config = app.config()?;
    let Some(host) = body.get("host").and_then(Value::as_str).filter(|host| is_gateway_host(host)) else {
        return Ok(None);
    };
    let wrong = |code: &str, message: String| Ok(Some(Finding::error("gateway_host", code, message).field("host")));
    if !matches!(Host::named(host, config.base_domain.as_deref()), Host::Named(_)) {
        return wrong("gateway_host.services_own", format!("`{host}` belongs to the service"));
    }
    if host.ends_with(".localhost") {
        // Names that lead to whoever asks (RFC 6761, section 6.3) can be nobody's.
        let message = format!("`{host}` is a name of a developer's own machine");
        return if config.local { Ok(None) } else { wrong("gateway_host.localhost", message) };
    }
    let record = ProofOfName::of(app, tenant, host)?;
    Ok(if record.is_there(app).await? {
        None
    } else {
        Some(record.missing("gateway_host", "gateway_host.unverified", "host"))
    })
}

/// What is wrong with where the stated origin leads: the rules of webhooks.
async fn leads_nowhere_good(app: &App, body: &Map<String, Value>) -> Result<Vec<Finding>, ApiError> {
    let config = app.config()?;
    let Some(origin) = body.get("origin").and_then(Value::as_str) else { return Ok(Vec::new()) };
    let (code, message) = match WebAddress::parse(origin, config.local) {
        Err(error) => (error.code(), error.to_string()),
        Ok(address) => match leads(app, config, &address).await {
            Ok(Leads::Out) if body.get("host").and_then(Value::as_str) != Some(address.host()) => return Ok(Vec::new()),
            Ok(Leads::Out | Leads::Here) => ("address.own", "the origin is this service itself".to_owned()),
            Ok(Leads::Inside) => ("address.inside", "the host's name leads into a private network".to_owned()),
            Ok(Leads::Nowhere) => ("address.unknown", "the host's name leads nowhere".to_owned()),
            Err(error) => {
                return Err(ApiError::unavailable("dns.unavailable", "the resolver does not answer", error));
            }
        },
    };
    Ok(vec![Finding::error("gateway_host", code, message).field("origin")])
}
