//! The pages of signing up: who sees them, what they ask for, and what they lead to.

use super::own_password::{NEW, set};
use super::pages::{HOSTILE, Tab, assert_leads, hidden, html};
use super::recovery::{assert_hidden, links, token};
use super::sign_in::edge;
use super::*;

const EVE: &str = "eve@new.example";

/// Signing up is open, under terms where there are any.
fn open(terms: bool) -> Edge {
    let edge = edge();
    set(&edge, "sign_up", json!("open"));
    if terms {
        edge.sql(
            "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at)
             SELECT '01980000-0000-7000-8000-0000000009' || j.key || '0', tenant.id, 'ui', j.value ->> 0, json_quote(j.value ->> 1), created_at, created_at
             FROM tenant, json_each('[[\"terms_url\",\"https://acme.example/terms?a=1&b=\\\"2\"],[\"terms_version\",\"<2026>\"]]') j",
        );
    }
    edge
}

#[test]
fn where_nobody_signs_up_there_is_no_page_and_no_way_to_one() {
    let edge = edge();
    let mut tab = Tab::default();
    for mode in ["closed", "invited"] {
        edge.sql("DELETE FROM tenant_setting");
        set(&edge, "sign_up", json!(mode));
        assert!(!html(&tab.open(&edge, "/sign-in")).contains("/sign-up"));
        let response = tab.open(&edge, "/sign-up");
        assert_eq!(response.status, 404);
        html(&response);
    }
    // A form from before.
    edge.sql("UPDATE tenant_setting SET setting_value = '\"open\"'");
    let page = html(&tab.open(&edge, "/sign-up"));
    edge.sql("UPDATE tenant_setting SET setting_value = '\"closed\"'");
    let csrf = hidden(&page, "csrf_token").unwrap();
    let fields = [("csrf_token", csrf.as_str()), ("email", EVE), ("password", NEW)];
    assert_eq!(tab.post(&edge, "/sign-up", &fields).status, 404);
    assert_eq!(edge.app.db.count("pending_sign_up"), Some(0));
}

#[test]
fn somebody_signs_up_and_is_in() {
    let edge = open(false);
    let mut tab = Tab::default();
    assert!(html(&tab.open(&edge, "/sign-in")).contains("<a href=\"/sign-up\">Make an account</a>"));
    let page = html(&tab.open(&edge, "/sign-up"));
    for part in [
        "<label for=\"email\">E-mail address</label>",
        "type=\"email\"",
        "autocomplete=\"new-password\" required",
        "First name <span class=\"faint\">(optional)</span>",
        "<button>Make the account</button>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("accepts_terms"), "{page}");
    // What is wrong is said where it is, and what was typed is there again, but for the password.
    let sent = [("email", HOSTILE), ("first_name", HOSTILE), ("last_name", ""), ("password", "short")];
    let response = tab.submit(&edge, "/sign-up", &sent);
    assert_eq!(response.status, 422);
    let page = html(&response);
    assert!(page.contains("<p class=\"error\" id=\"email-error\">This is not an e-mail address.</p>"), "{page}");
    assert!(
        page.contains("Too short: at least 15 characters are needed.") && page.contains("&lt;script&gt;"),
        "{page}"
    );
    assert!(!page.contains("value=\"short\""));
    // The same for whoever is there and is not.
    for email in ["anna@acme.example", EVE] {
        let sent = [("email", email), ("first_name", "Eve"), ("last_name", ""), ("password", NEW)];
        assert_leads(&tab.submit(&edge, "/sign-up", &sent), "/sign-up/sent");
    }
    let page = html(&tab.open(&edge, "/sign-up/sent"));
    assert!(page.contains("A message is on its way to your address."), "{page}");
    let token = token(&edge, "sign_up.confirm");
    assert_hidden(&edge, &token);
    // In another browser.
    let mut other = Tab::default();
    let response = other.open(&edge, &format!("/sign-up/confirm?token={token}"));
    assert_leads(&response, "/sign-up/confirm");
    assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
    let page = html(&other.open(&edge, "/sign-up/confirm"));
    assert!(!page.contains(&token) && page.contains("Enter the password that you chose."), "{page}");
    assert_eq!(edge.app.db.count("user"), Some(2), "whoever only looks makes nothing");
    let response = other.submit(&edge, "/sign-up/confirm", &[("password", "not the one that was chosen")]);
    assert_eq!(response.status, 422);
    assert!(html(&response).contains("id=\"password-error\">This is not your password.</p>"));
    assert_leads(&other.submit(&edge, "/sign-up/confirm", &[("password", NEW)]), "/account");
    assert_eq!(other.cookie("__Host-step"), None);
    assert!(html(&other.open(&edge, "/account")).contains(EVE));
    // Once.
    let mut third = Tab::default();
    third.open(&edge, &format!("/sign-up/confirm?token={token}"));
    let response = third.submit(&edge, "/sign-up/confirm", &[("password", NEW)]);
    assert_eq!(response.status, 422);
    assert!(html(&response).contains("This link does not lead anywhere, or not any more."));
}

/// Who must have a second factor adds it before they are in, as who signs in does.
#[test]
fn where_a_second_factor_is_required_it_is_added_next() {
    let edge = open(false);
    set(&edge, "mfa", json!("everybody"));
    let mut tab = Tab::default();
    let sent = [("email", EVE), ("first_name", ""), ("last_name", ""), ("password", NEW)];
    assert_leads(&tab.submit(&edge, "/sign-up", &sent), "/sign-up/sent");
    let token = token(&edge, "sign_up.confirm");
    tab.open(&edge, &format!("/sign-up/confirm?token={token}"));
    assert_leads(&tab.submit(&edge, "/sign-up/confirm", &[("password", NEW)]), "/sign-in/enrol");
    assert_eq!(edge.app.db.count("user_session"), Some(0));
    let page = html(&tab.open(&edge, "/sign-in/enrol"));
    assert!(page.contains("/sign-in/enrol?what=totp"), "{page}");
}

#[test]
fn terms_are_accepted_by_a_box() {
    let edge = open(true);
    let mut tab = Tab { language: Some("de"), ..Tab::default() };
    let page = html(&tab.open(&edge, "/sign-up"));
    for part in [
        "<input id=\"accepts_terms\" name=\"accepts_terms\" type=\"checkbox\" value=\"yes\" required>",
        "<label for=\"accepts_terms\">Ich nehme die Bedingungen an (Fassung &lt;2026&gt;).</label>",
        "<a href=\"https://acme.example/terms?a&#x3D;1&amp;b&#x3D;&quot;2\">Bedingungen lesen</a>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let sent = [("email", EVE), ("first_name", ""), ("last_name", ""), ("password", NEW)];
    let response = tab.submit(&edge, "/sign-up", &sent);
    assert_eq!(response.status, 422);
    let page = html(&response);
    assert!(page.contains("<a href=\"#accepts_terms\">Die Bedingungen müssen angenommen werden.</a>"), "{page}");
    let mut all = sent.to_vec();
    all.push(("accepts_terms", "yes"));
    assert_leads(&tab.submit(&edge, "/sign-up", &all), "/sign-up/sent");
    assert_eq!(edge.sql("SELECT terms_version FROM pending_sign_up")[0]["terms_version"], "<2026>");
    // The box stays as it was where something else is wrong.
    all[0] = ("email", "x");
    assert!(html(&tab.submit(&edge, "/sign-up", &all)).contains("required checked>"));
}

#[test]
fn another_domain_is_said_plainly() {
    let edge = edge();
    set(&edge, "sign_up", json!("domain"));
    set(&edge, "sign_up_domains", json!(["acme.example"]));
    let sent = [("email", EVE), ("password", NEW)];
    let response = Tab::default().submit(&edge, "/sign-up", &sent);
    assert_eq!(response.status, 403);
    assert!(html(&response).contains("Addresses of this domain make no account here."));
    assert!(links(&edge).is_empty());
}

/// No widget works without scripts, and pages run none.
#[test]
fn with_a_bot_check_the_page_leads_to_the_application() {
    let edge = open(false);
    set(&edge, "bot_check_url", json!("https://check.example.net/siteverify"));
    let mut tab = Tab::default();
    assert!(!html(&tab.open(&edge, "/sign-in")).contains("/sign-up"));
    let page = html(&tab.open(&edge, "/sign-up"));
    assert!(page.contains("Accounts are made in the application.") && !page.contains("<form class"), "{page}");
}
