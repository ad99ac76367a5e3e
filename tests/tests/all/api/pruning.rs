//! What is forgotten by and by: the rules of long ago, files that nobody decides by, answers to repeated requests.

use super::administration::{Office, assert_status, office};
use super::scheduled::{due, pass};
use super::*;
use parapet_worker::scheduled::MINUTE;
use parapet_worker::scheduled::prune_rule_history::{DAYS, VERSIONS};

const DAY: i64 = 24 * 60 * MINUTE;

/// Versions 7, 8 and 9, each with another description of the role.
fn three_versions() -> Office {
    let office = office();
    assert_status(&office.owner("GET", "/v1/roles", Value::Null), 200);
    for description in ["of version 8", "of version 9"] {
        let body = json!({ "description": description });
        assert_status(&office.owner("PATCH", &format!("/v1/roles/{READER}"), body), 200);
    }
    assert_eq!(office.versions().0, 9);
    office
}

fn set_version(office: &Office, version: i64) {
    let set = Statement::new("UPDATE tenant_epoch SET policy_version = ?1").bind(version);
    pollster::block_on(office.edge.app.db.all(set)).unwrap();
}

fn back(office: &Office, version: i64) -> Response {
    office.owner("POST", &format!("/v1/snapshots/{version}/rollback"), json!({}))
}

fn versions(office: &Office) -> Vec<i64> {
    let rows = office.edge.sql("SELECT policy_version FROM snapshot ORDER BY policy_version");
    rows.iter().map(|row| row["policy_version"].as_i64().unwrap()).collect()
}

#[test]
fn versions_are_kept_while_they_are_young_or_among_the_newest() {
    let office = three_versions();
    // Many versions came after them, but they are young; and the other way round.
    set_version(&office, 9 + VERSIONS);
    pass(&office.edge, (DAYS - 1) * DAY);
    assert_eq!(due(&office.edge, "prune_rule_history")["items"], 0);
    set_version(&office, 9 + VERSIONS);
    let office = three_versions();
    set_version(&office, 6 + VERSIONS);
    pass(&office.edge, (DAYS + 1) * DAY);
    assert_eq!(due(&office.edge, "prune_rule_history")["items"], 0);
    assert_eq!(versions(&office), [7, 8, 9]);
    assert_status(&back(&office, 7), 200);
}

#[test]
fn what_is_beyond_the_horizon_is_refused_and_the_horizon_itself_is_whole() {
    let office = three_versions();
    set_version(&office, 8 + VERSIONS);
    pass(&office.edge, (DAYS + 1) * DAY);
    let row = due(&office.edge, "prune_rule_history");
    assert_eq!((&row["items"], &row["cursor"]), (&json!(2), &Value::Null), "the change of version 8, and version 7");
    assert_eq!(versions(&office), [8, 9]);
    assert_problem(&back(&office, 7), 409, "snapshot.not_kept");
    assert_problem(&back(&office, 6), 409, "snapshot.not_kept");
    assert_problem(&back(&office, -1), 404, "http.not_found");
    // Once more, with nothing to do: the mark itself stays.
    assert_eq!(due(&office.edge, "prune_rule_history")["items"], 2);
    let kept = office.edge.sql("SELECT policy_version, table_name FROM rule_history ORDER BY policy_version");
    assert_eq!((&kept[0]["policy_version"], &kept[0]["table_name"]), (&json!(8), &json!("tenant")));
    assert_status(&back(&office, 8), 200);
    let role = assert_status(&office.owner("GET", &format!("/v1/roles/{READER}"), Value::Null), 200);
    assert_eq!(role["description"], "of version 8");
}

#[test]
fn what_is_half_removed_is_refused_as_a_whole() {
    let office = three_versions();
    let many = Statement::new(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id) SELECT ?1, 8, 'role', ?2 FROM n",
    );
    pollster::block_on(office.edge.app.db.all(many.bind(TENANT).bind(READER))).unwrap();
    set_version(&office, 8 + VERSIONS);
    pass(&office.edge, (DAYS + 1) * DAY);
    due(&office.edge, "prune_rule_history");
    let left =
        office.edge.sql("SELECT count(*) AS n FROM rule_history WHERE table_name = 'role' AND policy_version = 8");
    assert_eq!(left[0]["n"], 1001);
    assert_problem(&back(&office, 7), 409, "snapshot.not_kept");
    due(&office.edge, "prune_rule_history");
    let marks = office.edge.sql("SELECT policy_version FROM rule_history WHERE table_name = 'tenant'");
    assert_eq!(marks.len(), 1);
    // A later horizon has one mark as well.
    set_version(&office, 9 + VERSIONS);
    due(&office.edge, "prune_rule_history");
    let left = office.edge.sql("SELECT policy_version, table_name FROM rule_history");
    assert_eq!(left.len(), 1);
    assert_eq!((&left[0]["policy_version"], &left[0]["table_name"]), (&json!(9), &json!("tenant")));
}

#[test]
fn of_many_tenants_some_are_looked_at_each_time() {
    let office = three_versions();
    for number in 0..250 {
        let id = format!("00000000-0000-7000-a000-{number:012}");
        let text = json!({ "tenant": { "id": id, "name": "t", "slug": format!("t-{number}"), "created_at": NOW, "updated_at": NOW },
                           "tenant_epoch": [{ "policy_version": 1, "directory_version": 1 }] });
        office.edge.seed(&TenantDocument::from_value(text).unwrap());
    }
    set_version(&office, 8 + VERSIONS);
    pass(&office.edge, (DAYS + 1) * DAY);
    let row = due(&office.edge, "prune_rule_history");
    assert_eq!((&row["items"], &row["cursor"]), (&json!(0), &json!("00000000-0000-7000-a000-000000000199")));
    let row = due(&office.edge, "prune_rule_history");
    assert_eq!((&row["items"], &row["cursor"]), (&json!(2), &Value::Null));
}

#[test]
fn files_that_were_replaced_a_day_ago_go_and_decisions_go_on() {
    let office = three_versions();
    let edge = &office.edge;
    let pep = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&pep), true);
    let put = |key: &str| pollster::block_on(edge.app.kv.put(key, b"x", Default::default())).unwrap();
    // Of a tenant that is gone; of a change that did not come about; of another format; and what is none of ours.
    put(&format!("snapshot/{OTHER}/1/ab"));
    put(&format!("snapshot/{TENANT}/10/ab"));
    put(&format!("snapshot/{TENANT}/9/ab"));
    put("snapshot/notes");
    let snapshots = || edge.app.kv.keys().into_iter().filter(|key| key.starts_with("snapshot/")).collect::<Vec<_>>();
    let there = snapshots();
    assert_eq!(there.len(), 7);
    assert_eq!(due(edge, "prune_snapshots")["items"], 1, "the gone tenant's");
    pass(edge, DAY);
    assert_eq!(due(edge, "prune_snapshots")["items"], 4);
    let left = snapshots();
    let hash = edge.sql("SELECT content_hash FROM snapshot WHERE policy_version = 9");
    let current = format!("snapshot/{TENANT}/9/{}", hash[0]["content_hash"].as_str().unwrap());
    assert_eq!(left, [format!("snapshot/{TENANT}/10/ab"), current, "snapshot/notes".to_owned()]);
    assert_decision(&edge.restarted().ask(&pep), true);
    // Going back needs none of the files.
    assert_status(&back(&office, 7), 200);
    // More than a page of them is walked piece by piece.
    for number in 0..150 {
        put(&format!("snapshot/{OTHER}/{number}/ab"));
    }
    let row = due(edge, "prune_snapshots");
    assert!(row["cursor"].is_string());
    assert_eq!(due(edge, "prune_snapshots")["cursor"], Value::Null);
    assert!(!snapshots().iter().any(|key| key.contains(OTHER)));
}

#[test]
fn an_answer_is_repeated_for_a_day() {
    let office = office();
    let send = || {
        let mut request = keyed(&office.owner, "POST", "/v1/roles", Some(json!({ "name": "editor" })));
        request.headers.insert("idempotency-key".to_owned(), "once".to_owned());
        office.edge.send(request)
    };
    assert_status(&send(), 201);
    pass(&office.edge, DAY - 11 * MINUTE);
    assert_eq!(due(&office.edge, "prune_answers")["items"], 0);
    assert_eq!(send().header("idempotency-replayed"), Some("true"));
    assert_eq!(due(&office.edge, "prune_answers")["items"], 1);
    assert_problem(&send(), 409, "row.taken");
}

#[test]
fn what_signing_in_leaves_behind_is_forgotten() {
    use super::sign_in::{Browser, PASSWORD, edge};
    let edge = edge();
    Browser::default().sign_in(&edge, "anna", "wrong");
    Browser::default().sign_in(&edge, "anna", PASSWORD);
    edge.sql(
        "INSERT INTO login_flow (id, tenant_id, purpose, token_hash, state, tries, created_at, expires_at)
         SELECT '01980000-0000-7000-8000-000000000c01', id, 'test', printf('%064d', 0), '{}', 0, created_at, created_at
         FROM tenant WHERE slug = 'acme'",
    );
    let left = || {
        ["user_session", "login_flow", "known_device", "login_throttle"].map(|table| edge.app.db.count(table).unwrap())
    };
    assert_eq!(due(&edge, "prune_sign_in")["items"], 1, "the step is over");
    pass(&edge, 26 * 60 * MINUTE);
    due(&edge, "prune_sign_in");
    assert_eq!(left(), [1, 0, 1, 0], "the session ended two hours ago");
    pass(&edge, DAY);
    due(&edge, "prune_sign_in");
    assert_eq!(left(), [0, 0, 1, 0]);
    pass(&edge, 400 * DAY);
    due(&edge, "prune_sign_in");
    assert_eq!(left(), [0, 0, 0, 0]);
}
