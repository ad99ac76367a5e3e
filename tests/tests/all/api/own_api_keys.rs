//! API keys that people make for themselves: where the tenant lets them, for what is their own, and nobody else's.

use super::administration::{OLGA, Office, assert_status, office};
use super::pages::{Tab, assert_leads, hidden, html};
use super::sign_in::{Browser, PASSWORD, give_password};
use super::*;

const KEYS: &str = "/v1/me/api-keys";

fn allow(office: &Office, allowed: bool) {
    let path = "/v1/tenant-settings/security/personal_api_keys";
    assert!(office.owner("PUT", path, json!({ "value": allowed })).status < 300);
}

/// Everybody has a password, and may make keys.
fn people() -> Office {
    let office = office();
    for user in [ANNA, BEN, OLGA] {
        give_password(&office.edge, user, PASSWORD);
    }
    allow(&office, true);
    office
}

fn signed_in(office: &Office, name: &str) -> Browser {
    let mut browser = Browser::default();
    assert_status(&browser.sign_in(&office.edge, name, PASSWORD), 200);
    browser
}

fn key(made: &Value) -> ApiKeyToken {
    ApiKeyToken::parse(made["key"].as_str().unwrap()).unwrap()
}

#[test]
fn a_key_of_ones_own_is_shown_once_and_does_what_is_ones_own() {
    let office = people();
    let edge = &office.edge;
    let mut anna = signed_in(&office, "anna");
    let list = assert_status(&anna.get(edge, KEYS), 200);
    assert_eq!(list, json!({ "items": [], "scopes": ["me", "access:evaluate"] }));
    let new = json!({ "name": "script", "scopes": ["me", "access:evaluate", "document:read"], "expires_at": "2026-06-01T00:00:00.000Z" });
    let made = assert_status(&anna.post(edge, KEYS, new), 201);
    assert_eq!((&made["user_id"], &made["is_active"]), (&json!(ANNA), &json!(true)));
    let key = key(&made);
    assert_eq!(edge.call(&key, "GET", "/v1/me/notifications/unread", None).status, 200);
    assert_decision(&edge.ask(&key), true);
    assert_problem(&edge.call(&key, "GET", "/v1/users", None), 403, "access.missing_scope");
    let list = assert_status(&anna.get(edge, KEYS), 200);
    assert_eq!((&list["items"][0]["id"], list["items"].as_array().unwrap().len()), (&made["id"], 1));
    assert!(!list.to_string().contains(key.expose()) && !list.to_string().contains(&key.hash()));
    assert_eq!(office.events().last().unwrap(), "api_key.created");
    let log = office.log();
    assert_eq!(log.last().unwrap().user_id.map(|id| id.to_string()).as_deref(), Some(ANNA));
    // It is taken back without a proof, and opens nothing from then on.
    edge.app.clock.set(edge.app.clock.now().plus_millis(20 * 60 * 1000));
    let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    assert_eq!(anna.send(edge, "DELETE", &path, None).status, 204);
    assert_problem(&edge.call(&key, "GET", "/v1/me/notifications/unread", None), 401, "key.unknown");
    assert_problem(&anna.send(edge, "DELETE", &path, None), 404, "http.not_found");
    assert_eq!(office.events().last().unwrap(), "api_key.revoked");
    office.log();
}

#[test]
fn where_the_tenant_does_not_allow_it_one_sees_and_takes_back_those_there_are() {
    let office = people();
    let edge = &office.edge;
    let mut anna = signed_in(&office, "anna");
    let made = assert_status(&anna.post(edge, KEYS, json!({ "name": "a", "scopes": ["me"] })), 201);
    allow(&office, false);
    let refused = anna.post(edge, KEYS, json!({ "name": "b", "scopes": ["me"] }));
    assert_problem(&refused, 409, "api_key.not_allowed");
    let list = assert_status(&anna.get(edge, KEYS), 200);
    assert_eq!((&list["scopes"], &list["items"][0]["id"]), (&json!([]), &made["id"]));
    let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    assert_eq!(anna.send(edge, "DELETE", &path, None).status, 204);
    assert_eq!(edge.sql("SELECT 1 FROM api_key WHERE name IN ('a', 'b')").len(), 0);
    // Nothing is set: it is not allowed.
    edge.sql("DELETE FROM tenant_setting WHERE setting_key = 'personal_api_keys'");
    let refused = anna.post(edge, KEYS, json!({ "name": "b", "scopes": ["me"] }));
    assert_problem(&refused, 409, "api_key.not_allowed");
}

#[test]
fn such_a_key_administers_nothing_and_is_for_nobody_else() {
    let office = people();
    let edge = &office.edge;
    // An owner may all of it, and makes such keys at `/v1/api-keys`.
    let mut olga = signed_in(&office, "olga@acme.example");
    let codes = |response: &Response| -> Vec<String> {
        assert_problem(response, 422, "request.invalid");
        let findings = body(response)["findings"].as_array().unwrap().clone();
        let code =
            |finding: &Value| format!("{} {}", finding["field"].as_str().unwrap(), finding["code"].as_str().unwrap());
        let mut codes: Vec<String> = findings.iter().map(code).collect();
        codes.sort();
        codes
    };
    for scope in
        ["admin:read", "admin:write", "access:context", "access:snapshot", "token:introspect", "parapet:role.write"]
    {
        let refused = olga.post(edge, KEYS, json!({ "name": "k", "scopes": ["me", scope] }));
        assert_eq!(codes(&refused), ["scopes/1 api_key.scope_not_own"], "{scope}");
    }
    for column in ["user_id", "service_account_id"] {
        let refused = olga.post(edge, KEYS, json!({ "name": "k", "scopes": ["me"], column: BEN }));
        let codes = codes(&refused);
        assert!(codes.contains(&format!("{column} row.read_only")), "{codes:?}");
    }
    // All that is wrong is said at once.
    let worst = json!({ "name": " ", "user_id": BEN, "key_hash": "x", "scopes": ["admin:read", "no:such"], "x": 1,
                        "expires_at": "2020-01-01T00:00:00.000Z" });
    let codes = codes(&olga.post(edge, KEYS, worst));
    for code in [
        "key_hash row.read_only",
        "name api_key.name",
        "scopes/0 api_key.scope_not_own",
        "user_id row.read_only",
        "x row.unknown_field",
    ] {
        assert!(codes.iter().any(|its| its == code), "{code}: {codes:?}");
    }
    for (sent, status) in [(json!({ "name": "k" }), 422), (json!({ "name": "k", "scopes": [] }), 422), (json!([]), 400)]
    {
        assert_eq!(olga.post(edge, KEYS, sent.clone()).status, status, "{sent}");
    }
    // An action of the tenant's own narrows what the key may be used for.
    let made = assert_status(&olga.post(edge, KEYS, json!({ "name": "k", "scopes": ["document:read"] })), 201);
    assert_problem(&edge.call(&key(&made), "GET", KEYS, None), 403, "access.missing_scope");
    assert_eq!(edge.sql("SELECT 1 FROM api_key WHERE name = 'k'").len(), 1);
    office.log();
}

#[test]
fn making_one_needs_a_recent_proof_which_no_key_has() {
    let office = people();
    let edge = &office.edge;
    let mut anna = signed_in(&office, "anna");
    let new = json!({ "name": "k", "scopes": ["me"] });
    let by_key = edge.key_of(TENANT, Some(ANNA), None, &["me", "admin:write"]);
    assert_problem(&edge.call(&by_key, "POST", KEYS, Some(new.clone())), 403, "session.step_up_required");
    assert_eq!(edge.call(&by_key, "GET", KEYS, None).status, 200);
    let tenants = edge.key(&["access:evaluate"]);
    assert_problem(&edge.call(&tenants, "GET", KEYS, None), 403, "access.missing_scope");
    edge.app.clock.set(edge.app.clock.now().plus_millis(15 * 60 * 1000));
    assert_problem(&anna.post(edge, KEYS, new.clone()), 403, "session.step_up_required");
    assert_status(&anna.post(edge, "/v1/auth/step-up", json!({ "password": PASSWORD })), 200);
    assert_status(&anna.post(edge, KEYS, new.clone()), 201);
    // Nor does a page of another origin make one.
    let mut request = request("POST", KEYS);
    request.headers.insert("origin".to_owned(), "https://evil.example".to_owned());
    request.headers.insert("content-type".to_owned(), "application/json".to_owned());
    request.body = Body::Bytes(new.to_string().into_bytes());
    assert_problem(&anna.deliver(edge, request), 403, "request.cross_site");
}

#[test]
fn nobody_sees_or_takes_back_anothers() {
    let office = people();
    let edge = &office.edge;
    edge.seed(&other());
    let (mut anna, mut ben) = (signed_in(&office, "anna"), signed_in(&office, "ben@acme.example"));
    let made = assert_status(&anna.post(edge, KEYS, json!({ "name": "annas", "scopes": ["me"] })), 201);
    let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    assert_eq!(assert_status(&ben.get(edge, KEYS), 200)["items"], json!([]));
    assert_problem(&ben.send(edge, "DELETE", &path, None), 404, "http.not_found");
    // Olga's own way does not lead to it either: she administers keys elsewhere.
    let mut olga = signed_in(&office, "olga@acme.example");
    assert_problem(&olga.send(edge, "DELETE", &path, None), 404, "http.not_found");
    // The tenant's own keys are nobody's.
    let id = edge.sql("SELECT id FROM api_key WHERE user_id IS NULL LIMIT 1");
    for row in id {
        let path = format!("{KEYS}/{}", row["id"].as_str().unwrap());
        assert_problem(&anna.send(edge, "DELETE", &path, None), 404, "http.not_found");
    }
    // Nor from another tenant: the session is none there, and its ids are nobody's.
    for (method, path) in [("GET", KEYS), ("POST", KEYS), ("DELETE", path.as_str())] {
        let mut request = request(method, path);
        request.origin = "https://other.id.example".to_owned();
        request.headers.insert("sec-fetch-site".to_owned(), "same-origin".to_owned());
        let cookies: Vec<String> = anna.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.headers.insert("cookie".to_owned(), cookies.join("; "));
        assert_eq!(edge.send(request).status, 401, "{method}");
    }
    let theirs = edge.key_of(OTHER, Some(&stranger(edge)), None, &["me"]);
    assert_problem(&edge.call(&theirs, "DELETE", &path, None), 404, "http.not_found");
    assert_eq!(assert_status(&edge.call(&theirs, "GET", KEYS, None), 200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(edge.sql("SELECT 1 FROM api_key WHERE name = 'annas'").len(), 1);
}

/// Somebody of the other tenant.
fn stranger(edge: &Edge) -> String {
    let id = "01980000-0000-7000-8000-000000000999";
    edge.sql(
        "INSERT INTO user (id, tenant_id, email, custom_attributes, email_verified, phone_verified, is_active, state,
                           force_password_change, created_at, updated_at)
         VALUES ('01980000-0000-7000-8000-000000000999', '01980000-0000-7000-8000-000000000002', 'x@other.example', '{}',
                 0, 0, 1, 'active', 0, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
    );
    id.to_owned()
}

#[test]
fn nobody_makes_ever_more() {
    let office = people();
    let edge = &office.edge;
    let mut anna = signed_in(&office, "anna");
    let mut make = || anna.post(edge, KEYS, json!({ "name": "k", "scopes": ["me"] }));
    for _ in 0..20 {
        assert_status(&make(), 201);
    }
    assert_problem(&make(), 409, "api_key.too_many");
}

#[test]
fn on_pages_a_key_is_made_shown_once_and_revoked() {
    let office = people();
    let edge = &office.edge;
    let mut tab = Tab::signed_in(edge);
    let page = html(&tab.open(edge, "/account/api-keys"));
    assert!(page.contains("You have no keys.") && page.contains("href=\"/account/api-keys/new\""), "{page}");
    let new = "/account/api-keys/new";
    let page = html(&tab.open(edge, new));
    assert!(page.contains("id=\"scope_me\" name=\"scope_me\" value=\"yes\" checked"), "{page}");
    for (typed, words) in [
        (&[("name", ""), ("scope_me", "yes")][..], "This must be filled in."),
        (&[("name", "script")][..], "Choose what the key may do."),
        (&[("name", "\u{7}"), ("scope_me", "yes")][..], "A name has 1 to 255 characters."),
    ] {
        let response = tab.submit(edge, new, typed);
        assert_eq!(response.status, 422);
        assert!(html(&response).contains(words), "{}", html(&response));
    }
    let typed = [("name", "my <b>script</b>"), ("scope_me", "yes"), ("days", "30")];
    let page = html(&tab.submit(edge, new, &typed));
    let shown = page.split("<pre class=\"once\">").nth(1).unwrap().split("</pre>").next().unwrap();
    let key = ApiKeyToken::parse(shown).unwrap();
    assert!(page.contains("It is not shown again."), "{page}");
    assert_eq!(edge.call(&key, "GET", "/v1/me/notifications/unread", None).status, 200);
    assert_eq!(
        edge.sql("SELECT expires_at FROM api_key WHERE name LIKE 'my %'")[0]["expires_at"],
        "2026-04-01T10:00:00.000Z"
    );
    let page = html(&tab.open(edge, "/account/api-keys"));
    assert!(page.contains("my &lt;b&gt;script&lt;/b&gt;") && page.contains(key.prefix()), "{page}");
    assert!(!page.contains(key.expose()) && page.contains("2026-04-01 10:00 UTC"), "{page}");
    let id = page.split("name=\"revoke\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    // Another's form does not revoke it, nor does another person.
    let mut ben = Tab::default();
    ben.sign_in(edge, "ben@acme.example", PASSWORD);
    assert_leads(&ben.submit(edge, "/account/api-keys", &[("revoke", &id)]), "/account/api-keys");
    let token = hidden(&html(&ben.open(edge, "/account")), "csrf_token").unwrap();
    assert_eq!(tab.post(edge, "/account/api-keys", &[("csrf_token", &token), ("revoke", &id)]).status, 403);
    assert_eq!(edge.call(&key, "GET", "/v1/me/notifications/unread", None).status, 200);
    let done = "/account/api-keys?done=key_revoked";
    assert_leads(&tab.submit(edge, "/account/api-keys", &[("revoke", &id)]), done);
    assert_problem(&edge.call(&key, "GET", "/v1/me/notifications/unread", None), 401, "key.unknown");
    allow(&office, false);
    assert_leads(&tab.open(edge, new), "/account/api-keys");
    assert!(html(&tab.open(edge, "/account/api-keys")).contains("Keys are made by your administrators here."));
}
