//! API keys: shown once, as wide as their owner at most, changed for others, and dead with their owner.

use super::administration::{Office, assert_refused, assert_status, office};
use super::*;
use parapet_worker::authenticate::write_uses;

const OLGA: &str = "01980000-0000-7000-8000-000000000111";
const ADAM: &str = "01980000-0000-7000-8000-000000000112";

fn token(made: &Value) -> ApiKeyToken {
    ApiKeyToken::parse(made["key"].as_str().unwrap()).unwrap()
}

fn path(made: &Value) -> String {
    format!("/v1/api-keys/{}", made["id"].as_str().unwrap())
}

fn codes(response: &Response) -> Vec<String> {
    let findings = body(response)["findings"].as_array().unwrap().clone();
    findings
        .iter()
        .map(|finding| format!("{} {}", finding["field"].as_str().unwrap(), finding["code"].as_str().unwrap()))
        .collect()
}

fn all(office: &Office) -> String {
    let mut all = String::new();
    for table in parapet::model::TABLES.iter().map(|table| table.name).chain(["idempotency_key"]) {
        let rows = pollster::block_on(office.edge.app.db.all(Statement::new(format!("SELECT * FROM \"{table}\""))));
        all.extend(rows.unwrap().into_iter().map(|row| format!("{table} {row:?}\n")));
    }
    all
}

#[test]
fn a_key_is_shown_once_and_kept_nowhere() {
    let office = office();
    let send = || {
        let new = json!({ "name": "pep", "scopes": ["access:evaluate"] });
        let mut request = keyed(&office.admin, "POST", "/v1/api-keys", Some(new));
        request.headers.insert("idempotency-key".to_owned(), "k".to_owned());
        office.edge.send(request)
    };
    let response = send();
    let made = assert_status(&response, 201);
    let key = token(&made);
    assert_eq!(made["key_prefix"], key.prefix());
    assert!(made.get("key_hash").is_none());
    assert_decision(&office.edge.ask(&key), true);
    let again = assert_status(&send(), 201);
    assert_eq!((again.get("key"), &again["id"]), (None, &made["id"]));
    let seen = office.admin("GET", &path(&made), Value::Null);
    assert_eq!((assert_status(&seen, 200).get("key"), seen.header("etag")), (None, response.header("etag")));
    let all = all(&office);
    assert!(!all.contains(key.expose()));
    let with_hash: Vec<&str> = all.lines().filter(|line| line.contains(&key.hash())).collect();
    assert!(with_hash.len() == 1 && with_hash[0].starts_with("api_key "), "{with_hash:?}");
    assert_eq!(office.events(), ["api_key.created"]);
}

#[test]
fn a_key_for_a_user_is_that_users_to_make() {
    let office = office();
    let new = |user: &str| json!({ "name": "k", "user_id": user, "scopes": ["admin:read", "parapet:role.read"] });
    assert_refused(&office.admin("POST", "/v1/api-keys", new(BEN)), &["in_anothers_name"]);
    assert_refused(&office.owner("POST", "/v1/api-keys", new(ADAM)), &["in_anothers_name"]);
    let made = assert_status(&office.admin("POST", "/v1/api-keys", new(ADAM)), 201);
    assert_status(&office.by(&token(&made), "GET", "/v1/roles", Value::Null), 200);
    let both = json!({ "name": "k", "user_id": ADAM, "service_account_id": BOT, "scopes": ["admin:read"] });
    assert_eq!(codes(&office.owner("POST", "/v1/api-keys", both)), ["service_account_id api_key.two_owners"]);
    let none = json!({ "name": "k", "user_id": READER, "scopes": ["admin:read"] });
    assert_eq!(codes(&office.owner("POST", "/v1/api-keys", none)), ["user_id reference.not_found"]);
}

#[test]
fn a_key_for_an_account_is_theirs_to_make_who_hold_what_it_holds() {
    let office = office();
    let new = json!({ "name": "k", "service_account_id": BOT, "scopes": ["access:evaluate", "document:archive"] });
    assert_refused(&office.admin("POST", "/v1/api-keys", new.clone()), &["not_held"]);
    let made = assert_status(&office.owner("POST", "/v1/api-keys", new), 201);
    assert_refused(&office.admin("POST", &format!("{}/rotate", path(&made)), json!({})), &["not_held"]);
    let until = json!({ "expires_at": "2026-04-01T00:00:00.000Z" });
    assert_status(&office.admin("PATCH", &path(&made), until), 200);
    assert_refused(&office.admin("PATCH", &path(&made), json!({ "expires_at": null })), &["not_held"]);
}

/// Found by `make test-api`: the row refused the one scope that names no action, so that nobody could have such a key.
#[test]
fn a_key_for_what_is_its_users_own_can_be_made() {
    let office = office();
    let new = json!({ "name": "mine", "user_id": ADAM, "scopes": ["me"] });
    let made = assert_status(&office.admin("POST", "/v1/api-keys", new), 201);
    assert_status(&office.by(&token(&made), "GET", "/v1/me/notifications", Value::Null), 200);
    assert_problem(&office.by(&token(&made), "GET", "/v1/roles", Value::Null), 403, "access.missing_scope");
    let of_tenant = office.owner("POST", "/v1/api-keys", json!({ "name": "nobody's", "scopes": ["me"] }));
    assert_eq!(codes(&of_tenant), ["scopes/0 api_key.scope_without_owner"]);
}

#[test]
fn scopes_are_actions_that_there_are_or_the_apis_own() {
    let office = office();
    let scopes = ["document:read", "document:burn", "admin:all", "access:evaluate", "parapet:role.read", "odd"];
    let of = |owner: Value| {
        let mut new = json!({ "name": "k", "scopes": scopes });
        new.as_object_mut().unwrap().extend(owner.as_object().unwrap().clone());
        codes(&office.owner("POST", "/v1/api-keys", new))
    };
    let of_user = of(json!({ "user_id": OLGA }));
    assert_eq!(
        of_user,
        [
            "scopes/5 api_key.scope",
            "scopes/1 api_key.unknown_scope",
            "scopes/2 api_key.unknown_scope",
            "scopes/5 api_key.unknown_scope"
        ]
    );
    let of_tenant = of(json!({}));
    for index in [0, 4] {
        assert!(of_tenant.contains(&format!("scopes/{index} api_key.scope_without_owner")), "{of_tenant:?}");
    }
    let admin = office.owner("POST", "/v1/api-keys", json!({ "name": "k", "scopes": ["admin:read"] }));
    assert_eq!(codes(&admin), ["scopes/0 api_key.scope_without_owner"]);
    let me = |owner: Value| json!({ "name": "k", "user_id": owner, "scopes": ["me"] });
    let made = assert_status(&office.owner("POST", "/v1/api-keys", me(json!(OLGA))), 201);
    assert_status(&office.by(&token(&made), "GET", "/v1/me/notifications", Value::Null), 200);
    let of_tenant = codes(&office.owner("POST", "/v1/api-keys", me(Value::Null)));
    assert_eq!(of_tenant, ["scopes/0 api_key.scope_without_owner"]);
    let none = office.owner("POST", "/v1/api-keys", json!({ "name": "k", "user_id": OLGA }));
    assert_eq!(codes(&none), ["scopes api_key.no_scope"]);
    let own = json!({ "name": "k", "scopes": ["access:evaluate"], "key_hash": "x", "key_prefix": "y", "key": "z",
                      "expires_at": "2026-01-02T00:00:00.000Z" });
    let mut codes = codes(&office.owner("POST", "/v1/api-keys", own));
    codes.sort();
    assert_eq!(
        codes,
        [
            "expires_at api_key.expires_at",
            "expires_at row.past",
            "key row.unknown_field",
            "key_hash row.read_only",
            "key_prefix row.read_only"
        ]
    );
}

#[test]
fn who_speaks_of_the_context_is_an_owners_to_choose() {
    let office = office();
    let new = json!({ "name": "gate", "scopes": ["access:evaluate", "access:context"] });
    assert_refused(&office.admin("POST", "/v1/api-keys", new.clone()), &["needs_owner"]);
    assert_status(&office.owner("POST", "/v1/api-keys", new), 201);
}

#[test]
fn a_key_for_little_makes_none_for_more() {
    let office = office();
    let narrow = office.edge.key_of(TENANT, Some(OLGA), None, &["parapet:api_key.write", "document:read"]);
    let new = |scope: &str| json!({ "name": "k", "user_id": OLGA, "scopes": [scope] });
    let wide = office.by(&narrow, "POST", "/v1/api-keys", new("admin:write"));
    assert_problem(&wide, 403, "access.missing_scope");
    assert_status(&office.by(&narrow, "POST", "/v1/api-keys", new("document:read")), 201);
    let own = office.edge.sql("SELECT id FROM api_key WHERE scopes = '[\"admin:read\",\"admin:write\"]' AND user_id = '01980000-0000-7000-8000-000000000111'");
    let rotate = format!("/v1/api-keys/{}/rotate", own[0]["id"].as_str().unwrap());
    assert_problem(&office.by(&narrow, "POST", &rotate, json!({})), 403, "access.missing_scope");
}

#[test]
fn scopes_narrow_what_the_owner_holds_and_never_widen_it() {
    let office = office();
    let ask = |key: &ApiKeyToken, user: &str, action: &str| {
        office.edge.post("/access/v1/evaluation", key, &question(user, action))
    };
    // Anna holds document:read by a role. A key without that scope does not use it, a scope alone gives nothing.
    let with = office.edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate", "document:read", "document:archive"]);
    let without = office.edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate", "document:archive"]);
    assert_decision(&ask(&with, ANNA, "read"), true);
    assert_decision(&ask(&with, ANNA, "archive"), false);
    assert_decision(&ask(&without, ANNA, "read"), false);
    // What the owner loses, the key loses.
    let role = "/v1/user-roles/01980000-0000-7000-8000-000000000501";
    assert_status(&office.owner("DELETE", role, Value::Null), 204);
    assert_decision(&ask(&with, ANNA, "read"), false);
    // The same for the admin API: Adam's key says more than Adam may.
    let wide = office.edge.key_of(TENANT, Some(BEN), None, &["admin:read", "admin:write", "parapet:user.purge"]);
    assert_problem(&office.by(&wide, "GET", "/v1/roles", Value::Null), 403, "access.missing_permission");
}

#[test]
fn a_rotated_key_lives_on_for_its_overlap() {
    let office = office();
    let new = json!({ "name": "pep", "scopes": ["access:evaluate"] });
    let old = assert_status(&office.admin("POST", "/v1/api-keys", new), 201);
    let rotate = format!("{}/rotate", path(&old));
    for wrong in
        [json!({ "overlap_seconds": 604_801 }), json!({ "overlap_seconds": -1 }), json!({ "overlap_seconds": "1" })]
    {
        assert_eq!(codes(&office.admin("POST", &rotate, wrong)), ["overlap_seconds row.wrong_type"]);
    }
    assert_eq!(codes(&office.admin("POST", &rotate, json!({ "scopes": [] }))), ["scopes row.unknown_field"]);
    let response = office.admin("POST", &rotate, json!({ "overlap_seconds": 60 }));
    let fresh = assert_status(&response, 201);
    assert_eq!(response.header("location"), Some(path(&fresh).as_str()));
    assert_eq!((&fresh["scopes"], &fresh["name"], &fresh["user_id"]), (&old["scopes"], &old["name"], &old["user_id"]));
    assert_ne!(fresh["id"], old["id"]);
    assert_decision(&office.edge.ask(&token(&old)), true);
    assert_decision(&office.edge.ask(&token(&fresh)), true);
    office.edge.app.clock.set(time("2026-03-02T10:01:00.000Z"));
    assert_problem(&office.edge.ask(&token(&old)), 401, "key.expired");
    assert_decision(&office.edge.ask(&token(&fresh)), true);
    assert_problem(&office.admin("POST", &rotate, json!({})), 409, "api_key.off");
    // A rotation that comes again shows no key, and makes none.
    let again = || {
        let rotate = format!("{}/rotate", path(&fresh));
        let mut request = keyed(&office.admin, "POST", &rotate, Some(json!({ "overlap_seconds": 1 })));
        request.headers.insert("idempotency-key".to_owned(), "r".to_owned());
        assert_status(&office.edge.send(request), 201)
    };
    let (first, second) = (again(), again());
    assert_eq!((&first["id"], second.get("key")), (&second["id"], None));
    assert_decision(&office.edge.ask(&token(&first)), true);
    // Without an overlap the old one is dead at once.
    let third = assert_status(&office.admin("POST", &format!("{}/rotate", path(&fresh)), Value::Null), 201);
    assert_problem(&office.edge.ask(&token(&fresh)), 401, "key.inactive");
    assert_decision(&office.edge.ask(&token(&third)), true);
    assert_eq!(
        office.events(),
        [
            "api_key.created",
            "api_key.created",
            "api_key.rotated",
            "api_key.created",
            "api_key.rotated",
            "api_key.created",
            "api_key.rotated"
        ]
    );
    assert!(!all(&office).contains(token(&third).expose()));
}

#[test]
fn what_was_taken_from_a_key_does_not_come_back() {
    let office = office();
    let new = json!({ "name": "pep", "scopes": ["access:evaluate"], "expires_at": "2026-03-02T11:00:00.000Z" });
    let made = assert_status(&office.admin("POST", "/v1/api-keys", new), 201);
    let patch = |patch: Value| office.admin("PATCH", &path(&made), patch);
    assert_status(&patch(json!({ "name": "gate", "expires_at": "2026-03-02T12:00:00.000Z" })), 200);
    office.edge.app.clock.set(time("2026-03-02T10:30:00.000Z"));
    assert_eq!(codes(&patch(json!({ "expires_at": "2026-03-02T10:30:00.000Z" }))), ["expires_at row.past"]);
    let read_only = codes(&patch(json!({ "scopes": ["access:context"], "user_id": ADAM })));
    assert_eq!(read_only, ["user_id row.read_only", "scopes row.read_only"]);
    office.edge.app.clock.set(time("2026-03-02T12:00:00.000Z"));
    assert_eq!(codes(&patch(json!({ "expires_at": null }))), ["expires_at api_key.ended"]);
    assert_status(&patch(json!({ "is_active": false })), 200);
    assert_eq!(codes(&patch(json!({ "is_active": true }))), ["is_active api_key.off"]);
    assert_status(&office.admin("DELETE", &path(&made), Value::Null), 204);
    assert_problem(&office.edge.ask(&token(&made)), 401, "key.unknown");
    assert_eq!(office.events().last().unwrap(), "api_key.revoked");
}

#[test]
fn somebody_elses_key_may_be_taken_and_not_prolonged() {
    let office = office();
    let mine =
        json!({ "name": "k", "user_id": OLGA, "scopes": ["admin:read"], "expires_at": "2026-04-01T00:00:00.000Z" });
    let olgas = assert_status(&office.owner("POST", "/v1/api-keys", mine), 201);
    for taken in [json!({ "is_active": false }), json!({ "expires_at": "2026-03-03T00:00:00.000Z" })] {
        assert_refused(&office.admin("PATCH", &path(&olgas), taken), &["touches_owner"]);
    }
    assert_refused(&office.admin("DELETE", &path(&olgas), Value::Null), &["touches_owner"]);
    let own =
        json!({ "name": "k", "user_id": ADAM, "scopes": ["admin:read"], "expires_at": "2026-04-01T00:00:00.000Z" });
    let adams = assert_status(&office.admin("POST", "/v1/api-keys", own), 201);
    assert_refused(&office.owner("PATCH", &path(&adams), json!({ "expires_at": null })), &["in_anothers_name"]);
    assert_refused(&office.owner("POST", &format!("{}/rotate", path(&adams)), json!({})), &["in_anothers_name"]);
    assert_status(&office.admin("PATCH", &path(&adams), json!({ "expires_at": null })), 200);
    assert_status(&office.owner("DELETE", &path(&adams), Value::Null), 204);
}

#[test]
fn the_use_of_a_key_is_written_once_an_hour_and_changes_nothing() {
    let office = office();
    let made = json!({ "name": "pep", "scopes": ["access:evaluate"] });
    let made = assert_status(&office.admin("POST", "/v1/api-keys", made), 201);
    let app = &office.edge.app;
    pollster::block_on(write_uses(app));
    let (versions, log) = (office.versions(), office.log().len());
    let used = || {
        let row = Statement::new("SELECT last_used_at FROM api_key WHERE id = ?1").bind(made["id"].as_str().unwrap());
        pollster::block_on(app.db.all(row)).unwrap()[0]["last_used_at"].clone()
    };
    let ask = |at: &str| {
        app.clock.set(time(at));
        let before = app.db.round_trips();
        assert_decision(&office.edge.ask(&token(&made)), true);
        pollster::block_on(write_uses(app));
        app.db.round_trips() - before
    };
    assert_eq!(used(), Value::Null);
    ask("2026-03-02T10:00:00.000Z");
    assert_eq!(used(), "2026-03-02T10:00:00.000Z");
    assert_eq!(ask("2026-03-02T10:59:59.999Z"), 1, "nothing is written");
    assert_eq!(used(), "2026-03-02T10:00:00.000Z");
    assert_eq!(ask("2026-03-02T11:00:00.000Z"), 2);
    assert_eq!(used(), "2026-03-02T11:00:00.000Z");
    // Another isolate knows it from the row.
    let other = office.edge.restarted();
    assert_decision(&other.ask(&token(&made)), true);
    assert!(!other.app.memory.has_uses());
    assert_eq!((office.versions(), office.log().len()), (versions, log));
}
