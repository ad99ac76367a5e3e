//! What a user wants to be told of, and how: `/v1/me/notification-preferences`. What is about who may come as them is told
//! whatever they want.

use parapet::Finding;
use parapet::model::{NotificationPreference, NotificationType, Row as _};
use serde_json::{Value, json};

use super::purpose::{self, PURPOSES};
use crate::administration::{OWN_SCOPE, fresh_id};
use crate::app::App;
use crate::authenticate::Caller;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::me::Me;
use crate::platform::db::Statement;
use crate::response::Response;

const PATH: &str = "/v1/me/notification-preferences";

/// Seeing and changing them.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: PATH,
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(list(app, call, caller))),
        },
        Route {
            method: "PATCH",
            path: PATH,
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(change(app, call, caller))),
        },
    ]
}

/// Everything that a user may be told of, with what they want.
async fn list(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    answer(app, &Me::of(&caller)?).await
}

async fn answer(app: &App, me: &Me) -> Result<Response, ApiError> {
    let statement = select::<NotificationPreference>("tenant_id = ?1 AND user_id = ?2", me.tenant).bind(me.user);
    let set: Vec<NotificationPreference> = rows(app.db.all(statement).await.map_err(ApiError::database)?)?;
    let mut items = Vec::new();
    for purpose in PURPOSES.iter().filter(|purpose| purpose.name != "test") {
        for channel in purpose.channels {
            let row = set.iter().find(|row| row.name == purpose.name && row.r#type == *channel);
            items.push(json!({
                "name": purpose.name,
                "type": channel.as_str(),
                "is_enabled": purpose.is_security || row.is_none_or(|row| row.is_enabled),
                "is_security": purpose.is_security,
            }));
        }
    }
    Response::json(&json!({ "items": items }))
}

const SET: &str = "
    INSERT INTO notification_preference (tenant_id, id, user_id, name, type, is_enabled, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
    ON CONFLICT (tenant_id, user_id, name, type) DO UPDATE SET is_enabled = excluded.is_enabled, updated_at = excluded.updated_at";

/// `PATCH`: `{"items": [{"name", "type", "is_enabled"}]}`; what is not named stays.
async fn change(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller);
    let mut body = call.object()?;
    let mut findings = Vec::new();
    let mut refuse = |field: String, code: &str, message: String| {
        findings.push(Finding::error(NotificationPreference::TABLE, code, message).field(field));
    };
    let items = match body.remove("items") {
        Some(Value::Array(items)) if items.len() <= 100 => items,
        Some(_) => {
            refuse("items".to_owned(), "row.wrong_type", "expected a list of at most 100".to_owned());
            Vec::new()
        }
        None => {
            refuse("items".to_owned(), "row.missing", "`items` is required".to_owned());
            Vec::new()
        }
    };
    for name in body.keys() {
        refuse(name.clone(), "row.unknown_field", format!("there is no field `{name}`"));
    }
    let now = app.clock.now();
    let mut wanted = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let place = |name: &str| format!("items/{index}/{name}");
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let members = item.as_object().into_iter().flat_map(|item| item.keys());
        for name in members.filter(|name| !["name", "type", "is_enabled", "is_security"].contains(&name.as_str())) {
            refuse(place(name), "row.unknown_field", format!("there is no field `{name}`"));
        }
        let purpose = text("name").and_then(purpose::find).filter(|purpose| purpose.name != "test");
        let channel = text("type").and_then(NotificationType::from_word);
        let is_enabled = item.get("is_enabled").and_then(Value::as_bool);
        if purpose.is_none() {
            refuse(place("name"), "notification_preference.name", "nobody is told of this".to_owned());
        }
        if channel.is_none_or(|channel| purpose.is_some_and(|purpose| !purpose.channels.contains(&channel))) {
            refuse(place("type"), "notification_preference.type", "it does not come by this way".to_owned());
        }
        if is_enabled.is_none() {
            refuse(place("is_enabled"), "row.wrong_type", "expected a boolean".to_owned());
        }
        let (Some(purpose), Some(channel), Some(is_enabled)) = (purpose, channel, is_enabled) else { continue };
        if purpose.is_security && !is_enabled {
            let message = "it is about who may come as you, and you are told whatever you want".to_owned();
            refuse(place("is_enabled"), "notification_preference.security", message);
        }
        wanted.push((purpose, channel, is_enabled));
    }
    if !findings.is_empty() {
        return Err(ApiError::Invalid { findings });
    }
    let me = me?;
    let mut statements = Vec::new();
    for (purpose, channel, is_enabled) in wanted.into_iter().filter(|(purpose, ..)| !purpose.is_security) {
        statements.push(
            Statement::new(SET)
                .bind(me.tenant)
                .bind(fresh_id(now)?)
                .bind(me.user)
                .bind(purpose.name)
                .bind(channel.as_str())
                .bind(i64::from(is_enabled))
                .bind(now),
        );
    }
    if !statements.is_empty() {
        app.db.batch(statements).await.map_err(ApiError::database)?;
    }
    answer(app, &me).await
}
