//! From a path and a method to the route that answers, through its guard.

use std::cell::OnceCell;

use crate::app::App;
use crate::cors;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::{log, random};
use crate::request::{LONGEST_BODY, Request};
use crate::response::Response;
use crate::{api, gateway, pages, scim};

/// All routes there are: the API's, SCIM's, and the pages'.
pub fn routes() -> Vec<Route> {
    let mut routes = api::routes();
    routes.extend(scim::routes());
    routes.extend(pages::routes());
    routes.extend(gateway::beside());
    routes
}

/// Finds routes by their path.
pub struct Router(matchit::Router<Vec<Route>>);

impl Router {
    /// Refuses two routes that a request could mean at once.
    pub fn new(routes: Vec<Route>) -> Result<Self, matchit::InsertError> {
        let mut by_path: Vec<(&'static str, Vec<Route>)> = Vec::new();
        for route in routes {
            match by_path.iter_mut().find(|(path, _)| *path == route.path) {
                Some((_, methods)) => methods.push(route),
                None => by_path.push((route.path, vec![route])),
            }
        }
        let mut router = matchit::Router::new();
        for (path, methods) in by_path {
            router.insert(path, methods)?;
        }
        Ok(Self(router))
    }

    /// Answers a request. Whatever goes wrong is an answer as well.
    pub async fn answer(&self, app: &App, request: Request) -> Response {
        let id = request_id(&request);
        let head = request.method == "HEAD";
        let mut response = match gateway::answer(app, request, &id).await {
            gateway::Answer::Of(response) if response.forward.is_some() => return response,
            gateway::Answer::Of(response) => response,
            gateway::Answer::Not(mut request) => {
                request.body = request.body.read(LONGEST_BODY).await;
                self.find(app, request, &id).await
            }
        };
        response.headers.push(("x-request-id", id.into()));
        // An answer is for this caller at this instant, and is data: no browser guesses, frames or refers.
        for (name, value) in [
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
        ] {
            if response.header(name).is_none() {
                response.headers.push((name, value.into()));
            }
        }
        if head {
            response.body.clear();
            response.pieces = None;
        }
        response
    }

    async fn find(&self, app: &App, request: Request, id: &str) -> Response {
        let Ok(found) = self.0.at(&request.path) else {
            return refused(&request, &ApiError::NotFound, id);
        };
        if cors::is_preflight(&request) {
            let answer = cors::preflight(app, &request, found.value).await;
            return answer.unwrap_or_else(|error| error.respond(id));
        }
        // RFC 9110, section 9.3.2: HEAD is GET without the content.
        let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
        let Some(route) = found.value.iter().find(|route| route.method == method) else {
            return refused(&request, &ApiError::MethodNotAllowed { allow: allow(found.value) }, id);
        };
        let access: Access = route.access;
        let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let call = Call { id: id.to_owned(), parameters, request, caller: OnceCell::new() };
        let response = access.pass(app, &call).await.unwrap_or_else(|error| refused(&call.request, &error, id));
        cors::allow(&call, response)
    }
}

/// What is said of an error: a problem document, where SCIM is spoken its own, or where a browser wants a page, a page.
fn refused(request: &Request, error: &ApiError, id: &str) -> Response {
    let problem = error.respond(id);
    if scim::is_spoken(request) {
        return scim::refused(error, problem);
    }
    pages::instead(request, error, id, &problem).unwrap_or(problem)
}

fn allow(routes: &[Route]) -> String {
    let mut methods: Vec<&str> = routes.iter().map(|route| route.method).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.join(", ")
}

/// The caller's own id where it is printable ASCII of at most 128 characters, else a fresh one.
fn request_id(request: &Request) -> String {
    let printable =
        |id: &&str| !id.is_empty() && id.len() <= 128 && id.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if let Some(id) = request.header("x-request-id").filter(printable) {
        return id.to_owned();
    }
    match random::identifying() {
        Ok(bytes) => uuid::Builder::from_random_bytes(bytes).into_uuid().to_string(),
        Err(error) => {
            log::error("-", "random.unavailable", &error.to_string());
            "unknown".to_owned()
        }
    }
}
