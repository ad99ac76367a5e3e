//! What is said of a request that is not passed on: a problem document to programs, a page or a way on to people.

use serde_json::{Value, json};

use super::{Application, handoff};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::Call;
use crate::pages::{Language, Look, explanation, prefers_pages};
use crate::response::Response;

/// It stands at a host of the tenant's application, and loads nothing of it.
const PAGE: &str = r#"<p>{{page.text}}</p>
{{#if page.again}}<p><a class="button" href="{{page.again}}">{{t "again.title"}}</a></p>
{{/if}}{{#if page.explanation}}<p><a href="{{page.explanation}}">{{t "refused.explanation"}}</a></p>
{{/if}}<p class="faint">{{page.reference}}</p>"#;

/// The answer.
pub fn refused(app: &App, application: &Application, call: &Call, error: &ApiError) -> Response {
    let problem = error.respond(&call.id);
    let header = |name: &str| call.request.headers.get(name).map(String::as_str);
    // What a page's script asks for nobody sees.
    let navigates = header("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
    if !navigates || !prefers_pages(header("accept")) {
        return problem;
    }
    if let Some(response) = handoff::instead(app, application, call, error) {
        return response;
    }
    let language = Language::of(header("accept-language"), None);
    let named = |what: &str| match error {
        ApiError::NotAllowed { helps: true, .. } => [format!("refused.again.{what}"), format!("problem.{what}")],
        ApiError::NotAllowed { .. } => [format!("refused.{what}"), format!("problem.{what}")],
        _ => [format!("problem.{}.{what}", problem.status), format!("problem.{what}")],
    };
    let say = |what: &str| named(what).iter().find_map(|name| language.find(name)).unwrap_or_default();
    let (reference, question) = match error {
        ApiError::NotAllowed { decision, question, .. } => {
            (language.say("refused.decision", &[("id", &decision.to_string())]), question.as_deref())
        }
        _ => (language.say("problem.id", &[("id", &call.id)]), None),
    };
    // What was sent would be lost on the way, so they go there by themselves, and come back to where the application begins.
    let again = match error {
        ApiError::NotAllowed { helps: true, .. } => handoff::way(app, application, &call.request, "/", true),
        _ => None,
    };
    let (again, cookie) = again.unzip();
    let origin = handoff::tenants_origin(app, application, &call.request);
    let explanation =
        question.zip(origin).map(|(question, origin)| format!("{origin}{}?{question}", explanation::PATH));
    let or_nothing = |link: Option<String>| link.map_or(Value::Null, Value::from);
    let values = json!({
        "title": say("title"),
        "menu": [],
        "failed": [],
        "notice": null,
        "page": {
            "text": say("text"),
            "again": or_nothing(again),
            "explanation": or_nothing(explanation),
            "reference": reference,
        },
    });
    match Look::at_application().page(language, "refused", PAGE, false, values) {
        Ok(page) => {
            let kept = problem.headers.into_iter().filter(|(name, _)| *name != "content-type");
            let cookie = cookie.map(|cookie| ("set-cookie", cookie.into()));
            let headers = page.headers.into_iter().chain(kept).chain(cookie).collect();
            Response { status: problem.status, headers, body: page.body, ..Response::default() }
        }
        Err(_) => problem,
    }
}
