//! Client certificates at the gateway: keys of somebody that are shown by connecting (mutual TLS).

use super::administration::{Office, assert_refused, assert_status};
use super::gateway::{HOST, application, at_host, header, keyed_by, passed, with};
use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

const FINGERPRINT: &str = "8181818181818181818181818181818181818181818181818181818181818181";

fn thumbprint(hex: &str) -> String {
    let digits: Vec<char> = hex.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    BASE64_URL_SAFE_NO_PAD.encode(digits.chunks(2).map(byte).collect::<Vec<u8>>())
}

fn new(owner: Value, thumbprint: &str) -> Value {
    let mut new = json!({ "name": "importer", "scopes": ["document:archive"], "certificate_thumbprint": thumbprint });
    new.as_object_mut().unwrap().extend(owner.as_object().unwrap().clone());
    new
}

/// Registers the certificate for the bot.
fn registered(office: &Office) -> Value {
    let bots = new(json!({ "service_account_id": BOT }), &thumbprint(FINGERPRINT));
    assert_status(&office.owner("POST", "/v1/api-keys", bots), 201)
}

/// As the platform says that a connection showed a certificate which it has verified.
fn connected(request: Request, fingerprint: &str) -> Request {
    with(request, &[(":client-certificate", fingerprint)])
}

fn archive() -> Request {
    at_host("POST", "/documents/7/archive")
}

#[test]
fn whoever_connects_with_a_registered_certificate_is_its_owner() {
    let office = application();
    let edge = &office.edge;
    let made = registered(&office);
    assert!(made.get("key").is_none() && made.get("key_hash").is_none());
    assert_eq!(made["certificate_thumbprint"], thumbprint(FINGERPRINT));
    let forward = passed(edge.send(connected(archive(), FINGERPRINT)));
    assert!(forward.headers.iter().all(|(name, _)| !name.contains("certificate")));
    let identity = header(&forward, "x-parapet-identity").unwrap().split('.').nth(1).unwrap();
    let told: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(identity).unwrap()).unwrap();
    assert_eq!((&told["sub"], &told["subject_type"]), (&json!(BOT), &json!("service_account")));
    // The platform's hex may be in capitals.
    passed(edge.send(connected(archive(), &FINGERPRINT.to_uppercase())));
    // No more than its scopes say, and no more than the account may.
    assert_problem(&edge.send(connected(at_host("GET", "/documents/7"), FINGERPRINT)), 403, "access.denied");
    let used =
        edge.sql("SELECT 1 AS used FROM api_key WHERE certificate_thumbprint IS NOT NULL AND last_used_at IS NULL");
    assert_eq!(used.len(), 1);
    pollster::block_on(parapet_worker::authenticate::write_uses(&edge.app));
    let used =
        edge.sql("SELECT 1 AS used FROM api_key WHERE certificate_thumbprint IS NOT NULL AND last_used_at IS NULL");
    assert_eq!(used.len(), 0, "it is a key, and its use is noted like one's");
}

#[test]
fn what_is_not_registered_or_ended_is_refused() {
    let office = application();
    let edge = &office.edge;
    let other = "82".repeat(32);
    assert_problem(&edge.send(connected(archive(), &other)), 401, "certificate.unknown");
    // What anyone may have needs none that counts.
    passed(edge.send(connected(at_host("GET", "/assets/a"), &other)));
    for broken in ["", "81", "zz", &FINGERPRINT.replacen("81", "8", 1), &format!("{FINGERPRINT}81")] {
        assert_problem(&edge.send(connected(archive(), broken)), 401, "key.missing");
    }
    for (sql, code) in [
        (
            "UPDATE api_key SET expires_at = '2026-03-02T10:00:00.000Z' WHERE certificate_thumbprint IS NOT NULL",
            "key.expired",
        ),
        ("UPDATE api_key SET is_active = 0 WHERE certificate_thumbprint IS NOT NULL", "key.inactive"),
        ("UPDATE service_account SET is_active = 0", "key.owner_inactive"),
        ("DELETE FROM api_key WHERE certificate_thumbprint IS NOT NULL", "certificate.unknown"),
    ] {
        let office = application();
        registered(&office);
        passed(office.edge.send(connected(archive(), FINGERPRINT)));
        office.edge.sql(sql);
        assert_problem(&office.edge.send(connected(archive(), FINGERPRINT)), 401, code);
    }
    // Through the API, in the log, and like any key.
    let path = format!("/v1/api-keys/{}", registered(&office)["id"].as_str().unwrap());
    passed(edge.send(connected(archive(), FINGERPRINT)));
    assert_eq!(office.owner("POST", &format!("{path}/rotate"), json!({})).status, 409);
    assert_status(&office.owner("DELETE", &path, Value::Null), 204);
    assert_problem(&edge.send(connected(archive(), FINGERPRINT)), 401, "certificate.unknown");
    let events: Vec<String> = office.log().into_iter().map(|row| row.event_type).collect();
    let of_keys: Vec<&String> = events.iter().filter(|event| event.starts_with("api_key.")).collect();
    assert_eq!(of_keys, ["api_key.created", "api_key.revoked"]);
}

#[test]
fn whatever_else_says_who_calls_counts_instead() {
    let office = application();
    let edge = &office.edge;
    registered(&office);
    let anna = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    let get = || connected(at_host("GET", "/documents/7"), FINGERPRINT);
    passed(edge.send(keyed_by(get(), &anna)));
    assert_problem(&edge.send(keyed_by(connected(archive(), FINGERPRINT), &anna)), 403, "access.denied");
    // One that does not count is no reason to look at the certificate.
    let unknown = ApiKeyToken::from_random([7; RANDOM_BYTES]);
    assert_problem(&edge.send(keyed_by(connected(archive(), FINGERPRINT), &unknown)), 401, "key.unknown");
    for scheme in ["Basic YTpi", "Bearer", "Bearer x.y.z", "Negotiate"] {
        let response = edge.send(with(connected(archive(), FINGERPRINT), &[("authorization", scheme)]));
        assert_eq!((response.status, response.forward.is_none()), (401, true), "{scheme}");
    }
}

/// A header is a header, and no name of one begins with a colon (RFC 9110, section 5.1).
#[test]
fn no_header_says_that_there_is_a_certificate() {
    let office = application();
    let edge = &office.edge;
    registered(&office);
    let names = [
        "client-certificate",
        "client-cert",
        "cf-client-cert-sha256",
        "cf-client-cert-der-base64",
        "cf-cert-verified",
        "x-client-cert",
        "x-forwarded-client-cert",
        "x-ssl-client-fingerprint",
        "ssl-client-cert",
    ];
    for value in [FINGERPRINT.to_owned(), thumbprint(FINGERPRINT), "SUCCESS".to_owned()] {
        let headers: Vec<(&str, &str)> = names.iter().map(|name| (*name, value.as_str())).collect();
        assert_problem(&edge.send(with(archive(), &headers)), 401, "key.missing");
    }
    // What another server's connection shows is that server's own.
    let pep = edge.key(&["access:evaluate"]);
    let url = format!("https://{HOST}/documents/7/archive");
    let asks = |headers: &[(&str, &str)]| {
        let request = with(request("POST", "/forward-auth"), &[("x-parapet-key", pep.expose())]);
        edge.send(connected(with(request, headers), FINGERPRINT))
    };
    assert_problem(&asks(&[("x-original-url", &url), ("x-original-method", "POST")]), 401, "key.missing");
    let mut envoy = connected(at_host("POST", "/forward-auth/documents/7/archive"), FINGERPRINT);
    envoy = with(envoy, &[("x-parapet-key", pep.expose())]);
    assert_problem(&edge.send(envoy), 401, "key.missing");
    // Nor does it open our own API.
    assert_problem(&edge.send(connected(request("GET", "/v1/me"), FINGERPRINT)), 401, "key.missing");
}

#[test]
fn a_certificate_is_of_one_tenant_and_one_owner() {
    let office = application();
    let edge = &office.edge;
    registered(&office);
    edge.seed(&other());
    let again = new(json!({ "service_account_id": BOT }), &thumbprint(FINGERPRINT));
    assert_eq!(office.owner("POST", "/v1/api-keys", again).status, 409);
    // Another tenant may know the same one: it is nobody here.
    edge.sql(
        "UPDATE api_key SET tenant_id = '01980000-0000-7000-8000-000000000002', service_account_id = NULL
              WHERE certificate_thumbprint IS NOT NULL",
    );
    assert_problem(&edge.send(connected(archive(), FINGERPRINT)), 401, "certificate.unknown");
    // Nobody's, two kinds at once, or no thumbprint.
    let mine = thumbprint(&"83".repeat(32));
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    for (new, code) in [
        (json!({ "name": "k", "scopes": ["access:evaluate"], "certificate_thumbprint": mine }), "api_key.certificate"),
        (new(json!({ "service_account_id": BOT, "public_key": jwk }), &mine), "api_key.certificate"),
        (new(json!({ "service_account_id": BOT }), FINGERPRINT), "api_key.thumbprint"),
        (new(json!({ "service_account_id": BOT }), &format!("{mine}A")), "api_key.thumbprint"),
        (new(json!({ "service_account_id": BOT }), ""), "api_key.thumbprint"),
    ] {
        let refused = assert_status(&office.owner("POST", "/v1/api-keys", new), 422);
        let is_it = |finding: &Value| finding["code"] == code;
        assert!(refused["findings"].as_array().unwrap().iter().any(is_it), "{code}: {refused:#}");
    }
    // A key of one's own, and nobody else's.
    let anna = json!({ "user_id": ANNA, "scopes": ["document:read"] });
    assert_refused(&office.owner("POST", "/v1/api-keys", new(anna, &mine)), &["in_anothers_name"]);
    let bots = new(json!({ "service_account_id": BOT }), &mine);
    assert_refused(&office.admin("POST", "/v1/api-keys", bots), &["not_held"]);
}
