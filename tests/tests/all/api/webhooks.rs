//! Webhooks: who may make them, where they may lead, and what of them is never shown.

use super::administration::{Office, assert_refused, assert_status, office};
use super::messages::{answer, settle};
use super::*;
use parapet::standard_webhooks::SigningSecret;
use std::cell::RefCell;

/// Where the tests' webhooks lead: to the public internet.
pub(super) fn lead(edge: &Edge) {
    edge.app.dns.lead("hooks.acme.com", &["1.1.1.1".parse().unwrap(), "2606:4700::1111".parse().unwrap()]);
}

/// A webhook that wants to know of these events, with its secret.
pub(super) fn webhook(office: &Office, name: &str, event_types: &[&str]) -> (Value, SigningSecret) {
    lead(&office.edge);
    let body =
        json!({ "name": name, "url": format!("https://hooks.acme.com/{name}?token=hush"), "event_types": event_types });
    let made = assert_status(&office.owner("POST", "/v1/webhooks", body), 201);
    let secret = SigningSecret::parse(made["secret"].as_str().unwrap()).unwrap();
    (made, secret)
}

pub(super) fn path(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap())
}

fn fields(response: &Response) -> Vec<(String, String)> {
    let body = body(response);
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let all = body["findings"].as_array().unwrap().iter();
    let mut all: Vec<_> = all.map(|finding| (text(finding, "field"), text(finding, "code"))).collect();
    all.sort();
    all
}

#[test]
fn a_secret_is_shown_once_and_kept_under_the_data_key() {
    let office = office();
    let (made, secret) = webhook(&office, "sink", &["user.*"]);
    let path = path(&made);
    let mut seen = assert_status(&office.owner("GET", &path, Value::Null), 200);
    assert!(seen.get("secret").is_none() && seen.get("previous_secret").is_none());
    seen["secret"] = made["secret"].clone();
    assert_eq!(seen, made);
    let kept = office.edge.sql("SELECT secret FROM webhook");
    let kept = kept[0]["secret"].as_str().unwrap();
    assert!(kept.starts_with("d1.") && !kept.contains(&secret.expose()));

    // The same request again is answered without it.
    let body = json!({ "name": "twice", "url": "https://hooks.acme.com/", "event_types": ["*"] });
    let mut request = keyed(&office.owner, "POST", "/v1/webhooks", Some(body));
    request.headers.insert("idempotency-key".to_owned(), "one".to_owned());
    let first = super::body(&office.edge.send(request.clone()));
    let again = office.edge.send(request);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert!(first.get("secret").is_some() && super::body(&again).get("secret").is_none());
}

#[test]
fn neither_log_nor_events_show_what_may_be_a_credential() {
    let office = office();
    lead(&office.edge);
    let headers = json!({ "Authorization": "Bearer hush-1", "X-Key": "hush-2" });
    let body = json!({ "name": "sink", "url": "https://hooks.acme.com/in?token=hush-3", "headers": headers, "event_types": ["*"] });
    let made = assert_status(&office.owner("POST", "/v1/webhooks", body), 201);
    let path = path(&made);
    let change = json!({ "headers": { "X-Key": "hush-4" }, "url": "https://hooks.acme.com/out?token=hush-5" });
    assert_status(&office.owner("PATCH", &path, change), 200);
    assert_status(&office.owner("POST", &format!("{path}/rotate-secret"), json!({})), 200);
    assert_status(&office.owner("POST", &format!("{path}/test"), Value::Null), 202);
    office.edge.app.fetch.answer(|_| Ok(answer(200)));
    settle(&office.edge);
    for table in ["audit_log", "outbox", "webhook_delivery"] {
        let rows = format!("{:?}", office.edge.app.db.rows(table));
        assert!(rows.len() > 100 && !rows.contains("hush") && !rows.contains("whsec_"), "{rows}");
    }
    let log = office.log();
    assert_eq!(log[0].event_data["after"]["url"], "https://hooks.acme.com/in?…");
    assert_eq!(
        log[0].event_data["after"]["headers"],
        json!({ "Authorization": { "set": true }, "X-Key": { "set": true } })
    );
    // Whoever may see webhooks sees them.
    let seen = assert_status(&office.owner("GET", &path, Value::Null), 200);
    assert_eq!(seen["headers"], json!({ "Authorization": "Bearer hush-1", "X-Key": "hush-4" }));
}

#[test]
fn all_that_is_wrong_with_a_webhook_is_said_at_once() {
    let office = office();
    let body = json!({
        "name": " ", "url": "https://127.0.0.1/", "event_types": ["user.*", "nobody.knows", "Bad Type"], "secret": "whsec_x",
        "headers": { "Host": "a", "content-type": "b", "Webhook-Id": "c", "connection": "d", "authorization": "fine", "x": "a\nb" },
    });
    let response = office.owner("POST", "/v1/webhooks", body);
    assert_problem(&response, 422, "request.invalid");
    let wrong = fields(&response);
    let named = |field: &str, code: &str| wrong.contains(&(field.to_owned(), code.to_owned()));
    for (field, code) in [
        ("name", "webhook.name"),
        ("url", "address.host"),
        ("event_types/2", "webhook.event_type"),
        ("headers/Host", "webhook.header_reserved"),
        ("headers/content-type", "webhook.header_reserved"),
        ("headers/Webhook-Id", "webhook.header_reserved"),
        ("headers/connection", "webhook.header_reserved"),
        ("headers/x", "webhook.header"),
        ("secret", "row.read_only"),
    ] {
        assert!(named(field, code), "{field} {code}: {wrong:#?}");
    }
    assert!(!wrong.iter().any(|(field, _)| field == "headers/authorization"));
    assert!(office.log().is_empty());
}

#[test]
fn an_address_leads_to_the_public_internet_alone() {
    let office = office();
    let edge = &office.edge;
    lead(edge);
    edge.app.dns.lead("inside.acme.com", &["1.1.1.1".parse().unwrap(), "10.0.0.1".parse().unwrap()]);
    edge.app.dns.lead("mapped.acme.com", &["::ffff:127.0.0.1".parse().unwrap()]);
    let make =
        |url: &str| office.owner("POST", "/v1/webhooks", json!({ "name": "x", "url": url, "event_types": ["*"] }));
    for (url, code) in [
        ("https://inside.acme.com/", "address.inside"),
        ("https://mapped.acme.com/", "address.inside"),
        ("https://nowhere.acme.com/", "address.unknown"),
        ("http://hooks.acme.com/", "address.scheme"),
        ("http://127.0.0.1:8080/", "address.scheme"),
        ("https://localhost/", "address.inside"),
        ("https://metadata.google.internal/", "address.inside"),
        ("https://hooks.acme.com:22/", "address.port"),
        ("https://me:secret@hooks.acme.com/", "address.user"),
        ("https://id.example/v1/roles", "address.own"),
    ] {
        let response = make(url);
        assert_problem(&response, 422, "request.invalid");
        assert!(fields(&response).contains(&("url".to_owned(), code.to_owned())), "{url}: {:#?}", fields(&response));
    }
    edge.app.dns.fail(true);
    assert_problem(&make("https://hooks.acme.com/"), 503, "dns.unavailable");
    edge.app.dns.fail(false);
    let path = path(&assert_status(&make("https://hooks.acme.com/"), 201));
    let response = office.owner("PATCH", &path, json!({ "url": "https://inside.acme.com/" }));
    assert_eq!(fields(&response), [("url".to_owned(), "address.inside".to_owned())]);
}

/// Each delivery could bring about the next one.
#[test]
fn a_webhook_does_not_lead_to_the_service_itself() {
    let key = "ab".repeat(32);
    let variables =
        [("FRESHNESS_SECONDS", "0"), ("SNAPSHOT_KEY", &*key), ("DATA_KEY", &*key), ("BASE_DOMAIN", "id.acme.com")];
    let mut office = office();
    office.edge.app.config = configuration(&variables);
    for (host, own) in [("id.acme.com", true), ("shop.id.acme.com", true), ("grid.acme.com", false)] {
        office.edge.app.dns.lead(host, &["1.1.1.1".parse().unwrap()]);
        let body = json!({ "name": host, "url": format!("https://{host}/"), "event_types": ["*"] });
        let response = office.owner("POST", "/v1/webhooks", body);
        if own {
            assert_eq!(fields(&response), [("url".to_owned(), "address.own".to_owned())]);
        } else {
            assert_status(&response, 201);
        }
    }
}

#[test]
fn a_developers_machine_may_call_itself_where_that_is_configured() {
    let variables = [("FRESHNESS_SECONDS", "0"), ("SNAPSHOT_KEY", &*"ab".repeat(32)), ("DATA_KEY", &*"cd".repeat(32))];
    let body = json!({ "name": "x", "url": "http://127.0.0.1:8080/in", "event_types": ["*"] });
    for local in ["0", "1"] {
        let mut office = office();
        office.edge.app.config = configuration(&[&variables[..], &[("LOCAL", local)]].concat());
        let response = office.owner("POST", "/v1/webhooks", body.clone());
        assert_eq!(response.status, if local == "1" { 201 } else { 422 });
    }
    assert!(Config::read(|name| (name == "LOCAL").then(|| "yes".to_owned())).is_err());
}

#[test]
fn a_webhook_tells_nobody_what_its_maker_may_not_see() {
    let office = office();
    lead(&office.edge);
    let role = json!({ "name": "hooks", "permissions": [{ "permission": "parapet.webhook.write" },
                        { "permission": "parapet.webhook.read" }, { "permission": "parapet.role.read" }] });
    let role = assert_status(&office.owner("POST", "/v1/roles", role), 201);
    let give = json!({ "user_id": BEN, "role_id": role["id"] });
    assert_status(&office.owner("POST", "/v1/user-roles", give), 201);
    let ben = office.edge.key_of(TENANT, Some(BEN), None, &["admin:read", "admin:write"]);
    let make = |types: Value| {
        let body = json!({ "name": "x", "url": "https://hooks.acme.com/", "event_types": types });
        office.by(&ben, "POST", "/v1/webhooks", body)
    };
    assert_refused(&make(json!(["*"])), &["not_held"]);
    assert_refused(&make(json!(["user.created"])), &["not_held"]);
    let made = assert_status(&make(json!(["role.*"])), 201);
    let path = path(&made);
    assert_refused(&office.by(&ben, "PATCH", &path, json!({ "event_types": ["role.*", "user.*"] })), &["not_held"]);
    // What an owner made is not turned elsewhere, nor switched on again.
    assert_status(&office.owner("PATCH", &path, json!({ "event_types": ["*"], "is_active": false })), 200);
    assert_refused(&office.by(&ben, "PATCH", &path, json!({ "is_active": true })), &["not_held"]);
    assert_status(&office.by(&ben, "PATCH", &path, json!({ "name": "y" })), 200);
}

#[test]
fn what_is_switched_off_is_neither_tested_nor_sent_again() {
    let office = office();
    let (made, _) = webhook(&office, "sink", &["*"]);
    let path = path(&made);
    let delivery = assert_status(&office.owner("POST", &format!("{path}/test"), Value::Null), 202);
    assert_status(&office.owner("PATCH", &path, json!({ "is_active": false })), 200);
    assert_problem(&office.owner("POST", &format!("{path}/test"), Value::Null), 409, "webhook.off");
    let span = json!({ "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z" });
    assert_problem(&office.owner("POST", &format!("{path}/redeliver"), span), 409, "webhook.off");
    let again = format!("/v1/webhook-deliveries/{}/redeliver", delivery["id"].as_str().unwrap());
    assert_problem(&office.owner("POST", &again, Value::Null), 409, "webhook.off");
    let asked = RefCell::new(0);
    settle(&office.edge);
    assert_eq!(*asked.borrow(), 0);
    let rows = office.edge.sql("SELECT next_attempt_at, delivered_at, attempt_count FROM webhook_delivery");
    assert!(rows.iter().all(|row| row["next_attempt_at"].is_null() && row["attempt_count"] == 0), "{rows:?}");
}

#[test]
fn a_tenant_has_so_many_webhooks() {
    let office = office();
    lead(&office.edge);
    let rows: Vec<Value> = (0..100).map(|number| json!(number)).collect();
    let insert = Statement::new(
        "INSERT INTO webhook SELECT printf('01980000-0000-7000-8000-0000000a%04x', value), ?1, 'hook ' || value,
         'https://hooks.acme.com/', '{}', NULL, NULL, NULL, '[]', 0, ?2, ?2 FROM json_each(?3)",
    );
    let insert = insert.bind(TENANT).bind(NOW).bind(Value::Array(rows).to_string());
    pollster::block_on(office.edge.app.db.all(insert)).unwrap();
    let body = json!({ "name": "one more", "url": "https://hooks.acme.com/", "event_types": ["*"] });
    let response = office.owner("POST", "/v1/webhooks", body);
    assert_eq!(fields(&response), [("name".to_owned(), "webhook.too_many".to_owned())]);
}

#[test]
fn a_span_is_sent_again_within_bounds() {
    let office = office();
    let (made, _) = webhook(&office, "sink", &["role.*"]);
    let redeliver = format!("{}/redeliver", path(&made));
    let response = office.owner("POST", &redeliver, json!({ "from": "now", "delivered": 1, "what": 2 }));
    assert_eq!(
        fields(&response),
        [
            ("delivered", "row.wrong_type"),
            ("from", "row.wrong_type"),
            ("to", "row.missing"),
            ("what", "row.unknown_field")
        ]
        .map(|(field, code)| (field.to_owned(), code.to_owned()))
    );
    let insert = Statement::new(
        "INSERT INTO webhook_delivery SELECT printf('01980000-0000-7000-8000-0000000b%04x', value), ?1, ?2, NULL,
         'role.created', '{}', 500, 'no', 10, NULL, NULL, '2026-02-01T00:00:00.000Z' FROM json_each(?3)",
    );
    let numbers: Vec<usize> = (0..1001).collect();
    let insert = insert.bind(TENANT).bind(made["id"].as_str()).bind(json!(numbers).to_string());
    pollster::block_on(office.edge.app.db.all(insert)).unwrap();
    let span = |from: &str| json!({ "from": from, "to": "2026-03-01T00:00:00Z" });
    let response = office.owner("POST", &redeliver, span("2026-01-01T00:00:00Z"));
    assert_eq!(fields(&response), [("to".to_owned(), "webhook.too_many_deliveries".to_owned())]);
    let none = assert_status(&office.owner("POST", &redeliver, span("2026-02-02T00:00:00Z")), 202);
    assert_eq!(none["deliveries"], 0);
}
