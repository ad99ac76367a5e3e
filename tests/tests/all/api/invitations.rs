//! Invitations: who gets one, what it opens, and what makes it void.

use super::administration::{Office, assert_status, office};
use super::own_password::{NEW, findings, set};
use super::recovery::{assert_hidden, links, token};
use super::sign_in::Browser;
use super::*;

const HOUR: i64 = 60 * 60_000;

/// Makes Eve, invited, and gives her path.
fn invited(office: &Office) -> String {
    let new = json!({ "email": "eve@acme.example", "state": "invited", "first_name": "Eve" });
    let made = assert_status(&office.admin("POST", "/v1/users", new), 201);
    format!("/v1/users/{}", made["id"].as_str().unwrap())
}

fn accept(edge: &Edge, token: &str, more: Value) -> Response {
    let mut sent = json!({ "token": token, "password": NEW });
    sent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Browser::default().post(edge, "/v1/auth/invitation/accept", sent)
}

#[test]
fn an_invited_user_chooses_a_password_and_is_active() {
    let office = office();
    let edge = &office.edge;
    edge.sql("UPDATE user SET first_name = 'Adam', last_name = 'Admin' WHERE email = 'adam@acme.example'");
    let path = invited(&office);
    let (purpose, _, link) = links(edge).remove(0);
    assert_eq!(purpose, "user.invitation");
    let token = link.strip_prefix("https://acme.id.example/invitation?token=").unwrap();
    assert_hidden(edge, token);
    let mail = edge.sql("SELECT * FROM user_notification").remove(0);
    let content = mail["content"].as_str().unwrap();
    assert!(content.contains("Adam Admin invites you to Acme") && content.contains("72 hours"), "{content}");
    assert_problem(&Browser::default().sign_in(edge, "eve@acme.example", NEW), 401, "sign_in.refused");
    assert_eq!(findings(&accept(edge, token, json!({ "password": "short" }))), ["password password.too_short"]);
    let response = accept(edge, token, json!({ "last_name": " Evans " }));
    assert_eq!((response.status, response.header("set-cookie")), (204, None));
    let user = assert_status(&office.admin("GET", &path, Value::Null), 200);
    assert_eq!((&user["state"], &user["email_verified"]), (&json!("active"), &json!(true)));
    assert_eq!((&user["first_name"], &user["last_name"]), (&json!("Eve"), &json!("Evans")));
    assert_problem(&accept(edge, token, json!({})), 401, "link.refused");
    assert_eq!(body(&Browser::default().sign_in(edge, "eve@acme.example", NEW))["status"], "signed_in");
    let events = office.events();
    assert!(events.contains(&"user.invitation_accepted".to_owned()), "{events:?}");
    office.log();
}

#[test]
fn an_invitation_is_sent_again_and_the_older_is_void() {
    let office = office();
    let edge = &office.edge;
    let path = invited(&office);
    let first = token(edge, "user.invitation");
    assert_eq!(office.admin("POST", &format!("{path}/invite"), Value::Null).status, 202);
    assert_problem(&accept(edge, &first, json!({})), 401, "link.refused");
    let second = token(edge, "user.invitation");
    assert_ne!(first, second);
    assert_eq!(accept(edge, &second, json!({})).status, 204);
    assert_problem(&office.admin("POST", &format!("{path}/invite"), Value::Null), 409, "user.state");
}

#[test]
fn an_invitation_is_good_for_as_long_as_the_tenant_says() {
    let office = office();
    set(&office.edge, "invitation_hours", json!(2));
    office.edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
    invited(&office);
    let token = token(&office.edge, "user.invitation");
    office.edge.app.clock.set(time(NOW).plus_millis(2 * HOUR));
    assert_problem(&accept(&office.edge, &token, json!({})), 401, "link.refused");
    office.edge.app.clock.set(time(NOW).plus_millis(2 * HOUR - 1));
    assert_eq!(accept(&office.edge, &token, json!({})).status, 204);
}

#[test]
fn what_changes_the_user_voids_it() {
    for (method, path, change) in [
        ("PATCH", "", json!({ "email": "other@acme.example" })),
        ("PATCH", "", json!({ "is_active": false })),
        ("DELETE", "", Value::Null),
    ] {
        let office = office();
        let user = invited(&office);
        let token = token(&office.edge, "user.invitation");
        let response = office.owner(method, &format!("{user}{path}"), change.clone());
        assert!(response.status < 300, "{change}: {}", String::from_utf8_lossy(&response.body));
        assert_problem(&accept(&office.edge, &token, json!({})), 401, "link.refused");
    }
}

#[test]
fn another_tenants_host_opens_nothing() {
    let office = office();
    office.edge.seed(&other());
    invited(&office);
    let token = token(&office.edge, "user.invitation");
    let mut elsewhere = request("POST", "/v1/auth/invitation/accept");
    elsewhere.origin = "https://other.id.example".to_owned();
    elsewhere.body = Body::Bytes(json!({ "token": token, "password": NEW }).to_string().into_bytes());
    assert_problem(&office.edge.send(elsewhere), 401, "link.refused");
    assert_problem(&accept(&office.edge, token.split_at(10).0, json!({})), 401, "link.refused");
}

#[test]
fn only_who_is_invited_gets_one() {
    let office = office();
    let new = json!({ "email": "eve@acme.example", "state": "active" });
    assert_status(&office.admin("POST", "/v1/users", new), 201);
    assert!(links(&office.edge).is_empty());
}

#[test]
fn names_are_names() {
    let office = office();
    invited(&office);
    let token = token(&office.edge, "user.invitation");
    let wrong = json!({ "first_name": "Eve\r\nBcc: evil@example.com", "last_name": "x".repeat(256) });
    assert_eq!(findings(&accept(&office.edge, &token, wrong)), ["first_name user.name", "last_name user.name"]);
    assert_eq!(accept(&office.edge, &token, json!({ "first_name": "  ", "last_name": null })).status, 204);
    let user = office.edge.sql("SELECT first_name FROM user WHERE email = 'eve@acme.example'");
    assert_eq!(user[0]["first_name"], "Eve");
}

/// A name that an administrator wrote is text in the message, whatever is in it.
#[test]
fn no_name_breaks_out_of_a_message() {
    let mut office = office();
    office.edge.app.config = configuration(&[
        ("FRESHNESS_SECONDS", "0"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("SNAPSHOT_KEY_ID", "test"),
        ("DATA_KEY", &"cd".repeat(32)),
        ("BASE_DOMAIN", "id.example"),
        ("MAIL_CHANNEL", r#"{"mail_transport": "binding", "mail_from": "no-reply@id.example"}"#),
    ]);
    office.edge.app.mailer.open();
    let name = "Eve\r\nBcc: evil@example.com\r\n\r\n[Click](https://evil.example)";
    office.edge.sql("UPDATE tenant SET name = 'Acme' || char(13, 10) || 'X-Evil: 1' WHERE slug = 'acme'");
    office.edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
    let new = json!({ "email": "eve@acme.example", "state": "invited", "first_name": name });
    assert_status(&office.admin("POST", "/v1/users", new), 201);
    super::messages::settle(&office.edge);
    let (_, to, mail) = office.edge.app.mailer.take().remove(0);
    assert_eq!(to, "eve@acme.example");
    let (headers, body) = mail.split_once("\r\n\r\n").unwrap();
    for line in headers.lines() {
        let name = line.split(':').next().unwrap().to_lowercase();
        assert!(!["bcc", "x-evil"].contains(&name.as_str()), "{headers}");
    }
    assert!(!body.contains("href=\"https://evil.example"), "{body}");
}

/// The rules of groups may read whether an address was confirmed: whoever accepts is put where they say.
#[test]
fn groups_with_rules_follow() {
    let office = office();
    let rule = json!({ "Bool": { "principal.email_verified": true } });
    let group = json!({ "name": "confirmed", "type": "automatic", "auto_assignment_rules": rule });
    let group = assert_status(&office.owner("POST", "/v1/user-groups", group), 201);
    invited(&office);
    let members = || office.edge.sql("SELECT user_group_id FROM user_group_membership");
    assert!(members().is_empty());
    let token = token(&office.edge, "user.invitation");
    let before = office.versions();
    assert_eq!(accept(&office.edge, &token, json!({})).status, 204);
    assert_eq!(members()[0]["user_group_id"], group["id"]);
    assert_eq!(office.versions(), (before.0, before.1 + 1), "people changed, and no rules");
    let log = office.log();
    let last: Vec<&str> = log.iter().rev().take(2).map(|row| row.event_type.as_str()).collect();
    assert_eq!(last, ["user_group_membership.added", "user.invitation_accepted"]);
    assert_eq!(log.last().unwrap().event_data["cause"]["user_group_id"], group["id"]);
}
