//! What a user was told in the application: `/v1/me/notifications`, for a key that acts for the user and has the scope `me`.

use parapet::Finding;
use parapet::model::{OWN_SCOPE, Row as _, UserNotification};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::administration::MOST;
use crate::app::App;
use crate::authenticate::Caller;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::me::Me;
use crate::platform::db::Statement;
use crate::response::Response;

/// So many where nothing is said.
pub const DEFAULT_LIMIT: usize = 20;

/// So many are marked by one request.
pub const MOST_IDS: usize = 200;

/// The list, how many are unread, and marking them.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/v1/me/notifications",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(list(app, call, caller))),
        },
        Route {
            method: "GET",
            path: "/v1/me/notifications/unread",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(unread(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/v1/me/notifications/read",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(read(app, call, caller))),
        },
    ]
}

const LIST: &str = "
    SELECT * FROM user_notification
    WHERE tenant_id = ?1 AND user_id = ?2 AND type = 'in_app'
      AND (?3 IS NULL OR (created_at, id) < (
          SELECT created_at, id FROM user_notification WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3
      ))
    ORDER BY created_at DESC, id DESC LIMIT ?4";

const LIST_UNREAD: &str = "
    SELECT * FROM user_notification
    WHERE tenant_id = ?1 AND user_id = ?2 AND type = 'in_app' AND read_at IS NULL
      AND (?3 IS NULL OR (created_at, id) < (
          SELECT created_at, id FROM user_notification WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3
      ))
    ORDER BY created_at DESC, id DESC LIMIT ?4";

/// `GET /v1/me/notifications`, the newest first.
async fn list(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let me = Me::of(&caller);
    let (mut limit, mut cursor, mut only_unread) = (DEFAULT_LIMIT, None, false);
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for (name, value) in call.query() {
        let mut refuse =
            |code: &str, message: String| findings.push(Finding::error("query", code, message).field(name.as_str()));
        if seen.contains(&name) {
            refuse("query.twice", format!("`{name}` is there twice"));
            continue;
        }
        match name.as_str() {
            "limit" => match value
                .parse()
                .ok()
                .filter(|limit: &usize| limit.to_string() == value && (1..=MOST).contains(limit))
            {
                Some(number) => limit = number,
                None => refuse("query.limit", format!("expected 1 to {MOST}")),
            },
            "cursor" => match Uuid::try_parse(&value).ok().filter(|_| value.len() == 36) {
                Some(id) => cursor = Some(id),
                None => refuse("query.cursor", "the cursor is of another list, or of none".to_owned()),
            },
            "unread" => match value.parse::<bool>() {
                Ok(value) => only_unread = value,
                Err(_) => refuse("query.value", "expected `true` or `false`".to_owned()),
            },
            _ => refuse("query.unknown", format!("there is no parameter `{name}`")),
        }
        seen.push(name);
    }
    if !findings.is_empty() {
        let detail = "the query is not valid".to_owned();
        return Err(ApiError::Malformed { code: "query.invalid".to_owned(), detail, findings });
    }
    let me = me?;
    let statement = Statement::new(if only_unread { LIST_UNREAD } else { LIST })
        .bind(me.tenant)
        .bind(me.user)
        .bind(cursor)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1));
    let mut found: Vec<UserNotification> = rows(app.db.all(statement).await.map_err(ApiError::database)?)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let mut page = json!({ "items": found.iter().map(shown).collect::<Vec<_>>() });
    if let (Some(last), Some(page)) = (found.last().filter(|_| more), page.as_object_mut()) {
        page.insert("next_cursor".to_owned(), json!(last.id));
    }
    Response::json(&page)
}

fn shown(row: &UserNotification) -> Value {
    json!({
        "id": row.id,
        "name": row.metadata.get("purpose"),
        "subject": row.subject,
        "content": row.content,
        "created_at": row.created_at,
        "read_at": row.read_at,
    })
}

const COUNT: &str = "
    SELECT count(*) AS unread FROM user_notification
    WHERE tenant_id = ?1 AND user_id = ?2 AND read_at IS NULL AND type = 'in_app'";

/// `GET /v1/me/notifications/unread`: how many.
async fn unread(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller)?;
    Response::json(&json!({ "unread": count(app, &me).await? }))
}

async fn count(app: &App, me: &Me) -> Result<i64, ApiError> {
    let statement = Statement::new(COUNT).bind(me.tenant).bind(me.user);
    let row = app.db.first(statement).await.map_err(ApiError::database)?;
    Ok(row.and_then(|row| row.get("unread")?.as_f64()).map_or(0, |count| count as i64))
}

/// Those of a list of ids, `?4`.
const READ_SOME: &str = "
    UPDATE user_notification SET read_at = ?3
    WHERE tenant_id = ?1 AND user_id = ?2 AND type = 'in_app' AND read_at IS NULL
      AND id IN (SELECT value FROM json_each(?4))";

/// That of the id `?4`, and all before it.
const READ_UP_TO: &str = "
    UPDATE user_notification SET read_at = ?3
    WHERE tenant_id = ?1 AND user_id = ?2 AND type = 'in_app' AND read_at IS NULL
      AND (created_at, id) <= (
          SELECT created_at, id FROM user_notification WHERE tenant_id = ?1 AND user_id = ?2 AND type = 'in_app' AND id = ?4
      )";

/// `POST /v1/me/notifications/read`: these (`ids`), or one and all before it (`up_to`): what came after the list was seen is
/// not marked by who has not seen it. What is read stays read at its first time; what is not the user's is passed over.
async fn read(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller);
    let mut body = call.object()?;
    let mut findings = Vec::new();
    let mut refuse = |field: &str, code: &str, message: &str| {
        findings.push(Finding::error(UserNotification::TABLE, code, message).field(field));
    };
    let id = |value: &Value| value.as_str().filter(|id| id.len() == 36).and_then(|id| Uuid::try_parse(id).ok());
    let (ids, up_to) = (body.remove("ids"), body.remove("up_to"));
    for name in body.keys() {
        refuse(name, "row.unknown_field", "there is no such field");
    }
    let mut which = None;
    match (&ids, &up_to) {
        (Some(Value::Array(list)), None) if list.len() <= MOST_IDS => {
            for (index, value) in list.iter().enumerate().filter(|(_, value)| id(value).is_none()) {
                refuse(&format!("ids/{index}"), "row.wrong_type", &format!("expected a UUID, found `{value}`"));
            }
            which = Some((READ_SOME, Value::Array(list.clone()).to_string()));
        }
        (Some(_), None) => refuse("ids", "row.wrong_type", "expected a list of at most 200 ids"),
        (None, Some(value)) => match id(value) {
            Some(id) => which = Some((READ_UP_TO, id.to_string())),
            None => refuse("up_to", "row.wrong_type", "expected a UUID"),
        },
        (Some(_), Some(_)) => refuse("up_to", "row.unknown_field", "either `ids` or `up_to`"),
        (None, None) => refuse("ids", "row.missing", "`ids` or `up_to` is required"),
    }
    let Some((sql, which)) = which.filter(|_| findings.is_empty()) else { return Err(ApiError::Invalid { findings }) };
    let me = me?;
    let statement = Statement::new(sql).bind(me.tenant).bind(me.user).bind(app.clock.now()).bind(which);
    app.db.all(statement).await.map_err(ApiError::database)?;
    Response::json(&json!({ "unread": count(app, &me).await? }))
}
