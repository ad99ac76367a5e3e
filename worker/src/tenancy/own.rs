//! The caller's own tenant: `/v1/tenant`. Its slug and status are the operators' to change.

use parapet::Finding;
use parapet::administration::RESOURCE;
use parapet::model::{Column, Kind, Row, SettingCategory, Tenant, TenantSetting};
use parapet::setting;
use serde_json::Value;
use uuid::Uuid;

use super::tenant::patched;
use crate::administration::{Actor, Plan, RowChange, State, WRITE_SCOPE, commit, if_match, row_answer};
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;

/// What a tenant sets of its own; its domain only once it is verified.
pub const STATED: &[&str] = &["name", "logo_url", "primary_color", "secondary_color", "branding_config", "settings"];

/// What changing a setting needs.
const SET: &str = "tenant_setting.write";

/// `/v1/tenant`.
pub fn routes() -> Vec<Route> {
    let path = "/v1/tenant";
    vec![
        Route {
            method: "GET",
            path,
            access: Access::Permission("tenant.read", |app, call, actor| Box::pin(get(app, call, actor))),
        },
        Route {
            method: "PATCH",
            path,
            access: Access::Permission("tenant.write", |app, call, actor| Box::pin(update(app, call, actor))),
        },
    ]
}

/// The statement that reads the caller's tenant.
pub(super) fn read_own(tenant: Uuid) -> Statement {
    select::<Tenant>("id = ?1", tenant)
}

async fn get(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let mut found = rows::<Tenant>(app.db.all(read_own(actor.tenant)).await.map_err(ApiError::database)?)?;
    row_answer(&found.pop().ok_or(ApiError::NotFound)?)
}

async fn update(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let (tenant, patch) = (actor.tenant, call.object()?);
    commit(app, call, actor, vec![read_own(tenant)], |state| {
        let before = state.rows::<Tenant>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &before)?;
        let mut findings = Vec::new();
        let after = patched(&before, &patch, STATED, &mut findings)?;
        if after.settings != before.settings {
            check_settings(&after, &mut findings);
        }
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        let sets = after.settings != before.settings;
        let mut plan = change(state, &before, after, "updated")?;
        if sets {
            may_set(state, &mut plan)?;
        }
        Ok(plan)
    })
    .await
}

/// Defaults of settings are settings: whoever may only change the tenant's looks does not change them.
fn may_set(state: &State<'_>, plan: &mut Plan) -> Result<(), ApiError> {
    let caller = &state.actor.caller;
    if !caller.has_scope(WRITE_SCOPE) && !caller.has_scope(&format!("{RESOURCE}:{SET}")) {
        return Err(ApiError::MissingScope { scope: WRITE_SCOPE });
    }
    plan.gains_action(state, SET);
    Ok(())
}

/// A plan that changes the caller's tenant, if that makes a difference.
pub(super) fn change(state: &State<'_>, before: &Tenant, mut after: Tenant, event: &str) -> Result<Plan, ApiError> {
    let mut plan = Plan::new(state, Response::default());
    if after != *before {
        after.updated_at = state.now;
        plan.change(RowChange::tenant(before, &after, event));
    }
    plan.answer(row_answer(&after)?);
    Ok(plan)
}

/// Whether a key is of what decides access.
fn is_rule(category: &str, key: &str) -> bool {
    let known = SettingCategory::from_word(category).and_then(|category| setting::find(category, key));
    known.is_some_and(setting::Known::is_compiled)
}

/// `{"<category>": {"<key>": value}}`, by the categories and keys of settings. What decides access is no default: it is a
/// setting of its own, which is compiled and which owners alone write.
fn check_settings(tenant: &Tenant, findings: &mut Vec<Finding>) {
    let mut find = |field: String, code: &str, message: String| {
        findings.push(Finding::error("tenant", code, message).row(tenant.id).field(field));
    };
    let is_category = |column: &&Column| column.name == "category";
    let categories = match TenantSetting::COLUMNS.iter().find(is_category).map(|column| column.kind) {
        Some(Kind::Enum(words)) => words,
        _ => &[],
    };
    for (category, keys) in &tenant.settings {
        if !categories.contains(&category.as_str()) {
            let message = format!("`{category}` is none of {}", categories.join(", "));
            find(format!("settings/{category}"), "tenant.settings_category", message);
            continue;
        }
        let Value::Object(keys) = keys else {
            find(format!("settings/{category}"), "tenant.settings_shape", "expected an object of settings".to_owned());
            continue;
        };
        for (key, value) in keys {
            let field = format!("settings/{category}/{key}");
            let is_key =
                !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
            if !is_key {
                find(field, "tenant.settings_key", format!("`{key}` is no key: expected `[A-Za-z0-9_.-]+`"));
            } else if is_rule(category, key) {
                let message = format!("`auth/{key}` decides access, and is a setting of its own");
                find(field, "tenant.settings_decides", message);
            } else if value.is_null() {
                find(field, "tenant.settings_null", "a setting is not null".to_owned());
            }
        }
    }
}
