//! Changing the data key: what lies under the older one is sealed again, and then it can be taken away.

use super::administration::{Office, assert_status, office};
use super::scheduled::{due, pass, run_of};
use super::*;
use parapet_worker::scheduled::MINUTE;

/// Under `d2`, opening with the older keys too.
pub(super) fn changed(office: &mut Office, older: &str) {
    office.edge.app.config = configuration(&[
        ("FRESHNESS_SECONDS", "0"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("SNAPSHOT_KEY_ID", "test"),
        ("DATA_KEY", &"ef".repeat(32)),
        ("DATA_KEY_ID", "d2"),
        ("OLD_DATA_KEYS", older),
    ]);
}

/// With three subjects in the log and a secret setting, under `d1`; the keys of two of them as the tests change them.
fn sealed() -> Office {
    let office = office();
    for name in ["one", "two", "three"] {
        let user = json!({ "email": format!("{name}@acme.example"), "first_name": name });
        assert_status(&office.owner("POST", "/v1/users", user), 201);
    }
    let setting = "/v1/tenant-settings/integration/smtp_password";
    assert_status(&office.owner("PUT", setting, json!({ "value": "hunter2" })), 201);
    office
}

pub(super) fn old() -> String {
    format!("d1:{}", "cd".repeat(32))
}

fn texts(office: &Office) -> Vec<String> {
    let rows = office.edge.sql(
        "SELECT subject_key AS text FROM audit_subject WHERE subject_key IS NOT NULL
         UNION ALL SELECT json_extract(setting_value, '$') FROM tenant_setting ORDER BY 1",
    );
    rows.iter().map(|row| row["text"].as_str().unwrap().to_owned()).collect()
}

fn names(office: &Office) -> Vec<String> {
    let page = assert_status(&office.owner("GET", "/v1/audit-logs?event_type=user.created", Value::Null), 200);
    let items = page["items"].as_array().unwrap().clone();
    let name =
        |item: &Value| item["event_data"]["personal"]["data"]["after"]["first_name"].as_str().unwrap().to_owned();
    let mut names: Vec<String> = items.iter().map(name).collect();
    names.sort_unstable();
    names
}

#[test]
fn what_lies_under_an_older_key_is_sealed_again_and_nothing_else_changes() {
    let mut office = sealed();
    assert_eq!(due(&office.edge, "reseal_secrets")["remaining"], 0);
    changed(&mut office, &old());
    let (versions, log, events) = (office.versions(), office.log(), office.events());
    assert_eq!(texts(&office).iter().filter(|text| text.starts_with("d1.")).count(), 4);
    let row = due(&office.edge, "reseal_secrets");
    assert_eq!((&row["items"], &row["remaining"]), (&json!(4), &json!(0)));
    assert!(texts(&office).iter().all(|text| text.starts_with("d2.")));
    assert_eq!((office.versions(), office.log(), office.events()), (versions, log, events));
    // The older key is not needed any more.
    changed(&mut office, "");
    assert_eq!(names(&office), ["one", "three", "two"]);
    let place = format!("tenant_setting/{TENANT}/integration/smtp_password");
    let setting = office.edge.sql("SELECT json_extract(setting_value, '$') AS text FROM tenant_setting");
    let keys = office.edge.app.config().unwrap().data_keys().unwrap();
    assert_eq!(keys.open(setting[0]["text"].as_str().unwrap(), &place).unwrap(), b"hunter2");
    // Where nothing is to be done, a run asks for its own row alone.
    pass(&office.edge, MINUTE);
    let asked = office.edge.app.db.round_trips();
    due(&office.edge, "reseal_secrets");
    assert_eq!(office.edge.app.db.round_trips() - asked, 3, "the claim, the end, and the row as this test reads it");
}

#[test]
fn what_does_not_open_stays_and_is_counted() {
    let mut office = sealed();
    office.edge.sql(
        "UPDATE audit_subject SET subject_key = 'd0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
         WHERE id = (SELECT min(id) FROM audit_subject)",
    );
    changed(&mut office, &old());
    let row = due(&office.edge, "reseal_secrets");
    assert_eq!((&row["items"], &row["remaining"]), (&json!(3), &json!(1)));
    // With the key that it lies under it would open; so it is tried again, an hour later and not each minute.
    assert_eq!(due(&office.edge, "reseal_secrets")["remaining"], 1);
    office.edge.sql("UPDATE audit_subject SET subject_key = NULL WHERE subject_key LIKE 'd0.%'");
    assert_eq!(due(&office.edge, "reseal_secrets")["remaining"], 1);
    pass(&office.edge, 60 * MINUTE);
    assert_eq!(due(&office.edge, "reseal_secrets")["remaining"], 0);
    assert_eq!(run_of(&office.edge, "reseal_secrets")["items"], 3);
}

#[test]
fn many_are_sealed_again_piece_by_piece() {
    let mut office = office();
    let keys = office.edge.app.config().unwrap().data_keys().unwrap().clone();
    for number in 0..700_u128 {
        let id = uuid::Uuid::from_u128(0x0198_0000_0000_7000_b000_0000_0000_0000 + number);
        let text = keys.seal(&[7; 32], &format!("audit_subject/{id}/subject_key"), [1; 12]);
        let insert = Statement::new(
            "INSERT INTO audit_subject (id, tenant_id, subject_key, created_at) VALUES (?1, ?2, ?3, '2026-01-01T00:00:00.000Z')",
        );
        pollster::block_on(office.edge.app.db.all(insert.bind(id).bind(TENANT).bind(text))).unwrap();
    }
    changed(&mut office, &old());
    let row = due(&office.edge, "reseal_secrets");
    assert_eq!((&row["items"], &row["remaining"]), (&json!(500), &json!(200)));
    let row = due(&office.edge, "reseal_secrets");
    assert_eq!((&row["items"], &row["remaining"]), (&json!(700), &json!(0)));
}

#[test]
fn an_id_that_another_begins_with_is_another() {
    let mut office = sealed();
    office.edge.app.config = configuration(&[
        ("FRESHNESS_SECONDS", "0"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("DATA_KEY", &"ef".repeat(32)),
        ("DATA_KEY_ID", "d1.b"),
        ("OLD_DATA_KEYS", &old()),
    ]);
    assert_eq!(due(&office.edge, "reseal_secrets")["items"], 4);
    changed(&mut office, &format!("d1.b:{}", "ef".repeat(32)));
    office.edge.app.config = configuration(&[
        ("FRESHNESS_SECONDS", "0"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("DATA_KEY", &"cd".repeat(32)),
        ("OLD_DATA_KEYS", &format!("d1.b:{}", "ef".repeat(32))),
    ]);
    let row = due(&office.edge, "reseal_secrets");
    assert_eq!((&row["items"], &row["remaining"]), (&json!(8), &json!(0)), "`d1.` begins `d1.b.` as well");
}

/// A webhook's secrets are bound to its tenant as well, both alike: the one before becomes what the new one was.
#[test]
fn what_signs_for_webhooks_is_sealed_again() {
    let mut office = office();
    super::webhooks::lead(&office.edge);
    let hook = json!({ "name": "all", "url": "https://hooks.acme.com/in", "event_types": ["*"] });
    let hook = assert_status(&office.owner("POST", "/v1/webhooks", hook), 201);
    let rotate = format!("/v1/webhooks/{}/rotate-secret", hook["id"].as_str().unwrap());
    assert_status(&office.owner("POST", &rotate, json!({})), 200);
    changed(&mut office, &old());
    let row = due(&office.edge, "reseal_secrets");
    assert_eq!(row["remaining"], 0, "{row:#}");
    let secrets = office.edge.sql("SELECT secret, previous_secret FROM webhook");
    assert!(secrets[0].values().all(|text| text.as_str().unwrap().starts_with("d2.")), "{secrets:?}");
}
