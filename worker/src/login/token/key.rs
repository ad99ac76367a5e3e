//! The keys that sign a tenant's access tokens: `/v1/token-keys`. The first is made when it is first needed; each follows
//! another, is published before it signs, and stays published until the last token that it signed has ended.

use parapet::model::{Row as _, Secret, Timestamp, TokenAlgorithm, TokenKey};
use parapet::token::{LONGEST_LIFE, SKEW, SigningKey};
use serde_json::Value;
use uuid::Uuid;

use crate::administration::{Actor, Author, Deed, ListOf, Plan, RowChange, commit, enact, fresh_id, list};
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::{Row as SqlRow, Statement};
use crate::platform::random;
use crate::response::Response;

/// So long a key stays published after another began to sign: until the last token that it signed has ended, by whatever
/// clock it was signed.
const KEPT: i64 = LONGEST_LIFE + SKEW;

/// So long before it signs a key is published where somebody asks for it: twice as long as `jwks.json` may be kept.
const SOON: i64 = 10 * 60 * 1000;

const WRITE: &str = "token_key.write";

/// The key that signs at `?2`: of those that do the newest. Where none does yet the first one: it was made by an isolate whose
/// clock is ahead of this one's, and is published.
const READ_SIGNING: &str = "
    SELECT id, private_key FROM token_key
    WHERE tenant_id = ?1 AND (retires_at IS NULL OR retires_at > ?2)
    ORDER BY signs_from <= ?2 DESC, CASE WHEN signs_from <= ?2 THEN signs_from END DESC, signs_from, id DESC LIMIT 1";

const RETIRE: &str = "UPDATE token_key SET retires_at = ?3 WHERE tenant_id = ?1 AND id = ?2";

impl ListOf for TokenKey {
    const PATH: &'static str = "/v1/token-keys";
    const READ: &'static str = "token_key.read";
    const NEWEST_FIRST: bool = true;
    const FILTERS: &'static [&'static str] = &[];
}

/// The list, and the change of the key.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: TokenKey::PATH,
            access: Access::Permission(TokenKey::READ, |app, call, actor| Box::pin(list::<TokenKey>(app, call, actor))),
        },
        Route {
            method: "POST",
            path: "/v1/token-keys/rotate",
            access: Access::Permission(WRITE, |app, call, actor| Box::pin(rotate(app, call, actor))),
        },
    ]
}

/// Reads the key that signs now, for [`signing`].
pub fn read_signing(tenant: Uuid, now: Timestamp) -> Statement {
    Statement::new(READ_SIGNING).bind(tenant).bind(now)
}

/// The key that signs now, from what [`read_signing`] gave. Where there is none the first is made: of several isolates
/// that find none at once, one makes it.
pub async fn signing(app: &App, tenant: Uuid, found: Vec<SqlRow>, now: Timestamp) -> Result<SigningKey, ApiError> {
    let mut found = found;
    if found.is_empty() {
        enact(app, &Author::service(), tenant, vec![read_all(tenant)], |_, answers| {
            let keys = rows::<TokenKey>(answers.into_iter().next().unwrap_or_default())?;
            let mut deed = Deed::default();
            if keys.iter().all(|key| key.retires_at.is_some()) {
                made(app, tenant, now, now, &mut deed)?;
            }
            Ok((deed, ()))
        })
        .await?;
        found = app.db.all(read_signing(tenant, now)).await.map_err(ApiError::database)?;
    }
    let missing = || ApiError::unavailable("token.no_key", "there is no key that signs tokens yet", tenant);
    let row = found.first().ok_or_else(missing)?;
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let (Some(id), Some(sealed)) = (text("id"), text("private_key")) else {
        return Err(ApiError::unavailable("token.no_secret", "the key that signs tokens has no secret", tenant));
    };
    let sealed_away = |error: &dyn std::fmt::Display| {
        ApiError::unavailable("token.key_not_opened", "the key that signs tokens cannot be opened", error)
    };
    let scalar = app.config()?.data_keys()?.open(sealed, &place(id)).map_err(|error| sealed_away(&error))?;
    SigningKey::es256(id, &scalar).map_err(|error| sealed_away(&error))
}

/// What the secret of a key is bound to.
fn place(id: &str) -> String {
    format!("token_key/{id}/private_key")
}

/// Reads all keys of a tenant, the newest last.
pub fn read_all(tenant: Uuid) -> Statement {
    select::<TokenKey>("tenant_id = ?1", tenant)
}

/// Makes a key.
fn made(app: &App, tenant: Uuid, now: Timestamp, signs_from: Timestamp, deed: &mut Deed) -> Result<TokenKey, ApiError> {
    let id = fresh_id(now)?;
    let scalar = random::bytes::<32>().map_err(ApiError::internal)?;
    let key = SigningKey::es256(&id.to_string(), &scalar).map_err(ApiError::internal)?;
    let nonce = random::bytes().map_err(ApiError::internal)?;
    let sealed = app.config()?.data_keys()?.seal(&scalar, &place(&id.to_string()), nonce);
    let row = TokenKey {
        id,
        tenant_id: tenant,
        algorithm: TokenAlgorithm::Es256,
        public_key: key.public().jwk(),
        private_key: Some(Secret::new(sealed)),
        signs_from,
        retires_at: None,
        created_at: now,
    };
    // Where another one is the newest by now, it is its place in the log's chain that this batch fails for.
    let insert = Statement::new(format!("{} ON CONFLICT DO NOTHING", TokenKey::INFO.insert()));
    deed.statements.push(row.to_sql().into_iter().fold(insert, Statement::bind));
    deed.changes.push(RowChange::noted(None, Some(&row), "created"));
    Ok(row)
}

/// Lets another key follow the newest of `keys` after `lead` milliseconds. Without any, they all end at once, as do the
/// tokens that they signed.
pub fn succeed(
    app: &App,
    tenant: Uuid,
    now: Timestamp,
    keys: &[TokenKey],
    lead: i64,
    deed: &mut Deed,
) -> Result<TokenKey, ApiError> {
    let signs_from = now.plus_millis(lead);
    let (ends, retires_at): (fn(&TokenKey, Timestamp) -> bool, _) = match lead {
        0 => (|key, now| key.retires_at.is_none_or(|end| end > now), now),
        _ => (|key, _| key.retires_at.is_none(), signs_from.plus_millis(KEPT)),
    };
    for key in keys.iter().filter(|key| ends(key, now)) {
        let after = TokenKey { retires_at: Some(retires_at), ..key.clone() };
        // Before the new one comes: of two without a successor the second would not be kept.
        deed.statements.push(Statement::new(RETIRE).bind(tenant).bind(key.id).bind(retires_at));
        deed.changes.push(RowChange::noted(Some(key), Some(&after), "retired"));
    }
    made(app, tenant, now, signs_from, deed)
}

/// Another key from soon on; or at once, where the one that signs is somebody else's too.
async fn rotate(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let at_once = at_once(call)?;
    let tenant = actor.tenant;
    commit(app, call, actor, vec![read_all(tenant)], |state| {
        let keys = state.rows::<TokenKey>(0)?;
        let newest = keys.iter().find(|key| key.retires_at.is_none());
        if !at_once && newest.is_some_and(|key| key.signs_from > state.now) {
            let detail = "the newest key does not sign yet".to_owned();
            return Err(ApiError::Conflict { code: "token_key.pending", detail, findings: Vec::new() });
        }
        // The first one has nobody who would have to learn of it.
        let lead = if at_once || newest.is_none() { 0 } else { SOON };
        let mut deed = Deed::default();
        let row = succeed(app, tenant, state.now, &keys, lead, &mut deed)?;
        let mut answer = Response::json(&row)?;
        answer.status = 201;
        let mut plan = Plan::new(state, answer);
        deed.changes.into_iter().for_each(|change| plan.change(change));
        deed.statements.into_iter().for_each(|statement| plan.also(statement));
        Ok(plan)
    })
    .await
}

/// What a rotation may say.
fn at_once(call: &Call) -> Result<bool, ApiError> {
    let body = if call.body()?.is_empty() { serde_json::Map::new() } else { call.object()? };
    let mut at_once = false;
    let mut findings = Vec::new();
    for (name, value) in &body {
        let (code, message) = match (name.as_str(), value) {
            ("at_once", Value::Bool(said)) => {
                at_once = *said;
                continue;
            }
            ("at_once", _) => ("row.wrong_type", "expected `true` or `false`".to_owned()),
            (name, _) => ("request.unknown_field", format!("there is no field `{name}`")),
        };
        findings.push(parapet::Finding::error("request", code, message).field(name.as_str()));
    }
    if findings.is_empty() { Ok(at_once) } else { Err(ApiError::Invalid { findings }) }
}
