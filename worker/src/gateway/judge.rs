//! Whether a request to an application is passed on: its path, the rule for it, who asks, and the decision.

use parapet::directory::EntityRef;
use parapet::gateway::{Found, Incoming, NormalPath, Passes, Question, Rule};
use parapet::model::{DecisionCaller, Timestamp};
use parapet::{Outcome, Request as Asked};
use serde_json::json;
use uuid::Uuid;

use super::Application;
use super::principal::Principal;
use crate::administration::fresh_id;
use crate::app::App;
use crate::authenticate::Caller;
use crate::decision_log::{self, note, note_unrouted};
use crate::error::ApiError;
use crate::guard::Call;
use crate::memory::Published;
use crate::pages::explanation;
use crate::publish;
use crate::request::Body;

/// Who has just shown one factor has no other: signing in and proving again ask for every one that there is. So for this
/// long, in milliseconds, nobody is asked again for two, who would be led in a circle.
const JUST_NOW: i64 = 60_000;

/// A request that is passed on.
pub struct Passed {
    /// The path in the form that was matched, and is passed on.
    pub path: NormalPath,
    /// Who asks; nothing where nobody had to say.
    pub principal: Option<Principal>,
    /// The decision's id.
    pub decision: Uuid,
    /// By which version of the rules.
    pub policy_version: u64,
    /// The body, where the decision read it.
    pub body: Option<Vec<u8>>,
}

/// Decides. Whatever is not passed on is an error with its reason.
pub async fn judge(app: &App, application: &Application, call: &Call, by: DecisionCaller) -> Result<Passed, ApiError> {
    if !application.tenant_active {
        return Err(ApiError::TenantInactive);
    }
    let path = NormalPath::parse(&call.request.path)?;
    let principal = Principal::of(app, application, call).await;
    // Who asks may have brought word of newer rules than the host did.
    let caller = principal.as_ref().ok().and_then(|its| its.as_ref()?.caller.as_ref());
    let newest = caller.map_or_else(|| application.newest(), Caller::newest);
    let published = publish::current(app, newest, &call.id).await?;
    let map = published.routes.map(&application.route_map);
    let found = map.and_then(|map| map.find(&call.request.method, &path));
    let decision = fresh_id(app.clock.now())?;
    let passed =
        |principal, body| Passed { path: path.clone(), principal, decision, policy_version: published.version, body };
    // No rule is a refusal, as no permit is one; who may not know of it learns no more.
    let judge = Judge { app, application, call, by, published: &published, decision, now: app.clock.now() };
    let Some(found) = found else {
        let principal = principal?.ok_or_else(missing)?;
        judge.note_unrouted(&principal, &path);
        return Err(ApiError::NotAllowed { decision, helps: false, question: None });
    };
    match found.rule {
        // What anyone may have is given to those whose credential does not count any more, too.
        Rule::Pass(Passes::Anyone) => Ok(passed(principal.ok().flatten(), None)),
        Rule::Pass(Passes::SignedIn) => Ok(passed(Some(principal?.ok_or_else(missing)?), None)),
        Rule::Ask(_) => {
            let anonymous = || published.routes.anonymous().map(Principal::anonymous);
            let principal = principal?.or_else(anonymous).ok_or_else(missing)?;
            let (question, body) = question(call, &found).await?;
            match judge.decide(&principal, question) {
                Ok(()) => Ok(passed(Some(principal), body)),
                Err(_) if principal.caller.is_none() => Err(missing()),
                Err(Denied { helps, question }) => {
                    Err(ApiError::NotAllowed { decision, helps, question: Some(question) })
                }
            }
        }
    }
}

/// What a request asks, and its body where that was read for it.
async fn question(call: &Call, found: &Found<'_>) -> Result<(Question, Option<Vec<u8>>), ApiError> {
    let body = match found.body_limit() {
        None => None,
        Some(limit) => match call.request.body.read(limit).await {
            Body::Bytes(bytes) if bytes.len() <= limit => Some(bytes),
            _ => return Err(ApiError::TooLarge { limit }),
        },
    };
    let header = |name: &str| call.request.headers.get(name).map(String::as_str);
    let incoming = Incoming { query: &call.request.query, header: &header, body: body.as_deref().unwrap_or_default() };
    let question = found.question(&incoming)?;
    Ok((question.ok_or_else(|| ApiError::internal("a rule that asks nothing"))?, body))
}

/// A refusal by the rules.
struct Denied {
    /// Whether proving again who one is would help.
    helps: bool,
    /// What was asked.
    question: String,
}

/// A decision that is to be made.
struct Judge<'a> {
    app: &'a App,
    application: &'a Application,
    call: &'a Call,
    by: DecisionCaller,
    published: &'a Published,
    decision: Uuid,
    now: Timestamp,
}

impl Judge<'_> {
    /// `Err` where it is refused.
    fn decide(&self, principal: &Principal, question: Question) -> Result<(), Denied> {
        let standing = principal.caller.as_ref().map(|caller| &caller.standing);
        let proof = standing.and_then(|standing| standing.proof.as_ref());
        let mut context = question.context;
        context.extend(self.call.request.address().map(|ip| ("ip".to_owned(), json!(ip))));
        if let Some(proof) = proof {
            context.insert("auth_time".to_owned(), json!(proof.at));
            context.insert("mfa".to_owned(), json!(proof.is_multi_factor()));
        }
        let mut asked = Asked {
            principal: EntityRef::new(&principal.record.r#type, principal.record.id.as_str()),
            principal_attributes: standing.map(|standing| standing.said.clone()).unwrap_or_default(),
            action: question.action,
            action_attributes: question.action_attributes,
            resource: question.resource,
            resource_attributes: question.resource_attributes,
            context,
            scopes: standing.and_then(|standing| standing.limits()),
        };
        let decide = |asked: &Asked| self.published.engine.decide_with(Some(&principal.record), asked, self.now);
        let decided = decide(&asked);
        let is_allowed = decided.outcome == Outcome::Allow;
        // Whoever is refused and has not said who they are is asked to sign in: anybody could fill the log so.
        if is_allowed || principal.caller.is_some() {
            note(self.app, &self.asked(principal, &asked), &decided, Some(self.decision));
        }
        if is_allowed {
            return Ok(());
        }
        let question = explanation::query(&asked, self.now);
        let may_help = proof.is_some_and(|proof| proof.is_multi_factor() || self.now >= proof.at.plus_millis(JUST_NOW));
        if !may_help {
            return Err(Denied { helps: false, question });
        }
        asked.context.insert("auth_time".to_owned(), json!(self.now));
        asked.context.insert("mfa".to_owned(), json!(true));
        Err(Denied { helps: decide(&asked).outcome == Outcome::Allow, question })
    }

    fn note_unrouted(&self, principal: &Principal, path: &NormalPath) {
        let record = &principal.record;
        let asked = Asked::new(
            EntityRef::new(&record.r#type, record.id.as_str()),
            self.call.request.method.as_str(),
            EntityRef::new("", path.to_string()),
        );
        note_unrouted(self.app, &self.asked(principal, &asked), self.decision);
    }

    /// What the log is told beside the decision.
    fn asked<'a>(&'a self, principal: &'a Principal, request: &'a Asked) -> decision_log::Asked<'a> {
        // The rules are as of the application, the principal as of its credential.
        let of_application = (self.application.versions.directory, self.application.as_of);
        let standing = principal.caller.as_ref().map(|caller| &caller.standing);
        let (directory_version, as_of) =
            standing.map_or(of_application, |standing| (standing.versions.directory, standing.as_of));
        let as_of = as_of.min(self.application.as_of);
        decision_log::Asked {
            caller: self.by,
            request_id: &self.call.id,
            published: self.published,
            tenant: self.application.tenant,
            directory_version,
            age: self.now.as_millis().saturating_sub(as_of.as_millis()).max(0),
            request,
            principal: Some(&principal.record),
            candidate: self.application.candidate.as_ref(),
            now: self.now,
        }
    }
}

/// Nobody says who they are, and somebody must.
fn missing() -> ApiError {
    ApiError::Unauthenticated { code: "key.missing", detail: "this is only for whoever says who they are" }
}
