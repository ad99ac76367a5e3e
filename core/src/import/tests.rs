//! Documents of exports: what is carried over, what is listed, and what is refused.

use super::*;
use crate::password::{Hasher, Password, StoredHash, Verdict};
use serde_json::json;
use std::collections::BTreeSet;

const NOW: &str = "2026-03-02T10:00:00.000Z";

#[test]
fn lines_come_after_what_they_refer_to() {
    let tables = Csv {
        users: Some("email\nada@acme.example\n"),
        roles: Some("role,resource,action\nreader,document,read\n"),
        memberships: Some("user,role,group\nada@acme.example,reader,staff\n"),
    };
    let imported = csv(tables, "acme", NOW.parse().unwrap()).unwrap();
    let lines: Vec<Json> = lines(&imported.document).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |table: &str| lines.iter().position(|line| line["table"] == table).unwrap();
    assert_eq!(lines.len(), 6);
    assert!(of("user") < of("user_role") && of("role") < of("user_role"));
    assert!(of("user_group") < of("user_group_membership") && of("user") < of("user_group_membership"));
    assert_eq!(lines[of("user")]["row"], imported.document["user"][0]);
}

fn realm() -> Json {
    let hashed = json!({"algorithm": "pbkdf2-sha256", "hashIterations": 1000}).to_string();
    let secret = json!({"salt": "MDEyMzQ1Njc4OWFiY2RlZg==",
        "value": "BVALGMmC/K/8ELErc5VgJxyPFApArIZRCQsqjEgZWJ6MwvrqvCpwLuP/5ugtnLwaptyhKgF8nj7WtD3ieyZB6Q=="});
    json!({
        "realm": "Acme", "displayName": "Acme Corporation", "enabled": true, "sslRequired": "external",
        "roles": {
            "realm": [
                {"name": "default-roles-acme", "composite": true, "composites": {"realm": ["offline_access", "member"]}},
                {"name": "offline_access"},
                {"name": "member", "description": "Everybody"},
                {"name": "lead", "composite": true, "composites": {"realm": ["member"], "client": {"shop": ["seller"]}}, "attributes": {"x": ["1"]}},
            ],
            "client": {"shop": [{"name": "seller"}], "account": [{"name": "manage-account"}]},
        },
        "groups": [{"name": "europe", "realmRoles": ["member"], "subGroups": [{"name": "sales", "clientRoles": {"shop": ["seller"]}}]}],
        "users": [
            {"id": "5f2b2c7e-5f0e-4f57-9d3e-1c1d1a5b0001", "username": "ada", "email": "Ada@Acme.example", "emailVerified": true,
             "enabled": true, "firstName": "Ada", "createdTimestamp": 1_700_000_000_000_i64,
             "attributes": {"department": ["law"], "tags": ["a", "b"], "email": ["x"]},
             "credentials": [{"type": "password", "secretData": secret.to_string(), "credentialData": hashed},
                             {"type": "otp", "secretData": "{}", "credentialData": "{}"}],
             "requiredActions": ["UPDATE_PASSWORD", "CONFIGURE_TOTP"],
             "realmRoles": ["default-roles-acme", "lead"], "groups": ["/europe/sales", "/gone"]},
            {"username": "bob@acme.example", "enabled": false},
            {"username": "ada2", "email": "ada@acme.example", "enabled": true},
            {"username": "nobody", "enabled": true},
            {"username": "service-account-shop", "serviceAccountClientId": "shop", "enabled": true},
            {"username": "md5", "email": "md5@acme.example", "enabled": true,
             "credentials": [{"type": "password", "secretData": secret.to_string(), "credentialData": "{\"algorithm\":\"md5\",\"hashIterations\":1}"}]},
        ],
        "clients": [{"clientId": "shop"}], "identityProviders": [], "browserFlow": "browser",
    })
}

#[test]
fn a_realm_is_carried_over_and_the_rest_is_listed() {
    let Imported { document, left } = keycloak(&realm(), None, NOW.parse().unwrap()).unwrap();
    let read = TenantDocument::from_value(document.clone()).unwrap();
    crate::compile(&read).unwrap();
    assert_eq!((read.tenant.slug.as_str(), read.tenant.name.as_str()), ("acme", "Acme Corporation"));
    let names: BTreeSet<&str> = read.role.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["lead", "member", "shop:seller"]));
    let groups: BTreeSet<&str> = read.user_group.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(groups, BTreeSet::from(["europe", "europe/sales"]));

    let ada = read.user.iter().find(|user| user.username.as_deref() == Some("ada")).unwrap();
    assert_eq!(ada.id.to_string(), "5f2b2c7e-5f0e-4f57-9d3e-1c1d1a5b0001");
    assert_eq!((ada.email.as_str(), ada.email_verified, ada.force_password_change), ("ada@acme.example", true, true));
    assert_eq!(json!(ada.custom_attributes), json!({"department": "law", "tags": ["a", "b"]}));
    let hash = StoredHash::parse(ada.password_hash.as_ref().unwrap().expose()).unwrap();
    let verdict = Hasher::new().verify(&Password::offered("correct horse battery").unwrap(), &hash).unwrap();
    assert_eq!(verdict, Verdict::Match { rehash: true });

    // The default roles and the composite one, written out.
    let role_of = |id: Uuid| read.role.iter().find(|role| role.id == id).unwrap().name.as_str();
    let of_ada: BTreeSet<&str> =
        read.user_role.iter().filter(|row| row.user_id == ada.id).map(|row| role_of(row.role_id)).collect();
    assert_eq!(of_ada, names);
    let sales = read.user_group.iter().find(|group| group.name == "europe/sales").unwrap();
    let of_sales: BTreeSet<&str> = read
        .user_group_role
        .iter()
        .filter(|row| row.user_group_id == sales.id)
        .map(|row| role_of(row.role_id))
        .collect();
    assert_eq!(of_sales, BTreeSet::from(["member", "shop:seller"]));
    assert_eq!(read.user_group_membership.len(), 1);
    let bob = read.user.iter().find(|user| user.email == "bob@acme.example").unwrap();
    assert_eq!((bob.is_active, bob.username.as_deref()), (false, None));
    assert_eq!(read.user.len(), 3);

    let left: BTreeSet<(&str, &str)> =
        left.iter().map(|finding| (finding.code.as_str(), finding.field.as_deref().unwrap_or_default())).collect();
    assert_eq!(
        left,
        BTreeSet::from([
            ("keycloak.attribute", "/users/*/attributes/email"),
            ("keycloak.credential", "/users/0/credentials/1"),
            ("keycloak.duplicate_email", "/users/2"),
            ("keycloak.no_email", "/users/3"),
            ("keycloak.not_carried", "/browserFlow"),
            ("keycloak.not_carried", "/clients"),
            ("keycloak.not_carried", "/sslRequired"),
            ("keycloak.own_role", "/roles/client/account/0"),
            ("keycloak.own_role", "/roles/realm/0"),
            ("keycloak.own_role", "/roles/realm/1"),
            ("keycloak.password", "/users/5/credentials/0"),
            ("keycloak.required_action", "/users/0/requiredActions"),
            ("keycloak.role_attributes", "/roles/realm/3/attributes"),
            ("keycloak.service_account", "/users/4"),
            ("keycloak.unknown_group", "/users/0/groups"),
        ])
    );
    assert_eq!(keycloak(&realm(), None, NOW.parse().unwrap()).unwrap().document, document);
}

#[test]
fn what_is_no_realm_is_refused() {
    for export in [json!(null), json!([]), json!({}), json!({"realm": 1}), json!([{"realm": "acme"}])] {
        let findings = keycloak(&export, None, NOW.parse().unwrap()).unwrap_err();
        assert_eq!(findings[0].code, "keycloak.malformed", "{export}");
    }
    let findings = keycloak(&json!({"realm": "not a slug"}), None, NOW.parse().unwrap()).unwrap_err();
    assert_eq!(findings[0].code, "tenant.slug");
    // Parts of another type are passed over, and nothing panics.
    let odd = json!({"realm": "acme", "users": {"a": 1}, "groups": [1, {"name": 2}], "roles": [1], "clients": "x"});
    let left = keycloak(&odd, None, NOW.parse().unwrap()).unwrap().left;
    assert!(left.iter().any(|finding| finding.code == "keycloak.group"));
}

const MODEL: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act, eft
[role_definition]
g = _, _ # roles
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && \\
    r.obj == p.obj && r.act == p.act
";

const HOW: Casbin<'_> = Casbin { slug: "acme", resource_type: "object", email_domain: "acme.example" };

#[test]
fn a_policy_is_carried_over() {
    let policy = "p, alice, data1, read\np, admin, data2, write\np, bob, data2, write, deny\ng, alice, admin\ng, bob, admin\n\
                  g, admin, staff\np, staff, data1, (GET)|(POST)\np, staff, data1, read, perhaps\n# a comment\n";
    let Imported { document, left } = casbin(MODEL, policy, &HOW, NOW.parse().unwrap()).unwrap();
    let read = TenantDocument::from_value(document).unwrap();
    crate::compile(&read).unwrap();
    let codes: Vec<(&str, &str)> =
        left.iter().map(|finding| (finding.code.as_str(), finding.field.as_deref().unwrap_or_default())).collect();
    assert_eq!(codes, [("casbin.action", "line 7"), ("casbin.effect", "line 8")]);
    let users: BTreeSet<&str> = read.user.iter().map(|user| user.email.as_str()).collect();
    assert_eq!(users, BTreeSet::from(["alice@acme.example", "bob@acme.example"]));
    let roles: BTreeSet<&str> = read.role.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(roles, BTreeSet::from(["admin", "of alice", "of bob", "staff"]));
    assert_eq!(read.user_role.len(), 6);
}

#[test]
fn a_model_that_means_something_else_is_refused_with_its_line() {
    let refused = |from: &str, to: &str| {
        let findings = casbin(&MODEL.replace(from, to), "", &HOW, NOW.parse().unwrap()).unwrap_err();
        (findings[0].code.clone(), findings[0].field.clone().unwrap_or_default())
    };
    let expect = |code: &str, line: &str| (code.to_owned(), line.to_owned());
    assert_eq!(refused("r = sub, obj, act", "r = sub, dom, obj, act"), expect("casbin.request", "line 3"));
    assert_eq!(refused("p = sub, obj, act, eft", "p = priority, sub, obj, act"), expect("casbin.policy", "line 5"));
    assert_eq!(refused("g = _, _", "g = _, _, _"), expect("casbin.roles", "line 7"));
    assert_eq!(refused("some(where (p.eft == allow)) && ", ""), expect("casbin.effect", "line 9"));
    assert_eq!(refused("r.obj == p.obj", "keyMatch(r.obj, p.obj)"), expect("casbin.matcher", "line 11"));
    assert_eq!(refused("r.act == p.act", "r.act == p.act || r.sub == \"root\""), expect("casbin.matcher", "line 11"));
    assert_eq!(refused("[policy_effect]", "g2 = _, _\n[policy_effect]"), expect("casbin.not_carried", "line 8"));
    assert_eq!(refused("e = ", "x = "), expect("casbin.malformed", ""));
    for (number, line) in [(1, "p, a, b"), (1, "q, a, b, c"), (2, "\np, a, b, c, allow, more"), (1, "g, a")] {
        let findings = casbin(MODEL, line, &HOW, NOW.parse().unwrap()).unwrap_err();
        let found = (findings[0].code.as_str(), findings[0].field.as_deref());
        assert_eq!(found, ("casbin.malformed", Some(format!("line {number}").as_str())), "{line}");
    }
}

#[test]
fn tables_become_a_tenant() {
    let users =
        "\u{feff}email,username,is_active,department\nAda@acme.example,ada,yes,law\n\"bob@acme.example\",,no,\n";
    let roles =
        "role,description,resource,action,effect\neditor,Edits,document,read,\neditor,,document,write,deny\nidle,,,,\n";
    let memberships =
        "user,role,group,expires_at\nada,editor,,2030-01-01T00:00:00.000Z\nBOB@acme.example,,staff,\nada,idle,staff,\n";
    let tables = Csv { users: Some(users), roles: Some(roles), memberships: Some(memberships) };
    let Imported { document, left } = csv(tables, "acme", NOW.parse().unwrap()).unwrap();
    let read = TenantDocument::from_value(document).unwrap();
    crate::compile(&read).unwrap();
    assert_eq!(left, []);
    assert_eq!((read.user.len(), read.role.len(), read.permission.len(), read.user_role.len()), (2, 2, 2, 2));
    assert_eq!((read.user_group.len(), read.user_group_membership.len()), (1, 2));
    assert_eq!((read.user[0].email.as_str(), read.user[1].is_active), ("ada@acme.example", false));
    assert_eq!(json!(read.user[0].custom_attributes), json!({"department": "law"}));
}

#[test]
fn what_is_wrong_in_tables_is_said_with_its_line_and_nothing_is_made() {
    let refused = |tables: Csv<'_>| {
        let findings = csv(tables, "acme", NOW.parse().unwrap()).unwrap_err();
        findings
            .iter()
            .map(|it| format!("{} {} {}", it.table, it.field.as_deref().unwrap_or_default(), it.code))
            .collect::<Vec<_>>()
    };
    let users = |text| Csv { users: Some(text), ..Csv::default() };
    assert_eq!(refused(users("name\nada\n")), ["users line 1 csv.column", "users line 2 csv.no_email"]);
    assert_eq!(refused(users("email,email\n")), ["users line 1 csv.column"]);
    assert_eq!(refused(users("email,x-y\na@b.example,1\n")), ["users line 1 csv.column"]);
    assert_eq!(refused(users("email\na@b.example,1\n")), ["users line 2 csv.malformed"]);
    assert_eq!(
        refused(users("email,id,is_active\na@b.example,7,\nA@b.example,,maybe\na@B.example,,\n")),
        ["users line 2 csv.id", "users line 3 csv.truth", "users line 4 csv.duplicate"]
    );
    assert_eq!(refused(users("email\nno address\n")), ["user email user.email"]);
    let roles = Csv { roles: Some("role,resource,colour\nreader,document,red\n,,\n"), ..Csv::default() };
    assert_eq!(refused(roles), ["roles line 1 csv.column", "roles line 2 csv.permission", "roles line 3 csv.no_role"]);
    let memberships = Csv {
        users: Some("email\na@b.example\n"),
        memberships: Some("user,role\neve,x\na@b.example,x\na@b.example,\n"),
        ..Csv::default()
    };
    assert_eq!(
        refused(memberships),
        [
            "memberships line 2 csv.unknown_user",
            "memberships line 3 csv.unknown_role",
            "memberships line 4 csv.membership"
        ]
    );
}
