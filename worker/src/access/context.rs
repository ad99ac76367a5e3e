//! What a caller may say of a request's circumstances.
//!
//! `now`, `weekday`, `scopes` and `flags` are the PDP's own: who sends one believes that it counts, and must learn that
//! it does not; so it is refused rather than dropped. `ip`, `mfa` and `auth_time` are believed only from a caller who
//! holds [`SCOPE`].

use parapet::Finding;
use parapet::authzen::Attributes;

use crate::authenticate::Caller;
use crate::error::ApiError;

/// Needed to say where from and how the subject signed in.
pub const SCOPE: &str = "access:context";

const OURS: [&str; 4] = ["now", "weekday", "scopes", "flags"];
const TRUSTED: [&str; 3] = ["ip", "mfa", "auth_time"];

/// Refuses a context that the caller may not send; `place` is a JSON pointer to it.
pub fn check(context: &Attributes, caller: &Caller, place: &str) -> Result<(), ApiError> {
    let findings: Vec<Finding> = OURS
        .into_iter()
        .filter(|name| context.contains_key(*name))
        .map(|name| {
            let message = format!("`{name}` is set by the decision point alone");
            Finding::error("request", "context.reserved", message).field(format!("{place}/{name}"))
        })
        .collect();
    if let Some(first) = findings.first() {
        return Err(ApiError::Malformed { code: first.code.clone(), detail: first.message.clone(), findings });
    }
    if TRUSTED.into_iter().any(|name| context.contains_key(name)) && !caller.has_scope(SCOPE) {
        return Err(ApiError::MissingScope { scope: SCOPE });
    }
    Ok(())
}
