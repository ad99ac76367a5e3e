//! What is not kept for ever: for as long as a setting says, each tenant's for itself; of the audit log only what was exported.

use super::administration::{Office, assert_refused, assert_status, office};
use super::scheduled::{due, pass};
use super::*;
use parapet_worker::scheduled::MINUTE;

const DAY: i64 = 24 * 60 * MINUTE;

/// In each tenant one row of each kind that is over and one that is not, as old as `NOW`.
fn records(office: &Office) {
    office.edge.seed(&other());
    for tenant in [TENANT, OTHER] {
        let run = |sql: &str| {
            let sql = Statement::new(sql.to_owned()).bind(tenant).bind(NOW);
            pollster::block_on(office.edge.app.db.all(sql)).unwrap();
        };
        let id = |kind: u32| format!("replace(?1, '-8000-', '-{kind}000-')");
        run(&format!(
            "INSERT INTO user (id, tenant_id, email, email_verified, phone_verified, custom_attributes, is_active, state,
                               force_password_change, created_at, updated_at)
             VALUES ({}, ?1, 'z@example.com', 0, 0, '{{}}', 1, 'active', 0, ?2, ?2)",
            id(9)
        ));
        run(&format!(
            "INSERT INTO login_attempt (id, tenant_id, email_attempted, result, attempted_at)
             VALUES ({}, ?1, 'z@example.com', 'failure', ?2)",
            id(1)
        ));
        run(&format!(
            "INSERT INTO decision_log (id, tenant_id, caller, principal_type, principal_id, action, resource_type, resource_id,
                                       request, left_out, outcome, policies, errors, policy_version, directory_version,
                                       age, shadow_policies, created_at)
             VALUES ({}, ?1, 'gateway', 'User', 'a', 'read', 'document', 'd', '{{}}', '[]', 'allow', '[]', '[]', 1, 1, 0, '[]',
                     ?2)",
            id(1)
        ));
        run(&format!(
            "INSERT INTO webhook (id, tenant_id, name, url, headers, event_types, is_active, created_at, updated_at)
             VALUES ({}, ?1, 'w', 'https://hooks.example.com/', '{{}}', '[\"*\"]', 0, ?2, ?2)",
            id(1)
        ));
        for (kind, over) in [(1, true), (2, false)] {
            let (id, webhook, user) = (id(kind), id(1), id(9));
            let (published, next) = if over { ("?2", "NULL") } else { ("NULL", "'2030-01-01T00:00:00.000Z'") };
            run(&format!(
                "INSERT INTO outbox (id, tenant_id, event_type, payload, created_at, published_at)
                 VALUES ({id}, ?1, 'test.kept', '{{}}', ?2, {published})"
            ));
            run(&format!(
                "INSERT INTO webhook_delivery (id, tenant_id, webhook_id, event_type, payload, attempt_count,
                                               next_attempt_at, created_at)
                 VALUES ({id}, ?1, {webhook}, 'test.kept', '{{}}', 1, {next}, ?2)"
            ));
            run(&format!(
                "INSERT INTO user_notification (id, tenant_id, user_id, notification_template_id, content, type, status,
                                                metadata, created_at, next_attempt_at)
                 SELECT {id}, ?1, {user}, (SELECT id FROM notification_template LIMIT 1), 'a', 'in_app', 'failed',
                        '{{}}', ?2, {next}"
            ));
        }
    }
}

const TABLES: [&str; 5] = ["login_attempt", "decision_log", "outbox", "webhook_delivery", "user_notification"];

fn left(office: &Office, tenant: &str) -> Vec<usize> {
    let of = |table: &str| office.edge.app.db.rows(table).iter().filter(|row| row["tenant_id"] == tenant).count();
    TABLES.into_iter().map(of).collect()
}

fn set(office: &Office, key: &str, value: i64) {
    let path = format!("/v1/tenant-settings/{key}");
    assert_status(&office.owner("PUT", &path, json!({ "value": value })), 201);
}

#[test]
fn what_is_over_goes_after_the_days_of_the_setting_and_what_waits_stays() {
    let office = office();
    records(&office);
    let clear = || office.edge.sql("DELETE FROM outbox WHERE event_type <> 'test.kept'");
    let at = |day: i64| {
        office.edge.app.clock.set(time(NOW).plus_millis(day * DAY));
        due(&office.edge, "forget_records");
        clear();
    };
    at(29);
    assert_eq!((left(&office, TENANT), left(&office, OTHER)), (vec![1, 1, 2, 2, 2], vec![1, 1, 2, 2, 2]));
    set(&office, "integration/delivery_retention_days", 60);
    set(&office, "security/log_retention_days", 35);
    clear();
    at(34);
    assert_eq!((left(&office, TENANT), left(&office, OTHER)), (vec![1, 1, 2, 2, 2], vec![1, 1, 1, 1, 2]));
    at(35);
    assert_eq!((left(&office, TENANT), left(&office, OTHER)), (vec![0, 0, 2, 2, 2], vec![1, 1, 1, 1, 2]));
    // What cannot be a setting counts as none: here, of `tenant.settings`.
    office.edge.sql("UPDATE tenant SET settings = '{\"security\": {\"log_retention_days\": 1}}'");
    at(60);
    assert_eq!((left(&office, TENANT), left(&office, OTHER)), (vec![0, 0, 1, 1, 2], vec![1, 1, 1, 1, 2]));
    at(90);
    assert_eq!(left(&office, OTHER), [0, 0, 1, 1, 2]);
    at(180);
    assert_eq!((left(&office, TENANT), left(&office, OTHER)), (vec![0, 0, 1, 1, 1], vec![0, 0, 1, 1, 1]));
    let row = due(&office.edge, "forget_records");
    assert_eq!((&row["items"], &row["cursor"]), (&json!(10), &Value::Null));
    office.edge.sql("DELETE FROM outbox");
}

#[test]
fn a_run_is_bounded_and_the_next_one_goes_on() {
    let office = office();
    let many = Statement::new(
        "INSERT INTO login_attempt (id, tenant_id, email_attempted, result, attempted_at)
         WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 2500)
         SELECT printf('01980000-0000-7000-8000-%012d', value), ?1, 'z@example.com', 'failure', ?2 FROM n",
    );
    pollster::block_on(office.edge.app.db.all(many.bind(TENANT).bind(NOW))).unwrap();
    pass(&office.edge, 91 * DAY);
    for items in [1000, 2000, 2500, 2500] {
        assert_eq!(due(&office.edge, "forget_records")["items"], items);
    }
}

fn sequences(office: &Office) -> Vec<i64> {
    let rows = office.edge.sql("SELECT sequence FROM audit_log ORDER BY sequence");
    rows.iter().map(|row| row["sequence"].as_i64().unwrap()).collect()
}

/// Says that the log was exported up to a row.
fn root(office: &Office, sequence: i64) {
    let row = office.edge.app.db.rows("audit_log").into_iter().find(|row| row["sequence"] == sequence).unwrap();
    let body = json!({ "sequence": sequence, "hash": row["hash"] });
    assert_status(&office.owner("POST", "/v1/audit-logs/roots", body), 201);
}

#[test]
fn of_the_audit_log_an_exported_prefix_goes_where_an_owner_wants_that() {
    let office = office();
    let describe = |text: &str| {
        let path = format!("/v1/roles/{READER}");
        assert_status(&office.owner("PATCH", &path, json!({ "description": text })), 200);
    };
    (1..=4).for_each(|number| describe(&number.to_string()));
    root(&office, 3);
    let forget = |day: i64| {
        office.edge.sql("DELETE FROM scheduled_run");
        office.edge.app.clock.set(time(NOW).plus_millis(day * DAY));
        due(&office.edge, "forget_records");
        sequences(&office)
    };
    // For ever, where nothing is said; and an admin does not say it.
    assert_eq!(forget(4_000), [1, 2, 3, 4, 5]);
    office.edge.app.clock.set(time(NOW));
    let path = "/v1/tenant-settings/security/audit_retention_days";
    assert_refused(&office.admin("PUT", path, json!({ "value": 100 })), &["needs_owner"]);
    set(&office, "security/audit_retention_days", 100);
    let all = sequences(&office);
    assert_eq!(forget(99), all, "not older than that");
    assert_eq!(forget(100), all[3..], "the exported rows and no other");
    // What is left is a chain, and the next row belongs to it.
    describe("later");
    office.log();
    assert_eq!(forget(102), [&all[3..], &[all.len() as i64 + 1]].concat());
    let last = *sequences(&office).last().unwrap();
    root(&office, last);
    assert_eq!(forget(1_000), [last + 1], "the row that says so");
    // Where even that one were exported, it would stay: the next row is chained to it.
    office.edge.sql(
        "INSERT INTO audit_root (id, tenant_id, sequence, hash, created_at)
         SELECT id, tenant_id, sequence, hash, created_at FROM audit_log",
    );
    assert_eq!(forget(2_000), [last + 1]);
    describe("much later");
    assert_eq!(office.log().len(), 2);
}

#[test]
fn only_the_young_end_of_a_prefix_stays_and_a_deleted_tenant_keeps_its_log() {
    let office = office();
    let describe = |day: i64| {
        office.edge.app.clock.set(time(NOW).plus_millis(day * DAY));
        let path = format!("/v1/roles/{READER}");
        assert_status(&office.owner("PATCH", &path, json!({ "description": day.to_string() })), 200);
    };
    set(&office, "security/audit_retention_days", 10);
    (1..=5).for_each(describe);
    root(&office, 6);
    office.edge.app.clock.set(time(NOW).plus_millis(13 * DAY));
    office.edge.sql("UPDATE tenant SET status = 'deleted', deleted_at = '2026-03-10T10:00:00.000Z'");
    due(&office.edge, "forget_records");
    assert_eq!(sequences(&office).len(), 7);
    office.edge.sql("UPDATE tenant SET status = 'active', deleted_at = NULL");
    due(&office.edge, "forget_records");
    // Those of day 0, 1 and 2 are older than ten days, and of day 3 by the two minutes that passed.
    assert_eq!(sequences(&office), [5, 6, 7]);
    office.log();
}
