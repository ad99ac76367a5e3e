//! What is said of signing up, and of terms.

use serde_json::json;

use super::about::About;
use super::account::{NEW, nothing, password, public, token};
use super::login::{TAG, object, step, time};
use super::schemas::Schemas;

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let name = || json!({ "type": ["string", "null"], "maxLength": 255 });
    let terms = object(
        &json!({ "url": { "type": "string", "format": "uri" }, "version": { "type": "string" } }),
        &["url", "version"],
    );
    let terms = schemas.add("Terms", terms);
    let or_none = json!({ "anyOf": [terms, { "type": "null" }] });
    let rules = object(
        &json!({
            "mode": {
                "enum": ["closed", "invited", "domain", "open"],
                "description": "Who may make an account: nobody, who is invited, who has an address at an admitted domain, \
                                or anybody.",
            },
            "bot_check": { "type": "boolean", "description": "Whether `bot_check` must be sent." },
            "terms": or_none.clone(),
        }),
        &["mode", "bot_check", "terms"],
    );
    let rules = schemas.add("SignUpRules", rules);
    let sign_up = object(
        &json!({
            "email": { "type": "string", "description": "In any case and form: it is kept in lower case, by NFKC." },
            "password": password(),
            "first_name": name(),
            "last_name": name(),
            "accepts_terms": { "type": "boolean", "description": "Must be true where there are terms." },
            "bot_check": { "type": ["string", "null"], "description": "What the widget of the tenant's service gave." },
        }),
        &["email", "password"],
    );
    let sign_up = schemas.add("SignUp", sign_up);
    let confirm = object(
        &json!({
            "token": token(),
            "password": { "type": "string", "writeOnly": true, "description": "The one that was chosen." },
            "delivery": { "enum": ["cookie", "token"], "default": "cookie" },
        }),
        &["token", "password"],
    );
    let confirm = schemas.add("SignUpConfirmation", confirm);
    let accepted =
        object(&json!({ "version": { "type": "string" }, "accepted_at": time() }), &["version", "accepted_at"]);
    let own = object(
        &json!({
            "terms": or_none,
            "accepted": { "anyOf": [accepted, { "type": "null" }], "description": "These, else the newest that were." },
            "is_due": { "type": "boolean", "description": "Whether there are terms that one has not accepted." },
        }),
        &["terms", "accepted", "is_due"],
    );
    let own = schemas.add("OwnTerms", own);
    let accept = schemas.add("TermsAcceptance", object(&json!({ "version": { "type": "string" } }), &["version"]));
    let step = step(schemas);
    vec![
        public(
            About::new("GET", "/v1/auth/sign-up", "getSignUpRules", TAG, "See who may sign up")
                .describe("At the tenant's own host.")
                .gives(rules, "What a form asks for.")
                .refuses(400),
        ),
        public(
            About::new("POST", "/v1/auth/sign-up", "signUp", TAG, "Ask for an account")
                .describe(
                    "Whether the address has an account shows neither in the answer nor in what it costs: whoever has one is \
                     told so by mail, everybody else is sent a link, good for an hour and once; a newer one voids it. 403 \
                     `sign_up.closed` where nobody signs up, `sign_up.domain` where the address is at no admitted domain, \
                     `bot_check.refused` where the tenant's service says that no person sent it; 503 `bot_check.unavailable` \
                     where it says nothing.",
                )
                .takes(sign_up, json!({ "email": "ann@acme.example", "password": NEW, "accepts_terms": true }))
                .answer(202, nothing("Something is sent to the address."))
                .refuses(403),
        ),
        public(
            About::new("POST", "/v1/auth/sign-up/confirm", "confirmSignUp", TAG, "Make the account")
                .describe(
                    "With the link's token and the password that was chosen. The user is active, with a confirmed address and \
                     what automatic groups give, and is signed in as by a password.",
                )
                .takes(confirm, json!({ "token": "pl_…", "password": NEW }))
                .gives(step, "Signed in, or what is to come next.")
                .refuses(401)
                .refuses(403),
        ),
        About::new("GET", "/v1/me/terms", "getOwnTerms", TAG, "See whether one has accepted the terms")
            .gives(own.clone(), "The terms of today, and what one has accepted.")
            .refuses(400)
            .refuses(404),
        About::new("POST", "/v1/me/terms", "acceptTerms", TAG, "Accept the terms")
            .describe("In the version that one has seen: 409 `terms.other_version` where it is not that of today.")
            .takes(accept, json!({ "version": "2026-01" }))
            .gives(own, "As it is now.")
            .refuses(404)
            .refuses(409)
            .refuses(422),
    ]
}
