//! What a template said before: `/v1/notification-templates/{id}/versions`, and bringing one of it back.

use parapet::Finding;
use parapet::model::{NotificationTemplate, Row as _};
use serde_json::{Map, Value, json};

use super::template::wrong;
use crate::administration::{
    Actor, Collection, ListOf, Plan, RowChange, commit, if_match, key, read_only, row_answer, select_one,
};
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::{Row as SqlRow, Statement};
use crate::response::Response;

/// Seeing the versions, and going back to one.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/v1/notification-templates/{id}/versions",
            access: Access::Permission(NotificationTemplate::READ, |app, call, actor| Box::pin(list(app, call, actor))),
        },
        Route {
            method: "POST",
            path: "/v1/notification-templates/{id}/restore",
            access: Access::Permission(NotificationTemplate::WRITE, |app, call, actor| {
                Box::pin(restore(app, call, actor))
            }),
        },
    ]
}

const LIST: &str = "
    SELECT version, subject, template_body, variables, updated_at FROM notification_template_version
    WHERE (tenant_id = ?1 OR tenant_id IS NULL) AND notification_template_id = ?2 ORDER BY version DESC";

const ONE: &str = "
    SELECT version, subject, template_body, variables, updated_at FROM notification_template_version
    WHERE (tenant_id = ?1 OR tenant_id IS NULL) AND notification_template_id = ?2 AND version = ?3";

/// The newest first; what counts now is none of them.
async fn list(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let statements = vec![
        select_one::<NotificationTemplate>(actor.tenant, &key::<NotificationTemplate>(call)?),
        Statement::new(LIST).bind(actor.tenant).bind(call.row_id()?),
    ];
    let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?.into_iter();
    let mut next = || answers.next().unwrap_or_default();
    if rows::<NotificationTemplate>(next())?.is_empty() {
        return Err(ApiError::NotFound);
    }
    let items: Vec<Value> = next().iter().map(shown).collect();
    Response::json(&json!({ "items": items }))
}

fn shown(row: &SqlRow) -> Value {
    json!({
        "version": row.get("version").and_then(Value::as_f64).map(|version| version as i64),
        "subject": row.get("subject"),
        "template_body": row.get("template_body"),
        "variables": variables(row),
        "updated_at": row.get("updated_at"),
    })
}

fn variables(row: &SqlRow) -> Map<String, Value> {
    let text = row.get("variables").and_then(Value::as_str).unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}

/// `POST …/restore`: `{"version": 3}`. What it said is checked as if it were written today.
async fn restore(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let mut body = call.object()?;
    let mut findings = Vec::new();
    let mut find = |field: &str, code: &str, message: &str| {
        findings.push(Finding::error(NotificationTemplate::TABLE, code, message).field(field));
    };
    let version = match body.remove("version") {
        Some(value) => value.as_i64().filter(|version| *version > 0),
        None => None,
    };
    if version.is_none() {
        find("version", "row.wrong_type", "expected the number of a version");
    }
    for name in body.keys() {
        find(name, "row.unknown_field", "there is no such field");
    }
    let reads = vec![
        select_one::<NotificationTemplate>(actor.tenant, &key::<NotificationTemplate>(call)?),
        Statement::new(ONE).bind(actor.tenant).bind(call.row_id()?).bind(version),
    ];
    commit(app, call, actor, reads, |state| {
        let before = state.rows::<NotificationTemplate>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &before)?;
        let mut findings = findings.clone();
        if before.tenant_id.is_none() {
            findings.push(read_only::<NotificationTemplate>("tenant_id"));
        }
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        let Some(kept) = state.sql_rows(1).first() else {
            let finding =
                Finding::error(NotificationTemplate::TABLE, "reference.not_found", "there is no such version");
            return Err(ApiError::Invalid { findings: vec![finding.field("version")] });
        };
        let text = |name: &str| kept.get(name).and_then(Value::as_str).map(str::to_owned);
        let after = NotificationTemplate {
            subject: text("subject"),
            template_body: text("template_body").unwrap_or_default(),
            variables: variables(kept),
            updated_at: state.now,
            ..before.clone()
        };
        let findings = wrong(&after);
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        let mut plan = Plan::new(state, row_answer(&after)?);
        plan.change(RowChange::update(&before, &after, "restored"));
        Ok(plan)
    })
    .await
}
