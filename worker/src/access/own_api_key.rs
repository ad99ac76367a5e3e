//! One's own API keys, without a permission to administer: `/v1/me/api-keys`. All see theirs and take them back; to make one
//! the tenant must allow it (`security/personal_api_keys`). It is made as any other key is, with less that it may be for.

use parapet::Finding;
use parapet::administration::RESOURCE;
use parapet::model::{ApiKey, OWN_SCOPE};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::api_key;
use super::evaluation::SCOPE as EVALUATE_SCOPE;
use crate::administration::{Actor, Author, Deed, RowChange, create_with, enact, read_only};
use crate::app::App;
use crate::authenticate::Caller;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::{Site, step_up};
use crate::me::Me;
use crate::response::Response;

/// The API's own scopes that such a key may have, beside actions: it administers nothing.
const SCOPES: [&str; 2] = [OWN_SCOPE, EVALUATE_SCOPE];

/// Nobody makes more keys than so many.
const MOST: usize = 20;

/// Whoever it is for, and by what it is shown, is not theirs to say.
const NOT_SAID: [&str; 4] = ["user_id", "service_account_id", "public_key", "certificate_thumbprint"];

/// The list, making one and taking one back.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/v1/me/api-keys",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(list(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/v1/me/api-keys",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(create(app, call, caller))),
        },
        Route {
            method: "DELETE",
            path: "/v1/me/api-keys/{id}",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(revoke(app, call, caller))),
        },
    ]
}

/// The keys of a user, the newest first: ids are in the order of time.
async fn of_user(app: &App, me: &Me) -> Result<Vec<ApiKey>, ApiError> {
    let read = select::<ApiKey>("tenant_id = ?1 AND user_id = ?2", me.tenant).bind(me.user);
    let mut keys = rows::<ApiKey>(app.db.all(read).await.map_err(ApiError::database)?)?;
    keys.reverse();
    Ok(keys)
}

async fn is_allowed(app: &App, tenant: Uuid) -> Result<bool, ApiError> {
    Ok(Site::of_tenant(app, tenant).await?.security("personal_api_keys") == true)
}

async fn list(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller)?;
    let keys = of_user(app, &me).await?;
    let scopes: &[&str] = if is_allowed(app, me.tenant).await? { &SCOPES } else { &[] };
    Response::json(&json!({ "items": keys, "scopes": scopes }))
}

async fn create(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller)?;
    step_up::is_recent(app, &caller)?;
    let conflict = |code, detail: &str| ApiError::Conflict { code, detail: detail.to_owned(), findings: Vec::new() };
    if !is_allowed(app, me.tenant).await? {
        return Err(conflict("api_key.not_allowed", "your tenant lets nobody make keys for themselves"));
    }
    if of_user(app, &me).await?.len() >= MOST {
        return Err(conflict("api_key.too_many", "you have as many keys as you may make"));
    }
    let wrong = wrong(&call.object()?);
    let (token, mut own) = api_key::fresh()?;
    own.insert("user_id".to_owned(), json!(me.user));
    let actor = Actor::own(app, call).await?;
    let refuse =
        |findings: Vec<Finding>| if findings.is_empty() { Ok(()) } else { Err(ApiError::Invalid { findings }) };
    let shown = api_key::shown(&token);
    match create_with::<ApiKey>(app, call, actor, &own, &shown, |_, _| refuse(wrong.clone())).await {
        Err(ApiError::Invalid { mut findings }) => {
            findings.extend(wrong.iter().filter(|finding| !findings.contains(finding)).cloned().collect::<Vec<_>>());
            Err(ApiError::Invalid { findings })
        }
        answer => answer,
    }
}

/// What a body says that only who administers keys may say.
fn wrong(body: &Map<String, Value>) -> Vec<Finding> {
    let said = NOT_SAID.iter().filter(|column| body.contains_key(**column));
    let mut findings: Vec<Finding> = said.map(|column| read_only::<ApiKey>(column)).collect();
    let scopes = body.get("scopes").and_then(Value::as_array).into_iter().flatten().enumerate();
    for (index, scope) in scopes.filter_map(|(index, scope)| Some((index, scope.as_str()?))) {
        // What is not there at all is said where all keys are made.
        let administers = scope.split_once(':').is_some_and(|(resource, _)| resource == RESOURCE);
        if administers || (api_key::is_own_scope(scope) && !SCOPES.contains(&scope)) {
            let known = SCOPES.join("`, `");
            let message = format!("a key of one's own has of the API's scopes `{known}`, and not `{scope}`");
            let finding = Finding::error("api_key", "api_key.scope_not_own", message);
            findings.push(finding.field(format!("scopes/{index}")));
        }
    }
    findings
}

async fn revoke(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let me = Me::of(&caller)?;
    let id = call.row_id()?;
    let author = Author::user(call, me.user, Some(caller.standing.credential));
    let read = select::<ApiKey>("tenant_id = ?1 AND user_id = ?2 AND id = ?3", me.tenant).bind(me.user).bind(id);
    enact(app, &author, me.tenant, vec![read], |_, answers| {
        let key = rows::<ApiKey>(answers.into_iter().next().unwrap_or_default())?.pop().ok_or(ApiError::NotFound)?;
        Ok((Deed { changes: vec![RowChange::delete(&key, "revoked")], ..Deed::default() }, ()))
    })
    .await?;
    Ok(Response { status: 204, ..Response::default() })
}
