//! What is said of access tokens: how they are got, asked about and ended, and the keys that sign them.

use parapet::model::TokenKey;
use parapet::token::SubjectType;
use serde_json::{Map, Value, json};

use super::about::{About, JSON};
use super::schemas::Schemas;
use super::table::list;
use crate::login::token::{API_KEY, CLIENT_CREDENTIALS, JWT_BEARER, ROLES, ROLES_SCOPE, TOKEN_EXCHANGE};

const TAG: &str = "Tokens";

/// As OAuth's parameters are sent; JSON is taken as well.
const FORM: &str = "application/x-www-form-urlencoded";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let mut all = vec![grant(schemas), introspect(schemas), revoke(schemas), list::<TokenKey>(schemas, TAG)];
    all.push(rotate(schemas));
    all.extend(keys(schemas));
    all
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

fn grant(schemas: &mut Schemas) -> About {
    let properties = json!({
        "grant_type": { "enum": [CLIENT_CREDENTIALS, TOKEN_EXCHANGE], "description": "A service account's, or what is exchanged." },
        "scope": text(&format!("Scopes of the credential with spaces between; all of them where nothing is said. `{ROLES}` puts the names of the roles into the token, and needs a key with `{ROLES_SCOPE}`.")),
        "audience": { "type": "string", "maxLength": 255, "description": "For whom the token is to be; the tenant's own API where nothing is said." },
        "client_id": text("The service account's id."),
        "client_secret": text("An API key of the service account; or both by HTTP Basic."),
        "client_assertion_type": { "const": JWT_BEARER },
        "client_assertion": text("A JWT that the service account signed (RFC 7523) under a public key that is registered as an API key."),
        "subject_token": text("An API key; or it comes as the bearer token."),
        "subject_token_type": { "const": API_KEY },
    });
    let request = schemas.add("TokenRequest", object(properties, &["grant_type"]));
    let properties = json!({
        "access_token": text("A JWT (RFC 9068)."),
        "token_type": { "const": "Bearer" },
        "expires_in": { "type": "integer", "minimum": 0, "maximum": 900, "description": "Seconds." },
        "scope": text("What it may be used for."),
        "issued_token_type": { "const": "urn:ietf:params:oauth:token-type:access_token" },
    });
    let required = ["access_token", "token_type", "expires_in", "scope"];
    let answer = schemas.add("TokenResponse", object(properties, &required));
    let error = json!({
        "error": { "enum": ["invalid_client", "invalid_request", "invalid_scope", "invalid_target", "server_error",
                            "temporarily_unavailable", "unauthorized_client", "unsupported_grant_type"] },
        "error_description": text("For people."),
    });
    let error = schemas.add("OAuthError", object(error, &["error", "error_description"]));
    let refusal = |description: &str, header: Option<(&str, &str)>| {
        let headers: Map<String, Value> = header
            .map(|(name, about)| {
                let header = json!({ "description": about, "required": true, "schema": { "type": "string" } });
                (name.to_owned(), header)
            })
            .into_iter()
            .collect();
        json!({ "description": description, "headers": headers, "content": { JSON: { "schema": error } } })
    };
    let example = json!({ "grant_type": CLIENT_CREDENTIALS, "client_id": "01980000-0000-7000-8000-000000000201",
                          "client_secret": "pk_…", "scope": "document:read" });
    About::new("POST", "/v1/token", "createToken", TAG, "Get an access token")
        .describe(
            "The token endpoint of OAuth 2.0 (RFC 6749). A request brings one credential: a service account's key as its client secret, an assertion that it signed, or any API key, as the bearer or as `subject_token` (RFC 8693). The token says no more than the credential may and its owner holds, and ends with it.",
        )
        .takes_as(&[FORM, JSON], request, example)
        .gives(answer, "The token.")
        .answer(400, refusal("It is not well formed, or is not given.", None))
        .answer(401, refusal("The client did not show who it is.", Some(("WWW-Authenticate", "By which scheme it would."))))
        .answer(413, refusal("The body is longer than 32 KiB.", None))
        .answer(415, refusal("The body is of another media type.", None))
        .answer(429, refusal("There were too many requests.", Some(("Retry-After", "Seconds."))))
        .answer(500, refusal("A fault of ours.", None))
        .answer(503, refusal("What the answer needs is missing.", Some(("Retry-After", "Seconds."))))
}

/// A request about one token.
fn of_token(schemas: &mut Schemas, about: About) -> About {
    let properties = json!({
        "token": text("An access token."),
        "token_type_hint": text("Passed over: there is one type."),
    });
    let request = schemas.add("TokenOf", object(properties, &["token"]));
    about.takes_as(&[FORM, JSON], request, json!({ "token": "eyJ…" }))
}

fn introspect(schemas: &mut Schemas) -> About {
    let integer = |description: &str| json!({ "type": "integer", "description": description });
    let uuid = |description: &str| json!({ "type": "string", "format": "uuid", "description": description });
    let texts =
        |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
    let properties = json!({
        "active": { "type": "boolean", "description": "Whether it counts now. Of what does not, nothing more is said." },
        "token_type": { "const": "Bearer" },
        "iss": text("Who issued it: the tenant's own origin."),
        "sub": text("Whose it is."),
        "subject_type": { "enum": SubjectType::WORDS },
        "aud": text("For whom it is."),
        "client_id": text("Who asked for it."),
        "iat": integer("When it was issued, in seconds since 1970."),
        "nbf": integer("From when it is good."),
        "exp": integer("When it ends."),
        "jti": uuid("The token itself."),
        "tenant": uuid("The tenant."),
        "scope": text("What it may be used for."),
        "api_key_id": uuid("The key that it was got by."),
        "sid": uuid("The session that it was got by."),
        "auth_time": integer("When that session's user last proved who they are."),
        "amr": texts("By which methods (RFC 8176)."),
        "roles": texts("The roles in force when it was issued, where they were asked for."),
    });
    let mut answer = object(properties, &["active"]);
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("additionalProperties".to_owned(), json!(false));
    }
    let answer = schemas.add("TokenIntrospection", answer);
    let about = About::new("POST", "/v1/token/introspect", "introspectToken", TAG, "Ask whether a token counts")
        .describe("RFC 7662. A token that was revoked, has ended or is another tenant's is as inactive as one that never was, and so is one whose key, session or owner is gone.");
    of_token(schemas, about).gives(answer, "Whether it counts, and what it says.")
}

fn revoke(schemas: &mut Schemas) -> About {
    let about = About::new("POST", "/v1/token/revoke", "revokeToken", TAG, "End a token before its time")
        .describe("RFC 7009. It counts no more here and for whoever asks; whoever only verifies the signature takes it until its end.");
    of_token(schemas, about).answer(200, json!({ "description": "It does not count, whatever it was." }))
}

fn rotate(schemas: &mut Schemas) -> About {
    let row = schemas.row::<TokenKey>();
    let properties = json!({
        "at_once": { "type": "boolean", "default": false,
                     "description": "Sign with it now, and let all others and the tokens that they signed end now." },
    });
    let mut request = object(properties, &[]);
    if let Some(request) = request.as_object_mut() {
        request.insert("additionalProperties".to_owned(), json!(false));
    }
    let request = schemas.add("TokenKeyRotation", request);
    About::new("POST", "/v1/token-keys/rotate", "rotateTokenKey", TAG, "Change the key that signs tokens")
        .describe("The new key is published now and signs ten minutes later; the old one stays published until its last token has ended. The service does the same by itself every 90 days.")
        .takes(request, json!({ "at_once": false }))
        .answer(201, json!({ "description": "The new key.", "content": { JSON: { "schema": row } } }))
}

fn keys(schemas: &mut Schemas) -> Vec<About> {
    let jwk = json!({
        "type": "object",
        "properties": {
            "kty": text("`EC`"), "crv": text("`P-256`"), "alg": text("`ES256`"), "use": { "const": "sig" },
            "kid": text("As in a token's header."), "x": text("base64url"), "y": text("base64url"),
        },
        "required": ["kty", "crv", "alg", "use", "kid", "x"],
    });
    let set =
        json!({ "type": "object", "properties": { "keys": { "type": "array", "items": jwk } }, "required": ["keys"] });
    let set = schemas.add("TokenKeySet", set);
    let answer = json!({
        "description": "A JWK set (RFC 7517), the newest first; empty before the first token.",
        "content": { "application/jwk-set+json": { "schema": set } },
    });
    let about = |path, id: &str, summary: &str| {
        About::new("GET", path, id, TAG, summary)
            .describe("It may be kept for five minutes. A key is published before it signs; whoever meets a `kid` that they do not know asks again.")
            .answer(200, answer.clone())
            .refuses(404)
            .refuses(429)
            .refuses(503)
    };
    vec![
        about("/.well-known/jwks.json", "getTokenKeys", "The public keys of the host's tenant"),
        about("/.well-known/jwks.json/{slug}", "getTokenKeysOfTenant", "The public keys of a tenant").in_path(
            "slug",
            json!({ "type": "string", "pattern": "^[a-z0-9-]+$" }),
            "The tenant's slug.",
        ),
    ]
}
