//! `POST /access/v1/evaluation` and `/evaluations` (AuthZEN 1.0, sections 6 and 7).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;

use parapet::Request;
use parapet::authzen::{
    self, AsOf, Evaluation, EvaluationResponse, Evaluations, EvaluationsRequest, Subject, principal_type,
};
use parapet::directory::PrincipalRecord;
use parapet::model::{DecisionCaller, Timestamp};

use super::principal;
use crate::app::App;
use crate::authenticate::{Caller, Owner};
use crate::decision_log::{Asked, note};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::memory::Published;
use crate::publish;
use crate::response::Response;

/// Needed to ask for decisions at all.
pub const SCOPE: &str = "access:evaluate";

/// Needed to say where from and how the subject signed in.
pub const CONTEXT_SCOPE: &str = "access:context";

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
    // What a caller may not say is refused before anything is looked up.
    evaluation.request(&asking(caller, None))?;
    let published = publish::current(app, caller.newest(), &call.id).await?;
    let record = principal_of(app, call, caller, &evaluation.subject).await?;
    let decider = Decider { app, request_id: &call.id, published, caller, now: app.clock.now() };
    answer(caller, &decider.decide(evaluation, record.as_deref()))
}

async fn many(app: &App, call: &Call, caller: &Caller, batch: &Evaluations) -> Result<Response, ApiError> {
    let published = publish::current(app, caller.newest(), &call.id).await?;
    // Subjects are looked up before anything is decided: deciding itself waits for nothing.
    let mut records: HashMap<(&str, &str), Option<Rc<PrincipalRecord>>> = HashMap::new();
    for evaluation in batch.items.iter().flatten() {
        let key = (evaluation.subject.r#type.as_str(), evaluation.subject.id.as_str());
        if let Entry::Vacant(unknown) = records.entry(key) {
            unknown.insert(principal_of(app, call, caller, &evaluation.subject).await?);
        }
    }
    let decider = Decider { app, request_id: &call.id, published, caller, now: app.clock.now() };
    let answers = batch.answer(|item| match item {
        Ok(evaluation) => {
            let key = (evaluation.subject.r#type.as_str(), evaluation.subject.id.as_str());
            decider.decide(evaluation, records.get(&key).and_then(|record| record.as_deref()))
        }
        Err(error) => EvaluationResponse::refused(error, Some(decider.as_of())),
    });
    answer(caller, &answers)
}

/// Who the subject of a question is, if the directory knows them.
pub(super) async fn principal_of(
    app: &App,
    call: &Call,
    caller: &Caller,
    subject: &Subject,
) -> Result<Option<Rc<PrincipalRecord>>, ApiError> {
    match principal_type(&subject.r#type) {
        Some(kind) => principal::find(app, caller.newest(), kind, &subject.id, &call.id).await,
        None => Ok(None),
    }
}

/// What a caller may say. The key's scopes bind the subject only where the subject itself came with the key.
pub(super) fn asking(caller: &Caller, subject: Option<&PrincipalRecord>) -> authzen::Caller {
    let owner = match caller.standing.owner {
        Owner::Tenant => None,
        Owner::User(id) => Some(("User", id)),
        Owner::ServiceAccount(id) => Some(("ServiceAccount", id)),
    };
    let is_owner =
        |record: &PrincipalRecord| owner.is_some_and(|(kind, id)| record.r#type == kind && record.id == id.to_string());
    authzen::Caller {
        sets_context: caller.has_scope(CONTEXT_SCOPE),
        scopes: subject.filter(|record| is_owner(record)).map(|_| caller.standing.scopes.clone()),
    }
}

/// An answer, with a word where what is known may be out of date.
pub fn answer(caller: &Caller, value: &impl serde::Serialize) -> Result<Response, ApiError> {
    let response = Response::json(value)?;
    Ok(if caller.stale { response.with("x-parapet-stale", "true") } else { response })
}

/// A tenant's rules at an instant, for one caller.
struct Decider<'a> {
    app: &'a App,
    request_id: &'a str,
    published: Published,
    caller: &'a Caller,
    now: Timestamp,
}

impl Decider<'_> {
    fn decide(&self, evaluation: &Evaluation, record: Option<&PrincipalRecord>) -> EvaluationResponse {
        match evaluation.request(&asking(self.caller, record)) {
            Ok(request) => {
                let decision = self.published.engine.decide_with(record, &request, self.now);
                let logged = note(self.app, &self.asked(&request, record), &decision, None);
                let response = EvaluationResponse::of(decision, Some(self.as_of()));
                if let Some(id) = logged { response.logged(id) } else { response }
            }
            Err(error) => EvaluationResponse::refused(&error, Some(self.as_of())),
        }
    }

    /// What the log is told beside the decision.
    fn asked<'a>(&'a self, request: &'a Request, principal: Option<&'a PrincipalRecord>) -> Asked<'a> {
        let standing = &self.caller.standing;
        Asked {
            caller: DecisionCaller::Evaluation,
            request_id: self.request_id,
            published: &self.published,
            tenant: standing.tenant,
            directory_version: standing.versions.directory,
            age: standing.age(self.now).unwrap_or(0),
            request,
            principal,
            candidate: standing.candidate.as_ref(),
            now: self.now,
        }
    }

    fn as_of(&self) -> AsOf {
        AsOf {
            policy_version: self.published.version,
            directory_version: self.caller.standing.versions.directory,
            now: self.now,
        }
    }
}
