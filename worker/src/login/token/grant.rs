//! `POST /v1/token`: the token endpoint (RFC 6749, section 3.2).
//!
//! What a request brings is one credential, shown in one way: a service account's key as its client secret (Basic or in
//! the body), an assertion that it signed, or any API key or session, as the bearer or as a `subject_token` (RFC 8693), or
//! by a session's cookie. The token says
//! no more than the credential may, and ends with it.

use std::cell::OnceCell;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parapet::api_key::ApiKeyToken;
use parapet::model::{SettingCategory, Tenant, TenantSetting, Timestamp};
use parapet::opaque_token::{OpaqueToken, TokenKind};
use parapet::setting;
use parapet::token::{self, Claims, Credential, SubjectType, TokenError};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::asked::Asked;
use super::issuer::issuer;
use super::{assertion, key, scope};
use crate::administration::fresh_id;
use crate::app::App;
use crate::authenticate::{self, Caller, Owner, Standing, caller_now};
use crate::cookie;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::request::{Body, Request};
use crate::response::Response;

/// A service account asks for itself (RFC 6749, section 4.4).
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

/// Somebody exchanges what they have for a token (RFC 8693, section 2.1).
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The type of an API key as a `subject_token`.
pub const API_KEY: &str = "urn:parapet:token-type:api_key";

/// The type of a session's token as a `subject_token`.
pub const SESSION: &str = "urn:parapet:token-type:session";

/// The type of an assertion by which a client shows who it is (RFC 7523, section 2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What is given out (RFC 8693, section 3), and what else may be asked for, being the same.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// The longest `audience`.
const LONGEST_AUDIENCE: usize = 255;

/// The token endpoint.
pub fn routes() -> Vec<Route> {
    vec![Route { method: "POST", path: "/v1/token", access: Access::Public(|app, call| Box::pin(answer(app, call))) }]
}

/// Whatever is refused is refused in OAuth's form.
async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    let basic = scheme(&call.request).is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    grant(app, call).await.map_err(|error| {
        let word = match &error {
            ApiError::Unauthenticated { .. } => "invalid_client",
            ApiError::Unavailable { .. } | ApiError::DoesNotCompile { .. } | ApiError::TooManyRequests { .. } => {
                "temporarily_unavailable"
            }
            ApiError::Internal { .. } => "server_error",
            _ => "invalid_request",
        };
        match error.oauth(word) {
            ApiError::OAuth { error, of, .. } if basic => {
                ApiError::OAuth { error, scheme: "Basic realm=\"parapet\"", of }
            }
            error => error,
        }
    })
}

async fn grant(app: &App, call: &Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let asked = Asked::read(call)?;
    let shown = Shown::read(call, &asked)?;
    let caller = shown.caller(app, call, &asked).await?;
    call.is_of(&caller);
    let standing = &caller.standing;
    if !standing.tenant_active {
        return Err(ApiError::malformed("tenant.inactive", "the tenant is not active").oauth("unauthorized_client"));
    }
    let now = app.clock.now();
    let given = scope::given(app, call, &caller, asked.get("scope"), now).await?;
    let setting = "tenant_id = ?1 AND category = 'security' AND setting_key = 'access_token_minutes'";
    let reads = vec![
        select::<Tenant>("id = ?1", standing.tenant),
        select::<TenantSetting>(setting, standing.tenant),
        key::read_signing(standing.tenant, now),
    ];
    let mut answers = app.db.batch(reads).await.map_err(ApiError::database)?.into_iter();
    let mut next = || answers.next().unwrap_or_default();
    let (tenant, setting, signing) = (rows::<Tenant>(next())?.pop(), rows::<TenantSetting>(next())?.pop(), next());
    let tenant = tenant.ok_or_else(|| ApiError::internal("a credential of no tenant"))?;
    let issuer = issuer(app.config()?, &call.request, &tenant.slug, tenant.domain.as_deref());
    let key = key::signing(app, standing.tenant, signing, now).await?;
    let issued_at = whole_seconds(now);
    let end = issued_at.plus_millis(life(&tenant, setting.as_ref()));
    let expires_at = standing.expires_at.map_or(end, |its| whole_seconds(its).min(end));
    let subject = standing.subject();
    let subject_type = match standing.owner {
        Owner::Tenant => SubjectType::Tenant,
        Owner::User(_) => SubjectType::User,
        Owner::ServiceAccount(_) => SubjectType::ServiceAccount,
    };
    let credential = credential(standing)?;
    let client = if subject_type == SubjectType::ServiceAccount { subject } else { standing.credential.lasting().id() };
    let claims = Claims {
        audience: audience(&asked, &issuer)?,
        issuer,
        subject: subject.to_string(),
        subject_type,
        client: client.to_string(),
        issued_at,
        expires_at,
        id: fresh_id(now)?,
        tenant: standing.tenant,
        credential,
        scopes: given.scopes,
        roles: given.roles,
    };
    let token = token::issue(&claims, &key).map_err(|error| match error {
        TokenError::TooLong => {
            ApiError::malformed("token.too_long", "a token with all of this would be too long: ask for fewer scopes")
                .oauth("invalid_scope")
        }
        error => ApiError::internal(error),
    })?;
    let mut answer = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": (expires_at.as_millis() - issued_at.as_millis()) / 1000,
        "scope": claims.scopes.join(" "),
    });
    if let (Grant::Exchange, Some(answer)) = (shown.grant, answer.as_object_mut()) {
        answer.insert("issued_token_type".to_owned(), json!(ACCESS_TOKEN));
    }
    // RFC 6749, section 5.1; `Cache-Control: no-store` has every answer.
    Ok(Response::json(&answer)?.with("pragma", "no-cache"))
}

/// For whom the token is to be: the tenant's own API where nothing is said.
fn audience(asked: &Asked, issuer: &str) -> Result<String, ApiError> {
    // RFC 8707, section 2: whoever narrows a token must not get a wider one.
    if asked.get("resource").is_some() {
        let detail = "say for whom the token is to be by `audience`";
        return Err(ApiError::malformed("token.resource", detail).oauth("invalid_target"));
    }
    let Some(audience) = asked.get("audience") else { return Ok(issuer.to_owned()) };
    if audience.len() > LONGEST_AUDIENCE || !audience.bytes().all(|byte| byte.is_ascii_graphic()) {
        let detail = format!("an `audience` is one name of at most {LONGEST_AUDIENCE} visible characters of ASCII");
        return Err(ApiError::malformed("token.audience", detail).oauth("invalid_target"));
    }
    Ok(audience.to_owned())
}

/// How long a token of the tenant lasts, in milliseconds.
fn life(tenant: &Tenant, row: Option<&TenantSetting>) -> i64 {
    let name = "access_token_minutes";
    let known = setting::find(SettingCategory::Security, name);
    let minutes = known.and_then(|known| known.effective(name, tenant, row).0.as_i64()).unwrap_or(1);
    (minutes * 60_000).clamp(0, token::LONGEST_LIFE)
}

/// What the token ends with. Only what lasts is exchanged: whoever has a token would have others for ever.
fn credential(standing: &Standing) -> Result<Credential, ApiError> {
    match (standing.credential, &standing.proof) {
        (authenticate::Credential::Session(id), Some(proof)) => {
            Ok(Credential::Session { id, auth_time: proof.at, amr: proof.amr.clone() })
        }
        (authenticate::Credential::ApiKey(id), _) => Ok(Credential::ApiKey(id)),
        _ => Err(malformed_credential()),
    }
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis().div_euclid(1000) * 1000)
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grant {
    Client,
    Exchange,
}

/// The one credential that a request brings, and for which grant.
struct Shown {
    grant: Grant,
    by: By,
}

/// How it is shown.
enum By {
    /// In `Authorization: Bearer`.
    Bearer(String),
    /// By a session's cookie.
    Cookie,
    /// As `subject_token`.
    Subject(String),
    /// As a service account's secret.
    Secret { client: String, secret: String },
    /// By an assertion that the service account signed.
    Assertion(String),
}

impl Shown {
    fn read(call: &Call, asked: &Asked) -> Result<Self, ApiError> {
        let grant = match asked.required("grant_type")? {
            CLIENT_CREDENTIALS => Grant::Client,
            TOKEN_EXCHANGE => Grant::Exchange,
            _ => {
                let detail = format!("expected `{CLIENT_CREDENTIALS}` or `{TOKEN_EXCHANGE}` as `grant_type`");
                return Err(ApiError::malformed("token.grant", detail).oauth("unsupported_grant_type"));
            }
        };
        let mut ways = Vec::new();
        match scheme(&call.request) {
            Some((scheme, credential)) if scheme.eq_ignore_ascii_case("basic") => ways.push(basic(credential)?),
            Some((_, credential)) => ways.push(By::Bearer(credential.trim().to_owned())),
            None => {}
        }
        if let Some(secret) = asked.get("client_secret") {
            let client = asked.required("client_id")?.to_owned();
            ways.push(By::Secret { client, secret: secret.to_owned() });
        }
        if let Some(assertion) = asked.get("client_assertion") {
            if asked.required("client_assertion_type")? != JWT_BEARER {
                let detail = format!("expected `{JWT_BEARER}` as `client_assertion_type`");
                return Err(ApiError::malformed("token.assertion_type", detail));
            }
            ways.push(By::Assertion(assertion.to_owned()));
        }
        if let Some(subject) = asked.get("subject_token") {
            let kind = if OpaqueToken::parse(TokenKind::Session, subject).is_some() { SESSION } else { API_KEY };
            if asked.required("subject_token_type")? != kind {
                let detail = format!("expected `{kind}` as `subject_token_type`");
                return Err(ApiError::malformed("token.subject_type", detail));
            }
            ways.push(By::Subject(subject.to_owned()));
        }
        if asked.get("actor_token").is_some() {
            return Err(ApiError::malformed("token.actor", "nobody acts for somebody else here"));
        }
        if asked.get("requested_token_type").is_some_and(|wanted| ![ACCESS_TOKEN, JWT].contains(&wanted)) {
            return Err(ApiError::malformed("token.requested_type", format!("only `{ACCESS_TOKEN}` is given out")));
        }
        if ways.is_empty() && cookie::session(&call.request).is_some() {
            ways.push(By::Cookie);
        }
        let by = match (ways.pop(), ways.pop()) {
            (Some(by), None) => by,
            (None, _) => {
                return Err(ApiError::Unauthenticated { code: "key.missing", detail: "a credential is needed" });
            }
            _ => return Err(ApiError::malformed("token.credentials", "a request brings one credential")),
        };
        let of_client = matches!(by, By::Secret { .. } | By::Assertion(_));
        if of_client != (grant == Grant::Client) {
            let detail = "`client_credentials` needs a service account's secret or assertion, an exchange an API key";
            return Err(ApiError::malformed("token.credential", detail));
        }
        let said = match &by {
            By::Secret { client, .. } => asked.get("client_id").is_none_or(|id| id == client),
            _ => true,
        };
        if !said {
            return Err(ApiError::malformed("token.two_clients", "`client_id` is of another client"));
        }
        Ok(Self { grant, by })
    }

    /// Whose credential it is, as the database says it now.
    async fn caller(&self, app: &App, call: &Call, asked: &Asked) -> Result<Caller, ApiError> {
        let credential = match &self.by {
            By::Cookie => return caller_now(app, call).await,
            By::Assertion(text) => return assertion::caller(app, call, text, asked.get("client_id")).await,
            By::Bearer(credential) | By::Subject(credential) | By::Secret { secret: credential, .. } => credential,
        };
        let caller = match exchangeable(credential) {
            Ok(()) => caller_now(app, &showing(call, credential)).await,
            Err(error) => Err(error),
        };
        match (&self.by, caller) {
            // RFC 8693, section 2.2.2: here it is the request that is not valid.
            (By::Subject(_), Err(ApiError::Unauthenticated { code, detail })) => Err(ApiError::malformed(code, detail)),
            (By::Secret { client, .. }, Ok(caller)) => match caller.standing.owner {
                Owner::ServiceAccount(id) if id.to_string() == *client => Ok(caller),
                _ => Err(assertion::unknown_client()),
            },
            (_, caller) => caller,
        }
    }
}

/// Whether a credential is one that lasts, by its form.
fn exchangeable(credential: &str) -> Result<(), ApiError> {
    let is_ours =
        ApiKeyToken::parse(credential).is_some() || OpaqueToken::parse(TokenKind::Session, credential).is_some();
    if is_ours { Ok(()) } else { Err(malformed_credential()) }
}

fn malformed_credential() -> ApiError {
    ApiError::Unauthenticated { code: "key.malformed", detail: "this is no key and no session of ours" }
}

/// The same call with a credential where credentials are looked for.
fn showing(call: &Call, credential: &str) -> Call {
    let from = &call.request;
    let mut headers = from.headers.clone();
    headers.insert("authorization".to_owned(), format!("Bearer {credential}"));
    let request = Request {
        method: from.method.clone(),
        origin: from.origin.clone(),
        path: from.path.clone(),
        query: String::new(),
        headers,
        body: Body::default(),
    };
    Call { request, id: call.id.clone(), parameters: Vec::new(), caller: OnceCell::new() }
}

fn scheme(request: &Request) -> Option<(&str, &str)> {
    request.header("authorization")?.split_once(' ')
}

/// A client's id and secret, each in the encoding of forms, in Base64 (RFC 6749, section 2.3.1; RFC 7617).
fn basic(credential: &str) -> Result<By, ApiError> {
    let malformed = || ApiError::Unauthenticated { code: "key.malformed", detail: "these are no Basic credentials" };
    let text = BASE64_STANDARD.decode(credential.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(malformed)?;
    let (client, secret) = text.split_once(':').ok_or_else(malformed)?;
    let decoded = |part: &str| percent_decode_str(part).decode_utf8().map(|text| text.into_owned());
    match (decoded(client), decoded(secret)) {
        (Ok(client), Ok(secret)) => Ok(By::Secret { client, secret }),
        _ => Err(malformed()),
    }
}
