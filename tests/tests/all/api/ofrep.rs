//! `POST /ofrep/v1/evaluate/flags` and `/ofrep/v1/evaluate/flags/{key}`.

use super::administration::{Office, assert_status, office};
use super::*;

const ALL: &str = "/ofrep/v1/evaluate/flags";

fn flag(office: &Office, name: &str, enabled: bool, configuration: Value) {
    let body = json!({ "flag_name": name, "is_enabled": enabled, "configuration": configuration });
    assert_status(&office.owner("POST", "/v1/feature-flags", body), 201);
}

fn flags(office: &Office) {
    let targeting = json!({ "StringLike": { "principal.email": "anna@*" } });
    flag(office, "beta", true, json!({ "targeting": targeting }));
    flag(office, "half", true, json!({ "percentage": 100, "targeting": targeting }));
    flag(office, "mobile", true, json!({ "targeting": { "Bool": { "context.mfa": true } } }));
    flag(office, "none", true, json!({ "percentage": 0 }));
    flag(office, "off", false, json!({}));
    flag(office, "plain", true, json!({}));
}

fn about(context: Value) -> Value {
    json!({ "context": context })
}

/// Each flag's value and reason, or its error.
fn told(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{:#}", body(response));
    let flags = body(response)["flags"].as_array().unwrap().clone();
    let told = flags.into_iter().map(|flag| {
        let what = match flag.get("errorCode") {
            Some(code) => code.clone(),
            None => {
                assert_eq!(flag["variant"], if flag["value"] == true { "on" } else { "off" });
                assert!(flag["metadata"]["policyVersion"].is_u64());
                flag["reason"].clone()
            }
        };
        (flag["key"].as_str().unwrap().to_owned(), json!([flag["value"], what]))
    });
    Value::Object(told.collect())
}

#[test]
fn a_flag_says_what_it_is_and_why() {
    let office = office();
    flags(&office);
    let key = office.edge.key(&["access:evaluate"]);
    let ask = |context: Value| told(&office.edge.post(ALL, &key, &about(context)));
    let annas = json!({
        "beta": [true, "TARGETING_MATCH"], "half": [true, "SPLIT"], "mobile": [false, "DEFAULT"], "none": [false, "SPLIT"],
        "off": [false, "DISABLED"], "plain": [true, "STATIC"],
    });
    for name in [ANNA, "anna", "anna@acme.example"] {
        assert_eq!(ask(json!({ "targetingKey": name, "plan": "unheard of" })), annas);
    }
    let bens = ask(json!({ "targetingKey": BEN }));
    assert_eq!(
        (&bens["beta"], &bens["half"], &bens["none"]),
        (&json!([false, "DEFAULT"]), &json!([false, "DEFAULT"]), &json!([false, "SPLIT"]))
    );
    assert_eq!(ask(json!({ "targetingKey": BOT }))["plain"], json!([true, "STATIC"]));
    let missing = json!([null, "TARGETING_KEY_MISSING"]);
    assert_eq!(
        ask(json!({})),
        json!({ "beta": missing, "half": missing, "mobile": missing, "none": missing,
                                       "off": [false, "DISABLED"], "plain": [true, "STATIC"] })
    );
    // Nobody, and somebody who may not act, have none: as `/v1/flags/evaluate` has it.
    let off = json!([false, "DEFAULT"]);
    let nobodys =
        json!({ "beta": off, "half": off, "mobile": off, "none": off, "off": [false, "DISABLED"], "plain": off });
    assert_eq!(ask(json!({ "targetingKey": "nobody" })), nobodys);
    office.edge.sql("UPDATE user SET state = 'suspended' WHERE id = '01980000-0000-7000-8000-000000000101'");
    office.edge.sql("UPDATE tenant_epoch SET directory_version = directory_version + 1");
    assert_eq!(ask(json!({ "targetingKey": ANNA })), nobodys);
    // Only who is trusted says how somebody signed in.
    let mfa = about(json!({ "targetingKey": BEN, "mfa": true }));
    assert_problem(&office.edge.post(ALL, &key, &mfa), 403, "access.missing_scope");
    let trusted = office.edge.key(&["access:evaluate", "access:context"]);
    assert_eq!(told(&office.edge.post(ALL, &trusted, &mfa))["mobile"], json!([true, "TARGETING_MATCH"]));
}

#[test]
fn one_flag_is_what_it_is_among_all() {
    let office = office();
    flags(&office);
    let key = office.edge.key(&["access:evaluate"]);
    for context in [json!({ "targetingKey": ANNA }), json!({})] {
        let all = body(&office.edge.post(ALL, &key, &about(context.clone())));
        for flag in all["flags"].as_array().unwrap() {
            let path = format!("{ALL}/{}", flag["key"].as_str().unwrap());
            let response = office.edge.post(&path, &key, &about(context.clone()));
            assert_eq!(response.status, if flag.get("errorCode").is_some() { 400 } else { 200 });
            assert_eq!(body(&response), *flag);
            assert_eq!(response.header("content-type"), Some("application/json"));
        }
    }
    for (written, name) in [("nowhere", "nowhere"), ("a%20b", "a b"), ("BETA", "BETA")] {
        let response = office.edge.post(&format!("{ALL}/{written}"), &key, &about(json!({})));
        let failure =
            json!({ "key": name, "errorCode": "FLAG_NOT_FOUND", "errorDetails": format!("there is no flag `{name}`") });
        assert_eq!((response.status, body(&response)), (404, failure));
    }
}

#[test]
fn a_client_learns_that_nothing_changed() {
    let office = office();
    flags(&office);
    let key = office.edge.key(&["access:evaluate"]);
    let ask = |context: &Value, etag: Option<&str>| {
        let mut request = keyed(&key, "POST", ALL, Some(about(context.clone())));
        if let Some(etag) = etag {
            request.headers.insert("if-none-match".to_owned(), etag.to_owned());
        }
        office.edge.send(request)
    };
    let (anna, ben) = (json!({ "targetingKey": ANNA }), json!({ "targetingKey": BEN }));
    let etag = ask(&anna, None).header("etag").unwrap().to_owned();
    for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let response = ask(&anna, Some(&known));
        assert_eq!((response.status, response.body.len(), response.header("etag")), (304, 0, Some(etag.as_str())));
    }
    assert_eq!(ask(&ben, Some(&etag)).status, 200);
    flag(&office, "new", true, json!({}));
    assert_eq!(ask(&anna, Some(&etag)).status, 200);
}

#[test]
fn what_is_wrong_is_said_in_the_protocols_form() {
    let office = office();
    let key = office.edge.key(&["access:evaluate"]);
    let schema = json!({ "user": { "attributes": { "level": "Long" }, "caller_attributes": ["level"] }, "context": { "attributes": { "reason": "String" } } });
    let schema = match schema {
        Value::Object(mut schema) => {
            schema.insert("user".to_owned(), json!({ "caller_attributes": { "level": "Long" } }));
            Value::Object(schema)
        }
        other => other,
    };
    assert_status(&office.owner("PUT", "/v1/tenant-settings/auth/schema", json!({ "value": schema })), 201);
    flag(&office, "careful", true, json!({ "targeting": { "StringEquals": { "context.reason": "x" } } }));
    flag(&office, "high", true, json!({ "targeting": { "NumericEquals": { "principal.level": 3 } } }));
    let said = about(json!({ "targetingKey": ANNA, "reason": "x", "level": 3 }));
    let all = told(&office.edge.post(ALL, &key, &said));
    assert_eq!(all, json!({ "careful": [true, "TARGETING_MATCH"], "high": [true, "TARGETING_MATCH"] }));
    for (sent, code, details) in [
        (json!({ "targetingKey": ANNA, "reason": 1 }), "INVALID_CONTEXT", "context.reason"),
        (json!({ "targetingKey": ANNA, "level": "x" }), "INVALID_CONTEXT", "principal.level"),
        (json!({ "targetingKey": 1 }), "INVALID_CONTEXT", "/context/targetingKey"),
        (json!([]), "INVALID_CONTEXT", "/context"),
    ] {
        for path in [ALL.to_owned(), format!("{ALL}/high")] {
            let response = office.edge.post(&path, &key, &about(sent.clone()));
            let failure = body(&response);
            assert_eq!((response.status, failure["errorCode"].as_str()), (400, Some(code)), "{failure}");
            assert!(failure["errorDetails"].as_str().unwrap().contains(details), "{failure}");
            assert_eq!(failure.get("key").is_some(), path != ALL);
        }
    }
    for sent in ["", "{", "[]", r#"{"context": {}, "context": {}}"#, r#"{"context": {"a": {"b": 1, "b": 2}}}"#] {
        let response = office.edge.post_bytes(&format!("{ALL}/high"), &key, sent.as_bytes().to_vec());
        assert_eq!((response.status, body(&response)["errorCode"].as_str()), (400, Some("PARSE_ERROR")), "{sent}");
    }
    assert_problem(&office.edge.post_bytes(ALL, &key, vec![b' '; 10 << 20]), 413, "http.body_too_large");
    assert_problem(&office.edge.send(request("POST", ALL)), 401, "key.missing");
    assert_problem(&office.edge.post(ALL, &office.edge.key(&["me"]), &about(json!({}))), 403, "access.missing_scope");
    office.edge.sql("UPDATE tenant SET status = 'suspended'");
    assert_problem(&office.edge.post(ALL, &key, &about(json!({}))), 403, "tenant.inactive");
}
