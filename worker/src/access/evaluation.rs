//! `POST /access/v1/evaluation` and `/evaluations` (AuthZEN 1.0, sections 6 and 7).

use std::collections::HashMap;
use std::rc::Rc;

use crate::shim as engine;
use parapet::Finding;
use parapet::authzen::{
    AsOf, AuthzenError, Evaluation, EvaluationResponse, Evaluations, EvaluationsRequest, ResponseContext,
    principal_type,
};
use parapet::directory::{EntityRef, PrincipalRecord};
use parapet::model::Timestamp;

use super::{context, principal};
use crate::app::App;
use crate::authenticate::{Caller, Owner};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::memory::Published;
use crate::publish;
use crate::response::Response;

/// Needed to ask for decisions at all.
pub const SCOPE: &str = "access:evaluate";

/// One decision, and many.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "POST",
            path: "/access/v1/evaluation",
            access: Access::Scope(SCOPE, |app, call, caller| Box::pin(evaluation(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/access/v1/evaluations",
            access: Access::Scope(SCOPE, |app, call, caller| Box::pin(evaluations(app, call, caller))),
        },
    ]
}

async fn evaluation(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let evaluation = Evaluation::parse(call.json()?)?;
    single(app, call, &caller, &evaluation).await
}

async fn evaluations(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    match EvaluationsRequest::parse(call.json()?)? {
        EvaluationsRequest::Single(evaluation) => single(app, call, &caller, &evaluation).await,
        EvaluationsRequest::Batch(batch) => many(app, call, &caller, &batch).await,
    }
}

async fn single(app: &App, call: &Call, caller: &Caller, evaluation: &Evaluation) -> Result<Response, ApiError> {
    context::check(&evaluation.context, caller, "/context")?;
    let published = publish::current(app, caller, &call.id).await?;
    let record = subject(app, call, caller, evaluation).await?;
    let decider = Decider { published, caller, now: app.clock.now() };
    Response::json(&decider.decide(evaluation, record.as_deref()))
}

async fn many(app: &App, call: &Call, caller: &Caller, batch: &Evaluations) -> Result<Response, ApiError> {
    for (index, item) in batch.items.iter().enumerate() {
        if let Ok(evaluation) = item {
            context::check(&evaluation.context, caller, &format!("/evaluations/{index}/context"))?;
        }
    }
    let published = publish::current(app, caller, &call.id).await?;
    // Subjects are looked up before anything is decided: deciding itself waits for nothing.
    let mut records: HashMap<(&str, &str), Option<Rc<PrincipalRecord>>> = HashMap::new();
    for evaluation in batch.items.iter().flatten() {
        let key = (evaluation.subject.r#type.as_str(), evaluation.subject.id.as_str());
        if !records.contains_key(&key) {
            records.insert(key, subject(app, call, caller, evaluation).await?);
        }
    }
    let decider = Decider { published, caller, now: app.clock.now() };
    let answer = batch.answer(|item| match item {
        Ok(evaluation) => {
            let key = (evaluation.subject.r#type.as_str(), evaluation.subject.id.as_str());
            decider.decide(evaluation, records.get(&key).and_then(|record| record.as_deref()))
        }
        Err(error) => EvaluationResponse::refused(error, Some(decider.as_of())),
    });
    Response::json(&answer)
}

async fn subject(
    app: &App,
    call: &Call,
    caller: &Caller,
    evaluation: &Evaluation,
) -> Result<Option<Rc<PrincipalRecord>>, ApiError> {
    match principal_type(&evaluation.subject.r#type) {
        Some(kind) => principal::find(app, caller, kind, &evaluation.subject.id, &call.id).await,
        None => Ok(None),
    }
}

/// A tenant's rules at an instant, for one caller.
struct Decider<'a> {
    published: Published,
    caller: &'a Caller,
    now: Timestamp,
}

impl Decider<'_> {
    fn decide(&self, evaluation: &Evaluation, record: Option<&PrincipalRecord>) -> EvaluationResponse {
        let Evaluation { subject, action, resource, context } = evaluation;
        let kind = principal_type(&subject.r#type).unwrap_or(&subject.r#type);
        let id = record.map_or(subject.id.as_str(), |record| record.id.as_str());
        let request = engine::Request {
            principal: EntityRef { r#type: kind.to_owned(), id: id.to_owned() },
            principal_attributes: subject.properties.clone(),
            action: action.name.clone(),
            action_attributes: action.properties.clone(),
            resource: EntityRef { r#type: resource.r#type.clone(), id: resource.id.clone() },
            resource_attributes: resource.properties.clone(),
            context: context.as_ref().clone(),
            scopes: self.scopes(kind, id),
        };
        let decision = self.published.engine.decide_with(record, &request, self.now);
        EvaluationResponse::new(ResponseContext {
            outcome: decision.outcome,
            reason: decision.reason,
            policies: decision.policies,
            errors: decision.errors,
            error: None,
            as_of: Some(self.as_of()),
        })
    }

    /// The key's scopes bind the subject only where the subject itself came with the key.
    fn scopes(&self, kind: &str, id: &str) -> Option<Vec<String>> {
        let is_owner = match self.caller.standing.owner {
            Owner::Tenant => false,
            Owner::User(owner) => kind == "User" && id == owner.to_string(),
            Owner::ServiceAccount(owner) => kind == "ServiceAccount" && id == owner.to_string(),
        };
        is_owner.then(|| self.caller.standing.scopes.clone())
    }

    fn as_of(&self) -> AsOf {
        AsOf {
            policy_version: self.published.version,
            directory_version: self.caller.standing.versions.directory,
            now: self.now.to_string(),
        }
    }
}

impl From<AuthzenError> for ApiError {
    fn from(error: AuthzenError) -> Self {
        if let AuthzenError::TooLarge { limit, .. } = error {
            return Self::TooLarge { limit };
        }
        let detail = error.to_string();
        let finding = Finding::error("request", error.code(), detail.clone()).field(error.pointer());
        Self::Malformed { code: error.code().to_owned(), detail, findings: vec![finding] }
    }
}
