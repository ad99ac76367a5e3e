//! Pages that a link leads to, and those that change what one signs in with.

use super::administration::{assert_status, office};
use super::own_password::NEW;
use super::pages::{HOSTILE, Tab, assert_leads, hidden, html};
use super::recovery::{assert_hidden, token};
use super::sign_in::{PASSWORD, edge};
use super::*;

/// Follows a link to a page, and gives the page: its address holds nothing of the link any more.
#[track_caller]
fn follow(edge: &Edge, tab: &mut Tab, path: &str, token: &str) -> String {
    let response = tab.open(edge, &format!("{path}?token={token}"));
    assert_leads(&response, path);
    assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
    let page = html(&tab.open(edge, path));
    assert!(!page.contains(token), "{page}");
    page
}

#[test]
fn a_forgotten_password_becomes_another() {
    let edge = edge();
    let mut tab = Tab::default();
    assert!(html(&tab.open(&edge, "/sign-in")).contains("<a href=\"/forgot\">Forgotten your password?</a>"));
    // The same for whoever is there and is not.
    for name in ["nobody@acme.example", "anna@acme.example"] {
        assert_leads(&tab.submit(&edge, "/forgot", &[("identifier", name)]), "/sign-in?done=reset_sent");
    }
    let page = html(&tab.open(&edge, "/sign-in?done=reset_sent"));
    assert!(page.contains("If there is such an account, a link is on its way"), "{page}");
    let token = token(&edge, "password.reset");
    assert_hidden(&edge, &token);
    let page = follow(&edge, &mut tab, "/reset", &token);
    assert!(
        page.contains("autocomplete=\"new-password\"") && page.contains("aria-describedby=\"new_password-hint\""),
        "{page}"
    );
    // What is not good enough is said in words, and uses nothing up.
    let response = tab.submit(&edge, "/reset", &[("new_password", "short")]);
    assert_eq!(response.status, 422);
    let page = html(&response);
    assert!(page.contains("Too short: at least 15 characters are needed."), "{page}");
    assert!(page.contains("aria-describedby=\"new_password-hint new_password-error\""), "{page}");
    let response = tab.submit(&edge, "/reset", &[("new_password", PASSWORD)]);
    assert!(html(&response).contains("You have had this password before."));
    assert_leads(&tab.submit(&edge, "/reset", &[("new_password", NEW)]), "/sign-in?done=password_set");
    assert_eq!(tab.cookie("__Host-step"), None);
    assert_eq!(tab.cookie("__Host-session"), None, "no session begins");
    assert_leads(&tab.sign_in(&edge, "anna", NEW), "/account");
    // Once.
    let mut other = Tab::default();
    follow(&edge, &mut other, "/reset", &token);
    let response = other.submit(&edge, "/reset", &[("new_password", "zehn kleine Jaegermeister")]);
    assert_eq!(response.status, 422);
    assert!(html(&response).contains("This link does not lead anywhere, or not any more."));
}

#[test]
fn what_is_no_link_leads_to_no_form() {
    let edge = edge();
    super::own_password::set(&edge, "sign_up", json!("open"));
    let mut tab = Tab::default();
    for path in ["/reset", "/invitation", "/confirm", "/sign-up/confirm"] {
        for query in
            ["", "?token=", "?token=x", "?token=ps_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "?token=%3Cscript%3E"]
        {
            let page = html(&tab.open(&edge, &format!("{path}{query}")));
            assert!(
                page.contains("This link does not lead anywhere") && !page.contains("<form class"),
                "{path}{query}: {page}"
            );
        }
        // A form that was sent all the same.
        let other = format!("pl_{}", "A".repeat(43));
        assert_leads(&tab.open(&edge, &format!("{path}?token={other}")), path);
        let page = html(&tab.open(&edge, path));
        let token = hidden(&page, "csrf_token").unwrap();
        let fields = [("csrf_token", token.as_str()), ("new_password", NEW), ("password", NEW)];
        let response = tab.post(&edge, path, &fields);
        assert_eq!(response.status, 422, "{path}");
        assert!(html(&response).contains("This link does not lead anywhere"));
        // What was handed to one page is nothing to another.
        let elsewhere = if path == "/reset" { "/invitation" } else { "/reset" };
        assert!(html(&tab.open(&edge, elsewhere)).contains("This link does not lead anywhere"));
    }
    let steps = ["/sign-in/new-password"];
    for path in steps {
        assert_leads(&tab.open(&edge, path), "/sign-in");
    }
    for step in ["", "x", "e30", "bnVsbA", "%00", &"A".repeat(5000)] {
        let mut tab = Tab::default();
        tab.browser.cookies.push(("__Host-step".to_owned(), step.to_owned()));
        assert_leads(&tab.open(&edge, "/sign-in/new-password"), "/sign-in");
        assert_eq!(tab.open(&edge, "/reset").status, 200);
    }
}

#[test]
fn who_was_invited_comes_in() {
    let office = office();
    let edge = &office.edge;
    let new = json!({ "email": "eve@acme.example", "state": "invited", "first_name": "Eve" });
    assert_status(&office.admin("POST", "/v1/users", new), 201);
    let token = token(edge, "user.invitation");
    let mut tab = Tab::default();
    let page = follow(edge, &mut tab, "/invitation", &token);
    assert!(page.contains("First name <span class=\"faint\">(optional)</span>"), "{page}");
    let response =
        tab.submit(edge, "/invitation", &[("first_name", HOSTILE), ("last_name", "a\nb"), ("password", "short")]);
    assert_eq!(response.status, 422);
    assert!(html(&response).contains("&lt;script&gt;"));
    let sent = [("first_name", ""), ("last_name", "Evans"), ("password", NEW)];
    assert_leads(&tab.submit(edge, "/invitation", &sent), "/sign-in?done=invitation_accepted");
    assert_leads(&tab.sign_in(edge, "eve@acme.example", NEW), "/account");
    assert!(html(&tab.open(edge, "/account")).contains("Eve Evans"));
}

#[test]
fn a_password_that_must_become_another_does_so_on_the_way_in() {
    let edge = edge();
    edge.sql("UPDATE user SET force_password_change = 1 WHERE username = 'anna'");
    let mut tab = Tab::default();
    let name = [("identifier", "anna"), ("password", PASSWORD)];
    assert_leads(&tab.submit(&edge, "/sign-in?return_to=/account/sessions", &name), "/sign-in/new-password");
    let flow = tab.cookie("__Host-step").unwrap().to_owned();
    let response = tab.submit(&edge, "/sign-in/new-password", &[("new_password", PASSWORD)]);
    assert_eq!(response.status, 422);
    assert!(html(&response).contains("You have had this password before."));
    assert_leads(&tab.submit(&edge, "/sign-in/new-password", &[("new_password", NEW)]), "/account/sessions");
    assert_eq!(tab.open(&edge, "/account").status, 200);
    // The step is over, whoever has kept it.
    let mut other = Tab::default();
    other.browser.cookies.push(("__Host-step".to_owned(), flow));
    let response = other.submit(&edge, "/sign-in/new-password", &[("new_password", "zehn kleine Jaegermeister")]);
    assert_eq!(response.status, 422);
    assert!(html(&response).contains("This took too long, or was tried too often."));
    assert_eq!(other.cookie("__Host-session"), None);
}

#[test]
fn ones_password_becomes_another_by_showing_the_one_of_before() {
    let edge = edge();
    let (mut tab, mut other) = (Tab::signed_in(&edge), Tab::signed_in(&edge));
    assert_leads(&tab.open(&edge, "/.well-known/change-password"), "/account/password");
    let response = tab.submit(&edge, "/account/password", &[("current_password", "wrong"), ("new_password", NEW)]);
    assert_eq!(response.status, 422);
    assert!(
        html(&response).contains("<p class=\"error\" id=\"current_password-error\">This is not your password.</p>")
    );
    let response =
        tab.submit(&edge, "/account/password", &[("current_password", PASSWORD), ("new_password", "Passwort12345678")]);
    assert_eq!(response.status, 422);
    let sent = [("current_password", PASSWORD), ("new_password", NEW)];
    assert_leads(&tab.submit(&edge, "/account/password", &sent), "/account?done=password_changed");
    assert!(html(&tab.open(&edge, "/account?done=password_changed")).contains("Your password is changed"));
    assert_leads(&other.open(&edge, "/account"), "/sign-in?return_to=%2Faccount");
}

#[test]
fn what_one_says_of_oneself_is_filled_in_changed_and_taken_away() {
    let edge = edge();
    edge.sql("UPDATE user SET first_name = 'An\"na', phone = '+4930123456' WHERE username = 'anna'");
    let mut tab = Tab::signed_in(&edge);
    let page = html(&tab.open(&edge, "/account/profile"));
    assert!(page.contains("value=\"An&quot;na\"") && page.contains("type=\"tel\""), "{page}");
    let response =
        tab.submit(&edge, "/account/profile", &[("first_name", "Anna"), ("last_name", "x"), ("phone", "12")]);
    assert_eq!(response.status, 422);
    let page = html(&response);
    assert!(page.contains("This is not a telephone number") && page.contains("value=\"12\""), "{page}");
    let sent = [("first_name", "Anna"), ("last_name", ""), ("phone", "")];
    assert_leads(&tab.submit(&edge, "/account/profile", &sent), "/account?done=profile_changed");
    let user = &edge.sql("SELECT first_name, last_name, phone, avatar_url FROM user WHERE username = 'anna'")[0];
    assert_eq!((&user["first_name"], &user["last_name"], &user["phone"]), (&json!("Anna"), &Value::Null, &Value::Null));
    // Nothing else can be said of oneself.
    let sent =
        [("first_name", "Anna"), ("email_verified", "true"), ("email", "x@acme.example"), ("is_active", "false")];
    assert_leads(&tab.submit(&edge, "/account/profile", &sent), "/account?done=profile_changed");
    let user = &edge.sql("SELECT email, email_verified, is_active FROM user WHERE username = 'anna'")[0];
    assert_eq!(
        (&user["email"], &user["email_verified"], &user["is_active"]),
        (&json!("anna@acme.example"), &json!(0), &json!(1))
    );
}

#[test]
fn an_address_is_confirmed_by_whoever_presses_the_button() {
    let edge = edge();
    let mut tab = Tab::signed_in(&edge);
    let page = html(&tab.open(&edge, "/account/email"));
    assert!(page.contains("Your address is anna@acme.example."), "{page}");
    assert_leads(&tab.submit(&edge, "/account/email", &[("verify", "yes")]), "/account/email?done=verification_sent");
    let sent = token(&edge, "email.verify");
    let page = follow(&edge, &mut tab, "/confirm", &sent);
    assert!(page.contains("<button>Confirm</button>"), "{page}");
    // Whoever only looks confirms nothing.
    assert_eq!(edge.sql("SELECT email_verified FROM user WHERE username = 'anna'")[0]["email_verified"], 0);
    assert_leads(&tab.submit(&edge, "/confirm", &[]), "/confirm?done=confirmed");
    assert_eq!(edge.sql("SELECT email_verified FROM user WHERE username = 'anna'")[0]["email_verified"], 1);
    let page = html(&tab.open(&edge, "/confirm?done=confirmed"));
    assert!(page.contains("The address is confirmed.") && !page.contains("does not lead"), "{page}");
    assert!(!html(&tab.open(&edge, "/account/email")).contains("name=\"verify\""));
}

#[test]
fn another_address_counts_when_both_have_confirmed_it() {
    let edge = edge();
    let mut tab = Tab::signed_in(&edge);
    let response = tab.submit(&edge, "/account/email", &[("new_email", "x"), ("current_password", PASSWORD)]);
    assert_eq!(response.status, 422);
    assert!(html(&response).contains("<p class=\"error\" id=\"new_email-error\">This is not an e-mail address.</p>"));
    let sent = [("new_email", "Anna.New@acme.example"), ("current_password", PASSWORD)];
    assert_leads(&tab.submit(&edge, "/account/email", &sent), "/account/email?done=email_asked");
    let (old, new) = (token(&edge, "email.change"), token(&edge, "email.verify"));
    follow(&edge, &mut tab, "/confirm", &old);
    assert_leads(&tab.submit(&edge, "/confirm", &[]), "/confirm?done=half_confirmed");
    // At the other address, in another browser.
    let mut other = Tab::default();
    follow(&edge, &mut other, "/confirm", &new);
    assert_leads(&other.submit(&edge, "/confirm", &[]), "/confirm?done=confirmed");
    assert_eq!(edge.sql("SELECT email FROM user WHERE username = 'anna'")[0]["email"], "anna.new@acme.example");
}
