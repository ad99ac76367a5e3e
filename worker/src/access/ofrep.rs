//! `POST /ofrep/v1/evaluate/flags` and `/ofrep/v1/evaluate/flags/{key}`: feature flags by the OpenFeature Remote Evaluation
//! Protocol (OFREP), for the providers that OpenFeature has for every language.
//!
//! What is wrong with an evaluation is answered in OFREP's form; what keeps anything from being asked (401, 403, 413, 429,
//! 503) as everywhere, which OFREP leaves open.

use parapet::directory::PrincipalState;
use parapet::ofrep::{ErrorCode, Evaluation, EvaluationRequest, Failure, Target, evaluate};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::evaluation::{CONTEXT_SCOPE, SCOPE, answer};
use super::principal;
use super::snapshot::is_known;
use crate::app::App;
use crate::authenticate::Caller;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::publish;
use crate::response::Response;

/// One flag, and all of them.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "POST",
            path: "/ofrep/v1/evaluate/flags/{key}",
            access: Access::Scope(SCOPE, |app, call, caller| Box::pin(one(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/ofrep/v1/evaluate/flags",
            access: Access::Scope(SCOPE, |app, call, caller| Box::pin(all(app, call, caller))),
        },
    ]
}

async fn one(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let key = call.decoded("key")?;
    let evaluation = match evaluations(app, call, &caller).await? {
        Ok(all) => all.into_iter().find(|evaluation| evaluation.key() == Some(&key)),
        Err(failure) => Some(Evaluation::Failure(failure.of(&key))),
    };
    let evaluation = evaluation.unwrap_or_else(|| Evaluation::Failure(Failure::not_found(&key)));
    let status = match &evaluation {
        Evaluation::Success(_) => 200,
        Evaluation::Failure(failure) => status(failure),
    };
    Ok(Response { status, ..answer(&caller, &evaluation)? })
}

/// The tag is of the content, so a client learns whether anything of it is another, whatever else changed.
async fn all(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let flags = match evaluations(app, call, &caller).await? {
        Ok(flags) => flags,
        Err(failure) => return Ok(Response { status: status(&failure), ..answer(&caller, &failure)? }),
    };
    let response = answer(&caller, &json!({ "flags": flags }))?;
    let hash: String = hex::encode(Sha256::digest(&response.body)).chars().take(32).collect();
    let etag = format!("\"{hash}\"");
    let response =
        if is_known(call, &etag) { Response { status: 304, body: Vec::new(), ..response } } else { response };
    Ok(response.with("etag", etag))
}

/// All flags for whom the request names, or why none can be evaluated.
async fn evaluations(app: &App, call: &Call, caller: &Caller) -> Result<Result<Vec<Evaluation>, Failure>, ApiError> {
    call.no_query()?;
    if !caller.standing.tenant_active {
        return Err(ApiError::TenantInactive);
    }
    let request = match EvaluationRequest::parse(call.json()?) {
        Ok(request) => request,
        Err(failure) => return Ok(Err(failure)),
    };
    if request.trusted_only().is_some() && !caller.has_scope(CONTEXT_SCOPE) {
        return Err(ApiError::MissingScope { scope: CONTEXT_SCOPE });
    }
    let published = publish::current(app, caller.newest(), &call.id).await?;
    let mut record = None;
    if let Some(key) = &request.targeting_key {
        // A user, or a service account by its id.
        for kind in ["User", "ServiceAccount"] {
            if record.is_none() {
                record = principal::find(app, caller.newest(), kind, key, &call.id).await?;
            }
        }
    }
    let record = record.filter(|record| record.state == PrincipalState::Active);
    let target = match (&request.targeting_key, record.as_deref()) {
        (None, _) => Target::Unsaid,
        (Some(_), None) => Target::Nobody,
        (Some(_), Some(record)) => Target::Principal(record),
    };
    Ok(evaluate(&published.engine, target, &request.context, app.clock.now()))
}

fn status(failure: &Failure) -> u16 {
    match failure.error_code {
        ErrorCode::FlagNotFound => 404,
        _ => 400,
    }
}
