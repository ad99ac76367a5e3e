//! What a page is, and the one way of all of them: who may see it, that a form is ours, and what is shown again.

use serde_json::{Value, json};

use super::MENU;
use super::failure::Failure;
use super::form::{self, CSRF, Field, Filled, RETURN_TO};
use super::return_to::HOME;
use super::visit::Visit;
use crate::administration::OWN_SCOPE;
use crate::app::App;
use crate::authenticate::Caller;
use crate::cookie;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::step_up;
use crate::response::Response;

/// A page.
pub trait Page: 'static {
    /// Where it lies.
    const PATH: &'static str;

    /// The name that its words begin with: `<name>.title`, `<name>.submit`.
    const NAME: &'static str;

    /// Whether it is of who is signed in.
    const IS_OWN: bool;

    /// Whether a passkey is asked for on it, which needs our one script.
    const HAS_SCRIPT: bool = false;

    /// Whether who is signed in must have proved lately who they are, before anything is typed.
    const IS_GUARDED: bool = false;

    /// What its form asks for; a page without one answers to `GET` alone.
    const FIELDS: &'static [Field] = &[];

    /// What it says below its title, in Handlebars. What [`Page::show`] gave is `page`; `{{> form}}` is the form.
    const TEMPLATE: &'static str = "{{> form}}";

    /// Whether a field is asked for, where that hangs on what was done before.
    fn asks(_: &Visit<'_>, _: &Filled, _: &Field) -> bool {
        true
    }

    /// What is filled in when one begins.
    async fn fill(_: &Visit<'_>, filled: Filled) -> Result<Filled, ApiError> {
        Ok(filled)
    }

    /// What the template says it with.
    async fn show(_: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        Ok(Shown::Page(Value::Null))
    }

    /// Does what a form asks for.
    async fn submit(_: &Visit<'_>, _: &Filled) -> Result<Response, ApiError> {
        Err(ApiError::NotFound)
    }
}

/// What comes of looking at a page.
pub enum Shown {
    /// The page, with what its template needs.
    Page(Value),
    /// Another one.
    Elsewhere(Response),
}

/// What a template needs, and one thing more.
pub fn with(mut page: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Some(page) = page.as_object_mut() {
        page.insert(name.to_owned(), value.into());
    }
    page
}

/// The routes of a page.
pub fn routes<P: Page>() -> Vec<Route> {
    let (get, post) = if P::IS_OWN {
        (
            Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(get_own::<P>(app, call, caller))),
            Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(post_own::<P>(app, call, caller))),
        )
    } else {
        (
            Access::Public(|app, call| Box::pin(get_strangers::<P>(app, call))),
            Access::Public(|app, call| Box::pin(post_strangers::<P>(app, call))),
        )
    };
    let mut routes = vec![Route { method: "GET", path: P::PATH, access: get }];
    if !P::FIELDS.is_empty() {
        routes.push(Route { method: "POST", path: P::PATH, access: post });
    }
    routes
}

async fn get_own<P: Page>(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    if P::IS_GUARDED {
        step_up::is_recent(app, &caller)?;
    }
    look::<P>(&Visit::own(app, call, &caller).await?).await
}

async fn post_own<P: Page>(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    send::<P>(&Visit::own(app, call, &caller).await?).await
}

async fn get_strangers<P: Page>(app: &App, call: &Call) -> Result<Response, ApiError> {
    look::<P>(&Visit::strangers(app, call).await?).await
}

async fn post_strangers<P: Page>(app: &App, call: &Call) -> Result<Response, ApiError> {
    cookie::is_no_stranger(&call.request)?;
    send::<P>(&Visit::strangers(app, call).await?).await
}

async fn look<P: Page>(visit: &Visit<'_>) -> Result<Response, ApiError> {
    let filled = Filled::default().with(RETURN_TO, visit.queried(RETURN_TO).unwrap_or_default());
    draw::<P>(visit, &P::fill(visit, filled).await?, None).await
}

async fn send<P: Page>(visit: &Visit<'_>) -> Result<Response, ApiError> {
    let filled = Filled::read(visit.call)?;
    let answer = if visit.is_ours(P::PATH, filled.text(CSRF)) {
        P::submit(visit, &filled).await
    } else {
        Err(ApiError::CrossSite)
    };
    match answer {
        Ok(response) => Ok(response),
        Err(error) => match Failure::of(&error, P::FIELDS, visit.language) {
            Some(failure) => {
                let page = draw::<P>(visit, &filled, Some(&failure)).await?;
                // Where there is nothing to show it on, it is said all the same that the form was not ours.
                if page.status == 303 && matches!(error, ApiError::CrossSite) { Err(error) } else { Ok(page) }
            }
            None => Err(error),
        },
    }
}

/// The page, with what went wrong.
async fn draw<P: Page>(visit: &Visit<'_>, filled: &Filled, failure: Option<&Failure>) -> Result<Response, ApiError> {
    match P::show(visit, filled).await? {
        Shown::Page(page) => render::<P>(visit, filled, failure, &page),
        Shown::Elsewhere(response) => Ok(response),
    }
}

/// The page, saying this, under another `title` where there is one: also as the answer to what was sent, where something is shown once and lies at no address.
pub fn render<P: Page>(
    visit: &Visit<'_>,
    filled: &Filled,
    failure: Option<&Failure>,
    page: &Value,
) -> Result<Response, ApiError> {
    let asked: Vec<Field> = P::FIELDS.iter().filter(|field| P::asks(visit, filled, field)).copied().collect();
    let said = |what: &str| visit.language.say(&format!("{}.{what}", P::NAME), &[]);
    let item = |(path, name): &(&str, &str)| {
        let title = visit.language.say(&format!("{name}.title"), &[]);
        let is_below = || P::PATH.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')) && *path != HOME;
        let current = if *path == P::PATH {
            "page"
        } else if is_below() {
            "true"
        } else {
            ""
        };
        json!({ "path": path, "title": title, "current": current })
    };
    let values = json!({
        "path": P::PATH,
        "title": page.get("title").and_then(Value::as_str).map_or_else(|| said("title"), |name| visit.language.say(name, &[])),
        "submit": if P::FIELDS.is_empty() { String::new() } else { said("submit") },
        "menu": MENU.iter().filter(|_| P::IS_OWN).map(item).collect::<Vec<_>>(),
        "failed": failure.map_or_else(|| json!([]), Failure::shown),
        "notice": visit.notice(),
        "csrf": visit.token(P::PATH),
        "return_to": filled.text(RETURN_TO),
        "carried": form::carried(P::FIELDS, filled),
        "inputs": form::inputs(P::NAME, &asked, visit.language, filled, failure),
        "page": page,
    });
    let mut response = visit.look.page(visit.language, P::NAME, P::TEMPLATE, P::HAS_SCRIPT, values)?;
    if !P::FIELDS.is_empty() {
        response = visit.binding(response);
    }
    if let Some(failure) = failure {
        response.status = failure.status;
        if let Some(seconds) = failure.retry_after {
            response = response.with("retry-after", seconds.to_string());
        }
    }
    Ok(response)
}
