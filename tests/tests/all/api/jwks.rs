//! `GET /.well-known/jwks.json`: the keys of the host's tenant, and of no other.

use super::token::token;
use super::*;

fn at(edge: &Edge, origin: &str, path: &str) -> Response {
    let mut request = request("GET", path);
    request.origin = origin.to_owned();
    edge.send(request)
}

#[test]
fn the_keys_are_public_and_hold_no_secret() {
    let edge = Edge::new();
    assert_eq!(body(&edge.get("/.well-known/jwks.json/acme")), json!({ "keys": [] }));
    token(&edge, &edge.key(&["access:evaluate"]));
    let response = edge.get("/.well-known/jwks.json/acme");
    assert_eq!(response.header("content-type"), Some("application/jwk-set+json"));
    assert_eq!(response.header("cache-control"), Some("public, max-age=300"));
    let keys = body(&response)["keys"].as_array().unwrap().clone();
    let mut names: Vec<&str> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!((keys.len(), names), (1, vec!["alg", "crv", "kid", "kty", "use", "x", "y"]));
    assert_eq!(keys[0]["kid"], edge.sql("SELECT id FROM token_key")[0]["id"]);
}

#[test]
fn a_host_shows_its_own_tenants_keys() {
    let mut edge = Edge::new();
    edge.seed(&other());
    for tenant in [TENANT, OTHER] {
        token(&edge, &edge.key_of(tenant, None, None, &["access:evaluate"]));
    }
    let rows = edge.sql("SELECT id FROM token_key ORDER BY tenant_id");
    let [acme, other] = [0, 1].map(|row| rows[row]["id"].clone());
    edge.app.config = configuration(&[("SNAPSHOT_KEY", &"ab".repeat(32)), ("BASE_DOMAIN", "id.example")]);
    edge.sql("UPDATE tenant SET domain = 'login.other.example' WHERE slug = 'other'");
    let plain = "/.well-known/jwks.json";
    for (origin, path, kid) in [
        ("https://acme.id.example", plain, &acme),
        ("https://other.id.example", plain, &other),
        ("https://login.other.example", plain, &other),
        ("https://id.example", "/.well-known/jwks.json/acme", &acme),
        ("https://id.example", "/.well-known/jwks.json/other", &other),
    ] {
        let keys = body(&at(&edge, origin, path));
        assert_eq!((keys["keys"].as_array().unwrap().len(), &keys["keys"][0]["kid"]), (1, kid), "{origin}{path}");
    }
    for (origin, path) in [
        ("https://id.example", plain),
        ("https://api.id.example", plain),
        ("https://nobody.id.example", plain),
        ("https://elsewhere.example", plain),
        ("https://id.example", "/.well-known/jwks.json/nobody"),
        ("https://id.example", "/.well-known/jwks.json/a'b"),
    ] {
        assert_problem(&at(&edge, origin, path), 404, "http.not_found");
    }
    edge.sql("UPDATE tenant SET status = 'suspended' WHERE slug = 'acme'");
    assert_problem(&at(&edge, "https://acme.id.example", plain), 404, "http.not_found");
    edge.app.db.fail(true);
    assert_problem(&at(&edge, "https://acme.id.example", plain), 503, "database.unavailable");
}
