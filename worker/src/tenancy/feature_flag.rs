//! Feature flags: `/v1/feature-flags`, the tenant's own, and the operator's to be seen; and which are on for whom.

use parapet::Finding;
use parapet::authzen::principal_type;
use parapet::directory::PrincipalState;
use parapet::model::{FeatureFlag, TenantDocument};
use serde_json::{Map, Value, json};

use crate::access::evaluation::{SCOPE, answer};
use crate::access::principal;
use crate::administration::{Collection, Edit, ListOf, Plan, read_only, routes as table};
use crate::app::App;
use crate::authenticate::{Caller, Owner};
use crate::directory::named;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::publish;
use crate::response::Response;

impl ListOf for FeatureFlag {
    const PATH: &'static str = "/v1/feature-flags";
    const READ: &'static str = "feature_flag.read";
    const FILTERS: &'static [&'static str] = &["flag_name", "is_enabled", "tenant_id"];
    const SORTS: &'static [&'static str] = &["flag_name"];
    const TENANT: &'static str = "(tenant_id = ?1 OR tenant_id IS NULL)";
}

impl Collection for FeatureFlag {
    const ITEM: &'static str = "/v1/feature-flags/{id}";
    const WRITE: &'static str = "feature_flag.write";

    fn rows(document: &mut TenantDocument) -> Option<&mut Vec<Self>> {
        Some(&mut document.feature_flag)
    }

    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        if edit.before.is_some_and(|flag| flag.tenant_id.is_none()) {
            findings.push(read_only::<FeatureFlag>("tenant_id"));
        }
        // What a policy says of those for whom it is on, it gives or takes with the flag.
        let mut flags = [edit.before, edit.after].into_iter().flatten();
        plan.facts().needs_owner |= flags.any(|flag| named::literal_by_a_policy(edit.state.document, &flag.flag_name));
        Ok(())
    }
}

/// The table's routes, and who has which flag.
pub fn routes() -> Vec<Route> {
    let mut routes = table::<FeatureFlag>();
    routes.push(Route {
        method: "GET",
        path: "/v1/flags/evaluate",
        access: Access::Scope(SCOPE, |app, call, caller| Box::pin(evaluate(app, call, caller))),
    });
    routes
}

/// `GET /v1/flags/evaluate`: the flags that are switched on, each with whether it is on for the subject; without one,
/// for whom the key acts. What is not there is off, and all are for whoever may not act.
async fn evaluate(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let (mut kind, mut id) = (None, None);
    let mut findings = Vec::new();
    let mut refuse = |code: &str, name: &str, message: String| {
        findings.push(Finding::error("query", code, message).field(name));
    };
    for (name, value) in call.query() {
        match name.as_str() {
            "subject_type" if kind.is_none() => kind = Some(value),
            "subject_id" if id.is_none() => id = Some(value),
            "subject_type" | "subject_id" => refuse("query.twice", &name, format!("`{name}` is there twice")),
            _ => refuse("query.unknown", &name, format!("there is no parameter `{name}`")),
        }
    }
    let subject = match (kind, id) {
        (Some(kind), Some(id)) => {
            let known = principal_type(&kind);
            if known.is_none() {
                refuse("query.value", "subject_type", format!("`{kind}` is no type of subjects"));
            }
            known.map(|kind| (kind, id))
        }
        (None, None) => match caller.standing.owner {
            Owner::User(id) => Some(("User", id.to_string())),
            Owner::ServiceAccount(id) => Some(("ServiceAccount", id.to_string())),
            Owner::Tenant => {
                let message = "the key acts for nobody, so the subject must be said";
                refuse("query.missing", "subject_id", message.to_owned());
                None
            }
        },
        (kind, _) => {
            let missing = if kind.is_none() { "subject_type" } else { "subject_id" };
            refuse("query.missing", missing, format!("`{missing}` belongs to the other"));
            None
        }
    };
    let Some((kind, id)) = subject.filter(|_| findings.is_empty()) else {
        let detail = "the query is not valid".to_owned();
        return Err(ApiError::Malformed { code: "query.invalid".to_owned(), detail, findings });
    };
    let published = publish::current(app, caller.newest(), &call.id).await?;
    let record = principal::find(app, caller.newest(), kind, &id, &call.id).await?;
    let active = caller.standing.tenant_active;
    let record = record.filter(|record| active && record.state == PrincipalState::Active);
    let on = record.as_deref().map(|record| published.engine.flags(record, app.clock.now())).unwrap_or_default();
    let flags = published.engine.tenant().flags.iter();
    let flags: Map<String, Value> =
        flags.map(|flag| (flag.name.clone(), Value::Bool(on.contains(&flag.name.as_str())))).collect();
    answer(&caller, &json!({ "flags": flags }))
}
