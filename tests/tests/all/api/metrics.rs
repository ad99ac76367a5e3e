//! Metrics: for operators alone, in a format that Prometheus reads, by indexes.

use super::administration::assert_status;
use super::scheduled::{due, pass};
use super::tenants::operators;
use super::*;
use parapet_worker::scheduled::{MINUTE, duties};
use std::collections::BTreeMap;

/// The samples, each by its name and labels; every one of a metric that was declared before.
fn samples(response: &Response) -> BTreeMap<String, f64> {
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = String::from_utf8(response.body.clone()).unwrap();
    assert!(text.ends_with('\n'));
    let (mut samples, mut declared, mut helped) = (BTreeMap::new(), Vec::new(), String::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            helped = help.split(' ').next().unwrap().to_owned();
            assert!(help.len() > helped.len() + 1);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(["gauge", "counter"].contains(&kind) && name == helped && !declared.contains(&name.to_owned()));
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            declared.push(name.to_owned());
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert_eq!(declared.last().map(String::as_str), name.split('{').next(), "{line}");
            assert_eq!(samples.insert(name.to_owned(), value.parse().unwrap()), None, "{line}");
        }
    }
    samples
}

#[test]
fn they_say_what_waits_what_failed_and_how_each_duty_went() {
    let operators = operators();
    let edge = &operators.office.edge;
    let get = || samples(&operators.call("GET", "/v1/metrics", Value::Null));
    let metrics = get();
    assert_eq!(metrics["parapet_outbox_oldest_seconds"], 0.0);
    assert_eq!(metrics["parapet_outbox_waiting"], 0.0);
    for duty in duties() {
        assert!(metrics[&format!("parapet_duty_period_seconds{{duty=\"{}\"}}", duty.name)] >= 60.0);
    }
    assert!(!metrics.contains_key("parapet_duty_runs_total{duty=\"remind\"}"), "it has not run");
    let role = json!({ "name": "editor" });
    assert_status(&operators.office.owner("POST", "/v1/roles", role), 201);
    edge.sql(
        "INSERT INTO webhook (id, tenant_id, name, url, headers, event_types, is_active, created_at, updated_at)
         SELECT id, tenant_id, name, 'https://hooks.example.com/', '{}', '[\"*\"]', 0, created_at, updated_at FROM role",
    );
    edge.sql(
        "INSERT INTO webhook_delivery (id, tenant_id, webhook_id, event_type, payload, attempt_count, next_attempt_at,
                                       delivered_at, created_at)
         SELECT id, tenant_id, id, 'a', '{}', 1, iif(name = 'owner', created_at, NULL),
                iif(name = 'admin', created_at, NULL), created_at FROM webhook
         WHERE tenant_id = '01980000-0000-7000-8000-000000000001'",
    );
    let counted = |sql: &'static str| edge.sql(sql)[0]["n"].as_f64().unwrap();
    pass(edge, 5 * MINUTE);
    due(edge, "remind");
    let metrics = get();
    assert_eq!(metrics["parapet_outbox_oldest_seconds"], 900.0);
    assert_eq!(metrics["parapet_outbox_waiting"], 1.0);
    assert_eq!(metrics["parapet_duty_runs_total{duty=\"remind\"}"], 1.0);
    assert_eq!(metrics["parapet_duty_failures_total{duty=\"remind\"}"], 0.0);
    assert_eq!(metrics["parapet_duty_last_run_failed{duty=\"remind\"}"], 0.0);
    let now = edge.app.clock.now().as_millis() as f64 / 1000.0;
    assert_eq!(metrics["parapet_duty_last_end_timestamp_seconds{duty=\"remind\"}"], now);
    let waiting = counted("SELECT count(*) AS n FROM webhook_delivery WHERE next_attempt_at IS NOT NULL");
    assert_eq!((metrics["parapet_webhook_deliveries_waiting"], waiting), (waiting, 1.0));
    let failed =
        counted("SELECT count(*) AS n FROM webhook_delivery WHERE next_attempt_at IS NULL AND delivered_at IS NULL");
    assert_eq!(metrics["parapet_webhook_deliveries_failed"], failed);
    assert!(failed > 0.0 && metrics["parapet_webhook_deliveries_overdue_seconds"] > 0.0);
    edge.sql("UPDATE scheduled_run SET last_error = 'internal: no', failures = 3, remaining = 7");
    let metrics = get();
    assert_eq!(metrics["parapet_duty_last_run_failed{duty=\"remind\"}"], 1.0);
    assert_eq!(metrics["parapet_duty_failures_total{duty=\"remind\"}"], 3.0);
    assert_eq!(metrics["parapet_duty_remaining{duty=\"remind\"}"], 7.0);
}

#[test]
fn counting_stops() {
    let operators = operators();
    let edge = &operators.office.edge;
    edge.sql(
        "INSERT INTO outbox (id, tenant_id, event_type, payload, created_at)
         WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 10050)
         SELECT printf('01980000-0000-7000-8000-%012d', value), '01980000-0000-7000-8000-000000000001', 'a', '{}',
                '2026-01-01T00:00:00.000Z' FROM n",
    );
    let metrics = samples(&operators.call("GET", "/v1/metrics", Value::Null));
    assert_eq!(metrics["parapet_outbox_waiting"], 10_000.0);
}

#[test]
fn for_everybody_else_there_is_nothing_here() {
    let operators = operators();
    let office = &operators.office;
    assert_problem(&office.owner("GET", "/v1/metrics", Value::Null), 404, "http.not_found");
    let document = parapet_worker::openapi::document::document().unwrap();
    assert!(document["paths"]["/v1/metrics"]["get"]["responses"]["404"].is_object());
    let key = office.edge.key(&["access:evaluate"]);
    assert_problem(&office.by(&key, "GET", "/v1/metrics", Value::Null), 403, "access.missing_scope");
    assert_problem(&office.edge.get("/v1/metrics"), 401, "key.missing");
}

/// As `docs/deploy.md` says.
#[test]
fn a_scraper_has_a_key_that_reads_and_does_nothing_else() {
    let operators = operators();
    let account = json!({ "name": "prometheus", "permissions": [{ "permission": "parapet.tenant.read" }] });
    let account = assert_status(&operators.call("POST", "/v1/service-accounts", account), 201);
    let key = json!({ "name": "prometheus", "service_account_id": account["id"], "scopes": ["parapet:tenant.read"] });
    let key = assert_status(&operators.call("POST", "/v1/api-keys", key), 201);
    let key = ApiKeyToken::parse(key["key"].as_str().unwrap()).unwrap();
    samples(&operators.office.by(&key, "GET", "/v1/metrics", Value::Null));
    assert_eq!(operators.office.by(&key, "GET", "/v1/users", Value::Null).status, 403);
    let tenant = super::tenants::new_tenant();
    assert_eq!(operators.office.by(&key, "POST", "/v1/tenants", tenant).status, 403);
}
