//! The one error of the HTTP API, and the only place that chooses a status.
//!
//! Answers are problem details (RFC 9457). A cause inside goes to the log under the request's id, never to the client.

use parapet::Finding;
use parapet::authzen::AuthzenError;
use parapet::gateway::{PathError, QuestionError};
use parapet::scim::{ErrorType, ScimError};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::access::evaluation::CONTEXT_SCOPE;
use crate::platform::log;
use crate::response::Response;

/// Why a request is not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No such path, or nothing of this tenant under it.
    #[error("there is nothing here")]
    NotFound,
    /// The decision is not in the log.
    #[error("the decision was not logged, or is kept no longer")]
    NotLogged,
    /// The path is there, the method is not.
    #[error("this path answers to {allow}")]
    MethodNotAllowed {
        /// The methods that it answers to, as in the header `Allow`.
        allow: String,
    },
    /// The body is longer than the limit.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The body is of another media type than JSON.
    #[error("the body must be `application/json`")]
    UnsupportedMediaType,
    /// The request is not well formed; each finding says where.
    #[error("{detail}")]
    Malformed {
        /// A stable dotted code.
        code: String,
        /// What is wrong.
        detail: String,
        /// Where, if there is more to say.
        findings: Vec<Finding>,
    },
    /// Who calls is not known.
    #[error("{detail}")]
    Unauthenticated {
        /// A stable dotted code.
        code: &'static str,
        /// What is wrong with the credential.
        detail: &'static str,
    },
    /// Who calls is known and may not.
    #[error("this needs the scope `{scope}`")]
    MissingScope {
        /// The scope that is missing.
        scope: &'static str,
    },
    /// Who calls is known, and the tenant's own rules do not let them.
    #[error("this needs the permission `parapet.{action}`")]
    MissingPermission {
        /// The action that is not allowed.
        action: &'static str,
    },
    /// The key acts for nobody who could hold a permission.
    #[error("the key acts for the tenant alone, and only a user or a service account administers it")]
    NoPrincipal,
    /// The rules of administration refuse the change.
    #[error("the change is refused")]
    Refused {
        /// Each rule that refuses it, and what it is about.
        findings: Vec<Finding>,
    },
    /// The tenant does not let anybody do this, or not whoever sent it.
    #[error("{detail}")]
    Forbidden {
        /// A stable dotted code.
        code: &'static str,
        /// Why.
        detail: &'static str,
    },
    /// It comes with a cookie, and from a page that is not of this origin.
    #[error("this comes from a page of another site")]
    CrossSite,
    /// It needs a proof of who calls that is newer than the session's (RFC 9470).
    #[error("this needs you to prove again who you are")]
    StepUp,
    /// An application's gateway does not pass the request on: the tenant's rules say so.
    #[error("this is not allowed")]
    NotAllowed {
        /// The decision's id, by which an administrator finds out why.
        decision: Uuid,
        /// Whether a newer proof of who calls, by more than one factor, would change it (RFC 9470).
        helps: bool,
        /// Where a rule was asked: the question, as the page of explanations takes it in its address.
        question: Option<String>,
    },
    /// The tenant is suspended or deleted.
    #[error("the tenant is not active")]
    TenantInactive,
    /// What was sent is well formed, and breaks rules; each finding says where.
    #[error("what was sent is not valid")]
    Invalid {
        /// All that is wrong.
        findings: Vec<Finding>,
    },
    /// It contradicts what is there: a unique key that is taken, a row that others refer to.
    #[error("{detail}")]
    Conflict {
        /// A stable dotted code.
        code: &'static str,
        /// What it contradicts.
        detail: String,
        /// The field, where it is one.
        findings: Vec<Finding>,
    },
    /// The row is not the one that the caller has seen (RFC 9110, section 13.1.1).
    #[error("the row has changed since `If-Match` was read")]
    PreconditionFailed,
    /// An Idempotency-Key came again with another request.
    #[error("this `Idempotency-Key` belongs to another request")]
    IdempotencyReused,
    /// The key was used too often in this minute, or its address came too often without one that is known.
    #[error("there were too many requests; the next is answered in {retry_after} s")]
    TooManyRequests {
        /// Seconds until the next minute.
        retry_after: i64,
    },
    /// What a decision needs is missing, broken or not known to be current: nothing is decided.
    #[error("{detail}")]
    Unavailable {
        /// A stable dotted code.
        code: &'static str,
        /// What is missing.
        detail: &'static str,
        /// For the log alone.
        cause: String,
    },
    /// What the tenant wrote cannot be compiled: nothing is decided until it is mended.
    #[error("the tenant's policies do not compile")]
    DoesNotCompile {
        /// All that is wrong.
        findings: Vec<Finding>,
    },
    /// The application behind the gateway gives no answer.
    #[error("{}", if *late { "the application does not answer in time" } else { "the application does not answer" })]
    Origin {
        /// Whether it took too long.
        late: bool,
    },
    /// What a provisioning client sent is wrong, in SCIM's words (RFC 7644, section 3.12).
    #[error("{0}")]
    Scim(ScimError),
    /// A fault of ours.
    #[error("something went wrong on our side")]
    Internal {
        /// For the log alone.
        cause: String,
    },
    /// Any of these where OAuth 2.0 is spoken: the answer has its form (RFC 6749, section 5.2).
    #[error("{of}")]
    OAuth {
        /// Its word for it: `invalid_client`.
        error: &'static str,
        /// By which scheme somebody would show who they are.
        scheme: &'static str,
        /// What it is.
        of: Box<ApiError>,
    },
}

impl ApiError {
    /// A fault of ours, with its cause for the log.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal { cause: cause.to_string() }
    }

    /// Nothing can be decided, with the cause for the log.
    pub fn unavailable(code: &'static str, detail: &'static str, cause: impl std::fmt::Display) -> Self {
        Self::Unavailable { code, detail, cause: cause.to_string() }
    }

    /// The database does not answer.
    pub fn database(cause: impl std::fmt::Display) -> Self {
        Self::unavailable("database.unavailable", "the database does not answer", cause)
    }

    /// The request is not well formed, and there is no place to say.
    pub fn malformed(code: &str, detail: impl Into<String>) -> Self {
        Self::Malformed { code: code.to_owned(), detail: detail.into(), findings: Vec::new() }
    }

    /// The same in OAuth's words, where it has none yet.
    #[must_use]
    pub fn oauth(self, error: &'static str) -> Self {
        match self {
            Self::OAuth { .. } => self,
            of => Self::OAuth { error, scheme: "Bearer", of: Box::new(of) },
        }
    }

    /// Refuses what was sent where anything is wrong with it.
    pub fn unless_empty(findings: &[Finding]) -> Result<(), Self> {
        if findings.is_empty() { Ok(()) } else { Err(Self::Invalid { findings: findings.to_vec() }) }
    }

    /// All that is wrong at once: with what else was found wrong with what was sent.
    #[must_use]
    pub fn with_findings(self, wrong: Vec<Finding>) -> Self {
        match self {
            Self::Invalid { mut findings } => {
                findings.extend(wrong);
                findings.sort();
                findings.dedup();
                Self::Invalid { findings }
            }
            other => other,
        }
    }

    /// One thing is wrong with what was sent.
    pub fn invalid(finding: Finding) -> Self {
        Self::Invalid { findings: vec![finding] }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Scim(ScimError { kind: ErrorType::Uniqueness, .. }) => 409,
            Self::Malformed { .. } | Self::Scim(_) => 400,
            Self::Unauthenticated { .. } | Self::NotAllowed { helps: true, .. } => 401,
            Self::NotAllowed { .. }
            | Self::MissingScope { .. }
            | Self::MissingPermission { .. }
            | Self::NoPrincipal
            | Self::Refused { .. }
            | Self::Forbidden { .. }
            | Self::CrossSite
            | Self::StepUp
            | Self::TenantInactive => 403,
            Self::NotFound | Self::NotLogged => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::Conflict { .. } => 409,
            Self::PreconditionFailed => 412,
            Self::TooLarge { .. } => 413,
            Self::Invalid { .. } | Self::IdempotencyReused => 422,
            Self::UnsupportedMediaType => 415,
            Self::TooManyRequests { .. } => 429,
            Self::Internal { .. } => 500,
            Self::Origin { late: false } => 502,
            Self::Origin { late: true } => 504,
            Self::Unavailable { .. } | Self::DoesNotCompile { .. } => 503,
            Self::OAuth { of, .. } => of.status(),
        }
    }

    /// The stable dotted code.
    pub fn code(&self) -> &str {
        match self {
            Self::Malformed { code, .. } => code,
            Self::Unauthenticated { code, .. } | Self::Unavailable { code, .. } => code,
            Self::MissingScope { .. } => "access.missing_scope",
            Self::MissingPermission { .. } => "access.missing_permission",
            Self::NoPrincipal => "access.no_principal",
            Self::Refused { .. } => "access.refused",
            Self::Forbidden { code, .. } => code,
            Self::CrossSite => "request.cross_site",
            Self::StepUp => "session.step_up_required",
            Self::NotAllowed { helps: true, .. } => "session.step_up_required",
            Self::NotAllowed { .. } => "access.denied",
            Self::TenantInactive => "tenant.inactive",
            Self::Invalid { .. } => "request.invalid",
            Self::Conflict { code, .. } => code,
            Self::Scim(_) => "request.invalid",
            Self::PreconditionFailed => "http.precondition_failed",
            Self::TooManyRequests { .. } => "rate.limited",
            Self::IdempotencyReused => "request.idempotency_reused",
            Self::NotFound => "http.not_found",
            Self::NotLogged => "decision.not_logged",
            Self::MethodNotAllowed { .. } => "http.method_not_allowed",
            Self::TooLarge { .. } => "http.body_too_large",
            Self::UnsupportedMediaType => "http.unsupported_media_type",
            Self::Internal { .. } => "internal",
            Self::Origin { late: false } => "origin.failed",
            Self::Origin { late: true } => "origin.late",
            Self::DoesNotCompile { .. } => "snapshot.does_not_compile",
            Self::OAuth { of, .. } => of.code(),
        }
    }

    /// What went wrong, with its cause: for the operator, never for a client.
    pub fn cause(&self) -> String {
        match self {
            Self::OAuth { of, .. } => of.cause(),
            Self::Unavailable { cause, .. } | Self::Internal { cause } => format!("{}: {cause}", self.code()),
            _ => format!("{}: {self}", self.code()),
        }
    }

    /// The problem document; the cause goes to the log.
    pub fn respond(&self, request_id: &str) -> Response {
        if let Self::OAuth { error, scheme, of } = self {
            return in_oauths_form(of.respond(request_id), error, scheme, &of.to_string());
        }
        if let Self::Unavailable { cause, .. } | Self::Internal { cause } = self {
            log::error(request_id, self.code(), cause);
        }
        let problem = Problem {
            r#type: format!("urn:parapet:problem:{}", self.code()),
            title: title(self.status()),
            status: self.status(),
            detail: self.to_string(),
            code: self.code(),
            request_id,
            decision_id: if let Self::NotAllowed { decision, .. } = self { Some(*decision) } else { None },
            findings: self.findings(),
        };
        let mut response = Response {
            status: self.status(),
            headers: vec![("content-type", "application/problem+json".into())],
            body: serde_json::to_vec(&problem).unwrap_or_default(),
            ..Response::default()
        };
        match self {
            Self::MethodNotAllowed { allow } => response = response.with("allow", allow),
            // RFC 6750, section 3: no `error` where no credential was sent.
            Self::Unauthenticated { code, .. } if *code == "key.missing" => {
                response = response.with("www-authenticate", "Bearer");
            }
            Self::Unauthenticated { .. } => {
                response = response.with("www-authenticate", "Bearer error=\"invalid_token\"");
            }
            Self::NotAllowed { helps: true, .. } => {
                let challenge = "Bearer error=\"insufficient_user_authentication\", acr_values=\"mfa\"";
                response = response.with("www-authenticate", challenge);
            }
            Self::MissingScope { scope } => {
                let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
                response = response.with("www-authenticate", challenge);
            }
            Self::TooManyRequests { retry_after } => {
                response = response.with("retry-after", retry_after.to_string());
            }
            Self::Unavailable { .. } => response = response.with("retry-after", "1"),
            _ => {}
        }
        response
    }

    /// All that is wrong, each with its place.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Malformed { findings, .. }
            | Self::DoesNotCompile { findings }
            | Self::Refused { findings }
            | Self::Invalid { findings }
            | Self::Conflict { findings, .. } => findings,
            _ => &[],
        }
    }
}

impl From<AuthzenError> for ApiError {
    fn from(error: AuthzenError) -> Self {
        let detail = error.to_string();
        match error {
            AuthzenError::TooLarge { limit, .. } => Self::TooLarge { limit },
            AuthzenError::UntrustedContext { .. } => Self::MissingScope { scope: CONTEXT_SCOPE },
            error => {
                let finding = Finding::error("request", error.code(), detail.clone()).field(error.pointer());
                Self::Malformed { code: error.code().to_owned(), detail, findings: vec![finding] }
            }
        }
    }
}

impl From<ScimError> for ApiError {
    fn from(error: ScimError) -> Self {
        Self::Scim(error)
    }
}

impl From<PathError> for ApiError {
    fn from(error: PathError) -> Self {
        Self::malformed(error.code(), error.to_string())
    }
}

impl From<QuestionError> for ApiError {
    fn from(error: QuestionError) -> Self {
        match error {
            QuestionError::MediaType => Self::UnsupportedMediaType,
            error => Self::malformed(error.code(), error.to_string()),
        }
    }
}

/// The same refusal in the form of RFC 6749, section 5.2, which leaves out quotes, backslashes and what is not ASCII.
fn in_oauths_form(mut response: Response, error: &str, scheme: &'static str, detail: &str) -> Response {
    let description: String =
        detail.chars().filter(|letter| matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\')).collect();
    response.body =
        serde_json::to_vec(&json!({ "error": error, "error_description": description })).unwrap_or_default();
    response.headers.retain(|(name, _)| !["content-type", "www-authenticate"].contains(name));
    if response.status == 401 {
        response = response.with("www-authenticate", scheme);
    }
    response.with("content-type", "application/json")
}

/// RFC 9457, section 3, with our members `code`, `request_id`, `decision_id` and `findings`.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<Uuid>,
    findings: &'a [Finding],
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        422 => "Unprocessable Content",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}
