//! The caller's own tenant: branding, settings, a domain that DNS vouches for; and tenants by their host.

use super::administration::{OLGA, assert_refused, assert_status, office};
use super::*;

fn codes(response: &Response) -> Vec<String> {
    let body = body(response);
    body["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_tenant_changes_its_looks_and_settings() {
    let office = office();
    let seen = office.owner("GET", "/v1/tenant", Value::Null);
    assert_eq!(assert_status(&seen, 200)["slug"], "acme");
    let patch = json!({ "name": "Acme Ltd", "primary_color": "#102030", "logo_url": "https://acme.example/logo.svg",
                        "branding_config": { "footer": "hello" },
                        "settings": { "ui": { "locale": "en-GB" }, "security": { "session_minutes": 30 } } });
    let changed = assert_status(&office.owner("PATCH", "/v1/tenant", patch), 200);
    assert_eq!((&changed["name"], &changed["settings"]["ui"]["locale"]), (&json!("Acme Ltd"), &json!("en-GB")));
    let mut stale = keyed(&office.owner, "PATCH", "/v1/tenant", Some(json!({ "name": "x" })));
    stale.headers.insert("if-match".to_owned(), seen.header("etag").unwrap().to_owned());
    assert_problem(&office.edge.send(stale), 412, "http.precondition_failed");
    let merged = json!({ "logo_url": null, "settings": { "ui": { "locale": null, "dark": true } } });
    let changed = assert_status(&office.owner("PATCH", "/v1/tenant", merged), 200);
    assert_eq!(changed["logo_url"], Value::Null);
    assert_eq!(changed["settings"], json!({ "ui": { "dark": true }, "security": { "session_minutes": 30 } }));
    assert_eq!(assert_status(&office.owner("GET", "/v1/tenant", Value::Null), 200), changed);
    let log = office.log();
    let events: Vec<&str> = log.iter().map(|row| row.event_type.as_str()).collect();
    assert_eq!((events, office.versions()), (vec!["tenant.updated"; 2], (9, 3)));
    assert_eq!(office.events(), ["tenant.updated"; 2]);
    // The same again is no change.
    assert_status(&office.owner("PATCH", "/v1/tenant", json!({ "name": "Acme Ltd" })), 200);
    assert_eq!((office.log().len(), office.versions()), (2, (9, 3)));
}

#[test]
fn what_is_not_the_tenants_own_to_set_is_refused() {
    let office = office();
    let patch = json!({ "slug": "other", "status": "suspended", "domain": "acme.example", "id": ANNA, "colour": "red",
                        "primary_color": "red", "logo_url": "javascript:alert(1)" });
    let response = office.owner("PATCH", "/v1/tenant", patch);
    assert_problem(&response, 422, "request.invalid");
    let mut found = codes(&response);
    found.sort();
    let read_only = ["row.read_only"; 4];
    assert_eq!(found, [&read_only[..], &["row.unknown_field", "tenant.color", "tenant.url"]].concat());
    let settings = json!({ "settings": { "odd": {}, "ui": 1, "auth": { "schema": {}, "policy.all": "permit (principal, action, resource);" },
                                         "security": { "a b": 1 } } });
    let mut found = codes(&office.owner("PATCH", "/v1/tenant", settings));
    found.sort();
    assert_eq!(
        found,
        [
            "tenant.settings_category",
            "tenant.settings_decides",
            "tenant.settings_decides",
            "tenant.settings_key",
            "tenant.settings_shape"
        ]
    );
    assert_eq!((office.log().len(), office.versions()), (0, (7, 3)));
    let anna = office.edge.key_of(TENANT, Some(ANNA), None, &["admin:read", "admin:write"]);
    let response = office.by(&anna, "PATCH", "/v1/tenant", json!({ "name": "mine" }));
    assert_problem(&response, 403, "access.missing_permission");
}

#[test]
fn who_may_change_the_looks_alone_sets_nothing() {
    let office = office();
    let looks = json!({ "name": "looks", "permissions": [{ "permission": "parapet.tenant.write" }] });
    let role = assert_status(&office.owner("POST", "/v1/roles", looks), 201);
    let give = json!({ "user_id": ANNA, "role_id": role["id"] });
    assert_status(&office.owner("POST", "/v1/user-roles", give), 201);
    let anna = office.edge.key_of(TENANT, Some(ANNA), None, &["admin:write"]);
    let set = json!({ "settings": { "security": { "session_minutes": 600 } } });
    assert_status(&office.by(&anna, "PATCH", "/v1/tenant", json!({ "name": "Acme Ltd" })), 200);
    assert_refused(&office.by(&anna, "PATCH", "/v1/tenant", set.clone()), &["not_held"]);
    // A key for one thing is for no other, whoever's it is.
    let narrow = office.edge.key_of(TENANT, Some(OLGA), None, &["parapet:tenant.write"]);
    assert_status(&office.by(&narrow, "PATCH", "/v1/tenant", json!({ "name": "Acme" })), 200);
    assert_problem(&office.by(&narrow, "PATCH", "/v1/tenant", set.clone()), 403, "access.missing_scope");
    assert_status(&office.admin("PATCH", "/v1/tenant", set), 200);
}

#[test]
fn a_domain_is_stored_once_dns_says_whose_it_is() {
    let office = office();
    let domain = json!({ "domain": "login.acme.example" });
    let asked = assert_status(&office.owner("POST", "/v1/tenant/domain", domain.clone()), 200);
    assert_eq!(
        (&asked["record"]["type"], &asked["record"]["name"]),
        (&json!("TXT"), &json!("_parapet.login.acme.example"))
    );
    let value = asked["record"]["value"].as_str().unwrap();
    let verify = || office.owner("POST", "/v1/tenant/domain/verify", domain.clone());

    let response = verify();
    assert_problem(&response, 422, "request.invalid");
    assert_eq!(codes(&response), ["tenant.domain_unverified"]);
    // Another tenant's token, or that of another name, says nothing.
    office.edge.seed(&other());
    let dns = &office.edge.app.dns;
    dns.add("_parapet.login.acme.example", "v=spf1 -all");
    dns.add("_parapet.login.acme.example", &format!("parapet-verify={}", "0".repeat(64)));
    dns.add("_parapet.other.acme.example", value);
    let elsewhere = office.owner("POST", "/v1/tenant/domain/verify", json!({ "domain": "other.acme.example" }));
    assert_eq!(codes(&elsewhere), ["tenant.domain_unverified"]);
    assert_eq!(codes(&verify()), ["tenant.domain_unverified"]);
    dns.fail(true);
    assert_problem(&verify(), 503, "dns.unavailable");
    dns.fail(false);

    dns.add("_parapet.login.acme.example", value);
    office.edge.sql("UPDATE tenant SET domain = 'login.acme.example' WHERE slug = 'other'");
    let response = verify();
    assert_problem(&response, 409, "row.taken");
    assert_eq!(body(&response)["findings"][0]["field"], "domain");
    office.edge.sql("UPDATE tenant SET domain = NULL WHERE slug = 'other'");
    assert_eq!(assert_status(&verify(), 200)["domain"], "login.acme.example");
    assert_status(&office.owner("DELETE", "/v1/tenant/domain", Value::Null), 204);
    assert_problem(&office.owner("DELETE", "/v1/tenant/domain", Value::Null), 404, "http.not_found");
    let log = office.log();
    let events: Vec<&str> = log.iter().map(|row| row.event_type.as_str()).collect();
    assert_eq!(events, ["tenant.domain_verified", "tenant.domain_removed"]);
}

#[test]
fn a_domain_is_a_host_name_that_is_not_the_services() {
    let mut office = office();
    office.edge.app.config = configuration(&[
        ("FRESHNESS_SECONDS", "0"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("SNAPSHOT_KEY_ID", "test"),
        ("DATA_KEY", &"cd".repeat(32)),
        ("BASE_DOMAIN", "parapet.example"),
    ]);
    for (body, code) in [
        (json!({}), "row.missing"),
        (json!({ "domain": 1 }), "row.wrong_type"),
        (json!({ "domain": "acme" }), "tenant.domain"),
        (json!({ "domain": "Acme.example" }), "tenant.domain"),
        (json!({ "domain": "acme.example/x" }), "tenant.domain"),
        (json!({ "domain": "parapet.example" }), "tenant.domain_reserved"),
        (json!({ "domain": "other.parapet.example" }), "tenant.domain_reserved"),
        (json!({ "domain": "acme.example", "verified": true }), "row.unknown_field"),
    ] {
        for path in ["/v1/tenant/domain", "/v1/tenant/domain/verify"] {
            let response = office.owner("POST", path, body.clone());
            assert_problem(&response, 422, "request.invalid");
            assert_eq!(codes(&response), [code], "{body}");
        }
    }
    assert_status(&office.owner("POST", "/v1/tenant/domain", json!({ "domain": "notparapet.example" })), 200);
}

fn at(edge: &Edge, origin: &str, key: &ApiKeyToken) -> Response {
    let mut request = keyed(key, "POST", "/access/v1/evaluation", Some(question(ANNA, "read")));
    request.origin = origin.to_owned();
    edge.send(request)
}

#[test]
fn a_key_is_of_the_tenant_whose_host_is_asked() {
    let edge = Edge::with(&[
        ("FRESHNESS_SECONDS", "60"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("BASE_DOMAIN", "parapet.example"),
    ]);
    edge.seed(&other());
    edge.sql("UPDATE tenant SET domain = 'login.acme.example' WHERE slug = 'acme'");
    let ours = edge.key(&["access:evaluate"]);
    let theirs = edge.key_of(OTHER, None, None, &["access:evaluate"]);
    for origin in [
        "https://acme.parapet.example",
        "https://ACME.parapet.example:443",
        "https://login.acme.example",
        "https://parapet.example",
        // A reserved word is no tenant's.
        "https://api.parapet.example",
        "https://edge.workers.example",
    ] {
        assert_decision(&at(&edge, origin, &ours), true);
        let asked = edge.app.db.round_trips();
        assert_decision(&at(&edge, origin, &ours), true);
        assert_eq!(edge.app.db.round_trips(), asked, "{origin} is remembered");
    }
    for origin in [
        "https://other.parapet.example",
        "https://nobody.parapet.example",
        "https://acme.other.parapet.example",
        "https://acme.acme.parapet.example",
    ] {
        assert_problem(&at(&edge, origin, &ours), 401, "key.other_tenant");
    }
    for origin in ["https://acme.parapet.example", "https://login.acme.example"] {
        assert_problem(&at(&edge, origin, &theirs), 401, "key.other_tenant");
    }
    // What was remembered at one host counts at that host alone.
    assert_decision(&at(&edge, "https://parapet.example", &theirs), false);
    assert_problem(&at(&edge, "https://login.acme.example", &theirs), 401, "key.other_tenant");
}

#[test]
fn without_a_base_domain_a_slug_is_no_host() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&at(&edge, "https://other.pdp.example", &key), true);
    assert_decision(&at(&edge, "http://127.0.0.1:8787", &key), true);
    for variable in
        [("BASE_DOMAIN", "No Host"), ("DOH_URL", "http://dns.example"), ("DOH_URL", "https://dns.example?x")]
    {
        let edge = Edge::with(&[variable]);
        assert_problem(&edge.ask(&edge.key(&["access:evaluate"])), 503, "config.invalid");
    }
}
