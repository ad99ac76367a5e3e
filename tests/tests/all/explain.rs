//! Explanations in full: what they say of the fixture `explanation`, and that every suggestion of every fixture turns the
//! answer once it is made: of the rows and of the request, not of what the engine remembers of them.

use super::fixtures::{folders, read};
use parapet::compile::{Known, compile_again};
use parapet::directory::{EntityRef, RowRef};
use parapet::engine::{Change, Clause, Explanation, Names, Report};
use parapet::fixture::Requests;
use parapet::{Engine, Outcome, Request, TenantDocument, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

fn report(engine: &Engine, request: &Request, now: Timestamp) -> Report {
    let principal = engine.principal(&request.principal);
    let explanation = engine.explain_in_full(principal.as_ref(), request, now);
    let named = explanation.mentioned().into_iter();
    let names: Names =
        named.filter_map(|entity| Some((entity.clone(), engine.principal(&entity)?.display_name()?))).collect();
    engine.report(explanation, principal.as_ref(), request, now, &names)
}

/// `PARAPET_ACCEPT=1` writes the file anew.
#[test]
fn explanations_are_the_golden_ones() {
    let mut compared = 0;
    for folder in folders() {
        let golden = folder.join("explanations.json");
        if !golden.exists() {
            continue;
        }
        let document = TenantDocument::read(&read(&folder.join("tenant.json"))).unwrap();
        let engine = parapet::compile(&document).unwrap().engine().unwrap();
        let requests = Requests::read(&read(&folder.join("requests.json"))).unwrap();
        let mut explanations = Map::new();
        for case in &requests.requests {
            let request = case.engine_request(&document).unwrap();
            let report = report(&engine, &request, case.now.unwrap_or(requests.now));
            assert_eq!(report.explanation.decision.outcome, case.decision, "{}", case.name);
            let clauses =
                |clauses: &[Clause]| -> Vec<String> { clauses.iter().map(|clause| clause.at.clone()).collect() };
            let policies = report.explanation.policies.iter().map(|policy| clauses(&policy.clauses));
            let missing = report.explanation.missing.iter().map(|missing| clauses(&missing.clauses));
            let clauses: Vec<Vec<String>> = policies.chain(missing).collect();
            let changes: Vec<_> = report.explanation.suggestions.iter().map(|suggestion| &suggestion.changes).collect();
            let said = json!({ "sentences": report.sentences, "clauses": clauses, "changes": changes });
            explanations.insert(case.name.clone(), said);
            compared += 1;
        }
        let text = format!("{}\n", serde_json::to_string_pretty(&explanations).unwrap());
        if std::env::var_os("PARAPET_ACCEPT").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        assert_eq!(read(&golden), text, "{}", folder.display());
    }
    assert!(compared >= 8, "{compared}");
}

/// A tenant and a request, to which changes are made as people would make them.
struct Changed {
    document: Value,
    request: Request,
    now: Timestamp,
}

impl Changed {
    fn rows(&mut self, table: &str) -> &mut Vec<Value> {
        let tables = self.document.as_object_mut().unwrap();
        tables.entry(table).or_insert_with(|| json!([])).as_array_mut().unwrap()
    }

    fn row(&mut self, table: &str, id: &str) -> &mut Value {
        self.rows(table).iter_mut().find(|row| row["id"] == id).unwrap_or_else(|| panic!("{table} {id}"))
    }

    fn user(&mut self) -> String {
        let name = self.request.principal.id.clone();
        let is_it = |user: &&Value| ["id", "username", "email"].iter().any(|column| user[*column] == *name);
        self.rows("user").iter().find(is_it).unwrap()["id"].as_str().unwrap().to_owned()
    }

    fn remove(&mut self, rows: &[RowRef]) {
        // The last first, so that the positions of the others stay.
        let position =
            |row: &RowRef| row.field.as_ref().and_then(|field| field.rsplit('/').next()?.parse::<usize>().ok());
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| std::cmp::Reverse(position(row)));
        for row in rows {
            match (&row.field, position(&row)) {
                (Some(field), Some(position)) => {
                    let column = field.split('/').next().unwrap();
                    self.row(&row.table, &row.id)[column].as_array_mut().unwrap().remove(position);
                }
                _ => self.rows(&row.table).retain(|other| other["id"] != row.id),
            }
        }
    }

    fn make(&mut self, change: &Change) {
        match change {
            Change::SecondFactor => drop(self.request.context.insert("mfa".to_owned(), json!(true))),
            Change::AddScope { scope } => self.request.scopes.as_mut().unwrap().push(scope.clone()),
            Change::AskAt { now } => self.now = *now,
            Change::Extend { row, .. } => {
                self.row(&row.table, &row.id).as_object_mut().unwrap().remove("expires_at");
            }
            Change::AssignRole { role, .. } => {
                let user = self.user();
                let id = "01890000-ffff-7000-8000-000000000001";
                // One that ended, or was switched off, stands in the way of another.
                self.rows("user_role").retain(|row| row["user_id"] != user || row["role_id"] != **role);
                self.rows("user_role").push(json!({ "id": id, "user_id": user, "role_id": role }));
            }
            Change::JoinGroup { group, .. } => {
                let user = self.user();
                let row = json!({ "id": "01890000-ffff-7000-8000-000000000002", "user_id": user,
                    "user_group_id": group, "assignment_type": "manual" });
                self.rows("user_group_membership")
                    .retain(|row| row["user_id"] != user || row["user_group_id"] != **group);
                self.rows("user_group_membership").push(row);
            }
            Change::RemoveDenial { rows, .. } => self.remove(rows),
            Change::SetAttribute { path, value, .. } => self.set(path, value),
        }
    }

    fn set(&mut self, path: &str, value: &Value) {
        const COLUMNS: [&str; 8] = [
            "email",
            "email_verified",
            "first_name",
            "force_password_change",
            "last_name",
            "phone",
            "phone_verified",
            "username",
        ];
        let way: Vec<&str> = path.split('.').collect();
        match (way[0], way[1]) {
            ("resource", _) => {
                let resource = self.request.resource.clone();
                let registered = self.rows("resource").iter();
                let registered = registered.filter(|row| row["type"] == *resource.r#type && row["id"] == *resource.id);
                let registered = registered.filter_map(|row| row["attributes"].as_object().cloned()).next();
                let given = self.request.resource_attributes.take().or(registered).unwrap_or_default();
                self.request.resource_attributes = Some(put(given, &way[1..], value));
            }
            ("context", "action") => {
                let given = std::mem::take(&mut self.request.action_attributes);
                self.request.action_attributes = put(given, &way[2..], value);
            }
            ("context", _) => {
                let given = std::mem::take(&mut self.request.context);
                self.request.context = put(given, &way[1..], value);
            }
            (_, name) => {
                let declared = self.rows("tenant_setting").iter().any(|setting| {
                    setting["setting_key"] == "schema"
                        && setting["setting_value"]["user"]["caller_attributes"].get(name).is_some()
                });
                if declared {
                    let given = std::mem::take(&mut self.request.principal_attributes);
                    self.request.principal_attributes = put(given, &way[1..], value);
                    return;
                }
                let user = self.user();
                let row = self.row("user", &user);
                let object = row.as_object_mut().unwrap();
                if COLUMNS.contains(&name) {
                    *object = put(object.clone(), &way[1..], value);
                } else {
                    let custom =
                        object.get("custom_attributes").and_then(Value::as_object).cloned().unwrap_or_default();
                    object.insert("custom_attributes".to_owned(), Value::Object(put(custom, &way[1..], value)));
                }
            }
        }
    }
}

fn put(mut attributes: Map<String, Value>, way: &[&str], value: &Value) -> Map<String, Value> {
    if way.len() > 1 {
        let inner = attributes.get(way[0]).and_then(Value::as_object).cloned().unwrap_or_default();
        attributes.insert(way[0].to_owned(), Value::Object(put(inner, &way[1..], value)));
    } else if value.is_null() {
        attributes.remove(way[0]);
    } else {
        attributes.insert(way[0].to_owned(), value.clone());
    }
    attributes
}

/// A condition that is not met has a clause that is not.
fn assert_clauses(explanation: &Explanation, case: &str) -> usize {
    let mut seen = 0;
    for clause in explanation.missing.iter().flat_map(|missing| &missing.clauses) {
        let what = serde_json::to_value(clause).unwrap();
        let negated = what["negated"] == true;
        assert!(clause.holds == negated || clause.error.is_some(), "{case}: {what}");
        seen += 1;
    }
    seen
}

/// What came of many explanations.
#[derive(Default)]
struct Seen {
    denied: usize,
    helped: usize,
    clauses: usize,
    /// How often each kind of change was made.
    made: BTreeMap<String, usize>,
}

/// A tenant to which suggestions are made.
struct Tenant {
    original: Value,
    known: Known,
    engine: Engine,
    /// By documents: many suggestions change the rows alike, or not at all.
    engines: BTreeMap<String, Engine>,
}

impl Tenant {
    fn new(text: &str) -> Self {
        let known = Known::default();
        let engine = compile_again(&TenantDocument::read(text).unwrap(), &known).unwrap().engine().unwrap();
        Self { original: serde_json::from_str(text).unwrap(), known, engine, engines: BTreeMap::new() }
    }

    /// Explains a request, and makes every suggestion.
    fn check(&mut self, request: &Request, now: Timestamp, place: &str, seen: &mut Seen) {
        let explanation = report(&self.engine, request, now).explanation;
        seen.clauses += assert_clauses(&explanation, place);
        assert_eq!(explanation.decision, self.engine.decide(request, now), "{place}");
        if explanation.decision.outcome == Outcome::Allow {
            assert_eq!(explanation.suggestions, [], "{place}");
            return;
        }
        seen.denied += 1;
        seen.helped += usize::from(!explanation.suggestions.is_empty());
        assert!(explanation.suggestions.len() <= 10, "{place}");
        assert!(explanation.suggestions.iter().map(|suggestion| suggestion.changes.len()).is_sorted(), "{place}");
        for suggestion in &explanation.suggestions {
            let mut changed = Changed { document: self.original.clone(), request: request.clone(), now };
            for change in &suggestion.changes {
                changed.make(change);
                let kind = serde_json::to_value(change).unwrap()["change"].as_str().unwrap().to_owned();
                *seen.made.entry(kind).or_default() += 1;
            }
            let text = changed.document.to_string();
            let known = &self.known;
            let compiled = || {
                let document = TenantDocument::read(&text).unwrap_or_else(|findings| panic!("{place}: {findings:#?}"));
                let compiled = compile_again(&document, known);
                compiled.unwrap_or_else(|findings| panic!("{place}: {findings:#?}")).engine().unwrap()
            };
            let engine = self.engines.entry(text.clone()).or_insert_with(compiled);
            let decision = engine.decide(&changed.request, changed.now);
            assert!(decision.is_allow(), "{place}: {:#?}\n{decision:#?}", suggestion.changes);
        }
    }
}

#[test]
fn every_suggestion_turns_the_answer_once_it_is_made() {
    let mut seen = Seen::default();
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let text = read(&folder.join("tenant.json"));
        let document = TenantDocument::read(&text).unwrap();
        let mut tenant = Tenant::new(&text);
        let requests = Requests::read(&read(&folder.join("requests.json"))).unwrap();
        for case in &requests.requests {
            let request = case.engine_request(&document).unwrap();
            tenant.check(&request, case.now.unwrap_or(requests.now), &format!("{name}: {}", case.name), &mut seen);
        }
    }
    let Seen { denied, helped, clauses, made } = seen;
    println!("{helped} of {denied} denials, {clauses} clauses, {made:?}");
    for kind in [
        "second_factor",
        "add_scope",
        "ask_at",
        "extend",
        "set_attribute",
        "assign_role",
        "join_group",
        "remove_denial",
    ] {
        assert!(made.contains_key(kind), "no fixture shows `{kind}`: {made:?}");
    }
    assert!(helped > 100 && clauses > 100, "{helped} of {denied}, {clauses} clauses");
}

#[test]
fn every_suggestion_turns_the_answer_in_generated_tenants() {
    let now: Timestamp = "2026-03-02T10:00:00.000Z".parse().unwrap();
    let mut seen = Seen::default();
    for seed in 1..3 {
        let text = parapet_tests::generate::tenant(seed, 30, 10, 100).to_string();
        let document = TenantDocument::read(&text).unwrap();
        let mut tenant = Tenant::new(&text);
        for (user, shift) in document.user.iter().step_by(15).zip(0..) {
            for permission in document.permission.iter().skip(shift).step_by(document.permission.len().div_ceil(4)) {
                let principal = EntityRef::new("User", user.id.to_string());
                let resource = EntityRef::new(&permission.resource, "d1");
                let request = Request::new(principal, &permission.action, resource);
                tenant.check(&request, now, &format!("{seed}: {request:?}"), &mut seen);
            }
        }
    }
    println!("{} of {} denials, {} clauses, {:?}", seen.helped, seen.denied, seen.clauses, seen.made);
    assert!(seen.helped > 4, "{} of {}", seen.helped, seen.denied);
}

/// The bound that the documentation says: at 10,000 grants, an explanation follows 64 permits and decides 512 times.
#[test]
fn an_explanation_of_a_large_tenant_ends_soon() {
    let document = parapet_tests::generate::tenant(1, 1000, 200, 10_000).to_string();
    let (document, compiled) = parapet::compile_text(&document).unwrap();
    let engine = compiled.engine().unwrap();
    let now: Timestamp = "2026-03-02T10:00:00.000Z".parse().unwrap();
    let (mut suggested, mut denied) = (0, 0);
    let mut slowest = std::time::Duration::ZERO;
    let users = document.user.iter().step_by(document.user.len().div_ceil(8));
    for (user, shift) in users.zip(0..) {
        for permission in document.permission.iter().skip(shift).step_by(document.permission.len().div_ceil(8)) {
            let principal = EntityRef::new("User", user.id.to_string());
            let request = Request::new(principal, &permission.action, EntityRef::new(&permission.resource, "d1"));
            let begun = std::time::Instant::now();
            let explanation = report(&engine, &request, now).explanation;
            slowest = slowest.max(begun.elapsed());
            denied += usize::from(explanation.decision.outcome == Outcome::NoPermit);
            suggested += explanation.suggestions.len();
        }
    }
    println!("{suggested} suggestions for {denied} denials, {slowest:?} at most");
    assert!(denied > 8 && suggested > denied, "{suggested} suggestions for {denied} denials");
    // A debug build on a busy machine; optimized it takes milliseconds.
    assert!(slowest.as_secs() < 10, "{slowest:?}");
}
