//! Up to where the audit log was exported, as whoever exported it states.

use super::administration::{Office, assert_refused, assert_status, office};
use super::*;

const PATH: &str = "/v1/audit-logs/roots";

fn busy() -> Office {
    let office = office();
    for number in 0..3 {
        assert_status(&office.owner("POST", "/v1/roles", json!({ "name": format!("role {number}") })), 201);
    }
    office
}

/// The last line of an export: what its reader holds.
fn last_line(office: &Office) -> Value {
    let export = office.owner("GET", "/v1/audit-logs/export", Value::Null);
    serde_json::from_str(std::str::from_utf8(&export.body).unwrap().lines().last().unwrap()).unwrap()
}

#[test]
fn a_root_is_of_a_row_that_its_exporter_holds_and_lets_that_prefix_be_removed() {
    let office = busy();
    let rows = office.log().len();
    let last = last_line(&office);
    assert_eq!(office.log().len(), rows, "reading writes nothing");
    assert_eq!(office.edge.sql("SELECT id FROM audit_root").len(), 0);
    let root = json!({ "sequence": last["sequence"], "hash": last["hash"] });
    let versions = office.versions();
    let made = assert_status(&office.owner("POST", PATH, root.clone()), 201);
    assert_eq!((&made["sequence"], &made["hash"], &made["tenant_id"]), (&json!(3), &last["hash"], &json!(TENANT)));
    assert_eq!(office.versions(), versions);
    let log = office.log();
    assert_eq!(log.last().unwrap().event_type, "audit_root.recorded");
    assert_eq!(log.last().unwrap().event_data["after"]["sequence"], 3);
    // What it says is what `parapet audit verify --head` is given.
    let listed = assert_status(&office.owner("GET", PATH, Value::Null), 200);
    assert_eq!(listed["items"], json!([made]));
    let head = format!("{}:{}", made["sequence"], made["hash"].as_str().unwrap()).parse().unwrap();
    let mut verifier = parapet::audit::Verifier::new(Some(parapet::audit::Head::default())).holding(head);
    for row in &log {
        assert_eq!(verifier.row(row), []);
    }
    assert_eq!(verifier.finish().1, None);
    // Retention may remove what lies below it, and no more.
    let remove = |sequence: i64| {
        let delete = Statement::new("DELETE FROM audit_log WHERE tenant_id = ?1 AND sequence = ?2");
        pollster::block_on(office.edge.app.db.all(delete.bind(TENANT).bind(sequence)))
    };
    assert!([1, 2, 3].into_iter().all(|sequence| remove(sequence).is_ok()));
    assert!(remove(4).is_err());
    office.log();
}

#[test]
fn what_is_not_in_the_log_is_no_root() {
    let office = busy();
    let last = last_line(&office);
    let finding = |response: &Response| {
        let body = body(response);
        (body["findings"][0]["code"].clone(), body["findings"][0]["field"].clone())
    };
    for (root, code, field) in [
        (json!({ "sequence": 4, "hash": last["hash"] }), "audit_root.no_row", "sequence"),
        (json!({ "sequence": 2, "hash": last["hash"] }), "audit_root.other_hash", "hash"),
        (json!({ "sequence": 0, "hash": last["hash"] }), "audit_root.sequence", "sequence"),
        (json!({ "sequence": 3, "hash": "x" }), "audit_root.hash", "hash"),
        (json!({ "hash": last["hash"] }), "row.missing", "sequence"),
        (json!({ "sequence": 3, "hash": last["hash"], "created_at": NOW }), "row.read_only", "created_at"),
        (json!({ "sequence": 3, "hash": last["hash"], "colour": 1 }), "row.unknown_field", "colour"),
    ] {
        let response = office.owner("POST", PATH, root.clone());
        assert_problem(&response, 422, "request.invalid");
        assert_eq!(finding(&response), (json!(code), json!(field)), "{root}");
    }
    assert_eq!(office.edge.sql("SELECT id FROM audit_root").len(), 0);
    let root = json!({ "sequence": 3, "hash": last["hash"] });
    assert_status(&office.owner("POST", PATH, root.clone()), 201);
    assert_problem(&office.owner("POST", PATH, root), 409, "row.taken");
}

#[test]
fn an_owner_alone_states_one_with_a_key_that_writes() {
    let office = busy();
    let last = last_line(&office);
    let root = json!({ "sequence": last["sequence"], "hash": last["hash"] });
    assert_refused(&office.admin("POST", PATH, root.clone()), &["needs_owner"]);
    let reads = office.edge.key_of(TENANT, Some(super::administration::OLGA), None, &["admin:read"]);
    assert_problem(&office.by(&reads, "POST", PATH, root.clone()), 403, "access.missing_scope");
    assert_status(&office.by(&reads, "GET", PATH, Value::Null), 200);
    assert_eq!(office.edge.sql("SELECT id FROM audit_root").len(), 0);
    let once = || {
        let mut request = keyed(&office.owner, "POST", PATH, Some(root.clone()));
        request.headers.insert("idempotency-key".to_owned(), "once".to_owned());
        office.edge.send(request)
    };
    let made = assert_status(&once(), 201);
    assert_eq!(assert_status(&once(), 201), made);
}
