//! One's e-mail address: confirmed by a link, and another one only once both addresses have confirmed it.

use super::administration::{assert_status, office};
use super::own_password::findings;
use super::recovery::{assert_hidden, links, token};
use super::sign_in::{Browser, PASSWORD, edge, give_password};
use super::*;

const MINUTE: i64 = 60_000;

fn signed_in(edge: &Edge) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(edge, "anna", PASSWORD).status, 200);
    browser
}

fn change(edge: &Edge, browser: &mut Browser, new: &str) -> Response {
    browser.post(edge, "/v1/me/email", json!({ "new_email": new, "current_password": PASSWORD }))
}

fn confirm(edge: &Edge, token: &str) -> Response {
    Browser::default().post(edge, "/v1/auth/email/confirm", json!({ "token": token }))
}

fn anna(edge: &Edge) -> Row {
    edge.sql("SELECT * FROM user WHERE username = 'anna'").remove(0)
}

#[test]
fn an_address_is_confirmed_by_its_link() {
    let edge = edge();
    let mut own = signed_in(&edge);
    assert_eq!(own.send(&edge, "POST", "/v1/me/email/verify", None).status, 202);
    let (purpose, to, link) = links(&edge).remove(0);
    assert_eq!((purpose.as_str(), to), ("email.verify", None));
    let token = link.strip_prefix("https://acme.id.example/confirm?token=").unwrap();
    assert_hidden(&edge, token);
    assert_eq!(body(&confirm(&edge, token)), json!({ "status": "confirmed" }));
    assert_eq!(anna(&edge)["email_verified"], 1);
    assert_problem(&confirm(&edge, token), 401, "link.refused");
    assert_problem(&own.send(&edge, "POST", "/v1/me/email/verify", None), 409, "user.email_verified");
}

#[test]
fn a_newer_link_voids_the_older_and_an_hour_ends_it() {
    let edge = edge();
    let mut own = signed_in(&edge);
    own.send(&edge, "POST", "/v1/me/email/verify", None);
    let first = token(&edge, "email.verify");
    own.send(&edge, "POST", "/v1/me/email/verify", None);
    let second = token(&edge, "email.verify");
    assert_problem(&confirm(&edge, &first), 401, "link.refused");
    edge.app.clock.set(time(NOW).plus_millis(60 * MINUTE));
    assert_problem(&confirm(&edge, &second), 401, "link.refused");
    edge.app.clock.set(time(NOW));
    own.send(&edge, "POST", "/v1/me/email/verify", None);
    assert_problem(
        &{
            own.send(&edge, "POST", "/v1/me/email/verify", None);
            own.send(&edge, "POST", "/v1/me/email/verify", None)
        },
        429,
        "rate.limited",
    );
}

#[test]
fn another_address_counts_once_both_confirmed_it() {
    for old_first in [true, false] {
        let edge = edge();
        let mut own = signed_in(&edge);
        edge.sql("UPDATE user SET email_verified = 1 WHERE username = 'anna'");
        assert_eq!(change(&edge, &mut own, " Anna.Smith@NEW.example ").status, 202);
        let sent = links(&edge);
        assert_eq!(sent.len(), 2, "{sent:?}");
        let of = |purpose: &str| sent.iter().find(|(its, ..)| its == purpose).unwrap().clone();
        assert_eq!((of("email.change").1, of("email.verify").1.as_deref()), (None, Some("anna.smith@new.example")));
        let (old, new) = (token(&edge, "email.change"), token(&edge, "email.verify"));
        let (first, second) = if old_first { (&old, &new) } else { (&new, &old) };
        assert_eq!(body(&confirm(&edge, first)), json!({ "status": "waiting" }));
        assert_problem(&confirm(&edge, first), 401, "link.refused");
        assert_eq!(anna(&edge)["email"], "anna@acme.example");
        assert_eq!(body(&confirm(&edge, second)), json!({ "status": "confirmed" }));
        let user = anna(&edge);
        assert_eq!((&user["email"], &user["email_verified"]), (&json!("anna.smith@new.example"), &json!(1)));
        assert_problem(&confirm(&edge, second), 401, "link.refused");
        // The address that it was is told, and opens nothing any more.
        super::messages::settle(&edge);
        let told = edge.sql("SELECT content FROM user_notification WHERE content LIKE '%was changed at%new.example%'");
        assert_eq!(told.len(), 1);
        assert_eq!(own.get(&edge, "/v1/me/session").status, 200);
        assert_problem(&Browser::default().sign_in(&edge, "anna@acme.example", PASSWORD), 401, "sign_in.refused");
        assert_eq!(Browser::default().sign_in(&edge, "anna.smith@new.example", PASSWORD).status, 200);
        for table in ["audit_log", "outbox"] {
            let rows = Value::from(edge.app.db.rows(table).into_iter().map(Value::Object).collect::<Vec<_>>());
            let asked =
                rows.as_array().unwrap().iter().filter(|row| row["event_type"] == "user.email_change_requested");
            assert!(asked.clone().count() == 1 && asked.clone().all(|row| !row.to_string().contains("new.example")));
        }
    }
}

#[test]
fn an_address_that_is_somebodys_stays_theirs_and_nobody_learns_of_it() {
    let edge = edge();
    give_password(&edge, BEN, PASSWORD);
    let mut own = signed_in(&edge);
    let free = change(&edge, &mut own, "free@acme.example");
    let free_links = links(&edge).len();
    for taken in ["ben@acme.example", "BEN@acme.example", "ｂen@acme.example"] {
        let response = change(&edge, &mut own, taken);
        assert_eq!((response.status, &response.body), (free.status, &free.body));
        super::messages::settle(&edge);
    }
    let sent = links(&edge);
    assert_eq!(sent.len(), free_links + 3, "each time only the address that Anna has: {sent:?}");
    assert!(sent.iter().take(3).all(|(purpose, ..)| purpose == "email.change"));
    let told = edge.sql("SELECT u.email FROM user_notification n JOIN user u ON u.id = n.user_id WHERE n.content LIKE '%There is one already%'");
    assert!(!told.is_empty() && told.iter().all(|row| row["email"] == "ben@acme.example"), "{told:?}");
    assert_eq!(body(&confirm(&edge, &token(&edge, "email.change"))), json!({ "status": "waiting" }));
    assert_eq!(anna(&edge)["email"], "anna@acme.example");
}

#[test]
fn an_address_that_became_somebodys_meanwhile_is_not_taken() {
    let office = office();
    let edge = &office.edge;
    give_password(edge, ANNA, PASSWORD);
    let mut own = signed_in(edge);
    change(edge, &mut own, "new@acme.example");
    let (old, new) = (token(edge, "email.change"), token(edge, "email.verify"));
    assert_eq!(confirm(edge, &new).status, 200);
    assert_status(&office.admin("POST", "/v1/users", json!({ "email": "new@acme.example" })), 201);
    assert_problem(&confirm(edge, &old), 401, "link.refused");
    assert_eq!(anna(edge)["email"], "anna@acme.example");
}

#[test]
fn what_looks_alike_is_another_address_and_takes_nobodys_account() {
    let edge = edge();
    let mut own = signed_in(&edge);
    // Cyrillic: a mailbox of its own, which must confirm it.
    assert_eq!(change(&edge, &mut own, "b\u{435}n@acme.example").status, 202);
    let sent = links(&edge);
    assert!(sent.iter().any(|(_, to, _)| to.as_deref() == Some("b\u{435}n@acme.example")), "{sent:?}");
    for hidden in [
        "ben\u{200b}@acme.example",
        "ben@acme.example\u{202e}",
        "b en@acme.example",
        "ben",
        "ben@acme.example\r\nBcc: x@y.example",
    ] {
        assert_eq!(findings(&change(&edge, &mut own, hidden)), ["new_email user.email"], "{hidden:?}");
    }
    assert_eq!(findings(&change(&edge, &mut own, "ANNA@acme.example")), ["new_email user.email_same"]);
}

#[test]
fn halves_of_two_changes_make_no_whole() {
    let edge = edge();
    let mut own = signed_in(&edge);
    change(&edge, &mut own, "one@acme.example");
    let old = token(&edge, "email.change");
    assert_eq!(body(&confirm(&edge, &old)), json!({ "status": "waiting" }));
    change(&edge, &mut own, "two@acme.example");
    let new = token(&edge, "email.verify");
    assert_eq!(
        body(&confirm(&edge, &new)),
        json!({ "status": "waiting" }),
        "that the old one agreed was another change"
    );
    assert_eq!(anna(&edge)["email"], "anna@acme.example");
    assert_eq!(body(&confirm(&edge, &token(&edge, "email.change"))), json!({ "status": "confirmed" }));
    assert_eq!(anna(&edge)["email"], "two@acme.example");
}

#[test]
fn a_new_password_takes_a_change_back() {
    let edge = edge();
    let mut own = signed_in(&edge);
    change(&edge, &mut own, "thief@evil.example");
    let (old, new) = (token(&edge, "email.change"), token(&edge, "email.verify"));
    let change = json!({ "current_password": PASSWORD, "new_password": super::own_password::NEW });
    assert_eq!(own.post(&edge, "/v1/me/password", change).status, 204);
    for token in [old, new] {
        assert_problem(&confirm(&edge, &token), 401, "link.refused");
    }
}

#[test]
fn the_password_is_shown_for_it() {
    let edge = edge();
    let mut own = signed_in(&edge);
    let wrong = json!({ "new_email": "new@acme.example", "current_password": "wrong" });
    assert_eq!(findings(&own.post(&edge, "/v1/me/email", wrong)), ["current_password password.wrong"]);
    assert!(links(&edge).is_empty());
}

#[test]
fn groups_with_rules_follow_the_new_address() {
    let office = office();
    let edge = &office.edge;
    give_password(edge, ANNA, PASSWORD);
    let rule = json!({ "StringLike": { "principal.email": "*@acme.example" } });
    let group = json!({ "name": "of the house", "type": "automatic", "auto_assignment_rules": rule });
    assert_status(&office.owner("POST", "/v1/user-groups", group), 201);
    let members = || {
        edge.sql(
            "SELECT count(*) AS n FROM user_group_membership WHERE user_id = '01980000-0000-7000-8000-000000000101'",
        )[0]["n"]
            .clone()
    };
    assert_eq!(members(), 1);
    let mut own = signed_in(edge);
    change(edge, &mut own, "anna@elsewhere.example");
    assert_eq!(confirm(edge, &token(edge, "email.verify")).status, 200);
    assert_eq!(members(), 1);
    assert_eq!(confirm(edge, &token(edge, "email.change")).status, 200);
    assert_eq!(members(), 0);
    change(edge, &mut own, "anna@acme.example");
    assert_eq!(confirm(edge, &token(edge, "email.verify")).status, 200);
    assert_eq!(confirm(edge, &token(edge, "email.change")).status, 200);
    assert_eq!(members(), 1);
    let log = office.log();
    assert!(log.iter().any(|row| row.event_type == "user_group_membership.removed"));
}
