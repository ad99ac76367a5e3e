//! Purging tenants whose grace is over.

use super::administration::assert_status;
use super::isolation::{full, rows};
use super::scheduled::{due, pass, run_of};
use super::tenants::{Operators, new_tenant, operators};
use super::*;
use parapet::administration::SYSTEM_TENANT;
use parapet::model::TABLES;
use parapet_worker::scheduled::{self, MINUTE};

const DAY: i64 = 24 * 60 * MINUTE;

/// The duty at its next time, five minutes later.
fn tick(operators: &Operators) {
    due(&operators.office.edge, "purge_tenants");
}

/// What is there of a tenant, by table.
fn counts(edge: &Edge, tenant: &str) -> Vec<(String, i64)> {
    let service = [
        "former_password",
        "idempotency_key",
        "known_device",
        "login_flow",
        "login_throttle",
        "lone_password",
        "one_time_link",
        "pending_sign_up",
        "rate_limit",
        "rule_history",
        "terms_acceptance",
    ];
    let tables = TABLES.iter().map(|table| table.name).filter(|name| *name != "tenant").chain(service);
    let count = |table: &str| {
        let count = Statement::new(format!("SELECT count(*) AS n FROM \"{table}\" WHERE tenant_id = ?1")).bind(tenant);
        pollster::block_on(edge.app.db.first(count)).unwrap().unwrap()["n"].as_i64().unwrap()
    };
    tables.map(|table| (table.to_owned(), count(table))).filter(|(_, count)| *count > 0).collect()
}

/// The tenant with a row in every table, deleted.
fn deleted() -> (Operators, String) {
    let operators = operators();
    let edge = &operators.office.edge;
    let mut document = full();
    // Its chain was never ours: what is appended to it here is verified.
    document.audit_log.clear();
    document.audit_root.clear();
    edge.seed(&document);
    let tenant = document.tenant.id.to_string();
    assert_status(&operators.call("POST", &format!("/v1/tenants/{tenant}/delete"), Value::Null), 200);
    for key in ["snapshot", "principal"] {
        let key = format!("{key}/{tenant}/1/ab");
        pollster::block_on(edge.app.kv.put(&key, b"x", Default::default())).unwrap();
    }
    (operators, tenant)
}

#[test]
fn a_tenant_goes_when_its_grace_is_over_and_its_chain_stays() {
    let (operators, tenant) = deleted();
    let edge = &operators.office.edge;
    let acme = rows(edge, TENANT);
    pass(edge, 30 * DAY - 6 * MINUTE);
    let before = counts(edge, &tenant);
    assert!(before.len() >= 26, "{before:?}");
    tick(&operators);
    assert_eq!(counts(edge, &tenant), before, "a minute before");
    pass(edge, MINUTE);
    tick(&operators);
    tick(&operators);
    let left: Vec<String> = counts(edge, &tenant).into_iter().map(|(table, _)| table).collect();
    assert_eq!(left, ["audit_log", "audit_subject"]);
    assert_eq!(edge.sql("SELECT id FROM audit_subject WHERE subject_key IS NOT NULL").len(), 0);
    assert!(!edge.app.kv.keys().iter().any(|key| key.contains(&tenant)));
    assert_eq!(rows(edge, TENANT), acme, "nobody else's");

    // The row is blank, and the chain goes on to its end, which the operators' chain names.
    let row = assert_status(&operators.call("GET", &format!("/v1/tenants/{tenant}"), Value::Null), 200);
    assert_eq!((&row["name"], &row["slug"], &row["domain"]), (&json!("full"), &json!("full"), &Value::Null));
    assert_eq!(
        (&row["settings"], &row["branding_config"], &row["status"]),
        (&json!({}), &json!({}), &json!("deleted"))
    );
    let events = ["tenant.deleted", "tenant.purge_begun", "tenant.purged"];
    assert_eq!(operators.events(&tenant), events);
    let system = operators.log(&SYSTEM_TENANT.to_string());
    let told: Vec<&str> = system.iter().map(|row| row.event_type.as_str()).collect();
    assert_eq!(told, events);
    let own = operators.log(&tenant);
    let head = json!({ "sequence": 2, "hash": own[1].hash });
    assert_eq!(system[2].event_data["after"]["audit_head"], head);
    assert_eq!(system[1].event_data["before"]["name"], "Elsewhere");
    assert_eq!(system[1].event_data["actor"], json!({ "type": "Duty", "id": "purge_tenants" }));
    assert_eq!(operators.sql("SELECT id FROM outbox WHERE event_type LIKE 'tenant.purge%'").len(), 2);

    // It is over: nothing more is done, and nothing brings it back.
    tick(&operators);
    assert_eq!(operators.events(&tenant), events);
    assert_eq!(run_of(edge, "purge_tenants")["remaining"], 0);
    let refused = operators.call("POST", &format!("/v1/tenants/{tenant}/restore"), Value::Null);
    assert_problem(&refused, 409, "tenant.grace_over");
    // The slug stays its own; an operator may give it another.
    let mut wanted = new_tenant();
    wanted["slug"] = json!("full");
    assert_problem(&operators.call("POST", "/v1/tenants", wanted.clone()), 409, "row.taken");
    let path = format!("/v1/tenants/{tenant}");
    assert_status(&operators.call("PATCH", &path, json!({ "slug": "full-until-2026" })), 200);
    assert_status(&operators.call("POST", "/v1/tenants", wanted), 201);
}

#[test]
fn a_purge_that_has_begun_is_not_undone_by_a_longer_grace() {
    let (operators, tenant) = deleted();
    let edge = &operators.office.edge;
    pass(edge, 30 * DAY);
    tick(&operators);
    let setting = "/v1/tenant-settings/security/tenant_grace_days";
    assert_status(&operators.call("PUT", setting, json!({ "value": 300 })), 201);
    let refused = operators.call("POST", &format!("/v1/tenants/{tenant}/restore"), Value::Null);
    assert_problem(&refused, 409, "tenant.grace_over");
    tick(&operators);
    assert_eq!(operators.events(&tenant).last().unwrap(), "tenant.purged");
}

#[test]
fn the_operators_setting_says_how_long_the_grace_is() {
    let (operators, tenant) = deleted();
    let setting = "/v1/tenant-settings/security/tenant_grace_days";
    assert_status(&operators.call("PUT", setting, json!({ "value": 60 })), 201);
    pass(&operators.office.edge, 59 * DAY);
    tick(&operators);
    assert_status(&operators.call("POST", &format!("/v1/tenants/{tenant}/restore"), Value::Null), 200);
    pass(&operators.office.edge, 60 * DAY);
    tick(&operators);
    assert_eq!(operators.events(&tenant), ["tenant.deleted", "tenant.restored"]);
    assert!(counts(&operators.office.edge, &tenant).len() >= 25);
}

#[test]
fn a_large_tenant_goes_piece_by_piece() {
    let (operators, tenant) = deleted();
    let edge = &operators.office.edge;
    let many = Statement::new(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 7000)
         INSERT INTO login_attempt (id, tenant_id, email_attempted, result, attempted_at)
         SELECT 'attempt-' || i, ?1, 'a@full.example', 'failure', '2026-01-01T00:00:00.000Z' FROM n",
    );
    pollster::block_on(edge.app.db.all(many.bind(tenant.as_str()))).unwrap();
    pass(edge, 30 * DAY);
    tick(&operators);
    let row = run_of(edge, "purge_tenants");
    assert_eq!((&row["items"], &row["remaining"]), (&json!(5000), &json!(1)));
    let there =
        edge.sql("SELECT count(*) AS n FROM login_attempt WHERE tenant_id <> '01980000-0000-7000-8000-000000000001'");
    assert!(there[0]["n"].as_i64().unwrap() > 1000);
    // Where the store fails, the run fails and the next one goes on.
    edge.app.kv.fail(true);
    pass(edge, 5 * MINUTE);
    pollster::block_on(scheduled::run(&edge.app, &scheduled::duties()));
    assert!(run_of(edge, "purge_tenants")["last_error"].as_str().unwrap().starts_with("store.unavailable"));
    edge.app.kv.fail(false);
    tick(&operators);
    tick(&operators);
    assert_eq!(operators.events(&tenant).last().unwrap(), "tenant.purged");
    let kept = edge.sql("SELECT items FROM tenant_purge");
    assert!(kept[0]["items"].as_i64().unwrap() > 2000);
}
