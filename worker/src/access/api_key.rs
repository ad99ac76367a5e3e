//! API keys: `/v1/api-keys`. A key's text is shown once, to whoever makes it; the database holds its hash. A service account
//! may have a public key instead, and whoever connects to an application with a certificate that one: of these there is no
//! secret here.

use parapet::Finding;
use parapet::api_key::ApiKeyToken;
use parapet::model::{ApiKey, Secret, SnapshotVersion, TenantDocument, Timestamp};
use parapet::token::PublicKey;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::evaluation::{CONTEXT_SCOPE, SCOPE as EVALUATE_SCOPE};
use super::snapshot::SCOPE as SNAPSHOT_SCOPE;
use crate::administration::{
    Actor, Collection, Edit, ListOf, OWN_SCOPE, Plan, READ_SCOPE, RowChange, State, WRITE_SCOPE, answer_showing,
    commit, create_showing, if_match, key, routes as table, select_one,
};
use crate::app::App;
use crate::authenticate::Credential;
use crate::directory::named;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::token::{INTROSPECT_SCOPE, REVOKE_SCOPE, ROLES_SCOPE};
use crate::platform::db::Statement;
use crate::platform::random;
use crate::response::Response;

/// The API's own scopes that a key of the tenant alone may have: it acts for nobody, so it administers nothing.
const TENANT_SCOPES: &[&str] = &[EVALUATE_SCOPE, CONTEXT_SCOPE, SNAPSHOT_SCOPE, INTROSPECT_SCOPE, REVOKE_SCOPE];

/// The API's own scopes that a key of somebody may have beside them.
const OWNER_SCOPES: &[&str] = &[READ_SCOPE, WRITE_SCOPE, OWN_SCOPE, ROLES_SCOPE];

/// Whether a scope is the API's own, and not an action.
pub fn is_own_scope(scope: &str) -> bool {
    TENANT_SCOPES.contains(&scope) || OWNER_SCOPES.contains(&scope)
}

/// A week, in seconds: so long two keys may live side by side.
const LONGEST_OVERLAP: i64 = 7 * 24 * 60 * 60;

/// Whether the service account `?2` has a public key with the `kid` `?3`.
const OF_KEY_ID: &str = "
    SELECT count(*) AS keys FROM api_key
    WHERE tenant_id = ?1 AND service_account_id = ?2 AND public_key IS NOT NULL
      AND json_extract(public_key, '$.kid') = ?3";

/// Whether the user of the key `?2` is an owner.
const OF_OWNER: &str = "
    SELECT count(*) AS owners FROM user_role r JOIN role o ON o.id = r.role_id
    WHERE r.tenant_id = ?1 AND o.tenant_id = ?1 AND o.type = 'system' AND o.name = 'owner'
      AND r.user_id = (SELECT user_id FROM api_key WHERE tenant_id = ?1 AND id = ?2)";

/// The rows; making one makes its secret, too.
pub fn routes() -> Vec<Route> {
    let route = |path, access| Route { method: "POST", path, access };
    let mut routes: Vec<Route> = table::<ApiKey>().into_iter().filter(|route| route.method != "POST").collect();
    routes.push(route(
        ApiKey::PATH,
        Access::Permission(ApiKey::WRITE, |app, call, actor| Box::pin(create(app, call, actor))),
    ));
    routes.push(route(
        "/v1/api-keys/{id}/rotate",
        Access::Permission(ApiKey::WRITE, |app, call, actor| Box::pin(rotate(app, call, actor))),
    ));
    routes
}

impl ListOf for ApiKey {
    const PATH: &'static str = "/v1/api-keys";
    const READ: &'static str = "api_key.read";
    const FILTERS: &'static [&'static str] = &["user_id", "service_account_id", "key_prefix", "is_active"];
    const SELECTIVE: &'static [&'static str] = &["user_id", "service_account_id", "key_prefix"];
}

impl Collection for ApiKey {
    const ITEM: &'static str = "/v1/api-keys/{id}";
    const WRITE: &'static str = "api_key.write";
    const GIVEN: &'static [&'static str] = &["key_hash", "key_prefix", "last_used_at"];
    const FIXED: &'static [&'static str] =
        &["user_id", "service_account_id", "scopes", "public_key", "certificate_thumbprint"];
    const EVENTS: [&'static str; 3] = ["created", "updated", "revoked"];

    fn reads(tenant: Uuid, id: Option<Uuid>, body: &Map<String, Value>) -> Vec<Statement> {
        let key_id = body.get("public_key").and_then(Value::as_object).and_then(|jwk| PublicKey::from_jwk(jwk).ok());
        let account = body.get("service_account_id").and_then(Value::as_str);
        vec![
            Statement::new(OF_OWNER).bind(tenant).bind(id),
            Statement::new(OF_KEY_ID).bind(tenant).bind(account).bind(key_id.as_ref().map(PublicKey::id)),
        ]
    }

    /// A public key is kept as it was read: in its one spelling, with its id, and without what else it said.
    fn complete(
        row: &mut Self,
        before: Option<&Self>,
        _state: &State<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ApiError> {
        if let Some(jwk) = row.public_key.as_mut().filter(|_| before.is_none()) {
            match PublicKey::from_jwk(jwk) {
                Ok(key) => *jwk = key.jwk(),
                Err(error) => {
                    findings.push(Finding::error("api_key", error.code(), error.to_string()).field("public_key"));
                }
            }
        }
        Ok(())
    }

    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let state = edit.state;
        let past = |end: Option<Timestamp>| end.is_some_and(|end| end <= state.now);
        if let Some(after) = edit.after
            && edit.before.is_none_or(|before| before.expires_at != after.expires_at)
            && past(after.expires_at)
        {
            findings.push(Finding::error("api_key", "row.past", "it would have ended already").field("expires_at"));
        }
        let Some(before) = edit.before else {
            let Some(after) = edit.after else { return Ok(()) };
            if after.public_key.is_some() && state.count(edit.first + 1) > 0 {
                let message = "the service account has a key with this `kid`";
                findings.push(Finding::error("api_key", "api_key.key_id", message).field("public_key"));
            }
            scopes(after, state.document, findings);
            return hand_over(after, state, plan);
        };
        // Taking an owner's key takes from what the owner can do.
        let own = before.user_id.is_some() && before.user_id == state.actor.user();
        let weakens = |after: &Self| !after.is_active && before.is_active || ends_before(after, before);
        if edit.after.is_none_or(weakens) && !own && state.count(edit.first) > 0 {
            plan.facts().touches_owner = true;
        }
        let Some(after) = edit.after else { return Ok(()) };
        if !before.is_active && after.is_active {
            let message = "a key that was switched off stays off: make another";
            findings.push(Finding::error("api_key", "api_key.off", message).field("is_active"));
        }
        if ends_before(before, after) {
            if past(before.expires_at) {
                let message = "a key that has ended stays ended: make another";
                findings.push(Finding::error("api_key", "api_key.ended", message).field("expires_at"));
            }
            hand_over(after, state, plan)?;
        }
        Ok(())
    }
}

/// Whether one ends before the other.
fn ends_before(one: &ApiKey, other: &ApiKey) -> bool {
    match (one.expires_at, other.expires_at) {
        (Some(one), Some(other)) => one < other,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// What it means that the actor has a key, now or for longer: a key acts as its owner.
fn hand_over(key: &ApiKey, state: &State<'_>, plan: &mut Plan) -> Result<(), ApiError> {
    let caller = &state.actor.caller;
    // What lasts for minutes does not become what lasts.
    if let Credential::AccessToken { .. } = caller.standing.credential {
        let message = "a key is made with a key or a session, and not with an access token";
        return Err(ApiError::Refused { findings: vec![Finding::error("api_key", "api_key.by_token", message)] });
    }
    // Whoever was let in by a key for little does not make one for more.
    if !caller.has_scope(WRITE_SCOPE) && !key.scopes.iter().all(|scope| caller.has_scope(scope)) {
        return Err(ApiError::MissingScope { scope: WRITE_SCOPE });
    }
    if let Some(user) = key.user_id {
        plan.facts().in_anothers_name = state.actor.user() != Some(user);
    }
    if let Some(account) = key.service_account_id {
        let account = state.document.service_account.iter().find(|row| row.id == account);
        let rights = account.map(|account| state.rights().entries(&account.permissions, None)).unwrap_or_default();
        plan.gains(state, &rights);
        plan.facts().needs_owner |= key.service_account_id.is_some_and(|id| named::id_by_a_policy(state.document, id));
    }
    // The rules are for its holder to read, whoever that is.
    if key.scopes.iter().any(|scope| scope == SNAPSHOT_SCOPE) {
        plan.gains_action(state, SnapshotVersion::READ);
    }
    // Policies believe what the holder of such a key says of where from and how somebody signed in.
    plan.facts().needs_owner |= key.scopes.iter().any(|scope| scope == CONTEXT_SCOPE);
    Ok(())
}

/// Adds scopes that are none, and such as a key of the tenant alone cannot have.
fn scopes(key: &ApiKey, document: &TenantDocument, findings: &mut Vec<Finding>) {
    let mut finding = |place: String, code: &str, message: String| {
        findings.push(Finding::error("api_key", code, message).field(place));
    };
    if key.scopes.is_empty() {
        finding("scopes".to_owned(), "api_key.no_scope", "a key without scopes opens nothing".to_owned());
    }
    let of_tenant = key.user_id.is_none() && key.service_account_id.is_none();
    for (index, scope) in key.scopes.iter().enumerate() {
        let place = format!("scopes/{index}");
        if TENANT_SCOPES.contains(&scope.as_str()) {
            continue;
        }
        let is_action = |row: &parapet::model::Permission| {
            scope.split_once(':').is_some_and(|(resource, action)| row.resource == resource && row.action == action)
        };
        if !OWNER_SCOPES.contains(&scope.as_str()) && !document.permission.iter().any(is_action) {
            finding(place, "api_key.unknown_scope", format!("there is no action and no scope `{scope}`"));
        } else if of_tenant {
            let known = TENANT_SCOPES.join("`, `");
            let message = format!("a key of the tenant alone acts for nobody: it has of `{known}`, and not `{scope}`");
            finding(place, "api_key.scope_without_owner", message);
        }
    }
}

/// A new key, and what is stored of it.
pub(super) fn fresh() -> Result<(ApiKeyToken, Map<String, Value>), ApiError> {
    let token = ApiKeyToken::from_random(random::bytes().map_err(ApiError::internal)?);
    let stored = [("key_prefix", json!(token.prefix())), ("key_hash", json!(token.hash()))];
    let stored = stored.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok((token, stored))
}

pub(super) fn shown(token: &ApiKeyToken) -> Map<String, Value> {
    Map::from_iter([("key".to_owned(), json!(token.expose()))])
}

async fn create(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    if let Some(jwk) = call.object()?.get("public_key").filter(|jwk| !jwk.is_null()) {
        // There is no secret. What is wrong with the key is said with all that is wrong.
        let prefix = jwk.as_object().and_then(|jwk| PublicKey::from_jwk(jwk).ok()).map(|key| key.thumbprint());
        let prefix = prefix.unwrap_or_else(|| "none".to_owned()).chars().take(8).collect();
        let stored = Map::from_iter([("key_prefix".to_owned(), Value::String(prefix))]);
        return create_showing::<ApiKey>(app, call, actor, &stored, &Map::new()).await;
    }
    if let Some(thumbprint) = call.object()?.get("certificate_thumbprint").filter(|thumbprint| !thumbprint.is_null()) {
        // Nor is there here: a certificate is shown by whoever has its key.
        let prefix = thumbprint.as_str().unwrap_or_default().chars().take(8).collect();
        let stored = Map::from_iter([("key_prefix".to_owned(), Value::String(prefix))]);
        return create_showing::<ApiKey>(app, call, actor, &stored, &Map::new()).await;
    }
    let (token, stored) = fresh()?;
    create_showing::<ApiKey>(app, call, actor, &stored, &shown(&token)).await
}

/// A new key in place of an old one, which lives on for `overlap_seconds`.
async fn rotate(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let rotation = Rotation::read(call)?;
    let (token, _) = fresh()?;
    let mut reads = vec![select_one::<ApiKey>(actor.tenant, &key::<ApiKey>(call)?)];
    reads.extend(ApiKey::reads(actor.tenant, call.row_id().ok(), &Map::new()));
    commit(app, call, actor, reads, |state| {
        let before = state.rows::<ApiKey>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &before)?;
        if !before.is_active || before.expires_at.is_some_and(|end| end <= state.now) {
            let detail = "the key opens nothing any more: make another".to_owned();
            return Err(ApiError::Conflict { code: "api_key.off", detail, findings: Vec::new() });
        }
        if before.public_key.is_some() || before.certificate_thumbprint.is_some() {
            let detail = "this key has no secret to change: register another".to_owned();
            return Err(ApiError::Conflict { code: "api_key.public", detail, findings: Vec::new() });
        }
        let new = ApiKey {
            id: state.fresh_id()?,
            key_hash: Some(Secret::new(token.hash())),
            key_prefix: token.prefix().to_owned(),
            expires_at: rotation.expires_at.unwrap_or(before.expires_at),
            last_used_at: None,
            created_at: state.now,
            ..before.clone()
        };
        let mut old = before.clone();
        if rotation.overlap == 0 {
            old.is_active = false;
        } else {
            let end = state.now.plus_millis(rotation.overlap * 1000);
            old.expires_at = Some(before.expires_at.map_or(end, |its| its.min(end)));
        }
        let mut plan = Plan::new(state, Response::default());
        let mut findings = Vec::new();
        let making = Edit { state, before: None, after: Some(&new), first: 1 };
        ApiKey::rules(&making, &mut plan, &mut findings)?;
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        plan.change(RowChange::insert(&new, "created"));
        plan.change(RowChange::update(&before, &old, "rotated"));
        answer_showing(&mut plan, &new, &shown(&token))?;
        Ok(plan)
    })
    .await
}

/// What a rotation may say.
struct Rotation {
    overlap: i64,
    /// When the new key ends, where that is said; else it ends as the old one would have.
    expires_at: Option<Option<Timestamp>>,
}

impl Rotation {
    fn read(call: &Call) -> Result<Self, ApiError> {
        let body = if call.body()?.is_empty() { Map::new() } else { call.object()? };
        let mut rotation = Self { overlap: 0, expires_at: None };
        let mut findings = Vec::new();
        for (name, value) in &body {
            let wrong = match (name.as_str(), value) {
                ("overlap_seconds", value) => match value.as_i64().filter(|s| (0..=LONGEST_OVERLAP).contains(s)) {
                    Some(seconds) => {
                        rotation.overlap = seconds;
                        continue;
                    }
                    None => ("row.wrong_type", format!("expected 0 to {LONGEST_OVERLAP} seconds")),
                },
                ("expires_at", Value::Null) => {
                    rotation.expires_at = Some(None);
                    continue;
                }
                ("expires_at", value) => match value.as_str().map(str::parse::<Timestamp>) {
                    Some(Ok(end)) => {
                        rotation.expires_at = Some(Some(end));
                        continue;
                    }
                    Some(Err(error)) => ("row.wrong_type", error.to_string()),
                    None => ("row.wrong_type", "expected a time".to_owned()),
                },
                (name, _) => ("row.unknown_field", format!("a rotation has no field `{name}`")),
            };
            findings.push(Finding::error("api_key", wrong.0, wrong.1).field(name.as_str()));
        }
        if findings.is_empty() { Ok(rotation) } else { Err(ApiError::Invalid { findings }) }
    }
}
