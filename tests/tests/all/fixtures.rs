//! The fixture folders: every request is decided as written, and every bad document is refused with all findings.

use parapet::compile::Origin;
use parapet::engine::{AttributesRef, RequestRef, ValueRef};
use parapet::fixture::{Answer, Requests};
use parapet::{Engine, Outcome, Request, TenantDocument, Timestamp, compile, compile_text};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

pub(super) fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("tenant.json").is_file())
        .collect();
    folders.sort();
    folders
}

pub(super) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_request_is_decided_as_written() {
    let mut wrong = vec![];
    let mut compared = 0;
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let (document, compiled) =
            compile_text(&read(&folder.join("tenant.json"))).unwrap_or_else(|findings| panic!("{name}: {findings:#?}"));
        let engine = compiled.engine().unwrap();
        let requests = Requests::read(&read(&folder.join("requests.json"))).unwrap();
        for case in &requests.requests {
            let request = case.engine_request(&document).unwrap();
            let now = case.now.unwrap_or(requests.now);
            let answer = Answer::from(&engine.decide(&request, now));
            match case.expected(compiled.sources()) {
                Ok(expected) if expected == answer => {}
                expected => wrong.push(format!("{name}: {}\n  expected {expected:?}\n  decided {answer:?}", case.name)),
            }
            let twin = engine.decide_by_cedar(&request, now);
            assert_eq!(Answer::from(&twin), answer, "{name}: {}", case.name);
            let record = engine.principal(&request.principal);
            let given = engine.decide_with(record.as_ref(), &request, now);
            assert_eq!(Answer::from(&given), answer, "{name}: {}, with the principal's record", case.name);
            assert_eq!(plainly(&engine, &request, now), answer.outcome, "{name}: {}, in plain values", case.name);
            compared += 1;
        }
    }
    println!("{compared} requests");
    assert!(wrong.is_empty(), "{} of {compared} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 400, "only {compared} requests were found");
}

/// Explanations lead to the rows that name the action, and tell nobody of another's request.
#[test]
fn explanations_are_about_what_was_asked() {
    let (mut led, mut missing) = (0, 0);
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let (document, compiled) = compile_text(&read(&folder.join("tenant.json"))).unwrap();
        let engine = compiled.engine().unwrap();
        let requests = Requests::read(&read(&folder.join("requests.json"))).unwrap();
        for case in &requests.requests {
            let request = case.engine_request(&document).unwrap();
            let explanation = engine.explain(&request, case.now.unwrap_or(requests.now));
            for policy in explanation.policies.iter().filter(|policy| matches!(policy.origin, Origin::Role { .. })) {
                assert!(!policy.rows.is_empty(), "{name}: {}: {}", case.name, policy.policy);
                for row in policy.rows.iter().filter(|row| row.table == "role_permission") {
                    let grant = document.role_permission.iter().find(|grant| grant.id.to_string() == row.id).unwrap();
                    let named = document
                        .permission
                        .iter()
                        .find(|permission| permission.id.to_string() == grant.permission_id.to_string());
                    let named = named.unwrap();
                    assert_eq!(format!("{}:{}", named.resource, named.action), request.action_name(), "{name}");
                    led += 1;
                }
            }
            let asking = engine.principal(&request.principal).map(|principal| principal.id);
            for policy in &explanation.missing {
                if let Origin::Request { user, .. } = &policy.origin {
                    assert_eq!(Some(user), asking.as_ref(), "{name}: {}", case.name);
                    missing += 1;
                }
            }
        }
    }
    assert!(led > 50 && missing > 0, "{led} rows, {missing} requests");
}

/// What is decided where attributes are plain values instead of JSON.
fn plainly(engine: &Engine, request: &Request, now: Timestamp) -> Outcome {
    fn plain(map: &serde_json::Map<String, Value>) -> Vec<(&str, ValueRef<'_>)> {
        let pairs = map.iter().map(|(name, json)| {
            let entity = json.as_object().filter(|entity| entity.len() == 2);
            let entity = entity.and_then(|entity| Some((entity.get("type")?.as_str()?, entity.get("id")?.as_str()?)));
            let value = match (json, entity) {
                (Value::String(text), _) => ValueRef::String(text),
                (_, Some((ty, id))) => ValueRef::Entity(ty, id),
                (Value::Bool(value), _) => ValueRef::Bool(*value),
                (Value::Number(number), _) if number.is_i64() => ValueRef::Long(number.as_i64().unwrap()),
                _ => ValueRef::Json(json),
            };
            (name.as_str(), value)
        });
        pairs.collect()
    }
    let resource = request.resource_attributes.as_ref().map(plain);
    let (principal, context) = (plain(&request.principal_attributes), plain(&request.context));
    let asked = RequestRef {
        resource_attributes: resource.as_deref().map(AttributesRef::Plain),
        principal_attributes: AttributesRef::Plain(&principal),
        context: AttributesRef::Plain(&context),
        ..request.as_ref()
    };
    engine.check(&asked, now).outcome()
}

#[test]
fn the_generated_tenant_decides_as_written() {
    let document = parapet_tests::generate::tenant(1, 1000, 200, 5000).to_string();
    let (document, compiled) = compile_text(&document).unwrap();
    let engine = compiled.engine().unwrap();
    let requests = Requests::read(&read(&fixtures().join("generated/requests.json"))).unwrap();
    for case in &requests.requests {
        let decision = engine.decide(&case.engine_request(&document).unwrap(), case.now.unwrap_or(requests.now));
        assert_eq!(case.expected(compiled.sources()), Ok(Answer::from(&decision)), "{}", case.name);
    }
    assert!(requests.requests.len() >= 60);
}

#[test]
fn the_large_tenants_have_enough_requests() {
    for name in ["saas", "hospital"] {
        let requests = Requests::read(&read(&fixtures().join(name).join("requests.json"))).unwrap();
        assert!(requests.requests.len() >= 60, "{name} has {}", requests.requests.len());
    }
}

/// The policies as text, so that a change of what rows mean is seen in review.
/// `PARAPET_ACCEPT=1` writes the files anew.
#[test]
fn policies_are_the_golden_ones() {
    let accept = std::env::var_os("PARAPET_ACCEPT").is_some();
    for folder in folders() {
        let document = TenantDocument::read(&read(&folder.join("tenant.json"))).unwrap();
        let compiled = compile(&document).unwrap();
        let golden = folder.join("policies.cedar");
        if accept {
            std::fs::write(&golden, compiled.cedar()).unwrap();
        }
        assert!(read(&golden) == compiled.cedar(), "{} is not what the rows compile to", golden.display());
    }
}

/// What is printed is what is decided with: read back, the text is the same policies.
#[test]
fn printed_policies_parse_to_themselves() {
    for folder in folders() {
        let compiled = compile(&TenantDocument::read(&read(&folder.join("tenant.json"))).unwrap()).unwrap();
        let parsed: cedar_policy::PolicySet = compiled.cedar().parse().unwrap();
        let policies = compiled.policies().unwrap();
        for policy in parsed.policies() {
            let id = policy.annotation("id").unwrap();
            let own = policies.policy(&cedar_policy::PolicyId::new(id)).unwrap();
            let renamed = policy.new_id(own.id().clone());
            assert_eq!(renamed.to_json().unwrap(), own.to_json().unwrap(), "{id}");
        }
    }
}

#[test]
fn the_same_rows_in_another_order_give_the_same_content() {
    use parapet::snapshot::{SigningKey, Snapshot};
    let key = SigningKey::hmac("k1", &[7; 32]).unwrap();
    let hash = |document: &TenantDocument, version| {
        let bytes = compile(document).unwrap().snapshot(version, "2026-01-01T00:00:00.000Z".parse().unwrap(), &key);
        Snapshot::header(&bytes).unwrap().content_hash_hex()
    };
    for folder in folders() {
        let document: Value = serde_json::from_str(&read(&folder.join("tenant.json"))).unwrap();
        let mut reversed = document.clone();
        for (_, rows) in reversed.as_object_mut().unwrap() {
            if let Value::Array(rows) = rows {
                rows.reverse();
            }
        }
        let (one, other) = (document.to_string(), reversed.to_string());
        let (one, other) = (TenantDocument::read(&one).unwrap(), TenantDocument::read(&other).unwrap());
        assert_eq!(hash(&one, 1), hash(&other, 2), "{}", folder.display());
    }
}

#[test]
fn every_bad_document_is_refused_with_all_its_findings() {
    let mut refused = 0;
    let mut wrong = vec![];
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(fixtures().join("bad")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".json").filter(|stem| !stem.ends_with(".findings")) else { continue };
        let expected: Vec<Value> =
            serde_json::from_str(&read(&path.with_file_name(format!("{stem}.findings.json")))).unwrap();
        let findings = match compile_text(&read(&path)) {
            Ok(_) => {
                wrong.push(format!("{name}: not refused, expected {expected:?}"));
                continue;
            }
            Err(findings) => findings,
        };
        let place = |finding: &Value| -> (String, String, String) {
            let text = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            (text("table"), text("row"), text("field"))
        };
        let mut found: Vec<_> = findings.iter().map(|finding| place(&serde_json::to_value(finding).unwrap())).collect();
        let mut places: Vec<_> = expected.iter().map(place).collect();
        found.sort();
        places.sort();
        if found != places {
            let found: Vec<String> = findings.iter().map(ToString::to_string).collect();
            wrong.push(format!("{name}\n  expected {places:?}\n  found    {found:#?}"));
        }
        for expected in expected.iter().filter_map(|finding| finding.get("code")?.as_str()) {
            if !findings.iter().any(|finding| finding.code == expected) {
                wrong.push(format!("{name}: no finding has the code `{expected}`"));
            }
        }
        refused += 1;
    }
    println!("{refused} documents");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(refused > 60, "only {refused} bad documents were found");
}
