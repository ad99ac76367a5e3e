//! `/v1/token-keys`: the keys that sign, and how one follows another without a verifier ever being without.

use super::administration::{OLGA, Office, assert_status, office};
use super::reseal;
use super::scheduled::{due, pass};
use super::token::{exchange, read, taken, token};
use super::*;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Which key signed a token.
fn kid(token: &str) -> String {
    parapet::token::key_id(token).unwrap()
}

/// The published keys.
fn published(edge: &Edge) -> Vec<String> {
    let set = body(&edge.get("/.well-known/jwks.json/acme"));
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn with_key() -> (Office, ApiKeyToken) {
    let office = office();
    let key = office.edge.key(&["access:evaluate"]);
    (office, key)
}

#[test]
fn a_key_is_published_before_it_signs_and_until_its_last_token_has_ended() {
    let (office, key) = with_key();
    let edge = &office.edge;
    let first = token(edge, &key);
    let rotated = assert_status(&office.owner("POST", "/v1/token-keys/rotate", Value::Null), 201);
    let second = rotated["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (rotated["signs_from"].as_str(), rotated["retires_at"].as_str()),
        (Some("2026-03-02T10:10:00.000Z"), None)
    );
    assert!(rotated.get("private_key").is_none());
    assert_eq!(published(edge), [second.clone(), kid(&first)]);
    assert_eq!(kid(&token(edge, &key)), kid(&first));
    let pending = office.owner("POST", "/v1/token-keys/rotate", Value::Null);
    assert_problem(&pending, 409, "token_key.pending");
    // The last token of the old key is taken as long as it lasts.
    pass(edge, 10 * MINUTE - 1);
    let last = token(edge, &key);
    assert_eq!(kid(&last), kid(&first));
    pass(edge, 1);
    assert_eq!(kid(&token(edge, &key)), second);
    pass(edge, 5 * MINUTE - 1_001);
    read(edge, &last);
    pass(edge, 11 * MINUTE + 1_000);
    assert_eq!(published(edge), [second.clone(), kid(&first)]);
    pass(edge, 1);
    assert_eq!(published(edge), std::slice::from_ref(&second));
    assert_eq!(due(edge, "rotate_token_keys")["items"], 1);
    let page = assert_status(&office.owner("GET", "/v1/token-keys", Value::Null), 200);
    assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][0]["id"]), (1, &json!(second)));
    let events = ["token_key.created", "token_key.retired", "token_key.created", "token_key.deleted"];
    assert_eq!(office.events(), events);
    assert_eq!(office.log().iter().map(|row| row.event_type.clone()).collect::<Vec<_>>(), events);
    assert_eq!((office.log()[1].user_id, office.log()[3].user_id), (Some(OLGA.parse().unwrap()), None));
    assert_eq!(office.versions(), (7, 3));
}

#[test]
fn a_key_that_somebody_else_has_ends_at_once_with_all_that_it_signed() {
    let (office, key) = with_key();
    let edge = &office.edge;
    let asks = edge.key(&["token:introspect"]);
    let active = |token: &str| {
        let response = edge.post("/v1/token/introspect", &asks, &json!({ "token": token }));
        assert_status(&response, 200)["active"] == true
    };
    let stolen = token(edge, &key);
    assert!(active(&stolen));
    assert_status(&office.owner("POST", "/v1/token-keys/rotate", Value::Null), 201);
    let rotated = office.owner("POST", "/v1/token-keys/rotate", json!({ "at_once": true }));
    let rotated = assert_status(&rotated, 201)["id"].as_str().unwrap().to_owned();
    assert_eq!(published(edge), std::slice::from_ref(&rotated));
    assert!(!active(&stolen));
    let fresh = token(edge, &key);
    assert_eq!(kid(&fresh), rotated);
    assert!(active(&fresh));
    assert_eq!(due(edge, "rotate_token_keys")["items"], 1);
    assert_eq!(edge.app.db.count("token_key"), Some(1));
}

#[test]
fn who_changes_keys_holds_the_permission() {
    let (office, _) = with_key();
    assert_status(&office.admin("POST", "/v1/token-keys/rotate", Value::Null), 201);
    assert_status(&office.admin("GET", "/v1/token-keys", Value::Null), 200);
    let anna = office.edge.key_of(TENANT, Some(ANNA), None, &["admin:read", "admin:write"]);
    assert_problem(&office.by(&anna, "GET", "/v1/token-keys", Value::Null), 403, "access.missing_permission");
    let rotate = office.by(&anna, "POST", "/v1/token-keys/rotate", Value::Null);
    assert_problem(&rotate, 403, "access.missing_permission");
    for wrong in [json!({ "at_once": 1 }), json!({ "now": true })] {
        let response = office.owner("POST", "/v1/token-keys/rotate", wrong);
        assert_problem(&response, 422, "request.invalid");
    }
    // A rotation that comes again makes no second key.
    let again = || {
        let mut request = keyed(&office.owner, "POST", "/v1/token-keys/rotate", Some(json!({ "at_once": true })));
        request.headers.insert("idempotency-key".to_owned(), "k".to_owned());
        assert_status(&office.edge.send(request), 201)["id"].clone()
    };
    assert_eq!(again(), again());
}

#[test]
fn after_ninety_days_another_key_signs_which_was_published_a_day_before() {
    let (office, key) = with_key();
    let edge = &office.edge;
    let first = kid(&token(edge, &key));
    pass(edge, 89 * DAY - 60 * MINUTE - 1);
    assert_eq!(due(edge, "rotate_token_keys")["items"], 0);
    assert_eq!(due(edge, "rotate_token_keys")["items"], 1);
    let keys = published(edge);
    assert_eq!((keys.len(), &keys[1]), (2, &first));
    assert_eq!(due(edge, "rotate_token_keys")["items"], 1, "once");
    pass(edge, DAY - 60 * MINUTE - 1);
    assert_eq!(kid(&token(edge, &key)), first);
    pass(edge, 1);
    assert_eq!(kid(&token(edge, &key)), keys[0]);
    pass(edge, 16 * MINUTE);
    assert_eq!(due(edge, "rotate_token_keys")["items"], 2);
    assert_eq!(published(edge), [keys[0].clone()]);
    assert_eq!(office.events(), ["token_key.created", "token_key.retired", "token_key.created", "token_key.deleted"]);
}

/// Isolates that have just started find the first one's key.
#[test]
fn a_tenant_has_one_key_and_another_tenant_another() {
    let (office, key) = with_key();
    let edge = &office.edge;
    edge.seed(&other());
    let theirs = edge.key_of(OTHER, None, None, &["access:evaluate"]);
    let first = token(edge, &key);
    let anew = edge.restarted();
    assert_eq!(kid(&token(&anew, &key)), kid(&first));
    let other = token(edge, &theirs);
    assert_ne!(kid(&other), kid(&first));
    assert_eq!(edge.app.db.count("token_key"), Some(2));
    let second = edge.sql("SELECT count(*) AS open FROM token_key WHERE retires_at IS NULL GROUP BY tenant_id");
    assert!(second.iter().all(|row| row["open"] == 1));
}

/// Of two that make a first key at once the database keeps one (`tests/e2e/tokens.test.mjs` has them at once).
#[test]
fn one_key_of_a_tenant_has_no_successor() {
    let (office, key) = with_key();
    token(&office.edge, &key);
    let again = "INSERT INTO token_key SELECT 'another', tenant_id, algorithm, public_key, private_key, signs_from,
                                              retires_at, created_at FROM token_key";
    let error = pollster::block_on(office.edge.app.db.all(Statement::new(again))).unwrap_err();
    assert!(error.to_string().contains("UNIQUE"), "{error}");
}

/// The secret is sealed again as all others are, and signs on.
#[test]
fn the_secret_is_sealed_and_sealed_again() {
    let (mut office, key) = with_key();
    let first = token(&office.edge, &key);
    let sealed = |office: &Office| {
        let rows = office.edge.sql("SELECT private_key FROM token_key");
        rows[0]["private_key"].as_str().unwrap().to_owned()
    };
    assert!(sealed(&office).starts_with("d1."));
    reseal::changed(&mut office, &reseal::old());
    due(&office.edge, "reseal_secrets");
    assert!(sealed(&office).starts_with("d2."));
    reseal::changed(&mut office, "");
    assert_eq!(kid(&taken(&exchange(&office.edge, &key, &[]))), kid(&first));
    // Nothing that is shown or told holds it.
    let told = format!("{:?}{:?}", office.edge.app.db.rows("outbox"), office.edge.app.db.rows("audit_log"));
    assert!(told.contains("public_key") && !told.contains("private_key"));
}
