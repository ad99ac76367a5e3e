//! What is said of accounts: passwords of one's own, ways back in, invitations.

use serde_json::{Value, json};

use super::about::{About, JSON, MERGE_PATCH};
use super::login::{TAG, object, step};
use super::schemas::Schemas;
use super::table::shown;

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let mut all = passwords(schemas);
    all.extend(invitations(schemas));
    all.extend(addresses(schemas));
    all.extend(profile(schemas));
    all
}

/// What those say that come without a session: all may be refused, and are counted by their address.
pub(super) fn public(about: About) -> About {
    [404, 422, 429, 500, 503].into_iter().fold(about, About::refuses)
}

pub(super) fn nothing(description: &str) -> Value {
    json!({ "description": description })
}

pub(super) fn password() -> Value {
    json!({
        "type": "string",
        "writeOnly": true,
        "description": "15 characters at least; 8 where a second factor is asked for beside it. No rules of composition; \
                        what is tried first is refused.",
    })
}

pub(super) fn token() -> Value {
    json!({ "type": "string", "writeOnly": true, "description": "What stands behind `token=` in the link that was sent." })
}

pub(super) const NEW: &str = "seven green bottles hang there";

fn passwords(schemas: &mut Schemas) -> Vec<About> {
    let change = object(
        &json!({ "current_password": { "type": "string", "writeOnly": true }, "new_password": password() }),
        &["current_password", "new_password"],
    );
    let change = schemas.add("PasswordChange", change);
    let forced = object(
        &json!({
            "flow": { "type": "string" },
            "new_password": password(),
            "delivery": { "enum": ["cookie", "token"], "default": "cookie" },
        }),
        &["flow", "new_password"],
    );
    let forced = schemas.add("ForcedPasswordChange", forced);
    let request = object(
        &json!({ "identifier": { "type": "string", "description": "An e-mail address, in any case, or a username." } }),
        &["identifier"],
    );
    let request = schemas.add("PasswordResetRequest", request);
    let confirm = object(&json!({ "token": token(), "new_password": password() }), &["token", "new_password"]);
    let confirm = schemas.add("PasswordResetConfirmation", confirm);
    let step = step(schemas);
    vec![
        About::new("POST", "/v1/me/password", "changeOwnPassword", TAG, "Change one's password")
            .describe(
                "The password of before is counted like a try to sign in. All other sessions end, and what was sent to set \
                 a new password is void.",
            )
            .takes(change, json!({ "current_password": "correct horse battery staple", "new_password": NEW }))
            .answer(204, nothing("It is changed."))
            .refuses(400)
            .refuses(422),
        public(
            About::new("POST", "/v1/auth/password", "changePasswordAtSignIn", TAG, "Set the password that must change")
                .describe("The step that signing in led to; it ends in a session.")
                .takes(forced, json!({ "flow": "pf_…", "new_password": NEW }))
                .gives(step, "Signed in.")
                .refuses(401)
                .refuses(403),
        ),
        public(
            About::new("POST", "/v1/auth/password-reset", "requestPasswordReset", TAG, "Ask for a way to a new password")
                .describe(
                    "Whether there is such an account shows neither in the answer nor in what it costs. The way is sent to \
                     the address that the account has, is good once, and for an hour at most; a newer one voids it.",
                )
                .takes(request, json!({ "identifier": "ann@acme.example" }))
                .answer(202, nothing("If there is such an account, its user is sent a link."))
                .refuses(403),
        ),
        public(
            About::new("POST", "/v1/auth/password-reset/confirm", "confirmPasswordReset", TAG, "Set a new password")
                .describe("All sessions end, and none begins: whoever has a second factor still shows it.")
                .takes(confirm, json!({ "token": "pl_…", "new_password": NEW }))
                .answer(204, nothing("It is set."))
                .refuses(401),
        ),
        About::new("POST", "/v1/users/{id}/reset-password", "resetPasswordOfUser", TAG, "Send a user a way to a new password")
            .describe("Whoever asks sees and chooses nothing of it.")
            .answer(202, nothing("The user is sent a link.")),
    ]
}

fn invitations(schemas: &mut Schemas) -> Vec<About> {
    let name = || json!({ "type": ["string", "null"], "maxLength": 255 });
    let accept = object(
        &json!({ "token": token(), "password": password(), "first_name": name(), "last_name": name() }),
        &["token", "password"],
    );
    let accept = schemas.add("InvitationAcceptance", accept);
    vec![
        About::new("POST", "/v1/users/{id}/invite", "inviteUser", TAG, "Send an invitation again")
            .describe("The links that were sent before are void.")
            .answer(202, nothing("The user is sent a link.")),
        public(
            About::new("POST", "/v1/auth/invitation/accept", "acceptInvitation", TAG, "Accept an invitation")
                .describe("The user is active from then on, with a confirmed address, and signs in.")
                .takes(accept, json!({ "token": "pl_…", "password": NEW, "first_name": "Ann" }))
                .answer(204, nothing("Accepted."))
                .refuses(401),
        ),
    ]
}

fn addresses(schemas: &mut Schemas) -> Vec<About> {
    let change = object(
        &json!({
            "new_email": { "type": "string", "description": "In any case and form: it is kept in lower case, by NFKC." },
            "current_password": { "type": "string", "writeOnly": true },
        }),
        &["new_email", "current_password"],
    );
    let change = schemas.add("EmailChange", change);
    let confirm = schemas.add("EmailConfirmation", object(&json!({ "token": token() }), &["token"]));
    let confirmed = object(
        &json!({ "status": {
            "enum": ["confirmed", "waiting"],
            "description": "`waiting`: the other address of a change has still to confirm it.",
        } }),
        &["status"],
    );
    let confirmed = schemas.add("EmailConfirmed", confirmed);
    vec![
        About::new(
            "POST",
            "/v1/me/email/verify",
            "verifyOwnEmail",
            TAG,
            "Ask for a link that confirms one's e-mail address",
        )
        .answer(202, nothing("It is sent."))
        .refuses(400)
        .refuses(409)
        .refuses(422),
        About::new("POST", "/v1/me/email", "changeOwnEmail", TAG, "Change one's e-mail address")
            .describe(
                "Both addresses are sent a link, and the change counts once both were followed. The answer is the same \
                 where the other address is somebody's already: they are told, and nothing comes of it.",
            )
            .takes(
                change,
                json!({ "new_email": "ada@acme.example", "current_password": "correct horse battery staple" }),
            )
            .answer(202, nothing("The addresses are asked."))
            .refuses(422),
        public(
            About::new("POST", "/v1/auth/email/confirm", "confirmEmail", TAG, "Confirm an e-mail address")
                .takes(confirm, json!({ "token": "pl_…" }))
                .gives(confirmed, "What it led to.")
                .refuses(401),
        ),
    ]
}

fn profile(schemas: &mut Schemas) -> Vec<About> {
    let text = || json!({ "type": ["string", "null"] });
    let time = || json!({ "type": ["string", "null"], "format": "date-time" });
    let profile = object(
        &json!({
            "id": { "type": "string", "format": "uuid" },
            "tenant_id": { "type": "string", "format": "uuid" },
            "email": { "type": "string" },
            "email_verified": { "type": "boolean" },
            "username": text(),
            "first_name": text(),
            "last_name": text(),
            "phone": text(),
            "phone_verified": { "type": "boolean" },
            "avatar_url": text(),
            "locale": { "type": ["string", "null"], "description": "The language of messages, where an attribute says it." },
            "password_changed_at": time(),
            "last_login_at": time(),
            "created_at": { "type": "string", "format": "date-time" },
        }),
        &["id", "tenant_id", "email", "email_verified", "phone_verified", "created_at"],
    );
    let profile = schemas.add("Profile", profile);
    let patch = object(
        &json!({
            "first_name": { "type": ["string", "null"], "minLength": 1, "maxLength": 255 },
            "last_name": { "type": ["string", "null"], "minLength": 1, "maxLength": 255 },
            "phone": { "type": ["string", "null"], "description": "E.164; another one is not confirmed." },
            "avatar_url": { "type": ["string", "null"], "format": "uri" },
        }),
        &[],
    );
    let patch = schemas.add("ProfilePatch", patch);
    vec![
        About::new("GET", "/v1/me", "getOwnProfile", TAG, "See who one is")
            .answer(200, shown(&profile, "What one's account says of one."))
            .refuses(400)
            .refuses(404),
        About::new("PATCH", "/v1/me", "updateOwnProfile", TAG, "Change what one says of oneself")
            .describe("What one is allowed hangs on none of it. A null takes a value away.")
            .parameter("IfMatch")
            .takes_as(&[JSON, MERGE_PATCH], patch, json!({ "last_name": "Lovelace", "phone": null }))
            .answer(200, shown(&profile, "As it is now."))
            .refuses(404)
            .refuses(412)
            .refuses(422),
    ]
}
