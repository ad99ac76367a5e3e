//! The HTTP API: the real router in this process, over SQLite and a store in memory.

mod access_tokens;
mod administration;
mod api_keys;
mod audit_logs;
mod audit_roots;
mod authentication;
mod bulk;
mod candidates;
mod client_assertions;
mod client_certificate;
mod cors;
mod decisions;
mod evaluation;
mod evaluations;
mod events;
mod expiry;
mod explanation;
mod external_issuer;
mod factor;
mod flags;
mod forced_change;
mod forward_auth;
mod gateway;
mod groups;
mod handoff;
mod health;
mod http;
mod input;
mod invitations;
mod isolation;
mod jwks;
mod lists;
mod messages;
mod metadata;
mod metrics;
mod notifications;
mod ofrep;
mod openapi;
mod organization_units;
mod own_api_keys;
mod own_email;
mod own_password;
mod own_profile;
mod page_links;
mod page_sign_up;
mod pages;
mod policies;
mod preview;
mod principals;
mod pruning;
mod published;
mod rate;
mod recovery;
mod refusal;
mod reseal;
mod resources;
mod retention;
mod rollback;
mod routes;
mod scheduled;
mod scim;
mod search;
mod service_accounts;
mod sessions;
mod settings;
mod sign_in;
mod sign_up;
mod snapshots;
mod tenant;
mod tenant_purge;
mod tenants;
mod token;
mod token_introspection;
mod token_keys;
mod token_revocation;
mod users;
mod webhooks;

use std::path::Path;
use std::rc::Rc;

use parapet::TenantDocument;
use parapet::api_key::{ApiKeyToken, RANDOM_BYTES};
use parapet::model::{SqlValue, TableInfo, Timestamp};
use parapet_worker::app::{App, Config, VARIABLES};
use parapet_worker::memory::Memory;
use parapet_worker::platform::db::{Parameter, Row, Statement};
use parapet_worker::platform::{Clock, Db, Dns, Fetch, Kv, Mailer, Queue, Sockets};
use parapet_worker::request::{Body, Request};
use parapet_worker::response::Response;
use parapet_worker::router::{Router, routes};
use serde_json::{Value, json};

const TENANT: &str = "01980000-0000-7000-8000-000000000001";
const OTHER: &str = "01980000-0000-7000-8000-000000000002";
const ANNA: &str = "01980000-0000-7000-8000-000000000101";
const BEN: &str = "01980000-0000-7000-8000-000000000102";
const BOT: &str = "01980000-0000-7000-8000-000000000201";
const READER: &str = "01980000-0000-7000-8000-000000000301";
const NOW: &str = "2026-03-02T10:00:00.000Z";

/// An edge of its own for each test.
struct Edge {
    app: App,
    router: Router,
}

impl Edge {
    /// With the tenant `acme`: Anna may read documents, Ben may not, and a bot may archive them.
    fn new() -> Self {
        Self::with(&[
            ("FRESHNESS_SECONDS", "0"),
            ("SNAPSHOT_KEY", &"ab".repeat(32)),
            ("SNAPSHOT_KEY_ID", "test"),
            ("DATA_KEY", &"cd".repeat(32)),
            ("BASE_DOMAIN", "id.example"),
        ])
    }

    fn with(variables: &[(&str, &str)]) -> Self {
        let clock = Clock::default();
        clock.set(time(NOW));
        let edge = Self {
            app: App {
                db: database(),
                kv: Kv::in_memory(),
                queue: Queue::in_memory(),
                deliveries: Queue::in_memory(),
                decisions: Queue::in_memory(),
                noted: Default::default(),
                sockets: Sockets::default(),
                mailer: Mailer::default(),
                dns: Dns::default(),
                fetch: Fetch::default(),
                waiting: Default::default(),
                clock,
                config: configuration(variables),
                memory: Rc::default(),
            },
            router: Router::new(routes()).unwrap(),
        };
        edge.seed(&acme());
        edge
    }

    /// The same database and store, seen by an isolate that has just started.
    fn restarted(&self) -> Self {
        Self {
            app: App {
                db: self.app.db.clone(),
                kv: self.app.kv.clone(),
                queue: self.app.queue.clone(),
                deliveries: self.app.deliveries.clone(),
                decisions: self.app.decisions.clone(),
                noted: Default::default(),
                sockets: self.app.sockets.clone(),
                mailer: self.app.mailer.clone(),
                dns: self.app.dns.clone(),
                fetch: self.app.fetch.clone(),
                waiting: Default::default(),
                clock: self.app.clock.clone(),
                config: configuration(&[
                    ("FRESHNESS_SECONDS", "0"),
                    ("SNAPSHOT_KEY", &"ab".repeat(32)),
                    ("SNAPSHOT_KEY_ID", "test"),
                    ("DATA_KEY", &"cd".repeat(32)),
                    ("BASE_DOMAIN", "id.example"),
                ]),
                memory: Rc::new(Memory::default()),
            },
            router: Router::new(routes()).unwrap(),
        }
    }

    fn seed(&self, document: &TenantDocument) {
        let mut inserts = Vec::new();
        document.visit_sql(&mut |table, values| inserts.push(insert(table, values)));
        for statement in inserts {
            pollster::block_on(self.app.db.all(statement)).unwrap();
        }
    }

    fn sql(&self, sql: &'static str) -> Vec<Row> {
        pollster::block_on(self.app.db.all(Statement::new(sql))).unwrap()
    }

    /// A key of `acme` with these scopes, which acts for the tenant alone.
    fn key(&self, scopes: &[&str]) -> ApiKeyToken {
        self.key_of(TENANT, None, None, scopes)
    }

    fn key_of(&self, tenant: &str, user: Option<&str>, account: Option<&str>, scopes: &[&str]) -> ApiKeyToken {
        let random: [u8; RANDOM_BYTES] = parapet_worker::platform::random::bytes().unwrap();
        let key = ApiKeyToken::from_random(random);
        let insert = Statement::new(
            "INSERT INTO api_key (id, tenant_id, user_id, service_account_id, name, key_hash, key_prefix, scopes,
                                  is_active, created_at)
             VALUES (?1, ?2, ?3, ?4, 'a key', ?5, ?6, ?7, 1, '2026-01-01T00:00:00.000Z')",
        )
        .bind(uuid::Builder::from_random_bytes(random[..16].try_into().unwrap()).into_uuid())
        .bind(tenant)
        .bind(user)
        .bind(account)
        .bind(key.hash())
        .bind(key.prefix())
        .bind(json!(scopes).to_string());
        pollster::block_on(self.app.db.all(insert)).unwrap();
        key
    }

    fn send(&self, request: Request) -> Response {
        let db = &self.app.db;
        // What counts the use of keys is written by those that only ask as well; what a user marks is nobody else's.
        let asks = request.path.ends_with("/preview")
            || request.path.ends_with("/explain")
            || request.path.ends_with("/.search")
            || request.query == "dry_run=true"
            // That an assertion was used is remembered for some minutes.
            || request.path == "/v1/token"
            || request.path.starts_with("/v1/me/")
            || (request.method == "POST" && request.path == "/v1/tenant/domain");
        let administers = request.path.starts_with("/v1/") || request.path.starts_with("/scim/");
        let changes = !["GET", "HEAD"].contains(&request.method.as_str()) && administers && !asks;
        let told = format!("{} {}", request.method, request.path);
        let (written, events) = (db.written(), db.count("outbox"));
        let response = pollster::block_on(self.router.answer(&self.app, request));
        // What has only begun has changed nothing yet.
        let begins =
            String::from_utf8_lossy(&response.body).contains("\"flow\":") && told.starts_with("POST /v1/auth/");
        if changes && !begins && response.status < 300 && db.written() > written {
            assert!(db.count("outbox") > events, "{told} changes something without an event");
        }
        response
    }

    fn get(&self, path: &str) -> Response {
        self.send(request("GET", path))
    }

    /// Posts JSON with a key.
    fn post(&self, path: &str, key: &ApiKeyToken, body: &Value) -> Response {
        self.post_bytes(path, key, body.to_string().into_bytes())
    }

    fn post_bytes(&self, path: &str, key: &ApiKeyToken, body: Vec<u8>) -> Response {
        let mut request = request("POST", path);
        request.headers.insert("authorization".to_owned(), format!("Bearer {}", key.expose()));
        request.headers.insert("content-type".to_owned(), "application/json".to_owned());
        request.body = Body::Bytes(body);
        self.send(request)
    }

    /// Sends a request with a key, and JSON where there is a body.
    fn call(&self, key: &ApiKeyToken, method: &str, path: &str, body: Option<Value>) -> Response {
        self.send(keyed(key, method, path, body))
    }

    /// Asks whether Anna may read a document.
    fn ask(&self, key: &ApiKeyToken) -> Response {
        self.post("/access/v1/evaluation", key, &question(ANNA, "read"))
    }
}

/// Whatever a test did: each event that came of it stands in the catalogue, and says what the catalogue says.
impl Drop for Edge {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            events::check(&self.app.db);
        }
    }
}

fn request(method: &str, path: &str) -> Request {
    Request {
        method: method.to_owned(),
        origin: "https://id.example".to_owned(),
        path: path.to_owned(),
        ..Request::default()
    }
}

/// A request with a key, and JSON where there is a body; the path may have a query.
fn keyed(key: &ApiKeyToken, method: &str, path: &str, body: Option<Value>) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut request = request(method, path);
    request.query = query.to_owned();
    request.headers.insert("authorization".to_owned(), format!("Bearer {}", key.expose()));
    if let Some(body) = body {
        request.headers.insert("content-type".to_owned(), "application/json".to_owned());
        request.body = Body::Bytes(body.to_string().into_bytes());
    }
    request
}

fn question(user: &str, action: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": user },
        "action": { "name": action },
        "resource": { "type": "document", "id": "d1" },
    })
}

fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

/// The status and the problem's code.
#[track_caller]
fn assert_problem(response: &Response, status: u16, code: &str) {
    let problem = body(response);
    assert_eq!((response.status, problem["code"].as_str()), (status, Some(code)), "{problem:#}");
    assert_eq!(response.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem["status"], status);
    assert_eq!(problem["request_id"].as_str(), response.header("x-request-id"));
    assert_eq!(problem["type"], format!("urn:parapet:problem:{code}"));
}

#[track_caller]
fn assert_decision(response: &Response, decision: bool) {
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    assert_eq!(body(response)["decision"], decision, "{:#}", body(response));
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn configuration(variables: &[(&str, &str)]) -> Rc<Result<Config, String>> {
    Rc::new(Config::read(|name| {
        // What is not in the list is not there at the edge.
        assert!(VARIABLES.contains(&name), "{name}");
        let value = variables.iter().find(|(its, _)| *its == name).map(|(_, value)| (*value).to_owned());
        // Without one each host could be an application's, which costs a question.
        value.or_else(|| (name == "BASE_DOMAIN").then(|| "id.example".to_owned()))
    }))
}

fn database() -> Db {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../worker/migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let migrations: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    Db::in_memory(migrations.iter().map(String::as_str)).unwrap()
}

fn insert(table: &TableInfo, values: Vec<SqlValue>) -> Statement {
    let columns: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let places: Vec<String> = (1..=values.len()).map(|place| format!("?{place}")).collect();
    let sql = format!("INSERT INTO \"{}\" ({}) VALUES ({})", table.name, columns.join(", "), places.join(", "));
    values.into_iter().fold(Statement::new(sql), |statement, value| {
        statement.bind(match value {
            SqlValue::Null => Parameter::Null,
            SqlValue::Integer(integer) => Parameter::Integer(integer),
            SqlValue::Text(text) => Parameter::Text(text),
        })
    })
}

fn acme() -> TenantDocument {
    let document = json!({
        "tenant": { "id": TENANT, "name": "Acme", "slug": "acme",
                    "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z" },
        "tenant_epoch": [{ "policy_version": 7, "directory_version": 3 }],
        "user": [
            { "id": ANNA, "email": "anna@acme.example", "username": "anna" },
            { "id": BEN, "email": "ben@acme.example" },
        ],
        "service_account": [
            { "id": BOT, "name": "bot", "permissions": [{ "permission": "documents.archive" }] },
        ],
        "permission": [
            { "id": "01980000-0000-7000-8000-000000000401", "tenant_id": TENANT, "name": "documents.read",
              "resource": "document", "action": "read", "category": "user" },
            { "id": "01980000-0000-7000-8000-000000000402", "tenant_id": TENANT, "name": "documents.archive",
              "resource": "document", "action": "archive", "category": "admin" },
        ],
        "role": [
            { "id": READER, "name": "reader", "type": "custom", "permissions": [{ "permission": "documents.read" }] },
        ],
        "user_role": [
            { "id": "01980000-0000-7000-8000-000000000501", "user_id": ANNA, "role_id": READER },
        ],
    });
    TenantDocument::from_value(document).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

/// A tenant with nothing in it.
fn other() -> TenantDocument {
    let document = json!({
        "tenant": { "id": OTHER, "name": "Other", "slug": "other",
                    "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z" },
        "tenant_epoch": [{ "policy_version": 1, "directory_version": 1 }],
    });
    TenantDocument::from_value(document).unwrap_or_else(|findings| panic!("{findings:#?}"))
}
