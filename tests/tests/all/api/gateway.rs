//! The gateway: what is passed on to an application and what is not, and what the application is told.

use super::administration::{Office, assert_status, office};
use super::*;
use parapet::token::{IDENTITY_TOKEN, PublicKey};
use parapet_worker::gateway::Forward;
use parapet_worker::platform::Unread;

pub(super) const HOST: &str = "app.acme.com";

/// An office with an application: documents, and what is anybody's.
pub(super) fn application() -> Office {
    let office = office();
    let edge = &office.edge;
    edge.app.dns.lead("origin.acme.com", &["1.1.1.1".parse().unwrap()]);
    let schema = json!({"types": {"document": {"attributes": {"owner": "User", "size": "Long"}}}});
    assert_status(&office.owner("PUT", "/v1/tenant-settings/auth/schema", json!({ "value": schema })), 201);
    let read = json!({"methods": ["GET"], "path": "/documents/{id}", "action": {"name": "read"},
                      "resource": {"type": "document", "id": "{id}"}});
    let archive = json!({"methods": ["POST"], "path": "/documents/{id}/archive", "action": {"name": "archive"},
                         "resource": {"type": "document", "id": "{id}", "properties": {"size": {"body": "/size"}}},
                         "body_limit": 100});
    let routes = json!({"routes": [
        read, archive,
        {"methods": ["GET"], "path": "/assets/{*rest}", "pass": "anyone"},
        {"methods": ["GET"], "path": "/home", "pass": "signed_in"},
        {"methods": ["POST"], "path": "/upload", "pass": "signed_in"},
    ]});
    assert_status(&office.owner("PUT", "/v1/tenant-settings/auth/routes.app", json!({ "value": routes })), 201);
    let host = json!({ "host": HOST, "origin": "https://origin.acme.com", "route_map": "app" });
    prove(&office, &host);
    assert_status(&office.owner("POST", "/v1/gateway-hosts", host), 201);
    office
}

/// Publishes the record that the finding names.
pub(super) fn prove(office: &Office, host: &Value) {
    let refused = office.owner("POST", "/v1/gateway-hosts", host.clone());
    let findings = body(&refused)["findings"].clone();
    let unverified = findings.as_array().unwrap().iter().find(|it| it["code"] == "gateway_host.unverified");
    let message = unverified.expect("it is not verified")["message"].as_str().unwrap().to_owned();
    let parts: Vec<&str> = message.split('`').collect();
    office.edge.app.dns.add(parts[1], parts[3]);
}

pub(super) fn at_host(method: &str, path: &str) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut request = request(method, path);
    request.origin = format!("https://{HOST}");
    request.query = query.to_owned();
    request
}

pub(super) fn with(mut request: Request, headers: &[(&str, &str)]) -> Request {
    for (name, value) in headers {
        request.headers.insert((*name).to_owned(), (*value).to_owned());
    }
    request
}

pub(super) fn keyed_by(request: Request, key: &ApiKeyToken) -> Request {
    with(request, &[("authorization", &format!("Bearer {}", key.expose()))])
}

/// That it is refused for this, among what else may be wrong with it.
#[track_caller]
fn assert_found(response: &Response, code: &str) {
    let refused = assert_status(response, 422);
    let is_it = |finding: &Value| finding["code"] == code;
    assert!(refused["findings"].as_array().is_some_and(|all| all.iter().any(is_it)), "{refused:#}");
}

#[track_caller]
pub(super) fn passed(response: Response) -> Forward {
    match response.forward {
        Some(forward) => *forward,
        None => panic!("{} {}", response.status, String::from_utf8_lossy(&response.body)),
    }
}

pub(super) fn header<'f>(forward: &'f Forward, name: &str) -> Option<&'f str> {
    let mut found = forward.headers.iter().filter(|(its, _)| its == name).map(|(_, value)| value.as_str());
    let first = found.next();
    assert_eq!(found.next(), None, "`{name}` is there twice");
    first
}

#[test]
fn what_the_rules_allow_is_passed_on_and_nothing_else() {
    let office = application();
    let edge = &office.edge;
    let reader = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    let anna = edge.key_of(TENANT, Some(ANNA), None, &["document:read", "document:archive"]);
    let ben = edge.key_of(TENANT, Some(BEN), None, &["document:read"]);
    let bot = edge.key_of(TENANT, None, Some(BOT), &["document:archive"]);
    let narrow = edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let pep = edge.key(&["access:evaluate"]);
    let get = |path| at_host("GET", path);
    let forward = passed(edge.send(keyed_by(get("/documents/7?x=1&x=%20"), &reader)));
    assert_eq!(forward.url, "https://origin.acme.com/documents/7?x=1&x=%20");
    assert_eq!(forward.body, None);
    passed(edge.send(keyed_by(at_host("HEAD", "/documents/7"), &reader)));
    passed(edge.send(keyed_by(at_host("POST", "/documents/7/archive"), &bot)));
    passed(edge.send(keyed_by(get("/home"), &ben)));
    passed(edge.send(get("/assets/css/main.css")));
    for (request, key, status, code) in [
        (get("/documents/7"), &ben, 403, "access.denied"),
        (get("/documents/7"), &narrow, 403, "access.denied"),
        (at_host("POST", "/documents/7/archive"), &anna, 403, "access.denied"),
        (at_host("DELETE", "/documents/7"), &anna, 403, "access.denied"),
        (get("/documents/7/"), &anna, 403, "access.denied"),
        (get("/Documents/7"), &anna, 403, "access.denied"),
        (get("/"), &anna, 403, "access.denied"),
        (get("/v1/me"), &anna, 403, "access.denied"),
        (get("/documents/7"), &pep, 403, "access.no_principal"),
    ] {
        let told = format!("{} {}", request.method, request.path);
        let response = edge.send(keyed_by(request, key));
        assert!(response.forward.is_none(), "{told}");
        assert_problem(&response, status, code);
        assert_eq!(body(&response).get("decision_id").is_some(), code == "access.denied", "{told}");
    }
    // Nobody, and nobody who is known.
    for path in ["/documents/7", "/home", "/nowhere"] {
        let response = edge.send(get(path));
        assert_problem(&response, 401, "key.missing");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
    }
    let unknown = ApiKeyToken::from_random([7; RANDOM_BYTES]);
    assert_problem(&edge.send(keyed_by(get("/documents/7"), &unknown)), 401, "key.unknown");
    // What anyone may have is had with a key that does not count, too.
    passed(edge.send(keyed_by(get("/assets/a"), &unknown)));
    edge.seed(&other());
    let foreign = edge.key_of(OTHER, None, None, &["document:read"]);
    assert_problem(&edge.send(keyed_by(get("/documents/7"), &foreign)), 401, "key.other_tenant");
}

#[test]
fn a_path_that_two_servers_read_differently_is_passed_to_none() {
    let office = application();
    let key = office.edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    for (path, code) in [
        ("/documents/a%2fb", "path.escaped_slash"),
        ("/documents/..%5csecret", "path.backslash"),
        ("/documents/%00", "path.control"),
        ("/documents/%2e%2e", "path.dots"),
        ("/documents//7", "path.empty_segment"),
        ("/documents/7;x", "path.semicolon"),
        ("/documents/%252e%252e", "path.escaped_twice"),
        ("/documents/%zz", "path.escape"),
    ] {
        assert_problem(&office.edge.send(keyed_by(at_host("GET", path), &key)), 400, code);
        assert_problem(&office.edge.send(at_host("GET", path)), 400, code);
    }
    let forward = passed(office.edge.send(keyed_by(at_host("GET", "/%64ocuments/%7Euser%20x"), &key)));
    assert_eq!(forward.url, "https://origin.acme.com/documents/~user%20x");
}

#[test]
fn the_application_is_told_who_asks_by_us_alone() {
    let office = application();
    let edge = &office.edge;
    let key = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    let sent = with(
        keyed_by(at_host("GET", "/documents/7"), &key),
        &[
            ("accept", "text/html"),
            ("cf-connecting-ip", "203.0.113.9"),
            ("connection", "close, X-Secret"),
            ("content-length", "3"),
            ("cookie", "__Host-session=ps_x; theme=dark; __Host-device=pd_x"),
            ("forwarded", "for=10.0.0.1"),
            ("host", "app.acme.com"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("user-agent", "curl"),
            ("x-custom", "kept"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-user", "olga"),
            ("x-http-method-override", "DELETE"),
            ("x-original-url", "/admin"),
            ("x-parapet-identity", "forged"),
            ("x_parapet_identity", "forged"),
            ("X_Forwarded_For", "10.0.0.1"),
            ("x-real-ip", "10.0.0.1"),
            ("x-secret", "of the connection"),
            (":client-certificate", "00"),
        ],
    );
    let forward = passed(edge.send(sent));
    let names: Vec<&str> = forward.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "accept",
            "cookie",
            "user-agent",
            "x-custom",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-request-id",
            "x-parapet-identity"
        ]
    );
    for (name, value) in [
        ("cookie", "theme=dark"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", HOST),
        ("x-forwarded-proto", "https"),
    ] {
        assert_eq!(header(&forward, name), Some(value));
    }
    // As the application verifies it: by the tenant's published keys.
    let keys = body(&edge.get_at("acme.id.example", "/.well-known/jwks.json"));
    let key = PublicKey::from_jwk(keys["keys"][0].as_object().unwrap()).unwrap();
    let (header, claims) = verified(header(&forward, "x-parapet-identity").unwrap(), &key);
    assert_eq!(header["typ"], IDENTITY_TOKEN);
    for (claim, value) in [
        ("iss", json!("https://acme.id.example")),
        ("sub", json!(ANNA)),
        ("subject_type", json!("user")),
        ("aud", json!(HOST)),
        ("tenant", json!(TENANT)),
    ] {
        assert_eq!(claims[claim], value, "{claim}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    // It is no access token of ours.
    let as_token = with(
        at_host("GET", "/documents/7"),
        &[("authorization", &format!("Bearer {}", super::gateway::header(&forward, "x-parapet-identity").unwrap()))],
    );
    assert_eq!(edge.send(as_token).status, 401);
    // What is no credential of ours is the application's own.
    let basic = with(at_host("GET", "/assets/a"), &[("authorization", "Basic eDp5")]);
    let forward = passed(edge.send(basic));
    assert_eq!(super::gateway::header(&forward, "authorization"), Some("Basic eDp5"));
    assert_eq!(super::gateway::header(&forward, "x-parapet-identity"), None);
}

#[test]
fn a_body_is_read_only_where_the_rule_asks_and_goes_on_as_it_was() {
    let office = application();
    let edge = &office.edge;
    let bot = edge.key_of(TENANT, None, Some(BOT), &["document:archive"]);
    let json_type = ("content-type", "application/json");
    let unread = |path: &str, text: &str| {
        let unread = Unread::new(text);
        let mut request = with(keyed_by(at_host("POST", path), &bot), &[json_type]);
        request.body = Body::Unread(unread.clone());
        (request, unread)
    };
    let (request, body) = unread("/documents/7/archive", r#"{"size": 3}"#);
    assert_eq!(passed(edge.send(request)).body.as_deref(), Some(&br#"{"size": 3}"#[..]));
    assert!(body.was_read());
    let (request, body) = unread("/upload", "a large file");
    assert_eq!(passed(edge.send(request)).body, None);
    assert!(!body.was_read());
    for (text, status, code) in [
        (r#"{"size": 3, "size": 4}"#.to_owned(), 400, "request.not_json"),
        ("{".to_owned(), 400, "request.not_json"),
        (format!("{{\"size\": {}}}", " ".repeat(100)), 413, "http.body_too_large"),
    ] {
        let (request, _) = unread("/documents/7/archive", &text);
        assert_problem(&edge.send(request), status, code);
    }
    let (request, _) = unread("/documents/7/archive", "{}");
    assert_problem(&edge.send(with(request, &[("content-type", "text/plain")])), 415, "http.unsupported_media_type");
}

#[test]
fn whoever_does_not_say_who_they_are_has_the_role_that_the_tenant_gives_them() {
    let office = application();
    let edge = &office.edge;
    let read = || edge.send(at_host("GET", "/documents/7"));
    assert_problem(&read(), 401, "key.missing");
    let set = |role: &str| office.owner("PUT", "/v1/tenant-settings/auth/anonymous_role", json!({ "value": role }));
    assert_found(&set("nobody"), "routes.unknown_role");
    assert_status(&set("reader"), 201);
    let forward = passed(read());
    let identity = header(&forward, "x-parapet-identity").unwrap();
    let payload: Vec<&str> = identity.split('.').collect();
    assert!(decoded(payload[1])["sub"] == "anonymous");
    // More than that they are asked who they are.
    assert_problem(&edge.send(at_host("POST", "/documents/7/archive")), 401, "key.missing");
    // A role that is gone, or off, gives nothing.
    assert_found(&office.owner("DELETE", &format!("/v1/roles/{READER}"), Value::Null), "routes.unknown_role");
    assert_status(&office.owner("PATCH", &format!("/v1/roles/{READER}"), json!({ "is_active": false })), 200);
    assert_problem(&read(), 401, "key.missing");
}

#[test]
fn a_tenant_that_is_not_active_has_nothing_passed_on() {
    let office = application();
    let edge = &office.edge;
    let key = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    passed(edge.send(keyed_by(at_host("GET", "/documents/7"), &key)));
    edge.sql("UPDATE tenant SET status = 'suspended'");
    for path in ["/documents/7", "/assets/a"] {
        assert_problem(&edge.send(keyed_by(at_host("GET", path), &key)), 403, "tenant.inactive");
    }
}

#[test]
fn what_is_not_known_is_passed_to_nobody() {
    let office = application();
    let edge = &office.edge;
    let key = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    edge.app.db.fail(true);
    assert_problem(&edge.send(at_host("GET", "/assets/a")), 503, "database.unavailable");
    assert_problem(&edge.send(keyed_by(at_host("GET", "/documents/7"), &key)), 503, "database.unavailable");
    edge.app.db.fail(false);
    passed(edge.send(at_host("GET", "/assets/a")));
}

/// The office, at an edge that goes by what it knows for five seconds, and for a minute without its database.
fn remembering() -> Office {
    let mut office = application();
    office.edge.app.config = configuration(&[
        ("FRESHNESS_SECONDS", "5"),
        ("MAX_STALE_SECONDS", "60"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("DATA_KEY", &"cd".repeat(32)),
    ]);
    office
}

#[test]
fn the_newest_rules_that_were_heard_of_count_whoever_brought_word_of_them() {
    let office = remembering();
    let edge = &office.edge;
    let anna = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    let read = |key: &ApiKeyToken| edge.send(keyed_by(at_host("GET", "/documents/7"), key));
    let role = format!("/v1/roles/{READER}");
    let give = |permissions: Value| {
        assert_status(&office.owner("PATCH", &role, json!({ "permissions": permissions })), 200);
    };
    passed(read(&anna));
    // The isolate itself changes them, within the time that the host is known for; and then hears nothing more.
    give(json!([]));
    edge.app.db.fail(true);
    assert_problem(&read(&anna), 503, "database.unavailable");
    edge.app.db.fail(false);
    assert_problem(&read(&anna), 403, "access.denied");
    give(json!([{ "permission": "documents.read" }]));
    passed(read(&anna));
    // Another isolate changes them, and somebody who was not known yet brings word of it.
    let changed = edge.restarted().call(&office.owner, "PATCH", &role, Some(json!({ "permissions": [] })));
    assert_status(&changed, 200);
    let again = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    assert_problem(&read(&again), 403, "access.denied");
    assert_problem(&read(&anna), 403, "access.denied");
}

#[test]
fn without_the_database_it_goes_on_for_as_long_as_decisions_do_and_says_so() {
    let office = remembering();
    let edge = &office.edge;
    let anna = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    let ben = edge.key_of(TENANT, Some(BEN), None, &["document:read"]);
    let read = |second: i64, key: &ApiKeyToken| {
        edge.app.clock.set(time(NOW).plus_millis(second * 1000));
        edge.send(keyed_by(at_host("GET", "/documents/7"), key))
    };
    for second in [0, 58] {
        assert!(!passed(read(second, &anna)).stale);
        assert_problem(&read(second, &ben), 403, "access.denied");
    }
    edge.app.db.fail(true);
    // The key that signs was read a minute ago.
    for (second, stale) in [(61, false), (63, true), (117, true)] {
        let forward = passed(read(second, &anna));
        assert_eq!(forward.stale, stale, "{second} s");
        assert!(header(&forward, "x-parapet-identity").is_some());
        let denied = read(second, &ben);
        assert_problem(&denied, 403, "access.denied");
        assert_eq!(denied.header("x-parapet-stale"), stale.then_some("true"));
    }
    assert_problem(&read(118, &anna), 503, "database.unavailable");
    edge.app.db.fail(false);
    assert!(!passed(read(119, &anna)).stale);
}

#[test]
fn a_clock_that_is_behind_signs_with_the_key_that_there_is() {
    let office = application();
    let edge = &office.edge;
    let anna = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    passed(edge.send(keyed_by(at_host("GET", "/documents/7"), &anna)));
    edge.app.clock.set(time(NOW).plus_millis(-60_000));
    let forward = passed(edge.send(keyed_by(at_host("GET", "/documents/7"), &anna)));
    assert!(header(&forward, "x-parapet-identity").is_some());
    assert_eq!(edge.sql("SELECT id FROM token_key").len(), 1);
}

#[test]
fn a_change_of_the_routes_counts_and_comes_back() {
    let office = application();
    let edge = &office.edge;
    let asset = || edge.send(at_host("GET", "/assets/a"));
    passed(asset());
    let version = edge.sql("SELECT policy_version FROM tenant_epoch")[0]["policy_version"].clone();
    let closed = json!({"routes": [{"methods": ["GET"], "path": "/home", "pass": "signed_in"}]});
    assert_status(&office.owner("PUT", "/v1/tenant-settings/auth/routes.app", json!({ "value": closed })), 200);
    assert_problem(&asset(), 401, "key.missing");
    let back = format!("/v1/snapshots/{}/rollback", version.as_f64().unwrap());
    assert_status(&office.owner("POST", &back, json!({})), 200);
    passed(asset());
    // Without the map nothing is passed on.
    assert_status(&office.owner("DELETE", "/v1/tenant-settings/auth/routes.app", Value::Null), 204);
    assert_problem(&asset(), 401, "key.missing");
}

#[test]
fn wrong_routes_are_refused_with_their_places() {
    let office = application();
    let wrong = json!({"routes": [{"methods": ["GET"], "path": "/a", "action": {"name": "raed"},
                                   "resource": {"type": "document", "id": "1"}}]});
    let refused = office.owner("PUT", "/v1/tenant-settings/auth/routes.app", json!({ "value": wrong }));
    let findings = assert_status(&refused, 422)["findings"].clone();
    assert_eq!(findings[0]["code"], "route.unknown_action");
    assert!(findings[0]["field"].as_str().unwrap().ends_with("/routes/0/action/name"), "{findings}");
    // A permission that a route speaks of stays as long as the route.
    let gone = office.owner("DELETE", "/v1/permissions/01980000-0000-7000-8000-000000000402", Value::Null);
    assert_eq!(gone.status, 422, "{:#}", body(&gone));
    // Owners alone write them.
    let by_admin = office.admin("PUT", "/v1/tenant-settings/auth/routes.app", json!({ "value": {"routes": []} }));
    assert_eq!(by_admin.status, 403);
}

#[test]
fn a_host_is_taken_once_its_tenant_may_speak_for_it_and_its_origin_is_outside() {
    let office = application();
    let edge = &office.edge;
    edge.app.dns.lead("inside.acme.com", &["10.0.0.1".parse().unwrap()]);
    edge.app.dns.lead("two.acme.com", &["1.1.1.1".parse().unwrap()]);
    let host = |host: &str, origin: &str| json!({ "host": host, "origin": origin, "route_map": "app" });
    let good = "https://origin.acme.com";
    for (given, field, code) in [
        (host("two.acme.com", good), "host", "gateway_host.unverified"),
        (host("acme.id.example", good), "host", "gateway_host.services_own"),
        (host("id.example", good), "host", "gateway_host.services_own"),
        (host("app.localhost", good), "host", "gateway_host.localhost"),
        (host("1.2.3.4", good), "host", "gateway_host.host"),
        (host("Two.acme.com", good), "host", "gateway_host.host"),
        (host("two.acme.com", "https://inside.acme.com"), "origin", "address.inside"),
        (host("two.acme.com", "https://nowhere.acme.com"), "origin", "address.unknown"),
        (host("two.acme.com", "https://two.acme.com"), "origin", "address.own"),
        (host("two.acme.com", "https://acme.id.example"), "origin", "address.own"),
        (host("two.acme.com", "http://origin.acme.com"), "origin", "address.scheme"),
        (host("two.acme.com", "https://origin.acme.com/path"), "origin", "gateway_host.origin"),
        (host("two.acme.com", "https://127.0.0.1"), "origin", "address.host"),
        (
            json!({ "host": "two.acme.com", "origin": good, "route_map": "none" }),
            "route_map",
            "gateway_host.unknown_route_map",
        ),
    ] {
        let refused = body(&office.owner("POST", "/v1/gateway-hosts", given.clone()));
        let is_it = |finding: &Value| finding["field"] == field && finding["code"] == code;
        assert!(refused["findings"].as_array().is_some_and(|all| all.iter().any(is_it)), "{given} {refused:#}");
    }
    // The same name twice, and one that is a tenant's own.
    assert_eq!(office.owner("POST", "/v1/gateway-hosts", host(HOST, good)).status, 409);
    edge.sql("UPDATE tenant SET domain = 'two.acme.com'");
    let taken = host("two.acme.com", good);
    prove(&office, &taken);
    assert_found(&office.owner("POST", "/v1/gateway-hosts", taken), "gateway_host.tenants_own");
    // Admins see them, owners change them.
    assert_eq!(office.admin("GET", "/v1/gateway-hosts", Value::Null).status, 200);
    assert_eq!(office.admin("POST", "/v1/gateway-hosts", host("x.acme.com", good)).status, 403);
}

#[test]
fn a_host_that_is_switched_off_is_nobodys() {
    let office = application();
    let list = assert_status(&office.owner("GET", "/v1/gateway-hosts", Value::Null), 200);
    let path = format!("/v1/gateway-hosts/{}", list["items"][0]["id"].as_str().unwrap());
    assert_status(&office.owner("PATCH", &path, json!({ "is_active": false })), 200);
    assert_problem(&office.edge.send(at_host("GET", "/assets/a")), 404, "http.not_found");
    assert_status(&office.owner("PATCH", &path, json!({ "is_active": true, "origin": null })), 200);
    assert_problem(&office.edge.send(at_host("GET", "/assets/a")), 404, "http.not_found");
    assert_status(&office.owner("DELETE", &path, Value::Null), 204);
    assert_problem(&office.edge.send(at_host("GET", "/assets/a")), 404, "http.not_found");
}

impl Edge {
    fn get_at(&self, host: &str, path: &str) -> Response {
        let mut request = request("GET", path);
        request.origin = format!("https://{host}");
        self.send(request)
    }
}

fn decoded(part: &str) -> Value {
    use base64::Engine as _;
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A token's header and claims, once its signature was verified by this key.
fn verified(token: &str, key: &PublicKey) -> (Value, Value) {
    use base64::Engine as _;
    use p256::ecdsa::signature::Verifier as _;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let bytes = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
    let jwk = key.jwk();
    let coordinate = |name: &str| bytes(jwk[name].as_str().unwrap());
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap();
    key.verify(signed.as_bytes(), &p256::ecdsa::Signature::from_slice(&bytes(signature)).unwrap()).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    (decoded(header), decoded(claims))
}
