//! SCIM: users and groups as provisioning clients send them, by the same administration as `/v1`.

use super::administration::{Office, office};
use super::*;

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const CUSTOM: &str = "urn:parapet:params:scim:schemas:extension:custom:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

impl Office {
    fn scim(&self, method: &str, path: &str, body: Value) -> Response {
        self.scim_with(method, path, body, &[])
    }

    fn scim_with(&self, method: &str, path: &str, body: Value, headers: &[(&str, &str)]) -> Response {
        let path = encode(path);
        let mut request = keyed(&self.owner, method, &format!("/scim/v2{path}"), (!body.is_null()).then_some(body));
        if request.headers.contains_key("content-type") {
            request.headers.insert("content-type".to_owned(), "application/scim+json".to_owned());
        }
        request.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.edge.send(request)
    }

    #[track_caller]
    fn found(&self, query: &str) -> Vec<String> {
        let list = ok(&self.scim("GET", &format!("/Users?{query}"), Value::Null), 200);
        let resources = list["Resources"].as_array().unwrap().iter();
        resources.map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    fn patch(&self, path: &str, operations: Value) -> Response {
        let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]);
        self.scim("PATCH", path, json!({ "schemas": schemas, "Operations": operations }))
    }
}

/// What is not allowed in a query, percent-encoded.
fn encode(path: &str) -> String {
    path.chars()
        .map(|letter| match letter {
            ' ' | '"' | '[' | ']' | '+' | '<' | '>' | '\'' => format!("%{:02X}", letter as u32),
            letter => letter.to_string(),
        })
        .collect()
}

#[track_caller]
fn ok(response: &Response, status: u16) -> Value {
    assert_eq!(response.status, status, "{}", String::from_utf8_lossy(&response.body));
    if response.body.is_empty() {
        return Value::Null;
    }
    assert_eq!(response.header("content-type"), Some("application/scim+json"));
    body(response)
}

#[track_caller]
fn refused(response: &Response, status: u16, kind: &str) -> String {
    let error = ok(response, status);
    assert_eq!(error["schemas"], json!([ERROR]));
    assert_eq!(error["status"], status.to_string());
    assert_eq!(error["scimType"].as_str().unwrap_or(""), kind, "{error:#}");
    error["detail"].as_str().unwrap().to_owned()
}

fn eve() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": "00eve",
        "userName": "Eve@Acme.Example",
        "name": { "givenName": "Eve", "familyName": "Adler", "middleName": "M." },
        "displayName": "Eve A.",
        "active": true,
        "emails": [{ "primary": true, "type": "work", "value": "eve@acme.example" }],
        "phoneNumbers": [{ "type": "mobile", "value": "555 1" }, { "type": "work", "value": "555 2" }],
        ENTERPRISE: { "department": "Sales", "manager": { "value": "m1" } },
    })
}

fn made(office: &Office, user: Value) -> (String, Value) {
    let response = office.scim("POST", "/Users", user);
    let made = ok(&response, 201);
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(response.header("location"), Some(format!("https://id.example/scim/v2/Users/{id}").as_str()));
    assert_eq!(response.header("etag"), made["meta"]["version"].as_str());
    (format!("/Users/{id}"), made)
}

fn group(office: &Office, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let entra = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
    let meta = json!({ "resourceType": "Group" });
    let body = json!({ "schemas": [GROUP, entra], "displayName": name, "members": members, "meta": meta });
    let made = ok(&office.scim("POST", "/Groups", body), 201);
    format!("/Groups/{}", made["id"].as_str().unwrap())
}

fn members(office: &Office, path: &str) -> Vec<String> {
    let group = ok(&office.scim("GET", path, Value::Null), 200);
    let members = group["members"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> = members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn a_user_is_made_read_replaced_and_removed() {
    let office = office();
    let (path, made) = made(&office, eve());
    for (name, value) in eve().as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    assert_eq!(made["meta"]["resourceType"], "User");
    assert_eq!(made["meta"]["created"], NOW);
    assert_eq!(ok(&office.scim("GET", &path, Value::Null), 200), made);
    // The columns are those of /v1.
    let row = body(&office.owner("GET", &path.replace("/Users", "/v1/users"), Value::Null));
    assert_eq!(
        (&row["email"], &row["first_name"], &row["username"]),
        (&json!("eve@acme.example"), &json!("Eve"), &Value::Null)
    );
    assert_eq!((&row["external_id"], &row["state"]), (&json!("00eve"), &json!("active")));
    // Okta puts whole users; what is left out is gone.
    let whole = json!({ "schemas": [USER], "id": "other", "userName": "eve@acme.example", "name": { "givenName": "Eva" },
                        "emails": [{ "primary": true, "value": "eve@acme.example", "type": "work" }], "active": true,
                        "groups": [], "meta": { "resourceType": "User" }, "password": "1mz050nq" });
    let now = ok(&office.scim("PUT", &path, whole), 200);
    assert_eq!((&now["id"], &now["name"]), (&made["id"], &json!({ "givenName": "Eva" })));
    assert_eq!((&now["displayName"], &now["externalId"], &now[ENTERPRISE]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(now["schemas"], json!([USER]));
    ok(&office.scim("DELETE", &path, Value::Null), 204);
    refused(&office.scim("GET", &path, Value::Null), 404, "");
    refused(&office.scim("DELETE", &path, Value::Null), 404, "");
    assert_eq!(office.events(), ["user.created", "user.updated", "user.deleted"]);
    let log = office.log();
    assert!(log.iter().all(|row| !row.event_data["after"].to_string().contains("Eve")), "{log:#?}");
}

#[test]
fn a_name_that_somebody_has_is_taken() {
    let office = office();
    made(&office, eve());
    let other =
        |name: &str, email: &str| json!({ "schemas": [USER], "userName": name, "emails": [{ "value": email }] });
    for (name, email) in [
        ("EVE@ACME.EXAMPLE", "eva@acme.example"),
        ("eva", "eve@acme.example"),
        ("anna@acme.example", "anna@acme.example"),
        ("Anna", "anna.b@acme.example"),
    ] {
        refused(&office.scim("POST", "/Users", other(name, email)), 409, "uniqueness");
    }
    let (path, _) = made(&office, other("upn@tenant.example", "mail@acme.example"));
    assert_eq!(office.found("filter=userName eq \"UPN@tenant.example\""), ["upn@tenant.example"]);
    refused(
        &office.patch(&path, json!([{ "op": "replace", "path": "userName", "value": "eve@ACME.example" }])),
        409,
        "uniqueness",
    );
    refused(&office.patch(&path, json!([{ "op": "replace", "value": { "userName": "Anna" } }])), 409, "uniqueness");
    let now =
        ok(&office.patch(&path, json!([{ "op": "replace", "path": "userName", "value": "UPN@tenant.example" }])), 200);
    assert_eq!(
        (&now["userName"], &now["emails"][0]["value"]),
        (&json!("UPN@tenant.example"), &json!("mail@acme.example"))
    );
}

#[test]
fn filters_find_what_they_say() {
    let office = office();
    made(&office, eve());
    let all = ["adam@acme.example", "anna", "ben@acme.example", "Eve@Acme.Example", "olga@acme.example"];
    for (filter, found) in [
        ("userName eq \"eve@acme.example\"", &["Eve@Acme.Example"][..]),
        ("USERNAME EQ \"ANNA\"", &["anna"]),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"anna\"", &["anna"]),
        ("externalId eq \"00eve\"", &["Eve@Acme.Example"]),
        ("externalId eq \"00EVE\"", &[]),
        ("userName sw \"a\"", &["adam@acme.example", "anna"]),
        (
            "userName ew \"EXAMPLE\" and not (userName co \"eve\")",
            &["adam@acme.example", "ben@acme.example", "olga@acme.example"],
        ),
        ("emails eq \"EVE@acme.example\"", &["Eve@Acme.Example"]),
        ("emails[type eq \"work\" and value sw \"anna\"]", &["anna"]),
        ("emails[type eq \"home\"]", &[]),
        ("name.familyName eq \"adler\" or name.givenName eq \"x\"", &["Eve@Acme.Example"]),
        ("name.middleName pr", &["Eve@Acme.Example"]),
        ("name pr", &["Eve@Acme.Example"]),
        ("phoneNumbers[type eq \"work\" and value eq \"555 2\"]", &["Eve@Acme.Example"]),
        ("phoneNumbers[type eq \"work\" and value eq \"555 1\"]", &[]),
        ("phoneNumbers.type eq \"mobile\"", &["Eve@Acme.Example"]),
        ("not (phoneNumbers pr) and userName sw \"b\"", &["ben@acme.example"]),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"sales\"", &["Eve@Acme.Example"]),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"m1\"", &["Eve@Acme.Example"]),
        ("displayName ne \"Eve A.\" and userName gt \"c\"", &["olga@acme.example"]),
        ("active eq false", &[]),
        ("active eq \"True\"", &all),
        (
            "meta.created ge \"2026-03-02T11:00:00+01:00\" and userName ne \"x\"",
            &["adam@acme.example", "Eve@Acme.Example", "olga@acme.example"],
        ),
        ("meta.resourceType eq \"User\" and groups.value eq \"x\"", &[]),
        ("title eq null and userName le \"b\"", &["adam@acme.example", "anna"]),
    ] {
        assert_eq!(office.found(&format!("sortBy=userName&filter={filter}")), found, "{filter}");
    }
    for filter in [
        "userName",
        "x eq \"1\"",
        "userName gt 1",
        "active gt true",
        "meta.created eq \"yesterday\"",
        "name eq \"x\"",
        "userName eq \"a",
        "userName[value eq \"a\"]",
        "urn:x:userName eq \"a\"",
        "meta.version eq \"x\"",
        "(userName pr",
    ] {
        refused(&office.scim("GET", &format!("/Users?filter={filter}"), Value::Null), 400, "invalidFilter");
    }
}

#[test]
fn pages_go_by_index_and_by_cursor() {
    let office = office();
    let all = ["adam@acme.example", "anna", "ben@acme.example", "olga@acme.example"];
    let list = |query: &str| ok(&office.scim("GET", &format!("/Users?{query}"), Value::Null), 200);
    // Okta.
    let none = list("filter=userName eq \"x@y.z\"&startIndex=1&count=100");
    assert_eq!((&none["totalResults"], &none["Resources"], &none["startIndex"]), (&json!(0), &json!([]), &json!(1)));
    let page = list("sortBy=userName&startIndex=2&count=2");
    assert_eq!((&page["totalResults"], &page["itemsPerPage"], &page["startIndex"]), (&json!(4), &json!(2), &json!(2)));
    assert_eq!(office.found("sortBy=userName&startIndex=2&count=2"), &all[1..3]);
    assert_eq!(office.found("sortBy=userName&sortOrder=descending&startIndex=-3&count=1"), &all[3..]);
    for query in ["count=0", "startIndex=100", "count=-1"] {
        let empty = list(query);
        assert_eq!((&empty["totalResults"], &empty["Resources"]), (&json!(4), &json!([])), "{query}");
    }
    for sort in
        ["sortBy=userName", "sortBy=name.givenName", "sortBy=meta.created", "", "sortBy=userName&sortOrder=descending"]
    {
        let (mut cursor, mut found) = (String::new(), Vec::new());
        loop {
            let page = list(&format!("{sort}&count=3&cursor={cursor}"));
            assert_eq!((&page["totalResults"], &page["startIndex"]), (&json!(4), &Value::Null));
            found.extend(page["Resources"].as_array().unwrap().iter().map(|user| user["id"].clone()));
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = next.to_owned();
        }
        let whole =
            list(sort)["Resources"].as_array().unwrap().iter().map(|user| user["id"].clone()).collect::<Vec<_>>();
        assert_eq!(found, whole, "{sort}");
        let other = office.scim(
            "GET",
            &format!("/Users?filter=id pr&cursor={}", if cursor.is_empty() { "x" } else { &cursor }),
            Value::Null,
        );
        refused(&other, 400, "invalidCursor");
    }
    refused(&office.scim("GET", "/Users?count=x", Value::Null), 400, "invalidCount");
    refused(&office.scim("GET", "/Users?sortBy=x", Value::Null), 400, "invalidPath");
    refused(&office.scim("GET", "/Users?sortBy=phoneNumbers", Value::Null), 400, "invalidPath");
    // What Entra ID appends to the address is for itself.
    assert_eq!(office.found("aadOptscim062020&count=1&sortBy=userName"), &all[..1]);
}

#[test]
fn what_is_shown_is_asked_for() {
    let office = office();
    let (path, user) = made(&office, eve());
    let id = &user["id"];
    for (query, shown) in [
        ("attributes=userName", json!({ "schemas": [USER, ENTERPRISE], "id": id, "userName": "Eve@Acme.Example" })),
        (
            "attributes=NAME.givenname,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            json!({ "schemas": [USER, ENTERPRISE], "id": id, "name": { "givenName": "Eve" }, ENTERPRISE: { "department": "Sales" } }),
        ),
        (
            "attributes=phoneNumbers.type",
            json!({ "schemas": [USER, ENTERPRISE], "id": id,
         "phoneNumbers": [{ "type": "mobile" }, { "type": "work" }] }),
        ),
    ] {
        assert_eq!(ok(&office.scim("GET", &format!("{path}?{query}"), Value::Null), 200), shown, "{query}");
    }
    let without = ok(
        &office.scim("GET", &format!("{path}?excludedAttributes=emails,id,{ENTERPRISE},name.middleName"), Value::Null),
        200,
    );
    assert_eq!((&without["emails"], &without["id"], &without[ENTERPRISE]), (&Value::Null, id, &Value::Null));
    assert_eq!(without["name"], json!({ "givenName": "Eve", "familyName": "Adler" }));
    refused(&office.scim("GET", &format!("{path}?attributes=nothing"), Value::Null), 400, "invalidPath");
    refused(
        &office.scim("GET", &format!("{path}?attributes=id&excludedAttributes=name"), Value::Null),
        400,
        "invalidSyntax",
    );
}

#[test]
fn versions_keep_changes_apart() {
    let office = office();
    let (path, user) = made(&office, eve());
    let version = user["meta"]["version"].as_str().unwrap();
    let seen = office.scim_with("GET", &path, Value::Null, &[("if-none-match", version)]);
    assert_eq!((seen.status, seen.body.len(), seen.header("etag")), (304, 0, Some(version)));
    let title = |title: &str| {
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                                      "Operations": [{ "op": "add", "path": "title", "value": title }] })
    };
    let now = ok(&office.scim_with("PATCH", &path, title("CEO"), &[("if-match", version)]), 200);
    assert_eq!(now["title"], "CEO");
    for method in ["PATCH", "DELETE"] {
        let body = if method == "PATCH" { title("CFO") } else { Value::Null };
        refused(&office.scim_with(method, &path, body, &[("if-match", version)]), 412, "");
    }
    let version = now["meta"]["version"].as_str().unwrap();
    ok(&office.scim_with("DELETE", &path, Value::Null, &[("if-match", version)]), 204);
}

#[test]
fn a_patch_changes_what_its_paths_name() {
    let office = office();
    let (path, _) = made(&office, eve());
    let steps = json!([
        // Entra ID.
        [{ "op": "Replace", "path": "displayName", "value": "Eve" }, { "op": "Add", "path": "title", "value": "CEO" }],
        [{ "op": "replace", "value": { "name.familyName": "Berg", format!("{ENTERPRISE}:department"): "Law", "nickName": "E" } }],
        [{ "op": "Add", "path": "addresses[type eq \"work\"].locality", "value": "Bonn" },
         { "op": "Replace", "path": "addresses[type eq \"work\"].country", "value": "DE" }],
        [{ "op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": "m2" }],
        [{ "op": "replace", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1" },
         { "op": "add", "path": "phoneNumbers", "value": [{ "value": "3", "type": "fax", "primary": true }] }],
        [{ "op": "remove", "path": "phoneNumbers[type eq \"work\"]" }, { "op": "remove", "path": "name.middleName" }],
        [{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "Eve.B@acme.example" }],
        [{ "op": "add", "path": "phoneNumbers[type eq \"mobile\"].primary", "value": true }],
        [{ "op": "remove", "path": "nickName" }, { "op": "remove", "path": "externalId" }],
    ]);
    for step in steps.as_array().unwrap() {
        ok(&office.patch(&path, step.clone()), 200);
    }
    let now = ok(&office.scim("GET", &path, Value::Null), 200);
    assert_eq!((&now["displayName"], &now["title"], &now["nickName"]), (&json!("Eve"), &json!("CEO"), &Value::Null));
    assert_eq!(now["name"], json!({ "givenName": "Eve", "familyName": "Berg" }));
    assert_eq!(now[ENTERPRISE], json!({ "department": "Law", "manager": { "value": "m2" } }));
    assert_eq!(now["addresses"], json!([{ "type": "work", "locality": "Bonn", "country": "DE" }]));
    assert_eq!(
        now["phoneNumbers"],
        json!([{ "type": "mobile", "value": "1", "primary": true }, { "type": "fax", "value": "3" }])
    );
    assert_eq!((&now["emails"][0]["value"], &now["externalId"]), (&json!("eve.b@acme.example"), &Value::Null));
    for (operation, kind) in [
        (json!({ "op": "replace", "path": "id", "value": "x" }), "mutability"),
        (json!({ "op": "add", "path": "groups", "value": [{ "value": "x" }] }), "mutability"),
        (json!({ "op": "remove", "path": "userName" }), "mutability"),
        (json!({ "op": "replace", "path": "meta.created", "value": "x" }), "mutability"),
        (json!({ "op": "remove" }), "noTarget"),
        (json!({ "op": "replace", "path": "ims[type eq \"x\"].value", "value": "x" }), "noTarget"),
        (json!({ "op": "replace", "path": "nothing", "value": "x" }), "invalidPath"),
        (json!({ "op": "replace", "path": "name[givenName eq \"x\"]", "value": "x" }), "invalidPath"),
        (json!({ "op": "replace", "path": "phoneNumbers[x eq 1]", "value": "x" }), "invalidPath"),
        (json!({ "op": "replace", "path": "phoneNumbers[", "value": "x" }), "invalidPath"),
        (json!({ "op": "replace", "path": "title", "value": 1 }), "invalidValue"),
        (json!({ "op": "replace", "path": "active", "value": "maybe" }), "invalidValue"),
        (json!({ "op": "replace", "value": { "titel": "x" } }), "invalidSyntax"),
        (json!({ "op": "replace", "value": "x" }), "invalidValue"),
        (json!({ "op": "replace", "path": "title" }), "invalidSyntax"),
        (json!({ "op": "move", "path": "title", "value": "x" }), "invalidSyntax"),
    ] {
        // The first one is good, and does not count either.
        let operations = json!([{ "op": "replace", "path": "title", "value": "CTO" }, operation]);
        let detail = refused(&office.patch(&path, operations), 400, kind);
        assert!(detail.starts_with("Operations[1]"), "{detail}");
    }
    assert_eq!(ok(&office.scim("GET", &path, Value::Null), 200), now);
}

#[test]
fn who_is_not_active_is_suspended_as_by_hand() {
    let office = office();
    let (path, user) = made(&office, eve());
    let id = user["id"].as_str().unwrap();
    let staff = group(&office, "staff", &[id]);
    let give = json!({ "user_group_id": staff.trim_start_matches("/Groups/"), "role_id": READER });
    assert_eq!(office.owner("POST", "/v1/user-group-roles", give).status, 201);
    let pep = office.edge.key(&["access:evaluate"]);
    let asks = || office.edge.post("/access/v1/evaluation", &pep, &question(id, "read"));
    assert_decision(&asks(), true);
    let key = office.edge.key_of(TENANT, Some(id), None, &["me"]);
    assert_eq!(office.edge.call(&key, "GET", "/scim/v2/Me", None).status, 200);
    let before = office.events().len();
    // As Entra ID writes it.
    let off = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    assert_eq!(ok(&office.patch(&path, off), 200)["active"], false);
    assert_decision(&asks(), false);
    assert_eq!(office.edge.call(&key, "GET", "/scim/v2/Me", None).status, 401);
    assert_eq!(office.found("filter=active eq false"), ["Eve@Acme.Example"]);
    let row = body(&office.owner("GET", &path.replace("/Users", "/v1/users"), Value::Null));
    assert_eq!((&row["state"], &row["is_active"]), (&json!("suspended"), &json!(true)));
    assert_eq!(
        ok(&office.patch(&path, json!([{ "op": "replace", "value": { "active": true } }])), 200)["active"],
        true
    );
    assert_decision(&asks(), true);
    let put = json!({ "schemas": [USER], "userName": "eve@acme.example", "displayName": "E", "active": false });
    assert_eq!(ok(&office.scim("PUT", &path, put), 200)["active"], false);
    assert_eq!(office.events()[before..], ["user.suspended", "user.reactivated", "user.updated", "user.suspended"]);
    let (path, _) = made(&office, json!({ "schemas": [USER], "userName": "off@acme.example", "active": false }));
    assert_eq!(office.found("filter=active eq false&sortBy=userName"), ["eve@acme.example", "off@acme.example"]);
    ok(&office.patch(&path, json!([{ "op": "replace", "path": "active", "value": true }])), 200);
    assert_eq!(office.found("filter=active eq false"), ["eve@acme.example"]);
}

#[test]
fn a_group_is_made_read_changed_and_removed() {
    let office = office();
    let path = group(&office, "Sales", &[ANNA]);
    let made = ok(&office.scim("GET", &path, Value::Null), 200);
    assert_eq!(
        made["members"],
        json!([{ "value": ANNA, "$ref": format!("https://id.example/scim/v2/Users/{ANNA}"), "type": "User" }])
    );
    let anna = ok(&office.scim("GET", &format!("/Users/{ANNA}"), Value::Null), 200);
    assert_eq!((&anna["groups"][0]["value"], &anna["groups"][0]["display"]), (&made["id"], &json!("Sales")));
    // Entra ID adds and removes members one by one, and asks for groups without them.
    ok(
        &office
            .patch(&path, json!([{ "op": "Add", "path": "members", "value": [{ "value": BEN }, { "value": ANNA }] }])),
        204,
    );
    assert_eq!(members(&office, &path), [ANNA, BEN]);
    let list =
        ok(&office.scim("GET", "/Groups?excludedAttributes=members&filter=displayName eq \"Sales\"", Value::Null), 200);
    assert_eq!((&list["totalResults"], &list["Resources"][0]["members"]), (&json!(1), &Value::Null));
    ok(&office.patch(&path, json!([{ "op": "remove", "path": format!("members[value eq \"{ANNA}\"]") }])), 204);
    assert_eq!(members(&office, &path), [BEN]);
    ok(
        &office.patch(
            &path,
            json!([{ "op": "Remove", "path": "members", "value": [{ "value": BEN }, { "value": ANNA }] }]),
        ),
        204,
    );
    assert!(members(&office, &path).is_empty());
    // Okta pushes groups.
    let push = json!([{ "op": "replace", "path": "members", "value": [{ "value": ANNA }, { "value": BEN }] }]);
    ok(&office.patch(&path, push), 204);
    let id = path.trim_start_matches("/Groups/");
    ok(&office.patch(&path, json!([{ "op": "replace", "value": { "id": id, "displayName": "Sellers" } }])), 204);
    assert_eq!(members(&office, &path), [ANNA, BEN]);
    let found = |filter: &str| {
        ok(&office.scim("GET", &format!("/Groups?filter={filter}"), Value::Null), 200)["totalResults"].clone()
    };
    // Entra ID asks so whether somebody is in a group.
    assert_eq!(found(&format!("id eq \"{id}\" and members eq \"{BEN}\"")), 1);
    assert_eq!(found(&format!("members.value eq \"{ANNA}\"")), 1);
    assert_eq!(found(&format!("members[value eq \"{OTHER}\"]")), 0);
    assert_eq!(found("externalId pr or displayName eq \"sellers\""), 0);
    let whole = json!({ "schemas": [GROUP], "externalId": "g1", "displayName": "Sellers", "members": [{ "value": BEN, "display": "Ben" }] });
    let now = ok(&office.scim("PUT", &path, whole), 200);
    assert_eq!((&now["externalId"], now["members"].as_array().unwrap().len()), (&json!("g1"), 1));
    ok(&office.patch(&path, json!([{ "op": "remove", "path": "members" }])), 204);
    assert!(members(&office, &path).is_empty());
    let version = now["meta"]["version"].as_str().unwrap();
    refused(&office.scim_with("DELETE", &path, Value::Null, &[("if-match", version)]), 412, "");
    ok(&office.scim("DELETE", &path, Value::Null), 204);
    refused(&office.scim("GET", &path, Value::Null), 404, "");
    let added = office.events().iter().filter(|event| *event == "user_group_membership.added").count();
    let removed = office.events().iter().filter(|event| *event == "user_group_membership.removed").count();
    assert_eq!((added, removed), (4, 4));
    office.log();
}

#[test]
fn who_cannot_be_a_member_is_refused_and_nothing_of_the_request_counts() {
    let office = office();
    office.edge.seed(&other());
    office.edge.sql(
        "INSERT INTO user (id, tenant_id, email, custom_attributes, email_verified, phone_verified, is_active, state,
                           force_password_change, created_at, updated_at)
         VALUES ('01980000-0000-7000-8000-0000000009b1', '01980000-0000-7000-8000-000000000002', 'x@other.example', '{}',
                 0, 0, 1, 'active', 0, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
    );
    let path = group(&office, "Sales", &[]);
    let inner = group(&office, "Inner", &[]);
    let inner = inner.trim_start_matches("/Groups/");
    for (member, place) in [
        (json!({ "value": "01980000-0000-7000-8000-0000000009b1" }), "Operations[1].value[0].value"),
        (json!({ "value": inner }), "Operations[1].value[0].value"),
        (json!({ "value": ANNA, "type": "Group" }), "Operations[1].value[0].value"),
        (json!({ "value": "nobody" }), "Operations[1].value[0].value"),
        (json!({ "display": "Anna" }), "Operations[1].value[0].value"),
    ] {
        let operations = json!([{ "op": "add", "path": "members", "value": [{ "value": ANNA }] },
                                { "op": "add", "path": "members", "value": [member] }]);
        let detail = refused(&office.patch(&path, operations), 400, "invalidValue");
        assert!(detail.starts_with(place), "{detail}");
    }
    assert!(members(&office, &path).is_empty());
    refused(&office.patch(&path, json!([{ "op": "add", "path": "members.value", "value": ANNA }])), 400, "mutability");
    let taken = json!({ "schemas": [GROUP], "displayName": "Sales", "members": [{ "value": ANNA }] });
    refused(&office.scim("POST", "/Groups", taken), 409, "uniqueness");
    assert!(office.events().iter().all(|event| !event.starts_with("user_group_membership")));
}

#[test]
fn another_tenants_users_are_not_there() {
    let office = office();
    office.edge.seed(&other());
    let theirs = office.edge.key_of(OTHER, None, None, &["admin:read", "admin:write"]);
    office
        .edge
        .sql("UPDATE user SET tenant_id = '01980000-0000-7000-8000-000000000002' WHERE email = 'ben@acme.example'");
    let path = format!("/Users/{BEN}");
    let whole = json!({ "schemas": [USER], "userName": "ben@acme.example" });
    refused(&office.scim("GET", &path, Value::Null), 404, "");
    refused(&office.scim("PUT", &path, whole), 404, "");
    refused(&office.patch(&path, json!([{ "op": "add", "path": "title", "value": "x" }])), 404, "");
    refused(&office.scim("DELETE", &path, Value::Null), 404, "");
    assert!(office.found("filter=userName sw \"ben\"").is_empty());
    // A key of the tenant alone administers nothing.
    refused(&office.edge.call(&theirs, "GET", "/scim/v2/Users", None), 403, "");
}

/// What the database finds is what holds for the resources as they are shown.
#[test]
fn filters_mean_the_same_to_the_database_and_to_the_resource() {
    use parapet::scim::{Filter, ResourceType, matches};
    let office = office();
    let (_, user) = made(&office, eve());
    group(&office, "Sales", &[user["id"].as_str().unwrap(), ANNA]);
    made(
        &office,
        json!({ "schemas": [USER], "userName": "zoé", "emails": [{ "value": "ZOÉ@acme.example" }], "title": "Ärztin",
                          "phoneNumbers": [{ "value": "555 1", "primary": true }], "active": false }),
    );
    let list = ok(&office.scim("GET", "/Users", Value::Null), 200);
    let resources = list["Resources"].as_array().unwrap();
    let leaves = [
        "userName eq \"ANNA\"",
        "userName ne \"anna\"",
        "userName sw \"E\"",
        "userName ew \"é\"",
        "userName gt \"b\"",
        "title pr",
        "title ne \"x\"",
        "title eq \"ärztin\"",
        "title co \"RZ\"",
        "title eq null",
        "title lt \"z\"",
        "title co \"\"",
        "name.familyName le \"adler\"",
        "name.middleName ne null",
        "name pr",
        "active eq true",
        "emails ew \"ACME.example\"",
        "emails[primary eq true and not (value sw \"a\")]",
        "emails.display pr",
        "phoneNumbers pr",
        "phoneNumbers.value ne \"555 1\"",
        "phoneNumbers.type eq null",
        "phoneNumbers eq \"555 2\"",
        "phoneNumbers[type eq \"work\" or primary eq true]",
        "phoneNumbers[not (type pr)]",
        "groups pr",
        "groups.display eq \"sales\"",
        "groups[display co \"x\"]",
        "externalId sw \"00\"",
        "externalId gt \"00EVE\"",
        "meta.created gt \"2026-02-01T00:00:00Z\"",
        "meta.lastModified le \"2026-03-02T11:00:00.000+01:00\"",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department ne \"sales\"",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value co \"M\"",
    ];
    let mut filters: Vec<String> = leaves.iter().map(|leaf| (*leaf).to_owned()).collect();
    filters.extend(leaves.iter().map(|leaf| format!("not ({leaf})")));
    for (one, other) in leaves.iter().zip(leaves.iter().skip(7).chain(&leaves)) {
        filters.extend([format!("{one} and {other}"), format!("not ({one} or not ({other}))")]);
    }
    let resource = ResourceType::user(&Default::default());
    for filter in filters {
        let path = format!("/Users?filter={}", filter.replace('é', "%C3%A9").replace('ä', "%C3%A4"));
        let found = ok(&office.scim("GET", &path, Value::Null), 200);
        let ids = |all: &mut dyn Iterator<Item = &Value>| all.map(|user| user["id"].clone()).collect::<Vec<_>>();
        let read = Filter::parse(&filter).unwrap();
        let expected =
            ids(&mut resources.iter().filter(|user| matches(&resource, &read, user.as_object().unwrap()).unwrap()));
        assert_eq!(ids(&mut found["Resources"].as_array().unwrap().iter()), expected, "{filter}");
        assert_eq!(found["totalResults"], expected.len(), "{filter}");
    }
}

#[test]
fn groups_give_what_their_giver_holds() {
    let office = office();
    let path = group(&office, "staff", &[]);
    let give = json!({ "user_group_id": path.trim_start_matches("/Groups/"), "role_id": READER });
    assert_eq!(office.owner("POST", "/v1/user-group-roles", give).status, 201);
    let operations = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                             "Operations": [{ "op": "add", "path": "members", "value": [{ "value": BEN }] }] });
    let response = office.admin("PATCH", &format!("/scim/v2{path}"), operations.clone());
    let detail = refused(&response, 403, "");
    assert!(detail.contains("you do not hold"), "{detail}");
    let pep = office.edge.key(&["access:evaluate"]);
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(BEN, "read")), false);
    let (_, directory) = office.versions();
    ok(&office.owner("PATCH", &format!("/scim/v2{path}"), operations), 204);
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(BEN, "read")), true);
    assert_eq!(office.versions().1, directory + 1);
}

#[test]
fn what_the_tenant_declares_is_an_extension_and_rules_follow_it() {
    let office = office();
    let schema =
        json!({ "user": { "attributes": { "department": "String", "clearance": "Long", "tags": "Set<String>" } } });
    let setting = json!({ "value": schema });
    assert_eq!(office.owner("PUT", "/v1/tenant-settings/auth/schema", setting).status, 201);
    let rule = json!({ "StringEquals": { "principal.department": "sales" } });
    let group = json!({ "name": "sales", "type": "automatic", "auto_assignment_rules": rule });
    assert_eq!(office.owner("POST", "/v1/user-groups", group).status, 201);
    let mut user = eve();
    user["schemas"] = json!([USER, CUSTOM]);
    user.as_object_mut().unwrap().remove(ENTERPRISE);
    user[CUSTOM] = json!({ "Department": "sales", "clearance": 3, "tags": ["a", "b"] });
    let (path, made) = made(&office, user);
    assert_eq!(made[CUSTOM], json!({ "department": "sales", "clearance": 3, "tags": ["a", "b"] }));
    assert_eq!(made["groups"][0]["display"], "sales");
    for filter in ["department eq \"sales\"", "clearance ge 3", "tags eq \"b\"", "clearance lt 3.5"] {
        assert_eq!(office.found(&format!("filter={CUSTOM}:{filter}")).len(), 1, "{filter}");
    }
    for filter in ["department eq \"Sales\"", "clearance gt 3", "tags eq \"c\""] {
        assert!(office.found(&format!("filter={CUSTOM}:{filter}")).is_empty(), "{filter}");
    }
    let law = json!([{ "op": "replace", "path": format!("{CUSTOM}:department"), "value": "law" }]);
    let now = ok(&office.patch(&path, law), 200);
    assert_eq!((&now["groups"], &now[CUSTOM]["clearance"]), (&Value::Null, &json!(3)));
    let wrong = json!([{ "op": "add", "path": format!("{CUSTOM}:clearance"), "value": "high" }]);
    refused(&office.patch(&path, wrong), 400, "invalidValue");
    refused(&office.patch(&path, json!([{ "op": "add", "path": CUSTOM, "value": { "x": 1 } }])), 400, "invalidSyntax");
    let schema = ok(&office.scim("GET", &format!("/Schemas/{CUSTOM}"), Value::Null), 200);
    let names: Vec<&Value> = schema["attributes"].as_array().unwrap().iter().map(|its| &its["name"]).collect();
    assert_eq!(names, ["clearance", "department", "tags"]);
    ok(&office.patch(&path, json!([{ "op": "remove", "path": CUSTOM }])), 200);
}

#[test]
fn it_says_what_it_is() {
    let office = office();
    let config = ok(&office.scim("GET", "/ServiceProviderConfig", Value::Null), 200);
    assert_eq!((&config["bulk"]["supported"], &config["patch"]["supported"]), (&json!(false), &json!(true)));
    assert_eq!(config["pagination"]["cursor"], true);
    let types = ok(&office.scim("GET", "/ResourceTypes", Value::Null), 200);
    assert_eq!(types["totalResults"], 2);
    for its in types["Resources"].as_array().unwrap() {
        let location = its["meta"]["location"].as_str().unwrap().trim_start_matches("https://id.example/scim/v2");
        assert_eq!(&ok(&office.scim("GET", location, Value::Null), 200), its);
        ok(&office.scim("GET", its["endpoint"].as_str().unwrap(), Value::Null), 200);
    }
    let schemas = ok(&office.scim("GET", "/Schemas", Value::Null), 200);
    let schemas = schemas["Resources"].as_array().unwrap();
    for schema in schemas {
        assert_eq!(
            &ok(&office.scim("GET", &format!("/Schemas/{}", schema["id"].as_str().unwrap()), Value::Null), 200),
            schema
        );
    }
    // Every attribute of users that a client may set is kept as it was written.
    let mut user = json!({ "schemas": [USER], "userName": "all@acme.example" });
    for attribute in schemas[0]["attributes"].as_array().unwrap() {
        let name = attribute["name"].as_str().unwrap();
        let part = |its: &Value| match its["type"].as_str().unwrap() {
            "boolean" => json!(true),
            _ => json!(format!("{}@x.example", its["name"].as_str().unwrap())),
        };
        if attribute["mutability"] != "readWrite" || ["userName", "emails"].contains(&name) {
            continue;
        }
        let value = match attribute["subAttributes"].as_array() {
            Some(parts) => {
                Value::Object(parts.iter().map(|its| (its["name"].as_str().unwrap().to_owned(), part(its))).collect())
            }
            None => part(attribute),
        };
        user[name] = if attribute["multiValued"] == true { json!([value]) } else { value };
    }
    let (_, made) = made(&office, user.clone());
    for (name, value) in user.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    refused(&office.scim("GET", "/Schemas/urn:x", Value::Null), 404, "");
    refused(&office.scim("POST", "/Bulk", json!({})), 404, "");
    refused(&office.scim("POST", "/Me", json!({})), 405, "");
}

#[test]
fn a_search_is_a_list_in_a_body() {
    let office = office();
    group(&office, "anna's", &[ANNA]);
    let search = |path: &str, more: Value| {
        let mut body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        office.scim("POST", path, body)
    };
    let users = ok(
        &search(
            "/Users/.search",
            json!({ "filter": "userName sw \"a\"", "attributes": ["userName"], "count": 1, "sortBy": "userName" }),
        ),
        200,
    );
    assert_eq!((&users["totalResults"], &users["Resources"][0]["userName"]), (&json!(2), &json!("adam@acme.example")));
    let groups = ok(&search("/Groups/.search", json!({ "excludedAttributes": ["members"] })), 200);
    assert_eq!(groups["totalResults"], 1);
    for (more, total, shown) in [
        (json!({}), 5, 5),
        (json!({ "startIndex": 5 }), 5, 1),
        (json!({ "startIndex": 4, "count": 1 }), 5, 1),
        (json!({ "filter": "displayName sw \"anna\"" }), 1, 1),
        (json!({ "filter": "userName sw \"anna\"" }), 1, 1),
        (json!({ "filter": "meta.resourceType eq \"Group\"" }), 1, 1),
    ] {
        let found = ok(&search("/.search", more.clone()), 200);
        let resources = found["Resources"].as_array().unwrap().len();
        assert_eq!((&found["totalResults"], resources), (&json!(total), shown), "{more}");
    }
    refused(&search("/.search", json!({ "filter": "x eq 1" })), 400, "invalidFilter");
    refused(&office.scim("POST", "/Users/.search", json!({})), 400, "invalidSyntax");
}

#[test]
fn bad_bodies_are_refused_with_their_place() {
    let office = office();
    for (body, kind) in [
        (json!({ "userName": "x@acme.example" }), "invalidValue"),
        (json!({ "schemas": [GROUP], "userName": "x@acme.example" }), "invalidValue"),
        (json!({ "schemas": [USER, "urn:x"], "userName": "x@acme.example" }), "invalidValue"),
        (json!({ "schemas": [USER] }), "invalidValue"),
        (json!({ "schemas": [USER], "userName": "x" }), "invalidValue"),
        (json!({ "schemas": [USER], "userName": "x y", "emails": [{ "value": "x@acme.example" }] }), "invalidValue"),
        (json!({ "schemas": [USER], "userName": "x@acme.example", "tïtle": "x" }), "invalidSyntax"),
        (json!({ "schemas": [USER], "userName": "x@acme.example", "username": "y" }), "invalidSyntax"),
        (json!({ "schemas": [USER], "userName": "x@acme.example", "name": "x" }), "invalidValue"),
        (json!({ "schemas": [USER], "userName": "x@acme.example", "ims.value": "x" }), "invalidSyntax"),
        (
            json!({ "schemas": [USER], "userName": "x@acme.example", "ims": [{ "value": "1", "primary": true }, { "value": "2", "primary": true }] }),
            "invalidValue",
        ),
        (json!({ "schemas": [USER], "userName": "x@acme.example", "title": "x".repeat(300_000) }), "invalidValue"),
    ] {
        refused(&office.scim("POST", "/Users", body), 400, kind);
    }
    let mut long = keyed(&office.owner, "POST", "/scim/v2/Users", None);
    long.body = Body::TooLong;
    refused(&office.edge.send(long), 413, "");
    let mut text = keyed(&office.owner, "POST", "/scim/v2/Users", Some(json!({})));
    text.headers.insert("content-type".to_owned(), "text/plain".to_owned());
    refused(&office.edge.send(text), 415, "");
    let mut broken = keyed(&office.owner, "POST", "/scim/v2/Users", None);
    broken.body = Body::Bytes(b"{".to_vec());
    refused(&office.edge.send(broken), 400, "invalidSyntax");
    refused(&office.scim("GET", "/Users/nobody", Value::Null), 404, "");
    refused(&office.edge.send(request("GET", "/scim/v2/Users")), 401, "");
    assert!(office.events().is_empty());
}

#[test]
fn a_list_by_what_is_indexed_is_one_statement_by_an_index() {
    let office = office();
    made(&office, eve());
    for (query, index) in [
        ("filter=userName eq \"eve@acme.example\"", "user_by_user_name"),
        ("filter=userName sw \"eve\"", "user_by_user_name"),
        ("filter=externalId eq \"00eve\"", "user_by_external_id"),
        ("filter=emails.value eq \"eve@acme.example\"", "user_"),
        ("filter=id eq \"x\" and active eq true", "user"),
        ("sortBy=userName&count=100", "user_by_user_name"),
        ("sortBy=meta.lastModified&count=100", "user_by_change"),
        ("count=100", "user_by_id"),
    ] {
        let path = format!("/Users?{query}");
        office.scim("GET", &path, Value::Null);
        let (response, statements) = office.edge.app.db.recording(|| office.scim("GET", &path, Value::Null));
        ok(&response, 200);
        // One of them is who calls.
        assert_eq!(statements.len(), 2, "{query}: {statements:#?}");
        let plan = office.edge.app.db.plan(&statements[1]).unwrap();
        assert!(plan.iter().any(|step| step.contains(&format!("INDEX {index}"))), "{query}: {plan:#?}");
        assert!(plan.iter().all(|step| !step.contains("SCAN user")), "{query}: {plan:#?}");
        // The rows of the page are found one by one.
        assert!(plan.iter().any(|step| step.contains("SCAN page")), "{query}: {plan:#?}");
        assert!(plan.iter().all(|step| !step.contains("SEARCH page")), "{query}: {plan:#?}");
    }
}
