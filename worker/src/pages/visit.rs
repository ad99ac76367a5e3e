//! A visit to a page: whose place it is, in which language, and what it asks the API.

use std::rc::Rc;

use parapet::opaque_token::{OpaqueToken, TokenKind};
use serde_json::{Map, Value};

use super::form::{Filled, RETURN_TO};
use super::language::Language;
use super::look::Look;
use super::return_to::return_to;
use crate::api;
use crate::app::App;
use crate::authenticate::Caller;
use crate::cookie;
use crate::error::ApiError;
use crate::guard::Call;
use crate::login::Site;
use crate::login::factor::policy::Policy;
use crate::platform::random;
use crate::request::Body;
use crate::response::Response;

/// A visit.
pub struct Visit<'a> {
    /// What it is answered with.
    pub app: &'a App,
    /// What was sent.
    pub call: &'a Call,
    /// Whose place it is.
    pub site: Rc<Site>,
    /// How it looks.
    pub look: Look,
    /// In which language.
    pub language: &'static Language,
    /// The types of second factors that may be added here.
    pub factors: Vec<&'static str>,
    binds: Binds,
}

/// What the forms of a visit are bound to.
enum Binds {
    /// The session.
    Session(OpaqueToken),
    /// The browser; whether it has to be told so.
    Browser(OpaqueToken, bool),
}

impl<'a> Visit<'a> {
    /// Of who is signed in. A key is no session, and has no pages.
    pub(super) async fn own(app: &'a App, call: &'a Call, caller: &Caller) -> Result<Self, ApiError> {
        let session = cookie::session(&call.request).ok_or(ApiError::NotFound)?;
        caller.standing.credential.session().ok_or(ApiError::NotFound)?;
        Ok(Self::at(app, call, Site::of_tenant(app, caller.standing.tenant).await?.into(), Binds::Session(session)))
    }

    /// Of anybody.
    pub(super) async fn strangers(app: &'a App, call: &'a Call) -> Result<Self, ApiError> {
        let site = Site::of(app, call).await?;
        let binds = match cookie::form(&call.request) {
            Some(token) => Binds::Browser(token, false),
            None => {
                let random = random::bytes().map_err(ApiError::internal)?;
                Binds::Browser(OpaqueToken::from_random(TokenKind::Form, random), true)
            }
        };
        Ok(Self::at(app, call, site, binds))
    }

    fn at(app: &'a App, call: &'a Call, site: Rc<Site>, binds: Binds) -> Self {
        let tenants = site.ui("language");
        let language = Language::of(call.request.header("accept-language"), tenants.as_str());
        let factors = Policy::of(&site).methods().iter().map(|kind| kind.as_str()).collect();
        Self { app, call, look: Look::of(&site), site, language, factors, binds }
    }

    /// What a form at this path sends along.
    pub(super) fn token(&self, path: &str) -> String {
        match &self.binds {
            Binds::Session(session) => cookie::csrf_token(session),
            Binds::Browser(browser, _) => cookie::form_token(browser, path),
        }
    }

    /// Whether a form at this path was sent from a page of ours, to this browser or session.
    pub(super) fn is_ours(&self, path: &str, token: &str) -> bool {
        match &self.binds {
            Binds::Session(session) => cookie::is_csrf_token(session, token),
            Binds::Browser(browser, _) => cookie::is_form_token(browser, path, token),
        }
    }

    /// The response, which tells a browser what its forms are bound to, where it has to be told.
    pub(super) fn binding(&self, response: Response) -> Response {
        match &self.binds {
            Binds::Browser(browser, true) => response.with("set-cookie", cookie::set_form(browser)),
            _ => response,
        }
    }

    /// What stands in the query.
    pub fn queried(&self, name: &str) -> Option<String> {
        self.call.query().into_iter().find(|(its, _)| its == name).map(|(_, value)| value)
    }

    /// What the page before said is done: one of our own sentences, whoever asks for it.
    pub(super) fn notice(&self) -> Option<&'static str> {
        self.language.find(&format!("done.{}", self.queried("done")?))
    }

    /// Where to go when it is done.
    pub fn return_to<'s>(&self, filled: &'s Filled) -> &'s str {
        return_to(Some(filled.text(RETURN_TO)))
    }

    /// A path of ours from which one goes on to where one wanted.
    pub fn on_the_way(&self, path: &str, filled: &Filled) -> String {
        let wanted: String = form_urlencoded::byte_serialize(self.return_to(filled).as_bytes()).collect();
        format!("{path}?return_to={wanted}")
    }

    /// Sends the browser to a path of ours (303: what was sent is not sent again).
    pub fn go(&self, path: &str) -> Response {
        Response { status: 303, ..Response::default() }.with("location", path)
    }

    /// Reads something from the API.
    pub async fn read(&self, path: &'static str, query: &str) -> Result<Value, ApiError> {
        let response = self.ask("GET", path, None, query, None).await?;
        serde_json::from_slice(&response.body).map_err(ApiError::internal)
    }

    /// Has the API do something.
    pub async fn post(&self, path: &'static str, body: Map<String, Value>) -> Result<Response, ApiError> {
        self.ask("POST", path, None, "", Some(Value::Object(body))).await
    }

    /// Has the API change something: what an id names, where the path has a place for one.
    pub async fn patch(
        &self,
        path: &'static str,
        id: Option<&str>,
        body: Map<String, Value>,
    ) -> Result<Response, ApiError> {
        self.ask("PATCH", path, id, "", Some(Value::Object(body))).await
    }

    /// Has the API remove what an id names.
    pub async fn delete(&self, path: &'static str, id: &str) -> Result<Response, ApiError> {
        self.ask("DELETE", path, Some(id), "", None).await
    }

    /// Asks the API as a program at this place would that has the same cookies.
    async fn ask(
        &self,
        method: &'static str,
        path: &'static str,
        id: Option<&str>,
        query: &str,
        body: Option<Value>,
    ) -> Result<Response, ApiError> {
        let route = api::routes().into_iter().find(|route| (route.method, route.path) == (method, path));
        let route = route.ok_or_else(|| ApiError::internal(format!("a page asks for {method} {path}")))?;
        let mut request = self.call.request.clone();
        method.clone_into(&mut request.method);
        path.clone_into(&mut request.path);
        query.clone_into(&mut request.query);
        // The page itself was looked at, or its form was ours.
        if let Binds::Session(session) = &self.binds {
            request.headers.insert(cookie::CSRF_HEADER.to_owned(), cookie::csrf_token(session));
        }
        request.headers.insert("content-type".to_owned(), "application/json".to_owned());
        request.body = Body::Bytes(body.map(|body| body.to_string().into_bytes()).unwrap_or_default());
        let parameters = id.map(|id| ("id".to_owned(), id.to_owned())).into_iter().collect();
        let call = Call { request, id: self.call.id.clone(), parameters, caller: Default::default() };
        route.access.pass(self.app, &call).await
    }
}

/// The response with the cookies that the API set.
pub fn with_cookies(mut response: Response, answer: &Response) -> Response {
    response.headers.extend(answer.headers.iter().filter(|(name, _)| *name == "set-cookie").cloned());
    response
}
