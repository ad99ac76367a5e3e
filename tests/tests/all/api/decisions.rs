//! The log of decisions: what of what was decided is written down, who reads it, and that nobody waits for it.

use super::administration::{Office, assert_status, office};
use super::gateway::{HOST, application, at_host, keyed_by, passed, with};
use super::*;
use parapet_worker::decision_log;
use parapet_worker::platform::fuse::Fuse;
use parapet_worker::platform::queue::Handled;

/// Lets the queue do what there is to do, and gives what lies in the log.
pub(super) fn logged(edge: &Edge) -> Vec<Row> {
    pollster::block_on(decision_log::send(&edge.app));
    let messages: Vec<String> = edge.app.decisions.take().iter().map(Value::to_string).collect();
    assert!(messages.is_empty() || decision_log::are_decisions(&messages));
    assert!(messages.iter().all(|message| message.len() <= 128_000));
    assert_eq!(pollster::block_on(decision_log::write(&edge.app, &messages)), Handled::Done);
    edge.sql("SELECT * FROM decision_log ORDER BY id")
}

fn set(office: &Office, value: Value) -> Response {
    office.owner("PUT", "/v1/tenant-settings/auth/decision_log", json!({ "value": value }))
}

fn json_of(row: &Row, column: &str) -> Value {
    serde_json::from_str(row[column].as_str().unwrap()).unwrap()
}

#[test]
fn every_denial_is_logged_with_what_was_asked_and_no_allow() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate", "access:context"]);
    assert_decision(&edge.ask(&key), true);
    assert!(edge.app.noted.is_empty(), "of an allow nothing is kept");
    let mut asked = question(BEN, "read");
    asked["context"] = json!({ "ip": "192.0.2.7", "mfa": true, "shoe_size": 43 });
    let response = edge.post("/access/v1/evaluation", &key, &asked);
    assert_decision(&response, false);
    assert!(edge.sql("SELECT 1 FROM decision_log").is_empty(), "nothing happens before the answer");
    let rows = logged(edge);
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(row["id"], body(&response)["context"]["decision_id"]);
    assert_eq!(row["request_id"].as_str(), response.header("x-request-id"));
    for (column, value) in [
        ("tenant_id", json!(TENANT)),
        ("caller", json!("evaluation")),
        ("principal_type", json!("User")),
        ("principal_id", json!(BEN)),
        ("action", json!("read")),
        ("resource_type", json!("document")),
        ("resource_id", json!("d1")),
        ("outcome", json!("no_permit")),
        ("reason", Value::Null),
        ("policy_version", json!(7)),
        ("directory_version", json!(3)),
        ("age", json!(0)),
        ("created_at", json!(NOW)),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    assert_eq!(json_of(row, "request"), json!({ "context": { "mfa": true } }));
    assert_eq!(json_of(row, "left_out"), json!(["context.ip", "context.shoe_size"]));
    assert_decision(&edge.ask(&key), true);
    assert!(body(&edge.ask(&key))["context"].get("decision_id").is_none());
    assert_eq!(logged(edge).len(), 1);
}

#[test]
fn a_principal_is_logged_by_its_id_however_it_was_named() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    for name in [BEN, "ben@acme.example", "nobody@acme.example"] {
        assert_decision(&edge.post("/access/v1/evaluation", &key, &question(name, "read")), false);
    }
    let rows = logged(edge);
    let ids: Vec<&str> = rows.iter().map(|row| row["principal_id"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().filter(|id| **id == BEN).count(), 2);
    assert!(ids.contains(&"*@acme.example"), "{ids:?}");
}

#[test]
fn how_old_the_knowledge_was_is_said() {
    let edge = Edge::with(&[
        ("FRESHNESS_SECONDS", "60"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("DATA_KEY", &"cd".repeat(32)),
        ("BASE_DOMAIN", "id.example"),
    ]);
    let key = edge.key(&["access:evaluate"]);
    for _ in 0..2 {
        assert_decision(&edge.post("/access/v1/evaluation", &key, &question(BEN, "read")), false);
        edge.app.clock.set(edge.app.clock.now().plus_millis(1_500));
    }
    let ages: Vec<Value> = logged(&edge).iter().map(|row| row["age"].clone()).collect();
    assert_eq!(ages, [json!(0), json!(1_500)]);
}

#[test]
fn the_items_of_a_batch_are_logged_each_for_itself_in_one_message() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    let items: Vec<Value> =
        (0..300).map(|number| json!({ "resource": { "type": "document", "id": number.to_string() } })).collect();
    let mut asked = question(BEN, "read");
    asked["evaluations"] = json!(items);
    let response = edge.post("/access/v1/evaluations", &key, &asked);
    assert_eq!(body(&response)["evaluations"][299]["decision"], json!(false));
    pollster::block_on(decision_log::send(&edge.app));
    let messages = edge.app.decisions.take();
    assert!((2..=3).contains(&messages.len()), "{}", messages.len());
    let texts: Vec<String> = messages.iter().map(Value::to_string).collect();
    let (handled, statements) = edge.app.db.recording(|| pollster::block_on(decision_log::write(&edge.app, &texts)));
    assert_eq!((handled, statements.len()), (Handled::Done, texts.len()), "a statement a message, in one batch");
    assert_eq!(logged(edge).len(), 300);
    // The same messages again, and twice in a batch: nothing more.
    let twice: Vec<String> = texts.iter().chain(&texts).cloned().collect();
    assert_eq!(pollster::block_on(decision_log::write(&edge.app, &twice)), Handled::Done);
    assert_eq!(logged(edge).len(), 300);
}

#[test]
fn a_share_of_allows_is_logged_as_the_tenant_says() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    assert_status(&set(&office, json!({ "allow": 0.5, "no_permit": 0 })), 201);
    for _ in 0..200 {
        let response = edge.ask(&key);
        assert_decision(&response, true);
    }
    assert_decision(&edge.post("/access/v1/evaluation", &key, &question(BEN, "read")), false);
    let rows = logged(edge);
    assert!((50..150).contains(&rows.len()), "{}", rows.len());
    assert!(rows.iter().all(|row| row["outcome"] == "allow" && json_of(row, "policies")[0].is_string()));
    // A later isolate decides by the same rules.
    let later = edge.restarted();
    assert_decision(&later.post("/access/v1/evaluation", &key, &question(BEN, "read")), false);
    assert_eq!(logged(&later).len(), rows.len());
}

#[test]
fn what_is_wrong_with_the_setting_is_refused_with_its_place() {
    let office = office();
    for (value, field, code) in [
        (json!({ "allow": 2 }), "setting_value/allow", "decision_log.share"),
        (json!({ "mask": ["resource.salery"] }), "setting_value/mask/0", "decision_log.unknown_attribute"),
        (json!({ "mask": ["salary"] }), "setting_value/mask/0", "decision_log.pattern"),
        (json!({ "shadow": 1 }), "setting_value/shadow", "decision_log.unknown_field"),
    ] {
        let refused = set(&office, value);
        assert_problem(&refused, 422, "request.invalid");
        let finding = &body(&refused)["findings"][0];
        assert_eq!((finding["field"].as_str(), finding["code"].as_str()), (Some(field), Some(code)));
    }
    assert_problem(&set(&office, json!(7)), 422, "request.invalid");
    let body = json!({ "value": { "allow": 1 } });
    let refused = office.admin("PUT", "/v1/tenant-settings/auth/decision_log", body);
    assert_problem(&refused, 403, "access.refused");
    let path = "/v1/tenant-settings/auth/decision_log";
    let default = assert_status(&office.owner("GET", path, Value::Null), 200);
    assert_eq!((&default["value"]["no_permit"], &default["source"]), (&json!(1), &json!("default")));
}

#[test]
fn going_back_to_earlier_rules_brings_back_what_was_logged_then() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    assert_status(&set(&office, json!({ "no_permit": 0 })), 201);
    let deny = || edge.post("/access/v1/evaluation", &key, &question(BEN, "read"));
    assert_decision(&deny(), false);
    assert_eq!(logged(edge).len(), 0);
    assert_status(&office.owner("POST", "/v1/snapshots/7/rollback", Value::Null), 200);
    assert_decision(&deny(), false);
    assert_eq!(logged(edge).len(), 1);
}

#[test]
fn the_gateway_and_who_asks_before_another_server_are_logged_under_the_id_that_is_told() {
    let office = application();
    let edge = &office.edge;
    let ben = edge.key_of(TENANT, Some(BEN), None, &["document:read"]);
    let denied = edge.send(keyed_by(at_host("GET", "/documents/7"), &ben));
    assert_problem(&denied, 403, "access.denied");
    let unrouted = edge.send(keyed_by(at_host("DELETE", "/documents/7?secret=1"), &ben));
    assert_problem(&unrouted, 403, "access.denied");
    let pep = edge.key(&["access:evaluate"]);
    let asked = with(
        request("GET", "/forward-auth"),
        &[
            ("x-parapet-key", pep.expose()),
            ("authorization", &format!("Bearer {}", ben.expose())),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", HOST),
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", "/documents/8"),
            ("x-forwarded-for", "192.0.2.9"),
        ],
    );
    let forwarded = edge.send(asked);
    assert_problem(&forwarded, 403, "access.denied");
    // Nobody who does not say who they are fills the log.
    assert_problem(&edge.send(at_host("GET", "/documents/7")), 401, "key.missing");
    let rows = logged(edge);
    let row = |response: &Response| {
        let id = body(response)["decision_id"].clone();
        rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("{id}: {rows:#?}")).clone()
    };
    assert_eq!(rows.len(), 3);
    let (denied, unrouted, forwarded) = (row(&denied), row(&unrouted), row(&forwarded));
    assert_eq!((&denied["caller"], &denied["resource_id"]), (&json!("gateway"), &json!("7")));
    assert_eq!(json_of(&denied, "request")["scopes"], json!(["document:read"]));
    assert_eq!((&forwarded["caller"], &forwarded["resource_id"]), (&json!("forward_auth"), &json!("8")));
    assert_eq!(json_of(&forwarded, "left_out"), json!(["context.ip"]));
    assert_eq!((&unrouted["reason"], &unrouted["action"]), (&json!("no_route"), &json!("DELETE")));
    assert_eq!((&unrouted["resource_type"], &unrouted["resource_id"]), (&json!(""), &json!("/documents/7")));
    // Why no policy was asked is said, and nothing is made up.
    let explained = office.owner("POST", "/v1/decisions/explain", json!({ "decision_id": unrouted["id"] }));
    assert_problem(&explained, 409, "decision.no_route");
    assert_status(&set(&office, json!({ "allow": 1 })), 201);
    let anna = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    passed(edge.send(keyed_by(at_host("GET", "/documents/7"), &anna)));
    assert!(logged(edge).iter().any(|row| row["outcome"] == "allow"));
}

#[test]
fn a_queue_that_takes_nothing_changes_no_answer() {
    let mut office = office();
    let fuse = Fuse::default();
    office.edge.app.decisions = office.edge.app.decisions.clone().fused(&fuse);
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    fuse.blow_after(0);
    let response = edge.post("/access/v1/evaluation", &key, &question(BEN, "read"));
    assert_decision(&response, false);
    pollster::block_on(decision_log::send(&edge.app));
    assert!(edge.app.noted.is_empty(), "what is lost does not fill the memory");
    assert!(fuse.mend());
    assert_eq!(logged(edge).len(), 0);
    assert_decision(&edge.post("/access/v1/evaluation", &key, &question(BEN, "read")), false);
    assert_eq!(logged(edge).len(), 1);
}

#[test]
fn a_database_that_takes_nothing_is_told_again() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.post("/access/v1/evaluation", &key, &question(BEN, "read")), false);
    pollster::block_on(decision_log::send(&edge.app));
    let messages: Vec<String> = edge.app.decisions.take().iter().map(Value::to_string).collect();
    edge.sql("ALTER TABLE decision_log RENAME TO away");
    assert_eq!(pollster::block_on(decision_log::write(&edge.app, &messages)), Handled::Again);
    edge.sql("ALTER TABLE away RENAME TO decision_log");
    // What is no row keeps no other from its place, and does not come again.
    let malformed = json!({ "decisions": { "tenant": TENANT, "rows": [{ "id": "x" }] } }).to_string();
    let all: Vec<String> = messages.into_iter().chain([malformed, "{\"decisions\":".to_owned()]).collect();
    assert_eq!(pollster::block_on(decision_log::write(&edge.app, &all)), Handled::Done);
    assert_eq!(logged(edge).len(), 1);
    // Nor does a tenant that is gone.
    let gone = all[0].replace(TENANT, OTHER);
    assert_eq!(pollster::block_on(decision_log::write(&edge.app, &[gone])), Handled::Done);
    assert_eq!(logged(edge).len(), 1);
}

#[test]
fn the_log_is_read_by_whoever_may_read_what_was_done() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    for number in 0..5 {
        let mut asked = question(if number == 0 { BOT } else { BEN }, "read");
        asked["resource"]["id"] = json!(format!("d{number}"));
        assert_decision(&edge.post("/access/v1/evaluation", &key, &asked), false);
        edge.app.clock.set(edge.app.clock.now().plus_millis(1000));
    }
    let rows = logged(edge);
    let get = |path: &str| assert_status(&office.owner("GET", path, Value::Null), 200);
    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|row| row["resource_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&get("/v1/decisions")), ["d4", "d3", "d2", "d1", "d0"]);
    assert_eq!(ids(&get(&format!("/v1/decisions?principal_id={BEN}&limit=2"))), ["d4", "d3"]);
    assert_eq!(ids(&get("/v1/decisions?resource_type=document&resource_id=d2")), ["d2"]);
    assert_eq!(ids(&get("/v1/decisions?outcome=forbidden")), ["d0"]);
    assert_eq!(ids(&get("/v1/decisions?from=2026-03-02T10:00:01Z&to=2026-03-02T10:00:03Z")), ["d2", "d1"]);
    let one = format!("/v1/decisions/{}", rows[2]["id"].as_str().unwrap());
    assert_eq!(get(&one)["resource_id"], "d2");
    let missing = office.owner("GET", &format!("/v1/decisions/{ANNA}"), Value::Null);
    assert_problem(&missing, 404, "decision.not_logged");

    // As JSON lines, page by page.
    let (mut path, mut lines) = ("/v1/decisions/export?sort=created_at&limit=2".to_owned(), Vec::new());
    loop {
        let page = office.owner("GET", &path, Value::Null);
        assert_eq!((page.status, page.header("content-type")), (200, Some("application/jsonl")));
        lines.extend(String::from_utf8(page.body.clone()).unwrap().lines().map(str::to_owned));
        let Some(link) = page.header("link") else { break };
        path = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
    }
    let exported: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sequence: Vec<&str> = exported.iter().map(|row| row["resource_id"].as_str().unwrap()).collect();
    assert_eq!(sequence, ["d0", "d1", "d2", "d3", "d4"]);
    assert_eq!(exported[2], get(&one));

    let anna = edge.key_of(TENANT, Some(ANNA), None, &["admin:read"]);
    for path in ["/v1/decisions", "/v1/decisions/export", one.as_str()] {
        assert_problem(&office.by(&anna, "GET", path, Value::Null), 403, "access.missing_permission");
    }
    // Nobody else's tenant sees any of it.
    edge.seed(&other());
    assert_eq!(edge.sql("SELECT count(DISTINCT tenant_id) AS n FROM decision_log")[0]["n"], 1);
}

#[test]
fn a_logged_decision_is_explained_by_the_rules_of_now() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    let denied = edge.post("/access/v1/evaluation", &key, &question(BEN, "read"));
    let id = body(&denied)["context"]["decision_id"].clone();
    let explain = |body: Value| office.owner("POST", "/v1/decisions/explain", body);
    assert_problem(&explain(json!({ "decision_id": id })), 404, "decision.not_logged");
    logged(edge);
    edge.app.clock.set(edge.app.clock.now().plus_millis(60_000));
    let answer = assert_status(&explain(json!({ "decision_id": id })), 200);
    assert_eq!((&answer["decision"]["outcome"], &answer["now"]), (&json!("no_permit"), &json!(NOW)));
    let decided = json!({
        "id": id, "outcome": "no_permit", "policies": [], "errors": [], "left_out": [],
        "as_of": { "policy_version": 7, "directory_version": 3, "now": NOW },
    });
    assert_eq!(answer["decided"], decided);
    // What is changed since turns the explanation, and not what was decided.
    let assignment = json!({ "user_id": BEN, "role_id": READER });
    assert_status(&office.owner("POST", "/v1/user-roles", assignment), 201);
    let answer = assert_status(&explain(json!({ "decision_id": id })), 200);
    assert_eq!(answer["decision"]["outcome"], "allow");
    assert_eq!(answer["decided"], decided);
    assert_eq!(answer["as_of"]["directory_version"], 4);
    for (body, field) in [
        (json!({ "decision_id": 7 }), "decision_id"),
        (json!({ "decision_id": "d1" }), "decision_id"),
        (json!({ "decision_id": id, "now": NOW }), "now"),
    ] {
        let refused = explain(body);
        assert_problem(&refused, 422, "request.invalid");
        assert_eq!(super::body(&refused)["findings"][0]["field"], field);
    }
    // Whoever may see rules and users, and not the log, is told nothing of it.
    let role = json!({ "name": "explainer", "permissions": [
        { "permission": "parapet.policy.read" }, { "permission": "parapet.user.read" } ] });
    let role = assert_status(&office.owner("POST", "/v1/roles", role), 201);
    let assignment = json!({ "user_id": ANNA, "role_id": role["id"] });
    assert_status(&office.owner("POST", "/v1/user-roles", assignment), 201);
    let anna = edge.key_of(TENANT, Some(ANNA), None, &["admin:read"]);
    assert_status(&office.by(&anna, "POST", "/v1/decisions/explain", question(BEN, "read")), 200);
    let refused = office.by(&anna, "POST", "/v1/decisions/explain", json!({ "decision_id": id }));
    assert_problem(&refused, 403, "access.missing_permission");
}

#[test]
fn whoever_does_not_say_who_they_are_is_explained_too() {
    let office = application();
    let edge = &office.edge;
    let set_role =
        |value: &str| office.owner("PUT", "/v1/tenant-settings/auth/anonymous_role", json!({ "value": value }));
    assert_status(&set_role("reader"), 201);
    assert_status(&set(&office, json!({ "allow": 1 })), 201);
    passed(edge.send(at_host("GET", "/documents/7")));
    let rows = logged(edge);
    assert_eq!((rows[0]["principal_id"].as_str(), rows.len()), (Some("anonymous"), 1));
    let answer = office.owner("POST", "/v1/decisions/explain", json!({ "decision_id": rows[0]["id"] }));
    assert_eq!(assert_status(&answer, 200)["decision"]["outcome"], "allow");
}

#[test]
fn a_purge_forgets_what_somebody_asked() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    for user in [ANNA, BEN] {
        assert_decision(&edge.post("/access/v1/evaluation", &key, &question(user, "archive")), false);
    }
    assert_eq!(logged(edge).len(), 2);
    assert_status(&office.owner("DELETE", &format!("/v1/users/{BEN}"), Value::Null), 204);
    assert_status(&office.owner("POST", &format!("/v1/users/{BEN}/purge"), Value::Null), 200);
    let rows = logged(edge);
    assert_eq!((rows.len(), rows[0]["principal_id"].as_str()), (1, Some(ANNA)));
}
