//! `POST /v1/token/revoke`: a token counts no more, and is forgotten once it would have ended.

use super::administration::{assert_status, office};
use super::scheduled::{due, pass};
use super::token::{bearer, form, read, token};
use super::*;

#[test]
fn a_revoked_token_counts_no_more() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let desk = edge.key(&["token:introspect", "token:revoke"]);
    let (one, two) = (token(edge, &key), token(edge, &key));
    let active = |token: &str| {
        assert_status(&edge.post("/v1/token/introspect", &desk, &json!({ "token": token })), 200)["active"] == true
    };
    let revoke = |token: &str| {
        let request = form("/v1/token/revoke", &[("token", token), ("token_type_hint", "access_token")]);
        let response = edge.send(bearer(request, desk.expose()));
        assert_eq!((response.status, response.body.len()), (200, 0));
    };
    assert!(active(&one));
    revoke(&one);
    assert!(!active(&one) && active(&two));
    // Again, and what is none, is as good as done.
    revoke(&one);
    revoke("x");
    revoke(desk.expose());
    assert_eq!(office.events(), ["token_key.created", "token_revocation.created"]);
    let log = office.log();
    assert_eq!(log[1].resource_id, Some(read(edge, &one).id));
    assert_eq!(log[1].event_data["after"]["subject"], ANNA);
    assert!(log[1].event_data["cause"]["api_key_id"].is_string());
    assert!(!format!("{log:?}").contains(&one), "the token itself stands nowhere");
    // By its end it counts no more in any case.
    assert_eq!(due(edge, "forget_tokens")["items"], 1);
    assert_eq!(edge.app.db.count("token_revocation"), Some(0));
}

#[test]
fn what_still_lasts_stays_revoked() {
    let office = office();
    let edge = &office.edge;
    let setting = "/v1/tenant-settings/security/access_token_minutes";
    assert_status(&office.owner("PUT", setting, json!({ "value": 15 })), 201);
    let key = edge.key_of(TENANT, Some(ANNA), None, &["me", "token:revoke"]);
    let token = token(edge, &key);
    assert_eq!(edge.post("/v1/token/revoke", &key, &json!({ "token": token })).status, 200);
    assert_eq!(due(edge, "forget_tokens")["items"], 0);
    pass(edge, 5 * 60_000 - 1);
    assert_eq!(edge.app.db.count("token_revocation"), Some(1));
    assert_eq!(due(edge, "forget_tokens")["items"], 1);
}

#[test]
fn another_tenants_token_is_not_revoked() {
    let office = office();
    let edge = &office.edge;
    edge.seed(&other());
    let theirs = edge.key_of(OTHER, None, None, &["access:evaluate", "token:introspect"]);
    let token = token(edge, &theirs);
    let ours = edge.key(&["token:revoke"]);
    assert_eq!(edge.post("/v1/token/revoke", &ours, &json!({ "token": token })).status, 200);
    let answer = edge.post("/v1/token/introspect", &theirs, &json!({ "token": token }));
    assert_eq!(assert_status(&answer, 200)["active"], true);
    assert_eq!(edge.app.db.count("token_revocation"), Some(0));
}

#[test]
fn revoking_needs_its_scope() {
    let edge = Edge::new();
    let key = edge.key(&["token:introspect"]);
    assert_problem(&edge.post("/v1/token/revoke", &key, &json!({ "token": "x" })), 403, "access.missing_scope");
}
