//! A refusal at an application's host, as people see it: a page with the decision, the way to its explanation, and the way
//! to prove who they are again where that helps.

use super::administration::{Office, assert_status};
use super::gateway::{HOST as APP, at_host, with};
use super::handoff::{AtApp, PAGE, location, office_of_anna};
use super::pages::html;
use super::sign_in::{Browser, PASSWORD, give_password};
use super::*;

const ADAM: &str = "01980000-0000-7000-8000-000000000112";

fn signed_in(edge: &Edge, name: &str) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(edge, name, PASSWORD).status, 200, "{name}");
    browser
}

/// The addresses that a page leads to, as a browser reads them.
fn links(page: &str) -> Vec<String> {
    let entities = [("&#x3D;", "="), ("&amp;", "&")];
    let read = |link: &str| entities.iter().fold(link.to_owned(), |text, (entity, sign)| text.replace(entity, sign));
    page.split("href=\"").skip(1).map(|rest| read(rest.split('"').next().unwrap())).collect()
}

/// Looks at a page of the tenant's own host.
fn look(edge: &Edge, browser: &mut Browser, url: &str) -> Response {
    let (path, query) = url.strip_prefix("https://acme.id.example").unwrap().split_once('?').unwrap();
    let mut asked = with(request("GET", path), &[PAGE]);
    asked.query = query.to_owned();
    browser.deliver(edge, asked)
}

/// Reading documents needs a second factor.
fn wants_two_factors(office: &Office) {
    let rule =
        r#"forbid (principal, action == Action::"document:read", resource) unless { context has mfa && context.mfa };"#;
    assert_status(&office.owner("PUT", "/v1/tenant-settings/auth/policy.two_factors", json!({ "value": rule })), 201);
}

#[test]
fn a_refusal_is_a_page_with_its_decision_and_the_way_to_its_explanation() {
    let office = office_of_anna();
    let edge = &office.edge;
    give_password(edge, BEN, PASSWORD);
    give_password(edge, ADAM, PASSWORD);
    let mut ben = signed_in(edge, "ben@acme.example");
    let mut at_app = AtApp::coming(edge, &mut ben);
    let denied = at_app.get(edge, "/documents/7");
    assert_eq!(denied.status, 403);
    let page = html(&denied);
    assert!(page.contains("This is not allowed") && page.contains("Decision: "), "{page}");
    let links = links(&page);
    // Its looks lie where they are in nobody's way.
    let sheet = links.iter().find(|link| link.starts_with("/.parapet/style/")).unwrap();
    let sheet = edge.send(at_host("GET", sheet));
    assert_eq!((sheet.status, sheet.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert_problem(&edge.send(at_host("GET", "/.parapet/style/x/y.css")), 404, "http.not_found");

    let explanation = links.iter().find(|link| link.starts_with("https://acme.id.example/explain?")).unwrap();
    let told = html(&look(edge, &mut signed_in(edge, "adam@acme.example"), explanation));
    for sentence in [
        "<li>ben@acme.example may not <code>read</code> document <code>7</code>: nothing permits it.</li>",
        "The role <code>reader</code> would permit it, but ben@acme.example does not have it.",
        "It would be allowed if ben@acme.example had the role <code>reader</code>, which permits 1 action.",
    ] {
        assert!(told.contains(sentence), "{sentence}: {told}");
    }
    // Ben sees that there is one, and not what it says.
    let kept = look(edge, &mut ben, explanation);
    assert_eq!(kept.status, 403);
    let kept = html(&kept);
    assert!(kept.contains("Give an administrator the address") && !kept.contains("reader"), "{kept}");
    // Whoever is not signed in is asked who they are first.
    let door = location(&look(edge, &mut Browser::default(), explanation));
    assert!(door.starts_with("/sign-in?return_to=%2Fexplain%3F"), "{door}");
    // What no rule speaks of has nothing to explain.
    let unspoken = at_app.get(edge, "/nowhere");
    assert_eq!(unspoken.status, 403);
    assert!(!html(&unspoken).contains("/explain"));
}

#[test]
fn what_was_asked_is_in_the_address_and_nothing_that_the_request_said_beside() {
    let office = office_of_anna();
    let edge = &office.edge;
    let mut at_app = AtApp::coming(edge, &mut signed_in(edge, "anna"));
    let mut archive = with(
        at_host("POST", "/documents/a%20b/archive"),
        &[
            ("content-type", "application/json"),
            ("origin", &format!("https://{APP}")),
            ("cf-connecting-ip", "192.0.2.1"),
        ],
    );
    archive.body = Body::Bytes(br#"{"size": 4711}"#.to_vec());
    let page = html(&at_app.send(edge, archive));
    let links = links(&page);
    let (_, query) = links.iter().find_map(|link| link.split_once("/explain?")).unwrap();
    let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        query,
        [
            ("subject_type", "user"),
            ("subject", ANNA),
            ("action", "archive"),
            ("resource_type", "document"),
            ("resource", "a b"),
            ("now", NOW),
            ("ip", "192.0.2.1"),
            ("mfa", "false"),
            ("auth_time", NOW),
        ]
    );
}

#[test]
fn an_address_that_asks_nothing_explains_nothing() {
    let office = office_of_anna();
    let edge = &office.edge;
    give_password(edge, ADAM, PASSWORD);
    let mut adam = signed_in(edge, "adam@acme.example");
    for query in
        ["?", "?subject=x", "?subject_type=user&subject=x&action=read&resource_type=document&resource=1&now=soon"]
    {
        let page = look(edge, &mut adam, &format!("https://acme.id.example/explain{query}"));
        assert_eq!(page.status, 200, "{query}");
        assert!(html(&page).contains("asks about no decision"), "{query}");
    }
    let unknown = "?subject_type=user&subject=%3Cb%3E&action=read&resource_type=document&resource=1";
    assert!(html(&look(edge, &mut adam, &format!("https://acme.id.example/explain{unknown}"))).contains("&lt;b&gt;"));
}

#[test]
fn whoever_could_prove_more_is_asked_to_and_nobody_in_a_circle() {
    let office = office_of_anna();
    let edge = &office.edge;
    wants_two_factors(&office);
    let mut browser = signed_in(edge, "anna");
    let mut at_app = AtApp::coming(edge, &mut browser);
    // Anna has just shown all that she has.
    assert_eq!(at_app.get(edge, "/documents/7").status, 403);
    edge.app.clock.set(time(NOW).plus_millis(60_000));
    let way = location(&at_app.get(edge, "/documents/7"));
    assert!(way.starts_with("https://acme.id.example/sign-in/again?return_to=%2Fhandoff%3F"), "{way}");
    let asked = with(at_host("GET", "/documents/7"), &[("cookie", &at_app.cookies()), ("accept", "application/json")]);
    let challenge = edge.send(asked);
    assert_problem(&challenge, 401, "session.step_up_required");
    let wanted = "Bearer error=\"insufficient_user_authentication\", acr_values=\"mfa\"";
    assert_eq!(challenge.header("www-authenticate"), Some(wanted));
    // She shows it once more: there is no more to show.
    assert_eq!(browser.post(edge, "/v1/auth/step-up", json!({ "password": PASSWORD })).status, 200);
    assert_eq!(at_app.get(edge, "/documents/7").status, 403);
}

#[test]
fn what_would_be_lost_on_the_way_is_a_page_with_the_way() {
    let office = office_of_anna();
    let edge = &office.edge;
    let rule = r#"permit (principal, action == Action::"document:archive", resource) when { context has mfa && context.mfa };"#;
    assert_status(&office.owner("PUT", "/v1/tenant-settings/auth/policy.two_factors", json!({ "value": rule })), 201);
    let mut at_app = AtApp::coming(edge, &mut signed_in(edge, "anna"));
    edge.app.clock.set(time(NOW).plus_millis(60_000));
    let mut archive = at_host("POST", "/documents/7/archive");
    archive.headers.insert("origin".to_owned(), format!("https://{APP}"));
    let refused = at_app.send(edge, archive);
    assert_eq!(refused.status, 401);
    let page = html(&refused);
    assert!(page.contains("Confirm that it is you"), "{page}");
    let again = links(&page).into_iter().find(|link| link.contains("/sign-in/again?")).unwrap();
    assert!(again.contains("%2526return_to%3D%252F") || again.contains("return_to%3D%252F"), "{again}");
    assert!(at_app.cookies().contains("__Host-step="), "the state goes along");
}
