//! Lists: one statement each however many rows there are, found by an index and never sorted.

use super::administration::assert_status;
use super::tenants::{Operators, operators};
use super::*;
use parapet::model::{Column, Kind, TABLES};
use std::collections::BTreeMap;

/// Lists that need a second statement: the log opens what is personal, and the keys of its subjects lie in a table of
/// their own. One statement for all subjects of a page.
const TWO_STATEMENTS: [&str; 1] = ["/v1/audit-logs"];

/// A list, as it says itself: its path, the columns it is narrowed by with a value of each, and the orders it has.
struct List {
    path: &'static str,
    filters: Vec<(&'static str, String)>,
    sorts: Vec<String>,
}

impl Operators {
    /// Every route that gives pages in an order: asked for an order that there is not, it says those that there are.
    fn lists(&self) -> Vec<List> {
        let mut lists = Vec::new();
        // The same list in lines is no other.
        let is_list = |path: &str| !path.contains('{') && path != "/v1/decisions/export";
        for route in routes().iter().filter(|route| route.method == "GET" && is_list(route.path)) {
            let wrong = |query: &str| -> Vec<Value> {
                let response = self.get(&format!("{}?{query}", route.path));
                if response.status == 400 { body(&response)["findings"].as_array().unwrap().clone() } else { vec![] }
            };
            let findings = wrong("sort=!");
            let Some(orders) = findings.iter().find(|finding| finding["code"] == "query.sort") else { continue };
            let orders = orders["message"].as_str().unwrap().trim_start_matches("expected one of ");
            let orders = orders.trim_end_matches(", perhaps after `-`").split(", ");
            // All columns of all tables: those that it does not know are no filters.
            let columns: BTreeMap<&'static str, &Column> =
                TABLES.iter().flat_map(|table| table.columns).map(|column| (column.name, column)).collect();
            let all: Vec<String> = columns.keys().map(|column| format!("{column}=x")).collect();
            let findings = wrong(&format!("limit=0&{}", all.join("&")));
            let unknown: Vec<&str> = (findings.iter().filter(|finding| finding["code"] == "query.unknown"))
                .map(|finding| finding["field"].as_str().unwrap())
                .collect();
            assert!(!unknown.is_empty(), "{}", route.path);
            let filters = columns.keys().copied().filter(|column| !unknown.contains(column));
            let filters: Vec<_> = filters.map(|column| (column, self.value(route.path, column))).collect();
            let sorts = orders.flat_map(|order| [order.to_owned(), format!("-{order}")]).collect();
            lists.push(List { path: route.path, filters, sorts });
        }
        assert!(lists.len() >= 18, "{}", lists.len());
        lists
    }

    /// Some value of a filter: the first that it takes.
    fn value(&self, path: &str, filter: &str) -> String {
        let words = (TABLES.iter().flat_map(|table| table.columns).filter(|column| column.name == filter))
            .filter_map(|column| if let Kind::Enum(words) = column.kind { Some(words) } else { None })
            .flatten();
        let values = [ANNA, "true"].into_iter().chain(words.copied()).chain(["x"]);
        let mut taken = values.filter(|value| self.get(&format!("{path}?{filter}={value}")).status == 200);
        taken.next().unwrap_or_else(|| panic!("{path}?{filter}=")).to_owned()
    }

    /// As who may: all tenants are the operators' to see.
    fn get(&self, path: &str) -> Response {
        let key = if path.starts_with("/v1/tenants") { &self.operator } else { &self.office.owner };
        self.office.edge.call(key, "GET", path, None)
    }

    /// A page, and the statements that it took.
    fn list(&self, path: &str) -> (Value, Vec<Statement>) {
        let (response, statements) = self.office.edge.app.db.recording(|| self.get(path));
        (assert_status(&response, 200), statements)
    }

    /// A row at least in every table that is listed.
    fn fill(&self) {
        let policy = json!({ "text": "forbid (principal, action == Action::\"document:archive\", resource);" });
        let response = self.office.owner("PUT", "/v1/policies/mine", policy);
        assert_eq!(response.status, 201, "{}", body(&response));
        let user = json!({ "email": "eve@acme.example" });
        assert_eq!(self.office.owner("POST", "/v1/users", user).status, 201);
        let first =
            self.office.edge.sql("SELECT hash FROM audit_log WHERE sequence = 1 AND tenant_id LIKE '01980000-%'");
        let root = json!({ "sequence": 1, "hash": first[0]["hash"] });
        assert_eq!(self.office.owner("POST", "/v1/audit-logs/roots", root).status, 201);
        let prefix = "01980000-0000-7001-8000-";
        let text = include_str!("../../../../core/src/model/every_table.json")
            .replace("01980000-0000-7000-8000-", prefix)
            .replace(&format!("{prefix}000000000001"), TENANT)
            .replace("\"documents.", "\"papers.")
            .replace("\"document\"", "\"paper\"");
        let document = TenantDocument::read(&text).unwrap_or_else(|wrong| panic!("{wrong:#?}"));
        document.visit_sql(&mut |table, values| {
            if !["tenant", "tenant_epoch", "snapshot", "audit_log", "audit_root"].contains(&table.name) {
                let inserted = pollster::block_on(self.office.edge.app.db.all(insert(table, values)));
                inserted.unwrap_or_else(|error| panic!("{}: {error}", table.name));
            }
        });
    }
}

#[test]
fn every_list_is_one_statement_beside_the_credentials() {
    let operators = operators();
    let lists = operators.lists();
    operators.fill();
    for list in lists {
        // Who it is may have to be read anew, once.
        operators.get(list.path);
        let (page, statements) = operators.list(&format!("{}?limit=200", list.path));
        assert!(!page["items"].as_array().unwrap().is_empty(), "{}", list.path);
        let count = if TWO_STATEMENTS.contains(&list.path) { 3 } else { 2 };
        let sql: Vec<&str> = statements.iter().map(Statement::sql).collect();
        assert_eq!(sql.len(), count, "{}: {sql:#?}", list.path);
    }
}

/// Of these a tenant has hundreds at most, and all of them lie beside each other in an index: filters leave out what
/// they went through, and orders are sorted. Three of them are the tenant's and the operator's in one.
const SMALL: [&str; 9] = [
    "/v1/feature-flags",
    "/v1/notification-templates",
    "/v1/permissions",
    "/v1/policies",
    "/v1/roles",
    "/v1/service-accounts",
    "/v1/snapshots",
    "/v1/tenant-settings",
    "/v1/webhooks",
];

/// Filters of few values without an index, which each write would pay for: a list goes through the tenant's rows in the
/// order of the page, as it does without the filter, and leaves out the others. Long where hardly any row has the value.
const WALKED: [(&str, &str); 8] = [
    ("/v1/api-keys", "is_active"),
    ("/v1/decisions", "outcome"),
    ("/v1/decisions", "resource_type"),
    ("/v1/login-attempts", "result"),
    ("/v1/role-permissions", "effect"),
    ("/v1/user-group-memberships", "assignment_type"),
    ("/v1/user-groups", "type"),
    ("/v1/user-roles", "is_active"),
];

#[test]
fn every_list_is_found_by_an_index() {
    let operators = operators();
    let mut wrong = Vec::new();
    for list in operators.lists() {
        let sorts = list.sorts.iter().map(|sort| (format!("sort={sort}"), sort.as_str(), None));
        let filters = list.filters.iter().map(|(name, value)| (format!("{name}={value}"), *name, Some(*name)));
        for (query, what, filter) in [(String::new(), "", None)].into_iter().chain(sorts).chain(filters) {
            let (_, statements) = operators.list(&format!("{}?{query}", list.path));
            let plan = operators.office.edge.app.db.plan(&statements[1]).unwrap();
            let told = format!("{}?{query}: {plan:?}", list.path);
            let found = |step: &String| {
                // Operators list all tenants there are, which no column narrows.
                let all = list.path == "/v1/tenants" && step.starts_with("SCAN tenant USING INDEX");
                (step.starts_with("SEARCH") && step.contains("USING INDEX")) || all
            };
            let sorted = plan.iter().any(|step| step.contains("TEMP B-TREE"));
            let narrowed = filter.is_some_and(|filter| plan.iter().any(|step| step.contains(&format!("{filter}=?"))));
            let fine = if SMALL.contains(&list.path) {
                plan.iter().any(found)
            } else if narrowed {
                // Few rows, which may be sorted.
                found(&plan[0])
            } else {
                let walked = filter.is_none() || list.path == "/v1/tenants" || WALKED.contains(&(list.path, what));
                plan.iter().all(found) && !sorted && walked
            };
            if !fine {
                wrong.push(told);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn rows_that_are_found_and_then_sorted_have_pages_as_well() {
    let operators = operators();
    operators.fill();
    let office = &operators.office;
    for role in &office.roles[1..] {
        let given = office.owner("POST", "/v1/user-roles", json!({ "user_id": BEN, "role_id": role }));
        assert_status(&given, 201);
    }
    for (direction, from) in [("", "2026-01-01T00:00:00.000Z"), ("-", NOW)] {
        let whole = format!("/v1/user-roles?user_id={BEN}&sort={direction}assigned_at&from={from}");
        let (all, _) = operators.list(&whole);
        let all = all["items"].as_array().unwrap().clone();
        assert_eq!(all.len(), 3);
        let (mut pages, mut cursor) = (Vec::new(), String::new());
        loop {
            let (page, _) = operators.list(&format!("{whole}&limit=1{cursor}"));
            pages.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(pages, all);
    }
    let (none, _) = operators.list(&format!("/v1/user-roles?user_id={BEN}&to={NOW}"));
    assert_eq!(none["items"], json!([]));
}
