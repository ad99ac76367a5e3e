//! What is said of signing in and out, and of sessions.

use serde_json::{Value, json};

use super::about::About;
use super::schemas::Schemas;
use crate::login::factor::Method;

pub(super) const TAG: &str = "Sign-in";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let sign_in = object(
        &json!({
            "identifier": { "type": "string", "description": "An e-mail address, in any case, or a username." },
            "password": { "type": "string", "writeOnly": true },
            "delivery": { "enum": ["cookie", "token"], "default": "cookie",
                          "description": "How the session comes: browsers take the cookie, programs ask for the token." },
        }),
        &["identifier", "password"],
    );
    let sign_in = schemas.add("SignIn", sign_in);
    let example = json!({ "identifier": "ann@acme.example", "password": "correct horse battery staple" });
    let step_up = object(
        &json!({
            "password": { "type": "string", "writeOnly": true },
            "delivery": { "enum": ["cookie", "token"], "default": "cookie" },
        }),
        &["password"],
    );
    let step_up = schemas.add("StepUp", step_up);
    let step = step(schemas);
    let session = session();
    let own = schemas.add("OwnSession", session.clone());
    let sessions = object(&json!({ "items": { "type": "array", "items": session, "maxItems": 1000 } }), &["items"]);
    let sessions = schemas.add("OwnSessions", sessions);
    let gone = || json!({ "description": "It has ended." });
    vec![
        About::new("POST", "/v1/auth/sign-in", "signIn", TAG, "Sign in with a password")
            .describe(
                "At the tenant's own host. A name that nobody has is refused like a wrong password, with the same answer \
                 after the same work. Tries are counted by account, address and tenant before a password is looked at, and \
                 beyond some wait twice as long each time (429).",
            )
            .takes(sign_in, example)
            .gives(step.clone(), "Signed in, or what is to come next.")
            .refuses(401)
            .refuses(403)
            .refuses(404)
            .refuses(422)
            .refuses(429)
            .refuses(500)
            .refuses(503),
        About::new("POST", "/v1/auth/step-up", "stepUp", TAG, "Prove again who one is")
            .describe("The session stays, and gets another token; the one before opens nothing any more.")
            .takes(step_up, json!({ "password": "correct horse battery staple" }))
            .gives(step, "Proved, or what is to come next.")
            .refuses(404)
            .refuses(422),
        About::new("POST", "/v1/auth/sign-out", "signOut", TAG, "End the session that this comes with")
            .answer(204, gone())
            .refuses(400)
            .refuses(404)
            .refuses(422),
        About::new("GET", "/v1/me/session", "getOwnSession", TAG, "See the session that this comes with")
            .gives(own, "The session; with the token that its pages send along with what changes something.")
            .refuses(400)
            .refuses(404),
        About::new("GET", "/v1/me/sessions", "listOwnSessions", TAG, "See where one is signed in")
            .gives(sessions.clone(), "One's sessions, the newest first.")
            .refuses(400),
        About::new("DELETE", "/v1/me/sessions/{id}", "endOwnSession", TAG, "End one of one's sessions")
            .answer(204, gone())
            .refuses(400)
            .refuses(422),
        About::new("POST", "/v1/me/sessions/end-others", "endOtherSessions", TAG, "End all of one's sessions but this")
            .answer(204, json!({ "description": "They have ended." }))
            .refuses(400)
            .refuses(422),
        About::new("GET", "/v1/users/{id}/sessions", "listUserSessions", TAG, "See where a user is signed in")
            .gives(sessions, "The user's sessions, the newest first."),
        About::new("DELETE", "/v1/users/{id}/sessions/{session_id}", "endUserSession", TAG, "End a session of a user")
            .answer(204, gone()),
    ]
}

pub(super) fn object(properties: &Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

pub(super) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn methods() -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "description": "How the user proved who they are (RFC 8176)." })
}

fn session() -> Value {
    let text = || json!({ "type": ["string", "null"] });
    let mut session = object(
        &json!({
            "id": { "type": "string", "format": "uuid" },
            "device_info": text(),
            "ip_address": text(),
            "amr": methods(),
            "auth_time": time(),
            "created_at": time(),
            "last_accessed_at": { "type": ["string", "null"], "format": "date-time" },
            "expires_at": time(),
            "is_current": { "type": "boolean", "description": "Whether this comes with it." },
            "csrf_token": { "type": "string", "description": "Of a cookie's session: for the header `X-CSRF-Token`." },
        }),
        &[],
    );
    if let Some(session) = session.as_object_mut() {
        session.insert(
            "required".to_owned(),
            json!([
                "id",
                "device_info",
                "ip_address",
                "amr",
                "auth_time",
                "created_at",
                "last_accessed_at",
                "expires_at",
                "is_current"
            ]),
        );
    }
    session
}

/// What signing in leads to.
pub(super) fn step(schemas: &mut Schemas) -> Value {
    let session = object(
        &json!({
            "id": { "type": "string", "format": "uuid" },
            "user_id": { "type": "string", "format": "uuid" },
            "amr": methods(),
            "auth_time": time(),
            "expires_at": time(),
        }),
        &["id", "user_id", "amr", "auth_time", "expires_at"],
    );
    let signed_in = object(
        &json!({
            "status": { "const": "signed_in" },
            "session": session,
            "token": { "type": "string", "description": "The session's, where `delivery` is `token`: a bearer token." },
            "csrf_token": { "type": "string", "description": "Else: for the header `X-CSRF-Token`." },
            "factor": { "type": "object", "description": "The factor that was added on the way, as `GET /v1/me/factors` has it." },
            "backup_codes": { "type": "array", "items": { "type": "string" }, "description": "Shown this once, with the first factor." },
        }),
        &["status", "session"],
    );
    let second = object(
        &json!({
            "status": { "const": "second_factor_required" },
            "flow": { "type": "string", "description": "What the next step is asked for with." },
            "methods": { "type": "array", "items": { "enum": Method::WORDS }, "description": "The preferred one first." },
            "expires_at": time(),
        }),
        &["status", "flow", "methods", "expires_at"],
    );
    let password = object(
        &json!({
            "status": { "const": "password_change_required" },
            "flow": { "type": "string", "description": "What `POST /v1/auth/password` is asked with." },
            "expires_at": time(),
        }),
        &["status", "flow", "expires_at"],
    );
    let kind = object(
        &json!({ "type": { "enum": ["totp", "sms", "email", "webauthn"] }, "strength": { "enum": ["strong", "weak"] } }),
        &["type", "strength"],
    );
    let enrolment = object(
        &json!({
            "status": { "const": "factor_enrolment_required" },
            "flow": { "type": "string", "description": "What `POST /v1/auth/enrol` is asked with." },
            "methods": { "type": "array", "items": kind, "description": "What may be added." },
            "expires_at": time(),
        }),
        &["status", "flow", "methods", "expires_at"],
    );
    schemas.add("SignInStep", json!({ "oneOf": [signed_in, second, password, enrolment] }))
}
