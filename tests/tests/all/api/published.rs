//! What is given out: versions, the newest snapshot, one principal's part of it, and the keys that verify both.

use super::administration::{assert_refused, assert_status, office};
use super::*;
use parapet::authzen::{Caller, Evaluation};
use parapet::snapshot::{Keyring, SectionKind, Snapshot, VerifyingKey};
use parapet::{Engine, Outcome};

const SCOPE: &[&str] = &["access:snapshot"];

fn variables(edge: &mut Edge) {
    edge.app.config = configuration(&[
        ("FRESHNESS_SECONDS", "0"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("SNAPSHOT_KEY_ID", "test"),
        ("DATA_KEY", &"cd".repeat(32)),
        ("PUBLISH_KEY", &"17".repeat(32)),
        ("PUBLISH_KEY_ID", "public-1"),
    ]);
}

/// The keys as anybody gets them.
fn keyring(edge: &Edge) -> Keyring {
    let response = edge.get("/.well-known/parapet-keys");
    let keys = assert_status(&response, 200);
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    assert!(keys[0].get("d").is_none());
    let text = |name: &str| keys[0][name].as_str().unwrap();
    assert_eq!((text("kty"), text("crv"), text("alg"), text("kid")), ("EC", "P-256", "ES256", "public-1"));
    Keyring::new().with(VerifyingKey::es256_jwk(text("kid"), text("x"), text("y")).unwrap())
}

fn open(edge: &Edge, response: &Response) -> Snapshot {
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    assert_eq!(response.header("content-type"), Some("application/octet-stream"));
    Snapshot::open(response.body.clone(), &keyring(edge).tenant(TENANT.parse().unwrap()).at_least(7)).unwrap()
}

#[test]
fn the_newest_snapshot_is_signed_for_others_and_known_by_its_etag() {
    let mut office = office();
    variables(&mut office.edge);
    let edge = &office.edge;
    let key = edge.key(SCOPE);
    let response = edge.call(&key, "GET", "/v1/snapshots/current", None);
    let snapshot = open(edge, &response);
    assert_eq!((snapshot.policy_version(), snapshot.key_id()), (7, "public-1"));
    let versions = assert_status(&office.owner("GET", "/v1/snapshots", Value::Null), 200);
    assert_eq!(versions["items"][0]["content_hash"], snapshot.content_hash_hex());
    let etag = response.header("etag").unwrap().to_owned();
    assert_eq!(etag, format!("\"{}-7\"", snapshot.content_hash_hex()));
    let mut again = keyed(&key, "GET", "/v1/snapshots/current", None);
    again.headers.insert("if-none-match".to_owned(), etag.clone());
    let same = edge.send(again.clone());
    assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, Some(etag.as_str())));
    assert_status(&office.owner("PATCH", &format!("/v1/roles/{READER}"), json!({ "permissions": [] })), 200);
    let newer = edge.send(again);
    assert_eq!(open(edge, &newer).policy_version(), 8);
    // No user is in it.
    let text = String::from_utf8_lossy(&newer.body).into_owned();
    assert!(!text.contains("anna@acme.example") && !text.contains(OLGA));
    let versions = assert_status(&office.owner("GET", "/v1/snapshots?limit=1", Value::Null), 200);
    assert_eq!(versions["items"][0]["policy_version"], 8);
    assert!(versions["next_cursor"].is_string());
}

/// No key could be made with the scope that applications need.
#[test]
fn a_key_for_snapshots_is_theirs_to_make_who_may_read_them() {
    let mut office = office();
    variables(&mut office.edge);
    let new = json!({ "name": "app", "scopes": SCOPE });
    let role = json!({ "name": "keymaker", "permissions": [{ "permission": "parapet.api_key.write" }] });
    let role = assert_status(&office.owner("POST", "/v1/roles", role), 201);
    let give = json!({ "user_id": ANNA, "role_id": role["id"] });
    assert_status(&office.owner("POST", "/v1/user-roles", give), 201);
    let anna = office.edge.key_of(TENANT, Some(ANNA), None, &["admin:write"]);
    assert_refused(&office.by(&anna, "POST", "/v1/api-keys", new.clone()), &["not_held"]);
    let made = assert_status(&office.owner("POST", "/v1/api-keys", new), 201);
    let key = ApiKeyToken::parse(made["key"].as_str().unwrap()).unwrap();
    open(&office.edge, &office.by(&key, "GET", "/v1/snapshots/current", Value::Null));
    assert_problem(&office.by(&key, "GET", "/v1/snapshots", Value::Null), 403, "access.missing_scope");
}

const OLGA: &str = "01980000-0000-7000-8000-000000000111";

#[test]
fn snapshots_need_the_scope_or_the_permission() {
    let mut office = office();
    variables(&mut office.edge);
    let path = "/v1/snapshots/current";
    assert_eq!(office.owner("GET", path, Value::Null).status, 200);
    let nothing = office.edge.key(&["access:evaluate"]);
    assert_problem(&office.by(&nothing, "GET", path, Value::Null), 403, "access.missing_scope");
    let anna = office.edge.key_of(TENANT, Some(ANNA), None, &["admin:read"]);
    assert_problem(&office.by(&anna, "GET", path, Value::Null), 403, "access.missing_permission");
    assert_problem(&office.owner("GET", "/v1/snapshots/me", Value::Null), 403, "access.missing_scope");
}

#[test]
fn nothing_is_given_out_without_a_key_to_sign_it() {
    let office = office();
    let key = office.edge.key(SCOPE);
    for path in ["/v1/snapshots/current", "/v1/snapshots/me?subject_type=user&subject_id=anna"] {
        assert_problem(&office.edge.call(&key, "GET", path, None), 503, "snapshot.no_publish_key");
    }
    assert_eq!(assert_status(&office.edge.get("/.well-known/parapet-keys"), 200), json!({ "keys": [] }));
    let wrong = configuration(&[("PUBLISH_KEY", "00")]);
    assert!((*wrong).as_ref().unwrap_err().starts_with("PUBLISH_KEY"));
}

/// The public half of the key whose bytes are all this one, in hex.
fn public(byte: u8) -> String {
    let key = parapet::snapshot::SigningKey::es256("x", &[byte; 32]).unwrap();
    key.verifying_key().sec1().unwrap().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_keys_of_before_and_after_are_published_beside_the_one_that_signs() {
    let (old, new) = ("11".repeat(32), "22".repeat(32));
    let mut office = office();
    let key = office.edge.key(SCOPE);
    let mut configured = |signs: (&str, &str), others: &str| {
        office.edge.app.config = configuration(&[
            ("FRESHNESS_SECONDS", "0"),
            ("SNAPSHOT_KEY", &"ab".repeat(32)),
            ("PUBLISH_KEY", signs.1),
            ("PUBLISH_KEY_ID", signs.0),
            ("OTHER_PUBLISH_KEYS", others),
        ]);
        let keys = assert_status(&office.edge.get("/.well-known/parapet-keys"), 200);
        let snapshot = office.edge.call(&key, "GET", "/v1/snapshots/current", None);
        assert_eq!(snapshot.status, 200);
        (keys["keys"].as_array().unwrap().clone(), snapshot.body)
    };
    let ring = |keys: &[Value]| {
        keys.iter().fold(Keyring::new().tenant(TENANT.parse().unwrap()), |ring, key| {
            let text = |name: &str| key[name].as_str().unwrap();
            assert!(key.get("d").is_none());
            ring.with(VerifyingKey::es256_jwk(text("kid"), text("x"), text("y")).unwrap())
        })
    };
    let ids = |keys: &[Value]| keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    // First the next one is made known, then it signs, then the old one goes: no verifier is ever without.
    let (announced, before) = configured(("p1", &old), &format!("p2:{}", public(0x22)));
    assert_eq!(ids(&announced), ["p1", "p2"]);
    let (changed, after) = configured(("p2", &new), &format!("p1:{}", public(0x11)));
    assert_eq!(ids(&changed), ["p2", "p1"]);
    for keys in [&announced, &changed] {
        for snapshot in [&before, &after] {
            assert!(Snapshot::open(snapshot.clone(), &ring(keys)).is_ok());
        }
    }
    let (last, _) = configured(("p2", &new), "");
    assert!(Snapshot::open(before, &ring(&last)).is_err());
    for wrong in [
        "p2",
        "p2:",
        "p2:zz",
        "p2:04",
        &format!("p1:{}", public(0x22)),
        &format!("p2:{} p2:{}", public(0x22), public(0x11)),
    ] {
        let config = configuration(&[("PUBLISH_KEY", &old), ("PUBLISH_KEY_ID", "p1"), ("OTHER_PUBLISH_KEYS", wrong)]);
        assert!((*config).as_ref().unwrap_err().starts_with("OTHER_PUBLISH_KEYS"), "{wrong}");
    }
}

/// `acme` with more than Anna's: groups, units, another role, a resource, a request, policies.
fn busy() -> Edge {
    let mut edge = Edge::new();
    variables(&mut edge);
    let id = |number: u32| format!("01980000-0000-7000-8000-{number:012}");
    let document = json!({
        "tenant": { "id": TENANT, "name": "Acme", "slug": "acme",
                    "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z" },
        "user": [{ "id": ANNA, "email": "anna@acme.example", "username": "anna" },
                 { "id": BEN, "email": "ben@acme.example" }],
        "permission": [{ "id": "01980000-0000-7000-8000-000000000401", "tenant_id": TENANT, "name": "documents.read",
              "resource": "document", "action": "read", "category": "user" }],
        "role": [
            { "id": READER, "name": "reader", "type": "custom", "permissions": [{ "permission": "documents.read" }] },
            { "id": id(1), "name": "secret-role", "permissions": [{ "resource": "document", "action": "edit" }] },
            { "id": id(2), "name": "staff-role", "permissions": [
                { "resource": "document", "action": "print",
                  "conditions": { "StringEquals": { "resource.owner": ["${principal.email}"] } } }] },
        ],
        "organization_unit": [
            { "id": id(11), "name": "whole" },
            { "id": id(12), "name": "sales", "parent_id": id(11) },
            { "id": id(13), "name": "secret-unit", "parent_id": id(11) },
        ],
        "user_group": [
            { "id": id(21), "name": "staff", "organization_unit_id": id(12) },
            { "id": id(22), "name": "secret-group", "organization_unit_id": id(13) },
        ],
        "user_group_role": [{ "id": id(31), "user_group_id": id(21), "role_id": id(2) },
                            { "id": id(32), "user_group_id": id(22), "role_id": id(1) }],
        "user_group_membership": [{ "id": id(41), "user_id": ANNA, "user_group_id": id(21) },
                                  { "id": id(42), "user_id": BEN, "user_group_id": id(22) }],
        "resource": [{ "type": "document", "id": "secret-document", "attributes": { "owner": "ben@acme.example" } }],
        "tenant_setting": [
            { "id": id(51), "category": "auth", "setting_key": "policy.whole",
              "setting_value": format!("forbid (principal in OrganizationUnit::\"{}\", action == Action::\"document:edit\", resource);", id(11)) },
            { "id": id(52), "category": "auth", "setting_key": "policy.secret",
              "setting_value": format!("permit (principal == User::\"{BEN}\", action == Action::\"document:read\", resource);") },
        ],
    });
    let mut whole = acme();
    let added = document;
    let mut value = whole.to_value();
    for (table, rows) in added.as_object().unwrap() {
        if table != "tenant" {
            value[table] = rows.clone();
        }
    }
    value["permission"] = json!([
        { "id": "01980000-0000-7000-8000-000000000401", "tenant_id": TENANT, "name": "documents.read",
          "resource": "document", "action": "read", "category": "user" },
        { "id": "01980000-0000-7000-8000-000000000402", "tenant_id": TENANT, "name": "documents.archive",
          "resource": "document", "action": "archive", "category": "admin" },
        { "id": id(61), "tenant_id": TENANT, "name": "documents.edit", "resource": "document", "action": "edit",
          "category": "user" },
        { "id": id(62), "tenant_id": TENANT, "name": "documents.print", "resource": "document", "action": "print",
          "category": "user" },
    ]);
    whole = TenantDocument::from_value(value).unwrap_or_else(|findings| panic!("{findings:#?}"));
    edge.app.db = database();
    edge.seed(&whole);
    edge
}

#[test]
fn one_principals_part_decides_alike_for_them_and_says_nothing_of_others() {
    let edge = busy();
    let pep = edge.key(&["access:snapshot", "access:evaluate"]);
    for (kind, subject, id) in
        [("user", "anna", ANNA), ("user", "ben@acme.example", BEN), ("service_account", BOT, BOT)]
    {
        let path = format!("/v1/snapshots/me?subject_type={kind}&subject_id={subject}");
        let response = edge.call(&pep, "GET", &path, None);
        let snapshot = open(&edge, &response);
        assert!(snapshot.section(SectionKind::Source).is_none());
        assert!(snapshot.section(SectionKind::SourceRow).is_none());
        let engine = Engine::new(snapshot).unwrap();
        let mut allowed = 0;
        for action in ["read", "edit", "print", "archive", "burn"] {
            for owner in ["anna@acme.example", "ben@acme.example"] {
                let question = json!({
                    "subject": { "type": kind, "id": id }, "action": { "name": action },
                    "resource": { "type": "document", "id": "d1", "properties": { "owner": owner } },
                });
                let there = edge.post("/access/v1/evaluation", &pep, &question);
                let evaluation = Evaluation::parse(question.to_string().as_bytes()).unwrap();
                let request = evaluation.request(&Caller { sets_context: false, scopes: None }).unwrap();
                let here = engine.decide(&request, time(NOW));
                let there = body(&there);
                assert_eq!(json!(here.outcome), there["context"]["outcome"], "{subject} {action} {owner}");
                assert_eq!(json!(here.policies), there["context"]["policies"], "{subject} {action} {owner}");
                assert_eq!(engine.decide_by_cedar(&request, time(NOW)).outcome, here.outcome);
                allowed += usize::from(here.outcome == Outcome::Allow);
            }
        }
        assert!(allowed > 0, "{subject}");
        let other = engine.decide(
            &Evaluation::parse(question(if id == BEN { ANNA } else { BEN }, "read").to_string().as_bytes())
                .unwrap()
                .request(&Caller { sets_context: false, scopes: None })
                .unwrap(),
            time(NOW),
        );
        assert_eq!(other.outcome, Outcome::Forbidden, "nobody else is in it");
    }
    let anna = edge.call(&pep, "GET", "/v1/snapshots/me?subject_type=user&subject_id=anna", None).body;
    let anna = String::from_utf8_lossy(&anna).into_owned();
    for word in [BEN, "ben@acme.example", BOT, "secret"] {
        assert!(!anna.contains(word), "{word}");
    }
    assert!(anna.contains("anna@acme.example") && anna.contains("staff-role"));
}

#[test]
fn one_principals_part_is_fetched_by_its_own_key_and_known_by_its_etag() {
    let edge = busy();
    let own = edge.key_of(TENANT, Some(ANNA), None, SCOPE);
    let response = edge.call(&own, "GET", "/v1/snapshots/me", None);
    open(&edge, &response);
    let known = |key: &ApiKeyToken, path: &str| {
        let mut request = keyed(key, "GET", path, None);
        request.headers.insert("if-none-match".to_owned(), response.header("etag").unwrap().to_owned());
        edge.send(request).status
    };
    assert_eq!(known(&own, "/v1/snapshots/me"), 304);
    let pep = edge.key(SCOPE);
    assert_eq!(known(&pep, "/v1/snapshots/me?subject_type=user&subject_id=anna"), 304);
    let ben = format!("/v1/snapshots/me?subject_type=user&subject_id={BEN}");
    assert_eq!(known(&pep, &ben), 200);
    edge.sql("UPDATE tenant_epoch SET directory_version = directory_version + 1");
    assert_eq!(known(&own, "/v1/snapshots/me"), 200);

    let of_another = format!("/v1/snapshots/me?subject_type=user&subject_id={BEN}");
    assert_problem(&edge.call(&own, "GET", &of_another, None), 400, "query.invalid");
    let response = edge.call(&pep, "GET", "/v1/snapshots/me?subject_type=robot&x=1", None);
    assert_problem(&response, 400, "query.invalid");
    assert_eq!(body(&response)["findings"].as_array().unwrap().len(), 4);
    let unknown = "/v1/snapshots/me?subject_type=user&subject_id=nobody";
    assert_problem(&edge.call(&pep, "GET", unknown, None), 404, "http.not_found");
}
