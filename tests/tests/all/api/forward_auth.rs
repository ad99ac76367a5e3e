//! `/forward-auth`: what servers ask before they pass a request on themselves.

use super::gateway::{HOST as APP, application, with};
use super::*;

fn ask(edge: &Edge, pep: &ApiKeyToken, headers: &[(&str, &str)]) -> Response {
    let request = with(request("GET", "/forward-auth"), &[("x-parapet-key", pep.expose())]);
    edge.send(with(request, headers))
}

/// As Traefik and Caddy ask.
fn forwarded<'a>(method: &'a str, uri: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", APP),
        ("x-forwarded-method", method),
        ("x-forwarded-uri", uri),
    ]
}

#[test]
fn each_server_is_answered_in_its_own_way() {
    let office = application();
    let edge = &office.edge;
    let pep = edge.key(&["access:evaluate"]);
    let anna = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    let ben = edge.key_of(TENANT, Some(BEN), None, &["document:read"]);
    let by = |key: &ApiKeyToken| format!("Bearer {}", key.expose());
    let (by_anna, by_ben) = (by(&anna), by(&ben));
    let page = ("accept", "text/html");
    // Traefik, Caddy.
    let with_more = |base: Vec<(&'static str, &str)>, more: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        base.into_iter().chain(more.iter().copied()).map(|(name, value)| (name, value.to_owned())).collect()
    };
    let send = |headers: Vec<(&'static str, String)>| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ask(edge, &pep, &headers)
    };
    let allowed = send(with_more(forwarded("GET", "/documents/7?a=b"), &[("authorization", &by_anna)]));
    assert_eq!(allowed.status, 200, "{}", String::from_utf8_lossy(&allowed.body));
    assert!(allowed.header("x-parapet-identity").is_some_and(|identity| identity.split('.').count() == 3));
    let denied = send(with_more(forwarded("GET", "/documents/7"), &[("authorization", &by_ben)]));
    assert_problem(&denied, 403, "access.denied");
    assert_problem(
        &send(with_more(forwarded("DELETE", "/documents/7"), &[("authorization", &by_anna)])),
        403,
        "access.denied",
    );
    assert_problem(&send(with_more(forwarded("GET", "/documents/7"), &[])), 401, "key.missing");
    let anyone = send(with_more(forwarded("GET", "/assets/a"), &[]));
    assert_eq!((anyone.status, anyone.header("x-parapet-identity")), (200, Some("")));
    let door = send(with_more(forwarded("GET", "/documents/7"), &[page]));
    assert_eq!(door.status, 303);
    assert!(door.header("location").unwrap().starts_with("https://acme.id.example/handoff?"));
    // nginx takes no redirect.
    let url = format!("https://{APP}/documents/7");
    let nginx = ask(edge, &pep, &[("x-original-url", &url), ("x-original-method", "GET"), page]);
    assert_eq!((nginx.status, nginx.header("location")), (401, None));
    assert!(nginx.header("x-parapet-location").unwrap().starts_with("https://acme.id.example/handoff?"));
    assert!(nginx.header("set-cookie").unwrap().starts_with("__Host-step="));
    let nginx = ask(edge, &pep, &[("x-original-url", &url), ("x-original-method", "GET"), ("authorization", &by_anna)]);
    assert_eq!(nginx.status, 200);
    // Envoy asks with the request's own host, method and path.
    let mut envoy = request("GET", "/forward-auth/documents/7");
    envoy.origin = format!("https://{APP}");
    let envoy = with(envoy, &[("x-parapet-key", pep.expose()), ("authorization", &by_anna)]);
    assert_eq!(edge.send(envoy.clone()).status, 200);
    assert_problem(&edge.send(Request { method: "PUT".to_owned(), ..envoy }), 403, "access.denied");
}

#[test]
fn paths_are_read_as_they_were_sent_and_methods_are_not_overridden() {
    let office = application();
    let edge = &office.edge;
    let pep = edge.key(&["access:evaluate"]);
    let anna = format!("Bearer {}", edge.key_of(TENANT, Some(ANNA), None, &["document:read"]).expose());
    for (uri, code) in [
        ("/documents/../admin", "path.dots"),
        ("/documents/a%2fb", "path.escaped_slash"),
        ("/documents\\7", "path.backslash"),
        ("//evil", "path.empty_segment"),
        ("documents", "path.not_absolute"),
    ] {
        let headers = [forwarded("GET", uri), vec![("authorization", anna.as_str())]].concat();
        assert_problem(&ask(edge, &pep, &headers), 400, code);
    }
    let headers = [
        forwarded("DELETE", "/documents/7"),
        vec![("authorization", anna.as_str()), ("x-http-method-override", "GET")],
    ];
    assert_problem(&ask(edge, &pep, &headers.concat()), 403, "access.denied");
}

#[test]
fn only_a_servers_own_key_asks_and_only_of_its_tenant() {
    let office = application();
    let edge = &office.edge;
    let headers = forwarded("GET", "/assets/a");
    let no_key = edge.send(with(request("GET", "/forward-auth"), &headers));
    assert_problem(&no_key, 401, "key.missing");
    let unknown = ApiKeyToken::from_random([9; RANDOM_BYTES]);
    assert_problem(&ask(edge, &unknown, &headers), 401, "key.unknown");
    for key in [edge.key(&["access:context"]), edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate"])] {
        assert_problem(&ask(edge, &key, &headers), 403, "access.missing_scope");
    }
    edge.seed(&other());
    let foreign = edge.key_of(OTHER, None, None, &["access:evaluate"]);
    assert_problem(&ask(edge, &foreign, &headers), 400, "forward_auth.unknown_host");
    let pep = edge.key(&["access:evaluate"]);
    for (name, value) in
        [("x-forwarded-host", "evil.example"), ("x-forwarded-host", ""), ("x-forwarded-host", "acme.id.example")]
    {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(its, was)| if *its == name { (*its, value) } else { (*its, *was) }).collect();
        assert_problem(&ask(edge, &pep, &headers), 400, "forward_auth.unknown_host");
    }
    for missing in ["x-forwarded-proto", "x-forwarded-host", "x-forwarded-method"] {
        let headers: Vec<(&str, &str)> = headers.iter().filter(|(its, _)| *its != missing).copied().collect();
        assert_problem(&ask(edge, &pep, &headers), 400, "forward_auth.malformed");
    }
    let both = [headers, vec![("x-original-url", "https://app.acme.com/"), ("x-original-method", "GET")]].concat();
    assert_problem(&ask(edge, &pep, &both), 400, "forward_auth.malformed");
}
