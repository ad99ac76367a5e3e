//! `/v1/me`: who one is, and what one says of oneself. None of it is authority: no rule of a group goes by what users write
//! (`SELF_WRITTEN`), and attributes and addresses are not written here.

use parapet::Finding;
use parapet::model::{Row as _, Timestamp, User, is_name, is_phone, is_url};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::administration::{Author, Deed, OWN_SCOPE, RowChange, enact, if_match, row_answer};
use crate::app::App;
use crate::authenticate::Caller;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::me::Me;
use crate::platform::db::Statement;
use crate::response::Response;

const PATH: &str = "/v1/me";

/// Seeing and changing it.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: PATH,
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(get(app, call, caller))),
        },
        Route {
            method: "PATCH",
            path: PATH,
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(patch(app, call, caller))),
        },
    ]
}

/// What a user sees of their own row.
#[derive(Serialize)]
pub struct Profile {
    id: Uuid,
    tenant_id: Uuid,
    email: String,
    email_verified: bool,
    username: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
    phone_verified: bool,
    avatar_url: Option<String>,
    /// The language of messages: the attribute of that name, which is the tenant's to say.
    locale: Option<String>,
    password_changed_at: Option<Timestamp>,
    last_login_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl Profile {
    /// Of a user.
    pub fn of(user: &User) -> Self {
        let user = user.clone();
        Self {
            id: user.id,
            tenant_id: user.tenant_id,
            email: user.email,
            email_verified: user.email_verified,
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            phone: user.phone,
            phone_verified: user.phone_verified,
            avatar_url: user.avatar_url,
            locale: user.custom_attributes.get("locale").and_then(Value::as_str).map(str::to_owned),
            password_changed_at: user.password_changed_at,
            last_login_at: user.last_login_at,
            created_at: user.created_at,
        }
    }
}

/// Reads a user.
pub fn read(me: &Me) -> Statement {
    select::<User>("tenant_id = ?1 AND id = ?2", me.tenant).bind(me.user)
}

async fn get(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller)?;
    let user = rows::<User>(app.db.all(read(&me)).await.map_err(ApiError::database)?)?.pop();
    row_answer(&Profile::of(&user.ok_or(ApiError::NotFound)?))
}

async fn patch(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller)?;
    let change = Said::read(call.object()?)?;
    let author = Author::user(call, me.user, Some(caller.standing.credential));
    let user = enact(app, &author, me.tenant, vec![read(&me)], |now, answers| {
        let before = rows::<User>(answers.into_iter().next().unwrap_or_default())?.pop();
        let before = before.ok_or(ApiError::NotFound)?;
        if_match(call, &Profile::of(&before))?;
        let after = change.of(&before, now);
        let changes = if after == before { Vec::new() } else { vec![RowChange::update(&before, &after, "updated")] };
        Ok((Deed { changes, ..Deed::default() }, after))
    })
    .await?;
    row_answer(&Profile::of(&user))
}

/// What somebody says of themselves: for each, nothing where it stays, and nothing within where it goes.
pub struct Said {
    first_name: Option<Option<String>>,
    last_name: Option<Option<String>>,
    phone: Option<Option<String>>,
    avatar_url: Option<Option<String>>,
}

impl Said {
    /// Reads a merge patch (RFC 7396); all that is wrong with it.
    pub fn read(mut body: Map<String, Value>) -> Result<Self, ApiError> {
        let mut findings = Vec::new();
        let mut take = |field: &str, code: &str, is_one: fn(&str) -> bool, expected: &str| match body.remove(field) {
            None => None,
            Some(Value::Null) => Some(None),
            Some(Value::String(text)) if is_one(&text) => Some(Some(text)),
            Some(_) => {
                findings.push(Finding::error("user", code, format!("expected {expected}")).field(field));
                None
            }
        };
        let name = "1 to 255 characters, none of them a control character";
        let said = Self {
            first_name: take("first_name", "user.name", is_name, name),
            last_name: take("last_name", "user.name", is_name, name),
            phone: take("phone", "user.phone", is_phone, "a number as `+4930123456` (E.164)"),
            avatar_url: take("avatar_url", "user.url", is_url, "an http(s) address"),
        };
        let is_column = |name: &str| name == "locale" || User::COLUMNS.iter().any(|column| column.name == name);
        findings.extend(body.keys().map(|name| {
            let (code, message) = if is_column(name) {
                ("row.read_only", format!("`{name}` is not yours to set here"))
            } else {
                ("row.unknown_field", format!("there is no field `{name}`"))
            };
            Finding::error("user", code, message).field(name.as_str())
        }));
        if findings.is_empty() { Ok(said) } else { Err(ApiError::Invalid { findings }) }
    }

    /// The user, of whom this is said. A number that is another was not confirmed.
    fn of(&self, before: &User, now: Timestamp) -> User {
        let value = |said: &Option<Option<String>>, was: &Option<String>| said.clone().unwrap_or_else(|| was.clone());
        let mut after = User {
            first_name: value(&self.first_name, &before.first_name),
            last_name: value(&self.last_name, &before.last_name),
            phone: value(&self.phone, &before.phone),
            avatar_url: value(&self.avatar_url, &before.avatar_url),
            ..before.clone()
        };
        after.phone_verified &= after.phone == before.phone;
        if after != *before {
            after.updated_at = now;
        }
        after
    }
}
