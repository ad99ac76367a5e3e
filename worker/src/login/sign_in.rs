//! `POST /v1/auth/sign-in`: a name and a password, and what is to come next.
//!
//! Whoever is refused learns nothing: a name that nobody has costs the same statements and the same work as a wrong
//! password, and has the same answer.

use parapet::Finding;
use parapet::model::{MfaDevice, MfaDeviceType, Secret, Timestamp, User, UserSession};
use parapet::opaque_token::OpaqueToken;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::factor::{self, Method, strength};
use super::session::NewSession;
use super::site::Site;
use super::throttle::{Counted, Try};
use super::{attempt, forced_change, password};
use crate::administration::{Author, Deed, address, enact};
use crate::app::App;
use crate::authenticate::Credential;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;
use crate::{cookie, rate};

/// Signing in.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/auth/sign-in",
        access: Access::Public(|app, call| Box::pin(sign_in(app, call))),
    }]
}

/// Who has this name: an e-mail address, or a username, which has no `@`.
pub(super) const READ_USER: &str = "
    SELECT * FROM user WHERE tenant_id = ?1 AND deleted_at IS NULL AND (email = ?2 OR username = ?3)";

/// With the hash, which other reads of users leave out.
const READ_AGAIN: &str = "SELECT * FROM user WHERE tenant_id = ?1 AND id = ?2";

const READ_FACTORS: &str = "
    SELECT f.* FROM mfa_device f JOIN user u ON u.tenant_id = f.tenant_id AND u.id = f.user_id
    WHERE f.tenant_id = ?1 AND f.is_verified = 1 AND u.deleted_at IS NULL AND (u.email = ?2 OR u.username = ?3)
    ORDER BY f.is_primary DESC, f.created_at, f.id";

/// What somebody who has shown a first factor still has to show, and what becomes of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pending {
    /// The methods that were shown (RFC 8176).
    pub amr: Vec<String>,
    /// The name as it was typed.
    pub name: String,
    /// What the tries are counted by.
    pub counted: Counted,
    /// What it is for.
    pub proving: Proving,
}

/// What somebody proves who they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proving {
    /// A session that begins.
    First,
    /// A session that is there, and theirs.
    Again(Uuid),
}

/// What signing in has led to.
pub enum Step {
    /// There is a session.
    SignedIn(Box<NewSession>),
    /// A second factor is to be shown, by one of these methods.
    SecondFactor {
        /// What it is shown with.
        flow: OpaqueToken,
        /// Those that the user has, the preferred one first.
        methods: Vec<Method>,
        /// Until when.
        expires_at: Timestamp,
    },
    /// A second factor is to be added first, since the tenant asks for one.
    Enrolment {
        /// What it is added with.
        flow: OpaqueToken,
        /// What may be added.
        methods: Vec<MfaDeviceType>,
        /// Until when.
        expires_at: Timestamp,
    },
    /// The password is to become another.
    NewPassword {
        /// What it is set with.
        flow: OpaqueToken,
        /// Until when.
        expires_at: Timestamp,
    },
}

impl Step {
    /// The answer in JSON; `wants_token` where the session is to come as a token rather than as a cookie.
    pub fn respond(&self, wants_token: bool) -> Result<Response, ApiError> {
        match self {
            Self::SignedIn(session) => session.answer(wants_token),
            Self::SecondFactor { flow, methods, expires_at } => Response::json(&json!({
                "status": "second_factor_required",
                "flow": flow.expose(),
                "methods": methods,
                "expires_at": expires_at,
            })),
            Self::NewPassword { flow, expires_at } => Response::json(&json!({
                "status": "password_change_required",
                "flow": flow.expose(),
                "expires_at": expires_at,
            })),
            Self::Enrolment { flow, methods, expires_at } => Response::json(&json!({
                "status": "factor_enrolment_required",
                "flow": flow.expose(),
                "methods": methods.iter().map(|kind| json!({ "type": kind, "strength": strength(*kind) })).collect::<Vec<_>>(),
                "expires_at": expires_at,
            })),
        }
    }
}

/// What was sent.
struct SignIn {
    name: String,
    password: Secret,
    wants_token: bool,
}

impl SignIn {
    fn read(call: &Call) -> Result<Self, ApiError> {
        let mut body = call.object()?;
        let mut findings = Vec::new();
        let mut text = |body: &mut Map<String, Value>, name: &str| match body.remove(name) {
            Some(Value::String(text)) => text,
            Some(_) => {
                findings.push(Finding::error("request", "request.wrong_type", "expected text").field(name));
                String::new()
            }
            None => {
                findings
                    .push(Finding::error("request", "request.missing", format!("`{name}` is required")).field(name));
                String::new()
            }
        };
        let name = text(&mut body, "identifier");
        let password = Secret::new(text(&mut body, "password"));
        let wants_token = delivery(&mut body, &mut findings);
        refuse_others(&body, &mut findings);
        if findings.is_empty() { Ok(Self { name, password, wants_token }) } else { Err(ApiError::Invalid { findings }) }
    }
}

/// Whether `delivery` is `token`; `cookie` where nothing is said.
pub fn delivery(body: &mut Map<String, Value>, findings: &mut Vec<Finding>) -> bool {
    match body.remove("delivery") {
        None => false,
        Some(Value::String(word)) if word == "cookie" => false,
        Some(Value::String(word)) if word == "token" => true,
        Some(_) => {
            let message = "expected `cookie` or `token`";
            findings.push(Finding::error("request", "request.wrong_type", message).field("delivery"));
            false
        }
    }
}

/// Refuses what nobody reads.
pub fn refuse_others(body: &Map<String, Value>, findings: &mut Vec<Finding>) {
    findings.extend(body.keys().map(|name| {
        Finding::error("request", "request.unknown_field", format!("there is no field `{name}`")).field(name.as_str())
    }));
}

/// Whoever is refused is told this and nothing else.
pub fn refused() -> ApiError {
    ApiError::Unauthenticated { code: "sign_in.refused", detail: "the name or the password is wrong" }
}

/// A step is not there, or not any more.
pub fn step_is_over() -> ApiError {
    ApiError::Unauthenticated { code: "sign_in.step_over", detail: "the step is over; sign in anew" }
}

/// Reads a user with the hash, by which it is seen that another password came in between.
pub fn read_again(tenant: Uuid, user: Uuid) -> Statement {
    Statement::new(READ_AGAIN).bind(tenant).bind(user)
}

async fn sign_in(app: &App, call: &Call) -> Result<Response, ApiError> {
    call.no_query()?;
    cookie::is_no_stranger(&call.request)?;
    let sent = SignIn::read(call)?;
    let site = Site::of(app, call).await?;
    step(app, call, &site, &sent.name, &sent.password, Proving::First).await?.respond(sent.wants_token)
}

/// Signs in with a name and a password, as far as those lead.
pub async fn step(
    app: &App,
    call: &Call,
    site: &Site,
    typed: &str,
    secret: &Secret,
    proving: Proving,
) -> Result<Step, ApiError> {
    let now = app.clock.now();
    let typed = typed.trim();
    let name = typed.to_lowercase();
    let device = cookie::device(&call.request).map(|token| token.hash());
    let from = address(call).map(|ip| rate::network(ip).to_string());
    let tried = Try::new(site, typed, from, device, now);
    let mut reads = tried.statements();
    let counting = reads.len();
    for sql in [READ_USER, READ_FACTORS] {
        reads.push(Statement::new(sql).bind(site.tenant.id).bind(name.as_str()).bind(typed));
    }
    let mut answers = app.db.batch(reads).await.map_err(ApiError::database)?;
    let found = answers.split_off(counting);
    let mut found = found.into_iter();
    let mut user = rows::<User>(found.next().unwrap_or_default())?.pop();
    let factors = rows::<MfaDevice>(found.next().unwrap_or_default())?;
    let counted = match tried.read(&answers) {
        Ok(counted) => counted,
        Err(wait) => {
            let row = attempt::row(site, call, None, &name, Some("throttled"), now)?;
            app.db.batch(attempt::insert(&row)).await.map_err(ApiError::database)?;
            return Err(ApiError::TooManyRequests { retry_after: wait });
        }
    };
    let is_right = password::is_right(app, secret, user.as_mut()).await?;
    let why = match &user {
        None => Some("unknown"),
        Some(_) if counted.is_early => Some("throttled"),
        Some(_) if !is_right => Some("password"),
        Some(user) if !user.may_act() => Some("inactive"),
        Some(_) => None,
    };
    if let Some(why) = why {
        let row = attempt::row(site, call, user.map(|user| user.id), &name, Some(why), now)?;
        attempt::in_vain(app, call, site, &row, counted.tries).await?;
        return Err(refused());
    }
    let Some(user) = user else { return Err(refused()) };
    let pending = Pending { amr: vec!["pwd".to_owned()], name, counted, proving };
    factor::after_password(app, call, site, &user, pending, factors).await
}

/// Somebody has shown all that they must: the session begins, if they may still have one and their password may stay.
pub async fn finish(app: &App, call: &Call, site: &Site, user: &User, pending: &Pending) -> Result<Step, ApiError> {
    let now = app.clock.now();
    if forced_change::is_due(site, user, pending, now) {
        return forced_change::begin(app, site, user, pending).await;
    }
    let amr: Vec<&str> = pending.amr.iter().map(String::as_str).collect();
    let session = NewSession::new(site, call, user.id, &amr, now)?;
    let session = match pending.proving {
        Proving::First => session,
        Proving::Again(id) => session.instead_of(id),
    };
    let row = attempt::row(site, call, Some(user.id), &pending.name, None, now)?;
    let reads = vec![read_again(site.tenant.id, user.id), session.read_before()];
    let author = Author::user(call, user.id, Some(Credential::Session(session.row.id)));
    // Read once more, in the place of the log that the session takes: whoever changed the password or locked the account
    // meanwhile ended all sessions, and this one would come after.
    let begun = enact(app, &author, site.tenant.id, reads, |_, answers| {
        let mut answers = answers.into_iter();
        let current = rows::<User>(answers.next().unwrap_or_default())?.pop();
        if !current.is_some_and(|current| current.may_act() && current.password_hash == user.password_hash) {
            return Ok((Deed::default(), None));
        }
        let before = rows::<UserSession>(answers.next().unwrap_or_default())?.pop();
        let Some(session) = session.after(before, user.id) else { return Ok((Deed::default(), None)) };
        let mut statements = session.statements();
        statements.extend(attempt::insert(&row));
        statements.extend(pending.counted.forget());
        let changes = vec![session.change(pending.counted.is_known_device)];
        Ok((Deed { statements, changes }, Some(session)))
    })
    .await?;
    begun.map(|session| Step::SignedIn(Box::new(session))).ok_or_else(refused)
}
