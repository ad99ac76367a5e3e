//! The tenant's own Cedar: `/v1/policies`, a view of the settings `auth/policy.<name>`.

use parapet::Finding;
use parapet::model::row::{Invariants, Problems, Reader, TableInfo};
use parapet::model::{Row, SettingCategory, SqlValue, Tenant, TenantSetting};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::administration::{Actor, ListOf, list, row_answer};
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;
use crate::tenancy::tenant_setting::{Key, description, write};

const ITEM: &str = "/v1/policies/{name}";
const WRITE: &str = "policy.write";

/// A setting that is a policy.
pub struct Policy(TenantSetting);

impl Policy {
    fn show(&self) -> Value {
        let row = &self.0;
        json!({
            "id": row.id,
            "name": row.setting_key.strip_prefix("policy."),
            "text": row.setting_value,
            "description": row.description,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        })
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.show().serialize(serializer)
    }
}

impl Invariants for Policy {
    fn check(&self, problems: &mut Problems<'_>) {
        self.0.check(problems);
    }
}

impl Row for Policy {
    const INFO: TableInfo = TenantSetting::INFO;

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        TenantSetting::read(reader).map(Self)
    }

    fn to_sql(&self) -> Vec<SqlValue> {
        self.0.to_sql()
    }

    fn value(&self, column: &str) -> Option<SqlValue> {
        self.0.value(column)
    }

    fn references(&self, visit: &mut dyn FnMut(&'static str, &'static str, Uuid)) {
        self.0.references(visit);
    }
}

impl ListOf for Policy {
    const PATH: &'static str = "/v1/policies";
    const READ: &'static str = "policy.read";
    const FILTERS: &'static [&'static str] = &[];
    const TENANT: &'static str = "tenant_id = ?1 AND category = 'auth' AND setting_key GLOB 'policy.?*'";
}

/// List, and each by its name.
pub fn routes() -> Vec<Route> {
    let route = |method, path, access| Route { method, path, access };
    vec![
        route(
            "GET",
            Policy::PATH,
            Access::Permission(Policy::READ, |app, call, actor| Box::pin(list::<Policy>(app, call, actor))),
        ),
        route("GET", ITEM, Access::Permission(Policy::READ, |app, call, actor| Box::pin(get(app, call, actor)))),
        route("PUT", ITEM, Access::Permission(WRITE, |app, call, actor| Box::pin(put(app, call, actor)))),
        route("DELETE", ITEM, Access::Permission(WRITE, |app, call, actor| Box::pin(remove(app, call, actor)))),
    ]
}

fn key(call: &Call) -> Result<Key, ApiError> {
    Key::new(SettingCategory::Auth, &format!("policy.{}", call.parameter("name")))
}

fn show(_tenant: &Tenant, row: Option<&TenantSetting>) -> Value {
    row.map_or(Value::Null, |row| Policy(row.clone()).show())
}

async fn get(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let statement = key(call)?.statement(actor.tenant);
    let mut found = rows::<Policy>(app.db.all(statement).await.map_err(ApiError::database)?)?;
    row_answer(&found.pop().ok_or(ApiError::NotFound)?)
}

async fn put(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let (key, mut body) = (key(call)?, call.object()?);
    let mut findings = Vec::new();
    let mut refuse = |code: &str, field: &str, message: String| {
        findings.push(Finding::error("policy", code, message).row(call.parameter("name")).field(field));
    };
    let text = body.remove("text");
    match &text {
        None => refuse("row.missing", "text", "`text` is required".to_owned()),
        Some(Value::String(_)) => {}
        Some(_) => refuse("row.wrong_type", "text", "expected a Cedar policy as text".to_owned()),
    }
    for name in body.keys().filter(|name| *name != "description") {
        refuse("row.unknown_field", name, format!("a policy has no `{name}`"));
    }
    let before = findings.len();
    let description = description(&mut body, &mut findings);
    for finding in findings.iter_mut().skip(before) {
        finding.table = "policy".to_owned();
        finding.row = Some(call.parameter("name").to_owned());
    }
    let Some(text) = text.filter(|_| findings.is_empty()) else { return Err(ApiError::Invalid { findings }) };
    let written = write(app, call, actor, &key, Some((text, description)), &show).await;
    written.map_err(|error| of_policy(error, call.parameter("name")))
}

async fn remove(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    write(app, call, actor, &key(call)?, None, &show).await
}

/// The findings of the compiler, at the policy that was sent rather than at the setting that holds it.
fn of_policy(error: ApiError, name: &str) -> ApiError {
    let ApiError::Invalid { mut findings } = error else { return error };
    for finding in findings.iter_mut().filter(|finding| finding.code.starts_with("policy.")) {
        finding.table = "policy".to_owned();
        finding.row = Some(name.to_owned());
        let is_name = finding.field.as_deref() == Some("setting_key");
        finding.field = Some(if is_name { "name" } else { "text" }.to_owned());
    }
    ApiError::Invalid { findings }
}
