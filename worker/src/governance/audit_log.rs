//! What was done and tried: `/v1/audit-logs`, with the personal data that can still be read.
//!
//! Two statements a page: the rows, and the keys of whom they are about.

use std::collections::{BTreeSet, HashMap};

use parapet::audit::{Personal, SubjectKey, open_personal};
use parapet::model::{AuditLog, AuditSubject};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::administration::{Actor, ListOf, page, page_answer};
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;

/// A page has more subjects than a statement has parameters.
const READ_SUBJECTS: &str =
    "SELECT * FROM audit_subject WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))";

impl ListOf for AuditLog {
    const PATH: &'static str = "/v1/audit-logs";
    const READ: &'static str = "audit_log.read";
    const NEWEST_FIRST: bool = true;
    const FILTERS: &'static [&'static str] = &["user_id", "event_type", "resource_type", "resource_id", "result"];
    const SELECTIVE: &'static [&'static str] = &["resource_id"];
}

/// `GET /v1/audit-logs`.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: AuditLog::PATH,
        access: Access::Permission(AuditLog::READ, |app, call, actor| Box::pin(list_opened(app, call, actor))),
    }]
}

async fn list_opened(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let (mut items, next) = page::<AuditLog>(app, call, actor.tenant).await?;
    let subjects: BTreeSet<Uuid> =
        items.iter().filter_map(|row| Some(Personal::of(&row.event_data)?.subject)).collect();
    let known = if subjects.is_empty() { HashMap::new() } else { read(app, actor.tenant, &subjects).await? };
    for row in &mut items {
        if let Some(personal) = Personal::of(&row.event_data) {
            let shown = opened(app, &personal, known.get(&personal.subject), row.id)?;
            row.event_data.insert("personal".to_owned(), shown);
        }
    }
    page_answer(&items, next)
}

async fn read(app: &App, tenant: Uuid, subjects: &BTreeSet<Uuid>) -> Result<HashMap<Uuid, AuditSubject>, ApiError> {
    let subjects = serde_json::to_string(subjects).map_err(ApiError::internal)?;
    let read = Statement::new(READ_SUBJECTS).bind(tenant).bind(subjects);
    let found = rows::<AuditSubject>(app.db.all(read).await.map_err(ApiError::database)?)?;
    Ok(found.into_iter().map(|row| (row.id, row)).collect())
}

/// `{"subject", "data": {"before", "after"}}`; once the subject's key is destroyed, `data` is null and `destroyed` true.
fn opened(app: &App, personal: &Personal, row: Option<&AuditSubject>, id: Uuid) -> Result<Value, ApiError> {
    let subject = personal.subject;
    let key = match row {
        Some(row) => SubjectKey::open(row, app.config()?.data_keys()?),
        None => Ok(None),
    };
    Ok(match key.and_then(|key| key.map(|key| open_personal(&key, personal, id)).transpose()) {
        Ok(Some(changes)) => json!({ "subject": subject, "data": changes.into_map() }),
        Ok(None) => json!({ "subject": subject, "data": null, "destroyed": true }),
        // It is there, and what it lies under is not known to this service, or it was changed.
        Err(error) => json!({ "subject": subject, "data": null, "unreadable": error.code() }),
    })
}
