//! What is said of a request that is not passed on: a problem document to programs, a page or a way on to people.

use serde_json::json;

use super::{Application, handoff};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::Call;
use crate::pages::{Language, prefers_pages};
use crate::response::Response;

/// No styles, no scripts, nothing from anywhere: it stands at a host of the tenant's application.
const PAGE: &str = r#"<!doctype html>
<html lang="{{language}}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{title}}</title>
<main>
<h1>{{title}}</h1>
<p>{{text}}</p>
<p><small>{{reference}}</small></p>
</main>
</html>
"#;

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
    let named = |what: &str| [format!("problem.{}.{what}", problem.status), format!("problem.{what}")];
    let say = |what: &str| named(what).iter().find_map(|name| language.find(name)).unwrap_or_default();
    let id = match error {
        ApiError::NotAllowed { decision, .. } => decision.to_string(),
        _ => call.id.clone(),
    };
    let values = json!({
        "language": language.tag,
        "title": say("title"),
        "text": say("text"),
        "reference": say("id").replace("{id}", &id),
    });
    match handlebars::Handlebars::new().render_template(PAGE, &values) {
        Ok(page) => Response {
            headers: vec![("content-type", "text/html; charset=utf-8".into())],
            body: page.into_bytes(),
            ..problem
        },
        Err(_) => problem,
    }
}
