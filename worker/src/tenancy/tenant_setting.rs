//! Settings: `/v1/tenant-settings`, each by its category and key. What may be set stands in `core/src/setting.rs`.

use std::collections::BTreeSet;

use parapet::Finding;
use parapet::model::{Row, SettingCategory, Tenant, TenantDocument, TenantSetting};
use parapet::setting::{self, Known};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::administration::{
    Actor, Collection, Edit, ListOf, Plan, RowChange, State, commit, if_match, lengths, list, row_answer,
};
use crate::app::App;
use crate::directory::membership::{self, Evaluated};
use crate::document::{self, rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::platform::random;
use crate::response::Response;

const ONE: &str = "tenant_id = ?1 AND category = ?2 AND setting_key = ?3";

impl ListOf for TenantSetting {
    const PATH: &'static str = "/v1/tenant-settings";
    const READ: &'static str = "tenant_setting.read";
    const FILTERS: &'static [&'static str] = &["category", "setting_key"];
    const SORTS: &'static [&'static str] = &["setting_key"];

    fn shown(mut self) -> Self {
        hide(&mut self);
        self
    }
}

impl Collection for TenantSetting {
    const ITEM: &'static str = "/v1/tenant-settings/{category}/{key}";
    const WRITE: &'static str = "tenant_setting.write";

    fn rows(document: &mut TenantDocument) -> Option<&mut Vec<Self>> {
        Some(&mut document.tenant_setting)
    }

    /// Its routes are its own.
    fn rules(_edit: &Edit<'_, Self>, _plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        Ok(())
    }

    fn to_object(&self) -> Map<String, Value> {
        match serde_json::to_value(self.clone().shown()) {
            Ok(Value::Object(object)) => object,
            _ => Map::new(),
        }
    }
}

/// Of a secret, only that it is set. So is one whose key is not known any more.
fn hide(row: &mut TenantSetting) {
    if setting::find(row.category, &row.setting_key).is_none_or(|known| known.secret) {
        row.setting_value = json!({ "set": true });
    }
}

/// The rows, what counts, and each by its key.
pub fn routes() -> Vec<Route> {
    let route = |method, path, access| Route { method, path, access };
    let (read, write) = (TenantSetting::READ, TenantSetting::WRITE);
    vec![
        route(
            "GET",
            TenantSetting::PATH,
            Access::Permission(read, |app, call, actor| Box::pin(list::<TenantSetting>(app, call, actor))),
        ),
        route(
            "GET",
            "/v1/tenant-settings/effective",
            Access::Permission(read, |app, call, actor| Box::pin(all(app, call, actor))),
        ),
        route("GET", TenantSetting::ITEM, Access::Permission(read, |app, call, actor| Box::pin(get(app, call, actor)))),
        route(
            "PUT",
            TenantSetting::ITEM,
            Access::Permission(write, |app, call, actor| Box::pin(put(app, call, actor))),
        ),
        route(
            "DELETE",
            TenantSetting::ITEM,
            Access::Permission(write, |app, call, actor| Box::pin(remove(app, call, actor))),
        ),
    ]
}

/// What a secret setting is bound to, so that it does not open in another place.
pub fn place(tenant: impl std::fmt::Display, category: SettingCategory, key: &str) -> String {
    format!("tenant_setting/{tenant}/{}/{key}", category.as_str())
}

/// A setting by its category and key.
#[derive(Clone)]
pub struct Key {
    category: SettingCategory,
    key: String,
    known: &'static Known,
}

impl Key {
    /// The setting of a key; 404 where none is known.
    pub fn new(category: SettingCategory, key: &str) -> Result<Self, ApiError> {
        let known = setting::find(category, key).ok_or(ApiError::NotFound)?;
        Ok(Self { category, key: key.to_owned(), known })
    }

    fn of(call: &Call) -> Result<Self, ApiError> {
        let category = SettingCategory::from_word(call.parameter("category")).ok_or(ApiError::NotFound)?;
        Self::new(category, call.parameter("key"))
    }

    /// Reads its row.
    pub fn statement(&self, tenant: Uuid) -> Statement {
        select::<TenantSetting>(ONE, tenant).bind(self.category.as_str()).bind(self.key.as_str())
    }

    fn context(&self, tenant: Uuid) -> String {
        place(tenant, self.category, &self.key)
    }

    fn show(&self, tenant: &Tenant, row: Option<&TenantSetting>) -> Value {
        let (value, source) = self.known.effective(&self.key, tenant, row);
        json!({
            "category": self.category.as_str(),
            "key": self.key,
            "value": value,
            "source": source,
            "default": self.known.default_value(),
            "secret": self.known.secret,
            "needs_owner": self.known.owner,
            "description": row.and_then(|row| row.description.clone()),
            "about": self.known.description,
            "updated_at": row.map(|row| row.updated_at),
        })
    }
}

/// `GET /v1/tenant-settings/effective`: every known setting with what counts; of those with open keys, the ones set.
async fn all(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let (tenant, settings) = read(app, &actor, select::<TenantSetting>("tenant_id = ?1", actor.tenant)).await?;
    let mut keys: BTreeSet<(&str, String)> =
        settings.iter().map(|row| (row.category.as_str(), row.setting_key.clone())).collect();
    let closed = setting::KNOWN.iter().filter(|known| !known.is_open());
    keys.extend(closed.map(|known| (known.category.as_str(), known.key.to_owned())));
    let items = keys.into_iter().filter_map(|(category, key)| {
        let category = SettingCategory::from_word(category)?;
        let key = Key::new(category, &key).ok()?;
        let row = settings.iter().find(|row| row.category == category && row.setting_key == key.key);
        Some(key.show(&tenant, row))
    });
    Response::json(&json!({ "items": items.collect::<Vec<_>>() }))
}

async fn get(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let key = Key::of(call)?;
    let (tenant, settings) = read(app, &actor, key.statement(actor.tenant)).await?;
    row_answer(&key.show(&tenant, settings.first()))
}

async fn read(app: &App, actor: &Actor, statement: Statement) -> Result<(Tenant, Vec<TenantSetting>), ApiError> {
    let statements = vec![select::<Tenant>("id = ?1", actor.tenant), statement];
    let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?.into_iter();
    let tenant = rows::<Tenant>(answers.next().unwrap_or_default())?.pop().ok_or(ApiError::NotFound)?;
    Ok((tenant, rows(answers.next().unwrap_or_default())?))
}

async fn put(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let key = Key::of(call)?;
    let mut body = call.object()?;
    let mut findings = Vec::new();
    let value = body.remove("value");
    if value.is_none() {
        findings.push(Finding::error("tenant_setting", "row.missing", "`value` is required").field("value"));
    }
    let description = description(&mut body, &mut findings);
    for name in body.keys() {
        let finding = Finding::error("tenant_setting", "row.unknown_field", format!("a setting has no `{name}`"));
        findings.push(finding.field(name));
    }
    findings.extend(value.as_ref().and_then(|value| key.known.check(value)));
    let Some(value) = value.filter(|_| findings.is_empty()) else { return Err(ApiError::Invalid { findings }) };
    let show = |tenant: &Tenant, row: Option<&TenantSetting>| key.show(tenant, row);
    write(app, call, actor, &key, Some((value, description)), &show).await
}

async fn remove(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let key = Key::of(call)?;
    let show = |tenant: &Tenant, row: Option<&TenantSetting>| key.show(tenant, row);
    write(app, call, actor, &key, None, &show).await
}

/// Takes the description out of a body; adds what keeps it from its column.
pub fn description(body: &mut Map<String, Value>, findings: &mut Vec<Finding>) -> Option<String> {
    let mut find = |code: &str, message: &str| {
        findings.push(Finding::error("tenant_setting", code, message).field("description"));
    };
    let text = match body.remove("description") {
        None | Some(Value::Null) => return None,
        Some(Value::String(text)) if !text.contains('\0') => text,
        Some(Value::String(_)) => {
            find("row.wrong_type", "text may not hold the character U+0000");
            return None;
        }
        Some(_) => {
            find("row.wrong_type", "expected text");
            return None;
        }
    };
    let stated = Map::from_iter([("description".to_owned(), Value::from(text.as_str()))]);
    lengths::<TenantSetting>(&stated, &stated, findings);
    Some(text)
}

/// How a setting is shown, of a tenant and its row.
pub type Show<'a> = &'a dyn Fn(&Tenant, Option<&TenantSetting>) -> Value;

/// Sets a setting, or takes it away.
pub async fn write(
    app: &App,
    call: &Call,
    actor: Actor,
    key: &Key,
    wanted: Option<(Value, Option<String>)>,
    show: Show<'_>,
) -> Result<Response, ApiError> {
    membership::retried(app, call, actor, async |actor| {
        let evaluated = evaluated(app, &actor, key, wanted.as_ref().map(|(value, _)| value)).await?;
        let reads = vec![key.statement(actor.tenant)];
        commit(app, call, actor, reads, |state| {
            let before = state.rows::<TenantSetting>(0)?.pop();
            let tenant = &state.document.tenant;
            if let Some(before) = &before {
                if_match(call, &show(tenant, Some(before)))?;
            } else if wanted.is_none() {
                return Err(ApiError::NotFound);
            } else if call.request.header("if-match").is_some() {
                return Err(ApiError::PreconditionFailed);
            }
            let after = match &wanted {
                Some((value, description)) => Some(row(app, state, key, before.as_ref(), value, description)?),
                None => None,
            };
            let status = match (&before, &after) {
                (_, None) => 204,
                (None, _) => 201,
                _ => 200,
            };
            let mut plan = Plan::new(state, Response { status, ..Response::default() });
            plan.facts().needs_owner = key.known.owner;
            match (&before, &after) {
                (None, Some(after)) => plan.change(RowChange::insert(after, TenantSetting::EVENTS[0])),
                (Some(before), Some(after)) if before.to_sql() != after.to_sql() => {
                    plan.change(RowChange::update(before, after, TenantSetting::EVENTS[1]));
                }
                (Some(before), None) => plan.change(RowChange::delete(before, TenantSetting::EVENTS[2])),
                _ => {}
            }
            if let Some(evaluated) = &evaluated {
                evaluated.write(state, &mut plan)?;
            }
            if let Some(after) = &after {
                let mut answer = row_answer(&show(tenant, Some(after)))?;
                answer.status = status;
                plan.answer(answer);
            }
            Ok(plan)
        })
        .await
    })
    .await
}

/// The row as it will be; the same row, where it says the same.
fn row(
    app: &App,
    state: &State<'_>,
    key: &Key,
    before: Option<&TenantSetting>,
    value: &Value,
    description: &Option<String>,
) -> Result<TenantSetting, ApiError> {
    let value = if key.known.secret {
        let text = value.as_str().unwrap_or_default();
        let nonce = random::bytes().map_err(ApiError::internal)?;
        Value::String(app.config()?.data_keys()?.seal(text.as_bytes(), &key.context(state.tenant), nonce))
    } else {
        value.clone()
    };
    let same = before.filter(|before| before.setting_value == value && before.description == *description);
    if let Some(same) = same {
        return Ok(same.clone());
    }
    Ok(TenantSetting {
        id: before.map_or_else(|| state.fresh_id(), |before| Ok(before.id))?,
        tenant_id: state.tenant,
        setting_key: key.key.clone(),
        setting_value: value,
        description: description.clone(),
        category: key.category,
        updated_at: state.now,
        created_at: before.map_or(state.now, |before| before.created_at),
    })
}

/// The secret that a row holds, in the clear.
pub fn opened(app: &App, row: &TenantSetting) -> Result<String, ApiError> {
    let known = Key::new(row.category, &row.setting_key)?;
    let sealed = row.setting_value.as_str().unwrap_or_default();
    let text = app.config()?.data_keys()?.open(sealed, &known.context(row.tenant_id)).map_err(ApiError::internal)?;
    String::from_utf8(text).map_err(ApiError::internal)
}

/// What another schema does to the memberships of automatic groups: an attribute of another type fits other rules.
async fn evaluated(app: &App, actor: &Actor, key: &Key, value: Option<&Value>) -> Result<Option<Evaluated>, ApiError> {
    if (key.category, key.key.as_str()) != (SettingCategory::Auth, "schema") {
        return Ok(None);
    }
    let document = document::at(app, actor.tenant, actor.versions().policy).await?;
    let mut after = (*document.ok_or_else(membership::outdated)?).clone();
    let groups = after.user_group.iter().filter(|group| group.auto_assignment_rules.is_some());
    let groups: BTreeSet<Uuid> = groups.map(|group| group.id).collect();
    let is_it = |row: &TenantSetting| row.category == key.category && row.setting_key == key.key;
    let stand_in = after.tenant_setting.iter().find(|row| is_it(row)).cloned();
    after.tenant_setting.retain(|row| !is_it(row));
    if let Some(value) = value {
        let now = app.clock.now();
        let row = stand_in.unwrap_or_else(|| TenantSetting {
            id: Uuid::max(),
            tenant_id: actor.tenant,
            setting_key: key.key.clone(),
            setting_value: Value::Null,
            description: None,
            category: key.category,
            updated_at: now,
            created_at: now,
        });
        after.tenant_setting.push(TenantSetting { setting_value: value.clone(), ..row });
    }
    membership::evaluate(app, actor, after, &groups, membership::MOST).await.map(Some)
}
