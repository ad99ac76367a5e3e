//! `POST /v1/token`: who gets a token, by what, and what is in it.

use super::administration::{Office, assert_status, office};
use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parapet::token::{Claims, Credential, Expected, PublicKey, SubjectType, verify};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const API_KEY: &str = "urn:parapet:token-type:api_key";
pub(super) const ISSUER: &str = "https://acme.id.example";

/// A request with parameters as HTML forms send them.
pub(super) fn form(path: &str, parameters: &[(&str, &str)]) -> Request {
    let mut request = request("POST", path);
    request.headers.insert("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    let text = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>();
    request.body = Body::Bytes(text.join("&").into_bytes());
    request
}

fn encoded(value: &str) -> String {
    value
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

pub(super) fn bearer(mut request: Request, credential: &str) -> Request {
    request.headers.insert("authorization".to_owned(), format!("Bearer {credential}"));
    request
}

fn basic(mut request: Request, client: &str, secret: &str) -> Request {
    let credentials = BASE64_STANDARD.encode(format!("{}:{}", encoded(client), encoded(secret)));
    request.headers.insert("authorization".to_owned(), format!("Basic {credentials}"));
    request
}

/// Exchanges a key, asking for more.
pub(super) fn exchange(edge: &Edge, key: &ApiKeyToken, more: &[(&str, &str)]) -> Response {
    let parameters = [&[("grant_type", EXCHANGE)], more].concat();
    edge.send(bearer(form("/v1/token", &parameters), key.expose()))
}

/// The token that a key is exchanged for.
pub(super) fn token(edge: &Edge, key: &ApiKeyToken) -> String {
    taken(&exchange(edge, key, &[]))
}

#[track_caller]
pub(super) fn taken(response: &Response) -> String {
    let answer = assert_status(response, 200);
    assert_eq!((answer["token_type"].as_str(), response.header("cache-control")), (Some("Bearer"), Some("no-store")));
    answer["access_token"].as_str().unwrap().to_owned()
}

/// A refusal in OAuth's form.
#[track_caller]
pub(super) fn assert_oauth(response: &Response, status: u16, error: &str) {
    let answer = body(response);
    assert_eq!((response.status, answer["error"].as_str()), (status, Some(error)), "{answer:#}");
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let description = answer["error_description"].as_str().unwrap();
    assert!(!description.is_empty() && description.is_ascii() && !description.contains(['"', '\\']), "{description}");
    assert_eq!(response.header("www-authenticate").is_some(), status == 401);
}

/// What a token says, as somebody verifies it who has nothing but the published keys.
#[track_caller]
pub(super) fn read(edge: &Edge, token: &str) -> Claims {
    let set = body(&edge.get("/.well-known/jwks.json/acme"));
    let keys = set["keys"].as_array().unwrap().iter();
    let keys: Vec<PublicKey> = keys.map(|jwk| PublicKey::from_jwk(jwk.as_object().unwrap()).unwrap()).collect();
    let now = edge.app.clock.now();
    let expected = Expected { issuer: ISSUER, audience: None, tenant: TENANT.parse().unwrap(), now };
    verify(token, &keys, &expected).unwrap()
}

fn id_of(edge: &Edge, key: &ApiKeyToken) -> uuid::Uuid {
    let find = Statement::new("SELECT id FROM api_key WHERE key_hash = ?1").bind(key.hash());
    pollster::block_on(edge.app.db.first(find)).unwrap().unwrap()["id"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_key_is_exchanged_for_a_token_that_the_published_keys_verify() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key_of(TENANT, Some(ANNA), None, &["document:read", "access:evaluate"]);
    let response = exchange(edge, &key, &[]);
    let answer = assert_status(&response, 200);
    assert_eq!(
        (answer["expires_in"].as_i64(), answer["scope"].as_str()),
        (Some(300), Some("access:evaluate document:read"))
    );
    assert_eq!(answer["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    let claims = read(edge, &taken(&response));
    let own = id_of(edge, &key);
    assert_eq!((claims.subject.as_str(), claims.subject_type), (ANNA, SubjectType::User));
    assert_eq!(
        (claims.issuer.as_str(), claims.audience.as_str(), claims.client.clone()),
        (ISSUER, ISSUER, own.to_string())
    );
    assert_eq!((claims.issued_at, claims.expires_at), (time(NOW), time(NOW).plus_millis(300_000)));
    assert_eq!((claims.credential.clone(), claims.roles.clone()), (Credential::ApiKey(own), None));
    assert_eq!(claims.scopes, ["access:evaluate", "document:read"]);
    // As a parameter, in a form or in JSON, for somebody else.
    let asked = json!({ "grant_type": EXCHANGE, "subject_token": key.expose(), "subject_token_type": API_KEY,
                        "scope": "document:read", "audience": "https://shop.example" });
    let mut by_json = request("POST", "/v1/token");
    by_json.headers.insert("content-type".to_owned(), "application/json".to_owned());
    by_json.body = Body::Bytes(asked.to_string().into_bytes());
    let parameters: Vec<(&str, &str)> =
        asked.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    for request in [by_json, form("/v1/token", &parameters)] {
        let other = read(edge, &taken(&edge.send(request)));
        assert_eq!((other.audience.as_str(), other.scopes.len()), ("https://shop.example", 1));
        assert_ne!(other.id, claims.id);
    }
    // The first made the key that signs, and nothing else happened.
    assert_eq!(office.events(), ["token_key.created"]);
    assert_eq!((office.log().len(), office.versions()), (1, (7, 3)));
    assert!(edge.app.memory.has_uses());
}

#[test]
fn a_service_account_shows_its_secret_in_either_way() {
    let edge = Edge::new();
    let key = edge.key_of(TENANT, None, Some(BOT), &["document:archive"]);
    let grant = ("grant_type", "client_credentials");
    let post = form("/v1/token", &[grant, ("client_id", BOT), ("client_secret", key.expose())]);
    for request in [post, basic(form("/v1/token", &[grant]), BOT, key.expose())] {
        let response = edge.send(request);
        assert!(body(&response).get("issued_token_type").is_none());
        let claims = read(&edge, &taken(&response));
        assert_eq!((claims.subject.as_str(), claims.client.as_str()), (BOT, BOT));
        assert_eq!(claims.subject_type, SubjectType::ServiceAccount);
        assert_eq!(claims.credential, Credential::ApiKey(id_of(&edge, &key)));
    }
}

#[test]
fn a_client_that_is_not_it_gets_none() {
    let edge = Edge::new();
    let key = edge.key_of(TENANT, None, Some(BOT), &["document:archive"]);
    let user = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    let pep = edge.key(&["access:evaluate"]);
    let mut mistyped = key.expose().to_owned();
    mistyped.replace_range(15..16, if mistyped.as_bytes()[15] == b'x' { "y" } else { "x" });
    let unknown = ApiKeyToken::from_random([7; RANDOM_BYTES]);
    for (client, secret) in [
        (ANNA, key.expose()),
        (ANNA, user.expose()),
        (BOT, user.expose()),
        (TENANT, pep.expose()),
        (BOT, &mistyped),
        (BOT, unknown.expose()),
        (BOT, "secret"),
        (&BOT.replace('-', ""), key.expose()),
        ("", key.expose()),
    ] {
        let grant = ("grant_type", "client_credentials");
        let response = edge.send(basic(form("/v1/token", &[grant]), client, secret));
        assert_oauth(&response, 401, "invalid_client");
        assert_eq!(response.header("www-authenticate"), Some("Basic realm=\"parapet\""));
        if !client.is_empty() {
            let response = edge.send(form("/v1/token", &[grant, ("client_id", client), ("client_secret", secret)]));
            assert_oauth(&response, 401, "invalid_client");
            assert_eq!(response.header("www-authenticate"), Some("Bearer"));
        }
    }
    for header in ["Basic", "Basic !", "Basic YQ==", "Basic /w=="] {
        let mut request = form("/v1/token", &[("grant_type", "client_credentials")]);
        request.headers.insert("authorization".to_owned(), header.to_owned());
        assert_oauth(&edge.send(request), 401, "invalid_client");
    }
    // As somebody's subject it is the request that is wrong.
    let subject = [("subject_token", unknown.expose()), ("subject_token_type", API_KEY), ("grant_type", EXCHANGE)];
    assert_oauth(&edge.send(form("/v1/token", &subject)), 400, "invalid_request");
    assert_eq!(edge.app.db.count("token_key"), Some(0));
}

#[test]
fn a_request_brings_one_credential_in_a_form_that_is_known() {
    let edge = Edge::new();
    let bot = edge.key_of(TENANT, None, Some(BOT), &["document:archive"]);
    let key = bot.expose();
    let client = ("grant_type", "client_credentials");
    let exchange = ("grant_type", EXCHANGE);
    let secret = [("client_id", BOT), ("client_secret", key)];
    let subject = [("subject_token", key), ("subject_token_type", API_KEY)];
    let send = |parameters: &[(&str, &str)]| edge.send(form("/v1/token", parameters));
    assert_oauth(&send(&[]), 400, "invalid_request");
    assert_oauth(&send(&[("grant_type", "")]), 400, "invalid_request");
    assert_oauth(&send(&[("grant_type", "password")]), 400, "unsupported_grant_type");
    assert_oauth(&send(&[client]), 401, "invalid_client");
    assert_oauth(&send(&[exchange]), 401, "invalid_client");
    assert_oauth(&send(&[exchange, secret[0], secret[1]]), 400, "invalid_request");
    assert_oauth(&send(&[client, subject[0], subject[1]]), 400, "invalid_request");
    assert_oauth(&send(&[client, secret[0], secret[1], subject[0], subject[1]]), 400, "invalid_request");
    assert_oauth(&send(&[client, secret[1]]), 400, "invalid_request");
    assert_oauth(&send(&[exchange, subject[0]]), 400, "invalid_request");
    assert_oauth(&send(&[exchange, exchange, subject[0], subject[1]]), 400, "invalid_request");
    let jwt = ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt");
    assert_oauth(&send(&[exchange, subject[0], jwt]), 400, "invalid_request");
    for (name, value, error) in [
        ("actor_token", "x", "invalid_request"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token", "invalid_request"),
        ("resource", "https://shop.example", "invalid_target"),
        ("audience", "two names", "invalid_target"),
        ("audience", &"a".repeat(256), "invalid_target"),
        ("audience", "https://sh\u{f6}p.example", "invalid_target"),
        ("scope", " ", "invalid_scope"),
    ] {
        assert_oauth(&send(&[exchange, subject[0], subject[1], (name, value)]), 400, error);
    }
    // What is not known is passed over, what is empty is absent (RFC 6749, section 3.2).
    let passed = send(&[exchange, subject[0], subject[1], ("state", "x"), ("audience", ""), ("scope", "")]);
    assert_status(&passed, 200);
    // A bearer beside a secret, and a client that says two names.
    assert_oauth(&edge.send(bearer(form("/v1/token", &[client, secret[0], secret[1]]), key)), 400, "invalid_request");
    let two = basic(form("/v1/token", &[client, ("client_id", ANNA)]), BOT, key);
    assert_oauth(&edge.send(two), 400, "invalid_request");
    assert_status(&edge.send(basic(form("/v1/token", &[client, ("client_id", BOT)]), BOT, key)), 200);
    // Bodies.
    let mut long = form("/v1/token", &[client]);
    long.body = Body::Bytes(vec![b'a'; 32 * 1024 + 1]);
    assert_oauth(&edge.send(long), 413, "invalid_request");
    let mut xml = form("/v1/token", &[client]);
    xml.headers.insert("content-type".to_owned(), "text/xml".to_owned());
    assert_oauth(&edge.send(xml), 415, "invalid_request");
    for text in ["{", "[]", "{\"grant_type\":1}", "{\"grant_type\":\"a\",\"grant_type\":\"b\"}"] {
        let mut json = request("POST", "/v1/token");
        json.body = Body::Bytes(text.into());
        assert_oauth(&edge.send(json), 400, "invalid_request");
    }
    let mut query = form("/v1/token", &[client]);
    query.query = "client_secret=x".to_owned();
    assert_oauth(&edge.send(query), 400, "invalid_request");
    for text in ["grant_type=%FF", "grant_type=%00"] {
        let mut odd = form("/v1/token", &[]);
        odd.body = Body::Bytes(text.into());
        assert_oauth(&edge.send(odd), 400, "invalid_request");
    }
}

#[test]
fn a_token_says_no_more_than_its_key() {
    let edge = Edge::new();
    let key = edge.key_of(TENANT, Some(ANNA), None, &["document:read", "access:evaluate", "me"]);
    let scopes = |asked: &str| read(&edge, &taken(&exchange(&edge, &key, &[("scope", asked)]))).scopes;
    assert_eq!(scopes("me"), ["me"]);
    assert_eq!(scopes(" me  document:read me "), ["document:read", "me"]);
    for asked in ["admin:write", "me admin:read", "document:archive", "DOCUMENT:READ", "me,document:read", "roles", "*"]
    {
        assert_oauth(&exchange(&edge, &key, &[("scope", asked)]), 400, "invalid_scope");
    }
}

/// Whoever takes a token at its word, without asking for a decision, must not be told of what its owner may not do.
#[test]
fn a_token_says_no_more_than_its_owner_may() {
    let office = office();
    let edge = &office.edge;
    let asks = ["document:read", "document:archive", "access:evaluate"];
    let scopes = |user: Option<&str>, account: Option<&str>| {
        let key = edge.key_of(TENANT, user, account, &asks);
        read(edge, &token(edge, &key)).scopes
    };
    assert_eq!(scopes(Some(ANNA), None), ["access:evaluate", "document:read"]);
    assert_eq!(scopes(Some(BEN), None), ["access:evaluate"]);
    assert_eq!(scopes(None, Some(BOT)), ["access:evaluate", "document:archive"]);
    let ben = edge.key_of(TENANT, Some(BEN), None, &["document:read"]);
    assert_oauth(&exchange(edge, &ben, &[("scope", "document:read")]), 400, "invalid_scope");
    assert_oauth(&exchange(edge, &ben, &[]), 400, "invalid_scope");
    // What hangs on a resource is not known here; what a policy forbids to all is.
    let only =
        "forbid (principal, action == Action::\"document:read\", resource) unless { resource.owner == principal };";
    let schema = json!({ "value": { "types": { "document": { "attributes": { "owner": "User" } } } } });
    assert_status(&office.owner("PUT", "/v1/tenant-settings/auth/schema", schema), 201);
    let only = only.replace("resource.owner", "resource has owner && resource.owner");
    assert_status(&office.owner("PUT", "/v1/policies/own", json!({ "text": only })), 201);
    assert_eq!(scopes(Some(ANNA), None), ["access:evaluate", "document:read"]);
    let all = "forbid (principal, action == Action::\"document:read\", resource);";
    assert_status(&office.owner("PUT", "/v1/policies/all", json!({ "text": all })), 201);
    assert_eq!(scopes(Some(ANNA), None), ["access:evaluate"]);
}

#[test]
fn roles_are_those_in_force_and_are_told_where_they_are_asked_for() {
    let office = office();
    let edge = &office.edge;
    let give = |path: &str, body: Value| assert_status(&office.owner("POST", path, body), 201);
    let make = |name: &str| give("/v1/roles", json!({ "name": name }))["id"].as_str().unwrap().to_owned();
    let (ending, of_group, off) = (make("ending"), make("of a group"), make("off"));
    let until = "2026-03-02T10:10:00.000Z";
    give("/v1/user-roles", json!({ "user_id": ANNA, "role_id": ending, "expires_at": until }));
    give("/v1/user-roles", json!({ "user_id": ANNA, "role_id": off }));
    assert_status(&office.owner("PATCH", &format!("/v1/roles/{off}"), json!({ "is_active": false })), 200);
    let group = give("/v1/user-groups", json!({ "name": "all" }))["id"].clone();
    give("/v1/user-group-memberships", json!({ "user_group_id": group, "user_id": ANNA }));
    give("/v1/user-group-roles", json!({ "user_group_id": group, "role_id": of_group }));
    give("/v1/user-group-roles", json!({ "user_group_id": group, "role_id": READER }));
    let key = edge.key_of(TENANT, Some(ANNA), None, &["document:read", "token:roles"]);
    let roles = |asked: &str| read(edge, &taken(&exchange(edge, &key, &[("scope", asked)])));
    let claims = roles("document:read roles");
    assert_eq!(claims.roles.unwrap(), ["ending", "of a group", "reader"]);
    assert_eq!(claims.scopes, ["document:read", "roles"]);
    assert_eq!(roles("document:read").roles, None);
    assert_eq!(read(edge, &token(edge, &key)).roles, None);
    edge.app.clock.set(time(until));
    assert_eq!(roles("roles").roles.unwrap(), ["of a group", "reader"]);
    let bot = edge.key_of(TENANT, None, Some(BOT), &["token:roles"]);
    assert_eq!(read(edge, &taken(&exchange(edge, &bot, &[("scope", "roles")]))).roles.unwrap(), Vec::<String>::new());
    // A key for little is not made one for all that the roles give.
    let narrow = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    assert_oauth(&exchange(edge, &narrow, &[("scope", "roles")]), 400, "invalid_scope");
}

#[test]
fn a_token_lasts_as_long_as_the_tenant_says_and_no_longer_than_its_key() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let life = || {
        let answer = assert_status(&exchange(edge, &key, &[]), 200);
        let claims = read(edge, answer["access_token"].as_str().unwrap());
        let life = claims.expires_at.as_millis() - claims.issued_at.as_millis();
        assert_eq!(answer["expires_in"], life / 1000);
        life / 1000
    };
    assert_eq!(life(), 300);
    let setting = "/v1/tenant-settings/security/access_token_minutes";
    assert_status(&office.owner("PUT", setting, json!({ "value": 15 })), 201);
    assert_eq!(life(), 900);
    for wrong in [0, 16] {
        assert_problem(&office.owner("PUT", setting, json!({ "value": wrong })), 422, "request.invalid");
    }
    assert_status(&office.owner("DELETE", setting, Value::Null), 204);
    assert_status(
        &office.owner("PATCH", "/v1/tenant", json!({ "settings": { "security": { "access_token_minutes": 1 } } })),
        200,
    );
    assert_eq!(life(), 60);
    edge.sql("UPDATE api_key SET expires_at = '2026-03-02T10:00:20.900Z' WHERE scopes = '[\"me\"]'");
    assert_eq!(life(), 20);
    edge.app.clock.set(time("2026-03-02T10:00:10.400Z"));
    assert_eq!(life(), 10);
    edge.app.clock.set(time("2026-03-02T10:00:20.900Z"));
    assert_oauth(&exchange(edge, &key, &[]), 401, "invalid_client");
}

#[test]
fn whoever_is_gone_gets_none() {
    for (change, status, error) in [
        ("UPDATE user SET state = 'suspended'", 401, "invalid_client"),
        ("UPDATE user SET is_active = 0", 401, "invalid_client"),
        ("UPDATE user SET state = 'deleted', deleted_at = '2026-03-02T09:00:00.000Z'", 401, "invalid_client"),
        ("UPDATE api_key SET is_active = 0", 401, "invalid_client"),
        ("UPDATE api_key SET expires_at = '2026-03-02T10:00:00.000Z'", 401, "invalid_client"),
        ("DELETE FROM api_key", 401, "invalid_client"),
        ("UPDATE tenant SET status = 'suspended'", 400, "unauthorized_client"),
        ("UPDATE tenant SET status = 'deleted', deleted_at = '2026-03-02T09:00:00.000Z'", 400, "unauthorized_client"),
    ] {
        let edge = Edge::new();
        let key = edge.key_of(TENANT, Some(ANNA), None, &["document:read", "me"]);
        token(&edge, &key);
        edge.sql(change);
        assert_oauth(&exchange(&edge, &key, &[]), status, error);
    }
    let edge = Edge::new();
    let key = edge.key_of(TENANT, None, Some(BOT), &["document:archive"]);
    edge.sql("UPDATE service_account SET is_active = 0");
    let asked = [("grant_type", "client_credentials"), ("client_id", BOT), ("client_secret", key.expose())];
    assert_oauth(&edge.send(form("/v1/token", &asked)), 401, "invalid_client");
}

/// Else whoever has one for a minute has one for ever.
#[test]
fn a_token_is_not_exchanged_for_another() {
    let edge = Edge::new();
    let key = edge.key_of(TENANT, None, Some(BOT), &["document:archive"]);
    let token = token(&edge, &key);
    assert_oauth(&edge.send(bearer(form("/v1/token", &[("grant_type", EXCHANGE)]), &token)), 401, "invalid_client");
    let subject = [("grant_type", EXCHANGE), ("subject_token", &token), ("subject_token_type", API_KEY)];
    assert_oauth(&edge.send(form("/v1/token", &subject)), 400, "invalid_request");
    let client = [("grant_type", "client_credentials"), ("client_id", BOT), ("client_secret", &token)];
    assert_oauth(&edge.send(form("/v1/token", &client)), 401, "invalid_client");
}

#[test]
fn a_key_of_the_tenant_alone_gets_a_token_that_acts_for_nobody() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let claims = read(&edge, &token(&edge, &key));
    assert_eq!((claims.subject.as_str(), claims.subject_type), (TENANT, SubjectType::Tenant));
    assert_eq!(claims.scopes, ["access:evaluate"]);
}

/// The issuer is the tenant's own origin, and whoever asks at another tenant's gets nothing.
#[test]
fn a_tenant_issues_at_its_own_origin() {
    let mut edge = Edge::with(&[
        ("FRESHNESS_SECONDS", "0"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("DATA_KEY", &"cd".repeat(32)),
        ("BASE_DOMAIN", ""),
    ]);
    edge.seed(&other());
    let key = edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let at = |edge: &Edge, origin: &str| {
        let mut request = bearer(form("/v1/token", &[("grant_type", EXCHANGE)]), key.expose());
        request.origin = origin.to_owned();
        edge.send(request)
    };
    let issuer = |edge: &Edge, origin: &str| {
        let token = taken(&at(edge, origin));
        let payload = token.split('.').nth(1).unwrap();
        let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(claims["iss"], claims["aud"]);
        claims["iss"].as_str().unwrap().to_owned()
    };
    assert_eq!(issuer(&edge, "https://pdp.example"), "https://pdp.example/acme");
    let with = |local: &'static str| {
        configuration(&[
            ("FRESHNESS_SECONDS", "0"),
            ("SNAPSHOT_KEY", &"ab".repeat(32)),
            ("DATA_KEY", &"cd".repeat(32)),
            ("BASE_DOMAIN", "id.example"),
            ("LOCAL", local),
        ])
    };
    edge.app.config = with("0");
    for origin in ["https://id.example", "https://acme.id.example", "https://elsewhere.example"] {
        assert_eq!(issuer(&edge, origin), "https://acme.id.example");
    }
    assert_oauth(&at(&edge, "https://other.id.example"), 401, "invalid_client");
    edge.app.config = with("1");
    assert_eq!(issuer(&edge, "http://id.example:8787"), "http://acme.id.example:8787");
    edge.app.config = with("0");
    edge.sql("UPDATE tenant SET domain = 'login.acme.example' WHERE slug = 'acme'");
    for origin in ["https://id.example", "https://acme.id.example", "https://login.acme.example"] {
        assert_eq!(issuer(&edge, origin), "https://login.acme.example");
    }
    edge.sql("UPDATE tenant SET domain = 'login.other.example' WHERE slug = 'other'");
    assert_oauth(&at(&edge, "https://login.other.example"), 401, "invalid_client");
}

#[test]
fn what_is_missing_gives_no_token() {
    let mut edge = Edge::new();
    let key = edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    edge.app.db.fail(true);
    let response = exchange(&edge, &key, &[]);
    assert_oauth(&response, 503, "temporarily_unavailable");
    assert_eq!(response.header("retry-after"), Some("1"));
    edge.app.db.fail(false);
    let data_key = edge.app.config.clone();
    edge.app.config = configuration(&[("FRESHNESS_SECONDS", "0"), ("SNAPSHOT_KEY", &"ab".repeat(32))]);
    assert_oauth(&exchange(&edge, &key, &[]), 503, "temporarily_unavailable");
    assert_eq!(edge.app.db.count("token_key"), Some(0));
    edge.app.config = data_key;
    token(&edge, &key);
    // A key that was swapped in the table does not open; nor is one used whose secret an export left out.
    edge.sql("UPDATE token_key SET id = '01980000-0000-7000-8000-0000000000aa'");
    assert_oauth(&exchange(&edge, &key, &[]), 503, "temporarily_unavailable");
    edge.sql("UPDATE token_key SET private_key = NULL");
    assert_oauth(&exchange(&edge, &key, &[]), 503, "temporarily_unavailable");
}

#[test]
fn an_address_that_tries_too_often_waits() {
    let mut edge = Edge::new();
    edge.app.config =
        configuration(&[("FRESHNESS_SECONDS", "0"), ("SNAPSHOT_KEY", &"ab".repeat(32)), ("STRANGER_RATE_LIMIT", "3")]);
    let try_once = || {
        let unknown = ApiKeyToken::from_random(parapet_worker::platform::random::bytes().unwrap());
        let mut request = basic(form("/v1/token", &[("grant_type", "client_credentials")]), BOT, unknown.expose());
        request.headers.insert("cf-connecting-ip".to_owned(), "192.0.2.7".to_owned());
        edge.send(request)
    };
    for _ in 0..3 {
        assert_oauth(&try_once(), 401, "invalid_client");
    }
    let response = try_once();
    assert_oauth(&response, 429, "temporarily_unavailable");
    assert_eq!(response.header("retry-after"), Some("60"));
}

/// Pages of origins that the tenant names may read the answer.
#[test]
fn a_page_of_a_named_origin_may_ask() {
    let office: Office = office();
    let origins = json!({ "value": ["https://app.example"] });
    assert_status(&office.owner("PUT", "/v1/tenant-settings/security/cors_origins", origins), 201);
    let key = office.edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let subject = [("grant_type", EXCHANGE), ("subject_token", key.expose()), ("subject_token_type", API_KEY)];
    for request in [form("/v1/token", &subject), bearer(form("/v1/token", &subject[..1]), key.expose())] {
        let mut request = request;
        request.headers.insert("origin".to_owned(), "https://app.example".to_owned());
        let response = office.edge.send(request);
        assert_eq!(response.header("access-control-allow-origin"), Some("https://app.example"));
    }
}

/// Who is signed in gets a token that says how they showed who they are, and ends with the session.
#[test]
fn a_session_is_exchanged_by_its_cookie_or_its_token() {
    use super::sign_in::{Browser, HOST, PASSWORD, edge};
    let edge = edge();
    let mut browser = Browser::default();
    browser.sign_in(&edge, "anna", PASSWORD);
    let token = browser.cookies.iter().find(|(name, _)| name == "__Host-session").unwrap().1.clone();
    let cookie = format!("__Host-session={token}");
    let by = |parameters: &[(&str, &str)], headers: &[(&str, &str)]| {
        let mut request = form("/v1/token", parameters);
        request.origin = HOST.to_owned();
        request.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        edge.send(request)
    };
    let exchange = ("grant_type", EXCHANGE);
    let subject = ("subject_token", token.as_str());
    let session = ("subject_token_type", "urn:parapet:token-type:session");
    let bearer = format!("Bearer {token}");
    for response in [
        by(&[exchange], &[("cookie", &cookie), ("origin", HOST)]),
        by(&[exchange], &[("authorization", &bearer)]),
        by(&[exchange, subject, session], &[]),
    ] {
        let token = taken(&response);
        let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!((&claims["sub"], &claims["amr"]), (&json!(ANNA), &json!(["pwd"])));
        assert!(claims["sid"].is_string() && claims["auth_time"].is_number(), "{claims:#}");
    }
    // Another site's page gets none, and neither does who says it is something else.
    assert_eq!(by(&[exchange], &[("cookie", &cookie), ("origin", "https://evil.example")]).status, 403);
    let key = ("subject_token_type", "urn:parapet:token-type:api_key");
    assert_eq!(by(&[exchange, subject, key], &[]).status, 400);
    browser.send(&edge, "POST", "/v1/auth/sign-out", None);
    assert_eq!(by(&[exchange], &[("authorization", &bearer)]).status, 401);
}
