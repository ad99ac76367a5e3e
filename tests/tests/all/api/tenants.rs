//! Tenants: made, suspended, deleted, restored and exported by operators, and by nobody else.

use super::administration::{Office, assert_refused, assert_status, office};
use super::*;
use parapet::administration::{FOUNDING_IDS, PERMISSIONS, SYSTEM_SLUG, SYSTEM_TENANT, founding};
use parapet::model::{AuditLog, Row as _, User};
use parapet_worker::error::ApiError;
use uuid::Uuid;

/// `acme`, and the operators' tenant with one operator.
pub(super) struct Operators {
    pub office: Office,
    pub operator: ApiKeyToken,
}

pub(super) fn operators() -> Operators {
    let office = office();
    let owner = json!({ "id": "01980000-0000-7000-8000-000000000f01", "tenant_id": SYSTEM_TENANT,
                        "email": "op@operators.example", "created_at": NOW, "updated_at": NOW });
    let owner = User::from_json(owner.as_object().unwrap().clone(), "op", &mut vec![]).unwrap();
    let random: [u8; RANDOM_BYTES] = parapet_worker::platform::random::bytes().unwrap();
    let operator = ApiKeyToken::from_random(random);
    let ids: [Uuid; FOUNDING_IDS] =
        std::array::from_fn(|index| Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0f10 + index as u128));
    let begun = founding(&owner, &operator, ids);
    let tenant = json!({ "tenant": { "id": SYSTEM_TENANT, "name": "Operators", "slug": SYSTEM_SLUG,
                                     "created_at": NOW, "updated_at": NOW } });
    let mut document = TenantDocument::from_value(tenant).unwrap();
    document.tenant_epoch.push(begun.epoch);
    document.user.push(owner);
    document.role = begun.roles;
    document.user_role.push(begun.assignment);
    document.api_key.push(begun.key);
    office.edge.seed(&document);
    Operators { office, operator }
}

impl Operators {
    pub fn call(&self, method: &str, path: &str, body: Value) -> Response {
        self.office.by(&self.operator, method, path, body)
    }

    pub fn sql(&self, sql: &'static str) -> Vec<Row> {
        self.office.edge.sql(sql)
    }

    /// A tenant's log, verified from its first row.
    pub fn log(&self, tenant: &str) -> Vec<AuditLog> {
        let rows = self.sql("SELECT * FROM audit_log ORDER BY tenant_id, sequence");
        let rows = rows.into_iter().map(|row| AuditLog::from_sql(row).unwrap());
        let rows: Vec<AuditLog> = rows.filter(|row| row.tenant_id.to_string() == tenant).collect();
        parapet::audit::verify(rows.clone(), Some(parapet::audit::Head::default())).unwrap();
        rows
    }

    pub fn events(&self, tenant: &str) -> Vec<String> {
        self.log(tenant).into_iter().map(|row| row.event_type).collect()
    }
}

pub(super) fn new_tenant() -> Value {
    json!({ "name": "Globex", "slug": "globex", "owner": { "email": "hank@globex.example", "first_name": "Hank" } })
}

/// The key that was made for a new tenant's owner.
fn key_of(made: &Value) -> ApiKeyToken {
    ApiKeyToken::parse(made["api_key"]["key"].as_str().unwrap()).unwrap()
}

#[test]
fn a_new_tenants_owner_begins_at_once() {
    let operators = operators();
    let response = operators.call("POST", "/v1/tenants", new_tenant());
    let made = assert_status(&response, 201);
    let id = made["tenant"]["id"].as_str().unwrap().to_owned();
    assert_eq!(response.header("location"), Some(format!("/v1/tenants/{id}").as_str()));
    assert_eq!((&made["tenant"]["status"], &made["owner"]["email"]), (&json!("active"), &json!("hank@globex.example")));

    let owner = key_of(&made);
    let office = &operators.office;
    let roles = assert_status(&office.by(&owner, "GET", "/v1/roles", Value::Null), 200);
    assert_eq!(roles["items"].as_array().unwrap().len(), 4);
    assert_status(&office.by(&owner, "POST", "/v1/roles", json!({ "name": "reader" })), 201);
    assert_eq!(assert_status(&office.by(&owner, "GET", "/v1/tenant", Value::Null), 200), made["tenant"]);

    // Its chain begins with its creation, and says who did it; the operators' chain has it as well.
    let log = operators.log(&id);
    let events: Vec<&str> = log.iter().map(|row| row.event_type.as_str()).collect();
    let roles = ["role.created"; 4];
    let begun = [&["tenant.created"][..], &roles, &["user.created", "user_role.assigned", "api_key.created"]].concat();
    assert_eq!(events, [&begun[..], &["role.created"]].concat());
    assert_eq!(log[0].event_data["actor"]["tenant_id"], SYSTEM_TENANT.to_string());
    assert!(!log[5].event_data.contains_key("hank") && log[5].event_data["personal"]["sealed"].is_string());
    // What is personal in it lies under a key of the new tenant's, and its owner reads it.
    let page = office.by(&owner, "GET", "/v1/audit-logs?event_type=user.created", Value::Null);
    let personal = assert_status(&page, 200)["items"][0]["event_data"]["personal"].clone();
    assert_eq!(personal["data"]["after"]["email"], "hank@globex.example");
    assert_eq!(operators.events(&SYSTEM_TENANT.to_string()), ["tenant.created"]);
    let outbox = operators.sql("SELECT tenant_id FROM outbox WHERE event_type = 'tenant.created' ORDER BY rowid");
    let told: Vec<&str> = outbox.iter().map(|row| row["tenant_id"].as_str().unwrap()).collect();
    assert_eq!(told, [SYSTEM_TENANT.to_string().as_str(), &id]);
    // The operators' own rules have no new version by it.
    let epoch = operators
        .sql("SELECT policy_version FROM tenant_epoch WHERE tenant_id = '00000000-0000-7000-8000-000000000000'");
    assert_eq!(epoch[0]["policy_version"], 1);
    let written = operators.sql("SELECT group_concat(payload) AS text FROM outbox");
    assert!(!written[0]["text"].as_str().unwrap().contains(owner.expose()));
}

/// Whoever is made the owner of a tenant is told, and chooses a password: nobody else has one of theirs.
#[test]
fn a_new_tenants_owner_is_invited() {
    let operators = operators();
    let edge = &operators.office.edge;
    let made = assert_status(&operators.call("POST", "/v1/tenants", new_tenant()), 201);
    let owner = key_of(&made);
    let (purpose, to, link) = super::recovery::links(edge).remove(0);
    assert_eq!((purpose.as_str(), to), ("user.invitation", None));
    let token = link.strip_prefix("https://globex.id.example/invitation?token=").unwrap();
    super::recovery::assert_hidden(edge, token);
    let sent = operators.sql("SELECT u.email, n.content FROM user_notification n JOIN user u ON u.id = n.user_id WHERE json_extract(n.metadata, '$.purpose') = 'user.invitation'");
    assert_eq!((sent.len(), &sent[0]["email"]), (1, &json!("hank@globex.example")));
    assert!(sent[0]["content"].as_str().unwrap().contains("you are invited to Globex"), "{sent:?}");
    let at = |path: &str, sent: Value| {
        let mut request = request("POST", path);
        request.origin = "https://globex.id.example".to_owned();
        request.body = Body::Bytes(sent.to_string().into_bytes());
        edge.send(request)
    };
    let accept = |password: &str| at("/v1/auth/invitation/accept", json!({ "token": token, "password": password }));
    assert_eq!(accept("short").status, 422);
    assert_eq!(accept(super::own_password::NEW).status, 204);
    assert_problem(&accept(super::own_password::NEW), 401, "link.refused");
    let sign_in = json!({ "identifier": "hank@globex.example", "password": super::own_password::NEW });
    assert_eq!(body(&at("/v1/auth/sign-in", sign_in))["status"], "signed_in");
    // The key that the operators handed over goes on.
    assert_status(&operators.office.by(&owner, "GET", "/v1/roles", Value::Null), 200);
}

/// Whoever has a password by then has no use for it: an invitation sets no second one.
#[test]
fn an_invitation_is_void_once_its_owner_has_a_password() {
    let operators = operators();
    let edge = &operators.office.edge;
    assert_status(&operators.call("POST", "/v1/tenants", new_tenant()), 201);
    let token = super::recovery::token(edge, "user.invitation");
    edge.sql("UPDATE user SET password_hash = 'x' WHERE email = 'hank@globex.example'");
    let mut request = request("POST", "/v1/auth/invitation/accept");
    request.origin = "https://globex.id.example".to_owned();
    let sent = json!({ "token": token, "password": super::own_password::NEW });
    request.body = Body::Bytes(sent.to_string().into_bytes());
    assert_problem(&edge.send(request), 401, "link.refused");
}

#[test]
fn the_key_is_shown_once() {
    let operators = operators();
    let send = || {
        let mut request = keyed(&operators.operator, "POST", "/v1/tenants", Some(new_tenant()));
        request.headers.insert("idempotency-key".to_owned(), "once".to_owned());
        operators.office.edge.send(request)
    };
    let (first, again) = (send(), send());
    let mut made = assert_status(&first, 201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let repeated = assert_status(&again, 201);
    assert_eq!(repeated["api_key"]["key"], Value::Null);
    made["api_key"].as_object_mut().unwrap().remove("key");
    assert_eq!(repeated, made);
    assert_eq!(operators.sql("SELECT id FROM tenant WHERE slug = 'globex'").len(), 1);
    let kept = operators.sql("SELECT body FROM idempotency_key");
    assert!(!kept[0]["body"].as_str().unwrap().contains("pk_"));
}

#[test]
fn all_that_is_wrong_with_a_new_tenant_is_said_at_once() {
    let operators = operators();
    let body = json!({ "name": " ", "slug": "admin", "status": "suspended", "colour": 1,
                       "owner": { "email": "Nobody", "id": ANNA, "state": "locked", "shoe": 44 } });
    let response = operators.call("POST", "/v1/tenants", body);
    assert_problem(&response, 422, "request.invalid");
    let fields = |response: &Response| {
        let body = super::body(response);
        let findings = body["findings"].as_array().unwrap().clone();
        let mut fields: Vec<String> =
            findings.iter().map(|finding| finding["field"].as_str().unwrap().to_owned()).collect();
        fields.sort();
        fields
    };
    let all = ["colour", "name", "owner/email", "owner/id", "owner/shoe", "owner/state", "slug", "status"];
    assert_eq!(fields(&response), all);
    for owner in [json!(null), json!("anna")] {
        let body = json!({ "name": "x", "slug": "x", "owner": owner });
        assert_eq!(fields(&operators.call("POST", "/v1/tenants", body)), ["owner"]);
    }
    let missing = operators.call("POST", "/v1/tenants", json!({ "name": "x" }));
    assert_eq!(fields(&missing), ["owner", "slug"]);
    let mut taken = new_tenant();
    taken["slug"] = json!("acme");
    let response = operators.call("POST", "/v1/tenants", taken);
    assert_problem(&response, 409, "row.taken");
    assert_eq!(fields(&response), ["slug"]);
    assert_eq!(operators.sql("SELECT id FROM tenant").len(), 2);
    assert_eq!(operators.events(&SYSTEM_TENANT.to_string()), Vec::<String>::new());
}

#[test]
fn for_everybody_else_there_are_no_tenants() {
    let operators = operators();
    let office = &operators.office;
    for (method, path, body) in [
        ("GET", "/v1/tenants".to_owned(), Value::Null),
        ("POST", "/v1/tenants".to_owned(), new_tenant()),
        ("GET", format!("/v1/tenants/{TENANT}"), Value::Null),
        ("PATCH", format!("/v1/tenants/{TENANT}"), json!({ "slug": "mine" })),
        ("POST", format!("/v1/tenants/{TENANT}/suspend"), json!({})),
        ("POST", format!("/v1/tenants/{TENANT}/reactivate"), json!({})),
        ("POST", format!("/v1/tenants/{TENANT}/delete"), json!({})),
        ("POST", format!("/v1/tenants/{TENANT}/restore"), json!({})),
        ("GET", format!("/v1/tenants/{TENANT}/export"), Value::Null),
    ] {
        assert_problem(&office.owner(method, &path, body), 404, "http.not_found");
    }
    assert_eq!(operators.sql("SELECT id FROM audit_log").len(), 0);
}

#[test]
fn operators_see_all_tenants_and_change_name_and_slug() {
    let operators = operators();
    let page = assert_status(&operators.call("GET", "/v1/tenants?sort=slug", Value::Null), 200);
    let slugs: Vec<&str> =
        page["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs, ["acme", "operators"]);
    let page = assert_status(&operators.call("GET", "/v1/tenants?slug=acme&status=active", Value::Null), 200);
    assert_eq!(page["items"][0]["id"], TENANT);

    let path = format!("/v1/tenants/{TENANT}");
    let seen = operators.call("GET", &path, Value::Null);
    let etag = seen.header("etag").unwrap().to_owned();
    let changed = assert_status(&operators.call("PATCH", &path, json!({ "slug": "acme-2" })), 200);
    assert_eq!((&changed["slug"], &changed["name"]), (&json!("acme-2"), &json!("Acme")));
    let mut stale = keyed(&operators.operator, "PATCH", &path, Some(json!({ "name": "x" })));
    stale.headers.insert("if-match".to_owned(), etag);
    assert_problem(&operators.office.edge.send(stale), 412, "http.precondition_failed");
    for body in [json!({ "settings": { "ui": { "a": 1 } } }), json!({ "status": "deleted" }), json!({ "slug": "api" })]
    {
        assert_problem(&operators.call("PATCH", &path, body), 422, "request.invalid");
    }
    assert_problem(&operators.call("PATCH", &path, json!({ "slug": "operators" })), 409, "row.taken");
    // The tenant's own versions are newer by it, and both chains have it.
    let epoch = operators
        .sql("SELECT policy_version FROM tenant_epoch WHERE tenant_id = '01980000-0000-7000-8000-000000000001'");
    assert_eq!(epoch[0]["policy_version"], 8);
    assert_eq!(operators.events(TENANT), ["tenant.updated"]);
    assert_eq!(operators.events(&SYSTEM_TENANT.to_string()), ["tenant.updated"]);
    let nowhere = "/v1/tenants/01980000-0000-7000-8000-0000000000ff";
    assert_problem(&operators.call("PATCH", nowhere, json!({ "name": "x" })), 404, "http.not_found");
    // Nobody locks the operators out.
    let own = format!("/v1/tenants/{SYSTEM_TENANT}");
    assert_problem(&operators.call("PATCH", &own, json!({ "name": "x" })), 409, "tenant.operators");
    assert_problem(&operators.call("POST", &format!("{own}/suspend"), Value::Null), 409, "tenant.operators");
}

#[test]
fn a_suspended_tenant_is_refused_everything_at_once() {
    let operators = operators();
    let office = &operators.office;
    let pep = office.edge.key(&["access:evaluate"]);
    assert_decision(&office.edge.ask(&pep), true);
    let path = |action: &str| format!("/v1/tenants/{TENANT}/{action}");
    assert_problem(&operators.call("POST", &path("reactivate"), Value::Null), 409, "tenant.status");
    let suspended = assert_status(&operators.call("POST", &path("suspend"), Value::Null), 200);
    assert_eq!(suspended["status"], "suspended");
    for edge in [&office.edge, &office.edge.restarted()] {
        let response = edge.ask(&pep);
        assert_decision(&response, false);
        assert_eq!(body(&response)["context"]["outcome"], "forbidden");
        assert_eq!(body(&response)["context"]["reason"], "tenant_suspended");
    }
    assert_problem(&office.owner("GET", "/v1/roles", Value::Null), 403, "tenant.inactive");
    assert_problem(&office.owner("PATCH", "/v1/tenant", json!({ "name": "x" })), 403, "tenant.inactive");
    assert_problem(&operators.call("POST", &path("suspend"), Value::Null), 409, "tenant.status");
    assert_status(&operators.call("POST", &path("reactivate"), Value::Null), 200);
    assert_decision(&office.edge.ask(&pep), true);
    assert_status(&office.owner("GET", "/v1/roles", Value::Null), 200);
    assert_eq!(operators.events(TENANT), ["tenant.suspended", "tenant.reactivated"]);
}

#[test]
fn a_deleted_tenant_comes_back_as_it_was_within_its_grace() {
    let operators = operators();
    let office = &operators.office;
    let pep = office.edge.key(&["access:evaluate"]);
    let path = |action: &str| format!("/v1/tenants/{TENANT}/{action}");
    let deleted = assert_status(&operators.call("POST", &path("delete"), Value::Null), 200);
    assert_eq!((&deleted["status"], &deleted["deleted_at"]), (&json!("deleted"), &json!(NOW)));
    assert_eq!(body(&office.edge.ask(&pep))["context"]["reason"], "tenant_deleted");
    assert_problem(&office.owner("GET", "/v1/roles", Value::Null), 403, "tenant.inactive");
    for action in ["delete", "suspend", "reactivate"] {
        assert_problem(&operators.call("POST", &path(action), Value::Null), 409, "tenant.status");
    }
    // Thirty days, where nothing is set.
    office.edge.app.clock.set(time("2026-04-01T09:59:59.999Z"));
    let restored = assert_status(&operators.call("POST", &path("restore"), Value::Null), 200);
    assert_eq!((&restored["status"], &restored["deleted_at"]), (&json!("active"), &Value::Null));
    assert_decision(&office.edge.ask(&pep), true);

    // What was suspended before stays suspended.
    assert_status(&operators.call("POST", &path("suspend"), Value::Null), 200);
    assert_status(&operators.call("POST", &path("delete"), Value::Null), 200);
    assert_eq!(assert_status(&operators.call("POST", &path("restore"), Value::Null), 200)["status"], "suspended");

    assert_status(&operators.call("POST", &path("delete"), Value::Null), 200);
    office.edge.app.clock.set(time("2026-05-01T09:59:59.999Z"));
    assert_problem(&operators.call("POST", &path("restore"), Value::Null), 409, "tenant.grace_over");
    office.edge.sql(
        "INSERT INTO tenant_setting VALUES ('01980000-0000-7000-8000-0000000000a1',
         '00000000-0000-7000-8000-000000000000', 'tenant_grace_days', '60', NULL, 'security',
         '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
    );
    office.edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
    assert_status(&operators.call("POST", &path("restore"), Value::Null), 200);
}

#[test]
fn two_chains_are_written_or_neither() {
    let operators = operators();
    assert_status(&operators.call("POST", &format!("/v1/tenants/{TENANT}/suspend"), Value::Null), 200);
    assert_status(&operators.call("POST", &format!("/v1/tenants/{TENANT}/reactivate"), Value::Null), 200);
    let office = &operators.office;
    assert_status(&office.owner("POST", "/v1/roles", json!({ "name": "x" })), 201);
    assert_status(&operators.call("PATCH", &format!("/v1/tenants/{TENANT}"), json!({ "name": "New" })), 200);
    assert_eq!(operators.events(TENANT), ["tenant.suspended", "tenant.reactivated", "role.created", "tenant.updated"]);
    let log = operators.log(TENANT);
    assert_eq!(log[3].event_data["before"], json!({ "name": "Acme" }));
    assert_eq!(log[3].event_data["actor"]["tenant_id"], SYSTEM_TENANT.to_string());
    assert_eq!(log[2].event_data["actor"].get("tenant_id"), None);
}

#[test]
fn an_operator_without_the_permission_makes_no_tenant() {
    let operators = operators();
    let office = &operators.office;
    office.edge.sql(
        "INSERT INTO user SELECT '01980000-0000-7000-8000-000000000f02', tenant_id, 'aud@operators.example', username,
         password_hash, first_name, last_name, phone, avatar_url, custom_attributes, email_verified, phone_verified,
         is_active, state, force_password_change, password_changed_at, last_login_at, created_at, updated_at, deleted_at,
         external_id, scim_attributes FROM user WHERE id = '01980000-0000-7000-8000-000000000f01'",
    );
    office.edge.sql(
        "INSERT INTO user_role SELECT '01980000-0000-7000-8000-000000000f03', tenant_id,
         '01980000-0000-7000-8000-000000000f02', id, NULL, '2026-01-01T00:00:00.000Z', NULL, 1 FROM role
         WHERE tenant_id = '00000000-0000-7000-8000-000000000000' AND name = 'auditor'",
    );
    let system = SYSTEM_TENANT.to_string();
    let auditor =
        office.edge.key_of(&system, Some("01980000-0000-7000-8000-000000000f02"), None, &["admin:read", "admin:write"]);
    assert_status(&office.by(&auditor, "GET", "/v1/tenants", Value::Null), 200);
    let response = office.by(&auditor, "POST", "/v1/tenants", new_tenant());
    assert_problem(&response, 403, "access.missing_permission");
    let nobody = office.edge.key_of(&system, None, None, &["admin:read", "admin:write"]);
    assert_problem(&office.by(&nobody, "GET", "/v1/tenants", Value::Null), 403, "access.no_principal");
    // The rules of administration hold among operators as everywhere.
    let own = operators.sql("SELECT id FROM user_role WHERE user_id = '01980000-0000-7000-8000-000000000f01'");
    let own = format!("/v1/user-roles/{}", own[0]["id"].as_str().unwrap());
    assert_refused(&operators.call("DELETE", &own, Value::Null), &["own_rights", "leaves_no_owner"]);
}

#[test]
fn an_export_is_the_tenants_document_without_secrets() {
    let operators = operators();
    let key = operators.office.edge.key(&["access:evaluate"]);
    let path = format!("/v1/tenants/{TENANT}/export");
    let response = operators.call("GET", &path, Value::Null);
    let exported = assert_status(&response, 200);
    let text = String::from_utf8(response.body.clone()).unwrap();
    assert!(!text.contains(&key.hash()) && !text.contains("key_hash"));
    let document = TenantDocument::from_value(exported.clone()).unwrap();
    assert_eq!(document.to_value(), exported);
    assert_eq!((document.tenant.slug.as_str(), document.user.len(), document.role.len()), ("acme", 4, 5));
    assert_eq!(document.permission.len(), PERMISSIONS.len() + 2);
    assert!(parapet::compile(&document).is_ok());
    assert_eq!(operators.events(TENANT), ["tenant.exported"]);
    assert_eq!(operators.events(&SYSTEM_TENANT.to_string()), ["tenant.exported"]);
    // Seeing it is no change of it.
    let epoch = operators
        .sql("SELECT policy_version FROM tenant_epoch WHERE tenant_id = '01980000-0000-7000-8000-000000000001'");
    assert_eq!(epoch[0]["policy_version"], 7);
    let own = operators.call("GET", &format!("/v1/tenants/{SYSTEM_TENANT}/export"), Value::Null);
    assert_eq!(assert_status(&own, 200)["tenant"]["slug"], SYSTEM_SLUG);
    let nowhere = operators.call("GET", "/v1/tenants/01980000-0000-7000-8000-0000000000ff/export", Value::Null);
    assert_problem(&nowhere, 404, "http.not_found");
}

/// All pieces of an answer, each no longer than a page of rows and its last one.
fn pieces(response: &Response) -> Result<Vec<Vec<u8>>, ApiError> {
    use futures_util::TryStreamExt;
    assert_eq!((response.status, response.body.len()), (200, 0));
    assert_eq!(response.header("content-type"), Some("application/json"));
    pollster::block_on(response.pieces.as_ref().unwrap().take().unwrap().try_collect())
}

/// `acme` with 7,000 more users, each with a KiB of its own, and a text of two MiB among its roles.
fn large(operators: &Operators) {
    operators.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 7000)
         INSERT INTO user (id, tenant_id, email, custom_attributes, email_verified, phone_verified, is_active, state,
                           force_password_change, created_at, updated_at)
         SELECT printf('01980000-0000-7000-c000-%012d', i), '01980000-0000-7000-8000-000000000001',
                'u' || i || '@acme.example', json_object('text', printf('%.*c', 1000, 'x')), 0, 0, 1, 'active', 0,
                '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z' FROM n",
    );
    operators.sql("UPDATE role SET description = printf('%.*c', 2000000, 'x') WHERE name = 'reader'");
}

#[test]
fn a_large_export_is_sent_in_pieces_and_is_the_same_document() {
    let operators = operators();
    let path = format!("/v1/tenants/{TENANT}/export");
    let mut whole = assert_status(&operators.call("GET", &path, Value::Null), 200);
    large(&operators);
    let response = operators.call("GET", &path, Value::Null);
    assert!(response.header("content-disposition").unwrap().starts_with("attachment"));
    let pieces = pieces(&response).unwrap();
    let longest = pieces.iter().map(Vec::len).max().unwrap();
    assert!(pieces.len() >= 20 && longest < 2_200_000, "{} pieces, {longest} bytes", pieces.len());
    let exported: Value = serde_json::from_slice(&pieces.concat()).unwrap();
    let document = TenantDocument::from_value(exported.clone()).unwrap_or_else(|findings| panic!("{findings:#?}"));
    assert_eq!(document.user.len(), 7004);
    let mut ids: Vec<_> = document.user.iter().map(|user| user.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 7004);
    // Without what was added it is what was read in one transaction before.
    let mut rest = exported;
    rest["user"]
        .as_array_mut()
        .unwrap()
        .retain(|user| !user["id"].as_str().unwrap().starts_with("01980000-0000-7000-c000"));
    for document in [&mut whole, &mut rest] {
        for role in document["role"].as_array_mut().unwrap() {
            role.as_object_mut().unwrap().remove("description");
        }
    }
    assert_eq!(rest, whole);
    assert_eq!(operators.events(TENANT), ["tenant.exported", "tenant.exported"]);
    let mut head = keyed(&operators.operator, "HEAD", &path, None);
    head.method = "HEAD".to_owned();
    let head = operators.office.edge.send(head);
    assert!(head.status == 200 && head.pieces.is_none());
}

#[test]
fn a_large_export_is_of_one_state_or_breaks_off() {
    use futures_util::StreamExt;
    let operators = operators();
    large(&operators);
    let response = operators.call("GET", &format!("/v1/tenants/{TENANT}/export"), Value::Null);
    let mut pieces = response.pieces.as_ref().unwrap().take().unwrap();
    for _ in 0..3 {
        assert!(pollster::block_on(pieces.next()).unwrap().is_ok());
    }
    assert_status(&operators.office.owner("POST", "/v1/roles", json!({ "name": "editor" })), 201);
    let broken = pollster::block_on(pieces.next()).unwrap().unwrap_err();
    assert_eq!(broken.code(), "export.changed");
    assert!(pollster::block_on(pieces.next()).is_none());
}
