//! The program as a person calls it: what it prints, and with which exit code it ends.

#![cfg(test)]

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name)
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// Runs the program with some standard input.
fn parapet(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parapet"))
        .args(arguments)
        .env("PARAPET_SNAPSHOT_KEY", KEY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const ALLOWED: &str = r#"{"subject": {"type": "user", "id": "01890000-0201-7000-8000-020000000001"},
    "action": {"name": "read"}, "resource": {"type": "document", "id": "d1", "properties": {}}}"#;

#[test]
fn fixture_folders_pass() {
    let folder = fixture("string_equals");
    let output = parapet(&["test", folder.to_str().unwrap()], b"");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).contains("1 folders: 17 passed, 0 failed"), "{output:?}");
    let lines = parapet(&["test", "--json", folder.to_str().unwrap()], b"");
    let lines: Vec<Value> = text(&lines.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 17);
    assert!(lines.iter().all(|line| line["passed"] == true));
}

#[test]
fn a_failed_case_is_a_failure() {
    let folder = scratch("failing");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(fixture("string_equals/tenant.json"), folder.join("tenant.json")).unwrap();
    let requests = std::fs::read_to_string(fixture("string_equals/requests.json")).unwrap();
    std::fs::write(folder.join("requests.json"), requests.replacen("no_permit", "forbidden", 1)).unwrap();
    let output = parapet(&["test", folder.to_str().unwrap()], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("16 passed, 1 failed"), "{output:?}");
}

#[test]
fn a_snapshot_decides_as_its_document_does() {
    let (document, snapshot) = (fixture("saas/tenant.json"), scratch("saas.snapshot"));
    let (document, snapshot) = (document.to_str().unwrap(), snapshot.to_str().unwrap());
    let made = parapet(&["compile", document, "-o", snapshot, "--version", "7", "--json"], b"");
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    assert_eq!(json(&made)["policy_version"], 7);
    let requests: Value =
        serde_json::from_str(&std::fs::read_to_string(fixture("saas/requests.json")).unwrap()).unwrap();
    let now = requests["now"].as_str().unwrap();
    for case in requests["requests"].as_array().unwrap().iter().filter(|case| case.get("now").is_none()).take(12) {
        let body = case["request"].to_string();
        let of_document = parapet(&["decide", document, "--now", now, "--json"], body.as_bytes());
        let of_snapshot = parapet(&["decide", snapshot, "--now", now, "--json"], body.as_bytes());
        let (mut one, mut other) = (json(&of_document), json(&of_snapshot));
        assert_eq!(other["context"]["as_of"]["policy_version"], 7);
        one["context"]["as_of"] = Value::Null;
        other["context"]["as_of"] = Value::Null;
        assert_eq!(one, other);
        let allowed = one["decision"] == true;
        assert_eq!(of_snapshot.status.code(), Some(if allowed { 0 } else { 1 }));
    }
}

#[test]
fn a_snapshot_with_another_key_or_cut_short_is_refused() {
    let (document, snapshot) = (fixture("bool/tenant.json"), scratch("bool.snapshot"));
    let (document, path) = (document.to_str().unwrap(), snapshot.to_str().unwrap());
    assert_eq!(parapet(&["compile", document, "-o", path], b"").status.code(), Some(0));
    let other_key = format!("ff{}", KEY.get(2..).unwrap());
    let refused = |arguments: &[&str]| json(&parapet(arguments, ALLOWED.as_bytes()))["error"]["code"].clone();
    assert_eq!(refused(&["decide", path, "--json", "--key", &other_key]), "snapshot.wrong_signature");
    assert_eq!(refused(&["decide", path, "--json", "--key-id", "k2"]), "snapshot.unknown_key");
    assert_eq!(refused(&["decide", path, "--json", "--key", "abcd"]), "key.secret_too_short");
    let bytes = std::fs::read(&snapshot).unwrap();
    std::fs::write(&snapshot, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(refused(&["decide", path, "--json"]), "snapshot.truncated");
}

#[test]
fn explain_names_the_way_and_what_is_missing() {
    let document = fixture("group_inheritance/tenant.json");
    let requests: Value =
        serde_json::from_str(&std::fs::read_to_string(fixture("group_inheritance/requests.json")).unwrap()).unwrap();
    let now = requests["now"].as_str().unwrap();
    let explain = |decision: &str| {
        let cases = requests["requests"].as_array().unwrap();
        let case = cases.iter().find(|case| case["decision"] == decision && case.get("reason").is_none()).unwrap();
        let body = case["request"].to_string();
        json(&parapet(&["explain", document.to_str().unwrap(), "--now", now, "--json"], body.as_bytes()))
    };
    let allowed = explain("allow");
    let path = allowed["policies"][0]["path"].as_array().unwrap();
    let types: Vec<&str> = path.iter().map(|step| step["to"]["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["Group", "Role"], "{allowed}");
    let denied = explain("no_permit");
    assert!(!denied["missing"].as_array().unwrap().is_empty(), "{denied}");
}

#[test]
fn residual_prints_a_condition_in_every_form() {
    let document = fixture("variables/tenant.json");
    let requests: Value =
        serde_json::from_str(&std::fs::read_to_string(fixture("variables/requests.json")).unwrap()).unwrap();
    let case = requests["requests"].as_array().unwrap().iter().find(|case| case["decision"] == "allow").unwrap();
    let mut body = case["request"].clone();
    body["resource"] = serde_json::json!({"type": body["resource"]["type"]});
    let run = |arguments: &[&str]| {
        let all =
            [&["residual", document.to_str().unwrap(), "-", "--now", requests["now"].as_str().unwrap()], arguments];
        parapet(&all.concat(), body.to_string().as_bytes())
    };
    let plain = run(&["--cedar"]);
    assert_eq!(plain.status.code(), Some(0), "{plain:?}");
    assert!(text(&plain.stdout).contains("resource"), "{plain:?}");
    let whole = json(&run(&["--json", "--cedar"]));
    assert_eq!(whole["answer"], "condition");
    assert_eq!(whole["cedar"], text(&plain.stdout).trim_end());
    assert_eq!(whole["unsupported"], serde_json::json!([]));
    for (dialect, placeholder) in [("sqlite", "?1"), ("postgresql", "$1")] {
        let sql = json(&run(&["--json", "--sql", dialect]));
        assert!(sql["sql"]["where"].as_str().unwrap().contains(placeholder), "{sql}");
        let printed = run(&["--sql", dialect]);
        assert!(text(&printed.stdout).starts_with(sql["sql"]["where"].as_str().unwrap()), "{printed:?}");
    }
    let columns = scratch("columns.json");
    std::fs::write(&columns, r#"{"id": "id", "attributes": {}}"#).unwrap();
    let refused = run(&["--json", "--sql", "sqlite", "--columns", columns.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert_eq!(json(&refused)["error"]["code"], "sql.no_column");
    body["subject"]["id"] = "nobody".into();
    let never = parapet(&["residual", document.to_str().unwrap(), "--json"], body.to_string().as_bytes());
    assert_eq!(never.status.code(), Some(1), "{never:?}");
    assert_eq!(json(&never)["reason"], "principal_unknown");
}

#[test]
fn bad_documents_end_with_their_findings() {
    let output = parapet(&["check", "--json", fixture("bad/several_errors_in_rows.json").to_str().unwrap()], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(json(&output)["findings"].as_array().unwrap().len() > 1);
    let target = scratch("never.snapshot");
    let compile = parapet(
        &["compile", fixture("bad/malformed_json.json").to_str().unwrap(), "-o", target.to_str().unwrap()],
        b"",
    );
    assert_eq!(compile.status.code(), Some(1));
    assert!(text(&compile.stderr).contains("document.malformed"), "{compile:?}");
    assert!(!target.exists(), "nothing is half made");
}

#[test]
fn bad_requests_are_refused_with_their_place() {
    let document = fixture("bool/tenant.json");
    let refused = |body: &[u8]| {
        let output = parapet(&["decide", document.to_str().unwrap(), "--json"], body);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let error = json(&output)["error"].clone();
        (error["code"].as_str().unwrap().to_owned(), error["pointer"].as_str().unwrap().to_owned())
    };
    let expect = |code: &str, pointer: &str| (code.to_owned(), pointer.to_owned());
    assert_eq!(refused(b"{"), expect("authzen.malformed_json", ""));
    assert_eq!(refused(br#"{"subject": {"type": "user"}}"#), expect("authzen.missing_field", "/subject/id"));
    assert_eq!(refused(br#"{"subject": 7}"#), expect("authzen.wrong_type", "/subject"));
    let deep = ALLOWED.replace("{}", &format!("{{\"a\": {}1{}}}", "[".repeat(60), "]".repeat(60)));
    assert_eq!(refused(deep.as_bytes()).0, "authzen.too_deep");
    let large = ALLOWED.replace("\"d1\"", &format!("\"{}\"", "d".repeat(1 << 20)));
    assert_eq!(refused(large.as_bytes()).0, "authzen.too_large");
}

#[test]
fn wrong_usage_and_unreadable_files_are_told_apart() {
    assert_eq!(parapet(&["decide"], b"").status.code(), Some(2));
    assert_eq!(parapet(&["fly"], b"").status.code(), Some(2));
    let missing = parapet(&["check", "nowhere.json"], b"");
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("`nowhere.json` cannot be read"), "{missing:?}");
}

#[test]
fn every_seed_has_fresh_keys() {
    let document = fixture("api_key_scopes/tenant.json");
    let seed = || json(&parapet(&["seed", "--json", document.to_str().unwrap()], b""));
    let (one, other) = (seed(), seed());
    assert_ne!(one["keys"], other["keys"]);
    assert!(one["statements"].as_array().unwrap().iter().all(|row| row["sql"].as_str().unwrap().starts_with("INSERT")));
    let sql = parapet(&["seed", document.to_str().unwrap()], b"");
    assert!(text(&sql.stdout).lines().all(|line| line.starts_with("INSERT INTO ") && line.ends_with(';')));
}

#[test]
fn the_first_operator_is_made_with_a_key_that_is_shown_once() {
    let output = parapet(&["init", "--email", "op@example.com"], b"");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let sql = text(&output.stdout);
    assert!(sql.lines().all(|line| line.starts_with("INSERT INTO ") && line.ends_with(';')));
    // A second run fails at its first statement: the tenant is there.
    let tenant = parapet::administration::SYSTEM_TENANT.to_string();
    assert!(sql.starts_with("INSERT INTO \"tenant\" ") && sql.lines().next().unwrap().contains(&tenant));
    let said = text(&output.stderr);
    let key = said.split_whitespace().find(|word| word.starts_with("pk_")).unwrap();
    let key = parapet::api_key::ApiKeyToken::parse(key).unwrap();
    assert!(!sql.contains(key.expose()) && sql.contains(&key.hash()), "the database has the hash alone");

    let init = || json(&parapet(&["init", "--email", "op@example.com", "--name", "O'Brien & Co", "--json"], b""));
    let (one, other) = (init(), init());
    assert_ne!(one["api_key"]["key"], other["api_key"]["key"]);
    let rows = one["statements"].as_array().unwrap();
    let count = |table: &str| {
        let of_table = |row: &&Value| row["sql"].as_str().unwrap().starts_with(&format!("INSERT INTO {table} ("));
        rows.iter().filter(of_table).count()
    };
    let counts = ["tenant", "tenant_epoch", "user", "role", "user_role", "api_key"].map(count);
    assert_eq!((counts, rows.len()), ([1, 1, 1, 4, 1, 1], 9));
    assert!(rows[0]["params"].as_array().unwrap().contains(&Value::from("O'Brien & Co")));
}

#[test]
fn an_operator_has_an_address() {
    let output = parapet(&["init", "--email", "Nobody", "--name", " ", "--json"], b"");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let findings = json(&output)["error"]["findings"].clone();
    let fields: Vec<&str> = findings.as_array().unwrap().iter().map(|row| row["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "email"]);
}

#[test]
fn the_schema_in_the_repository_is_the_programs() {
    let path = fixture("tenant.schema.json");
    let printed = json(&parapet(&["schema"], b""));
    if std::env::var_os("PARAPET_ACCEPT").is_some() {
        std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&printed).unwrap())).unwrap();
    }
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(written == printed, "run the tests with PARAPET_ACCEPT=1 to write {}", path.display());
}

fn lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn searches_answer_page_by_page() {
    let document = fixture("organization_unit_inheritance/tenant.json");
    let document = document.to_str().unwrap();
    let user = |number: u8| format!("01890000-021c-7000-8000-02000000000{number}");
    let body = |page: &str| {
        format!(
            r#"{{"subject": {{"type": "user", "id": "{}"}}, "action": {{"name": "read"}},
                "resource": {{"type": "document", "id": "d1"}}, "page": {page}}}"#,
            user(2)
        )
    };
    let search = |what: &str, more: &[&str], page: &str| {
        let arguments = [&["search", what, document, "--now", "2026-03-02T09:00:00Z"], more].concat();
        parapet(&arguments, body(page).as_bytes())
    };
    // Those in the north and below it, of whom one is about to leave.
    let found = json(&search("subjects", &["--json"], "{}"));
    let entity = |number| serde_json::json!({"type": "user", "id": user(number)});
    assert_eq!(found["results"], serde_json::json!([entity(2), entity(3), entity(6)]));
    assert_eq!(found["page"], serde_json::json!({"next_token": "", "count": 3}));

    let first = json(&search("subjects", &["--json"], r#"{"limit": 2}"#));
    assert_eq!(first["results"], serde_json::json!([entity(2), entity(3)]));
    let token = first["page"]["next_token"].as_str().unwrap();
    let second = json(&search("subjects", &["--json"], &format!(r#"{{"limit": 2, "token": "{token}"}}"#)));
    assert_eq!(second["results"], serde_json::json!([entity(6)]));
    assert_eq!(lines(&search("subjects", &["--json", "--all"], r#"{"limit": 2}"#)), [first.clone(), second]);
    assert_eq!(text(&search("subjects", &["--all"], r#"{"limit": 1}"#).stdout).lines().count(), 3);
    let some = search("subjects", &[], r#"{"limit": 2}"#);
    assert_eq!(some.status.code(), Some(0));
    assert!(text(&some.stderr).contains(token), "{some:?}");

    let actions = json(&search("actions", &["--json"], "{}"));
    assert_eq!(actions["results"], serde_json::json!([{"name": "read"}]));
    assert_eq!(text(&search("actions", &[], "{}").stdout), "read\n");
    let keyed = json(&search("actions", &["--json", "--scope", "document:edit"], "{}"));
    assert_eq!(keyed["results"], serde_json::json!([]));

    let candidates = scratch("candidates.jsonl");
    std::fs::write(&candidates, "{\"id\": \"d1\"}\n\n{\"id\": \"d2\", \"properties\": {\"unit\": null}}\n").unwrap();
    let given = ["--candidates", candidates.to_str().unwrap()];
    assert_eq!(text(&search("resources", &given, "{}").stdout), "d1\nd2\n");
    assert_eq!(text(&search("resources", &[], "{}").stdout), "", "nothing is registered");
    std::fs::write(&candidates, "{\"id\": \"d1\"}\nd2\n").unwrap();
    let refused = search("resources", &given, "{}");
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("line 2 of"), "{refused:?}");

    let refused = |what: &str, page: &str| {
        let output = search(what, &["--json"], page);
        assert_eq!(output.status.code(), Some(2));
        let error = json(&output)["error"].clone();
        (error["code"].as_str().unwrap().to_owned(), error["pointer"].as_str().unwrap().to_owned())
    };
    let expect = |code: &str, pointer: &str| (code.to_owned(), pointer.to_owned());
    assert_eq!(refused("subjects", r#"{"limit": 0}"#), expect("search.limit", "/page/limit"));
    assert_eq!(refused("subjects", r#"{"token": "x"}"#), expect("search.token", "/page/token"));
    let other = format!(r#"{{"token": "{token}"}}"#);
    assert_eq!(refused("actions", &other), expect("search.token", "/page/token"));
}

#[test]
fn the_matrix_has_a_row_for_everybody() {
    let document = fixture("organization_unit_inheritance/tenant.json");
    let matrix = |form: &[&str]| {
        let arguments = [&["matrix", document.to_str().unwrap(), "--now", "2026-03-02T09:00:00Z"], form].concat();
        let output = parapet(&arguments, b"");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        output
    };
    let csv = matrix(&["--csv"]);
    let csv: Vec<&str> = text(&csv.stdout).lines().collect();
    assert_eq!(csv.len(), 7);
    assert_eq!(csv[0], "type,id,document:edit,document:read");
    assert_eq!(csv[1], "User,01890000-021c-7000-8000-020000000001,conditional,no");
    assert_eq!(csv[2], "User,01890000-021c-7000-8000-020000000002,conditional,allow");
    let rows = lines(&matrix(&["--json"]));
    assert_eq!(rows.len(), 6);
    let cell = |action: &str, access: &str, policy: &str| serde_json::json!({"action": action, "access": access, "policies": [policy]});
    assert_eq!(
        rows[1],
        serde_json::json!({"principal": {"type": "User", "id": "01890000-021c-7000-8000-020000000002"}, "cells": [
            cell("document:edit", "conditional", "custom/unit_edits"), cell("document:read", "allow", "custom/north_reads")]})
    );
    let table = matrix(&[]);
    assert!(text(&table.stdout).contains("\n  document:read allow custom/north_reads\n"), "{table:?}");
    assert_eq!(parapet(&["matrix", document.to_str().unwrap(), "--csv", "--json"], b"").status.code(), Some(2));
}

#[test]
fn a_diff_says_what_is_decided_differently() {
    let folder = fixture("organization_unit_inheritance");
    let old = std::fs::read_to_string(folder.join("tenant.json")).unwrap();
    // The policy is for the whole company, no longer for the north alone.
    let unit = |number: u8| format!("OrganizationUnit::\\\"01890000-021c-7000-8000-07000000000{number}\\\"");
    let new = old.replace(&unit(2), &unit(1));
    assert_ne!(old, new);
    let (old, new_document) = (folder.join("tenant.json"), scratch("wider.json"));
    std::fs::write(&new_document, new).unwrap();
    let new = scratch("wider.snapshot");
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    assert_eq!(parapet(&["compile", new_document.to_str().unwrap(), "-o", new], b"").status.code(), Some(0));

    let user = |number: u8| format!("01890000-021c-7000-8000-02000000000{number}");
    let request = |number: u8| {
        let user = user(number);
        format!(
            r#"{{"subject": {{"type": "user", "id": "{user}"}}, "action": {{"name": "read"}}, "resource": {{"type": "document", "id": "d1"}}}}"#
        )
    };
    let requests = scratch("requests.jsonl");
    std::fs::write(&requests, format!("{}\n{}\n\n{}\n", request(1), request(2), request(5))).unwrap();
    let requests = requests.to_str().unwrap();
    let now = ["--now", "2026-03-02T09:00:00Z"];
    let diff = |old: &str, new: &str, requests: &str, more: &[&str]| {
        parapet(&[&["diff", old, new, "--requests", requests], more, &now].concat(), b"")
    };
    let differs = diff(old, new, requests, &["--json"]);
    assert_eq!(differs.status.code(), Some(1), "{differs:?}");
    let answer = |outcome: &str, policies: &[&str]| serde_json::json!({"outcome": outcome, "reason": null, "policies": policies, "errors": []});
    let name = format!("line 1: User `{}`, `read`, document `d1`", user(1));
    let expected = serde_json::json!({"name": name, "old": answer("no_permit", &[]), "new": answer("allow", &["custom/north_reads"])});
    assert_eq!(lines(&differs), [expected]);
    let words = diff(old, new, requests, &[]);
    assert!(text(&words.stdout).contains("3 requests: 1 are decided differently"), "{words:?}");
    assert!(text(&words.stdout).contains("  was no_permit\n  is  allow, by custom/north_reads\n"), "{words:?}");

    let same = diff(old, old, requests, &[]);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    let fixture_requests = folder.join("requests.json");
    let of_fixture = diff(old, new, fixture_requests.to_str().unwrap(), &["--json"]);
    assert_eq!(of_fixture.status.code(), Some(1));
    assert!(lines(&of_fixture).iter().all(|line| line["old"]["outcome"] == "no_permit"), "{of_fixture:?}");

    let bad = scratch("bad.jsonl");
    std::fs::write(&bad, format!("{}\n{{\"subject\": 7}}\n", request(1))).unwrap();
    let refused = diff(old, new, bad.to_str().unwrap(), &["--json"]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(json(&refused)["error"]["code"], "authzen.wrong_type");
    assert!(json(&refused)["error"]["message"].as_str().unwrap().starts_with("line 2 of"), "{refused:?}");
    // Which scopes a key has, only a document says.
    let keyed = fixture("api_key_scopes");
    let keyed_document = keyed.join("tenant.json");
    let keyed_requests = keyed.join("requests.json");
    let (keyed_document, keyed_requests) = (keyed_document.to_str().unwrap(), keyed_requests.to_str().unwrap());
    assert_eq!(diff(keyed_document, new, keyed_requests, &[]).status.code(), Some(1));
    assert_eq!(diff(new, new, keyed_requests, &[]).status.code(), Some(2));
}

/// A row of the log of decisions, as an export has it.
fn decision(number: u8, action: &str, outcome: &str, request: &str, left_out: &str) -> String {
    let id = |kind: u16, number: u8| format!("01890000-0201-7000-8000-{kind:04x}000000{number:02x}");
    format!(
        r#"{{"id": "{}", "tenant_id": "{}", "request_id": null, "caller": "evaluation", "principal_type": "User",
        "principal_id": "{}", "action": "{action}", "resource_type": "document", "resource_id": "d1", "request": {request},
        "left_out": {left_out}, "outcome": "{outcome}", "reason": null, "policies": [], "errors": [], "policy_version": 3,
        "directory_version": 4, "age": 0, "created_at": "2026-03-02T10:00:00.000Z"}}"#,
        id(0x900, number),
        id(0x100, 1),
        id(0x200, 1)
    )
    .replace('\n', " ")
}

#[test]
fn a_replay_says_what_would_be_decided_differently() {
    let document = std::fs::read_to_string(fixture("string_equals/tenant.json")).unwrap();
    // Legal loses reading; everybody may read what is nobody's.
    let conditions = r#"{"StringEquals": {"resource.department": ["sales", "legal"]}}"#;
    assert_eq!(document.matches(conditions).count(), 1);
    let new_document = scratch("replayed.json");
    let new = document.replace(conditions, r#"{"StringEquals": {"resource.department": ["sales", "hr"]}}"#);
    std::fs::write(&new_document, new).unwrap();
    let new = scratch("replayed.snapshot");
    let (new_document, new) = (new_document.to_str().unwrap(), new.to_str().unwrap());
    assert_eq!(parapet(&["compile", new_document, "-o", new], b"").status.code(), Some(0));
    let old = fixture("string_equals/tenant.json");
    let old = old.to_str().unwrap();

    let of = |department: &str| format!(r#"{{"resource": {{"department": "{department}"}}}}"#);
    let rows = [
        decision(1, "read", "allow", &of("sales"), "[]"),
        decision(2, "read", "allow", &of("legal"), "[]"),
        decision(3, "read", "no_permit", &of("hr"), "[]"),
        // What was masked matters to one, and to the other not: nothing permits it anyway.
        decision(4, "read", "allow", r#"{"resource": {}}"#, r#"["resource.department"]"#),
        decision(5, "print", "no_permit", r#"{"resource": {}}"#, r#"["resource.department", "context.ip"]"#),
        decision(6, "read", "allow", &of("sales"), r#"["context.ip"]"#),
        // Who it was is not known.
        decision(7, "read", "forbidden", "{}", r#"["principal"]"#),
    ];
    let log = rows.join("\n\n");
    let replay = |snapshot: &str, log: &str, more: &[&str]| {
        parapet(&[&["replay", "-", "--snapshot", snapshot], more].concat(), log.as_bytes())
    };
    for new in [new, new_document] {
        let replayed = replay(new, &log, &["--json"]);
        assert_eq!(replayed.status.code(), Some(1), "{replayed:?}");
        let mut lines = lines(&replayed);
        let counts = serde_json::json!({"rows": 7, "same": 3, "allow_to_deny": 1, "deny_to_allow": 1, "unknown": 2});
        assert_eq!(lines.pop(), Some(counts));
        let changes: Vec<(u64, &str, &str)> = (lines.iter())
            .map(|line| {
                (
                    line["line"].as_u64().unwrap(),
                    line["was"]["outcome"].as_str().unwrap(),
                    line["is"]["outcome"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(changes, [(3, "allow", "no_permit"), (5, "no_permit", "allow")]);
        assert_eq!(lines[0]["was"]["policy_version"], 3);
    }
    let words = replay(new, &log, &[]);
    let told = "7 decisions: 1 would be denied, 1 would be allowed, 3 stay, 2 cannot be known";
    assert!(text(&words.stdout).contains(told), "{words:?}");
    assert!(text(&words.stdout).contains("  was allow by version 3\n  is  no_permit\n"), "{words:?}");
    let same = replay(old, &log, &[]);
    assert_eq!(same.status.code(), Some(0), "{same:?}");

    // Each at its own time, or all at one: the role ends in between.
    let role = r#""role_id": "01890000-0201-7000-8000-030000000001"}"#;
    let ends = role.replace('}', r#", "expires_at": "2026-06-01T00:00:00.000Z"}"#);
    let (start, rest) = document.rsplit_once(role).unwrap();
    let ending = scratch("ending.json");
    std::fs::write(&ending, format!("{start}{ends}{rest}")).unwrap();
    let ending = ending.to_str().unwrap();
    assert_eq!(replay(ending, &log, &[]).status.code(), Some(0));
    let later = replay(ending, &rows[0], &["--now", "2026-07-01T00:00:00Z", "--json"]);
    assert_eq!(
        (later.status.code(), &lines(&later)[1]["allow_to_deny"]),
        (Some(1), &serde_json::json!(1)),
        "{later:?}"
    );

    for (log, code, message) in [
        (format!("{}\n{{\"id\": 7}}\n", rows[0]), "log.malformed", "line 2 of `-`: "),
        (format!("\n{}", rows[0].replace("\"age\"", "\"aeg\"")), "log.malformed", "line 2 of `-`: "),
        ("[]".to_owned(), "log.malformed", "line 1 of `-`: expected a JSON object"),
        // By who is not in it nobody is decided for.
        (rows[0].replace("020000000001", "020000000002"), "usage", "knows nobody who is in the log"),
    ] {
        let refused = replay(new, &log, &["--json"]);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        let error = json(&refused)["error"].clone();
        assert_eq!(error["code"], code);
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
    }
}

/// Rows of an audit log as an export has them, and where the log ends.
fn audit_log(rows: u64) -> (Vec<String>, parapet::audit::Head) {
    use parapet::audit::{Entry, Head, line};
    let id = |number: u64| format!("01890000-0000-7000-8000-{number:012x}").parse().unwrap();
    let mut head = Head::default();
    let lines = (1..=rows).map(|number| {
        let (row, next) = head.append(Entry {
            id: id(number),
            tenant_id: id(0),
            user_id: None,
            event_type: "role.created".to_owned(),
            resource_type: Some("role".to_owned()),
            resource_id: Some(id(number)),
            event_data: serde_json::Map::new(),
            ip_address: None,
            user_agent: None,
            result: parapet::model::AttemptResult::Success,
            created_at: parapet::Timestamp::from_millis(number as i64),
        });
        head = next;
        line(&row)
    });
    (lines.collect(), head)
}

#[test]
fn an_exported_audit_log_is_verified() {
    let (rows, head) = audit_log(5);
    let verify = |lines: &[String], more: &[&str]| {
        let arguments = [&["audit", "verify", "-", "--json"], more].concat();
        let output = parapet(&arguments, lines.join("\n").as_bytes());
        let answer = json(&output);
        let codes = answer["findings"].as_array().unwrap().iter();
        let codes: Vec<String> = codes.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
        assert_eq!(output.status.code(), Some(if codes.is_empty() { 0 } else { 1 }), "{output:?}");
        assert_eq!(answer["errors"], codes.len());
        (codes, answer)
    };
    let none: [&str; 0] = [];
    let (root, beginning) = (head.to_string(), parapet::audit::Head::default().to_string());
    let (found, answer) = verify(&rows, &["--head", &root, "--from", &beginning]);
    assert_eq!(found, none);
    assert_eq!(answer["rows"], 5);
    assert_eq!(answer["start"]["sequence"], 0);
    assert_eq!(answer["head"], serde_json::json!(head));

    // A tail that was cut off is noticed by who noted the end; a log that starts later says so.
    assert_eq!(verify(&rows[..4], &[]).0, none);
    assert_eq!(verify(&rows[..4], &["--head", &root]).0, ["audit.cut_off"]);
    assert_eq!(verify(&rows[2..], &["--head", &root]).1["start"]["sequence"], 2);
    assert_eq!(verify(&rows[2..], &["--from", &beginning]).0, ["audit.gap"]);

    let mut changed = rows.clone();
    changed[1] = changed[1].replace("role.created", "role.deleted");
    changed[3] = changed[3].replace("{", "{ ");
    changed.insert(2, String::new());
    let (found, answer) = verify(&changed, &[]);
    assert_eq!(found, ["audit.wrong_hash", "audit.not_as_exported", "audit.gap"]);
    assert_eq!(answer["findings"][0]["row"], "01890000-0000-7000-8000-000000000002");
    assert_eq!(answer["findings"][1]["row"], "#5", "the line's number");
    assert_eq!(verify(&["{".to_owned()], &[]).0, ["audit.malformed"]);
}

#[test]
fn an_audit_log_is_a_file_too_and_its_findings_are_for_people() {
    let (rows, head) = audit_log(3);
    let path = scratch("audit.jsonl");
    let verify = |bytes: &[u8], more: &[&str]| {
        std::fs::write(&path, bytes).unwrap();
        parapet(&[&["audit", "verify", path.to_str().unwrap()], more].concat(), b"")
    };
    let intact = verify(format!("{}\r\n", rows.join("\r\n")).as_bytes(), &["--head", &head.to_string()]);
    assert_eq!(intact.status.code(), Some(0), "{intact:?}");
    assert!(text(&intact.stdout).contains(&format!("intact, 3 rows up to {head}, 0 errors")), "{intact:?}");
    assert_eq!(text(&intact.stderr), "");
    let later = verify(rows[1..].join("\n").as_bytes(), &[]);
    assert_eq!(later.status.code(), Some(0), "{later:?}");
    assert!(text(&later.stderr).contains("the log starts with row 2"), "{later:?}");
    let broken = verify(&[rows[0].as_bytes(), b"\n\xff\n", rows[2].as_bytes()].concat(), &[]);
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
    assert!(text(&broken.stderr).contains("error[audit.malformed] audit_log #2: line 2 is no text"), "{broken:?}");
    assert!(text(&broken.stderr).contains("row 3: row 2 is missing before it"), "{broken:?}");
    assert!(text(&broken.stdout).contains("not intact, 2 rows"), "{broken:?}");
    // However much is wrong, what is printed and what is held has an end.
    let noise = parapet(&["audit", "verify", "-", "--json"], "{\n".repeat(1_200).as_bytes());
    assert_eq!(json(&noise)["errors"], 1_200);
    assert_eq!(json(&noise)["findings"].as_array().unwrap().len(), 1_000);

    assert_eq!(verify(b"", &["--head", "five"]).status.code(), Some(2));
    assert_eq!(parapet(&["audit", "verify", "nowhere.jsonl"], b"").status.code(), Some(2));
    assert_eq!(parapet(&["audit"], b"").status.code(), Some(2));
}

#[test]
fn explain_says_in_sentences_what_would_turn_a_denial() {
    let document = fixture("explanation/tenant.json");
    let body = r#"{"subject": {"type": "user", "id": "bob"}, "action": {"name": "edit"}, "resource": {"type": "document", "id": "d1"}}"#;
    let now = "2026-03-02T10:00:00.000Z";
    let run = |arguments: &[&str]| {
        let all = [&["explain", document.to_str().unwrap(), "--now", now], arguments].concat();
        parapet(&all, body.as_bytes())
    };
    let printed = String::from_utf8(run(&[]).stdout).unwrap();
    assert!(
        printed.contains("It would be allowed if Bob Testa had the role `manager`, which permits 3 actions."),
        "{printed}"
    );
    let explained = json(&run(&["--json"]));
    assert_eq!(explained["suggestions"][0]["changes"][0]["change"], "extend", "{explained}");
    assert_eq!(explained["principal"]["name"], "Bob Testa");
}

#[test]
fn types_are_typescript_of_what_requests_may_say() {
    let types = |arguments: &[&str]| parapet(&[&["types"], arguments].concat(), b"");
    let document = fixture("entity_in").join("tenant.json");
    let printed = types(&[document.to_str().unwrap(), "--name", "Acme"]);
    let printed = text(&printed.stdout);
    assert!(printed.contains("export interface Acme {\n  readonly subject: "), "{printed}");
    assert!(printed.contains("    readonly folder: {\n"), "{printed}");
    let printed = json(&types(&[document.to_str().unwrap(), "--json"]));
    assert_eq!(printed["name"], "Tenant");
    for name in ["acme", "Acme-1", "", "A b"] {
        assert_eq!(types(&[document.to_str().unwrap(), "--name", name]).status.code(), Some(2), "{name}");
    }
}
