//! Instead of a problem document, where a browser wants a page: what went wrong in a sentence, or the page that mends it.

use serde_json::json;

use super::accept::prefers_pages;
use super::language::Language;
use super::look::Look;
use crate::cookie;
use crate::error::ApiError;
use crate::request::Request;
use crate::response::Response;

/// What programs ask for.
const PROGRAMS: [&str; 8] =
    ["/v1/", "/access/", "/.well-known/", "/script/", "/style/", "/forward-auth", "/openapi.json", "/healthz"];

const TEMPLATE: &str = r#"<p>{{page.text}}</p>
<p><a href="/account">{{t "problem.home"}}</a></p>
<p class="faint">{{t "problem.id" id=page.id}}</p>"#;

/// The page, with the status and headers of `problem`; nothing where a problem document is what is wanted. It asks nothing of
/// the database, so it is nobody's and there whatever is wrong.
pub fn instead(request: &Request, error: &ApiError, id: &str, problem: &Response) -> Option<Response> {
    let is_page = !PROGRAMS.iter().any(|begins| request.path.starts_with(begins));
    if !is_page || !prefers_pages(request.header("accept")) {
        return None;
    }
    match error {
        ApiError::Unauthenticated { .. } => {
            let response = door("/sign-in", request);
            let has_ended = cookie::session(request).is_some();
            return Some(if has_ended { response.with("set-cookie", cookie::clear_session()) } else { response });
        }
        ApiError::StepUp => return Some(door("/sign-in/again", request)),
        _ => {}
    }
    let language = Language::of(request.header("accept-language"), None);
    let named = |what: &str| [format!("problem.{}.{what}", problem.status), format!("problem.{what}")];
    let say = |what: &str| named(what).iter().find_map(|name| language.find(name)).unwrap_or_default();
    let values = json!({
        "title": say("title"),
        "menu": [],
        "failed": [],
        "notice": null,
        "page": { "text": say("text"), "id": id },
    });
    let page = Look::default().page(language, "problem", TEMPLATE, false, values).ok()?;
    let kept = problem.headers.iter().filter(|(name, _)| matches!(*name, "allow" | "retry-after")).cloned();
    let headers = page.headers.into_iter().chain(kept).collect();
    Some(Response { status: problem.status, headers, body: page.body, ..Response::default() })
}

/// A page that leads back to where one wanted to go; what was sent there is not sent again.
fn door(path: &str, request: &Request) -> Response {
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let wanted = format!("{}{query}", request.path);
    let wanted: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    Response { status: 303, ..Response::default() }.with("location", format!("{path}?return_to={wanted}"))
}
