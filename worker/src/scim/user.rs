//! Users (RFC 7644, section 3.3 to 3.6): `/scim/v2/Users`.

use parapet::model::{SqlValue, User, UserState};
use parapet::scim::projection::Projection;
use parapet::scim::user::{USER_NAME, document, new_user_name, user_name, written};
use parapet::scim::{ErrorType, ResourceType, ScimError, discovery, patch};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::asked::Asked;
use super::{After, also, base, beside, body, bound, id, if_match, made, meta, read, statement, users, version};
use crate::administration::{Actor, Collection, Plan, State, commit, plan_change, plan_new, plan_removal, select_one};
use crate::app::App;
use crate::directory::person::Person;
use crate::directory::user_state::{REACTIVATE, SUSPEND};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::{Row as SqlRow, Statement};
use crate::response::Response;

/// The groups that a user is in, by id and name.
const GROUPS: &str = r#"(
    SELECT json_group_array(json_object('value', g.id, 'display', g.name))
    FROM user_group_membership m JOIN user_group g ON g.id = m.user_group_id
    WHERE m.tenant_id = ?1 AND m.user_id = "user"."id" AND (m.expires_at IS NULL OR m.expires_at > ?2)
) AS scim_groups"#;

/// The routes of users.
pub fn routes() -> Vec<Route> {
    let route = |method, path, access| Route { method, path, access };
    let one = "/scim/v2/Users/{id}";
    vec![
        route(
            "POST",
            "/scim/v2/Users",
            Access::Permission(User::WRITE, |app, call, actor| Box::pin(create(app, call, actor))),
        ),
        route(
            "GET",
            one,
            Access::Permission("user.read", |app, call, actor| {
                Box::pin(async move { get(app, call, actor.tenant, &users(&actor.published), id(call)?).await })
            }),
        ),
        route("PUT", one, Access::Permission(User::WRITE, |app, call, actor| Box::pin(replace(app, call, actor)))),
        route("PATCH", one, Access::Permission(User::WRITE, |app, call, actor| Box::pin(change(app, call, actor)))),
        route("DELETE", one, Access::Permission(User::WRITE, |app, call, actor| Box::pin(remove(app, call, actor)))),
    ]
}

/// What is read of users: their groups only where they are shown.
pub fn columns(projection: &Projection) -> String {
    super::columns::<User>(if projection.shows("groups") { GROUPS } else { "NULL AS scim_groups" })
}

/// A user as they are shown, and their version.
pub fn shown(resource: &ResourceType, found: &SqlRow, base: &str) -> Result<(String, Map<String, Value>), ApiError> {
    let user: User = super::row(found)?;
    let mut its = document(resource, &user);
    let version = version_of(resource, &user)?;
    let groups: Vec<Value> = beside(found, "scim_groups")
        .into_iter()
        .map(|group| {
            let id = group.get("value").and_then(Value::as_str).unwrap_or_default().to_owned();
            let name = group.get("display").cloned().unwrap_or_default();
            json!({ "value": id, "$ref": format!("{base}/Groups/{id}"), "display": name, "type": "direct" })
        })
        .collect();
    if !groups.is_empty() {
        its.insert("groups".to_owned(), Value::Array(groups));
    }
    let meta = meta(user.created_at, user.updated_at, &version);
    Ok((version, discovery::shown(resource, its, &user.id.to_string(), base, meta)))
}

/// `GET /scim/v2/Users/{id}`.
pub async fn get(
    app: &App,
    call: &Call,
    tenant: Uuid,
    resource: &ResourceType,
    user: Uuid,
) -> Result<Response, ApiError> {
    let asked = Asked::in_query(call)?;
    let projection = Projection::parse(resource, asked.attributes.as_deref(), asked.excluded.as_deref())?;
    let mut parameters = bound(tenant, app.clock.now());
    parameters.push(SqlValue::Text(user.to_string()));
    let sql =
        format!("SELECT {} FROM user WHERE tenant_id = ?1 AND id = ?3 AND deleted_at IS NULL", columns(&projection));
    let found = app.db.first(statement(sql, parameters)).await.map_err(ApiError::database)?;
    let (version, its) = shown(resource, &found.ok_or(ApiError::NotFound)?, &base(call))?;
    super::shown(call, &version, &projection.of(resource, its))
}

fn version_of(resource: &ResourceType, user: &User) -> Result<String, ApiError> {
    version(&(user.id, document(resource, user)))
}

async fn create(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let resource = users(&actor.published);
    let its = written(&resource, resource.read(&body(call)?)?, None)?;
    let tenant = actor.tenant;
    let response = commit(app, call, actor, vec![taken(tenant, &its.user_name, None)], |state| {
        refuse_taken(state, 0, &its.user_name)?;
        let mut findings = Vec::new();
        let mut stated = its.columns.clone();
        // Nobody is sent an invitation: people who are provisioned sign in by whom they are known to elsewhere.
        stated.insert("state".to_owned(), json!(UserState::Active));
        stated.insert("is_active".to_owned(), json!(its.active.unwrap_or(true)));
        let mut row = read::<User>(state, stated, &its.columns, &mut findings)?;
        let mut plan = Plan::new(state, Response::default());
        plan_new(state, &mut row, 0, &mut plan, &mut findings)?;
        ApiError::unless_empty(&findings)?;
        let location = format!("{}/Users/{}", base(call), row.id);
        plan.answer(Response { status: 201, ..Response::default() }.with("location", location));
        Ok(plan)
    })
    .await?;
    let (location, made) = made(&response)?;
    let answer = get(app, call, tenant, &resource, made).await?;
    Ok(Response { status: 201, ..answer }.with("location", location))
}

async fn replace(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let resource = users(&actor.published);
    let its = resource.read(&body(call)?)?;
    let name = its.get("userName").and_then(Value::as_str).map(str::to_owned);
    let says_active = its.contains_key("active");
    rewrite(app, call, actor, name, says_active, &|_| Ok(its.clone())).await
}

async fn change(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let resource = users(&actor.published);
    let operations = patch::operations(&body(call)?)?;
    let name = new_user_name(&resource, &operations);
    let says_active = operations.iter().any(|operation| match &operation.path {
        Some(path) => path.attribute.name.eq_ignore_ascii_case("active"),
        None => operation
            .value
            .as_object()
            .into_iter()
            .flatten()
            .any(|(key, _)| key.to_ascii_lowercase().ends_with("active")),
    });
    rewrite(app, call, actor, name, says_active, &|before| {
        let mut its = document(&resource, before);
        patch::apply(&resource, &mut its, &operations)?;
        Ok(its)
    })
    .await
}

/// Makes of a user what a document says; `name` is the one that it gives, where it may give another.
async fn rewrite(
    app: &App,
    call: &Call,
    actor: Actor,
    name: Option<String>,
    says_active: bool,
    after: After<'_, User>,
) -> Result<Response, ApiError> {
    let user = id(call)?;
    // What suspends and reactivates somebody is the help desk's to do as well, and a permission of its own.
    let actor = also(app, call, actor, "user.support", says_active).await?;
    let (tenant, resource) = (actor.tenant, users(&actor.published));
    let mut reads = vec![select_one::<User>(tenant, &[user.to_string()])];
    reads.extend(Person::statements(tenant, user));
    let named = reads.len();
    reads.push(taken(tenant, name.as_deref().unwrap_or_default(), Some(user)));
    commit(app, call, actor, reads, |state| {
        let before = existing(state)?;
        if_match(call, &version_of(&resource, &before)?)?;
        let its = written(&resource, after(&before)?, Some(&before))?;
        if !its.user_name.eq_ignore_ascii_case(user_name(&before)) {
            refuse_taken(state, named, &its.user_name)?;
        }
        let mut findings = Vec::new();
        let mut stated = before.to_object();
        stated.extend(its.columns.clone());
        // Who was only invited cannot be suspended: the switch beside the state keeps them out.
        let is_on = match its.active {
            Some(true) => true,
            Some(false) => before.is_active && before.state != UserState::Invited,
            None => before.is_active,
        };
        stated.insert("is_active".to_owned(), json!(is_on));
        let row = read::<User>(state, stated, &its.columns, &mut findings)?;
        let mut plan = Plan::new(state, Response { status: 204, ..Response::default() });
        let row = plan_change(state, &before, row, 1, &mut plan, &mut findings)?;
        ApiError::unless_empty(&findings)?;
        let step = match its.active {
            Some(false) if SUSPEND.begins_at(row.state) => Some(&SUSPEND),
            Some(true) if REACTIVATE.begins_at(row.state) => Some(&REACTIVATE),
            _ => None,
        };
        if let Some(step) = step {
            step.plan(state, &row, &Person::read(state, 1)?, &mut plan);
        }
        Ok(plan)
    })
    .await?;
    get(app, call, tenant, &resource, user).await
}

async fn remove(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let user = id(call)?;
    let resource = users(&actor.published);
    let mut reads = vec![select_one::<User>(actor.tenant, &[user.to_string()])];
    reads.extend(Person::statements(actor.tenant, user));
    commit(app, call, actor, reads, |state| {
        let before = existing(state)?;
        if_match(call, &version_of(&resource, &before)?)?;
        let mut findings = Vec::new();
        let mut plan = Plan::new(state, Response { status: 204, ..Response::default() });
        plan_removal(state, &before, 1, &mut plan, &mut findings)?;
        ApiError::unless_empty(&findings)?;
        Ok(plan)
    })
    .await
}

/// The user that the first statement reads. Who is deleted is not there for clients.
fn existing(state: &State<'_>) -> Result<User, ApiError> {
    state.rows::<User>(0)?.pop().filter(|user| user.deleted_at.is_none()).ok_or(ApiError::NotFound)
}

/// Looks for another user whom the client would know by the same name.
fn taken(tenant: Uuid, name: &str, user: Option<Uuid>) -> Statement {
    let sql = format!(
        "SELECT {USER_NAME} AS user_name FROM user
         WHERE tenant_id = ?1 AND deleted_at IS NULL AND {USER_NAME} = ?2 COLLATE NOCASE AND id IS NOT ?3 LIMIT 1"
    );
    Statement::new(sql).bind(tenant).bind(name).bind(user)
}

fn refuse_taken(state: &State<'_>, index: usize, name: &str) -> Result<(), ApiError> {
    match state.sql_rows(index).first() {
        Some(_) => {
            let detail = format!("userName: there is a user `{name}` already");
            Err(ScimError::new(ErrorType::Uniqueness, detail).into())
        }
        None => Ok(()),
    }
}
