//! Templates: `/v1/notification-templates`, the tenant's own, and the operators' to be seen; with a preview, and a test to
//! oneself.

use parapet::Finding;
use parapet::model::{NotificationTemplate, NotificationType, Row as _, Tenant, TenantSetting, User};
use parapet::setting;
use serde_json::{Map, Value, json};

use super::purpose;
use super::send;
use crate::administration::{
    Actor, Collection, Edit, ListOf, Plan, RowChange, State, commit, key, read_only, routes as table, select_one,
};
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::messaging::text::{Brand, Text, Values, check};
use crate::response::Response;

impl ListOf for NotificationTemplate {
    const PATH: &'static str = "/v1/notification-templates";
    const READ: &'static str = "notification_template.read";
    const FILTERS: &'static [&'static str] = &["name", "type", "locale", "is_active", "tenant_id"];
    const SORTS: &'static [&'static str] = &["name"];
    const TENANT: &'static str = "(tenant_id = ?1 OR tenant_id IS NULL)";
}

impl Collection for NotificationTemplate {
    const ITEM: &'static str = "/v1/notification-templates/{id}";
    const WRITE: &'static str = "notification_template.write";
    const FIXED: &'static [&'static str] = &["name", "type", "locale"];

    fn rules(edit: &Edit<'_, Self>, _plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        if edit.before.is_some_and(|row| row.tenant_id.is_none()) {
            findings.push(read_only::<Self>("tenant_id"));
        }
        findings.extend(edit.after.into_iter().flat_map(wrong));
        Ok(())
    }
}

/// The table's routes, a preview and a test.
pub fn routes() -> Vec<Route> {
    let mut routes = table::<NotificationTemplate>();
    routes.push(Route {
        method: "POST",
        path: "/v1/notification-templates/{id}/preview",
        access: Access::Permission(NotificationTemplate::READ, |app, call, actor| Box::pin(preview(app, call, actor))),
    });
    routes.push(Route {
        method: "POST",
        path: "/v1/notification-templates/{id}/test",
        access: Access::Permission(NotificationTemplate::WRITE, |app, call, actor| Box::pin(test(app, call, actor))),
    });
    routes
}

/// What is wrong with a template: what it is for, and what it speaks of.
pub fn wrong(row: &NotificationTemplate) -> Vec<Finding> {
    let find = |field: &str, code: &str, message: String| {
        Finding::error(NotificationTemplate::TABLE, code, message).field(field)
    };
    let Some(purpose) = purpose::find(&row.name) else {
        let names: Vec<&str> = purpose::PURPOSES.iter().map(|purpose| purpose.name).collect();
        let message = format!("nobody is told of `{}`: it is one of `{}`", row.name, names.join("`, `"));
        return vec![find("name", "notification_template.purpose", message)];
    };
    let mut findings = Vec::new();
    let offered: Vec<&str> = purpose.offered(row.r#type).map(|variable| variable.name).collect();
    for name in row.variables.keys().filter(|name| !offered.contains(&name.as_str())) {
        let message = format!("`{name}` is not offered here: there is `{}`", offered.join("`, `"));
        findings.push(find(&format!("variables/{name}"), "notification_template.variable", message));
    }
    let needs_secret = purpose.variables.iter().any(|variable| variable.is_secret);
    if row.r#type == NotificationType::InApp && needs_secret {
        let message = "its link or code does not come by the application, where whoever is signed in reads it";
        findings.push(find("type", "notification_template.secret", message.to_owned()));
    }
    match (row.r#type, &row.subject) {
        (NotificationType::Sms, Some(_)) => {
            findings.push(find("subject", "notification_template.subject", "a text message has no subject".to_owned()));
        }
        (NotificationType::Email | NotificationType::InApp, None) => {
            findings.push(find("subject", "row.missing", "`subject` is required".to_owned()));
        }
        _ => {}
    }
    let declared: Vec<&str> = row.variables.keys().map(String::as_str).filter(|name| offered.contains(name)).collect();
    if let Some(subject) = &row.subject {
        // What is in a subject line is read on locked screens, and kept by servers on the way.
        let secret =
            |name: &&str| purpose.variables.iter().any(|variable| variable.name == *name && variable.is_secret);
        let public: Vec<&str> = declared.iter().copied().filter(|name| !secret(name)).collect();
        findings.extend(check(NotificationTemplate::TABLE, "subject", subject, &public));
    }
    findings.extend(check(NotificationTemplate::TABLE, "template_body", &row.template_body, &declared));
    findings
}

/// The samples of a purpose, or what the caller says instead.
fn samples(row: &NotificationTemplate, said: &Values) -> Values {
    let offered = purpose::find(&row.name).into_iter().flat_map(|purpose| purpose.offered(row.r#type));
    let mut values: Values = offered.map(|variable| (variable.name.to_owned(), variable.sample.to_owned())).collect();
    values.extend(said.clone());
    values
}

/// `POST …/preview`: what a message would say, of the template as it is or as the body says it: `subject`,
/// `template_body`, and `values` instead of samples.
async fn preview(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let mut body = if call.body()?.is_empty() { Map::new() } else { call.object()? };
    let statements = vec![
        select_one::<NotificationTemplate>(actor.tenant, &key::<NotificationTemplate>(call)?),
        select::<Tenant>("id = ?1", actor.tenant),
        select::<TenantSetting>("tenant_id = ?1 AND category = 'ui'", actor.tenant),
    ];
    let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?.into_iter();
    let mut next = || answers.next().unwrap_or_default();
    let mut row = rows::<NotificationTemplate>(next())?.pop().ok_or(ApiError::NotFound)?;
    let tenant = rows::<Tenant>(next())?.pop().ok_or(ApiError::NotFound)?;
    let ui: Vec<TenantSetting> = rows(next())?;
    let mut findings = Vec::new();
    let values = said(&row, body.remove("values"), &mut findings);
    let texts: Map<String, Value> =
        ["subject", "template_body"].iter().filter_map(|name| body.remove_entry(*name)).collect();
    for name in body.keys() {
        let message = format!("there is no field `{name}`");
        findings.push(Finding::error(NotificationTemplate::TABLE, "row.unknown_field", message).field(name.as_str()));
    }
    if !texts.is_empty() {
        let mut object = row.to_object();
        object.extend(texts);
        object.retain(|_, value| !value.is_null());
        row = match NotificationTemplate::from_json(object, "preview", &mut findings) {
            Some(row) => row,
            None => return Err(ApiError::Invalid { findings }),
        };
        findings.extend(wrong(&row));
    }
    if !findings.is_empty() {
        return Err(ApiError::Invalid { findings });
    }
    let mut samples = samples(&row, &Values::from([("tenant_name".to_owned(), tenant.name.clone())]));
    samples.extend(values);
    let text = Text::new(row.subject.as_deref(), &row.template_body, &samples).map_err(|error| {
        let finding = Finding::error(NotificationTemplate::TABLE, "template.invalid", error.to_string());
        ApiError::Invalid { findings: vec![finding.field("template_body")] }
    })?;
    let support = ui.iter().find(|row| row.setting_key == "support_email");
    let known = setting::find(parapet::model::SettingCategory::Ui, "support_email");
    let support =
        known.and_then(|known| known.effective("support_email", &tenant, support).0.as_str().map(str::to_owned));
    let html = (row.r#type == NotificationType::Email).then(|| text.html(&Brand::new(&tenant, support, &row.locale)));
    Response::json(&json!({ "subject": text.subject, "text": text.text, "html": html }))
}

/// The values that a caller gives instead of samples.
fn said(row: &NotificationTemplate, values: Option<Value>, findings: &mut Vec<Finding>) -> Values {
    let mut find = |field: &str, code: &str, message: String| {
        findings.push(Finding::error(NotificationTemplate::TABLE, code, message).field(field));
    };
    let values = match values {
        None => return Values::new(),
        Some(Value::Object(values)) => values,
        Some(_) => {
            find("values", "row.wrong_type", "expected an object of texts".to_owned());
            return Values::new();
        }
    };
    let offered: Vec<&str> = purpose::find(&row.name)
        .into_iter()
        .flat_map(|purpose| purpose.offered(row.r#type))
        .map(|variable| variable.name)
        .collect();
    let mut said = Values::new();
    for (name, value) in values {
        match value {
            _ if !offered.contains(&name.as_str()) => {
                let message = format!("`{name}` is not offered here");
                find(&format!("values/{name}"), "notification_template.variable", message);
            }
            Value::String(text) => {
                said.insert(name, text);
            }
            _ => find(&format!("values/{name}"), "row.wrong_type", "expected text".to_owned()),
        }
    }
    said
}

/// `POST …/test`: sends the template with samples, to who asks for it and to nobody else.
async fn test(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let Some(user) = actor.user() else { return Err(ApiError::NoPrincipal) };
    let tenant = actor.tenant;
    let reads = vec![
        select_one::<NotificationTemplate>(tenant, &key::<NotificationTemplate>(call)?),
        select::<User>("tenant_id = ?1 AND id = ?2", tenant).bind(user),
    ];
    let id = super::notify::fresh(app)?;
    let response = commit(app, call, actor, reads, |state| {
        let template = state.rows::<NotificationTemplate>(0)?.pop().ok_or(ApiError::NotFound)?;
        let user = state.rows::<User>(1)?.pop().ok_or(ApiError::NotFound)?;
        let mut plan = Plan::new(state, Response::default());
        let own = Values::from([
            ("tenant_name".to_owned(), state.document.tenant.name.clone()),
            ("user_name".to_owned(), super::notify::name(&user)),
        ]);
        let row = super::notify::test(app, id, &user, &template, samples(&template, &own), state.now)?;
        for statement in row.statements {
            plan.also(statement);
        }
        plan.change(happened(&template, state));
        plan.answer(Response { status: 202, ..Response::json(&json!({ "id": id }))? });
        Ok(plan)
    })
    .await?;
    if response.header("idempotency-replayed").is_none() {
        crate::messaging::send(app, &[send::message(tenant, id)]).await;
    }
    Ok(response)
}

fn happened(template: &NotificationTemplate, state: &State<'_>) -> RowChange {
    let object = Map::from_iter([
        ("id".to_owned(), json!(template.id)),
        ("tenant_id".to_owned(), json!(state.tenant)),
        ("name".to_owned(), json!(template.name)),
    ]);
    RowChange::happened(NotificationTemplate::TABLE, "tested", object)
}
