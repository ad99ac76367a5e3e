//! What is said of second factors and passkeys.

use serde_json::{Value, json};

use super::about::About;
use super::login::{TAG, object, time};
use super::schemas::{Schemas, refer};
use crate::login::factor::Method;

const TYPES: [&str; 4] = ["totp", "webauthn", "sms", "email"];

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let factor = factor(schemas);
    let mut said = signing_in(schemas);
    said.extend(own(schemas, &factor));
    said
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn flow() -> Value {
    text("What the step before gave.")
}

fn delivery() -> Value {
    json!({ "enum": ["cookie", "token"], "default": "cookie" })
}

fn options() -> Value {
    json!({ "type": "object", "description": "What `PublicKeyCredential.parse…OptionsFromJSON` reads (W3C Web Authentication Level 3)." })
}

fn credential() -> Value {
    json!({ "type": "object", "description": "The key's response, `PublicKeyCredential.toJSON()`." })
}

fn codes() -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "description": "Shown this once." })
}

fn factor(schemas: &mut Schemas) -> Value {
    let factor = object(
        &json!({
            "id": { "type": "string", "format": "uuid" },
            "type": { "enum": TYPES },
            "device_name": { "type": "string" },
            "strength": { "enum": ["strong", "weak"],
                          "description": "Codes that are sent are weak (NIST SP 800-63B-4, section 3.1.3)." },
            "is_primary": { "type": "boolean", "description": "Whether it is asked for first." },
            "is_passkey": { "type": "boolean", "description": "Whether it signs in by itself." },
            "address": { "type": ["string", "null"], "description": "To where codes are sent, shortened." },
            "created_at": time(),
            "last_used_at": { "type": ["string", "null"], "format": "date-time" },
        }),
        &["id", "type", "device_name", "strength", "is_primary", "is_passkey", "address", "created_at", "last_used_at"],
    );
    schemas.add("Factor", factor)
}

/// What a factor is added with: the fields, and which must be there.
fn wanted(fields: Value) -> Value {
    let mut fields = fields;
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("type".to_owned(), json!({ "enum": TYPES }));
        fields.insert("device_name".to_owned(), text("What you call it."));
        fields.insert("phone".to_owned(), text("Of `sms`: to where, as `+4915112345678`."));
        let usage = json!({ "enum": ["passkey", "second_factor"],
                            "description": "Of `webauthn`: whether it signs in by itself, or comes after a password." });
        fields.insert("usage".to_owned(), usage);
    }
    fields
}

/// What its owner needs to confirm it.
fn needs() -> Value {
    object(
        &json!({
            "flow": text("What it is confirmed with."),
            "expires_at": time(),
            "secret": text("Of `totp`: the secret in base32, for whoever types it."),
            "uri": text("Of `totp`: the address `otpauth://…`."),
            "qr_svg": { "type": ["string", "null"], "description": "The same as a QR code, SVG." },
            "options": options(),
            "sent_to": text("Of `sms` and `email`: to where a code was sent, shortened."),
        }),
        &["flow", "expires_at"],
    )
}

fn signing_in(schemas: &mut Schemas) -> Vec<About> {
    let step = refer("SignInStep");
    let method = json!({ "enum": Method::WORDS });
    let ask =
        schemas.add("SecondFactorBegin", object(&json!({ "flow": flow(), "method": method }), &["flow", "method"]));
    let asked = object(
        &json!({ "flow": flow(), "method": method, "sent_to": text("To where a code was sent, shortened."),
                 "options": options(), "expires_at": time() }),
        &["flow", "method", "expires_at"],
    );
    let asked = schemas.add("SecondFactorBegun", asked);
    let show = object(
        &json!({ "flow": flow(), "method": method, "code": { "type": "string", "writeOnly": true },
                 "credential": credential(), "delivery": delivery() }),
        &["flow", "method"],
    );
    let show = schemas.add("SecondFactor", show);
    let begun = object(
        &json!({ "flow": text("What the response comes with."), "options": options(), "expires_at": time() }),
        &["flow", "options", "expires_at"],
    );
    let begun = schemas.add("PasskeyBegun", begun);
    let passkey =
        object(&json!({ "flow": flow(), "credential": credential(), "delivery": delivery() }), &["flow", "credential"]);
    let passkey = schemas.add("Passkey", passkey);
    let enrol = object(&wanted(json!({ "flow": flow() })), &["flow", "type", "device_name"]);
    let enrol = schemas.add("Enrol", enrol);
    let needs = schemas.add("FactorNeeds", needs());
    let confirm = object(
        &json!({ "flow": flow(), "code": { "type": "string", "writeOnly": true }, "credential": credential(),
                 "delivery": delivery() }),
        &["flow"],
    );
    let confirm = schemas.add("EnrolConfirm", confirm);
    let token = "pf_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let public = |path, id: &str, summary: &str| {
        let about = About::new("POST", path, id, TAG, summary);
        [401, 403, 404, 409, 422, 429, 500, 503].into_iter().fold(about, About::refuses)
    };
    vec![
        public("/v1/auth/second-factor/begin", "beginSecondFactor", "Have a code sent, or a key asked")
            .describe("For `sms` and `email` a code is sent, so many an hour; for `webauthn` there are options for the page.")
            .takes(ask, json!({ "flow": token, "method": "webauthn" }))
            .gives(asked, "What was begun."),
        public("/v1/auth/second-factor", "showSecondFactor", "Show a second factor")
            .describe(
                "`code` of all but `webauthn`, which has `credential`. A step takes five tries, and an account so many as of \
                 passwords; whatever is wrong has one answer. Every code counts once.",
            )
            .takes(show, json!({ "flow": token, "method": "totp", "code": "123456" }))
            .gives(step.clone(), "Signed in, or what is to come next."),
        public("/v1/auth/passkey/begin", "beginPasskey", "Ask for a passkey")
            .refuses(400)
            .gives(begun.clone(), "What a page hands to the browser."),
        public("/v1/auth/passkey", "showPasskey", "Sign in with a passkey")
            .takes(passkey.clone(), json!({ "flow": token, "credential": {} }))
            .gives(step.clone(), "Signed in."),
        About::new("POST", "/v1/auth/step-up/passkey/begin", "beginStepUpPasskey", TAG, "Ask for one's passkey")
            .gives(begun, "What a page hands to the browser.")
            .refuses(400)
            .refuses(404)
            .refuses(422),
        About::new("POST", "/v1/auth/step-up/passkey", "stepUpWithPasskey", TAG, "Prove again who one is, with a passkey")
            .takes(passkey, json!({ "flow": token, "credential": {} }))
            .gives(step.clone(), "Proved.")
            .refuses(404)
            .refuses(422),
        public("/v1/auth/enrol", "beginEnrolment", "Add the factor that the tenant asks for")
            .describe("After the step `factor_enrolment_required`.")
            .takes(enrol, json!({ "flow": token, "type": "totp", "device_name": "phone" }))
            .gives(needs, "What it is confirmed with."),
        public("/v1/auth/enrol/confirm", "confirmEnrolment", "Confirm it, and sign in")
            .describe("With the first factor come `backup_codes`, beside what signing in answers.")
            .takes(confirm, json!({ "flow": token, "code": "123456" }))
            .gives(step, "Signed in, or what is to come next."),
    ]
}

fn own(schemas: &mut Schemas, factor: &Value) -> Vec<About> {
    let list = object(
        &json!({
            "items": { "type": "array", "items": factor, "maxItems": 20 },
            "backup_codes_left": { "type": "integer", "minimum": 0, "maximum": 10 },
        }),
        &["items", "backup_codes_left"],
    );
    let list = schemas.add("Factors", list);
    let add = schemas.add("FactorAdd", object(&wanted(json!({})), &["type", "device_name"]));
    let confirm = object(
        &json!({ "flow": flow(), "code": { "type": "string", "writeOnly": true }, "credential": credential() }),
        &["flow"],
    );
    let confirm = schemas.add("FactorConfirm", confirm);
    let added = schemas.add("FactorAdded", object(&json!({ "factor": factor, "backup_codes": codes() }), &["factor"]));
    let patch = object(
        &json!({ "device_name": text("What you call it."),
                 "is_primary": { "const": true, "description": "Asked for first from now on, and no other." } }),
        &[],
    );
    let patch = schemas.add("FactorPatch", patch);
    let codes = schemas.add("BackupCodes", object(&json!({ "backup_codes": codes() }), &["backup_codes"]));
    let gone = || json!({ "description": "It is gone." });
    vec![
        About::new("GET", "/v1/me/factors", "listOwnFactors", TAG, "See one's second factors")
            .gives(list.clone(), "All of them, the one first that is asked for first.")
            .refuses(400),
        About::new("POST", "/v1/me/factors", "beginOwnFactor", TAG, "Begin to add a second factor")
            .describe("Needs a recent proof of who one is. Which types there are is the tenant's setting `security/mfa_methods`.")
            .takes(add, json!({ "type": "totp", "device_name": "phone" }))
            .gives(refer("FactorNeeds"), "What it is confirmed with.")
            .refuses(404)
            .refuses(409)
            .refuses(422),
        About::new("POST", "/v1/me/factors/confirm", "confirmOwnFactor", TAG, "Confirm it by using it once")
            .takes(confirm, json!({ "flow": "pf_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "code": "123456" }))
            .gives(added, "The factor; with the first one, backup codes.")
            .refuses(404)
            .refuses(409)
            .refuses(422),
        About::new("PATCH", "/v1/me/factors/{id}", "changeOwnFactor", TAG, "Rename a second factor, or ask for it first")
            .takes(patch, json!({ "device_name": "old phone" }))
            .gives(factor.clone(), "The factor.")
            .refuses(422),
        About::new("DELETE", "/v1/me/factors/{id}", "removeOwnFactor", TAG, "Remove a second factor")
            .describe("Needs a recent proof. The last one stays where the tenant asks for one (`factor.required`).")
            .answer(204, gone())
            .refuses(400)
            .refuses(409)
            .refuses(422),
        About::new("POST", "/v1/me/backup-codes", "renewBackupCodes", TAG, "Get other backup codes")
            .describe("Needs a recent proof. Those of before are void.")
            .gives(codes, "Ten codes, each good once.")
            .refuses(400)
            .refuses(409)
            .refuses(422),
        About::new("GET", "/v1/users/{id}/factors", "listUserFactors", TAG, "See a user's second factors")
            .gives(list, "All of them."),
        About::new("DELETE", "/v1/users/{id}/factors/{factor_id}", "removeUserFactor", TAG, "Remove a user's second factor")
            .describe("For whoever has lost theirs.")
            .answer(204, gone()),
    ]
}
