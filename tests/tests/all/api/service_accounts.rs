//! Service accounts: nobody gives one more than they hold, and its keys go with it.

use super::administration::{assert_refused, assert_status, office};
use super::*;

#[test]
fn an_account_gets_what_its_maker_holds() {
    let office = office();
    let entries = |name: &str| json!([{ "permission": name }]);
    let new = json!({ "name": "robot", "permissions": entries("documents.read") });
    assert_refused(&office.admin("POST", "/v1/service-accounts", new.clone()), &["not_held"]);
    let response = office.owner("POST", "/v1/service-accounts", new);
    assert_status(&response, 201);
    let path = response.header("location").unwrap().to_owned();
    assert_status(&office.admin("PATCH", &path, json!({ "description": "reads" })), 200);
    assert_status(&office.admin("PATCH", &path, json!({ "is_active": false })), 200);
    assert_refused(&office.admin("PATCH", &path, json!({ "is_active": true })), &["not_held"]);
    assert_refused(
        &office.admin("PATCH", &path, json!({ "is_active": true, "permissions": entries("documents.archive") })),
        &["not_held"],
    );
    let held = json!({ "is_active": true, "permissions": entries("parapet.user.read") });
    assert_status(&office.admin("PATCH", &path, held), 200);
    let page = assert_status(&office.admin("GET", "/v1/service-accounts?name=robot", Value::Null), 200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let odd = office.owner("PATCH", &path, json!({ "permissions": entries("documents.burn") }));
    assert_problem(&odd, 422, "request.invalid");
}

#[test]
fn an_account_does_not_change_itself() {
    let office = office();
    let path = format!("/v1/service-accounts/{BOT}");
    let may = json!({ "permissions": [{ "permission": "parapet.service_account.write" }] });
    assert_status(&office.owner("PATCH", &path, may), 200);
    let bot = office.edge.key_of(TENANT, None, Some(BOT), &["admin:write"]);
    assert_refused(&office.by(&bot, "PATCH", &path, json!({ "description": "me" })), &["own_rights"]);
}

#[test]
fn the_keys_of_an_account_go_with_it() {
    let office = office();
    let key = office.edge.key_of(TENANT, None, Some(BOT), &["access:evaluate"]);
    assert_decision(&office.edge.ask(&key), true);
    let path = format!("/v1/service-accounts/{BOT}");
    assert_status(&office.owner("PATCH", &path, json!({ "is_active": false })), 200);
    assert_problem(&office.edge.ask(&key), 401, "key.owner_inactive");
    assert_status(&office.owner("DELETE", &path, Value::Null), 204);
    assert_problem(&office.edge.ask(&key), 401, "key.unknown");
    assert_eq!(office.events(), ["service_account.updated", "service_account.deleted", "api_key.revoked"]);
    assert_eq!(office.log().len(), 3);
}
