//! Events: what happens stands in the catalogue, says what the catalogue says of it, and all of the catalogue happens.

use super::administration::{OLGA, assert_status};
use super::tenants::operators;
use super::*;
use jsonschema::Validator;
use parapet::event::{EVENTS, TEST, data_schema, find, markdown};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

static VALIDATORS: LazyLock<BTreeMap<&'static str, Validator>> = LazyLock::new(|| {
    let validator = |name| jsonschema::draft202012::new(&data_schema(name).unwrap()).unwrap();
    EVENTS.iter().map(|event| (event.name, validator(event.name))).collect()
});

/// The events that a test brought about; rows of fixtures have ids that no clock gave.
fn happened(db: &Db) -> Vec<(String, Value)> {
    let rows = db.rows("outbox").into_iter().filter(|row| !row["id"].as_str().unwrap().starts_with("01980000-"));
    rows.map(|row| {
        let payload = serde_json::from_str(row["payload"].as_str().unwrap()).unwrap();
        (row["event_type"].as_str().unwrap().to_owned(), payload)
    })
    .collect()
}

/// Every event stands in the catalogue and is valid by its schema; and each row of the log that tells of a change has one.
pub(super) fn check(db: &Db) {
    let mut told: Vec<String> = Vec::new();
    for (name, payload) in happened(db) {
        assert!(find(&name).is_some(), "`{name}` does not stand in the catalogue");
        let wrong: Vec<String> = VALIDATORS[name.as_str()]
            .iter_errors(&payload)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{payload:#}");
        // What becomes of a message is no change that somebody made, and stands in no log.
        if !name.starts_with("user_notification.") {
            told.push(name);
        }
    }
    let log = db.rows("audit_log").into_iter().filter(|row| !row["id"].as_str().unwrap().starts_with("01980000-"));
    let mut logged: Vec<String> = log
        .filter(|row| row["event_type"] != "access.denied")
        .map(|row| row["event_type"].as_str().unwrap().to_owned())
        .collect();
    told.sort();
    logged.sort();
    // Old rows of either may have been cleared, and a test may write its own.
    if !told.is_empty() && logged.len() == told.len() {
        assert_eq!(told, logged);
    }
}

#[test]
fn the_docs_are_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events.md");
    let text = markdown();
    if std::env::var_os("PARAPET_ACCEPT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "run the tests with PARAPET_ACCEPT=1 to write {}", path.display());
}

#[test]
fn the_document_says_of_every_event_what_is_sent() {
    let document = parapet_worker::openapi::document::document().unwrap();
    let webhooks = document["webhooks"].as_object().unwrap();
    let names: BTreeSet<&str> = webhooks.keys().map(String::as_str).collect();
    assert_eq!(names, EVENTS.iter().map(|event| event.name).chain([TEST]).collect());
}

fn browser_of_nobody(edge: &Edge, path: &str, sent: Value) {
    assert_status(&super::sign_in::Browser::default().post(edge, path, sent), 200);
}

/// One thing after the other is done until all of the catalogue has happened.
#[test]
fn all_of_the_catalogue_happens() {
    let operators = operators();
    let office = &operators.office;
    let edge = &office.edge;
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let owner = |method: &str, path: &str, body: Value| {
        let response = office.owner(method, path, body);
        assert!(response.status < 300, "{method} {path}: {}", String::from_utf8_lossy(&response.body));
        if response.body.is_empty() { Value::Null } else { super::body(&response) }
    };
    // Where a row is made, changed and removed.
    let whole = |path: &str, make: Value, change: Value| {
        let path = format!("{path}/{}", id(&owner("POST", path, make)));
        owner("PATCH", &path, change);
        owner("DELETE", &path, Value::Null);
    };
    let until = "2026-04-01T00:00:00.000Z";
    let ask = office.edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&ask), true);
    let version = office.versions().0;

    let permission =
        json!({ "name": "documents.shred", "resource": "document", "action": "shred", "category": "user" });
    let permission = id(&owner("POST", "/v1/permissions", permission));
    let role = id(&owner("POST", "/v1/roles", json!({ "name": "shredder" })));
    owner("POST", "/v1/role-permissions", json!({ "role_id": role, "permission_id": permission }));
    let policy = json!({ "text": "forbid (principal, action == Action::\"document:archive\", resource);" });
    owner("PUT", "/v1/policies/mine", policy);
    owner("POST", &format!("/v1/snapshots/{version}/rollback"), Value::Null);
    assert!(office.events().contains(&"snapshot.rolled_back".to_owned()));

    whole(
        "/v1/permissions",
        json!({ "name": "documents.burn", "resource": "document", "action": "burn", "category": "user" }),
        json!({ "description": "x" }),
    );
    let role = id(&owner("POST", "/v1/roles", json!({ "name": "editor" })));
    owner("PATCH", &format!("/v1/roles/{role}"), json!({ "description": "edits" }));
    let read = json!({ "role_id": role, "permission_id": "01980000-0000-7000-8000-000000000401" });
    whole("/v1/role-permissions", read, json!({ "effect": "deny" }));
    whole("/v1/user-roles", json!({ "user_id": BEN, "role_id": role }), json!({ "expires_at": until }));
    let group = id(&owner("POST", "/v1/user-groups", json!({ "name": "all" })));
    owner("PATCH", &format!("/v1/user-groups/{group}"), json!({ "description": "everybody" }));
    whole(
        "/v1/user-group-memberships",
        json!({ "user_group_id": group, "user_id": BEN }),
        json!({ "expires_at": until }),
    );
    whole("/v1/user-group-roles", json!({ "user_group_id": group, "role_id": role }), json!({ "expires_at": until }));
    owner("DELETE", &format!("/v1/user-groups/{group}"), Value::Null);
    owner("DELETE", &format!("/v1/roles/{role}"), Value::Null);
    whole("/v1/organization-units", json!({ "name": "sales" }), json!({ "name": "sale" }));
    whole("/v1/feature-flags", json!({ "flag_name": "beta" }), json!({ "is_enabled": true }));
    whole("/v1/service-accounts", json!({ "name": "robot" }), json!({ "name": "android" }));
    let key = owner("POST", "/v1/api-keys", json!({ "name": "mine", "user_id": OLGA, "scopes": ["admin:read"] }));
    owner("PATCH", &format!("/v1/api-keys/{}", id(&key)), json!({ "name": "my" }));
    let key = owner("POST", &format!("/v1/api-keys/{}/rotate", id(&key)), json!({}));
    owner("DELETE", &format!("/v1/api-keys/{}", id(&key)), Value::Null);
    owner("PUT", "/v1/resources/document/d9", json!({}));
    owner("PUT", "/v1/resources/document/d9", json!({ "attributes": { "a": 1 } }));
    owner("DELETE", "/v1/resources/document/d9", Value::Null);
    owner("PUT", "/v1/tenant-settings/ui/theme", json!({ "value": "dark" }));
    owner("PUT", "/v1/tenant-settings/ui/theme", json!({ "value": "light" }));
    owner("DELETE", "/v1/tenant-settings/ui/theme", Value::Null);

    let mine = edge.key_of(TENANT, Some(OLGA), None, &["admin:read", "token:revoke"]);
    let token = super::token::token(edge, &mine);
    assert_eq!(edge.post("/v1/token/revoke", &mine, &json!({ "token": token })).status, 200);
    owner("POST", "/v1/token-keys/rotate", json!({ "at_once": true }));
    super::scheduled::due(edge, "rotate_token_keys");

    let user = id(&owner("POST", "/v1/users", json!({ "email": "eve@acme.example", "state": "active" })));
    let user = format!("/v1/users/{user}");
    owner("PATCH", &user, json!({ "first_name": "Eve" }));
    for step in ["lock", "unlock", "suspend", "reactivate", "end-sessions"] {
        owner("POST", &format!("{user}/{step}"), Value::Null);
    }
    owner("DELETE", &user, Value::Null);
    owner("POST", &format!("{user}/restore"), Value::Null);
    edge.sql(
        "INSERT INTO access_request (id, tenant_id, requester_id, request_type, role_id, requested_permissions, status,
                                     created_at, updated_at)
         SELECT '01980000-0000-7000-8000-0000000000ff', tenant_id, id, 'role', '01980000-0000-7000-8000-000000000301', '[]',
                'pending', created_at, created_at FROM user WHERE email = 'eve@acme.example'",
    );
    owner("DELETE", &user, Value::Null);
    owner("POST", &format!("{user}/purge"), Value::Null);

    let template = json!({ "name": "test", "type": "email", "locale": "de", "subject": "a", "template_body": "a" });
    whole("/v1/notification-templates", template.clone(), json!({ "subject": "b" }));
    let template = format!("/v1/notification-templates/{}", id(&owner("POST", "/v1/notification-templates", template)));
    owner("PATCH", &template, json!({ "subject": "b" }));
    owner("POST", &format!("{template}/restore"), json!({ "version": 1 }));
    owner("POST", &format!("{template}/test"), Value::Null);
    edge.sql(
        "INSERT INTO message_suppression (id, tenant_id, user_id, type, address, created_at)
         SELECT '01980000-0000-7000-8000-0000000000fe', tenant_id, id, 'email', email, created_at FROM user
         WHERE email = 'anna@acme.example'",
    );
    owner("DELETE", "/v1/message-suppressions/01980000-0000-7000-8000-0000000000fe", Value::Null);

    owner("PUT", "/v1/tenant-settings/auth/routes.app", json!({ "value": { "routes": [] } }));
    edge.app.dns.lead("origin.acme.com", &["1.1.1.1".parse().unwrap()]);
    let host = json!({ "host": "app.acme.com", "origin": "https://origin.acme.com", "route_map": "app" });
    super::gateway::prove(office, &host);
    whole("/v1/gateway-hosts", host, json!({ "is_active": false }));
    edge.app.dns.lead("login.acme.com", &["1.1.1.1".parse().unwrap()]);
    let issuer = json!({ "name": "corporate", "type": "oidc",
                         "configuration": { "issuer": "https://login.acme.com", "audiences": ["app"] } });
    whole("/v1/identity-providers", issuer.clone(), json!({ "is_active": false }));
    let issuer = id(&owner("POST", "/v1/identity-providers", issuer));
    let linked = json!({ "user_id": ANNA, "identity_provider_id": issuer, "external_id": "00u1" });
    whole("/v1/federated-identities", linked, json!({ "external_id": "00u2" }));

    let candidate = json!({ "changes": [{ "table": "role", "insert": { "name": "next", "type": "custom" } }] });
    owner("POST", "/v1/snapshots/candidate", candidate.clone());
    owner("DELETE", "/v1/snapshots/candidate", Value::Null);
    let candidate = id(&owner("POST", "/v1/snapshots/candidate", candidate));
    owner("POST", "/v1/snapshots/candidate/promote", json!({ "id": candidate }));

    super::webhooks::lead(edge);
    let hook = json!({ "name": "all", "url": "https://hooks.acme.com/in", "event_types": ["*"] });
    let hook = format!("/v1/webhooks/{}", id(&owner("POST", "/v1/webhooks", hook)));
    owner("PATCH", &hook, json!({ "name": "every" }));
    owner("POST", &format!("{hook}/rotate-secret"), json!({}));
    let delivery = owner("POST", &format!("{hook}/test"), Value::Null);
    owner("POST", &format!("/v1/webhook-deliveries/{}/redeliver", id(&delivery)), Value::Null);
    owner("POST", &format!("{hook}/redeliver"), json!({ "from": "2026-01-01T00:00:00.000Z", "to": until }));
    // By an API that takes a message, and one that does not.
    edge.app.dns.lead("api.postmarkapp.com", &["1.1.1.1".parse().unwrap()]);
    for (key, value) in [
        ("mail_transport", "http"),
        ("mail_http_preset", "postmark"),
        ("mail_http_secret", "s"),
        ("mail_from", "hello@acme.example"),
    ] {
        owner("PUT", &format!("/v1/tenant-settings/integration/{key}"), json!({ "value": value }));
    }
    for status in [200, 422] {
        edge.app.fetch.answer(move |_| Ok(super::messages::answer(status)));
        owner("POST", &format!("{template}/test"), Value::Null);
        for message in edge.app.deliveries.take() {
            pollster::block_on(parapet_worker::messaging::consume(&edge.app, &message.to_string()));
        }
    }
    edge.app.fetch.answer(|_| Ok(super::messages::answer(410)));
    super::messages::settle(edge);
    owner("DELETE", &hook, Value::Null);

    let asked = owner("POST", "/v1/tenant/domain", json!({ "domain": "id.acme.example" }));
    edge.app.dns.add("_parapet.id.acme.example", asked["record"]["value"].as_str().unwrap());
    owner("PATCH", "/v1/tenant", json!({ "name": "Acme & Co" }));
    owner("POST", "/v1/tenant/domain/verify", json!({ "domain": "id.acme.example" }));
    owner("DELETE", "/v1/tenant/domain", Value::Null);
    let operator = |method: &str, path: &str, body: Value| {
        let response = operators.call(method, path, body);
        assert!(response.status < 300, "{method} {path}: {}", String::from_utf8_lossy(&response.body));
        response
    };
    let made = json!({ "name": "New", "slug": "brand-new", "owner": { "email": "o@new.example" } });
    let made = super::body(&operator("POST", "/v1/tenants", made));
    let made = format!("/v1/tenants/{}", id(&made["tenant"]));
    operator("GET", &format!("{made}/export"), Value::Null);
    for step in ["suspend", "reactivate", "delete", "restore"] {
        operator("POST", &format!("{made}/{step}"), Value::Null);
    }

    let last = operators.log(TENANT).pop().unwrap();
    owner("POST", "/v1/audit-logs/roots", json!({ "sequence": last.sequence, "hash": last.hash }));
    operator("POST", &format!("{made}/delete"), Value::Null);

    // What ends by itself: told of a week before, and gone after.
    let group = id(&owner("POST", "/v1/user-groups", json!({ "name": "guests" })));
    let role = id(&owner("POST", "/v1/roles", json!({ "name": "guest" })));
    owner("POST", "/v1/user-group-memberships", json!({ "user_group_id": group, "user_id": BEN, "expires_at": until }));
    owner("POST", "/v1/user-group-roles", json!({ "user_group_id": group, "role_id": role, "expires_at": until }));
    owner("POST", "/v1/user-roles", json!({ "user_id": BEN, "role_id": role, "expires_at": until }));
    owner(
        "POST",
        "/v1/api-keys",
        json!({ "name": "guest", "user_id": OLGA, "scopes": ["admin:read"], "expires_at": until }),
    );
    edge.sql(
        "INSERT INTO access_request (id, tenant_id, requester_id, request_type, role_id, requested_permissions, status,
                                     expires_at, created_at, updated_at)
         SELECT '01980000-0000-7000-8000-0000000000fd', tenant_id, id, 'role', '01980000-0000-7000-8000-000000000301', '[]',
                'pending', '2026-04-01T00:00:00.000Z', created_at, created_at FROM user WHERE email = 'ben@acme.example'",
    );
    for (day, duty) in [(26, "remind"), (31, "expire_rows")] {
        edge.app.clock.set(time("2026-03-01T00:00:00.000Z").plus_millis(day * 24 * 60 * 60_000));
        super::scheduled::due(edge, duty);
    }
    super::scheduled::pass(edge, 2 * 24 * 60 * 60_000);
    for _ in 0..4 {
        super::scheduled::due(edge, "purge_tenants");
    }

    // What is not sent yet shows its link.
    owner("PUT", "/v1/tenant-settings/integration/mail_transport", json!({ "value": "service" }));
    super::sign_in::give_password(edge, OLGA, super::sign_in::PASSWORD);
    let mut browser = super::sign_in::Browser::default();
    browser.sign_in(edge, "olga@acme.example", "wrong");
    browser.sign_in(edge, "olga@acme.example", super::sign_in::PASSWORD);
    browser.post(edge, "/v1/auth/step-up", json!({ "password": super::sign_in::PASSWORD }));
    super::factor::everything(edge, &mut browser);
    let new = super::own_password::NEW;
    let change = json!({ "current_password": super::sign_in::PASSWORD, "new_password": new });
    browser.post(edge, "/v1/me/password", change);
    browser.send(edge, "POST", "/v1/me/email/verify", None);
    let confirm = |token: String| browser_of_nobody(edge, "/v1/auth/email/confirm", json!({ "token": token }));
    confirm(super::recovery::token(edge, "email.verify"));
    browser.post(edge, "/v1/me/email", json!({ "new_email": "olga@new.example", "current_password": new }));
    confirm(super::recovery::token(edge, "email.verify"));
    confirm(super::recovery::token(edge, "email.change"));
    browser.send(edge, "POST", "/v1/auth/sign-out", None);
    browser.post(edge, "/v1/auth/password-reset", json!({ "identifier": "olga@new.example" }));
    let token = super::recovery::token(edge, "password.reset");
    let reset = json!({ "token": token, "new_password": super::sign_in::PASSWORD });
    browser.post(edge, "/v1/auth/password-reset/confirm", reset);
    let invited = id(&owner("POST", "/v1/users", json!({ "email": "ida@acme.example", "state": "invited" })));
    owner("POST", &format!("/v1/users/{invited}/invite"), Value::Null);
    let token = super::recovery::token(edge, "user.invitation");
    browser.post(edge, "/v1/auth/invitation/accept", json!({ "token": token, "password": new }));
    for (path, value) in
        [("security/sign_up", "open"), ("ui/terms_url", "https://acme.example/t"), ("ui/terms_version", "1")]
    {
        owner("PUT", &format!("/v1/tenant-settings/{path}"), json!({ "value": value }));
    }
    let sign_up = json!({ "email": "uma@new.example", "password": new, "accepts_terms": true });
    browser.post(edge, "/v1/auth/sign-up", sign_up);
    let token = super::recovery::token(edge, "sign_up.confirm");
    browser.post(edge, "/v1/auth/sign-up/confirm", json!({ "token": token, "password": new }));
    owner("PUT", "/v1/tenant-settings/ui/terms_version", json!({ "value": "2" }));
    browser.post(edge, "/v1/me/terms", json!({ "version": "2" }));

    let happened: BTreeSet<String> = happened(&edge.app.db).into_iter().map(|(name, _)| name).collect();
    let missing: Vec<&str> = EVENTS.iter().map(|event| event.name).filter(|name| !happened.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
