//! Every fixture through the wasm engine: compiled, made a snapshot, opened, and asked each of its requests.
#![cfg(all(target_arch = "wasm32", feature = "full"))]

use parapet::authzen::Outcome;
use parapet::engine::Reason;
use parapet::fixture::{Answer, Case, Requests};
use parapet::snapshot::{Keyring, Snapshot, VerifyingKey};
use parapet::{Finding, TenantDocument, compile_text};
use parapet_wasm::{Engine, Failure, compile, compile_snapshot};
use serde::Deserialize;
use serde_json::json;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

/// What `build.rs` found: names and texts.
#[allow(missing_docs, reason = "made by build.rs, for this test alone")]
mod folders {
    include!(concat!(env!("OUT_DIR"), "/fixtures.rs"));
}
use folders::{BAD, FIXTURES, GENERATED};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// What a document that must be refused is refused for.
#[derive(Deserialize)]
struct Expected {
    table: String,
    row: Option<String>,
    field: Option<String>,
    code: Option<String>,
}

/// An AuthZEN answer, as far as engines are compared by it.
#[derive(Deserialize)]
struct Response {
    decision: bool,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    outcome: Outcome,
    reason: Option<Reason>,
    policies: Vec<String>,
    errors: Vec<parapet::engine::PolicyError>,
}

#[wasm_bindgen_test]
fn every_request_is_answered_as_its_fixture_states() {
    let mut wrong = vec![];
    let mut compared = 0;
    // Too large to lie in the repository: made from its seed, as the native tests make it.
    let generated = parapet_tests::generate::tenant(1, 1000, 200, 5000).to_string();
    let fixtures = FIXTURES.iter().copied().chain([("generated", generated.as_str(), GENERATED)]);
    for (name, tenant, requests) in fixtures {
        match run(tenant, requests) {
            Ok(results) => {
                compared += results.len();
                wrong.extend(results.into_iter().filter_map(Result::err).map(|error| format!("{name}: {error}")));
            }
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    console_log!("{compared} requests of {} fixtures compared, {} differ", FIXTURES.len() + 1, wrong.len());
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(compared > 0, "there are no fixtures");
}

#[wasm_bindgen_test]
fn every_bad_document_is_refused_with_its_findings() {
    let mut wrong = vec![];
    for (name, document, findings) in BAD {
        let Ok(expected) = serde_json::from_str::<Vec<Expected>>(findings) else {
            wrong.push(format!("{name}: its findings cannot be read"));
            continue;
        };
        let Err(Failure { code, findings, .. }) = compile(document) else {
            wrong.push(format!("{name}: it was compiled"));
            continue;
        };
        let found: Vec<Finding> = findings.unwrap_or_default().into_iter().filter(Finding::is_error).collect();
        let same = code == "document.invalid"
            && found.len() == expected.len()
            && expected.iter().all(|expected| found.iter().any(|found| expected.is(found)));
        if !same {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            wrong.push(format!("{name}: `{code}`\n  {}", found.join("\n  ")));
        }
    }
    console_log!("{} bad documents refused, {} of them for other reasons or not at all", BAD.len(), wrong.len());
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(!BAD.is_empty(), "there are no bad documents");
}

fn run(tenant: &str, requests: &str) -> Result<Vec<Result<(), String>>, String> {
    let requests = Requests::read(requests)?;
    let (document, compiled) = compile_text(tenant).map_err(|findings| Failure::from(findings).message)?;
    let key = json!({"id": "fixtures", "hmac": KEY});
    let made = json!({"version": 1, "created": requests.now, "key": key}).to_string();
    let snapshot = compile_snapshot(tenant, &made).map_err(|failure| failure.message)?;
    let secret = hex::decode(KEY).map_err(|error| error.to_string())?;
    let keyring = Keyring::new().with(VerifyingKey::hmac("fixtures", &secret).map_err(|error| error.to_string())?);
    let snapshot = Snapshot::open(snapshot, &keyring).map_err(|error| error.to_string())?;
    let engine = Engine::of(parapet::Engine::new(snapshot).map_err(|error| error.to_string())?);
    let check = |case: &Case| {
        let found = answer(&engine, &document, &requests, case)?;
        let expected = case.expected(compiled.sources())?;
        if found == expected { Ok(()) } else { Err(format!("expected {expected:?}\n  found    {found:?}")) }
    };
    Ok(requests.requests.iter().map(|case| check(case).map_err(|error| format!("{}\n  {error}", case.name))).collect())
}

fn answer(engine: &Engine, document: &TenantDocument, requests: &Requests, case: &Case) -> Result<Answer, String> {
    let now = case.now.unwrap_or(requests.now);
    let options = match case.caller {
        Some(id) => {
            let key = document.api_key.iter().find(|key| key.id == id).ok_or("no such key")?;
            json!({"now": now, "scopes": key.scopes})
        }
        None => json!({"now": now}),
    };
    let answer = engine
        .decide(&case.request.to_string(), &options.to_string(), 0.0)
        .map_err(|failure| format!("{}: {}", failure.code, failure.message))?;
    let response: Response = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
    if response.decision != (response.context.outcome == Outcome::Allow) {
        return Err("`decision` is not what `outcome` says".to_owned());
    }
    Ok(Answer {
        outcome: response.context.outcome,
        reason: response.context.reason,
        policies: response.context.policies,
        errors: response.context.errors.into_iter().map(|error| error.policy).collect(),
    })
}

impl Expected {
    fn is(&self, found: &Finding) -> bool {
        self.table == found.table
            && self.row == found.row
            && self.field == found.field
            && self.code.as_ref().is_none_or(|code| *code == found.code)
    }
}
