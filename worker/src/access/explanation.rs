//! `POST /v1/decisions/explain`: why a decision is as it is, for people, and what would turn it.

use std::rc::Rc;

use parapet::authzen::{AsOf, Caller as Asking, Evaluation};
use parapet::directory::{EntityRef, PrincipalRecord};
use parapet::engine::{Explanation, Names, Report};
use parapet::gateway::ANONYMOUS;
use parapet::model::{DecisionLog, ServiceAccount, Timestamp, User};
use parapet::{Finding, Request, decision_log, schema};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::principal;
use crate::administration::{Actor, ListOf};
use crate::app::App;
use crate::decision_log::{NO_ROUTE, one};
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// So many scopes a question may have.
pub const MOST_SCOPES: usize = 1000;

/// So many users and service accounts are named.
const MOST_NAMES: usize = 100;

/// The one route.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/decisions/explain",
        access: Access::Permission("policy.read", |app, call, actor| Box::pin(explain(app, call, actor))),
    }]
}

async fn explain(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    // It says what rules ask, and also what users are and hold.
    let actor = actor.also(app, call, "user.read").await?;
    let mut body = call.object()?;
    let Some(id) = body.remove("decision_id") else {
        let question = Question::read(body, app.clock.now())?;
        return Response::json(&answer(app, call, &actor, &question).await?);
    };
    let (actor, decided) = logged(app, call, actor, &id, &body).await?;
    let question = Question { request: decision_log::request(&decided), now: decided.created_at };
    let answer = answer(app, call, &actor, &question).await?;
    Response::json(&Answer { decided: Some(Decided::of(decided)), ..answer })
}

/// The logged decision that an explanation is asked of, by whoever may read the log.
async fn logged(
    app: &App,
    call: &Call,
    actor: Actor,
    id: &Value,
    rest: &Map<String, Value>,
) -> Result<(Actor, DecisionLog), ApiError> {
    let finding = |field: &str, message: &str| Finding::error("request", "explain.malformed", message).field(field);
    let beside = rest.keys().map(|name| finding(name, "a decision by its id says all that was asked"));
    let mut findings: Vec<Finding> = beside.collect();
    let id = id.as_str().filter(|id| id.len() == 36).and_then(|id| Uuid::try_parse(id).ok());
    if id.is_none() {
        findings.push(finding("decision_id", "expected the id of a decision, a UUID"));
    }
    let Some(id) = id.filter(|_| findings.is_empty()) else { return Err(ApiError::Invalid { findings }) };
    let actor = actor.also(app, call, DecisionLog::READ).await?;
    let decided = one(app, actor.tenant, id).await?;
    if decided.reason.as_deref() == Some(NO_ROUTE) {
        let detail = "no rule of the route map speaks of the request, so no policy was asked".to_owned();
        return Err(ApiError::Conflict { code: "decision.no_route", detail, findings });
    }
    Ok((actor, decided))
}

/// A request to be explained, and when it was made.
pub struct Question {
    /// The request.
    pub request: Request,
    /// When.
    pub now: Timestamp,
}

/// An explanation, and of which state.
#[derive(Debug, Serialize)]
pub struct Answer {
    #[serde(flatten)]
    report: Report,
    as_of: AsOf,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<Decided>,
}

/// What was decided then, where a logged decision is explained by the rules of now.
#[derive(Debug, Serialize)]
struct Decided {
    id: Uuid,
    outcome: parapet::model::Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    policies: Vec<String>,
    errors: Vec<String>,
    /// What the request said and the log does not: the explanation is of a request without it.
    left_out: Vec<String>,
    as_of: AsOf,
}

impl Decided {
    fn of(row: DecisionLog) -> Self {
        let version = |version: i64| u64::try_from(version).unwrap_or(0);
        let (policy_version, directory_version) = (version(row.policy_version), version(row.directory_version));
        Self {
            id: row.id,
            outcome: row.outcome,
            reason: row.reason,
            policies: row.policies,
            errors: row.errors,
            left_out: row.left_out,
            as_of: AsOf { policy_version, directory_version, now: row.created_at },
        }
    }
}

/// Explains a request to somebody who may know, by the rules and the directory of now.
pub async fn answer(app: &App, call: &Call, actor: &Actor, question: &Question) -> Result<Answer, ApiError> {
    let Question { request, now } = question;
    let kind = ["User", "ServiceAccount"].into_iter().find(|kind| *kind == request.principal.r#type);
    let record = match kind {
        // At the gateway nobody need say who they are.
        Some("User") if request.principal.id == ANONYMOUS => actor.published.routes.anonymous().map(Rc::new),
        Some(kind) => principal::find(app, actor.caller.newest(), kind, &request.principal.id, &call.id).await?,
        None => None,
    };
    let engine = &actor.published.engine;
    let explanation = engine.explain_in_full(record.as_deref(), request, *now);
    let names = names(app, actor, &explanation).await?;
    let report = engine.report(explanation, record.as_deref(), request, *now, &names);
    let (policy_version, directory_version) = (actor.published.version, actor.versions().directory);
    Ok(Answer { report, as_of: AsOf { policy_version, directory_version, now: *now }, decided: None })
}

/// The names of those whom an explanation mentions, as far as they are of this tenant.
async fn names(app: &App, actor: &Actor, explanation: &Explanation) -> Result<Names, ApiError> {
    let mentioned: Vec<EntityRef> = explanation.mentioned().into_iter().take(MOST_NAMES).collect();
    let mut names = Names::new();
    if mentioned.is_empty() {
        return Ok(names);
    }
    let ids = |ty: &str| -> String {
        json!(mentioned.iter().filter(|entity| entity.r#type == ty).map(|entity| &entity.id).collect::<Vec<_>>())
            .to_string()
    };
    let among = "tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))";
    let statements = vec![
        select::<User>(among, actor.tenant).bind(ids(schema::USER)),
        select::<ServiceAccount>(among, actor.tenant).bind(ids(schema::SERVICE_ACCOUNT)),
    ];
    let unavailable = |error| ApiError::unavailable("database.unavailable", "the database does not answer", error);
    let mut found = app.db.batch(statements).await.map_err(unavailable)?.into_iter();
    let users: Vec<User> = rows(found.next().unwrap_or_default())?;
    let accounts: Vec<ServiceAccount> = rows(found.next().unwrap_or_default())?;
    let users = users.iter().map(|user| PrincipalRecord::of_user(user, &[], &[], &[]));
    for record in users.chain(accounts.iter().map(PrincipalRecord::of_service_account)) {
        if let Some(name) = record.display_name() {
            names.insert(EntityRef::new(&record.r#type, &record.id), name);
        }
    }
    Ok(names)
}

impl Question {
    /// Reads an AuthZEN evaluation with, perhaps, `now` and the `scopes` of a key of the subject's own.
    fn read(mut body: Map<String, Value>, clock: Timestamp) -> Result<Self, ApiError> {
        let mut findings = Vec::new();
        let mut wrong = |field: &str, message: String| {
            findings.push(Finding::error("request", "explain.malformed", message).field(field));
        };
        let now = match body.remove("now") {
            None => clock,
            Some(value) => value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| {
                wrong("now", "expected an instant by RFC 3339".to_owned());
                clock
            }),
        };
        let scopes = body.remove("scopes").and_then(|value| {
            let scopes = value.as_array().filter(|scopes| scopes.len() <= MOST_SCOPES);
            let texts =
                scopes.and_then(|scopes| scopes.iter().map(|scope| scope.as_str().map(str::to_owned)).collect());
            if texts.is_none() {
                wrong("scopes", format!("expected an array of at most {MOST_SCOPES} texts"));
            }
            texts
        });
        for name in body.keys().filter(|name| !["subject", "action", "resource", "context"].contains(&name.as_str())) {
            wrong(name, "there is no such member".to_owned());
        }
        // Nothing is decided by it, so whoever asks may suppose how the subject came.
        let asking = Asking { sets_context: true, scopes };
        let evaluation = Evaluation::parse(Value::Object(body).to_string().as_bytes());
        match evaluation.and_then(|evaluation| evaluation.request(&asking)) {
            Ok(request) if findings.is_empty() => Ok(Self { request, now }),
            Ok(_) => Err(ApiError::Invalid { findings }),
            Err(error) => {
                let finding = Finding::error("request", "explain.malformed", error.to_string());
                findings.push(finding.field(error.pointer().trim_start_matches('/')));
                Err(ApiError::Invalid { findings })
            }
        }
    }
}
