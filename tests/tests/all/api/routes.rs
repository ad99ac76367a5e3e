//! Invariant 4: a route needs what it was registered with, for every route there is.

use super::*;
use parapet_worker::guard::Access;

/// What is public, and nothing else.
const PUBLIC: [&str; 68] = [
    "/healthz",
    "/v1/health",
    "/openapi.json",
    "/.well-known/authzen-configuration",
    "/.well-known/authzen-configuration/{slug}",
    "/.well-known/parapet-keys",
    "/v1/auth/sign-in",
    "/v1/auth/sign-up",
    "/v1/auth/sign-up",
    "/v1/auth/sign-up/confirm",
    "/v1/auth/second-factor/begin",
    "/v1/auth/second-factor",
    "/v1/auth/passkey/begin",
    "/v1/auth/passkey",
    "/v1/auth/enrol",
    "/v1/auth/enrol/confirm",
    "/v1/auth/password",
    "/v1/auth/password-reset",
    "/v1/auth/password-reset/confirm",
    "/v1/auth/invitation/accept",
    "/v1/auth/email/confirm",
    "/v1/token",
    "/.well-known/jwks.json",
    "/.well-known/jwks.json/{slug}",
    "/",
    "/style/{version}/{sheet}",
    "/script/{version}/passkey.js",
    // Pages, each with its form.
    "/sign-in",
    "/sign-in",
    "/sign-in/passkey",
    "/sign-in/passkey",
    "/sign-in/second-factor",
    "/sign-in/second-factor",
    "/sign-in/enrol",
    "/sign-in/enrol",
    "/sign-in/enrol/confirm",
    "/sign-in/enrol/confirm",
    "/sign-in/new-password",
    "/sign-in/new-password",
    "/forgot",
    "/forgot",
    "/reset",
    "/reset",
    "/invitation",
    "/invitation",
    "/sign-up",
    "/sign-up",
    "/sign-up/sent",
    "/sign-up/confirm",
    "/sign-up/confirm",
    "/confirm",
    "/confirm",
    "/.well-known/change-password",
    // To an application, for whoever is signed in; and for servers that show their key in a header of its own.
    "/handoff",
    "/forward-auth",
    "/forward-auth/{*path}",
    "/forward-auth",
    "/forward-auth/{*path}",
    "/forward-auth",
    "/forward-auth/{*path}",
    "/forward-auth",
    "/forward-auth/{*path}",
    "/forward-auth",
    "/forward-auth/{*path}",
    "/forward-auth",
    "/forward-auth/{*path}",
    "/forward-auth",
    "/forward-auth/{*path}",
];

#[test]
fn only_these_routes_are_public() {
    let public: Vec<&str> =
        routes().iter().filter(|route| matches!(route.access, Access::Public(_))).map(|route| route.path).collect();
    assert_eq!(public, PUBLIC);
}

/// A problem, or what SCIM has instead.
#[track_caller]
fn assert_refusal(response: &Response, status: u16, code: &str) {
    match response.header("content-type") {
        Some("application/scim+json") => assert_eq!(body(response)["status"], status.to_string()),
        _ => assert_problem(response, status, code),
    }
}

#[test]
fn nobody_gets_past_a_guard_without_a_caller() {
    let edge = Edge::new();
    let mut walked = 0;
    for route in routes() {
        if matches!(route.access, Access::Public(_)) {
            continue;
        }
        let response = edge.send(request(route.method, &route.path.replace("{slug}", "acme").replace("{id}", ANNA)));
        assert_refusal(&response, 401, "key.missing");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
        walked += 1;
    }
    assert!(walked >= 2);
}

#[test]
fn nobody_gets_past_a_guard_without_its_scope() {
    let edge = Edge::new();
    let key = edge.key(&["access:context", "document:read"]);
    for route in routes() {
        let scope = match route.access {
            Access::Public(_) => continue,
            Access::Scope(scope, _) => scope,
            Access::ScopeOrPermission(_, action, _) | Access::Permission(action, _) if action.ends_with(".read") => {
                "admin:read"
            }
            Access::ScopeOrPermission(..) => "admin:write",
            Access::Permission(..) => "admin:write",
        };
        let mut request = request(route.method, &route.path.replace("{id}", ANNA));
        request.headers.insert("authorization".to_owned(), format!("Bearer {}", key.expose()));
        let response = edge.send(request);
        assert_refusal(&response, 403, "access.missing_scope");
        assert_eq!(
            response.header("www-authenticate"),
            Some(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"").as_str())
        );
    }
}

#[test]
fn another_tenants_caller_sees_nothing_of_this_tenant() {
    let edge = Edge::new();
    edge.seed(&other());
    let key = edge.key_of(OTHER, None, None, &["access:evaluate"]);
    let response = edge.ask(&key);
    assert_decision(&response, false);
    assert_eq!(body(&response)["context"]["reason"], "principal_unknown");
}

#[test]
fn two_routes_that_mean_the_same_are_refused() {
    let health = || parapet_worker::health::routes().pop().unwrap();
    let mut other = health();
    other.path = "/{anything}";
    assert!(Router::new(vec![health()]).is_ok());
    let mut same = health();
    same.path = "/{whatever}";
    assert!(Router::new(vec![other, same]).is_err());
}
