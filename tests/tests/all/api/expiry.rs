//! What ends: it is told before, tidied away after, each once, and no decision waits for either.

use super::administration::{OLGA, Office, assert_status, office};
use super::scheduled::{due, pass, run_of};
use super::*;
use parapet_worker::scheduled::{MINUTE, duties, run};

const DAY: i64 = 24 * 60 * MINUTE;

/// `NOW`, and so many milliseconds.
fn after(milliseconds: i64) -> String {
    time(NOW).plus_millis(milliseconds).to_string()
}

/// Gives the rows of a table with this condition an end.
fn ends(office: &Office, table: &str, condition: &str, at: &str) {
    let set = Statement::new(format!("UPDATE {table} SET expires_at = ?1 WHERE {condition}")).bind(at);
    pollster::block_on(office.edge.app.db.all(set)).unwrap();
}

/// Ben is in a group that may read, by hand; the key of the owner ends as all of that does.
fn ending() -> (Office, ApiKeyToken) {
    let office = office();
    let group = assert_status(&office.owner("POST", "/v1/user-groups", json!({ "name": "readers" })), 201);
    let member = json!({ "user_group_id": group["id"], "user_id": BEN });
    assert_status(&office.owner("POST", "/v1/user-group-memberships", member), 201);
    let role = json!({ "user_group_id": group["id"], "role_id": READER });
    assert_status(&office.owner("POST", "/v1/user-group-roles", role), 201);
    let key = office.edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate", "document:read"]);
    let pep = office.edge.key(&["access:evaluate"]);
    ends(&office, "user_role", &format!("user_id = '{ANNA}'"), &after(DAY));
    for table in ["user_group_membership", "user_group_role"] {
        ends(&office, table, "1", &after(DAY));
    }
    ends(&office, "api_key", &format!("user_id = '{ANNA}'"), &after(DAY));
    assert_decision(&office.edge.ask(&key), true);
    (office, pep)
}

fn counts(office: &Office) -> Vec<usize> {
    let tables = ["user_role", "user_group_membership", "user_group_role", "api_key"];
    tables.iter().map(|table| office.edge.app.db.count(table).unwrap() as usize).collect()
}

#[test]
fn what_has_ended_goes_and_is_told_once() {
    let (office, pep) = ending();
    let before = counts(&office);
    let told = office.events().len();
    // A moment before nothing goes.
    pass(&office.edge, DAY - MINUTE - 1);
    assert_eq!(due(&office.edge, "expire_rows")["items"], 0);
    assert_eq!(counts(&office), before);
    assert_decision(&office.edge.ask(&pep), true);
    // At the end itself it counts no more, whether the clock has come or not.
    pass(&office.edge, 1);
    assert_decision(&office.edge.ask(&pep), false);
    let question = question(BEN, "read");
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question), false);
    let versions = office.versions();
    assert_eq!(due(&office.edge, "expire_rows")["items"], 4);
    assert_eq!(counts(&office), [before[0] - 1, 0, 0, before[3]]);
    let off = office.edge.sql("SELECT user_id FROM api_key WHERE is_active = 0");
    assert_eq!((off.len(), off[0]["user_id"].as_str()), (1, Some(ANNA)));
    let mut events = office.events().split_off(told);
    events.sort();
    let expected = ["api_key.expired", "user_group_membership.expired", "user_group_role.expired", "user_role.expired"];
    assert_eq!(events, expected);
    let logged: Vec<_> = office.log().into_iter().filter(|row| row.event_type.ends_with(".expired")).collect();
    assert_eq!(logged.len(), 4);
    assert!(logged.iter().all(|row| row.event_data["actor"] == json!({ "type": "system" })));
    // What is remembered of rules and people is of before: one new version of each.
    assert_eq!(office.versions(), (versions.0 + 1, versions.1 + 1));
    assert_decision(&office.edge.ask(&pep), false);
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question), false);
    // Once more, with nothing to do.
    assert_eq!(due(&office.edge, "expire_rows")["items"], 4);
    assert_eq!(office.events().len(), told + 4);
    // The role can be given anew.
    let again = json!({ "user_id": ANNA, "role_id": READER });
    assert_status(&office.owner("POST", "/v1/user-roles", again), 201);
    assert_decision(&office.edge.ask(&pep), true);
    let group = office.edge.sql("SELECT id FROM user_group")[0]["id"].clone();
    let again = json!({ "user_group_id": group, "role_id": READER });
    assert_status(&office.owner("POST", "/v1/user-group-roles", again), 201);
}

/// Who was in the group by hand until now would be in it for good by the rule, at any change of the user.
#[test]
fn in_a_group_with_a_rule_an_ended_membership_stays() {
    let (office, pep) = ending();
    office.edge.sql("UPDATE user_group SET auto_assignment_rules = '{\"StringEquals\": {\"principal.email\": \"x\"}}'");
    pass(&office.edge, 2 * DAY);
    assert_eq!(due(&office.edge, "expire_rows")["items"], 3);
    assert_eq!(office.edge.app.db.count("user_group_membership"), Some(1));
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(BEN, "read")), false);
}

#[test]
fn many_ends_are_dealt_with_piece_by_piece() {
    let (office, _) = ending();
    office.edge.sql(
        "INSERT INTO user (id, tenant_id, email, email_verified, phone_verified, custom_attributes, is_active, state,
                           force_password_change, created_at, updated_at)
         SELECT printf('01980000-0000-7000-8000-%012d', 5000 + n.value), tenant_id, 'u' || n.value || '@acme.example', 0, 0,
                '{}', 1, 'active', 0, created_at, updated_at
         FROM user, (WITH RECURSIVE c(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM c WHERE value < 250)
                     SELECT value FROM c) n WHERE email = 'anna@acme.example'",
    );
    let give = Statement::new(
        "INSERT INTO user_role (id, tenant_id, user_id, role_id, assigned_at, expires_at, is_active)
         SELECT replace(id, '8000', '9000'), tenant_id, id, ?1, created_at, ?2, 1 FROM user WHERE email LIKE 'u%'",
    );
    pollster::block_on(office.edge.app.db.all(give.bind(READER).bind(after(2 * DAY)))).unwrap();
    pass(&office.edge, 3 * DAY);
    let row = due(&office.edge, "expire_rows");
    assert_eq!(row["items"], 3 + 100, "{row}");
    assert!(row["cursor"].is_string());
    assert_eq!(due(&office.edge, "expire_rows")["items"], 203);
    let row = due(&office.edge, "expire_rows");
    assert_eq!((&row["items"], &row["cursor"]), (&json!(254), &Value::Null));
    office.log();
}

#[test]
fn a_request_that_nobody_answered_in_time_is_cancelled() {
    let office = office();
    for (number, status, until) in [
        (1, "pending", Some(after(DAY))),
        (2, "pending", None),
        (3, "approved", Some(after(DAY))),
        (4, "rejected", Some(after(DAY))),
    ] {
        let insert = Statement::new(
            "INSERT INTO access_request (id, tenant_id, requester_id, request_type, role_id, requested_permissions,
                                         justification, status, approved_by, expires_at, created_at, updated_at)
             VALUES (?1, ?2, ?3, 'role', ?4, '[]', 'for the audit', ?5, iif(?5 = 'approved', ?6, NULL), ?7, ?8, ?8)",
        );
        let id = format!("01980000-0000-7000-8000-0000000003{number:02}");
        let insert = insert.bind(id).bind(TENANT).bind(BEN).bind(READER).bind(status).bind(OLGA).bind(until).bind(NOW);
        pollster::block_on(office.edge.app.db.all(insert)).unwrap();
    }
    let statuses = || {
        let rows = office.edge.sql("SELECT status FROM access_request ORDER BY id");
        rows.iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let versions = office.versions();
    pass(&office.edge, DAY - MINUTE - 1);
    assert_eq!(due(&office.edge, "expire_rows")["items"], 0);
    pass(&office.edge, 1);
    for _ in 0..2 {
        assert_eq!(due(&office.edge, "expire_rows")["items"], 1);
        assert_eq!(statuses(), ["cancelled", "pending", "approved", "rejected"]);
    }
    assert_eq!(office.events(), ["access_request.expired"]);
    assert_eq!(office.versions(), versions, "nothing is decided by what waits");
    let logged = office.log().pop().unwrap();
    assert_eq!(logged.event_data["after"]["status"], "cancelled");
    assert!(!json!(logged.event_data).to_string().contains("for the audit"), "{logged:?}");
    let told = (BEN.to_owned(), "Your request for the role reader: not answered in time".to_owned());
    assert_eq!(notices(&office, "access_request.decided"), [told]);
}

/// The rows of a table that tell somebody.
fn notices(office: &Office, name: &str) -> Vec<(String, String)> {
    super::messages::settle(&office.edge);
    let rows = office.edge.sql(
        "SELECT n.user_id, n.subject, t.name FROM user_notification n
         JOIN notification_template t ON t.id = n.notification_template_id WHERE n.type = 'in_app' ORDER BY n.id",
    );
    let text = |row: &Row, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    rows.iter().filter(|row| row["name"] == name).map(|row| (text(row, "user_id"), text(row, "subject"))).collect()
}

#[test]
fn what_ends_within_a_week_is_told_once_for_each_end() {
    let office = office();
    let bot = office.edge.key_of(TENANT, None, Some(BOT), &["access:evaluate"]);
    office.edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate"]);
    ends(&office, "user_role", &format!("user_id = '{ANNA}'"), &after(10 * DAY));
    ends(&office, "api_key", &format!("user_id = '{ANNA}' OR service_account_id = '{BOT}'"), &after(10 * DAY));
    let versions = office.versions();
    pass(&office.edge, 3 * DAY - 10 * MINUTE - 1);
    assert_eq!(due(&office.edge, "remind")["items"], 0, "it is more than a week");
    assert_eq!(due(&office.edge, "remind")["items"], 3);
    assert_eq!(office.versions(), versions, "nothing has changed");
    for _ in 0..3 {
        assert_eq!(due(&office.edge, "remind")["items"], 3);
    }
    let mut events = office.events();
    events.sort();
    assert_eq!(events, ["api_key.expiring", "api_key.expiring", "user_role.expiring"]);
    let anna = |subject: &str| (ANNA.to_owned(), subject.to_owned());
    assert_eq!(notices(&office, "role.expiring"), [anna("Your role reader ends soon")]);
    let mut keys = notices(&office, "api_key.expiring");
    keys.sort();
    // A program's key is its tenant's owners' to know of.
    let expected = [anna("The API key a key ends soon"), (OLGA.to_owned(), "The API key a key ends soon".to_owned())];
    assert_eq!(keys, expected);
    // An end that is put off is told anew, a week before it comes.
    ends(&office, "api_key", &format!("service_account_id = '{BOT}'"), &after(30 * DAY));
    pass(&office.edge, 10 * DAY);
    assert_eq!(due(&office.edge, "remind")["items"], 3);
    assert_eq!(office.edge.app.db.count("reminder"), Some(0), "what has ended needs no memory");
    assert_decision(&office.edge.post("/access/v1/evaluation", &bot, &question(ANNA, "read")), false);
    pass(&office.edge, 15 * DAY);
    assert_eq!(due(&office.edge, "remind")["items"], 4);
    assert_eq!(run_of(&office.edge, "remind")["cursor"], Value::Null);
}

#[test]
fn nobody_is_told_of_what_is_off_or_lives_a_week_at_most() {
    let office = office();
    office.edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate"]);
    office.edge.key_of(TENANT, Some(BEN), None, &["access:evaluate"]);
    ends(&office, "user_role", &format!("user_id = '{ANNA}'"), &after(5 * DAY));
    office.edge.sql("UPDATE user_role SET is_active = 0 WHERE expires_at IS NOT NULL");
    ends(&office, "api_key", &format!("user_id IN ('{ANNA}', '{BEN}')"), &after(5 * DAY));
    office.edge.sql("UPDATE api_key SET is_active = 0 WHERE user_id LIKE '%101'");
    let young = Statement::new("UPDATE api_key SET created_at = ?1 WHERE is_active = 1 AND expires_at IS NOT NULL");
    pollster::block_on(office.edge.app.db.all(young.bind(after(-DAY)))).unwrap();
    assert_eq!(due(&office.edge, "remind")["items"], 0);
    assert!(office.events().is_empty());
}

#[test]
fn a_tenant_whose_rows_cannot_be_read_keeps_no_other_from_its_turn() {
    let edge = Edge::new();
    edge.seed(&other());
    for tenant in [TENANT, OTHER] {
        edge.key_of(tenant, None, None, &["access:evaluate"]);
    }
    edge.sql("UPDATE api_key SET expires_at = '2026-03-01T00:00:00.000Z'");
    edge.sql("UPDATE api_key SET scopes = '{}' WHERE tenant_id = '01980000-0000-7000-8000-000000000001'");
    let tick = || {
        let duties: Vec<_> = duties().into_iter().filter(|duty| duty.name == "expire_rows").collect();
        pass(&edge, MINUTE);
        pollster::block_on(run(&edge.app, &duties));
        let off = edge.sql("SELECT tenant_id FROM api_key WHERE is_active = 0 ORDER BY tenant_id");
        off.iter().map(|row| row["tenant_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for failures in [1, 2] {
        assert_eq!(tick(), [OTHER]);
        let row = run_of(&edge, "expire_rows");
        assert!(row["last_error"].is_string() && row["failures"] == failures, "{row:#}");
    }
    edge.sql("UPDATE api_key SET scopes = '[]'");
    assert_eq!(tick(), [TENANT, OTHER]);
    assert_eq!(run_of(&edge, "expire_rows")["last_error"], Value::Null);
}

/// More tenants than a run deals with: each has its turn, and one that fails does not stop the walk.
#[test]
fn many_tenants_have_their_turn() {
    let edge = Edge::new();
    for number in 10..60 {
        let mut tenant = other();
        tenant.tenant.id = format!("01980000-0000-7000-8000-0000000000{number}").parse().unwrap();
        tenant.tenant.slug = format!("other-{number}");
        tenant.tenant_epoch[0].tenant_id = tenant.tenant.id;
        edge.seed(&tenant);
        edge.key_of(&tenant.tenant.id.to_string(), None, None, &["access:evaluate"]);
    }
    edge.sql("UPDATE api_key SET expires_at = '2026-03-01T00:00:00.000Z'");
    for items in [20, 40, 50] {
        assert_eq!(due(&edge, "expire_rows")["items"], items);
    }
    assert_eq!(run_of(&edge, "expire_rows")["cursor"], Value::Null);
    assert_eq!(edge.sql("SELECT 1 FROM outbox WHERE event_type = 'api_key.expired'").len(), 50);
}
