//! People with a browser at an application's host: sent to sign in, brought back, and known there alone.

use super::administration::Office;
use super::gateway::{HOST as APP, application, at_host, passed, with};
use super::pages::html;
use super::sign_in::{Browser, PASSWORD, give_password};
use super::*;

pub(super) const PAGE: (&str, &str) = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");

/// The application's host in a browser, which keeps that host's cookies apart.
#[derive(Default)]
pub(super) struct AtApp(Vec<(String, String)>);

impl AtApp {
    pub(super) fn get(&mut self, edge: &Edge, path: &str) -> Response {
        self.send(edge, at_host("GET", path))
    }

    /// Comes from where somebody is signed in.
    pub(super) fn coming(edge: &Edge, browser: &mut Browser) -> Self {
        let mut at_app = Self::default();
        let way = location(&at_app.get(edge, "/home"));
        let back = path_at_app(&handed_over(edge, browser, &way));
        location(&at_app.get(edge, &back));
        at_app
    }

    pub(super) fn cookies(&self) -> String {
        let cookies: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    pub(super) fn send(&mut self, edge: &Edge, request: Request) -> Response {
        let response = edge.send(with(request, &[PAGE, ("cookie", &self.cookies())]));
        for (_, set) in response.headers.iter().filter(|(name, _)| *name == "set-cookie") {
            let (pair, attributes) = set.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.0.retain(|(its, _)| its != name);
            if !attributes.contains("Max-Age=0") {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
        response
    }
}

pub(super) fn office_of_anna() -> Office {
    let office = application();
    give_password(&office.edge, ANNA, PASSWORD);
    office
}

pub(super) fn location(response: &Response) -> String {
    assert_eq!(response.status, 303, "{}", String::from_utf8_lossy(&response.body));
    response.header("location").unwrap().to_owned()
}

/// Follows the way from the tenant's host to its code.
fn handed_over(edge: &Edge, browser: &mut Browser, way: &str) -> String {
    let path = way.strip_prefix("https://acme.id.example").unwrap();
    let (path, query) = path.split_once('?').unwrap();
    let mut request = request("GET", path);
    request.query = query.to_owned();
    location(&browser.deliver(edge, request))
}

fn path_at_app(url: &str) -> String {
    url.strip_prefix(&format!("https://{APP}")).unwrap_or_else(|| panic!("{url}")).to_owned()
}

#[test]
fn a_browser_is_sent_to_sign_in_and_comes_back_to_where_it_was() {
    let office = office_of_anna();
    let edge = &office.edge;
    let (mut at_app, mut browser) = (AtApp::default(), Browser::default());
    let way = location(&at_app.get(edge, "/documents/7?x=1"));
    assert!(way.starts_with(&format!("https://acme.id.example/handoff?host={APP}&state=")), "{way}");
    // Nobody is signed in there: first that, then here again.
    let door = handed_over_to_door(edge, &mut browser, &way);
    assert!(door.starts_with("/sign-in?return_to=%2Fhandoff%3F"), "{door}");
    assert_eq!(browser.sign_in(edge, "anna", PASSWORD).status, 200);
    let back = path_at_app(&handed_over(edge, &mut browser, &way));
    assert_eq!(location(&at_app.get(edge, &back)), "/documents/7?x=1");
    let forward = passed(at_app.get(edge, "/documents/7?x=1"));
    assert!(forward.headers.iter().all(|(name, _)| name != "cookie"), "our cookies are nobody else's");
    // What Anna may not is a page, and no way to sign in.
    let denied = at_app.get(edge, "/documents/7/archive");
    assert_eq!((denied.status, denied.header("content-type")), (403, Some("text/html; charset=utf-8")));
    // The token counts at this host alone, for this and for nothing else.
    let token = &at_app.0.iter().find(|(name, _)| name == "__Host-session").unwrap().1;
    for origin in ["https://acme.id.example", "https://pdp.example", "https://other.acme.com"] {
        let mut elsewhere = request("GET", "/v1/me/session");
        elsewhere.origin = origin.to_owned();
        let elsewhere = with(elsewhere, &[("authorization", &format!("Bearer {token}"))]);
        assert_problem(&edge.send(elsewhere), 401, "session.ended");
    }
    // Leaving the session leaves the application.
    assert_eq!(browser.post(edge, "/v1/auth/sign-out", json!({})).status, 204);
    assert!(location(&at_app.get(edge, "/documents/7")).contains("/handoff?"));
}

fn handed_over_to_door(edge: &Edge, browser: &mut Browser, way: &str) -> String {
    let path = way.strip_prefix("https://acme.id.example").unwrap();
    let (path, query) = path.split_once('?').unwrap();
    let mut asked = with(request("GET", path), &[PAGE]);
    asked.query = query.to_owned();
    location(&browser.deliver(edge, asked))
}

#[test]
fn whoever_comes_from_a_form_of_ours_goes_on_from_a_page() {
    let office = office_of_anna();
    let edge = &office.edge;
    let (mut at_app, mut browser) = (AtApp::default(), Browser::default());
    let way = location(&at_app.get(edge, "/documents/7?x=1"));
    assert_eq!(browser.sign_in(edge, "anna", PASSWORD).status, 200);
    // Browsers hold to `form-action` whatever a form was redirected to.
    let (path, query) = way.strip_prefix("https://acme.id.example").unwrap().split_once('?').unwrap();
    let mut asked = with(request("GET", path), &[PAGE, ("sec-fetch-site", "same-origin")]);
    asked.query = query.to_owned();
    let page = browser.deliver(edge, asked);
    assert_eq!(page.status, 200);
    let leads = page.header("refresh").unwrap().strip_prefix("0; url=").unwrap().to_owned();
    assert!(html(&page).contains(&format!("href=\"{}\"", leads.replace('&', "&amp;").replace('=', "&#x3D;"))));
    assert_eq!(location(&at_app.get(edge, &path_at_app(&leads))), "/documents/7?x=1");
}

#[test]
fn a_code_is_good_once_for_a_minute_in_the_browser_that_asked() {
    let office = office_of_anna();
    let edge = &office.edge;
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(edge, "anna", PASSWORD).status, 200);
    let mut at_app = AtApp::default();
    let way = location(&at_app.get(edge, "/documents/7"));
    let back = path_at_app(&handed_over(edge, &mut browser, &way));
    // Another browser, which began a way of its own.
    let mut another = AtApp::default();
    location(&another.get(edge, "/documents/7"));
    assert_eq!(another.get(edge, &back).status, 400);
    assert_eq!(AtApp::default().get(edge, &back).status, 400);
    for wrong in [back.replace("pl_", "pl_A"), back.replace("code=", "kode="), "/.parapet/callback".to_owned()] {
        assert_eq!(at_app.get(edge, &wrong).status, 400, "{wrong}");
    }
    let once = at_app.0.clone();
    location(&at_app.get(edge, &back));
    assert_eq!(AtApp(once).get(edge, &back).status, 400, "a code that was used");
    // A minute later.
    let way = location(&another.get(edge, "/documents/7"));
    let back = path_at_app(&handed_over(edge, &mut browser, &way));
    edge.app.clock.set(time(NOW).plus_millis(60_000));
    assert_eq!(another.get(edge, &back).status, 400);
}

#[test]
fn only_the_tenants_own_applications_are_handed_anything() {
    let office = office_of_anna();
    let edge = &office.edge;
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(edge, "anna", PASSWORD).status, 200);
    let state = "a".repeat(64);
    let ask = |browser: &mut Browser, query: String| {
        let mut asked = request("GET", "/handoff");
        asked.query = query;
        browser.deliver(edge, asked)
    };
    assert_eq!(ask(&mut browser, format!("host={APP}&state={state}")).status, 303);
    for (query, status) in [
        (format!("host=evil.example&state={state}"), 404),
        (format!("host={APP}.evil.example&state={state}"), 404),
        (format!("host={APP}&state=short"), 400),
        (format!("host={APP}&state={}", "A".repeat(64)), 400),
        (format!("state={state}"), 400),
        (format!("host={APP}"), 400),
    ] {
        assert_eq!(ask(&mut browser, query.clone()).status, status, "{query}");
    }
    // Where it leads back is a path of the application, whatever was asked for.
    for wanted in ["//evil.example", "https://evil.example", "/\\evil.example", ""] {
        let wanted: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
        let back = location(&ask(&mut browser, format!("host={APP}&state={state}&return_to={wanted}")));
        assert!(back.starts_with(&format!("https://{APP}/.parapet/callback?")) && back.ends_with("&return_to=%2F"));
    }
    // A key is no session.
    let key = edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let mut by_key = with(request("GET", "/handoff"), &[("authorization", &format!("Bearer {}", key.expose()))]);
    by_key.query = format!("host={APP}&state={state}");
    assert_eq!(edge.send(by_key).status, 400);
    // A switched-off application gets nobody.
    edge.sql("UPDATE gateway_host SET is_active = 0");
    assert_eq!(ask(&mut browser, format!("host={APP}&state={state}")).status, 404);
}

#[test]
fn programs_and_what_changes_something_are_refused_and_sent_nowhere() {
    let office = office_of_anna();
    let edge = &office.edge;
    for request in [
        at_host("GET", "/documents/7"),
        with(at_host("GET", "/documents/7"), &[("accept", "application/json")]),
        with(at_host("GET", "/documents/7"), &[PAGE, ("sec-fetch-mode", "cors")]),
        with(at_host("POST", "/documents/7/archive"), &[("accept", "*/*")]),
    ] {
        assert_problem(&edge.send(request), 401, "key.missing");
    }
    assert_eq!(edge.send(with(at_host("POST", "/upload"), &[PAGE])).status, 401);
    // What comes with the cookie and changes something comes from the application's own pages.
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(edge, "anna", PASSWORD).status, 200);
    let mut at_app = AtApp::coming(edge, &mut browser);
    let upload = |headers: &[(&str, &str)]| with(at_host("POST", "/upload"), headers);
    let own = format!("https://{APP}");
    assert!(at_app.send(edge, upload(&[("origin", &own)])).forward.is_some());
    assert_eq!(at_app.send(edge, upload(&[("origin", "https://evil.example")])).status, 403);
    assert_eq!(at_app.send(edge, upload(&[("sec-fetch-site", "cross-site")])).status, 403);
    // Leaving the application.
    let left = at_app.send(edge, with(at_host("POST", "/.parapet/sign-out"), &[("origin", &own)]));
    assert_eq!(location(&left), "https://acme.id.example/sign-out");
    assert!(location(&at_app.get(edge, "/home")).contains("/handoff?"));
    assert_eq!(browser.get(edge, "/v1/me/session").status, 200);
}
